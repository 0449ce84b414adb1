"""What a device's page says of its connection."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.lwm2m.address import CONF_TCP_PORT, CONF_TLS_PORT
from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.presence import SecuritySensor
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.dtls import (
    CertificateIdentity,
    PskIdentity,
    RawPublicKeyIdentity,
)
from simulator.board import Board

from .conftest import KITCHEN, LOOPBACK, settle
from .owner import ENDPOINT, PSK

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigSubentry
    from homeassistant.core import HomeAssistant, State
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from custom_components.lwm2m.hub import Hub

    from .boards import Show


@pytest.fixture
def entry(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """A server that listens for TCP and TLS, too."""
    data = {**entry.data, CONF_TCP_PORT: 0, CONF_TLS_PORT: 0}
    hass.config_entries.async_update_entry(entry, data=data)
    return entry


def security(hass: HomeAssistant, hub: Hub, endpoint: str) -> State:
    """Return the state that says how a device is secured."""
    unique_id = f"{hub.devices[endpoint].unique_id}-security"
    entity_id = er.async_get(hass).async_get_entity_id("sensor", DOMAIN, unique_id)
    assert entity_id
    state = hass.states.get(entity_id)
    assert state
    return state


async def test_device_without_security_says_so(hass: HomeAssistant, hub: Hub, show: Show) -> None:
    shown = await show({"/3/0": {0: "Acme"}})
    state = security(hass, hub, shown.device.endpoint)
    assert (state.state, state.attributes["transport"]) == ("none", "UDP")


@pytest.mark.parametrize(
    ("scheme", "transport"), [(Scheme.COAPS, "UDP"), (Scheme.COAPS_TCP, "TCP")]
)
async def test_device_with_a_key_says_so(
    hass: HomeAssistant, hub: Hub, secured: ConfigSubentry, scheme: Scheme, transport: str
) -> None:
    server = (LOOPBACK, hub.server.ports[scheme])
    async with Board(KITCHEN, server=server, tcp=transport == "TCP", psk=PSK) as board:
        await board.registered()
        await settle(hass)
        state = security(hass, hub, ENDPOINT)
        assert (state.state, state.attributes["transport"]) == ("pre_shared_key", transport)
    await settle(hass)
    assert security(hass, hub, ENDPOINT).state == STATE_UNAVAILABLE


async def test_device_that_registers_in_another_way_says_so(
    hass: HomeAssistant, hub: Hub, show: Show
) -> None:
    shown = await show({"/3/0": {0: "Acme"}})
    await shown.board.client.silence()
    await show({"/3/0": {0: "Acme"}}, tcp=True)
    assert security(hass, hub, shown.device.endpoint).attributes["transport"] == "TCP"


@pytest.mark.parametrize(
    ("identity", "shown_as"),
    [
        (PskIdentity(b"kitchen"), "pre_shared_key"),
        (RawPublicKeyIdentity(b"key"), "raw_public_key"),
        (CertificateIdentity(b"certificate"), "certificate"),
    ],
)
def test_each_kind_of_credential_has_its_state(identity: Any, shown_as: str) -> None:
    """The boards of the simulator know pre-shared keys alone."""
    remote = SimpleNamespace(identity=identity)
    device: Any = SimpleNamespace(
        unique_id="board", device_info=None, registration=SimpleNamespace(remote=remote)
    )
    assert SecuritySensor(device).native_value == shown_as
