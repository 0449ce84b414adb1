"""Boards that sleep, and boards that fall silent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiocoap import CHANGED, CREATED, GET, NOT_FOUND, POST
import pytest

from custom_components.lwm2m.protocol.path import Path
from simulator.board import Board
from simulator.boards import COLD_STORE_LOGGER, COLOUR_LIGHT
from simulator.events import EventKind

if TYPE_CHECKING:
    from .conftest import Peer

TEMPERATURE = Path(3303, 0, 5700)
AWAKE_TIME = 0.2


async def test_falls_asleep_when_nothing_is_said(peer: Peer) -> None:
    async with Board(COLD_STORE_LOGGER, server=peer.address, awake_time=0.01) as board:
        await board.event(EventKind.ASLEEP)
        assert board.asleep


async def test_every_message_keeps_it_awake_for_longer(peer: Peer) -> None:
    loop = asyncio.get_running_loop()
    async with Board(COLD_STORE_LOGGER, server=peer.address, awake_time=AWAKE_TIME) as board:
        await board.registered()
        registered_at = asked_at = loop.time()
        while loop.time() < registered_at + AWAKE_TIME / 2:
            asked_at = loop.time()
            await peer.request(board, GET, "/3303/0/5700")
        await board.event(EventKind.ASLEEP)
        assert loop.time() >= asked_at + AWAKE_TIME


async def test_does_not_answer_while_asleep(peer: Peer) -> None:
    async with Board(COLD_STORE_LOGGER, server=peer.address) as board:
        await board.registered()
        board.sleep()
        with pytest.raises(TimeoutError):
            await peer.start_request(board, GET, "/3303/0").response_within(0.05)


async def test_wakes_up_with_an_update_when_it_is_due(peer: Peer) -> None:
    async with Board(
        COLD_STORE_LOGGER, server=peer.address, lifetime=1, update_after=0.1, awake_time=0.01
    ) as board:
        await board.event(EventKind.ASLEEP)
        await board.event(EventKind.AWAKE)
        await board.updated()


async def test_what_changed_in_its_sleep_is_notified_after_the_update(peer: Peer) -> None:
    async with Board(COLD_STORE_LOGGER, server=peer.address) as board:
        seen: list[EventKind] = []
        await board.registered()
        request = peer.start_request(board, GET, "/3303/0/5700", observe=0, accept=0)
        request.listen()
        await request.response_within()
        board.sleep()
        board.events.subscribe(lambda event: seen.append(event.kind))
        board.set(TEMPERATURE, -9.0)
        assert await board.wake() == CHANGED
        assert (await request.notification()).payload == b"-9.0"
        assert seen == [EventKind.AWAKE, EventKind.UPDATED, EventKind.NOTIFIED]
        request.forget()


async def test_answers_again_after_waking_up(peer: Peer) -> None:
    async with Board(COLD_STORE_LOGGER, server=peer.address) as board:
        await board.registered()
        board.sleep()
        await board.wake()
        assert (await peer.request(board, GET, "/3303/0/5700", accept=0)).payload == b"-18.4"


async def test_a_sleeping_board_wakes_up_to_deregister(peer: Peer) -> None:
    async with Board(COLD_STORE_LOGGER, server=peer.address) as board:
        await board.registered()
        board.sleep()
    await board.event(EventKind.DEREGISTERED)


async def test_without_queue_mode_it_stays_awake(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address, awake_time=0.0) as board:
        await board.registered()
        await board.update()
        assert not board.asleep


async def test_a_silent_board_neither_answers_nor_updates_nor_says_goodbye(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address, lifetime=1, update_after=0.01) as board:
        await board.registered()
        await board.go_silent()
        while not peer.calls.empty():
            peer.calls.get_nowait()
        with pytest.raises(TimeoutError):
            await peer.start_request(board, GET, "/3/0").response_within(0.05)
        assert peer.calls.empty()
    assert peer.calls.empty()


async def test_a_board_that_comes_back_updates(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        await board.registered()
        await board.go_silent()
        assert await board.resume() == CHANGED


async def test_a_board_that_comes_back_too_late_registers(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        await board.registered()
        await board.go_silent()
        peer.codes["/rd/1"] = NOT_FOUND
        assert await board.resume() == CREATED
        assert await board.registered() == "/rd/2"


async def test_reboot_wakes_a_sleeping_board(peer: Peer) -> None:
    async with Board(COLD_STORE_LOGGER, server=peer.address) as board:
        await board.registered()
        board.sleep()
        board.reboot()
        await board.registered()
        assert (await peer.request(board, POST, "/1/0/8")).code == CHANGED
