"""What belongs to actuators, and the names that some of them have in a resource of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.const import STATE_OFF, STATE_ON
import pytest

from custom_components.lwm2m.protocol.path import Path
from simulator.events import EventKind

if TYPE_CHECKING:
    from simulator.board import Board
    from simulator.events import Event

    from .boards import Show


def ignore(board: Board, path: Path, arguments: str) -> None:
    """Take the command and do nothing."""


def switch(board: Board, path: Path, arguments: str) -> None:
    """Enable or disable the camera as the object says."""
    board.set(path.instance / 2, arguments == "1")


@pytest.mark.parametrize(
    ("instance", "label", "names"),
    [
        ("/10340/0", 1, {2: "Gate"}),
        ("/10351/0", 1, {50: "Gate"}),
        ("/10359/0", 1, {100: "Gate"}),
        ("/3338/0", 5750, {5850: "Gate"}),
        ("/3339/0", 5750, {5523: "Gate", 5548: "Gate level"}),
        ("/3341/0", 5750, {5527: "Gate text", 5530: "Clear Gate"}),
        ("/3348/0", 5750, {5547: "Gate"}),
    ],
)
async def test_instance_gives_its_entities_its_name(
    show: Show, instance: str, label: int, names: dict[int, str]
) -> None:
    rows: dict[str, dict[int, Any]] = {
        "/10340/0": {2: True, 100: ignore},
        "/10351/0": {50: True, 100: ignore},
        "/10359/0": {50: True, 100: ignore},
        "/3338/0": {5850: True},
        "/3339/0": {5523: ignore, 5548: 50.0},
        "/3341/0": {5527: "", 5530: ignore},
        "/3348/0": {5547: 3},
    }
    shown = await show({instance: {label: "Gate", **rows[instance]}})
    assert {number: shown.entry(f"{instance}/{number}").original_name for number in names} == names
    assert shown.entries(f"{instance}/{label}") == []


async def test_camera_is_switched_by_execute(show: Show) -> None:
    shown = await show({"/10340/0": {1: "Yard", 2: False, 100: switch}})
    executed: list[Event] = []
    shown.board.events.subscribe(executed.append)
    camera = "/10340/0/2"
    assert shown.state(camera).state == STATE_OFF

    await shown.call("switch.turn_on", camera)
    await shown.next_value(Path.parse(camera), True)
    assert shown.state(camera).state == STATE_ON

    await shown.call("switch.turn_off", camera)
    await shown.next_value(Path.parse(camera), False)
    assert shown.state(camera).state == STATE_OFF
    arguments = [event.value for event in executed if event.kind is EventKind.EXECUTED]
    assert arguments == ["1", "0"]


async def test_door_without_a_control_is_a_binary_sensor(show: Show) -> None:
    shown = await show({"/10351/0": {1: "Gate", 50: True}})
    assert shown.entry("/10351/0/50").domain == "binary_sensor"
    assert shown.state("/10351/0/50").attributes["device_class"] == "door"


async def test_audio_clip_is_played(show: Show) -> None:
    shown = await show({"/3339/0": {5522: b"", 5523: ignore}})
    executed: list[Event] = []
    shown.board.events.subscribe(executed.append)
    await shown.call("button.press", "/3339/0/5523")
    assert [event.path for event in executed if event.kind is EventKind.EXECUTED] == [
        Path(3339, 0, 5523)
    ]


async def test_text_is_displayed(show: Show) -> None:
    shown = await show({"/3341/0": {5527: ""}})
    await shown.call("text.set_value", "/3341/0/5527", value="Hello")
    assert shown.board.value(Path(3341, 0, 5527)) == "Hello"


async def test_selector_shows_its_position(show: Show) -> None:
    shown = await show({"/3348/0": {5547: 3}})
    assert (await shown.set("/3348/0/5547", 4)).state == "4"


async def test_dimmer_is_a_level_in_percent(show: Show) -> None:
    shown = await show({"/3343/0": {5548: 30.0}})
    await shown.call("number.set_value", "/3343/0/5548", value=45)
    assert shown.board.value(Path(3343, 0, 5548)) == 45
