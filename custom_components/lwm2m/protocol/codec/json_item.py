"""What all formats that are made of JSON share."""

from __future__ import annotations

import base64

import orjson

from .base import CodecError

_TO_URL_ALPHABET = str.maketrans("+/", "-_")


def parse(payload: bytes) -> object:
    """Parse JSON; CodecError when it is none.

    orjson refuses NaN, Infinity, numbers that no float holds, and deep nesting; it makes
    floats of integers that 64 bits do not hold.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as err:
        raise CodecError("not JSON") from err


def bytes_of(raw: object) -> object:
    """Read base64 of either alphabet, padded or not; what is no text stays as it is.

    ValueError when a text is no base64.
    """
    if not isinstance(raw, str):
        return raw
    text = raw.translate(_TO_URL_ALPHABET).rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
