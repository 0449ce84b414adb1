"""The registration interface, spoken to as a device does.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.2, OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.3.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
import random
from typing import TYPE_CHECKING, Any

from aiocoap import (
    BAD_REQUEST,
    CHANGED,
    CONFLICT,
    CONTINUE,
    CREATED,
    DELETE,
    DELETED,
    FORBIDDEN,
    NON,
    NOT_FOUND,
    POST,
    PRECONDITION_FAILED,
    REQUEST_ENTITY_TOO_LARGE,
    SERVICE_UNAVAILABLE,
    UNSUPPORTED_CONTENT_FORMAT,
    Message,
)
import pytest

from custom_components.lwm2m.protocol.object_list import RequestError
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.registration import parse_register
from custom_components.lwm2m.protocol.server import (
    Deregistered,
    Expired,
    Registered,
    Registration,
    Updated,
)

from .conftest import LINK_FORMAT, LINKS, Device, Events, MakeDevice, MakeServer

if TYPE_CHECKING:
    from aiocoap.numbers.codes import Code

    from custom_components.lwm2m.protocol.server import LwM2mServer, RegisterRequest


ALMOST_A_SECOND = -0.95
"""A grace that makes the shortest lifetime, one second, end soon."""


async def send(device: Device) -> Code:
    """Send a value, which tells whether the server knows the address."""
    response = await device.request(
        POST, "dp", content_format=110, payload=b'[{"n":"/3303/0/5700","v":1}]'
    )
    return response.code


# Register


async def test_register_is_answered_with_a_location_under_rd(device: Device) -> None:
    response = await device.request(POST, "rd", uri_query=["ep=dev"], payload=LINKS)

    assert response.code == CREATED
    assert response.opt.location_path[0] == "rd"
    assert len(response.opt.location_path) == 2


async def test_location_fits_the_smallest_client(device: Device) -> None:
    assert len("rd/" + await device.register()) < 15  # Contiki-NG's assigned_ep


async def test_location_differs_from_registration_to_registration(device: Device) -> None:
    assert await device.register() != await device.register()


async def test_register_tells_all_that_the_client_said(
    server: LwM2mServer, events: Events, device: Device
) -> None:
    location = await device.register(
        "urn:dev:1", "lt=300", "lwm2m=1.1", "b=UT", "Q", "sms=491700000", "et=oma.lwm2m", "x"
    )

    event = await events.next()
    assert isinstance(event, Registered)
    assert event.previous is None
    registration = event.registration
    assert registration is server.registrations["urn:dev:1"]
    assert registration.endpoint == "urn:dev:1"
    assert registration.id == location
    assert registration.remote.port == device.port
    assert registration.lifetime == 300
    assert registration.version == "1.1"
    assert registration.binding == "UT"
    assert registration.queue_mode
    assert registration.sms == "491700000"
    assert registration.attributes == {"et": "oma.lwm2m", "x": ""}
    assert datetime.now(UTC) - registration.registered_at < timedelta(seconds=10)
    assert registration.expires_at == registration.updated_at + timedelta(seconds=300)


async def test_register_without_options_gets_the_defaults(
    server: LwM2mServer, device: Device
) -> None:
    await device.register()

    registration = server.registrations["dev"]
    assert registration.lifetime == 86400
    assert registration.version == "1.0"
    assert registration.binding == "U"
    assert not registration.queue_mode
    assert registration.sms is None
    assert registration.attributes == {}
    assert registration.root == ""
    assert registration.content_formats == frozenset()


@pytest.mark.parametrize(
    ("query", "queue_mode"),
    [
        (["lwm2m=1.0", "b=U"], False),
        (["lwm2m=1.0", "b=UQ"], True),
        (["lwm2m=1.0", "b=UQS"], True),
        (["lwm2m=1.1", "b=U"], False),
        (["lwm2m=1.1", "b=U", "Q"], True),
        (["lwm2m=1.1", "Q"], True),
        (["lwm2m=1.1", "b=UQ"], True),
        (["lwm2m=1.0", "b=U", "Q"], True),
        (["lwm2m=1.2", "b=UMH"], False),
    ],
)
async def test_queue_mode_is_understood_in_both_spellings(
    server: LwM2mServer, device: Device, query: list[str], queue_mode: bool
) -> None:
    await device.register("dev", *query)

    assert server.registrations["dev"].queue_mode is queue_mode


async def test_a_patch_level_in_the_version_is_dropped(server: LwM2mServer, device: Device) -> None:
    await device.register("dev", "lwm2m=1.0.2")

    assert server.registrations["dev"].version == "1.0"


async def test_a_payload_without_content_format_is_taken_for_links(
    server: LwM2mServer, device: Device
) -> None:
    await device.request(POST, "rd", uri_query=["ep=dev"], payload=LINKS)

    assert server.registrations["dev"].instances == {Path(1, 0), Path(3, 0), Path(3303, 0)}


LONG = "x" * 300
WRONG_REGISTERS: dict[str, tuple[dict[str, Any], Code]] = {
    "no endpoint": ({"uri_query": ["lt=60"]}, BAD_REQUEST),
    "empty endpoint": ({"uri_query": ["ep="]}, BAD_REQUEST),
    "endpoint too long": ({"uri_query": [f"ep={LONG}"]}, BAD_REQUEST),
    "endpoint not printable": ({"uri_query": ["ep=a\nb"]}, BAD_REQUEST),
    "endpoint twice": ({"uri_query": ["ep=a", "ep=b"]}, BAD_REQUEST),
    "lifetime no number": ({"uri_query": ["ep=dev", "lt=soon"]}, BAD_REQUEST),
    "lifetime empty": ({"uri_query": ["ep=dev", "lt="]}, BAD_REQUEST),
    "lifetime negative": ({"uri_query": ["ep=dev", "lt=-1"]}, BAD_REQUEST),
    "lifetime a fraction": ({"uri_query": ["ep=dev", "lt=1.5"]}, BAD_REQUEST),
    "lifetime of other digits": ({"uri_query": ["ep=dev", "lt=\u0661\u0662"]}, BAD_REQUEST),
    "lifetime beyond reason": ({"uri_query": ["ep=dev", "lt=" + "9" * 40]}, BAD_REQUEST),
    "binding unknown": ({"uri_query": ["ep=dev", "b=X"]}, BAD_REQUEST),
    "binding empty": ({"uri_query": ["ep=dev", "b="]}, BAD_REQUEST),
    "binding only queue mode": ({"uri_query": ["ep=dev", "b=Q"]}, BAD_REQUEST),
    "binding twice the same": ({"uri_query": ["ep=dev", "b=UU"]}, BAD_REQUEST),
    "binding of a later version": ({"uri_query": ["ep=dev", "lwm2m=1.0", "b=T"]}, BAD_REQUEST),
    "version malformed": ({"uri_query": ["ep=dev", "lwm2m=one"]}, BAD_REQUEST),
    "version unknown": ({"uri_query": ["ep=dev", "lwm2m=2.0"]}, PRECONDITION_FAILED),
    "version to come": ({"uri_query": ["ep=dev", "lwm2m=1.3"]}, PRECONDITION_FAILED),
    "profile ID": ({"uri_query": ["ep=dev", "lwm2m=1.2", "pid=6:12ab"]}, CONFLICT),
    "too many parameters": (
        {"uri_query": ["ep=dev", *(f"a{number}=1" for number in range(32))]},
        BAD_REQUEST,
    ),
    "no objects": ({"payload": b""}, BAD_REQUEST),
    "only the root": ({"payload": b'</>;rt="oma.lwm2m"'}, BAD_REQUEST),
    "links malformed": ({"payload": b"</1/0"}, BAD_REQUEST),
    "links not UTF-8": ({"payload": b"</\xff/0>"}, BAD_REQUEST),
    "another format": ({"content_format": 0}, UNSUPPORTED_CONTENT_FORMAT),
    "too many links": (
        {"payload": b",".join(b"</3303/%d>" % number for number in range(1001))},
        REQUEST_ENTITY_TOO_LARGE,
    ),
}


@pytest.mark.parametrize("case", WRONG_REGISTERS)
async def test_a_wrong_register_gets_its_code_and_leaves_no_state(
    server: LwM2mServer, events: Events, device: Device, case: str
) -> None:
    options, code = WRONG_REGISTERS[case]
    options = {
        "uri_query": ["ep=dev"],
        "payload": LINKS,
        "content_format": LINK_FORMAT,
        **options,
    }

    response = await device.request(POST, "rd", **options)

    assert response.code == code
    assert not server.registrations
    assert await send(device) == NOT_FOUND
    assert events.empty


def test_whatever_a_register_says_it_is_read_or_refused() -> None:
    """Nothing else comes of 3,000 damaged ones."""
    dice = random.Random(6)
    sound = (*b'</>;rt="oma.lwm2m";ct="110 112",</3303/0>;ver=1.1,</1>',)
    names = ["ep", "lt", "lwm2m", "b", "Q", "sms", "pid", "", "="]
    values = ["", "dev", "60", "1.1", "9.9", "UQ", "\x00", "9" * 400, "\U0001f600", "1.1.1.1", "=="]
    outcomes = set()
    for _ in range(3000):
        payload = list(sound)
        for _ in range(dice.randrange(4)):
            payload[dice.randrange(len(payload))] = dice.randrange(256)
        query = [f"{dice.choice(names)}={dice.choice(values)}" for _ in range(dice.randrange(4))]
        message = Message(code=POST, uri_query=["ep=dev", *query], payload=bytes(payload))
        try:
            outcomes.add(parse_register(message).endpoint)
        except RequestError as err:
            outcomes.add(err.code)

    assert outcomes == {"dev", BAD_REQUEST, PRECONDITION_FAILED, CONFLICT}


async def test_a_client_that_is_not_admitted_is_forbidden(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    asked: list[RegisterRequest] = []

    def admit(request: RegisterRequest) -> bool:
        asked.append(request)
        return request.endpoint == "friend"

    server = await make_server(admit=admit)
    device = await make_device(server)

    response = await device.request(POST, "rd", uri_query=["ep=stranger"], payload=LINKS)
    await device.register("friend")

    assert response.code == FORBIDDEN
    assert [(request.endpoint, request.remote.port) for request in asked] == [
        ("stranger", device.port),
        ("friend", device.port),
    ]
    assert list(server.registrations) == ["friend"]


async def test_clients_beyond_the_limit_are_told_to_come_again(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    server = await make_server(max_registrations=1)
    device = await make_device(server)
    await device.register("first")

    response = await device.request(POST, "rd", uri_query=["ep=second"], payload=LINKS)

    assert response.code == SERVICE_UNAVAILABLE
    assert list(server.registrations) == ["first"]


async def test_a_full_server_lets_its_clients_register_again(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    server = await make_server(max_registrations=1)
    device = await make_device(server)
    await device.register("first")

    location = await device.register("first")

    assert server.registrations["first"].id == location


async def test_a_non_confirmable_register_is_taken(server: LwM2mServer, device: Device) -> None:
    await device.request(POST, "rd", mtype=NON, uri_query=["ep=dev"], payload=LINKS)

    assert "dev" in server.registrations


# Repeated and large datagrams


async def test_a_duplicated_register_makes_one_registration(events: Events, device: Device) -> None:
    message = device.make(POST, "rd", uri_query=["ep=dev"], payload=LINKS)
    device.send(message)
    device.send(message)
    first = await device.next_answer()
    device.send(message)
    second = await device.next_answer()

    assert first.opt.location_path == second.opt.location_path
    assert isinstance(await events.next(), Registered)
    assert events.empty


async def test_a_register_in_blocks_is_put_together(server: LwM2mServer, device: Device) -> None:
    payload = b",".join(b"</3303/%d>" % number for number in range(12))
    blocks = [payload[start : start + 64] for start in range(0, len(payload), 64)]

    for number, block in enumerate(blocks):
        response = await device.request(
            POST,
            "rd",
            uri_query=["ep=dev"],
            content_format=LINK_FORMAT,
            payload=block,
            block1=(number, number < len(blocks) - 1, 2),
        )
        assert response.code == (CONTINUE if number < len(blocks) - 1 else CREATED)

    assert len(server.registrations["dev"].instances) == 12


# Update


async def registered(device: Device, events: Events) -> tuple[str, Registration]:
    """Register and return the location and the registration."""
    location = await device.register("dev", "lt=300", "lwm2m=1.1", "b=U", "et=lamp")
    event = await events.next()
    assert isinstance(event, Registered)
    return location, event.registration


async def test_an_empty_update_only_renews_the_lifetime(
    server: LwM2mServer, events: Events, device: Device
) -> None:
    location, registration = await registered(device, events)

    response = await device.update(location)

    assert response.code == CHANGED
    event = await events.next()
    assert isinstance(event, Updated)
    assert event.previous is registration
    renewed = event.registration.updated_at
    assert renewed > registration.updated_at
    assert server.registrations["dev"] is event.registration
    assert event.registration == replace(registration, updated_at=renewed)


@pytest.mark.parametrize(
    ("query", "change"),
    [
        ("lt=60", {"lifetime": 60}),
        ("b=UT", {"binding": "UT"}),
        ("b=UQ", {"binding": "UQ", "queue_mode": True}),
        ("Q", {"queue_mode": True}),
        ("sms=491700000", {"sms": "491700000"}),
        ("et=bulb", {"attributes": {"et": "bulb"}}),
        ("fw=2", {"attributes": {"et": "lamp", "fw": "2"}}),
        ("ep=dev", {}),
        ("lwm2m=1.1", {}),
        ("lwm2m=1.1.1", {}),
    ],
)
async def test_an_update_changes_what_it_says(
    server: LwM2mServer, events: Events, device: Device, query: str, change: dict[str, Any]
) -> None:
    location, before = await registered(device, events)

    response = await device.update(location, query)

    assert response.code == CHANGED
    after = server.registrations["dev"]
    assert after == replace(before, updated_at=after.updated_at, **change)


async def test_an_object_list_in_an_update_replaces_the_old_one(
    server: LwM2mServer, events: Events, device: Device
) -> None:
    location, _ = await registered(device, events)

    await device.update(location, content_format=LINK_FORMAT, payload=b"</1/0>,</3311/0>;ver=1.1")

    registration = server.registrations["dev"]
    assert registration.instances == {Path(1, 0), Path(3311, 0)}
    assert registration.versions == {3311: "1.1"}


async def test_content_formats_outlast_an_update_that_states_none(
    server: LwM2mServer, device: Device
) -> None:
    location = await device.register("dev", payload=b"</>;ct=110,</3/0>")

    await device.update(location, content_format=LINK_FORMAT, payload=b"</3/0>,</3303/0>")

    assert server.registrations["dev"].content_formats == {110}


async def test_content_formats_are_those_of_an_update_that_states_some(
    server: LwM2mServer, device: Device
) -> None:
    location = await device.register("dev", payload=b"</>;ct=110,</3/0>")

    await device.update(location, content_format=LINK_FORMAT, payload=b"</>;ct=112,</3/0>")

    assert server.registrations["dev"].content_formats == {112}


async def test_alternate_path_outlasts_an_update_that_names_none(
    server: LwM2mServer, device: Device
) -> None:
    location = await device.register("dev", payload=b"</lwm2m>;rt=oma.lwm2m,</lwm2m/3/0>")

    await device.update(location, content_format=LINK_FORMAT, payload=b"</lwm2m/3303/0>")

    registration = server.registrations["dev"]
    assert (registration.root, registration.instances) == ("/lwm2m", {Path(3303, 0)})


async def test_queue_mode_of_1_0_follows_the_binding(server: LwM2mServer, device: Device) -> None:
    location = await device.register("dev", "lwm2m=1.0", "b=UQ")

    await device.update(location, "b=U")

    assert not server.registrations["dev"].queue_mode


async def test_queue_mode_of_1_1_survives_an_update_of_the_binding(
    server: LwM2mServer, device: Device
) -> None:
    location = await device.register("dev", "lwm2m=1.1", "Q")

    await device.update(location, "b=U")

    assert server.registrations["dev"].queue_mode


WRONG_UPDATES: dict[str, tuple[dict[str, Any], Code]] = {
    "lifetime": ({"uri_query": ["lt=soon"]}, BAD_REQUEST),
    "binding": ({"uri_query": ["b=X"]}, BAD_REQUEST),
    "other endpoint": ({"uri_query": ["ep=other"]}, BAD_REQUEST),
    "other version": ({"uri_query": ["lwm2m=1.0"]}, BAD_REQUEST),
    "profile ID": ({"uri_query": ["pid=6:12ab"]}, CONFLICT),
    "parameter twice": ({"uri_query": ["lt=1", "lt=2"]}, BAD_REQUEST),
    "too many attributes": ({"uri_query": [f"a{number}=" for number in range(32)]}, BAD_REQUEST),
    "links": ({"payload": b"</1/0"}, BAD_REQUEST),
    "format": ({"payload": LINKS, "content_format": 0}, UNSUPPORTED_CONTENT_FORMAT),
}


@pytest.mark.parametrize("case", WRONG_UPDATES)
async def test_a_wrong_update_gets_its_code_and_changes_nothing(
    server: LwM2mServer, events: Events, device: Device, case: str
) -> None:
    options, code = WRONG_UPDATES[case]
    location, registration = await registered(device, events)

    response = await device.request(POST, "rd", location, **options)

    assert response.code == code
    assert server.registrations["dev"] is registration
    assert events.empty


async def test_an_update_from_another_address_moves_the_client(
    server: LwM2mServer, events: Events, device: Device, make_device: MakeDevice
) -> None:
    location, _ = await registered(device, events)
    elsewhere = await make_device(server)

    response = await elsewhere.update(location)

    assert response.code == CHANGED
    event = await events.next()
    assert isinstance(event, Updated)
    assert event.previous.remote.port == device.port
    assert event.registration.remote.port == elsewhere.port
    assert await send(device) == NOT_FOUND
    assert await send(elsewhere) == CHANGED


@pytest.mark.parametrize("code", [POST, DELETE])
async def test_an_unknown_location_is_not_found(
    server: LwM2mServer, events: Events, device: Device, code: Code
) -> None:
    await registered(device, events)

    response = await device.request(code, "rd", "elsewhere")

    assert response.code == NOT_FOUND
    assert "dev" in server.registrations


# De-register


async def test_deregister_ends_the_registration(
    server: LwM2mServer, events: Events, device: Device
) -> None:
    location, registration = await registered(device, events)

    response = await device.request(DELETE, "rd", location)

    assert response.code == DELETED
    assert await events.next() == Deregistered(registration)
    assert not server.registrations
    assert (await device.update(location)).code == NOT_FOUND
    assert await send(device) == NOT_FOUND


# Register again


async def test_a_register_replaces_the_one_before(
    server: LwM2mServer, events: Events, device: Device
) -> None:
    old, registration = await registered(device, events)

    new = await device.register("dev", payload=b"</3/0>")

    event = await events.next()
    assert isinstance(event, Registered)
    assert event.previous is registration
    assert list(server.registrations) == ["dev"]
    assert server.registrations["dev"].instances == {Path(3, 0)}
    assert (await device.update(old)).code == NOT_FOUND
    assert (await device.update(new)).code == CHANGED


async def test_a_register_from_another_address_leaves_nothing_at_the_old_one(
    server: LwM2mServer, device: Device, make_device: MakeDevice
) -> None:
    await device.register("dev")
    elsewhere = await make_device(server)

    await elsewhere.register("dev")

    assert await send(device) == NOT_FOUND
    assert await send(elsewhere) == CHANGED


async def test_a_renamed_client_is_known_by_its_new_name(
    server: LwM2mServer, device: Device
) -> None:
    """Same address, other endpoint: the address is the new one's, before and after the old ends."""
    old = await device.register("old")
    new = await device.register("new", payload=b"</3303/0>")
    assert await send(device) == CHANGED

    await device.request(DELETE, "rd", old)

    assert list(server.registrations) == ["new"]
    assert (await device.update(new)).code == CHANGED
    assert await send(device) == CHANGED


async def test_the_older_of_two_endpoints_keeps_its_address_when_the_newer_leaves(
    device: Device,
) -> None:
    await device.register("old")
    new = await device.register("new")

    await device.request(DELETE, "rd", new)

    assert await send(device) == CHANGED


# Lifetime


async def test_a_client_that_does_not_update_expires(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    server = await make_server(lifetime_grace=ALMOST_A_SECOND)
    events = Events()
    server.subscribe(events.put)
    device = await make_device(server)
    location = await device.register("dev", "lt=1")
    registration = server.registrations["dev"]
    await events.next()

    assert await events.next() == Expired(registration)
    assert not server.registrations
    assert (await device.update(location)).code == NOT_FOUND


async def test_an_update_puts_the_end_of_the_lifetime_off(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    """The client whose lifetime starts with the Update outlives one that registered after it."""
    server = await make_server(lifetime_grace=ALMOST_A_SECOND)
    events = Events()
    server.subscribe(events.put)
    device = await make_device(server)
    updated = await device.register("updated", "lt=1")
    await device.register("not updated", "lt=1")
    await device.update(updated)
    for _ in range(3):
        await events.next()

    first, second = await events.next(), await events.next()

    assert isinstance(first, Expired)
    assert isinstance(second, Expired)
    assert [first.registration.endpoint, second.registration.endpoint] == [
        "not updated",
        "updated",
    ]


async def test_an_endpoint_with_a_longer_grace_outlives_the_others(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    """Also the lifetime that has already begun."""
    server = await make_server(lifetime_grace=ALMOST_A_SECOND)
    events = Events()
    server.subscribe(events.put)
    device = await make_device(server)
    await device.register("patient", "lt=1")
    server.set_lifetime_grace("patient", ALMOST_A_SECOND + 0.1)
    await device.register("usual", "lt=1")
    for expected in ("patient", "usual", "usual", "patient"):
        event = await events.next()
        assert isinstance(event, Registered | Expired)
        assert event.registration.endpoint == expected


async def test_lifetime_0_never_ends(make_server: MakeServer, make_device: MakeDevice) -> None:
    server = await make_server(lifetime_grace=ALMOST_A_SECOND)
    events = Events()
    server.subscribe(events.put)
    device = await make_device(server)
    await device.register("for ever", "lt=0")
    await device.register("mortal", "lt=1")
    for _ in range(3):
        event = await events.next()

    assert isinstance(event, Expired)
    assert event.registration.endpoint == "mortal"
    assert server.registrations["for ever"].expires_at is None


async def test_an_update_can_shorten_the_lifetime(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    server = await make_server(lifetime_grace=ALMOST_A_SECOND)
    events = Events()
    server.subscribe(events.put)
    device = await make_device(server)
    location = await device.register("dev", "lt=86400")

    await device.update(location, "lt=1")

    for _ in range(3):
        event = await events.next()
    assert isinstance(event, Expired)
