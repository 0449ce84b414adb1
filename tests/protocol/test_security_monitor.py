"""What is told of security events, and how much of them is kept."""

from __future__ import annotations

import pytest

from custom_components.lwm2m.protocol.dtls import PskIdentity, Suspicion, Suspicious
from custom_components.lwm2m.protocol.security import (
    CredentialStore,
    PreSharedKey,
    SecurityEvent,
    SecurityEventType,
)
from custom_components.lwm2m.protocol.security_monitor import (
    BURST,
    INTERVAL,
    MAX_CLAIM,
    MAX_TALLIES,
    QUIET,
    SecurityMonitor,
)

FLOOD, REPLAY = SecurityEventType.FLOOD, SecurityEventType.REPLAY


class Watch:
    """A monitor, what it told, and its clock."""

    def __init__(self) -> None:
        self.told: list[SecurityEvent] = []
        self.now = 0.0
        self.credentials = CredentialStore()
        self.monitor = SecurityMonitor(self.credentials, self.told.append, lambda: self.now)


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_the_same_is_told_ever_more_rarely(watch: Watch) -> None:
    for _ in range(1000):
        watch.monitor.report(REPLAY, "192.0.2.1", endpoint="board")

    assert [event.count for event in watch.told] == [2**n for n in range(10)]
    assert watch.monitor.counts[REPLAY] == 1000


def test_another_endpoint_or_source_is_told_of_by_itself(watch: Watch) -> None:
    for _ in range(3):
        watch.monitor.report(REPLAY, "192.0.2.1", endpoint="board")
    watch.told.clear()

    watch.monitor.report(REPLAY, "192.0.2.1", endpoint="other")
    watch.monitor.report(REPLAY, "192.0.2.2", endpoint="board")

    assert [event.count for event in watch.told] == [1, 1]


def test_after_quiet_it_is_told_as_new(watch: Watch) -> None:
    for _ in range(3):
        watch.monitor.report(REPLAY, "192.0.2.1")
    watch.told.clear()
    watch.now += QUIET

    watch.monitor.report(REPLAY, "192.0.2.1")

    assert [event.count for event in watch.told] == [1]


def test_many_sources_are_no_flood_of_events(watch: Watch) -> None:
    for number in range(10 * BURST):
        watch.monitor.report(FLOOD, f"source {number}")

    assert len(watch.told) == BURST
    assert watch.monitor.counts[FLOOD] == 10 * BURST

    watch.now += INTERVAL
    watch.monitor.report(FLOOD, "one more")
    watch.monitor.report(FLOOD, "and another")
    assert len(watch.told) == BURST + 1


def test_a_flood_of_one_type_does_not_hide_another(watch: Watch) -> None:
    for number in range(10 * BURST):
        watch.monitor.report(FLOOD, f"source {number}")

    watch.monitor.report(REPLAY, "192.0.2.1")

    assert watch.told[-1].type is REPLAY


def test_it_counts_by_endpoint_and_by_source(watch: Watch) -> None:
    watch.monitor.report(REPLAY, "192.0.2.1", endpoint="board")
    watch.monitor.report(REPLAY, "192.0.2.2", endpoint="board")
    watch.monitor.report(FLOOD, "192.0.2.2")

    assert watch.monitor.by_endpoint == {"board": {REPLAY: 2}}
    assert watch.monitor.by_source == {"192.0.2.1": {REPLAY: 1}, "192.0.2.2": {REPLAY: 1, FLOOD: 1}}


def test_what_it_keeps_is_bounded(watch: Watch) -> None:
    watch.monitor.report(FLOOD, "first")
    for number in range(MAX_TALLIES):
        watch.monitor.report(FLOOD, f"source {number}")

    assert len(watch.monitor.by_source) == MAX_TALLIES
    assert "first" not in watch.monitor.by_source


def test_a_claim_is_printable_and_short(watch: Watch) -> None:
    watch.monitor.report(FLOOD, "192.0.2.1", claimed="\x1b[2J" + "x" * 1000)

    assert watch.told[0].claimed == "\ufffd[2J" + "x" * (MAX_CLAIM - 4)


def test_an_incident_is_of_the_endpoint_of_its_connection(watch: Watch) -> None:
    watch.credentials.put("board", PreSharedKey(b"id", b"key"))
    address = ("::ffff:192.0.2.1", 5684, 0, 0, b"local")

    watch.monitor.report_incident(Suspicious(Suspicion.BAD_MAC, address, PskIdentity(b"id")))

    assert watch.told == [SecurityEvent(SecurityEventType.BAD_MAC, "192.0.2.1", "board")]
