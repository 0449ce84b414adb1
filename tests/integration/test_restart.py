"""Home Assistant restarts, and the boards are not told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
import copy
from datetime import timedelta
import logging
import socket
from typing import TYPE_CHECKING, Any

from aiocoap import CHANGED
from homeassistant.const import (
    CONF_HOST,
    CONF_PORT,
    EVENT_HOMEASSISTANT_STARTED,
    STATE_UNAVAILABLE,
)
from homeassistant.core import CoreState
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.lwm2m.commands import EVENT_COMMAND
from custom_components.lwm2m.const import DOMAIN, EVENT_NOTIFICATION, EVENT_REGISTRATION
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.storage import SAVE_SOON, VERSION
from simulator.events import EventKind

from .boards import NAME, Show, Shown
from .conftest import LOOPBACK, cards, settle

if TYPE_CHECKING:
    from homeassistant.core import Event as HassEvent, HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry
    from simulator.events import Event

    from .conftest import RunBoard

type Restart = Callable[..., Awaitable[Shown]]

TEMPERATURE = "/3303/0/5700"
UNIT = "/3303/0/5701"
INSTANCES = {
    "/3/0": {0: "Acme", 1: "Thermo", 4: lambda board, path, arguments: None},
    "/3303/0": {5700: 21.5, 5701: "Cel"},
}


@contextmanager
def occupied(port: int) -> Iterator[None]:
    """Hold a UDP port of 127.0.0.1, as another program."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, port))
        yield


class Stored:
    """The hub's file."""

    def __init__(self, hass_storage: dict[str, Any], entry: Lwm2mConfigEntry) -> None:
        self._storage = hass_storage
        self._key = f"{DOMAIN}.{entry.entry_id}"

    @property
    def exists(self) -> bool:
        """Whether anything is stored."""
        return self._key in self._storage

    @property
    def file(self) -> Any:
        """What is stored, with its version."""
        return self._storage[self._key]

    @property
    def data(self) -> Any:
        """What is stored."""
        return self.file["data"]

    def put(self, version: int, data: object) -> None:
        """Store something else."""
        self._storage[self._key] = {
            "version": version,
            "minor_version": 1,
            "key": self._key,
            "data": data,
        }

    def keep(self) -> Callable[[], None]:
        """Return what brings back all that is stored now, as if nothing had been stored since."""
        kept = copy.deepcopy(self.file)
        return lambda: self._storage.update({self._key: kept})

    def forget_registrations(self) -> None:
        """Know of no registration."""
        self.data["server"]["registrations"].clear()

    def expire(self) -> None:
        """Let the only registration's lifetime have ended long ago."""
        (registration,) = self.data["server"]["registrations"]
        registration["updated_at"] = "2020-01-01T00:00:00+00:00"


async def act(shown: Shown, action: str, paths: list[str]) -> None:
    """Call an action on a device."""
    data = {"device_id": shown.device.id, "paths": paths}
    await shown.hass.services.async_call(DOMAIN, action, data, blocking=True)


async def change(shown: Shown, temperature: float) -> None:
    """Change the temperature and wait until all notifications of it were taken in.

    They are taken in order, and the answer to a Read comes behind them.
    """
    shown.board.set(Path.parse(TEMPERATURE), temperature)
    shown.board.client.observations.flush()
    await shown.device.client.read(Path(3, 0))
    await settle(shown.hass)


@pytest.fixture
def stored(hass_storage: dict[str, Any], entry: Lwm2mConfigEntry) -> Stored:
    """What the hub has stored."""
    return Stored(hass_storage, entry)


@pytest.fixture
def restart(hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry) -> Restart:
    """Start the hub anew on its port, and return what it shows before any datagram came."""

    async def restart(shown: Shown, change: Callable[[], None] = lambda: None) -> Shown:
        hass.config_entries.async_update_entry(
            entry,
            data={CONF_HOST: LOOPBACK, CONF_PORT: entry.runtime_data.server.ports[Scheme.COAP]},
        )
        assert await hass.config_entries.async_unload(entry.entry_id)
        change()
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        return Shown(hass, entry.runtime_data.devices[NAME], shown.board)

    return restart


async def test_last_values_are_shown_from_the_first_second(show: Show, restart: Restart) -> None:
    shown = await restart(await show(INSTANCES))
    assert shown.state(TEMPERATURE).state == "21.5"


async def test_button_is_there_from_the_first_second(show: Show, restart: Restart) -> None:
    shown = await restart(await show(INSTANCES))
    assert shown.state("/3/0/4").state != STATE_UNAVAILABLE


async def test_name_that_says_its_object_stays_while_the_device_is_away(
    show: Show, restart: Restart, stored: Stored
) -> None:
    shown = await show({"/3305/0": {5800: 46.0}, "/3328/0": {5700: 46.0}})
    shown = await restart(shown, stored.forget_registrations)
    names = [shown.state(path).name for path in ("/3305/0/5800", "/3328/0/5700")]
    assert names == ["board Power (load)", "board Power"]


async def test_battery_that_is_taken_out_is_still_told(show: Show, restart: Restart) -> None:
    """Unlike on a board that never had one, there may be automations for it."""
    shown = await show({"/3/0": {9: 87, 20: 0}})
    await shown.set("/3/0/20", 5)
    shown = await restart(shown)
    assert shown.state("/3/0/20").state == "not_installed"


async def test_versions_of_objects_hold_while_a_device_is_away(
    show: Show, restart: Restart
) -> None:
    """A value of 25/0/1 can be written in version 1.0, and is a text there."""
    shown = await show({"/25/0": {1: "probe0"}}, versions={25: "2.0"})
    await shown.board.stop()
    shown = await restart(shown)
    assert [entry.domain for entry in shown.entries("/25/0/1")] == ["sensor"]


async def test_update_is_answered_as_if_nothing_had_happened(show: Show, restart: Restart) -> None:
    shown = await restart(await show(INSTANCES))
    assert await shown.board.update() == CHANGED


async def test_notification_still_counts(show: Show, restart: Restart) -> None:
    shown = await restart(await show(INSTANCES))
    assert (await shown.set(TEMPERATURE, 22.5)).state == "22.5"


async def test_notification_counts_after_two_restarts(show: Show, restart: Restart) -> None:
    shown = await restart(await restart(await show(INSTANCES)))
    assert (await shown.set(TEMPERATURE, 22.5)).state == "22.5"


async def test_nothing_is_asked_of_the_device_again(show: Show, restart: Restart) -> None:
    shown = await show(INSTANCES)
    asked: list[Event] = []
    shown.board.events.subscribe(asked.append)
    shown = await restart(shown)
    await shown.board.update()
    await settle(shown.hass)
    assert {event.kind for event in asked} == {EventKind.UPDATED}


@pytest.mark.parametrize("paths", [[TEMPERATURE], [UNIT, TEMPERATURE]], ids=["one", "several"])
async def test_observation_of_an_action_goes_on(
    hass: HomeAssistant, show: Show, restart: Restart, paths: list[str]
) -> None:
    shown = await show(INSTANCES)
    await act(shown, "observe", paths)
    asked: list[Event] = []
    shown.board.events.subscribe(asked.append)
    events = async_capture_events(hass, EVENT_NOTIFICATION)
    shown = await restart(shown)
    assert asked == []
    await change(shown, 22.5)
    assert [event.data["values"][TEMPERATURE] for event in events] == [22.5]


async def test_observation_of_an_action_comes_back_with_the_device(
    hass: HomeAssistant,
    show: Show,
    restart: Restart,
    stored: Stored,
) -> None:
    shown = await show(INSTANCES)
    await act(shown, "observe", [UNIT, TEMPERATURE])
    shown = await restart(shown, stored.forget_registrations)
    await shown.board.register()
    await settle(hass)
    events = async_capture_events(hass, EVENT_NOTIFICATION)
    await change(shown, 22.5)
    assert [event.data["values"][TEMPERATURE] for event in events] == [22.5]


async def test_cancelled_observation_of_an_action_does_not_come_back(
    hass: HomeAssistant, show: Show, restart: Restart
) -> None:
    shown = await show(INSTANCES)
    await act(shown, "observe", [TEMPERATURE])
    await act(shown, "cancel_observation", [TEMPERATURE])
    events = async_capture_events(hass, EVENT_NOTIFICATION)
    shown = await restart(shown)
    await change(shown, 22.5)
    assert events == []


async def test_device_that_is_read_is_read_on(show: Show, restart: Restart) -> None:
    shown = await show(INSTANCES, observable=lambda path: False)
    shown.board.set(Path.parse(TEMPERATURE), 30.0)
    shown = await restart(shown)
    await settle(shown.hass)
    assert shown.state(TEMPERATURE).state == "30.0"


async def test_sleeping_device_shows_its_last_values(show: Show, restart: Restart) -> None:
    shown = await show(INSTANCES, queue_mode=True)
    shown.board.sleep()
    shown = await restart(shown)
    assert shown.state(TEMPERATURE).state == "21.5"


async def test_device_in_queue_mode_is_asleep_until_it_is_heard(
    show: Show, restart: Restart
) -> None:
    shown = await restart(await show(INSTANCES, queue_mode=True))
    assert not shown.device.awake


async def test_command_reaches_a_device_that_was_not_told(show: Show, restart: Restart) -> None:
    shown = await restart(await show({"/3312/0": {5850: False}}))
    await shown.call("switch.turn_on", "/3312/0/5850")
    assert shown.board.value(Path.parse("/3312/0/5850")) is True


async def test_expired_device_is_unavailable_and_keeps_its_entities(
    show: Show, restart: Restart, stored: Stored
) -> None:
    shown = await restart(await show(INSTANCES), stored.expire)
    assert shown.state(TEMPERATURE).state == STATE_UNAVAILABLE


async def test_device_that_expired_meanwhile_is_told_once(
    hass: HomeAssistant,
    show: Show,
    restart: Restart,
    stored: Stored,
) -> None:
    """When Home Assistant has started: before, no automation would hear of it."""

    told = async_capture_events(hass, EVENT_REGISTRATION)
    shown = await show(INSTANCES)
    told.clear()
    hass.set_state(CoreState.starting)
    shown = await restart(shown, stored.expire)
    assert told == []
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    await restart(shown)
    assert [(event.data["device_id"], event.data["change"]) for event in told] == [
        (shown.device.id, "expired")
    ]


async def test_device_that_expired_meanwhile_comes_back(
    show: Show, restart: Restart, stored: Stored
) -> None:
    shown = await restart(await show(INSTANCES), stored.expire)
    await shown.board.update()
    await shown.board.registered()
    await settle(shown.hass)
    assert shown.state(TEMPERATURE).state == "21.5"


async def test_unknown_endpoint_still_waits_for_approval(
    hass: HomeAssistant,
    hub: Hub,
    entry: Lwm2mConfigEntry,
    run_board: RunBoard,
) -> None:
    board = await run_board()
    hass.config_entries.async_update_entry(
        entry, data={CONF_HOST: LOOPBACK, CONF_PORT: hub.server.ports[Scheme.COAP]}
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass)
    assert len(cards(hass)) == 1
    assert await board.update() == CHANGED


# kill -9: only what had been stored by then is there


async def test_killed_hub_knows_its_registrations_and_observations(
    hass: HomeAssistant,
    show: Show,
    restart: Restart,
    stored: Stored,
) -> None:
    shown = await show(INSTANCES)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=SAVE_SOON + 1))
    await settle(hass)

    shown = await restart(shown, stored.keep())

    assert shown.state(TEMPERATURE).state == "21.5"
    assert (await shown.set(TEMPERATURE, 22.5)).state == "22.5"
    assert await shown.board.update() == CHANGED


async def test_many_changes_do_not_put_the_save_off(
    hass: HomeAssistant, hub: Hub, stored: Stored
) -> None:
    hub._storage.async_save_soon()
    for second in range(1, 4):
        hub._storage.async_save_later()
        hub._storage.async_save_soon()
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=second))
        await settle(hass)
    assert stored.exists


# Storage of no use


@pytest.mark.parametrize(
    ("version", "data"),
    [(VERSION, {"server": {"message_id": 1}, "devices": {}}), (VERSION, []), (VERSION + 1, {})],
    ids=["no registrations", "no object", "newer version"],
)
async def test_storage_of_no_use_is_said_in_one_line(
    hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    stored: Stored,
    caplog: pytest.LogCaptureFixture,
    version: int,
    data: object,
) -> None:
    stored.put(version, data)
    assert await hass.config_entries.async_setup(entry.entry_id)
    warnings = [
        record
        for record in caplog.records
        if record.levelno >= logging.WARNING and record.name.startswith("custom_components.lwm2m")
    ]
    assert len(warnings) == 1


async def test_device_of_no_use_in_storage_is_learnt_anew(
    show: Show, restart: Restart, stored: Stored
) -> None:
    def spoil() -> None:
        stored.data["devices"][NAME]["values"] = {"x": 1}

    shown = await restart(await show(INSTANCES), spoil)
    await settle(shown.hass)
    assert shown.state(TEMPERATURE).state == "21.5"


async def test_file_goes_with_the_entry(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, stored: Stored
) -> None:
    await hass.config_entries.async_remove(entry.entry_id)
    assert not stored.exists


async def test_port_in_use_leaves_what_is_stored(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, hub: Hub, stored: Stored
) -> None:
    """A start that fails must not overwrite it with nothing."""
    port = hub.server.ports[Scheme.COAP]
    await hass.config_entries.async_unload(entry.entry_id)
    stored.data["devices"] = {"kept": {}}
    hass.config_entries.async_update_entry(entry, data={CONF_HOST: LOOPBACK, CONF_PORT: port})
    with occupied(port):
        assert not await hass.config_entries.async_setup(entry.entry_id)
    assert stored.data["devices"] == {"kept": {}}


# Commands that waited


def fall_asleep(shown: Shown) -> None:
    """Let the board and the server take it for asleep."""
    shown.board.sleep()
    shown.device.client._exchanges.queue.sleep()


def dropped(events: list[HassEvent[Any]]) -> list[tuple[str, str]]:
    """Return the paths and the errors of the commands that failed."""
    return [
        (event.data["path"], event.data["error"])
        for event in events
        if event.data["outcome"] == "failed"
    ]


@pytest.fixture
async def pressed(show: Show) -> Shown:
    """A sleeping device that the press of a button waits for."""
    shown = await show(INSTANCES, queue_mode=True)
    fall_asleep(shown)
    await shown.call("button.press", "/3/0/4")
    return shown


RESTARTED = "Home Assistant was restarted, or the server reloaded, before the device woke up"


async def test_command_that_a_restart_dropped_is_told_once(
    hass: HomeAssistant, pressed: Shown, restart: Restart
) -> None:
    """When Home Assistant has started: before, no automation would hear of it."""
    told = async_capture_events(hass, EVENT_COMMAND)
    hass.set_state(CoreState.starting)
    shown = await restart(await restart(pressed))
    assert told == []
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    await restart(shown)
    assert dropped(told) == [("/3/0/4", RESTARTED)]
    assert told[0].data["device_id"] == shown.device.id


async def test_command_that_a_reload_dropped_is_told(
    hass: HomeAssistant, pressed: Shown, restart: Restart
) -> None:
    told = async_capture_events(hass, EVENT_COMMAND)
    await restart(pressed)
    assert dropped(told) == [("/3/0/4", RESTARTED)]


async def test_command_that_a_kill_dropped_is_told(
    hass: HomeAssistant,
    show: Show,
    restart: Restart,
    stored: Stored,
) -> None:
    shown = await show(INSTANCES, queue_mode=True)
    fall_asleep(shown)
    await settle(hass)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=SAVE_SOON + 1))
    await settle(hass)
    await shown.call("button.press", "/3/0/4")
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=2 * SAVE_SOON + 2))
    await hass.async_block_till_done()  # but not until the board wakes up
    told = async_capture_events(hass, EVENT_COMMAND)
    await restart(shown, stored.keep())
    assert dropped(told) == [("/3/0/4", RESTARTED)]


async def test_command_that_the_device_took_is_not_told_as_dropped(
    hass: HomeAssistant, pressed: Shown, restart: Restart
) -> None:
    await pressed.board.update()
    await settle(hass)
    told = async_capture_events(hass, EVENT_COMMAND)
    await restart(pressed)
    assert told == []


async def test_nothing_is_stored_of_a_command_but_its_path(
    show: Show,
    restart: Restart,
    stored: Stored,
) -> None:
    shown = await show({"/3312/0": {5850: False, 5750: "secret"}}, queue_mode=True)
    fall_asleep(shown)
    await shown.device.operations.async_write({Path.parse("/3312/0/5750"): "hunter2"})
    meanwhile: list[Any] = []
    await restart(shown, lambda: meanwhile.append(copy.deepcopy(stored.file)))
    assert meanwhile[0]["data"]["devices"][NAME]["commands"] == ["/3312/0/5750"]
    assert "hunter2" not in str(meanwhile)


async def test_device_that_uses_a_port_that_was_changed_is_unavailable(
    hass: HomeAssistant,
    show: Show,
    restart: Restart,
    entry: Lwm2mConfigEntry,
    unused_udp_port: int,
) -> None:
    """It would not take what comes from the new port: a command would fail after 93 s."""

    def change_port() -> None:
        data = {CONF_HOST: LOOPBACK, CONF_PORT: unused_udp_port}
        hass.config_entries.async_update_entry(entry, data=data)

    shown = await restart(await show(INSTANCES), change_port)
    assert shown.state(TEMPERATURE).state == STATE_UNAVAILABLE
    await shown.board.stop(deregister=False)  # nobody would answer
