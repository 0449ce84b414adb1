"""What all formats that are made of CBOR share.

Source: RFC 8949; OMA-TS-LightweightM2M_Core-V1_2 appendix C, table C-2.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, NoReturn

import cbor2

from ..node import ObjectLink
from .base import CodecError
from .typed import from_seconds, to_seconds

if TYPE_CHECKING:
    from ..node import Scalar

_MAX_DEPTH = 8
"""A map per level of a path and a decimal fraction need six; unknown fields may need more."""


def parse(payload: bytes) -> object:
    """Parse one data item; CodecError when it is none, or something follows it.

    cbor2 allocates no more than the payload holds, whatever lengths it claims.
    """
    stream = BytesIO(payload)
    try:
        item: object = cbor2.CBORDecoder(
            stream, semantic_decoders=_TAGS, max_depth=_MAX_DEPTH, allow_duplicate_keys=False
        ).decode()
    except cbor2.CBORDecodeError as err:
        raise CodecError("not CBOR") from err
    if stream.tell() != len(payload):
        raise CodecError("something follows the CBOR item")
    return item


def plain(value: Scalar) -> str | int | float | bool | bytes:
    """Give what a value is written as: a time as seconds since 1970, an object link as text."""
    match value:
        case datetime():
            return to_seconds(value)
        case ObjectLink(object_id, instance_id):
            return f"{object_id}:{instance_id}"
        case _:
            return value


def _date_text(value: object, _immutable: bool) -> datetime:
    if not isinstance(value, str):
        raise TypeError("a date of something else than text")
    return datetime.fromisoformat(value)


def _date_number(value: object, _immutable: bool) -> datetime:
    if not isinstance(value, (int, float)):
        raise TypeError("a date of something else than a number")
    return from_seconds(value)


def _decimal_fraction(value: object, _immutable: bool) -> float:
    match value:
        case [int(exponent), int(mantissa)]:
            return float(f"{mantissa}e{exponent}")
    raise ValueError("a decimal fraction of something else than two integers")


def _refuse(_value: object, _immutable: bool) -> NoReturn:
    raise ValueError("a tag that LwM2M does not use")


class _Tags(dict[int, Callable[[object, bool], object]]):
    """Decoders by tag, which refuse all that is not listed, also what cbor2 knows itself."""

    def __missing__(self, tag: int) -> Callable[[object, bool], object]:
        return _refuse


_TAGS = _Tags({0: _date_text, 1: _date_number, 4: _decimal_fraction})
"""0 and 1 are how table C-2 writes a Time (RFC 8949 3.4.1, 3.4.2); 4 is RFC 8428 6's."""
