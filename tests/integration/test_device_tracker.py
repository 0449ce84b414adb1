"""Device trackers: a board's position on the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.const import STATE_HOME, STATE_NOT_HOME, STATE_UNKNOWN
import pytest

from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .boards import Show

HOME = (32.87336, -117.22743)
"""Where Home Assistant is in tests."""
LOCATION = "/6/0/0"


@pytest.mark.parametrize(
    ("instance", "rows", "version"),
    [
        ("/6/0", {0: HOME[0], 1: HOME[1], 3: 12.5}, "1.0"),
        ("/3336/0", {5514: str(HOME[0]), 5515: str(HOME[1]), 5516: "12.5"}, "1.0"),
        ("/3336/0", {6051: HOME[0], 6052: HOME[1], 6053: 12.5}, "2.0"),
    ],
)
async def test_position_is_shown(
    hass: HomeAssistant, show: Show, instance: str, rows: dict[int, Any], version: str
) -> None:
    hass.states.async_set(
        "zone.home",
        "zoning",
        {"latitude": HOME[0], "longitude": HOME[1], "radius": 100, "passive": False},
    )
    shown = await show({instance: rows}, versions={Path.parse(instance).object_id: version})
    state = shown.state(f"{instance}/{min(rows)}", "device_tracker")
    assert state.state == STATE_HOME
    assert (state.attributes["latitude"], state.attributes["longitude"]) == HOME
    assert state.attributes["gps_accuracy"] == 12.5
    assert state.attributes["source_type"] == "gps"


async def test_position_follows_the_board(show: Show) -> None:
    shown = await show({"/6/0": {0: HOME[0], 1: HOME[1]}})
    state = await shown.set(LOCATION, 48.1)
    assert state.state == STATE_NOT_HOME
    assert (state.attributes["latitude"], state.attributes["longitude"]) == (48.1, HOME[1])


@pytest.mark.parametrize("position", [(0.0, 0.0), (91.0, 0.0), (1.0, -180.5), (float("nan"), 1.0)])
async def test_no_position_is_unknown(show: Show, position: tuple[float, float]) -> None:
    shown = await show({"/6/0": {0: position[0], 1: position[1]}})
    state = shown.state(LOCATION)
    assert state.state == STATE_UNKNOWN
    assert "latitude" not in state.attributes


@pytest.mark.parametrize("text", ["", "north", "nan", "1e999"])
async def test_text_that_is_no_number_is_no_position(show: Show, text: str) -> None:
    shown = await show({"/3336/0": {5514: text, 5515: "11.5"}})
    assert shown.state("/3336/0/5514").state == STATE_UNKNOWN


async def test_accuracy_that_is_not_told_is_zero(show: Show) -> None:
    shown = await show({"/6/0": {0: HOME[0], 1: HOME[1]}})
    assert shown.state(LOCATION).attributes["gps_accuracy"] == 0


async def test_position_of_the_device_has_its_name_on_the_map(show: Show) -> None:
    shown = await show(
        {"/6/0": {0: HOME[0], 1: HOME[1]}, "/3336/0": {5514: "1", 5515: "1", 5750: "Trailer"}}
    )
    names = [shown.state(path, "device_tracker").name for path in (LOCATION, "/3336/0/5514")]
    assert names == ["board", "board Trailer"]


async def test_altitude_and_speed_are_sensors(show: Show) -> None:
    shown = await show({"/6/0": {0: HOME[0], 1: HOME[1], 2: 512.0, 6: 2.5}})
    assert shown.state("/6/0/2").state == "512.0"
    assert shown.state("/6/0/2").attributes["unit_of_measurement"] == "m"
    assert shown.state("/6/0/6").state == "9.0"
    assert shown.state("/6/0/6").attributes["unit_of_measurement"] == "km/h"


@pytest.mark.parametrize(
    ("velocity", "speed"),
    [
        ("00b40032", "50"),
        ("11b4003205", "50"),
        ("21b4012c03", "300"),
        ("31b40032050301", "50"),
        ("40b40032", STATE_UNKNOWN),
        ("00b400", STATE_UNKNOWN),
        ("", STATE_UNKNOWN),
    ],
)
@pytest.mark.parametrize("path", ["/6/0/4", "/3336/0/5517"])
async def test_velocity_is_shown_as_a_speed(
    show: Show, path: str, velocity: str, speed: str
) -> None:
    resource = Path.parse(path)
    shown = await show({str(resource.instance): {resource.resource_id: bytes.fromhex(velocity)}})
    assert shown.state(path).state == speed
    assert shown.state(path).attributes["unit_of_measurement"] == "km/h"


async def test_velocity_is_left_to_the_speed_that_the_board_states(show: Show) -> None:
    shown = await show({"/6/0": {4: bytes.fromhex("00b40032"), 6: 2.5}})
    assert [entry.unique_id.split("-")[-3:] for entry in shown.entries("/6/0")] == [
        ["0", "6", "speed"]
    ]


async def test_direction_is_an_angle(show: Show) -> None:
    shown = await show({"/3336/0": {5705: 271.5}})
    state = shown.state("/3336/0/5705")
    assert (state.state, state.attributes["unit_of_measurement"]) == ("271.5", "°")
    assert state.attributes["state_class"] == "measurement_angle"
