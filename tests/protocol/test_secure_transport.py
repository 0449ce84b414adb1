"""CoAP over DTLS: connections come and go, the device stays the same."""

from __future__ import annotations

import asyncio
import base64
from contextlib import ExitStack
import json
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from aiocoap import CHANGED, CON, CONTENT, CREATED, GET, POST, RST, Message
from aiocoap.numbers.constants import TransportTuning
import pytest

from custom_components.lwm2m.protocol.coap import CoapEndpoint, Scheme
from custom_components.lwm2m.protocol.coap.dtls import DtlsTransport
from custom_components.lwm2m.protocol.coap.limits import PeerLimits
from custom_components.lwm2m.protocol.dtls import handshake
from custom_components.lwm2m.protocol.dtls.extensions import Extension
from custom_components.lwm2m.protocol.dtls.records import ContentType
from custom_components.lwm2m.protocol.dtls.wire import vector
from custom_components.lwm2m.protocol.errors import ClientTimeout
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.reporting import latest
from custom_components.lwm2m.protocol.security import (
    CredentialStore,
    PreSharedKey,
    SecurityEvent,
    SecurityEventType,
)
from custom_components.lwm2m.protocol.server import PortInUseError

from ..raw_coap import until
from .conftest import LINK_FORMAT, LINKS, PATIENCE, Impatient
from .dtls.scripted_client import ScriptedClient
from .secure_device import OTHER_PSK, PSK, SecureDevice, psk_options, secure_device, secure_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.coap.counters import CoapCounters
    from custom_components.lwm2m.protocol.model.registry import ModelRegistry
    from custom_components.lwm2m.protocol.reporting import Readings
    from custom_components.lwm2m.protocol.server import LwM2mServer, ServerEvent

    from .conftest import MakeDevice

TEMPERATURE = Path(3303, 0, 5700)
PACKAGE = Path(5, 0, 0)
SENML_JSON = 110
CLOSE_NOTIFY = b"\x01\x00"


class Quick(TransportTuning):  # type: ignore[misc]  # aiocoap is untyped
    """Sends again after 50 ms, and long enough for a handshake."""

    ACK_TIMEOUT = 0.05
    ACK_RANDOM_FACTOR = 1.0
    MAX_RETRANSMIT = 6


def content(celsius: float, **options: object) -> dict[str, Any]:
    payload = b'[{"n":"/3303/0/5700","v":%.1f}]' % celsius
    return {"code": CONTENT, "payload": payload, "content_format": SENML_JSON, **options}


@pytest.fixture
def credentials() -> CredentialStore:
    """Those of two devices."""
    credentials = CredentialStore()
    credentials.put("board-1", PSK)
    credentials.put("board-2", OTHER_PSK)
    return credentials


@pytest.fixture
async def server(models: ModelRegistry, credentials: CredentialStore) -> AsyncIterator[LwM2mServer]:
    async with secure_server(models, credentials, tuning=Quick()) as server:
        yield server


@pytest.fixture
async def board(server: LwM2mServer) -> AsyncIterator[SecureDevice]:
    """A connected device."""
    async with secure_device(server) as device:
        yield device


@pytest.fixture
async def location(board: SecureDevice) -> str:
    """Its registration."""
    return await board.register("board-1", "lwm2m=1.1", payload=b"</>;ct=110," + LINKS)


@pytest.fixture
def client(server: LwM2mServer, location: str) -> Client:  # registers it
    return server.client("board-1")


@pytest.fixture
def counters(server: LwM2mServer) -> CoapCounters:
    return server.counters.coap


def transport_of(server: LwM2mServer) -> DtlsTransport:
    (transport,) = (t for t in server._coap._transports if isinstance(t, DtlsTransport))
    return transport


class Seen:
    """The temperatures that an observation has brought."""

    def __init__(self) -> None:
        self._values: asyncio.Queue[object] = asyncio.Queue()

    def __call__(self, readings: Readings) -> None:
        self._values.put_nowait(latest(readings).values[TEMPERATURE])

    async def next(self) -> object:
        async with asyncio.timeout(PATIENCE):
            return await self._values.get()


async def observe(client: Client, device: SecureDevice, seen: Seen) -> Message:
    _, (request,) = await device.answering(
        client.observe_timed((TEMPERATURE,), seen), content(20.0, observe=1)
    )
    return request


async def read(client: Client, device: SecureDevice, celsius: float) -> None:
    """Have the server read a temperature."""
    decoded, _ = await device.answering(client.read(TEMPERATURE), content(celsius))
    assert decoded.values == {TEMPERATURE: celsius}


# Both directions


async def test_requests_go_both_ways_on_one_socket(
    server: LwM2mServer, board: SecureDevice, client: Client
) -> None:
    await read(client, board, 21.5)

    assert board.log[-1].remote == ("127.0.0.1", server.ports[Scheme.COAPS])


async def test_the_name_that_a_device_calls_the_server_by_changes_nothing(
    server: LwM2mServer,
) -> None:
    """There is one server on the port (RFC 6066 3; Core-V1_1_1, object 0 resource 14)."""
    name = vector(2, b"\0" + vector(2, b"lwm2m.example"))
    async with secure_device(server, extra={0: name}) as board:
        await board.register("board-1")


async def test_plain_coap_on_the_secure_port_is_nothing(server: LwM2mServer) -> None:
    async with secure_device(server, None) as device:
        message = device.make(POST, "rd", uri_query=("ep=board-3",), payload=LINKS)
        device.transmit([message.encode()])
        await device.connect(**psk_options(PSK))

    assert not server.registrations


async def test_a_port_in_use_is_told(server: LwM2mServer, models: ModelRegistry) -> None:
    with pytest.raises(PortInUseError):
        async with secure_server(
            models, CredentialStore(), ports={Scheme.COAPS: server.ports[Scheme.COAPS]}
        ):
            pass


async def test_a_handshake_is_sent_again_and_given_up_in_time(
    server: LwM2mServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "FIRST_TIMEOUT", 0.02)
    monkeypatch.setattr(handshake, "TOTAL_TIMEOUT", 0.2)
    told: asyncio.Queue[ServerEvent] = asyncio.Queue()
    server.subscribe(told.put_nowait)
    async with secure_device(server, None, **psk_options(PSK)) as device:
        monkeypatch.setattr(device.client, "second_flight", list)
        device.transmit(device.client.hello())
        async with asyncio.timeout(PATIENCE):
            event = await told.get()

    assert isinstance(event, SecurityEvent)
    assert event.type is SecurityEventType.HANDSHAKE_FAILED
    assert server.counters.dtls.retransmissions > 0


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_ipv4_and_ipv6_share_the_socket(
    models: ModelRegistry, credentials: CredentialStore, host: str
) -> None:
    async with (
        secure_server(models, credentials, host=None) as server,
        secure_device(server, host=host) as board,
    ):
        await board.register("board-1", "lwm2m=1.1", payload=b"</>;ct=110," + LINKS)
        assert server.registrations["board-1"].remote.host == host
        await read(server.client("board-1"), board, 21.5)
        state = json.loads(json.dumps(server.dump()))

        async with secure_server(models, credentials, state, host=None) as restarted:
            assert restarted.registrations["board-1"].remote.host == host


# A new handshake of the same device


async def test_an_observation_goes_on_over_a_new_connection(
    board: SecureDevice, client: Client
) -> None:
    seen = Seen()
    request = await observe(client, board, seen)

    await board.connect(**psk_options(PSK))
    board.notify(request, **content(22.0, observe=2))

    assert await seen.next() == 22.0


async def test_an_observation_goes_on_from_another_address(
    server: LwM2mServer, board: SecureDevice, client: Client
) -> None:
    seen = Seen()
    request = await observe(client, board, seen)

    async with secure_device(server) as again:
        again.notify(request, **content(22.0, observe=2))
        assert await seen.next() == 22.0


async def test_no_other_device_speaks_in_an_observation(
    server: LwM2mServer, board: SecureDevice, client: Client
) -> None:
    seen = Seen()
    request = await observe(client, board, seen)

    async with secure_device(server, OTHER_PSK) as other:
        other.notify(request, mtype=CON, **content(99.0, observe=2))
        assert (await other.next_answer()).mtype is RST
    board.notify(request, **content(22.0, observe=3))

    assert await seen.next() == 22.0


async def test_requests_go_to_where_the_device_was_heard_last(
    server: LwM2mServer, board: SecureDevice, location: str, client: Client
) -> None:
    async with secure_device(server) as again:
        await read(client, again, 1.0)

        await board.update(location)
        await read(client, board, 2.0)


async def test_when_the_newest_connection_ends_the_one_before_is_left(
    server: LwM2mServer, board: SecureDevice, client: Client
) -> None:
    async with secure_device(server) as again:
        again.transmit([again.client.sealed(CLOSE_NOTIFY, ContentType.ALERT)])
        await again.alert()

    await read(client, board, 2.0)


async def test_a_request_finds_the_next_connection(
    board: SecureDevice, client: Client, counters: CoapCounters
) -> None:
    board.transmit([board.client.sealed(CLOSE_NOTIFY, ContentType.ALERT)])
    await board.alert()
    reading = asyncio.create_task(client.read(TEMPERATURE))
    await until(lambda: counters.unreachable)

    await board.connect(**psk_options(PSK))
    board.reply(await board.next_request(), **content(21.5))

    assert (await reading).values == {TEMPERATURE: 21.5}


async def test_what_waits_for_a_sleeping_device_goes_over_its_next_connection(
    server: LwM2mServer, board: SecureDevice
) -> None:
    location = await board.register("board-1", "lwm2m=1.1", "Q", payload=b"</>;ct=110," + LINKS)
    client = server.client("board-1")
    client._exchanges.queue.sleep()  # as after 93 s without a word of it
    reading = asyncio.create_task(client.read(TEMPERATURE))
    await asyncio.sleep(0)
    assert client.waiting == 1

    async with secure_device(server) as awake:
        await awake.update(location)
        awake.reply(await awake.next_request(), **content(21.5))
        assert (await reading).values == {TEMPERATURE: 21.5}


async def test_the_server_does_not_connect_to_devices(
    models: ModelRegistry, credentials: CredentialStore
) -> None:
    async with (
        secure_server(models, credentials, tuning=Impatient()) as server,
        secure_device(server) as board,
    ):
        await board.register("board-1")
        board.transmit([board.client.sealed(CLOSE_NOTIFY, ContentType.ALERT)])
        await board.alert()
        came: list[bytes] = []
        board.client.receive = came.append  # type: ignore[assignment,method-assign]  # it is gone, and answers nothing

        with pytest.raises(ClientTimeout):
            await server.client("board-1").read(TEMPERATURE)

        assert not came
        assert server.counters.coap.unreachable == 2


async def test_an_answer_goes_over_the_connection_that_asked(credentials: CredentialStore) -> None:
    """RFC 7252 9.1.1."""
    heard_elsewhere = asyncio.Event()

    async def handle(request: Message) -> Message:
        if request.opt.uri_path == ("first",):
            await heard_elsewhere.wait()
        return Message(code=CONTENT)

    endpoint = CoapEndpoint(handle, credentials=credentials)
    port = await endpoint.listen(Scheme.COAPS, "127.0.0.1", 0)
    server = cast("LwM2mServer", SimpleNamespace(ports={Scheme.COAPS: port}))
    try:
        async with secure_device(server) as first, secure_device(server) as second:
            asking = asyncio.create_task(first.request(GET, "first"))
            await until(lambda: endpoint.counters.requests)
            await second.request(GET, "second", token=b"2")
            heard_elsewhere.set()

            assert (await asking).code == CONTENT
    finally:
        await endpoint.close()


async def test_a_device_that_restarted_may_use_the_same_message_ids(
    server: LwM2mServer, board: SecureDevice
) -> None:
    first = board.make(POST, "rd", uri_query=("ep=board-1", "lt=60"), payload=LINKS)
    board.send(first)
    await board.next_answer()

    await board.connect(**psk_options(PSK))
    again = board.make(POST, "rd", uri_query=("ep=board-1", "lt=120"), payload=LINKS)
    again.mid = first.mid
    board.send(again)
    await board.next_answer()

    assert server.registrations["board-1"].lifetime == 120
    assert not server.counters.coap.duplicates


async def test_a_repeated_message_is_answered_as_before(
    server: LwM2mServer, board: SecureDevice
) -> None:
    message = board.make(POST, "rd", uri_query=("ep=board-1",), payload=LINKS)
    board.send(message)
    first = await board.next_answer()
    board.send(message)

    assert (await board.next_answer()).opt.location_path == first.opt.location_path
    assert server.counters.coap.duplicates == 1


# A device that moves


async def test_a_connection_id_keeps_observation_and_requests_behind_a_nat(
    server: LwM2mServer,
) -> None:
    async with secure_device(server, connection_id=b"") as board:
        await board.register("board-1", "lwm2m=1.1", payload=b"</>;ct=110," + LINKS)
        client, seen = server.client("board-1"), Seen()
        request = await observe(client, board, seen)

        await board.move()
        board.notify(request, **content(22.0, observe=2))

        assert await seen.next() == 22.0
        await read(client, board, 23.0)
        assert server.registrations["board-1"].remote.port == board.port


# Sizes


@pytest.mark.parametrize(("code", "block"), [(1, 256), (2, 512), (3, 1024)])
async def test_blocks_fit_into_the_records_that_the_device_takes(
    server: LwM2mServer, code: int, block: int
) -> None:
    limit = {Extension.MAX_FRAGMENT_LENGTH: code.to_bytes()}
    async with secure_device(server, extra=limit) as board:
        await board.register("board-1", payload=b"</5/0>")
        writing = asyncio.create_task(
            server.client("board-1").write(PACKAGE.parent, {PACKAGE: bytes(2000)}, replace=False)
        )
        request = await board.next_request()
        writing.cancel()

    assert len(request.payload) == block


async def test_blocks_fit_into_the_records_of_the_newest_connection(
    server: LwM2mServer, board: SecureDevice
) -> None:
    await board.register("board-1", payload=b"</5/0>")
    limit = {Extension.MAX_FRAGMENT_LENGTH: b"\1"}
    async with secure_device(server, extra=limit) as again:
        writing = asyncio.create_task(
            server.client("board-1").write(PACKAGE, {PACKAGE: bytes(2000)}, replace=True)
        )
        request = await again.next_request()
        writing.cancel()

    assert len(request.payload) == 256


async def test_strangers_transfers_do_not_displace_a_devices(
    server: LwM2mServer, board: SecureDevice, make_device: MakeDevice
) -> None:
    register: dict[str, Any] = {"uri_query": ["ep=board-1"], "content_format": LINK_FORMAT}
    first, rest = LINKS[:16], LINKS[16:]
    await board.request(POST, "rd", payload=first, block1=(0, True, 0), **register)
    stranger = await make_device(server)
    limits = PeerLimits()
    for number in range(limits.transfers * limits.strangers):
        await stranger.request(POST, str(number), payload=bytes(16), block1=(0, True, 0))

    response = await board.request(POST, "rd", payload=rest, block1=(1, False, 0), **register)
    assert response.code == CREATED


async def flood(server: LwM2mServer, hellos: int) -> None:
    """Send hellos from addresses where nobody reads the answers, as fast as they are given."""
    hello, target = ScriptedClient().hello()[0], ("127.0.0.1", server.ports[Scheme.COAPS])

    async def answered(count: int) -> None:
        await until(lambda: server.counters.dtls.hello_verify_requests >= count)

    with ExitStack() as stack:
        strangers = [stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(200)]
        for number, stranger in enumerate(strangers):
            stranger.bind((f"127.0.1.{number}", 0))
        for sent in range(0, hellos, len(strangers)):
            await answered(sent)
            for stranger in strangers:
                stranger.sendto(hello, target)
    await answered(hellos)


async def test_a_flood_of_hellos_leaves_nothing_and_keeps_no_device_out(
    server: LwM2mServer, counters: CoapCounters
) -> None:
    flooding = asyncio.create_task(flood(server, 10_000))
    await until(lambda: counters.datagrams_in > 1000)
    async with secure_device(server):
        assert not flooding.done()
        await flooding

        dtls = transport_of(server).dtls
        assert (dtls.handshakes, dtls.connections, dtls.sessions) == (0, 1, 1)
        assert counters.dropped == server.counters.dtls.retransmissions == 0


async def test_a_message_that_no_record_takes_is_counted(
    server: LwM2mServer, board: SecureDevice, client: Client, counters: CoapCounters
) -> None:
    transport = transport_of(server)

    transport.send_datagram(bytes(20_000), client.registration.remote)

    assert counters.send_errors == 1


# The server's end, and its return


async def test_a_server_that_stops_takes_its_leave(
    server: LwM2mServer, board: SecureDevice
) -> None:
    await server.stop()

    assert await board.alert() == (1, 0)  # close_notify


async def test_registration_and_observation_outlive_the_server(
    models: ModelRegistry,
    credentials: CredentialStore,
    server: LwM2mServer,
    board: SecureDevice,
    location: str,
    client: Client,
) -> None:
    request = await observe(client, board, Seen())
    state = json.loads(json.dumps(server.dump()))
    await server.stop()

    async with secure_server(models, credentials, state, server.ports) as restarted:
        seen = Seen()
        assert restarted.client("board-1").resume((TEMPERATURE,), seen)
        await board.connect(**psk_options(PSK))
        board.notify(request, **content(22.0, observe=2))

        assert await seen.next() == 22.0
        assert (await board.update(location)).code == CHANGED


async def test_what_is_stored_is_no_secret(server: LwM2mServer, client: Client) -> None:
    stored = json.dumps(server.dump())

    assert PSK.key.hex() not in stored
    assert base64.b64encode(PSK.key).decode() not in stored


@pytest.mark.parametrize("change", ["none", "other", "identity"])
async def test_a_registration_of_another_credential_is_not_restored(
    models: ModelRegistry, server: LwM2mServer, client: Client, change: str
) -> None:
    credentials = CredentialStore()
    if change == "other":
        credentials.put("board-1", OTHER_PSK)
    elif change == "identity":
        credentials.put("board-2", PSK)

    async with secure_server(models, credentials, server.dump()) as restarted:
        assert not restarted.registrations


async def test_a_registration_waits_for_a_device_with_the_new_key_of_its_identity(
    models: ModelRegistry, server: LwM2mServer, client: Client
) -> None:
    credentials = CredentialStore()
    credentials.put("board-1", PreSharedKey(PSK.identity, OTHER_PSK.key))

    async with secure_server(models, credentials, server.dump()) as restarted:
        assert list(restarted.registrations) == ["board-1"]


async def test_a_plain_registration_of_what_is_now_secured_is_not_restored(
    models: ModelRegistry, credentials: CredentialStore, make_device: MakeDevice
) -> None:
    async with secure_server(models, CredentialStore()) as open_to_all:
        await (await make_device(open_to_all)).register("board-1")
        state = open_to_all.dump()

    async with secure_server(models, credentials, state) as restarted:
        assert not restarted.registrations


async def test_without_a_secure_port_secure_registrations_are_left_out(
    models: ModelRegistry, credentials: CredentialStore, server: LwM2mServer, client: Client
) -> None:
    ports = {Scheme.COAP: 0}
    async with secure_server(models, credentials, server.dump(), ports) as restarted:
        assert not restarted.registrations
