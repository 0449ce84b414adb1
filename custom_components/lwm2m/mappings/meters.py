"""Meters of electricity, and what loads use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.components.sensor import SensorDeviceClass as Class, SensorStateClass
from homeassistant.const import (
    UnitOfEnergy,
    UnitOfPower,
    UnitOfReactiveEnergy,
    UnitOfReactivePower,
)

from .. import button, sensor
from ..entity import SENSOR_UNITS
from .quantity import quantity

if TYPE_CHECKING:
    from ..models import DiscoverySchema, Objects

W = UnitOfPower.WATT
WH = UnitOfEnergy.WATT_HOUR
VAR = UnitOfReactivePower.VOLT_AMPERE_REACTIVE
VARH = UnitOfReactiveEnergy.VOLT_AMPERE_REACTIVE_HOUR
COUNTS_UP = SensorStateClass.TOTAL_INCREASING


def _energy(
    objects: Objects, resource_id: int, key: str, *, watched: tuple[int, ...] = ()
) -> DiscoverySchema:
    """Make the row of the energy that was used since the last reset."""
    return sensor.measurement(
        objects,
        resource_id,
        key,
        Class.ENERGY,
        WH,
        precision=0,
        named=key != "energy",
        state_class=COUNTS_UP,
        watched=watched,
    )


LOADS = (
    *quantity(
        3305,
        "active_power",
        Class.POWER,
        W,
        1,
        value=5800,
        minimum=5801,
        maximum=5802,
        units=None,
        named=True,
    ),
    *quantity(
        3305,
        "reactive_power",
        Class.REACTIVE_POWER,
        VAR,
        1,
        value=5810,
        minimum=5811,
        maximum=5812,
        reset=None,
        units=None,
    ),
    _energy(3305, 5805, "active_energy"),
    sensor.measurement(
        3305,
        5815,
        "reactive_energy",
        Class.REACTIVE_ENERGY,
        VARH,
        precision=0,
        state_class=COUNTS_UP,
    ),
    sensor.measurement(3305, 5820, "power_factor", Class.POWER_FACTOR, precision=2),
    button.action(3305, 5822, "reset_cumulative_energy"),
    _energy(3311, 5805, "light_energy"),
    sensor.measurement(
        3311, 5820, "light_power_factor", Class.POWER_FACTOR, precision=2, named=True
    ),
    _energy(3312, 5805, "outlet_energy"),
    sensor.measurement(
        3312, 5820, "outlet_power_factor", Class.POWER_FACTOR, precision=2, named=True
    ),
    _energy(3331, 5700, "energy", watched=(SENSOR_UNITS,)),
    button.action(3331, 5822, "reset_energy"),
)

SCHEMAS = LOADS
