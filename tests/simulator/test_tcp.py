"""Boards that connect over TCP, and the integration's own server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiocoap import CHANGED
from aiocoap.numbers.codes import ABORT, CSM, PING, PONG, RELEASE
import pytest

from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.dtls import PskIdentity
from custom_components.lwm2m.protocol.model.registry import load_registry
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.security import CredentialStore, PreSharedKey
from custom_components.lwm2m.protocol.server import Deregistered, LwM2mServer, Registered, Updated
from simulator.board import Board
from simulator.boards import COLD_STORE_LOGGER, COLOUR_LIGHT, PLUG_ON, PLUG_POWER, SMART_PLUG
from simulator.events import EventKind
from tests.raw_tcp import RawTcpPeer

from .conftest import HOST, TIMEOUT, take

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def server() -> AsyncIterator[LwM2mServer]:
    server = LwM2mServer(load_registry())
    await server.start(HOST, {Scheme.COAP_TCP: 0})
    yield server
    await server.stop()


def make(server: LwM2mServer, blueprint: Any = SMART_PLUG, **settings: Any) -> Board:
    return Board(
        blueprint, server=(HOST, server.ports[Scheme.COAP_TCP]), tcp=True, retry=0.01, **settings
    )


async def test_the_server_sees_a_board_come_update_and_go(
    server: LwM2mServer, events: asyncio.Queue[Any]
) -> None:
    async with make(server) as board:
        await board.registered()
        await board.update()
    registered, updated, gone = [await take(events) for _ in range(3)]

    assert [type(event) for event in (registered, updated, gone)] == [
        Registered,
        Updated,
        Deregistered,
    ]
    assert registered.registration.binding == "T"
    assert updated.registration.remote == registered.registration.remote


async def test_the_server_reads_all_that_a_board_has(server: LwM2mServer) -> None:
    async with make(server, COLOUR_LIGHT) as board:
        await board.registered()
        client = server.client(board.endpoint)
        for instance in board.instances:
            decoded = await client.read(instance)
            assert decoded.values.keys() == board.values(instance).keys()


async def test_the_server_sees_what_follows_from_its_write(server: LwM2mServer) -> None:
    async with make(server) as board:
        await board.registered()
        client = server.client(board.endpoint)
        notifications: asyncio.Queue[Any] = asyncio.Queue()
        observation = await client.observe(PLUG_POWER.instance, notifications.put_nowait)
        await client.write(PLUG_ON, {PLUG_ON: False}, replace=True)
        assert (await take(notifications)).values[PLUG_POWER] == 0.0
        observation.cancel()


async def test_a_forgotten_observation_ends_at_the_board(server: LwM2mServer) -> None:
    async with make(server) as board:
        await board.registered()
        client = server.client(board.endpoint)
        observation = await client.observe(PLUG_ON, lambda _: None)
        observation.cancel()
        board.set(PLUG_ON, False)
        await board.event(EventKind.CANCELLED, PLUG_ON)


async def test_a_board_that_moved_is_observed_anew(
    server: LwM2mServer, events: asyncio.Queue[Any]
) -> None:
    async with make(server) as board:
        await board.registered()
        await server.client(board.endpoint).observe(PLUG_ON, lambda _: None)
        await board.move()
        await take(events)
        updated = await take(events)
        assert updated.registration.remote != updated.previous.remote
        assert not board.client.observations.paths


async def test_a_board_is_back_once_its_server_is(server: LwM2mServer) -> None:
    async with make(server) as board:
        await board.registered()
        state, port = server.dump(), server.ports[Scheme.COAP_TCP]
        await server.stop()
        restarted = LwM2mServer(load_registry())
        events: asyncio.Queue[Any] = asyncio.Queue()
        restarted.subscribe(events.put_nowait)
        await restarted.start(HOST, {Scheme.COAP_TCP: port}, state)
        assert isinstance(await take(events), Updated)
        assert (await restarted.client(board.endpoint).read(PLUG_ON)).values
        await board.stop(deregister=False)
        await restarted.stop()


async def test_a_board_that_sleeps_has_no_connection(
    server: LwM2mServer, events: asyncio.Queue[Any]
) -> None:
    async with make(server, COLD_STORE_LOGGER, awake_time=0.05) as board:
        await board.registered()
        await board.event(EventKind.ASLEEP)
        assert board.port is None
        client = server.client(board.endpoint)
        reading = asyncio.create_task(client.read(Path(3, 0, 0)))
        assert await board.update() == CHANGED
        async with asyncio.timeout(TIMEOUT):
            assert (await reading).values


async def test_a_large_value_goes_both_ways(server: LwM2mServer) -> None:
    async with make(server, COLOUR_LIGHT) as board:
        await board.registered()
        client = server.client(board.endpoint)
        name = Path(3311, 0, 5750)
        await client.write(name, {name: "x" * 5000}, replace=True)
        assert (await client.read(name)).values == {name: "x" * 5000}


@pytest.fixture
async def listener() -> AsyncIterator[tuple[int, asyncio.Queue[RawTcpPeer]]]:
    """A port whose connections a test answers by itself."""
    peers: asyncio.Queue[RawTcpPeer] = asyncio.Queue()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.put_nowait(RawTcpPeer(reader, writer))

    server = await asyncio.start_server(accept, HOST, 0)
    yield server.sockets[0].getsockname()[1], peers
    server.close()


@pytest.mark.parametrize("code", [RELEASE, ABORT])
async def test_a_board_leaves_when_it_is_told_and_comes_back(
    listener: tuple[int, asyncio.Queue[RawTcpPeer]], code: int
) -> None:
    port, peers = listener
    async with Board(SMART_PLUG, server=(HOST, port), tcp=True, retry=0.01) as board:
        first = await take(peers)
        assert (await first.receive()).code == CSM
        await first.receive()
        first.send(first.make(PING, token=b"p"))
        pong = await first.receive()
        assert (pong.code, pong.token) == (PONG, b"p")
        first.send(first.make(code))
        assert await first.is_closed()
        second = await take(peers)
        assert (await second.receive()).code == CSM
        await board.stop(deregister=False)
        for peer in (first, second):
            await peer.close()


async def test_a_board_with_a_key_connects_over_tls() -> None:
    psk = PreSharedKey(b"plug", bytes(range(16)))
    credentials = CredentialStore()
    credentials.put(SMART_PLUG.name, psk)
    server = LwM2mServer(load_registry(), credentials=credentials)
    await server.start(HOST, {Scheme.COAPS_TCP: 0})
    address = HOST, server.ports[Scheme.COAPS_TCP]
    async with Board(SMART_PLUG, server=address, tcp=True, psk=psk) as board:
        await board.registered()
        client = server.client(board.endpoint)
        assert client.registration.remote.identity == PskIdentity(psk.identity)
        assert (await client.read(PLUG_ON)).values
    await server.stop()
