"""Cipher suites and the protection of records.

AEAD: RFC 5246 6.2.3.3; CCM: RFC 6655 (PSK), RFC 7251 (ECDHE_ECDSA); GCM: RFC 5288, RFC 5487 (PSK),
RFC 5289 (ECDHE_ECDSA). CBC: RFC 5246 6.2.3.2, RFC 5487, RFC 5289, RFC 7366 (encrypt-then-MAC).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
import hashlib
import hmac
import os
from typing import Protocol, override

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM

from .errors import BadRecordMac
from .key_schedule import Hmac, key_block

KEY = 16
BLOCK = 16
MAC = 32
FIXED_IV = 4
EXPLICIT_NONCE = 8


class KeyExchange(Enum):
    """How a suite agrees on the premaster secret."""

    PSK = auto()
    ECDHE_ECDSA = auto()


class Mode(Enum):
    """How a suite protects a record."""

    CCM_8 = auto()
    CCM = auto()
    GCM = auto()
    CBC = auto()


@dataclass(frozen=True, slots=True)
class CipherSuite:
    """One suite; all are AES-128 with SHA-256."""

    number: int
    name: str
    key_exchange: KeyExchange
    mode: Mode


SUITES = {
    suite.number: suite
    for suite in (
        CipherSuite(0xC0A8, "TLS_PSK_WITH_AES_128_CCM_8", KeyExchange.PSK, Mode.CCM_8),
        CipherSuite(0xC0A4, "TLS_PSK_WITH_AES_128_CCM", KeyExchange.PSK, Mode.CCM),
        CipherSuite(0x00A8, "TLS_PSK_WITH_AES_128_GCM_SHA256", KeyExchange.PSK, Mode.GCM),
        CipherSuite(0x00AE, "TLS_PSK_WITH_AES_128_CBC_SHA256", KeyExchange.PSK, Mode.CBC),
        CipherSuite(
            0xC0AE,
            "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
            KeyExchange.ECDHE_ECDSA,
            Mode.CCM_8,
        ),
        CipherSuite(0xC0AC, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", KeyExchange.ECDHE_ECDSA, Mode.CCM),
        CipherSuite(
            0xC02B,
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            KeyExchange.ECDHE_ECDSA,
            Mode.GCM,
        ),
        CipherSuite(
            0xC023,
            "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
            KeyExchange.ECDHE_ECDSA,
            Mode.CBC,
        ),
    )
}
"""By the number of the IANA registry."""


class RecordCipher(Protocol):
    """Protects the records of one direction.

    `number` is the record's epoch and sequence number, 8 bytes; `header` is what its MAC covers
    before the length (RFC 5246 6.2.3.3, RFC 9146 5).
    """

    def seal(self, number: bytes, header: bytes, plaintext: bytes) -> bytes:
        """Return the fragment that goes on the wire."""

    def open(self, header: bytes, fragment: bytes) -> bytes:
        """Return the plaintext; raises BadRecordMac."""


class AeadCipher:
    """AES-CCM and AES-GCM with an explicit nonce.

    The nonce's explicit half is the record's number, which never repeats under a key
    (RFC 6655 3, RFC 5288 3).
    """

    __slots__ = ("_aead", "_iv", "_tag")

    def __init__(self, mode: Mode, key: bytes, iv: bytes) -> None:
        self._iv = iv
        self._tag = 8 if mode is Mode.CCM_8 else 16
        self._aead = AESGCM(key) if mode is Mode.GCM else AESCCM(key, self._tag)

    def seal(self, number: bytes, header: bytes, plaintext: bytes) -> bytes:
        """Protect a record."""
        associated = header + len(plaintext).to_bytes(2)
        return number + self._aead.encrypt(self._iv + number, plaintext, associated)

    def open(self, header: bytes, fragment: bytes) -> bytes:
        """Open a record; its nonce is the one that it states."""
        length = len(fragment) - EXPLICIT_NONCE - self._tag
        if length < 0:
            raise BadRecordMac
        try:
            return self._aead.decrypt(
                self._iv + fragment[:EXPLICIT_NONCE],
                fragment[EXPLICIT_NONCE:],
                header + length.to_bytes(2),
            )
        except InvalidTag:
            raise BadRecordMac from None


class CbcCipher:
    """AES-CBC with HMAC-SHA256, the MAC under the encryption (RFC 5246 6.2.3.2)."""

    __slots__ = ("_key", "_mac_key")

    def __init__(self, key: bytes, mac_key: bytes) -> None:
        self._key = algorithms.AES(key)
        self._mac_key = mac_key

    def seal(self, number: bytes, header: bytes, plaintext: bytes) -> bytes:  # noqa: ARG002  # every cipher is called alike
        """Protect a record; its IV is random, so `number` counts only within `header`."""
        return self._encrypt(plaintext + self._mac(header, plaintext))

    def open(self, header: bytes, fragment: bytes) -> bytes:
        """Open a record.

        A wrong padding goes on as an empty one, so that no check is skipped; but Python and HMAC
        take time by length all the same, so this is not constant-time (Lucky 13). Hence CBC comes
        last, and encrypt-then-MAC before it.
        """
        data = self._decrypt(fragment)
        padding = data[-1] + 1
        room = len(data) - MAC
        if room < 1:
            raise BadRecordMac
        well_padded = padding <= room and hmac.compare_digest(
            data[-padding:], bytes([padding - 1]) * padding
        )
        end = room - (padding if well_padded else 1)
        genuine = hmac.compare_digest(data[end : end + MAC], self._mac(header, data[:end]))
        if not (well_padded and genuine):
            raise BadRecordMac
        return data[:end]

    def _mac(self, header: bytes, data: bytes) -> bytes:
        return hmac.digest(self._mac_key, header + len(data).to_bytes(2) + data, hashlib.sha256)

    def _encrypt(self, data: bytes) -> bytes:
        padding = BLOCK - len(data) % BLOCK
        iv = os.urandom(BLOCK)
        encryptor = Cipher(self._key, modes.CBC(iv)).encryptor()
        return iv + encryptor.update(data + bytes([padding - 1]) * padding) + encryptor.finalize()

    def _decrypt(self, data: bytes) -> bytes:
        if len(data) < 2 * BLOCK or len(data) % BLOCK:
            raise BadRecordMac
        decryptor = Cipher(self._key, modes.CBC(data[:BLOCK])).decryptor()
        return decryptor.update(data[BLOCK:]) + decryptor.finalize()


class EncryptThenMacCipher(CbcCipher):
    """AES-CBC with HMAC-SHA256 over the ciphertext (RFC 7366 3, RFC 9146 5.2)."""

    __slots__ = ()

    @override
    def seal(self, number: bytes, header: bytes, plaintext: bytes) -> bytes:
        encrypted = self._encrypt(plaintext)
        return encrypted + self._mac(header, encrypted)

    @override
    def open(self, header: bytes, fragment: bytes) -> bytes:
        encrypted = fragment[:-MAC]
        if not hmac.compare_digest(fragment[-MAC:], self._mac(header, encrypted)):
            raise BadRecordMac
        data = self._decrypt(encrypted)
        padding = data[-1] + 1
        if data[-padding:] != bytes([padding - 1]) * padding:
            raise BadRecordMac
        return data[:-padding]


def record_ciphers(
    suite: CipherSuite,
    master: Hmac,
    client_random: bytes,
    server_random: bytes,
    *,
    encrypt_then_mac: bool,
) -> tuple[RecordCipher, RecordCipher]:
    """Derive the ciphers of the client's and of the server's records (RFC 5246 6.3)."""
    if suite.mode is Mode.CBC:
        block = key_block(master, client_random, server_random, 2 * (MAC + KEY))
        macs, keys = block[: 2 * MAC], block[2 * MAC :]
        kind = EncryptThenMacCipher if encrypt_then_mac else CbcCipher
        return kind(keys[:KEY], macs[:MAC]), kind(keys[KEY:], macs[MAC:])
    block = key_block(master, client_random, server_random, 2 * (KEY + FIXED_IV))
    keys, ivs = block[: 2 * KEY], block[2 * KEY :]
    return (
        AeadCipher(suite.mode, keys[:KEY], ivs[:FIXED_IV]),
        AeadCipher(suite.mode, keys[KEY:], ivs[FIXED_IV:]),
    )
