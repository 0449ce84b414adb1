"""TLS 1.2's key schedule with SHA-256, the hash of every suite here (RFC 5246 5, 6.3, 8.1)."""

from __future__ import annotations

from hashlib import sha256

MASTER_SECRET = 48
VERIFY_DATA = 12
_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Hmac:
    """HMAC-SHA256 under one key, which costs most of it and is prepared once (RFC 2104 2, 4).

    Written out, because a handshake takes twelve of them, and a twentieth more of its time with
    what `cryptography` has for it.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK:
            key = sha256(key).digest()
        padded = key.ljust(_BLOCK, b"\0")
        self._inner = sha256(padded.translate(_INNER))
        self._outer = sha256(padded.translate(_OUTER))

    def digest(self, data: bytes) -> bytes:
        """Return the MAC of data."""
        inner = self._inner.copy()
        inner.update(data)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


def prf(secret: Hmac, label: bytes, seed: bytes, length: int) -> bytes:
    """P_SHA256 of RFC 5246 5: `length` bytes."""
    seed = label + seed
    chained = secret.digest(seed)
    output = secret.digest(chained + seed)
    while len(output) < length:
        chained = secret.digest(chained)
        output += secret.digest(chained + seed)
    return output[:length]


def psk_premaster(psk: bytes) -> bytes:
    """The premaster secret of plain PSK (RFC 4279 2): as many zeros as the key is long, the key."""
    length = len(psk).to_bytes(2)
    return length + bytes(len(psk)) + length + psk


def master_secret(premaster: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """RFC 5246 8.1."""
    return prf(Hmac(premaster), b"master secret", client_random + server_random, MASTER_SECRET)


def extended_master_secret(premaster: bytes, session_hash: bytes) -> bytes:
    """RFC 7627 4; `session_hash` covers ClientHello to ClientKeyExchange."""
    return prf(Hmac(premaster), b"extended master secret", session_hash, MASTER_SECRET)


def key_block(master: Hmac, client_random: bytes, server_random: bytes, length: int) -> bytes:
    """RFC 5246 6.3: here the server's random comes first."""
    return prf(master, b"key expansion", server_random + client_random, length)


def verify_data(master: Hmac, *, client: bool, transcript_hash: bytes) -> bytes:
    """The contents of Finished (RFC 5246 7.4.9)."""
    label = b"client finished" if client else b"server finished"
    return prf(master, label, transcript_hash, VERIFY_DATA)
