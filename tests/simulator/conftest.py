"""The server's side of the simulator's tests: plain aiocoap, and a bare socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, override

import aiocoap
from aiocoap import resource
from aiocoap.numbers import ACK, CON, CREATED, DELETE, DELETED, EMPTY, POST, Type
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiocoap.numbers.codes import Code

    from custom_components.lwm2m.protocol.server import LwM2mServer
    from simulator.board import Board

HOST = "127.0.0.1"
TIMEOUT = 5.0


@pytest.fixture(autouse=True)
def _sockets(socket_enabled: None) -> None:
    """Let all tests here use UDP."""


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Plain aiocoap, the peer here, remembers each request for 247 s and never cancels that."""
    return True


@pytest.fixture
def events(server: LwM2mServer) -> asyncio.Queue[Any]:
    """The events of a test's own server, where it is the integration's."""
    queue: asyncio.Queue[Any] = asyncio.Queue()
    server.subscribe(queue.put_nowait)
    return queue


async def take(queue: asyncio.Queue[Any], kind: type = object) -> Any:
    """Wait for the next of this kind, past all others."""
    async with asyncio.timeout(TIMEOUT):
        while not isinstance(found := await queue.get(), kind):
            pass
    return found


@dataclass(frozen=True, slots=True)
class Call:
    """A request of a board on the registration interface."""

    method: Code
    path: str
    query: frozenset[str]
    payload: str
    port: int | None


class Peer(resource.Resource):  # type: ignore[misc]  # aiocoap is untyped
    """A LwM2M server that does what the test says: plain aiocoap, no state."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self.codes: dict[str, Code] = {}
        """Code for the next request to a path, instead of success."""
        self._context: Any = None
        self._registrations = 0

    @property
    def address(self) -> tuple[str, int]:
        interface = self._context.request_interfaces[0].token_interface.message_interface
        return HOST, interface._pool._transport.get_extra_info("sockname")[1]

    async def start(self) -> None:
        self._context = await aiocoap.Context.create_server_context(
            self, bind=(HOST, 0), transports=["simplesocketserver"]
        )

    async def stop(self) -> None:
        await self._context.shutdown()

    async def next_call(self) -> Call:
        async with asyncio.timeout(TIMEOUT):
            return await self.calls.get()

    async def request(self, board: Board, method: Code, path: str, **fields: Any) -> Any:
        """Send a request to a board and return the response."""
        return await self.start_request(board, method, path, **fields).response_within()

    def start_request(self, board: Board, method: Code, path: str, **fields: Any) -> Any:
        """Send a request to a board; returns aiocoap's handle of it."""
        return self._start(method, board.port, path, **fields)

    def start_observing(self, port: int | None, path: str) -> Any:
        """Observe a path in plain text, of the board at a port."""
        return self._start(aiocoap.GET, port, path, observe=0, accept=0)

    def _start(self, method: Code, port: int | None, path: str, **fields: Any) -> Any:
        message = aiocoap.Message(code=method, uri=f"coap://{HOST}:{port}{path}", **fields)
        return _Request(self._context.request(message))

    @override
    async def render(self, request: Any) -> Any:
        path = "/" + "/".join(request.opt.uri_path)
        self.calls.put_nowait(
            Call(
                request.code,
                path,
                frozenset(request.opt.uri_query),
                request.payload.decode(),
                request.remote.address[1],
            )
        )
        if code := self.codes.pop(path, None):
            return aiocoap.Message(code=code)
        if request.code == DELETE:
            return aiocoap.Message(code=DELETED)
        if path == "/rd":
            self._registrations += 1
            return aiocoap.Message(code=CREATED, location_path=("rd", str(self._registrations)))
        return aiocoap.Message(code=aiocoap.CHANGED)


class _Request:
    """aiocoap's request, bounded in time, and its observation as a queue that loses nothing."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self.notifications: asyncio.Queue[Any] = asyncio.Queue()

    async def response_within(self, seconds: float = TIMEOUT) -> Any:
        async with asyncio.timeout(seconds):
            return await self._request.response

    def listen(self) -> None:
        observation = self._request.observation
        observation.register_callback(self.notifications.put_nowait, _suppress_deprecation=True)
        observation.register_errback(self.notifications.put_nowait, _suppress_deprecation=True)

    async def notification(self) -> Any:
        async with asyncio.timeout(TIMEOUT):
            return await self.notifications.get()

    def forget(self) -> None:
        self._request.observation.cancel()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """A running `Peer`."""
    peer = Peer()
    await peer.start()
    yield peer
    await peer.stop()


class Wire(asyncio.DatagramProtocol):
    """A server of which the test writes every datagram."""

    def __init__(self) -> None:
        self._datagrams: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()
        self._transport: Any = None
        self._message_id = 7000
        self.board: tuple[str, int] | None = None

    @override
    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._datagrams.put_nowait((data, addr))

    @property
    def address(self) -> tuple[str, int]:
        address = self._transport.get_extra_info("sockname")
        return address[0], address[1]

    async def receive(self) -> Any:
        """Return the next message of the board."""
        async with asyncio.timeout(TIMEOUT):
            datagram, self.board = await self._datagrams.get()
        return aiocoap.Message.decode(datagram)

    def quiet(self) -> bool:
        """Tell whether nothing is waiting to be received."""
        return self._datagrams.empty()

    def send(self, message: Any) -> None:
        self._transport.sendto(message.encode(), self.board)

    def send_raw(self, datagram: bytes) -> None:
        self._transport.sendto(datagram, self.board)

    def message(self, code: Code, kind: Type = CON, *, token: bytes = b"", **options: Any) -> Any:
        """Make a message with a message ID of its own."""
        message = aiocoap.Message(code=code, **options)
        self._message_id += 1
        message.mtype, message.mid, message.token = kind, self._message_id, token
        return message

    def reply(self, request: Any, code: Code, **options: Any) -> None:
        """Send a piggybacked response."""
        message = self.message(code, ACK, token=request.token, **options)
        message.mid = request.mid
        self.send(message)

    def reply_empty(self, message: Any, kind: Type) -> None:
        """Send an acknowledgement or a Reset."""
        empty = self.message(EMPTY, kind)
        empty.mid = message.mid
        self.send(empty)

    async def accept(self) -> None:
        """Let the board register."""
        request = await self.receive()
        assert request.code == POST
        self.reply(request, CREATED, location_path=("rd", "x"))

    async def ask(self, code: Code, path: str, **options: Any) -> Any:
        """Send a request and return the message that comes back."""
        self.send(self.message(code, token=b"ask", uri_path=path.strip("/").split("/"), **options))
        return await self.receive()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A running `Wire`."""
    transport, wire = await asyncio.get_running_loop().create_datagram_endpoint(
        Wire, local_addr=(HOST, 0)
    )
    yield wire
    transport.close()
