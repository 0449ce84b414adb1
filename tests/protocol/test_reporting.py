"""Observe, Notify, Cancel and Send, as a registered device sees and does them.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.4, RFC 7641.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiocoap import (
    ACK,
    BAD_REQUEST,
    CHANGED,
    CON,
    CONTENT,
    DELETE,
    GET,
    METHOD_NOT_ALLOWED,
    NON,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    POST,
    RST,
    UNSUPPORTED_CONTENT_FORMAT,
    Message,
)
import pytest

from custom_components.lwm2m.protocol.codec import encode
from custom_components.lwm2m.protocol.errors import (
    BadRequest,
    BadResponse,
    ClientRefused,
    NotRegistered,
)
from custom_components.lwm2m.protocol.node import Decoded, Values
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.reporting import latest
from custom_components.lwm2m.protocol.server import Sent

from .conftest import PATIENCE, Device, Events, MakeDevice

if TYPE_CHECKING:
    from aiocoap.numbers.codes import Code

    from custom_components.lwm2m.protocol.client import Client, Observation
    from custom_components.lwm2m.protocol.server import LwM2mServer

TEXT, JSON, CBOR, TLV = 0, 110, 112, 11542
LINKS = b"</>;ct=110,</3/0>,</3303/0>"

INSTANCE = Path(3303, 0)
MEASURED = INSTANCE / 5700
UNIT = INSTANCE / 5701


class Owner:
    """Who observes: keeps what it is told."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[Decoded] = asyncio.Queue()
        self._ended: asyncio.Queue[Observation] = asyncio.Queue()
        self.callback = self._told.put_nowait
        self.on_end = self._ended.put_nowait

    async def told(self) -> Decoded:
        """Wait for the next values."""
        async with asyncio.timeout(PATIENCE):
            return await self._told.get()

    async def ended(self) -> Observation:
        """Wait for the end."""
        async with asyncio.timeout(PATIENCE):
            return await self._ended.get()

    @property
    def knows_of_nothing_more(self) -> bool:
        """Whether all was taken."""
        return self._told.empty() and self._ended.empty()


@pytest.fixture
def owner() -> Owner:
    """An owner of observations."""
    return Owner()


@pytest.fixture
async def location(device: Device) -> str:
    """The location of a registered client that offers SenML JSON."""
    return await device.register("dev", "lwm2m=1.1", payload=LINKS)


@pytest.fixture
async def client(server: LwM2mServer, location: str) -> Client:  # registers it
    """The registered client."""
    return server.client("dev")


def content(celsius: float, **options: object) -> dict[str, Any]:
    """Make a response with a temperature."""
    payload = b'[{"n":"/3303/0/5700","v":%.1f}]' % celsius
    return {"code": CONTENT, "payload": payload, "content_format": JSON, **options}


async def observe(
    client: Client, device: Device, owner: Owner, path: Path = MEASURED
) -> tuple[Observation, Message]:
    """Observe, and return the observation and its request."""
    observation, (request,) = await device.answering(
        client.observe(path, owner.callback, owner.on_end), content(20.0, observe=1)
    )
    return observation, request


# Observe


@pytest.mark.parametrize("path", ["/3303", "/3303/0", "/3303/0/5700", "/3/0/7/0"])
async def test_observe_is_a_get_with_observe_0_at_every_level(
    client: Client, device: Device, owner: Owner, path: str
) -> None:
    target = Path.parse(path)

    observation, (request,) = await device.answering(
        client.observe(target, owner.callback), {"code": CONTENT, "observe": 1}
    )

    assert request.code == GET
    assert request.opt.observe == 0
    assert request.opt.accept == JSON
    assert request.opt.uri_path == tuple(path.strip("/").split("/"))
    assert observation.path == target
    assert observation.active


async def test_the_first_answer_is_the_initial_value(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, _ = await observe(client, device, owner)

    assert observation.initial == Decoded({MEASURED: 20.0})
    assert owner.knows_of_nothing_more


async def test_a_client_that_answers_without_observing_is_not_observed(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, _ = await device.answering(
        client.observe(MEASURED, owner.callback, owner.on_end), content(20.0)
    )

    assert not observation.active
    assert observation.initial.values == {MEASURED: 20.0}


async def test_a_refused_observe_is_told(client: Client, device: Device, owner: Owner) -> None:
    with pytest.raises(ClientRefused) as refused:
        await device.answering(
            client.observe(MEASURED, owner.callback, owner.on_end), (METHOD_NOT_ALLOWED,)
        )

    assert refused.value.code == METHOD_NOT_ALLOWED
    assert owner.knows_of_nothing_more


async def test_a_refused_format_gives_way_to_the_next(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, requests = await device.answering(
        client.observe(MEASURED, owner.callback),
        (NOT_ACCEPTABLE,),
        {"code": CONTENT, "payload": b"20.0", "content_format": TEXT, "observe": 1},
    )

    assert [request.opt.accept for request in requests] == [JSON, None]
    assert observation.initial.values == {MEASURED: 20.0}


async def test_an_observation_whose_first_answer_is_garbage_is_not_kept(
    client: Client, device: Device, owner: Owner
) -> None:
    with pytest.raises(BadResponse):
        await device.answering(
            client.observe(MEASURED, owner.callback, owner.on_end),
            content(20.0, payload=b"{", observe=1),
        )
    request = device.log[-1]

    device.notify(request, **content(21.0, observe=2), mtype=CON)

    assert (await device.next_answer()).mtype == RST
    assert owner.knows_of_nothing_more


async def test_the_root_cannot_be_observed(client: Client, owner: Owner) -> None:
    with pytest.raises(BadRequest):
        await client.observe(Path(), owner.callback)


# Notify


@pytest.mark.parametrize("mtype", [CON, NON])
async def test_a_notification_reaches_the_owner(
    client: Client, device: Device, owner: Owner, mtype: object
) -> None:
    _, request = await observe(client, device, owner)

    device.notify(request, **content(21.5, observe=2), mtype=mtype)

    assert await owner.told() == Decoded({MEASURED: 21.5})


async def test_a_confirmable_notification_is_acknowledged(
    client: Client, device: Device, owner: Owner
) -> None:
    _, request = await observe(client, device, owner)

    notification = device.notify(request, **content(21.5, observe=2), mtype=CON)

    answer = await device.next_answer()
    assert answer.mtype == ACK
    assert answer.mid == notification.mid


async def test_no_notification_is_lost_and_their_order_is_kept(
    client: Client, device: Device, owner: Owner
) -> None:
    _, request = await observe(client, device, owner)

    for number in range(50):
        device.notify(request, **content(number, observe=2 + number))

    told = [(await owner.told()).values[MEASURED] for _ in range(50)]
    assert told == list(range(50))


async def test_a_notification_right_behind_the_first_answer_comes_after_it(
    client: Client, device: Device
) -> None:
    order: list[object] = []

    def note(decoded: Decoded) -> None:
        order.append(decoded.values[MEASURED])

    async def observe() -> None:
        observation = await client.observe(MEASURED, note)
        note(observation.initial)

    observing = asyncio.create_task(observe())
    request = await device.next_request()
    device.reply(request, **content(20.0, observe=1))
    device.notify(request, **content(21.0, observe=2))
    device.notify(request, **content(22.0, observe=3), mtype=CON)

    await device.next_answer()
    await observing

    assert order == [20.0, 21.0, 22.0]


async def test_an_observation_cancelled_at_once_tells_nothing(
    client: Client, device: Device, owner: Owner
) -> None:
    """Not even what came right behind the first answer."""

    async def observe() -> None:
        observation = await client.observe(MEASURED, owner.callback, owner.on_end)
        observation.cancel()

    observing = asyncio.create_task(observe())
    request = await device.next_request()
    device.reply(request, **content(20.0, observe=1))
    device.notify(request, **content(21.0, observe=2), mtype=CON)

    await device.next_answer()
    await observing

    assert owner.knows_of_nothing_more


@pytest.mark.parametrize(
    "options",
    [
        {"payload": b"21.5", "content_format": TEXT},
        {"payload": b"21.5", "content_format": None},
        {"payload": b'[{"n":"/3303/0/5700","v":21.5}]', "content_format": None},
    ],
    ids=["text", "text without format", "as asked for without format"],
)
async def test_a_notification_may_be_in_another_format(
    client: Client, device: Device, owner: Owner, options: dict[str, Any]
) -> None:
    _, request = await observe(client, device, owner)

    device.notify(request, CONTENT, observe=2, **options)

    assert (await owner.told()).values == {MEASURED: 21.5}


async def test_a_value_that_does_not_fit_is_told_as_rejected(
    client: Client, device: Device, owner: Owner
) -> None:
    _, request = await observe(client, device, owner, INSTANCE)

    payload = b'[{"n":"/3303/0/5700","vs":"warm"},{"n":"/3303/0/5701","vs":"Cel"}]'
    device.notify(request, CONTENT, payload, observe=2, content_format=JSON)

    told = await owner.told()
    assert told.values == {UNIT: "Cel"}
    assert told.rejected.keys() == {MEASURED}


async def test_a_notification_that_cannot_be_decoded_is_told_as_rejected(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, request = await observe(client, device, owner)

    device.notify(request, CONTENT, b"{", observe=2, content_format=JSON)
    device.notify(request, **content(21.5, observe=3))

    assert (await owner.told()).rejected.keys() == {MEASURED}
    assert (await owner.told()).values == {MEASURED: 21.5}
    assert observation.active


async def test_an_owner_that_fails_still_hears_of_the_next_notification(
    client: Client, device: Device, owner: Owner, caplog: pytest.LogCaptureFixture
) -> None:
    def callback(decoded: Decoded) -> None:
        owner.callback(decoded)
        raise ZeroDivisionError

    _, (request,) = await device.answering(
        client.observe(MEASURED, callback), content(20.0, observe=1)
    )

    device.notify(request, **content(21.0, observe=2))
    device.notify(request, **content(22.0, observe=3))

    assert (await owner.told()).values == {MEASURED: 21.0}
    assert (await owner.told()).values == {MEASURED: 22.0}
    assert "ZeroDivisionError" in caplog.text


# How observations end


async def test_an_error_notification_ends_the_observation(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, request = await observe(client, device, owner)

    device.notify(request, NOT_FOUND, b"gone")

    assert await owner.ended() is observation
    assert not observation.active
    assert isinstance(observation.ended_by, ClientRefused)
    assert observation.ended_by.code == NOT_FOUND
    assert owner.knows_of_nothing_more


async def test_a_notification_without_observe_is_the_last(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, request = await observe(client, device, owner)

    device.notify(request, **content(21.5))

    assert (await owner.told()).values == {MEASURED: 21.5}
    assert await owner.ended() is observation
    assert isinstance(observation.ended_by, BadResponse)


async def test_a_cancelled_observation_is_rejected_at_its_next_notification(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, request = await observe(client, device, owner)

    observation.cancel()

    assert not observation.active
    assert device.requests.empty()
    notification = device.notify(request, **content(21.5, observe=2), mtype=CON)
    answer = await device.next_answer()
    assert answer.mtype == RST
    assert answer.mid == notification.mid
    assert owner.knows_of_nothing_more


async def test_an_actively_cancelled_observation_is_told_to_the_client(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, request = await observe(client, device, owner)

    _, (cancelling,) = await device.answering(observation.cancel_actively(), content(20.0))

    assert not observation.active
    assert cancelling.code == GET
    assert cancelling.opt.observe == 1
    assert cancelling.token == request.token
    assert cancelling.opt.uri_path == request.opt.uri_path
    assert owner.knows_of_nothing_more


async def test_an_active_cancel_that_is_refused_ends_the_observation_even_so(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, _ = await observe(client, device, owner)

    with pytest.raises(ClientRefused):
        await device.answering(observation.cancel_actively(), (NOT_FOUND,))

    assert not observation.active


async def test_cancelling_twice_is_no_more_than_once(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, _ = await observe(client, device, owner)
    observation.cancel()

    observation.cancel()
    await observation.cancel_actively()

    assert device.requests.empty()
    assert owner.knows_of_nothing_more


async def test_deregistering_ends_observations(
    client: Client, device: Device, owner: Owner, location: str
) -> None:
    observation, request = await observe(client, device, owner)

    await device.request(DELETE, "rd", location)

    assert await owner.ended() is observation
    assert isinstance(observation.ended_by, NotRegistered)
    device.notify(request, **content(21.5, observe=2), mtype=CON)
    assert (await device.next_answer()).mtype == RST
    assert owner.knows_of_nothing_more


async def test_an_observation_answered_in_the_moment_of_deregistering_is_not_kept(
    client: Client, device: Device, owner: Owner, location: str
) -> None:
    observing = asyncio.create_task(client.observe(MEASURED, owner.callback, owner.on_end))
    request = await device.next_request()

    device.send(device.make(DELETE, "rd", location))
    device.reply(request, **content(20.0, observe=1))

    with pytest.raises(NotRegistered):
        await observing
    await device.next_answer()
    device.notify(request, **content(21.0, observe=2), mtype=CON)
    assert (await device.next_answer()).mtype == RST


async def test_registering_again_ends_observations(
    client: Client, device: Device, owner: Owner
) -> None:
    observation, request = await observe(client, device, owner)

    await device.register("dev")

    assert await owner.ended() is observation
    device.notify(request, **content(21.5, observe=2), mtype=CON)
    assert (await device.next_answer()).mtype == RST
    assert owner.knows_of_nothing_more


async def test_moving_ends_observations(
    server: LwM2mServer,
    client: Client,
    device: Device,
    owner: Owner,
    location: str,
    make_device: MakeDevice,
) -> None:
    observation, _ = await observe(client, device, owner)
    elsewhere = await make_device(server)

    await elsewhere.update(location)

    assert await owner.ended() is observation
    again, _ = await observe(client, elsewhere, owner)
    assert again.active


async def test_an_update_from_the_same_address_leaves_observations(
    client: Client, device: Device, owner: Owner, location: str
) -> None:
    _, request = await observe(client, device, owner)

    await device.update(location, "lt=60")
    device.notify(request, **content(21.5, observe=2))

    assert (await owner.told()).values == {MEASURED: 21.5}


async def test_an_owner_that_fails_at_the_end_does_not_stop_the_others(
    client: Client, device: Device, owner: Owner, location: str
) -> None:
    def on_end(observation: Observation) -> None:
        owner.on_end(observation)
        raise ZeroDivisionError

    for path in (MEASURED, UNIT):
        await device.answering(
            client.observe(path, owner.callback, on_end), {"code": CONTENT, "observe": 1}
        )

    response = await device.request(DELETE, "rd", location)

    assert response.code.is_successful()
    assert {(await owner.ended()).path for _ in range(2)} == {MEASURED, UNIT}


# Send


@pytest.mark.parametrize("content_format", [JSON, CBOR])
@pytest.mark.parametrize("mtype", [CON, NON])
async def test_a_sent_value_is_an_event(
    client: Client, device: Device, events: Events, content_format: int, mtype: object
) -> None:
    values: Values = {MEASURED: 21.5, UNIT: "Cel"}
    payload = encode(content_format, values, Path(), client.type_of)

    response = await device.request(
        POST, "dp", payload=payload, content_format=content_format, mtype=mtype
    )

    assert response.code == CHANGED
    assert await events.next() == Sent(client.registration, [(None, Decoded(values))])


WRONG_SENDS: dict[str, tuple[dict[str, Any], Code]] = {
    "no format": ({"payload": b"[]"}, BAD_REQUEST),
    "another format": ({"payload": b"1", "content_format": TEXT}, UNSUPPORTED_CONTENT_FORMAT),
    "malformed": ({"payload": b"{", "content_format": JSON}, BAD_REQUEST),
    "an object that is not registered": (
        {"payload": b'[{"n":"/3304/0/5700","v":1}]', "content_format": JSON},
        NOT_FOUND,
    ),
}


@pytest.mark.parametrize("case", WRONG_SENDS)
@pytest.mark.usefixtures("client")
async def test_a_wrong_send_gets_its_code_and_is_no_event(
    device: Device, events: Events, case: str
) -> None:
    options, code = WRONG_SENDS[case]

    response = await device.request(POST, "dp", **options)

    assert response.code == code
    assert events.empty


async def test_sends_right_behind_each_other_are_all_taken_without_a_token_too(
    events: Events, device: Device, location: str
) -> None:
    """RFC 7252 5.3.1 wants tokens to differ; what is acknowledged by none would be lost."""
    await events.next()
    for value in (1.0, 2.0, 3.0):
        payload = b'[{"n":"/3303/0/5700","v":%f}]' % value
        device.send(
            device.make(POST, "dp", mtype=NON, token=b"", content_format=110, payload=payload)
        )

    sent = [await events.next() for _ in range(3)]

    values = [latest(event.readings).values[MEASURED] for event in sent if isinstance(event, Sent)]
    assert values == [1.0, 2.0, 3.0]


async def test_a_send_from_an_unknown_address_is_not_found(device: Device) -> None:
    response = await device.request(
        POST, "dp", payload=b'[{"n":"/3303/0/5700","v":1}]', content_format=JSON
    )

    assert response.code == NOT_FOUND
