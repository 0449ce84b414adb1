"""CoAP over TLS: devices are who they have proved to be (RFC 8323 9)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
import json
import pathlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

from aiocoap import CHANGED, CREATED, FORBIDDEN, POST, Message
import pytest

from custom_components.lwm2m.protocol.coap import ConnectionLimits, Scheme
from custom_components.lwm2m.protocol.coap.tls import TlsTransport
from custom_components.lwm2m.protocol.dtls import (
    CertificateIdentity,
    CertificateUsage,
    PskIdentity,
    ServerIdentity,
)
from custom_components.lwm2m.protocol.errors import NotConnected
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.security import (
    Certificate,
    CredentialStore,
    PreSharedKey,
    SecurityEvent,
    SecurityEventType,
)
from custom_components.lwm2m.protocol.server import LwM2mServer, Revoked
from tests.raw_coap import until
from tests.raw_tcp import RawTcpPeer

from .conftest import LINK_FORMAT, LINKS
from .dtls.parties import Party, authority, device, issue, server_party, stranger, trust
from .tls_contexts import MakeContext, client_context, psk_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from custom_components.lwm2m.protocol.coap.tls_context import TlsContext
    from custom_components.lwm2m.protocol.model.registry import ModelRegistry

    from .conftest import MakeServer

ENDPOINT = "board-1"
PSK = PreSharedKey(b"board-1 key", bytes(range(16)))
NEW_PSK = PreSharedKey(b"board-1 key", bytes(range(16, 32)))
VALUE = Path(3303, 0, 5700)

type Connect = Callable[..., Awaitable[RawTcpPeer]]


ANCHORED = trust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority())


@pytest.fixture
def make_server(make_server: MakeServer) -> MakeServer:
    """Start servers on a free port, that know themselves and a device by its key."""

    async def make(**options: Any) -> LwM2mServer:
        credentials = CredentialStore(ServerIdentity(server_party().key, [server_party().der]))
        credentials.put(ENDPOINT, PSK)
        return await make_server(scheme=Scheme.COAPS_TCP, credentials=credentials, **options)

    return make


@pytest.fixture
def incidents(server: LwM2mServer) -> list[SecurityEvent]:
    """The security events."""
    found: list[SecurityEvent] = []

    def take(event: object) -> None:
        if isinstance(event, SecurityEvent):
            found.append(event)

    server.subscribe(take)
    return found


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Return what connects a device to a server; with the known key unless told else."""
    async with AsyncExitStack() as stack:

        async def connect_one(
            server: LwM2mServer, context: ssl.SSLContext | None = None
        ) -> RawTcpPeer:
            context = context or psk_context(PSK)
            peer = await RawTcpPeer.open(server.ports[Scheme.COAPS_TCP], context=context)
            stack.push_async_callback(peer.close)
            return peer

        yield connect_one


async def register(peer: RawTcpPeer, endpoint: str = ENDPOINT) -> Message:
    return await peer.request(
        POST,
        "rd",
        uri_query=(f"ep={endpoint}", "lwm2m=1.1", "b=T"),
        content_format=LINK_FORMAT,
        payload=LINKS,
    )


async def is_refused(connecting: Awaitable[object]) -> bool:
    """Tell whether a connection comes to nothing."""
    try:
        await connecting
    except ssl.SSLError, EOFError, ConnectionError:
        return True
    return False


# Who gets in


async def test_a_device_with_a_pre_shared_key_registers(
    server: LwM2mServer, connect: Connect
) -> None:
    peer = await connect(server, psk_context(PSK))

    assert (await register(peer)).code == CREATED
    remote = server.registrations[ENDPOINT].remote
    assert (remote.scheme, remote.identity) == (Scheme.COAPS_TCP, PskIdentity(PSK.identity))


@pytest.mark.parametrize(
    "credential",
    [
        ANCHORED,
        trust(CertificateUsage.CA_CONSTRAINT, authority(), authority()),
        trust(CertificateUsage.SERVICE_CERTIFICATE_CONSTRAINT, device(), authority()),
        trust(CertificateUsage.DOMAIN_ISSUED_CERTIFICATE, device()),
    ],
    ids=lambda credential: credential.trust.usage.name.lower(),
)
async def test_a_device_with_a_certificate_registers(
    server: LwM2mServer,
    connect: Connect,
    certificate_context: MakeContext,
    credential: Certificate,
) -> None:
    server.set_credential(ENDPOINT, credential)
    peer = await connect(server, certificate_context(device()))

    assert (await register(peer)).code == CREATED
    assert server.registrations[ENDPOINT].remote.identity == CertificateIdentity(device().der)


async def test_a_pinned_certificate_holds_past_its_time(
    server: LwM2mServer, connect: Connect, certificate_context: MakeContext
) -> None:
    old = issue(ENDPOINT, days=(-30, -1))
    server.set_credential(ENDPOINT, trust(CertificateUsage.DOMAIN_ISSUED_CERTIFICATE, old))

    assert (await register(await connect(server, certificate_context(old)))).code == CREATED


async def test_the_same_names_the_endpoint_of_a_register_without_one(
    server: LwM2mServer, connect: Connect
) -> None:
    peer = await connect(server)
    answer = await peer.request(
        POST, "rd", uri_query=("lwm2m=1.1",), content_format=LINK_FORMAT, payload=LINKS
    )

    assert answer.code == CREATED
    assert ENDPOINT in server.registrations


async def test_a_device_registers_as_no_other(
    server: LwM2mServer, connect: Connect, incidents: list[SecurityEvent]
) -> None:
    assert (await register(await connect(server), "another")).code == FORBIDDEN
    assert [event.type for event in incidents] == [SecurityEventType.ENDPOINT_MISMATCH]


async def test_a_client_that_asks_for_coap_is_told_so(server: LwM2mServer) -> None:
    context = psk_context(PSK)
    context.set_alpn_protocols(["coap"])
    peer = await RawTcpPeer.open(server.ports[Scheme.COAPS_TCP], context=context)

    assert peer.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "coap"
    await peer.close()


async def test_it_is_asked_over_its_connection(server: LwM2mServer, connect: Connect) -> None:
    peer = await connect(server)
    await register(peer)
    reading = asyncio.create_task(server.client(ENDPOINT).read(VALUE))
    peer.answer(await peer.receive(), b"21.5", content_format=0)

    assert (await reading).values == {VALUE: 21.5}


# Who does not


@pytest.mark.parametrize(
    ("psk", "kind", "endpoint", "detail"),
    [
        (NEW_PSK, SecurityEventType.WRONG_KEY, ENDPOINT, "key is another one"),
        (
            PreSharedKey(b"nobody", PSK.key),
            SecurityEventType.UNKNOWN_IDENTITY,
            None,
            "identity is not known",
        ),
    ],
    ids=["wrong key", "unknown identity"],
)
async def test_a_wrong_key_and_an_unknown_identity_look_alike_and_are_told_apart_here(
    server: LwM2mServer,
    connect: Connect,
    incidents: list[SecurityEvent],
    psk: PreSharedKey,
    kind: SecurityEventType,
    endpoint: str | None,
    detail: str,
) -> None:
    with pytest.raises(ConnectionResetError):
        await connect(server, psk_context(psk))
    await until(lambda: incidents)

    (event,) = incidents
    assert (event.type, event.endpoint) == (kind, endpoint)
    assert (event.claimed, event.detail) == (psk.identity.decode(), detail)


@pytest.mark.parametrize(
    ("usage", "pinned"),
    [
        (CertificateUsage.TRUST_ANCHOR_ASSERTION, authority),
        (CertificateUsage.DOMAIN_ISSUED_CERTIFICATE, device),
    ],
)
async def test_a_strangers_certificate_is_refused(
    server: LwM2mServer,
    connect: Connect,
    certificate_context: MakeContext,
    incidents: list[SecurityEvent],
    usage: CertificateUsage,
    pinned: Callable[[], Party],
) -> None:
    server.set_credential(ENDPOINT, trust(usage, pinned()))

    assert await is_refused(connect(server, certificate_context(stranger())))
    await until(lambda: incidents)
    assert incidents[0].type is SecurityEventType.UNKNOWN_IDENTITY


async def test_a_certificate_past_its_time_is_refused_unless_it_is_pinned(
    server: LwM2mServer, connect: Connect, certificate_context: MakeContext
) -> None:
    server.set_credential(ENDPOINT, ANCHORED)
    old = issue(ENDPOINT, authority(), days=(-30, -1))

    assert await is_refused(connect(server, certificate_context(old)))


async def test_a_certificate_for_another_endpoint_is_refused(
    server: LwM2mServer, connect: Connect, certificate_context: MakeContext
) -> None:
    server.set_credential(ENDPOINT, ANCHORED)
    other = issue("board-2", authority())

    assert await is_refused(connect(server, certificate_context(other)))


async def test_a_client_without_a_certificate_is_refused(
    server: LwM2mServer, incidents: list[SecurityEvent]
) -> None:
    context = client_context()

    assert await is_refused(RawTcpPeer.open(server.ports[Scheme.COAPS_TCP], context=context))
    await until(lambda: incidents)
    assert incidents[0].type is SecurityEventType.UNKNOWN_IDENTITY


async def test_plain_coap_is_refused(server: LwM2mServer, incidents: list[SecurityEvent]) -> None:
    peer = await RawTcpPeer.connect(server.ports[Scheme.COAPS_TCP])
    peer.say_csm(1152, block_wise=True)

    assert await peer.is_closed()
    await until(lambda: incidents)
    assert incidents[0].type is SecurityEventType.HANDSHAKE_FAILED
    await peer.close()


async def test_who_does_not_shake_hands_is_cut_off(make_server: MakeServer) -> None:
    server = await make_server(connection_limits=ConnectionLimits(opening=0.05))
    peer = await RawTcpPeer.connect(server.ports[Scheme.COAPS_TCP])

    assert await peer.is_closed()
    await peer.close()


async def test_who_does_not_shake_hands_makes_room(
    make_server: MakeServer, connect: Connect
) -> None:
    server = await make_server(connection_limits=ConnectionLimits(connections=2))
    silent = [await RawTcpPeer.connect(server.ports[Scheme.COAPS_TCP]) for _ in range(2)]
    device = await connect(server)

    assert await silent[0].is_closed()
    assert (await register(device)).code == CREATED
    for peer in silent:
        await peer.close()


async def test_handshakes_count_as_connections(make_server: MakeServer, connect: Connect) -> None:
    server = await make_server(connection_limits=ConnectionLimits(connections=1))
    await register(await connect(server))
    another = await RawTcpPeer.connect(server.ports[Scheme.COAPS_TCP])

    assert await another.is_closed()
    assert server.counters.coap.connections_refused == 1
    await another.close()


# Credentials that change


async def test_a_revoked_key_ends_the_connection_at_once(
    server: LwM2mServer, connect: Connect
) -> None:
    peer = await connect(server)
    await register(peer)
    events: list[object] = []
    server.subscribe(events.append)
    server.set_credential(ENDPOINT, NEW_PSK)

    assert await peer.is_closed()
    assert [type(event) for event in events] == [Revoked]
    assert await is_refused(connect(server))
    await connect(server, psk_context(NEW_PSK))


async def test_a_certificate_that_is_trusted_no_more_ends_the_connection_at_once(
    server: LwM2mServer, connect: Connect, certificate_context: MakeContext
) -> None:
    server.set_credential(ENDPOINT, ANCHORED)
    context = certificate_context(device())
    peer = await connect(server, context)
    await register(peer)
    server.set_credential(ENDPOINT, None)

    assert await peer.is_closed()
    assert not server.registrations
    assert await is_refused(connect(server, context))


async def test_a_certificate_that_is_trusted_from_now_on_gets_in(
    server: LwM2mServer, connect: Connect, certificate_context: MakeContext
) -> None:
    context = certificate_context(device())
    assert await is_refused(connect(server, context))
    server.set_credential(ENDPOINT, ANCHORED)

    assert (await register(await connect(server, context))).code == CREATED


async def test_a_server_with_another_certificate_shows_it(
    server: LwM2mServer, connect: Connect, certificate_context: MakeContext
) -> None:
    server.set_credential(ENDPOINT, ANCHORED)
    context = certificate_context(device())
    peer = await connect(server, context)
    renewed = issue("server", authority())
    server.set_identity(ServerIdentity(renewed.key, [renewed.der]))

    assert await peer.is_closed()
    again = await connect(server, context)
    shown = again.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert shown == renewed.der


async def test_a_key_that_changes_during_the_handshake_is_of_no_use(
    server: LwM2mServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = server.credentials
    find = store.psk

    def find_and_change(identity: bytes) -> bytes | None:
        monkeypatch.undo()
        key = find(identity)
        server.set_credential(ENDPOINT, NEW_PSK)
        return key

    monkeypatch.setattr(store, "psk", find_and_change)
    assert await is_refused(connect(server))


async def test_a_server_that_changes_during_the_handshake_is_proved_anew(
    server: LwM2mServer,
    connect: Connect,
    certificate_context: MakeContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.set_credential(ENDPOINT, ANCHORED)
    prepare = TlsTransport.prepare

    async def prepare_and_change(transport: TlsTransport) -> TlsContext:
        monkeypatch.undo()
        context = await prepare(transport)
        renewed = issue("server", authority())
        server.set_identity(ServerIdentity(renewed.key, [renewed.der]))
        return context

    monkeypatch.setattr(TlsTransport, "prepare", prepare_and_change)
    assert await is_refused(connect(server, certificate_context(device())))


# Sessions


def resume(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> ssl.SSLSocket:
    """Connect with a session of before, and wait for the server's CSM."""
    tls = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 5), session=session)
    tls.recv(1)
    return tls


async def session_of(server: LwM2mServer, context: ssl.SSLContext) -> tuple[int, ssl.SSLSession]:
    """Connect for the first time; return the port, and the session that can be resumed there."""
    port = server.ports[Scheme.COAPS_TCP]
    with await asyncio.to_thread(resume, port, context, None) as tls:
        assert tls.session
        return port, tls.session


@pytest.mark.parametrize("secured_by", ["key", "certificate"])
async def test_a_session_is_resumed_by_whom_it_is_of(
    server: LwM2mServer,
    certificate_context: MakeContext,
    secured_by: str,
) -> None:
    context = psk_context(PSK)
    if secured_by == "certificate":
        server.set_credential(ENDPOINT, ANCHORED)
        context = certificate_context(device())
    port, session = await session_of(server, context)
    with await asyncio.to_thread(resume, port, context, session) as second:
        assert second.session_reused
    assert not server.security.counts


async def test_a_session_of_a_revoked_key_is_not_resumed(
    server: LwM2mServer, incidents: list[SecurityEvent]
) -> None:
    context = psk_context(PSK)
    port, session = await session_of(server, context)
    server.set_credential(ENDPOINT, NEW_PSK)

    with pytest.raises(OSError, match=r"."):
        await asyncio.to_thread(resume, port, context, session)
    await until(lambda: incidents)
    assert [event.type for event in incidents] == [SecurityEventType.WRONG_KEY]


async def test_a_session_that_ends_while_it_is_resumed_is_of_no_use(
    server: LwM2mServer, incidents: list[SecurityEvent]
) -> None:
    context = psk_context(PSK)
    port, session = await session_of(server, context)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, session=session)
    peer = await RawTcpPeer.connect(port)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    peer.writer.write(outgoing.read())
    incoming.write(await peer.reader.read(1 << 14))
    tls.do_handshake()
    assert tls.session_reused
    server.set_credential(ENDPOINT, NEW_PSK)
    peer.writer.write(outgoing.read())

    assert await peer.is_closed()
    await until(lambda: incidents)
    assert [(event.type, event.detail) for event in incidents] == [
        (SecurityEventType.HANDSHAKE_FAILED, "session is over")
    ]
    await peer.close()


# Over a restart of the server


async def test_a_registration_outlives_the_server_and_stays_the_devices(
    make_server: MakeServer, connect: Connect
) -> None:
    before = await make_server()
    location = (await register(await connect(before))).opt.location_path[1]
    state = json.loads(json.dumps(before.dump()))
    await before.stop()
    after = await make_server(state=state)
    remote = after.registrations[ENDPOINT].remote
    assert remote.identity == PskIdentity(PSK.identity)
    with pytest.raises(NotConnected):
        await after.client(ENDPOINT).read(VALUE)

    assert (await (await connect(after)).request(POST, "rd", location)).code == CHANGED


async def test_the_key_is_encrypted_on_disk_and_read_in_another_thread(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[bytes] = []
    threads: list[int] = []
    load = ssl.SSLContext.load_cert_chain

    def load_and_look(self: ssl.SSLContext, certfile: str, **options: Any) -> None:
        loaded.append(pathlib.Path(certfile).read_bytes())
        threads.append(threading.get_ident())
        load(self, certfile, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", load_and_look)
    await make_server()

    assert [b"ENCRYPTED PRIVATE KEY" in content for content in loaded] == [True]
    assert threading.get_ident() not in threads


async def test_a_key_of_another_certificate_is_told_at_once(models: ModelRegistry) -> None:
    identity = ServerIdentity(stranger().key, [server_party().der])
    server = LwM2mServer(models, credentials=CredentialStore(identity))
    with pytest.raises(OSError, match="KEY_VALUES_MISMATCH"):
        await server.start("127.0.0.1", {Scheme.COAPS_TCP: 0})
    await server.stop()
