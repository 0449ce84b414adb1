"""Valves: opened and closed over the air."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.const import STATE_UNKNOWN
import pytest

from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from .boards import Show

VALVE = "/3425/0/3"


@pytest.mark.parametrize(
    ("resources", "state", "position"),
    [
        ({2: 0, 3: 100, 4: 0}, "closed", 0),
        ({2: 40, 3: 100, 4: 100}, "open", 40),
        ({3: 100, 4: 0}, "closed", 0),
        ({3: 60}, "open", 60),
    ],
)
async def test_valve_shows_how_far_it_is_open(
    show: Show, resources: dict[int, int], state: str, position: int
) -> None:
    shown = await show({"/3425/0": resources})
    assert shown.state(VALVE).state == state
    assert shown.state(VALVE).attributes["current_position"] == position
    assert shown.state(VALVE).attributes["device_class"] == "water"


@pytest.mark.parametrize(
    ("action", "data", "written"),
    [
        ("valve.open_valve", {}, 100),
        ("valve.close_valve", {}, 0),
        ("valve.set_valve_position", {"position": 30}, 30),
    ],
)
async def test_valve_is_commanded(
    show: Show, action: str, data: dict[str, Any], written: int
) -> None:
    shown = await show({"/3425/0": {3: 50}})
    await shown.call(action, VALVE, **data)
    assert shown.board.value(Path.parse(VALVE)) == written


async def test_command_alone_does_not_open_the_valve(show: Show) -> None:
    shown = await show({"/3425/0": {2: 0, 3: 0}})
    await shown.call("valve.open_valve", VALVE)
    assert shown.state(VALVE).state == "closed"
    assert (await shown.set("/3425/0/2", 100, shown_by=VALVE)).state == "open"


async def test_valve_of_which_nothing_is_known_is_unknown(show: Show) -> None:
    shown = await show({"/3425/0": {3: 50}})
    path = Path.parse(VALVE)
    del shown.device.resources.values[path]
    state = await shown.next_state(VALVE, lambda: shown.device.watchers.tell([path]))
    assert state.state == STATE_UNKNOWN
