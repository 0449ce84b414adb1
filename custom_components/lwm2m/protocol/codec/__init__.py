"""The formats that resources travel in, both ways, typed by the object model.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.4.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from . import opaque, senml_cbor, senml_json, text, tlv
from .base import CodecError, ContentFormat, Scope, TypeOf, normalize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..node import Decoded, Values
    from ..path import Path

__all__ = [
    "CodecError",
    "ContentFormat",
    "TypeOf",
    "decode",
    "decode_timestamped",
    "encode",
    "normalize",
    "supported",
]


class _Codec(Protocol):
    """A format: a module of this package."""

    def decode(self, payload: bytes, scope: Scope) -> Decoded: ...
    def encode(self, values: Values, scope: Scope) -> bytes: ...


_CODECS: Mapping[ContentFormat, _Codec] = {
    ContentFormat.TEXT: text,
    ContentFormat.OPAQUE: opaque,
    ContentFormat.SENML_JSON: senml_json,
    ContentFormat.SENML_CBOR: senml_cbor,
    ContentFormat.TLV: tlv,
}

supported = frozenset(_CODECS)
"""The formats of resources' values; the link format is `link_format`."""


def decode(
    content_format: int, payload: bytes, path: Path, type_of: TypeOf, root: str = ""
) -> Decoded:
    """Read the answer to a request for `path`, of the client with the alternate path `root`.

    Values that do not fit the model are rejected one by one; CodecError, and nothing else,
    when the payload is not of its format or says something of another path.
    """
    return _codec(content_format).decode(payload, Scope(path, type_of, root))


def decode_timestamped(
    content_format: int,
    payload: bytes,
    path: Path,
    type_of: TypeOf,
    root: str = "",
    *,
    now: datetime | None = None,
) -> list[tuple[datetime | None, Decoded]]:
    """Read what a payload says of each time, oldest first; None is the time of the untimed.

    `now` is what relative times count from. CodecError as `decode`.
    """
    scope = Scope(path, type_of, root)
    match normalize(content_format):
        case ContentFormat.SENML_JSON:
            timestamped = senml_json.decode_timestamped
        case ContentFormat.SENML_CBOR:
            timestamped = senml_cbor.decode_timestamped
        case _:
            return [(None, _codec(content_format).decode(payload, scope))]
    return timestamped(payload, scope, now or datetime.now(UTC))


def encode(
    content_format: int, values: Values, path: Path, type_of: TypeOf, root: str = ""
) -> bytes:
    """Write values for a request to `path`; CodecError when the format cannot carry them.

    So it is too for values that do not fit the model, or lie outside `path`.
    """
    return _codec(content_format).encode(values, Scope(path, type_of, root))


def _codec(content_format: int) -> _Codec:
    known = normalize(content_format)
    if known is None or (codec := _CODECS.get(known)) is None:
        raise CodecError(f"Content-Format {content_format} is not supported")
    return codec
