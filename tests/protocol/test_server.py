"""The server around the interfaces: its port, its events, and requests that lose their client."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from aiocoap import (
    DELETE,
    DELETED,
    FETCH,
    GET,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    POST,
    PUT,
)
import pytest

from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.errors import NotRegistered
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.server import (
    Deregistered,
    Expired,
    LwM2mServer,
    PortInUseError,
    Registered,
    ServerEvent,
    Updated,
)

from .conftest import LINKS, Device, Events, MakeDevice, MakeServer

if TYPE_CHECKING:
    from aiocoap.numbers.codes import Code

    from custom_components.lwm2m.protocol.model.registry import ModelRegistry

DEVICE_NAME = Path(3, 0, 1)


# Resources


@pytest.mark.parametrize(
    ("path", "method", "code"),
    [
        ("rd", GET, METHOD_NOT_ALLOWED),
        ("rd", PUT, METHOD_NOT_ALLOWED),
        ("rd", DELETE, METHOD_NOT_ALLOWED),
        ("rd/x", GET, METHOD_NOT_ALLOWED),
        ("rd/x", PUT, METHOD_NOT_ALLOWED),
        ("dp", GET, METHOD_NOT_ALLOWED),
        ("rd/x/y", POST, NOT_FOUND),
        ("bs", POST, NOT_FOUND),
        ("other", GET, NOT_FOUND),
        ("", FETCH, NOT_FOUND),
    ],
)
async def test_other_resources_and_methods_get_their_code(
    server: LwM2mServer, device: Device, path: str, method: Code, code: Code
) -> None:
    response = await device.request(method, *filter(None, path.split("/")), payload=LINKS)

    assert response.code == code
    assert server.counters.refused == 1


async def test_what_is_wrong_is_said_in_words(device: Device) -> None:
    response = await device.request(POST, "rd", payload=LINKS)

    assert response.payload == b"no endpoint name"


async def test_counters_count_what_happened(server: LwM2mServer, device: Device) -> None:
    location = await device.register()
    await device.update(location)
    await device.request(DELETE, "rd", location)

    counters = server.counters
    assert (counters.registered, counters.updated, counters.deregistered) == (1, 1, 1)
    assert counters.refused == 0
    assert counters.coap.requests == 3


# Ports


async def test_a_port_in_use_is_told(server: LwM2mServer, models: ModelRegistry) -> None:
    second = LwM2mServer(models)

    with pytest.raises(PortInUseError):
        await second.start("127.0.0.1", {Scheme.COAP: server.ports[Scheme.COAP]})

    await second.stop()


async def test_a_stopped_server_frees_its_port(models: ModelRegistry) -> None:
    server = LwM2mServer(models)
    await server.start("127.0.0.1", {Scheme.COAP: 0})

    await server.stop()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", server.ports[Scheme.COAP]))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_server_without_a_host_is_reached_by_both_versions_of_ip(
    make_server: MakeServer, make_device: MakeDevice, host: str
) -> None:
    server = await make_server(None)
    device = await make_device(server, host)
    await device.register()

    decoded, _ = await device.answering(
        server.client("dev").read(DEVICE_NAME), {"code": 69, "payload": b"lamp"}
    )

    assert decoded.values == {DEVICE_NAME: "lamp"}


# Events


async def test_events_come_in_the_order_of_what_happened(events: Events, device: Device) -> None:
    location = await device.register()
    await device.update(location)
    await device.register()
    await device.request(DELETE, "rd", await device.register())

    kinds = [type(await events.next()) for _ in range(5)]

    assert kinds == [Registered, Updated, Registered, Registered, Deregistered]


async def test_a_client_gets_its_answer_before_any_request_that_an_event_causes(
    server: LwM2mServer, device: Device
) -> None:
    """A client ignores requests until it knows that it is registered (Core-V1_1_1 6.3)."""
    reads: list[asyncio.Task[object]] = []

    def read_at_once(event: ServerEvent) -> None:
        assert isinstance(event, Registered)
        client = server.client(event.registration.endpoint)
        reads.append(asyncio.create_task(client.read(DEVICE_NAME), eager_start=True))

    server.subscribe(read_at_once)
    await device.register()
    device.reply(await device.next_request(), 69, b"lamp")
    await reads[0]

    assert [message.code.is_request() for message in device.log] == [False, True]


async def test_a_listener_that_fails_disturbs_neither_the_client_nor_other_listeners(
    server: LwM2mServer, device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: ServerEvent) -> None:
        raise ZeroDivisionError

    server.subscribe(fail)
    events = Events()
    server.subscribe(events.put)

    await device.register()

    assert isinstance(await events.next(), Registered)
    assert "ZeroDivisionError" in caplog.text


async def test_a_listener_that_unsubscribed_hears_no_more(
    server: LwM2mServer, events: Events, device: Device
) -> None:
    former = Events()
    unsubscribe = server.subscribe(former.put)

    unsubscribe()
    unsubscribe()

    await device.register()
    await events.next()
    assert former.empty


# Clients that go while they are asked


async def test_there_is_no_client_that_is_not_registered(server: LwM2mServer) -> None:
    with pytest.raises(NotRegistered) as missing:
        server.client("nobody")

    assert missing.value.endpoint == "nobody"
    assert str(missing.value) == "not registered: endpoint nobody"


async def asked(server: LwM2mServer, device: Device) -> asyncio.Task[object]:
    """Start a read that the device has seen and does not answer."""
    read = asyncio.create_task(server.client("dev").read(DEVICE_NAME))
    await device.next_request()
    return read


async def test_deregistering_fails_what_is_under_way(server: LwM2mServer, device: Device) -> None:
    location = await device.register()
    read = await asked(server, device)

    response = await device.request(DELETE, "rd", location)

    assert response.code == DELETED
    with pytest.raises(NotRegistered):
        await read


async def test_forgotten_client_learns_of_it_with_its_next_update(
    server: LwM2mServer, device: Device, events: Events
) -> None:
    location = await device.register("dev")
    await events.next()
    client = server.client("dev")
    server.forget("dev")
    assert (await device.request(POST, "rd", location)).code == NOT_FOUND
    with pytest.raises(NotRegistered):
        await client.read(DEVICE_NAME)
    assert events.empty


async def test_registering_again_fails_what_is_under_way(
    server: LwM2mServer, device: Device
) -> None:
    await device.register()
    read = await asked(server, device)

    await device.register()

    with pytest.raises(NotRegistered):
        await read


async def test_moving_fails_what_is_under_way(
    server: LwM2mServer, device: Device, make_device: MakeDevice
) -> None:
    location = await device.register()
    read = await asked(server, device)

    await (await make_device(server)).update(location)

    with pytest.raises(NotRegistered):
        await read


async def test_an_update_from_the_same_address_leaves_what_is_under_way(
    server: LwM2mServer, device: Device
) -> None:
    location = await device.register()
    read = asyncio.create_task(server.client("dev").read(DEVICE_NAME))
    request = await device.next_request()

    await device.update(location)
    device.reply(request, 69, b"lamp")

    assert (await read).values == {DEVICE_NAME: "lamp"}


async def test_expiring_fails_what_is_under_way(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    server = await make_server(lifetime_grace=-0.95)
    events = Events()
    server.subscribe(events.put)
    device = await make_device(server)
    await device.register("dev", "lt=1")
    await events.next()
    read = await asked(server, device)

    assert isinstance(await events.next(), Expired)
    with pytest.raises(NotRegistered):
        await read


async def test_stopping_fails_what_is_under_way(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    server = await make_server()
    device = await make_device(server)
    await device.register()
    read = await asked(server, device)

    await server.stop()

    with pytest.raises(NotRegistered):
        await read
    assert not server.registrations


async def test_a_client_of_a_former_registration_can_do_nothing(
    server: LwM2mServer, device: Device
) -> None:
    await device.register()
    former = server.client("dev")
    await device.register()

    with pytest.raises(NotRegistered):
        await former.read(DEVICE_NAME)


async def test_cancelling_a_read_is_the_callers_own_affair(
    server: LwM2mServer, device: Device
) -> None:
    await device.register()
    read = await asked(server, device)

    read.cancel()

    with pytest.raises(asyncio.CancelledError):
        await read
    decoded, _ = await device.answering(
        server.client("dev").read(DEVICE_NAME), {"code": 69, "payload": b"lamp"}
    )
    assert decoded.values == {DEVICE_NAME: "lamp"}
