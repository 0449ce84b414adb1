"""CoAP over TCP (RFC 8323): a port that peers connect to.

aiocoap's transports/tcp.py is not used: its framing is 60 lines, and all around it would have to
be other. It bounds neither connections nor what waits to be sent, has no time limits, takes empty
messages for requests, addresses a peer that connected to it in no form that can be stored, and
shares its port with other programs.

A peer is its connection: the same device is another one when it has connected anew. Requests to a
peer without one fail at once. Its observations have ended with it (RFC 8323 7.4), and nothing can
reach them any more; LwM2M ends them once the client's Update or Register comes from elsewhere.
"""

from __future__ import annotations

import asyncio
from functools import partial
import socket
from typing import TYPE_CHECKING, override

from aiocoap.interfaces import TokenInterface

from ..dtls import Suspicion, Suspicious
from ..dtls.limits import RateLimiter, source_of
from .binding import bind
from .connection import Connection, TcpPeer
from .errors import ConnectionLost
from .peer import Scheme
from .wire import is_understood

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiocoap import Message

    from ..dtls import Identity, Refused
    from .binding import SocketAddress
    from .connection import ConnectionLimits
    from .counters import CoapCounters
    from .layers import TokenLayer
    from .observation import ObservationTable
    from .peer import Peer, StoredPeer

ACCEPT_RETRY = 1.0
"""Seconds after which a connection is accepted that there was no file descriptor for."""


class TcpTransport(TokenInterface):  # type: ignore[misc]  # aiocoap is untyped
    """One port that peers connect to, and their connections."""

    scheme = Scheme.COAP_TCP
    host: str
    port: int

    def __init__(
        self,
        sock: socket.socket,
        tokens: TokenLayer,
        observations: ObservationTable,
        counters: CoapCounters,
        limits: ConnectionLimits,
        *,
        is_known: Callable[[Peer], bool],
        on_lost: Callable[[Peer], None],
        on_incident: Callable[[Refused | Suspicious], None],
    ) -> None:
        """Accept connections on the listening `sock` from `start` on.

        `is_known` says whether a peer's connection is to stay although nothing is heard;
        `on_lost` is told of each that is closed, `on_incident` of what did not get through.
        """
        self.counters = counters
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.host, self.port = sock.getsockname()[:2]
        self.is_known = is_known
        self._on_lost = on_lost
        self._on_incident = on_incident
        self._begun = RateLimiter(limits.rate, limits.burst)
        self._sock = sock
        self._tokens = tokens
        self._observations = observations
        self._connections: set[Connection] = set()
        self._opening: dict[asyncio.Task[None], tuple[float, SocketAddress]] = {}
        """Those that are not open yet, with the time of their beginning and their source."""
        self._held = 0
        """Bytes of messages that are not complete."""
        self._retry: asyncio.TimerHandle | None = None
        self._all_lost = asyncio.Event()

    def load_peer(self, stored: StoredPeer) -> TcpPeer:
        """Make a peer that was dumped: it has no connection.

        KeyError, ValueError and TypeError when it is none.
        """
        return TcpPeer((str(stored["host"]), int(stored["port"])), self)

    # Connections

    def start(self) -> None:
        """Accept who connects, and has connected."""
        self.loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        try:
            sock, address = self._sock.accept()
        except BlockingIOError, ConnectionAbortedError:
            return
        except OSError:  # no file descriptor is left
            self.counters.connections_refused += 1
            self.loop.remove_reader(self._sock)
            self._retry = self.loop.call_later(ACCEPT_RETRY, self.start)
            return
        if not self._begun.allow(source_of(address[0]), self.loop.time()):
            self._turn_away(sock, address, Suspicion.FLOOD)
            return
        if not self._has_room():
            self._turn_away(sock, address, Suspicion.OVERLOAD)
            return
        sock.setblocking(False)
        # Begun at once, so that a socket is in some hands when this is given up.
        opening = asyncio.Task(self._open(sock, address), loop=self.loop, eager_start=True)
        self._opening[opening] = (self.loop.time(), address)
        opening.add_done_callback(lambda task: self._opening.pop(task, None))

    async def _open(self, sock: socket.socket, address: SocketAddress) -> None:
        await self.loop.connect_accepted_socket(
            lambda: Connection(self, TcpPeer(address, self)), sock
        )

    def _has_room(self) -> bool:
        """Tell whether there may be one more connection.

        Past the limit the one that is silent for longest gives way, of those that nobody knows or
        that are not open yet.
        """
        if len(self._connections) + len(self._opening) < self.limits.connections:
            return True
        quiet: list[tuple[float, SocketAddress, Callable[[], None]]] = [
            (one.heard_at, one.peer.address, one.cut)
            for one in self._connections
            if not self.is_known(one.peer)
        ]
        quiet += [
            (began, address, partial(self._give_up, task))
            for task, (began, address) in self._opening.items()
        ]
        if not quiet:
            return False
        _, address, end = min(quiet, key=lambda one: one[0])
        self.suspect(Suspicion.OVERLOAD, address)
        end()
        return True

    def _turn_away(self, sock: socket.socket, address: SocketAddress, suspicion: Suspicion) -> None:
        self.counters.connections_refused += 1
        sock.close()
        self.suspect(suspicion, address)

    def suspect(
        self, suspicion: Suspicion, address: SocketAddress, identity: Identity | None = None
    ) -> None:
        """Tell of what was dropped; `identity` is whose connection it was for."""
        self._on_incident(Suspicious(suspicion, (*address, None), identity))

    def _give_up(self, opening: asyncio.Task[None]) -> None:
        del self._opening[opening]
        opening.cancel()

    def hold(self, change: int) -> None:
        """Note that so many bytes more are held of messages that are not complete.

        Past the limit whoever holds most of them gives way, strangers first.
        """
        self._held += change
        while self._held > self.limits.incomplete:
            holding = (one for one in self._connections if one.held)
            worst = max(holding, key=lambda one: (not self.is_known(one.peer), one.held))
            worst.abort("too much for now")

    def opened(self, connection: Connection) -> None:
        """Take a new connection."""
        self._connections.add(connection)
        self.counters.connections += 1

    def lost(self, connection: Connection) -> None:
        """Fail all that is under way on a connection that is closed."""
        peer, connection.peer.connection = connection.peer, None
        self._connections.discard(connection)
        if not self._connections:
            self._all_lost.set()
        self._tokens.fail_all(peer, ConnectionLost())
        self._on_lost(peer)

    def close_if_answered(self, connection: Connection) -> None:
        """Close a released connection, unless a request of the peer waits (RFC 8323 5.5)."""
        if all(asking is not connection.peer for _, asking in self._tokens.incoming_requests):
            connection.close()

    @override
    async def shutdown(self) -> None:
        self.loop.remove_reader(self._sock)
        if self._retry is not None:
            self._retry.cancel()
        self._sock.close()
        for opening in self._opening:
            opening.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        self._all_lost.clear()
        for connection in self._connections:
            connection.release()
        if self._connections:
            await self._all_lost.wait()

    # Messages

    def receive(self, message: Message) -> None:
        """Take a request or a response."""
        if message.code.is_request():
            self.counters.requests += 1
            self._tokens.process_request(message)
        elif (
            observation := self._observations.get(message.remote, message.token)
        ) and is_understood(message):
            self._observations.deliver(observation, message)
        elif not self._tokens.process_response(message):
            self.counters.unmatched += 1
            self._reject(message)

    def _reject(self, response: Message) -> None:
        """End the observation of a notification that nobody wants any more (RFC 8323 7.4).

        The answer, which is no notification, is dropped.
        """
        request = self._observations.forgotten(response.token)
        if request is not None and response.opt.observe is not None:
            cancellation = request.copy(observe=1, remote=response.remote)
            cancellation.token = response.token
            response.remote.connection.send(cancellation)

    @override
    def send_message(
        self, message: Message, messageerror_monitor: Callable[[], None]
    ) -> Callable[[], None]:
        """Send a message; what is returned does nothing: what was sent can't be taken back."""
        connection: Connection | None = message.remote.connection
        if connection is None:
            self._tokens.fail(message, ConnectionLost())
        else:
            connection.send(message)
            if connection.is_released:
                self.loop.call_soon(self.close_if_answered, connection)
        return _nothing

    def is_pending(self, message: Message) -> bool:
        """Tell whether a request may not have arrived: TCP confirms it (RFC 8323 7.2)."""
        connection: Connection | None = message.remote.connection
        return connection is None or not connection.is_acknowledged

    @override
    async def fill_or_recognize_remote(self, message: Message) -> bool:
        """Find no peer: those who connected are known."""
        return False


async def bind_tcp(host: str | None, port: int) -> socket.socket:
    """Listen on a TCP port as `bind` does.

    A port may be had again while connections of before linger; two listeners don't share one, as
    with UDP they would.
    """
    return await bind(socket.SOCK_STREAM, host, port, _prepare)


def _prepare(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def _nothing() -> None:
    """Withdraw nothing."""
