"""A server on loopback, and a scripted device that speaks raw CoAP to it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
import itertools
from typing import TYPE_CHECKING, Any, override

from aiocoap import ACK, CON, EMPTY, NON, POST, RST, Message
from aiocoap.numbers.constants import TransportTuning
import pytest

from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.model.registry import ModelRegistry, load_registry
from custom_components.lwm2m.protocol.server import LwM2mServer, ServerEvent

from .tls_contexts import MakeContext, certificate_context as make_certificate_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
    from pathlib import Path

    from aiocoap.numbers.codes import Code

type MakeServer = Callable[..., Awaitable[LwM2mServer]]
type MakeDevice = Callable[..., Awaitable[Device]]

LINK_FORMAT = 40
LINKS = b"</1/0>,</3/0>,</3303/0>"
PATIENCE = 5.0
"""Seconds after which a test that waits for a datagram or an event has failed."""


class Impatient(TransportTuning):  # type: ignore[misc]  # aiocoap is untyped
    """Gives up on a silent device after 0.3 s, with one retransmission."""

    ACK_TIMEOUT = 0.1
    ACK_RANDOM_FACTOR = 1.0
    MAX_RETRANSMIT = 1


class Device(asyncio.DatagramProtocol):
    """A socket that sends and receives what a test tells it to.

    `log` holds all that came, in order, each message with its source as `remote`; `requests` and
    `answers` (responses, empty acknowledgements and Resets) what no test has taken yet.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.log: list[Message] = []
        self.requests: asyncio.Queue[Message] = asyncio.Queue()
        self.answers: asyncio.Queue[Message] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport
        self._ids = itertools.count(0x1000)

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    @override
    def datagram_received(self, data: bytes, addr: object) -> None:
        message = Message.decode(data, remote=addr)
        self.log.append(message)
        (self.requests if message.code.is_request() else self.answers).put_nowait(message)

    @property
    def port(self) -> int:
        """The local port."""
        return int(self.transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Close the socket."""
        self.transport.close()

    def make(self, code: Code, *path: str, **options: object) -> Message:
        """Make a confirmable message with its own message ID and token."""
        mid = next(self._ids)
        mtype = options.pop("mtype", CON)
        token = options.pop("token", mid.to_bytes(2))
        return Message(code=code, _mtype=mtype, _mid=mid, _token=token, uri_path=path, **options)

    def send(self, message: Message) -> None:
        """Send a message as it is."""
        self.transport.sendto(message.encode(), self.server)

    async def next_request(self) -> Message:
        """Wait for the server's next request."""
        async with asyncio.timeout(PATIENCE):
            return await self.requests.get()

    async def next_answer(self) -> Message:
        """Wait for the server's next response, acknowledgement or Reset."""
        async with asyncio.timeout(PATIENCE):
            return await self.answers.get()

    async def request(self, code: Code, *path: str, **options: object) -> Message:
        """Send a request and wait for its answer."""
        self.send(self.make(code, *path, **options))
        return await self.next_answer()

    async def register(self, endpoint: str = "dev", *query: str, payload: bytes = LINKS) -> str:
        """Register and return the location's last segment."""
        response = await self.request(
            POST,
            "rd",
            uri_query=(f"ep={endpoint}", *query),
            content_format=LINK_FORMAT,
            payload=payload,
        )
        location = response.opt.location_path
        assert location[:1] == ("rd",), response.code
        return str(location[1])

    async def update(self, location: str, *query: str, **options: object) -> Message:
        """Update a registration."""
        return await self.request(POST, "rd", location, uri_query=query, **options)

    def reply(self, request: Message, code: Code, payload: bytes = b"", **options: object) -> None:
        """Answer a request of the server in its acknowledgement."""
        response = Message(
            code=code,
            _mtype=ACK,
            _mid=request.mid,
            _token=request.token,
            payload=payload,
            **options,
        )
        self.send(response)

    def acknowledge(self, message: Message) -> None:
        """Send an empty acknowledgement."""
        self.send(Message(code=EMPTY, _mtype=ACK, _mid=message.mid))

    def reset(self, message: Message) -> None:
        """Send a Reset."""
        self.send(Message(code=EMPTY, _mtype=RST, _mid=message.mid))

    def notify(
        self,
        request: Message,
        code: Code,
        payload: bytes = b"",
        *,
        mtype: object = NON,
        **options: object,
    ) -> Message:
        """Send a notification of the observation that `request` asked for."""
        message = self.make(code, mtype=mtype, token=request.token, payload=payload, **options)
        self.send(message)
        return message

    async def answering[Result](
        self, operation: Coroutine[Any, Any, Result], *answers: tuple[Any, ...] | dict[str, Any]
    ) -> tuple[Result, list[Message]]:
        """Run an operation of the server and answer its requests; return them too.

        An answer is what `reply` takes: a tuple, or a dict of keywords.
        """
        task = asyncio.create_task(operation)
        requests = []
        for answer in answers:
            requests.append(await self.next_request())
            if isinstance(answer, dict):
                self.reply(requests[-1], **answer)
            else:
                self.reply(requests[-1], *answer)
        async with asyncio.timeout(PATIENCE):
            return await task, requests


class Events:
    """The server's events, in order."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[ServerEvent] = asyncio.Queue()
        self.put = self._events.put_nowait

    async def next(self) -> ServerEvent:
        """Wait for the next event."""
        async with asyncio.timeout(PATIENCE):
            return await self._events.get()

    @property
    def empty(self) -> bool:
        """Whether all events were taken."""
        return self._events.empty()


@pytest.fixture(scope="session")
def models() -> ModelRegistry:
    """The OMA registry."""
    return load_registry()


@pytest.fixture(autouse=True)
def sockets(socket_enabled: None) -> None:
    """Let all tests of the protocol open sockets."""


@pytest.fixture
async def make_server(models: ModelRegistry) -> AsyncIterator[MakeServer]:
    """Start servers on a free port of 127.0.0.1, or of `host`; `state` is what one dumped."""
    async with AsyncExitStack() as stack:

        async def make(
            host: str | None = "127.0.0.1",
            *,
            scheme: Scheme = Scheme.COAP,
            state: Any = None,
            **options: Any,
        ) -> LwM2mServer:
            server = LwM2mServer(**{"models": models, **options})
            stack.push_async_callback(server.stop)
            await server.start(host, {scheme: 0}, state)
            return server

        yield make


@pytest.fixture
async def server(make_server: MakeServer) -> LwM2mServer:
    """A server with default settings."""
    return await make_server()


@pytest.fixture
def certificate_context(tmp_path: Path) -> MakeContext:
    """Return what makes what a device with a certificate connects by over TLS."""
    return lambda party: make_certificate_context(party, tmp_path)


@pytest.fixture
def events(server: LwM2mServer) -> Events:
    """What `server` tells its subscribers."""
    events = Events()
    server.subscribe(events.put)
    return events


@pytest.fixture
async def make_device() -> AsyncIterator[MakeDevice]:
    """Open devices that talk to a server."""
    devices = []

    async def make(
        server: LwM2mServer, host: str = "127.0.0.1", local_host: str | None = None
    ) -> Device:
        _, device = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Device((host, server.ports[Scheme.COAP])), local_addr=(local_host or host, 0)
        )
        devices.append(device)
        return device

    yield make
    for device in devices:
        device.close()


@pytest.fixture
async def device(server: LwM2mServer, make_device: MakeDevice) -> Device:
    """A device that talks to `server`."""
    return await make_device(server)
