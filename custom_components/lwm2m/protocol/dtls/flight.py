"""A flight: messages that go out together, and again when they seem lost (RFC 6347 4.2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .messages import HEADER as MESSAGE_HEADER, split_message
from .records import DTLS_1_2, HEADER, ContentType, plaintext_record

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    __slots__ = ("_max_fragment", "_messages", "sequence", "transmissions")

    def __init__(self, sequence: int, max_fragment: int) -> None:
        """Continue with this record sequence number in epoch 0."""
        self.sequence = sequence
        self.transmissions = 0
        self._max_fragment = max_fragment
        self._messages: list[tuple[ContentType, bytes, bool]] = []

    def add(self, content_type: ContentType, data: bytes, *, protected: bool = False) -> None:
        """Append a message."""
        self._messages.append((content_type, data, protected))

    def datagrams(self, channel: Channel | None) -> list[bytes]:
        """Return the whole flight in as few datagrams as it takes; nothing once too often."""
        if self.transmissions == MAX_TRANSMISSIONS:
            return []
        size = DATAGRAM if self.transmissions < PATIENCE else SMALL_DATAGRAM
        self.transmissions += 1
        datagrams = [b""]
        for record in self._records(channel, min(size - HEADER, self._max_fragment)):
            if datagrams[-1] and len(datagrams[-1]) + len(record) > size:
                datagrams.append(record)
            else:
                datagrams[-1] += record
        return datagrams

    def _records(self, channel: Channel | None, room: int) -> Iterator[bytes]:
        for content_type, data, protected in self._messages:
            if protected:
                # Finished alone is: 24 bytes, which no limit reaches.
                assert channel is not None
                yield channel.seal(content_type, data)
                continue
            whole = len(data) <= room or content_type is not ContentType.HANDSHAKE
            for part in (data,) if whole else split_message(data, max(room, MESSAGE_HEADER + 1)):
                yield plaintext_record(content_type, DTLS_1_2, self.sequence, part)
                self.sequence += 1
