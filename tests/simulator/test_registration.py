"""How a board registers, updates and leaves."""

from __future__ import annotations

import asyncio

from aiocoap import CHANGED, DELETE, FORBIDDEN, GET, NOT_FOUND, POST, PUT
import pytest

from custom_components.lwm2m.protocol.path import Path
from simulator.blueprint import Blueprint
from simulator.board import LIFETIME, Board
from simulator.boards import COLD_STORE_LOGGER, COLOUR_LIGHT, SMART_PLUG, WEATHER_STATION
from simulator.events import EventKind

from .conftest import Call, Peer


async def test_register_says_name_lifetime_version_and_binding(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address, endpoint="lamp", lifetime=120):
        call = await peer.next_call()
    assert (call.method, call.path) == (POST, "/rd")
    assert call.query == {"ep=lamp", "lt=120", "lwm2m=1.1", "b=U"}


async def test_register_lists_objects_with_their_versions(peer: Peer) -> None:
    async with Board(COLD_STORE_LOGGER, server=peer.address):
        call = await peer.next_call()
    assert call.payload.split(",") == [
        '</>;rt="oma.lwm2m";ct="112 110 11542"',
        "</1/0>",
        "</3/0>",
        "</4/0>",
        "</3303>;ver=1.1",
        "</3303/0>",
    ]


async def test_register_lists_an_object_without_instances(peer: Peer) -> None:
    blueprint = Blueprint(name="bare", instances={}, versions={3303: "1.1"})
    async with Board(blueprint, server=peer.address):
        call = await peer.next_call()
    assert "</3303>;ver=1.1" in call.payload.split(",")


async def test_lwm2m_1_0_names_no_formats(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address, version="1.0"):
        call = await peer.next_call()
    assert call.payload.startswith('</>;rt="oma.lwm2m",<')


@pytest.mark.parametrize(
    ("version", "words"),
    [("1.0", {"lwm2m=1.0", "b=UQ"}), ("1.1", {"lwm2m=1.1", "b=U", "Q"})],
)
async def test_queue_mode_is_said_as_the_version_has_it(
    peer: Peer, version: str, words: set[str]
) -> None:
    async with Board(COLD_STORE_LOGGER, server=peer.address, version=version):
        call = await peer.next_call()
    assert {word for word in call.query if word.partition("=")[0] in ("lwm2m", "b", "Q")} == words


async def test_further_attributes_are_sent(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address, attributes={"site": "attic"}):
        call = await peer.next_call()
    assert "site=attic" in call.query


async def test_objects_may_lie_below_a_root_path(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address, root=("lwm2m",)) as board:
        call = await peer.next_call()
        links = call.payload.split(",")
        assert links[0].startswith('</lwm2m>;rt="oma.lwm2m"')
        assert "</lwm2m/3311/0>" in links
        assert (await peer.request(board, GET, "/lwm2m/3311/0/5851", accept=0)).payload == b"80"
        assert (await peer.request(board, GET, "/3311/0/5851")).code == NOT_FOUND


async def test_a_long_list_of_links_is_sent_in_blocks(peer: Peer) -> None:
    blueprint = Blueprint(
        name="many", instances={Path(3303, number): {5700: 0.0} for number in range(200)}
    )
    async with Board(blueprint, server=peer.address):
        call = await peer.next_call()
    assert call.payload.endswith("</3303/199>")


async def test_requests_are_answered_at_the_port_that_register_left_from(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        assert (await peer.next_call()).port == board.port


async def test_the_location_is_known_when_registered(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        assert await board.registered() == "/rd/1"


async def test_an_update_is_sent_within_the_lifetime_and_repeats_nothing(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address, lifetime=1, update_after=0.1) as board:
        await peer.next_call()
        call = await peer.next_call()
        assert call == Call(POST, "/rd/1", frozenset(), "", board.port)
        await board.updated()


async def test_an_update_can_be_asked_for(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        await board.registered()
        assert await board.update() == CHANGED


async def test_the_update_trigger_brings_an_update(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        await board.registered()
        assert (await peer.request(board, POST, "/1/0/8")).code == CHANGED
        await board.updated()


async def test_a_written_lifetime_is_told_in_an_update(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        await peer.next_call()
        await peer.request(board, PUT, "/1/0/1", payload=b"77", content_format=0)
        assert await board.written(LIFETIME) == 77
        assert (await peer.next_call()).query == {"lt=77"}


@pytest.mark.parametrize("add", [True, False])
async def test_a_new_or_lost_instance_is_told_in_an_update(peer: Peer, add: bool) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        await peer.next_call()
        await board.registered()
        if add:
            board.add(Path(3311, 1), {5850: False})
        else:
            board.remove(Path(3311, 0))
        links = (await peer.next_call()).payload
        assert ("</3311/1>" in links, "</3311/0>" in links) == (add, add)


async def test_an_unknown_registration_is_made_anew(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        assert await board.registered() == "/rd/1"
        peer.codes["/rd/1"] = NOT_FOUND
        await board.update()
        assert await board.registered() == "/rd/2"


async def test_a_refused_register_is_tried_again(peer: Peer) -> None:
    peer.codes["/rd"] = FORBIDDEN
    async with Board(COLOUR_LIGHT, server=peer.address, retry=0.01) as board:
        assert (await board.event(EventKind.REFUSED)).value == FORBIDDEN
        await board.registered()


async def test_register_can_be_repeated(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        await board.registered()
        await board.register()
        assert await board.registered() == "/rd/2"


async def test_leaving_deregisters(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        await board.registered()
        await peer.next_call()
    call = await peer.next_call()
    assert (call.method, call.path) == (DELETE, "/rd/1")
    await board.event(EventKind.DEREGISTERED)


async def test_stopping_without_deregister_says_nothing(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        await board.registered()
        await peer.next_call()
        await board.stop(deregister=False)
    assert peer.calls.empty()
    assert board.port is None


async def test_a_board_can_be_started_again(peer: Peer) -> None:
    board = Board(COLOUR_LIGHT, server=peer.address)
    for location in ("/rd/1", "/rd/2"):
        await board.start()
        assert await board.registered() == location
        await board.stop()


async def test_reboot_registers_from_another_port(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        before = (await peer.next_call()).port
        await board.registered()
        assert (await peer.request(board, POST, "/3/0/4")).code == CHANGED
        call = await peer.next_call()
        assert call.path == "/rd"
        assert call.port == board.port != before


async def test_a_factory_reset_gives_all_values_their_first_state(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        await board.registered()
        await peer.request(board, PUT, "/3311/0/5851", payload=b"5", content_format=0)
        await peer.request(board, POST, "/3/0/5")
        await board.event(EventKind.REBOOTED)
        assert board.value(Path(3311, 0, 5851)) == 80


async def test_a_move_is_seen_in_the_next_update(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        before = (await peer.next_call()).port
        await board.registered()
        await board.move()
        await board.update()
        call = await peer.next_call()
        assert call.path == "/rd/1"
        assert call.port == board.port != before


async def test_waiting_for_an_answer_ends_with_the_board(peer: Peer) -> None:
    board = Board(COLOUR_LIGHT, server=peer.address)
    await board.start()
    await board.registered()
    await board.go_silent()
    with pytest.raises(RuntimeError):
        await board.update()
    await board.stop()


async def test_boards_share_no_state(peer: Peer) -> None:
    first = Board(SMART_PLUG, server=peer.address, endpoint="first")
    second = Board(SMART_PLUG, server=peer.address, endpoint="second")
    first.set(Path(3312, 0, 5850), False)
    assert second.value(Path(3305, 0, 5800)) > 0


async def test_dozens_of_boards_run_in_one_process(peer: Peer) -> None:
    boards = [
        Board(WEATHER_STATION, server=peer.address, endpoint=f"station-{number}")
        for number in range(40)
    ]
    await asyncio.gather(*(board.start() for board in boards))
    await asyncio.gather(*(board.registered() for board in boards))
    ports = {board.port for board in boards}
    await asyncio.gather(*(board.stop() for board in boards))
    assert len(ports) == 40
