"""Read-Composite and Write-Composite, as a registered device sees and answers them.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3.8 and 6.3.9.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiocoap import (
    BAD_REQUEST,
    CHANGED,
    CONTENT,
    FETCH,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    UNSUPPORTED_CONTENT_FORMAT,
    iPATCH,
)
import cbor2
import pytest

from custom_components.lwm2m.protocol.codec import decode, encode
from custom_components.lwm2m.protocol.errors import (
    BadRequest,
    BadResponse,
    ClientRefused,
    ValueMisfit,
)
from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from aiocoap.numbers.codes import Code

    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.node import Values
    from custom_components.lwm2m.protocol.server import LwM2mServer

    from .conftest import Device

JSON, CBOR, TLV, ETCH_JSON, ETCH_CBOR = 110, 112, 11542, 320, 322

ROOT = Path()
MANUFACTURER = Path(3, 0, 0)
POWER_SOURCES = Path(3, 0, 6)
MEASURED = Path(3303, 0, 5700)
ON_OFF = Path(3311, 0, 5850)
LEVELS = Path(2, 0, 2)
LINKS = "</1/0>,</2/0>,</3/0>,</3303/0>,</3303/1>,</3311/0>"


async def registered(
    server: LwM2mServer, device: Device, content_formats: str = "110", version: str = "1.1"
) -> Client:
    await device.register(
        "dev", f"lwm2m={version}", payload=f'</>;ct="{content_formats}",{LINKS}'.encode()
    )
    return server.client("dev")


@pytest.fixture
async def client(server: LwM2mServer, device: Device) -> Client:
    """A client of LwM2M 1.1 that offers SenML JSON."""
    return await registered(server, device)


def paths(*texts: str) -> list[Path]:
    return [Path.parse(text) for text in texts]


# Read-Composite

READS: dict[str, tuple[list[Path], Values]] = {
    "one resource": ([MEASURED], {MEASURED: 21.5}),
    "resources of several objects": ([MANUFACTURER, MEASURED], {MANUFACTURER: "A", MEASURED: 21.5}),
    "a multiple resource": ([POWER_SOURCES], {POWER_SOURCES: {0: 1, 1: 5}}),
    "a resource instance": ([POWER_SOURCES / 1], {POWER_SOURCES: {1: 5}}),
    "resource instances beside a resource": (
        [POWER_SOURCES / 0, POWER_SOURCES / 1, ON_OFF],
        {POWER_SOURCES: {0: 1, 1: 5}, ON_OFF: True},
    ),
    "an instance": ([Path(3303, 0)], {MEASURED: 21.5, Path(3303, 0, 5701): "Cel"}),
    "an object": ([Path(3303)], {MEASURED: 21.5, Path(3303, 1, 5700): -3.0}),
    "an object, an instance and a resource": (
        [Path(3303), Path(3311, 0), MANUFACTURER],
        {MEASURED: 21.5, ON_OFF: False, MANUFACTURER: "A"},
    ),
    "the root": ([ROOT], {MEASURED: 21.5, MANUFACTURER: "A"}),
    "what the client has not": ([MEASURED, Path(3303, 9)], {MEASURED: 21.5}),
    "nothing that the client has": ([Path(3303, 9)], {}),
}


@pytest.mark.parametrize("content_format", [JSON, CBOR])
@pytest.mark.parametrize("case", READS)
async def test_read_composite(
    server: LwM2mServer, device: Device, case: str, content_format: int
) -> None:
    client = await registered(server, device, str(content_format))
    asked, values = READS[case]
    payload = encode(content_format, values, ROOT, client.type_of)

    decoded, (request,) = await device.answering(
        client.read_composite(asked),
        {"code": CONTENT, "payload": payload, "content_format": content_format},
    )

    assert decoded.values == values
    assert not decoded.rejected
    assert request.code == FETCH
    assert request.opt.uri_path == ()
    assert request.opt.observe is None
    assert request.opt.accept == request.opt.content_format == content_format


async def test_the_paths_are_names_without_values(server: LwM2mServer, device: Device) -> None:
    client = await registered(server, device, "110")

    _, (request,) = await device.answering(
        client.read_composite(paths("/3303", "/3/0/0", "/3/0/6/1")), (CONTENT,)
    )

    assert json.loads(request.payload) == [{"n": "/3/0/0"}, {"n": "/3/0/6/1"}, {"n": "/3303"}]


async def test_the_paths_in_cbor(server: LwM2mServer, device: Device) -> None:
    client = await registered(server, device, "112")

    _, (request,) = await device.answering(client.read_composite(paths("/3/0/0", "/1")), (CONTENT,))

    assert cbor2.loads(request.payload) == [{0: "/1"}, {0: "/3/0/0"}]


async def test_the_alternate_path_is_in_front_of_all_paths(
    server: LwM2mServer, device: Device
) -> None:
    links = b'</lwm2m>;rt="oma.lwm2m";ct=110,</lwm2m/3/0>'
    await device.register("dev", "lwm2m=1.1", payload=links)

    decoded, (request,) = await device.answering(
        server.client("dev").read_composite([MANUFACTURER]),
        {"code": CONTENT, "payload": b'[{"n":"/lwm2m/3/0/0","vs":"A"}]', "content_format": JSON},
    )

    assert request.opt.uri_path == ("lwm2m",)
    assert json.loads(request.payload) == [{"n": "/lwm2m/3/0/0"}]
    assert decoded.values == {MANUFACTURER: "A"}


@pytest.mark.parametrize(
    ("content_formats", "expected"),
    [
        ("110", (JSON, JSON)),
        ("110 112", (CBOR, CBOR)),
        ("110 320", (ETCH_JSON, JSON)),
        ("112 322", (ETCH_CBOR, CBOR)),
        ("11542", (CBOR, CBOR)),
    ],
)
async def test_the_formats_of_a_composite_are_those_that_the_client_offers(
    server: LwM2mServer, device: Device, content_formats: str, expected: tuple[int, int]
) -> None:
    client = await registered(server, device, content_formats, "1.2")

    _, (request,) = await device.answering(client.read_composite([MEASURED]), (CONTENT,))

    assert (request.opt.content_format, request.opt.accept) == expected


@pytest.mark.parametrize("code", [UNSUPPORTED_CONTENT_FORMAT, NOT_ACCEPTABLE])
async def test_a_refused_format_gives_way_to_the_next(
    server: LwM2mServer, device: Device, code: Code
) -> None:
    client = await registered(server, device, "110 112")

    _, requests = await device.answering(client.read_composite([MEASURED]), (code,), (CONTENT,))

    assert [request.opt.accept for request in requests] == [CBOR, JSON]


async def test_an_answer_without_a_format_is_read_as_what_was_asked_for(
    client: Client, device: Device
) -> None:
    decoded, _ = await device.answering(
        client.read_composite([MEASURED]), (CONTENT, b'[{"n":"/3303/0/5700","v":21.5}]')
    )

    assert decoded.values == {MEASURED: 21.5}


async def test_of_an_answer_with_several_times_the_latest_holds(
    client: Client, device: Device
) -> None:
    payload = (
        b'[{"bn":"/3303/0/5700","bt":1600000000,"v":1},{"t":60,"v":3},{"t":30,"v":2},'
        b'{"bn":"/3/0/0","bt":0,"vs":"A"}]'
    )

    decoded, _ = await device.answering(
        client.read_composite([MEASURED, MANUFACTURER]),
        {"code": CONTENT, "payload": payload, "content_format": JSON},
    )

    assert decoded.values == {MEASURED: 3, MANUFACTURER: "A"}


async def test_a_value_that_does_not_fit_is_rejected_and_the_others_stay(
    client: Client, device: Device
) -> None:
    payload = b'[{"n":"/3303/0/5700","vs":"warm"},{"n":"/3/0/0","vs":"A"}]'

    decoded, _ = await device.answering(
        client.read_composite([MEASURED, MANUFACTURER]),
        {"code": CONTENT, "payload": payload, "content_format": JSON},
    )

    assert decoded.values == {MANUFACTURER: "A"}
    assert decoded.rejected.keys() == {MEASURED}


@pytest.mark.parametrize(
    "payload",
    [
        b'[{"n":"/3303/0/5700","v":1},{"n":"/3303/0/5601","v":1}]',
        b'[{"n":"/3303/0/5601","vs":"rejected too"}]',
        b"{",
    ],
)
async def test_an_answer_that_was_not_asked_for_is_a_bad_response(
    client: Client, device: Device, payload: bytes
) -> None:
    with pytest.raises(BadResponse):
        await device.answering(
            client.read_composite([MEASURED]),
            {"code": CONTENT, "payload": payload, "content_format": JSON},
        )


@pytest.mark.parametrize("code", [METHOD_NOT_ALLOWED, NOT_FOUND, BAD_REQUEST])
async def test_a_refused_read_composite_is_told(client: Client, device: Device, code: Code) -> None:
    with pytest.raises(ClientRefused) as refused:
        await device.answering(client.read_composite([MEASURED]), (code,))

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ([], "no path is given"),
        (["/3303/0", "/3/0/0", "/3303"], "the path covers /3303/0"),
        (["/3/0/6/1", "/3/0/6"], "the path covers /3/0/6/1"),
        (["/3/0/0", "/3/0/0"], "the path covers /3/0/0"),
        (["/", "/3"], "the path covers /3"),
    ],
)
async def test_paths_that_make_no_sense_are_not_sent(
    client: Client, device: Device, asked: list[str], reason: str
) -> None:
    with pytest.raises(BadRequest) as error:
        await client.read_composite(paths(*asked))

    assert error.value.reason == reason
    assert device.requests.empty()


async def test_a_client_of_1_0_knows_no_composites(server: LwM2mServer, device: Device) -> None:
    client = await registered(server, device, version="1.0")

    with pytest.raises(BadRequest, match=r"needs LwM2M 1\.1"):
        await client.read_composite([MEASURED])


# Write-Composite

WRITES: dict[str, Values] = {
    "one resource": {ON_OFF: True},
    "resources of several objects": {ON_OFF: True, Path(3, 0, 14): "+02:00"},
    "resources of several instances": {ON_OFF: True, Path(3311, 1, 5851): 30},
    "instances of a multiple resource": {LEVELS: {101: 15, 102: 1}, ON_OFF: False},
}


@pytest.mark.parametrize("content_format", [JSON, CBOR])
@pytest.mark.parametrize("case", WRITES)
async def test_write_composite(
    server: LwM2mServer, device: Device, case: str, content_format: int
) -> None:
    client = await registered(server, device, str(content_format))

    _, (request,) = await device.answering(client.write_composite(WRITES[case]), (CHANGED,))

    assert request.code == iPATCH
    assert request.opt.uri_path == ()
    assert request.opt.content_format == content_format
    assert request.opt.accept is None
    written = decode(content_format, request.payload, ROOT, client.type_of)
    assert written.values == WRITES[case]


async def test_write_composite_in_the_format_of_its_own(
    server: LwM2mServer, device: Device
) -> None:
    client = await registered(server, device, "112 322", "1.2")

    _, (request,) = await device.answering(client.write_composite({ON_OFF: True}), (CHANGED,))

    assert request.opt.content_format == ETCH_CBOR
    assert cbor2.loads(request.payload) == [{-2: "/", 0: "3311/0/5850", 4: True}]


async def test_write_composite_gives_way_to_the_next_format(
    server: LwM2mServer, device: Device
) -> None:
    client = await registered(server, device, "110 112")

    _, requests = await device.answering(
        client.write_composite({ON_OFF: True}), (UNSUPPORTED_CONTENT_FORMAT,), (CHANGED,)
    )

    assert [request.opt.content_format for request in requests] == [CBOR, JSON]


@pytest.mark.parametrize("code", [METHOD_NOT_ALLOWED, NOT_FOUND, BAD_REQUEST])
async def test_a_refused_write_composite_is_told(
    client: Client, device: Device, code: Code
) -> None:
    with pytest.raises(ClientRefused) as refused:
        await device.answering(client.write_composite({ON_OFF: True}), (code,))

    assert refused.value.code == code


@pytest.mark.parametrize(
    "values",
    [{Path(3311, 0, 5851): "bright", ON_OFF: True}, {LEVELS: {}}, {Path(3311, 0): 1}],
)
async def test_values_that_cannot_be_written_are_not_sent(
    client: Client, device: Device, values: Values
) -> None:
    with pytest.raises(ValueMisfit):
        await client.write_composite(values)

    assert device.requests.empty()


async def test_nothing_cannot_be_written(client: Client) -> None:
    with pytest.raises(BadRequest, match="no path is given"):
        await client.write_composite({})
