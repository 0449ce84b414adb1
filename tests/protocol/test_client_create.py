"""Create and Delete, as a registered device sees and answers them.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3.6 and 6.3.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap import (
    BAD_REQUEST,
    CREATED,
    DELETE,
    DELETED,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    POST,
    UNSUPPORTED_CONTENT_FORMAT,
)
import pytest

from custom_components.lwm2m.protocol.codec import decode
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
    from custom_components.lwm2m.protocol.node import Value
    from custom_components.lwm2m.protocol.server import LwM2mServer

    from .conftest import Device

JSON, CBOR, TLV = 110, 112, 11542

LIGHTS = Path(3311)
LIGHT = LIGHTS / 7
RESOURCES: dict[int, Value] = {5850: True, 5851: 40}


@pytest.fixture
async def client(server: LwM2mServer, device: Device) -> Client:
    """A client of LwM2M 1.1 that offers SenML JSON."""
    await device.register("dev", "lwm2m=1.1", payload=b"</>;ct=110,</1/0>,</3/0>,</3311>")
    return server.client("dev")


# Create


@pytest.mark.parametrize(
    ("links", "expected"),
    [("</>;ct=110", JSON), ('</>;ct="110 112"', CBOR), ("</>;ct=11542", TLV), ("</>", TLV)],
)
async def test_an_instance_is_created_under_the_id_that_was_asked_for(
    server: LwM2mServer, device: Device, links: str, expected: int
) -> None:
    await device.register("dev", "lwm2m=1.1", payload=f"{links},</3311>".encode())
    client = server.client("dev")

    created, (request,) = await device.answering(
        client.create(LIGHT, RESOURCES), {"code": CREATED, "location_path": ("3311", "7")}
    )

    assert created == LIGHT
    assert request.code == POST
    assert request.opt.uri_path == ("3311",)
    assert request.opt.content_format == expected
    payload = decode(expected, request.payload, LIGHTS, client.type_of)
    assert payload.values == {LIGHT / 5850: True, LIGHT / 5851: 40}


async def test_a_client_chooses_the_id_that_was_not_asked_for(
    client: Client, device: Device
) -> None:
    created, (request,) = await device.answering(
        client.create(LIGHTS, RESOURCES), {"code": CREATED, "location_path": ("3311", "12")}
    )

    assert created == LIGHTS / 12
    assert request.opt.uri_path == ("3311",)
    assert request.opt.content_format == TLV
    assert request.payload == b"\xe1\x16\xda\x01\xe1\x16\xdb\x28"


async def test_several_instances_are_created_one_after_the_other(
    client: Client, device: Device
) -> None:
    for instance_id in ("0", "1"):
        created, _ = await device.answering(
            client.create(LIGHTS, RESOURCES),
            {"code": CREATED, "location_path": ("3311", instance_id)},
        )
        assert created == LIGHTS / int(instance_id)


async def test_an_instance_may_be_created_empty(client: Client, device: Device) -> None:
    created, (request,) = await device.answering(client.create(LIGHT, {}), (CREATED,))

    assert created == LIGHT
    assert (request.opt.content_format, request.payload) == (TLV, b"\x00\x07")


async def test_an_instance_may_be_created_without_id_and_empty(
    client: Client, device: Device
) -> None:
    created, (request,) = await device.answering(
        client.create(LIGHTS, {}), {"code": CREATED, "location_path": ("3311", "0")}
    )

    assert created == LIGHTS / 0
    assert request.payload == b""


async def test_the_id_that_was_asked_for_need_not_be_repeated(
    client: Client, device: Device
) -> None:
    created, _ = await device.answering(client.create(LIGHT, RESOURCES), (CREATED,))

    assert created == LIGHT


async def test_a_location_below_the_alternate_path_is_understood(
    server: LwM2mServer, device: Device
) -> None:
    links = b'</lwm2m>;rt="oma.lwm2m";ct=110,</lwm2m/3311>'
    await device.register("dev", "lwm2m=1.1", payload=links)

    created, (request,) = await device.answering(
        server.client("dev").create(LIGHT, RESOURCES),
        {"code": CREATED, "location_path": ("lwm2m", "3311", "7")},
    )

    assert created == LIGHT
    assert request.opt.uri_path == ("lwm2m", "3311")


async def test_a_refused_format_gives_way_to_the_next(client: Client, device: Device) -> None:
    _, requests = await device.answering(
        client.create(LIGHT, RESOURCES), (UNSUPPORTED_CONTENT_FORMAT,), (CREATED,)
    )

    assert [request.opt.content_format for request in requests] == [JSON, CBOR]


@pytest.mark.parametrize(
    ("path", "location"),
    [
        (LIGHTS, ()),
        (LIGHTS, ("3303", "0")),
        (LIGHTS, ("3311",)),
        (LIGHTS, ("3311", "x")),
        (LIGHT, ("3311", "8")),
    ],
)
async def test_a_location_that_makes_no_sense_is_a_bad_response(
    client: Client, device: Device, path: Path, location: tuple[str, ...]
) -> None:
    with pytest.raises(BadResponse):
        await device.answering(
            client.create(path, RESOURCES), {"code": CREATED, "location_path": location}
        )


REFUSALS = {
    "the object has one instance and no more": (Path(3), METHOD_NOT_ALLOWED),
    "the instance is there already": (LIGHT, BAD_REQUEST),
    "a mandatory resource is missing": (LIGHTS, BAD_REQUEST),
    "there is no such object": (Path(3300), NOT_FOUND),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_refused_create_is_told(client: Client, device: Device, case: str) -> None:
    path: Path
    code: Code
    path, code = REFUSALS[case]

    with pytest.raises(ClientRefused) as refused:
        await device.answering(client.create(path, {}), (code, b"no"))

    assert (refused.value.code, refused.value.diagnostic) == (code, "no")


async def test_values_that_fit_no_model_are_not_sent(client: Client, device: Device) -> None:
    with pytest.raises(ValueMisfit):
        await client.create(LIGHT, {5851: "bright"})

    assert device.requests.empty()


@pytest.mark.parametrize("path", ["/", "/3311/0/5850"])
async def test_only_instances_are_created(client: Client, path: str) -> None:
    with pytest.raises(BadRequest):
        await client.create(Path.parse(path), {})


# Delete


async def test_delete_an_instance(client: Client, device: Device) -> None:
    _, (request,) = await device.answering(client.delete(LIGHT), (DELETED,))

    assert request.code == DELETE
    assert request.opt.uri_path == ("3311", "7")
    assert request.payload == b""


async def test_delete_a_resource_instance(server: LwM2mServer, device: Device) -> None:
    await device.register("dev", "lwm2m=1.2", payload=b"</2/0>")

    _, (request,) = await device.answering(
        server.client("dev").delete(Path(2, 0, 2, 101)), (DELETED,)
    )

    assert request.opt.uri_path == ("2", "0", "2", "101")


async def test_a_resource_instance_stays_with_a_client_before_1_2(client: Client) -> None:
    with pytest.raises(BadRequest) as error:
        await client.delete(Path(2, 0, 2, 101))

    assert error.value.reason == "the operation needs LwM2M 1.2"


@pytest.mark.parametrize(("path", "code"), [("/3/0", METHOD_NOT_ALLOWED), ("/3311/9", NOT_FOUND)])
async def test_a_refused_delete_is_told(
    client: Client, device: Device, path: str, code: Code
) -> None:
    with pytest.raises(ClientRefused) as refused:
        await device.answering(client.delete(Path.parse(path)), (code,))

    assert refused.value.code == code


@pytest.mark.parametrize("path", ["/", "/3311", "/3311/0/5850"])
async def test_only_instances_are_deleted(client: Client, path: str) -> None:
    with pytest.raises(BadRequest):
        await client.delete(Path.parse(path))
