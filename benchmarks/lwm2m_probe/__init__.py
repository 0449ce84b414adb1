"""Runs inside the measured Home Assistant: notes when a state reaches the state machine.

The sensors of a benchmark count: their state is the number of the update, over all sensors.
"""

from __future__ import annotations

from time import monotonic, process_time
from typing import TYPE_CHECKING, Any

from homeassistant.components import websocket_api
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import callback
import voluptuous as vol

if TYPE_CHECKING:
    from homeassistant.core import Event, EventStateChangedData, HomeAssistant
    from homeassistant.helpers.typing import ConfigType

FIRST = 1000.0
"""Values below are what a sensor starts with."""


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Note every counting state, and hand the notes out over the WebSocket API."""
    arrivals: dict[int, float] = {}
    started = 0.0

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if state is not None and state.domain == "sensor":
            try:
                number = float(state.state)
            except ValueError:
                return
            if number >= FIRST:
                arrivals[int(number)] = monotonic()

    @callback
    @websocket_api.websocket_command({vol.Required("type"): "lwm2m_probe/start"})
    def start(
        _hass: HomeAssistant, connection: websocket_api.ActiveConnection, message: dict[str, Any]
    ) -> None:
        nonlocal started
        arrivals.clear()
        started = process_time()
        connection.send_result(message["id"])

    @callback
    @websocket_api.websocket_command({vol.Required("type"): "lwm2m_probe/count"})
    def count(
        _hass: HomeAssistant, connection: websocket_api.ActiveConnection, message: dict[str, Any]
    ) -> None:
        connection.send_result(message["id"], len(arrivals))

    @callback
    @websocket_api.websocket_command({vol.Required("type"): "lwm2m_probe/stop"})
    def stop(
        _hass: HomeAssistant, connection: websocket_api.ActiveConnection, message: dict[str, Any]
    ) -> None:
        cpu = process_time() - started
        connection.send_result(message["id"], {"cpu": cpu, "arrivals": list(arrivals.items())})

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    websocket_api.async_register_command(hass, start)
    websocket_api.async_register_command(hass, count)
    websocket_api.async_register_command(hass, stop)
    return True
