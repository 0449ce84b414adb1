"""What Activity says of devices that come and go, and of commands that waited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.core import Event
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.lwm2m.commands import EVENT_COMMAND, Outcome
from custom_components.lwm2m.const import EVENT_REGISTRATION, RegistrationChange
from custom_components.lwm2m.logbook import async_describe_events

from .conftest import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Lwm2mConfigEntry

    from .boards import Show, Shown

SENSOR: dict[int, Any] = {5700: 21.5, 5701: "Cel"}


def described(hass: HomeAssistant, event_type: str, data: dict[str, Any]) -> dict[str, str]:
    """Return how an event is described."""
    functions: dict[str, Callable[[Event], dict[str, str]]] = {}
    async_describe_events(hass, lambda _, kind, function: functions.update({str(kind): function}))
    return functions[event_type](Event(event_type, data))


async def test_device_that_registers_is_told_of(hass: HomeAssistant, show: Show) -> None:
    events = async_capture_events(hass, EVENT_REGISTRATION)
    shown = await show({"/3303/0": SENSOR})
    assert [event.data for event in events] == [
        {"device_id": shown.device.id, "endpoint": "board", "change": "registered"}
    ]
    assert described(hass, EVENT_REGISTRATION, dict(events[0].data)) == {
        "name": "board",
        "message": "registered",
    }


async def test_device_that_registers_again_is_not_told_of(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3303/0": SENSOR})
    events = async_capture_events(hass, EVENT_REGISTRATION)
    await shown.board.register()
    await settle(hass)
    assert not events


async def test_device_that_leaves_is_told_of(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3303/0": SENSOR})
    events = async_capture_events(hass, EVENT_REGISTRATION)
    await shown.board.stop()
    await settle(hass)
    assert [event.data["change"] for event in events] == ["deregistered"]


async def test_device_is_not_told_of_after_a_restart(
    hass: HomeAssistant, show: Show, entry: Lwm2mConfigEntry
) -> None:
    shown = await show({"/3303/0": SENSOR})
    events = async_capture_events(hass, EVENT_REGISTRATION)
    await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass)
    assert not events
    await shown.board.stop(deregister=False)  # the server has another port now


@pytest.mark.parametrize("change", RegistrationChange)
def test_each_change_has_its_words(hass: HomeAssistant, change: RegistrationChange) -> None:
    assert described(hass, EVENT_REGISTRATION, {"device_id": "", "change": change.value})["message"]


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (Outcome.WAITING, "is asleep: the command for Restart waits until it wakes up"),
        (Outcome.APPLIED, "woke up and took the command for Restart"),
        (Outcome.REPLACED, "is to get a newer value for Restart than the one that was waiting"),
        (
            Outcome.FAILED,
            "did not take the command for Restart that was waiting: it is read only",
        ),
    ],
)
async def test_command_that_waited_is_told_of(
    hass: HomeAssistant, show: Show, outcome: Outcome, message: str
) -> None:
    shown = await show({"/3/0": {4: lambda board, path, arguments: None}})
    assert command(shown, "/3/0/4", outcome) == message


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/3303/0/5701", "Sensor Units"),
        ("/3303/0", "Temperature"),
        ("/3303", "Temperature"),
        ("/", "several resources"),
        ("/33099/0/1", "/33099/0/1"),
    ],
)
async def test_command_is_told_of_by_the_best_name_there_is(
    show: Show, path: str, name: str
) -> None:
    shown = await show({"/3303/0": SENSOR})
    message = command(shown, path, Outcome.APPLIED)
    assert message == f"woke up and took the command for {name}"


async def test_command_to_a_device_that_is_gone_is_told_of_by_its_path(hass: HomeAssistant) -> None:
    data = {"path": "/3/0/4", "outcome": "applied"}
    assert described(hass, EVENT_COMMAND, data) == {
        "name": "LwM2M",
        "message": "woke up and took the command for /3/0/4",
    }


async def test_command_is_told_of_by_the_owners_name_of_its_entity(
    hass: HomeAssistant, show: Show
) -> None:
    shown = await show({"/3/0": {4: lambda board, path, arguments: None}})
    entity_id = shown.entry("/3/0/4").entity_id
    er.async_get(hass).async_update_entity(entity_id, name="Start over")
    message = command(shown, "/3/0/4", Outcome.APPLIED)
    assert message == "woke up and took the command for Start over"


def command(shown: Shown, path: str, outcome: Outcome) -> str:
    """Return what is said of a command to a board."""
    data = {
        "device_id": shown.device.id,
        "path": path,
        "outcome": outcome.value,
        "error": "it is read only",
    }
    return described(shown.hass, EVENT_COMMAND, data)["message"]
