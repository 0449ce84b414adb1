"""Which resources become which entities: one table for each kind of object, rows in order.

Of two rows for the same resource the first wins. Platforms that take whole objects, such as
`light.py`, hold their tables themselves.
"""

from __future__ import annotations

from . import actuators, controls, core, location, measurements, meters

DISCOVERY_SCHEMAS = (
    *core.SCHEMAS,
    *location.SCHEMAS,
    *controls.SCHEMAS,
    *actuators.SCHEMAS,
    *measurements.SCHEMAS,
    *meters.SCHEMAS,
)
