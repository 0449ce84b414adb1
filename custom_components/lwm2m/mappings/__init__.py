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

# fmt: off
TOLD_APART = frozenset({
    502, 503, 3300, 3305, 3314, 3321, 3336, 3346, 3407, 3411, 3418, 3421, 3422, 3425, 3426, 3427,
    3433, 3435, 10242, 10243, 10257, 10314,
})
# fmt: on
"""Objects whose entities say which object they are of, where a device has others of their name.

How they say it is the translation `sensor.object_<ID>`.
"""
