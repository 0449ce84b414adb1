"""Sensors of which another resource says in a code what they measure, or in which unit."""

from __future__ import annotations

from typing import override

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import UnitOfTemperature

from .sensor import MeasurementSensor

PARTICLE_SIZE = 6043
TEMPERATURE_UNIT = 1

# Metres -> what is no larger (object 10314, resource 6043).
PARTICULATES = {
    1e-6: SensorDeviceClass.PM1,
    2.5e-6: SensorDeviceClass.PM25,
    4e-6: SensorDeviceClass.PM4,
    1e-5: SensorDeviceClass.PM10,
}
# Object 503, resource 1.
TEMPERATURE_UNITS = {
    0: UnitOfTemperature.CELSIUS,
    1: UnitOfTemperature.FAHRENHEIT,
    2: UnitOfTemperature.KELVIN,
}


class ParticulateSensor(MeasurementSensor):
    """Particulates in the air, of the size that the instance states."""

    @override
    def _class(self) -> SensorDeviceClass | None:
        size = self._number(PARTICLE_SIZE)
        return None if size is None else PARTICULATES.get(float(f"{size:.2g}"))


class AlarmTemperatureSensor(MeasurementSensor):
    """A temperature of a fire alarm, in the unit that the instance states."""

    @override
    def _unit(self) -> str | None:
        code = self._value(TEMPERATURE_UNIT)
        return TEMPERATURE_UNITS.get(code) if isinstance(code, int) else super()._unit()
