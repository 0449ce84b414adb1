"""CoAP over DTLS (RFC 7252 9.1): one UDP socket, and peers known by what they have proved to be."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, override

from ..dtls import (
    Closed,
    ConnectionClosed,
    DtlsServer,
    Established,
    Received,
    Refused,
    Suspicious,
    Transmit,
)
from .binding import host_of
from .identity import dump_identity, load_identity
from .peer import Peer, Scheme
from .transfer import MAX_SIZE_EXPONENT, largest_block
from .udp_socket import UdpSocket

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Hashable
    import socket

    from aiocoap import Message

    from ..dtls import Address, Connection, Counters as DtlsCounters, Credentials, Identity, Output
    from .binding import SocketAddress
    from .counters import CoapCounters
    from .peer import StoredPeer


class DtlsPeer(Peer):
    """A device that has proved who it is, over one of its connections or over none yet.

    Equality and hash are of the identity alone: the same device over a new connection is the same
    peer, so its observations and the requests under way go on. RFC 7252 9.1.2 and 9.1.1 would end
    both with the connection; a device that proved the same identity again has lost neither.
    """

    scheme = Scheme.COAPS
    transport: DtlsTransport

    def __init__(
        self,
        identity: Identity,
        transport: DtlsTransport,
        address: Address,
        connection: Connection | None = None,
    ) -> None:
        """`address` is where it was last, if there is no connection that knows better."""
        self.connection = connection
        self.transport = transport
        self._identity = identity
        self._hash = hash(identity)
        self._address = address
        self._conversation = next(_conversations)
        self._asked = MAX_SIZE_EXPONENT

    @override
    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, DtlsPeer) and self._identity == other._identity)

    @override
    def __hash__(self) -> int:
        return self._hash

    @property
    @override
    def identity(self) -> Identity:
        return self._identity

    @property
    @override
    def conversation(self) -> Hashable:
        """The connection: a device that has restarted may begin with the same message IDs."""
        return self._conversation

    @property  # type: ignore[explicit-override]  # mypy overlooks it where there is a setter
    @override
    def maximum_block_size_exp(self) -> int:
        """What it asked for, or less where that is more than its records hold."""
        newest = self.transport.newest(self).connection
        return (
            self._asked if newest is None else min(self._asked, largest_block(newest.max_fragment))
        )

    @maximum_block_size_exp.setter
    def maximum_block_size_exp(self, value: int) -> None:
        self._asked = value

    @property
    def address(self) -> Address:
        """Where the device is, or was last."""
        return self._address if self.connection is None else self.connection.address

    @property
    @override
    def host(self) -> str:
        return host_of(self.address[:-1])

    @property
    @override
    def port(self) -> int:
        return int(self.address[1])

    @override
    def dump(self) -> StoredPeer:
        """Return the address and the identity, which is no secret."""
        return super().dump() | dump_identity(self._identity)


_conversations = itertools.count()


class DtlsTransport(UdpSocket):
    """CoAP over DTLS on one UDP socket, in both directions.

    Devices connect, the server never does: many of them take no connection. A message to a device
    without one is dropped and counted; a confirmable one is sent again, and finds the device's next
    connection if that comes in time.
    """

    scheme = Scheme.COAPS

    def __init__(
        self,
        sock: socket.socket,
        receive: Callable[[bytes, DtlsPeer], None],
        counters: CoapCounters,
        loop: asyncio.AbstractEventLoop,
        *,
        credentials: Credentials,
        on_incident: Callable[[Refused | Suspicious], None],
        dtls_counters: DtlsCounters,
    ) -> None:
        """Take the bound `sock`; every message goes to `receive`, in order.

        `on_incident` is told what did not get through, as often as that happens.
        """
        self.dtls = DtlsServer(credentials, counters=dtls_counters)
        self._receive = receive
        self._on_incident = on_incident
        self._peers: dict[Identity, dict[Connection, DtlsPeer]] = {}
        """One for each open connection of an identity, the last one heard at the end."""
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        super().__init__(sock, counters, loop)

    def load_peer(self, stored: StoredPeer) -> DtlsPeer:
        """Make the peer that was dumped, without a connection.

        KeyError, ValueError, TypeError, OSError if it is none.
        """
        identity = load_identity(stored)
        address = self.resolve(str(stored["host"]), int(stored["port"]))
        return DtlsPeer(identity, self, (*address, None))

    def revoke(self, matches: Callable[[Identity], bool]) -> None:
        """End all connections, sessions and handshakes of such identities."""
        self._perform(self.dtls.revoke(matches))

    # In

    @override
    def datagram_received(self, data: bytes, sockaddr: SocketAddress, local: bytes | None) -> None:
        # The local address belongs to what DTLS takes for the peer's, and so to each answer.
        self._perform(self.dtls.receive(data, (*sockaddr, local), self._loop.time()))

    def _timeout(self) -> None:
        self._timer = self._deadline = None
        self._perform(self.dtls.timeout(self._loop.time()))

    def _perform(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case Received(connection, data):
                    self._receive(data, self._heard(connection))
                case Transmit(datagram, address):
                    self.send_to(datagram, address[:-1], address[-1])
                case Established(connection):
                    identity = connection.identity
                    peer = DtlsPeer(identity, self, connection.address, connection)
                    self._peers.setdefault(identity, {})[connection] = peer
                case Closed(connection):
                    self._forget(connection)
                case Refused() | Suspicious():
                    self._on_incident(output)
        self._schedule()

    def _heard(self, connection: Connection) -> DtlsPeer:
        """Return the peer of a connection, which is now the one to send requests over."""
        peers = self._peers[connection.identity]
        if next(reversed(peers)) is not connection:
            peers[connection] = peers.pop(connection)
        return peers[connection]

    def _forget(self, connection: Connection) -> None:
        peers = self._peers[connection.identity]
        del peers[connection]
        if not peers:
            del self._peers[connection.identity]

    def _schedule(self) -> None:
        deadline = self.dtls.next_deadline
        if deadline == self._deadline:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._deadline = deadline
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._timeout)

    # Out

    @override
    def send(self, message: Message) -> None:
        """Send a request over the connection last heard, all else over the one that it answers.

        RFC 7252 9.1.1: what belongs to a message goes back over its connection.
        """
        peer: DtlsPeer = message.remote
        self.send_datagram(
            message.encode(), self.newest(peer) if message.code.is_request() else peer
        )

    def newest(self, peer: DtlsPeer) -> DtlsPeer:
        """Return the same device over the connection that it was heard on last, if there is one."""
        peers = self._peers.get(peer.identity)
        return next(reversed(peers.values())) if peers else peer

    def send_datagram(self, data: bytes, peer: DtlsPeer) -> None:
        """Send over the peer's connection; a message that cannot be sent is counted."""
        connection = peer.connection
        if connection is None or not connection.open:
            self._counters.unreachable += 1
            return
        try:
            outputs = self.dtls.send(connection, data)
        except ConnectionClosed, ValueError:
            self._counters.send_errors += 1
        else:
            self._perform(outputs)

    @override
    async def shutdown(self) -> None:
        """Take leave of all, so that a device that is awake connects anew at once.

        Else it would send notifications into a connection that a restarted server cannot read,
        until its next confirmable message fails (RFC 5246 7.2.1).
        """
        for connection in [connection for peers in self._peers.values() for connection in peers]:
            self._perform(self.dtls.close(connection))
        if self._timer is not None:
            self._timer.cancel()
        await super().shutdown()
