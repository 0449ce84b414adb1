"""A server that goes on from what another one had stored, with devices that were not told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
import json
from typing import TYPE_CHECKING, Any

from aiocoap import CHANGED, CONTENT, FETCH, NOT_FOUND
import pytest

from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.node import ObjectLink
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.persistence import (
    MAX_VALUE_LENGTH,
    MAX_VALUES,
    UNSAVED,
    RestoreError,
    dump_values,
    load_values,
)
from custom_components.lwm2m.protocol.reporting import latest
from custom_components.lwm2m.protocol.server import MESSAGE_ID_LEAP, LwM2mServer

from .conftest import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aiocoap import Message

    from custom_components.lwm2m.protocol.model.registry import ModelRegistry
    from custom_components.lwm2m.protocol.node import Value
    from custom_components.lwm2m.protocol.reporting import Readings

    from .conftest import Device

type Restart = Callable[..., Awaitable[LwM2mServer]]

TEMPERATURE = Path(3303, 0)
BOTH = (TEMPERATURE / 5700, Path(3311, 0, 5850))
PAYLOAD = b'[{"bn":"/3303/0/","n":"5700","v":21.5}]'
SENML_JSON = 110


@pytest.fixture
async def restart(server: LwM2mServer, models: ModelRegistry) -> AsyncIterator[Restart]:
    """Replace `server` by a new one on its port, with what it dumped, or that as changed."""
    servers = []

    async def restart(change: Callable[[Any], None] = lambda state: None) -> LwM2mServer:
        state = json.loads(json.dumps(server.dump()))
        await server.stop()
        change(state)
        new = LwM2mServer(models)
        servers.append(new)
        await new.start("127.0.0.1", {Scheme.COAP: server.ports[Scheme.COAP]}, state)
        return new

    yield restart
    for new in servers:
        await new.stop()


class Seen:
    """What an owner of an observation was told."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self.changed = asyncio.Event()

    def __call__(self, readings: Readings) -> None:
        self.values.append(latest(readings).values.get(TEMPERATURE / 5700))
        self.changed.set()

    async def wait(self) -> list[object]:
        async with asyncio.timeout(PATIENCE):
            await self.changed.wait()
        return self.values


async def observe(server: LwM2mServer, device: Device) -> Message:
    """Observe /3303/0; return the request."""
    _, requests = await device.answering(
        server.client("dev").observe(TEMPERATURE, lambda decoded: None),
        {"code": CONTENT, "payload": PAYLOAD, "content_format": SENML_JSON, "observe": 7},
    )
    return requests[0]


async def observe_both(server: LwM2mServer, device: Device) -> Message:
    """Observe two resources as one; return the request."""
    _, requests = await device.answering(
        server.client("dev").observe_composite(BOTH, lambda decoded: None),
        {"code": CONTENT, "payload": PAYLOAD, "content_format": SENML_JSON, "observe": 7},
    )
    return requests[0]


# Registrations


async def test_an_update_is_answered_as_if_nothing_had_happened(
    device: Device, restart: Restart
) -> None:
    location = await device.register()
    await restart()
    assert (await device.update(location)).code == CHANGED


async def test_an_update_is_unknown_without_what_was_stored(
    device: Device, restart: Restart
) -> None:
    location = await device.register()
    await restart(lambda state: state["registrations"].clear())
    assert (await device.update(location)).code == NOT_FOUND


async def test_a_registration_comes_back_as_it_was(
    server: LwM2mServer, device: Device, restart: Restart
) -> None:
    links = b'</lwm2m>;rt="oma.lwm2m";ct="110 112",</lwm2m/1/0>,</lwm2m/3303>;ver=1.1'
    await device.register("dev", "lwm2m=1.1", "Q", "lt=60", "sms=123", "et=x", payload=links)
    before = server.registrations["dev"]
    assert (await restart()).registrations["dev"] == before


async def test_requests_leave_from_where_the_device_talks_to(
    server: LwM2mServer, device: Device, restart: Restart
) -> None:
    await device.register()
    before = server.registrations["dev"].remote.local
    assert (await restart()).registrations["dev"].remote.local == before is not None


async def test_a_registration_that_has_expired_is_gone(device: Device, restart: Restart) -> None:
    await device.register("dev", "lt=60")

    def age(state: Any) -> None:
        now = datetime.now(UTC).timestamp()
        updated = datetime.fromtimestamp(now - 61 - UNSAVED, UTC)
        state["registrations"][0]["updated_at"] = updated.isoformat()

    restarted = await restart(age)
    assert not restarted.registrations
    assert restarted.lapsed == ["dev"]


async def test_a_registration_that_an_unsaved_update_may_have_prolonged_is_kept(
    device: Device, restart: Restart
) -> None:
    await device.register("dev", "lt=60")

    def age(state: Any) -> None:
        updated = datetime.fromtimestamp(datetime.now(UTC).timestamp() - 61, UTC)
        state["registrations"][0]["updated_at"] = updated.isoformat()

    assert "dev" in (await restart(age)).registrations


async def test_a_registration_at_a_port_that_was_left_is_gone(
    device: Device, restart: Restart
) -> None:
    """The device would not take what comes from another port, and need not be waited for."""
    await device.register("dev", "lt=60")
    restarted = await restart(lambda state: state["ports"].update(coap=1))
    assert not restarted.registrations
    assert restarted.lapsed == []


async def test_a_registration_of_before_ports_were_stored_is_kept(
    device: Device, restart: Restart
) -> None:
    await device.register("dev", "lt=60")
    assert "dev" in (await restart(lambda state: state.pop("ports"))).registrations


async def test_a_registration_without_end_is_kept(device: Device, restart: Restart) -> None:
    await device.register("dev", "lt=0")

    def age(state: Any) -> None:
        state["registrations"][0]["updated_at"] = "2001-01-01T00:00:00+00:00"

    assert "dev" in (await restart(age)).registrations


async def test_a_client_in_queue_mode_sleeps_until_it_is_heard(
    device: Device, restart: Restart
) -> None:
    location = await device.register("dev", "b=UQ")
    client = (await restart()).client("dev")
    assert not client.awake
    await device.update(location)
    assert client.awake


# Observations


async def test_a_notification_still_counts(
    server: LwM2mServer, device: Device, restart: Restart
) -> None:
    await device.register()
    request = await observe(server, device)
    seen = Seen()
    observation = (await restart()).client("dev").resume([TEMPERATURE], seen)
    assert observation
    device.notify(request, CONTENT, PAYLOAD, content_format=SENML_JSON, observe=8)
    assert await seen.wait() == [21.5]


async def test_a_stale_notification_is_still_stale(
    server: LwM2mServer, device: Device, restart: Restart
) -> None:
    await device.register()
    request = await observe(server, device)
    seen = Seen()
    observation = (await restart()).client("dev").resume([TEMPERATURE], seen)
    assert observation
    late, fresh = PAYLOAD.replace(b"21.5", b"1.0"), PAYLOAD
    device.notify(request, CONTENT, late, content_format=SENML_JSON, observe=6)
    device.notify(request, CONTENT, fresh, content_format=SENML_JSON, observe=8)
    assert await seen.wait() == [21.5]


async def test_an_observation_survives_two_restarts(
    server: LwM2mServer, device: Device, restart: Restart
) -> None:
    await device.register()
    await observe(server, device)
    new = await restart()
    observation = new.client("dev").resume([TEMPERATURE], lambda readings: None)
    assert observation
    (stored,) = new.dump()["registrations"][0]["observations"]
    assert stored["paths"] == ["/3303/0"]


async def test_a_notification_of_several_paths_still_counts(
    server: LwM2mServer, device: Device, restart: Restart
) -> None:
    await device.register("dev", "lwm2m=1.1")
    request = await observe_both(server, device)
    seen = Seen()
    observation = (await restart()).client("dev").resume(BOTH[::-1], seen)
    assert observation
    device.notify(request, CONTENT, PAYLOAD, content_format=SENML_JSON, observe=8)
    assert await seen.wait() == [21.5]


async def test_cancelling_what_was_observed_before_repeats_what_was_asked_for(
    server: LwM2mServer, device: Device, restart: Restart
) -> None:
    """RFC 7641 3.6: the request is the same but for Observe; RFC 8132 2.4 says so of FETCH."""
    await device.register("dev", "lwm2m=1.1")
    request = await observe_both(server, device)
    observation = (await restart()).client("dev").resume(BOTH, Seen())
    assert observation
    _, (cancel,) = await device.answering(
        observation.cancel_actively(),
        {"code": CONTENT, "payload": PAYLOAD, "content_format": SENML_JSON},
    )
    assert cancel.opt.observe == 1
    assert cancel.token == request.token
    assert (cancel.code, cancel.payload) == (FETCH, request.payload)
    assert cancel.opt.content_format == request.opt.content_format
    assert cancel.opt.accept == request.opt.accept


async def test_there_is_nothing_to_resume_where_nothing_was_observed(
    device: Device, restart: Restart
) -> None:
    await device.register()
    assert (await restart()).client("dev").resume([TEMPERATURE], lambda readings: None) is None


async def test_a_cancelled_observation_is_not_stored(server: LwM2mServer, device: Device) -> None:
    await device.register()
    observation, _ = await device.answering(
        server.client("dev").observe(TEMPERATURE, lambda decoded: None),
        {"code": CONTENT, "payload": PAYLOAD, "content_format": SENML_JSON, "observe": 7},
    )
    observation.cancel()
    assert server.dump()["registrations"][0]["observations"] == []


# Message IDs


async def test_message_ids_go_on_far_from_those_before(
    server: LwM2mServer, device: Device, restart: Restart
) -> None:
    await device.register()
    before = (await observe(server, device)).mid
    client = (await restart()).client("dev")
    _, (request,) = await device.answering(
        client.read(Path(3, 0, 0)), {"code": CONTENT, "payload": b"x", "content_format": 0}
    )
    assert (request.mid - before) & 0xFFFF == MESSAGE_ID_LEAP + 1


# State of no use


@pytest.mark.parametrize("state", [{}, {"message_id": 1}, {"message_id": None}], ids=str)
async def test_useless_state_is_said_in_one_line(
    models: ModelRegistry, state: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = LwM2mServer(models)
    await server.start("127.0.0.1", {Scheme.COAP: 0}, state)
    await server.stop()
    assert [record.levelname for record in caplog.records if "stored" in record.message] == [
        "WARNING"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("remote", None),
        ("remote", ["2001:db8::1", 1, None]),
        ("instances", ["/x"]),
        ("updated_at", "yesterday"),
        ("attributes", 1),
        ("observations", [{}]),
    ],
)
async def test_a_useless_registration_leaves_the_others(
    device: Device, restart: Restart, name: str, value: object
) -> None:
    await device.register("one")
    await device.register("two")

    def spoil(state: Any) -> None:
        state["registrations"][0][name] = value

    assert list((await restart(spoil)).registrations) == ["two"]


# Values


@pytest.mark.parametrize(
    "value",
    [
        True,
        0,
        -(1 << 63),
        (1 << 64) - 1,
        0.5,
        "Küche",
        b"\x00\xff",
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        ObjectLink(3303, 1),
        {0: "a", 7: b"b"},
        {},
    ],
    ids=repr,
)
def test_a_value_comes_back_with_its_type(value: Value) -> None:
    path = Path(3303, 0, 5700)
    restored = load_values(json.loads(json.dumps(dump_values({path: value}))))[path]
    assert (type(restored), restored) == (type(value), value)


@pytest.mark.parametrize(
    "value",
    ["x" * (MAX_VALUE_LENGTH + 1), bytes(MAX_VALUE_LENGTH + 1), 1 << 64, "\ud800", {0: 1 << 64}],
    ids=["text", "bytes", "integer", "surrogate", "multiple"],
)
def test_a_value_too_large_or_strange_is_left_out(value: Value) -> None:
    assert dump_values({Path(3, 0, 0): value}) == {}


def test_no_more_values_are_stored_than_a_limit() -> None:
    values: dict[Path, Value] = {Path(3303, number, 5700): 1 for number in range(MAX_VALUES + 1)}
    assert len(dump_values(values)) == MAX_VALUES


@pytest.mark.parametrize("stored", [{"/x": 1}, {"/3/0/0": {"a": 1}}, {"/3/0/0": [1]}, []], ids=str)
def test_useless_values_are_an_error_of_their_own(stored: Any) -> None:
    with pytest.raises(RestoreError):
        load_values(stored)
