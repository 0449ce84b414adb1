"""CoAP over UDP as a small device speaks it, with DTLS or without: one socket, one server.

aiocoap gives the message format only. Its message layer keeps a timer of 247 s for every
request that it has answered and its notifications are lossy, so the few rules that a device
needs are here: deduplication, retransmission, one confirmable message at a time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass
from ipaddress import ip_address
import random
import secrets
import socket
from typing import TYPE_CHECKING, override

from aiocoap import ACK, CON, CONTINUE, EMPTY, NON, RST, Message
from aiocoap.error import Error

from .blockwise import SIZE_EXPONENT, Uploads, first_block, request_block
from .dtls import RefusedError, SecureLink

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiocoap.numbers.types import Type

    from custom_components.lwm2m.protocol.security import PreSharedKey

MAX_RETRANSMIT = 4
ACK_RANDOM_FACTOR = 1.5
"""RFC 7252 4.8, "Transmission Parameters"; ACK_TIMEOUT is a setting."""

RESPONSE_TIMEOUT = 100.0
"""Seconds from a request to its response: the longest retransmission is over after 93
(RFC 7252 4.8.2, MAX_TRANSMIT_WAIT), the rest is for a response after an empty acknowledgement."""

MEMORY = 64
"""How many answered requests, and how many non-confirmable messages, are remembered."""


class NoAnswerError(Exception):
    """The server did not acknowledge or answer a request, or reset it."""


class DeniedError(NoAnswerError):
    """The server does not take the board's credential."""


class NoConnectionError(NoAnswerError):
    """The server took no connection, or closed it."""


@dataclass(slots=True)
class _Exchange:
    """A confirmable message that waits for its acknowledgement."""

    message_id: int
    token: bytes
    datagram: bytes
    timeout: float
    concluded: Callable[[bool], None]
    """Called once: True when it was acknowledged, False after a Reset or no answer."""
    transmissions: int = 0


class Endpoint(asyncio.DatagramProtocol):
    """A device's one socket: it talks to its server and hears nobody else.

    Requests of the server arrive where Register left from, as
    OMA-TS-LightweightM2M_Transport-V1_1_1 6.4 has it for UDP.
    """

    def __init__(
        self,
        answer: Callable[[Message], Message],
        stirred: Callable[[], None],
        ack_timeout: float,
        psk: PreSharedKey | None,
    ) -> None:
        """Take what answers a complete request, and what is told of each datagram, in or out.

        With a `psk` all goes over DTLS.
        """
        self.muted = False
        """While True, datagrams are neither sent nor heard: the radio is off."""
        self._answer = answer
        self._stirred = stirred
        self._ack_timeout = ack_timeout
        self._link = SecureLink(psk, self._emit) if psk else None
        self._transport: asyncio.DatagramTransport | None = None
        self._server = ("", 0)
        self._message_id = secrets.randbelow(1 << 16)
        self._queue: deque[_Exchange] = deque()
        self._active: _Exchange | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pending: dict[bytes, asyncio.Future[Message]] = {}
        self._unconfirmed: OrderedDict[int, Callable[[bool], None]] = OrderedDict()
        self._answered: OrderedDict[tuple[int, bytes], bytes] = OrderedDict()
        self._acknowledged: deque[int] = deque(maxlen=MEMORY)
        self._uploads = Uploads()

    async def open(self, server: tuple[str, int]) -> None:
        """Open a socket on a free port; OSError when the server's name has no address."""
        family, self._server = await _resolve(server)
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("::" if family == socket.AF_INET6 else "0.0.0.0", 0)
        )

    def close(self) -> None:
        """Close the socket; requests that wait for an answer get NoAnswerError."""
        self.abandon()
        if self._link:
            self._link.close()
        for future in self._pending.values():
            if not future.done():
                future.set_exception(NoAnswerError("the socket was closed"))
        self._answered.clear()
        self._close_socket()

    async def move(self) -> None:
        """Go on from another port, over the same DTLS session if there is one."""
        self._close_socket()
        await self.open(self._server)

    def _close_socket(self) -> None:
        if self._transport:
            self._transport.abort()
            self._transport = None

    @property
    def port(self) -> int | None:
        """The local port, None while closed."""
        if self._transport is None:
            return None
        name: tuple[str, int] = self._transport.get_extra_info("sockname")
        return name[1]

    def abandon(self) -> None:
        """Stop sending what still waits for an acknowledgement, as when the radio is switched off.

        Nobody refused it, so it counts as acknowledged.
        """
        waiting = [self._active] if self._active else []
        waiting += self._queue
        self._queue.clear()
        self._end_active()
        for exchange in waiting:
            exchange.concluded(True)

    async def request(self, message: Message) -> Message:
        """Send a request, in blocks where it is long, and return the response.

        Raises NoAnswerError. Source: RFC 7252 5.2, RFC 7959 2.5.
        """
        start, exponent = 0, SIZE_EXPONENT
        while True:
            block = request_block(message, start, exponent)
            response = await self._exchange(block)
            start += len(block.payload)
            if response.code != CONTINUE or start >= len(message.payload):
                return response
            if response.opt.block1 is not None:
                exponent = min(exponent, response.opt.block1.size_exponent)

    def send(
        self, message: Message, *, confirmable: bool, concluded: Callable[[bool], None]
    ) -> None:
        """Send a notification, or its first block where it is long.

        `concluded` hears True when a confirmable message was acknowledged, False after a
        Reset or when no acknowledgement came (RFC 7641 4.5).
        """
        self._transmit(first_block(message), confirmable=confirmable, concluded=concluded)

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.muted or addr[:2] != self._server:
            return
        try:
            contents = self._link.receive(data) if self._link else [data]
        except RefusedError as error:
            for future in self._pending.values():
                if not future.done():
                    future.set_exception(DeniedError(str(error)))
            return
        for content in contents:
            self._take(content)

    def _take(self, data: bytes) -> None:
        try:
            message = Message.decode(data)
        except Error, ValueError, IndexError:
            return
        self._stirred()
        if message.code.is_request() and message.mtype in (CON, NON):
            self._serve(message)
        elif message.mtype in (ACK, RST):
            self._conclude(message.mid, acknowledged=message.mtype is ACK)
            if message.code.is_response():
                self._deliver(message)
        elif message.code.is_response():
            known = self._deliver(message) or message.mid in self._acknowledged
            if message.mtype is CON:
                self._reply_empty(ACK if known else RST, message.mid)
        elif message.code is EMPTY and message.mtype is CON:
            self._reply_empty(RST, message.mid)  # a ping, RFC 7252 4.3

    @override
    def error_received(self, exc: Exception) -> None:
        """Ignore a network that is down for a moment: retransmission copes."""

    async def _exchange(self, message: Message) -> Message:
        future = asyncio.get_running_loop().create_future()
        token = message.token = secrets.token_bytes(4)

        def concluded(acknowledged: bool) -> None:
            if not acknowledged and not future.done():
                future.set_exception(NoAnswerError("not acknowledged"))

        self._pending[token] = future
        self._transmit(message, confirmable=True, concluded=concluded)
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT):
                return await future
        except TimeoutError as error:
            raise NoAnswerError("acknowledged and never answered") from error
        finally:
            del self._pending[token]
            self._withdraw(token)

    def _serve(self, request: Message) -> None:
        # A server that was restarted soon reuses a message ID, but not with the same token.
        key = (request.mid, request.token)
        if datagram := self._answered.get(key):
            self._write(datagram)
            return
        response = self._uploads.collect(request)
        if response is None:
            response = first_block(self._answer(request), request)
            response.opt.block1 = request.opt.block1
        response.token = request.token
        if request.mtype is CON:
            response.mtype, response.mid = ACK, request.mid
        else:
            response.mtype, response.mid = NON, self._next_message_id()
        datagram = self._answered[key] = response.encode()
        if len(self._answered) > MEMORY:
            self._answered.popitem(last=False)
        self._write(datagram)

    def _deliver(self, response: Message) -> bool:
        """Hand a response to the request that waits for it; False when none does."""
        future = self._pending.get(response.token)
        if future is None or future.done():
            return False
        if response.mtype is CON:
            self._acknowledged.append(response.mid)
        future.set_result(response)
        return True

    def _transmit(
        self, message: Message, *, confirmable: bool, concluded: Callable[[bool], None]
    ) -> None:
        message.mtype = CON if confirmable else NON
        message.mid = self._next_message_id()
        if confirmable:
            timeout = self._ack_timeout * random.uniform(1, ACK_RANDOM_FACTOR)
            self._queue.append(
                _Exchange(message.mid, message.token, message.encode(), timeout, concluded)
            )
            self._advance()
        else:
            self._unconfirmed[message.mid] = concluded
            if len(self._unconfirmed) > MEMORY:
                self._unconfirmed.popitem(last=False)
            self._write(message.encode())

    def _advance(self) -> None:
        """Send the next confirmable message when none is under way (RFC 7252 4.7, NSTART)."""
        if self._active is None and self._queue:
            self._active = self._queue.popleft()
            self._try()

    def _try(self) -> None:
        """Send the message under way (again), or give it up (RFC 7252 4.2)."""
        exchange = self._active
        assert exchange is not None
        if exchange.transmissions > MAX_RETRANSMIT:
            if self._link:
                self._link.reset()  # the server may have lost it
            self._conclude(exchange.message_id, acknowledged=False)
            return
        self._write(exchange.datagram)
        self._timer = asyncio.get_running_loop().call_later(
            exchange.timeout * 2**exchange.transmissions, self._try
        )
        exchange.transmissions += 1

    def _conclude(self, message_id: int, *, acknowledged: bool) -> None:
        exchange = self._active
        if exchange is not None and exchange.message_id == message_id:
            self._end_active()
            exchange.concluded(acknowledged)
            self._advance()
        elif not acknowledged and (concluded := self._unconfirmed.pop(message_id, None)):
            concluded(False)

    def _withdraw(self, token: bytes) -> None:
        """Stop sending a request that is answered or no longer wanted."""
        self._queue = deque(waiting for waiting in self._queue if waiting.token != token)
        if self._active is not None and self._active.token == token:
            self._end_active()
            self._advance()

    def _end_active(self) -> None:
        self._active = None
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _reply_empty(self, kind: Type, message_id: int) -> None:
        message = Message(code=EMPTY)
        message.mtype, message.mid = kind, message_id
        self._write(message.encode())

    def _next_message_id(self) -> int:
        self._message_id = (self._message_id + 1) % (1 << 16)
        return self._message_id

    def _write(self, message: bytes) -> None:
        if self._link:
            self._link.send(message)
        else:
            self._emit(message)

    def _emit(self, datagram: bytes) -> None:
        if self._transport and not self.muted:
            self._stirred()
            self._transport.sendto(datagram, self._server)


async def _resolve(server: tuple[str, int]) -> tuple[int, tuple[str, int]]:
    """Return a server's address family and address; OSError for an unknown name."""
    host, port = server
    try:
        literal = ip_address(host)
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        family, _, _, _, address = found[0]
        return family, (str(address[0]), port)
    return (socket.AF_INET if literal.version == 4 else socket.AF_INET6), (str(literal), port)
