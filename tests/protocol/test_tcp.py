"""Clients that register over TCP: LwM2M's binding T (Transport-V1_1_1 6.4, RFC 8323)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
import json
from typing import TYPE_CHECKING, Any

from aiocoap import CHANGED, CREATED, DELETE, DELETED, FORBIDDEN, NOT_FOUND, POST, Message
from aiocoap.numbers.codes import RELEASE
import pytest

from custom_components.lwm2m.protocol.coap import ConnectionLimits, Scheme
from custom_components.lwm2m.protocol.errors import ClientTimeout, NotConnected, NotRegistered
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.security import PreSharedKey
from custom_components.lwm2m.protocol.server import (
    Expired,
    LwM2mServer,
    Presence,
    Registered,
    Sent,
    Updated,
)
from tests.raw_coap import until
from tests.raw_tcp import RawTcpPeer

from .conftest import LINK_FORMAT, LINKS, Events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.model.registry import ModelRegistry
    from custom_components.lwm2m.protocol.node import Decoded
    from custom_components.lwm2m.protocol.reporting import Observation

    from .conftest import MakeServer

VALUE = Path(3303, 0, 5700)
TEXT = 0
SENML_JSON = 110


class TcpDevice(RawTcpPeer):
    """A device on one connection."""

    async def register(self, *query: str, endpoint: str = "dev") -> str:
        """Register and return the location's last segment."""
        response = await self.request(
            POST,
            "rd",
            uri_query=(f"ep={endpoint}", "lwm2m=1.1", "b=T", *query),
            content_format=LINK_FORMAT,
            payload=LINKS,
        )
        assert response.code == CREATED
        return str(response.opt.location_path[1])

    async def update(self, location: str) -> Message:
        """Update a registration."""
        return await self.request(POST, "rd", location)

    async def answering[Result](
        self, operation: Coroutine[Any, Any, Result], payload: bytes, **options: Any
    ) -> tuple[Result, Message]:
        """Run an operation of the server and answer its one request; return that too."""
        task = asyncio.create_task(operation)
        request = await self.receive()
        self.answer(request, payload, content_format=TEXT, **options)
        return await task, request


type Connect = Callable[..., Awaitable[TcpDevice]]


@pytest.fixture
def make_server(make_server: MakeServer) -> MakeServer:
    """Start servers on a free TCP port."""
    return partial(make_server, scheme=Scheme.COAP_TCP)


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Return what connects a device to a server."""
    async with AsyncExitStack() as stack:

        async def connect_one(server: LwM2mServer) -> TcpDevice:
            device = await TcpDevice.open(server.ports[Scheme.COAP_TCP])
            stack.push_async_callback(device.close)
            return device

        yield connect_one


@pytest.fixture
async def device(server: LwM2mServer, connect: Connect) -> TcpDevice:
    return await connect(server)


async def lost(client: Client) -> None:
    """Wait until the server knows that a client's connection is closed."""
    await until(lambda: not client.registration.remote.is_open)


async def observe(
    device: TcpDevice, client: Client, values: list[Any], **options: Any
) -> tuple[Observation, Message]:
    """Have the server observe the value; return the observation and the request."""

    def take(decoded: Decoded) -> None:
        values.append(decoded.values[VALUE])

    return await device.answering(client.observe(VALUE, take, **options), b"20.0", observe=0)


async def test_a_client_registers_over_tcp(
    server: LwM2mServer, device: TcpDevice, events: Events
) -> None:
    await device.register("lt=300")
    event = await events.next()

    assert isinstance(event, Registered)
    registration = event.registration
    assert (registration.endpoint, registration.binding) == ("dev", "T")
    assert registration.remote.scheme is Scheme.COAP_TCP
    assert registration.remote.port == device.port


async def test_it_updates_and_deregisters_on_its_connection(
    server: LwM2mServer, device: TcpDevice
) -> None:
    location = await device.register()

    assert (await device.update(location)).code == CHANGED
    assert (await device.request(DELETE, "rd", location)).code == DELETED
    assert not server.registrations


async def test_it_is_asked_on_its_connection(server: LwM2mServer, device: TcpDevice) -> None:
    await device.register()
    answer: tuple[Decoded, Message] = await device.answering(
        server.client("dev").read(VALUE), b"21.5"
    )
    decoded, request = answer

    assert decoded.values == {VALUE: 21.5}
    assert request.opt.uri_path == ("3303", "0", "5700")


async def test_its_notifications_count_with_an_observe_option_that_says_nothing(
    server: LwM2mServer, device: TcpDevice
) -> None:
    values: list[Any] = []
    await device.register()
    observation, request = await observe(device, server.client("dev"), values)
    for payload in (b"21.0", b"22.0"):
        device.answer(request, payload, content_format=TEXT, observe=0)
    await until(lambda: len(values) == 2)

    assert values == [21.0, 22.0]
    assert observation.active


async def test_an_update_on_the_same_connection_keeps_the_observations(
    server: LwM2mServer, device: TcpDevice
) -> None:
    values: list[Any] = []
    location = await device.register()
    observation, _ = await observe(device, server.client("dev"), values)
    await device.update(location)

    assert observation.active


async def test_a_send_is_of_who_is_connected(
    server: LwM2mServer, device: TcpDevice, events: Events
) -> None:
    await device.register()
    answer = await device.request(
        POST, "dp", content_format=SENML_JSON, payload=b'[{"bn":"/3303/0/5700","v":23}]'
    )
    await events.next()
    event = await events.next()

    assert answer.code == CHANGED
    assert isinstance(event, Sent)
    assert event.readings[0][1].values == {VALUE: 23.0}


async def test_what_is_under_way_fails_with_the_connection(
    server: LwM2mServer, device: TcpDevice
) -> None:
    await device.register()
    reading = asyncio.create_task(server.client("dev").read(VALUE))
    await device.receive()
    await device.close()

    with pytest.raises(NotConnected):
        await reading


async def test_without_a_connection_a_client_stays_registered_and_cannot_be_asked(
    server: LwM2mServer, device: TcpDevice
) -> None:
    await device.register()
    await device.close()
    client = server.client("dev")
    await lost(client)

    with pytest.raises(NotConnected):
        await client.read(VALUE)
    assert "dev" in server.registrations


async def test_without_a_connection_the_lifetime_ends_all_the_same(
    server: LwM2mServer, device: TcpDevice, events: Events
) -> None:
    await device.register("lt=1")
    await device.close()
    await events.next()

    assert isinstance(await events.next(), Expired)


async def test_an_update_over_another_connection_moves_the_client_there(
    server: LwM2mServer, device: TcpDevice, connect: Connect, events: Events
) -> None:
    location = await device.register()
    await device.close()
    returned = await connect(server)
    assert (await returned.update(location)).code == CHANGED
    await returned.answering(server.client("dev").read(VALUE), b"21.5")

    await events.next()
    event = await events.next()
    assert isinstance(event, Updated)
    assert event.registration.remote != event.previous.remote


async def test_observations_end_when_the_client_is_back_over_another_connection(
    server: LwM2mServer, device: TcpDevice, connect: Connect
) -> None:
    """RFC 8323 7.4: the client has forgotten them, and is to be asked anew."""
    values: list[Any] = []
    ended: list[Any] = []
    location = await device.register()
    observation, request = await observe(device, server.client("dev"), values, on_end=ended.append)
    await device.close()
    returned = await connect(server)
    await returned.update(location)
    returned.answer(request, b"99.0", content_format=TEXT, observe=0)
    await returned.update(location)

    assert ended == [observation]
    assert isinstance(observation.ended_by, NotRegistered)
    assert not values


async def test_a_new_registration_over_another_connection_takes_the_place_of_the_old(
    server: LwM2mServer, device: TcpDevice, connect: Connect
) -> None:
    await device.register()
    returned = await connect(server)
    await returned.register()
    decoded, _ = await returned.answering(server.client("dev").read(VALUE), b"21.5")

    assert decoded.values == {VALUE: 21.5}
    assert len(server.registrations) == 1


async def test_a_send_over_another_connection_needs_an_update_first(
    server: LwM2mServer, device: TcpDevice, connect: Connect
) -> None:
    await device.register()
    await device.close()
    returned = await connect(server)
    answer = await returned.request(
        POST, "dp", content_format=SENML_JSON, payload=b'[{"bn":"/3303/0/5700","v":23}]'
    )

    assert answer.code == NOT_FOUND


async def test_an_endpoint_with_a_credential_does_not_register_in_the_clear(
    server: LwM2mServer, device: TcpDevice
) -> None:
    server.set_credential("dev", PreSharedKey(b"dev", b"0123456789abcdef"))
    response = await device.request(
        POST, "rd", uri_query=("ep=dev",), content_format=LINK_FORMAT, payload=LINKS
    )

    assert response.code == FORBIDDEN


async def test_the_connection_of_a_registered_client_may_be_idle(
    make_server: MakeServer, connect: Connect
) -> None:
    server = await make_server(connection_limits=ConnectionLimits(idle=0.05))
    device = await connect(server)
    location = await device.register()
    assert await device.receives_nothing(0.2)

    await device.request(DELETE, "rd", location)
    assert (await device.receive()).code == RELEASE


# Queue mode


async def test_what_waits_for_a_client_in_queue_mode_is_sent_over_its_next_connection(
    server: LwM2mServer, device: TcpDevice, connect: Connect
) -> None:
    location = await device.register("Q")
    await device.close()
    client = server.client("dev")
    await lost(client)
    reading = asyncio.create_task(client.read(VALUE))
    await until(lambda: client.waiting)
    returned = await connect(server)
    assert (await returned.update(location)).code == CHANGED
    returned.answer(await returned.receive(), b"21.5", content_format=TEXT)

    assert (await reading).values == {VALUE: 21.5}


async def test_a_client_in_queue_mode_sleeps_once_it_has_closed_its_connection(
    server: LwM2mServer, device: TcpDevice, events: Events
) -> None:
    await device.register("Q")
    await device.close()
    await events.next()
    event = await events.next()

    assert isinstance(event, Presence)
    assert not event.awake


async def test_a_request_that_a_client_in_queue_mode_closed_on_is_sent_again(
    server: LwM2mServer, device: TcpDevice, connect: Connect
) -> None:
    location = await device.register("Q")
    reading = asyncio.create_task(server.client("dev").read(VALUE))
    await device.receive()
    await device.close()
    await lost(server.client("dev"))
    returned = await connect(server)
    await returned.update(location)
    returned.answer(await returned.receive(), b"21.5", content_format=TEXT)

    assert (await reading).values == {VALUE: 21.5}


async def test_a_request_is_sent_again_also_when_the_client_was_back_before_it_was_missed(
    server: LwM2mServer, device: TcpDevice, connect: Connect
) -> None:
    location = await device.register("Q")
    client = server.client("dev")
    reading = asyncio.create_task(client.read(VALUE))
    await device.receive()
    returned = await connect(server)
    await returned.update(location)
    await device.close()
    returned.answer(await returned.receive(), b"21.5", content_format=TEXT)

    assert (await reading).values == {VALUE: 21.5}
    assert client.awake


async def test_a_client_that_answers_nothing_has_had_its_time(
    make_server: MakeServer, connect: Connect
) -> None:
    server = await make_server(request_timeout=0.1)
    device = await connect(server)
    await device.register("Q")

    with pytest.raises(ClientTimeout):
        await server.client("dev").read(VALUE)


# Over a restart of the server


async def test_a_registration_outlives_the_server_and_waits_for_the_client(
    make_server: MakeServer, connect: Connect
) -> None:
    before = await make_server()
    device = await connect(before)
    location = await device.register()
    await observe(device, before.client("dev"), [])
    state = json.loads(json.dumps(before.dump()))
    await before.stop()
    after = await make_server(state=state)
    client = after.client("dev")
    values: list[Any] = []
    resumed = client.resume((VALUE,), values.append)
    with pytest.raises(NotConnected):
        await client.read(VALUE)

    returned = await connect(after)
    assert (await returned.update(location)).code == CHANGED
    await returned.answering(client.read(VALUE), b"21.5")
    assert resumed is not None
    assert isinstance(resumed.ended_by, NotRegistered)


async def test_who_comes_while_the_server_starts_is_known_already(
    make_server: MakeServer, connect: Connect, models: ModelRegistry
) -> None:
    before = await make_server()
    location = await (await connect(before)).register()
    after = LwM2mServer(models)
    early: list[asyncio.Task[Message]] = []
    open_port = after._coap.open

    async def update(port: int) -> Message:
        device = await TcpDevice.open(port)
        answer = await device.update(location)
        await device.close()
        return answer

    async def open_slowly(scheme: Scheme, host: str | None, port: int) -> int:
        opened = await open_port(scheme, host, port)
        early.append(asyncio.create_task(update(opened)))
        await asyncio.sleep(0.05)
        return opened

    after._coap.open = open_slowly  # type: ignore[method-assign]  # as with a slow disk
    await after.start("127.0.0.1", {Scheme.COAP_TCP: 0}, before.dump())

    assert (await early[0]).code == CHANGED
    await after.stop()


async def test_a_registration_over_tcp_is_dropped_once_the_port_is_closed_for_good(
    make_server: MakeServer, connect: Connect, models: ModelRegistry
) -> None:
    before = await make_server()
    await (await connect(before)).register()
    after = LwM2mServer(models)
    await after.start("127.0.0.1", {Scheme.COAP: 0}, before.dump())

    assert not after.registrations
    await after.stop()
