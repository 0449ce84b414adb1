"""The UDP socket: ports, addresses and what the operating system says."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
import socket
import sys
from typing import TYPE_CHECKING, Any

from aiocoap import CHANGED, CON, GET, NON, Message
import pytest

from custom_components.lwm2m.protocol.coap import CoapEndpoint, PortInUseError, Scheme
from custom_components.lwm2m.protocol.coap.udp import UdpPeer, UdpTransport
from custom_components.lwm2m.protocol.coap.udp_socket import _is_group
from tests.raw_coap import RawPeer, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    type OpenEndpoint = Callable[..., Awaitable[CoapEndpoint]]
    type OpenPeer = Callable[..., Awaitable[RawPeer]]


def port_of(endpoint: CoapEndpoint) -> int:
    """Return the port of the endpoint's one socket."""
    (transport,) = endpoint._transports
    port: int = transport.port
    return port


# Ports


@pytest.fixture
def holder(socket_enabled: None) -> Iterator[Callable[..., int]]:
    """Return what holds a port, as another program does."""
    sockets = []

    def hold(family: int, host: str, *options: int) -> int:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sockets.append(sock)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for option in options:
            sock.setsockopt(socket.SOL_SOCKET, option, 1)
        sock.bind((host, 0))
        port: int = sock.getsockname()[1]
        return port

    yield hold
    for sock in sockets:
        sock.close()


@pytest.mark.parametrize(
    "held",
    [
        pytest.param((socket.AF_INET, ""), id="IPv4"),
        pytest.param((socket.AF_INET, "", socket.SO_REUSEADDR), id="IPv4 with reuse (Shelly)"),
        pytest.param((socket.AF_INET, "127.0.0.1"), id="one IPv4 address"),
        pytest.param((socket.AF_INET6, "::"), id="IPv6"),
        pytest.param((socket.AF_INET6, "::", socket.SO_REUSEPORT), id="IPv6 with port reuse"),
    ],
)
async def test_a_port_that_another_holds_is_in_use(
    holder: Callable[..., int], held: tuple[Any, ...]
) -> None:
    port = holder(*held)
    endpoint = CoapEndpoint(never)

    with pytest.raises(PortInUseError) as raised:
        await endpoint.listen(Scheme.COAP, None, port)

    assert raised.value.errno == errno.EADDRINUSE
    await endpoint.close()


@pytest.mark.parametrize("option", [socket.SO_REUSEADDR, socket.SO_REUSEPORT])
async def test_nobody_takes_our_port(open_endpoint: OpenEndpoint, option: int) -> None:
    endpoint = await open_endpoint(host=None)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.setsockopt(socket.SOL_SOCKET, option, 1)
        with pytest.raises(OSError, match="in use"):
            thief.bind(("", port_of(endpoint)))


async def test_an_address_that_is_not_ours_is_no_port_in_use(socket_enabled: None) -> None:
    endpoint = CoapEndpoint(never)

    with pytest.raises(OSError, match="assign") as raised:
        await endpoint.listen(Scheme.COAP, "203.0.113.1", 0)

    assert not isinstance(raised.value, PortInUseError)
    await endpoint.close()


async def test_the_port_is_free_again_after_closing(open_endpoint: OpenEndpoint) -> None:
    first = await open_endpoint(host=None)
    port = port_of(first)
    await first.close()

    second = CoapEndpoint(never)
    assert await second.listen(Scheme.COAP, None, port) == port
    await second.close()


async def test_without_ipv6_it_listens_on_ipv4(
    open_endpoint: OpenEndpoint, raw: RawPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    endpoint = await open_endpoint(host=None)

    raw.send(("127.0.0.2", port_of(endpoint)), GET, CON)

    assert (await raw.receive()).remote == ("127.0.0.2", port_of(endpoint))


async def never(request: Message) -> Message:
    """Answer nothing."""
    raise AssertionError(request)


# Addresses


@pytest.mark.parametrize(
    ("host", "peer_host", "server_host"),
    [
        pytest.param(None, "127.0.0.1", "127.0.0.1", id="IPv4 on all"),
        pytest.param(None, "127.0.0.1", "127.0.0.2", id="another IPv4 address on all"),
        pytest.param(None, "::1", "::1", id="IPv6 on all"),
        pytest.param("0.0.0.0", "127.0.0.1", "127.0.0.2", id="IPv4 alone"),
        pytest.param("127.0.0.2", "127.0.0.1", "127.0.0.2", id="one IPv4 address"),
        pytest.param("::1", "::1", "::1", id="one IPv6 address"),
        pytest.param("localhost", "127.0.0.1", "127.0.0.1", id="a name"),
    ],
)
async def test_an_answer_leaves_from_the_address_that_was_addressed(
    open_endpoint: OpenEndpoint,
    open_peer: OpenPeer,
    host: str | None,
    peer_host: str,
    server_host: str,
) -> None:
    endpoint = await open_endpoint(host=host)
    peer = await open_peer(peer_host)

    peer.send((server_host, port_of(endpoint)), GET, CON)

    assert (await peer.receive()).remote[:2] == (server_host, port_of(endpoint))


@pytest.mark.parametrize(("peer_host", "server_host"), [("127.0.0.1", "127.0.0.3"), ("::1", "::1")])
async def test_a_request_leaves_from_the_address_and_port_that_the_peer_talks_to(
    open_endpoint: OpenEndpoint, open_peer: OpenPeer, peer_host: str, server_host: str
) -> None:
    seen: list[UdpPeer] = []

    async def handler(request: Message) -> Message:
        seen.append(request.remote)
        return Message()

    endpoint = await open_endpoint(handler, host=None)
    peer = await open_peer(peer_host)
    peer.send((server_host, port_of(endpoint)), GET, NON)
    await until(lambda: seen)
    message = Message(code=GET)
    message.remote = seen[0]

    pending = asyncio.create_task(endpoint.request(message))
    request = await peer.receive()
    peer.answer(request)

    await pending
    assert request.remote[:2] == (server_host, port_of(endpoint))


@pytest.fixture
async def transport(open_endpoint: OpenEndpoint) -> UdpTransport:
    """Return a dual-stack socket."""
    (transport,) = (await open_endpoint(host=None))._transports
    return transport


def test_a_peer_is_its_address_and_port(transport: UdpTransport) -> None:
    peer = transport.peer("127.0.0.1", 5683)

    assert peer == UdpPeer(("::ffff:127.0.0.1", 5683, 0, 0), transport, bytes(16))
    assert hash(peer) == hash(UdpPeer(("127.0.0.1", 5683), transport))
    assert peer != transport.peer("127.0.0.1", 5684)
    assert peer != transport.peer("127.0.0.2", 5683)


async def test_a_peer_in_use_is_made_once(open_endpoint: OpenEndpoint, raw: RawPeer) -> None:
    seen: list[UdpPeer] = []

    async def handler(request: Message) -> Message:
        seen.append(request.remote)
        return Message(code=CHANGED)

    endpoint = await open_endpoint(handler)
    for _ in range(2):
        raw.send(("127.0.0.1", port_of(endpoint)), GET, NON)
        await raw.receive()

    assert seen[0] is seen[1]


async def test_a_peer_that_changes_the_address_it_talks_to_is_made_anew(
    open_endpoint: OpenEndpoint, raw: RawPeer
) -> None:
    """Answers leave from the one that it talks to now."""
    endpoint = await open_endpoint(host=None)
    peers = []
    for host in ("127.0.0.1", "127.0.0.2", "127.0.0.2"):
        raw.send((host, port_of(endpoint)), GET, CON)
        peers.append((await raw.receive()).remote[0])

    assert peers == ["127.0.0.1", "127.0.0.2", "127.0.0.2"]


async def test_nothing_is_kept_of_a_peer_that_sent_garbage(
    endpoint: CoapEndpoint, raw: RawPeer
) -> None:
    (transport,) = endpoint._transports
    raw.transport.sendto(b"garbage", ("127.0.0.1", port_of(endpoint)))
    await until(lambda: endpoint.counters.malformed)

    assert len(transport._peers) == 0


def test_a_link_local_address_on_two_links_is_two_peers(transport: UdpTransport) -> None:
    on_one = UdpPeer(("fe80::1", 5683, 0, 1), transport)

    assert on_one != UdpPeer(("fe80::1", 5683, 0, 2), transport)
    assert on_one == UdpPeer(("fe80::1", 5683, 0, 1), transport)


def test_a_link_local_address_shows_its_link(transport: UdpTransport) -> None:
    name = socket.if_indextoname(1)

    assert UdpPeer(("fe80::1", 5683, 0, 1), transport).host == f"fe80::1%{name}"
    assert UdpPeer(("fe80::1", 5683, 0, 999999), transport).host == "fe80::1%999999"


def test_a_peer_can_be_made_from_its_text(transport: UdpTransport) -> None:
    for host in ("127.0.0.1", "::1", f"fe80::1%{socket.if_indextoname(1)}"):
        peer = transport.peer(host, 5683)
        assert transport.peer(peer.host, peer.port) == peer
        assert peer.host == host


@pytest.mark.parametrize(
    ("sockaddr", "local", "shown", "shown_local"),
    [
        pytest.param(
            ("::ffff:192.0.2.1", 1234, 0, 0),
            socket.inet_pton(socket.AF_INET6, "::ffff:192.0.2.9"),
            "coap://192.0.2.1:1234",
            "coap://192.0.2.9",
            id="IPv4 on dual stack",
        ),
        pytest.param(
            ("192.0.2.1", 1234),
            socket.inet_aton("192.0.2.9"),
            "coap://192.0.2.1:1234",
            "coap://192.0.2.9",
            id="IPv4",
        ),
        pytest.param(
            ("2001:db8::1", 1234, 0, 0),
            socket.inet_pton(socket.AF_INET6, "2001:db8::9"),
            "coap://[2001:db8::1]:1234",
            "coap://[2001:db8::9]",
            id="IPv6",
        ),
        pytest.param(
            ("2001:db8::1", 1, 0, 0), None, "coap://[2001:db8::1]:1", "coap://[::]", id="-"
        ),
    ],
)
def test_both_ends_have_an_uri(
    transport: UdpTransport,
    sockaddr: tuple[Any, ...],
    local: bytes | None,
    shown: str,
    shown_local: str,
) -> None:
    peer = UdpPeer(sockaddr, transport, local)

    assert peer.uri_base == shown
    assert peer.uri_base_local == f"{shown_local}:{transport.port}"


async def test_a_peer_that_no_socket_reaches_is_an_error(endpoint: CoapEndpoint) -> None:
    with pytest.raises(OSError, match="reaches"):
        endpoint.peer("::1", 5683)


def link_local() -> str | None:
    """Return a link-local address of this machine with its link, or None."""
    table = Path("/proc/net/if_inet6")
    for line in table.read_text().splitlines() if table.exists() else ():
        digits, _, _, scope, _, name = line.split()
        if scope == "20":
            return f"{socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))}%{name}"
    return None


async def test_a_link_local_peer_is_answered_on_its_link(
    open_endpoint: OpenEndpoint, open_peer: OpenPeer
) -> None:
    host = link_local()
    if host is None:
        pytest.skip("this machine has no link-local IPv6 address")
    endpoint = await open_endpoint(host=None)
    peer = await open_peer(host)
    (server,) = socket.getaddrinfo(host, port_of(endpoint), type=socket.SOCK_DGRAM)

    peer.send(server[4], GET, CON, payload=b"value")

    assert (await peer.receive()).payload == b"value"


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("224.0.1.187", True),
        ("255.255.255.255", True),
        ("192.0.2.1", False),
        ("ff02::fd", True),
        ("::ffff:224.0.1.187", True),
        ("::ffff:192.0.2.1", False),
        ("2001:db8::1", False),
    ],
)
def test_group_addresses_are_told_from_others(address: str, group: bool) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET

    assert _is_group(socket.inet_pton(family, address)) is group


async def test_a_multicast_datagram_is_ignored(open_endpoint: OpenEndpoint) -> None:
    """Linux gives a socket the groups that any other joined, such as Shelly's."""
    endpoint = await open_endpoint(never, host="0.0.0.0")
    member = socket.inet_aton("224.0.1.187") + socket.inet_aton("127.0.0.1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        other.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        data = Message(code=GET, _mtype=NON, _mid=1).encode()
        other.sendto(data, ("224.0.1.187", port_of(endpoint)))
        await until(lambda: endpoint.counters.datagrams_in)

    assert (endpoint.counters.multicast, endpoint.counters.requests) == (1, 0)


# What the operating system says


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOBUFS, "no buffer"),
        OSError(errno.ENETUNREACH, "no route"),
        BlockingIOError(),
    ],
)
async def test_a_datagram_that_cannot_be_sent_is_counted_and_tried_again(
    endpoint: CoapEndpoint, raw: RawPeer, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    (transport,) = endpoint._transports
    refusing = RefusingSocket(transport._sock, [error])
    monkeypatch.setattr(transport, "_sock", refusing)
    message = Message(code=GET)
    message.remote = endpoint.peer(*raw.address)
    pending = asyncio.create_task(endpoint.request(message))
    raw.answer(await raw.receive(), b"value")

    assert (await pending).payload == b"value"
    assert endpoint.counters.send_errors == 1


class RefusingSocket:
    """A socket that refuses to send."""

    def __init__(self, sock: socket.socket, errors: list[OSError]) -> None:
        self._sock = sock
        self._errors = errors

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendmsg(self, *arguments: Any) -> int:
        """Refuse once."""
        if self._errors:
            raise self._errors.pop()
        return self._sock.sendmsg(*arguments)


async def test_the_receive_buffer_granted_is_told(endpoint: CoapEndpoint) -> None:
    (transport,) = endpoint._transports
    granted = transport._sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    assert endpoint.counters.receive_buffer == granted
    assert granted > 212_992  # Linux's default


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts drops")
async def test_datagrams_that_the_kernel_dropped_are_counted(
    endpoint: CoapEndpoint, raw: RawPeer
) -> None:
    (transport,) = endpoint._transports
    transport._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    address = transport.host, transport.port
    for _ in range(50):
        raw.send(address, GET, NON, payload=bytes(1000))
    counters = endpoint.counters
    await until(lambda: counters.datagrams_in)

    raw.send(address, GET, NON)
    await until(lambda: counters.dropped)
    received = counters.datagrams_in
    raw.send(address, GET, NON)  # tells the same number again
    await until(lambda: counters.datagrams_in > received)

    assert counters.datagrams_in + counters.dropped == 52
