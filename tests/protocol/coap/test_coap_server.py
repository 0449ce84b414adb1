"""Requests that the endpoint answers."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from aiocoap import (
    ACK,
    BAD_OPTION,
    BAD_REQUEST,
    CHANGED,
    CON,
    CONTENT,
    CONTINUE,
    EMPTY,
    GET,
    INTERNAL_SERVER_ERROR,
    NON,
    POST,
    PROXYING_NOT_SUPPORTED,
    PUT,
    REQUEST_ENTITY_INCOMPLETE,
    REQUEST_ENTITY_TOO_LARGE,
    RST,
    Message,
)
import pytest

from custom_components.lwm2m.protocol.coap import PeerLimits
from tests.raw_coap import Address, RawPeer, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from custom_components.lwm2m.protocol.coap import CoapEndpoint


LARGE = bytes(range(256)) * 10


class Recorder:
    """A handler that keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Message] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, request: Message) -> Message:
        """Answer with the number of the request, or with a large payload."""
        self.requests.append(request)
        await self.may_answer.wait()
        match request.opt.uri_path:
            case ("large",):
                return Message(code=CONTENT, payload=LARGE)
            case ("failing",):
                raise RuntimeError("secret reason")
        return Message(code=CHANGED, payload=b"%d" % len(self.requests))


@pytest.fixture
def handler() -> Recorder:
    """Return the handler."""
    return Recorder()


@pytest.fixture
async def server(
    open_endpoint: Callable[..., Awaitable[CoapEndpoint]], handler: Recorder
) -> CoapEndpoint:
    """Return an endpoint that takes requests of up to 4000 bytes."""
    return await open_endpoint(handler, limits=PeerLimits(request_size=4000))


@pytest.fixture
def address(server: CoapEndpoint) -> Address:
    """Return the server's host and port."""
    (transport,) = server._transports
    return transport.host, transport.port


async def test_a_quick_answer_rides_on_the_acknowledgement(raw: RawPeer, address: Address) -> None:
    request = raw.send(address, POST, CON, token=b"t", uri_path=["rd"], payload=b"</1/0>")

    answer = await raw.receive()

    assert (answer.mtype, answer.mid, answer.token) == (ACK, request.mid, b"t")
    assert (answer.code, answer.payload) == (CHANGED, b"1")


async def test_a_non_confirmable_request_gets_a_non_confirmable_answer(
    raw: RawPeer, address: Address
) -> None:
    raw.send(address, GET, NON, token=b"t")

    answer = await raw.receive()

    assert (answer.mtype, answer.token) == (NON, b"t")


@pytest.mark.usefixtures("acknowledging", "impatient")
async def test_a_slow_answer_comes_separately(
    raw: RawPeer, address: Address, handler: Recorder
) -> None:
    handler.may_answer.clear()
    request = raw.send(address, GET, CON, token=b"t")
    acknowledgement = await raw.receive()
    handler.may_answer.set()
    answer = await raw.receive()
    raw.acknowledge(answer)

    assert (acknowledgement.mtype, acknowledgement.code) == (ACK, EMPTY)
    assert acknowledgement.mid == request.mid
    assert (answer.mtype, answer.token, answer.payload) == (CON, b"t", b"1")
    assert await raw.receives_nothing(0.3)


async def test_a_slow_handler_delays_no_other_peer(
    raw: RawPeer,
    address: Address,
    handler: Recorder,
    open_peer: Callable[[], Awaitable[RawPeer]],
) -> None:
    handler.may_answer.clear()
    raw.send(address, GET, NON)
    await until(lambda: handler.requests)
    handler.may_answer = asyncio.Event()
    handler.may_answer.set()

    other = await open_peer()
    other.send(address, GET, NON)

    assert (await other.receive()).payload == b"2"


async def test_a_duplicate_gets_the_same_answer_and_is_not_handled_again(
    raw: RawPeer, address: Address, handler: Recorder, server: CoapEndpoint
) -> None:
    request = raw.send(address, POST, CON, token=b"t", uri_path=["rd"])
    first = await raw.receive()
    raw.transport.sendto(request.encode(), address)
    second = await raw.receive()

    assert (first.mid, first.token, first.payload) == (second.mid, second.token, second.payload)
    assert len(handler.requests) == 1
    assert server.counters.duplicates == 1


async def test_a_duplicate_of_a_request_in_work_waits_with_it(
    raw: RawPeer, address: Address, handler: Recorder
) -> None:
    handler.may_answer.clear()
    request = raw.send(address, POST, CON, token=b"t")
    raw.transport.sendto(request.encode(), address)
    await until(lambda: handler.requests)
    handler.may_answer.set()

    assert (await raw.receive()).payload == b"1"
    assert await raw.receives_nothing()
    assert len(handler.requests) == 1


async def test_a_duplicated_non_confirmable_request_is_not_answered_again(
    raw: RawPeer, address: Address, handler: Recorder
) -> None:
    request = raw.send(address, POST, NON)
    await raw.receive()
    raw.transport.sendto(request.encode(), address)

    assert await raw.receives_nothing()
    assert len(handler.requests) == 1


async def test_the_same_message_id_of_another_peer_is_no_duplicate(
    raw: RawPeer, address: Address, open_peer: Callable[[], Awaitable[RawPeer]]
) -> None:
    raw.send(address, POST, CON, mid=7)
    await raw.receive()
    other = await open_peer()
    other.send(address, POST, CON, mid=7)

    assert (await other.receive()).payload == b"2"


async def test_our_own_message_ids_answer_no_duplicate(
    raw: RawPeer, address: Address, server: CoapEndpoint
) -> None:
    """A request of ours may carry the message ID of one of the peer's."""
    message = Message(code=GET, uri_path=["ours"])
    message.remote = server.peer(*raw.address)
    pending = asyncio.create_task(server.request(message))
    ours = await raw.receive()
    theirs = raw.send(address, POST, CON, mid=(ours.mid + 1) & 0xFFFF, token=b"t")
    first = await raw.receive()
    raw.answer(ours)
    await pending
    message = Message(code=GET, uri_path=["ours again"])
    message.remote = server.peer(*raw.address)
    pending = asyncio.create_task(server.request(message))
    assert (await raw.receive()).mid == theirs.mid

    raw.transport.sendto(theirs.encode(), address)
    again = await raw.receive()

    pending.cancel()
    assert (again.mtype, again.payload) == (ACK, first.payload)


async def test_a_failing_handler_is_answered_for_without_its_reason(
    raw: RawPeer, address: Address, server: CoapEndpoint
) -> None:
    raw.send(address, GET, CON, uri_path=["failing"])

    answer = await raw.receive()

    assert (answer.code, answer.payload) == (INTERNAL_SERVER_ERROR, b"")
    assert server.counters.handler_errors == 1


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        pytest.param("if_match", [b"1"], BAD_OPTION, id="If-Match"),
        pytest.param("oscore", b"1", BAD_OPTION, id="OSCORE"),
        pytest.param("proxy_uri", "coap://elsewhere", PROXYING_NOT_SUPPORTED, id="Proxy-Uri"),
        pytest.param("proxy_scheme", "http", PROXYING_NOT_SUPPORTED, id="Proxy-Scheme"),
    ],
)
async def test_a_critical_option_that_is_not_understood_is_refused(
    raw: RawPeer, address: Address, handler: Recorder, option: str, value: Any, code: int
) -> None:
    raw.send(address, GET, CON, **{option: value})

    assert (await raw.receive()).code == code
    assert handler.requests == []


async def test_what_a_peer_does_is_no_warning(
    raw: RawPeer,
    address: Address,
    handler: Recorder,
    server: CoapEndpoint,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """aiocoap warns of a token that is used again while its request is at work."""
    handler.may_answer.clear()
    for _ in range(2):
        raw.send(address, GET, CON, token=b"same")
    await until(lambda: server.counters.requests == 2)

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_ping_is_answered_with_a_reset(raw: RawPeer, address: Address) -> None:
    ping = raw.send(address, EMPTY, CON)

    answer = await raw.receive()
    assert (answer.mtype, answer.code, answer.mid) == (RST, EMPTY, ping.mid)


# Large payloads (RFC 7959)


async def send_blocks(raw: RawPeer, address: Address, payload: bytes) -> list[Message]:
    """Send a PUT in blocks of 256 bytes and return the answers."""
    answers = []
    for start in range(0, len(payload), 256):
        more = start + 256 < len(payload)
        raw.send(
            address,
            PUT,
            CON,
            token=b"t",
            uri_path=["rd"],
            uri_query=["ep=x"],
            payload=payload[start : start + 256],
            block1=(start // 256, more, 4),
        )
        answers.append(await raw.receive())
    return answers


async def test_a_request_in_blocks_is_handled_once_and_whole(
    raw: RawPeer, address: Address, handler: Recorder
) -> None:
    answers = await send_blocks(raw, address, LARGE)

    (request,) = handler.requests
    assert (request.payload, request.opt.uri_query) == (LARGE, ("ep=x",))
    assert [answer.code for answer in answers] == [CONTINUE] * 9 + [CHANGED]
    assert [answer.opt.block1 for answer in answers] == [(n, n < 9, 4) for n in range(10)]


async def test_options_of_the_first_block_alone_are_kept(
    raw: RawPeer, address: Address, handler: Recorder
) -> None:
    """Some devices send Content-Format with the first block only."""
    raw.send(address, PUT, CON, payload=bytes(16), block1=(0, True, 0), size1=20)
    await raw.receive()
    raw.send(address, PUT, CON, payload=bytes(4), block1=(1, False, 0))
    await raw.receive()

    assert (handler.requests[0].payload, handler.requests[0].opt.size1) == (bytes(20), 20)


async def test_a_transfer_that_starts_again_replaces_the_first(
    raw: RawPeer, address: Address, handler: Recorder
) -> None:
    raw.send(address, PUT, CON, payload=bytes(16), block1=(0, True, 0))
    await raw.receive()
    raw.send(address, PUT, CON, payload=b"x" * 16, block1=(0, True, 0))
    await raw.receive()
    raw.send(address, PUT, CON, payload=b"end", block1=(1, False, 0))
    await raw.receive()

    assert [request.payload for request in handler.requests] == [b"x" * 16 + b"end"]


@pytest.mark.parametrize("number", [0, 2])
async def test_a_block_out_of_order_is_refused(
    raw: RawPeer, address: Address, handler: Recorder, number: int
) -> None:
    if number:
        raw.send(address, PUT, CON, payload=bytes(16), block1=(0, True, 0))
        await raw.receive()

    raw.send(address, PUT, CON, payload=b"end", block1=(number or 1, False, 0))

    assert (await raw.receive()).code == REQUEST_ENTITY_INCOMPLETE
    assert handler.requests == []


async def test_transfers_of_two_peers_do_not_mix(
    raw: RawPeer, address: Address, open_peer: Callable[[], Awaitable[RawPeer]]
) -> None:
    raw.send(address, PUT, CON, payload=bytes(16), block1=(0, True, 0))
    await raw.receive()
    other = await open_peer()

    other.send(address, PUT, CON, payload=b"end", block1=(1, False, 0))

    assert (await other.receive()).code == REQUEST_ENTITY_INCOMPLETE


@pytest.mark.parametrize("block", ["block1", "block2"])
async def test_the_reserved_block_size_is_refused(
    raw: RawPeer, address: Address, block: str
) -> None:
    options: dict[str, Any] = {block: (0, True, 7)}
    raw.send(address, PUT, CON, payload=bytes(1024), **options)

    assert (await raw.receive()).code == BAD_REQUEST


async def test_a_block_that_is_not_of_its_size_is_refused(raw: RawPeer, address: Address) -> None:
    raw.send(address, PUT, CON, payload=bytes(15), block1=(0, True, 0))

    assert (await raw.receive()).code == BAD_REQUEST


async def test_a_transfer_past_the_limit_is_refused_as_it_passes_it(
    raw: RawPeer, address: Address, handler: Recorder
) -> None:
    answers = await send_blocks(raw, address, bytes(4096))

    assert [answer.code for answer in answers] == [CONTINUE] * 15 + [REQUEST_ENTITY_TOO_LARGE]
    assert (answers[-1].opt.size1, answers[-1].opt.block1) == (4000, None)
    assert handler.requests == []


async def test_a_transfer_that_announces_too_much_is_refused_at_once(
    raw: RawPeer, address: Address
) -> None:
    raw.send(address, PUT, CON, payload=bytes(16), block1=(0, True, 0), size1=4001)

    assert (await raw.receive()).code == REQUEST_ENTITY_TOO_LARGE


async def test_a_single_datagram_past_the_limit_is_refused(
    raw: RawPeer, address: Address, handler: Recorder
) -> None:
    raw.send(address, PUT, CON, payload=bytes(4001))

    assert (await raw.receive()).code == REQUEST_ENTITY_TOO_LARGE
    assert handler.requests == []


async def get_block(
    raw: RawPeer, address: Address, number: int, exponent: int, code: int = GET
) -> Message:
    """Ask for one block of the large answer."""
    raw.send(address, code, CON, uri_path=["large"], block2=(number, False, exponent))
    return await raw.receive()


async def test_a_large_answer_comes_in_blocks(raw: RawPeer, address: Address) -> None:
    raw.send(address, GET, CON, uri_path=["large"])
    answers = [await raw.receive()]
    answers += [await get_block(raw, address, number, 6) for number in (1, 2)]

    assert b"".join(answer.payload for answer in answers) == LARGE
    assert [answer.opt.block2 for answer in answers] == [(0, True, 6), (1, True, 6), (2, False, 6)]


async def test_the_handler_is_asked_once_for_all_blocks(
    raw: RawPeer, address: Address, handler: Recorder
) -> None:
    for number in range(3):
        await get_block(raw, address, number, 6)

    assert len(handler.requests) == 1


async def test_nothing_is_kept_of_transfers_that_are_through(
    raw: RawPeer, address: Address, server: CoapEndpoint
) -> None:
    transfers = server._server
    await send_blocks(raw, address, LARGE)
    assert len(transfers._requests) == 0
    await send_blocks(raw, address, bytes(4096))
    for number in range(3):
        await get_block(raw, address, number, 6)

    assert len(transfers._requests) == 0
    assert len(transfers._answers) == 0


async def test_a_peer_gets_the_block_size_that_it_asks_for(raw: RawPeer, address: Address) -> None:
    answer = await get_block(raw, address, 0, 2)

    assert (len(answer.payload), answer.opt.block2) == (64, (0, True, 2))


async def test_the_last_block_of_a_request_asks_for_the_block_size_of_its_answer(
    raw: RawPeer, address: Address
) -> None:
    path = ["large"]
    raw.send(address, POST, CON, uri_path=path, payload=bytes(16), block1=(0, True, 0))
    await raw.receive()
    raw.send(
        address,
        POST,
        CON,
        uri_path=path,
        payload=b"end",
        block1=(1, False, 0),
        block2=(0, False, 2),
    )

    assert (await raw.receive()).opt.block2 == (0, True, 2)


async def test_a_single_later_block_of_a_get_is_answered(raw: RawPeer, address: Address) -> None:
    assert (await get_block(raw, address, 2, 6)).payload == LARGE[2048:]


async def test_a_later_block_of_a_forgotten_post_is_refused(
    raw: RawPeer, address: Address, handler: Recorder
) -> None:
    answer = await get_block(raw, address, 2, 6, code=POST)

    assert answer.code == REQUEST_ENTITY_INCOMPLETE
    assert handler.requests == []


async def test_a_block_past_the_end_is_refused(raw: RawPeer, address: Address) -> None:
    assert (await get_block(raw, address, 3, 6)).code == BAD_REQUEST


async def test_closing_before_a_request_is_acknowledged_leaves_nothing(
    raw: RawPeer, address: Address, handler: Recorder, server: CoapEndpoint
) -> None:
    handler.may_answer.clear()
    raw.send(address, GET, CON)
    await until(lambda: handler.requests)

    await server.close()

    assert await raw.receives_nothing()


@pytest.mark.usefixtures("acknowledging")
async def test_closing_cancels_a_handler_at_work(
    raw: RawPeer, address: Address, handler: Recorder, server: CoapEndpoint
) -> None:
    handler.may_answer.clear()
    raw.send(address, GET, CON)
    await raw.receive()

    await server.close()

    assert asyncio.all_tasks() == {asyncio.current_task()}
