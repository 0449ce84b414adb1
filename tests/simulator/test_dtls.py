"""Boards that speak DTLS, and the integration's own server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiocoap import CHANGED
import pytest

from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.dtls import DtlsServer
from custom_components.lwm2m.protocol.model.registry import load_registry
from custom_components.lwm2m.protocol.node import Decoded
from custom_components.lwm2m.protocol.security import (
    CredentialStore,
    PreSharedKey,
    SecurityEvent,
    SecurityEventType,
)
from custom_components.lwm2m.protocol.server import LwM2mServer, Updated
from simulator import dtls
from simulator.board import Board
from simulator.boards import PLUG_ON, PLUG_POWER, SMART_PLUG
from simulator.coap import Endpoint, NoAnswerError
from simulator.events import EventKind

from .conftest import HOST, take

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PSK = PreSharedKey(b"plug", bytes(range(16)))


@pytest.fixture
async def server() -> AsyncIterator[LwM2mServer]:
    """A server for those with a key alone."""
    credentials = CredentialStore()
    credentials.put(SMART_PLUG.name, PSK)
    server = LwM2mServer(load_registry(), credentials=credentials)
    await server.start(HOST, {Scheme.COAPS: 0})
    yield server
    await server.stop()


def secure_board(server: LwM2mServer, psk: PreSharedKey = PSK, **settings: Any) -> Board:
    return Board(SMART_PLUG, server=(HOST, server.ports[Scheme.COAPS]), psk=psk, **settings)


async def test_a_secure_board_is_read_written_and_observed(server: LwM2mServer) -> None:
    seen: asyncio.Queue[Any] = asyncio.Queue()
    async with secure_board(server) as board:
        await board.registered()
        client = server.client(board.endpoint)
        assert (await client.read(PLUG_ON)).values == {PLUG_ON: True}
        observation = await client.observe(PLUG_POWER.instance, seen.put_nowait)
        await client.write(PLUG_ON, {PLUG_ON: False}, replace=True)
        assert (await take(seen, Decoded)).values[PLUG_POWER] == 0.0
        observation.cancel()
    assert not server.registrations
    assert not server.security.counts


async def test_a_lost_flight_is_sent_again(
    server: LwM2mServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dtls, "RETRANSMIT_AFTER", 0.01)
    board = secure_board(server)
    assert isinstance(board.client.coap, Endpoint)
    link = board.client.coap._link
    assert link
    emit = link._send
    lost: list[bytes] = []

    def lose_some(datagram: bytes) -> None:
        if len(lost) < 2:
            lost.append(datagram)
        else:
            emit(datagram)

    monkeypatch.setattr(link, "_send", lose_some)
    async with board:
        await board.registered()
    assert len(lost) == 2


async def test_a_board_with_a_wrong_key_does_not_get_in(
    server: LwM2mServer, events: asyncio.Queue[Any]
) -> None:
    async with secure_board(server, PreSharedKey(PSK.identity, b"wrong")):
        event = await take(events, SecurityEvent)
    assert event.type is SecurityEventType.WRONG_KEY


@pytest.mark.parametrize(
    "psk",
    [PreSharedKey(PSK.identity, b"wrong"), PreSharedKey(b"unknown", PSK.key)],
    ids=["wrong key", "unknown identity"],
)
async def test_a_board_says_at_once_that_the_server_does_not_take_its_key(
    server: LwM2mServer, psk: PreSharedKey
) -> None:
    async with secure_board(server, psk) as board:
        refused = await board.event(EventKind.REFUSED, timeout=board.settings.ack_timeout / 2)
    assert str(refused.value).startswith("the server does not take identity and key")


async def test_a_board_that_moves_keeps_its_connection(
    server: LwM2mServer, events: asyncio.Queue[Any]
) -> None:
    async with secure_board(server) as board:
        await board.registered()
        await board.move()
        await board.update()
        updated = await take(events, Updated)
        assert updated.registration.remote.port == board.port
        assert server.counters.dtls.established == 1


async def test_a_board_that_restarts_makes_a_new_connection(server: LwM2mServer) -> None:
    async with secure_board(server) as board:
        first = await board.registered()
        board.reboot()
        assert await board.registered() != first


@asynccontextmanager
async def restarted(server: LwM2mServer) -> AsyncIterator[LwM2mServer]:
    """Replace the server by a new one."""
    state = server.dump()
    await server.stop()
    new = LwM2mServer(load_registry(), credentials=server.credentials)
    await new.start(HOST, server.ports, state)
    yield new
    await new.stop()


async def test_a_board_goes_on_with_a_server_that_was_restarted(server: LwM2mServer) -> None:
    async with secure_board(server) as board:
        await board.registered()
        async with restarted(server) as new:
            assert await board.update() == CHANGED
            assert new.client(board.endpoint)
            await board.stop()


async def test_a_board_finds_out_that_the_server_was_killed(
    server: LwM2mServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DtlsServer, "close", lambda *_: [])  # takes no leave
    async with secure_board(server, ack_timeout=0.01, retry=0.01) as board:
        await board.registered()
        async with restarted(server):
            with pytest.raises(NoAnswerError):
                await board.update()
            await board.registered()
            await board.stop()
