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
    servers = [entry.runtime_data.server for entry in entries]
    counters = [server.counters.coap for server in servers]
    return {
        "servers": len(servers),
        "ports": ", ".join(
            f"{port} ({scheme})" for server in servers for scheme, port in server.ports.items()
        ),
        "registered_devices": sum(len(server.registrations) for server in servers),
        "datagrams_received": sum(counted.datagrams_in for counted in counters),
        "datagrams_dropped": sum(counted.dropped for counted in counters),
        "datagrams_malformed": sum(counted.malformed for counted in counters),
        "receive_buffer": ", ".join(
            f"{counted.receive_buffer // _COUNTED_TIMES // 1024} / {RECEIVE_BUFFER // 1024} KiB"
            for counted in counters
        ),
    }
