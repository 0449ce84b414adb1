"""Read and Discover, as a registered device sees and answers them.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3.1 and 6.3.2.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiocoap import (
    BAD_REQUEST,
    CON,
    CONTENT,
    GET,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    NOT_FOUND,
)
import pytest

from custom_components.lwm2m.protocol.coap import PeerLimits, Scheme
from custom_components.lwm2m.protocol.codec import encode
from custom_components.lwm2m.protocol.errors import (
    BadRequest,
    BadResponse,
    ClientRefused,
    ClientTimeout,
    QueueFull,
)
from custom_components.lwm2m.protocol.model.definitions import (
    ObjectModel,
    Operations,
    ResourceModel,
    ResourceType,
)
from custom_components.lwm2m.protocol.model.registry import ModelRegistry
from custom_components.lwm2m.protocol.path import Path

from .conftest import Device, Impatient, MakeDevice, MakeServer

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.node import Values
    from custom_components.lwm2m.protocol.server import LwM2mServer

TEXT, LINK_FORMAT, OPAQUE, JSON, CBOR, TLV = 0, 40, 42, 110, 112, 11542
FORMATS = f'</>;ct="{JSON} {CBOR}",'
LINKS = "</3/0>,</5/0>,</3303/0>,</3303/1>"

MEASURED = Path(3303, 0, 5700)
UNIT = Path(3303, 0, 5701)
VOLTAGES = Path(3, 0, 7)


@pytest.fixture
async def client(server: LwM2mServer, device: Device) -> Client:
    """A client of LwM2M 1.1 that offers SenML in both forms."""
    await device.register("dev", "lwm2m=1.1", payload=f"{FORMATS}{LINKS}".encode())
    return server.client("dev")


def content(client: Client, content_format: int, values: Values, path: Path) -> dict[str, object]:
    """Make an answer with values."""
    payload = encode(content_format, values, path, client.type_of)
    return {"code": CONTENT, "payload": payload, "content_format": content_format}


READS: dict[str, Values] = {
    "/3303": {MEASURED: 21.5, Path(3303, 1, 5700): 4.0},
    "/3303/0": {MEASURED: 21.5, UNIT: "Cel"},
    "/3303/0/5700": {MEASURED: 21.5},
    "/3/0/7": {VOLTAGES: {0: 3300, 1: 5000}},
    "/3/0/7/1": {VOLTAGES: {1: 5000}},
}


@pytest.mark.parametrize("content_format", [JSON, CBOR, TLV])
@pytest.mark.parametrize("path", READS)
async def test_read_is_a_get_of_the_path_at_every_level(
    client: Client, device: Device, path: str, content_format: int
) -> None:
    values = READS[path]
    target = Path.parse(path)

    decoded, (request,) = await device.answering(
        client.read(target), content(client, content_format, values, target)
    )

    assert request.code == GET
    assert request.mtype == CON
    assert request.opt.uri_path == tuple(path.strip("/").split("/"))
    assert decoded.values == values
    assert not decoded.rejected


async def test_values_are_typed_by_the_announced_version_of_the_object(
    server: LwM2mServer, device: Device
) -> None:
    """Object 3 has an integer in resource 9, whatever a text payload looks like."""
    await device.register("dev", payload=b"</3/0>;ver=1.0")

    decoded, _ = await device.answering(
        server.client("dev").read(Path(3, 0, 9)),
        {"code": CONTENT, "payload": b"87", "content_format": TEXT},
    )

    assert decoded.values == {Path(3, 0, 9): 87}


async def test_a_new_version_of_an_object_types_its_values_from_then_on(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    def resource(kind: ResourceType) -> ResourceModel:
        return ResourceModel(id=1, name="", type=kind, operations=Operations.READ)

    def version(number: str, kind: ResourceType) -> ObjectModel:
        return ObjectModel(
            id=42800,
            name="",
            version=number,
            lwm2m_version="1.0",
            multiple=False,
            mandatory=False,
            resources={1: resource(kind)},
        )

    models = ModelRegistry()
    models.add(version("1.0", ResourceType.STRING))
    models.add(version("2.0", ResourceType.INTEGER))
    server = await make_server(models=models)
    device = await make_device(server)
    location = await device.register("dev", payload=b"</42800/0>")
    path, answer = Path(42800, 0, 1), {"code": CONTENT, "payload": b"7", "content_format": TEXT}

    before, _ = await device.answering(server.client("dev").read(path), answer)
    await device.update(location, payload=b"</42800/0>;ver=2.0")
    after, _ = await device.answering(server.client("dev").read(path), answer)

    assert before.values == {path: "7"}
    assert after.values == {path: 7}


async def test_a_value_that_does_not_fit_is_rejected_and_the_others_stay(
    client: Client, device: Device
) -> None:
    payload = b'[{"bn":"/3303/0/","n":"5700","vs":"warm"},{"n":"5701","vs":"Cel"}]'

    decoded, _ = await device.answering(
        client.read(Path(3303, 0)), {"code": CONTENT, "payload": payload, "content_format": JSON}
    )

    assert decoded.values == {UNIT: "Cel"}
    assert decoded.rejected.keys() == {MEASURED}


async def test_a_read_in_blocks_is_put_together(client: Client, device: Device) -> None:
    whole = content(client, JSON, {UNIT: "x" * 100}, UNIT)
    payload = whole["payload"]
    assert isinstance(payload, bytes)
    answers = [
        {**whole, "payload": payload[:64], "block2": (0, True, 2)},
        {"code": CONTENT, "payload": payload[64:], "block2": (1, False, 2)},
    ]

    decoded, _ = await device.answering(client.read(UNIT), *answers)

    assert decoded.values == {UNIT: "x" * 100}


@pytest.mark.parametrize("content_format", [TLV, CBOR])
async def test_a_value_of_one_mebibyte_is_read(
    client: Client, device: Device, content_format: int
) -> None:
    """What a format puts around it counts not."""
    data = Path(19, 0, 0)
    values: Values = {data: {0: bytes(1024 * 1024)}}
    whole = content(client, content_format, values, data)
    payload = whole["payload"]
    assert isinstance(payload, bytes)
    answers = [
        {
            **whole,
            "payload": payload[start : start + 1024],
            "block2": (start // 1024, start + 1024 < len(payload), 6),
        }
        for start in range(0, len(payload), 1024)
    ]

    decoded, _ = await device.answering(client.read(data), *answers)

    assert decoded.values == values


# Which format is asked for


@pytest.mark.parametrize(
    ("version", "links", "accept"),
    [
        ("1.1", '</>;ct="110 112"', CBOR),
        ("1.1", "</>;ct=112", CBOR),
        ("1.1", "</>;ct=110", JSON),
        ("1.1", '</>;ct="110 11542"', JSON),
        ("1.1", "</>;ct=11542", TLV),
        ("1.1", "</>;ct=1542", TLV),
        ("1.1", "</>;ct=60", 60),
        ("1.1", '</>;ct="0 60 11542"', TLV),
        ("1.1", "</>;ct=0", TEXT),
        ("1.1", "</>;ct=42", TLV),
        ("1.1", "</>", TLV),
        ("1.2", "</>;ct=112", CBOR),
        ("1.0", "</>", TLV),
        ("1.0", "</>;ct=11543", TLV),
    ],
)
async def test_the_best_offered_format_is_asked_for(
    server: LwM2mServer, device: Device, version: str, links: str, accept: int
) -> None:
    await device.register("dev", f"lwm2m={version}", payload=f"{links},{LINKS}".encode())

    _, (request,) = await device.answering(server.client("dev").read(MEASURED), (CONTENT,))

    assert request.opt.accept == accept


async def test_a_refused_format_gives_way_to_the_next_and_last_to_none(
    client: Client, device: Device
) -> None:
    decoded, requests = await device.answering(
        client.read(MEASURED),
        (NOT_ACCEPTABLE,),
        (NOT_ACCEPTABLE,),
        {"code": CONTENT, "payload": b"21.5", "content_format": TEXT},
    )

    assert [request.opt.accept for request in requests] == [CBOR, JSON, None]
    assert decoded.values == {MEASURED: 21.5}


async def test_a_refused_format_is_not_asked_for_again(client: Client, device: Device) -> None:
    await device.answering(client.read(MEASURED), (NOT_ACCEPTABLE,), (CONTENT,))

    _, requests = await device.answering(client.read(UNIT), (CONTENT,))

    assert [request.opt.accept for request in requests] == [JSON]


async def test_a_format_refused_for_a_resource_is_asked_for_an_instance(
    client: Client, device: Device
) -> None:
    await device.answering(client.read(MEASURED), (NOT_ACCEPTABLE,), (CONTENT,))

    _, requests = await device.answering(client.read(Path(3303, 0)), (CONTENT,))

    assert [request.opt.accept for request in requests] == [CBOR]


async def test_a_client_that_has_no_format_at_all_has_refused(
    client: Client, device: Device
) -> None:
    with pytest.raises(ClientRefused) as refused:
        await device.answering(client.read(MEASURED), *[(NOT_ACCEPTABLE,)] * 3)

    assert refused.value.code == NOT_ACCEPTABLE


# What comes back


@pytest.mark.parametrize(
    ("content_format", "payload"),
    [
        (TEXT, b"21.5"),
        (JSON, b'[{"n":"/3303/0/5700","v":21.5}]'),
        (TLV, b"\xe8\x16\x44\x08\x40\x35\x80\x00\x00\x00\x00\x00"),
        (1541, b"21.5"),
        (1542, b"\xe8\x16\x44\x08\x40\x35\x80\x00\x00\x00\x00\x00"),
        (1543, b'{"bn":"/3303/0/","e":[{"n":"5700","v":21.5}]}'),
        (11543, b'{"bn":"/3303/0/","e":[{"n":"5700","v":21.5}]}'),
        (60, bytes.fromhex("f94d60")),
        (11544, bytes.fromhex("a1190ce7a100a1191644f94d60")),
        (None, b"21.5"),
        (None, bytes.fromhex("81a2006c2f333330332f302f3537303002f94d60")),
    ],
)
async def test_any_format_in_the_answer_is_coped_with(
    client: Client, device: Device, content_format: int | None, payload: bytes
) -> None:
    decoded, _ = await device.answering(
        client.read(MEASURED),
        {"code": CONTENT, "payload": payload, "content_format": content_format},
    )

    assert decoded.values == {MEASURED: 21.5}


@pytest.mark.parametrize("content_format", [None, JSON, CBOR, TLV])
async def test_an_empty_answer_is_no_values(
    client: Client, device: Device, content_format: int | None
) -> None:
    decoded, _ = await device.answering(
        client.read(Path(3303)), {"code": CONTENT, "content_format": content_format}
    )

    assert not decoded.values
    assert not decoded.rejected


@pytest.mark.parametrize(
    ("content_format", "path", "value"),
    [(TEXT, UNIT, ""), (OPAQUE, Path(5, 0, 0), b"")],
)
async def test_an_empty_text_or_opaque_is_an_empty_value(
    client: Client, device: Device, content_format: int, path: Path, value: object
) -> None:
    decoded, _ = await device.answering(
        client.read(path), {"code": CONTENT, "content_format": content_format}
    )

    assert decoded.values == {path: value}


@pytest.mark.parametrize(
    "answer",
    [
        {"payload": b"{", "content_format": JSON},
        {"payload": b'[{"n":"/3/0/0","vs":"x"}]', "content_format": JSON},
        {"payload": b"<html/>", "content_format": 50},
        {"payload": b"</3303/0>", "content_format": LINK_FORMAT},
        {"payload": b"\xff\xff"},
    ],
    ids=["malformed", "another path", "unknown format", "links", "no format"],
)
async def test_what_cannot_be_understood_is_a_bad_response(
    client: Client, device: Device, answer: dict[str, object]
) -> None:
    with pytest.raises(BadResponse) as bad:
        await device.answering(client.read(Path(3303, 0)), {"code": CONTENT, **answer})

    assert bad.value.placeholders.keys() == {"endpoint", "path", "reason"}


@pytest.mark.parametrize("code", [NOT_FOUND, METHOD_NOT_ALLOWED, BAD_REQUEST])
async def test_an_error_code_is_a_refusal_in_the_clients_own_words(
    client: Client, device: Device, code: object
) -> None:
    with pytest.raises(ClientRefused) as refused:
        await device.answering(client.read(MEASURED), (code, "nichts da für dich".encode()))

    assert refused.value.code == code
    assert refused.value.diagnostic == "nichts da für dich"
    assert refused.value.path == MEASURED
    assert refused.value.endpoint == "dev"


async def test_a_refusal_keeps_no_more_of_the_clients_words_than_fits_a_message(
    client: Client, device: Device
) -> None:
    with pytest.raises(ClientRefused) as refused:
        await device.answering(client.read(MEASURED), (NOT_FOUND, b"x" * 1000))

    assert len(refused.value.diagnostic) == 256


async def test_a_reset_is_a_bad_response(client: Client, device: Device) -> None:
    read = asyncio.create_task(client.read(MEASURED))

    device.reset(await device.next_request())

    with pytest.raises(BadResponse):
        await read


# Who does not answer


async def test_a_client_that_never_acknowledges_times_out(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    server = await make_server(tuning=Impatient())
    device = await make_device(server)
    await device.register("dev")

    with pytest.raises(ClientTimeout):
        await server.client("dev").read(MEASURED)


async def test_a_client_that_acknowledges_and_never_answers_times_out(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    server = await make_server(request_timeout=0.2)
    device = await make_device(server)
    await device.register("dev")
    read = asyncio.create_task(server.client("dev").read(MEASURED))

    device.acknowledge(await device.next_request())

    with pytest.raises(ClientTimeout):
        await read


async def test_a_late_separate_answer_is_taken(client: Client, device: Device) -> None:
    read = asyncio.create_task(client.read(MEASURED))
    request = await device.next_request()
    device.acknowledge(request)

    device.send(device.make(CONTENT, token=request.token, payload=b"21.5", content_format=TEXT))

    assert (await read).values == {MEASURED: 21.5}


async def test_one_lost_request_does_not_harm_the_next(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    server = await make_server(tuning=Impatient())
    device = await make_device(server)
    await device.register("dev")
    with pytest.raises(ClientTimeout):
        await server.client("dev").read(UNIT)
    while not device.requests.empty():
        device.requests.get_nowait()

    decoded, _ = await device.answering(server.client("dev").read(MEASURED), (CONTENT, b"21.5"))

    assert decoded.values == {MEASURED: 21.5}


# Where requests go


async def test_requests_leave_from_the_port_the_client_registered_at(
    client: Client, device: Device, server: LwM2mServer
) -> None:
    _, (request,) = await device.answering(client.read(MEASURED), (CONTENT,))

    assert request.remote == ("127.0.0.1", server.ports[Scheme.COAP])


async def test_requests_go_below_the_alternate_path(server: LwM2mServer, device: Device) -> None:
    await device.register("dev", "lwm2m=1.1", payload=b'</a/b>;rt="oma.lwm2m";ct=110,</a/b/3303/0>')

    decoded, (request,) = await device.answering(
        server.client("dev").read(MEASURED),
        {
            "code": CONTENT,
            "content_format": JSON,
            "payload": b'[{"n":"/a/b/3303/0/5700","v":21.5}]',
        },
    )

    assert request.opt.uri_path == ("a", "b", "3303", "0", "5700")
    assert decoded.values == {MEASURED: 21.5}


async def test_requests_follow_the_client_to_its_new_address(
    server: LwM2mServer, device: Device, make_device: MakeDevice
) -> None:
    location = await device.register("dev")
    client = server.client("dev")
    elsewhere = await make_device(server)
    await elsewhere.update(location)

    decoded, _ = await elsewhere.answering(client.read(MEASURED), (CONTENT, b"21.5"))

    assert decoded.values == {MEASURED: 21.5}


@pytest.mark.parametrize("operation", ["read", "discover"])
async def test_the_root_cannot_be_asked_for(client: Client, operation: str) -> None:
    with pytest.raises(BadRequest):
        await getattr(client, operation)(Path())


# Discover


async def test_discover_lists_paths_and_their_attributes(client: Client, device: Device) -> None:
    found, (request,) = await device.answering(
        client.discover(Path(3303, 0)),
        {
            "code": CONTENT,
            "content_format": LINK_FORMAT,
            "payload": b"</3303/0>;pmin=10,</3303/0/5700>;gt=30;obs,</3303/0/5701>",
        },
    )

    assert request.code == GET
    assert request.opt.accept == LINK_FORMAT
    assert found == {
        Path(3303, 0): {"pmin": "10"},
        MEASURED: {"gt": "30", "obs": None},
        UNIT: {},
    }


async def test_discover_leaves_out_what_was_not_asked_for(client: Client, device: Device) -> None:
    found, _ = await device.answering(
        client.discover(Path(3303)),
        {"code": CONTENT, "payload": b"</3303>,</3303/0>,</3/0>,</firmware>,</>;lwm2m=1.1"},
    )

    assert found.keys() == {Path(3303), Path(3303, 0)}


async def test_discover_takes_the_alternate_path_off(server: LwM2mServer, device: Device) -> None:
    await device.register("dev", payload=b'</lwm2m>;rt="oma.lwm2m",</lwm2m/3303/0>')

    found, _ = await device.answering(
        server.client("dev").discover(Path(3303)), (CONTENT, b"</lwm2m/3303/0/5700>")
    )

    assert found.keys() == {MEASURED}


@pytest.mark.parametrize(
    "answer",
    [{"payload": b"<"}, {"payload": b"21.5", "content_format": TEXT}],
    ids=["malformed", "another format"],
)
async def test_a_discover_that_cannot_be_understood_is_a_bad_response(
    client: Client, device: Device, answer: dict[str, object]
) -> None:
    with pytest.raises(BadResponse):
        await device.answering(client.discover(Path(3303)), {"code": CONTENT, **answer})


async def test_a_refused_discover_is_told(client: Client, device: Device) -> None:
    with pytest.raises(ClientRefused):
        await device.answering(client.discover(Path(3303)), (NOT_FOUND,))


async def test_discover_of_a_resource_instance_is_impossible(client: Client) -> None:
    with pytest.raises(BadRequest):
        await client.discover(Path(3, 0, 7, 0))


async def test_a_request_past_those_that_may_wait_is_refused(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    """Also without queue mode: a client answers one request after the other."""
    server = await make_server(limits=PeerLimits(waiting=1))
    device = await make_device(server)
    await device.register()
    client = server.client("dev")
    waiting = [asyncio.create_task(client.read(MEASURED)) for _ in range(2)]
    await device.next_request()

    with pytest.raises(QueueFull):
        await client.read(MEASURED)
    for task in waiting:
        task.cancel()
