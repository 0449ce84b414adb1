"""The form in which models are shipped: facts only, small, one object version a line.

``{"common": [RESOURCE, ...], "objects": {ID: {VERSION: OBJECT, ...}, ...}}`` where

- OBJECT is ``[name, LwM2M version, flags, [RESOURCE, ...]]``
- RESOURCE is ``[ID, name, type, operations, flags]`` and, where there are any, a sixth item with
  limits: ``u`` unit, ``lo`` minimum, ``hi`` maximum, ``e`` enumeration, ``l`` maximum length
- flags are ``+`` for multiple instances and ``!`` for mandatory.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .definitions import ObjectModel, Operations, ResourceModel, ResourceType, parse_version

if TYPE_CHECKING:
    from collections.abc import Iterable

type Row = list[Any]
"""An OBJECT or a RESOURCE as JSON has it."""

_OPERATIONS = {
    "": Operations.NONE,
    "R": Operations.READ,
    "W": Operations.WRITE,
    "RW": Operations.READ | Operations.WRITE,
    "E": Operations.EXECUTE,
}
_OPERATIONS_CODES = {operations: code for code, operations in _OPERATIONS.items()}


def decode_object(object_id: int, version: str, row: Row) -> ObjectModel:
    """Build the model that `row` holds."""
    name, lwm2m_version, flags, resources = row
    return ObjectModel(
        id=object_id,
        name=name,
        version=version,
        lwm2m_version=lwm2m_version,
        multiple="+" in flags,
        mandatory="!" in flags,
        resources={resource[0]: decode_resource(resource) for resource in resources},
    )


def decode_resource(row: Row) -> ResourceModel:
    """Build the resource's model that `row` holds."""
    resource_id, name, kind, operations, flags, *rest = row
    limits = rest[0] if rest else {}
    return ResourceModel(
        id=resource_id,
        name=name,
        type=ResourceType(kind),
        operations=_OPERATIONS[operations],
        multiple="+" in flags,
        mandatory="!" in flags,
        unit=limits.get("u"),
        minimum=limits.get("lo"),
        maximum=limits.get("hi"),
        enumeration=tuple(limits.get("e", ())),
        max_length=limits.get("l"),
    )


def encode_registry(objects: Iterable[ObjectModel], common: Iterable[ResourceModel]) -> str:
    """Write the shipped file's text; the same models always give the same text."""
    versions: dict[int, list[str]] = {}
    for model in sorted(objects, key=lambda model: (model.id, parse_version(model.version))):
        line = f"{_dumps(model.version)}:{_dumps(_encode_object(model))}"
        versions.setdefault(model.id, []).append(line)
    object_lines = [
        f'"{object_id}":{{\n' + ",\n".join(lines) + "}" for object_id, lines in versions.items()
    ]
    common_lines = [
        _dumps(_encode_resource(resource))
        for resource in sorted(common, key=lambda resource: resource.id)
    ]
    return (
        '{"common":[\n'
        + ",\n".join(common_lines)
        + '],\n"objects":{\n'
        + ",\n".join(object_lines)
        + "}}\n"
    )


def _encode_object(model: ObjectModel) -> Row:
    resources = [model.resources[resource_id] for resource_id in sorted(model.resources)]
    return [
        model.name,
        model.lwm2m_version,
        _flags(model),
        [_encode_resource(resource) for resource in resources],
    ]


def _encode_resource(resource: ResourceModel) -> Row:
    limits = {
        "u": resource.unit,
        "lo": resource.minimum,
        "hi": resource.maximum,
        "e": resource.enumeration or None,
        "l": resource.max_length,
    }
    stated = {key: value for key, value in limits.items() if value is not None}
    row = [
        resource.id,
        resource.name,
        resource.type,
        _OPERATIONS_CODES[resource.operations],
        _flags(resource),
    ]
    return [*row, stated] if stated else row


def _flags(model: ObjectModel | ResourceModel) -> str:
    return "+" * model.multiple + "!" * model.mandatory


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
