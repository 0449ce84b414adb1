"""Values with a path and a time of their own, as the JSON formats and SenML hold them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from itertools import chain, groupby
import math
from typing import TYPE_CHECKING, NamedTuple

from ..path import Path, PathError
from .base import CodecError, Scope
from .typed import from_seconds
from .values import Collector

if TYPE_CHECKING:
    from datetime import datetime

    from ..model.definitions import ResourceModel
    from ..node import Decoded, Scalar

_MAX_NAME = 64
"""Characters below the client's root; the longest path has 24. It keeps a long base name, which
each record repeats, from costing the square of the payload."""

_parsed = lru_cache(maxsize=1024)(Path.parse)
"""A device says the same names again and again."""

type Fields = dict[object, object]
"""An object of JSON or a map of CBOR, which may hold anything."""


class Record(NamedTuple):
    """A value on its own.

    `label` is that of the value's field, None where there is none. `time` is in seconds since
    1970, None where the record says no time.
    """

    path: Path
    label: str | None
    raw: object
    time: float | None


type Read = Callable[[Record, ResourceModel | None], Scalar]
"""Turns a record's value into the model's type; ValueError with the reason when it does not fit."""


def latest(records: Iterable[Record], scope: Scope, read: Read, now: float) -> Decoded:
    """Gather records, and of a value at several times the latest.

    Clients put times also into the answer to a Read (leshan#1479), which Leshan refuses;
    OMA-TS-LightweightM2M_Core-V1_1_1 7.4.5 speaks of them for stored notifications only.
    CodecError when a path lies outside the request's.
    """
    known: dict[Path, list[Record]] = {}
    for record in _sorted(records, now):
        of_path = known.setdefault(record.path, [])
        if of_path and of_path[0].time != record.time:
            of_path.clear()
        of_path.append(record)
    return _collect(list(chain.from_iterable(known.values())), scope, read)


def by_time(
    records: Iterable[Record], scope: Scope, read: Read, now: float
) -> list[tuple[datetime | None, Decoded]]:
    """Gather records by time, oldest first; None stands for the untimed. CodecError as `latest`."""
    return [
        (_moment(time), _collect(list(group), scope, read))
        for time, group in groupby(_sorted(records, now), lambda record: record.time)
    ]


def name_path(name: str, scope: Scope) -> Path:
    """Read a name, with or without the client's root and a trailing slash (leshan#1651).

    Source: OMA-TS-LightweightM2M_Transport-V1_2 6.4.1: the root is part of the name; 1.1
    does not say, and clients differ (leshan#1438).
    """
    if scope.root and name.startswith(f"{scope.root}/"):
        name = name.removeprefix(scope.root)
    if len(name) > _MAX_NAME:
        raise CodecError("a name too long for a path")
    try:
        return _parsed(name.rstrip("/"))
    except PathError as err:
        raise CodecError(str(err)) from err


def text(fields: Fields, label: str, default: str) -> str:
    """Give a field that is a text; CodecError when it is none."""
    value = fields.get(label, default)
    if not isinstance(value, str):
        raise CodecError(f"{label} is no text")
    return value


def number(fields: Fields, label: str, default: float) -> float:
    """Give a field that is a finite number; CodecError when it is none."""
    value = fields.get(label, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise CodecError(f"{label} is no number")
    return value


def _sorted(records: Iterable[Record], now: float) -> list[Record]:
    return sorted(records, key=lambda record: now if record.time is None else record.time)


def _moment(time: float | None) -> datetime | None:
    try:
        return None if time is None else from_seconds(time)
    except ValueError as err:
        raise CodecError(str(err)) from err


def _collect(records: Collection[Record], scope: Scope, read: Read) -> Decoded:
    collector = Collector(scope, read)
    for record in records:
        if len(record.path) > 2:
            collector.add(record.path, record)
        else:
            # Zephyr left the name out of further instances of a resource (zephyr#99088)
            collector.reject(record.path, "a value without a resource ID")
    if not records and len(scope.path) == 3:
        collector.add_empty(scope.path)
    return collector.decoded()
