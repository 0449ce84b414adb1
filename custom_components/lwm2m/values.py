"""Values as actions take them from YAML and give them back as JSON."""

from __future__ import annotations

import base64
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


class ValueRefused(ValueError):
    """A value that a path does not take: the key of a text that says why, and words for it.

    The words never repeat the value: it may be a secret. `kind` among them is a key itself.
    """

    def __init__(self, translation_key: str, **words: str) -> None:
        """Say it."""
        super().__init__(translation_key)
        self.translation_key = translation_key
        self.words = words


def from_user(raw: Any, model: ResourceModel | None) -> Value:
    """Read what `to_json` writes, and what people write instead; ValueRefused with the reason.

    A multiple resource takes a list, or resource instance IDs with their values. Numbers and
    booleans may be text, as templates and text fields give them; a time may be seconds since
    1970 or in ISO 8601, without a zone in Home Assistant's.
    """
    is_multiple = isinstance(raw, list | Mapping)
    if model and model.multiple and not is_multiple:
        raise ValueRefused("value_list")
    if model and not model.multiple and is_multiple:
        raise ValueRefused("value_single")
    if not is_multiple:
        return scalar_from_user(raw, model)
    return {
        instance: scalar_from_user(item, model)
        for instance, item in (enumerate(raw) if isinstance(raw, list) else by_id(raw))
    }


def by_id(raw: Any) -> Iterator[tuple[int, Any]]:
    """Yield the items of an object whose keys are IDs; ValueRefused when it is something else."""
    if not isinstance(raw, Mapping):
        raise ValueRefused("value_by_id")
    for key, item in raw.items():
        text = str(key)
        if not (text.isascii() and text.isdecimal() and int(text) <= MAX_ID):
            raise ValueRefused("value_no_id", id=text)
        yield int(text), item


def scalar_from_user(raw: Any, model: ResourceModel | None) -> Scalar:
    """Read a single value; ValueRefused with the reason."""
    kind = model.type if model else ResourceType.NONE
    try:
        value = _typed(raw, model)
    except (ValueError, OverflowError) as err:
        raise ValueRefused(f"value_{kind}", kind=_kind(raw)) from err
    if model:
        _check_range(value, model)
    return value


def _typed(raw: Any, model: ResourceModel | None) -> Scalar:
    """Read a single value of a type; ValueError when it is of another."""
    match model.type if model else ResourceType.NONE, raw:
        case ((ResourceType.STRING | ResourceType.CORELNK), int() | float()) if not isinstance(
            raw, bool
        ):
            return str(raw)
        case ResourceType.BOOLEAN, str() if raw.strip().lower() in _BOOLEANS:
            return _BOOLEANS[raw.strip().lower()]
        case ((ResourceType.INTEGER | ResourceType.UNSIGNED_INTEGER | ResourceType.FLOAT), bool()):
            raise ValueError
        case ((ResourceType.INTEGER | ResourceType.UNSIGNED_INTEGER | ResourceType.FLOAT), str()):
            raw = float(raw) if "." in raw or "e" in raw.lower() else int(raw)
        case ResourceType.OPAQUE, str():
            return base64.b64decode(raw, validate=True)
        case ResourceType.TIME, str():
            if (time := dt_util.parse_datetime(raw)) is None:
                raise ValueError
            return dt_util.as_utc(time)
        case ResourceType.TIME, datetime():
            return dt_util.as_utc(raw)
    return fit(raw, model)


def _kind(raw: object) -> str:
    """Return the key of what a value is, as far as its writer can tell."""
    match raw:
        case None:
            return "nothing"
        case bool():
            return "boolean"
        case int() if raw not in range(-(2**63), 2**64):
            return "large_number"
        case int():
            return "negative_number" if raw < 0 else "whole_number"
        case float():
            return "number"
        case str():
            return "text"
        case list() | Mapping():
            return "list"
        case _:
            return "other"


def _check_range(value: Scalar, model: ResourceModel) -> None:
    if model.enumeration and value not in model.enumeration:
        raise ValueRefused("value_one_of", values=", ".join(map(str, model.enumeration)))
    if isinstance(value, int | float) and not isinstance(value, bool):
        if model.minimum is not None and value < model.minimum:
            raise ValueRefused("value_at_least", minimum=f"{model.minimum:.15g}")
        if model.maximum is not None and value > model.maximum:
            raise ValueRefused("value_at_most", maximum=f"{model.maximum:.15g}")
