"""Write and Execute, as a registered device sees and answers them.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3.3 and 6.3.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap import (
    CHANGED,
    CON,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    POST,
    PUT,
    UNSUPPORTED_CONTENT_FORMAT,
)
import pytest

from custom_components.lwm2m.protocol.codec import decode
from custom_components.lwm2m.protocol.errors import BadRequest, ClientRefused, ValueMisfit
from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from aiocoap.numbers.codes import Code

    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.node import Values
    from custom_components.lwm2m.protocol.server import LwM2mServer

    from .conftest import Device

TEXT, OPAQUE, JSON, CBOR, TLV = 0, 42, 110, 112, 11542

LIGHT = Path(3311, 0)
ON_OFF = LIGHT / 5850
DIMMER = LIGHT / 5851
PACKAGE = Path(5, 0, 0)
LEVELS = Path(2, 0, 2)
"""A multiple integer resource that can be written."""


@pytest.fixture
async def client(server: LwM2mServer, device: Device) -> Client:
    """A client of LwM2M 1.1 that offers SenML JSON."""
    await device.register("dev", "lwm2m=1.1", payload=b"</>;ct=110,</2/0>,</3/0>,</5/0>,</3311/0>")
    return server.client("dev")


WRITES: dict[str, tuple[Path, Values, bool, Code]] = {
    "replace an instance": (LIGHT, {ON_OFF: True, DIMMER: 40}, True, PUT),
    "update an instance": (LIGHT, {ON_OFF: True, DIMMER: 40}, False, POST),
    "replace a resource": (ON_OFF, {ON_OFF: True}, True, PUT),
    "update a resource": (ON_OFF, {ON_OFF: True}, False, PUT),
    "replace a multiple resource": (LEVELS, {LEVELS: {0: 1, 101: 15}}, True, PUT),
    "update a multiple resource": (LEVELS, {LEVELS: {101: 15}}, False, POST),
    "replace a resource instance": (LEVELS / 101, {LEVELS: {101: 15}}, True, PUT),
    "update a resource instance": (LEVELS / 101, {LEVELS: {101: 15}}, False, PUT),
}


@pytest.mark.parametrize("case", WRITES)
async def test_write_uses_the_method_of_its_level(
    client: Client, device: Device, case: str
) -> None:
    path, values, replace, code = WRITES[case]

    _, (request,) = await device.answering(client.write(path, values, replace=replace), (CHANGED,))

    assert request.code == code
    assert request.mtype == CON
    assert request.opt.uri_path == tuple(map(str, path))
    written = decode(request.opt.content_format, request.payload, path, client.type_of)
    assert written.values == values


@pytest.mark.parametrize(
    ("version", "links", "expected"),
    [
        ("1.1", '</>;ct="110 112"', CBOR),
        ("1.1", "</>;ct=110", JSON),
        ("1.1", "</>;ct=11542", TLV),
        ("1.1", "</>;ct=60", 60),
        ("1.1", "</>;ct=11543", 11543),
        ("1.2", "</>;ct=11544", 11544),
        ("1.2", '</>;ct="11544 11542"', TLV),
        ("1.1", "</>", TLV),
        ("1.0", "</>", TLV),
    ],
)
async def test_write_uses_the_best_offered_format(
    server: LwM2mServer, device: Device, version: str, links: str, expected: int
) -> None:
    await device.register("dev", f"lwm2m={version}", payload=f"{links},</3311/0>".encode())

    _, (request,) = await device.answering(
        server.client("dev").write(ON_OFF, {ON_OFF: True}, replace=True), (CHANGED,)
    )

    assert request.opt.content_format == expected


@pytest.mark.parametrize("code", [UNSUPPORTED_CONTENT_FORMAT, NOT_ACCEPTABLE])
async def test_a_client_that_takes_only_text_is_written_to_in_text(
    client: Client, device: Device, code: Code
) -> None:
    _, requests = await device.answering(
        client.write(DIMMER, {DIMMER: 40}, replace=True), (code,), (code,), (code,), (CHANGED,)
    )

    assert [request.opt.content_format for request in requests] == [JSON, CBOR, TLV, TEXT]
    assert requests[-1].payload == b"40"


async def test_a_1_0_client_is_spared_the_formats_it_cannot_know(
    server: LwM2mServer, device: Device
) -> None:
    await device.register("dev", "lwm2m=1.0", payload=b"</3311/0>")

    _, requests = await device.answering(
        server.client("dev").write(DIMMER, {DIMMER: 40}, replace=True),
        (UNSUPPORTED_CONTENT_FORMAT,),
        (CHANGED,),
    )

    assert [request.opt.content_format for request in requests] == [TLV, TEXT]


async def test_bytes_are_written_opaque_before_text(server: LwM2mServer, device: Device) -> None:
    await device.register("dev", "lwm2m=1.0", payload=b"</5/0>")

    _, requests = await device.answering(
        server.client("dev").write(PACKAGE, {PACKAGE: b"\0\1"}, replace=True),
        (UNSUPPORTED_CONTENT_FORMAT,),
        (CHANGED,),
    )

    assert requests[-1].opt.content_format == OPAQUE
    assert requests[-1].payload == b"\0\1"


async def test_the_format_that_was_taken_comes_first_the_next_time(
    client: Client, device: Device
) -> None:
    await device.answering(
        client.write(DIMMER, {DIMMER: 40}, replace=True),
        (UNSUPPORTED_CONTENT_FORMAT,),
        (CHANGED,),
    )

    _, (request,) = await device.answering(
        client.write(DIMMER, {DIMMER: 50}, replace=True), (CHANGED,)
    )

    assert request.opt.content_format == CBOR


async def test_a_client_that_takes_no_format_has_refused(client: Client, device: Device) -> None:
    with pytest.raises(ClientRefused) as refused:
        await device.answering(
            client.write(LIGHT, {DIMMER: 40}, replace=False), *[(UNSUPPORTED_CONTENT_FORMAT,)] * 3
        )

    assert refused.value.code == UNSUPPORTED_CONTENT_FORMAT


async def test_a_refused_write_is_not_tried_in_another_format(
    client: Client, device: Device
) -> None:
    with pytest.raises(ClientRefused) as refused:
        await device.answering(
            client.write(DIMMER, {DIMMER: 40}, replace=True), (METHOD_NOT_ALLOWED, b"no")
        )

    assert refused.value.code == METHOD_NOT_ALLOWED
    assert device.requests.empty()


async def test_a_large_write_goes_in_blocks(client: Client, device: Device) -> None:
    package = bytes(range(256)) * 8
    client_10 = client.write(PACKAGE, {PACKAGE: package}, replace=True)

    _, requests = await device.answering(
        client_10,
        {"code": 95, "block1": (0, True, 6)},
        {"code": 95, "block1": (1, True, 6)},
        {"code": CHANGED, "block1": (2, False, 6)},
    )

    payload = b"".join(request.payload for request in requests)
    assert decode(JSON, payload, PACKAGE, client.type_of).values == {PACKAGE: package}


MISFITS: dict[str, tuple[Path, Values]] = {
    "wrong type": (DIMMER, {DIMMER: "bright"}),
    "fraction for an integer": (DIMMER, {DIMMER: 40.5}),
    "several for a single resource": (DIMMER, {DIMMER: {0: 40}}),
    "one for a multiple resource": (LEVELS, {LEVELS: 15}),
    "elsewhere": (DIMMER, {ON_OFF: True}),
    "one of several": (LIGHT, {ON_OFF: True, DIMMER: "bright"}),
}


@pytest.mark.parametrize("case", MISFITS)
async def test_a_value_that_does_not_fit_its_model_is_not_sent(
    client: Client, device: Device, case: str
) -> None:
    path, values = MISFITS[case]

    with pytest.raises(ValueMisfit) as misfit:
        await client.write(path, values, replace=True)

    assert misfit.value.path == path
    assert misfit.value.reason
    assert device.requests.empty()


@pytest.mark.parametrize("path", [Path(), Path(3311)])
async def test_write_above_an_instance_is_impossible(client: Client, path: Path) -> None:
    with pytest.raises(BadRequest):
        await client.write(path, {DIMMER: 40}, replace=True)


# Execute


async def test_execute_is_a_post_without_payload(client: Client, device: Device) -> None:
    _, (request,) = await device.answering(client.execute(Path(3, 0, 4)), (CHANGED,))

    assert request.code == POST
    assert request.opt.uri_path == ("3", "0", "4")
    assert request.opt.content_format is None
    assert request.payload == b""


@pytest.mark.parametrize(
    "arguments", ["0", "5='7'", "2='10.3'", "7,0='https://www.oma.org'", "0='a,1b',1", "0=''"]
)
async def test_arguments_go_as_text(client: Client, device: Device, arguments: str) -> None:
    _, (request,) = await device.answering(client.execute(Path(3, 0, 4), arguments), (CHANGED,))

    assert request.opt.content_format == TEXT
    assert request.payload == arguments.encode()


@pytest.mark.parametrize(
    "arguments",
    [
        "10",
        "a",
        "0=7",
        "0='",
        "0='it's'",
        "0='\"'",
        "0='a b'",
        "0='\\'",
        "0='ü'",
        "0,",
        ",0",
        "0 1",
        "0,0",
        "0='a',1,0='b'",
    ],
)
async def test_malformed_arguments_are_not_sent(
    client: Client, device: Device, arguments: str
) -> None:
    with pytest.raises(BadRequest):
        await client.execute(Path(3, 0, 4), arguments)

    assert device.requests.empty()


async def test_a_refused_execute_is_told(client: Client, device: Device) -> None:
    with pytest.raises(ClientRefused) as refused:
        await device.answering(client.execute(Path(3, 0, 0)), (METHOD_NOT_ALLOWED,))

    assert refused.value.code == METHOD_NOT_ALLOWED


@pytest.mark.parametrize("path", [Path(), Path(3), Path(3, 0), Path(3, 0, 4, 0)])
async def test_only_a_resource_can_be_executed(client: Client, path: Path) -> None:
    with pytest.raises(BadRequest):
        await client.execute(path)
