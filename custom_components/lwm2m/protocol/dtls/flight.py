"""A flight: messages that go out together, and again when they seem lost (RFC 6347 4.2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .messages import split_message
from .records import DTLS_1_2, HEADER, ContentType, plaintext_record

if TYPE_CHECKING:
    from .channel import Channel

DATAGRAM = 1200
"""Bytes: fits the smallest IPv6 MTU with room for tunnels."""
SMALL_DATAGRAM = 508
"""Bytes: fits the smallest IPv4 reassembly buffer; for when larger ones get lost (4.1.1.1)."""
PATIENCE = 2
"""Transmissions in large datagrams before small ones are tried."""
MAX_TRANSMISSIONS = 16
"""However often the peer asks: what it sends twice must not make a flood."""


class Flight:
    """The server's messages of one flight, numbered anew with each transmission."""

    __slots__ = ("_messages", "sequence", "transmissions")

    def __init__(self, sequence: int) -> None:
        """Continue with this record sequence number in epoch 0."""
        self.sequence = sequence
        self.transmissions = 0
        self._messages: list[tuple[ContentType, bytes, bool]] = []

    def add(self, content_type: ContentType, data: bytes, *, protected: bool = False) -> None:
        """Append a message."""
        self._messages.append((content_type, data, protected))

    def datagrams(self, channel: Channel | None, max_fragment: int) -> list[bytes]:
        """Return the whole flight in as few datagrams as it takes; nothing once too often.

        `max_fragment` is the longest plaintext of a record, bytes.
        """
        if self.transmissions == MAX_TRANSMISSIONS:
            return []
        size = DATAGRAM if self.transmissions < PATIENCE else SMALL_DATAGRAM
        self.transmissions += 1
        room = min(size - HEADER, max_fragment)
        datagrams: list[bytes] = []
        datagram = b""
        for content_type, data, protected in self._messages:
            for part in (data,) if len(data) <= room else split_message(data, room):
                if protected:
                    assert channel is not None
                    record = channel.seal(content_type, part)
                else:
                    record = plaintext_record(content_type, DTLS_1_2, self.sequence, part)
                    self.sequence += 1
                if datagram and len(datagram) + len(record) > size:
                    datagrams.append(datagram)
                    datagram = b""
                datagram += record
        datagrams.append(datagram)
        return datagrams
