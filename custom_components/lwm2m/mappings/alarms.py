"""Detectors of carbon monoxide, fire and smoke."""

from __future__ import annotations

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.number import NumberDeviceClass
from homeassistant.components.sensor import SensorDeviceClass as Class
from homeassistant.const import UnitOfRatio, UnitOfSoundPressure, UnitOfTemperature

from .. import binary_sensor, button, number, sensor
from ..binary_sensor import problem
from ..coded_sensors import TEMPERATURE_UNIT, AlarmTemperatureSensor
from .quantity import quantity

PERCENT = UnitOfRatio.PERCENTAGE
PPM = UnitOfRatio.PARTS_PER_MILLION

CO_DETECTOR = (
    binary_sensor.state(502, 1, "carbon_monoxide_alarm", BinarySensorDeviceClass.CO, main=True),
    *quantity(
        502,
        "carbon_monoxide",
        Class.CO,
        PPM,
        0,
        value=3,
        minimum=7,
        maximum=8,
        reset=None,
        watched=(),
    ),
    button.action(502, 10, "reset_carbon_monoxide"),
    number.setting(502, 9, "carbon_monoxide_threshold", NumberDeviceClass.CO, PPM, maximum=12800),
)

# A fire alarm has a number of its own for each quantity that says that there is no value.
FIRE_ALARM = (
    *quantity(
        503,
        "temperature",
        Class.TEMPERATURE,
        UnitOfTemperature.CELSIUS,
        1,
        value=3,
        minimum=4,
        maximum=5,
        reset=None,
        missing=65534,
        watched=(TEMPERATURE_UNIT,),
        entity_class=AlarmTemperatureSensor,
    ),
    button.action(503, 12, "reset_temperature"),
    problem(503, 11, "temperature_sensor_error"),
    *quantity(
        503,
        "humidity",
        Class.HUMIDITY,
        PERCENT,
        1,
        value=16,
        minimum=17,
        maximum=18,
        reset=None,
        missing=0,
        watched=(),
    ),
    button.action(503, 22, "reset_humidity"),
    problem(503, 21, "humidity_sensor_error"),
    binary_sensor.state(503, 25, "fire", BinarySensorDeviceClass.SMOKE, named=True, main=True),
    *quantity(
        503,
        "carbon_dioxide",
        Class.CO2,
        PPM,
        0,
        value=27,
        minimum=28,
        maximum=29,
        reset=None,
        missing=0,
        watched=(),
    ),
    button.action(503, 32, "reset_smoke"),
    number.setting(503, 30, "carbon_dioxide_threshold", NumberDeviceClass.CO2, PPM),
    problem(503, 31, "smoke_sensor_error"),
)

SMOKE_ALARM = (
    binary_sensor.state(3407, 6046, "smoke", BinarySensorDeviceClass.SMOKE, main=True),
    sensor.measurement(3407, 6047, "carbon_dioxide_share", unit=PERCENT, precision=2),
    sensor.measurement(3407, 6045, "received_signal", unit="dBW", precision=0, diagnostic=True),
)

COMMON = (
    sensor.measurement(
        (502, 503, 3407), 6044, "battery", Class.BATTERY, PERCENT, precision=0, diagnostic=True
    ),
    sensor.measurement(
        (502, 3407),
        6048,
        "loudness",
        Class.SOUND_PRESSURE,
        UnitOfSoundPressure.DECIBEL,
        precision=0,
        named=True,
        diagnostic=True,
        enabled=False,
    ),
)

SCHEMAS = (*CO_DETECTOR, *FIRE_ALARM, *SMOKE_ALARM, *COMMON)
