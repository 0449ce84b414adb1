"""aiocoap's limits, each in a scenario where plain aiocoap fails and our endpoint does not.

The numbers are those of the list in `protocol/coap/layers.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiocoap import ACK, CON, EMPTY, GET, Context, Message
import pytest

from custom_components.lwm2m.protocol.coap import CoapCounters, NoResponse
from custom_components.lwm2m.protocol.coap.udp import UdpTransport
from custom_components.lwm2m.protocol.coap.udp_socket import bind_udp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aiocoap.messagemanager import MessageManager
    from aiocoap.numbers.constants import TransportTuning

    from custom_components.lwm2m.protocol.coap import CoapEndpoint, UdpPeer
    from tests.raw_coap import RawPeer

type Pending = asyncio.Future[Message]


class OurClient:
    """Our endpoint, as a client of the raw peer."""

    mended = True

    def __init__(self, endpoint: CoapEndpoint, raw: RawPeer) -> None:
        self._endpoint = endpoint
        self._raw = raw
        self.seen: asyncio.Queue[bytes] = asyncio.Queue()
        self._observed: Message

    def get(self, path: str) -> Pending:
        """Send a GET."""
        return asyncio.create_task(self._endpoint.request(self._message(path), timeout=0.6))

    def observe(self) -> Pending:
        """Observe, and put the payloads of notifications into `seen`."""
        return asyncio.create_task(self._observe())

    async def _observe(self) -> Message:
        self._observed = await self._endpoint.observe(
            self._message("observed"), lambda message: self.seen.put_nowait(message.payload)
        )
        return self._observed

    def cancel(self) -> Pending:
        """End the observation."""
        observed = self._observed
        return asyncio.create_task(self._endpoint.cancel(observed.remote, observed.token))

    def _message(self, path: str) -> Message:
        message = Message(code=GET, uri_path=[path])
        message.remote = self._endpoint.peer(*self._raw.address)
        return message


class PlainTransport(UdpTransport):
    """Our transport with what only aiocoap's own way to send asks for."""

    async def recognize_remote(self, remote: UdpPeer) -> bool:
        """Tell whether `remote` is a peer on this socket."""
        return remote.transport is self


class PlainClient:
    """aiocoap as it is, likewise."""

    mended = False

    def __init__(self, raw: RawPeer, tuning: TransportTuning) -> None:
        self._context = Context()
        self._raw = raw
        self._tuning = tuning
        self._transport: UdpTransport
        self.seen: asyncio.Queue[bytes] = asyncio.Queue()
        self.close = self._context.shutdown

    async def open(self) -> None:
        """Put aiocoap's own layers on our transport."""
        await self._context._append_tokenmanaged_messagemanaged_transport(self._connect)

    async def _connect(self, manager: MessageManager) -> UdpTransport:
        def receive(data: bytes, peer: UdpPeer) -> None:
            manager.dispatch_message(Message.decode(data, remote=peer))

        sock = await bind_udp("127.0.0.1", 0)
        loop = asyncio.get_running_loop()
        self._transport = PlainTransport(sock, receive, CoapCounters(), loop)
        self._transport.start()
        return self._transport

    def get(self, path: str) -> Pending:
        """Send a GET."""
        pending: Pending = self._context.request(self._message(path)).response
        return pending

    def observe(self) -> Pending:
        """Observe, and put the payloads of notifications into `seen`."""
        message = self._message("observed", observe=0)
        self._request = self._context.request(message, handle_blockwise=False)
        self._reader = asyncio.create_task(self._read())
        pending: Pending = self._request.response
        return pending

    async def _read(self) -> None:
        async for message in self._request.observation:
            self.seen.put_nowait(message.payload)

    def cancel(self) -> Pending:
        """End the observation."""
        self._reader.cancel()
        self._request.observation.cancel()
        return asyncio.get_running_loop().create_future()

    def _message(self, path: str, **options: int) -> Message:
        message = Message(code=GET, uri_path=[path], transport_tuning=self._tuning, **options)
        message.remote = self._transport.peer(*self._raw.address)
        return message


type Client = OurClient | PlainClient


@pytest.fixture(params=["ours", "aiocoap"])
async def client(
    request: pytest.FixtureRequest,
    open_endpoint: Callable[..., Awaitable[CoapEndpoint]],
    raw: RawPeer,
    tuning: TransportTuning,
) -> AsyncIterator[Client]:
    """Return our client, and then aiocoap's."""
    if request.param == "ours":
        yield OurClient(await open_endpoint(), raw)
        return
    plain = PlainClient(raw, tuning)
    await plain.open()
    yield plain
    await plain.close()


async def outcome(pending: Pending) -> bytes | type[BaseException]:
    """Return a response's payload, or the type of what was raised instead."""
    try:
        return bytes((await pending).payload)
    except Exception as error:  # noqa: BLE001  # the plain client's are of all kinds
        return type(error)


@pytest.mark.usefixtures("impatient")
async def test_limit_1_an_unanswered_request_ends_no_other(client: Client, raw: RawPeer) -> None:
    slow = client.get("slow")
    slow_request = await raw.receive()
    raw.acknowledge(slow_request)
    raw.send(slow_request.remote, EMPTY, CON)  # else PROBING_RATE holds up what follows
    await outcome(client.get("unanswered"))

    raw.separate(slow_request, b"at last")

    assert (await outcome(slow) == b"at last") is client.mended


async def test_limit_2_cancelling_lets_the_next_request_go(client: Client, raw: RawPeer) -> None:
    cancelled = client.get("cancelled")
    await raw.receive()

    cancelled.cancel()
    following = client.get("following")

    assert (not await raw.receives_nothing(0.5)) is client.mended
    following.cancel()


@pytest.mark.usefixtures("impatient")
async def test_limit_2_cancelling_ends_retransmission(client: Client, raw: RawPeer) -> None:
    cancelled = client.get("cancelled")
    await raw.receive()

    cancelled.cancel()

    assert await raw.receives_nothing(0.3) is client.mended


async def test_limit_3_an_acknowledged_request_ends_without_response(
    client: Client, raw: RawPeer
) -> None:
    pending = client.get("acknowledged")
    raw.acknowledge(await raw.receive())

    ended, _ = await asyncio.wait([pending], timeout=1)

    pending.cancel()
    assert bool(ended) is client.mended
    if ended:
        assert await outcome(pending) is NoResponse


async def test_limit_4_notifications_in_quick_succession_all_arrive(
    client: Client, raw: RawPeer
) -> None:
    observing = client.observe()
    request = await raw.receive()
    raw.answer(request, observe=1)
    await observing

    for sequence in (2, 3, 4):
        raw.notify(request, sequence, str(sequence).encode())

    seen = [await client.seen.get()]
    while seen[-1] != b"4":
        seen.append(await client.seen.get())
    assert (seen == [b"2", b"3", b"4"]) is client.mended


async def test_limit_5_cancelling_an_observation_tells_the_peer(
    client: Client, raw: RawPeer
) -> None:
    observing = client.observe()
    request = await raw.receive()
    raw.answer(request, observe=1)
    await observing

    cancelling = client.cancel()

    assert (not await raw.receives_nothing()) is client.mended
    cancelling.cancel()


async def test_limit_6_a_duplicated_separate_response_is_acknowledged_again(
    client: Client, raw: RawPeer
) -> None:
    pending = client.get("separate")
    request = await raw.receive()
    raw.acknowledge(request)
    response = raw.separate(request)
    await pending
    await raw.receive()

    raw.transport.sendto(response.encode(), request.remote)

    assert ((await raw.receive()).mtype is ACK) is client.mended


async def test_the_scenarios_send_what_they_say(raw: RawPeer, client: Client) -> None:
    pending = client.get("path")

    request = await raw.receive()
    raw.answer(request, b"payload")

    assert (request.mtype, request.code, request.opt.uri_path) == (CON, GET, ("path",))
    assert await outcome(pending) == b"payload"
