"""Lights: switched, dimmed and coloured over the air."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiocoap import BAD_REQUEST
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from custom_components.lwm2m.light import to_brightness, to_percent
from custom_components.lwm2m.protocol.path import Path
from simulator.errors import RefusedError
from simulator.events import EventKind

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.node import Value
    from simulator.board import Board
    from simulator.events import Event

    from .boards import Show

LIGHT = "/3311/0/5850"
DIMMER = Path(3311, 0, 5851)
COLOUR = Path(3311, 0, 5706)


@pytest.mark.parametrize(
    ("resources", "mode"),
    [
        ({}, "onoff"),
        ({5851: 40}, "brightness"),
        ({5851: 40, 5706: "#FFB46B"}, "rgb"),
        ({5706: ""}, "rgb"),
        ({5851: 40, 5706: "warm"}, "brightness"),
        ({5706: "warm"}, "onoff"),
        ({5706: "x=0.3,y=0.4"}, "xy"),
        ({5851: 40, 5706: "", 5701: "CIE xy"}, "xy"),
        ({5851: 40, 5706: "30,58,80", 5701: "HSV"}, "hs"),
        ({5851: 40, 5706: "2700 K"}, "color_temp"),
        ({5851: 40, 5706: "370", 5701: "mired"}, "color_temp"),
    ],
)
async def test_light_can_do_what_it_has_resources_for(
    show: Show, resources: dict[int, int | str], mode: str
) -> None:
    shown = await show({"/3311/0": {5850: True, **resources}})
    attributes = shown.state(LIGHT).attributes
    assert attributes["supported_color_modes"] == [mode]
    assert attributes["color_mode"] == mode


async def test_light_takes_its_resources_from_other_platforms(show: Show) -> None:
    shown = await show({"/3311/0": {5850: True, 5851: 40, 5706: "#FFB46B"}})
    assert [entry.domain for entry in shown.entries("/3311/0")] == ["light"]


async def test_light_follows_the_board(show: Show) -> None:
    shown = await show({"/3311/0": {5850: False, 5851: 40}})
    assert shown.state(LIGHT).state == STATE_OFF
    assert (await shown.set(LIGHT, True)).state == STATE_ON


async def test_light_shows_brightness_and_colour(show: Show) -> None:
    shown = await show({"/3311/0": {5850: True, 5851: 40, 5706: "#FFB46B"}})
    attributes = shown.state(LIGHT).attributes
    assert attributes["brightness"] == 102
    assert attributes["rgb_color"] == (255, 180, 107)


async def test_colour_changed_on_the_board_is_shown(show: Show) -> None:
    shown = await show({"/3311/0": {5850: True, 5851: 40, 5706: "#FFB46B"}})
    state = await shown.set(str(COLOUR), "#000102", shown_by=LIGHT)
    assert state.attributes["rgb_color"] == (0, 1, 2)


async def test_light_is_switched_on(show: Show) -> None:
    shown = await show({"/3311/0": {5850: False}})
    await shown.call("light.turn_on", LIGHT)
    assert shown.board.value(Path.parse(LIGHT)) is True
    assert shown.state(LIGHT).state == STATE_ON


async def test_light_is_switched_off(show: Show) -> None:
    shown = await show({"/3311/0": {5850: True}})
    await shown.call("light.turn_off", LIGHT)
    assert shown.board.value(Path.parse(LIGHT)) is False
    assert shown.state(LIGHT).state == STATE_OFF


async def test_brightness_is_set_before_the_light_is_switched_on(show: Show) -> None:
    """It must not flash at its former brightness."""
    shown = await show({"/3311/0": {5850: False, 5851: 100}})
    writes: list[Event] = []
    shown.board.events.subscribe(writes.append)

    await shown.call("light.turn_on", LIGHT, brightness=51)

    assert [(event.path, event.value) for event in writes if event.kind is EventKind.WRITTEN] == [
        (DIMMER, 20),
        (Path.parse(LIGHT), True),
    ]


def test_every_percentage_survives_the_way_to_a_brightness_and_back() -> None:
    percentages = list(range(1, 101))
    assert [to_percent(to_brightness(percent)) for percent in percentages] == percentages


def test_no_brightness_is_rounded_to_dark() -> None:
    assert {to_percent(brightness) for brightness in range(1, 256)} == set(range(1, 101))


@pytest.mark.parametrize(
    ("resources", "attribute", "shown_as"),
    [
        ({5706: "0.45,0.41"}, "xy_color", (0.45, 0.41)),
        ({5706: "30,58,80", 5701: "HSV"}, "hs_color", (30, 58)),
        ({5706: "2700 K"}, "color_temp_kelvin", 2700),
        ({5706: "400 mired"}, "color_temp_kelvin", 2500),
    ],
)
async def test_light_shows_the_colour_of_the_boards_space(
    show: Show, resources: dict[int, str], attribute: str, shown_as: Any
) -> None:
    shown = await show({"/3311/0": {5850: True, 5851: 40, **resources}})
    assert shown.state(LIGHT).attributes[attribute] == shown_as


@pytest.mark.parametrize(
    ("resources", "wanted", "written"),
    [
        ({5706: "0.45,0.41"}, {"xy_color": (0.3, 0.6)}, "0.3000,0.6000"),
        ({5706: "hsv(30, 58%, 80%)"}, {"hs_color": (120, 75)}, "hsv(120, 75%, 80%)"),
        ({5706: "2700 K"}, {"color_temp_kelvin": 4000}, "4000 K"),
        ({5706: "400", 5701: "mired"}, {"color_temp_kelvin": 4000}, "250"),
        ({5706: "rgb(1, 2, 3)"}, {"rgb_color": (4, 5, 6)}, "rgb(4, 5, 6)"),
    ],
)
async def test_colour_is_set_in_the_boards_space(
    show: Show, resources: dict[int, str], wanted: dict[str, Any], written: str
) -> None:
    shown = await show({"/3311/0": {5850: True, 5851: 40, **resources}})
    await shown.call("light.turn_on", LIGHT, **wanted)
    assert shown.board.value(COLOUR) == written
    assert shown.board.value(DIMMER) == 40


@pytest.mark.parametrize("colour", ["0.45,0.41", "2700 K", "400 mired", "#FFB46B", "warm"])
async def test_colour_that_nobody_asked_for_is_not_written(show: Show, colour: str) -> None:
    shown = await show({"/3311/0": {5850: False, 5851: 40, 5706: colour}})
    writes: list[Event] = []
    shown.board.events.subscribe(writes.append)
    await shown.call("light.turn_on", LIGHT, brightness=51)
    assert [event.path for event in writes if event.kind is EventKind.WRITTEN] == [
        DIMMER,
        Path.parse(LIGHT),
    ]


async def test_light_without_dimmer_is_dimmed_by_its_value(show: Show) -> None:
    shown = await show({"/3311/0": {5850: True, 5706: "hsv(30, 58%, 80%)"}})
    assert shown.state(LIGHT).attributes["brightness"] == 204

    await shown.call("light.turn_on", LIGHT, brightness=51)

    assert shown.board.value(COLOUR) == "hsv(30, 58%, 20%)"


async def test_colour_is_set_in_the_boards_form(show: Show) -> None:
    shown = await show({"/3311/0": {5850: False, 5851: 40, 5706: "255,180,107"}})
    await shown.call("light.turn_on", LIGHT, rgb_color=(1, 2, 3))
    assert shown.board.value(COLOUR) == "1,2,3"
    assert shown.board.value(DIMMER) == 40


async def test_light_without_dimmer_is_dimmed_by_its_colour(show: Show) -> None:
    shown = await show({"/3311/0": {5850: True, 5706: "#804020"}})
    attributes = shown.state(LIGHT).attributes
    assert attributes["brightness"] == 128
    assert attributes["rgb_color"] == (255, 128, 64)

    await shown.call("light.turn_on", LIGHT, brightness=64)

    assert shown.board.value(COLOUR) == "#402010"


async def test_colour_keeps_the_brightness_of_a_light_without_dimmer(show: Show) -> None:
    shown = await show({"/3311/0": {5850: True, 5706: "#804020"}})
    await shown.call("light.turn_on", LIGHT, rgb_color=(0, 0, 255))
    assert shown.board.value(COLOUR) == "#000080"


async def test_black_light_without_dimmer_can_be_made_bright(show: Show) -> None:
    shown = await show({"/3311/0": {5850: True, 5706: "#000000"}})
    await shown.call("light.turn_on", LIGHT, brightness=255)
    assert shown.board.value(COLOUR) == "#FFFFFF"


@pytest.mark.parametrize("colour", ["0.45,0.41", "2700 K"])
async def test_brightness_that_cannot_be_set_is_refused(show: Show, colour: str) -> None:
    """Home Assistant offers it for every light that has a colour."""
    shown = await show({"/3311/0": {5850: False, 5706: colour}})
    with pytest.raises(ServiceValidationError) as refusal:
        await shown.call("light.turn_on", LIGHT, brightness=20)
    assert refusal.value.translation_key == "light_without_dimmer"
    assert not shown.board.value(Path.parse(LIGHT))


async def test_light_without_a_known_state_is_unknown(show: Show) -> None:
    shown = await show({"/3311/0": {5850: True}})
    del shown.device.resources.values[Path.parse(LIGHT)]
    state = await shown.next_state(LIGHT, lambda: shown.device.watchers.tell([Path.parse(LIGHT)]))
    assert state.state == STATE_UNKNOWN


async def test_refusal_is_told_and_changes_nothing(show: Show) -> None:
    shown = await show({"/3311/0": {5850: True, 5706: "#804020"}}, check=refuse)
    with pytest.raises(HomeAssistantError, match="board"):
        await shown.call("light.turn_off", LIGHT)
    assert shown.state(LIGHT).state == STATE_ON


STRIP = "/3420/0/1"


async def test_led_light_is_on_when_it_is_not_black(show: Show) -> None:
    shown = await show({"/3420/0": {1: "#804020"}})
    state = shown.state(STRIP)
    assert (state.state, state.attributes["brightness"]) == (STATE_ON, 128)
    assert state.attributes["rgb_color"] == (255, 128, 64)
    assert (await shown.set(STRIP, "#000000")).state == STATE_OFF


async def test_led_light_is_switched_on_as_it_was(show: Show) -> None:
    shown = await show({"/3420/0": {1: "#804020"}})
    await shown.call("light.turn_off", STRIP)
    assert shown.board.value(Path.parse(STRIP)) == "#000000"
    await shown.call("light.turn_on", STRIP)
    assert shown.board.value(Path.parse(STRIP)) == "#804020"


async def test_led_light_that_nobody_saw_on_is_switched_on_white(show: Show) -> None:
    shown = await show({"/3420/0": {1: "#000000"}})
    await shown.call("light.turn_on", STRIP)
    assert shown.board.value(Path.parse(STRIP)) == "#FFFFFF"


async def test_led_light_is_coloured_and_dimmed(show: Show) -> None:
    shown = await show({"/3420/0": {1: "#804020"}})
    await shown.call("light.turn_on", STRIP, rgb_color=(0, 0, 255), brightness=51)
    assert shown.board.value(Path.parse(STRIP)) == "#000033"


async def test_led_light_of_no_colour_is_unknown(show: Show) -> None:
    shown = await show({"/3420/0": {1: "rainbow"}})
    assert shown.state(STRIP).state == STATE_UNKNOWN


def refuse(board: Board, path: Path, value: Value) -> None:
    """Take no value at all."""
    raise RefusedError(BAD_REQUEST, "not today")
