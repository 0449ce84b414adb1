"""The JSON format of LwM2M 1.0, a forerunner of SenML.

Source: OMA-TS-LightweightM2M-V1_0_2 6.4.4, which builds on draft-jennings-senml-10.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from ..model.definitions import ResourceModel, ResourceType
from . import senml
from .base import CodecError, Scope
from .json_item import bytes_of, parse
from .records import Fields, Record, by_time, latest, name_path, number, text
from .typed import fit, object_link, type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..node import Decoded, Scalar, Values
    from ..path import Path

_VALUE_LABELS = ("v", "sv", "bv", "ov")
_FROM_SENML = {"vs": "sv", "vb": "bv", "vd": "sv", "vlo": "ov"}


def decode(payload: bytes, scope: Scope) -> Decoded:
    """Read an array of values, of several times the latest; CodecError when it is none."""
    now = datetime.now(UTC).timestamp()
    return latest(_resolve(payload, scope, now), scope, _read, now)


def decode_timestamped(
    payload: bytes, scope: Scope, now: datetime
) -> list[tuple[datetime | None, Decoded]]:
    """Read an array of values by time, oldest first, None for untimed; CodecError as `decode`."""
    seconds = now.timestamp()
    return by_time(_resolve(payload, scope, seconds), scope, _read, seconds)


def encode(values: Values, scope: Scope) -> bytes:
    """Write the array of values; CodecError for what SenML cannot say either.

    The client's alternate path stays out of the names: 1.0 does not say, and so does Leshan.
    """
    base: dict[str, object] = {}
    entries: list[dict[str, object]] = []
    for record in senml.encode(values, scope._replace(root="")):
        if "bn" in record:
            base["bn"] = record.pop("bn")
        entries.append({_FROM_SENML.get(label, label): raw for label, raw in record.items()})
    return orjson.dumps(base | {"e": entries}, default=_base64)


def _resolve(payload: bytes, scope: Scope, now: float) -> Iterator[Record]:
    """Work the base fields into the values; an empty payload holds none, as in SenML."""
    root = parse(payload) if payload else {"e": []}
    if not isinstance(root, dict) or not isinstance(entries := root.get("e"), list):
        raise CodecError("no array of values")
    base_name = text(root, "bn", "")
    base_time = number(root, "bt", 0)
    for entry in entries:
        if not isinstance(entry, dict):
            raise CodecError("a value that is no object")
        path = _path(base_name, text(entry, "n", ""), scope)
        time = _time(base_time + number(entry, "t", 0), now)
        yield Record(path, *_value(entry), time)


def _path(base_name: str, name: str, scope: Scope) -> Path:
    """Read a name, without a base name relative to the request's path.

    So the drafts of 1.0 wrote it, and Wakaama after them.
    """
    if not base_name and not name.startswith("/"):
        name = f"{scope.path}/{name}"
    return name_path(base_name + name, scope)


def _value(entry: Fields) -> tuple[str | None, object]:
    match [label for label in _VALUE_LABELS if entry.get(label) is not None]:
        case []:
            return None, None
        case [label]:
            return label, entry[label]
    raise CodecError("several values in one")


def _time(time: float, now: float) -> float | None:
    """Give seconds since 1970, or None for a value that says no time.

    Source: draft-jennings-senml-10 5: a negative time is relative to now, and 0 means
    roughly now; in RFC 8428 small positive times became relative, too.
    """
    if not time:
        return None
    return time if time > 0 else now + time


def _read(record: Record, model: ResourceModel | None) -> Scalar:
    """Fit a value, which is base64 in an `sv` where the model says opaque."""
    match record.label, record.raw:
        case None, _:
            raise ValueError("an entry without a value")
        case "sv", raw if type_name(model) is ResourceType.OPAQUE:
            return fit(bytes_of(raw), model)
        case "ov", str() as raw:
            return fit(object_link(raw), model)
        case _, raw:
            return fit(raw, model)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
