"""Leshan's client, libcoap's and aiocoap's, over TCP (RFC 8323)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
import shutil
from typing import TYPE_CHECKING, Any

from aiocoap import (
    CHANGED,
    CONTENT,
    POST,
    UNSUPPORTED_CONTENT_FORMAT,
    Context,
    Message,
    resource,
)
import pytest

from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.codec import ContentFormat
from custom_components.lwm2m.protocol.errors import NotConnected, NotRegistered
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.server import Deregistered, Registered, Sent, Updated

from .conftest import Server
from .leshan_peer import LeshanPeer, leshan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.node import Decoded

pytestmark = pytest.mark.interop

LIBCOAP = "coap-client-notls"
TEMPERATURE = Path(3303, 0)
VALUE = TEMPERATURE / 5700
LIGHT = Path(3311, 0)


@pytest.fixture
async def server(socket_enabled: None) -> AsyncIterator[Server]:
    server = Server()
    await server.start("127.0.0.1", {Scheme.COAP_TCP: 0})
    yield server
    await server.stop()


@asynccontextmanager
async def registered(
    server: Server, class_path: str, **options: Any
) -> AsyncIterator[tuple[LeshanPeer, Client]]:
    port = server.ports[Scheme.COAP_TCP]
    async with leshan(class_path, port, "leshan-1", tcp=True, **options) as peer:
        await peer.event("registered")
        yield peer, server.client("leshan-1")


async def test_leshan_registers_updates_and_deregisters(server: Server, class_path: str) -> None:
    async with registered(server, class_path) as (peer, _):
        registration = (await server.next_event(Registered)).registration
        await peer.command("update")
        await peer.event("updated")
        updated = await server.next_event(Updated)
        await peer.command("stop")
        await peer.event("deregistered")
        await server.next_event(Deregistered)

    assert registration.remote.scheme is Scheme.COAP_TCP
    assert updated.registration.remote == registration.remote


async def test_leshan_is_read_written_and_executed(server: Server, class_path: str) -> None:
    async with registered(server, class_path) as (peer, client):
        assert (await client.read(VALUE)).values == {VALUE: 21.5}
        await client.write(LIGHT / 5850, {LIGHT / 5850: True}, replace=True)
        assert await peer.event("written") == "written /3311/0/5850 true"
        await client.execute(TEMPERATURE / 5605)
        assert await peer.event("executed") == "executed /3303/0/5605"


async def test_leshan_is_observed(server: Server, class_path: str) -> None:
    notifications: asyncio.Queue[Decoded] = asyncio.Queue()
    async with registered(server, class_path) as (peer, client):
        await client.observe(VALUE, notifications.put_nowait)
        for value in (22.25, 23.5):
            await peer.command(f"set 3303/0/5700 {value}")
            async with asyncio.timeout(10):
                assert (await notifications.get()).values == {VALUE: value}


async def test_leshan_hears_that_it_is_observed_no_more(server: Server, class_path: str) -> None:
    notifications: asyncio.Queue[Decoded] = asyncio.Queue()
    async with registered(server, class_path) as (peer, client):
        observation = await client.observe(VALUE, notifications.put_nowait)
        await observation.cancel_actively()
        await peer.command("set 3303/0/5700 22.25")
        await peer.event("set")
        assert (await client.read(VALUE)).values == {VALUE: 22.25}

    assert notifications.empty()


async def test_leshan_sends(server: Server, class_path: str) -> None:
    async with registered(server, class_path) as (peer, _):
        await peer.command("send /3303/0/5700")
        assert "CHANGED" in await peer.event("sent")
        sent = await server.next_event(Sent)

    assert sent.readings[0][1].values == {VALUE: 21.5}


async def test_leshan_writes_and_reads_what_is_large(server: Server, class_path: str) -> None:
    colour = LIGHT / 5706
    text = "#" * 5000
    async with registered(server, class_path) as (_, client):
        await client.write(colour, {colour: text}, replace=True)
        assert (await client.read(colour)).values == {colour: text}


async def test_leshan_comes_back_over_another_connection(server: Server, class_path: str) -> None:
    ended: asyncio.Queue[Any] = asyncio.Queue()
    async with registered(server, class_path) as (peer, client):
        await client.observe(VALUE, lambda _: None, ended.put_nowait)
        await peer.command("disconnect")
        await peer.event("disconnected")
        while client.registration.remote.is_open:
            await asyncio.sleep(0.01)
        with pytest.raises(NotConnected):
            await client.read(VALUE)
        await peer.command("update")
        updated = await server.next_event(Updated)
        assert (await client.read(VALUE)).values == {VALUE: 21.5}
        async with asyncio.timeout(10):
            observation = await ended.get()

    assert updated.registration.remote != updated.previous.remote
    assert isinstance(observation.ended_by, NotRegistered)


async def test_what_waits_for_leshan_in_queue_mode_is_sent_over_its_next_connection(
    server: Server, class_path: str
) -> None:
    async with registered(server, class_path, queue_mode=True) as (peer, client):
        await peer.command("disconnect")
        await peer.event("disconnected")
        while client.awake:
            await asyncio.sleep(0.01)
        reading = asyncio.create_task(client.read(VALUE))
        await peer.command("update")
        async with asyncio.timeout(10):
            assert (await reading).values == {VALUE: 21.5}


# libcoap


async def libcoap(server: Server, method: str, target: str, *arguments: str) -> str:
    """Send one request over a connection of its own; return what libcoap's client prints."""
    if shutil.which(LIBCOAP) is None:
        pytest.skip(f"{LIBCOAP} (Debian package libcoap3-bin) is missing")
    process = await asyncio.create_subprocess_exec(
        LIBCOAP,
        "-m",
        method,
        *arguments,
        f"coap+tcp://127.0.0.1:{server.ports[Scheme.COAP_TCP]}/{target}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode().strip()


async def test_libcoap_registers_updates_and_deregisters_over_three_connections(
    server: Server,
) -> None:
    links = ("-t", "40", "-e", "</1/0>,</3303/0>")
    await libcoap(server, "post", "rd?ep=libcoap&lwm2m=1.1&b=T&lt=300", *links)
    registered = (await server.next_event(Registered)).registration
    await libcoap(server, "post", f"rd/{registered.id}?lt=600")
    updated = (await server.next_event(Updated)).registration
    await libcoap(server, "delete", f"rd/{registered.id}")
    await server.next_event(Deregistered)

    assert registered.instances == {Path(1, 0), TEMPERATURE}
    assert (updated.lifetime, updated.binding) == (600, "T")
    assert updated.remote != registered.remote


async def test_libcoap_is_told_what_is_wrong(server: Server) -> None:
    assert "4.04" in await libcoap(server, "post", "rd/nobody")
    assert "4.00" in await libcoap(server, "post", "rd?lwm2m=1.1")


# aiocoap's own TCP


class Sensor(resource.ObservableResource):  # type: ignore[misc]  # aiocoap is untyped
    """One value that can be read, written and observed."""

    def __init__(self) -> None:
        super().__init__()
        self.value = "21.5"

    def set(self, value: str) -> None:
        self.value = value
        self.updated_state()

    async def render_get(self, _: Message) -> Message:
        return Message(code=CONTENT, payload=self.value.encode(), content_format=ContentFormat.TEXT)

    async def render_put(self, request: Message) -> Message:
        if request.opt.content_format != ContentFormat.TEXT:
            return Message(code=UNSUPPORTED_CONTENT_FORMAT)
        self.set(request.payload.decode())
        return Message(code=CHANGED)


@pytest.fixture
async def sensor(server: Server) -> AsyncIterator[Sensor]:
    """A device on aiocoap, which serves requests on the connection that it has opened."""
    sensor, site = Sensor(), resource.Site()
    site.add_resource(["3303", "0", "5700"], sensor)
    context = await Context.create_client_context(transports=["tcpclient"])
    context.serversite = site
    uri = f"coap+tcp://127.0.0.1:{server.ports[Scheme.COAP_TCP]}/rd?ep=aiocoap&lwm2m=1.1&b=T"
    register = Message(code=POST, uri=uri, content_format=40, payload=b"</3303/0>")
    await context.request(register).response
    yield sensor
    await context.shutdown()


async def test_aiocoap_is_read_and_written(server: Server, sensor: Sensor) -> None:
    client = server.client("aiocoap")
    assert (await client.read(VALUE)).values == {VALUE: 21.5}
    await client.write(VALUE, {VALUE: 22.0}, replace=True)
    assert float(sensor.value) == 22.0


async def test_aiocoap_is_observed_until_it_is_told(server: Server, sensor: Sensor) -> None:
    notifications: asyncio.Queue[Decoded] = asyncio.Queue()
    client = server.client("aiocoap")
    observation = await client.observe(VALUE, notifications.put_nowait)
    for value in ("22.0", "21.0", "22.0"):
        sensor.set(value)
        async with asyncio.timeout(10):
            assert (await notifications.get()).values == {VALUE: float(value)}
    await observation.cancel_actively()
    sensor.set("23.0")
    await client.read(VALUE)
    assert notifications.empty()
