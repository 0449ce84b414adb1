"""OpenSSL's client, libcoap's and Leshan's, over TLS (RFC 8323 9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
import os
from typing import TYPE_CHECKING

from aiocoap import POST, Message
from aiocoap.numbers.codes import CSM
from aiocoap.transports.tcp import _serialize
import pytest

from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.dtls import (
    CertificateIdentity,
    CertificateTrust,
    CertificateUsage,
    PskIdentity,
    ServerIdentity,
)
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.security import (
    Certificate,
    PreSharedKey,
    SecurityEvent,
    SecurityEventType,
)
from custom_components.lwm2m.protocol.server import Registered, Updated
from tests.protocol.dtls import peers
from tests.protocol.dtls.parties import authority, device, server_party

from .conftest import Libcoap, Server
from .leshan_peer import leshan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    import pathlib

    from custom_components.lwm2m.protocol.node import Decoded
    from custom_components.lwm2m.protocol.registration import Registration

pytestmark = pytest.mark.interop

ENDPOINT = "board-1"
PSK = PreSharedKey(b"board-1 key", b"0123456789abcdef")
ANCHORED = Certificate(
    CertificateTrust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority().der),
)
LIGHT = Path(3311, 0, 5850)
VALUE = Path(3303, 0, 5700)


@pytest.fixture
async def server(socket_enabled: None) -> AsyncIterator[Server]:
    """A server that knows itself, and one device by its key."""
    server = Server()
    server.set_identity(ServerIdentity(server_party().key, [server_party().der]))
    server.set_credential(ENDPOINT, PSK)
    await server.start("127.0.0.1", {Scheme.COAPS_TCP: 0})
    yield server
    await server.stop()


def port_of(server: Server) -> int:
    return server.ports[Scheme.COAPS_TCP]


# OpenSSL


@pytest.mark.parametrize(
    "suite", ["PSK-AES128-CCM8", "PSK-AES128-CCM", "PSK-AES128-GCM-SHA256", "PSK-AES128-CBC-SHA256"]
)
async def test_openssl_with_each_suite_of_a_key(server: Server, suite: str) -> None:
    key = ("-psk", PSK.key.hex(), "-psk_identity", PSK.identity.decode())
    registration = await register_by_openssl(server, f"{suite}:@SECLEVEL=0", *key)

    assert registration.remote.identity == PskIdentity(PSK.identity)


@pytest.mark.parametrize(
    "suite",
    ["ECDHE-ECDSA-AES128-CCM8", "ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-AES128-GCM-SHA256"],
)
async def test_openssl_with_each_suite_of_a_certificate(
    server: Server, suite: str, tmp_path: pathlib.Path
) -> None:
    server.set_credential(ENDPOINT, ANCHORED)
    own = peers.write_keys(tmp_path, "device", device())
    root = peers.write_keys(tmp_path, "root", authority())
    files = ("-cert", own["crt.pem"], "-key", own["key.pem"])
    checks = ("-CAfile", root["crt.pem"], "-verify_return_error")
    registration = await register_by_openssl(server, f"{suite}:@SECLEVEL=0", *files, *checks)

    assert registration.remote.identity == CertificateIdentity(device().der)


@pytest.mark.parametrize(
    ("identity", "key", "told"),
    [
        (PSK.identity, bytes(16), (SecurityEventType.WRONG_KEY, ENDPOINT, "board-1 key")),
        (b"nobody", PSK.key, (SecurityEventType.UNKNOWN_IDENTITY, None, "nobody")),
        (b"\xff", PSK.key, (SecurityEventType.UNKNOWN_IDENTITY, None, None)),
    ],
    ids=["wrong key", "unknown identity", "no UTF-8"],
)
async def test_openssl_is_refused_and_told_of(
    server: Server, identity: bytes, key: bytes, told: tuple[object, ...]
) -> None:
    options = ("-psk", key.hex(), "-psk_identity", os.fsdecode(identity))
    async with peers.running(*s_client(server, "PSK-AES128-CCM8:@SECLEVEL=0"), *options):
        event = await server.next_event(SecurityEvent)

    assert (event.type, event.endpoint, event.claimed) == told


async def register_by_openssl(server: Server, ciphers: str, *options: str) -> Registration:
    """Have OpenSSL connect, and say what a device says; return the registration."""
    register = Message(
        code=POST,
        uri_path=("rd",),
        uri_query=(f"ep={ENDPOINT}", "lwm2m=1.1", "b=T"),
        content_format=40,
        payload=b"</3303/0>",
    )
    async with peers.running(*s_client(server, ciphers), *options) as peer:
        assert peer._process.stdin
        peer._process.stdin.write(_serialize(Message(code=CSM)) + _serialize(register))
        return (await server.next_event(Registered)).registration


def s_client(server: Server, ciphers: str) -> tuple[str, ...]:
    """Return the command that connects."""
    address = ("-connect", f"127.0.0.1:{port_of(server)}", "-alpn", "coap")
    return ("openssl", "s_client", "-quiet", "-tls1_2", "-cipher", ciphers, *address)


# libcoap, with either of its TLS libraries


@pytest.mark.parametrize(("endpoint", "code"), [(ENDPOINT, "2.01"), ("board-2", "4.03")])
async def test_libcoap_registers_as_who_it_is(
    server: Server, libcoap: Libcoap, endpoint: str, code: str
) -> None:
    uri = f"coaps+tcp://127.0.0.1:{port_of(server)}/rd?ep={endpoint}&lwm2m=1.1&b=T"
    assert f" {code}" in await libcoap.register(uri, PSK, "</3303/0>")


async def test_libcoap_with_a_wrong_key_is_told_of(server: Server, libcoap: Libcoap) -> None:
    uri = f"coaps+tcp://127.0.0.1:{port_of(server)}/rd"
    await libcoap.run("-m", "post", "-B", "2", uri, key=replace(PSK, key=b"0123456789abcdeX"))
    assert (await server.next_event(SecurityEvent)).type is SecurityEventType.WRONG_KEY


# Leshan, over Java's TLS


async def test_leshan_with_a_certificate(
    server: Server, class_path: str, tmp_path: pathlib.Path
) -> None:
    server.set_credential(ENDPOINT, ANCHORED)
    own = peers.write_keys(tmp_path, "device", device())
    servers = peers.write_keys(tmp_path, "server", server_party())
    security = ("x509", own["key.der"], own["crt.der"], servers["crt.der"])
    values: asyncio.Queue[Decoded] = asyncio.Queue()
    async with leshan(class_path, port_of(server), ENDPOINT, security=security, tcp=True) as peer:
        await peer.event("registered")
        client = server.client(ENDPOINT)
        assert client.registration.remote.identity == CertificateIdentity(device().der)
        await client.write(LIGHT, {LIGHT: True}, replace=True)
        assert await peer.event("written") == "written /3311/0/5850 true"
        await client.observe(VALUE, values.put_nowait)
        await peer.command("set 3303/0/5700 22.25")
        async with asyncio.timeout(10):
            assert (await values.get()).values == {VALUE: 22.25}

        await peer.command("disconnect")
        await peer.event("disconnected")
        await peer.command("update")
        updated = await server.next_event(Updated)
        assert updated.registration.remote != updated.previous.remote
        assert (await client.read(VALUE)).values == {VALUE: 22.25}
