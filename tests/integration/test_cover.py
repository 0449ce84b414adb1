"""Covers: positioned, opened and closed over the air."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.const import STATE_UNKNOWN
import pytest

from custom_components.lwm2m.protocol.path import Path
from simulator.events import EventKind

if TYPE_CHECKING:
    from simulator.board import Board
    from simulator.events import Event

    from .boards import Show

POSITION = "/3337/0/5536"
LIMITS = {5519: 20.0, 5520: 70.0}


@pytest.mark.parametrize(
    ("resources", "state", "position"),
    [
        ({5536: 0.0}, "closed", 0),
        ({5536: 40.0}, "open", 40),
        ({5536: 45.0, **LIMITS}, "open", 50),
        ({5536: 20.0, **LIMITS}, "closed", 0),
        ({5536: 90.0, **LIMITS}, "open", 100),
        ({5536: 40.0, 5519: 70.0, 5520: 20.0}, "open", 40),
    ],
)
async def test_positioner_shows_its_position(
    show: Show, resources: dict[int, float], state: str, position: int
) -> None:
    shown = await show({"/3337/0": resources})
    assert shown.state(POSITION).state == state
    assert shown.state(POSITION).attributes["current_position"] == position


@pytest.mark.parametrize(
    ("action", "data", "limits", "written"),
    [
        ("cover.open_cover", {}, {}, 100),
        ("cover.close_cover", {}, {}, 0),
        ("cover.set_cover_position", {"position": 30}, {}, 30),
        ("cover.open_cover", {}, LIMITS, 70),
        ("cover.close_cover", {}, LIMITS, 20),
        ("cover.set_cover_position", {"position": 50}, LIMITS, 45),
    ],
)
async def test_positioner_is_moved(
    show: Show, action: str, data: dict[str, Any], limits: dict[int, float], written: float
) -> None:
    shown = await show({"/3337/0": {5536: 40.0, **limits}})
    await shown.call(action, POSITION, **data)
    assert shown.board.value(Path.parse(POSITION)) == written


async def test_positioner_moves_while_time_remains(show: Show) -> None:
    shown = await show({"/3337/0": {5536: 40.0, 5538: 0.0}})
    await shown.set(POSITION, 60.0)
    assert (await shown.set("/3337/0/5538", 5.0, shown_by=POSITION)).state == "opening"
    assert (await shown.set(POSITION, 50.0)).state == "closing"
    assert (await shown.set("/3337/0/5538", 0.0, shown_by=POSITION)).state == "open"


async def test_positioner_without_a_position_is_unknown(show: Show) -> None:
    shown = await show({"/3337/0": {5536: 40.0}})
    path = Path.parse(POSITION)
    del shown.device.resources.values[path]
    state = await shown.next_state(POSITION, lambda: shown.device.watchers.tell([path]))
    assert state.state == STATE_UNKNOWN


DOOR = "/10351/0/50"


def control(board: Board, path: Path, arguments: str) -> None:
    """Open or close the door as the object says."""
    board.set(path.instance / 50, arguments == "1")


async def test_door_is_opened_and_closed(show: Show) -> None:
    shown = await show({"/10351/0": {1: "Garage", 50: False, 100: control}})
    executed: list[Event] = []
    shown.board.events.subscribe(executed.append)
    assert shown.state(DOOR).state == "closed"
    assert shown.state(DOOR).attributes["device_class"] == "door"

    await shown.call("cover.open_cover", DOOR)
    await shown.next_value(Path.parse(DOOR), True)
    assert shown.state(DOOR).state == "open"

    await shown.call("cover.close_cover", DOOR)
    await shown.next_value(Path.parse(DOOR), False)
    assert shown.state(DOOR).state == "closed"
    arguments = [event.value for event in executed if event.kind is EventKind.EXECUTED]
    assert arguments == ["1", "0"]
