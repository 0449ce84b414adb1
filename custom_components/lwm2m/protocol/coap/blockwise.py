"""Block-wise transfers that peers start: large requests in, large answers out (RFC 7959)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiocoap import (
    BAD_REQUEST,
    CONTINUE,
    FETCH,
    GET,
    REQUEST_ENTITY_INCOMPLETE,
    REQUEST_ENTITY_TOO_LARGE,
    Message,
)
from aiocoap.numbers.optionnumbers import OptionNumber

from .transfer import block_size, chunk_size, is_intermediate, largest_exponent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .counters import CoapCounters
    from .limits import Shares
    from .peer import Peer
    from .recent import SharedRecent

    type Transfers[V] = SharedRecent[Peer, Any, V]

type Handler = Callable[[Message], Awaitable[Message]]


class BlockwiseServer:
    """Shows a handler whole requests, and its peers answers in blocks."""

    def __init__(
        self,
        handler: Handler,
        shares: Shares,
        lifetime: float,
        counters: CoapCounters,
    ) -> None:
        """`lifetime` is how many seconds a transfer may pause."""
        self._handler = handler
        self._limit = shares.limits.request_size
        self._counters = counters
        self._requests: Transfers[tuple[Message, bytearray]] = shares.recent(
            shares.limits.transfers, lifetime
        )
        self._answers: Transfers[Message] = shares.recent(shares.limits.transfers, lifetime)

    async def respond(self, request: Message) -> Message:
        """Answer one request message."""
        key = _transfer_key(request)
        for block in (request.opt.block1, request.opt.block2):
            if block is not None and block.size_exponent > largest_exponent(request.remote):
                return Message(code=BAD_REQUEST)  # reserved: RFC 7959 2.2
        block1 = request.opt.block1
        if block1 is not None:
            whole = self._assemble(key, request)
        elif len(request.payload) > self._limit:
            whole = self._too_large()
        else:
            whole = request
        response = whole if whole.code.is_response() else await self._answer(key, whole)
        if response.code != REQUEST_ENTITY_TOO_LARGE:  # there it would ask for smaller blocks
            response.opt.block1 = block1
        return response

    def _assemble(self, key: Any, block: Message) -> Message:
        """Return the whole request once `block` completes it, else the answer to `block`."""
        number, more, _ = block.opt.block1
        if more and not is_intermediate(block.opt.block1, block.payload):
            return Message(code=BAD_REQUEST)
        if number == 0:
            first, payload = block, bytearray()
        else:
            known = self._requests.get(block.remote, key)
            if known is None or len(known[1]) != block.opt.block1.start:
                return Message(code=REQUEST_ENTITY_INCOMPLETE)
            first, payload = known
        if max(len(payload) + len(block.payload), first.opt.size1 or 0) > self._limit:
            self._requests.discard(block.remote, key)
            return self._too_large()
        payload += block.payload
        if more:
            self._keep(self._requests, block.remote, key, (first, payload))
            return Message(code=CONTINUE)
        self._requests.discard(block.remote, key)
        first.payload = bytes(payload)
        first.opt.block2 = block.opt.block2
        return first

    async def _answer(self, key: Any, request: Message) -> Message:
        """Return the asked block of the answer, and remember the others."""
        peer: Peer = request.remote
        number, _, exponent = request.opt.block2 or (0, False, peer.maximum_block_size_exp)
        answer = self._answers.get(peer, key) if number else None
        if answer is None:
            if number and request.code not in (GET, FETCH):
                return Message(code=REQUEST_ENTITY_INCOMPLETE)  # only a safe one can be repeated
            answer = await self._handler(request)
        size = chunk_size(exponent, peer)
        start = number * block_size(exponent)
        whole = size if request.opt.block2 else peer.maximum_payload_size
        if number == 0 and len(answer.payload) <= whole:
            return answer
        if start >= len(answer.payload):
            return Message(code=BAD_REQUEST)
        more = start + size < len(answer.payload)
        if more:
            self._keep(self._answers, peer, key, answer)
        else:
            self._answers.discard(peer, key)
        return answer.copy(
            payload=answer.payload[start : start + size],
            block2=(number, more, exponent),
        )

    def _keep[V](self, transfers: Transfers[V], peer: Peer, key: Any, value: V) -> None:
        self._counters.displaced_transfers += transfers.set(peer, key, value)

    def _too_large(self) -> Message:
        """Make the answer to a request past the limit, which it names (RFC 7959 2.9.3)."""
        return Message(code=REQUEST_ENTITY_TOO_LARGE, size1=self._limit)


def _transfer_key(request: Message) -> Any:
    """Return what is the same for all blocks of a transfer (RFC 7959 2.5)."""
    ignored = [OptionNumber.BLOCK1, OptionNumber.BLOCK2, OptionNumber.OBSERVE]
    return request.remote.blockwise_key, request.get_cache_key(ignored)
