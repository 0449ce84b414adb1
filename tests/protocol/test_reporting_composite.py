"""Observe-Composite, and values with their times, as a registered device sees and does them.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.4.4 to 6.4.6 and 7.4.5.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
import json
from typing import TYPE_CHECKING, Any

from aiocoap import (
    BAD_REQUEST,
    CHANGED,
    CON,
    CONTENT,
    DELETE,
    FETCH,
    GET,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    POST,
    RST,
    UNSUPPORTED_CONTENT_FORMAT,
)
import pytest

from custom_components.lwm2m.protocol.codec import encode
from custom_components.lwm2m.protocol.errors import BadRequest, BadResponse, ClientRefused
from custom_components.lwm2m.protocol.node import Decoded
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.server import Sent

from .conftest import PATIENCE
from .test_reporting import Owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiocoap import Message

    from custom_components.lwm2m.protocol.client import Client, Observation
    from custom_components.lwm2m.protocol.reporting import Readings
    from custom_components.lwm2m.protocol.server import LwM2mServer

    from .conftest import Device, Events

JSON, CBOR = 110, 112

ROOT = Path()
MEASURED = Path(3303, 0, 5700)
ON_OFF = Path(3311, 0, 5850)
POWER_SOURCES = Path(3, 0, 6)
BOTH = (MEASURED, ON_OFF)

FIRST, SECOND = 1_600_000_000, 1_600_000_060


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
async def location(device: Device) -> str:
    """The location of a registered client that offers SenML JSON."""
    return await device.register(
        "dev", "lwm2m=1.1", payload=b"</>;ct=110,</3/0>,</3303/0>,</3311/0>"
    )


@pytest.fixture
async def client(server: LwM2mServer, location: str) -> Client:  # registers it
    return server.client("dev")


def content(measured: float, **options: object) -> dict[str, Any]:
    """Make a response with a temperature and a light that is on."""
    payload = b'[{"n":"/3303/0/5700","v":%.1f},{"n":"/3311/0/5850","vb":true}]' % measured
    return {"code": CONTENT, "payload": payload, "content_format": JSON, **options}


def packed(*records: dict[str, object], **options: object) -> dict[str, Any]:
    return {
        "code": CONTENT,
        "payload": json.dumps(records).encode(),
        "content_format": JSON,
        **options,
    }


async def observe(client: Client, device: Device, owner: Owner) -> tuple[Observation, Message]:
    observation, (request,) = await device.answering(
        client.observe_composite(BOTH, owner.callback, owner.on_end), content(20.0, observe=1)
    )
    return observation, request


# Observe-Composite


@pytest.mark.parametrize(
    "texts",
    [
        ["/3303/0/5700"],
        ["/3303/0/5700", "/3311/0/5850"],
        ["/3/0/6/0", "/3303/0/5700"],
        ["/3303/0", "/3311/0"],
        ["/3303", "/3311"],
        ["/3303", "/3311/0", "/3/0/0", "/3/0/6/0"],
    ],
)
async def test_observe_composite_is_a_fetch_with_observe_0(
    client: Client, device: Device, owner: Owner, texts: list[str]
) -> None:
    observation, (request,) = await device.answering(
        client.observe_composite(map(Path.parse, texts), owner.callback),
        {"code": CONTENT, "observe": 1},
    )

    assert request.code == FETCH
    assert request.opt.observe == 0
    assert request.opt.uri_path == ()
    assert request.opt.content_format == request.opt.accept == JSON
    assert {record["n"] for record in json.loads(request.payload)} == set(texts)
    assert observation.active


async def test_the_first_answer_is_the_initial_value(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, _ = await observe(client, device, owner)

    assert observation.initial == Decoded({MEASURED: 20.0, ON_OFF: True})
    assert owner.knows_of_nothing_more


async def test_notifications_reach_the_owner_in_order(
    client: Client, device: Device, owner: Owner
) -> None:
    _, request = await observe(client, device, owner)

    device.notify(request, **content(21.0, observe=2))
    device.notify(request, **packed({"n": "/3311/0/5850", "vb": False}, observe=3))

    assert (await owner.told()).values == {MEASURED: 21.0, ON_OFF: True}
    assert (await owner.told()).values == {ON_OFF: False}


async def test_two_composites_are_told_apart(client: Client, device: Device) -> None:
    owners = Owner(), Owner()
    requests = [(await observe(client, device, owner))[1] for owner in owners]

    device.notify(requests[1], **content(23.0, observe=2))

    assert (await owners[1].told()).values == {MEASURED: 23.0, ON_OFF: True}
    assert owners[0].knows_of_nothing_more


async def test_a_composite_that_the_client_does_not_observe_is_read_once(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, _ = await device.answering(
        client.observe_composite(BOTH, owner.callback, owner.on_end), content(20.0)
    )

    assert not observation.active
    assert observation.initial.values == {MEASURED: 20.0, ON_OFF: True}


@pytest.mark.parametrize("code", [METHOD_NOT_ALLOWED, NOT_FOUND, BAD_REQUEST])
async def test_a_refused_composite_is_told(
    client: Client, device: Device, owner: Owner, code: Any
) -> None:
    with pytest.raises(ClientRefused) as refused:
        await device.answering(client.observe_composite(BOTH, owner.callback), (code,))

    assert refused.value.code == code


async def test_a_refused_format_gives_way_to_the_next(
    server: LwM2mServer, device: Device, owner: Owner
) -> None:
    await device.register("dev", "lwm2m=1.1", payload=b'</>;ct="110 112",</3303/0>,</3311/0>')

    observation, requests = await device.answering(
        server.client("dev").observe_composite(BOTH, owner.callback),
        (UNSUPPORTED_CONTENT_FORMAT,),
        content(20.0, observe=1),
    )

    assert [request.opt.content_format for request in requests] == [CBOR, JSON]
    assert observation.active


async def test_a_composite_that_answers_what_was_not_asked_for_is_not_kept(
    client: Client, device: Device, owner: Owner
) -> None:
    answer = packed({"n": "/3303/0/5601", "v": 1}, observe=1)
    with pytest.raises(BadResponse):
        await device.answering(client.observe_composite(BOTH, owner.callback), answer)
    request = device.log[-1]

    device.notify(request, **content(21.0, observe=2), mtype=CON)

    assert (await device.next_answer()).mtype == RST


async def test_a_notification_of_what_was_not_asked_for_is_told_as_rejected(
    client: Client, device: Device, owner: Owner
) -> None:
    _, request = await observe(client, device, owner)

    device.notify(request, **packed({"n": "/3303/0/5601", "v": 1}, observe=2))

    assert await owner.told() == Decoded(rejected={ROOT: "/3303/0/5601 was not asked for"})


async def test_an_error_notification_ends_the_composite(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, request = await observe(client, device, owner)

    device.notify(request, NOT_FOUND)

    assert await owner.ended() is observation
    assert isinstance(observation.ended_by, ClientRefused)


async def test_deregistering_ends_the_composite(
    client: Client, device: Device, owner: Owner, location: str
) -> None:
    observation, _ = await observe(client, device, owner)

    await device.request(DELETE, "rd", location)

    assert await owner.ended() is observation


async def test_overlapping_paths_are_not_observed(client: Client, owner: Owner) -> None:
    with pytest.raises(BadRequest):
        await client.observe_composite([MEASURED, Path(3303)], owner.callback)


async def test_a_client_of_1_0_knows_no_composites(
    server: LwM2mServer, device: Device, owner: Owner
) -> None:
    await device.register("dev", "lwm2m=1.0")

    with pytest.raises(BadRequest):
        await server.client("dev").observe_composite(BOTH, owner.callback)


# Cancel


async def test_a_cancelled_composite_is_rejected_at_its_next_notification(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, request = await observe(client, device, owner)

    observation.cancel()
    notification = device.notify(request, **content(21.0, observe=2), mtype=CON)

    answer = await device.next_answer()
    assert (answer.mtype, answer.mid) == (RST, notification.mid)
    assert owner.knows_of_nothing_more


async def test_an_actively_cancelled_composite_is_told_to_the_client(
    client: Client, device: Device, owner: Owner
) -> None:
    """All but the value of Observe is as it was (RFC 7641 3.6), which paths it is about included.

    What cancels a composite was under discussion (OMA_LwM2M_for_Developers#481).
    """
    observation, first = await observe(client, device, owner)

    _, (request,) = await device.answering(observation.cancel_actively(), content(20.0))

    assert request.code == FETCH
    assert request.token == first.token
    assert request.opt.observe == 1
    assert request.payload == first.payload
    assert request.opt.content_format == first.opt.content_format
    assert not observation.active


# Values with their times


class Listener:
    """Who observes and wants to know the times."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[Readings] = asyncio.Queue()
        self.callback = self._told.put_nowait

    async def told(self) -> Readings:
        async with asyncio.timeout(PATIENCE):
            return await self._told.get()


TIMED: dict[str, tuple[tuple[dict[str, object], ...], Readings]] = {
    "without a time": (({"n": "/3303/0/5700", "v": 1},), [(None, Decoded({MEASURED: 1}))]),
    "one time": (
        ({"n": "/3303/0/5700", "v": 1, "t": FIRST},),
        [(at(FIRST), Decoded({MEASURED: 1}))],
    ),
    "several times, the newest first": (
        ({"bn": "/3303/0/5700", "bt": SECOND, "v": 2}, {"t": FIRST - SECOND, "v": 1}),
        [(at(FIRST), Decoded({MEASURED: 1})), (at(SECOND), Decoded({MEASURED: 2}))],
    ),
}


@pytest.mark.parametrize("case", TIMED)
@pytest.mark.parametrize("asked", [(MEASURED,), BOTH])
async def test_each_time_of_a_notification_is_told_apart(
    client: Client, device: Device, case: str, asked: tuple[Path, ...]
) -> None:
    records, readings = TIMED[case]
    listener = Listener()
    _, (request,) = await device.answering(
        client.observe_timed(asked, listener.callback), {"code": CONTENT, "observe": 1}
    )

    device.notify(request, **packed(*records, observe=2))

    assert request.code == (GET if len(asked) == 1 else FETCH)
    assert await listener.told() == readings


@pytest.mark.parametrize(
    "start",
    [
        lambda client, callback: client.observe(MEASURED, callback),
        lambda client, callback: client.observe_composite(BOTH, callback),
    ],
    ids=["observe", "observe-composite"],
)
async def test_of_several_times_the_latest_holds(
    client: Client, device: Device, owner: Owner, start: Callable[..., Any]
) -> None:
    records: tuple[dict[str, object], ...] = (
        {"bn": "/3303/0/5700", "bt": SECOND, "v": 2},
        {"t": FIRST - SECOND, "v": 1},
    )

    observation, (request,) = await device.answering(
        start(client, owner.callback), packed(*records, observe=1)
    )
    device.notify(request, **packed(*records, observe=2))

    assert observation.initial == Decoded({MEASURED: 2})
    assert await owner.told() == Decoded({MEASURED: 2})


async def test_instances_of_different_times_make_one_value(
    client: Client, device: Device, owner: Owner
) -> None:
    _, (request,) = await device.answering(
        client.observe(POWER_SOURCES, owner.callback), {"code": CONTENT, "observe": 1}
    )

    device.notify(
        request,
        **packed(
            {"bn": "/3/0/6/", "n": "0", "v": 1, "t": FIRST},
            {"n": "1", "v": 5, "t": FIRST},
            {"n": "1", "v": 6, "t": SECOND},
            observe=2,
        ),
    )

    assert (await owner.told()).values == {POWER_SOURCES: {0: 1, 1: 6}}


async def test_a_timed_value_of_another_path_is_told_as_rejected(
    client: Client, device: Device
) -> None:
    listener = Listener()
    _, (request,) = await device.answering(
        client.observe_timed((MEASURED,), listener.callback), {"code": CONTENT, "observe": 1}
    )

    device.notify(request, **packed({"n": "/3303/1/5700", "v": 1, "t": FIRST}, observe=2))

    ((time, decoded),) = await listener.told()
    assert time is None
    assert not decoded.values
    assert decoded.rejected.keys() == {MEASURED}


async def test_an_empty_pack_is_a_resource_without_instances(
    client: Client, device: Device, owner: Owner
) -> None:
    _, (request,) = await device.answering(
        client.observe(POWER_SOURCES, owner.callback), {"code": CONTENT, "observe": 1}
    )

    device.notify(request, **packed(observe=2))

    assert (await owner.told()).values == {POWER_SOURCES: {}}


async def test_a_send_tells_each_time_apart(client: Client, device: Device, events: Events) -> None:
    records = (
        {"bn": "/3303/0/5700", "bt": SECOND, "v": 22.0},
        {"t": FIRST - SECOND, "v": 21.0},
        {"bn": "/3311/0/5850", "bt": FIRST, "vb": True},
    )

    response = await device.request(
        POST, "dp", payload=json.dumps(records).encode(), content_format=JSON
    )

    assert response.code == CHANGED
    assert await events.next() == Sent(
        client.registration,
        [
            (at(FIRST), Decoded({MEASURED: 21.0, ON_OFF: True})),
            (at(SECOND), Decoded({MEASURED: 22.0})),
        ],
    )


async def test_a_send_of_an_object_that_is_not_registered_is_refused_whatever_its_time(
    client: Client, device: Device, events: Events
) -> None:
    records = (
        {"n": "/3303/0/5700", "v": 1, "t": SECOND},
        {"n": "/3304/0/5700", "v": 1, "t": FIRST},
    )

    response = await device.request(
        POST, "dp", payload=json.dumps(records).encode(), content_format=JSON
    )

    assert response.code == NOT_FOUND
    assert events.empty


async def test_a_notification_in_cbor_is_understood_too(
    client: Client, device: Device, owner: Owner
) -> None:
    _, request = await observe(client, device, owner)

    device.notify(
        request,
        CONTENT,
        encode(CBOR, {MEASURED: 22.0}, ROOT, client.type_of),
        content_format=CBOR,
        observe=2,
    )

    assert (await owner.told()).values == {MEASURED: 22.0}
