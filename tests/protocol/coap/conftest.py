"""A scripted CoAP peer on a plain UDP socket, and endpoints with short times."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, override

from aiocoap import ACK, CON, CONTENT, EMPTY, GET, NON, RST, Message
from aiocoap.numbers.constants import TransportTuning
import pytest

from custom_components.lwm2m.protocol.coap import CoapEndpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

type Address = tuple[Any, ...]


class FastTuning(TransportTuning):  # type: ignore[misc]  # aiocoap is untyped
    """RFC 7252's times in a twentieth, so that a peer is given up after 0.15 to 0.225 s."""

    ACK_TIMEOUT = 0.05
    MAX_RETRANSMIT = 1
    EMPTY_ACK_DELAY = 0.02


class RawPeer(asyncio.DatagramProtocol):
    """Sends and sees single messages, and does nothing on its own."""

    def __init__(self) -> None:
        """Make a peer that its endpoint opens."""
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._mid = 1000
        self.transport: asyncio.DatagramTransport

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    @override
    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._received.put_nowait(Message.decode(data, remote=addr))

    @property
    def address(self) -> Address:
        """Host and port."""
        address: Address = self.transport.get_extra_info("sockname")[:2]
        return address

    async def receive(self) -> Message:
        """Return the next message; its `remote` is where it came from."""
        async with asyncio.timeout(2):
            return await self._received.get()

    async def receives_nothing(self, seconds: float = 0.1) -> bool:
        """Tell whether nothing arrives for a while."""
        try:
            async with asyncio.timeout(seconds):
                await self._received.get()
        except TimeoutError:
            return True
        return False

    def next_mid(self) -> int:
        """Return a message ID not used before."""
        self._mid += 1
        return self._mid

    def send(
        self,
        to: Address,
        code: int,
        mtype: int,
        *,
        mid: int | None = None,
        token: bytes = b"",
        payload: bytes = b"",
        **options: Any,
    ) -> Message:
        """Send one message to the address `to`."""
        mid = self.next_mid() if mid is None else mid
        message = Message(
            code=code, _mtype=mtype, _mid=mid, _token=token, payload=payload, **options
        )
        self.transport.sendto(message.encode(), to)
        return message

    def answer(
        self, request: Message, payload: bytes = b"", *, code: int = CONTENT, **options: Any
    ) -> None:
        """Send a piggybacked response."""
        self.send(
            request.remote,
            code,
            ACK,
            mid=request.mid,
            token=request.token,
            payload=payload,
            **options,
        )

    def acknowledge(self, request: Message) -> None:
        """Send an empty acknowledgement."""
        self.send(request.remote, EMPTY, ACK, mid=request.mid)

    def reset(self, request: Message) -> None:
        """Send a Reset."""
        self.send(request.remote, EMPTY, RST, mid=request.mid)

    def notify(
        self, request: Message, sequence: int | None, payload: bytes = b"", **options: Any
    ) -> Message:
        """Send a notification of the observation that `request` asked for."""
        options = {"code": CONTENT, "mtype": NON} | options
        return self.send(
            request.remote,
            token=request.token,
            payload=payload,
            observe=sequence,
            **options,
        )

    def separate(self, request: Message, payload: bytes = b"", **options: Any) -> Message:
        """Send a separate, confirmable response."""
        options = {"code": CONTENT, "mtype": CON} | options
        return self.send(request.remote, token=request.token, payload=payload, **options)


@pytest.fixture
def tuning() -> TransportTuning:
    """Return short times."""
    return FastTuning()


@pytest.fixture
async def open_peer(socket_enabled: None) -> AsyncIterator[Callable[..., Awaitable[RawPeer]]]:
    """Return what opens a raw peer, on an address."""
    async with AsyncExitStack() as stack:

        async def open_one(host: str = "127.0.0.1") -> RawPeer:
            loop = asyncio.get_running_loop()
            transport, peer = await loop.create_datagram_endpoint(RawPeer, (host, 0))
            stack.callback(transport.close)
            return peer

        yield open_one


@pytest.fixture
async def raw(open_peer: Callable[..., Awaitable[RawPeer]]) -> RawPeer:
    """Return a raw peer on 127.0.0.1."""
    return await open_peer()


async def echo(request: Message) -> Message:
    """Answer with the request's payload."""
    return Message(code=CONTENT, payload=request.payload)


@pytest.fixture
async def open_endpoint(
    socket_enabled: None, tuning: TransportTuning
) -> AsyncIterator[Callable[..., Awaitable[CoapEndpoint]]]:
    """Return what opens an endpoint with short times, on 127.0.0.1 unless told else."""
    async with AsyncExitStack() as stack:

        async def open_one(
            handler: Callable[[Message], Awaitable[Message]] = echo,
            host: str | None = "127.0.0.1",
            **options: Any,
        ) -> CoapEndpoint:
            endpoint = CoapEndpoint(handler, tuning=tuning, **options)
            stack.push_async_callback(endpoint.close)
            await endpoint.listen_udp(host, 0)
            return endpoint

        yield open_one


@pytest.fixture
async def endpoint(open_endpoint: Callable[..., Awaitable[CoapEndpoint]]) -> CoapEndpoint:
    """Return an endpoint that answers with what it was sent."""
    return await open_endpoint()


@pytest.fixture
def request_to(endpoint: CoapEndpoint, raw: RawPeer) -> Callable[..., Message]:
    """Return what makes a request of the endpoint to the raw peer."""

    def make(*path: str, code: int = GET, payload: bytes = b"", **options: Any) -> Message:
        message = Message(code=code, payload=payload, uri_path=path, **options)
        message.remote = endpoint.peer(*raw.address)
        return message

    return make
