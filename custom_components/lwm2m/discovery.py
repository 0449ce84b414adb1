"""Walks the schemas over a device and yields the entities to create."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from homeassistant.const import Platform

from . import binary_sensor, button, event, light, number, sensor, switch, text
from .generic import generic_entity
from .models import DiscoverySchema, EntityInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .device import Device
    from .protocol.path import Path

# A light takes its resources before a switch or a number would.
DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    *light.DISCOVERY_SCHEMAS,
    *switch.DISCOVERY_SCHEMAS,
    *number.DISCOVERY_SCHEMAS,
    *binary_sensor.DISCOVERY_SCHEMAS,
    *sensor.DISCOVERY_SCHEMAS,
    *button.DISCOVERY_SCHEMAS,
    *event.DISCOVERY_SCHEMAS,
    *text.DISCOVERY_SCHEMAS,
)
PLATFORMS: tuple[Platform, ...] = (
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.LIGHT,
    Platform.NUMBER,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.TEXT,
)


def _by_object(schemas: tuple[DiscoverySchema, ...]) -> dict[int, list[DiscoverySchema]]:
    table: dict[int, list[DiscoverySchema]] = defaultdict(list)
    for schema in schemas:
        for object_id in schema.object_ids:
            table[object_id].append(schema)
    return dict(table)


_SCHEMAS = _by_object(DISCOVERY_SCHEMAS)


def discover_instance(device: Device, instance: Path) -> Iterator[EntityInfo]:
    """Yield the entities of one object instance of a device.

    An object with rows of its own becomes what they say; of any other object,
    each resource becomes a generic entity that its model describes.
    """
    resources = {path.resource_id for path in device.resources if path.instance == instance}
    schemas = _SCHEMAS.get(instance.object_id)
    if schemas is None:
        for resource_id in sorted(resources):
            if info := generic_entity(device, instance / resource_id):
                yield info
        return
    claimed: set[int] = set()
    for schema in schemas:
        if (
            schema.resource_id in resources
            and (schema.allow_multi or schema.resource_id not in claimed)
            and resources.issuperset(schema.required)
            and resources.isdisjoint(schema.absent)
        ):
            if not schema.allow_multi:
                claimed.update((schema.resource_id, *schema.watched))
            yield EntityInfo(
                platform=schema.platform,
                instance=instance,
                resource_id=schema.resource_id,
                entity_class=schema.entity_class,
                entity_description=schema.entity_description,
                watched=schema.watched,
                main=schema.main,
            )
