"""SenML as JSON, and its Fetch and Patch Packs (senml-etch).

Source: RFC 8428 5; RFC 8790; OMA-TS-LightweightM2M_Core-V1_1_1 7.4.5.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import orjson

from . import senml
from .json_item import bytes_of, parse

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ..node import Decoded, Values
    from ..path import Path
    from .base import Scope


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
    return orjson.dumps(senml.encode(values, scope), default=_base64url)


def encode_paths(paths: Iterable[Path], root: str) -> bytes:
    """Write a pack that names paths; CodecError when there are none."""
    return orjson.dumps(senml.encode_paths(paths, root))


def _parse(payload: bytes) -> object:
    """Parse a pack; an empty payload is an empty one, as in Leshan."""
    return parse(payload) if payload else []


def _base64url(value: bytes) -> str:
    """Write bytes, all that orjson asks about, without padding (RFC 8428 5)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _data(raw: object) -> object:
    """Read base64url; also the plain base64 with padding that Zephyr sends (zephyr#102390)."""
    return bytes_of(raw)
