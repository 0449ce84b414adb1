"""SenML as JSON.

Source: RFC 8428 5; OMA-TS-LightweightM2M_Core-V1_1_1 7.4.5.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import orjson

from . import senml
from .base import CodecError, Scope

if TYPE_CHECKING:
    from datetime import datetime

    from ..node import Decoded, Values

_TO_URL_ALPHABET = str.maketrans("+/", "-_")


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


def _parse(payload: bytes) -> object:
    """Parse JSON; an empty payload is an empty pack, as in Leshan.

    orjson refuses NaN, Infinity, numbers that no float holds, and deep nesting; it makes
    floats of integers that 64 bits do not hold.
    """
    if not payload:
        return []
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as err:
        raise CodecError("not JSON") from err


def _base64url(value: bytes) -> str:
    """Write bytes, all that orjson asks about, without padding (RFC 8428 5)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _data(raw: object) -> object:
    """Read base64url; also the plain base64 with padding that Zephyr sends (zephyr#102390)."""
    if not isinstance(raw, str):
        return raw
    text = raw.translate(_TO_URL_ALPHABET).rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
