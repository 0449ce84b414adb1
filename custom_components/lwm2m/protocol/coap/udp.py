"""CoAP over UDP, without security: the addresses of peers."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, override
from weakref import WeakValueDictionary

from aiocoap.util import hostportjoin

from .binding import V4_MAPPED, host_of
from .peer import Peer, Scheme
from .udp_socket import UdpSocket

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from aiocoap import Message

    from .binding import SocketAddress
    from .counters import CoapCounters
    from .peer import StoredPeer


class UdpPeer(Peer):
    """A peer's address and port, and the local address that it talks to.

    Equality and hash are of the peer's address and port alone, the same for a datagram from it
    and for an address made with `UdpTransport.peer`, on an IPv4 and on a dual-stack socket. The
    scope of a link-local address counts: the same address on two links is two peers.
    """

    scheme = Scheme.COAP
    transport: UdpTransport

    def __init__(
        self,
        sockaddr: SocketAddress,
        transport: UdpTransport,
        local: bytes | None = None,
    ) -> None:
        """Make the address of `sockaddr` on `transport`; `local` is the packed local address."""
        self.sockaddr = sockaddr
        self.transport = transport
        self.local = local
        scope = sockaddr[3] if len(sockaddr) == 4 else 0
        self._key = (sockaddr[0].removeprefix(V4_MAPPED), sockaddr[1], scope)

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, UdpPeer) and self._key == other._key

    @override
    def __hash__(self) -> int:
        return hash(self._key)

    @property
    @override
    def host(self) -> str:
        """The peer's address in its usual text form, with the interface if it is link-local."""
        return host_of(self.sockaddr)

    @property
    @override
    def port(self) -> int:
        return int(self._key[1])

    @override
    def dump(self) -> StoredPeer:
        return super().dump() | {"local": self.local.hex() if self.local else None}

    @property
    @override
    def hostinfo_local(self) -> str:
        if self.local is None:
            return super().hostinfo_local
        family = socket.AF_INET if len(self.local) == 4 else socket.AF_INET6
        host = socket.inet_ntop(family, self.local).removeprefix(V4_MAPPED)
        return str(hostportjoin(host, self.transport.port))


class UdpTransport(UdpSocket):
    """Plain CoAP on one UDP socket: what comes from an address is its peer's."""

    scheme = Scheme.COAP

    def __init__(
        self,
        sock: socket.socket,
        receive: Callable[[bytes, UdpPeer], None],
        counters: CoapCounters,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Take the bound `sock`; every datagram goes to `receive`, in order."""
        self._receive = receive
        self._peers: WeakValueDictionary[SocketAddress, UdpPeer] = WeakValueDictionary()
        """Those in use: a registered client's datagrams bring about no new ones."""
        super().__init__(sock, counters, loop)

    def peer(self, host: str, port: int) -> UdpPeer:
        """Make the address of a peer from its numeric address; OSError when it isn't one."""
        return UdpPeer(self.resolve(host, port), self)

    def load_peer(self, stored: StoredPeer) -> UdpPeer:
        """Make the address that was dumped; KeyError, ValueError, TypeError, OSError if wrong."""
        peer = self.peer(str(stored["host"]), int(stored["port"]))
        peer.local = bytes.fromhex(stored["local"]) if stored["local"] else None
        self._peers[peer.sockaddr] = peer
        return peer

    @override
    def datagram_received(self, data: bytes, sockaddr: SocketAddress, local: bytes | None) -> None:
        peer = self._peers.get(sockaddr)
        if peer is None or peer.local != local:
            peer = self._peers[sockaddr] = UdpPeer(sockaddr, self, local)
        self._receive(data, peer)

    @override
    def send(self, message: Message) -> None:
        self.send_datagram(message.encode(), message.remote)

    def send_datagram(self, data: bytes, peer: UdpPeer) -> None:
        """Send at once, from the address that `peer` talks to."""
        self.send_to(data, peer.sockaddr, peer.local)
