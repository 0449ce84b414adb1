"""The formats that resources travel in, both ways, typed by the object model.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.4.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from . import cbor, lwm2m_cbor, oma_json, opaque, senml_cbor, senml_json, text, tlv
from .base import CodecError, ContentFormat, Scope, TypeOf, normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..node import Decoded, Values
    from ..path import Path

__all__ = [
    "CodecError",
    "ContentFormat",
    "TypeOf",
    "decode",
    "decode_timestamped",
    "encode",
    "encode_paths",
    "normalize",
    "supported",
]


class _Codec(Protocol):
    """A format: a module of this package."""

    def decode(self, payload: bytes, scope: Scope) -> Decoded: ...
    def encode(self, values: Values, scope: Scope) -> bytes: ...


class _TimedCodec(_Codec, Protocol):
    """A format whose values may have times."""

    def decode_timestamped(
        self, payload: bytes, scope: Scope, now: datetime
    ) -> list[tuple[datetime | None, Decoded]]: ...


class _SenmlCodec(_TimedCodec, Protocol):
    """A format that can also name paths without values."""

    def encode_paths(self, paths: Iterable[Path], root: str) -> bytes: ...


_SENML: Mapping[ContentFormat, _SenmlCodec] = {
    ContentFormat.SENML_JSON: senml_json,
    ContentFormat.SENML_CBOR: senml_cbor,
    ContentFormat.SENML_ETCH_JSON: senml_json,
    ContentFormat.SENML_ETCH_CBOR: senml_cbor,
}
_TIMED: Mapping[ContentFormat, _TimedCodec] = {**_SENML, ContentFormat.JSON: oma_json}
_CODECS: Mapping[ContentFormat, _Codec] = {
    **_TIMED,
    ContentFormat.TEXT: text,
    ContentFormat.OPAQUE: opaque,
    ContentFormat.CBOR: cbor,
    ContentFormat.TLV: tlv,
    ContentFormat.LWM2M_CBOR: lwm2m_cbor,
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
    return _codec(_CODECS, content_format).decode(payload, Scope(path, type_of, root))


def decode_timestamped(
    content_format: int,
    payload: bytes,
    path: Path,
    type_of: TypeOf,
    root: str = "",
    *,
    now: datetime | None = None,
    belongs: Callable[[str], bool] | None = None,
) -> list[tuple[datetime | None, Decoded]]:
    """Read what a payload says of each time, oldest first; None is the time of the untimed.

    `now` is what relative times count from. `belongs` tells which names of SenML count, all
    when it is None. CodecError as `decode`.
    """
    scope = Scope(path, type_of, root, belongs)
    if normalize(content_format) not in _TIMED:
        return [(None, _codec(_CODECS, content_format).decode(payload, scope))]
    timed = _codec(_TIMED, content_format)
    return timed.decode_timestamped(payload, scope, now or datetime.now(UTC))


def encode(
    content_format: int, values: Values, path: Path, type_of: TypeOf, root: str = ""
) -> bytes:
    """Write values for a request to `path`; CodecError when the format cannot carry them.

    So it is too for values that do not fit the model, or lie outside `path`. Those of a
    Write-Composite lie below the root, which is their `path`.
    """
    return _codec(_CODECS, content_format).encode(values, Scope(path, type_of, root))


def encode_paths(content_format: int, paths: Iterable[Path], root: str = "") -> bytes:
    """Write the paths of a Read-Composite or an Observe-Composite, in the order given.

    CodecError when there are none, or the format is not one of SenML.
    Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3.8, OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.4.
    """
    return _codec(_SENML, content_format).encode_paths(paths, root)


def _codec[C: _Codec](codecs: Mapping[ContentFormat, C], content_format: int) -> C:
    known = normalize(content_format)
    if known is None or (codec := codecs.get(known)) is None:
        raise CodecError(f"Content-Format {content_format} is not supported")
    return codec
