"""Walks the schemas over a device and yields the entities to create."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from homeassistant.const import Platform

from . import cover, device_tracker, event, light, lock, mappings, select, siren, valve
from .entity import NAMES
from .following import DEVICE
from .generic import generic_entity
from .mappings import TOLD_APART
from .models import DiscoverySchema, EntityInfo, NameKey, name_key
from .profiles.entities import profiled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .device import Device
    from .protocol.path import Path

# What takes several resources comes first.
DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    *light.DISCOVERY_SCHEMAS,
    *cover.DISCOVERY_SCHEMAS,
    *device_tracker.DISCOVERY_SCHEMAS,
    *lock.DISCOVERY_SCHEMAS,
    *select.DISCOVERY_SCHEMAS,
    *siren.DISCOVERY_SCHEMAS,
    *valve.DISCOVERY_SCHEMAS,
    *mappings.DISCOVERY_SCHEMAS,
    *event.DISCOVERY_SCHEMAS,
)
PLATFORMS: tuple[Platform, ...] = (
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.COVER,
    Platform.DATETIME,
    Platform.DEVICE_TRACKER,
    Platform.EVENT,
    Platform.LIGHT,
    Platform.LOCK,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SIREN,
    Platform.SWITCH,
    Platform.TEXT,
    Platform.VALVE,
)


def _by_object(schemas: tuple[DiscoverySchema, ...]) -> dict[int, list[DiscoverySchema]]:
    table: dict[int, list[DiscoverySchema]] = defaultdict(list)
    for schema in schemas:
        for object_id in schema.object_ids:
            table[object_id].append(schema)
    return dict(table)


_SCHEMAS = _by_object(DISCOVERY_SCHEMAS)
_NAMES = {
    object_id: {
        (
            schema.resource_id,
            name_key(
                schema.platform,
                schema.entity_description.translation_key or schema.entity_description.device_class,
                schema.entity_description.translation_placeholders,
            ),
        )
        for schema in schemas
    }
    for object_id, schemas in _SCHEMAS.items()
}
"""Object -> its resources, each with what names its entity."""

ROWS_ONLY = frozenset({3, 4, 5, 7, 9, 12, 19})
"""LwM2M's own objects: what has no row there is the protocol's, or secret."""
ATTRIBUTES = frozenset({5507, 5603, 5604, 5701, 5750, 5751, 6050})
"""Resources that say something of the others: range, unit, name, type, fraction of a second."""


def discover_instance(device: Device, instance: Path) -> Iterator[EntityInfo]:
    """Yield the entities of one object instance of a device, as its profile wants them.

    What fits one of several entities of a resource is no misfit of the others.
    """
    infos = [profiled(device, info) for info in _described(device, instance)]
    for info in infos:
        others = [other.misfits for other in infos if other.primary == info.primary]
        misfits = (each for each in info.misfits if all(each in other for other in others))
        yield replace(info, misfits=tuple(misfits)) if info.misfits else info


def _described(device: Device, instance: Path) -> Iterator[EntityInfo]:
    """Yield what the tables say of one object instance of a device.

    An object with rows of its own becomes what they say. Each resource that no row takes
    becomes a generic entity that its model describes.
    """
    resources = {path.resource_id for path in device.resources.paths if path[:2] == instance}
    schemas = _SCHEMAS.get(instance.object_id)
    taken = _taken(device, instance.object_id)
    claimed: set[int] = set()
    shown = {*ATTRIBUTES, NAMES.get(instance.object_id)} if schemas else set()
    for schema in schemas or ():
        if (
            schema.resource_id in resources
            and (schema.allow_multi or schema.resource_id not in claimed)
            and resources.issuperset(schema.required)
            and resources.isdisjoint(schema.absent)
        ):
            shown.update((schema.resource_id, *schema.watched))
            if not schema.allow_multi:
                claimed.update((schema.resource_id, *schema.watched))
            yield from _entities(device, instance, schema, taken)
    if instance.object_id not in ROWS_ONLY:
        for resource_id in sorted(resources - shown):
            if info := generic_entity(device, instance / resource_id):
                yield info


def _entities(
    device: Device, instance: Path, schema: DiscoverySchema, taken: frozenset[NameKey]
) -> Iterator[EntityInfo]:
    """Yield what a matching schema becomes: one entity, or one for each resource instance."""
    value = device.resources.values.get(instance / schema.resource_id)
    nothing = schema.nothing is not None and (
        device.resources.values.get(instance / schema.nothing[0]) in schema.nothing[1]
    )
    each = sorted(value) if schema.each and isinstance(value, dict) else (None,)
    for resource_instance_id in each:
        yield EntityInfo(
            platform=schema.platform,
            instance=instance,
            resource_id=schema.resource_id,
            entity_class=schema.entity_class,
            entity_description=schema.entity_description,
            resource_instance_id=resource_instance_id,
            watched=schema.watched,
            main=schema.main,
            follows=schema.follows,
            taken=taken,
            nothing=nothing,
        )


def _taken(device: Device, object_id: int) -> frozenset[NameKey]:
    """Return the names of other objects' entities that those of an object give way to.

    A device announces its objects before anything is learnt of them, and all have the object 3:
    of that alone, which is learnt first, it counts which resources there are. So a name is the
    same in whichever order the objects are learnt.
    """
    if object_id not in TOLD_APART:
        return frozenset()
    registration = device.registration
    objects = registration.objects if registration else {path[0] for path in device.resources.paths}
    return frozenset(
        name
        for other in objects - {object_id}
        for resource_id, name in _NAMES.get(other, ())
        if other != DEVICE.object_id or DEVICE / resource_id in device.resources.paths
    )
