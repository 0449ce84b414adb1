"""What is measured and nothing else (IPSO objects)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.components.sensor import SensorDeviceClass as Class, SensorStateClass
from homeassistant.const import (
    DEGREE,
    LIGHT_LUX,
    UnitOfDensity,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfFrequency,
    UnitOfIrradiance,
    UnitOfLength,
    UnitOfMass,
    UnitOfPower,
    UnitOfPressure,
    UnitOfRatio,
    UnitOfSoundPressure,
    UnitOfTemperature,
)

from .. import button, datetime, sensor
from ..coded_sensors import PARTICLE_SIZE, ParticulateSensor
from ..entity import QUANTITY, SENSOR_UNITS
from ..units import METERS_PER_SQUARE_SECOND
from .quantity import quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..models import DiscoverySchema, Objects

A = UnitOfElectricCurrent.AMPERE
CELSIUS = UnitOfTemperature.CELSIUS
M = UnitOfLength.METERS
PA = UnitOfPressure.PA
PERCENT = UnitOfRatio.PERCENTAGE
ANGLE = SensorStateClass.MEASUREMENT_ANGLE
PPM = UnitOfRatio.PARTS_PER_MILLION

AXES = ("x", "y", "z")


def _axes(objects: Objects, key: str, unit: str, precision: int) -> Iterator[DiscoverySchema]:
    """Yield the rows of 5702 to 5704, a value along each axis."""
    for resource_id, axis in enumerate(AXES, 5702):
        yield sensor.measurement(
            objects,
            resource_id,
            f"{key}_{axis}",
            unit=unit,
            precision=precision,
            watched=(SENSOR_UNITS,),
        )


SCHEMAS = (
    *quantity(3300, "value", None, None, None, class_from_unit=True),
    *quantity(3301, "illuminance", Class.ILLUMINANCE, LIGHT_LUX, 0),
    *quantity(3303, "temperature", Class.TEMPERATURE, CELSIUS, 1),
    *quantity(3304, "humidity", Class.HUMIDITY, PERCENT, 1),
    *_axes(3313, "acceleration", METERS_PER_SQUARE_SECOND, 2),
    *_axes(3314, "magnetic_field", "T", 6),
    sensor.measurement(3314, 5705, "direction", unit=DEGREE, precision=0, state_class=ANGLE),
    *quantity(3315, "atmospheric_pressure", Class.ATMOSPHERIC_PRESSURE, PA, 0),
    *quantity(3316, "voltage", Class.VOLTAGE, UnitOfElectricPotential.VOLT, 2),
    *quantity(3317, "current", Class.CURRENT, A, 3),
    *quantity(3318, "frequency", Class.FREQUENCY, UnitOfFrequency.HERTZ, 2),
    *quantity(3319, "depth", Class.DISTANCE, M, 3, named=True),
    *quantity(3320, "percentage", None, PERCENT, 1),
    *quantity(3321, "altitude", Class.DISTANCE, M, 1, named=True),
    *quantity(3322, "weight", Class.WEIGHT, UnitOfMass.KILOGRAMS, 2),
    *quantity(3323, "pressure", Class.PRESSURE, PA, 0),
    *quantity(3324, "sound_pressure", Class.SOUND_PRESSURE, UnitOfSoundPressure.DECIBEL, 1),
    *quantity(3325, "concentration", None, PPM, 0),
    *quantity(3326, "acidity", Class.PH, None, 2),
    *quantity(3327, "conductivity", Class.CONDUCTIVITY, "S/m", 3, named=True),
    *quantity(3328, "power", Class.POWER, UnitOfPower.WATT, 1),
    *quantity(3329, "power_factor", Class.POWER_FACTOR, None, 2),
    *quantity(3330, "distance", Class.DISTANCE, M, 2),
    *quantity(3332, "direction", None, DEGREE, 0, value=5705, state_class=ANGLE, watched=()),
    datetime.setting(3333, 5506, "clock"),
    *(
        row
        for number, axis in enumerate(AXES)
        for row in quantity(
            3334,
            f"angular_velocity_{axis}",
            None,
            "rad/s",
            3,
            value=5702 + number,
            minimum=5508 + 2 * number,
            maximum=5509 + 2 * number,
            reset=None,
            main=False,
        )
    ),
    button.action(3334, 5605, "reset_extremes", words={QUANTITY: "angular_velocity"}),
    sensor.text(3335, 5706, "colour", diagnostic=False, enabled=True, main=True),
    *quantity(3346, "rate", None, None, None, named=True, class_from_unit=True),
    *quantity(10311, "irradiance", Class.IRRADIANCE, UnitOfIrradiance.WATTS_PER_SQUARE_METER, 0),
    *quantity(
        10314,
        "particulates",
        Class.PM25,
        UnitOfDensity.MICROGRAMS_PER_CUBIC_METER,
        1,
        watched=(SENSOR_UNITS, PARTICLE_SIZE),
        entity_class=ParticulateSensor,
    ),
)
