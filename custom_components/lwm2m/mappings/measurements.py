"""What is measured and nothing else (IPSO objects)."""

from __future__ import annotations

from homeassistant.components.sensor import SensorDeviceClass as Class
from homeassistant.const import (
    LIGHT_LUX,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfFrequency,
    UnitOfLength,
    UnitOfMass,
    UnitOfPower,
    UnitOfPressure,
    UnitOfRatio,
    UnitOfSoundPressure,
    UnitOfTemperature,
)

from .quantity import quantity

A = UnitOfElectricCurrent.AMPERE
CELSIUS = UnitOfTemperature.CELSIUS
M = UnitOfLength.METERS
PA = UnitOfPressure.PA
PERCENT = UnitOfRatio.PERCENTAGE
PPM = UnitOfRatio.PARTS_PER_MILLION

SCHEMAS = (
    *quantity(3300, "value", None, None, None, class_from_unit=True),
    *quantity(3301, "illuminance", Class.ILLUMINANCE, LIGHT_LUX, 0),
    *quantity(3303, "temperature", Class.TEMPERATURE, CELSIUS, 1),
    *quantity(3304, "humidity", Class.HUMIDITY, PERCENT, 1),
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
)
