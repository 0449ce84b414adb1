"""Values as actions take them from YAML and give them back as JSON."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from homeassistant.util import dt as dt_util

from .protocol.codec.typed import fit
from .protocol.model.definitions import ResourceType
from .protocol.node import ObjectLink
from .protocol.path import MAX_ID

if TYPE_CHECKING:
    from homeassistant.util.json import JsonValueType

    from .protocol.model.definitions import ResourceModel
    from .protocol.node import Scalar, Value

_BOOLEANS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


def to_json(value: Value) -> JsonValueType:
    """Give a value JSON's types: opaque as Base64, time in ISO 8601, an object link as `10:1`.

    A multiple resource is an object with its resource instance IDs as keys.
    """
    match value:
        case dict():
            return {str(instance): to_json(scalar) for instance, scalar in sorted(value.items())}
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.isoformat()
        case ObjectLink():
            return f"{value.object_id}:{value.instance_id}"
        case _:
            return value


def from_user(raw: Any, model: ResourceModel | None) -> Value:
    """Read what `to_json` writes, and what people write instead; ValueError with the reason.

    A multiple resource takes a list, or resource instance IDs with their values. Numbers and
    booleans may be text, as templates and text fields give them; a time may be seconds since
    1970 or in ISO 8601, without a zone in Home Assistant's.
    """
    is_multiple = isinstance(raw, list | Mapping)
    if model and model.multiple and not is_multiple:
        raise ValueError("this resource takes a list of values")
    if model and not model.multiple and is_multiple:
        raise ValueError("this resource takes a single value")
    if not is_multiple:
        return scalar_from_user(raw, model)
    return {
        instance: scalar_from_user(item, model)
        for instance, item in (enumerate(raw) if isinstance(raw, list) else by_id(raw))
    }


def by_id(raw: Any) -> Iterator[tuple[int, Any]]:
    """Yield the items of an object whose keys are IDs; ValueError when it is something else."""
    if not isinstance(raw, Mapping):
        raise ValueError("values are needed with their IDs, such as 5750: kitchen")
    for key, item in raw.items():
        text = str(key)
        if not (text.isascii() and text.isdecimal() and int(text) <= MAX_ID):
            raise ValueError(f"{text} is not an ID")
        yield int(text), item


def scalar_from_user(raw: Any, model: ResourceModel | None) -> Scalar:
    """Read a single value; ValueError with the reason."""
    value = _typed(raw, model)
    if model:
        _check_range(value, model)
    return value


def _typed(raw: Any, model: ResourceModel | None) -> Scalar:
    match model.type if model else ResourceType.NONE, raw:
        case ((ResourceType.STRING | ResourceType.CORELNK), bool()):
            raise ValueError("put a text in quotation marks")
        case ((ResourceType.STRING | ResourceType.CORELNK), int() | float()):
            return str(raw)
        case ResourceType.BOOLEAN, str() if raw.strip().lower() in _BOOLEANS:
            return _BOOLEANS[raw.strip().lower()]
        case ((ResourceType.INTEGER | ResourceType.UNSIGNED_INTEGER | ResourceType.FLOAT), _):
            return _number(raw, model)
        case ResourceType.OPAQUE, str():
            return _base64(raw)
        case ResourceType.TIME, str():
            return _time(raw)
        case ResourceType.TIME, datetime():
            return dt_util.as_utc(raw)
    return fit(raw, model)


def _number(raw: Any, model: ResourceModel | None) -> Scalar:
    if isinstance(raw, str):
        try:
            raw = float(raw) if "." in raw or "e" in raw.lower() else int(raw)
        except ValueError:
            raw = None
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ValueError("a number is needed")
    return fit(raw, model)


def _check_range(value: Scalar, model: ResourceModel) -> None:
    if model.enumeration and value not in model.enumeration:
        allowed = ", ".join(map(str, model.enumeration))
        raise ValueError(f"one of these is needed: {allowed}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if model.minimum is not None and value < model.minimum:
            raise ValueError(f"at least {model.minimum} is needed")
        if model.maximum is not None and value > model.maximum:
            raise ValueError(f"at most {model.maximum} is allowed")


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as err:
        raise ValueError("opaque data is written in Base64") from err


def _time(text: str) -> datetime:
    if time := dt_util.parse_datetime(text):
        return dt_util.as_utc(time)
    raise ValueError("a time is written as 2026-01-31 13:45:00")
