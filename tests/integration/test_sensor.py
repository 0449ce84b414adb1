"""Sensors, from a board's resource to a state."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from homeassistant.const import STATE_UNKNOWN
from homeassistant.util.unit_system import METRIC_SYSTEM, US_CUSTOMARY_SYSTEM, UnitSystem
import pytest

from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from simulator.blueprint import Rows

    from .boards import Show


async def test_measurement_shows_value_unit_and_classes(show: Show) -> None:
    shown = await show({"/3303/0": {5700: 21.5, 5701: "Cel"}})
    state = shown.state("/3303/0/5700")
    assert state.state == "21.5"
    assert state.attributes["unit_of_measurement"] == "°C"
    assert state.attributes["device_class"] == "temperature"
    assert state.attributes["state_class"] == "measurement"


async def test_measurement_follows_the_board(show: Show) -> None:
    shown = await show({"/3304/0": {5700: 40.0, 5701: "%RH"}})
    assert (await shown.set("/3304/0/5700", 41.5)).state == "41.5"


async def test_unit_missing_on_the_board_is_the_objects(show: Show) -> None:
    shown = await show({"/3317/0": {5700: 0.25}})
    assert shown.state("/3317/0/5700").attributes["unit_of_measurement"] == "A"


async def test_stated_unit_wins_over_the_objects(show: Show) -> None:
    shown = await show({"/3317/0": {5700: 250.0, 5701: "mA"}})
    state = shown.state("/3317/0/5700")
    assert (state.state, state.attributes["unit_of_measurement"]) == ("250.0", "mA")
    assert state.attributes["device_class"] == "current"


async def test_unit_that_does_not_suit_the_class_costs_the_class_only(show: Show) -> None:
    shown = await show({"/3303/0": {5700: 512.0, 5701: "raw"}})
    state = shown.state("/3303/0/5700")
    assert (state.state, state.attributes["unit_of_measurement"]) == ("512.0", "raw")
    assert "device_class" not in state.attributes


async def test_meter_in_an_unknown_unit_is_shown_in_it(show: Show) -> None:
    shown = await show({"/3331/0": {5700: 7.0, 5701: "beans"}})
    state = shown.state("/3331/0/5700")
    assert (state.state, state.attributes["unit_of_measurement"]) == ("7.0", "beans")


async def test_meter_that_changes_to_an_unknown_unit_is_shown_in_it(show: Show) -> None:
    shown = await show({"/3331/0": {5700: 7.0, 5701: "Wh"}})
    state = await shown.set("/3331/0/5701", "beans", shown_by="/3331/0/5700")
    assert (state.state, state.attributes["unit_of_measurement"]) == ("7.0", "beans")


async def test_unit_that_changes_is_followed(show: Show) -> None:
    shown = await show({"/3316/0": {5700: 3.3, 5701: "V"}})

    state = await shown.set("/3316/0/5701", "foo", shown_by="/3316/0/5700")

    assert state.attributes["unit_of_measurement"] == "foo"
    assert "device_class" not in state.attributes


async def test_owner_may_see_another_unit(hass: HomeAssistant, show: Show) -> None:
    """A temperature is converted where the unit system says so."""
    hass.config.units = US_CUSTOMARY_SYSTEM
    shown = await show({"/3303/0": {5700: 20.0, 5701: "Cel"}})
    state = shown.state("/3303/0/5700")
    assert (state.state, state.attributes["unit_of_measurement"]) == ("68.0", "°F")


@pytest.mark.parametrize(
    ("units", "path", "value", "unit", "shown_as"),
    [
        (METRIC_SYSTEM, "/6/0/6", 10.0, None, (36.0, "km/h")),
        (US_CUSTOMARY_SYSTEM, "/6/0/6", 44.704, None, (100.0, "mph")),
        (METRIC_SYSTEM, "/3323/0/5700", 101_300.0, "Pa", (1013.0, "hPa")),
        (METRIC_SYSTEM, "/3323/0/5700", 220.0, "kPa", (220.0, "kPa")),
        (METRIC_SYSTEM, "/3300/0/5700", 7_200_000.0, "J", (2.0, "kWh")),
    ],
)
async def test_unit_is_one_that_the_owner_reads(
    hass: HomeAssistant,
    show: Show,
    units: UnitSystem,
    path: str,
    value: float,
    unit: str | None,
    shown_as: tuple[float, str],
) -> None:
    hass.config.units = units
    resource = Path.parse(path)
    rows: Rows = {resource.resource_id: value} | ({5701: unit} if unit else {})
    shown = await show({str(resource.instance): rows})
    state = shown.state(path)
    assert (round(float(state.state), 6), state.attributes["unit_of_measurement"]) == shown_as


@pytest.mark.parametrize(
    ("path", "unit", "name", "device_class"),
    [
        ("/3303/0/5700", "\u00baC", "board Temperature", "temperature"),
        ("/3300/0/5700", "mm/hr", "board Precipitation intensity", "precipitation_intensity"),
        ("/3346/0/5700", "mm/h", "board Rate", "precipitation_intensity"),
    ],
)
async def test_unit_in_another_spelling_keeps_name_and_class(
    show: Show, path: str, unit: str, name: str, device_class: str
) -> None:
    resource = Path.parse(path)
    shown = await show({str(resource.instance): {resource.resource_id: 4.5, 5701: unit}})
    state = shown.state(path)
    assert (state.name, state.attributes["device_class"]) == (name, device_class)


async def test_precision_is_of_the_objects_unit_only(show: Show) -> None:
    shown = await show(
        {"/3316/0": {5700: 3.3, 5701: "V"}, "/3316/1": {5700: 3300.0, 5701: "mV"}},
    )
    precisions = [
        shown.entry(path).options["sensor"]["suggested_display_precision"]
        for path in ("/3316/0/5700", "/3316/1/5700")
    ]
    assert precisions == [2, 0]


@pytest.mark.parametrize(("unit", "energy"), [("Wh", 12_345.6), ("kWh", 12.3456)])
async def test_precision_is_of_the_unit_that_is_shown(show: Show, unit: str, energy: float) -> None:
    """A plug counts small: 12.35 kWh, not 12 kWh, whatever its unit."""
    shown = await show({"/3331/0": {5700: energy, 5701: unit}})
    state = shown.state("/3331/0/5700")
    assert (float(state.state), state.attributes["unit_of_measurement"]) == (12.3456, "kWh")
    assert shown.entry("/3331/0/5700").options["sensor"]["suggested_display_precision"] == 2


async def test_power_of_a_meter_in_kilowatts_is_shown_in_watts(show: Show) -> None:
    shown = await show({"/10243/0": {4: "230.0", 5: 0.5, 6: 0.1058}})
    state = shown.state("/10243/0/6")
    assert (float(state.state), state.attributes["unit_of_measurement"]) == (105.8, "W")


@pytest.mark.parametrize(
    ("unit", "device_class", "state_class"),
    [
        ("Cel", "temperature", "measurement"),
        ("kWh", "energy", "total"),
        ("ppm", None, "measurement"),
        ("beans", None, "measurement"),
    ],
)
async def test_generic_sensor_is_what_its_unit_says(
    show: Show, unit: str, device_class: str | None, state_class: str
) -> None:
    shown = await show({"/3300/0": {5700: 7.0, 5701: unit}})
    attributes = shown.state("/3300/0/5700").attributes
    assert attributes.get("device_class") == device_class
    assert attributes["state_class"] == state_class


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_extremes_are_diagnostics_beside_their_quantity(show: Show) -> None:
    shown = await show({"/3303/0": {5700: 20.0, 5601: 18.5, 5602: 23.0}})
    lowest, highest = shown.state("/3303/0/5601"), shown.state("/3303/0/5602")
    assert (lowest.state, highest.state) == ("18.5", "23.0")
    assert lowest.name == "board Minimum temperature"
    assert shown.entry("/3303/0/5602").entity_category == "diagnostic"


async def test_extremes_are_disabled_by_default(show: Show) -> None:
    shown = await show({"/3303/0": {5700: 20.0, 5601: 18.5}})
    assert shown.entry("/3303/0/5601").disabled


async def test_power_measurement(show: Show) -> None:
    shown = await show({"/3305/0": {5800: 46.0, 5805: 1234.5, 5810: 3.0, 5815: 9.0, 5820: 0.9}})
    shows = {
        path: (state.state, state.attributes.get("unit_of_measurement"))
        for path in (5800, 5805, 5810, 5815, 5820)
        if (state := shown.state(f"/3305/0/{path}"))
    }
    assert shows == {
        5800: ("46.0", "W"),
        5805: ("1.2345", "kWh"),
        5810: ("3.0", "var"),
        5815: ("0.009", "kvarh"),
        5820: ("0.9", None),
    }


async def test_energy_counts_up(show: Show) -> None:
    """It suits the energy dashboard."""
    shown = await show({"/3331/0": {5700: 12.0, 5701: "kWh"}})
    attributes = shown.state("/3331/0/5700").attributes
    assert attributes["device_class"] == "energy"
    assert attributes["state_class"] == "total_increasing"


@pytest.mark.parametrize("path", ["/3/0/10", "/3/0/21", "/4/0/3"])
async def test_what_few_look_at_is_disabled_by_default(show: Show, path: str) -> None:
    shown = await show({"/3/0": {10: 148, 21: 512}, "/4/0": {3: 200}})
    assert shown.entry(path).disabled


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_battery_and_memory(show: Show) -> None:
    shown = await show({"/3/0": {9: 87, 10: 148, 20: 1, 21: 512}})
    assert shown.state("/3/0/9").attributes["device_class"] == "battery"
    assert [shown.state(f"/3/0/{n}").state for n in (9, 10, 20, 21)] == [
        "87",
        "148",
        "charging",
        "512",
    ]


@pytest.mark.parametrize(
    ("codes", "state"),
    [
        ({0: 0}, "none"),
        ({0: 5}, "out_of_memory"),
        ({0: 0, 1: 3}, "gps_failure"),
        ({2: 7, 1: 4}, "low_signal"),
        ({0: 17}, "device_specific"),
        ({0: 9}, STATE_UNKNOWN),
    ],
)
async def test_error_is_the_first_code_that_is_one(
    show: Show, codes: dict[int, int], state: str
) -> None:
    shown = await show({"/3/0": {11: codes}})
    assert shown.state("/3/0/11").state == state


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_connectivity(show: Show) -> None:
    shown = await show(
        {"/4/0": {0: 21, 1: {0: 21}, 2: -61, 3: 180, 4: {0: "192.0.2.17", 1: "2001:db8::17"}}},
    )
    states = [shown.state(f"/4/0/{n}").state for n in (0, 2, 3, 4)]
    assert states == ["wlan", "-61", "180", "192.0.2.17"]
    assert shown.state("/4/0/2").attributes["unit_of_measurement"] == "dBm"


async def test_counter_is_whole_and_counts_up(show: Show) -> None:
    shown = await show({"/3200/0": {5500: False, 5501: 3}})
    state = shown.state("/3200/0/5501")
    assert (state.state, state.attributes["state_class"]) == ("3", "total_increasing")


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_text_longer_than_a_state_is_cut(show: Show) -> None:
    shown = await show({"/4/0": {7: {0: "a" * 300}}})
    assert shown.state("/4/0/7").state == "a" * 255


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_time_is_a_timestamp(show: Show) -> None:
    shown = await show({"/3435/0": {10: datetime(2026, 1, 31, 13, 45, tzinfo=UTC)}})
    state = shown.state("/3435/0/10")
    assert state.state == "2026-01-31T13:45:00+00:00"
    assert state.attributes["device_class"] == "timestamp"
