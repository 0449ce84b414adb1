"""TLS's presentation language (RFC 5246 4): reading and writing of its vectors."""

from __future__ import annotations

import struct

from .errors import DecodeError


class Reader:
    """Reads one message from its start; raises DecodeError instead of passing its end.

    Several a handshake do so tens of times, so the methods call each other as little as they can.
    """

    __slots__ = ("_data", "_end", "position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._end = len(data)
        self.position = 0
        """How much of the message has been read, bytes."""

    def take(self, length: int) -> bytes:
        """Return the next `length` bytes."""
        start = self.position
        end = self.position = start + length
        if end > self._end:
            raise DecodeError("message is cut short")
        return self._data[start:end]

    def number(self, size: int) -> int:
        """Return an unsigned integer of `size` bytes."""
        start = self.position
        end = self.position = start + size
        if end > self._end:
            raise DecodeError("message is cut short")
        return int.from_bytes(self._data[start:end])

    def vector(self, prefix: int, minimum: int = 0, maximum: int = 0xFFFFFF) -> bytes:
        """Return a vector whose length, `minimum` to `maximum`, is written in `prefix` bytes."""
        data = self._data
        start = self.position + prefix
        length = int.from_bytes(data[self.position : start])
        end = self.position = start + length
        if end > self._end:
            raise DecodeError("message is cut short")
        if not minimum <= length <= maximum:
            raise DecodeError("vector has a length that its definition rules out")
        return data[start:end]

    def numbers(self, prefix: int, size: int) -> tuple[int, ...]:
        """Return a vector of at least one integer of `size` bytes each, 1 or 2."""
        data = self.vector(prefix, minimum=size)
        if size == 1:
            return tuple(data)
        if len(data) % 2:
            raise DecodeError("vector holds half an element")
        return struct.unpack(f"!{len(data) // 2}H", data)

    @property
    def empty(self) -> bool:
        """Whether everything has been read."""
        return self.position == self._end

    def end(self) -> None:
        """Raise DecodeError when something is left over."""
        if self.position != self._end:
            raise DecodeError("message is longer than its fields")


def vector(prefix: int, data: bytes) -> bytes:
    """Write `data` with its length in `prefix` bytes before it."""
    return len(data).to_bytes(prefix) + data
