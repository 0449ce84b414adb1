"""Devices that sleep: what the owner sees, and what becomes of commands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.lwm2m.commands import EVENT_COMMAND
from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.protocol.path import Path
from simulator.board import Board

from .boards import NAME, TIMEOUT, Show, Shown

if TYPE_CHECKING:
    from homeassistant.core import Event, HomeAssistant

    from custom_components.lwm2m.hub import Lwm2mConfigEntry
    from custom_components.lwm2m.protocol.node import Values

OUTLET = "/3312/0/5850"
DIMMER = "/3312/0/5851"
INSTANCES = {
    "/3/0": {0: "Acme", 4: lambda board, path, arguments: None},
    "/3312/0": {5850: False, 5851: 20},
}


def fall_asleep(shown: Shown) -> None:
    """Let the server take a board for asleep, as after 93 silent seconds."""
    shown.device.client._exchanges.queue.sleep()


def own_entity(shown: Shown, key: str) -> str:
    """Return the ID of one of the two sensors of a device's sleep."""
    entity_id = er.async_get(shown.hass).async_get_entity_id(
        "sensor", DOMAIN, f"{shown.device.unique_id}-{key}"
    )
    assert entity_id
    return entity_id


async def until(hass: HomeAssistant, entity_id: str, wanted: str) -> None:
    """Wait until an entity has a state."""
    changed = asyncio.Event()

    @callback
    def wake(_: object) -> None:
        changed.set()

    unsubscribe = async_track_state_change_event(hass, entity_id, wake)
    try:
        async with asyncio.timeout(TIMEOUT):
            while (state := hass.states.get(entity_id)) is None or state.state != wanted:
                changed.clear()
                await changed.wait()
    finally:
        unsubscribe()


@pytest.fixture
async def asleep(show: Show) -> Shown:
    """A board in queue mode that the server takes for asleep."""
    shown = await show(INSTANCES, queue_mode=True)
    fall_asleep(shown)
    await until(shown.hass, own_entity(shown, "awake"), "asleep")
    return shown


@pytest.fixture
def outcomes(hass: HomeAssistant) -> list[Event[Any]]:
    """The events that tell what became of commands that waited."""
    events: list[Event[Any]] = []

    @callback
    def take(event: Event[Any]) -> None:
        if event.data["outcome"] != "waiting":
            events.append(event)

    hass.bus.async_listen(EVENT_COMMAND, take)
    return events


async def told(outcomes: list[Event[Any]], number: int = 1) -> list[dict[str, Any]]:
    """Wait for that many events."""
    async with asyncio.timeout(TIMEOUT):
        while len(outcomes) < number:
            await asyncio.sleep(0)
    return [dict(event.data) for event in outcomes]


async def test_sleep_is_shown(asleep: Shown) -> None:
    await asleep.board.update()
    await until(asleep.hass, own_entity(asleep, "awake"), "awake")
    fall_asleep(asleep)
    await until(asleep.hass, own_entity(asleep, "awake"), "asleep")


async def test_number_of_waiting_requests_is_shown(asleep: Shown) -> None:
    waiting = own_entity(asleep, "waiting_requests")
    await asleep.call("switch.turn_on", OUTLET)
    await until(asleep.hass, waiting, "1")
    await asleep.board.update()
    await until(asleep.hass, waiting, "0")


async def test_device_without_queue_mode_shows_nothing_of_the_kind(show: Show) -> None:
    shown = await show(INSTANCES)
    with pytest.raises(AssertionError):
        own_entity(shown, "awake")


async def test_sleeping_device_is_available(asleep: Shown) -> None:
    assert asleep.state(OUTLET).state == "off"


async def test_action_on_a_sleeping_device_returns_before_it_is_done(asleep: Shown) -> None:
    await asleep.call("switch.turn_on", OUTLET)
    assert asleep.board.value(Path.parse(OUTLET)) is False


async def test_state_stays_until_the_device_has_taken_the_command(asleep: Shown) -> None:
    await asleep.call("switch.turn_on", OUTLET)
    assert asleep.state(OUTLET).state == "off"


async def test_entity_says_that_a_command_waits_for_the_device(asleep: Shown) -> None:
    await asleep.call("switch.turn_on", OUTLET)
    assert asleep.state(OUTLET).attributes["command_waiting"] is True
    assert "command_waiting" not in asleep.state(DIMMER).attributes


async def test_command_to_an_instance_waits_for_all_of_its_entities(asleep: Shown) -> None:
    values: Values = {Path.parse(OUTLET): True, Path.parse(DIMMER): 70}
    await asleep.device.operations.async_write_at(Path(3312, 0), values, replace=False)
    assert asleep.state(OUTLET).attributes["command_waiting"] is True
    assert asleep.state(DIMMER).attributes["command_waiting"] is True


async def test_nothing_waits_once_the_device_has_taken_the_command(
    asleep: Shown, outcomes: list[Event[Any]]
) -> None:
    await asleep.call("switch.turn_on", OUTLET)
    await asleep.board.update()
    await told(outcomes)
    await asleep.hass.async_block_till_done()
    assert "command_waiting" not in asleep.state(OUTLET).attributes


async def test_nothing_waits_once_the_command_was_dropped(
    asleep: Shown, outcomes: list[Event[Any]]
) -> None:
    await asleep.call("switch.turn_on", OUTLET)
    await asleep.board.register()
    await told(outcomes)
    await asleep.hass.async_block_till_done()
    assert "command_waiting" not in asleep.state(OUTLET).attributes


async def test_command_that_replaced_another_waits_in_its_place(
    asleep: Shown, outcomes: list[Event[Any]]
) -> None:
    await asleep.call("switch.turn_on", OUTLET)
    await asleep.call("switch.turn_off", OUTLET)
    await told(outcomes)
    await asleep.hass.async_block_till_done()
    assert asleep.state(OUTLET).attributes["command_waiting"] is True


async def test_state_follows_when_the_device_wakes_up(asleep: Shown) -> None:
    await asleep.call("switch.turn_on", OUTLET)
    await asleep.board.update()
    await until(asleep.hass, asleep.entry(OUTLET).entity_id, "on")


async def test_command_counts_though_the_device_woke_up_with_an_older_value(
    asleep: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is notified once the command was sent says better."""
    monkeypatch.setattr(Board, "write", lambda *_, **__: None)
    await asleep.device.operations.async_write({Path.parse(DIMMER): 70})
    asleep.board.set(Path.parse(DIMMER), 30)
    asleep.board.client.observations.flush()
    await until(asleep.hass, asleep.entry(DIMMER).entity_id, "30")
    await until(asleep.hass, asleep.entry(DIMMER).entity_id, "70")


async def test_applied_command_is_told(
    hass: HomeAssistant, asleep: Shown, outcomes: list[Event[Any]], entry: Lwm2mConfigEntry
) -> None:
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, asleep.device.unique_id), entry.entry_id
    )
    assert device
    await asleep.call("switch.turn_on", OUTLET)
    await asleep.board.update()
    assert await told(outcomes) == [
        {"device_id": device.id, "endpoint": NAME, "path": OUTLET, "outcome": "applied"}
    ]


async def test_command_that_did_not_wait_is_not_told(hass: HomeAssistant, show: Show) -> None:
    shown = await show(INSTANCES)
    events = async_capture_events(hass, EVENT_COMMAND)
    await shown.call("switch.turn_on", OUTLET)
    assert events == []


async def test_command_that_begins_to_wait_is_told(hass: HomeAssistant, asleep: Shown) -> None:
    events = async_capture_events(hass, EVENT_COMMAND)
    await asleep.call("switch.turn_on", OUTLET)
    assert [(event.data["path"], event.data["outcome"]) for event in events] == [
        (OUTLET, "waiting")
    ]


async def test_newer_command_for_what_waits_is_not_told_as_waiting(
    hass: HomeAssistant, asleep: Shown
) -> None:
    events = async_capture_events(hass, EVENT_COMMAND)
    await asleep.call("switch.turn_on", OUTLET)
    await asleep.call("switch.turn_off", OUTLET)
    assert [event.data["outcome"] for event in events].count("waiting") == 1


async def test_command_that_the_device_refuses_is_told(
    asleep: Shown, outcomes: list[Event[Any]]
) -> None:
    asleep.board.remove(Path(3312, 0))
    await asleep.device.operations.async_execute(Path(3312, 0, 5))
    await asleep.board.update()
    (outcome,) = await told(outcomes)
    assert (outcome["outcome"], outcome["path"]) == ("failed", "/3312/0/5")


async def test_command_that_the_end_of_the_registration_dropped_is_told(
    asleep: Shown, outcomes: list[Event[Any]]
) -> None:
    await asleep.call("switch.turn_on", OUTLET)
    await asleep.board.register()
    (outcome,) = await told(outcomes)
    assert outcome["outcome"] == "failed"
    assert "registration" in outcome["error"]


async def test_command_that_a_newer_one_replaced_is_told(
    asleep: Shown, outcomes: list[Event[Any]]
) -> None:
    await asleep.call("switch.turn_on", OUTLET)
    await asleep.call("switch.turn_off", OUTLET)
    await asleep.board.update()
    assert [outcome["outcome"] for outcome in await told(outcomes, 2)] == ["replaced", "applied"]


async def test_misfit_is_told_to_the_caller(asleep: Shown) -> None:
    with pytest.raises(HomeAssistantError):
        await asleep.device.operations.async_write({Path.parse(DIMMER): "bright"})


async def test_caller_gets_away_when_the_device_turns_out_to_sleep(
    asleep: Shown, outcomes: list[Event[Any]]
) -> None:
    """A board that is deaf: the call returns once the server knows, the command is kept."""
    await asleep.board.update()
    await until(asleep.hass, own_entity(asleep, "awake"), "awake")
    asleep.board.sleep()
    call = asyncio.create_task(asleep.call("switch.turn_on", OUTLET))
    await asyncio.sleep(0)
    fall_asleep(asleep)
    async with asyncio.timeout(TIMEOUT):
        await call
    assert outcomes == []


async def act(shown: Shown, action: str, **data: Any) -> dict[str, Any]:
    """Call an action on a device and return its response."""
    response = await shown.hass.services.async_call(
        DOMAIN,
        action,
        {"device_id": shown.device.id, **data},
        blocking=True,
        return_response=True,
    )
    assert response is not None
    return response


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("read", {"path": "/3312/0"}),
        ("discover", {"path": "/3312/0"}),
        ("read_composite", {"paths": [OUTLET, DIMMER]}),
        ("observe", {"paths": [OUTLET, DIMMER]}),
    ],
)
async def test_sleeping_device_cannot_be_asked(
    asleep: Shown, action: str, data: dict[str, Any]
) -> None:
    with pytest.raises(HomeAssistantError, match="asleep"):
        await act(asleep, action, **data)


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("write", {"path": DIMMER, "value": 70}),
        ("execute", {"path": "/3/0/4"}),
        ("create", {"path": "/3312", "value": {"5850": True}}),
        ("delete", {"path": "/3312/0"}),
        ("write_attributes", {"path": DIMMER, "pmin": 5}),
        ("write_composite", {"values": {OUTLET: True, DIMMER: 70}}),
    ],
)
async def test_action_says_that_the_command_waits(
    asleep: Shown, action: str, data: dict[str, Any]
) -> None:
    assert (await act(asleep, action, **data))["waiting"] is True


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("create", {"path": "/3312", "value": {"5851": "bright"}}),
        ("write_attributes", {"path": DIMMER, "pmin": 61, "pmax": 60}),
        ("write_composite", {"values": {}}),
    ],
)
async def test_mistake_is_told_at_once(asleep: Shown, action: str, data: dict[str, Any]) -> None:
    with pytest.raises(HomeAssistantError):
        await act(asleep, action, **data)


async def test_written_composite_is_the_state_when_the_device_has_taken_it(asleep: Shown) -> None:
    await act(asleep, "write_composite", values={OUTLET: True, DIMMER: 70})
    assert asleep.state(OUTLET).state == "off"
    await asleep.board.update()
    await until(asleep.hass, asleep.entry(OUTLET).entity_id, "on")


async def test_cancelled_observation_of_a_sleeping_device_waits_to_be_told(
    show: Show, outcomes: list[Event[Any]]
) -> None:
    shown = await show(INSTANCES, queue_mode=True)
    await act(shown, "observe", paths=[OUTLET, DIMMER])
    fall_asleep(shown)
    await until(shown.hass, own_entity(shown, "awake"), "asleep")
    response = await act(shown, "cancel_observation", paths=[OUTLET, DIMMER])
    assert response["waiting"] is True
    await shown.board.update()
    await told(outcomes)
    assert Path.parse(DIMMER) not in shown.board.client.observations.paths
