"""TLS 1.2's key schedule with SHA-256, the hash of every suite here (RFC 5246 5, 6.3, 8.1)."""

from __future__ import annotations

import hmac

MASTER_SECRET = 48
VERIFY_DATA = 12


def prf(secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """P_SHA256 of RFC 5246 5: `length` bytes."""
    seed = label + seed
    chained = seed
    output = b""
    while len(output) < length:
        chained = hmac.digest(secret, chained, "sha256")
        output += hmac.digest(secret, chained + seed, "sha256")
    return output[:length]


def psk_premaster(psk: bytes) -> bytes:
    """The premaster secret of plain PSK (RFC 4279 2): as many zeros as the key is long, the key."""
    length = len(psk).to_bytes(2)
    return length + bytes(len(psk)) + length + psk


def master_secret(premaster: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """RFC 5246 8.1."""
    return prf(premaster, b"master secret", client_random + server_random, MASTER_SECRET)


def extended_master_secret(premaster: bytes, session_hash: bytes) -> bytes:
    """RFC 7627 4; `session_hash` covers ClientHello to ClientKeyExchange."""
    return prf(premaster, b"extended master secret", session_hash, MASTER_SECRET)


def key_block(master: bytes, client_random: bytes, server_random: bytes, length: int) -> bytes:
    """RFC 5246 6.3: here the server's random comes first."""
    return prf(master, b"key expansion", server_random + client_random, length)


def verify_data(master: bytes, *, client: bool, transcript_hash: bytes) -> bytes:
    """The contents of Finished (RFC 5246 7.4.9)."""
    label = b"client finished" if client else b"server finished"
    return prf(master, label, transcript_hash, VERIFY_DATA)
