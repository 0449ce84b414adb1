"""Create, Delete, Write-Attributes, the composites and Send, with the integration's own server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiocoap
from aiocoap import BAD_REQUEST, CHANGED, METHOD_NOT_ALLOWED, NOT_FOUND
import pytest

from custom_components.lwm2m.protocol.attributes import UNSET, Attributes
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.errors import ClientRefused
from custom_components.lwm2m.protocol.model.registry import load_registry
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.server import LwM2mServer, Sent, Updated
from simulator.blueprint import Blueprint
from simulator.board import Board

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiocoap.numbers.codes import Code

    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.node import Decoded
    from custom_components.lwm2m.protocol.server import ServerEvent

LIGHTS = Path(3311)
ON_OFF = Path(3311, 0, 5850)
DIMMER = Path(3311, 0, 5851)
MEASURED = Path(3303, 0, 5700)
LIGHT = Blueprint(
    name="light",
    instances={
        Path(3, 0): {0: "Acme", 6: {0: 1, 1: 5}},
        Path(3303, 0): {5700: 21.5},
        Path(3311, 0): {5850: False, 5851: 40},
    },
)


@pytest.fixture
async def events() -> asyncio.Queue[ServerEvent]:
    return asyncio.Queue()


@pytest.fixture
async def board(socket_enabled: None, events: asyncio.Queue[ServerEvent]) -> AsyncIterator[Board]:
    """A board that is registered with `server`."""
    server = LwM2mServer(load_registry())
    server.subscribe(events.put_nowait)
    await server.start("127.0.0.1", {Scheme.COAP: 0})
    async with Board(LIGHT, server=("127.0.0.1", server.ports[Scheme.COAP])) as board:
        await board.registered()
        board.server = server  # type: ignore[attr-defined]  # for `client` below
        yield board
    await server.stop()


@pytest.fixture
def client(board: Board) -> Client:
    client: Client = board.server.client("light")  # type: ignore[attr-defined]  # see above
    return client


async def next_event[Event](events: asyncio.Queue[ServerEvent], kind: type[Event]) -> Event:
    async with asyncio.timeout(5):
        while not isinstance(event := await events.get(), kind):
            pass
    return event


@pytest.mark.parametrize(("path", "created"), [(LIGHTS, 1), (LIGHTS / 7, 7), (LIGHTS / 300, 300)])
async def test_a_created_instance_is_announced(
    client: Client, board: Board, events: asyncio.Queue[ServerEvent], path: Path, created: int
) -> None:
    assert await client.create(path, {5850: True}) == LIGHTS / created
    assert board.value(LIGHTS / created / 5850) is True
    updated = await next_event(events, Updated)
    assert LIGHTS / created in updated.registration.instances


@pytest.mark.parametrize(
    ("path", "resources", "code"),
    [
        (LIGHTS / 0, {5850: True}, BAD_REQUEST),
        (LIGHTS, {5851: 1}, BAD_REQUEST),
        (LIGHTS / 5, {}, BAD_REQUEST),
        (LIGHTS, {5850: True, 5851: 101}, BAD_REQUEST),
        (LIGHTS, {5850: True, 5701: "%"}, METHOD_NOT_ALLOWED),
        (Path(3), {}, METHOD_NOT_ALLOWED),
        (Path(3300), {}, NOT_FOUND),
    ],
)
async def test_a_wrong_create_is_refused(
    client: Client, path: Path, resources: dict[int, bool | int | str], code: Code
) -> None:
    with pytest.raises(ClientRefused) as refused:
        await client.create(path, dict(resources))
    assert refused.value.code == code


async def test_a_deleted_instance_is_announced(
    client: Client, board: Board, events: asyncio.Queue[ServerEvent]
) -> None:
    await client.delete(Path(3311, 0))
    assert not board.has(Path(3311, 0))
    updated = await next_event(events, Updated)
    assert Path(3311, 0) not in updated.registration.instances


async def test_attributes_show_until_they_are_unset(client: Client) -> None:
    await client.write_attributes(MEASURED, Attributes(pmin=10, gt=30.5))
    assert (await client.discover(MEASURED))[MEASURED] == {"pmin": "10", "gt": "30.5"}
    await client.write_attributes(MEASURED, Attributes(pmin=UNSET))
    assert (await client.discover(MEASURED))[MEASURED] == {"gt": "30.5"}


async def test_attributes_that_contradict_older_ones_are_refused(client: Client) -> None:
    await client.write_attributes(MEASURED, Attributes(pmin=10))
    with pytest.raises(ClientRefused):
        await client.write_attributes(MEASURED, Attributes(pmax=5))


async def test_read_composite_leaves_out_what_there_is_not(client: Client) -> None:
    decoded = await client.read_composite([MEASURED, Path(3, 0, 6, 1), Path(3311), Path(4)])
    assert decoded.values == {
        MEASURED: 21.5,
        Path(3, 0, 6): {1: 5},
        ON_OFF: False,
        DIMMER: 40,
    }


async def test_write_composite_writes_all_or_nothing(client: Client, board: Board) -> None:
    await client.write_composite({ON_OFF: True, DIMMER: 70})
    assert (board.value(ON_OFF), board.value(DIMMER)) == (True, 70)
    with pytest.raises(ClientRefused):
        await client.write_composite({ON_OFF: False, MEASURED: 1.0})
    assert board.value(ON_OFF) is True


async def test_a_composite_is_observed_until_cancelled(client: Client, board: Board) -> None:
    told: asyncio.Queue[Decoded] = asyncio.Queue()
    observation = await client.observe_composite([MEASURED, ON_OFF], told.put_nowait)
    board.set(DIMMER, 10)
    board.set(ON_OFF, True)
    async with asyncio.timeout(5):
        assert (await told.get()).values == {MEASURED: 21.5, ON_OFF: True}
    await observation.cancel_actively()
    await board.cancelled(MEASURED)
    assert board.client.observations.paths == ()


async def test_sent_values_have_their_times(
    client: Client, board: Board, events: asyncio.Queue[ServerEvent]
) -> None:
    earlier = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert await board.send((None, {ON_OFF: True}), (earlier, {MEASURED: 20.0})) == CHANGED
    sent = await next_event(events, Sent)
    assert [(time, decoded.values) for time, decoded in sent.readings] == [
        (earlier, {MEASURED: 20.0}),
        (None, {ON_OFF: True}),
    ]


@pytest.mark.parametrize("payload", [b"{", b"[1]", b'[{"n":"/x"}]', b'[{"n":1}]'])
async def test_a_fetch_that_names_no_paths_is_refused(
    client: Client, board: Board, payload: bytes
) -> None:
    message = aiocoap.Message(code=aiocoap.FETCH, content_format=110, payload=payload)
    message.remote = client.registration.remote
    assert (await client._exchanges.send(Path(), message)).code == BAD_REQUEST
