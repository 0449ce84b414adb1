"""IoT devices behind a LwM2M Gateway, reached with the prefix that object 25 names.

Source: OMA-TS-LWM2M_Gateway-V1_1_1.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiocoap import BAD_REQUEST, CHANGED, CONTENT, NON, NOT_FOUND, POST
import pytest

from custom_components.lwm2m.protocol.errors import NotRegistered, RegistrationEnded
from custom_components.lwm2m.protocol.gateway import MAX_DEVICES, iot_devices, registration_of
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.reporting import latest
from custom_components.lwm2m.protocol.server import Sent

from .conftest import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.node import Decoded, Value, Values
    from custom_components.lwm2m.protocol.server import LwM2mServer

    from .conftest import Device, Events, MakeDevice

JSON = 110
LINKS = b"</>;ct=110,</3/0>,</25/0>,</3303/0>"
MEASURED = Path(3303, 0, 5700)
PROBE: dict[int, Value] = {0: "probe", 1: "dev0", 3: "</3/0>,</3303>;ver=1.1,</3303/0>"}
ROOT = "/dev0"


def listed(*instances: dict[int, Value]) -> Values:
    """Return the values of instances of object 25."""
    return {
        Path(25, number, resource_id): value
        for number, resources in enumerate(instances)
        for resource_id, value in resources.items()
    }


def test_an_instance_names_a_device_its_prefix_and_its_objects() -> None:
    (device,) = iot_devices(listed(PROBE))
    assert (device.device_id, device.prefix) == ("probe", "dev0")
    assert device.objects.instances == {Path(3, 0), Path(3303, 0)}
    assert device.objects.versions == {3303: "1.1"}


def test_links_may_begin_with_the_prefix() -> None:
    (device,) = iot_devices(listed(PROBE | {3: "</dev0/3303/0>,</dev0/3311/1>"}))
    assert device.objects.instances == {Path(3303, 0), Path(3311, 1)}


@pytest.mark.parametrize("prefix", ["/dev0", "dev0/", "/dev0/"])
def test_a_prefix_may_have_slashes_around(prefix: str) -> None:
    assert [device.prefix for device in iot_devices(listed(PROBE | {1: prefix}))] == ["dev0"]


@pytest.mark.parametrize(
    "wrong",
    [
        *({0: ""}, {0: "x" * 256}, {0: "line\nbreak"}, {0: 7}),
        *({1: ""}, {1: "25"}, {1: "a/b"}, {1: "a b"}, {1: "x" * 65}, {1: b"dev0"}),
        *({3: ""}, {3: "</temperature>"}, {3: "no links"}, {3: 3303}),
    ],
)
def test_an_instance_that_is_wrong_lists_no_device(wrong: dict[int, Value]) -> None:
    assert [d.device_id for d in iot_devices(listed(PROBE | wrong, PROBE | {0: "b", 1: "d1"}))] == [
        "b"
    ]


@pytest.mark.parametrize("missing", [0, 1, 3])
def test_an_incomplete_instance_lists_no_device(missing: int) -> None:
    values = listed(PROBE)
    del values[Path(25, 0, missing)]
    assert iot_devices(values) == []


@pytest.mark.parametrize("twice", [{1: "dev1"}, {0: "other"}])
def test_a_device_is_listed_once(twice: dict[int, Value]) -> None:
    """Two of the same ID, or reached the same way, cannot be told apart."""
    assert [d.instance for d in iot_devices(listed(PROBE, PROBE | twice))] == [Path(25, 0)]


def test_a_gateway_has_so_many_devices_and_no_more() -> None:
    many = (PROBE | {0: str(n), 1: f"dev{n}"} for n in range(MAX_DEVICES + 1))
    assert len(iot_devices(listed(*many))) == MAX_DEVICES


@pytest.fixture
async def gateway(server: LwM2mServer, device: Device) -> Client:
    """A registered gateway that a probe is behind."""
    await device.register("gate", "lwm2m=1.1", payload=LINKS)
    return with_probe(server)


def with_probe(server: LwM2mServer) -> Client:
    """Let the server know of the probe."""
    client = server.client("gate")
    (probe,) = iot_devices(listed(PROBE))
    client.add_behind(registration_of(client.registration, probe))
    return client


@pytest.mark.parametrize(
    "payload",
    [
        b'[{"bn":"/dev0/3303/0/5700","v":21.5}]',
        b'[{"bn":"/3303/0/5700","v":21.5}]',
    ],
)
async def test_a_device_is_read_with_its_prefix(
    gateway: Client, device: Device, payload: bytes
) -> None:
    decoded, (request,) = await device.answering(
        gateway.behind(ROOT).read(MEASURED),
        {"code": CONTENT, "payload": payload, "content_format": JSON},
    )
    assert request.opt.uri_path == ("dev0", "3303", "0", "5700")
    assert decoded.values == {MEASURED: 21.5}


async def test_a_device_is_written_and_told_what_to_do_with_its_prefix(
    gateway: Client, device: Device
) -> None:
    probe = gateway.behind(ROOT)
    _, (request,) = await device.answering(
        probe.write(Path(3303, 0, 5750), {Path(3303, 0, 5750): "in"}, replace=True), (CHANGED,)
    )
    assert request.opt.uri_path == ("dev0", "3303", "0", "5750")
    assert b"/dev0/3303/0/5750" in request.payload
    _, (request,) = await device.answering(probe.execute(Path(3303, 0, 5605)), (CHANGED,))
    assert request.opt.uri_path == ("dev0", "3303", "0", "5605")


async def test_what_is_discovered_of_a_device_is_below_its_prefix(
    gateway: Client, device: Device
) -> None:
    links, _ = await device.answering(
        gateway.behind(ROOT).discover(Path(3303)),
        {
            "code": CONTENT,
            "payload": b"</dev0/3303/0>,</dev0/3303/0/5700>",
            "content_format": 40,
        },
    )
    assert set(links) == {Path(3303, 0), MEASURED}


async def test_a_device_notifies(gateway: Client, device: Device) -> None:
    told: asyncio.Queue[Decoded] = asyncio.Queue()
    observation, (request,) = await device.answering(
        gateway.behind(ROOT).observe(MEASURED, told.put_nowait),
        {
            "code": CONTENT,
            "payload": b'[{"bn":"/dev0/3303/0/5700","v":21.5}]',
            "content_format": JSON,
            "observe": 1,
        },
    )
    device.notify(
        request,
        CONTENT,
        b'[{"bn":"/dev0/3303/0/5700","v":22.5}]',
        mtype=NON,
        observe=2,
        content_format=JSON,
    )
    async with asyncio.timeout(PATIENCE):
        assert (await told.get()).values == {MEASURED: 22.5}
    assert observation.active


async def test_a_device_moves_with_its_gateway(
    gateway: Client, server: LwM2mServer, device: Device, make_device: MakeDevice
) -> None:
    elsewhere = await make_device(server)
    await elsewhere.update(gateway.registration.id)
    decoded, _ = await elsewhere.answering(
        gateway.behind(ROOT).read(MEASURED),
        {"code": CONTENT, "payload": b"21.5", "content_format": 0},
    )
    assert decoded.values == {MEASURED: 21.5}


async def test_a_device_is_gone_with_its_gateway(gateway: Client, device: Device) -> None:
    probe = gateway.behind(ROOT)
    await device.register("gate", "lwm2m=1.1", payload=LINKS)
    with pytest.raises(NotRegistered):
        await probe.read(MEASURED)
    with pytest.raises(NotRegistered):
        gateway.behind(ROOT)


async def test_a_device_that_left_its_gateway_is_gone(gateway: Client) -> None:
    probe = gateway.behind(ROOT)
    gateway.remove_behind(ROOT)
    with pytest.raises(NotRegistered):
        await probe.read(MEASURED)
    assert gateway.awake


async def test_what_a_device_has_can_be_listed_anew(gateway: Client) -> None:
    probe = gateway.behind(ROOT)
    (changed,) = iot_devices(listed(PROBE | {3: "</3303/0>,</3304/0>"}))
    gateway.add_behind(registration_of(gateway.registration, changed))
    assert gateway.behind(ROOT) is probe
    assert Path(3304, 0) in probe.registration.instances


# Send


async def send(device: Device, events: Events, payload: bytes) -> tuple[Any, list[Sent]]:
    """Send values; return the answer's code and what the server tells of it."""
    answer = await device.request(POST, "dp", content_format=JSON, payload=payload)
    await device.update("none")  # what is told of the Send is told by now
    sent = []
    while not events.empty:
        if isinstance(event := await events.next(), Sent):
            sent.append(event)
    return answer.code, sent


async def test_what_a_gateway_sends_of_a_device_is_the_devices(
    gateway: Client, device: Device, events: Events
) -> None:
    code, (sent,) = await send(device, events, b'[{"n":"/dev0/3303/0/5700","v":21.5}]')
    assert code == CHANGED
    assert (sent.registration.endpoint, sent.behind) == ("gate", "gate/probe")
    assert latest(sent.readings).values == {MEASURED: 21.5}


async def test_a_gateway_sends_of_itself_and_of_a_device_at_once(
    gateway: Client, device: Device, events: Events
) -> None:
    payload = b'[{"n":"/3303/0/5700","v":19},{"n":"/dev0/3303/0/5700","v":21.5}]'
    _, sent = await send(device, events, payload)
    assert [(event.behind, latest(event.readings).values) for event in sent] == [
        (None, {MEASURED: 19}),
        ("gate/probe", {MEASURED: 21.5}),
    ]


@pytest.mark.parametrize(
    ("name", "code"),
    [("/dev9/3303/0/5700", BAD_REQUEST), ("/dev0/3304/0/5700", NOT_FOUND)],
)
async def test_a_send_of_what_no_device_has_is_refused(
    gateway: Client, device: Device, events: Events, name: str, code: Any
) -> None:
    payload = f'[{{"n":"/3303/0/5700","v":19}},{{"n":"{name}","v":21.5}}]'.encode()
    assert await send(device, events, payload) == (code, [])


# Asleep


@pytest.fixture
async def asleep(server: LwM2mServer, device: Device) -> Client:
    """A gateway in queue mode that sleeps."""
    await device.register("gate", "lwm2m=1.1", "Q", payload=LINKS)
    client = with_probe(server)
    client._exchanges.queue.sleep()
    return client


async def begin(operation: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Begin an operation, as far as it goes without the gateway."""
    task = asyncio.create_task(operation)
    await asyncio.sleep(0)
    return task


async def test_a_device_sleeps_with_its_gateway(
    asleep: Client, server: LwM2mServer, device: Device
) -> None:
    reading = await begin(asleep.behind(ROOT).read(MEASURED))
    assert not asleep.behind(ROOT).awake
    assert asleep.waiting == 1
    await device.update(asleep.registration.id)
    device.reply(await device.next_request(), CONTENT, b"21.5", content_format=0)
    assert (await reading).values == {MEASURED: 21.5}


async def test_a_write_replaces_none_to_another_device(asleep: Client, device: Device) -> None:
    path = Path(3303, 0, 5750)
    writes = [
        await begin(client.write(path, {path: "in"}, replace=True))
        for client in (asleep, asleep.behind(ROOT))
    ]
    assert asleep.waiting == 2
    await device.update(asleep.registration.id)
    for _ in writes:
        device.reply(await device.next_request(), CHANGED)
    await asyncio.gather(*writes)


async def test_what_waits_for_a_device_that_left_ends_and_nothing_else(
    asleep: Client, device: Device
) -> None:
    own = await begin(asleep.read(MEASURED))
    probes = await begin(asleep.behind(ROOT).read(MEASURED))
    asleep.remove_behind(ROOT)
    with pytest.raises(RegistrationEnded):
        await probes
    await device.update(asleep.registration.id)
    device.reply(await device.next_request(), CONTENT, b"21.5", content_format=0)
    assert (await own).values == {MEASURED: 21.5}


async def test_a_device_has_no_say_in_its_gateways_sleep(asleep: Client) -> None:
    asleep.behind(ROOT).set_sleep(queue_mode=False, awake_time=1.0)
    assert not asleep.awake
