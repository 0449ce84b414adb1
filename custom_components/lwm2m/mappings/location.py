"""Where a device is and how it moves, beside its place on the map."""

from __future__ import annotations

from dataclasses import replace

from homeassistant.components.sensor import SensorDeviceClass as Class, SensorStateClass
from homeassistant.const import DEGREE, UnitOfLength, UnitOfSpeed

from .. import sensor

SPEED, VELOCITY = 6, 4

LOCATION = (
    sensor.measurement(
        6, 2, "altitude", Class.DISTANCE, UnitOfLength.METERS, precision=0, named=True
    ),
    replace(sensor.velocity(6, VELOCITY), absent=(SPEED,)),
    sensor.time(6, 5, "position_time"),
    sensor.measurement(
        6,
        SPEED,
        "speed",
        Class.SPEED,
        UnitOfSpeed.METERS_PER_SECOND,
        precision=1,
        suggested_unit=UnitOfSpeed.KILOMETERS_PER_HOUR,
    ),
)

IPSO_LOCATION = (
    sensor.velocity(3336, 5517),
    sensor.time(3336, 5518, "position_time"),
    sensor.measurement(
        3336,
        5705,
        "compass_direction",
        unit=DEGREE,
        precision=0,
        state_class=SensorStateClass.MEASUREMENT_ANGLE,
    ),
)

SCHEMAS = (*LOCATION, *IPSO_LOCATION)
