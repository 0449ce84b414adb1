"""Raw peers and endpoints."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from aiocoap import CONTENT, GET, Message
from aiocoap.numbers.constants import TransportTuning
import pytest

from custom_components.lwm2m.protocol.coap import CoapEndpoint, Scheme
from tests.raw_coap import RawPeer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@pytest.fixture
def tuning() -> TransportTuning:
    """Return times so long that a busy machine brings about no retransmission."""
    tuning = TransportTuning()
    tuning.MAX_RETRANSMIT = 1
    tuning.EMPTY_ACK_DELAY = 1.0
    return tuning


@pytest.fixture
def impatient(tuning: TransportTuning) -> None:
    """Send again after 0.1 to 0.15 s, and give a peer up after 0.3 to 0.45 s."""
    tuning.ACK_TIMEOUT = 0.1


@pytest.fixture
def acknowledging(tuning: TransportTuning) -> None:
    """Acknowledge a request that is not answered at once."""
    tuning.EMPTY_ACK_DELAY = 0.01


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
    """Return what opens an endpoint, on 127.0.0.1 unless told else."""
    async with AsyncExitStack() as stack:

        async def open_one(
            handler: Callable[[Message], Awaitable[Message]] = echo,
            host: str | None = "127.0.0.1",
            **options: Any,
        ) -> CoapEndpoint:
            endpoint = CoapEndpoint(handler, tuning=tuning, **options)
            stack.push_async_callback(endpoint.close)
            await endpoint.listen(Scheme.COAP, host, 0)
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
