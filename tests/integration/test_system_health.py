"""What the page of the system's health says."""

from __future__ import annotations

import json
from pathlib import Path as FilePath
import socket
from typing import TYPE_CHECKING, Any

from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components import lwm2m
from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.security import SecurityEventType

from .conftest import ENDPOINT, LOOPBACK, RunBoard

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry
    from simulator.board import Board


# Home Assistant's own http integration keeps its state the old way.
pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")


async def health(hass: HomeAssistant) -> dict[str, Any]:
    await async_setup_component(hass, "system_health", {})
    info: dict[str, Any] = await get_system_health_info(hass, DOMAIN)
    return info


async def test_running_server_is_counted(hass: HomeAssistant, hub: Hub) -> None:
    info = await health(hass)

    assert info["servers"] == 1
    ports = hub.server.ports
    assert info["ports"] == f"{ports[Scheme.COAP]} (coap), {ports[Scheme.COAPS]} (coaps)"


async def test_stopped_server_is_not_counted(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)

    assert (await health(hass))["servers"] == 0


async def test_devices_are_counted(hass: HomeAssistant, hub: Hub, board: Board) -> None:
    hub.async_approve("another")

    assert (await health(hass))["registered_devices"] == "1 / 2"


async def test_sleeping_devices_are_counted(hass: HomeAssistant, hub: Hub, board: Board) -> None:
    assert (await health(hass))["sleeping_devices"] == 0

    hub.devices[ENDPOINT].async_presence(awake=False, waiting=0)

    assert (await health(hass))["sleeping_devices"] == 1


async def test_devices_to_approve_are_counted(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    await run_board()

    assert (await health(hass))["devices_to_approve"] == 1


async def test_security_events_are_counted(hass: HomeAssistant, hub: Hub) -> None:
    hub.server.security.report(SecurityEventType.WRONG_KEY, LOOPBACK)

    assert (await health(hass))["security_events"] == 1


async def test_traffic_is_counted(hass: HomeAssistant, hub: Hub, board: Board) -> None:
    counters = hub.server.counters.coap
    counters.dropped = 7

    info = await health(hass)

    assert info["datagrams_received"] == counters.datagrams_in > 0
    assert info["notifications"] == counters.notifications
    assert info["datagrams_dropped"] == 7


async def test_garbage_is_counted(hass: HomeAssistant, hub: Hub) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"garbage", (LOOPBACK, hub.server.ports[Scheme.COAP]))
    while not hub.server.counters.coap.datagrams_in:
        await hass.async_block_till_done()

    assert (await health(hass))["datagrams_malformed"] == 1


async def test_receive_buffer_is_told_beside_what_was_asked_for(
    hass: HomeAssistant, hub: Hub
) -> None:
    granted, asked = (await health(hass))["receive_buffer"].split(" / ")

    assert int(granted) > 0
    assert asked == "4096 KiB"


async def test_all_that_is_told_has_a_name(hass: HomeAssistant, hub: Hub) -> None:
    texts = json.loads((FilePath(lwm2m.__file__).parent / "translations" / "en.json").read_text())

    assert (await health(hass)).keys() == texts["system_health"]["info"].keys()
