"""What a board answers to Read, Discover, Write and Execute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiocoap import (
    BAD_REQUEST,
    CHANGED,
    CONTENT,
    DELETE,
    GET,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    POST,
    PUT,
    UNAUTHORIZED,
    UNSUPPORTED_CONTENT_FORMAT,
)
import pytest

from custom_components.lwm2m.protocol.codec import ContentFormat, decode, encode
from custom_components.lwm2m.protocol.model.definitions import (
    ObjectModel,
    Operations,
    ResourceModel,
    ResourceType,
)
from custom_components.lwm2m.protocol.model.registry import ModelRegistry
from custom_components.lwm2m.protocol.path import Path
from simulator.blueprint import Blueprint
from simulator.board import Board
from simulator.boards import COLOUR_LIGHT, LIGHT_COLOUR, LIGHT_DIMMER, LIGHT_ON, WEATHER_STATION
from simulator.events import EventKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiocoap.numbers.codes import Code

    from custom_components.lwm2m.protocol.node import Values

    from .conftest import Peer

TEXT, OPAQUE, TLV = ContentFormat.TEXT, ContentFormat.OPAQUE, ContentFormat.TLV
SENML_JSON, SENML_CBOR = ContentFormat.SENML_JSON, ContentFormat.SENML_CBOR
STRUCTURED = [TLV, SENML_JSON, SENML_CBOR]
FACTORY_RESET = Path(3, 0, 5)
MODEL = Path(3, 0, 1)
ERROR_CODE = Path(3, 0, 11)
LIGHT = LIGHT_ON.instance


@pytest.fixture
async def board(peer: Peer) -> AsyncIterator[Board]:
    """A registered colour light."""
    async with Board(COLOUR_LIGHT, server=peer.address) as board:
        await board.registered()
        yield board


def values_of(response: Any, path: Path, board: Board) -> Values:
    assert response.code == CONTENT
    decoded = decode(response.opt.content_format, response.payload, path, board.model)
    assert not decoded.rejected
    return decoded.values


def models_of(path: Path, kind: ResourceType, *, multiple: bool) -> ModelRegistry:
    """Make the model of an object with one resource, which can be read and written."""
    resource = ResourceModel(
        id=path.resource_id,
        name="Sample",
        type=kind,
        operations=Operations.READ | Operations.WRITE,
        multiple=multiple,
    )
    models = ModelRegistry()
    models.add(
        ObjectModel(
            id=path.object_id,
            name="Samples",
            version="1.0",
            lwm2m_version="1.0",
            multiple=True,
            mandatory=False,
            resources={resource.id: resource},
        )
    )
    return models


# Read


@pytest.mark.parametrize("accept", STRUCTURED)
async def test_reads_an_instance_in_the_accepted_format(
    peer: Peer, board: Board, accept: ContentFormat
) -> None:
    response = await peer.request(board, GET, "/3311/0", accept=accept)
    assert response.opt.content_format == accept
    assert values_of(response, LIGHT, board) == {
        LIGHT_ON: True,
        LIGHT_DIMMER: 80,
        LIGHT_COLOUR: "#FFB46B",
        LIGHT / 5701: "RGB",
        LIGHT / 5750: "Reading lamp",
        LIGHT / 5852: 0,
    }


@pytest.mark.parametrize("accept", [*STRUCTURED, TEXT])
async def test_reads_a_resource_in_the_accepted_format(
    peer: Peer, board: Board, accept: ContentFormat
) -> None:
    response = await peer.request(board, GET, "/3311/0/5851", accept=accept)
    assert response.opt.content_format == accept
    assert values_of(response, LIGHT_DIMMER, board) == {LIGHT_DIMMER: 80}


@pytest.mark.parametrize("accept", STRUCTURED)
async def test_reads_a_multiple_resource(peer: Peer, board: Board, accept: ContentFormat) -> None:
    response = await peer.request(board, GET, "/3/0/11", accept=accept)
    assert values_of(response, ERROR_CODE, board) == {ERROR_CODE: {0: 0}}


@pytest.mark.parametrize("accept", [*STRUCTURED, TEXT])
async def test_reads_a_resource_instance(peer: Peer, board: Board, accept: ContentFormat) -> None:
    response = await peer.request(board, GET, "/4/0/4/1", accept=accept)
    path = Path(4, 0, 4)
    assert values_of(response, path / 1, board) == {path: {1: "2001:db8::17"}}


async def test_reads_all_instances_of_an_object(peer: Peer, board: Board) -> None:
    board.add(Path(3311, 4), {5850: False})
    response = await peer.request(board, GET, "/3311", accept=TLV)
    assert values_of(response, Path(3311), board).keys() >= {LIGHT_ON, Path(3311, 4, 5850)}


async def test_leaves_out_of_an_instance_what_can_only_be_executed(
    peer: Peer, board: Board
) -> None:
    response = await peer.request(board, GET, "/3/0", accept=TLV)
    values = values_of(response, Path(3, 0), board)
    assert MODEL in values
    assert FACTORY_RESET not in values


async def test_without_accept_it_uses_the_format_it_likes_best(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address, formats=(TEXT, SENML_JSON)) as board:
        resource = await peer.request(board, GET, "/3311/0/5851")
        instance = await peer.request(board, GET, "/3311/0")
    assert resource.opt.content_format == TEXT
    assert instance.opt.content_format == SENML_JSON


async def test_lwm2m_1_0_prefers_tlv(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address, version="1.0") as board:
        response = await peer.request(board, GET, "/3311/0")
    assert response.opt.content_format == TLV


async def test_a_long_answer_comes_in_blocks(peer: Peer) -> None:
    blueprint = Blueprint(
        name="many", instances={Path(3303, number): {5700: 0.5} for number in range(300)}
    )
    async with Board(blueprint, server=peer.address) as board:
        response = await peer.request(board, GET, "/3303", accept=SENML_JSON)
        assert len(values_of(response, Path(3303), board)) == 300


@pytest.mark.parametrize(
    ("path", "accept", "code"),
    [
        ("/3311/0", TEXT, NOT_ACCEPTABLE),
        ("/3/0/11", TEXT, NOT_ACCEPTABLE),
        ("/3311/0", 50, NOT_ACCEPTABLE),
        ("/3303", TLV, NOT_FOUND),
        ("/3311/7", TLV, NOT_FOUND),
        ("/3311/0/5700", TLV, NOT_FOUND),
        ("/3/0/11/9", TLV, NOT_FOUND),
        ("/3/0/0/0", TLV, NOT_FOUND),
        ("/.well-known/core", TLV, NOT_FOUND),
        ("/3/0/4", TLV, METHOD_NOT_ALLOWED),
        ("/", TLV, METHOD_NOT_ALLOWED),
        ("/0/0", TLV, UNAUTHORIZED),
    ],
)
async def test_refuses_to_read(
    peer: Peer, board: Board, path: str, accept: int, code: Code
) -> None:
    assert (await peer.request(board, GET, path, accept=accept)).code == code


async def test_a_format_that_the_board_lacks_is_not_acceptable(peer: Peer) -> None:
    async with Board(COLOUR_LIGHT, server=peer.address, formats=(TLV,)) as board:
        response = await peer.request(board, GET, "/3311/0", accept=SENML_CBOR)
    assert response.code == NOT_ACCEPTABLE


# Discover


@pytest.mark.parametrize(
    ("path", "links"),
    [
        ("/3311", "</3311>,</3311/0>,</3311/0/5850>,</3311/0/5851>,</3311/7>,</3311/7/5850>"),
        ("/3311/7", "</3311/7>,</3311/7/5850>"),
        ("/4/0/4", "</4/0/4>;dim=2"),
    ],
)
async def test_discovers(peer: Peer, path: str, links: str) -> None:
    blueprint = Blueprint(
        name="lights",
        instances={
            Path(4, 0): {4: {0: "192.0.2.1", 1: "192.0.2.2"}},
            Path(3311, 0): {5851: 50, 5850: True},
            Path(3311, 7): {5850: False},
        },
    )
    async with Board(blueprint, server=peer.address) as board:
        response = await peer.request(board, GET, path, accept=ContentFormat.LINK_FORMAT)
    assert response.opt.content_format == ContentFormat.LINK_FORMAT
    assert response.payload.decode() == links


async def test_discover_says_the_version_of_an_object(peer: Peer) -> None:
    async with Board(WEATHER_STATION, server=peer.address) as board:
        response = await peer.request(board, GET, "/3303", accept=ContentFormat.LINK_FORMAT)
    assert response.payload.startswith(b"</3303>;ver=1.1,")


# Write


@pytest.mark.parametrize("content_format", [*STRUCTURED, TEXT])
async def test_writes_a_resource(peer: Peer, board: Board, content_format: ContentFormat) -> None:
    payload = encode(content_format, {LIGHT_DIMMER: 25}, LIGHT_DIMMER, board.model)
    response = await peer.request(
        board, PUT, "/3311/0/5851", payload=payload, content_format=content_format
    )
    assert response.code == CHANGED
    assert await board.written(LIGHT_DIMMER) == 25
    assert board.value(LIGHT_DIMMER) == 25


@pytest.mark.parametrize("content_format", STRUCTURED)
async def test_a_partial_update_leaves_the_rest(
    peer: Peer, board: Board, content_format: ContentFormat
) -> None:
    board.set(LIGHT / 5750, "Desk")
    payload = encode(content_format, {LIGHT_ON: False, LIGHT_DIMMER: 1}, LIGHT, board.model)
    response = await peer.request(
        board, POST, "/3311/0", payload=payload, content_format=content_format
    )
    assert response.code == CHANGED
    assert (board.value(LIGHT_ON), board.value(LIGHT_DIMMER)) == (False, 1)
    assert board.value(LIGHT / 5750) == "Desk"


async def test_replacing_an_instance_gives_the_rest_its_first_values(
    peer: Peer, board: Board
) -> None:
    board.set(LIGHT / 5750, "Desk")
    payload = encode(TLV, {LIGHT_ON: False}, LIGHT, board.model)
    await peer.request(board, PUT, "/3311/0", payload=payload, content_format=TLV)
    assert board.value(LIGHT_ON) is False
    assert board.value(LIGHT / 5750) == "Reading lamp"


async def test_bytes_are_written_and_read_as_they_are(peer: Peer) -> None:
    path = Path(33_000, 0, 7)
    blueprint = Blueprint(name="bytes", instances={path.instance: {7: b""}})
    models = models_of(path, ResourceType.OPAQUE, multiple=False)
    async with Board(blueprint, server=peer.address, models=models) as board:
        await peer.request(board, PUT, str(path), payload=b"\x00\xff", content_format=OPAQUE)
        assert await board.written(path) == b"\x00\xff"
        response = await peer.request(board, GET, str(path), accept=OPAQUE)
        assert response.payload == b"\x00\xff"


@pytest.mark.parametrize(
    ("method", "addresses"), [(POST, {0: "a", 1: "c", 2: "d"}), (PUT, {1: "c", 2: "d"})]
)
async def test_a_multiple_resource_is_extended_or_replaced(
    peer: Peer, method: Code, addresses: dict[int, str]
) -> None:
    path = Path(33_000, 0, 7)
    blueprint = Blueprint(name="list", instances={path.instance: {7: {0: "a", 1: "b"}}})
    models = models_of(path, ResourceType.STRING, multiple=True)
    async with Board(blueprint, server=peer.address, models=models) as board:
        payload = encode(TLV, {path: {1: "c", 2: "d"}}, path, board.model)
        response = await peer.request(board, method, str(path), payload=payload, content_format=TLV)
        assert response.code == CHANGED
        assert board.value(path) == addresses


async def test_without_content_format_a_payload_is_text(peer: Peer, board: Board) -> None:
    response = await peer.request(board, PUT, "/3311/0/5851", payload=b"9")
    assert response.code == CHANGED
    assert board.value(LIGHT_DIMMER) == 9


async def test_a_long_value_arrives_in_blocks(peer: Peer, board: Board) -> None:
    text = "lamp " * 600
    response = await peer.request(
        board, PUT, "/3311/0/5750", payload=text.encode(), content_format=TEXT
    )
    assert response.code == CHANGED
    assert await board.written(LIGHT / 5750) == text


@pytest.mark.parametrize(
    ("method", "path", "payload", "content_format", "code"),
    [
        (PUT, "/3/0/0", b"Other", TEXT, METHOD_NOT_ALLOWED),
        (PUT, "/3/0/4", b"1", TEXT, METHOD_NOT_ALLOWED),
        (PUT, "/3311", b"", TLV, METHOD_NOT_ALLOWED),
        (POST, "/3311", b"", TLV, BAD_REQUEST),
        (DELETE, "/3/0", b"", None, METHOD_NOT_ALLOWED),
        (PUT, "/3311/0/5805", b"1", TEXT, NOT_FOUND),
        (PUT, "/3311/0/5851", b"50", 50, UNSUPPORTED_CONTENT_FORMAT),
        (PUT, "/3311/0/5851", b"bright", TEXT, BAD_REQUEST),
        (PUT, "/3311/0/5851", b"101", TEXT, BAD_REQUEST),
        (PUT, "/3311/0/5851", b"-1", TEXT, BAD_REQUEST),
        (PUT, "/3311/0/5706", b"reddish", TEXT, BAD_REQUEST),
        (POST, "/3311/0", b"\xff\xff", TLV, BAD_REQUEST),
        (POST, "/3311/0", b"1", TEXT, BAD_REQUEST),
    ],
)
async def test_refuses_to_write(
    peer: Peer,
    board: Board,
    method: Code,
    path: str,
    payload: bytes,
    content_format: int | None,
    code: Code,
) -> None:
    before = board.values(LIGHT)
    response = await peer.request(
        board, method, path, payload=payload, content_format=content_format
    )
    assert response.code == code
    assert board.values(LIGHT) == before


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({LIGHT_ON: False, LIGHT / 5805: 1.0}, NOT_FOUND),
        ({LIGHT_ON: False, LIGHT / 5701: "HSV"}, METHOD_NOT_ALLOWED),
        ({LIGHT_ON: False, LIGHT_DIMMER: 400}, BAD_REQUEST),
    ],
)
async def test_a_write_of_several_resources_is_done_or_refused_as_one(
    peer: Peer, board: Board, values: Values, code: Code
) -> None:
    payload = encode(TLV, values, LIGHT, board.model)
    response = await peer.request(board, POST, "/3311/0", payload=payload, content_format=TLV)
    assert response.code == code
    assert board.value(LIGHT_ON) is True


# Execute


async def test_executes_with_arguments(peer: Peer) -> None:
    done: list[tuple[Path, str]] = []
    path = Path(3, 0, 4)
    blueprint = Blueprint(
        name="bell",
        instances={Path(3, 0): {4: lambda board, path, words: done.append((path, words))}},
    )
    async with Board(blueprint, server=peer.address) as board:
        response = await peer.request(board, POST, "/3/0/4", payload=b"0='loud',5")
        assert response.code == CHANGED
        assert await board.executed(path) == "0='loud',5"
    assert done == [(path, "0='loud',5")]


@pytest.mark.parametrize(
    ("path", "payload", "code"),
    [
        ("/3/0/12", b"", CHANGED),
        ("/3/0/12", b"loud", BAD_REQUEST),
        ("/3/0/12", b"1,", BAD_REQUEST),
        ("/3/0/12", b"\xff", BAD_REQUEST),
        ("/3/0/0", b"", METHOD_NOT_ALLOWED),
        ("/3/0/99", b"", NOT_FOUND),
    ],
)
async def test_answers_execute(
    peer: Peer, board: Board, path: str, payload: bytes, code: Code
) -> None:
    assert (await peer.request(board, POST, path, payload=payload)).code == code


async def test_a_plain_read_is_an_event(peer: Peer, board: Board) -> None:
    await peer.request(board, GET, "/3311/0", accept=TLV)
    await board.event(EventKind.READ, LIGHT)
