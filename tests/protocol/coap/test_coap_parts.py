"""The parts that stand alone: the memory of recent things, and the self-test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap import Context
from aiocoap.messagemanager import MessageManager
import pytest

from custom_components.lwm2m.protocol.coap.recent import Recent, SharedRecent
from custom_components.lwm2m.protocol.coap.selftest import IncompatibleLibrary, check_aiocoap

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock at 0."""
    return Clock()


@pytest.fixture
def recent(clock: Clock) -> Recent[str, int]:
    """Return a memory of three entries for ten seconds."""
    return Recent(10, 3, clock)


def test_what_was_set_is_remembered(recent: Recent[str, int]) -> None:
    recent.set("a", 1)

    assert "a" in recent
    assert recent.get("a") == 1
    assert recent.get("b") is None


def test_what_is_past_its_lifetime_is_not_remembered(
    recent: Recent[str, int], clock: Clock
) -> None:
    recent.set("a", 1)
    clock.now = 10

    assert "a" not in recent
    assert recent.get("a") is None


def test_setting_again_starts_the_lifetime_again(recent: Recent[str, int], clock: Clock) -> None:
    recent.set("a", 1)
    clock.now = 5
    recent.set("a", 2)
    clock.now = 12

    assert recent.get("a") == 2


def test_the_oldest_goes_when_it_is_full(recent: Recent[str, int]) -> None:
    for key in "abcad":
        recent.set(key, 1)

    assert [key for key in "abcd" if key in recent] == ["a", "c", "d"]
    assert len(recent) == 3


def test_what_expired_leaves_as_the_next_is_set(recent: Recent[str, int], clock: Clock) -> None:
    recent.set("a", 1)
    recent.set("b", 1)
    clock.now = 10
    recent.set("c", 1)

    assert len(recent) == 1


def test_replacing_keeps_the_lifetime(recent: Recent[str, int], clock: Clock) -> None:
    recent.set("a", 1)
    clock.now = 5
    recent.replace("a", 2)
    assert recent.get("a") == 2
    clock.now = 10

    assert "a" not in recent


def test_what_is_discarded_is_not_remembered(recent: Recent[str, int]) -> None:
    recent.set("a", 1)
    recent.discard("a")
    recent.discard("b")

    assert "a" not in recent


@pytest.fixture
def fresh_check() -> Iterator[None]:
    """Let the self-test run again, in the test and after it."""
    check_aiocoap.cache_clear()
    yield
    check_aiocoap.cache_clear()


def test_this_aiocoap_is_as_expected(fresh_check: None) -> None:
    check_aiocoap()


def test_a_method_that_is_gone_is_named(fresh_check: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(MessageManager, "_retransmit")

    with pytest.raises(IncompatibleLibrary, match=r"MessageManager\._retransmit"):
        check_aiocoap()


def test_a_method_with_other_parameters_is_named(
    fresh_check: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Context, "render_to_pipe", lambda self, request, pipe: None)

    with pytest.raises(IncompatibleLibrary, match=r"Context\.render_to_pipe"):
        check_aiocoap()


def test_an_attribute_that_is_gone_is_named(
    fresh_check: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MessageManager, "__init__", lambda self, token_manager: None)

    with pytest.raises(IncompatibleLibrary, match=r"MessageManager\._active_exchanges"):
        check_aiocoap()


@pytest.fixture
def shared(clock: Clock) -> SharedRecent[str, str, int]:
    """Return a memory of two entries for "a" and "b" each, and of three for all others."""
    return SharedRecent(
        10, lambda owner: 2 if owner else 3, lambda peer: peer if peer in "ab" else None, clock
    )


def test_an_owner_displaces_only_its_own(shared: SharedRecent[str, str, int]) -> None:
    assert [shared.set(peer, key, 1) for peer, key in ("b1", "a1", "a2", "a3")] == [
        False,
        False,
        False,
        True,
    ]

    assert (shared.get("a", "1"), shared.get("a", "3"), shared.get("b", "1")) == (None, 1, 1)


def test_all_who_own_nothing_share(shared: SharedRecent[str, str, int]) -> None:
    displaced = [shared.set(peer, peer, 1) for peer in "wxyz"]

    assert displaced == [False, False, False, True]
    assert (shared.get("w", "w"), shared.get("z", "z")) == (None, 1)


def test_what_a_peer_shared_is_found_when_it_has_become_an_owner(clock: Clock) -> None:
    owners: set[str] = set()
    shared: SharedRecent[str, str, int] = SharedRecent(
        10, lambda owner: 2, lambda peer: peer if peer in owners else None, clock
    )
    shared.set("a", "1", 1)
    owners.add("a")

    assert shared.get("a", "1") == 1
    shared.discard("a", "1")
    assert shared.get("a", "1") is None


def test_shares_of_which_all_expired_leave_as_others_are_set(
    shared: SharedRecent[str, str, int], clock: Clock
) -> None:
    shared.set("a", "1", 1)
    clock.now = 10
    shared.set("b", "1", 1)

    assert len(shared) == 1
