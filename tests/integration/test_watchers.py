"""Who is told of a change, and when."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
import pytest

from custom_components.lwm2m.protocol.node import Decoded
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.watchers import Watchers

if TYPE_CHECKING:
    from .boards import Show

ONE, TWO = Path(3303, 0, 5700), Path(3304, 0, 5700)


class Log:
    """Notes which watcher was called."""

    def __init__(self, watchers: Watchers) -> None:
        self.told: list[str] = []
        watchers.watch((ONE,), lambda: self.told.append("one"))
        self.unwatch = watchers.watch((ONE, TWO), lambda: self.told.append("both"))


@pytest.fixture
async def watchers() -> Watchers:
    """Nobody's watchers."""
    return Watchers(asyncio.get_running_loop())


@pytest.fixture
def log(watchers: Watchers) -> Log:
    """A watcher of one path, and one of two."""
    return Log(watchers)


def test_each_watcher_is_told_once(watchers: Watchers, log: Log) -> None:
    watchers.tell((ONE, TWO))
    assert log.told == ["one", "both"]


async def test_soon_is_after_what_is_read_now(watchers: Watchers, log: Log) -> None:
    watchers.tell_soon((TWO,))
    watchers.tell_soon((ONE,))
    assert log.told == []
    await asyncio.sleep(0)
    assert log.told == ["both", "one"]
    await asyncio.sleep(0)
    assert log.told == ["both", "one"]


async def test_nothing_goes_untold_before_it_changes_again(watchers: Watchers, log: Log) -> None:
    watchers.tell_soon((TWO,))
    watchers.tell_untold(before=(ONE,))
    assert log.told == []
    watchers.tell_untold(before=(ONE, TWO))
    assert log.told == ["both"]
    await asyncio.sleep(0)
    assert log.told == ["both"]


async def test_who_has_stopped_to_watch_is_not_told(watchers: Watchers, log: Log) -> None:
    watchers.tell_soon((ONE,))
    log.unwatch()
    await asyncio.sleep(0)
    assert log.told == ["one"]


async def test_a_watcher_that_fails_keeps_no_other_from_being_told(
    watchers: Watchers, caplog: pytest.LogCaptureFixture
) -> None:
    told = []

    def fail() -> None:
        raise RuntimeError("broken")

    watchers.watch((ONE,), fail)
    watchers.watch((ONE,), lambda: told.append(True))
    watchers.tell((ONE,))
    assert told == [True]
    assert "broken" in caplog.text


async def test_each_value_of_a_burst_becomes_a_state(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3303/0": {5700: 21.5}})
    states = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        assert event.data["new_state"]
        states.append(event.data["new_state"].state)

    async_track_state_change_event(hass, shown.entry(str(ONE)).entity_id, note)
    for value in (22.0, 22.5, 23.0):
        shown.device.async_notified(ONE.instance, [(None, Decoded({ONE: value}))])
    await hass.async_block_till_done()

    assert states == ["22.0", "22.5", "23.0"]
