"""Following a device: what it refuses, what it loses, where it goes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
import logging
from typing import TYPE_CHECKING, Any

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.lwm2m.const import POLL_INTERVAL
from custom_components.lwm2m.protocol.client import Client
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.errors import ClientTimeout, NotRegistered
from custom_components.lwm2m.protocol.path import Path
from simulator.blueprint import Blueprint
from simulator.board import Board
from simulator.events import Event, EventKind

from .conftest import settle

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    import pytest

    from custom_components.lwm2m.hub import Hub

    from .boards import Show, Shown

IDENTITY = {
    0: "Example Works",
    1: "Thermometer",
    2: "SN-1",
    3: "1.2.3",
    4: lambda board, path, arguments: None,
    16: "U",
    18: "rev B",
}
TEMPERATURE = Path(3303, 0)
VALUE = "/3303/0/5700"
INSTANCES = {"/3/0": IDENTITY, "/3303/0": {5700: 21.5, 5701: "Cel"}}


def happened(board: Board, kind: EventKind) -> list[Path]:
    """Record the paths of a board's coming events of a kind."""
    paths: list[Path] = []

    def record(event: Event) -> None:
        if event.kind is kind:
            paths.append(event.path or Path())

    board.events.subscribe(record)
    return paths


async def poll(hass: HomeAssistant) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=POLL_INTERVAL + 1))
    await settle(hass)


def registry_entry(shown: Shown) -> dr.DeviceEntry:
    device_id = shown.entry(VALUE).device_id
    assert device_id
    entry = dr.async_get(shown.hass).async_get(device_id)
    assert isinstance(entry, dr.DeviceEntry)
    return entry


async def test_device_page_says_what_the_board_says_of_itself(show: Show) -> None:
    shown = await show(INSTANCES)

    entry = registry_entry(shown)
    assert entry.manufacturer == "Example Works"
    assert entry.model == "Thermometer"
    assert entry.serial_number == "SN-1"
    assert entry.sw_version == "1.2.3"
    assert entry.hw_version == "rev B"


async def test_firmware_version_follows_the_board(show: Show) -> None:
    shown = await show(INSTANCES)

    shown.board.set(Path(3, 0, 3), "2.0.0")
    await shown.set(VALUE, 22.0)
    await settle(shown.hass)

    assert registry_entry(shown).sw_version == "2.0.0"


async def test_instances_are_observed_rather_than_resources(show: Show) -> None:
    shown = await show(INSTANCES)

    await shown.board.observed(TEMPERATURE)
    assert shown.device.following.observed == {Path(3, 0), TEMPERATURE}


async def test_resources_are_observed_where_instances_cannot_be(show: Show) -> None:
    shown = await show(INSTANCES, observable=lambda path: len(path) == 3)

    assert TEMPERATURE / 5700 in shown.device.following.observed
    assert (await shown.set(VALUE, 23.0)).state == "23.0"


async def test_values_are_read_where_nothing_can_be_observed(show: Show) -> None:
    shown = await show(INSTANCES, observable=lambda path: False)
    assert shown.state(VALUE).state == "21.5"

    shown.board.set(Path.parse(VALUE), 23.0)
    await poll(shown.hass)
    assert shown.state(VALUE).state == "23.0"

    shown.board.set(Path.parse(VALUE), 24.0)
    await poll(shown.hass)
    assert shown.state(VALUE).state == "24.0"


async def test_observed_values_are_never_polled(show: Show) -> None:
    shown = await show(INSTANCES)
    reads = happened(shown.board, EventKind.READ)

    await poll(shown.hass)

    assert reads == []


async def test_board_out_of_observation_slots_is_read_for_the_rest(show: Show) -> None:
    shown = await show(INSTANCES, max_observations=1)
    assert shown.device.following.observed == {Path(3, 0)}

    shown.board.set(Path.parse(VALUE), 23.0)
    await poll(shown.hass)

    assert shown.state(VALUE).state == "23.0"


async def test_only_the_observation_that_ended_is_asked_for_again(show: Show) -> None:
    """A second one of the same resource would take one of the board's few slots."""
    shown = await show(INSTANCES, observable=lambda path: len(path) == 3)
    observed = happened(shown.board, EventKind.OBSERVED)
    ended = shown.device.following._observations[TEMPERATURE / 5700]

    ended.end(NotRegistered("board"))
    await poll(shown.hass)

    assert observed == [TEMPERATURE / 5700]


async def test_instance_that_cannot_be_read_any_more_holds_up_no_other(show: Show) -> None:
    """It went without the Update that would have told so."""
    shown = await show(
        INSTANCES | {"/3303/1": {5700: 5.0}}, observable=lambda path: path.object_id != 3303
    )

    shown.board._drop(TEMPERATURE)
    shown.board.set(Path(3303, 1, 5700), 6.0)
    await poll(shown.hass)

    assert shown.state("/3303/1/5700").state == "6.0"


async def test_instance_that_is_never_answered_for_holds_up_no_other(
    hass: HomeAssistant, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    observe = Client.observe_timed

    async def observe_all_but_one(client: Client, paths: tuple[Path, ...], *args: Any) -> Any:
        if paths == (Path(3, 0),):
            raise ClientTimeout("board", Path(3, 0))
        return await observe(client, paths, *args)

    monkeypatch.setattr(Client, "observe_timed", observe_all_but_one)
    shown = await show(INSTANCES)

    await poll(hass)

    assert shown.state(VALUE).state == "21.5"


async def test_value_that_the_board_limits_is_not_overwritten(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notification of what became of it is behind the confirmation, in the same step."""
    shown = await show({"/3311/0": {5850: True, 5851: 40}})
    dimmer = Path(3311, 0, 5851)
    monkeypatch.setattr(Board, "write", lambda board, *_, **__: board.set(dimmer, 90))

    await shown.device.operations.async_write({dimmer: 100})
    await settle(shown.hass)

    assert shown.device.resources.values[dimmer] == 90


async def test_password_that_nobody_may_read_is_not_kept(show: Show) -> None:
    shown = await show({"/12/0": {5: "Attic", 18: ""}})
    passphrase = Path(12, 0, 18)

    await shown.device.operations.async_write({passphrase: "hunter2", Path(12, 0, 5): "Cellar"})

    assert shown.board.value(passphrase) == "hunter2"
    assert passphrase not in shown.device.resources.values
    assert shown.device.resources.values[Path(12, 0, 5)] == "Cellar"


async def test_board_that_reboots_is_observed_again(show: Show) -> None:
    shown = await show(INSTANCES)

    shown.board.reboot()
    await shown.board.registered()
    await settle(shown.hass)

    assert (await shown.set(VALUE, 25.0)).state == "25.0"


async def test_board_that_moved_is_observed_at_its_new_address(show: Show) -> None:
    shown = await show(INSTANCES)

    await shown.board.move()
    await shown.board.update()
    await settle(shown.hass)

    assert (await shown.set(VALUE, 25.0)).state == "25.0"


async def test_one_line_down_and_one_line_up(show: Show, caplog: pytest.LogCaptureFixture) -> None:
    shown = await show(INSTANCES)
    caplog.clear()
    caplog.set_level(logging.INFO, logger="custom_components.lwm2m")

    await shown.board.stop()
    await settle(shown.hass)
    assert shown.state(VALUE).state == STATE_UNAVAILABLE
    await shown.board.start()
    await shown.board.registered()
    await settle(shown.hass)
    assert shown.state(VALUE).state == "21.5"

    lines = [
        record.message for record in caplog.records if record.name == "custom_components.lwm2m"
    ]
    assert len(lines) == 2
    assert "unavailable" in lines[0]
    assert "is registered" in lines[1]


async def test_instance_that_goes_takes_its_entity_along(show: Show) -> None:
    shown = await show(INSTANCES | {"/3303/1": {5700: 5.0}, "/3303/2": {5700: 6.0}})

    shown.board.remove(Path(3303, 1))
    await shown.board.updated()
    await settle(shown.hass)

    assert shown.entries("/3303/1") == []
    assert shown.state("/3303/2/5700").state == "6.0"


async def test_instance_that_comes_gets_its_entity(show: Show) -> None:
    shown = await show(INSTANCES)

    shown.board.add(Path(3303, 1), {5700: 5.0})
    await shown.board.updated()
    await settle(shown.hass)

    assert shown.state("/3303/1/5700").state == "5.0"


async def test_unchanged_values_write_no_state(show: Show) -> None:
    shown = await show(INSTANCES | {"/3303/1": {5700: 5.0}})
    before = shown.state("/3303/1/5700")

    await shown.set(VALUE, 30.0)

    assert shown.state("/3303/1/5700").last_reported == before.last_reported


async def test_board_that_was_asleep_when_added_is_learnt_when_it_wakes(
    hass: HomeAssistant, hub: Hub
) -> None:
    blueprint = Blueprint(name="sleeper", instances={Path(3303, 0): {5700: 21.5}})
    async with Board(
        blueprint, server=("127.0.0.1", hub.server.ports[Scheme.COAP]), queue_mode=True
    ) as board:
        await board.registered()
        board.sleep()
        hub.async_approve("sleeper")
        for _ in range(3):  # the loop's turns in which the board would have heard the request
            await asyncio.sleep(0)
        await board.wake()
        async with asyncio.timeout(1):  # before anything is sent again
            await settle(hass)

        state = hass.states.get("sensor.sleeper_temperature")
        assert state
        assert state.state == "21.5"
