"""Handshake messages: reading those of a client, writing those of a server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
import struct
from typing import TYPE_CHECKING

from .errors import Alert, DecodeError, HandshakeError
from .extensions import (
    ECDSA_SECP256R1_SHA256,
    Group,
)
from .records import DTLS_1_2
from .wire import Reader, vector

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = 12
"""type 1, length 3, message_seq 2, fragment_offset 3, fragment_length 3 (RFC 6347 4.2.2)."""
_HEADER = struct.Struct("!IHIH")
"""What the header's three-byte fields are read and written in, two of them at a time."""
RANDOM = 32
_SESSION_ID = 2 + RANDOM
"""Where a ClientHello's session ID begins."""
NULL_COMPRESSION = 0
_NAMED_CURVE = 3
_ECDSA_SIGN = 64
EMPTY_RENEGOTIATION_INFO_SCSV = 0x00FF
"""RFC 5746 3.3: stands for an empty renegotiation_info."""


class HandshakeType(IntEnum):
    """RFC 5246 7.4, RFC 6347 4.3.2 (3)."""

    HELLO_REQUEST = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    HELLO_VERIFY_REQUEST = 3
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14
    CERTIFICATE_VERIFY = 15
    CLIENT_KEY_EXCHANGE = 16
    FINISHED = 20


@dataclass(slots=True)
class Fragment:
    """A piece of a handshake message (RFC 6347 4.2.3), or all of it."""

    type: int
    length: int
    """Of the whole message's body."""
    sequence: int
    offset: int
    data: bytes
    """As it came, header and all: of a complete message, also what gets hashed."""

    @property
    def body(self) -> bytes:
        """What comes after the header."""
        return self.data[HEADER:]

    @property
    def whole(self) -> bool:
        """Whether this is the complete message."""
        return len(self.data) == HEADER + self.length


def fragment_at(data: bytes, position: int) -> Fragment:
    """Read the fragment that begins there; DecodeError."""
    start = position + HEADER
    if start > len(data):
        raise DecodeError("fragment is cut short")
    first, sequence, second, third = _HEADER.unpack_from(data, position)
    length = first & 0xFFFFFF
    offset, size = second >> 8, (second & 0xFF) << 16 | third
    end = start + size
    if end > len(data):
        raise DecodeError("fragment is cut short")
    if offset + size > length or (length and not size):
        raise DecodeError("fragment lies outside its message")
    return Fragment(first >> 24, length, sequence, offset, data[position:end])


def fragments(data: bytes) -> Iterator[Fragment]:
    """Yield the fragments in a record; raises DecodeError at the first that is none."""
    position = 0
    while position < len(data):
        fragment = fragment_at(data, position)
        position += len(fragment.data)
        yield fragment


def message(kind: int, sequence: int, body: bytes) -> bytes:
    """Write a message as if it were never fragmented, which is also what gets hashed.

    RFC 6347 4.2.6.
    """
    length = len(body)
    return _HEADER.pack(kind << 24 | length, sequence, length >> 16, length & 0xFFFF) + body


def split_message(whole: bytes, size: int) -> Iterator[bytes]:
    """Yield a message in fragments of at most `size` bytes, headers counted (RFC 6347 4.2.3)."""
    room = size - HEADER
    body = whole[HEADER:]
    for offset in range(0, max(len(body), 1), room):
        part = body[offset : offset + room]
        yield whole[:6] + offset.to_bytes(3) + len(part).to_bytes(3) + part


@dataclass(slots=True)
class ClientHello:
    """RFC 5246 7.4.1.2, RFC 6347 4.2.1."""

    version: int
    random: bytes
    session_id: bytes
    cookie: bytes
    suites: bytes
    extensions: bytes
    """Read, as the suites are, once the cookie is valid."""
    parameters: bytes
    """Everything a second ClientHello must repeat, for the cookie (RFC 6347 4.2.1)."""

    @classmethod
    def parse(cls, body: bytes) -> ClientHello:
        """Read a ClientHello; raises DecodeError, and HandshakeError without null compression.

        Anybody may send one, and every handshake begins with two, so this is quick about it.
        """
        try:
            cookie = _SESSION_ID + 1 + body[_SESSION_ID]
            suites = cookie + 1 + body[cookie]
            compression = suites + 2 + int.from_bytes(body[suites : suites + 2])
            fixed_end = compression + 1 + body[compression]
        except IndexError:
            raise DecodeError("message is cut short") from None
        extensions = end = fixed_end
        # A client without extensions may leave out their length too (RFC 5246 7.4.1.2).
        if len(body) > fixed_end:
            extensions = fixed_end + 2
            end = extensions + int.from_bytes(body[fixed_end:extensions])
        # Each field begins where the one before it ends, so that this bounds them all.
        if end != len(body):
            raise DecodeError("message is not as long as its fields")
        if body[_SESSION_ID] > 32 or compression - suites < 4 or compression - suites & 1:
            raise DecodeError("vector has a length that its definition rules out")
        if NULL_COMPRESSION not in body[compression + 1 : fixed_end]:
            raise HandshakeError(Alert.ILLEGAL_PARAMETER, "null compression is not offered")
        return cls(
            int.from_bytes(body[:2]),
            body[2:_SESSION_ID],
            body[_SESSION_ID + 1 : cookie],
            body[cookie + 1 : suites],
            body[suites + 2 : compression],
            body[extensions:],
            body[:cookie] + body[suites:fixed_end],
        )


def hello_verify_request(version: int, cookie: bytes) -> bytes:
    """Write a HelloVerifyRequest (RFC 6347 4.2.1)."""
    return version.to_bytes(2) + vector(1, cookie)


def server_hello(random: bytes, session_id: bytes, suite: int, extensions: bytes) -> bytes:
    """RFC 5246 7.4.1.3; without extensions, not even their length is written."""
    return b"".join(
        (
            DTLS_1_2.to_bytes(2),
            random,
            vector(1, session_id),
            suite.to_bytes(2),
            NULL_COMPRESSION.to_bytes(1),
            vector(2, extensions) if extensions else b"",
        )
    )


def x509_certificate(chain: tuple[bytes, ...]) -> bytes:
    """RFC 5246 7.4.2; certificates in DER, the sender's own first."""
    return vector(3, b"".join(vector(3, certificate) for certificate in chain))


def raw_public_key(spki: bytes) -> bytes:
    """RFC 7250 3: a SubjectPublicKeyInfo in the place of the certificate list."""
    return vector(3, spki)


def parse_x509_certificate(body: bytes, limit: int) -> tuple[bytes, ...]:
    """Read at most `limit` certificates in DER; DecodeError."""
    reader = Reader(body)
    entries = Reader(reader.vector(3))
    reader.end()
    chain: list[bytes] = []
    while not entries.empty:
        if len(chain) == limit:
            raise HandshakeError(Alert.BAD_CERTIFICATE, "certificate chain is too long")
        chain.append(entries.vector(3, minimum=1))
    return tuple(chain)


def parse_raw_public_key(body: bytes) -> bytes:
    """Read a SubjectPublicKeyInfo, empty when the client has none to show; DecodeError."""
    reader = Reader(body)
    spki = reader.vector(3)
    reader.end()
    return spki


def certificate_request() -> bytes:
    """RFC 5246 7.4.4: ECDSA with P-256 and SHA-256, of any authority."""
    return (
        vector(1, _ECDSA_SIGN.to_bytes(1))
        + vector(2, ECDSA_SECP256R1_SHA256.to_bytes(2))
        + vector(2, b"")
    )


def ecdh_parameters(group: Group, point: bytes) -> bytes:
    """RFC 8422 5.4."""
    return _NAMED_CURVE.to_bytes(1) + group.to_bytes(2) + vector(1, point)


def signature(value: bytes) -> bytes:
    """RFC 5246 4.7: a DER signature with its algorithm."""
    return ECDSA_SECP256R1_SHA256.to_bytes(2) + vector(2, value)


def parse_certificate_verify(body: bytes) -> bytes:
    """Return the signature of a CertificateVerify (RFC 5246 7.4.8); HandshakeError."""
    reader = Reader(body)
    algorithm = reader.number(2)
    value = reader.vector(2)
    reader.end()
    if algorithm != ECDSA_SECP256R1_SHA256:
        raise HandshakeError(Alert.ILLEGAL_PARAMETER, "signature algorithm was not asked for")
    return value


def parse_psk_identity(body: bytes) -> bytes:
    """Return the identity of a PSK ClientKeyExchange (RFC 4279 2); DecodeError."""
    length, identity = body[:2], body[2:]
    if len(length) < 2 or int.from_bytes(length) != len(identity):
        raise DecodeError("identity is not as long as it says")
    return identity


def parse_ecdh_point(body: bytes) -> bytes:
    """Return the client's public point (RFC 8422 5.7); DecodeError."""
    reader = Reader(body)
    point = reader.vector(1, minimum=1)
    reader.end()
    return point
