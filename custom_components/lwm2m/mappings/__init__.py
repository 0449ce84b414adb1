"""Which resources become which entities: one table for each kind of object, rows in order.

Of two rows for the same resource the first wins. Platforms that take whole objects, such as
`light.py`, hold their tables themselves.
"""

from __future__ import annotations

from . import (
    actuators,
    alarms,
    controls,
    core,
    environment,
    location,
    measurements,
    meters,
)

DISCOVERY_SCHEMAS = (
    *core.SCHEMAS,
    *location.SCHEMAS,
    *alarms.SCHEMAS,
    *controls.SCHEMAS,
    *actuators.SCHEMAS,
    *environment.SCHEMAS,
    *measurements.SCHEMAS,
    *meters.SCHEMAS,
)
