"""Block-wise transfers that we start: large requests out, large responses in (RFC 7959)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap import CONTINUE, REQUEST_ENTITY_TOO_LARGE, Message

from .errors import TransferFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiocoap.optiontypes import BlockOption

    from .peer import Peer

MAX_SIZE_EXPONENT = 6
"""1024 bytes (RFC 7959 2.2)."""
BERT = 7
"""Several blocks of 1024 bytes in one message, over reliable transports alone (RFC 8323 6)."""

MESSAGE_OVERHEAD = 128
"""Bytes of a message beside its block: header, token, and the options of a LwM2M request.

RFC 7252 4.6 reckons with as many.
"""

type SendOne = Callable[[Message], Awaitable[Message]]
"""Sends one request message and returns its response."""


def block_size(size_exponent: int) -> int:
    """Return the bytes of a block, which block numbers count (RFC 7959 2.2)."""
    return 1 << (min(size_exponent, MAX_SIZE_EXPONENT) + 4)


def largest_block(message_size: int) -> int:
    """Return the SZX of the largest block whose message is no larger than this."""
    size = max(message_size - MESSAGE_OVERHEAD, block_size(0))
    return min(size.bit_length() - 5, MAX_SIZE_EXPONENT)


def chunk_size(size_exponent: int, peer: Peer) -> int:
    """Return how many bytes in blocks of this size go into one message to a peer."""
    if size_exponent < BERT:
        return block_size(size_exponent)
    return max(peer.maximum_payload_size // 1024, 1) * 1024


def largest_exponent(peer: Peer) -> int:
    """Return the SZX of the largest blocks that a peer may send."""
    return BERT if peer.is_reliable else MAX_SIZE_EXPONENT


def is_intermediate(block: BlockOption.BlockwiseTuple, payload: bytes) -> bool:
    """Tell whether a payload is one that more may follow: a whole block, or several for BERT."""
    return bool(payload) and bool(block.is_valid_for_payload_size(len(payload)))


async def send_request(request: Message, send: SendOne) -> Message:
    """Send `request`, in blocks if it is large or the peer wants so, and return the response.

    The peer may ask for smaller blocks, in its answer to the first or in a 4.13
    (RFC 7959 2.3, 2.9.3). TransferFailed when its answers make no sense.
    """
    peer: Peer = request.remote
    exponent = peer.maximum_block_size_exp
    in_blocks = len(request.payload) > peer.maximum_payload_size
    offset = 0
    while True:
        message = _request_block(request, offset, exponent) if in_blocks else request
        response = await send(message)
        answer: BlockOption.BlockwiseTuple | None = response.opt.block1
        if (
            response.code == REQUEST_ENTITY_TOO_LARGE
            and offset == 0
            and (smaller := _smaller_blocks(message, response)) is not None
        ):
            exponent = smaller
            if answer is not None:
                peer.maximum_block_size_exp = exponent
            in_blocks = True
            continue
        if not in_blocks:
            return response
        offset += len(message.payload)
        if offset >= len(request.payload):
            if response.code == CONTINUE:
                raise TransferFailed("asked for more than there is")
            return response
        if not response.code.is_successful():
            return response
        if answer is None or answer.block_number != message.opt.block1.block_number:
            raise TransferFailed("an intermediate block was not acknowledged as such")
        exponent = min(exponent, answer.size_exponent)


async def fetch_rest(request: Message, first: Message, send: SendOne, limit: int) -> Message:
    """Return `first` with the payload of all its blocks, fetched as RFC 7959 2.4 says.

    All options are those of the first block, also where later ones lack them.
    TransferFailed when the representation changes on the way, when a block is refused or does not
    fit, or when the whole exceeds `limit` bytes.
    """
    block: BlockOption.BlockwiseTuple | None = first.opt.block2
    if block is None or is_whole(first):
        return first
    if block.block_number != 0 or not is_intermediate(block, first.payload):
        raise TransferFailed("the first block is none")
    payload = bytearray(first.payload)
    exponent = min(block.size_exponent, largest_exponent(request.remote))
    while block.more:
        number = len(payload) // block_size(exponent)
        response = await send(
            request.copy(payload=b"", observe=None, block1=None, block2=(number, False, exponent))
        )
        if not response.code.is_successful():
            raise TransferFailed(f"a further block was refused: {response.code}")
        block = response.opt.block2
        if block is None or block.start != len(payload):
            raise TransferFailed("not the block that was asked for")
        if response.opt.etag != first.opt.etag:
            raise TransferFailed("the representation changed")
        if block.more and not is_intermediate(block, response.payload):
            raise TransferFailed("a block is not of its size")
        payload += response.payload
        if len(payload) > limit:
            raise TransferFailed("the response is too large")
        exponent = min(exponent, block.size_exponent)
    first.payload = bytes(payload)
    first.opt.block2 = None
    return first


def is_whole(response: Message) -> bool:
    """Tell whether a response is no block of a larger one, also not its last (RFC 7959 2.2)."""
    block: BlockOption.BlockwiseTuple | None = response.opt.block2
    return block is None or (block.block_number == 0 and not block.more)


def _smaller_blocks(message: Message, response: Message) -> int | None:
    """Return the SZX to try again with after a 4.13, None when there is no use.

    Block1 in it says which; without that in either, it is a hint to try blocks at all, unless
    Size1 says that the whole is too large (RFC 7959 2.9.3).
    """
    size = len(message.payload)
    if response.opt.block1 is not None:
        exponent = int(response.opt.block1.size_exponent)
    elif message.opt.block1 is None and size <= (response.opt.size1 or size):
        exponent = largest_block(MESSAGE_OVERHEAD + size - 1)
    else:
        return None
    return exponent if block_size(exponent) < size else None


def _request_block(request: Message, offset: int, exponent: int) -> Message:
    """Cut the block at `offset` out of a request; the first says how large the whole is."""
    size = chunk_size(exponent, request.remote)
    more = offset + size < len(request.payload)
    block = request.copy(
        payload=request.payload[offset : offset + size],
        block1=(offset // block_size(exponent), more, exponent),
    )
    if offset == 0:
        block.opt.size1 = len(request.payload)
    return block
