"""Who may be whom: credentials and endpoint names, with and without DTLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiocoap import BAD_REQUEST, CHANGED, CREATED, DELETE, DELETED, FORBIDDEN, NOT_FOUND, POST
import pytest

from custom_components.lwm2m.protocol.dtls import (
    CertificateUsage,
    ServerIdentity,
)
from custom_components.lwm2m.protocol.errors import NotRegistered
from custom_components.lwm2m.protocol.security import (
    Credential,
    CredentialInUse,
    CredentialStore,
    RawPublicKey,
    SecurityEvent,
    SecurityEventType,
)
from custom_components.lwm2m.protocol.server import LwM2mServer, Registered, Revoked

from .conftest import LINK_FORMAT, LINKS, Device, Events, MakeDevice
from .dtls import parties
from .dtls.scripted_client import ECDHE_CCM_8
from .secure_device import (
    OTHER_PSK,
    PSK,
    SecureDevice,
    psk_options,
    secure_device,
    secure_server,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiocoap import Message

    from custom_components.lwm2m.protocol.model.registry import ModelRegistry

HOST = "127.0.0.1"


@pytest.fixture
async def server(models: ModelRegistry) -> AsyncIterator[LwM2mServer]:
    """A server that knows two devices by their keys."""
    credentials = CredentialStore(ServerIdentity(parties.server_party().key))
    credentials.put("board-1", PSK)
    credentials.put("board-2", OTHER_PSK)
    async with secure_server(models, credentials) as server:
        yield server


@pytest.fixture
async def board(server: LwM2mServer) -> AsyncIterator[SecureDevice]:
    """The first of the two, connected."""
    async with secure_device(server) as device:
        yield device


@pytest.fixture
async def plain(server: LwM2mServer, make_device: MakeDevice) -> Device:
    """A device without security."""
    return await make_device(server)


async def register(device: Device, *query: str) -> Message:
    return await device.request(
        POST, "rd", uri_query=query, content_format=LINK_FORMAT, payload=LINKS
    )


async def told(events: Events) -> SecurityEvent:
    """Wait for the next security event."""
    while not isinstance(event := await events.next(), SecurityEvent):
        pass
    return event


# Register


async def test_a_credential_registers_its_endpoint(
    server: LwM2mServer, board: SecureDevice, events: Events
) -> None:
    await board.register("board-1")

    event = await events.next()
    assert isinstance(event, Registered)
    assert event.registration.endpoint == "board-1"
    assert event.registration.remote.identity is not None
    assert event.registration.remote.port == board.port


async def test_a_credential_registers_no_other_endpoint(
    server: LwM2mServer, board: SecureDevice, events: Events
) -> None:
    response = await register(board, "ep=board-3")

    assert response.code == FORBIDDEN
    assert await told(events) == SecurityEvent(
        SecurityEventType.ENDPOINT_MISMATCH, HOST, "board-1", "board-3"
    )
    assert not server.registrations


async def test_a_credential_registers_no_other_secured_endpoint(
    server: LwM2mServer, board: SecureDevice
) -> None:
    assert (await register(board, "ep=board-2")).code == FORBIDDEN
    assert not server.registrations


async def test_without_a_name_it_is_that_of_the_credential(
    server: LwM2mServer, board: SecureDevice
) -> None:
    """The server knows the name from the security protocol (Core-V1_1_1 6.2.1)."""
    assert (await register(board, "lt=60")).code == CREATED
    assert server.registrations.keys() == {"board-1"}


async def test_a_secured_endpoint_does_not_fall_back_to_plain_text(
    server: LwM2mServer, plain: Device, events: Events
) -> None:
    response = await register(plain, "ep=board-1")

    assert response.code == FORBIDDEN
    assert await told(events) == SecurityEvent(
        SecurityEventType.PLAINTEXT_ATTEMPT, HOST, "board-1", "board-1"
    )
    assert not server.registrations


async def test_an_attempt_in_plain_text_leaves_the_secure_registration_alone(
    server: LwM2mServer, board: SecureDevice, plain: Device
) -> None:
    await board.register("board-1")
    before = server.registrations["board-1"]

    await register(plain, "ep=board-1")

    assert server.registrations["board-1"] is before


async def test_others_still_register_in_plain_text(server: LwM2mServer, plain: Device) -> None:
    assert (await register(plain, "ep=board-3")).code == CREATED


async def test_strangers_do_not_use_up_the_room_of_who_has_a_credential(
    models: ModelRegistry, make_device: MakeDevice
) -> None:
    credentials = CredentialStore()
    credentials.put("board-1", PSK)
    async with (
        secure_server(models, credentials, max_registrations=1) as server,
        secure_device(server) as board,
    ):
        await (await make_device(server)).register("stranger")

        assert (await register(board, "ep=board-1")).code == CREATED


async def test_a_credential_is_approval_enough(models: ModelRegistry) -> None:
    credentials = CredentialStore()
    credentials.put("board-1", PSK)
    async with (
        secure_server(models, credentials, admit=lambda request: False) as server,
        secure_device(server) as board,
    ):
        await board.register("board-1")


# Update, De-register and Send


async def test_a_credential_updates_and_deregisters_its_registration(board: SecureDevice) -> None:
    location = await board.register("board-1")

    assert (await board.update(location)).code == CHANGED
    assert (await board.request(DELETE, "rd", location)).code == DELETED


async def test_another_connection_of_the_credential_updates_as_well(
    server: LwM2mServer, board: SecureDevice
) -> None:
    location = await board.register("board-1")

    async with secure_device(server) as again:
        assert (await again.update(location)).code == CHANGED
        assert server.registrations["board-1"].remote.port == again.port


@pytest.mark.parametrize("method", [POST, DELETE], ids=["Update", "De-register"])
async def test_another_credential_changes_nothing(
    server: LwM2mServer, board: SecureDevice, events: Events, method: Any
) -> None:
    location = await board.register("board-1")
    before = server.registrations["board-1"]

    async with secure_device(server, OTHER_PSK) as other:
        response = await other.request(method, "rd", location)

    assert response.code == BAD_REQUEST
    assert await told(events) == SecurityEvent(
        SecurityEventType.ENDPOINT_MISMATCH, HOST, "board-2", "board-1"
    )
    assert server.registrations["board-1"] is before


@pytest.mark.parametrize("method", [POST, DELETE], ids=["Update", "De-register"])
async def test_plain_text_changes_nothing_of_a_secured_registration(
    server: LwM2mServer, board: SecureDevice, plain: Device, events: Events, method: Any
) -> None:
    location = await board.register("board-1")
    before = server.registrations["board-1"]

    response = await plain.request(method, "rd", location)

    assert response.code == BAD_REQUEST
    assert (await told(events)).type is SecurityEventType.PLAINTEXT_ATTEMPT
    assert server.registrations["board-1"] is before


async def test_a_credential_changes_nothing_of_a_plain_registration(
    server: LwM2mServer, board: SecureDevice, plain: Device
) -> None:
    location = await plain.register("board-3")

    assert (await board.request(DELETE, "rd", location)).code == BAD_REQUEST
    assert "board-3" in server.registrations


async def test_a_send_is_of_who_proved_to_be_registered(
    server: LwM2mServer, board: SecureDevice, plain: Device
) -> None:
    values = {"content_format": 110, "payload": b'[{"n":"/3303/0/5700","v":1}]'}
    await board.register("board-1")

    assert (await board.request(POST, "dp", **values)).code == CHANGED
    assert (await plain.request(POST, "dp", **values)).code == NOT_FOUND
    async with secure_device(server, OTHER_PSK) as other:
        assert (await other.request(POST, "dp", **values)).code == NOT_FOUND


async def test_a_plain_deregistration_from_another_host_is_told_of(
    models: ModelRegistry, make_device: MakeDevice, events: Events, server: LwM2mServer
) -> None:
    device = await make_device(server)
    elsewhere = await make_device(server, local_host="127.0.0.2")
    location = await device.register("board-3")

    assert (await elsewhere.request(DELETE, "rd", location)).code == DELETED

    assert await told(events) == SecurityEvent(
        SecurityEventType.UNEXPECTED_DEREGISTRATION, "127.0.0.2", "board-3"
    )


async def test_a_plain_deregistration_from_its_host_is_not_told_of(
    server: LwM2mServer, make_device: MakeDevice, plain: Device
) -> None:
    location = await plain.register("board-3")
    again = await make_device(server)

    assert (await again.request(DELETE, "rd", location)).code == DELETED
    assert not server.security.counts


# Credentials that come and go


async def test_a_credential_ends_the_plain_registration_of_before(
    server: LwM2mServer, plain: Device, events: Events
) -> None:
    location = await plain.register("board-3")
    registered = await events.next()
    assert isinstance(registered, Registered)

    server.set_credential("board-3", RawPublicKey(parties.device().spki))

    assert await events.next() == Revoked(registered.registration)
    assert server.counters.revoked == 1
    assert (await plain.update(location)).code == NOT_FOUND
    with pytest.raises(NotRegistered):
        server.client("board-3")


async def test_a_credential_that_is_gone_ends_connection_and_registration(
    server: LwM2mServer, board: SecureDevice
) -> None:
    await board.register("board-1")

    server.set_credential("board-1", None)

    assert await board.alert() == (2, 49)  # access_denied
    assert not server.registrations


async def test_another_key_ends_connection_and_registration(
    server: LwM2mServer, board: SecureDevice
) -> None:
    await board.register("board-1")

    server.set_credential("board-1", OTHER_PSK.__class__(PSK.identity, b"another key"))

    assert await board.alert() == (2, 49)
    assert not server.registrations


async def test_others_stay_connected(server: LwM2mServer, board: SecureDevice) -> None:
    location = await board.register("board-1")

    server.set_credential("board-2", None)

    assert (await board.update(location)).code == CHANGED


async def test_the_same_credential_ends_nothing(server: LwM2mServer, board: SecureDevice) -> None:
    location = await board.register("board-1")

    server.set_credential("board-1", PSK)

    assert (await board.update(location)).code == CHANGED


async def test_a_credential_that_cannot_be_changed_ends_nothing(
    server: LwM2mServer, board: SecureDevice
) -> None:
    location = await board.register("board-1")

    with pytest.raises(CredentialInUse):
        server.set_credential("board-1", OTHER_PSK)

    assert (await board.update(location)).code == CHANGED


# Public keys and certificates


CREDENTIALS: dict[str, Credential] = {
    "raw public key": RawPublicKey(parties.device().spki),
    "pinned certificate": parties.trust(
        CertificateUsage.DOMAIN_ISSUED_CERTIFICATE, parties.device()
    ),
    "certificate by its issuer": parties.trust(
        CertificateUsage.TRUST_ANCHOR_ASSERTION, parties.authority()
    ),
}


def shown(kind: str) -> dict[str, Any]:
    return {
        "suites": (ECDHE_CCM_8,),
        "party": parties.device(),
        "raw": kind == "raw public key",
    }


@pytest.fixture(params=CREDENTIALS)
async def certified(server: LwM2mServer, request: Any) -> AsyncIterator[SecureDevice]:
    """The first device, with another kind of credential."""
    party = parties.server_party()
    server.set_identity(ServerIdentity(party.key, [party.der]))
    server.set_credential("board-1", CREDENTIALS[request.param])
    async with secure_device(server, None, **shown(request.param)) as device:
        await device.connect()
        yield device


async def test_other_kinds_of_credential_register_their_endpoint(
    server: LwM2mServer, certified: SecureDevice
) -> None:
    await certified.register("board-1")


async def test_other_kinds_of_credential_register_no_other_endpoint(
    server: LwM2mServer, certified: SecureDevice
) -> None:
    assert (await register(certified, "ep=board-2")).code == FORBIDDEN


async def test_without_a_name_other_kinds_of_credential_know_it(
    server: LwM2mServer, certified: SecureDevice
) -> None:
    await register(certified)
    assert server.registrations.keys() == {"board-1"}


async def test_other_kinds_of_credential_end_connection_and_registration_at_once(
    server: LwM2mServer, certified: SecureDevice
) -> None:
    await certified.register("board-1")
    server.set_credential("board-1", None)

    assert await certified.alert() == (2, 49)
    assert not server.registrations


@pytest.mark.parametrize("certified", ["certificate by its issuer"], indirect=True)
async def test_a_device_that_is_pinned_as_another_ends_connection_and_registration(
    server: LwM2mServer, certified: SecureDevice
) -> None:
    await certified.register("board-1")
    server.set_credential("board-2", CREDENTIALS["pinned certificate"])

    assert await certified.alert() == (2, 49)
    assert not server.registrations


async def test_another_identity_of_the_server_is_proved_anew(
    server: LwM2mServer, certified: SecureDevice
) -> None:
    server.set_identity(ServerIdentity(parties.stranger().key))

    assert await certified.alert() == (2, 49)


async def test_who_shares_a_key_with_the_server_does_not_ask_who_it_is(
    server: LwM2mServer, board: SecureDevice
) -> None:
    location = await board.register("board-1")

    server.set_identity(ServerIdentity(parties.stranger().key))

    assert (await board.update(location)).code == CHANGED


# Handshakes that fail


async def test_a_wrong_key_is_told_of(server: LwM2mServer, events: Events) -> None:
    async with secure_device(server, None, identity=PSK.identity, key=b"guessed") as device:
        device.transmit(device.client.hello())
        await device.alert()

    event = await told(events)
    assert (event.type, event.endpoint) == (SecurityEventType.WRONG_KEY, "board-1")
    assert event.claimed == "board-1 key"
    assert event.detail


async def test_an_unknown_identity_is_told_of(server: LwM2mServer, events: Events) -> None:
    async with secure_device(server, None, identity=b"nobody\xff", key=b"key") as device:
        device.transmit(device.client.hello())
        await device.alert()

    event = await told(events)
    assert (event.type, event.endpoint) == (SecurityEventType.UNKNOWN_IDENTITY, None)
    assert event.claimed == "nobody\ufffd"


async def test_an_unknown_certificate_is_told_of_by_its_name(
    server: LwM2mServer, certified: SecureDevice, events: Events
) -> None:
    options = shown("certificate") | {"party": parties.stranger(), "raw": certified.client.raw}
    async with secure_device(server, None, **options) as device:
        device.transmit(device.client.hello())
        await device.alert()

    event = await told(events)
    assert event.type is SecurityEventType.UNKNOWN_IDENTITY
    assert event.claimed
    assert event.claimed.startswith("public key" if certified.client.raw else "stranger")


@pytest.mark.parametrize("issuer", [parties.authority(), None], ids=["expired", "self-made"])
async def test_a_certificate_that_only_names_an_endpoint_is_told_of_as_a_wrong_key(
    server: LwM2mServer, events: Events, issuer: parties.Party | None
) -> None:
    own = parties.server_party()
    server.set_identity(ServerIdentity(own.key, [own.der]))
    server.set_credential("board-1", CREDENTIALS["certificate by its issuer"])
    party = parties.issue("board-1", issuer, days=(-30, -1))
    async with secure_device(server, None, **shown("certificate") | {"party": party}) as device:
        device.transmit(device.client.hello())
        await device.alert()

    event = await told(events)
    assert (event.type, event.endpoint) == (SecurityEventType.WRONG_KEY, "board-1")
    assert event.claimed == "board-1"


async def test_a_replay_is_told_of(
    server: LwM2mServer, board: SecureDevice, events: Events
) -> None:
    await board.register("board-1")
    record = board.client.sealed(b"")
    board.transmit([record, record])

    assert await told(events) == SecurityEvent(SecurityEventType.REPLAY, HOST, "board-1")


async def test_a_forged_record_is_told_of(
    server: LwM2mServer, board: SecureDevice, events: Events
) -> None:
    record = bytearray(board.client.sealed(b"data"))
    record[-1] ^= 1
    board.transmit([bytes(record)])

    assert await told(events) == SecurityEvent(SecurityEventType.BAD_MAC, HOST, "board-1")


async def test_a_suite_that_nobody_has_is_told_of(server: LwM2mServer, events: Events) -> None:
    options = psk_options(PSK) | {"suites": (0x1301,)}
    async with secure_device(server, None, **options) as device:
        device.transmit(device.client.hello())
        await device.alert()

    assert (await told(events)).type is SecurityEventType.HANDSHAKE_FAILED


async def test_a_flood_of_hellos_is_told_of(server: LwM2mServer, events: Events) -> None:
    async with secure_device(server, None) as device:
        device.transmit(device.client.hello() * 600)
        event = await told(events)

    assert event == SecurityEvent(SecurityEventType.FLOOD, HOST)
