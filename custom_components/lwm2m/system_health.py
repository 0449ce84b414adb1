"""What the page of the system's health says of the servers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from homeassistant.core import callback

from .const import DOMAIN
from .protocol.coap.udp_socket import RECEIVE_BUFFER

if TYPE_CHECKING:
    from homeassistant.components.system_health import SystemHealthRegistration
    from homeassistant.core import HomeAssistant

    from .hub import Lwm2mConfigEntry

_COUNTED_TIMES = 2 if sys.platform == "linux" else 1
"""Linux counts each byte of a receive buffer twice (socket(7), SO_RCVBUF)."""


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register what asks for the system's health."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return the sums over all running servers."""
    entries: list[Lwm2mConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    hubs = [entry.runtime_data for entry in entries]
    devices = [device for hub in hubs for device in hub.devices.values()]
    servers = [hub.server for hub in hubs]
    counters = [server.counters.coap for server in servers]
    return {
        "servers": len(servers),
        "ports": ", ".join(
            f"{port} ({scheme})" for server in servers for scheme, port in server.ports.items()
        ),
        "registered_devices": f"{sum(device.available for device in devices)} / {len(devices)}",
        "sleeping_devices": sum(not device.awake for device in devices),
        "devices_to_approve": sum(len(hub.pending) for hub in hubs),
        "datagrams_received": sum(counted.datagrams_in for counted in counters),
        "notifications": sum(counted.notifications for counted in counters),
        "datagrams_dropped": sum(counted.dropped for counted in counters),
        "datagrams_malformed": sum(counted.malformed for counted in counters),
        "receive_buffer": ", ".join(
            f"{counted.receive_buffer // _COUNTED_TIMES // 1024} / {RECEIVE_BUFFER // 1024} KiB"
            for counted in counters
        ),
        "security_events": sum(server.security.counts.total() for server in servers),
    }
