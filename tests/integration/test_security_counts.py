"""How many incidents the server and each secured device show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.lwm2m.address import CONF_TLS_PORT
from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.credentials import CONF_SECURITY, SecurityMode
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.security import PreSharedKey, SecurityEventType
from custom_components.lwm2m.security_watch import COUNT_INTERVAL
from tests.protocol.secure_device import psk_options, secure_device
from tests.protocol.tls_contexts import psk_context
from tests.raw_tcp import RawTcpPeer

from .conftest import LOOPBACK, settle
from .owner import ENDPOINT, PSK, DeviceFlow

if TYPE_CHECKING:
    from datetime import datetime

    from homeassistant.config_entries import ConfigSubentry
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from custom_components.lwm2m.hub import Hub

WRONG = PreSharedKey(PSK.identity, bytes(16))
OF_DEVICE = f"{ENDPOINT}-security_incidents"
OF_SERVER = "security_wrong_key"


@pytest.fixture
def entry(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """A server that listens for TLS, too."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_TLS_PORT: 0})
    return entry


def entity_of(hass: HomeAssistant, entry: MockConfigEntry, key: str) -> str | None:
    """Return the ID of a sensor of the server or of the device."""
    registry = er.async_get(hass)
    return registry.async_get_entity_id("sensor", DOMAIN, f"{entry.entry_id}-{key}")


def count(hass: HomeAssistant, entry: MockConfigEntry, key: str) -> str | None:
    """Return what such a sensor shows."""
    entity_id = entity_of(hass, entry, key)
    state = hass.states.get(entity_id) if entity_id else None
    return state.state if state else None


def written_at(hass: HomeAssistant, entry: MockConfigEntry, key: str) -> datetime:
    """Return when such a sensor was last written, be it with the same number."""
    state = hass.states.get(entity_of(hass, entry, key) or "")
    assert state
    return state.last_reported


async def report(hass: HomeAssistant, hub: Hub, times: int = 1) -> None:
    """Have so many wrong keys shown in the name of the device."""
    for _ in range(times):
        hub.server.security.report(SecurityEventType.WRONG_KEY, "192.0.2.1", endpoint=ENDPOINT)
    await hass.async_block_till_done()


async def wait(hass: HomeAssistant) -> None:
    """Let time pass until the counts are looked at."""
    async_fire_time_changed(hass, dt_util.utcnow() + COUNT_INTERVAL)
    await hass.async_block_till_done()


async def test_wrong_keys_over_dtls_and_tls_are_counted_for_server_and_device(
    hass: HomeAssistant, hub: Hub, entry: MockConfigEntry, secured: ConfigSubentry
) -> None:
    assert (count(hass, entry, OF_DEVICE), count(hass, entry, OF_SERVER)) == ("0", "0")

    async with secure_device(hub.server, None, **psk_options(WRONG)) as peer:
        peer.transmit(peer.client.hello())
        await peer.alert()
    with pytest.raises(ConnectionResetError):
        await RawTcpPeer.open(hub.server.ports[Scheme.COAPS_TCP], context=psk_context(WRONG))
    await hass.async_block_till_done()

    assert (count(hass, entry, OF_DEVICE), count(hass, entry, OF_SERVER)) == ("2", "2")
    assert count(hass, entry, "security_unknown_identity") == "0"


async def test_all_types_about_the_device_count_and_nothing_about_another(
    hass: HomeAssistant, hub: Hub, entry: MockConfigEntry, secured: ConfigSubentry
) -> None:
    for kind in SecurityEventType:
        hub.server.security.report(kind, LOOPBACK, endpoint=ENDPOINT)
        hub.server.security.report(kind, LOOPBACK, endpoint="cellar-board")
    await hass.async_block_till_done()

    assert count(hass, entry, OF_DEVICE) == str(len(SecurityEventType))


async def test_what_is_not_told_of_is_shown_a_little_later(
    hass: HomeAssistant, hub: Hub, entry: MockConfigEntry, secured: ConfigSubentry
) -> None:
    await report(hass, hub, 7)
    assert hub.security.count(SecurityEventType.WRONG_KEY) == 7
    await report(hass, hub)  # the eighth, which is told of
    await report(hass, hub, 3)
    assert count(hass, entry, OF_DEVICE) == "8"

    await wait(hass)
    assert (count(hass, entry, OF_DEVICE), count(hass, entry, OF_SERVER)) == ("11", "11")


async def test_nothing_is_written_while_nothing_happens(
    hass: HomeAssistant, hub: Hub, entry: MockConfigEntry, secured: ConfigSubentry
) -> None:
    await report(hass, hub)
    before = [written_at(hass, entry, key) for key in (OF_DEVICE, OF_SERVER)]
    await wait(hass)

    assert [written_at(hass, entry, key) for key in (OF_DEVICE, OF_SERVER)] == before


async def test_flood_of_attempts_is_no_flood_of_states(
    hass: HomeAssistant, hub: Hub, secured: ConfigSubentry
) -> None:
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    await report(hass, hub, 1000)

    assert hub.security.count(SecurityEventType.WRONG_KEY) == 1000
    assert len(events) <= 3 * 10  # the event entity and the counts, at powers of two


async def test_counts_go_on_over_a_restart(
    hass: HomeAssistant, hub: Hub, entry: MockConfigEntry, secured: ConfigSubentry
) -> None:
    await report(hass, hub, 2)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass)
    assert (count(hass, entry, OF_DEVICE), count(hass, entry, OF_SERVER)) == ("2", "2")

    await report(hass, entry.runtime_data)
    assert (count(hass, entry, OF_DEVICE), count(hass, entry, OF_SERVER)) == ("3", "3")


async def test_a_count_that_is_renamed_counts_nothing_twice(
    hass: HomeAssistant, hub: Hub, entry: MockConfigEntry, secured: ConfigSubentry
) -> None:
    await report(hass, hub, 2)
    entity_id = entity_of(hass, entry, OF_DEVICE)
    assert entity_id
    er.async_get(hass).async_update_entity(entity_id, new_entity_id="sensor.attackers")
    await settle(hass)
    assert count(hass, entry, OF_DEVICE) == "2"

    await report(hass, hub)
    await wait(hass)
    assert count(hass, entry, OF_DEVICE) == "3"


async def test_a_device_counts_while_it_has_a_credential(
    hass: HomeAssistant, hub: Hub, entry: MockConfigEntry, flow: DeviceFlow
) -> None:
    hub.async_approve(ENDPOINT)
    await settle(hass)
    assert entity_of(hass, entry, OF_DEVICE) is None

    await flow.change("security")
    await flow.send(**{CONF_SECURITY: SecurityMode.PRE_SHARED_KEY})
    await flow.send(identity="kitchen")
    await flow.save()
    await settle(hass)
    assert count(hass, entry, OF_DEVICE) == "0"

    await flow.change("security")
    await flow.send(**{CONF_SECURITY: SecurityMode.NONE})
    await flow.choose("save")
    await settle(hass)
    assert entity_of(hass, entry, OF_DEVICE) is None


async def test_noisy_counts_are_disabled_by_default(
    hass: HomeAssistant, hub: Hub, entry: MockConfigEntry
) -> None:
    assert count(hass, entry, "security_handshake_failed") is None
    registry = er.async_get(hass)
    disabled = {
        entity.unique_id.removeprefix(f"{entry.entry_id}-security_")
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
        if entity.disabled_by and "-security_" in entity.unique_id
    }
    assert disabled == {"handshake_failed", "replay", "bad_mac", "flood"}
