"""What is told of those who try to get in over TCP and TLS, as over UDP and DTLS."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
import socket
import ssl
from typing import TYPE_CHECKING, Any

from aiocoap import BAD_REQUEST, CREATED, DELETE, DELETED, FORBIDDEN, POST, Message
import pytest

from custom_components.lwm2m.protocol.coap import ConnectionLimits, Scheme
from custom_components.lwm2m.protocol.dtls import CertificateUsage, ServerIdentity
from custom_components.lwm2m.protocol.security import (
    CredentialStore,
    PreSharedKey,
    SecurityEvent,
    SecurityEventType,
)
from custom_components.lwm2m.protocol.server import LwM2mServer
from tests.raw_coap import until
from tests.raw_tcp import RawTcpPeer

from .conftest import LINK_FORMAT, LINKS, Events
from .dtls.parties import authority, issue, server_party, trust
from .tls_contexts import MakeContext, psk_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from custom_components.lwm2m.protocol.model.registry import ModelRegistry

    from .conftest import MakeDevice

HOST, ELSEWHERE = "127.0.0.1", "127.0.0.2"
PSK = PreSharedKey(b"board-1 key", bytes(range(16)))
OTHER_PSK = PreSharedKey(b"board-2 key", bytes(range(16, 32)))
TCP_SCHEMES = (Scheme.COAP_TCP, Scheme.COAPS_TCP)

type Connect = Callable[..., Awaitable[RawTcpPeer]]


@pytest.fixture
async def serve(models: ModelRegistry) -> AsyncIterator[Callable[..., Awaitable[LwM2mServer]]]:
    """Start servers that know two devices by their keys, with limits for their connections."""
    async with AsyncExitStack() as stack:

        async def serve(**limits: Any) -> LwM2mServer:
            credentials = CredentialStore(ServerIdentity(server_party().key, [server_party().der]))
            credentials.put("board-1", PSK)
            credentials.put("board-2", OTHER_PSK)
            server = LwM2mServer(
                models, credentials=credentials, connection_limits=ConnectionLimits(**limits)
            )
            stack.push_async_callback(server.stop)
            await server.start(HOST, {Scheme.COAP: 0, **dict.fromkeys(TCP_SCHEMES, 0)})
            return server

        yield serve


@pytest.fixture
async def server(serve: Callable[..., Awaitable[LwM2mServer]]) -> LwM2mServer:
    return await serve()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Return what connects to a server: with a key, or in plain text without one."""
    async with AsyncExitStack() as stack:

        async def connect(
            server: LwM2mServer, psk: PreSharedKey | None = None, **options: Any
        ) -> RawTcpPeer:
            scheme = Scheme.COAPS_TCP if psk else Scheme.COAP_TCP
            context = psk_context(psk) if psk else None
            peer = await RawTcpPeer.open(server.ports[scheme], context=context, **options)
            stack.push_async_callback(peer.close)
            return peer

        yield connect


@pytest.fixture
async def knock() -> AsyncIterator[Connect]:
    """Return what opens a connection to a port of a server, and says nothing on it."""
    async with AsyncExitStack() as stack:

        async def knock(server: LwM2mServer, scheme: Scheme, **options: Any) -> RawTcpPeer:
            peer = await RawTcpPeer.connect(server.ports[scheme], **options)
            stack.push_async_callback(peer.close)
            return peer

        yield knock


async def register(peer: RawTcpPeer, endpoint: str) -> Message:
    return await peer.request(
        POST,
        "rd",
        uri_query=(f"ep={endpoint}", "lwm2m=1.1", "b=T"),
        content_format=LINK_FORMAT,
        payload=LINKS,
    )


async def location_of(peer: RawTcpPeer, endpoint: str) -> str:
    """Register, and return the location's last segment."""
    response = await register(peer, endpoint)
    assert response.code == CREATED
    return str(response.opt.location_path[1])


async def told(events: Events) -> SecurityEvent:
    """Wait for the next security event."""
    while not isinstance(event := await events.next(), SecurityEvent):
        pass
    return event


def follow(server: LwM2mServer) -> Events:
    """Follow the events of a server."""
    events = Events()
    server.subscribe(events.put)
    return events


# Who speaks for whom


async def test_a_secured_endpoint_does_not_register_over_plain_tcp(
    server: LwM2mServer, connect: Connect, events: Events
) -> None:
    assert (await register(await connect(server), "board-1")).code == FORBIDDEN
    assert await told(events) == SecurityEvent(
        SecurityEventType.PLAINTEXT_ATTEMPT, HOST, "board-1", "board-1"
    )
    assert not server.registrations


@pytest.mark.parametrize("method", [POST, DELETE], ids=["Update", "De-register"])
@pytest.mark.parametrize(
    ("psk", "kind", "endpoint"),
    [
        (None, SecurityEventType.PLAINTEXT_ATTEMPT, "board-1"),
        (OTHER_PSK, SecurityEventType.ENDPOINT_MISMATCH, "board-2"),
    ],
    ids=["plain TCP", "another's key"],
)
async def test_nobody_else_changes_a_registration_over_tls(
    server: LwM2mServer,
    connect: Connect,
    events: Events,
    psk: PreSharedKey | None,
    kind: SecurityEventType,
    endpoint: str,
    method: Any,
) -> None:
    location = await location_of(await connect(server, PSK), "board-1")
    before = server.registrations["board-1"]

    assert (await (await connect(server, psk)).request(method, "rd", location)).code == BAD_REQUEST
    assert await told(events) == SecurityEvent(kind, HOST, endpoint, "board-1")
    assert server.registrations["board-1"] is before


async def test_a_deregistration_over_a_connection_from_another_host_is_told_of(
    server: LwM2mServer, connect: Connect, events: Events
) -> None:
    location = await location_of(await connect(server), "board-3")
    elsewhere = await connect(server, local_host=ELSEWHERE)

    assert (await elsewhere.request(DELETE, "rd", location)).code == DELETED
    assert await told(events) == SecurityEvent(
        SecurityEventType.UNEXPECTED_DEREGISTRATION, ELSEWHERE, "board-3"
    )


async def test_a_deregistration_over_udp_of_a_client_on_tcp_is_told_of(
    server: LwM2mServer, connect: Connect, make_device: MakeDevice, events: Events
) -> None:
    """The source of a datagram can be forged, that of a connection can't."""
    location = await location_of(await connect(server), "board-3")
    device = await make_device(server)

    assert (await device.request(DELETE, "rd", location)).code == DELETED
    assert await told(events) == SecurityEvent(
        SecurityEventType.UNEXPECTED_DEREGISTRATION, HOST, "board-3"
    )


async def test_a_deregistration_over_the_next_connection_is_not_told_of(
    server: LwM2mServer, connect: Connect
) -> None:
    location = await location_of(await connect(server), "board-3")

    assert (await (await connect(server)).request(DELETE, "rd", location)).code == DELETED
    assert not server.security.counts


# Handshakes that fail


async def test_an_expired_certificate_is_told_of_by_its_name(
    server: LwM2mServer, events: Events, certificate_context: MakeContext
) -> None:
    server.set_credential("board-1", trust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority()))
    context = certificate_context(issue("board-1", authority(), days=(-30, -1)))
    with pytest.raises((EOFError, OSError)):
        await RawTcpPeer.open(server.ports[Scheme.COAPS_TCP], context=context)

    assert await told(events) == SecurityEvent(
        SecurityEventType.WRONG_KEY, HOST, "board-1", "board-1", detail="certificate has expired"
    )


async def test_a_handshake_that_does_not_go_on_is_told_of(
    serve: Callable[..., Awaitable[LwM2mServer]], knock: Connect
) -> None:
    server = await serve(opening=0.05)
    events = follow(server)
    await knock(server, Scheme.COAPS_TCP)

    assert await told(events) == SecurityEvent(
        SecurityEventType.HANDSHAKE_FAILED, HOST, detail="no answer in time"
    )


async def test_a_handshake_that_is_broken_off_is_told_of(
    server: LwM2mServer, knock: Connect, events: Events
) -> None:
    await (await knock(server, Scheme.COAPS_TCP)).close()

    assert await told(events) == SecurityEvent(
        SecurityEventType.HANDSHAKE_FAILED, HOST, detail="peer closed the connection"
    )


async def test_a_suite_that_is_not_taken_is_told_of(server: LwM2mServer, events: Events) -> None:
    context = psk_context(PSK)
    context.set_ciphers("PSK-AES256-GCM-SHA384:@SECLEVEL=0")
    with pytest.raises((EOFError, OSError)):
        await RawTcpPeer.open(server.ports[Scheme.COAPS_TCP], context=context)

    assert await told(events) == SecurityEvent(
        SecurityEventType.HANDSHAKE_FAILED, HOST, detail="no shared cipher"
    )


# Records of a connection


def disturb(port: int, *, repeat: bool) -> None:
    """Connect, and send a record a second time, or one that is forged; wait for the end."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = psk_context(PSK).wrap_bio(incoming, outgoing)
    with socket.create_connection((HOST, port), 5) as sock:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                incoming.write(sock.recv(1 << 14))
        tls.write(b"\x00\xe1")  # a CSM
        record = outgoing.read()
        again = record if repeat else record[:-1] + bytes((record[-1] ^ 1,))
        sock.sendall(record + again if repeat else again)
        while sock.recv(1 << 14):
            pass


@pytest.mark.parametrize("repeat", [True, False], ids=["repeated", "forged"])
async def test_a_record_that_the_device_has_not_sent_is_told_of(
    server: LwM2mServer, events: Events, repeat: bool
) -> None:
    await asyncio.to_thread(disturb, server.ports[Scheme.COAPS_TCP], repeat=repeat)

    assert await told(events) == SecurityEvent(SecurityEventType.BAD_MAC, HOST, "board-1")


# Floods


@pytest.mark.parametrize("scheme", TCP_SCHEMES)
async def test_connections_beyond_the_share_of_a_source_are_a_flood(
    serve: Callable[..., Awaitable[LwM2mServer]], knock: Connect, scheme: Scheme
) -> None:
    server = await serve(burst=3, rate=0.001)
    events = follow(server)
    for _ in range(3):
        await knock(server, scheme)
    assert await (await knock(server, scheme)).is_closed()

    assert await told(events) == SecurityEvent(SecurityEventType.FLOOD, HOST)
    assert server.counters.coap.connections_refused == 1


async def test_a_flood_from_elsewhere_keeps_no_device_out(
    serve: Callable[..., Awaitable[LwM2mServer]], knock: Connect, connect: Connect
) -> None:
    server = await serve(burst=3, rate=0.001)
    for _ in range(10):
        await knock(server, Scheme.COAPS_TCP, local_host=ELSEWHERE)
    device = await connect(server, PSK)

    assert (await register(device, "board-1")).code == CREATED
    assert server.security.by_source.keys() == {ELSEWHERE}
    await until(lambda: server.security.counts == {SecurityEventType.FLOOD: 7})


@pytest.mark.parametrize("scheme", TCP_SCHEMES)
async def test_who_gives_way_for_lack_of_room_is_told_of(
    serve: Callable[..., Awaitable[LwM2mServer]], knock: Connect, connect: Connect, scheme: Scheme
) -> None:
    server = await serve(connections=1)
    events = follow(server)
    silent = await knock(server, scheme, local_host=ELSEWHERE)
    await connect(server, PSK if scheme.is_secure else None)

    assert await silent.is_closed()
    assert await told(events) == SecurityEvent(SecurityEventType.FLOOD, ELSEWHERE)


async def test_who_finds_no_room_is_told_of(
    serve: Callable[..., Awaitable[LwM2mServer]], knock: Connect, connect: Connect
) -> None:
    server = await serve(connections=1)
    events = follow(server)
    await register(await connect(server, PSK), "board-1")
    late = await knock(server, Scheme.COAPS_TCP, local_host=ELSEWHERE)

    assert await late.is_closed()
    assert await told(events) == SecurityEvent(SecurityEventType.FLOOD, ELSEWHERE)
