"""Ephemeral Diffie-Hellman on P-256 and X25519, and ECDSA (RFC 8422 5)."""

from __future__ import annotations

from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .errors import Alert, HandshakeError
from .extensions import Group

UNCOMPRESSED_POINT = 4
"""SEC 1 2.3.3: the first byte of a point with both coordinates."""
_ECDSA = ec.ECDSA(hashes.SHA256())
_ECDSA_OF_HASH = ec.ECDSA(utils.Prehashed(hashes.SHA256()))


class EphemeralKey(Protocol):
    """One handshake's key pair."""

    @property
    def point(self) -> bytes:
        """The public key as it goes on the wire."""

    def exchange(self, point: bytes) -> bytes:
        """Return the premaster secret (RFC 8422 5.10); raises HandshakeError."""


class _P256:
    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def point(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def exchange(self, point: bytes) -> bytes:
        # The library checks that the point is on the curve (RFC 8422 5.11), and would take a
        # compressed one, which nobody offered (5.1.2).
        if point[0] != UNCOMPRESSED_POINT:
            raise HandshakeError(Alert.ILLEGAL_PARAMETER, "point is not uncompressed")
        try:
            peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        except ValueError as error:
            raise HandshakeError(Alert.ILLEGAL_PARAMETER, "no point on P-256") from error
        return self._key.exchange(ec.ECDH(), peer)


class _X25519:
    def __init__(self) -> None:
        self._key = x25519.X25519PrivateKey.generate()

    @property
    def point(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def exchange(self, point: bytes) -> bytes:
        # The library refuses the all-zero secret of a point of small order (RFC 8422 5.11).
        try:
            return self._key.exchange(x25519.X25519PublicKey.from_public_bytes(point))
        except ValueError as error:
            raise HandshakeError(Alert.ILLEGAL_PARAMETER, "no point for X25519") from error


def ephemeral_key(group: Group) -> EphemeralKey:
    """Make a key pair."""
    return _X25519() if group is Group.X25519 else _P256()


def sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """Return a DER signature."""
    return key.sign(data, _ECDSA)


def verify(key: ec.EllipticCurvePublicKey, signature: bytes, digest: bytes) -> None:
    """Check a signature of data with this SHA-256; raises HandshakeError."""
    try:
        key.verify(signature, digest, _ECDSA_OF_HASH)
    except InvalidSignature as error:
        raise HandshakeError(Alert.DECRYPT_ERROR, "signature does not verify") from error
