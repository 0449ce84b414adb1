"""The clients of Eclipse Leshan and of libcoap over DTLS: registration, observation, their end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.dtls import (
    CertificateTrust,
    CertificateUsage,
    ServerIdentity,
)
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.reporting import latest
from custom_components.lwm2m.protocol.security import (
    Certificate,
    Credential,
    PreSharedKey,
    RawPublicKey,
    SecurityEvent,
    SecurityEventType,
)
from custom_components.lwm2m.protocol.server import Deregistered, Registered, Updated
from tests.protocol.dtls import peers
from tests.protocol.dtls.parties import authority, device, server_party

from .conftest import PATIENCE, Libcoap, Server
from .leshan_peer import LeshanPeer, leshan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    import pathlib

    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.reporting import Readings

pytestmark = pytest.mark.interop

ENDPOINT = "board-1"
PSK = PreSharedKey(b"board-1 key", bytes(range(16)))
LIGHT = Path(3311, 0, 5850)
VALUE = Path(3303, 0, 5700)

CREDENTIALS: dict[str, Credential] = {
    "psk": PSK,
    "rpk": RawPublicKey(device().spki),
    "x509": Certificate(CertificateTrust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority().der)),
}


@pytest.fixture(autouse=True)
def who_is_who(server: Server) -> None:
    """Have the server know itself, and one device by its key."""
    server.set_identity(ServerIdentity(server_party().key, [server_party().der]))
    server.set_credential(ENDPOINT, PSK)


@pytest.fixture
def security(tmp_path: pathlib.Path) -> dict[str, tuple[str, ...]]:
    """The Leshan peer's arguments for each kind of credential."""
    own = peers.write_keys(tmp_path, "device", device())
    servers = peers.write_keys(tmp_path, "server", server_party())
    return {
        "psk": ("psk", PSK.identity.decode(), PSK.key.hex()),
        "rpk": ("rpk", own["key.der"], own["pub.der"], servers["pub.der"]),
        "x509": ("x509", own["key.der"], own["crt.der"], servers["crt.der"]),
    }


type Security = dict[str, tuple[str, ...]]


class Seen:
    """The values that an observation has brought."""

    def __init__(self) -> None:
        self._values: asyncio.Queue[object] = asyncio.Queue()

    def __call__(self, readings: Readings) -> None:
        self._values.put_nowait(latest(readings).values[VALUE])

    async def next(self) -> object:
        async with asyncio.timeout(PATIENCE):
            return await self._values.get()


@asynccontextmanager
async def registered(
    server: Server,
    class_path: str,
    security: tuple[str, ...],
    *properties: str,
    port: int | None = None,
) -> AsyncIterator[tuple[LeshanPeer, Client]]:
    port = port or server.ports[Scheme.COAPS]
    async with leshan(class_path, port, ENDPOINT, security=security, properties=properties) as peer:
        await peer.event("registered")
        yield peer, server.client(ENDPOINT)


@pytest.mark.parametrize("cid", [(), ("cid=6",)], ids=["", "cid"])
@pytest.mark.parametrize("kind", CREDENTIALS)
async def test_leshan_with_each_kind_of_credential(
    server: Server, class_path: str, security: Security, kind: str, cid: tuple[str, ...]
) -> None:
    server.set_credential(ENDPOINT, CREDENTIALS[kind])
    seen = Seen()
    async with registered(server, class_path, security[kind], *cid) as (peer, client):
        assert client.registration.remote.identity is not None
        assert (await client.read(VALUE)).values == {VALUE: 21.5}
        await client.write(LIGHT, {LIGHT: True}, replace=True)
        assert await peer.event("written") == "written /3311/0/5850 true"
        await client.observe_timed((VALUE,), seen)
        await peer.command("set 3303/0/5700 22.25")
        assert await seen.next() == 22.25
        await peer.command("update")
        await server.next_event(Updated)
        await peer.command("stop")
        await server.next_event(Deregistered)
    assert not server.security.counts


@pytest.mark.parametrize("kind", CREDENTIALS)
async def test_leshan_registers_as_nobody_else(
    server: Server, class_path: str, security: Security, kind: str
) -> None:
    server.set_credential(ENDPOINT, CREDENTIALS[kind])
    port = server.ports[Scheme.COAPS]
    async with leshan(class_path, port, "board-2", security=security[kind]) as peer:
        assert await peer.event("refused") == "refused FORBIDDEN(403)"
        event = await server.next_event(SecurityEvent)

    assert event.type is SecurityEventType.ENDPOINT_MISMATCH
    assert (event.endpoint, event.claimed) == (ENDPOINT, "board-2")


async def test_leshan_with_a_credential_does_not_fall_back_to_plain_text(
    server: Server, class_path: str
) -> None:
    async with leshan(class_path, server.ports[Scheme.COAP], ENDPOINT) as peer:
        assert await peer.event("refused") == "refused FORBIDDEN(403)"


async def test_leshan_goes_on_with_its_connection_id_when_its_nat_rebinds(
    server: Server, class_path: str, security: Security
) -> None:
    async with peers.nat(server.ports[Scheme.COAPS]) as nat:
        behind = registered(server, class_path, security["psk"], "cid=6", port=nat.port)
        async with behind as (peer, client):
            seen = Seen()
            await client.observe_timed((VALUE,), seen)
            before = client.registration.remote.port

            await nat.rebind()
            await peer.command("set 3303/0/5700 22.25")

            assert await seen.next() == 22.25
            assert client.registration.remote.port != before
            assert (await client.read(VALUE)).values == {VALUE: 22.25}


async def test_leshan_is_still_observed_after_a_new_handshake(
    server: Server, class_path: str, security: Security
) -> None:
    async with peers.nat(server.ports[Scheme.COAPS]) as nat:
        behind = registered(server, class_path, security["psk"], "reconnect=true", port=nat.port)
        async with behind as (peer, client):
            seen = Seen()
            await client.observe_timed((VALUE,), seen)

            await nat.rebind()  # without a connection ID, only a new handshake helps
            await peer.command("update")
            await server.next_event(Updated)
            await peer.command("set 3303/0/5700 22.25")

            assert await seen.next() == 22.25
            assert (await client.read(VALUE)).values == {VALUE: 22.25}


async def test_leshan_goes_on_with_a_server_that_was_restarted(
    server: Server, class_path: str, security: Security
) -> None:
    async with registered(server, class_path, security["psk"]) as (peer, client):
        await client.observe_timed((VALUE,), Seen())
        state = server.dump()
        await server.stop()
        restarted = Server(server.credentials)
        try:
            await restarted.start("127.0.0.1", server.ports, state)
            seen = Seen()
            assert restarted.client(ENDPOINT).resume((VALUE,), seen)
            await peer.command("update")
            await restarted.next_event(Updated)
            await peer.command("set 3303/0/5700 22.25")
            assert await seen.next() == 22.25
        finally:
            await restarted.stop()


async def test_leshan_does_not_come_back_once_its_key_is_gone(
    server: Server, class_path: str, security: Security
) -> None:
    async with registered(server, class_path, security["psk"]) as (peer, _):
        server.set_credential(ENDPOINT, None)
        assert not server.registrations
        await peer.command("update")
        event = await server.next_event(SecurityEvent)

    assert event.type is SecurityEventType.UNKNOWN_IDENTITY
    assert event.claimed == PSK.identity.decode()


@pytest.mark.parametrize(("endpoint", "code"), [(ENDPOINT, "2.01"), ("board-2", "4.03")])
async def test_libcoap_registers_as_who_it_is(
    server: Server, libcoap: Libcoap, endpoint: str, code: str
) -> None:
    key = PreSharedKey(b"libcoap", b"secretPSK")
    server.set_credential(ENDPOINT, key)
    uri = f"coaps://127.0.0.1:{server.ports[Scheme.COAPS]}/rd?ep={endpoint}&lwm2m=1.1&lt=60"
    assert f" {code}" in await libcoap.register(uri, key, "</1/0>,</3/0>")
    if code == "2.01":
        assert (await server.next_event(Registered)).registration.endpoint == ENDPOINT
