"""The plain text format: one resource or resource instance, as text.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.4.1 and appendix C, table C-2.
"""

from __future__ import annotations

import base64
from datetime import datetime
from decimal import Decimal
import re
from typing import TYPE_CHECKING

from ..model.definitions import ResourceModel, ResourceType
from ..node import Decoded, ObjectLink, Scalar, Values
from .base import CodecError, Scope
from .typed import fit, to_seconds, type_name
from .values import Collector, resource_path, single

if TYPE_CHECKING:
    from collections.abc import Mapping

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BOOLEANS: Mapping[str, object] = {"0": False, "1": True, "false": False, "true": True}


def decode(payload: bytes, scope: Scope) -> Decoded:
    """Read one value; CodecError when it is not UTF-8 or the path names no resource."""
    path = resource_path(scope)
    try:
        text = payload.decode()
    except UnicodeDecodeError as err:
        raise CodecError("the text is not UTF-8") from err
    collector = Collector(scope, _read)
    collector.add(path, text)
    return collector.decoded()


def encode(values: Values, scope: Scope) -> bytes:
    """Write one value; CodecError when there are several or none."""
    return _write(single(values, scope)).encode()


def _read(text: str, model: ResourceModel | None) -> Scalar:
    match type_name(model):
        case ResourceType.STRING | ResourceType.CORELNK | ResourceType.NONE:
            return text
        case ResourceType.OPAQUE:
            # binascii.Error is a ValueError
            return base64.b64decode(text.strip(), validate=True)
        case ResourceType.BOOLEAN:
            return fit(_BOOLEANS.get(text.strip().lower(), text), model)
        case ResourceType.OBJLNK:
            return fit(text.strip(), model)
        case _:
            return fit(_number(text.strip()), model)


def _number(text: str) -> object:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    raise ValueError("not a number")


def _write(value: Scalar) -> str:
    """Write a value as appendix C, table C-2, shows it for the text format."""
    match value:
        case bool():
            return "1" if value else "0"
        case float():
            # without an exponent, which table C-2 does not know
            return format(Decimal(repr(value)), "f")
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return str(to_seconds(value))
        case ObjectLink(object_id, instance_id):
            return f"{object_id}:{instance_id}"
        case _:
            return str(value)
