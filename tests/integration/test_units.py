"""Units as devices write them."""

from __future__ import annotations

from typing import Any

from homeassistant.components.number import NumberDeviceClass
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.components.sensor.const import DEVICE_CLASS_UNITS
import pytest

from custom_components.lwm2m.protocol.model.registry import load_registry
from custom_components.lwm2m.units import (
    number_class,
    sensor_class,
    stated_unit,
    suits_sensor,
)

# RFC 8428 12.1 and RFC 8798 3, without units that Home Assistant has no name for.
SENML = {
    "m": "m",
    "kg": "kg",
    "g": "g",
    "s": "s",
    "A": "A",
    "K": "K",
    "Hz": "Hz",
    "Pa": "Pa",
    "J": "J",
    "W": "W",
    "V": "V",
    "Ohm": "Ω",
    "Cel": "°C",
    "lx": "lx",
    "m2": "m²",
    "m3": "m³",
    "l": "L",
    "m/s": "m/s",
    "m/s2": "m/s²",
    "m3/s": "m³/s",
    "l/s": "L/s",
    "W/m2": "W/m²",
    "bit/s": "bit/s",
    "lat": "°",
    "lon": "°",
    "pH": None,
    "dB": "dB",
    "count": None,
    "/": None,
    "%": "%",
    "%RH": "%",
    "%EL": "%",
    "B": "B",
    "VA": "VA",
    "var": "var",
    "deg": "°",
    "beat/min": "bpm",
    "ms": "ms",
    "min": "min",
    "h": "h",
    "MHz": "MHz",
    "kW": "kW",
    "kVA": "kVA",
    "kvar": "kvar",
    "Wh": "Wh",
    "kWh": "kWh",
    "varh": "varh",
    "kvarh": "kvarh",
    "Wh/km": "Wh/km",
    "KiB": "KiB",
    "GB": "GB",
    "Mbit/s": "Mbit/s",
    "B/s": "B/s",
    "MB/s": "MB/s",
    "mV": "mV",
    "mA": "mA",
    "dBm": "dBm",
    "ug/m3": "μg/m³",
    "mm/h": "mm/h",
    "ppm": "ppm",
    "/100": "%",
    "hPa": "hPa",
    "mm": "mm",
    "cm": "cm",
    "km": "km",
    "km/h": "km/h",
}
SDKS = {
    "cel": "°C",
    "CEL": "°C",
    "°C": "°C",
    "℃": "°C",
    "C": "°C",
    "degC": "°C",
    "deg C": "°C",
    "Celsius": "°C",
    "°F": "°F",
    "RH": "%",
    "%rh": "%",
    "% RH": "%",
    "percent": "%",
    "kPa": "kPa",
    "KPA": "kPa",
    "mmHg": "mmHg",
    "lux": "lx",
    "Lux": "lx",
    "Volts": "V",
    "Ampere": "A",
    "uA": "μA",
    "\u00b5A": "μA",
    "\u03bcA": "μA",
    "\u00b5g/m³": "μg/m³",
    "m/s^2": "m/s²",
    "m/s²": "m/s²",
    "VAr": "var",
    "uS/cm": "μS/cm",
    "bps": "bit/s",
    "rpm": "rpm",
    "seconds": "s",
    "dB(A)": "dBA",
}
UCUM = {"[degF]": "°F", "mm[Hg]": "mmHg", "kW.h": "kWh", "[ppm]": "ppm"}


@pytest.mark.parametrize("spellings", [SENML, SDKS, UCUM], ids=["SenML", "SDKs", "UCUM"])
def test_spellings_are_read(spellings: dict[str, str | None]) -> None:
    assert {stated: stated_unit(stated, "default") for stated in spellings} == spellings


def test_every_unit_of_home_assistant_reads_as_itself() -> None:
    units = {str(unit) for units in DEVICE_CLASS_UNITS.values() for unit in units if unit}
    assert {unit: stated_unit(unit) for unit in units} == {unit: unit for unit in units}


def test_case_that_makes_the_difference_is_kept() -> None:
    assert [stated_unit(stated) for stated in ("mW", "MW", "mw")] == ["mW", "MW", "mw"]


def test_unit_that_is_not_known_is_shown_as_it_is() -> None:
    unknown = ["S", "H", "N", "T", "S/m", "beans", "µmol/m2/s"]
    assert [stated_unit(stated, "default") for stated in unknown] == unknown


def test_padding_is_no_part_of_a_unit() -> None:
    padded = [" Cel ", "Cel\0\0\0", "\tCel\n"]
    assert {stated_unit(stated) for stated in padded} == {"°C"}


@pytest.mark.parametrize("stated", [None, "", " \0", "x" * 33, "C\x1b[31m", 5, b"Cel", {0: "Cel"}])
def test_what_is_no_unit_leaves_the_default(stated: Any) -> None:
    assert stated_unit(stated, "default") == "default"


def test_longest_unit_that_is_shown() -> None:
    assert stated_unit("x" * 32) == "x" * 32


def test_units_of_the_registry_are_known() -> None:
    """All but those for which Home Assistant has no unit of its own."""
    registry = load_registry()
    stated = {
        resource.unit
        for object_id in registry.object_ids()
        if (model := registry.get(object_id))
        for resource in model.resources.values()
        if resource.unit
    }
    known = {str(unit) for units in DEVICE_CLASS_UNITS.values() for unit in units if unit}
    known |= {"°", "Ω", "bpm", "m/s²", "None"}
    assert {unit for unit in stated if str(stated_unit(unit)) not in known} <= {
        "1/min", "Ah", "NTU", "S/m", "VAh", "dBW", "kVAh", "lm", "m/h", "mg/l", "ppt", "rad",
    }  # fmt: skip


def test_unit_that_means_one_thing_gives_a_class() -> None:
    classes = {
        "°C": SensorDeviceClass.TEMPERATURE,
        "hPa": SensorDeviceClass.PRESSURE,
        "mV": SensorDeviceClass.VOLTAGE,
        "Wh": SensorDeviceClass.ENERGY,
        "dBm": SensorDeviceClass.SIGNAL_STRENGTH,
    }
    assert {unit: sensor_class(unit) for unit in classes} == classes


def test_unit_that_means_several_things_gives_none() -> None:
    assert {sensor_class(unit) for unit in ("%", "ppm", "dB", "beans", None)} == {None}


def test_number_has_the_class_of_a_sensor() -> None:
    assert number_class("°C") is NumberDeviceClass.TEMPERATURE
    assert number_class("beans") is None


@pytest.mark.parametrize(
    ("unit", "device_class", "suits"),
    [
        ("K", SensorDeviceClass.TEMPERATURE, True),
        ("%", SensorDeviceClass.TEMPERATURE, False),
        (None, SensorDeviceClass.TEMPERATURE, False),
        (None, SensorDeviceClass.PH, True),
        ("beans", None, True),
    ],
)
def test_class_allows_some_units(
    unit: str | None, device_class: SensorDeviceClass | None, *, suits: bool
) -> None:
    assert suits_sensor(unit, device_class) is suits
