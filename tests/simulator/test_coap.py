"""The message layer of a board, datagram by datagram."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from aiocoap import ACK, CHANGED, CON, CONTENT, CREATED, EMPTY, GET, NON, POST, PUT, RST
import pytest

from custom_components.lwm2m.protocol.path import Path
from simulator.blockwise import MAX_BODY
from simulator.board import Board
from simulator.boards import COLOUR_LIGHT
from simulator.coap import NoAnswerError
from simulator.events import EventKind

from .conftest import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def board(wire: Wire) -> AsyncIterator[Board]:
    """A registered colour light."""
    board = Board(COLOUR_LIGHT, server=wire.address)
    await board.start()
    await wire.accept()
    await board.registered()
    yield board
    await board.stop(deregister=False)


async def test_an_unanswered_register_is_repeated(wire: Wire) -> None:
    async with Board(COLOUR_LIGHT, server=wire.address, ack_timeout=0.01) as board:
        first, second = await wire.receive(), await wire.receive()
        assert first.mid == second.mid
        wire.reply(second, CREATED, location_path=("rd", "x"))
        await board.registered()
        await board.stop(deregister=False)


async def test_after_five_tries_the_server_counts_as_gone(wire: Wire) -> None:
    board = Board(COLOUR_LIGHT, server=wire.address, ack_timeout=0.002)
    await board.start()
    messages = [await wire.receive() for _ in range(5)]
    await board.event(EventKind.UNANSWERED)
    assert len({message.mid for message in messages}) == 1
    await board.stop()


async def test_whoever_asked_for_an_update_learns_that_the_server_is_gone(wire: Wire) -> None:
    board = Board(COLOUR_LIGHT, server=wire.address, ack_timeout=0.002)
    await board.start()
    with pytest.raises(NoAnswerError):
        await board.update()
    await board.stop()


async def test_a_duplicate_gets_the_same_answer_and_is_done_once(wire: Wire, board: Board) -> None:
    request = wire.message(POST, token=b"again", uri_path=("3", "0", "12"))
    wire.send(request)
    wire.send(request)
    first, second = await wire.receive(), await wire.receive()
    assert (first.mid, first.code, first.token) == (second.mid, second.code, second.token)
    await board.executed(Path(3, 0, 12))
    with pytest.raises(TimeoutError):
        await board.event(EventKind.EXECUTED, Path(3, 0, 12), timeout=0.01)


async def test_a_non_confirmable_request_gets_a_non_confirmable_answer(
    wire: Wire, board: Board
) -> None:
    wire.send(wire.message(GET, NON, token=b"non", uri_path=("3", "0", "0"), accept=0))
    response = await wire.receive()
    assert (response.mtype, response.token, response.payload) == (NON, b"non", b"Example Works")


async def test_a_separate_response_is_acknowledged_each_time_it_comes(
    wire: Wire, board: Board
) -> None:
    update = asyncio.create_task(board.update())
    request = await wire.receive()
    wire.reply_empty(request, ACK)
    response = wire.message(CHANGED, CON, token=request.token)
    for _ in range(2):
        wire.send(response)
        answer = await wire.receive()
        assert (answer.mtype, answer.code, answer.mid) == (ACK, EMPTY, response.mid)
    assert await update == CHANGED


async def test_a_response_without_acknowledgement_ends_the_repetition(
    wire: Wire, board: Board
) -> None:
    update = asyncio.create_task(board.update())
    request = await wire.receive()
    wire.send(wire.message(CHANGED, NON, token=request.token))
    assert await update == CHANGED
    assert wire.quiet()


async def test_a_response_to_nothing_is_reset(wire: Wire, board: Board) -> None:
    response = wire.message(CONTENT, CON, token=b"nobody")
    wire.send(response)
    answer = await wire.receive()
    assert (answer.mtype, answer.mid) == (RST, response.mid)


async def test_a_ping_is_answered_with_reset(wire: Wire, board: Board) -> None:
    ping = wire.message(EMPTY, CON)
    wire.send(ping)
    answer = await wire.receive()
    assert (answer.mtype, answer.mid) == (RST, ping.mid)


@pytest.mark.parametrize(
    "garbage", [b"", b"\x40", b"\x80\x01\x00\x01", b"\x40\x01\x00\x01\xb3\xff\xff\xff", b"\x41"]
)
async def test_garbage_is_ignored(wire: Wire, board: Board, garbage: bytes) -> None:
    wire.send_raw(garbage)
    assert (await wire.ask(GET, "/3/0/0")).code == CONTENT


async def test_strangers_are_not_heard(wire: Wire, board: Board) -> None:
    transport, stranger = await asyncio.get_running_loop().create_datagram_endpoint(
        Wire, local_addr=("127.0.0.1", 0)
    )
    message = wire.message(GET, token=b"psst", uri_path=("3", "0", "0"))
    transport.sendto(message.encode(), wire.board)
    assert (await wire.ask(GET, "/3/0/0")).token == b"ask"
    assert stranger.quiet()
    transport.close()


@pytest.mark.parametrize("host", ["::1", "0:0::1", "localhost"])
async def test_the_server_may_be_anywhere(host: str) -> None:
    transport, wire = await asyncio.get_running_loop().create_datagram_endpoint(
        Wire, local_addr=(host, 0)
    )
    async with Board(COLOUR_LIGHT, server=(host, wire.address[1])) as board:
        await wire.accept()
        await board.registered()
        assert (await wire.ask(GET, "/3/0/0")).code == CONTENT
        await board.stop(deregister=False)
    transport.close()


async def test_one_confirmable_message_is_under_way_at_a_time(wire: Wire) -> None:
    board = Board(COLOUR_LIGHT, server=wire.address, confirmable=True)
    await board.start()
    await wire.accept()
    await board.registered()
    for resource in ("5850", "5851"):
        wire.send(
            wire.message(GET, token=resource.encode(), uri_path=("3311", "0", resource), observe=0)
        )
        await wire.receive()
    board.set(Path(3311, 0, 5850), False)
    board.set(Path(3311, 0, 5851), 3)
    first = await wire.receive()
    await wire.ask(GET, "/3/0/0")
    assert wire.quiet()
    wire.reply_empty(first, ACK)
    assert (await wire.receive()).token == b"5851"
    await board.stop(deregister=False)


@pytest.mark.parametrize("numbers", [(1,), (0, 2), (0, 1, 1)])
async def test_a_block_out_of_order_is_refused(
    wire: Wire, board: Board, numbers: tuple[int, ...]
) -> None:
    for number in numbers:
        response = await wire.ask(PUT, "/3311/0/5750", payload=b"x" * 64, block1=(number, True, 2))
    assert response.code.dotted == "4.08"


async def test_a_body_may_start_over(wire: Wire, board: Board) -> None:
    for number, more in ((0, True), (0, True), (1, False)):
        response = await wire.ask(
            PUT, "/3311/0/5750", payload=b"y" * 16, block1=(number, more, 0), content_format=0
        )
    assert response.code.dotted == "2.04"
    assert await board.written(Path(3311, 0, 5750)) == "y" * 32


async def test_the_blocks_of_two_states_can_be_told_apart(wire: Wire, board: Board) -> None:
    tags = []
    for label in ("a", "a", "b"):
        board.set(Path(3311, 0, 5750), label)
        block = await wire.ask(GET, "/3311/0", block2=(0, False, 0), accept=110)
        tags.append(block.opt.etag)
    assert tags[0] == tags[1] != tags[2]


async def test_a_body_in_blocks_is_put_together(wire: Wire, board: Board) -> None:
    parts = [b"a" * 16, b"b" * 16, b"c"]
    codes = []
    for number, part in enumerate(parts):
        response = await wire.ask(
            PUT, "/3311/0/5750", payload=part, block1=(number, part != b"c", 0), content_format=0
        )
        codes.append(response.code.dotted)
    assert codes == ["2.31", "2.31", "2.04"]
    assert await board.written(Path(3311, 0, 5750)) == b"".join(parts).decode()


async def test_a_body_that_is_too_long_is_refused(wire: Wire, board: Board) -> None:
    for number in itertools.count():
        response = await wire.ask(
            PUT, "/3311/0/5750", payload=b"x" * 1024, block1=(number, True, 6)
        )
        if response.code.dotted != "2.31":
            break
    assert response.code.dotted == "4.13"
    assert number == MAX_BODY // 1024


async def test_a_smaller_block_can_be_asked_for(wire: Wire, board: Board) -> None:
    response = await wire.ask(GET, "/3/0", block2=(1, False, 2), accept=110)
    assert len(response.payload) == 64
    assert response.opt.block2.more


async def test_a_block_past_the_end_is_a_bad_request(wire: Wire, board: Board) -> None:
    response = await wire.ask(GET, "/3/0/0", block2=(9, False, 6), accept=0)
    assert response.code.dotted == "4.00"


async def test_register_goes_on_in_the_smaller_blocks_that_the_server_asks_for(
    wire: Wire,
) -> None:
    board = Board(COLOUR_LIGHT, server=wire.address)
    for number in range(1, 150):
        board.add(Path(3311, number), {5850: False})
    await board.start()
    links, exponents = b"", []
    while True:
        request = await wire.receive()
        links += request.payload
        if not request.opt.block1.more:
            break
        exponents.append(request.opt.block1.size_exponent)
        assert len(links) == (request.opt.block1.block_number + 1) * request.opt.block1.size
        wire.reply(request, 95, block1=(request.opt.block1.block_number, True, 4))
    wire.reply(request, CREATED, location_path=("rd", "x"))
    await board.registered()
    assert links.endswith(b"</3311/149>")
    assert exponents[:3] == [6, 4, 4]
    await board.stop(deregister=False)
