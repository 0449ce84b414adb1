"""Create, Delete, Write-Attributes and the composites, with Eclipse Leshan's client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from custom_components.lwm2m.protocol.attributes import UNSET, Attributes
from custom_components.lwm2m.protocol.errors import ClientRefused
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.server import Updated

from .test_leshan import LIGHT, TEMPERATURE, VALUE, registered

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.node import Decoded

    from .conftest import Server

pytestmark = pytest.mark.interop

FORMATS = pytest.mark.parametrize("content_format", ["SENML_JSON", "SENML_CBOR"])
LIGHTS = Path(3311)
ON_OFF = LIGHT / 5850
DIMMER = LIGHT / 5851
MANUFACTURER = Path(3, 0, 0)


@pytest.mark.parametrize("content_format", ["TLV", "SENML_JSON", "SENML_CBOR"])
async def test_an_instance_is_created_with_its_id_and_deleted(
    server: Server, class_path: str, content_format: str
) -> None:
    async with registered(server, class_path, content_format=content_format) as (_, client):
        assert await client.create(LIGHTS / 5, {5850: True, 5851: 30}) == LIGHTS / 5
        updated = await server.next_event(Updated)
        assert LIGHTS / 5 in updated.registration.instances
        created = await client.read(LIGHTS / 5)
        assert created.values[LIGHTS / 5 / 5850] is True

        await client.delete(LIGHTS / 5)
        updated = await server.next_event(Updated)
        assert LIGHTS / 5 not in updated.registration.instances


async def test_leshan_chooses_an_id_that_is_free(server: Server, class_path: str) -> None:
    async with registered(server, class_path) as (_, client):
        created = await client.create(LIGHTS, {5850: True})

    assert created == LIGHTS / 1


async def test_an_instance_that_exists_is_not_created_again(
    server: Server, class_path: str
) -> None:
    async with registered(server, class_path) as (_, client):
        with pytest.raises(ClientRefused) as refused:
            await client.create(LIGHT, {5850: True})

    assert refused.value.code.dotted == "4.00"


async def test_an_instance_without_what_is_mandatory_is_not_created(
    server: Server, class_path: str
) -> None:
    async with registered(server, class_path) as (_, client):
        with pytest.raises(ClientRefused) as refused:
            await client.create(LIGHTS, {5851: 30})

    assert refused.value.code.dotted == "4.00"


async def test_the_device_object_is_neither_created_nor_deleted(
    server: Server, class_path: str
) -> None:
    async with registered(server, class_path) as (_, client):
        with pytest.raises(ClientRefused) as create_refused:
            await client.create(Path(3), {})
        with pytest.raises(ClientRefused) as delete_refused:
            await client.delete(Path(3, 0))

    assert create_refused.value.code.dotted == "4.00"
    assert delete_refused.value.code.dotted == "4.05"


@pytest.mark.parametrize("path", [Path(3303), TEMPERATURE, VALUE], ids=str)
async def test_attributes_are_written_shown_and_unset(
    server: Server, class_path: str, path: Path
) -> None:
    async with registered(server, class_path) as (_, client):
        await client.write_attributes(path, Attributes(pmin=10, pmax=60))
        written = (await client.discover(path))[path]
        await client.write_attributes(path, Attributes(pmin=UNSET))
        left = (await client.discover(path))[path]

    assert {"pmin": "10", "pmax": "60"}.items() <= written.items()
    assert left["pmax"] == "60"
    assert "pmin" not in left


async def test_thresholds_of_a_resource_are_shown(server: Server, class_path: str) -> None:
    async with registered(server, class_path) as (_, client):
        await client.write_attributes(VALUE, Attributes(gt=30.5, lt=-10, st=1.5))
        shown = (await client.discover(VALUE))[VALUE]

    assert {name: float(shown[name] or "") for name in ("gt", "lt", "st")} == {
        "gt": 30.5,
        "lt": -10.0,
        "st": 1.5,
    }


async def test_a_threshold_keeps_notifications_back(server: Server, class_path: str) -> None:
    notifications: asyncio.Queue[Decoded] = asyncio.Queue()
    async with registered(server, class_path) as (peer, client):
        await client.write_attributes(VALUE, Attributes(gt=30.0))
        await client.observe(VALUE, notifications.put_nowait)

        await peer.command("set 3303/0/5700 25.0")
        await peer.command("set 3303/0/5700 31.0")
        async with asyncio.timeout(10):
            first = await notifications.get()

    assert first.values == {VALUE: 31.0}


@FORMATS
async def test_several_levels_are_read_at_once(
    server: Server, class_path: str, content_format: str
) -> None:
    async with registered(server, class_path, content_format=content_format) as (_, client):
        decoded = await client.read_composite([MANUFACTURER, TEMPERATURE, LIGHTS])

    assert decoded.values.items() >= {MANUFACTURER: "Eclipse Leshan", VALUE: 21.5}.items()
    assert decoded.values[ON_OFF] is False
    assert not decoded.rejected


async def test_what_leshan_has_not_is_left_out(server: Server, class_path: str) -> None:
    async with registered(server, class_path, content_format="SENML_CBOR") as (_, client):
        decoded = await client.read_composite([VALUE, Path(3303, 9), Path(4)])

    assert decoded.values == {VALUE: 21.5}


async def test_the_root_is_read_as_a_composite(server: Server, class_path: str) -> None:
    async with registered(server, class_path, content_format="SENML_CBOR") as (_, client):
        decoded = await client.read_composite([Path()])

    assert {MANUFACTURER, VALUE, ON_OFF} <= decoded.values.keys()
    assert not {path for path in decoded.values if path.object_id == 0}


@FORMATS
async def test_resources_of_several_objects_are_written_at_once(
    server: Server, class_path: str, content_format: str
) -> None:
    timezone = Path(3, 0, 15)
    async with registered(server, class_path, content_format=content_format) as (_, client):
        await client.write_composite({ON_OFF: True, DIMMER: 70, timezone: "Europe/Berlin"})
        decoded = await client.read_composite([ON_OFF, DIMMER, timezone])

    assert decoded.values == {ON_OFF: True, DIMMER: 70, timezone: "Europe/Berlin"}


async def test_a_composite_with_what_cannot_be_written_is_refused(
    server: Server, class_path: str
) -> None:
    async with registered(server, class_path, content_format="SENML_CBOR") as (_, client):
        with pytest.raises(ClientRefused):
            await client.write_composite({MANUFACTURER: "Acme", ON_OFF: True})


@FORMATS
@pytest.mark.parametrize("cancel_actively", [True, False])
async def test_a_composite_is_observed_until_cancelled(
    server: Server, class_path: str, content_format: str, cancel_actively: bool
) -> None:
    notifications: asyncio.Queue[Decoded] = asyncio.Queue()
    async with registered(server, class_path, content_format=content_format) as (peer, client):
        observation = await client.observe_composite([VALUE, ON_OFF], notifications.put_nowait)
        assert observation.initial.values == {VALUE: 21.5, ON_OFF: False}

        await peer.command("set 3303/0/5700 22.25")
        await peer.event("set")
        async with asyncio.timeout(10):
            assert (await notifications.get()).values[VALUE] == 22.25

        if cancel_actively:
            await observation.cancel_actively()
        else:
            observation.cancel()
        await peer.command("set 3303/0/5700 23.75")
        await peer.event("set")
        assert (await client.read(VALUE)).values == {VALUE: 23.75}

    assert notifications.empty()
