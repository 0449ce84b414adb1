"""The event lwm2m_notification: what the action Observe and the devices' own Send bring about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.lwm2m.const import DOMAIN, EVENT_NOTIFICATION
from custom_components.lwm2m.protocol.path import Path

from .conftest import DIMMER, ENDPOINT, TEMPERATURE, settle, state_at

if TYPE_CHECKING:
    from homeassistant.core import Event, HomeAssistant

    from custom_components.lwm2m.hub import Hub
    from simulator.board import Board

    from .conftest import Call, RunBoard

ON_OFF = Path(3311, 0, 5850)
INSTANCE = TEMPERATURE.instance
EARLIER = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def call(call: Call) -> Call:
    """Call an action on paths of the board and return its response."""

    async def call_on(action: str, *paths: Path) -> Any:
        return await call(action, paths=[str(path) for path in paths])

    return call_on


@pytest.fixture
def events(hass: HomeAssistant) -> list[Event]:
    """The events so far."""
    return async_capture_events(hass, EVENT_NOTIFICATION)


async def change(hass: HomeAssistant, board: Board, path: Path, value: Any) -> None:
    """Change a value and wait until the notifications were taken in.

    They are taken in order, and the answer to a Read comes behind them.
    """
    board.set(path, value)
    board.client.observations.flush()
    await read(hass)


async def read(hass: HomeAssistant) -> None:
    (entry,) = hass.config_entries.async_loaded_entries(DOMAIN)
    await entry.runtime_data.devices[ENDPOINT].client.read(Path(3, 0, 0))
    await settle(hass)


async def test_observe_answers_with_the_value_now(call: Call, board: Board) -> None:
    assert await call("observe", TEMPERATURE) == {
        "endpoint": ENDPOINT,
        "paths": ["/3303/0/5700"],
        "resources": {"/3303/0/5700": {"name": "Sensor Value", "value": 21.5}},
        "rejected": {},
    }
    await board.observed(TEMPERATURE)


async def test_a_notification_is_an_event(
    hass: HomeAssistant, call: Call, board: Board, device_id: str, events: list[Event]
) -> None:
    await call("observe", TEMPERATURE)
    before = dt_util.utcnow()
    await change(hass, board, TEMPERATURE, 25.0)
    (event,) = events
    timestamp = dt_util.parse_datetime(event.data["timestamp"], raise_on_error=True)
    assert before <= timestamp <= dt_util.utcnow()
    assert {**event.data, "timestamp": None} == {
        "device_id": device_id,
        "endpoint": ENDPOINT,
        "operation": "notify",
        "paths": ["/3303/0/5700"],
        "values": {"/3303/0/5700": 25.0},
        "timestamp": None,
    }


async def test_several_paths_are_observed_as_one(
    hass: HomeAssistant, call: Call, board: Board, events: list[Event]
) -> None:
    response = await call("observe", ON_OFF, TEMPERATURE)
    assert response["paths"] == ["/3303/0/5700", "/3311/0/5850"]
    await change(hass, board, ON_OFF, True)
    assert [event.data["values"] for event in events] == [
        {"/3303/0/5700": 21.5, "/3311/0/5850": True}
    ]


async def test_what_is_not_observed_by_an_action_is_no_event(
    hass: HomeAssistant, call: Call, board: Board, events: list[Event]
) -> None:
    await call("observe", TEMPERATURE)
    await change(hass, board, DIMMER, 10)
    assert events == []


async def test_a_value_of_the_event_is_a_state_too(
    hass: HomeAssistant, call: Call, board: Board, events: list[Event]
) -> None:
    await call("observe", TEMPERATURE, ON_OFF)
    await change(hass, board, TEMPERATURE, 25.0)
    assert state_at(hass, TEMPERATURE) == "25.0"


async def test_opaque_values_are_fit_for_json(
    hass: HomeAssistant, call: Call, board: Board, events: list[Event]
) -> None:
    await call("observe", Path(19, 0, 0))
    await change(hass, board, Path(19, 0, 0, 7), b"\xff")
    assert events[-1].data["values"] == {"/19/0/0": {"0": "AA==", "7": "/w=="}}


async def test_an_observed_instance_of_a_resource_leaves_its_siblings_known(
    hass: HomeAssistant, call: Call, board: Board, hub: Hub, events: list[Event]
) -> None:
    await call("observe", Path(19, 0, 0, 7))
    await change(hass, board, Path(19, 0, 0, 7), b"\xff")
    assert events[-1].data["values"] == {"/19/0/0": {"7": "/w=="}}
    assert hub.devices[ENDPOINT].resources.values[Path(19, 0, 0)] == {0: b"\x00", 7: b"\xff"}


# What the entities observe already


async def test_a_path_of_the_entities_is_not_observed_twice(
    hass: HomeAssistant, call: Call, board: Board, events: list[Event]
) -> None:
    response = await call("observe", INSTANCE)
    assert response["resources"]["/3303/0/5700"]["value"] == 21.5
    assert board.client.observations.paths.count(INSTANCE) == 1
    await change(hass, board, TEMPERATURE, 25.0)
    assert [event.data["paths"] for event in events] == [["/3303/0"]]


async def test_cancelling_it_leaves_it_to_the_entities(
    hass: HomeAssistant, call: Call, board: Board, events: list[Event]
) -> None:
    await call("observe", INSTANCE)
    await call("cancel_observation", INSTANCE)
    await change(hass, board, TEMPERATURE, 25.0)
    assert events == []
    assert state_at(hass, TEMPERATURE) == "25.0"


async def test_observing_again_changes_nothing(
    hass: HomeAssistant, call: Call, board: Board, events: list[Event]
) -> None:
    await call("observe", TEMPERATURE)
    response = await call("observe", TEMPERATURE)
    assert response["resources"]["/3303/0/5700"]["value"] == 21.5
    assert board.client.observations.paths.count(TEMPERATURE) == 1
    await change(hass, board, TEMPERATURE, 25.0)
    assert len(events) == 1


# Cancel


@pytest.mark.parametrize("paths", [(TEMPERATURE,), (TEMPERATURE, ON_OFF)])
async def test_a_cancelled_observation_is_told_to_the_device(
    hass: HomeAssistant,
    call: Call,
    board: Board,
    events: list[Event],
    paths: tuple[Path, ...],
) -> None:
    await call("observe", *paths)
    response = await call("cancel_observation", *reversed(paths))
    assert response == {
        "endpoint": ENDPOINT,
        "paths": [str(path) for path in paths],
        "waiting": False,
    }
    await board.cancelled(TEMPERATURE)
    await change(hass, board, TEMPERATURE, 25.0)
    assert events == []


async def test_cancel_what_is_not_observed(call: Call) -> None:
    with pytest.raises(ServiceValidationError) as error:
        await call("cancel_observation", TEMPERATURE, ON_OFF)
    assert str(error.value) == (
        "/3303/0/5700, /3311/0/5850 of kitchen-board is not observed by any action,"
        " so there is nothing to cancel"
    )


# A device that comes and goes


async def test_observations_outlast_the_registration(
    hass: HomeAssistant, call: Call, board: Board, events: list[Event]
) -> None:
    await call("observe", TEMPERATURE, ON_OFF)
    await board.register()
    await settle(hass)
    assert [event.data["values"]["/3303/0/5700"] for event in events] == [21.5]
    await change(hass, board, TEMPERATURE, 25.0)
    assert [event.data["values"]["/3303/0/5700"] for event in events] == [21.5, 25.0]


async def test_observations_outlast_a_move(
    hass: HomeAssistant, call: Call, board: Board, events: list[Event]
) -> None:
    await call("observe", TEMPERATURE, ON_OFF)
    await board.move()
    await board.update()
    await settle(hass)
    events.clear()
    await change(hass, board, TEMPERATURE, 25.0)
    assert [event.data["values"]["/3303/0/5700"] for event in events] == [25.0]


async def test_a_cancelled_observation_does_not_come_back(
    hass: HomeAssistant, call: Call, board: Board, events: list[Event]
) -> None:
    await call("observe", TEMPERATURE)
    await call("cancel_observation", TEMPERATURE)
    await board.register()
    await settle(hass)
    assert TEMPERATURE not in board.client.observations.paths


async def test_an_observation_that_the_device_ends_is_taken_up_at_its_update(
    hass: HomeAssistant, call: Call, board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    await call("observe", Path(3311, 1, 5850))
    board.remove(Path(3311, 1))
    await board.updated()
    await settle(hass)
    await board.update()
    await board.updated()
    await settle(hass)
    assert caplog.text.count("An action's observation has to wait") == 1
    board.add(Path(3311, 1), {5850: False})
    await board.updated()
    await settle(hass)
    assert Path(3311, 1, 5850) in board.client.observations.paths


# What can go wrong


async def test_what_the_device_has_not_cannot_be_observed(call: Call) -> None:
    with pytest.raises(HomeAssistantError) as error:
        await call("observe", Path(3303, 9))
    assert str(error.value) == "kitchen-board refused this for /3303/9: 4.04 Not Found"


async def test_a_device_that_does_not_observe(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard, events: list[Event]
) -> None:
    hub.async_approve(ENDPOINT)
    board = await run_board(observable=lambda path: len(path) == 2)
    device = hub.devices[ENDPOINT]
    with pytest.raises(HomeAssistantError) as error:
        await hass.services.async_call(
            DOMAIN,
            "observe",
            {"device_id": device.id, "paths": str(TEMPERATURE)},
            blocking=True,
        )
    assert str(error.value) == (
        "kitchen-board answers for /3303/0/5700, but cannot be observed there,"
        " or has no place for one more observer"
    )
    await board.register()
    await settle(hass)
    assert device.manual.waiting == []


# Send


async def test_a_send_is_an_event(
    hass: HomeAssistant, board: Board, device_id: str, events: list[Event]
) -> None:
    await board.send((None, {TEMPERATURE: 23.0, ON_OFF: True}))
    await settle(hass)
    (event,) = events
    assert {**event.data, "timestamp": None} == {
        "device_id": device_id,
        "endpoint": ENDPOINT,
        "operation": "send",
        "paths": ["/3303/0/5700", "/3311/0/5850"],
        "values": {"/3303/0/5700": 23.0, "/3311/0/5850": True},
        "timestamp": None,
    }
    assert state_at(hass, TEMPERATURE) == "23.0"


async def test_each_time_of_a_send_is_an_event_and_the_latest_a_state(
    hass: HomeAssistant, board: Board, device_id: str, events: list[Event]
) -> None:
    later = EARLIER.replace(minute=5)
    await board.send((later, {TEMPERATURE: 24.0}), (EARLIER, {TEMPERATURE: 23.0}))
    await settle(hass)
    assert [(event.data["timestamp"], event.data["values"]) for event in events] == [
        ("2026-01-31T12:00:00+00:00", {"/3303/0/5700": 23.0}),
        ("2026-01-31T12:05:00+00:00", {"/3303/0/5700": 24.0}),
    ]
    assert state_at(hass, TEMPERATURE) == "24.0"


async def test_a_send_of_a_device_that_is_not_approved_is_no_event(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard, events: list[Event]
) -> None:
    board = await run_board()
    await board.send((None, {TEMPERATURE: 23.0}))
    await settle(hass)
    assert events == []
