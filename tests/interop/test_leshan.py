"""Eclipse Leshan's client against the protocol layer alone."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.errors import ClientRefused
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.server import (
    Deregistered,
    Expired,
    Registered,
    Sent,
    Updated,
)

from .leshan_peer import LeshanPeer, leshan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.node import Decoded

    from .conftest import Server

pytestmark = pytest.mark.interop

TEMPERATURE = Path(3303, 0)
VALUE = TEMPERATURE / 5700
LIGHT = Path(3311, 0)


@asynccontextmanager
async def registered(
    server: Server, class_path: str, **options: Any
) -> AsyncIterator[tuple[LeshanPeer, Client]]:
    async with leshan(class_path, server.ports[Scheme.COAP], "leshan-1", **options) as peer:
        await peer.event("registered")
        yield peer, server.client("leshan-1")


async def test_registration_says_what_the_client_is(server: Server, class_path: str) -> None:
    async with registered(server, class_path):
        registration = (await server.next_event(Registered)).registration

    assert registration.endpoint == "leshan-1"
    assert registration.lifetime == 60
    assert registration.version == "1.1"
    assert registration.instances == {Path(1, 0), Path(3, 0), TEMPERATURE, LIGHT}
    assert {112, 110, 11542} <= registration.content_formats


async def test_update_and_deregister(server: Server, class_path: str) -> None:
    async with registered(server, class_path) as (peer, _):
        await peer.command("update")
        await peer.event("updated")
        await server.next_event(Updated)
        await peer.command("stop")
        await peer.event("deregistered")
        await server.next_event(Deregistered)

    assert not server.registrations


async def test_client_that_vanishes_expires(server: Server, class_path: str) -> None:
    async with registered(server, class_path, lifetime=2) as (peer, _):
        await peer.command("vanish")
        await server.next_event(Expired)


@pytest.mark.parametrize("content_format", ["TLV", "JSON", "SENML_JSON", "SENML_CBOR"])
async def test_every_level_is_read_in_every_format(
    server: Server, class_path: str, content_format: str
) -> None:
    async with registered(server, class_path, content_format=content_format) as (_, client):
        instance = await client.read(TEMPERATURE)
        whole_object = await client.read(Path(3303))
        resource = await client.read(VALUE)
        device = await client.read(Path(3, 0))

    assert instance.values == {
        VALUE: 21.5,
        TEMPERATURE / 5701: "Cel",
        TEMPERATURE / 5601: 20.0,
        TEMPERATURE / 5602: 23.0,
    }
    assert whole_object.values == instance.values
    assert resource.values == {VALUE: 21.5}
    assert device.values[Path(3, 0, 0)] == "Eclipse Leshan"
    assert device.values[Path(3, 0, 2)] == "LESHAN-1"
    assert not device.rejected


async def test_resource_is_read_and_observed_in_the_format_of_one_value(
    server: Server, class_path: str
) -> None:
    notifications: asyncio.Queue[Decoded] = asyncio.Queue()
    async with registered(server, class_path, content_format="CBOR") as (peer, client):
        assert (await client.read(LIGHT / 5850)).values == {LIGHT / 5850: False}
        assert (await client.read(LIGHT / 5706)).values == {LIGHT / 5706: "#102030"}
        observation = await client.observe(VALUE, notifications.put_nowait)
        assert observation.initial.values == {VALUE: 21.5}
        await peer.command("set 3303/0/5700 22.25")
        async with asyncio.timeout(10):
            assert (await notifications.get()).values == {VALUE: 22.25}


async def test_only_the_format_that_the_client_offers_is_asked_for(
    server: Server, class_path: str
) -> None:
    async with registered(server, class_path, content_format="JSON"):
        registration = (await server.next_event(Registered)).registration

    assert registration.content_formats == {11543}


async def test_queue_mode_lets_a_write_wait_for_the_next_update(
    server: Server, class_path: str
) -> None:
    async with registered(server, class_path, queue_mode=True) as (peer, client):
        assert client.registration.queue_mode
        client._exchanges.queue.sleep()  # as after 93 s without a word of it
        write = asyncio.create_task(client.write(LIGHT / 5850, {LIGHT / 5850: True}, replace=True))
        await asyncio.sleep(0)
        assert client.waiting == 1
        await peer.command("update")
        await write
        assert await peer.event("written") == "written /3311/0/5850 true"


async def test_discover_lists_the_resources(server: Server, class_path: str) -> None:
    async with registered(server, class_path) as (_, client):
        found = await client.discover(Path(3303))

    assert {VALUE, TEMPERATURE / 5601, TEMPERATURE / 5602, TEMPERATURE / 5605} <= found.keys()


async def test_write_to_a_resource_and_to_an_instance(server: Server, class_path: str) -> None:
    async with registered(server, class_path) as (peer, client):
        await client.write(LIGHT / 5850, {LIGHT / 5850: True}, replace=True)
        assert await peer.event("written") == "written /3311/0/5850 true"

        await client.write(LIGHT, {LIGHT / 5851: 80, LIGHT / 5706: "#ff0000"}, replace=False)
        assert (await client.read(LIGHT)).values == {
            LIGHT / 5850: True,
            LIGHT / 5851: 80,
            LIGHT / 5706: "#ff0000",
        }


async def test_execute_with_and_without_arguments(server: Server, class_path: str) -> None:
    reset = TEMPERATURE / 5605
    async with registered(server, class_path) as (peer, client):
        await client.execute(reset)
        assert await peer.event("executed") == "executed /3303/0/5605"
        await client.execute(reset, "0='now',2")
        assert await peer.event("executed") == "executed /3303/0/5605 0='now',2"


async def test_refusal_names_the_code(server: Server, class_path: str) -> None:
    async with registered(server, class_path) as (_, client):
        with pytest.raises(ClientRefused) as refusal:
            await client.read(Path(3303, 7))

    assert refusal.value.code.dotted == "4.04"


@pytest.mark.parametrize("content_format", ["TLV", "JSON", "SENML_JSON", "SENML_CBOR"])
@pytest.mark.parametrize("path", [Path(3303), TEMPERATURE, VALUE], ids=str)
async def test_observed_values_arrive_until_cancelled(
    server: Server, class_path: str, path: Path, content_format: str
) -> None:
    notifications: asyncio.Queue[Decoded] = asyncio.Queue()
    async with registered(server, class_path, content_format=content_format) as (peer, client):
        observation = await client.observe(path, notifications.put_nowait)
        assert observation.initial.values[VALUE] == 21.5

        await peer.command("set 3303/0/5700 22.25")
        await peer.event("set")
        async with asyncio.timeout(10):
            assert (await notifications.get()).values[VALUE] == 22.25

        await observation.cancel_actively()
        await peer.command("set 3303/0/5700 23.75")
        await peer.event("set")
        assert (await client.read(VALUE)).values == {VALUE: 23.75}

    assert notifications.empty()


async def test_send_brings_values_unasked(server: Server, class_path: str) -> None:
    async with registered(server, class_path) as (peer, _):
        await peer.command("send /3303/0/5700")
        sent = await server.next_event(Sent)
        assert await peer.event("sent") == "sent CHANGED(204)"

    assert [decoded.values for _, decoded in sent.readings] == [{VALUE: 21.5}]
