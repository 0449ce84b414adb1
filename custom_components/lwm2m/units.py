"""A device's unit string -> Home Assistant's unit, and the device class it suits.

No IPSO object states its unit in the model: the device does, in 5701 "Sensor
Units", and SDKs write it in many ways. Read are Home Assistant's own units,
those of SenML (RFC 8428 12.1, RFC 8798) and UCUM where they differ, and what
SDKs write besides. A definition may name UCUM in front, as 3334 does ("ucum:rad/s").
An annotation of UCUM, in braces, says nothing beside a unit; alone it says what is counted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
import unicodedata

from homeassistant.components.number import NumberDeviceClass
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.components.sensor.const import DEVICE_CLASS_UNITS as SENSOR_UNITS
from homeassistant.const import (
    DEGREE,
    LIGHT_LUX,
    REVOLUTIONS_PER_MINUTE,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    UnitOfConductivity,
    UnitOfDataRate,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfFrequency,
    UnitOfLength,
    UnitOfMass,
    UnitOfPower,
    UnitOfPressure,
    UnitOfRatio,
    UnitOfSoundPressure,
    UnitOfSpeed,
    UnitOfTemperature,
    UnitOfTime,
    UnitOfVolume,
    UnitOfVolumeFlowRate,
)

if TYPE_CHECKING:
    from .protocol.node import Value

MAX_LENGTH = 32
"""A longer text is no unit; it comes from the network and lands in every state."""

METERS_PER_SQUARE_SECOND = "m/s²"
MILLIGRAMS_PER_LITER = "mg/L"
DEGREES_PER_SECOND = "°/s"
OHM = "Ω"
LUMEN = "lm"
BEL = "Bspl"

# Home Assistant's unit, or one that it has no name for, or None for a number without one
# -> its other spellings: SenML, UCUM, then what SDKs write.
# "C" is the coulomb in SenML, and "F" the farad, but SDKs write them for degrees.
_SPELLINGS: dict[str | None, tuple[str, ...]] = {
    UnitOfTemperature.CELSIUS: ("Cel", "C", "degC", "Celsius", "degrees Celsius"),
    UnitOfTemperature.FAHRENHEIT: ("[degF]", "degF", "F", "Fahrenheit", "degrees Fahrenheit"),
    UnitOfTemperature.KELVIN: ("Kelvin",),
    UnitOfRatio.PERCENTAGE: ("/100", "%RH", "%EL", "RH", "RH%", "percent", "percentage", "pct"),
    UnitOfRatio.PARTS_PER_MILLION: ("[ppm]",),
    UnitOfRatio.PARTS_PER_BILLION: ("[ppb]",),
    LIGHT_LUX: ("lux",),
    LUMEN: ("lumen", "lumens"),
    UnitOfPressure.PA: ("Pascal", "Pascals"),
    UnitOfPressure.MMHG: ("mm[Hg]",),
    UnitOfPressure.INHG: ("[in_i'Hg]",),
    UnitOfPressure.PSI: ("[psi]",),
    UnitOfElectricPotential.VOLT: ("Volt", "Volts"),
    UnitOfElectricCurrent.AMPERE: ("Amp", "Amps", "Ampere", "Amperes"),
    UnitOfPower.WATT: ("Watt", "Watts"),
    UnitOfEnergy.JOULE: ("Ws",),
    UnitOfFrequency.HERTZ: ("Hertz",),
    UnitOfSoundPressure.DECIBEL: ("dB[SPL]",),
    BEL: ("B[SPL]",),
    UnitOfSoundPressure.WEIGHTED_DECIBEL_A: ("dB(A)",),
    UnitOfLength.METERS: ("meter", "meters", "metre", "metres"),
    UnitOfLength.INCHES: ("[in_i]",),
    UnitOfLength.FEET: ("[ft_i]",),
    UnitOfLength.YARDS: ("[yd_i]",),
    UnitOfLength.MILES: ("[mi_i]",),
    UnitOfMass.POUNDS: ("[lb_av]",),
    UnitOfMass.OUNCES: ("[oz_av]",),
    UnitOfSpeed.MILES_PER_HOUR: ("[mi_i]/h",),
    UnitOfSpeed.KILOMETERS_PER_HOUR: ("kph", "kmh"),
    UnitOfSpeed.KNOTS: ("[kn_i]", "kt", "kts", "knot", "knots"),
    UnitOfTime.SECONDS: ("EL", "sec", "second", "seconds"),
    UnitOfTime.MINUTES: ("minute", "minutes"),
    UnitOfTime.HOURS: ("hr", "hour", "hours"),
    UnitOfTime.DAYS: ("day", "days"),
    UnitOfVolume.LITERS: ("l", "liter", "liters", "litre", "litres"),
    UnitOfVolume.GALLONS: ("[gal_us]",),
    UnitOfVolume.CUBIC_FEET: ("[cft_i]",),
    UnitOfVolumeFlowRate.LITERS_PER_SECOND: ("l/s",),
    UnitOfVolumeFlowRate.LITERS_PER_MINUTE: ("l/min",),
    UnitOfVolumeFlowRate.LITERS_PER_HOUR: ("l/h",),
    UnitOfDataRate.BITS_PER_SECOND: ("bps",),
    UnitOfDataRate.KILOBITS_PER_SECOND: ("kbps",),
    UnitOfDataRate.MEGABITS_PER_SECOND: ("Mbps",),
    DEGREE: ("deg", "lat", "lon", "degree", "degrees"),
    REVOLUTIONS_PER_MINUTE: ("r/min", "rev/min"),
    METERS_PER_SQUARE_SECOND: ("m/s2", "m/s/s", "ms-2"),
    DEGREES_PER_SECOND: ("deg/s", "dps", "degrees per second"),
    MILLIGRAMS_PER_LITER: ("mg/l",),
    "μg/L": ("ug/l",),
    "g/L": ("g/l",),
    "kg/m³": ("kg/m3",),
    "cd/m²": ("cd/m2",),
    "‰": ("/1000", "[ppth]"),
    "Ah": (),
    "VAh": (),
    "kVAh": (),
    "1/s": ("/s", "s-1"),
    "1/min": ("/min", "min-1"),
    "bpm": ("beat/min",),
    OHM: ("Ohm", "Ohms"),
    None: ("1", "/", "count", "beats", "pH", "[pH]", "counts", "none"),
}


_SIGNS = str.maketrans("", "", " ._^")
_ANNOTATION = re.compile("{[^{}]*}")


def _key(text: str) -> str:
    """Fold what differs in writing only.

    Superscripts, powers and products, the two kinds of mu, and the ordinal indicator that
    stands for a degree sign.
    """
    return unicodedata.normalize("NFKC", text.replace("º", DEGREE)).translate(_SIGNS)


def _by_spelling() -> dict[str, str | None]:
    table: dict[str, str | None] = {
        _key(str(unit)): str(unit) for units in SENSOR_UNITS.values() for unit in units if unit
    }
    table |= {key.replace("μ", "u"): unit for key, unit in table.items()}
    for device_class in (SensorDeviceClass.DATA_SIZE, SensorDeviceClass.DATA_RATE):  # UCUM
        table |= {str(unit).replace("B", "By"): str(unit) for unit in SENSOR_UNITS[device_class]}
    for unit, spellings in _SPELLINGS.items():
        names = (unit, *spellings) if unit else spellings
        table |= {_key(name): str(unit) if unit else None for name in names}
    hours = ("/h", "Ah", "Wh", "varh")
    return table | {f"{key}r": unit for key, unit in table.items() if key.endswith(hours)}


def _by_folded_spelling(table: dict[str, str | None]) -> dict[str, str | None]:
    """Drop the spellings that only their case tells apart, such as mW and MW, s and S."""
    folded: dict[str, set[str | None]] = {}
    for key, unit in table.items():
        if len(key) > 1:
            folded.setdefault(key.casefold(), set()).add(unit)
    return {key: units.pop() for key, units in folded.items() if len(units) == 1}


_UNITS = _by_spelling()
_FOLDED_UNITS = _by_folded_spelling(_UNITS)

# What a number is that only its unit describes. Units that mean several things
# (%, ppm, dB) are left out.
_CLASSES = (
    SensorDeviceClass.APPARENT_POWER,
    SensorDeviceClass.AREA,
    SensorDeviceClass.CONDUCTIVITY,
    SensorDeviceClass.CURRENT,
    SensorDeviceClass.DATA_RATE,
    SensorDeviceClass.DATA_SIZE,
    SensorDeviceClass.DISTANCE,
    SensorDeviceClass.DURATION,
    SensorDeviceClass.ENERGY,
    SensorDeviceClass.ENERGY_DISTANCE,
    SensorDeviceClass.FREQUENCY,
    SensorDeviceClass.ILLUMINANCE,
    SensorDeviceClass.IRRADIANCE,
    SensorDeviceClass.POWER,
    SensorDeviceClass.PRESSURE,
    SensorDeviceClass.REACTIVE_ENERGY,
    SensorDeviceClass.REACTIVE_POWER,
    SensorDeviceClass.SPEED,
    SensorDeviceClass.PRECIPITATION_INTENSITY,  # after speed: mm/h is rain, and nothing moves so
    SensorDeviceClass.TEMPERATURE,
    SensorDeviceClass.VOLTAGE,
    SensorDeviceClass.VOLUME,
    SensorDeviceClass.VOLUME_FLOW_RATE,
    SensorDeviceClass.WEIGHT,
)
_CLASS_OF: dict[str | None, SensorDeviceClass] = {
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT: SensorDeviceClass.SIGNAL_STRENGTH,
    **{str(unit): device_class for device_class in _CLASSES for unit in SENSOR_UNITS[device_class]},
}


# A unit that Home Assistant has no class for -> units that it has one for, and the factors.
_FACTORS: dict[str | None, tuple[tuple[str, float], ...]] = {
    UnitOfRatio.PARTS_PER_MILLION: ((UnitOfRatio.PARTS_PER_BILLION, 1000),),
    "S/m": ((UnitOfConductivity.MILLISIEMENS_PER_CM, 10),),
    BEL: ((UnitOfSoundPressure.DECIBEL, 10),),
}


# A unit that suits machines -> the one that a person reads.
_READABLE: dict[str | None, str] = {
    UnitOfPressure.PA: UnitOfPressure.HPA,
    UnitOfEnergy.JOULE: UnitOfEnergy.KILO_WATT_HOUR,
    UnitOfEnergy.WATT_HOUR: UnitOfEnergy.KILO_WATT_HOUR,
}


def stated_unit(stated: Value | None, default: str | None = None) -> str | None:
    """Return Home Assistant's unit for what a device or a model states.

    Where it states none, or no readable text, the default. None is a number
    without unit; a unit that is not known is returned as it is.
    """
    if not isinstance(stated, str):
        return default
    text = stated.strip(" \t\r\n\0").removeprefix("ucum:")
    text = _ANNOTATION.sub("", text) or text.strip("{}")
    if not text or len(text) > MAX_LENGTH or not text.isprintable():
        return default
    key = _key(text)
    if key in _UNITS:
        return _UNITS[key]
    return _FOLDED_UNITS.get(key.casefold(), text)


def sensor_class(unit: str | None) -> SensorDeviceClass | None:
    """Return the device class of a sensor that only its unit describes."""
    return _CLASS_OF.get(unit)


def suggested_unit(unit: str | None) -> str | None:
    """Return the unit that a sensor is better read in than in its own, if there is one."""
    return _READABLE.get(unit)


def number_class(unit: str | None) -> NumberDeviceClass | None:
    """Return the device class of a number that only its unit describes."""
    device_class = sensor_class(unit)
    return NumberDeviceClass(device_class) if device_class else None


def suits_sensor(unit: str | None, device_class: SensorDeviceClass | None) -> bool:
    """Tell whether a sensor of this device class may have this unit."""
    return device_class is None or unit in SENSOR_UNITS.get(device_class, (unit,))


def convert(
    unit: str | None, device_class: SensorDeviceClass | None
) -> tuple[str | None, float | None, SensorDeviceClass | None]:
    """Return the unit, the factor and the device class that a sensor shows values in `unit` with.

    The factor is None where values stay as they are, the class where it allows no such unit.
    """
    if suits_sensor(unit, device_class):
        return unit, None, device_class
    for other, factor in _FACTORS.get(unit, ()):
        if suits_sensor(other, device_class):
            return other, factor, device_class
    return unit, None, None
