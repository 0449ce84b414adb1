"""Units as devices write them."""

from __future__ import annotations

from typing import Any

from homeassistant.components.number import NumberDeviceClass
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.components.sensor.const import DEVICE_CLASS_UNITS
import pytest

from custom_components.lwm2m.protocol.model.registry import load_registry
from custom_components.lwm2m.units import (
    convert,
    number_class,
    sensor_class,
    stated_unit,
    suits_sensor,
)

# RFC 8428 12.1, RFC 8798 2 and 3, and what was registered since; "C" is the exception.
SENML = {
    **{unit: unit for unit in "m kg g s A K cd mol Hz rad sr N Pa J W V S Wb T H lm lx".split()},
    **{unit: unit for unit in "Bq Gy Sv kat m/s bit bit/s dB dBW Bspl % 1/s 1/min S/m B".split()},
    **{unit: unit for unit in "VA VAs var vars J/m NTU ms min h MHz kW kVA kvar Ah Wh".split()},
    **{unit: unit for unit in "kWh varh kvarh kVAh VAh Wh/km KiB GB Mbit/s B/s MB/s".split()},
    **{unit: unit for unit in "mV mA dBm mm/h m/h ppm ppb ppt hPa mm cm km km/h".split()},
    "C": "°C",
    "F": "°F",
    "Ohm": "Ω",
    "Cel": "°C",
    "m2": "m²",
    "m3": "m³",
    "l": "L",
    "m/s2": "m/s²",
    "m3/s": "m³/s",
    "l/s": "L/s",
    "W/m2": "W/m²",
    "cd/m2": "cd/m²",
    "lat": "°",
    "lon": "°",
    "deg": "°",
    "pH": None,
    "count": None,
    "/": None,
    "beats": None,
    "%RH": "%",
    "%EL": "%",
    "/100": "%",
    "/1000": "‰",
    "EL": "s",
    "beat/min": "bpm",
    "kg/m3": "kg/m³",
    "ug/m3": "μg/m³",
    "mg/l": "mg/L",
    "ug/l": "μg/L",
    "g/l": "g/L",
}
SDKS = {
    "cel": "°C",
    "CEL": "°C",
    "°C": "°C",
    "℃": "°C",
    "C": "°C",
    "degC": "°C",
    "deg C": "°C",
    "deg_C": "°C",
    "degrees_celsius": "°C",
    "\u00baC": "°C",
    "\u00baF": "°F",
    "deg_F": "°F",
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
    "m^3": "m³",
    "W/m^2": "W/m²",
    "ug/m^3": "μg/m³",
    "m3/hr": "m³/h",
    "l/hr": "L/h",
    "mm/hr": "mm/h",
    "km/hr": "km/h",
    "kph": "km/h",
    "knots": "kn",
    "kts": "kn",
    "min-1": "1/min",
    "s-1": "1/s",
    "s^-1": "1/s",
    "lumen": "lm",
    "kWhr": "kWh",
    "kVAhr": "kVAh",
    "VAr": "var",
    "uS/cm": "μS/cm",
    "bps": "bit/s",
    "rpm": "rpm",
    "seconds": "s",
    "dB(A)": "dBA",
    "deg/s": "°/s",
    "dps": "°/s",
    "rad/s": "rad/s",
    "uT": "uT",
    "Gs": "Gs",
}
UCUM = {
    "[degF]": "°F",
    "mm[Hg]": "mmHg",
    "[in_i'Hg]": "inHg",
    "[psi]": "psi",
    "kW.h": "kWh",
    "V.A": "VA",
    "kV.A": "kVA",
    "V.A.h": "VAh",
    "VA.h": "VAh",
    "kV.A.h": "kVAh",
    "By": "B",
    "kBy": "kB",
    "KiBy": "KiB",
    "kBy/s": "kB/s",
    "{count}": None,
    "{rpm}": "rpm",
    "{people}": "people",
    "%{RH}": "%",
    "{beats}/min": "1/min",
    "B[SPL]": "Bspl",
    "[yd_i]": "yd",
    "A.h": "Ah",
    "[ppm]": "ppm",
    "[ppb]": "ppb",
    "[pH]": None,
    "[in_i]": "in",
    "[ft_i]": "ft",
    "[mi_i]/h": "mph",
    "[lb_av]": "lb",
    "[gal_us]": "gal",
    "[cft_i]": "ft³",
    "/min": "1/min",
    "dB[SPL]": "dB",
    "ucum:Cel": "°C",
    "ucum:rad/s": "rad/s",
}


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


@pytest.mark.parametrize(
    "stated", [None, "", " \0", "{}", "x" * 33, "C\x1b[31m", 5, b"Cel", {0: "Cel"}]
)
def test_what_is_no_unit_leaves_the_default(stated: Any) -> None:
    assert stated_unit(stated, "default") == "default"


def test_longest_unit_that_is_shown() -> None:
    assert stated_unit("x" * 32) == "x" * 32


# What the definitions of all objects state -> what is shown, and what the unit alone says.
REGISTRY = {
    "%": ("%", None),
    "%EL": ("%", None),
    "%RH": ("%", None),
    "/100": ("%", None),
    "1/min": ("1/min", None),
    "A": ("A", "current"),
    "Ah": ("Ah", None),
    "B": ("B", "data_size"),
    "B/s": ("B/s", "data_rate"),
    "C": ("°C", "temperature"),
    "Cel": ("°C", "temperature"),
    "GB": ("GB", "data_size"),
    "Hz": ("Hz", "frequency"),
    "K": ("K", "temperature"),
    "KB": ("kB", "data_size"),
    "KiB": ("KiB", "data_size"),
    "MB/s": ("MB/s", "data_rate"),
    "MHz": ("MHz", "frequency"),
    "Mbit/s": ("Mbit/s", "data_rate"),
    "NTU": ("NTU", None),
    "Pa": ("Pa", "pressure"),
    "S/m": ("S/m", None),
    "V": ("V", "voltage"),
    "VA": ("VA", "apparent_power"),
    "VAh": ("VAh", None),
    "W": ("W", "power"),
    "Wh": ("Wh", "energy"),
    "Wh/km": ("Wh/km", "energy_distance"),
    "Ws": ("J", "energy"),
    "bit/s": ("bit/s", "data_rate"),
    "cm": ("cm", "distance"),
    "dB": ("dB", None),
    "dBW": ("dBW", None),
    "dBm": ("dBm", "signal_strength"),
    "deg": ("°", None),
    "h": ("h", "duration"),
    "kVA": ("kVA", "apparent_power"),
    "kVAh": ("kVAh", None),
    "kW": ("kW", "power"),
    "kWh": ("kWh", "energy"),
    "km": ("km", "distance"),
    "km/h": ("km/h", "speed"),
    "kvar": ("kvar", "reactive_power"),
    "kvarh": ("kvarh", "reactive_energy"),
    "lat": ("°", None),
    "lm": ("lm", None),
    "lon": ("°", None),
    "lx": ("lx", "illuminance"),
    "m": ("m", "distance"),
    "m/h": ("m/h", None),
    "m/s": ("m/s", "speed"),
    "m2": ("m²", "area"),
    "m3": ("m³", "volume"),
    "m3/s": ("m³/s", "volume_flow_rate"),
    "mA": ("mA", "current"),
    "mV": ("mV", "voltage"),
    "mg/l": ("mg/L", None),
    "min": ("min", "duration"),
    "mm": ("mm", "distance"),
    "ms": ("ms", "duration"),
    "ppm": ("ppm", None),
    "ppt": ("ppt", None),
    "rad": ("rad", None),
    "s": ("s", "duration"),
    "ug/m3": ("μg/m³", None),
    "var": ("var", "reactive_power"),
    "varh": ("varh", "reactive_energy"),
}


def test_units_of_the_registry_are_read() -> None:
    registry = load_registry()
    stated = {
        resource.unit
        for object_id in registry.object_ids()
        for version in registry.versions(object_id)
        if (model := registry.get(object_id, version))
        for resource in model.resources.values()
        if resource.unit
    }
    read = {unit: (shown := stated_unit(unit), sensor_class(shown)) for unit in stated}
    assert read == REGISTRY


def test_unit_that_means_one_thing_gives_a_class() -> None:
    classes = {
        "°C": SensorDeviceClass.TEMPERATURE,
        "hPa": SensorDeviceClass.PRESSURE,
        "m/s": SensorDeviceClass.SPEED,
        "mm/h": SensorDeviceClass.PRECIPITATION_INTENSITY,
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
    ("unit", "device_class", "converted"),
    [
        ("W", SensorDeviceClass.POWER, ("W", None, SensorDeviceClass.POWER)),
        ("S/m", SensorDeviceClass.CONDUCTIVITY, ("mS/cm", 10, SensorDeviceClass.CONDUCTIVITY)),
        ("ppm", SensorDeviceClass.CO, ("ppm", None, SensorDeviceClass.CO)),
        (
            "ppm",
            SensorDeviceClass.SULPHUR_DIOXIDE,
            ("ppb", 1000, SensorDeviceClass.SULPHUR_DIOXIDE),
        ),
        (
            "Bspl",
            SensorDeviceClass.SOUND_PRESSURE,
            ("dB", 10, SensorDeviceClass.SOUND_PRESSURE),
        ),
        ("ppm", SensorDeviceClass.PM25, ("ppm", None, None)),
        ("beans", SensorDeviceClass.POWER, ("beans", None, None)),
        ("beans", None, ("beans", None, None)),
    ],
)
def test_class_takes_a_unit_or_converts_it_or_goes(
    unit: str, device_class: SensorDeviceClass | None, converted: tuple[Any, ...]
) -> None:
    assert convert(unit, device_class) == converted


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
