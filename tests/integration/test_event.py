"""Events: what somebody did to a board's buttons and switches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import callback
from homeassistant.helpers.event import async_track_state_change_event
import pytest

from custom_components.lwm2m.protocol.path import Path

from .conftest import settle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.protocol.node import Value

    from .boards import Show, Shown

BUTTON = "/3347/0"
STATE, COUNTER = 5500, 5501


class Happened(list[str]):
    """The types of the events of one entity, as they come in."""

    def __init__(self, shown: Shown, path: str) -> None:
        """Listen from now on."""
        super().__init__()
        self._shown = shown
        async_track_state_change_event(
            shown.hass, shown.entry(path, "event").entity_id, self._changed
        )

    @callback
    def _changed(self, event: Any) -> None:
        old, new = event.data["old_state"], event.data["new_state"]
        if new.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN, old.state):
            self.append(new.attributes["event_type"])

    async def report(self, instance: str, values: Mapping[int, Value]) -> None:
        """Have the board report these values at once."""
        paths = [Path.parse(instance) / resource_id for resource_id in values]
        for path, value in zip(paths, values.values(), strict=True):
            self._shown.board.set(path, value)
        await self._shown.next_value(paths[0], next(iter(values.values())))


@pytest.mark.parametrize(
    ("instance", "state", "counter", "begin", "end"),
    [
        ("/3342/0", 5500, 5501, "switched_on", "switched_off"),
        ("/3344/0", 5532, 5541, "press_start", "press_end"),
        ("/3344/0", 5533, 5542, "press_start", "press_end"),
        ("/3345/0", 5500, 5501, "press_start", "press_end"),
        ("/3347/0", 5500, 5501, "press_start", "press_end"),
    ],
)
async def test_input_begins_and_ends(
    show: Show, instance: str, state: int, counter: int, begin: str, end: str
) -> None:
    shown = await show({instance: {state: False, counter: 0}})
    happened = Happened(shown, f"{instance}/{state}")
    await happened.report(instance, {state: True, counter: 1})
    await happened.report(instance, {state: False})
    assert happened == [begin, end]


async def test_input_without_counter_is_told_by_its_state(show: Show) -> None:
    shown = await show({BUTTON: {STATE: False}})
    happened = Happened(shown, f"{BUTTON}/{STATE}")
    await happened.report(BUTTON, {STATE: True})
    await happened.report(BUTTON, {STATE: False})
    assert happened == ["press_start", "press_end"]


async def test_press_between_two_reports_is_told_by_the_counter(show: Show) -> None:
    shown = await show({BUTTON: {STATE: False, COUNTER: 3}})
    happened = Happened(shown, f"{BUTTON}/{STATE}")
    await happened.report(BUTTON, {COUNTER: 5})
    assert happened == ["press_start", "press_end", "press_start", "press_end"]


@pytest.mark.parametrize(
    "reports",
    [
        pytest.param([{STATE: True}, {COUNTER: 1}, {STATE: False}], id="the state first"),
        pytest.param([{COUNTER: 1}, {STATE: True}, {STATE: False}], id="the counter first"),
        pytest.param([{STATE: True}, {STATE: False}, {COUNTER: 1}], id="the counter at last"),
        pytest.param([{STATE: True}, {STATE: False}], id="a counter that does not count"),
    ],
)
async def test_press_in_several_reports_is_one(show: Show, reports: list[dict[int, Value]]) -> None:
    shown = await show({BUTTON: {STATE: False, COUNTER: 0}})
    happened = Happened(shown, f"{BUTTON}/{STATE}")
    for report in reports:
        await happened.report(BUTTON, report)
    assert happened == ["press_start", "press_end"]


async def test_press_after_a_reset_of_the_counter_during_one(show: Show) -> None:
    shown = await show({BUTTON: {STATE: False, COUNTER: 9}})
    happened = Happened(shown, f"{BUTTON}/{STATE}")
    for report in ({STATE: True}, {COUNTER: 0}, {STATE: False}, {STATE: True, COUNTER: 1}):
        await happened.report(BUTTON, report)
    assert happened == ["press_start", "press_end", "press_start"]


async def test_press_after_one_that_the_counter_alone_told_of(show: Show) -> None:
    shown = await show({BUTTON: {STATE: False, COUNTER: 0}})
    happened = Happened(shown, f"{BUTTON}/{STATE}")
    for report in ({COUNTER: 1}, {STATE: True}, {COUNTER: 2}, {STATE: False}):
        await happened.report(BUTTON, report)
    assert happened == ["press_start", "press_end"] * 2


async def test_press_during_a_press_ends_it_first(show: Show) -> None:
    shown = await show({BUTTON: {STATE: True, COUNTER: 3}})
    happened = Happened(shown, f"{BUTTON}/{STATE}")
    await happened.report(BUTTON, {COUNTER: 4})
    assert happened == ["press_end", "press_start"]


async def test_counter_that_jumps_is_not_followed_far(show: Show) -> None:
    shown = await show({BUTTON: {STATE: False, COUNTER: 0}})
    happened = Happened(shown, f"{BUTTON}/{STATE}")
    await happened.report(BUTTON, {COUNTER: 1_000_000})
    assert happened.count("press_start") == 10


async def test_counter_that_is_reset_is_no_press(show: Show) -> None:
    shown = await show({BUTTON: {STATE: False, COUNTER: 7}})
    happened = Happened(shown, f"{BUTTON}/{STATE}")
    await happened.report(BUTTON, {COUNTER: 0})
    assert happened == []


async def test_press_with_which_the_counter_begins_anew_is_told(show: Show) -> None:
    shown = await show({BUTTON: {STATE: False, COUNTER: 7}})
    happened = Happened(shown, f"{BUTTON}/{STATE}")
    await happened.report(BUTTON, {STATE: True, COUNTER: 1})
    assert happened == ["press_start"]


async def test_what_a_registration_finds_is_no_event(hass: HomeAssistant, show: Show) -> None:
    shown = await show({BUTTON: {STATE: False, COUNTER: 3}})
    happened = Happened(shown, f"{BUTTON}/{STATE}")
    await shown.board.stop()
    shown.board.set(Path.parse(BUTTON) / COUNTER, 4)

    await shown.board.start()
    await shown.board.registered()
    await settle(hass)

    assert shown.device.resources.values[Path.parse(BUTTON) / COUNTER] == 4
    assert happened == []


async def test_button_keeps_its_binary_sensor(show: Show) -> None:
    shown = await show({BUTTON: {STATE: True, COUNTER: 3, 5750: "Doorbell"}})
    assert {entry.domain: entry.original_name for entry in shown.entries(f"{BUTTON}/{STATE}")} == {
        "binary_sensor": "Doorbell",
        "event": "Doorbell press",
    }


async def test_event_is_unavailable_while_the_device_is_gone(
    hass: HomeAssistant, show: Show
) -> None:
    shown = await show({BUTTON: {STATE: False}})
    await shown.board.stop()
    await settle(hass)
    assert shown.state(f"{BUTTON}/{STATE}", "event").state == STATE_UNAVAILABLE
