"""Observations and notifications of a board."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiocoap import ACK, CON, CONTENT, GET, NON, NOT_FOUND, RST
import pytest

from custom_components.lwm2m.protocol.codec import ContentFormat, decode
from custom_components.lwm2m.protocol.path import Path
from simulator.blueprint import Blueprint
from simulator.board import Board
from simulator.boards import COLOUR_LIGHT, LIGHT_DIMMER, LIGHT_ON
from simulator.events import EventKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .conftest import Peer, Wire

LIGHT = LIGHT_ON.instance
DIMMER = "/3311/0/5851"


@pytest.fixture
async def board(wire: Wire) -> AsyncIterator[Board]:
    """A registered colour light, every datagram of which the test sees."""
    board = Board(COLOUR_LIGHT, server=wire.address)
    await board.start()
    await wire.accept()
    await board.registered()
    yield board
    await board.stop(deregister=False)


async def observe(wire: Wire, path: str = DIMMER, token: bytes = b"watch") -> None:
    """Observe a path in plain text, and expect that it is granted."""
    wire.send(
        wire.message(GET, token=token, uri_path=path.strip("/").split("/"), observe=0, accept=0)
    )
    assert (await wire.receive()).opt.observe is not None


async def test_observe_returns_the_value_and_then_each_change(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        request = peer.start_request(board, GET, DIMMER, observe=0, accept=0)
        request.listen()
        assert (await request.response_within()).payload == b"80"
        await board.observed(LIGHT_DIMMER)
        for value in (40, 41):
            board.set(LIGHT_DIMMER, value)
            assert (await request.notification()).payload == b"%d" % value
        request.forget()


async def test_notifications_are_numbered_upwards(wire: Wire, board: Board) -> None:
    await observe(wire)
    numbers = []
    for value in (1, 2, 3):
        board.set(LIGHT_DIMMER, value)
        numbers.append((await wire.receive()).opt.observe)
    assert numbers == sorted(set(numbers))


async def test_changes_made_together_go_out_together(wire: Wire, board: Board) -> None:
    wire.send(wire.message(GET, token=b"watch", uri_path=("3311", "0"), observe=0, accept=11542))
    await wire.receive()
    board.set(LIGHT_DIMMER, 5)
    board.set(LIGHT_ON, False)
    notification = await wire.receive()
    values = decode(ContentFormat.TLV, notification.payload, LIGHT, board.model).values
    assert (values[LIGHT_DIMMER], values[LIGHT_ON]) == (5, False)
    await wire.ask(GET, DIMMER)
    assert wire.quiet()


async def test_the_same_value_again_is_no_change(wire: Wire, board: Board) -> None:
    await observe(wire)
    board.set(LIGHT_DIMMER, 80)
    assert (await wire.ask(GET, DIMMER)).token == b"ask"


async def test_a_change_elsewhere_is_not_notified(wire: Wire, board: Board) -> None:
    await observe(wire)
    board.set(LIGHT_ON, False)
    assert (await wire.ask(GET, DIMMER)).token == b"ask"


@pytest.mark.parametrize("path", ["/3", "/3/0", "/3/0/11", "/3/0/11/0"])
async def test_all_levels_of_a_path_can_be_observed(wire: Wire, board: Board, path: str) -> None:
    wire.send(
        wire.message(GET, token=b"watch", uri_path=path[1:].split("/"), observe=0, accept=110)
    )
    await wire.receive()
    board.set(Path(3, 0, 11, 0), 1)
    assert (await wire.receive()).token == b"watch"


async def test_a_written_value_is_notified_after_the_answer(wire: Wire, board: Board) -> None:
    await observe(wire)
    wire.send(wire.message(3, token=b"write", uri_path=("3311", "0", "5851"), payload=b"7"))
    assert [(await wire.receive()).token for _ in range(2)] == [b"write", b"watch"]


async def test_notifications_are_not_confirmable_by_default(wire: Wire, board: Board) -> None:
    await observe(wire)
    board.set(LIGHT_DIMMER, 1)
    assert (await wire.receive()).mtype == NON


async def test_an_observation_can_be_cancelled(wire: Wire, board: Board) -> None:
    await observe(wire)
    wire.send(
        wire.message(GET, token=b"watch", uri_path=("3311", "0", "5851"), observe=1, accept=0)
    )
    response = await wire.receive()
    assert (response.code, response.opt.observe) == (CONTENT, None)
    await board.cancelled(LIGHT_DIMMER)
    board.set(LIGHT_DIMMER, 1)
    assert (await wire.ask(GET, DIMMER)).token == b"ask"


async def test_a_reset_ends_an_observation(wire: Wire, board: Board) -> None:
    await observe(wire)
    board.set(LIGHT_DIMMER, 1)
    wire.reply_empty(await wire.receive(), RST)
    await board.cancelled(LIGHT_DIMMER)


async def test_observing_again_with_the_same_token_is_one_observation(
    wire: Wire, board: Board
) -> None:
    await observe(wire)
    await observe(wire)
    assert board.client.observations.paths == (LIGHT_DIMMER,)


async def test_a_removed_instance_ends_its_observation_with_4_04(wire: Wire, board: Board) -> None:
    await observe(wire)
    board.remove(LIGHT)
    received = [await wire.receive() for _ in range(2)]  # and an Update
    assert {message.code for message in received if message.token == b"watch"} == {NOT_FOUND}
    assert board.client.observations.paths == ()


async def test_registering_again_ends_all_observations(wire: Wire, board: Board) -> None:
    await observe(wire)
    registering = asyncio.create_task(board.register())
    await wire.accept()
    await registering
    board.set(LIGHT_DIMMER, 1)
    assert (await wire.ask(GET, DIMMER)).token == b"ask"


async def test_a_path_that_is_not_observable_is_only_read(peer: Peer) -> None:
    async with Board(
        COLOUR_LIGHT, server=peer.address, observable=lambda path: len(path) == 3
    ) as board:
        instance = await peer.request(board, GET, "/3311/0", observe=0)
        resource = await peer.request(board, GET, DIMMER, observe=0)
        assert instance.code == CONTENT
        assert instance.opt.observe is None
        assert resource.opt.observe is not None
        await board.event(EventKind.READ, LIGHT)


async def test_observations_are_limited_and_renewing_one_takes_no_more(wire: Wire) -> None:
    board = Board(COLOUR_LIGHT, server=wire.address, max_observations=1)
    await board.start()
    await wire.accept()
    granted = []
    for token in (b"first", b"second", b"first"):
        wire.send(wire.message(GET, token=token, uri_path=("3311", "0"), observe=0))
        granted.append((await wire.receive()).opt.observe is not None)
    assert granted == [True, False, True]
    await board.stop(deregister=False)


async def test_the_newest_value_follows_the_minimum_period(wire: Wire, board: Board) -> None:
    """Of what is observed, or else of what is above it."""
    board.attributes[LIGHT] = {"pmin": "0.05"}
    await observe(wire)
    observed_at = asyncio.get_running_loop().time()
    for value in (1, 2, 3):
        board.set(LIGHT_DIMMER, value)
        await asyncio.sleep(0)
    assert (await wire.receive()).payload == b"3"
    assert asyncio.get_running_loop().time() - observed_at > 0.045


async def test_what_cannot_be_read_is_not_observed(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        response = await peer.request(board, GET, "/3303/0", observe=0)
        assert response.code == NOT_FOUND
        assert board.client.observations.paths == ()


async def test_a_long_notification_is_fetched_in_blocks(peer: Peer) -> None:
    instances = {Path(3303, number): {5700: 0.5} for number in range(200)}
    blueprint = Blueprint(name="many", instances=instances)
    async with Board(blueprint, server=peer.address) as board:
        request = peer.start_request(board, GET, "/3303", observe=0, accept=110)
        request.listen()
        await request.response_within()
        board.set(Path(3303, 150, 5700), 9.5)
        notification = await request.notification()
        decoded = decode(110, notification.payload, Path(3303), board.model)
        assert decoded.values[Path(3303, 150, 5700)] == 9.5
        request.forget()


class TestConfirmable:
    """Confirmable notifications."""

    @pytest.fixture
    async def board(self, wire: Wire) -> AsyncIterator[Board]:
        """A registered light that wants its notifications acknowledged, and soon."""
        board = Board(COLOUR_LIGHT, server=wire.address, confirmable=True, ack_timeout=0.01)
        await board.start()
        await wire.accept()
        await board.registered()
        yield board
        await board.stop(deregister=False)

    async def test_an_unacknowledged_notification_is_repeated_and_ends_the_observation(
        self, wire: Wire, board: Board
    ) -> None:
        await observe(wire)
        board.set(LIGHT_DIMMER, 1)
        messages = [await wire.receive() for _ in range(5)]
        assert {message.mtype for message in messages} == {CON}
        assert len({message.mid for message in messages}) == 1
        await board.cancelled(LIGHT_DIMMER)

    async def test_the_newest_value_follows_the_acknowledgement(
        self, wire: Wire, board: Board
    ) -> None:
        await observe(wire)
        board.set(LIGHT_DIMMER, 1)
        first = await wire.receive()
        for value in (2, 3):
            board.set(LIGHT_DIMMER, value)
            assert (await wire.receive()).payload == b"1"
        wire.reply_empty(first, ACK)
        assert (await wire.receive()).payload == b"3"
