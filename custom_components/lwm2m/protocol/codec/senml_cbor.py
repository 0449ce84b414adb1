"""SenML as CBOR.

Source: RFC 8428 6; OMA-TS-LightweightM2M_Core-V1_1_1 7.4.6.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

import cbor2

from . import senml
from .base import CodecError, Scope
from .typed import from_seconds

if TYPE_CHECKING:
    from ..node import Decoded, Values

_LABELS = {
    -1: "bver",
    -2: "bn",
    -3: "bt",
    -5: "bv",
    0: "n",
    2: "v",
    3: "vs",
    4: "vb",
    6: "t",
    8: "vd",
}
"""RFC 8428 6, as far as it matters here; `vlo` has no number (OMA_LwM2M_for_Developers#485)."""

_NUMBERS = {label: number for number, label in _LABELS.items()}

_MAX_DEPTH = 8
"""A pack needs four (array, record, decimal fraction, its parts); unknown fields may need more."""


def decode(payload: bytes, scope: Scope) -> Decoded:
    """Read a pack, of several times the latest; CodecError when it is none."""
    return senml.decode(_parse(payload), scope, _data)


def decode_timestamped(
    payload: bytes, scope: Scope, now: datetime
) -> list[tuple[datetime | None, Decoded]]:
    """Read a pack by time, oldest first, None for untimed; CodecError when it is none."""
    return senml.decode_timestamped(_parse(payload), scope, _data, now)


def encode(values: Values, scope: Scope) -> bytes:
    """Write a pack; CodecError for what SenML cannot say."""
    return cbor2.dumps(
        [
            {_NUMBERS.get(label, label): value for label, value in record.items()}
            for record in senml.encode(values, scope)
        ]
    )


def _parse(payload: bytes) -> object:
    """Parse CBOR and name the labels; an empty payload is an empty pack, as in Leshan.

    cbor2 allocates no more than the payload holds, whatever lengths it claims.
    """
    if not payload:
        return []
    try:
        pack = cbor2.loads(
            payload, semantic_decoders=_TAGS, max_depth=_MAX_DEPTH, allow_duplicate_keys=False
        )
    except cbor2.CBORDecodeError as err:
        raise CodecError("not CBOR") from err
    if isinstance(pack, list):
        return [_named(record) for record in pack]
    return pack


def _named(record: object) -> object:
    if not isinstance(record, dict):
        return record
    return {_LABELS.get(key, key): value for key, value in record.items()}


def _data(raw: object) -> object:
    return raw


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
    raise ValueError("a tag that SenML does not use")


class _Tags(dict[int, Callable[[object, bool], object]]):
    """Decoders by tag, which refuse all that is not listed, also what cbor2 knows itself."""

    def __missing__(self, tag: int) -> Callable[[object, bool], object]:
        return _refuse


_TAGS = _Tags({0: _date_text, 1: _date_number, 4: _decimal_fraction})
"""Tag 4 is RFC 8428's; 0 and 1 are how OMA-TS-LightweightM2M_Core-V1_1_1 7.4.6 writes a Time."""
