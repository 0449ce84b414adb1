"""Boards and the integration's own server, each as the other's peer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.model.registry import load_registry
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.server import Deregistered, LwM2mServer, Registered, Updated
from simulator.board import Board
from simulator.boards import (
    BLUEPRINTS,
    COLD_STORE_LOGGER,
    COLOUR_LIGHT,
    LIGHT_COLOUR,
    LIGHT_DIMMER,
    LIGHT_ON,
    PLUG_ON,
    PLUG_POWER,
    SMART_PLUG,
)

from .conftest import HOST, take

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from custom_components.lwm2m.protocol.node import Values

LIGHT = LIGHT_ON.instance


@pytest.fixture
async def server() -> AsyncIterator[LwM2mServer]:
    """A running server that lets all in."""
    server = LwM2mServer(load_registry())
    await server.start(HOST, {Scheme.COAP: 0})
    yield server
    await server.stop()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("name", BLUEPRINTS)
async def test_the_server_reads_all_that_a_board_has(
    server: LwM2mServer, name: str, version: str
) -> None:
    async with Board(
        BLUEPRINTS[name], server=(HOST, server.ports[Scheme.COAP]), version=version
    ) as board:
        await board.registered()
        client = server.client(name)
        assert sorted(client.registration.instances) == board.instances
        for instance in board.instances:
            decoded = await client.read(instance)
            assert not decoded.rejected
            assert decoded.values.keys() == board.values(instance).keys()


async def test_the_server_sees_a_board_come_update_and_go(
    server: LwM2mServer, events: asyncio.Queue[Any]
) -> None:
    async with Board(COLOUR_LIGHT, server=(HOST, server.ports[Scheme.COAP])) as board:
        await board.registered()
        await board.update()
    assert [type(await take(events)) for _ in range(3)] == [Registered, Updated, Deregistered]


async def test_a_board_outlives_its_server(server: LwM2mServer) -> None:
    async with Board(COLOUR_LIGHT, server=(HOST, server.ports[Scheme.COAP])) as board:
        first = await board.registered()
        await server.stop()
        restarted = LwM2mServer(load_registry())
        await restarted.start(HOST, {Scheme.COAP: server.ports[Scheme.COAP]})
        await board.update()
        assert await board.registered() != first
        await board.stop()
        await restarted.stop()


async def test_the_server_switches_the_light(server: LwM2mServer) -> None:
    async with Board(COLOUR_LIGHT, server=(HOST, server.ports[Scheme.COAP])) as board:
        await board.registered()
        client = server.client(board.endpoint)
        values: Values = {LIGHT_ON: False, LIGHT_DIMMER: 12, LIGHT_COLOUR: "#0000ff"}
        await client.write(LIGHT, values, replace=False)
        for path, value in values.items():
            assert await board.written(path) == value


async def test_the_server_executes(server: LwM2mServer) -> None:
    async with Board(COLOUR_LIGHT, server=(HOST, server.ports[Scheme.COAP])) as board:
        await board.registered()
        await server.client(board.endpoint).execute(Path(3, 0, 12), "1='all',2")
        assert await board.executed(Path(3, 0, 12)) == "1='all',2"


async def test_the_server_discovers(server: LwM2mServer) -> None:
    async with Board(
        COLOUR_LIGHT, server=(HOST, server.ports[Scheme.COAP]), root=("lwm2m",)
    ) as board:
        await board.registered()
        found = await server.client(board.endpoint).discover(LIGHT)
        assert found.keys() == {LIGHT, *board.resources(LIGHT)}


@pytest.mark.parametrize("confirmable", [True, False])
async def test_the_server_sees_what_follows_from_its_write(
    server: LwM2mServer, confirmable: bool
) -> None:
    async with Board(
        SMART_PLUG, server=(HOST, server.ports[Scheme.COAP]), confirmable=confirmable
    ) as board:
        await board.registered()
        client = server.client(board.endpoint)
        notifications: asyncio.Queue[Any] = asyncio.Queue()
        observation = await client.observe(PLUG_POWER.instance, notifications.put_nowait)
        await client.write(PLUG_ON, {PLUG_ON: False}, replace=True)
        assert (await take(notifications)).values[PLUG_POWER] == 0.0
        observation.cancel()


async def test_the_server_gets_what_changed_while_a_board_slept(server: LwM2mServer) -> None:
    temperature = Path(3303, 0, 5700)
    async with Board(COLD_STORE_LOGGER, server=(HOST, server.ports[Scheme.COAP])) as board:
        await board.registered()
        notifications: asyncio.Queue[Any] = asyncio.Queue()
        client = server.client(board.endpoint)
        observation = await client.observe(temperature, notifications.put_nowait)
        board.sleep()
        board.set(temperature, -12.5)
        await board.wake()
        assert (await take(notifications)).values == {temperature: -12.5}
        observation.cancel()


async def test_the_server_follows_a_board_that_moves(
    server: LwM2mServer, events: asyncio.Queue[Any]
) -> None:
    async with Board(COLOUR_LIGHT, server=(HOST, server.ports[Scheme.COAP])) as board:
        await board.registered()
        await take(events)
        await board.move()
        await board.update()
        await take(events)
        decoded = await server.client(board.endpoint).read(LIGHT_DIMMER)
        assert decoded.values == {LIGHT_DIMMER: 80}
