"""Our own UDP sockets, which plain CoAP and DTLS share."""

from __future__ import annotations

from contextlib import suppress
import socket
import struct
import sys
from typing import TYPE_CHECKING, override

from aiocoap.interfaces import MessageInterface

from .binding import bind

if TYPE_CHECKING:
    import asyncio

    from aiocoap import Message

    from .binding import SocketAddress
    from .counters import CoapCounters

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
_IN_LOCAL, _IN6_LOCAL = slice(8, 12), slice(16)
"""Where they hold the address in the datagram's header."""
_UINT = struct.Struct("=I")
_ANCILLARY_SIZE = (
    socket.CMSG_SPACE(_IN_PKTINFO.size)
    + socket.CMSG_SPACE(_IN6_PKTINFO.size)
    + socket.CMSG_SPACE(_UINT.size)
)
_V4_MAPPED_BYTES = bytes(10) + b"\xff\xff"

type Ancillary = list[tuple[int, int, bytes]]


class UdpSocket(MessageInterface):  # type: ignore[misc]  # aiocoap is untyped
    """One UDP socket in an event loop; a transport says what its datagrams mean.

    Datagrams leave from the local address that the peer talks to (pitfall: a device behind a
    stateful firewall, and Anjay always, ignores those from elsewhere). ICMP errors are not asked
    for: they are spoofable hints, and a retransmission's end says the same for sure.
    """

    def __init__(
        self, sock: socket.socket, counters: CoapCounters, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Take the bound `sock`, which is read from `start` on."""
        self._sock = sock
        self._counters = counters
        self._loop = loop
        self._buffer = memoryview(bytearray(MAX_DATAGRAM))
        self._dropped = 0
        self._local_at = _IN6_LOCAL if self._is_v6 else _IN_LOCAL
        self._unicast: bytes | None = None
        """The local address that was addressed last, and is known to be no group."""
        self.host, self.port = sock.getsockname()[:2]
        counters.receive_buffer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    def start(self) -> None:
        """Read what comes, and has come."""
        self._loop.add_reader(self._sock, self._readable)

    def resolve(self, host: str, port: int) -> SocketAddress:
        """Make a socket address from a numeric address; OSError when it isn't one."""
        flags = socket.AI_NUMERICHOST | (socket.AI_V4MAPPED if self._is_v6 else 0)
        found = socket.getaddrinfo(
            host, port, family=self._sock.family, type=socket.SOCK_DGRAM, flags=flags
        )
        return found[0][4]

    def datagram_received(self, data: bytes, sockaddr: SocketAddress, local: bytes | None) -> None:
        """Take a datagram; `local` is the packed local address that it came to."""
        raise NotImplementedError

    @property
    def _is_v6(self) -> bool:
        return self._sock.family == socket.AF_INET6

    def _readable(self) -> None:
        receive, buffers = self._sock.recvmsg_into, [self._buffer]
        for _ in range(DATAGRAMS_PER_WAKEUP):
            try:
                size, ancillary, _, sockaddr = receive(buffers, _ANCILLARY_SIZE)
            except OSError:  # nothing more to read, or an error of an earlier datagram
                return
            self._counters.datagrams_in += 1
            local = None
            for level, _, data in ancillary:  # only what `_prepare` asked for
                if level == socket.SOL_SOCKET:
                    self._count_dropped(data)
                else:
                    local = data[self._local_at]
            if local != self._unicast:
                if local is not None and _is_group(local):
                    self._counters.multicast += 1
                    continue
                self._unicast = local
            self.datagram_received(bytes(self._buffer[:size]), sockaddr, local)

    def _count_dropped(self, data: bytes) -> None:
        """Count what the kernel dropped since it last told."""
        total = _UINT.unpack(data)[0]
        self._counters.dropped += (total - self._dropped) & 0xFFFFFFFF
        self._dropped = total

    def send_to(self, data: bytes, sockaddr: SocketAddress, local: bytes | None) -> None:
        """Send at once, from the address `local`; a refusal is counted as such."""
        ancillary: Ancillary = []
        if local is not None:
            # The interface is left to routing: only the source address matters to the peer.
            if self._is_v6:
                info = _IN6_PKTINFO.pack(local, 0)
                ancillary = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)]
            else:
                info = _IN_PKTINFO.pack(0, local, b"")
                ancillary = [(socket.IPPROTO_IP, socket.IP_PKTINFO, info)]
        try:
            self._sock.sendmsg([data], ancillary, 0, sockaddr)
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
        """Resolve nothing: peers are addressed by the `Peer` that they came from."""


async def bind_udp(host: str | None, port: int) -> socket.socket:
    """Bind a UDP socket as `bind` does.

    Never with address or port reuse: a second reusing socket would silently take the datagrams.
    """
    return await bind(socket.SOCK_DGRAM, host, port, _prepare)


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
