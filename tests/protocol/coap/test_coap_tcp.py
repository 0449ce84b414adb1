"""CoAP over TCP: requests both ways, signaling, observations, limits (RFC 8323)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
import gc
from typing import TYPE_CHECKING, Any

from aiocoap import (
    BAD_REQUEST,
    CHANGED,
    CONTENT,
    CONTINUE,
    EMPTY,
    GET,
    POST,
    PUT,
    REQUEST_ENTITY_TOO_LARGE,
    Message,
)
from aiocoap.numbers.codes import ABORT, CSM, PING, PONG, RELEASE
from aiocoap.optiontypes import OpaqueOption
from aiocoap.transports.tcp import _serialize
import pytest
import pytest_socket

from custom_components.lwm2m.protocol.coap import (
    CoapEndpoint,
    ConnectionLimits,
    ConnectionLost,
    EndpointClosed,
    NoAcknowledgement,
    NoResponse,
    PeerLimits,
    PortInUseError,
    Scheme,
)
from tests.raw_coap import until
from tests.raw_tcp import RawTcpPeer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from custom_components.lwm2m.protocol.coap import Peer

KIB = 1024


class Opened:
    """An endpoint with a TCP port, and what it was asked and told."""

    def __init__(self, **options: Any) -> None:
        self.requests: list[Message] = []
        self.lost: list[Peer] = []
        self.known: set[Peer] = set()
        self.hold = asyncio.Event()
        self.hold.set()
        self.answer: Message | None = None
        self.endpoint = CoapEndpoint(
            self._handle,
            is_known=self.known.__contains__,
            on_lost=self.lost.append,
            **options,
        )
        self.port: int

    async def _handle(self, request: Message) -> Message:
        self.requests.append(request)
        await self.hold.wait()
        return self.answer or Message(code=CONTENT, payload=request.payload)

    async def peer(self, raw: RawTcpPeer) -> Peer:
        """Return the address of a raw peer, which has the endpoint know it."""
        await raw.request(GET, "hello")
        remote: Peer = self.requests[-1].remote
        return remote

    def ask(self, peer: Peer, code: int = GET, payload: bytes = b"", **options: Any) -> Message:
        """Make a request to a peer."""
        message = Message(code=code, payload=payload, uri_path=("3", "0"), **options)
        message.remote = peer
        return message


@pytest.fixture
async def opened_with(socket_enabled: None) -> AsyncIterator[Callable[..., Awaitable[Opened]]]:
    async with AsyncExitStack() as stack:

        async def open_one(**limits: Any) -> Opened:
            peer_limits = PeerLimits(request_size=limits.pop("request_size", 64 * KIB))
            opened = Opened(connection_limits=ConnectionLimits(**limits), limits=peer_limits)
            stack.push_async_callback(opened.endpoint.close)
            opened.port = await opened.endpoint.listen(Scheme.COAP_TCP, "127.0.0.1", 0)
            return opened

        yield open_one


@pytest.fixture
async def opened(opened_with: Callable[..., Awaitable[Opened]]) -> Opened:
    return await opened_with()


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Awaitable[RawTcpPeer]]]:
    """Return what connects to an endpoint, with CSMs exchanged."""
    async with AsyncExitStack() as stack:

        async def connect_one(opened: Opened, **options: Any) -> RawTcpPeer:
            raw = await RawTcpPeer.open(opened.port, **options)
            stack.push_async_callback(raw.close)
            return raw

        yield connect_one


@pytest.fixture
async def raw(opened: Opened, connect: Callable[..., Awaitable[RawTcpPeer]]) -> RawTcpPeer:
    return await connect(opened)


def option(message: Message, number: int) -> bytes | None:
    """Return the value of a signaling option."""
    return next((item.encode() for item in message.opt.get_option(number)), None)


# Requests


async def test_a_request_is_answered(opened: Opened, raw: RawTcpPeer) -> None:
    answer = await raw.request(POST, "rd", payload=b"hello", token=b"tok")

    assert (answer.code, answer.payload, answer.token) == (CONTENT, b"hello", b"tok")
    remote = opened.requests[0].remote
    assert (remote.scheme, remote.host, remote.port) == (Scheme.COAP_TCP, "127.0.0.1", raw.port)
    assert remote.hostinfo_local == f"127.0.0.1:{opened.port}"


async def test_requests_are_answered_in_any_order(opened: Opened, raw: RawTcpPeer) -> None:
    opened.hold.clear()
    raw.send(raw.make(GET, token=b"a", payload=b"first"))
    await until(lambda: opened.requests)
    first, opened.hold = opened.hold, asyncio.Event()
    opened.hold.set()
    raw.send(raw.make(GET, token=b"b"))

    assert (await raw.receive()).token == b"b"
    first.set()
    assert (await raw.receive()).token == b"a"


async def test_a_request_goes_the_other_way_on_the_same_connection(
    opened: Opened, raw: RawTcpPeer
) -> None:
    peer = await opened.peer(raw)
    asked = asyncio.create_task(opened.endpoint.request(opened.ask(peer)))
    request = await raw.receive()
    raw.answer(request, b"value")

    assert request.opt.uri_path == ("3", "0")
    assert (await asked).payload == b"value"


async def test_requests_do_not_wait_for_each_other(opened: Opened, raw: RawTcpPeer) -> None:
    peer = await opened.peer(raw)
    asked = [
        asyncio.create_task(opened.endpoint.request(opened.ask(peer, payload=bytes([number]))))
        for number in range(3)
    ]
    for request in reversed([await raw.receive() for _ in asked]):
        raw.answer(request, request.payload)

    assert [answer.payload for answer in await asyncio.gather(*asked)] == [b"\0", b"\1", b"\2"]


async def test_a_request_that_is_not_answered_ends_in_time(opened: Opened, raw: RawTcpPeer) -> None:
    peer = await opened.peer(raw)
    asked = asyncio.create_task(opened.endpoint.request(opened.ask(peer), timeout=0.05))
    await raw.receive()

    with pytest.raises(NoResponse):
        await asked


async def test_what_tcp_has_not_delivered_is_not_acknowledged(
    opened: Opened, connect: Callable[..., Awaitable[RawTcpPeer]]
) -> None:
    raw = await connect(opened, max_message_size=64 * KIB * KIB)
    peer = await opened.peer(raw)
    raw.stop_reading()
    large = opened.ask(peer, PUT, bytes(16 * KIB * KIB))

    with pytest.raises(NoAcknowledgement):
        await opened.endpoint.request(large, timeout=0.05)


async def test_several_messages_in_one_segment_and_one_in_several(
    opened: Opened, raw: RawTcpPeer
) -> None:
    raw.writer.write(bytes.fromhex("0101 61") * 2)  # GETs with the token "a"
    assert [(await raw.receive()).token for _ in range(2)] == [b"a", b"a"]
    for byte in bytes.fromhex("0101 62"):
        raw.writer.write(bytes([byte]))
        await raw.writer.drain()
        await asyncio.sleep(0)
    assert (await raw.receive()).token == b"b"


async def test_an_empty_message_means_nothing(opened: Opened, raw: RawTcpPeer) -> None:
    raw.send(Message(code=EMPTY))
    await raw.request(GET)

    assert len(opened.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_port_of_all_addresses(socket_enabled: None, host: str) -> None:
    pytest_socket.socket_allow_hosts([host])
    endpoint = Opened().endpoint
    port = await endpoint.listen(Scheme.COAP_TCP, None, 0)
    raw = await RawTcpPeer.open(port, host)
    try:
        assert (await raw.request(GET)).code == CONTENT
    finally:
        await raw.close()
        await endpoint.close()


async def test_a_port_that_is_in_use_is_named(opened: Opened) -> None:
    with pytest.raises(PortInUseError, match=f"TCP port {opened.port} is in use") as refused:
        await opened.endpoint.listen(Scheme.COAP_TCP, "127.0.0.1", opened.port)

    assert (refused.value.carrier, refused.value.port) == ("TCP", opened.port)


async def test_the_port_can_be_had_again_at_once(socket_enabled: None) -> None:
    first = Opened()
    port = await first.endpoint.listen(Scheme.COAP_TCP, "127.0.0.1", 0)
    raw = await RawTcpPeer.open(port)
    await first.endpoint.close()
    await raw.close()

    second = Opened()
    await second.endpoint.listen(Scheme.COAP_TCP, "127.0.0.1", port)
    await second.endpoint.close()


async def test_a_burst_is_answered_whole_and_leaves_others_their_turn(
    opened: Opened, raw: RawTcpPeer, connect: Callable[..., Awaitable[RawTcpPeer]]
) -> None:
    other = await connect(opened)
    for number in range(1000):
        raw.send(raw.make(GET, payload=number.to_bytes(2)))
    other.send(other.make(GET, "other"))
    answers = [await raw.receive() for _ in range(1000)]
    await other.receive()

    assert [answer.payload for answer in answers] == [n.to_bytes(2) for n in range(1000)]
    asked = [request.opt.uri_path for request in opened.requests]
    assert asked.index(("other",)) < 1000


# Signaling


async def test_the_csm_tells_of_large_messages_and_blocks(raw: RawTcpPeer) -> None:
    assert option(raw.capabilities, 2) == (1024 * 1024 + 512).to_bytes(3)
    assert option(raw.capabilities, 4) == b""


@pytest.mark.parametrize("code", [GET, PING, CONTENT, EMPTY])
async def test_a_csm_comes_first(opened: Opened, code: int) -> None:
    raw = await RawTcpPeer.connect(opened.port)
    raw.send(Message(code=code))

    assert (await raw.receive()).code == CSM
    aborted = await raw.receive()
    assert (aborted.code, aborted.payload) == (ABORT, b"a CSM comes first")
    assert await raw.is_closed()
    assert not opened.requests
    await raw.close()


@pytest.mark.parametrize(
    ("code", "item", "bad_csm_option"),
    [
        (CSM, OpaqueOption(3, b""), b"\x03"),
        (CSM, OpaqueOption(2, bytes(5)), b"\x02"),
        (PING, OpaqueOption(1, b""), None),
    ],
    ids=["critical", "size-too-long", "critical-in-ping"],
)
async def test_an_option_that_is_not_understood_ends_the_connection(
    raw: RawTcpPeer, code: int, item: Any, bad_csm_option: bytes | None
) -> None:
    message = Message(code=code)
    message.opt.add_option(item)
    raw.send(message)

    aborted = await raw.receive()
    assert aborted.code == ABORT
    assert option(aborted, 2) == bad_csm_option
    assert await raw.is_closed()


async def test_what_is_elective_is_ignored(raw: RawTcpPeer) -> None:
    for code in (CSM, PING):
        message = Message(code=code, _token=b"t")
        message.opt.add_option(OpaqueOption(200, b"new"))
        raw.send(message)

    assert (await raw.receive()).code == PONG


async def test_a_ping_is_answered_with_its_token(raw: RawTcpPeer) -> None:
    pong = await raw.request(PING, token=b"\x42")

    assert (pong.code, pong.token) == (PONG, b"\x42")


@pytest.mark.parametrize("code", [PONG, 230, 255], ids=["pong", "7.06", "7.31"])
async def test_other_signaling_is_ignored(raw: RawTcpPeer, code: int) -> None:
    raw.send(Message(code=code))

    assert (await raw.request(PING)).code == PONG


async def test_a_released_connection_is_closed(opened: Opened, raw: RawTcpPeer) -> None:
    peer = await opened.peer(raw)
    raw.send(Message(code=RELEASE))

    assert await raw.is_closed()
    assert opened.lost == [peer]


async def test_what_was_asked_before_the_release_is_answered(
    opened: Opened, raw: RawTcpPeer
) -> None:
    opened.hold.clear()
    raw.send(raw.make(GET, payload=b"last words"))
    raw.send(Message(code=RELEASE))
    await until(lambda: opened.requests)
    opened.hold.set()

    assert (await raw.receive()).payload == b"last words"
    assert await raw.is_closed()


async def test_an_abort_ends_all(opened: Opened, raw: RawTcpPeer) -> None:
    peer = await opened.peer(raw)
    asked = asyncio.create_task(opened.endpoint.request(opened.ask(peer)))
    await raw.receive()
    raw.send(Message(code=ABORT, payload=b"no more"))

    with pytest.raises(ConnectionLost):
        await asked
    assert await raw.is_closed()


@pytest.mark.parametrize("data", ["09 01", "10 45 ff", "00 20"])
async def test_what_is_no_message_ends_the_connection(
    opened: Opened, raw: RawTcpPeer, data: str
) -> None:
    raw.writer.write(bytes.fromhex(data))

    assert (await raw.receive()).code == ABORT
    assert await raw.is_closed()
    assert opened.endpoint.counters.malformed == 1
    assert opened.endpoint.counters.connections_aborted == 1


async def test_closing_the_endpoint_releases_the_connections(
    opened: Opened, raw: RawTcpPeer
) -> None:
    peer = await opened.peer(raw)
    asked = asyncio.create_task(opened.endpoint.request(opened.ask(peer)))
    await raw.receive()
    await opened.endpoint.close()

    with pytest.raises(EndpointClosed):
        await asked
    assert (await raw.receive()).code == RELEASE
    assert await raw.is_closed()


# The end of a connection


async def test_a_lost_connection_fails_what_is_under_way(opened: Opened, raw: RawTcpPeer) -> None:
    peer = await opened.peer(raw)
    asked = [
        asyncio.create_task(opened.endpoint.request(opened.ask(peer))),
        asyncio.create_task(opened.endpoint.observe(opened.ask(peer), lambda _: None)),
    ]
    await raw.receive()
    await raw.close()

    for task in asked:
        with pytest.raises(ConnectionLost):
            await task
    assert opened.lost == [peer]
    assert not peer.is_open


async def test_a_request_without_a_connection_fails_at_once(
    opened: Opened, raw: RawTcpPeer
) -> None:
    peer = await opened.peer(raw)
    await raw.close()
    await until(lambda: opened.lost)

    with pytest.raises(ConnectionLost):
        await opened.endpoint.request(opened.ask(peer))


async def test_an_answer_has_nowhere_to_go_after_the_connection(
    opened: Opened, raw: RawTcpPeer
) -> None:
    opened.hold.clear()
    raw.send(raw.make(GET))
    await until(lambda: opened.requests)
    await raw.close()
    await until(lambda: opened.lost)
    opened.hold.set()

    assert opened.endpoint.counters.handler_errors == 0


async def test_another_connection_is_another_peer(
    opened: Opened, raw: RawTcpPeer, connect: Callable[..., Awaitable[RawTcpPeer]]
) -> None:
    one = await opened.peer(raw)
    other = await opened.peer(await connect(opened))

    assert one != other
    assert one == await opened.peer(raw)


async def test_a_stored_peer_comes_back_without_a_connection(
    opened: Opened, raw: RawTcpPeer
) -> None:
    peer = await opened.peer(raw)
    loaded = opened.endpoint.load_peer(peer.dump())

    assert (loaded.scheme, loaded.hostinfo) == (peer.scheme, peer.hostinfo)
    assert loaded != peer
    with pytest.raises(ConnectionLost):
        await opened.endpoint.request(opened.ask(loaded))


# Observations


async def observe(
    opened: Opened, raw: RawTcpPeer, observed: Callable[[Message], None]
) -> tuple[Peer, Message]:
    """Have the endpoint observe a raw peer; return its address and the endpoint's request."""
    peer = await opened.peer(raw)
    task = asyncio.create_task(opened.endpoint.observe(opened.ask(peer), observed))
    request = await raw.receive()
    raw.answer(request, b"0", observe=0)
    await task
    return peer, request


@pytest.mark.parametrize("values", [[0, 0, 0], [9, 5, 1], [1, 2, 3]], ids=str)
async def test_every_notification_counts_whatever_its_observe_value(
    opened: Opened, raw: RawTcpPeer, values: list[int]
) -> None:
    observed: asyncio.Queue[Message] = asyncio.Queue()
    _, request = await observe(opened, raw, observed.put_nowait)
    for number, value in enumerate(values):
        raw.answer(request, bytes([number]), observe=value)

    assert [(await observed.get()).payload for _ in values] == [b"\0", b"\1", b"\2"]


async def test_a_notification_with_an_empty_observe_option_counts(
    opened: Opened, raw: RawTcpPeer
) -> None:
    observed: asyncio.Queue[Message] = asyncio.Queue()
    _, request = await observe(opened, raw, observed.put_nowait)
    token = request.token
    raw.writer.write(bytes([0x38, 0x45]) + token + bytes.fromhex("60 ff 37") * 1)
    raw.writer.write(bytes([0x38, 0x45]) + token + bytes.fromhex("60 ff 38") * 1)

    assert [(await observed.get()).payload for _ in range(2)] == [b"7", b"8"]


async def test_a_notification_with_an_unknown_critical_option_does_not_count(
    opened: Opened, raw: RawTcpPeer
) -> None:
    """RFC 7252 5.4.1."""
    observed: asyncio.Queue[Message] = asyncio.Queue()
    _, request = await observe(opened, raw, observed.put_nowait)
    raw.answer(request, b"1", observe=1, if_match=[b"1"])
    raw.answer(request, b"2", observe=2)

    assert (await observed.get()).payload == b"2"


async def test_a_forgotten_observation_is_ended_at_its_next_notification(
    opened: Opened, raw: RawTcpPeer
) -> None:
    peer, request = await observe(opened, raw, lambda _: None)
    opened.endpoint.forget(peer, request.token)
    raw.answer(request, b"1", observe=1)

    cancellation = await raw.receive()
    assert (cancellation.code, cancellation.opt.observe) == (GET, 1)
    assert (cancellation.token, cancellation.opt.uri_path) == (request.token, ("3", "0"))
    raw.answer(cancellation, b"1")
    assert await raw.receives_nothing()


async def test_an_observation_is_cancelled_actively(opened: Opened, raw: RawTcpPeer) -> None:
    peer, request = await observe(opened, raw, lambda _: None)
    task = asyncio.create_task(opened.endpoint.cancel(peer, request.token))
    cancellation = await raw.receive()
    raw.answer(request, b"crossed", observe=2)
    raw.answer(cancellation, b"last")

    answer = await task
    assert answer is not None
    assert answer.payload == b"last"
    assert (cancellation.opt.observe, cancellation.token) == (1, request.token)


async def test_a_notification_that_nobody_asked_for_is_dropped(
    opened: Opened, raw: RawTcpPeer
) -> None:
    raw.send(Message(code=CONTENT, _token=b"stranger", observe=1))

    assert (await raw.request(PING)).code == PONG
    assert opened.endpoint.counters.unmatched == 1


async def test_observations_of_a_lost_connection_get_nothing_from_the_next(
    opened: Opened, raw: RawTcpPeer, connect: Callable[..., Awaitable[RawTcpPeer]]
) -> None:
    observed: list[Message] = []
    _, request = await observe(opened, raw, observed.append)
    await raw.close()
    other = await connect(opened)
    other.answer(request, b"1", observe=1)
    await other.request(PING)

    assert not observed


# Blocks, and BERT (RFC 8323 6)


async def test_a_large_request_to_a_peer_that_takes_it_is_one_message(
    opened: Opened, connect: Callable[..., Awaitable[RawTcpPeer]]
) -> None:
    raw = await connect(opened, max_message_size=64 * KIB)
    peer = await opened.peer(raw)
    body = bytes(range(256)) * 200
    asked = asyncio.create_task(opened.endpoint.request(opened.ask(peer, PUT, body)))
    request = await raw.receive()
    raw.answer(request, code=CHANGED)

    assert request.payload == body
    assert request.opt.block1 is None
    await asked


async def test_a_larger_request_goes_in_bert_blocks(
    opened: Opened, connect: Callable[..., Awaitable[RawTcpPeer]]
) -> None:
    raw = await connect(opened, max_message_size=4 * KIB + 512, block_wise=True)
    peer = await opened.peer(raw)
    body = bytes(range(256)) * 40
    asked = asyncio.create_task(opened.endpoint.request(opened.ask(peer, PUT, body)))
    blocks = []
    for code in (CONTINUE, CONTINUE, CHANGED):
        blocks.append(await raw.receive())
        raw.answer(blocks[-1], code=code, block1=tuple(blocks[-1].opt.block1))

    assert (await asked).code == CHANGED
    assert [tuple(block.opt.block1) for block in blocks] == [
        (0, True, 7),
        (4, True, 7),
        (8, False, 7),
    ]
    assert b"".join(block.payload for block in blocks) == body


async def test_a_peer_without_bert_gets_blocks_of_1024_bytes(
    opened: Opened, raw: RawTcpPeer
) -> None:
    peer = await opened.peer(raw)
    asked = asyncio.create_task(opened.endpoint.request(opened.ask(peer, PUT, bytes(1500))))
    first = await raw.receive()
    raw.answer(first, code=CONTINUE, block1=(0, True, 6))
    second = await raw.receive()
    raw.answer(second, code=CHANGED, block1=(1, False, 6))

    assert (tuple(first.opt.block1), len(first.payload)) == ((0, True, 6), 1024)
    assert (tuple(second.opt.block1), len(second.payload)) == ((1, False, 6), 476)
    assert (await asked).code == CHANGED


async def test_a_peer_of_small_messages_gets_small_blocks(
    opened: Opened, connect: Callable[..., Awaitable[RawTcpPeer]]
) -> None:
    raw = await connect(opened, max_message_size=400, block_wise=True)
    peer = await opened.peer(raw)
    asked = asyncio.create_task(opened.endpoint.request(opened.ask(peer, PUT, bytes(300))))
    first = await raw.receive()

    assert (tuple(first.opt.block1), len(first.payload)) == ((0, True, 4), 256)
    asked.cancel()


async def test_a_smaller_block_is_asked_for_midway(
    opened: Opened, connect: Callable[..., Awaitable[RawTcpPeer]]
) -> None:
    raw = await connect(opened, max_message_size=4 * KIB + 512, block_wise=True)
    peer = await opened.peer(raw)
    asked = asyncio.create_task(opened.endpoint.request(opened.ask(peer, PUT, bytes(4500))))
    raw.answer(await raw.receive(), code=CONTINUE, block1=(0, True, 4))
    second = await raw.receive()

    assert (tuple(second.opt.block1), len(second.payload)) == ((16, True, 4), 256)
    asked.cancel()


async def test_a_large_answer_is_fetched_in_bert_blocks(opened: Opened, raw: RawTcpPeer) -> None:
    """RFC 8323 6.1."""
    peer = await opened.peer(raw)
    body = bytes(range(256)) * 50
    asked = asyncio.create_task(opened.endpoint.request(opened.ask(peer)))
    requests = []
    for number, more, end in ((0, True, 3), (3, True, 8), (8, False, 13)):
        requests.append(await raw.receive())
        raw.answer(requests[-1], body[number * KIB : end * KIB], block2=(number, more, 7))

    assert (await asked).payload == body
    assert [request.opt.block2 for request in requests[1:]] == [(3, False, 7), (8, False, 7)]


async def test_a_whole_mebibyte_arrives_in_one_message(opened: Opened, raw: RawTcpPeer) -> None:
    peer = await opened.peer(raw)
    asked = asyncio.create_task(opened.endpoint.request(opened.ask(peer)))
    raw.answer(await raw.receive(), bytes(KIB * KIB))

    assert (await asked).payload == bytes(KIB * KIB)


async def test_a_large_request_is_taken_in_bert_blocks(opened: Opened, raw: RawTcpPeer) -> None:
    """RFC 8323 6.2."""
    body = bytes(range(256)) * 30
    answers = [
        await raw.request(
            PUT, "o", payload=body[start : start + size], block1=(start // KIB, more, 7), token=b"t"
        )
        for start, size, more in ((0, 2048, True), (2048, 4096, True), (6144, 1536, False))
    ]

    assert [answer.code for answer in answers] == [CONTINUE, CONTINUE, CONTENT]
    assert [tuple(answer.opt.block1)[::2] for answer in answers] == [(0, 7), (2, 7), (6, 7)]
    assert opened.requests[-1].payload == body


@pytest.mark.parametrize("size", [0, 1000, 1500])
async def test_a_bert_block_before_the_last_is_of_whole_blocks(raw: RawTcpPeer, size: int) -> None:
    answer = await raw.request(PUT, "o", payload=bytes(size), block1=(0, True, 7))

    assert answer.code == BAD_REQUEST


async def test_an_answer_is_cut_to_what_the_peer_takes(
    opened: Opened, connect: Callable[..., Awaitable[RawTcpPeer]]
) -> None:
    raw = await connect(opened, max_message_size=4 * KIB + 512, block_wise=True)
    body = bytes(range(256)) * 20
    opened.answer = Message(code=CONTENT, payload=body)
    first = await raw.request(GET, "large")
    second = await raw.request(GET, "large", block2=(4, False, 7))

    assert (tuple(first.opt.block2), len(first.payload)) == ((0, True, 7), 4096)
    assert tuple(second.opt.block2) == (4, False, 7)
    assert first.payload + second.payload == body


# Limits


async def test_a_message_past_the_limit_ends_the_connection_at_its_header(
    opened: Opened, raw: RawTcpPeer
) -> None:
    raw.writer.write(bytes.fromhex("f0 00200000 01"))

    aborted = await raw.receive()
    assert (aborted.code, aborted.payload) == (ABORT, b"message too large")
    assert await raw.is_closed()


async def test_a_request_past_the_limit_is_refused_and_the_connection_stays(
    opened: Opened, raw: RawTcpPeer
) -> None:
    answer = await raw.request(PUT, payload=bytes(65 * KIB))

    assert answer.code == REQUEST_ENTITY_TOO_LARGE
    assert (await raw.request(PING)).code == PONG


async def test_who_says_nothing_is_cut_off(
    opened_with: Callable[..., Awaitable[Opened]],
) -> None:
    opened = await opened_with(opening=0.05)
    raw = await RawTcpPeer.connect(opened.port)

    assert (await raw.receive()).code == CSM
    assert (await raw.receive()).payload == b"no CSM in time"
    assert await raw.is_closed()
    await raw.close()


async def test_who_never_ends_a_message_is_cut_off(
    opened_with: Callable[..., Awaitable[Opened]],
    connect: Callable[..., Awaitable[RawTcpPeer]],
) -> None:
    opened = await opened_with(stalled=0.2)
    raw = await connect(opened)
    raw.writer.write(bytes.fromhex("d0 ff 01"))

    async def trickle() -> None:
        while True:
            raw.writer.write(b"\0")
            await asyncio.sleep(0.01)

    trickling = asyncio.create_task(trickle())
    assert (await raw.receive()).payload == b"no whole message in time"
    trickling.cancel()


async def test_who_does_not_read_gets_to_ask_no_more_and_is_cut_off(
    opened_with: Callable[..., Awaitable[Opened]],
    connect: Callable[..., Awaitable[RawTcpPeer]],
) -> None:
    opened = await opened_with(stalled=0.2, closing=0.05)
    raw = await connect(opened, max_message_size=KIB * KIB)
    opened.answer = Message(code=CONTENT, payload=bytes(512 * KIB))
    raw.stop_reading()
    for _ in range(1000):
        raw.send(raw.make(GET))
    await until_soon(lambda: opened.lost)

    assert len(opened.requests) < 1000


async def test_a_silent_stranger_is_released(
    opened_with: Callable[..., Awaitable[Opened]],
    connect: Callable[..., Awaitable[RawTcpPeer]],
) -> None:
    opened = await opened_with(idle=0.05)
    raw = await connect(opened)

    assert (await raw.receive()).code == RELEASE
    assert await raw.is_closed()


async def test_a_peer_that_is_known_may_be_silent(
    opened_with: Callable[..., Awaitable[Opened]],
    connect: Callable[..., Awaitable[RawTcpPeer]],
) -> None:
    opened = await opened_with(idle=0.05)
    raw = await connect(opened)
    opened.known.add(await opened.peer(raw))

    assert await raw.receives_nothing(0.2)
    assert (await raw.request(PING)).code == PONG


async def test_the_longest_silent_stranger_makes_room(
    opened_with: Callable[..., Awaitable[Opened]],
    connect: Callable[..., Awaitable[RawTcpPeer]],
) -> None:
    opened = await opened_with(connections=3)
    known, silent, talking = [await connect(opened) for _ in range(3)]
    opened.known.add(await opened.peer(known))
    await talking.request(PING)
    newest = await connect(opened)

    assert await silent.is_closed()
    for raw in (known, talking, newest):
        assert (await raw.request(PING)).code == PONG


async def test_no_known_peer_makes_room(
    opened_with: Callable[..., Awaitable[Opened]],
    connect: Callable[..., Awaitable[RawTcpPeer]],
) -> None:
    opened = await opened_with(connections=1)
    raw = await connect(opened)
    opened.known.add(await opened.peer(raw))
    refused = await RawTcpPeer.connect(opened.port)

    assert await refused.is_closed()
    assert (await raw.request(PING)).code == PONG
    assert opened.endpoint.counters.connections_refused == 1
    await refused.close()


async def test_a_stranger_with_most_of_what_is_not_complete_makes_room(
    opened_with: Callable[..., Awaitable[Opened]],
    connect: Callable[..., Awaitable[RawTcpPeer]],
) -> None:
    opened = await opened_with(incomplete=100 * KIB)
    known, modest, greedy = [await connect(opened) for _ in range(3)]
    opened.known.add(await opened.peer(known))
    messages = [
        _serialize(raw.make(PUT, payload=bytes(size * KIB)))
        for raw, size in ((known, 60), (modest, 20), (greedy, 40))
    ]
    for raw, message in zip((known, modest, greedy), messages, strict=True):
        raw.writer.write(message[:-1])
        await raw.writer.drain()

    assert (await greedy.receive()).payload == b"too much for now"
    for raw, message in ((known, messages[0]), (modest, messages[1])):
        raw.writer.write(message[-1:])
        assert (await raw.receive()).code == CONTENT


async def test_a_stranger_that_holds_nothing_makes_no_room(
    opened_with: Callable[..., Awaitable[Opened]],
    connect: Callable[..., Awaitable[RawTcpPeer]],
) -> None:
    """It would free nothing."""
    opened = await opened_with(incomplete=100 * KIB)
    stranger, modest, greedy = [await connect(opened) for _ in range(3)]
    for raw, size in ((modest, 50), (greedy, 60)):
        opened.known.add(await opened.peer(raw))
        raw.writer.write(_serialize(raw.make(PUT, payload=bytes(size * KIB)))[:-1])
        await raw.writer.drain()

    assert (await greedy.receive()).payload == b"too much for now"
    assert (await stranger.request(GET, "hello")).code == CONTENT


async def test_what_has_become_complete_is_held_no_more(
    opened_with: Callable[..., Awaitable[Opened]],
    connect: Callable[..., Awaitable[RawTcpPeer]],
) -> None:
    raw = await connect(await opened_with(incomplete=100 * KIB))
    for _ in range(3):
        assert (await raw.request(PUT, payload=bytes(60 * KIB))).code == CONTENT


async def test_a_connection_leaves_nothing_behind(opened: Opened) -> None:
    raw = await RawTcpPeer.open(opened.port)
    peer = await opened.peer(raw)
    await raw.close()
    await until(lambda: opened.lost)
    opened.requests.clear()
    opened.lost.clear()
    (transport,) = opened.endpoint._transports
    gc.collect()

    assert not transport._connections
    assert not [item for item in gc.get_referrers(peer) if isinstance(item, dict | set | list)]


async def until_soon(condition: Callable[[], object]) -> None:
    """Let real time pass until a condition holds."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)
