"""A few resources of the OMA registry and one of each type, without the registry."""

from __future__ import annotations

from custom_components.lwm2m.protocol.model.definitions import (
    Operations,
    ResourceModel,
    ResourceType,
)
from custom_components.lwm2m.protocol.path import Path

SINGLE = 32769
"""An object with a single resource of each type, by the type's position."""

MULTIPLE = 32770
"""The same, with multiple resources."""

TYPES: list[ResourceType] = [kind for kind in ResourceType if kind is not ResourceType.NONE]

_STRING, _INTEGER, _UNSIGNED, _FLOAT, _BOOLEAN, _OPAQUE, _TIME, _OBJLNK, _CORELNK = TYPES

_ROWS: dict[tuple[int, int], tuple[ResourceType, bool]] = {
    (1, 0): (_INTEGER, False),
    (1, 1): (_INTEGER, False),
    (1, 6): (_BOOLEAN, False),
    (1, 7): (_STRING, False),
    (2, 0): (_INTEGER, False),
    (2, 1): (_INTEGER, False),
    (2, 2): (_INTEGER, True),
    (2, 3): (_INTEGER, False),
    (3, 0): (_STRING, False),
    (3, 1): (_STRING, False),
    (3, 2): (_STRING, False),
    (3, 3): (_STRING, False),
    (3, 4): (ResourceType.NONE, False),
    (3, 6): (_INTEGER, True),
    (3, 7): (_INTEGER, True),
    (3, 8): (_INTEGER, True),
    (3, 9): (_INTEGER, False),
    (3, 10): (_INTEGER, False),
    (3, 11): (_INTEGER, True),
    (3, 13): (_TIME, False),
    (3, 14): (_STRING, False),
    (3, 16): (_STRING, False),
    (5, 0): (_OPAQUE, False),
    (65, 0): (_OBJLNK, True),
    (65, 1): (_STRING, False),
    (65, 2): (_INTEGER, False),
    (66, 0): (_STRING, False),
    (66, 1): (_STRING, False),
    (66, 2): (_OBJLNK, False),
    (3303, 5700): (_FLOAT, False),
    (3303, 5701): (_STRING, False),
    (3306, 5850): (_BOOLEAN, False),
    **{(SINGLE, number): (kind, False) for number, kind in enumerate(TYPES)},
    **{(MULTIPLE, number): (kind, True) for number, kind in enumerate(TYPES)},
}

_MODELS = {
    key: ResourceModel(
        id=key[1],
        name=f"Resource {key[1]}",
        type=kind,
        operations=Operations.READ | Operations.WRITE,
        multiple=multiple,
    )
    for key, (kind, multiple) in _ROWS.items()
}


def type_of(path: Path) -> ResourceModel | None:
    """Look a resource up, as a client's model does."""
    return _MODELS.get((path.object_id, path.resource_id))


def of_type(kind: ResourceType, object_id: int = SINGLE) -> Path:
    """The path of the resource of a type."""
    return Path(object_id, 0, TYPES.index(kind))
