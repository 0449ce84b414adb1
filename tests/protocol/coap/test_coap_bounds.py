"""What one peer can take up, whatever it sends or leaves unanswered: never another's place."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiocoap import (
    CHANGED,
    CON,
    CONTENT,
    CONTINUE,
    EMPTY,
    GET,
    NON,
    POST,
    PUT,
    SERVICE_UNAVAILABLE,
    Message,
)
import pytest

from custom_components.lwm2m.protocol.coap import (
    CoapEndpoint,
    NoAcknowledgement,
    Peer,
    PeerBusy,
    PeerLimits,
    UdpPeer,
    lines,
)
from custom_components.lwm2m.protocol.coap.layers import MessageLayer
from custom_components.lwm2m.protocol.coap.observation import Observation
from tests.raw_coap import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiocoap.numbers.constants import TransportTuning

    from tests.raw_coap import Address, RawPeer

    type OpenPeer = Callable[..., Awaitable[RawPeer]]
    type OpenEndpoint = Callable[..., Awaitable[CoapEndpoint]]
    type MakeRequest = Callable[..., Message]

LIMITS = PeerLimits(remembered=8, transfers=2, answering=3, waiting=4, strangers=2)
FLOOD = 100


class Server:
    """An endpoint that knows some peers, and what it was asked."""

    def __init__(self) -> None:
        self.known: set[Peer] = set()
        self.requests: list[Message] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.endpoint: CoapEndpoint

    async def handle(self, request: Message) -> Message:
        """Answer with the number of the request."""
        self.requests.append(request)
        await self.may_answer.wait()
        return Message(code=CHANGED, payload=b"%d" % len(self.requests))

    @property
    def address(self) -> Address:
        """Host and port."""
        (transport,) = self.endpoint._transports
        return transport.host, transport.port

    @property
    def layer(self) -> MessageLayer:
        """The message layer of the one socket."""
        (tokens,) = self.endpoint._transports.values()
        assert isinstance(tokens.token_interface, MessageLayer)
        return tokens.token_interface

    def peer(self, number: int) -> UdpPeer:
        """Make a peer that nobody listens at."""
        return self.endpoint.peer("127.0.0.2", 1 + number)

    def know(self, raw: RawPeer) -> None:
        """Take a peer for registered."""
        self.known.add(self.endpoint.peer(*raw.address))

    def receive(self, peer: Peer, mid: int, **options: Any) -> None:
        """Receive a message, as if it had come from the peer."""
        options = {"code": POST, "_mtype": NON, "_token": mid.to_bytes(2)} | options
        self.layer.receive(Message(_mid=mid, **options).encode(), peer)


@pytest.fixture
async def server(open_endpoint: OpenEndpoint) -> Server:
    """Return a server with small limits."""
    server = Server()
    server.endpoint = await open_endpoint(
        server.handle, limits=LIMITS, is_known=lambda peer: peer in server.known
    )
    return server


@pytest.fixture
def strangers(server: Server) -> list[UdpPeer]:
    """Return more peers than are remembered of all strangers."""
    return [server.peer(number) for number in range(FLOOD)]


@pytest.fixture
def noisy(server: Server) -> UdpPeer:
    """Return a registered peer that sends too much."""
    peer = server.peer(FLOOD)
    server.known.add(peer)
    return peer


# The memory of requests, for their duplicates (RFC 7252 4.5)


async def is_told_again(server: Server, raw: RawPeer, flood: Callable[[], None]) -> bool:
    """Send a request before a flood and its duplicate after it; tell whether that was known."""
    request = raw.send(server.address, POST, CON, token=b"t")
    first = await raw.receive()
    flood()
    raw.transport.sendto(request.encode(), server.address)
    return bool((await raw.receive()).payload == first.payload)


async def test_a_flood_of_one_peer_makes_no_duplicate_of_another_be_forgotten(
    server: Server, raw: RawPeer, noisy: UdpPeer
) -> None:
    server.know(raw)

    def flood() -> None:
        for mid in range(FLOOD):
            server.receive(noisy, mid)

    assert await is_told_again(server, raw, flood)
    assert len(server.layer._recent) == 1 + LIMITS.remembered
    assert server.endpoint.counters.forgotten == FLOOD - LIMITS.remembered


async def test_a_flood_of_strangers_makes_no_duplicate_of_a_registered_peer_be_forgotten(
    server: Server, raw: RawPeer, strangers: list[UdpPeer]
) -> None:
    server.know(raw)

    def flood() -> None:
        for stranger in strangers:
            server.receive(stranger, 1)

    assert await is_told_again(server, raw, flood)
    assert len(server.layer._recent) == 1 + LIMITS.remembered * LIMITS.strangers


async def test_a_duplicate_is_known_that_came_before_its_peer_was_registered(
    server: Server, raw: RawPeer
) -> None:
    """That is a Register whose answer was lost."""
    assert await is_told_again(server, raw, lambda: server.know(raw))


async def test_a_peer_forgets_its_own_oldest_messages(server: Server, noisy: UdpPeer) -> None:
    for mid in range(LIMITS.remembered + 1):
        server.receive(noisy, mid)
    for mid in range(1, LIMITS.remembered + 1):
        server.receive(noisy, mid)

    assert server.endpoint.counters.duplicates == LIMITS.remembered


# Block-wise transfers (RFC 7959 2.5)


async def completes(server: Server, raw: RawPeer, flood: Callable[[], None]) -> bool:
    """Send the first block of a request before a flood and the last after it."""
    block: dict[str, Any] = {"uri_path": ["rd"], "token": b"t"}
    raw.send(server.address, PUT, CON, payload=bytes(16), block1=(0, True, 0), **block)
    assert (await raw.receive()).code == CONTINUE
    flood()
    raw.send(server.address, PUT, CON, payload=b"end", block1=(1, False, 0), **block)
    return bool((await raw.receive()).code == CHANGED)


def begin(server: Server, peer: Peer, number: int) -> None:
    """Begin a transfer that goes no further."""
    server.receive(peer, number, uri_path=[str(number)], payload=bytes(16), block1=(0, True, 0))


async def test_no_number_of_transfers_of_one_peer_ends_that_of_another(
    server: Server, raw: RawPeer, noisy: UdpPeer
) -> None:
    server.know(raw)

    def flood() -> None:
        for number in range(FLOOD):
            begin(server, noisy, number)

    assert await completes(server, raw, flood)
    assert server.endpoint.counters.displaced_transfers == FLOOD - LIMITS.transfers
    assert len(server.endpoint._server._requests) == LIMITS.transfers


async def test_no_number_of_strangers_transfers_ends_that_of_a_registered_peer(
    server: Server, raw: RawPeer, strangers: list[UdpPeer]
) -> None:
    server.know(raw)

    def flood() -> None:
        for stranger in strangers:
            begin(server, stranger, 0)

    assert await completes(server, raw, flood)
    assert len(server.endpoint._server._requests) == LIMITS.transfers * LIMITS.strangers


# Requests that are not answered yet


async def test_a_peer_that_waits_for_too_many_answers_is_told_to_come_again(
    server: Server, raw: RawPeer, open_peer: OpenPeer
) -> None:
    other = await open_peer()
    server.know(raw)
    server.know(other)
    server.may_answer.clear()
    for number in range(LIMITS.answering):
        raw.send(server.address, POST, NON, token=bytes([number]))
    await until(lambda: len(server.requests) == LIMITS.answering)

    raw.send(server.address, POST, CON, token=b"one more")
    refused = await raw.receive()
    other.send(server.address, POST, NON, token=b"other")
    await until(lambda: len(server.requests) == LIMITS.answering + 1)
    server.may_answer.set()

    assert (refused.code, refused.token) == (SERVICE_UNAVAILABLE, b"one more")
    assert server.endpoint.counters.overloads == 1
    assert (await other.receive()).code == CHANGED


async def test_once_answered_a_peer_may_ask_again(server: Server, raw: RawPeer) -> None:
    server.know(raw)
    for number in range(3 * LIMITS.answering):
        raw.send(server.address, POST, CON, token=bytes([number]))
        assert (await raw.receive()).code == CHANGED

    assert server.endpoint._context._answering == {}


# Requests to a peer (RFC 7252 4.7)


def start(server: Server, peer: Peer, path: str = "3") -> asyncio.Task[Message]:
    """Send a request in the background."""
    message = Message(code=GET, uri_path=[path])
    message.remote = peer
    return asyncio.create_task(server.endpoint.request(message, timeout=1))


async def test_requests_past_those_that_may_wait_are_not_sent(
    server: Server, raw: RawPeer, open_peer: OpenPeer
) -> None:
    peer = server.endpoint.peer(*raw.address)
    waiting = [start(server, peer) for _ in range(1 + LIMITS.waiting)]
    await raw.receive()

    with pytest.raises(PeerBusy):
        await start(server, peer)
    other = await open_peer()
    answered = start(server, server.endpoint.peer(*other.address))
    other.answer(await other.receive())

    await answered
    assert server.endpoint.counters.busy == 1
    for pending in waiting:
        pending.cancel()


async def test_as_many_are_under_way_as_nstart_says(
    open_endpoint: OpenEndpoint, raw: RawPeer, tuning: TransportTuning
) -> None:
    tuning.NSTART = 2
    server = Server()
    server.endpoint = await open_endpoint(server.handle)
    peer = server.endpoint.peer(*raw.address)
    pending = [start(server, peer, str(number)) for number in range(3)]
    first, second = await raw.receive(), await raw.receive()
    assert await raw.receives_nothing()

    raw.answer(second)
    third = await raw.receive()
    raw.answer(first)
    raw.answer(third)

    await asyncio.gather(*pending)
    assert third.opt.uri_path == ("2",)
    assert len(server.layer._lines) == 0


async def test_a_peer_that_acknowledges_and_does_not_answer_is_sent_no_more_at_first(
    server: Server, raw: RawPeer
) -> None:
    """PROBING_RATE: one byte a second (RFC 7252 4.7)."""
    peer = server.endpoint.peer(*raw.address)
    slow, following = start(server, peer, "slow"), start(server, peer, "following")
    raw.acknowledge(await raw.receive())

    assert await raw.receives_nothing()
    with pytest.raises(NoAcknowledgement):
        await following
    slow.cancel()


async def test_it_is_sent_more_as_time_goes_by(
    server: Server, raw: RawPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "PROBING_RATE", 200.0)
    peer = server.endpoint.peer(*raw.address)
    slow, following = start(server, peer, "slow"), start(server, peer, "following")
    raw.acknowledge(await raw.receive())

    request = await raw.receive()
    raw.answer(request)

    await following
    assert request.opt.uri_path == ("following",)
    slow.cancel()


@pytest.mark.parametrize("said", ["answer", "request", "ping", "notification"])
async def test_it_is_sent_more_once_it_says_something(
    server: Server, raw: RawPeer, said: str
) -> None:
    peer = server.endpoint.peer(*raw.address)
    observation = Observation(peer, b"observed", Message(code=GET), lambda _: None)
    server.endpoint.observations.add(observation)
    slow, following = start(server, peer, "slow"), start(server, peer, "following")
    request = await raw.receive()
    raw.acknowledge(request)
    assert await raw.receives_nothing()

    match said:
        case "notification":
            raw.send(server.address, CONTENT, NON, token=observation.token, observe=1)
        case "answer":
            raw.separate(request)
        case "request":
            raw.send(server.address, POST, NON)
        case "ping":
            raw.send(server.address, EMPTY, CON)
    while (request := await raw.receive()).opt.uri_path != ("following",):
        pass
    raw.answer(request)

    await following
    slow.cancel()


@pytest.mark.usefixtures("acknowledging")
async def test_a_late_answer_goes_before_the_requests_in_line(server: Server, raw: RawPeer) -> None:
    peer = server.endpoint.peer(*raw.address)
    server.may_answer.clear()
    raw.send(server.address, POST, CON, token=b"theirs")
    await raw.receive()  # the acknowledgement
    slow, following = start(server, peer, "slow"), start(server, peer, "following")
    raw.acknowledge(await raw.receive())
    assert await raw.receives_nothing()

    server.may_answer.set()
    answer = await raw.receive()

    assert (answer.mtype, answer.token) == (CON, b"theirs")
    for pending in (slow, following):
        pending.cancel()


@pytest.mark.usefixtures("acknowledging")
async def test_a_peer_that_acknowledges_an_answer_is_sent_more_at_once(
    server: Server, raw: RawPeer
) -> None:
    server.may_answer.clear()
    raw.send(server.address, POST, CON, token=b"theirs")
    await raw.receive()
    server.may_answer.set()
    raw.acknowledge(await raw.receive())

    pending = start(server, server.endpoint.peer(*raw.address))
    raw.answer(await raw.receive())

    await pending


async def test_nothing_is_kept_of_a_peer_that_was_sent_all(server: Server, raw: RawPeer) -> None:
    pending = start(server, server.endpoint.peer(*raw.address))
    request = await raw.receive()
    raw.acknowledge(request)
    raw.separate(request)

    await pending
    assert len(server.layer._lines) == 0


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows with each comparison of two peers."""
    made: list[None] = []
    compare = UdpPeer.__eq__

    def counting(self: UdpPeer, other: object) -> bool:
        made.append(None)
        return compare(self, other)

    monkeypatch.setattr(UdpPeer, "__eq__", counting)
    return made


async def test_the_work_of_an_exchange_does_not_grow_with_the_number_of_others(
    server: Server, raw: RawPeer, strangers: list[UdpPeer], comparisons: list[None]
) -> None:
    async def work() -> int:
        before = len(comparisons)
        pending = [start(server, server.endpoint.peer(*raw.address), path) for path in "ab"]
        for _ in pending:
            raw.answer(await raw.receive())
        await asyncio.gather(*pending)
        return len(comparisons) - before

    alone = await work()
    silent = [start(server, stranger) for stranger in strangers]
    await asyncio.sleep(0)
    assert len(server.layer._active_exchanges) == len(strangers)

    assert await work() == alone
    for pending in silent:
        pending.cancel()
