"""Cases of the OMA enabler test specification with the payloads that it gives.

Source: OMA-ETS-LightweightM2M_INT-V1_2-20231003-A 6.3 and 6.6, whose cases of LwM2M 1.1 keep the
identifiers that `docs/conformance.md` lists. Where the text takes POST for one resource it means
PUT, as OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.4 does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiocoap import CHANGED, POST, PUT, UNAUTHORIZED
import pytest

from custom_components.lwm2m.protocol.codec import decode
from custom_components.lwm2m.protocol.errors import ClientRefused
from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.node import Values
    from custom_components.lwm2m.protocol.server import LwM2mServer

    from .conftest import Device

JSON, CBOR, TLV = 110, 112, 11542

SERVER = Path(1, 0)
DEVICE = Path(3, 0)
CELLULAR = Path(10, 0)
SETTINGS: Values = {SERVER / 1: 61, SERVER / 6: True}


async def registered(server: LwM2mServer, device: Device, content_format: int) -> Client:
    """Register a client of LwM2M 1.1 that offers one format."""
    links = f"</>;ct={content_format},</1/0>,</3/0>,</10>;ver=1.1,</10/0>"
    await device.register("dev", "lwm2m=1.1", payload=links.encode())
    return server.client("dev")


SETS: dict[str, tuple[Values, str]] = {
    "LightweightM2M-1.1-int-215": (
        {
            SERVER / 2: 101,
            SERVER / 3: 1010,
            SERVER / 5: 2000,
            SERVER / 6: True,
            SERVER / 7: "U",
        },
        "c10265 c20303f2 c20507d0 c10601 c10755",
    ),
    "LightweightM2M-1.1-int-651": (
        {
            DEVICE / 13: datetime.fromtimestamp(1367491215, UTC),
            DEVICE / 14: "+02:00",
            DEVICE / 15: "Europe/Paris",
        },
        "c40d5182428f c60e2b30323a3030 c80f0c4575726f70652f5061726973",
    ),
    "LightweightM2M-1.1-int-1202": ({CELLULAR / 14: 2}, "c10e02"),
}


@pytest.mark.parametrize(("replace", "code"), [(False, POST), (True, PUT)])
@pytest.mark.parametrize("case", SETS)
async def test_a_set_of_values_is_written_in_the_tlv_of_the_case(
    server: LwM2mServer, device: Device, case: str, replace: bool, code: object
) -> None:
    values, payload = SETS[case]
    client = await registered(server, device, TLV)
    instance = next(iter(values)).instance

    _, (request,) = await device.answering(
        client.write(instance, values, replace=replace), (CHANGED,)
    )

    assert request.code == code
    assert request.opt.content_format == TLV
    assert request.payload == bytes.fromhex(payload)


@pytest.mark.parametrize("content_format", [JSON, CBOR])
async def test_settings_are_written_in_senml(
    server: LwM2mServer, device: Device, content_format: int
) -> None:
    client = await registered(server, device, content_format)

    _, (request,) = await device.answering(
        client.write(SERVER, SETTINGS, replace=False), (CHANGED,)
    )

    assert request.opt.content_format == content_format
    written = decode(content_format, request.payload, SERVER, client.type_of)
    assert written.values == SETTINGS


async def test_a_security_object_that_cannot_be_read_is_told(
    server: LwM2mServer, device: Device
) -> None:
    client = await registered(server, device, JSON)

    with pytest.raises(ClientRefused) as refused:
        await device.answering(client.read(Path(0)), (UNAUTHORIZED,))

    assert refused.value.code == UNAUTHORIZED


async def test_a_security_object_that_cannot_be_written_is_told(
    server: LwM2mServer, device: Device
) -> None:
    client = await registered(server, device, JSON)
    uri = Path(0, 0, 0)

    with pytest.raises(ClientRefused) as refused:
        await device.answering(
            client.write(uri, {uri: "coap://192.0.2.1"}, replace=True), (UNAUTHORIZED,)
        )

    assert refused.value.code == UNAUTHORIZED
