"""SenML as CBOR, and its Fetch and Patch Packs (senml-etch).

Source: RFC 8428 6; RFC 8790; OMA-TS-LightweightM2M_Core-V1_1_1 7.4.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cbor2

from . import senml
from .cbor_item import parse

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ..node import Decoded, Values
    from ..path import Path
    from .base import Scope

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
    return _write(senml.encode(values, scope))


def encode_paths(paths: Iterable[Path], root: str) -> bytes:
    """Write a pack that names paths; CodecError when there are none."""
    return _write(senml.encode_paths(paths, root))


def _write(records: list[dict[str, object]]) -> bytes:
    return cbor2.dumps(
        [
            {_NUMBERS.get(label, label): value for label, value in record.items()}
            for record in records
        ]
    )


def _parse(payload: bytes) -> object:
    """Parse a pack and name the labels; an empty payload is an empty pack, as in Leshan."""
    pack = parse(payload) if payload else []
    if isinstance(pack, list):
        return [_named(record) for record in pack]
    return pack


def _named(record: object) -> object:
    if not isinstance(record, dict):
        return record
    return {_LABELS.get(key, key): value for key, value in record.items()}


def _data(raw: object) -> object:
    return raw
