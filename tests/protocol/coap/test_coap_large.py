"""One MiB in either direction, with blocks of either side's size, confirmable or not (RFC 7959)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiocoap import ACK, CHANGED, CON, CONTENT, CONTINUE, GET, NON, PUT, Message
import pytest

from custom_components.lwm2m.protocol.coap import CoapEndpoint, PeerLimits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.raw_coap import Address, RawPeer

    type MakeRequest = Callable[..., Message]
    type OpenEndpoint = Callable[..., Awaitable[CoapEndpoint]]

MIB = 1024 * 1024
PAYLOAD = b"".join(number.to_bytes(4) for number in range(MIB // 4))
ANSWERS = pytest.mark.parametrize(
    ("mtype", "exponent"),
    [
        pytest.param(ACK, 6, id="piggybacked"),
        pytest.param(CON, 5, id="CON in small blocks"),
        pytest.param(NON, 6, id="NON"),
    ],
)
REQUESTS = pytest.mark.parametrize(
    ("mtype", "exponent"),
    [pytest.param(CON, 5, id="CON in small blocks"), pytest.param(NON, 6, id="NON")],
)


async def respond(raw: RawPeer, request: Message, mtype: int, **options: Any) -> None:
    """Answer in the acknowledgement, or in a message of its own."""
    if mtype is ACK:
        raw.answer(request, **options)
        return
    raw.separate(request, mtype=mtype, **options)
    if mtype is CON:
        await raw.receive()


# Requests of ours


@ANSWERS
async def test_a_large_read_arrives_in_the_blocks_that_the_peer_chooses(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest, mtype: int, exponent: int
) -> None:
    pending = asyncio.create_task(endpoint.request(request_to("5", "0", "0")))
    size, start = 16 << exponent, 0
    while start < MIB:
        request = await raw.receive()
        asked = request.opt.block2
        assert asked is None if start == 0 else asked == (start // size, False, exponent)
        chunk = PAYLOAD[start : start + size]
        start += size
        block = (start // size - 1, start < MIB, exponent)
        await respond(raw, request, mtype, payload=chunk, block2=block, etag=b"1")

    assert (await pending).payload == PAYLOAD


@ANSWERS
async def test_a_large_write_arrives_in_the_blocks_that_the_peer_asks_for(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest, mtype: int, exponent: int
) -> None:
    pending = asyncio.create_task(
        endpoint.request(request_to("5", "0", "0", code=PUT, payload=PAYLOAD))
    )
    received, sizes, more = bytearray(), set(), True
    while more:
        request = await raw.receive()
        number, more, szx = request.opt.block1
        assert number * (16 << szx) == len(received)
        received += request.payload
        sizes.add(szx)
        code = CONTINUE if more else CHANGED
        await respond(raw, request, mtype, code=code, block1=(number, more, exponent))

    assert (await pending).code == CHANGED
    assert received == PAYLOAD
    assert sizes == {6, exponent}  # the first is of our size


# Requests of the peer


class Recorder:
    """Takes what is written, and answers reads with the large payload."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def __call__(self, request: Message) -> Message:
        """Take or give one MiB."""
        if request.code == GET:
            return Message(code=CONTENT, payload=PAYLOAD)
        self.written.append(request.payload)
        return Message(code=CHANGED)


@pytest.fixture
def handler() -> Recorder:
    """Return the handler."""
    return Recorder()


@pytest.fixture
async def address(open_endpoint: OpenEndpoint, handler: Recorder) -> Address:
    """Return host and port of a server that takes requests of one MiB."""
    server = await open_endpoint(handler, limits=PeerLimits(request_size=MIB))
    (transport,) = server._transports
    return transport.host, transport.port


@REQUESTS
async def test_a_large_request_of_a_peer_is_taken_in_blocks_of_its_size(
    raw: RawPeer, address: Address, handler: Recorder, mtype: int, exponent: int
) -> None:
    size = 16 << exponent
    for start in range(0, MIB, size):
        block = (start // size, start + size < MIB, exponent)
        payload = PAYLOAD[start : start + size]
        raw.send(address, PUT, mtype, token=b"t", payload=payload, block1=block)
        answer = await raw.receive()
        assert answer.opt.block1 == block

    assert answer.code == CHANGED
    assert handler.written == [PAYLOAD]


@REQUESTS
async def test_a_large_answer_to_a_peer_comes_in_blocks_of_the_size_it_asks_for(
    raw: RawPeer, address: Address, mtype: int, exponent: int
) -> None:
    received, more = bytearray(), True
    while more:
        number = len(received) >> (exponent + 4)
        raw.send(address, GET, mtype, token=b"t", block2=(number, False, exponent))
        answer = await raw.receive()
        assert answer.opt.block2[0::2] == (number, exponent)
        more = answer.opt.block2.more
        received += answer.payload

    assert received == PAYLOAD
