"""Values of every type of the model, as Hypothesis strategies."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from custom_components.lwm2m.protocol.model.definitions import ResourceType
from custom_components.lwm2m.protocol.node import ObjectLink, Scalar, Values
from custom_components.lwm2m.protocol.path import MAX_ID, Path

from .models import MULTIPLE, SINGLE, TYPES

_IDS = st.integers(0, 65535)

SCALARS: dict[ResourceType, st.SearchStrategy[Scalar]] = {
    ResourceType.STRING: st.text(),
    ResourceType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    ResourceType.UNSIGNED_INTEGER: st.integers(0, 2**64 - 1),
    ResourceType.FLOAT: st.floats(allow_nan=False, allow_infinity=False),
    ResourceType.BOOLEAN: st.booleans(),
    ResourceType.OPAQUE: st.binary(max_size=300),
    ResourceType.TIME: st.integers(-(2**31), 2**33).map(
        lambda seconds: datetime.fromtimestamp(seconds, UTC)
    ),
    ResourceType.OBJLNK: st.builds(ObjectLink, _IDS, _IDS),
    ResourceType.CORELNK: st.just('</3/0>,</5>;ver="1.1"'),
}


@st.composite
def singles(draw: st.DrawFn) -> tuple[Path, Scalar]:
    """A single resource with a value of its type."""
    number = draw(st.integers(0, len(TYPES) - 1))
    path = Path(SINGLE, draw(st.integers(0, MAX_ID)), number)
    return path, draw(SCALARS[TYPES[number]])


@st.composite
def objects(draw: st.DrawFn) -> Values:
    """Values of several instances of one object, single resources or multiple ones."""
    multiple = draw(st.booleans())
    values: Values = {}
    for instance in draw(st.sets(st.integers(0, MAX_ID), min_size=1, max_size=3)):
        for number in draw(st.sets(st.integers(0, len(TYPES) - 1), min_size=1)):
            scalars = SCALARS[TYPES[number]]
            path = Path(MULTIPLE if multiple else SINGLE, instance, number)
            if multiple:
                keys = st.integers(0, MAX_ID)
                values[path] = draw(st.dictionaries(keys, scalars, min_size=1, max_size=3))
            else:
                values[path] = draw(scalars)
    return values


@st.composite
def instances(draw: st.DrawFn) -> tuple[Path, Scalar]:
    """A resource instance with a value of its type."""
    number = draw(st.integers(0, len(TYPES) - 1))
    ids = st.integers(0, MAX_ID)
    path = Path(MULTIPLE, draw(ids), number, draw(ids))
    return path, draw(SCALARS[TYPES[number]])


def composites() -> st.SearchStrategy[Values]:
    """Values of several objects, as composite operations carry them."""
    return st.lists(objects(), min_size=1, max_size=2).map(
        lambda parts: {path: value for part in parts for path, value in part.items()}
    )
