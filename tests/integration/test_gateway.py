"""Devices behind a gateway: sub-devices that come and go with what the gateway lists."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiocoap import FORBIDDEN, POST, Message
from homeassistant.const import CONF_PORT, STATE_UNAVAILABLE
from homeassistant.core import callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.lwm2m import async_remove_config_entry_device
from custom_components.lwm2m.const import DOMAIN, EVENT_REGISTRATION
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.path import Path
from simulator.blueprint import Blueprint
from simulator.gateway import attach, detach
from tests.protocol.conftest import Device

from .boards import NAME, Show, Shown
from .conftest import settle

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry
    from simulator.board import Board

GATEWAY = {"/3/0": {0: "Acme", 4: lambda board, path, arguments: None}, "/3303/0": {5700: 19.0}}
TEMPERATURE = Path(3303, 0, 5700)
OUTLET = Path(3312, 0, 5850)
PROBE = Blueprint(
    name="probe",
    instances={
        Path(3, 0): {0: "Acme", 4: lambda board, path, arguments: None},
        Path(3303, 0): {5700: 21.5, 5701: "Cel"},
        Path(3312, 0): {5850: False},
    },
)


async def listed(shown: Shown, prefix: str = "dev0", blueprint: Blueprint = PROBE) -> Shown:
    """Put a board behind another, and wait until Home Assistant has taken that in."""
    board = attach(shown.board, prefix, blueprint)
    await shown.board.updated()
    await settle(shown.hass)
    return behind(shown, board)


def behind(shown: Shown, board: Board) -> Shown:
    """Return what is shown of a board behind another."""
    hub: Hub = shown.hass.config_entries.async_entries(DOMAIN)[0].runtime_data
    device = next(d for d in hub.all_devices if d.endpoint == f"{NAME}/{board.endpoint}")
    return Shown(shown.hass, device, board)


@pytest.fixture
async def gateway(show: Show) -> Shown:
    """A gateway that nothing is behind yet."""
    return await show(GATEWAY)


@pytest.fixture
async def probe(gateway: Shown) -> Shown:
    """A probe that is behind it now."""
    return await listed(gateway)


async def test_device_is_a_sub_device_of_its_gateway(gateway: Shown, probe: Shown) -> None:
    entry = dr.async_get(gateway.hass).async_get(probe.device.id)
    assert isinstance(entry, dr.ChildDeviceEntry)
    assert (entry.parent_device_id, entry.name) == (gateway.device.id, "probe")


async def test_device_has_entities_of_its_own(gateway: Shown, probe: Shown) -> None:
    assert probe.state(str(TEMPERATURE)).state == "21.5"
    assert probe.state(str(TEMPERATURE)).name == "probe Temperature"
    assert probe.entry(str(TEMPERATURE)).device_id == probe.device.id
    assert gateway.state(str(TEMPERATURE)).state == "19.0"


async def test_device_reports(probe: Shown) -> None:
    assert (await probe.set(str(TEMPERATURE), 22.5)).state == "22.5"


async def test_device_is_commanded(gateway: Shown, probe: Shown) -> None:
    await probe.call("switch.turn_on", str(OUTLET))
    assert probe.board.value(OUTLET) is True
    assert probe.state(str(OUTLET)).state == "on"


async def test_nobody_else_registers_by_the_name_of_a_device(hub: Hub, probe: Shown) -> None:
    _, stranger = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Device(("127.0.0.1", hub.server.ports[Scheme.COAP])), local_addr=("127.0.0.1", 0)
    )
    answer = await stranger.request(
        POST, "rd", uri_query=(f"ep={probe.device.endpoint}",), content_format=40, payload=b"</1/0>"
    )
    stranger.close()

    assert answer.code == FORBIDDEN
    assert not hub.pending


async def test_device_is_read_by_an_action(probe: Shown) -> None:
    answer: Any = await probe.hass.services.async_call(
        DOMAIN,
        "read",
        {"device_id": probe.device.id, "path": str(TEMPERATURE)},
        blocking=True,
        return_response=True,
    )
    assert answer["resources"][str(TEMPERATURE)]["value"] == 21.5


async def test_what_the_gateway_sends_of_a_device_is_shown(gateway: Shown, probe: Shown) -> None:
    await gateway.board.send((None, {TEMPERATURE: 20.0}))
    pack = b'[{"n":"/dev0/3303/0/5700","v":28.5}]'
    await gateway.board.client.coap.request(
        Message(code=POST, uri_path=("dp",), content_format=110, payload=pack)
    )
    await probe.next_value(TEMPERATURE, 28.5)
    assert probe.state(str(TEMPERATURE)).state == "28.5"
    assert gateway.state(str(TEMPERATURE)).state == "20.0"


async def test_several_devices_are_told_apart(gateway: Shown, probe: Shown) -> None:
    other = await listed(
        gateway, "dev1", Blueprint(name="other", instances={Path(3303, 0): {5700: 4.0}})
    )
    assert other.state(str(TEMPERATURE)).state == "4.0"
    assert probe.state(str(TEMPERATURE)).state == "21.5"


async def test_what_a_device_has_more_becomes_entities(gateway: Shown, probe: Shown) -> None:
    probe.board.add(Path(3304, 0), {5700: 50.0})
    gateway.board.set(Path(25, 0, 3), "</3/0>,</3303/0>,</3304/0>,</3312/0>")
    await gateway.next_value(Path(25, 0, 3), "</3/0>,</3303/0>,</3304/0>,</3312/0>")
    await settle(gateway.hass)
    assert probe.state("/3304/0/5700").state == "50.0"


async def test_device_that_leaves_is_removed_and_returns_as_the_owner_left_it(
    gateway: Shown, probe: Shown
) -> None:
    registry = er.async_get(gateway.hass)
    registry.async_update_entity(
        probe.entry(str(TEMPERATURE)).entity_id, new_entity_id="sensor.freezer"
    )

    detach(gateway.board, Path(25, 0))
    await gateway.board.updated()
    await settle(gateway.hass)
    assert dr.async_get(gateway.hass).async_get(probe.device.id) is None
    assert probe.entries() == []

    returned = await listed(gateway)
    assert returned.entry(str(TEMPERATURE)).entity_id == "sensor.freezer"
    assert returned.state(str(TEMPERATURE)).state == "21.5"


async def test_device_is_reached_with_another_prefix(gateway: Shown, probe: Shown) -> None:
    board = gateway.board
    board.client.behind["far"] = board.client.behind.pop("dev0")
    probe.board.settings = replace(probe.board.settings, root=("far",))
    board.set(Path(25, 0, 1), "far")
    await gateway.next_value(Path(25, 0, 1), "far")
    await settle(gateway.hass)
    assert (await probe.set(str(TEMPERATURE), 23.5)).state == "23.5"


async def test_device_is_available_with_its_gateway(gateway: Shown, probe: Shown) -> None:
    events = async_capture_events(gateway.hass, EVENT_REGISTRATION)
    await gateway.board.stop()
    await settle(gateway.hass)
    assert probe.state(str(TEMPERATURE)).state == STATE_UNAVAILABLE
    assert [(event.data["device_id"], event.data["change"]) for event in events] == [
        (probe.device.id, "gateway_gone"),
        (gateway.device.id, "deregistered"),
    ]

    await gateway.board.start()
    await gateway.board.registered()
    await settle(gateway.hass)
    assert probe.state(str(TEMPERATURE)).state == "21.5"
    assert (await probe.set(str(TEMPERATURE), 24.5)).state == "24.5"


async def test_device_goes_on_when_its_gateway_registers_again(
    gateway: Shown, probe: Shown
) -> None:
    await gateway.board.register()
    await settle(gateway.hass)
    assert (await probe.set(str(TEMPERATURE), 25.5)).state == "25.5"


async def test_device_goes_on_where_its_gateway_moved_to(gateway: Shown, probe: Shown) -> None:
    await gateway.board.move()
    await gateway.board.update()
    await settle(gateway.hass)
    assert (await probe.set(str(TEMPERATURE), 26.5)).state == "26.5"


async def test_device_goes_on_after_a_restart(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, gateway: Shown, probe: Shown
) -> None:
    """With its last value from the first moment on."""
    states: list[str] = []
    entity_id = probe.entry(str(TEMPERATURE)).entity_id
    port = entry.runtime_data.server.ports[Scheme.COAP]
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: port})
    await settle(hass)

    @callback
    def changed(event: Any) -> None:
        if event.data["entity_id"] == entity_id and (state := event.data["new_state"]):
            states.append(state.state)

    hass.bus.async_listen("state_changed", changed)
    registered = async_capture_events(hass, EVENT_REGISTRATION)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass)
    assert states[-1] == "21.5"
    assert "unknown" not in states
    assert not registered

    restarted = behind(gateway, probe.board)
    assert (await restarted.set(str(TEMPERATURE), 27.5)).state == "27.5"


async def test_command_waits_for_the_gateway_to_wake_up(show: Show) -> None:
    gateway = await show(GATEWAY, queue_mode=True)
    probe = await listed(gateway)
    gateway.device.client._exchanges.queue.sleep()
    await gateway.hass.async_block_till_done()
    assert not probe.device.awake

    await probe.call("switch.turn_on", str(OUTLET))
    assert probe.state(str(OUTLET)).attributes["command_waiting"] is True

    await gateway.board.update()
    await probe.next_value(OUTLET, True)
    assert probe.state(str(OUTLET)).state == "on"


async def test_sleep_is_that_of_the_gateway_only(show: Show) -> None:
    gateway = await show(GATEWAY, queue_mode=True)
    probe = await listed(gateway)
    keys = {entry.unique_id.rpartition("-")[2] for entry in probe.entries()}
    assert keys.isdisjoint({"awake", "waiting_requests"})


async def test_only_the_gateway_removes_a_device(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, probe: Shown
) -> None:
    device = dr.async_get(hass).async_get(probe.device.id)
    assert device
    assert not await async_remove_config_entry_device(hass, entry, device)


async def test_devices_go_with_the_subentry_of_their_gateway(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, gateway: Shown, probe: Shown
) -> None:
    hass.config_entries.async_remove_subentry(entry, gateway.device.subentry_id)
    await settle(hass)
    assert dr.async_get(hass).async_get(probe.device.id) is None
    assert list(entry.runtime_data.all_devices) == []


async def test_gateway_cannot_take_the_place_of_an_approved_device(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, gateway: Shown
) -> None:
    hub = entry.runtime_data
    hub.async_approve(f"{NAME}/{PROBE.name}")
    attach(gateway.board, "dev0", PROBE)
    await gateway.board.updated()
    await settle(hass)
    device = dr.async_get(hass).async_get(hub.devices[f"{NAME}/{PROBE.name}"].id)
    assert isinstance(device, dr.DeviceEntry)
    assert len(list(hub.all_devices)) == 2
