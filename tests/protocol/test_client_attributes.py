"""Write-Attributes, as a registered device sees and answers it.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 5.1.2 and 6.3.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap import BAD_REQUEST, CHANGED, CONTENT, PUT
import pytest

from custom_components.lwm2m.protocol.attributes import UNSET, Attributes
from custom_components.lwm2m.protocol.errors import BadRequest, ClientRefused
from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.server import LwM2mServer

    from .conftest import Device

OBJECT = Path(3303)
INSTANCE = OBJECT / 0
MEASURED = INSTANCE / 5700
UNIT = INSTANCE / 5701
RESET = INSTANCE / 5605
SWITCHED = Path(3342, 0, 5500)
LEVEL = Path(2, 0, 2, 101)
UNKNOWN = Path(40000, 0, 1)


@pytest.fixture
async def client(server: LwM2mServer, device: Device) -> Client:
    """A client of LwM2M 1.2."""
    await device.register("dev", "lwm2m=1.2", payload=b"</2/0>,</3303/0>,</3342/0>,</40000/0>")
    return server.client("dev")


QUERIES: dict[str, tuple[Path, Attributes, set[str]]] = {
    "pmin": (MEASURED, Attributes(pmin=10), {"pmin=10"}),
    "pmax": (MEASURED, Attributes(pmax=60), {"pmax=60"}),
    "gt": (MEASURED, Attributes(gt=25.5), {"gt=25.5"}),
    "lt": (MEASURED, Attributes(lt=-5.0), {"lt=-5.0"}),
    "st": (MEASURED, Attributes(st=0.5), {"st=0.5"}),
    "epmin": (MEASURED, Attributes(epmin=1), {"epmin=1"}),
    "epmax": (MEASURED, Attributes(epmax=5), {"epmax=5"}),
    "rising edge": (SWITCHED, Attributes(edge=True), {"edge=1"}),
    "falling edge": (SWITCHED, Attributes(edge=False), {"edge=0"}),
    "con": (MEASURED, Attributes(con=True), {"con=1"}),
    "hqmax": (MEASURED, Attributes(hqmax=20), {"hqmax=20"}),
    "zero": (MEASURED, Attributes(pmin=0), {"pmin=0"}),
    "whole number": (MEASURED, Attributes(gt=25), {"gt=25"}),
    "number that Python writes with an exponent": (
        MEASURED,
        Attributes(gt=1e21, st=1e-7),
        {"gt=1000000000000000000000", "st=0.0000001"},
    ),
    "periods": (MEASURED, Attributes(pmin=10, pmax=60), {"pmin=10", "pmax=60"}),
    "equal periods": (MEASURED, Attributes(pmin=60, pmax=60), {"pmin=60", "pmax=60"}),
    "evaluation periods": (MEASURED, Attributes(epmin=1, epmax=1), {"epmin=1", "epmax=1"}),
    "thresholds": (MEASURED, Attributes(gt=30, lt=10), {"gt=30", "lt=10"}),
    "thresholds and a step": (MEASURED, Attributes(gt=30, lt=10, st=9), {"gt=30", "lt=10", "st=9"}),
    "all that a number has": (
        MEASURED,
        Attributes(pmin=1, pmax=9, gt=3, lt=1, st=0.5, epmin=2, epmax=4, con=False, hqmax=5),
        {"pmin=1", "pmax=9", "gt=3", "lt=1", "st=0.5", "epmin=2", "epmax=4", "con=0", "hqmax=5"},
    ),
    "at an object": (OBJECT, Attributes(pmin=10, pmax=60), {"pmin=10", "pmax=60"}),
    "at an instance": (INSTANCE, Attributes(epmin=1, con=True), {"epmin=1", "con=1"}),
    "at a resource instance": (LEVEL, Attributes(gt=3, hqmax=2), {"gt=3", "hqmax=2"}),
    "at a resource that no model describes": (UNKNOWN, Attributes(edge=True), {"edge=1"}),
    "unset": (MEASURED, Attributes(pmin=UNSET), {"pmin"}),
    "unset one and set another": (MEASURED, Attributes(gt=UNSET, pmax=60), {"gt", "pmax=60"}),
    "unset what could not be combined": (
        MEASURED,
        Attributes(pmin=90, pmax=UNSET, gt=UNSET, lt=50),
        {"pmin=90", "pmax", "gt", "lt=50"},
    ),
}


@pytest.mark.parametrize("case", QUERIES)
async def test_attributes_are_parameters_of_a_put_without_payload(
    client: Client, device: Device, case: str
) -> None:
    path, attributes, query = QUERIES[case]

    _, (request,) = await device.answering(client.write_attributes(path, attributes), (CHANGED,))

    assert request.code == PUT
    assert request.opt.uri_path == tuple(map(str, path))
    assert set(request.opt.uri_query) == query
    assert len(request.opt.uri_query) == len(query)
    assert request.opt.content_format is None
    assert request.payload == b""


IMPOSSIBLE: dict[str, tuple[Path, Attributes, str]] = {
    "nothing": (MEASURED, Attributes(), "no attribute is given"),
    "pmin > pmax": (MEASURED, Attributes(pmin=61, pmax=60), "pmin is greater than pmax"),
    "epmin > epmax": (MEASURED, Attributes(epmin=2, epmax=1), "epmin is greater than epmax"),
    "gt < lt": (MEASURED, Attributes(gt=10, lt=30), "gt is not greater than lt"),
    "gt = lt": (MEASURED, Attributes(gt=10, lt=10.0), "gt is not greater than lt"),
    "lt + 2 st = gt": (
        MEASURED,
        Attributes(gt=30, lt=10, st=10),
        "lt and twice st together are not less than gt",
    ),
    "lt + 2 st > gt": (
        MEASURED,
        Attributes(gt=30.0, lt=10, st=10.5),
        "lt and twice st together are not less than gt",
    ),
    "negative period": (MEASURED, Attributes(pmin=-1), "pmin cannot be -1"),
    "negative step": (MEASURED, Attributes(st=-0.5), "st cannot be -0.5"),
    "no number": (MEASURED, Attributes(gt=float("nan")), "gt cannot be nan"),
    "endless": (MEASURED, Attributes(lt=float("-inf")), "lt cannot be -inf"),
    "gt at an object": (OBJECT, Attributes(gt=1), "gt belongs to a resource"),
    "lt at an instance": (INSTANCE, Attributes(lt=1), "lt belongs to a resource"),
    "st at an instance": (INSTANCE, Attributes(st=1), "st belongs to a resource"),
    "edge at an instance": (INSTANCE, Attributes(edge=True), "edge belongs to a resource"),
    "unset at an instance": (INSTANCE, Attributes(gt=UNSET), "gt belongs to a resource"),
    "gt of a text": (UNIT, Attributes(gt=1), "gt means nothing to a resource of its type"),
    "st of a boolean": (SWITCHED, Attributes(st=1), "st means nothing to a resource of its type"),
    "edge of a number": (
        MEASURED,
        Attributes(edge=True),
        "edge means nothing to a resource of its type",
    ),
    "a resource to execute": (
        RESET,
        Attributes(pmin=1),
        "the resource cannot be read, so it cannot be notified either",
    ),
    "the root": (Path(), Attributes(pmin=1), "it is not the path of anything"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
async def test_what_is_impossible_is_not_sent(client: Client, device: Device, case: str) -> None:
    path, attributes, reason = IMPOSSIBLE[case]

    with pytest.raises(BadRequest) as error:
        await client.write_attributes(path, attributes)

    assert error.value.reason == reason
    assert device.requests.empty()


async def test_what_the_client_refuses_is_told(client: Client, device: Device) -> None:
    with pytest.raises(ClientRefused) as refused:
        await device.answering(
            client.write_attributes(MEASURED, Attributes(pmin=10)), (BAD_REQUEST,)
        )

    assert refused.value.code == BAD_REQUEST


@pytest.mark.parametrize(
    ("path", "links", "expected"),
    [
        (OBJECT, "</3303>;pmin=10,</3303/0>,</3303/0/5700>", {"/3303": {"pmin": "10"}}),
        (INSTANCE, "</3303/0>;pmax=60,</3303/0/5700>", {"/3303/0": {"pmax": "60"}}),
        (
            MEASURED,
            "</3303/0/5700>;pmin=10;pmax=60;gt=25.5;lt=-5;st=0.5",
            {"/3303/0/5700": {"pmin": "10", "pmax": "60", "gt": "25.5", "lt": "-5", "st": "0.5"}},
        ),
        (
            MEASURED,
            "</3303/0/5700>;epmin=1;epmax=2;con=1;hqmax=5",
            {"/3303/0/5700": {"epmin": "1", "epmax": "2", "con": "1", "hqmax": "5"}},
        ),
        (SWITCHED, "</3342/0/5500>;edge=1", {"/3342/0/5500": {"edge": "1"}}),
    ],
)
async def test_discover_shows_the_attributes(
    client: Client, device: Device, path: Path, links: str, expected: dict[str, dict[str, str]]
) -> None:
    found, _ = await device.answering(
        client.discover(path), {"code": CONTENT, "payload": links.encode(), "content_format": 40}
    )

    assert {str(known): attributes for known, attributes in found.items() if attributes} == expected
