"""CoAP over UDP: our own sockets, and the addresses of peers on them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
import errno
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any, override

from aiocoap.interfaces import MessageInterface
from aiocoap.util import hostportjoin

from .errors import PortInUseError
from .peer import Peer, Scheme

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiocoap import Message

    from .counters import CoapCounters
    from .peer import StoredPeer

RECEIVE_BUFFER = 4 * 1024 * 1024
"""Bytes asked for: with Linux's default, a garbage collection's pause loses notifications."""
DATAGRAMS_PER_WAKEUP = 100
"""So that a burst leaves the rest of the event loop its turn."""
MAX_DATAGRAM = 65535

# Linux's numbers, which the socket module lacks (asm-generic/socket.h).
_LINUX = sys.platform == "linux"
_SO_RCVBUFFORCE = 33
_SO_RXQ_OVFL = 40

_IN_PKTINFO = struct.Struct("=I4s4s")
"""ip(7): interface index, local address, address in the datagram's header."""
_IN6_PKTINFO = struct.Struct("=16sI")
"""RFC 3542 6.1: address, interface index."""
_UINT = struct.Struct("=I")
_ANCILLARY_SIZE = (
    socket.CMSG_SPACE(_IN_PKTINFO.size)
    + socket.CMSG_SPACE(_IN6_PKTINFO.size)
    + socket.CMSG_SPACE(_UINT.size)
)
_V4_MAPPED = "::ffff:"
_V4_MAPPED_BYTES = bytes(10) + b"\xff\xff"

type SocketAddress = tuple[Any, ...]
"""(host, port), or (host, port, flow label, scope ID) for IPv6."""
type Ancillary = list[tuple[int, int, bytes]]


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
        self._key = (sockaddr[0].removeprefix(_V4_MAPPED), sockaddr[1], scope)

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
        host, _, scope = self._key
        if not scope:
            return str(host)
        try:
            return f"{host}%{socket.if_indextoname(scope)}"
        except OSError:
            return f"{host}%{scope}"

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
        host = socket.inet_ntop(family, self.local).removeprefix(_V4_MAPPED)
        return str(hostportjoin(host, self.transport.port))


class UdpTransport(MessageInterface):  # type: ignore[misc]  # aiocoap is untyped
    """One UDP socket in an event loop.

    Datagrams leave from the local address that the peer talks to (pitfall: a device behind a
    stateful firewall, and Anjay always, ignores those from elsewhere). ICMP errors are not asked
    for: they are spoofable hints, and a retransmission's end says the same for sure.
    """

    scheme = Scheme.COAP

    def __init__(
        self,
        sock: socket.socket,
        receive: Callable[[bytes, UdpPeer], None],
        counters: CoapCounters,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Start to read the bound `sock`; every datagram goes to `receive`, in order."""
        self._sock = sock
        self._receive = receive
        self._counters = counters
        self._loop = loop
        self._buffer = bytearray(MAX_DATAGRAM)
        self._dropped = 0
        self.host, self.port = sock.getsockname()[:2]
        counters.receive_buffer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        loop.add_reader(sock, self._readable)

    def peer(self, host: str, port: int) -> UdpPeer:
        """Make the address of a peer from its numeric address; OSError when it isn't one."""
        flags = socket.AI_NUMERICHOST | (socket.AI_V4MAPPED if self._is_v6 else 0)
        found = socket.getaddrinfo(
            host, port, family=self._sock.family, type=socket.SOCK_DGRAM, flags=flags
        )
        return UdpPeer(found[0][4], self)

    def load_peer(self, stored: StoredPeer) -> UdpPeer:
        """Make the address that was dumped; KeyError, ValueError, TypeError, OSError if wrong."""
        peer = self.peer(str(stored["host"]), int(stored["port"]))
        peer.local = bytes.fromhex(stored["local"]) if stored["local"] else None
        return peer

    @property
    def _is_v6(self) -> bool:
        return self._sock.family == socket.AF_INET6

    def _readable(self) -> None:
        for _ in range(DATAGRAMS_PER_WAKEUP):
            try:
                size, ancillary, _, sockaddr = self._sock.recvmsg_into(
                    [self._buffer], _ANCILLARY_SIZE
                )
            except OSError:  # nothing more to read, or an error of an earlier datagram
                return
            self._counters.datagrams_in += 1
            local = self._read_ancillary(ancillary)
            if local is not None and _is_group(local):
                self._counters.multicast += 1
            else:
                self._receive(bytes(self._buffer[:size]), UdpPeer(sockaddr, self, local))

    def _read_ancillary(self, ancillary: Ancillary) -> bytes | None:
        """Return the local address, packed, and count what the kernel dropped so far."""
        local = None
        for level, kind, data in ancillary:
            match level, kind:
                case socket.IPPROTO_IPV6, socket.IPV6_PKTINFO:
                    local = _IN6_PKTINFO.unpack_from(data)[0]
                case socket.IPPROTO_IP, socket.IP_PKTINFO:
                    local = _IN_PKTINFO.unpack_from(data)[2]
                case socket.SOL_SOCKET, 40:
                    total = _UINT.unpack_from(data)[0]
                    self._counters.dropped += (total - self._dropped) & 0xFFFFFFFF
                    self._dropped = total
        return local

    @override
    def send(self, message: Message) -> None:
        self.send_datagram(message.encode(), message.remote)

    def send_datagram(self, data: bytes, peer: UdpPeer) -> None:
        """Send at once, from the address that `peer` talks to; a refusal is counted as such."""
        ancillary: Ancillary = []
        if peer.local is not None:
            # The interface is left to routing: only the source address matters to the peer.
            if self._is_v6:
                info = _IN6_PKTINFO.pack(peer.local, 0)
                ancillary = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)]
            else:
                info = _IN_PKTINFO.pack(0, peer.local, b"")
                ancillary = [(socket.IPPROTO_IP, socket.IP_PKTINFO, info)]
        try:
            self._sock.sendmsg([data], ancillary, 0, peer.sockaddr)
        except OSError:
            self._counters.send_errors += 1
        else:
            self._counters.datagrams_out += 1

    @override
    async def shutdown(self) -> None:
        self._loop.remove_reader(self._sock)
        self._sock.close()

    @override
    async def determine_remote(self, message: Message) -> None:
        """Resolve nothing: peers are addressed by the `UdpPeer` that they came from."""


async def bind_udp(host: str | None, port: int) -> socket.socket:
    """Bind a UDP socket, on all of IPv4 and IPv6 when `host` is None; port 0 picks a free one.

    Never with address or port reuse: a second reusing socket would silently take the datagrams.
    PortInUseError when another socket holds the port; OSError for any other reason.
    """
    if host is None:
        dual_stack = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if dual_stack else socket.AF_INET
        address: SocketAddress = ("::" if dual_stack else "0.0.0.0", port)  # all, as asked
    else:
        dual_stack = False
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )
        family, address = found[0][0], found[0][4]
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual_stack else 1)
        _prepare(sock)
        sock.bind(address)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(error.errno, f"UDP port {port} is in use") from error
        raise
    return sock


def _prepare(sock: socket.socket) -> None:
    """Ask for local addresses, for a large receive buffer, and for the count of drops."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_PKTINFO, 1)
    with suppress(OSError):  # some systems refuse what Linux cuts to its maximum
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    if _LINUX:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        with suppress(PermissionError):  # past the maximum: Home Assistant OS runs core privileged
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)


def _is_group(address: bytes) -> bool:
    """Tell whether a packed address is multicast, or IPv4's broadcast to all."""
    address = address.removeprefix(_V4_MAPPED_BYTES)
    if len(address) == 4:
        return address[0] >> 4 == 0xE or address == b"\xff\xff\xff\xff"
    return address[0] == 0xFF
