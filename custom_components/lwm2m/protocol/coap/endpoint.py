"""The CoAP endpoint: a server and a client on the same sockets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
import errno
from functools import partial
from itertools import chain
import logging
from typing import TYPE_CHECKING, Any, override
from weakref import WeakValueDictionary

from aiocoap import (
    BAD_OPTION,
    CONTINUE,
    FETCH,
    INTERNAL_SERVER_ERROR,
    PROXYING_NOT_SUPPORTED,
    SERVICE_UNAVAILABLE,
    Context,
    Message,
)
from aiocoap.numbers.constants import TransportTuning
from aiocoap.numbers.optionnumbers import OptionNumber

from ..dtls import Counters as DtlsCounters
from .blockwise import BlockwiseServer
from .connection import ConnectionLimits
from .counters import CoapCounters
from .dtls import DtlsTransport
from .errors import EndpointClosed
from .layers import MessageLayer, TokenLayer
from .limits import PeerLimits, Shares
from .observation import NotificationSink, Observation, ObservationTable
from .peer import Scheme
from .selftest import check_aiocoap
from .tcp import TcpTransport, bind_tcp
from .tls import TlsTransport
from .transfer import fetch_rest, send_request
from .udp import UdpPeer, UdpTransport
from .udp_socket import bind_udp

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    import socket

    from aiocoap.pipe import Pipe

    from ..dtls import Identity, Refused, Suspicious
    from .peer import Peer, StoredPeer
    from .tls_context import TlsCredentials

_LOGGER = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 93.0
"""Seconds: MAX_TRANSMIT_WAIT of RFC 7252 4.8.2, within which retransmissions end on their own."""

_UNDERSTOOD = {
    OptionNumber.URI_HOST,
    OptionNumber.URI_PORT,
    OptionNumber.URI_PATH,
    OptionNumber.URI_QUERY,
    OptionNumber.ACCEPT,
    OptionNumber.BLOCK1,
    OptionNumber.BLOCK2,
}
"""The critical options that a request may carry."""
_PROXYING = {OptionNumber.PROXY_URI, OptionNumber.PROXY_SCHEME}

type DatagramTransport = UdpTransport | DtlsTransport
type Transport = DatagramTransport | TcpTransport
type RequestHandler = Callable[[Message], Awaitable[Message]]
"""Answers a request: whole, and once, however often and in how many blocks it arrived."""


class CoapEndpoint:
    """One CoAP endpoint: answers its peers' requests, and sends requests to them."""

    def __init__(
        self,
        handler: RequestHandler,
        *,
        credentials: TlsCredentials | None = None,
        on_incident: Callable[[Refused | Suspicious], None] = lambda _: None,
        tuning: TransportTuning | None = None,
        limits: PeerLimits | None = None,
        connection_limits: ConnectionLimits | None = None,
        is_known: Callable[[Peer], bool] = lambda peer: False,
        on_lost: Callable[[Peer], None] = lambda peer: None,
    ) -> None:
        """Make an endpoint in the running loop, without sockets yet.

        A `handler` that raises is answered for with 5.00. `limits` are those of each peer. `tuning`
        holds the times of RFC 7252 4.8. `credentials` say who may connect over DTLS and TLS,
        `on_incident` is told who did not get through. `is_known` says whether a peer is more than a
        stranger: it has limits of its own, and its TCP connection stays although nothing is heard.
        `on_lost` is told of a peer whose connection is closed.
        IncompatibleLibrary when aiocoap is not as expected.
        """
        check_aiocoap()
        self.counters = CoapCounters()
        self.dtls_counters = DtlsCounters()
        self._loop = asyncio.get_running_loop()
        self._tuning = tuning or TransportTuning()
        self._credentials = credentials
        self._on_incident = on_incident
        self._shares = Shares(limits or PeerLimits(), is_known, self._loop.time)
        self._server = BlockwiseServer(
            handler, self._shares, self._tuning.EXCHANGE_LIFETIME, self.counters
        )
        self.observations = ObservationTable(self._loop, self.counters, self._fetch_notification)
        self._context = _Context(self)
        self._connection_limits = connection_limits or ConnectionLimits()
        self._is_known = is_known
        self._on_lost = on_lost
        self._transports: dict[Transport, TokenLayer] = {}
        self._transfers: WeakValueDictionary[tuple[Peer, tuple[str, ...]], asyncio.Lock] = (
            WeakValueDictionary()
        )
        """By the resource that they are of."""
        self._closed = False

    async def listen(self, scheme: Scheme, host: str | None, port: int) -> int:
        """Open a port as `open` does, and take what comes to it."""
        port = await self.open(scheme, host, port)
        self.start()
        return port

    async def open(self, scheme: Scheme, host: str | None, port: int) -> int:
        """Open a port of a transport and return it; port 0 picks a free one.

        `host` None is all of IPv4 and IPv6; a name or an address is that alone. What comes to it
        waits for `start`. PortInUseError when another socket holds the port; OSError for any other
        reason, also when TLS cannot be had with this server's key and certificates.
        """
        match scheme:
            case Scheme.COAP:
                return await self._open_datagrams(UdpTransport, host, port)
            case Scheme.COAPS if self._credentials:
                make_dtls = partial(
                    DtlsTransport,
                    credentials=self._credentials,
                    on_incident=self._on_incident,
                    dtls_counters=self.dtls_counters,
                )
                return await self._open_datagrams(make_dtls, host, port)
            case Scheme.COAP_TCP:
                return (await self._open_stream(TcpTransport, host, port)).port
            case Scheme.COAPS_TCP if self._credentials:
                make_tls = partial(TlsTransport, credentials=self._credentials)
                transport = await self._open_stream(make_tls, host, port)
                await transport.prepare()
                return transport.port
            case _:
                raise OSError(errno.EPROTONOSUPPORT, f"there is no transport for {scheme}")

    def start(self) -> None:
        """Take what comes to all ports that are open."""
        for transport in self._transports:
            transport.start()

    async def _open_datagrams(
        self, make: Callable[..., DatagramTransport], host: str | None, port: int
    ) -> int:
        sock = await self._bound(bind_udp, host, port)

        async def connect(messages: MessageLayer) -> DatagramTransport:
            transport = make(sock, messages.receive, self.counters, self._loop)
            self._transports[transport] = messages.token_manager
            return transport

        await self._context._append_tokenmanaged_messagemanaged_transport(connect)
        return int(sock.getsockname()[1])

    async def _open_stream[T: TcpTransport](
        self, make: Callable[..., T], host: str | None, port: int
    ) -> T:
        sock = await self._bound(bind_tcp, host, port)
        tokens = TokenLayer(self._context)
        transport = make(
            sock,
            tokens,
            self.observations,
            self.counters,
            self._connection_limits,
            is_known=self._is_known,
            on_lost=self._on_lost,
            on_incident=self._on_incident,
        )
        tokens.token_interface = transport
        self._transports[transport] = tokens
        self._context.request_interfaces.append(tokens)
        return transport

    async def _bound(
        self,
        bind: Callable[[str | None, int], Awaitable[socket.socket]],
        host: str | None,
        port: int,
    ) -> socket.socket:
        sock = await bind(host, port)
        if self._closed:
            sock.close()
            raise EndpointClosed
        return sock

    def revoke(self, matches: Callable[[Identity], bool]) -> None:
        """End everything of the identities whose credential has changed or gone."""
        for transport in self._transports:
            if isinstance(transport, DtlsTransport | TlsTransport):
                transport.revoke(matches)

    async def close(self) -> None:
        """Close the sockets and end all that waits, with EndpointClosed; peers are not told."""
        self._closed = True
        await self._context.shutdown()
        await self.observations.close()

    def peer(self, host: str, port: int) -> UdpPeer:
        """Make the address of a peer, from a numeric host, on the first socket that reaches it.

        Only without security: else a peer is who it has proved to be.
        """
        for transport in self._transports:
            if isinstance(transport, UdpTransport):
                with suppress(OSError):
                    return transport.peer(host, port)
        raise OSError(f"no socket reaches {host}")

    def load_peer(self, stored: StoredPeer) -> Peer:
        """Make the address that a peer's `dump` returned.

        OSError when no socket of its transport reaches it; KeyError, ValueError and TypeError when
        it is none.
        """
        scheme = Scheme(stored["scheme"])
        for transport in self._transports:
            if transport.scheme is scheme:
                return transport.load_peer(stored)
        raise OSError(f"there is no socket for {scheme}")

    async def request(self, message: Message, *, timeout: float = DEFAULT_TIMEOUT) -> Message:
        """Send a request to `message.remote` and return the whole response, of whatever code.

        `timeout` bounds the exchange of each block, in seconds: a large transfer may take its time
        as long as it goes on (thingsboard#14241). Requests to one peer start in order, each when
        the one before is acknowledged (NSTART of RFC 7252 4.7). Cancelling frees the peer at once.
        NoAcknowledgement, NoResponse, ResetReceived, ResponseNotUnderstood, PeerBusy,
        TransferFailed, EndpointClosed.
        """
        send = self._sender(message, timeout)
        async with self._alone(message):
            return await self._fetch_rest(message, await send_request(message, send), send)

    async def observe(
        self,
        message: Message,
        sink: NotificationSink,
        *,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Message:
        """Send a GET or FETCH with Observe, and return the first response as `request` does.

        If the response carries an Observe option, the observation is established: its
        `remote` and `token` name it, and what follows goes to `sink`, which is never called
        before this coroutine returned. Raises what `request` does, and then observes nothing.
        """
        message.opt.observe = 0
        established: Observation | None = None

        def on_response(response: Message) -> None:
            nonlocal established
            if (
                response.opt.observe is not None
                and response.code.is_successful()
                and response.code != CONTINUE
            ):
                established = Observation(
                    message.remote,
                    response.token,
                    message,
                    sink,
                    sequence=response.opt.observe,
                    time=self._loop.time(),
                    held=deque(),
                )
                self.observations.add(established)

        try:
            send = self._sender(message, timeout, on_response=on_response)
            async with self._alone(message):
                first = await send_request(message, send)
                response = await self._fetch_rest(message, first, self._sender(message, timeout))
        except BaseException:
            if established is not None:
                self.observations.remove(established.remote, established.token)
            raise
        if established is not None:
            self._loop.call_soon(self.observations.release, established)
        return response

    def resume(
        self,
        message: Message,
        token: bytes,
        sink: NotificationSink,
        *,
        sequence: int | None,
        age: float,
    ) -> None:
        """Take up an observation of before a restart, that `message` had asked for.

        `sequence` is the newest Observe value then, `age` how many seconds ago it arrived.
        """
        message.opt.observe = 0
        self.observations.add(
            Observation(
                message.remote, token, message, sink, sequence, time=self._loop.time() - age
            )
        )

    @property
    def message_id(self) -> int:
        """The ID of the next message that is sent; 0 without a socket."""
        layer = next(iter(self._message_layers), None)
        return int(layer.message_id) if layer else 0

    @message_id.setter
    def message_id(self, value: int) -> None:
        for layer in self._message_layers:
            layer.message_id = value

    @property
    def _message_layers(self) -> list[MessageLayer]:
        layers = (tokens.token_interface for tokens in self._transports.values())
        return [layer for layer in layers if isinstance(layer, MessageLayer)]

    def forget(self, remote: Peer, token: bytes) -> bool:
        """End an observation without telling: its next notification is rejected (RFC 7641 3.6).

        False when there is none.
        """
        return self.observations.remove(remote, token) is not None

    async def cancel(
        self,
        remote: Peer,
        token: bytes,
        *,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Message | None:
        """End an observation by its own request with Observe 1 and its token (RFC 7641 3.6).

        Returns the response, or None when there is no such observation. It is forgotten at once,
        also when this raises, as `request` does.
        """
        observation = self.observations.remove(remote, token)
        if observation is None:
            return None
        message = observation.request.copy(observe=1)
        async with self._alone(message):
            first = await send_request(message, self._sender(message, timeout, token=token))
            return await self._fetch_rest(message, first, self._sender(message, timeout))

    def _alone(self, message: Message) -> AbstractAsyncContextManager[Any]:
        """Return what lets one request in blocks at a time to a resource of a peer.

        Blocks don't say which request they are of: those of two would be taken for one
        (RFC 7959 2.5, RFC 9175 3). So it is with the blocks of the answer to a FETCH, which are
        asked for without its payload.
        """
        peer: Peer = message.remote
        if len(message.payload) <= peer.maximum_payload_size and message.code != FETCH:
            return nullcontext()
        return self._transfers.setdefault((peer, message.opt.uri_path), asyncio.Lock())

    def _sender(
        self, message: Message, timeout: float, **options: Any
    ) -> Callable[[Message], Awaitable[Message]]:
        layer = self._transports.get(message.remote.transport)
        if layer is None:
            raise EndpointClosed
        return partial(layer.exchange, timeout=timeout, **options)

    async def _fetch_rest(
        self,
        message: Message,
        first: Message,
        send: Callable[[Message], Awaitable[Message]],
    ) -> Message:
        return await fetch_rest(message, first, send, self._shares.limits.response_size)

    async def _fetch_notification(self, request: Message, first: Message) -> Message:
        return await self._fetch_rest(request, first, self._sender(request, DEFAULT_TIMEOUT))

    async def _respond(self, request: Message) -> Message:
        """Answer one incoming request message."""
        critical = {n for n in request.opt._options if n.is_critical()} - _UNDERSTOOD
        if critical:  # RFC 7252 5.4.1, 5.7.2
            return Message(code=PROXYING_NOT_SUPPORTED if critical & _PROXYING else BAD_OPTION)
        try:
            return await self._server.respond(request)
        except Exception:
            self.counters.handler_errors += 1
            _LOGGER.exception("The handler of a request from %s failed", request.remote)
            return Message(code=INTERNAL_SERVER_ERROR)


class _Context(Context):  # type: ignore[misc]  # aiocoap is untyped
    """aiocoap's context with our layers, and our way to answer requests."""

    def __init__(self, endpoint: CoapEndpoint) -> None:
        super().__init__(loop=endpoint._loop)
        self.log = _QuietLog(logging.getLogger(f"{__name__}.aiocoap"))
        self._endpoint = endpoint
        self._answering: dict[Peer | None, set[asyncio.Task[None]]] = {}
        """By whose share of the limits they count for."""

    @override
    async def _append_tokenmanaged_messagemanaged_transport(
        self,
        message_interface_constructor: Callable[[MessageLayer], Awaitable[DatagramTransport]],
    ) -> None:
        endpoint = self._endpoint
        tokens = TokenLayer(self)
        messages = MessageLayer(
            tokens,
            endpoint.observations,
            endpoint.counters,
            endpoint._tuning,
            endpoint._shares,
        )
        tokens.token_interface = messages
        messages.message_interface = await message_interface_constructor(messages)
        self.request_interfaces.append(tokens)

    @override
    def render_to_pipe(self, pipe: Pipe) -> None:
        # Begun at once: aiocoap cancels a request when the next of its token arrives, which peers
        # that use no tokens may send right behind it, and it would never be handled.
        shares = self._endpoint._shares
        owner = shares.owner(pipe.request.remote)
        tasks = self._answering.setdefault(owner, set())
        if len(tasks) >= shares.most(shares.limits.answering, owner):
            self._endpoint.counters.overloads += 1
            pipe.add_response(Message(code=SERVICE_UNAVAILABLE), is_last=True)
            return
        task = asyncio.Task(self._answer(pipe), loop=self.loop, eager_start=True)
        if not task.done():
            tasks.add(task)
            task.add_done_callback(partial(self._answered, owner))
            pipe.on_interest_end(task.cancel)
        elif not tasks:
            del self._answering[owner]

    def _answered(self, owner: Peer | None, task: asyncio.Task[None]) -> None:
        self._answering[owner].discard(task)
        if not self._answering[owner]:
            del self._answering[owner]

    async def _answer(self, pipe: Pipe) -> None:
        pipe.add_response(await self._endpoint._respond(pipe.request), is_last=True)

    @override
    async def shutdown(self) -> None:
        for interface in self.request_interfaces:
            await interface.shutdown()
        self.request_interfaces.clear()
        await asyncio.gather(*chain(*self._answering.values()), return_exceptions=True)


class _QuietLog(logging.LoggerAdapter[logging.Logger]):
    """Demotes aiocoap's warnings, which are about what peers send, to debug output."""

    @override
    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        super().log(level if level >= logging.ERROR else logging.DEBUG, msg, *args, **kwargs)
