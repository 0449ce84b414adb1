"""The options of a device: how it reports, is commanded and is waited for."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from aiocoap import NOT_FOUND
from homeassistant.const import CONF_PORT, STATE_UNAVAILABLE
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.lwm2m import event
from custom_components.lwm2m.attributes import INPUTS
from custom_components.lwm2m.chatter import BURST, Chatter
from custom_components.lwm2m.const import LIFETIME_GRACE
from custom_components.lwm2m.credentials import load_credential
from custom_components.lwm2m.device_options import options_of
from custom_components.lwm2m.diagnostics import async_get_config_entry_diagnostics
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.path import Path
from simulator.blueprint import Blueprint
from simulator.errors import RefusedError
from simulator.events import EventKind
from simulator.gateway import attach

from .boards import NAME, Show, Shown
from .conftest import settle
from .owner import ENDPOINT, PSK, DeviceFlow, device

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigSubentry
    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry
    from custom_components.lwm2m.protocol.node import Value
    from simulator.board import Board
    from simulator.events import Event

INSTANCE = Path(3303, 0)
TEMPERATURE = "/3303/0/5700"
LIGHT = "/3311/0/5850"
INSTANCES: dict[str, Any] = {
    "/3303/0": {5700: 21.5, 5701: "Cel"},
    "/3311/0": {5850: True, 5851: 40},
    "/3342/0": {5500: False},
}
USUAL = {
    "follow": "observe",
    "poll_interval": 60,
    "confirmation": "response",
    "lifetime_grace": LIFETIME_GRACE,
}


@pytest.fixture
async def shown(show: Show) -> Shown:
    """A board with a temperature, a light and a switch."""
    return await show(INSTANCES)


async def set_options(flow: DeviceFlow, shown: Shown, **options: Any) -> None:
    """Have the owner set options in the form, and wait until they count."""
    await flow.change("reporting", NAME)
    result = await flow.send(**{**USUAL, **options})
    assert result["reason"] == "reconfigure_successful"
    await settle(shown.hass)


def notified(board: Board, path: Path) -> list[Event]:
    """Record the coming notifications of a path."""
    events: list[Event] = []

    def record(event: Event) -> None:
        if (event.kind, event.path) == (EventKind.NOTIFIED, path):
            events.append(event)

    board.events.subscribe(record)
    return events


async def report(shown: Shown, path: str, values: list[Value]) -> None:
    """Change a resource again and again, each time once the device has taken the last value."""
    for value in values:
        shown.board.set(Path.parse(path), value)
        await shown.next_value(Path.parse(path), value)


async def passes(hass: HomeAssistant, seconds: float) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await settle(hass)


# The form


async def test_form_shows_what_is_set(flow: DeviceFlow, shown: Shown) -> None:
    await set_options(flow, shown, pmin=5)
    result = await flow.change("reporting", NAME)
    suggested = {
        str(field): field.description["suggested_value"]
        for field in result["data_schema"].schema
        if field.description
    }
    assert suggested == {**USUAL, "pmin": 5}


async def test_device_keeps_its_credential(
    flow: DeviceFlow, secured: ConfigSubentry, entry: Lwm2mConfigEntry
) -> None:
    await flow.change("reporting", ENDPOINT)
    await flow.send(**USUAL, pmin=5)
    assert load_credential(device(entry).data) == PSK
    assert options_of(device(entry).data).pmin == 5


async def test_device_keeps_its_options_with_another_key(
    flow: DeviceFlow, secured: ConfigSubentry, entry: Lwm2mConfigEntry
) -> None:
    await flow.change("reporting", ENDPOINT)
    await flow.send(**USUAL, pmin=5)
    await flow.change("rotate", ENDPOINT)
    await flow.send()
    subentry = await flow.save()
    assert load_credential(subentry.data) != PSK
    assert options_of(subentry.data).pmin == 5


async def test_longest_time_is_not_shorter_than_the_shortest(
    flow: DeviceFlow, shown: Shown
) -> None:
    await flow.change("reporting", NAME)
    result = await flow.send(**USUAL, pmin=10, pmax=5)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"pmax": "pmax_below_pmin"}


# How it reports


async def test_attributes_are_for_all_that_is_observed_at_once(
    flow: DeviceFlow, shown: Shown
) -> None:
    await set_options(flow, shown, pmin=5, pmax=600)
    assert shown.board.attributes == {
        path: {"pmin": "5", "pmax": "600"} for path in shown.device.following.observed
    }


async def test_attributes_that_are_left_empty_again_are_taken_away(
    flow: DeviceFlow, shown: Shown
) -> None:
    await set_options(flow, shown, pmin=5, pmax=600)
    await set_options(flow, shown, pmax=600)
    assert shown.board.attributes[INSTANCE] == {"pmax": "600"}


async def test_smallest_change_is_for_numbers(flow: DeviceFlow, shown: Shown) -> None:
    await set_options(flow, shown, st=0.5)
    assert shown.board.attributes == {
        Path.parse(TEMPERATURE): {"st": "0.5"},
        Path(3311, 0, 5851): {"st": "0.5"},
    }
    assert (await shown.set(TEMPERATURE, 22.5)).state == "22.5"


async def test_smallest_change_that_is_taken_away_leaves_nothing(
    flow: DeviceFlow, shown: Shown
) -> None:
    observed = set(shown.device.following.observed)
    await set_options(flow, shown, st=0.5)
    await set_options(flow, shown)
    assert set(shown.device.following.observed) == observed
    assert not any(shown.board.attributes.values())


async def test_device_that_refused_one_way_is_asked_in_another(
    flow: DeviceFlow, show: Show
) -> None:
    """It has a place for each object instance, not for each resource."""
    shown = await show(INSTANCES, max_observations=4)
    await set_options(flow, shown, st=0.5)
    assert shown.device.following.refused
    await set_options(flow, shown, pmin=5)
    assert not shown.device.following.refused
    assert [shown.board.attributes[path] for path in shown.device.following.observed] == [
        {"pmin": "5"} for _ in shown.device.following.observed
    ]


async def test_device_is_read_instead(flow: DeviceFlow, shown: Shown) -> None:
    await set_options(flow, shown, follow="poll", poll_interval=300)
    assert not shown.device.following.observed
    shown.board.set(Path.parse(TEMPERATURE), 22.5)
    await passes(shown.hass, 299)
    assert shown.state(TEMPERATURE).state == "21.5"
    await passes(shown.hass, 301)
    assert shown.state(TEMPERATURE).state == "22.5"


async def test_device_that_was_read_reports_again(flow: DeviceFlow, shown: Shown) -> None:
    await set_options(flow, shown, follow="poll")
    await set_options(flow, shown)
    assert (await shown.set(TEMPERATURE, 22.5)).state == "22.5"


async def test_what_is_read_by_choice_is_no_issue(flow: DeviceFlow, shown: Shown) -> None:
    await set_options(flow, shown, follow="poll")
    assert not shown.device.following.refused


async def test_options_are_for_what_is_behind_the_device(
    flow: DeviceFlow, show: Show, hub: Hub
) -> None:
    gateway = await show({"/3/0": {0: "Acme"}})
    probe = Blueprint(name="probe", instances={INSTANCE: {5700: 21.5}})
    board = attach(gateway.board, "dev0", probe)
    await gateway.board.updated()
    await settle(gateway.hass)
    await set_options(flow, gateway, pmin=5)
    assert board.attributes == {INSTANCE: {"pmin": "5"}}
    attach(gateway.board, "dev1", Blueprint(name="other", instances=probe.instances))
    await gateway.board.updated()
    await settle(gateway.hass)
    assert [behind.options.pmin for behind in hub.all_devices] == [5, 5, 5]


# What reports too often


async def test_chatty_resource_is_asked_for_pauses(shown: Shown) -> None:
    await report(shown, TEMPERATURE, [20 + number / 10 for number in range(BURST + 1)])
    await settle(shown.hass)
    assert shown.board.attributes == {INSTANCE: {"pmin": "1"}}

    notifications = notified(shown.board, INSTANCE)
    for number in range(50):
        shown.board.set(Path.parse(TEMPERATURE), float(number))
        await settle(shown.hass)
    await shown.next_value(Path.parse(TEMPERATURE), 49.0)
    assert len(notifications) <= 2


async def test_chatty_meter_is_asked_for_pauses(show: Show) -> None:
    """Though it has alarms, too."""
    shown = await show({"/3421/0": {1: 230.0, 3: False}})
    await report(shown, "/3421/0/1", [231 + number / 10 for number in range(BURST + 1)])
    await settle(shown.hass)
    assert shown.board.attributes == {Path(3421, 0): {"pmin": "1"}}


def test_what_has_events_is_an_input() -> None:
    assert {number for row in event.DISCOVERY_SCHEMAS for number in row.object_ids} <= INPUTS


async def test_burst_is_left_alone(shown: Shown) -> None:
    await report(shown, TEMPERATURE, [20 + number / 10 for number in range(BURST)])
    await settle(shown.hass)
    assert not shown.board.attributes


async def test_input_is_left_alone(shown: Shown) -> None:
    """A press of a button must not be late."""
    await report(shown, "/3342/0/5500", [number % 2 == 0 for number in range(2 * BURST)])
    await settle(shown.hass)
    assert not shown.board.attributes


async def test_owner_may_want_all_of_it(flow: DeviceFlow, shown: Shown) -> None:
    await set_options(flow, shown, pmin=0)
    await report(shown, TEMPERATURE, [20 + number / 10 for number in range(2 * BURST)])
    await settle(shown.hass)
    assert shown.board.attributes[INSTANCE] == {"pmin": "0"}


async def test_chatty_device_that_registers_again_is_asked_at_once(shown: Shown) -> None:
    await report(shown, TEMPERATURE, [20 + number / 10 for number in range(BURST + 1)])
    await settle(shown.hass)
    shown.board.attributes.clear()
    await shown.board.register()
    await settle(shown.hass)
    assert shown.board.attributes == {INSTANCE: {"pmin": "1"}}


async def test_chatty_device_is_known_after_a_restart(
    hass: HomeAssistant, shown: Shown, entry: Lwm2mConfigEntry
) -> None:
    await report(shown, TEMPERATURE, [20 + number / 10 for number in range(BURST + 1)])
    await settle(hass)
    port = entry.runtime_data.server.ports[Scheme.COAP]
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: port})
    await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass)
    assert shown.board.attributes == {INSTANCE: {"pmin": "1"}}


async def test_chatty_device_that_knows_no_attributes_is_asked_once(show: Show) -> None:
    shown = await show(INSTANCES, takes_attributes=False)
    await report(shown, TEMPERATURE, [20 + number / 10 for number in range(2 * BURST)])
    await settle(shown.hass)
    assert len(shown.device.failures) == 1
    assert (await shown.set(TEMPERATURE, 50.0)).state == "50.0"


@pytest.mark.parametrize(("interval", "chatty"), [(1.0, False), (0.9, True)])
def test_what_goes_on_for_long_is_no_burst(interval: float, chatty: bool) -> None:
    chatter = Chatter(count(0.0, interval).__next__)
    assert any(chatter.heard(INSTANCE) for _ in range(1000)) is chatty


# How it is commanded


@pytest.mark.parametrize(("confirmation", "level"), [("response", 255), ("read_back", 102)])
async def test_command_that_the_device_confirms_and_does_not_carry_out(
    flow: DeviceFlow,
    shown: Shown,
    monkeypatch: pytest.MonkeyPatch,
    confirmation: str,
    level: int,
) -> None:
    await set_options(flow, shown, confirmation=confirmation)
    monkeypatch.setattr(shown.board, "write", lambda *args, **options: None)
    await shown.call("light.turn_on", LIGHT, brightness=255)
    assert shown.state(LIGHT).attributes["brightness"] == level


def fails(path: Path) -> None:
    """Take the place of a board's answer to a Read."""
    raise RefusedError(NOT_FOUND)


async def test_command_whose_value_cannot_be_read_back_counts_as_confirmed(
    flow: DeviceFlow, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_options(flow, shown, confirmation="read_back")
    monkeypatch.setattr(shown.board, "values", fails)
    await shown.call("light.turn_on", LIGHT, brightness=255)
    assert shown.state(LIGHT).attributes["brightness"] == 255
    assert shown.device.failures


# How long it is waited for


async def test_device_is_waited_for_longer(
    flow: DeviceFlow, show: Show, hass: HomeAssistant
) -> None:
    shown = await show(INSTANCES, lifetime=60)
    await set_options(flow, shown, lifetime_grace=600)
    await shown.board.go_silent()
    await passes(hass, 60 + LIFETIME_GRACE + 1)
    assert shown.state(TEMPERATURE).state == "21.5"
    await passes(hass, 60 + 600 + 1)
    assert shown.state(TEMPERATURE).state == STATE_UNAVAILABLE


# What is told of it


async def test_diagnostics_tell_the_options(
    hass: HomeAssistant, flow: DeviceFlow, shown: Shown, entry: Lwm2mConfigEntry
) -> None:
    await set_options(flow, shown, pmin=5)
    (described,) = (await async_get_config_entry_diagnostics(hass, entry))["devices"]
    assert described["options"] == {**USUAL, "pmin": 5}
