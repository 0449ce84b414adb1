"""TLS's presentation language (RFC 5246 4): reading and writing of its vectors."""

from __future__ import annotations

from .errors import DecodeError


class Reader:
    """Reads one message from its start; raises DecodeError instead of passing its end."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, length: int) -> bytes:
        """Return the next `length` bytes."""
        start = self._position
        end = start + length
        if end > len(self._data):
            raise DecodeError("message is cut short")
        self._position = end
        return self._data[start:end]

    def number(self, size: int) -> int:
        """Return an unsigned integer of `size` bytes."""
        return int.from_bytes(self.take(size))

    def vector(self, prefix: int, minimum: int = 0, maximum: int = 0xFFFFFF) -> bytes:
        """Return a vector whose length, `minimum` to `maximum`, is written in `prefix` bytes."""
        length = self.number(prefix)
        if not minimum <= length <= maximum:
            raise DecodeError("vector has a length that its definition rules out")
        return self.take(length)

    def numbers(self, prefix: int, size: int) -> tuple[int, ...]:
        """Return a vector of at least one integer of `size` bytes each."""
        data = self.vector(prefix, minimum=size)
        if len(data) % size:
            raise DecodeError("vector holds half an element")
        return tuple(int.from_bytes(data[i : i + size]) for i in range(0, len(data), size))

    @property
    def empty(self) -> bool:
        """Whether everything has been read."""
        return self._position == len(self._data)

    def end(self) -> None:
        """Raise DecodeError when something is left over."""
        if not self.empty:
            raise DecodeError("message is longer than its fields")


def vector(prefix: int, data: bytes) -> bytes:
    """Write `data` with its length in `prefix` bytes before it."""
    return len(data).to_bytes(prefix) + data
