"""Bodies that do not fit one datagram (RFC 7959)."""

from __future__ import annotations

import zlib

from aiocoap import (
    BAD_REQUEST,
    CONTINUE,
    GET,
    REQUEST_ENTITY_INCOMPLETE,
    REQUEST_ENTITY_TOO_LARGE,
    Message,
)

SIZE_EXPONENT = 6
"""Blocks of 1024 bytes, RFC 7959 2.2."""

MAX_BODY = 1 << 20
MAX_UPLOADS = 4

type _Key = tuple[int, tuple[str, ...], tuple[str, ...]]


def size_of(exponent: int) -> int:
    """Return a block's size in bytes from the option's SZX (RFC 7959 2.2)."""
    return 1 << (min(exponent, SIZE_EXPONENT) + 4)


def first_block(response: Message, request: Message | None = None) -> Message:
    """Cut from a response the block that was asked for, the first where none was.

    A response that fits is returned as it is. The ETag tells the blocks of one state from
    those of the next (RFC 7959 2.4).
    """
    number, exponent = 0, SIZE_EXPONENT
    if request is not None and request.opt.block2 is not None:
        number, _, exponent = request.opt.block2
    size = size_of(exponent)
    if number == 0 and len(response.payload) <= size:
        return response
    start, end = number * size, (number + 1) * size
    if start >= len(response.payload):
        return Message(code=BAD_REQUEST)
    response.opt.etag = zlib.crc32(response.payload).to_bytes(4)
    response.opt.block2 = (number, end < len(response.payload), exponent)
    response.payload = response.payload[start:end]
    return response


def request_block(request: Message, start: int, exponent: int) -> Message:
    """Cut from a request the block at byte `start`; one that fits is returned as it is.

    Source: RFC 7959 2.3.
    """
    if len(request.payload) <= size_of(SIZE_EXPONENT):
        return request
    end = start + size_of(exponent)
    return request.copy(
        payload=request.payload[start:end],
        block1=(start // size_of(exponent), end < len(request.payload), exponent),
    )


class Uploads:
    """Request bodies that are on their way in blocks."""

    def __init__(self) -> None:
        """Start with none."""
        self._bodies: dict[_Key, bytearray] = {}

    def collect(self, request: Message) -> Message | None:
        """Take one block in; None when `request` now holds the whole body.

        Otherwise the response: 2.31 for more, 4.08 for a block out of order, 4.13 for a
        body that is too long. Source: RFC 7959 2.3 and 2.9.
        """
        block = request.opt.block1
        if block is None or request.code == GET:
            return None
        key: _Key = (int(request.code), request.opt.uri_path, request.opt.uri_query)
        if block.block_number == 0:
            self._bodies.pop(key, None)
            self._bodies[key] = bytearray()
            if len(self._bodies) > MAX_UPLOADS:
                del self._bodies[next(iter(self._bodies))]
        body = self._bodies.get(key)
        if body is None or block.start != len(body):
            return Message(code=REQUEST_ENTITY_INCOMPLETE, block1=block)
        if len(body) + len(request.payload) > MAX_BODY:
            del self._bodies[key]
            return Message(code=REQUEST_ENTITY_TOO_LARGE, block1=block, size1=MAX_BODY)
        body += request.payload
        if block.more:
            return Message(code=CONTINUE, block1=block)
        request.payload = bytes(self._bodies.pop(key))
        return None
