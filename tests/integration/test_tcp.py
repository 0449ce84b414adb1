"""Devices that connect over TCP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap import CHANGED
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.lwm2m.address import CONF_TCP_PORT, CONF_TLS_PORT
from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.security import PreSharedKey
from custom_components.lwm2m.security_watch import rejected_issue
from simulator.board import Board
from simulator.events import EventKind
from tests.protocol.tls_contexts import psk_context
from tests.raw_tcp import RawTcpPeer

from .boards import NAME, Show, Shown
from .conftest import KITCHEN, LOOPBACK, settle, state_at
from .owner import ENDPOINT, PSK, DeviceFlow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from homeassistant.config_entries import ConfigSubentry
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from custom_components.lwm2m.hub import Hub

TEMPERATURE = "/3303/0/5700"
INSTANCES = {
    "/3/0": {0: "Acme", 1: "Thermo"},
    "/3303/0": {5700: 21.5, 5701: "Cel"},
    "/3306/0": {5850: True},
}
ACTUATOR = "/3306/0/5850"


@pytest.fixture
def entry(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """A server that listens for TCP and TLS, too."""
    data = {**entry.data, CONF_TCP_PORT: 0, CONF_TLS_PORT: 0}
    hass.config_entries.async_update_entry(entry, data=data)
    return entry


async def silence(shown: Shown) -> None:
    """Have the board close its connection, and wait until the server knows."""
    await shown.board.client.silence()
    registration = shown.device.registration
    assert registration is not None
    while registration.remote.is_open:
        await settle(shown.hass)


async def test_a_device_over_tcp_shows_its_values_and_follows_them(show: Show) -> None:
    shown = await show(INSTANCES, tcp=True)
    assert shown.state(TEMPERATURE).state == "21.5"

    assert (await shown.set(TEMPERATURE, 22.5)).state == "22.5"


async def test_a_device_over_tcp_is_switched(show: Show) -> None:
    shown = await show(INSTANCES, tcp=True)
    await shown.call("switch.turn_off", ACTUATOR)

    assert await shown.board.written(Path.parse(ACTUATOR)) is False
    assert shown.state(ACTUATOR).state == STATE_OFF


async def test_a_device_without_its_connection_says_so_when_it_is_asked(show: Show) -> None:
    shown = await show(INSTANCES, tcp=True)
    await silence(shown)

    with pytest.raises(HomeAssistantError) as raised:
        await shown.call("switch.turn_off", ACTUATOR)
    assert raised.value.translation_key == "not_connected"
    assert shown.state(ACTUATOR).state == STATE_ON


async def test_a_device_that_is_back_is_observed_anew(show: Show) -> None:
    shown = await show(INSTANCES, tcp=True)
    await silence(shown)
    assert await shown.board.resume() == CHANGED
    await settle(shown.hass)

    assert (await shown.set(TEMPERATURE, 22.5)).state == "22.5"


async def test_what_a_sleeping_device_was_told_waits_for_its_next_connection(show: Show) -> None:
    shown = await show(INSTANCES, tcp=True, queue_mode=True, awake_time=0.05)
    await shown.board.event(EventKind.ASLEEP)
    while shown.device.awake:
        await settle(shown.hass)
    await shown.call("switch.turn_off", ACTUATOR)
    assert shown.state(ACTUATOR).state == STATE_ON

    await shown.board.update()
    assert await shown.board.written(Path.parse(ACTUATOR)) is False


async def test_a_device_over_tcp_is_known_over_a_restart(
    hass: HomeAssistant, hub: Hub, entry: MockConfigEntry, show: Show
) -> None:
    shown = await show(INSTANCES, tcp=True, retry=0.01)
    ports = hub.server.ports
    data = {**entry.data, CONF_TCP_PORT: ports[Scheme.COAP_TCP]}
    hass.config_entries.async_update_entry(entry, data=data)
    await hass.config_entries.async_reload(entry.entry_id)
    restarted = Shown(hass, entry.runtime_data.devices[NAME], shown.board)
    assert restarted.state(TEMPERATURE).state == "21.5"

    await shown.board.event(EventKind.UPDATED)
    await settle(hass)
    assert (await restarted.set(TEMPERATURE, 23.5)).state == "23.5"


@pytest.fixture
async def over_tls(hass: HomeAssistant, hub: Hub, secured: ConfigSubentry) -> AsyncIterator[Board]:
    """A board with a key, connected over TLS."""
    server = (LOOPBACK, hub.server.ports[Scheme.COAPS_TCP])
    async with Board(KITCHEN, server=server, tcp=True, psk=PSK) as board:
        await board.registered()
        await settle(hass)
        yield board
        await board.stop(deregister=False)


async def test_a_device_with_a_key_shows_its_values_over_tls(
    hass: HomeAssistant, hub: Hub, over_tls: Board
) -> None:
    registration = hub.devices[ENDPOINT].registration
    assert registration is not None
    assert registration.remote.scheme is Scheme.COAPS_TCP
    assert state_at(hass, Path.parse(TEMPERATURE)) == "21.5"


async def test_a_device_that_is_refused_over_tls_again_and_again_is_an_issue_until_it_gets_in(
    hass: HomeAssistant, hub: Hub, entry: MockConfigEntry, secured: ConfigSubentry
) -> None:
    port = hub.server.ports[Scheme.COAPS_TCP]
    issue = rejected_issue(entry, hub.devices[ENDPOINT])
    for _ in range(4):
        with pytest.raises(ConnectionResetError):
            await RawTcpPeer.open(port, context=psk_context(PreSharedKey(PSK.identity, bytes(16))))
    await settle(hass)
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue)

    async with Board(KITCHEN, server=(LOOPBACK, port), tcp=True, psk=PSK) as board:
        await board.registered()
        await settle(hass)
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue) is None


async def test_a_new_key_ends_the_connection_over_tls_at_once(
    hub: Hub, flow: DeviceFlow, over_tls: Board
) -> None:
    await flow.change("rotate")
    await flow.send()
    await flow.save()

    assert not hub.devices[ENDPOINT].available
    await over_tls.event(EventKind.UNANSWERED)


async def test_deleting_the_device_ends_the_connection_over_tls_at_once(
    hass: HomeAssistant,
    hub: Hub,
    entry: MockConfigEntry,
    secured: ConfigSubentry,
    over_tls: Board,
) -> None:
    hass.config_entries.async_remove_subentry(entry, secured.subentry_id)
    await settle(hass)

    assert ENDPOINT not in hub.server.registrations
    await over_tls.event(EventKind.UNANSWERED)
