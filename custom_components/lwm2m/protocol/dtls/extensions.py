"""Hello extensions: what a client offers, what the server answers (RFC 5246 7.4.1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from .errors import Alert, DecodeError, HandshakeError
from .wire import Reader, vector

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_EXTENSIONS = 32


class Extension(IntEnum):
    """The extensions that mean something here; all others are ignored."""

    MAX_FRAGMENT_LENGTH = 1
    """RFC 6066 4."""
    SUPPORTED_GROUPS = 10
    """RFC 8422 5.1.1."""
    EC_POINT_FORMATS = 11
    """RFC 8422 5.1.2."""
    SIGNATURE_ALGORITHMS = 13
    """RFC 5246 7.4.1.4.1."""
    CLIENT_CERTIFICATE_TYPE = 19
    """RFC 7250 3."""
    SERVER_CERTIFICATE_TYPE = 20
    """RFC 7250 3."""
    ENCRYPT_THEN_MAC = 22
    """RFC 7366 2."""
    EXTENDED_MASTER_SECRET = 23
    """RFC 7627 5.1."""
    CONNECTION_ID = 54
    """RFC 9146 3."""
    RENEGOTIATION_INFO = 0xFF01
    """RFC 5746 3.2."""


class Group(IntEnum):
    """RFC 8422 5.1.1."""

    SECP256R1 = 23
    X25519 = 29


class CertificateType(IntEnum):
    """RFC 7250 3."""

    X509 = 0
    RAW_PUBLIC_KEY = 2


ECDSA_SECP256R1_SHA256 = 0x0403
"""RFC 5246 7.4.1.4.1: the hash SHA-256 (4), the signature ECDSA (3)."""
UNCOMPRESSED = b"\x00"
_MAX_FRAGMENT_LENGTHS = {1: 512, 2: 1024, 3: 2048, 4: 4096}
"""RFC 6066 4."""


@dataclass(frozen=True, slots=True)
class ClientExtensions:
    """What a ClientHello offers beyond its fixed fields."""

    max_fragment_length: int | None = None
    """Bytes."""
    groups: tuple[int, ...] | None = None
    """None: not said, so any (RFC 8422 4)."""
    point_formats: bool = False
    signature_algorithms: tuple[int, ...] | None = None
    """None: not said."""
    client_certificate_types: tuple[int, ...] | None = None
    """What the client can show, by preference; None: not said, so X.509."""
    server_certificate_types: tuple[int, ...] | None = None
    """What the client can check, by preference; None: not said, so X.509."""
    encrypt_then_mac: bool = False
    extended_master_secret: bool = False
    connection_id: bytes | None = None
    """What to write into records for the client: may be empty; None: not offered."""
    renegotiation_info: bool = False


def parse_extensions(data: bytes) -> ClientExtensions:
    """Read the extensions of a ClientHello; raises HandshakeError."""
    reader = Reader(data)
    seen: set[int] = set()
    offered: dict[str, Any] = {}
    while not reader.empty:
        number = reader.number(2)
        if number in seen or len(seen) == MAX_EXTENSIONS:
            raise DecodeError("an extension twice, or too many of them")
        seen.add(number)
        body = reader.vector(2)
        if number in _FIELDS:
            name, read = _FIELDS[number]
            offered[name] = read(body)
    return ClientExtensions(**offered)


def _flag(body: bytes) -> bool:
    """Its presence says it."""
    if body:
        raise DecodeError("extension must be empty")
    return True


def _numbers(prefix: int, size: int) -> Callable[[bytes], tuple[int, ...]]:
    """Return what reads a vector of numbers."""

    def read(body: bytes) -> tuple[int, ...]:
        reader = Reader(body)
        numbers = reader.numbers(prefix, size)
        reader.end()
        return numbers

    return read


def _short_vector(body: bytes) -> bytes:
    reader = Reader(body)
    content = reader.vector(1)
    reader.end()
    return content


def _max_fragment_length(body: bytes) -> int:
    reader = Reader(body)
    code = reader.number(1)
    reader.end()
    if code not in _MAX_FRAGMENT_LENGTHS:
        raise HandshakeError(Alert.ILLEGAL_PARAMETER, "no such maximum fragment length")
    return _MAX_FRAGMENT_LENGTHS[code]


def _point_formats(body: bytes) -> bool:
    if 0 not in _numbers(1, 1)(body):
        raise HandshakeError(Alert.ILLEGAL_PARAMETER, "uncompressed points are not offered")
    return True


def _renegotiation_info(body: bytes) -> bool:
    """RFC 5746 3.6: on a first handshake it must be empty."""
    if _short_vector(body):
        raise HandshakeError(Alert.HANDSHAKE_FAILURE, "renegotiation of nothing")
    return True


_FIELDS: dict[int, tuple[str, Callable[[bytes], object]]] = {
    Extension.MAX_FRAGMENT_LENGTH: ("max_fragment_length", _max_fragment_length),
    Extension.SUPPORTED_GROUPS: ("groups", _numbers(2, 2)),
    Extension.EC_POINT_FORMATS: ("point_formats", _point_formats),
    Extension.SIGNATURE_ALGORITHMS: ("signature_algorithms", _numbers(2, 2)),
    Extension.CLIENT_CERTIFICATE_TYPE: ("client_certificate_types", _numbers(1, 1)),
    Extension.SERVER_CERTIFICATE_TYPE: ("server_certificate_types", _numbers(1, 1)),
    Extension.ENCRYPT_THEN_MAC: ("encrypt_then_mac", _flag),
    Extension.EXTENDED_MASTER_SECRET: ("extended_master_secret", _flag),
    Extension.CONNECTION_ID: ("connection_id", _short_vector),
    Extension.RENEGOTIATION_INFO: ("renegotiation_info", _renegotiation_info),
}
"""The field of ClientExtensions that an extension is, and what reads it."""


def max_fragment_length_code(length: int) -> bytes:
    """Return the extension's body for a length in bytes."""
    return next(code for code, size in _MAX_FRAGMENT_LENGTHS.items() if size == length).to_bytes()


def extension(number: Extension, body: bytes) -> bytes:
    """Write an extension."""
    return number.to_bytes(2) + vector(2, body)
