"""From a host and a port to a bound socket, and from a socket's address to a host."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING, Any

from .errors import PortInUseError

if TYPE_CHECKING:
    from collections.abc import Callable

V4_MAPPED = "::ffff:"

type SocketAddress = tuple[Any, ...]
"""(host, port), or (host, port, flow label, scope ID) for IPv6."""


async def bind(
    kind: socket.SocketKind,
    host: str | None,
    port: int,
    prepare: Callable[[socket.socket], None],
) -> socket.socket:
    """Bind a socket, on all of IPv4 and IPv6 when `host` is None; port 0 picks a free one.

    One of streams listens, too. `prepare` sets options first. PortInUseError when another socket
    holds the port; OSError for any other reason.
    """
    if host is None:
        dual_stack = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if dual_stack else socket.AF_INET
        address: SocketAddress = ("::" if dual_stack else "0.0.0.0", port)  # all, as asked
    else:
        dual_stack = False
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=kind, flags=socket.AI_PASSIVE
        )
        family, address = found[0][0], found[0][4]
    sock = socket.socket(family, kind)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual_stack else 1)
        prepare(sock)
        sock.bind(address)
        if kind is socket.SOCK_STREAM:
            sock.listen()
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError("TCP" if kind is socket.SOCK_STREAM else "UDP", port) from error
        raise
    return sock


def host_of(sockaddr: SocketAddress) -> str:
    """Return an address in its usual text form, with the interface if it is link-local."""
    host = str(sockaddr[0]).removeprefix(V4_MAPPED)
    scope = sockaddr[3] if len(sockaddr) == 4 else 0
    if not scope:
        return host
    try:
        return f"{host}%{socket.if_indextoname(scope)}"
    except OSError:
        return f"{host}%{scope}"
