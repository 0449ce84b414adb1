"""LwM2M CBOR: nested maps, whose keys are IDs or arrays of IDs.

It has no times, and no names: the client's alternate path is no part of it.
Source: OMA-TS-LightweightM2M_Core-V1_2_2 7.5.4 and appendix C, table C-2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cbor2

from ..path import Path, PathError
from .base import CodecError
from .cbor_item import parse, plain
from .typed import fit
from .values import Collector, checked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..node import Decoded, Values
    from .base import Scope


def decode(payload: bytes, scope: Scope) -> Decoded:
    """Read maps of any layout; CodecError when they are none, or lie outside the path.

    Anjay groups keys into arrays, Anjay Lite writes a map per level, both of indefinite
    length; the specification allows each and any mixture. An empty payload is an empty map,
    as it is an empty pack in SenML.
    """
    collector = Collector(scope, fit)
    tree = parse(payload) if payload else {}
    if not isinstance(tree, dict):
        raise CodecError("LwM2M CBOR is a map")
    try:
        _take(tree, Path(), collector)
    except PathError as err:
        raise CodecError(str(err)) from err
    if not tree and len(scope.path) == 3:
        collector.add_empty(scope.path)
    return collector.decoded()


def encode(values: Values, scope: Scope) -> bytes:
    """Write values, each object's common path as one key, as the examples of 7.5.4 do."""
    tree: dict[int, dict[int, dict[int, object]]] = {}
    for path, value in checked(values, scope).items():
        instance = tree.setdefault(path.object_id, {}).setdefault(path.instance_id, {})
        instance[path.resource_id] = (
            {key: plain(scalar) for key, scalar in value.items()}
            if isinstance(value, dict)
            else plain(value)
        )
    return cbor2.dumps(dict(_shortened(key, below) for key, below in tree.items()))


def _take(tree: Mapping[object, object], path: Path, collector: Collector[object]) -> None:
    """Take what lies below a path; no deeper than a path is long, for a key has an ID or more."""
    for key, below in tree.items():
        at = Path(*path, *_ids(key))
        match below, len(at):
            case {}, 3 if not below:
                collector.add_empty(at)
            case {}, 1 | 2 | 3:
                _take(below, at, collector)
            case ({}, _) | (_, 1 | 2):
                raise CodecError(f"{at} is of another level than what it holds")
            case _:
                collector.add(at, below)


def _ids(key: object) -> tuple[int, ...]:
    """Give the IDs of a key; CodecError when it is none, such as a gateway's prefix."""
    ids = key if isinstance(key, tuple) else (key,)
    if not 0 < len(ids) < 5 or not all(type(number) is int for number in ids):
        raise CodecError("a key that is no path")
    return ids


def _shortened(key: int, below: object) -> tuple[int | tuple[int, ...], object]:
    """Join a key with those below it, down to the first branch."""
    ids = [key]
    while isinstance(below, dict) and len(below) == 1:
        ((number, below),) = below.items()
        ids.append(number)
    return key if len(ids) == 1 else tuple(ids), below
