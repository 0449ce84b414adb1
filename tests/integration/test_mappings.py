"""Objects as an owner sees them: one board for each kind, and what its entities show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
import pytest

from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from homeassistant.core import State

    from simulator.blueprint import Rows
    from simulator.board import Board

    from .boards import Show

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def done(board: Board, path: Path, arguments: str) -> None:
    """Do nothing but be executed."""


def facts(state: State) -> tuple[str, str, Any, Any]:
    """Return what an owner sees of a number: name, value, unit and device class."""
    attributes = state.attributes
    return (
        state.name.removeprefix("board "),
        state.state,
        attributes.get("unit_of_measurement"),
        attributes.get("device_class"),
    )


OBJECTS: dict[int, tuple[Rows, dict[int, tuple[str, str, Any, Any]]]] = {
    7: (
        {0: 2, 2: 120, 3: 340, 4: 1280},
        {
            0: ("SMS sent", "2", None, None),
            2: ("Data sent", "0.12", "MB", "data_size"),
            3: ("Data received", "0.34", "MB", "data_size"),
            4: ("Maximum message size", "1280", "B", "data_size"),
        },
    ),
    502: (
        {1: True, 3: 61.0, 7: 2.0, 6044: 80.0},
        {
            1: ("Carbon monoxide", STATE_ON, None, "carbon_monoxide"),
            3: ("Carbon monoxide", "61.0", "ppm", "carbon_monoxide"),
            7: ("Minimum carbon monoxide", "2.0", "ppm", "carbon_monoxide"),
            6044: ("Battery", "80.0", "%", "battery"),
        },
    ),
    3313: (
        {5701: "m/s2", 5702: 0.5, 5704: 9.75},
        {
            5702: ("Acceleration X", "0.5", "m/s²", None),
            5704: ("Acceleration Z", "9.75", "m/s²", None),
        },
    ),
    3314: (
        {5702: 0.000025, 5705: 270.0},
        {
            5702: ("Magnetic field X", "2.5e-05", "T", None),
            5705: ("Direction", "270.0", "°", None),
        },
    ),
    3327: ({5700: 1.25, 5701: "S/m"}, {5700: ("Conductivity", "12.5", "mS/cm", "conductivity")}),
    3332: ({5601: 10.0, 5705: 270.0}, {5601: ("Minimum direction", "10.0", "°", None)}),
    3334: (
        {5508: -0.5, 5702: 0.25},
        {
            5508: ("Minimum angular velocity X", "-0.5", "rad/s", None),
            5702: ("Angular velocity X", "0.25", "rad/s", None),
        },
    ),
    3346: ({5700: 7.5, 5701: "m/s"}, {5700: ("Rate", "7.5", "m/s", "speed")}),
    3407: (
        {6045: -90.0, 6046: True},
        {
            6045: ("Received signal", "-90.0", "dBW", None),
            6046: ("Smoke", STATE_ON, None, "smoke"),
        },
    ),
    3411: (
        {1: 55, 3: 3.75, 6: False, 8: 12},
        {
            1: ("Battery", "55", "%", "battery"),
            3: ("Battery voltage", "3.75", "V", "voltage"),
            6: ("Battery", STATE_OFF, None, "battery"),
            8: ("Battery cycles", "12", None, None),
        },
    ),
    3426: (
        {1: 7.25, 3: 0.5, 6: 1.5, 7: 0.05},
        {
            1: ("pH", "7.25", None, "ph"),
            3: ("Redox potential", "500.0", "mV", "voltage"),
            6: ("Turbidity", "1.5", "NTU", None),
            7: ("Conductivity", "0.5", "mS/cm", "conductivity"),
        },
    ),
    3427: (
        {1: 250000.0, 3: True, 5: 200000.0},
        {
            1: ("Pressure", "2.5", "bar", "pressure"),
            3: ("Leak", STATE_ON, None, "moisture"),
            5: ("Minimum pressure", "2.0", "bar", "pressure"),
        },
    ),
    3428: (
        {1: 12.0, 2: 9.0, 9: 0.07, 17: 640.0, 21: 0.5},
        {
            1: ("PM10", "12.0", "μg/m³", "pm10"),
            2: ("Average PM10 over 24 h", "9.0", "μg/m³", "pm10"),
            9: ("Sulphur dioxide", "70.0", "ppb", "sulphur_dioxide"),
            17: ("Carbon dioxide", "640.0", "ppm", "carbon_dioxide"),
            21: ("Hydrogen sulphide", "0.5", "ppm", None),
        },
    ),
    3433: (
        {1: False, 3: 48.5},
        {
            1: ("Gunshot", STATE_OFF, None, "sound"),
            3: ("Sound pressure", "48.5", "dB", "sound_pressure"),
        },
    ),
    3434: ({1: 3, 2: 41}, {1: ("People", "3", None, None), 2: ("People today", "41", None, None)}),
    3435: (
        {2: 62.5, 3: 110, 10: NOON, 21: True},
        {
            2: ("Filling level", "62.5", "%", None),
            3: ("Filling height", "110", "cm", "distance"),
            10: ("Forecast full", "2026-01-31T12:00:00+00:00", None, "timestamp"),
            21: ("Cover", STATE_ON, None, "opening"),
        },
    ),
    3446: (
        {1: 4.5, 5: 17},
        {
            1: ("Precipitation", "4.5", "mm", "precipitation"),
            5: ("Rain gauge", STATE_ON, None, "problem"),
        },
    ),
    3449: (
        {5602: 20.0, 5700: 10.0, 5705: 200.0},
        {
            5602: ("Maximum wind speed", "72.0", "km/h", "wind_speed"),
            5700: ("Wind speed", "36.0", "km/h", "wind_speed"),
            5705: ("Wind direction", "200.0", "°", "wind_direction"),
        },
    ),
    10242: (
        {4: 231.5, 16: 1.25, 34: 3.5, 41: 5120.0, 46: 400.5},
        {
            4: ("Phase 1 voltage", "231.5", "V", "voltage"),
            16: ("Phase 2 power", "1250.0", "W", "power"),
            34: ("Power", "3500.0", "W", "power"),
            41: ("Energy", "5120.0", "kWh", "energy"),
            46: ("Voltage L1-L2", "400.5", "V", "voltage"),
        },
    ),
    10257: (
        {11: {0: 0, 1: 4}, 12: 65.5, 16: 22.5, 17: 0.0005, 20: 312.75, 5802: {0: 9000.0}},
        {
            11: ("Error", STATE_ON, None, "problem"),
            12: ("Flow temperature", "65.5", "°C", "temperature"),
            16: ("Temperature difference", "22.5", "K", "temperature_delta"),
            17: ("Volume flow rate", "1.8", "m³/h", "volume_flow_rate"),
            20: ("Flow volume", "312.75", "m³", "volume"),
            5802: ("Maximum power", "9000.0", "W", "power"),
        },
    ),
    10311: ({5700: 810.0}, {5700: ("Irradiance", "810.0", "W/m²", "irradiance")}),
}


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.parametrize("object_id", OBJECTS)
async def test_object_shows(show: Show, object_id: int) -> None:
    rows, expected = OBJECTS[object_id]
    shown = await show({f"/{object_id}/0": rows})
    states = {number: facts(shown.state(f"/{object_id}/0/{number}")) for number in expected}
    assert states == expected


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_updates_of_firmware_and_software_are_told(show: Show) -> None:
    shown = await show(
        {"/5/0": {3: 1, 5: 0, 7: "1.4.3"}, "/9/0": {0: "agent", 1: "2.0", 7: 4, 9: 53, 12: True}}
    )
    states = [shown.state(f"/5/0/{number}").state for number in (3, 5, 7)]
    assert states == ["downloading", "initial", "1.4.3"]
    states = [shown.state(f"/9/0/{number}").state for number in (0, 1, 7, 9, 12)]
    assert states == ["agent", "2.0", "installed", "integrity_check_failed", STATE_ON]


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_wlan(show: Show) -> None:
    shown = await show({"/12/0": {1: True, 3: 1, 5: "Attic", 9: 6, 14: 5, 33: 4096}})
    states = [shown.state(f"/12/0/{number}").state for number in (1, 3, 5, 9, 14, 33)]
    assert states == [STATE_ON, "up", "Attic", "6", "bgn", "0.004096"]


@pytest.mark.parametrize("secret", [17, 18, 21, 22, 28])
async def test_keys_of_a_wlan_are_no_entities(show: Show, secret: int) -> None:
    shown = await show({"/12/0": {3: 1, 5: "Attic", secret: "hunter2"}})
    assert shown.entries(f"/12/0/{secret}") == []


async def test_application_data_is_shown_in_hexadecimal(show: Show) -> None:
    shown = await show({"/19/0": {0: {0: b"\x01\xfe"}}})
    assert shown.state("/19/0/0").state == "01fe"
    assert (await shown.set("/19/0/0", {0: b"\x02"})).state == "02"


async def test_unit_is_that_of_the_announced_version(show: Show) -> None:
    """Version 1 of object 3418 counts kilowatt-hours, version 2 watt-hours."""
    shown = await show({"/3418/0": {6: 1.5}})
    assert facts(shown.state("/3418/0/6"))[1:3] == ("1.5", "kWh")


async def test_unit_is_that_of_a_newer_version(show: Show) -> None:
    shown = await show({"/3418/0": {6: 1500.0}}, versions={3418: "2.0"})
    assert facts(shown.state("/3418/0/6"))[1:3] == ("1.5", "kWh")


async def test_number_in_a_text_is_a_number(show: Show) -> None:
    """Version 1 of object 10243 has the voltage as a text."""
    shown = await show({"/10243/0": {4: "230.5"}})
    assert facts(shown.state("/10243/0/4")) == ("Voltage", "230.5", "V", "voltage")


@pytest.mark.parametrize(
    ("code", "shown_as"), [(0, ("20.0", "°C")), (1, ("-6.7", "°C")), (2, ("20.0", "K"))]
)
async def test_fire_alarm_says_its_unit_of_temperature(
    show: Show, code: int, shown_as: tuple[str, str]
) -> None:
    shown = await show({"/503/0": {1: code, 3: 20.0, 16: 40.0, 25: False, 27: 400.0}})
    state = shown.state("/503/0/3")
    assert (f"{float(state.state):.1f}", state.attributes["unit_of_measurement"]) == shown_as


@pytest.mark.parametrize(("resource_id", "missing"), [(3, 65534.0), (16, 0.0), (27, 0.0)])
async def test_fire_alarm_says_that_it_has_no_value(
    show: Show, resource_id: int, missing: float
) -> None:
    values = {1: 0, 3: 20.0, 16: 40.0, 25: False, 27: 400.0, resource_id: missing}
    shown = await show({"/503/0": values})
    assert shown.state(f"/503/0/{resource_id}").state == STATE_UNKNOWN


@pytest.mark.parametrize(
    ("size", "device_class"),
    [(1e-6, "pm1"), (2.5e-6, "pm25"), (4e-6, "pm4"), (1e-5, "pm10"), (3e-5, None)],
)
async def test_particulates_are_of_their_size(
    show: Show, size: float, device_class: str | None
) -> None:
    shown = await show({"/10314/0": {5700: 8.0, 5701: "ug/m3", 6043: size}})
    state = shown.state("/10314/0/5700")
    assert facts(state)[1:] == ("8.0", "μg/m³", device_class)


async def test_bit_of_a_bitmap_is_named_by_its_description(show: Show) -> None:
    shown = await show({"/3349/0": {5910: 0b10, 5912: {0: "Pump", 4: "Heater"}}})
    pump, heater = shown.state("/3349/0/5912/0"), shown.state("/3349/0/5912/4")
    assert (pump.name, pump.state) == ("board Pump", STATE_OFF)
    assert (heater.name, heater.state) == ("board Heater", STATE_ON)


async def test_bits_follow_the_bitmap(show: Show) -> None:
    shown = await show({"/3349/0": {5910: 0, 5912: {0: "Pump"}}})
    assert (await shown.set("/3349/0/5910", 1, shown_by="/3349/0/5912/0")).state == STATE_ON


async def test_audio_clip_is_played_by_a_button(show: Show) -> None:
    shown = await show({"/3339/0": {5523: done, 5548: 40.0, 5750: "Doorbell"}})
    assert shown.state("/3339/0/5523").name == "board Doorbell"
    assert shown.state("/3339/0/5548").name == "board Doorbell level"

    await shown.call("button.press", "/3339/0/5523")

    await shown.board.executed(Path(3339, 0, 5523))


async def test_load_is_limited(show: Show) -> None:
    shown = await show({"/3310/0": {5827: 100}})
    await shown.call("number.set_value", "/3310/0/5827", value=60)
    assert shown.board.value(Path(3310, 0, 5827)) == 60


async def test_generic_actuator_is_commanded(show: Show) -> None:
    shown = await show({"/3413/0": {2: 0, 3: 0}})
    await shown.call("number.set_value", "/3413/0/3", value=60)
    assert shown.board.value(Path(3413, 0, 3)) == 60


async def test_stopwatch_is_started(show: Show) -> None:
    shown = await show({"/3350/0": {5544: 12.5, 5850: False}})
    await shown.call("switch.turn_on", "/3350/0/5850")
    assert shown.board.value(Path(3350, 0, 5850)) is True
    assert facts(shown.state("/3350/0/5544")) == ("Stopwatch time", "12.5", "s", "duration")


async def test_colour_sensor_shows_what_it_says(show: Show) -> None:
    shown = await show({"/3335/0": {5706: "#ff8000", 5750: "Belt"}})
    assert (shown.state("/3335/0/5706").name, shown.state("/3335/0/5706").state) == (
        "board Belt",
        "#ff8000",
    )
