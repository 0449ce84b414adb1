"""CoAP messages on a stream of bytes (RFC 8323 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap import Message
from aiocoap.error import UnparsableMessage
from aiocoap.message import Direction

from .wire import MAX_TOKEN_LENGTH, PAYLOAD_MARKER, MalformedMessage, end_of_options

if TYPE_CHECKING:
    from aiocoap.interfaces import EndpointAddress

_EXTENSIONS = {13: (1, 13), 14: (2, 269), 15: (4, 65805)}
"""For each special value of Len: how many bytes of extended length follow, and what to add."""
_CODE_LENGTH = 1


class FrameReader:
    """Cuts a stream into messages, and holds the one that is not complete."""

    __slots__ = ("_data", "_limit")

    def __init__(self, limit: int) -> None:
        """`limit` is the most bytes that one message may have, with its header."""
        self._limit = limit
        self._data = bytearray()

    @property
    def pending(self) -> int:
        """How many bytes there are of a message that is not complete."""
        return len(self._data)

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        self._data += data

    def clear(self) -> None:
        """Forget what has arrived."""
        self._data = bytearray()

    def take(self) -> bytes | None:
        """Return the next message that is complete; None when there is none.

        MalformedMessage for a length of the token that is reserved, and for a message past the
        limit, as soon as its header says so; what follows cannot be read any more then.
        """
        size = self._size()
        if size is None or size > len(self._data):
            return None
        frame = bytes(self._data[:size])
        del self._data[:size]
        return frame

    def _size(self) -> int | None:
        """Return how long the next message is; None before that is known."""
        if not self._data:
            return None
        token_length = self._data[0] & 0x0F
        if token_length > MAX_TOKEN_LENGTH:
            raise MalformedMessage("bad token length")
        extension, length = _read_length(self._data)
        if length is None:
            return None
        size = 1 + extension + _CODE_LENGTH + token_length + length
        if size > self._limit:
            raise MalformedMessage("message too large")
        return size


def decode(frame: bytes, peer: EndpointAddress) -> Message:
    """Decode a whole message from `peer`.

    MalformedMessage for what RFC 7252 3 calls a message format error, for option values that are
    not of their type, for too many options, and for a code of a reserved class.
    """
    at = 1 + _read_length(frame)[0]
    token_end = at + _CODE_LENGTH + (frame[0] & 0x0F)
    end = end_of_options(frame, token_end)
    message = Message(code=frame[at], _token=frame[at + _CODE_LENGTH : token_end])
    try:
        message.opt.decode(frame[token_end:end])
    except (UnparsableMessage, ValueError) as error:
        raise MalformedMessage("bad option") from error
    if end + 1 == len(frame):
        raise MalformedMessage("a payload marker without a payload")
    if message.code.class_ in (1, 6):
        raise MalformedMessage("reserved code")
    message.payload = frame[end + 1 :]
    message.remote = peer
    message.direction = Direction.INCOMING
    return message


def encode(message: Message) -> bytes:
    """Return a message as it is on a stream."""
    options = message.opt.encode()
    marker = bytes([PAYLOAD_MARKER]) if message.payload else b""
    nibble, extension = _write_length(len(options) + len(marker) + len(message.payload))
    first = nibble << 4 | len(message.token)
    return b"".join(
        (
            bytes([first]),
            extension,
            bytes([message.code]),
            message.token,
            options,
            marker,
            message.payload,
        )
    )


def _read_length(data: bytes | bytearray) -> tuple[int, int | None]:
    """Return how many bytes the extended length has, and the length of options and payload."""
    nibble = data[0] >> 4
    if nibble not in _EXTENSIONS:
        return 0, nibble
    size, base = _EXTENSIONS[nibble]
    extension = data[1 : 1 + size]
    return size, base + int.from_bytes(extension) if len(extension) == size else None


def _write_length(length: int) -> tuple[int, bytes]:
    for nibble, (size, base) in reversed(_EXTENSIONS.items()):
        if length >= base:
            return nibble, (length - base).to_bytes(size)
    return length, b""
