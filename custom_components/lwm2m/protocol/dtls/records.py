"""The record layer's framing and replay window (RFC 6347 4.1, RFC 9146 4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
import struct

DTLS_1_0 = 0xFEFF
DTLS_1_2 = 0xFEFD
DTLS_MAJOR = 0xFE
HEADER = 13
"""type 1, version 2, epoch 2, sequence number 6, length 2 (RFC 6347 4.1)."""
_HEADER = struct.Struct("!BHQH")
"""The epoch and the sequence number as one."""
MAX_PLAINTEXT = 2**14
MAX_FRAGMENT = 2**14 + 2048
"""RFC 5246 6.2.3."""
MAX_RECORDS = 32
"""In a datagram: a client's longest flight has ten, and what is left of a datagram is dropped."""
MAX_SEQUENCE = 2**48 - 1
"""RFC 6347 4.1: sequence numbers must not wrap within an epoch."""


class ContentType(IntEnum):
    """RFC 5246 6.2.1, RFC 9146 4 (25)."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23
    TLS12_CID = 25


CONTENT_TYPES = frozenset(kind.value for kind in ContentType)


@dataclass(slots=True)
class Record:
    """A record as it came."""

    type: int
    version: int
    epoch: int
    """How many times the sender has changed its cipher state."""
    sequence: int
    """Count of records within the epoch, 48 bits."""
    connection_id: bytes
    fragment: bytes


def split(datagram: bytes, connection_id_length: int) -> list[Record]:
    """Return the records of a datagram, up to the first that is not one (RFC 6347 4.1.1).

    At most MAX_RECORDS: each may take as much time as a datagram of its own, which a full datagram
    has room for 5,000 times.

    The length of the connection IDs that this side hands out is not on the wire (RFC 9146 4).
    """
    records: list[Record] = []
    start = HEADER
    size = len(datagram)
    while start <= size and len(records) < MAX_RECORDS:
        content_type, version, number, length = _HEADER.unpack_from(datagram, start - HEADER)
        if content_type not in CONTENT_TYPES or version >> 8 != DTLS_MAJOR:
            break
        connection_id = b""
        if content_type == ContentType.TLS12_CID:
            # It stands before the length.
            connection_id = datagram[start - 2 : start - 2 + connection_id_length]
            start += connection_id_length
            length = int.from_bytes(datagram[start - 2 : start])
        stop = start + length
        if stop > size or length > MAX_FRAGMENT:
            break
        epoch, sequence = number >> 48, number & MAX_SEQUENCE
        fragment = datagram[start:stop]
        records.append(Record(content_type, version, epoch, sequence, connection_id, fragment))
        start = stop + HEADER
    return records


def plaintext_record(content_type: int, version: int, sequence: int, fragment: bytes) -> bytes:
    """Write an unprotected record, which is always of epoch 0."""
    return _HEADER.pack(content_type, version, sequence, len(fragment)) + fragment


class ReplayWindow:
    """The last 64 sequence numbers of an epoch (RFC 6347 4.1.2.6).

    Marked only after a record has been authenticated, so that a forger cannot move the window.
    """

    __slots__ = ("_seen", "newest")

    SIZE = 64
    _ALL = (1 << SIZE) - 1

    def __init__(self) -> None:
        self.newest = -1
        self._seen = 0

    def fresh(self, sequence: int) -> bool:
        """Say whether this sequence number is neither seen before nor too old to tell."""
        age = self.newest - sequence
        if age < 0:
            return True
        return age < self.SIZE and not self._seen >> age & 1

    def mark(self, sequence: int) -> bool:
        """Note an authenticated record; True when it is the newest so far."""
        step = sequence - self.newest
        if step > 0:
            # A long way forward leaves nothing of the old window, and shifts no huge integer.
            kept = self._seen << step if step < self.SIZE else 0
            self._seen = (kept | 1) & self._ALL
            self.newest = sequence
            return True
        self._seen |= 1 << -step
        return False
