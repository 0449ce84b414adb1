"""Tells the owner who tried to get in, and which device cannot prove any more who it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval

from .const import DOMAIN, EVENT_SECURITY, LOGGER
from .protocol.listeners import Listeners
from .protocol.security import SecurityEventType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from homeassistant.config_entries import ConfigEntry

    from .device import Device
    from .protocol.security import SecurityEvent
    from .protocol.security_monitor import SecurityMonitor

REJECTIONS = 3
"""After how many in a row a device's credential is taken to have stopped working."""
COUNT_INTERVAL = timedelta(seconds=30)
"""How often is looked for what was counted without an event."""


class SecurityWatch:
    """What a hub makes of its server's security events.

    The server tells of them in moderation; the counts are complete.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, monitor: SecurityMonitor) -> None:
        """Watch what `monitor` counts."""
        self._hass = hass
        self._entry = entry
        self._monitor = monitor
        self._listeners: Listeners[SecurityEvent] = Listeners()
        self._counted: Listeners[None] = Listeners()
        self._seen = 0
        """Of all incidents, how many the counts that are shown go up to."""
        self._carried: dict[str | None, int] = {}
        self._accepted: dict[str, int] = {}
        """How often an endpoint had been rejected when it was last let in."""

    def count(self, event_type: SecurityEventType) -> int:
        """Return how often something happened since the server started."""
        return self._monitor.counts[event_type]

    def count_about(self, endpoint: str) -> int:
        """Return how many incidents about an endpoint there were since the server started."""
        return sum(self._monitor.by_endpoint.get(endpoint, {}).values())

    def carry(self, name: str | None, before: int) -> int:
        """Return what a count had come to before the server started.

        It is what is said of it first: what an entity showed when it was last removed may have
        been counted by this server.
        """
        return self._carried.setdefault(name, before)

    @callback
    def async_start(self) -> CALLBACK_TYPE:
        """Follow the counts, until the returned function is called."""
        return async_track_time_interval(self._hass, self._on_interval, COUNT_INTERVAL)

    @callback
    def _on_interval(self, _now: datetime) -> None:
        self._tell_counts()

    def _tell_counts(self) -> None:
        total = self._monitor.counts.total()
        if total != self._seen:
            self._seen = total
            self._counted.emit(None)

    @callback
    def async_subscribe_counts(self, listener: Callable[[None], object]) -> CALLBACK_TYPE:
        """Call `listener` when counts have changed, until the returned function is called."""
        return self._counted.subscribe(listener)

    @callback
    def async_subscribe(self, listener: Callable[[SecurityEvent], object]) -> CALLBACK_TYPE:
        """Call `listener` with each event, until the returned function is called."""
        return self._listeners.subscribe(listener)

    @callback
    def async_take(self, event: SecurityEvent, device: Device | None) -> None:
        """Tell of an event, which is about `device` where one is known."""
        about = f", about {event.endpoint}" if event.endpoint else ""
        claimed = f', who claims to be "{event.claimed}"' if event.claimed else ""
        LOGGER.info(
            "%s: %s from %s%s%s", self._entry.title, event.type, event.source, claimed, about
        )
        self._listeners.emit(event)
        self._tell_counts()
        self._hass.bus.async_fire(
            EVENT_SECURITY,
            {
                ATTR_DEVICE_ID: device.id if device else self._server_id,
                "type": event.type.value,
                **attributes(event),
            },
        )
        if device and event.type is SecurityEventType.WRONG_KEY:
            self._rejected(event, device)

    def _rejected(self, event: SecurityEvent, device: Device) -> None:
        registration = device.registration
        if registration is not None and registration.remote.host != event.source:
            # The device is in, so this is somebody else, and no reason to change its key.
            return
        times = self._rejections(device.endpoint) - self._accepted.get(device.endpoint, 0)
        if times < REJECTIONS:
            return
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            rejected_issue(self._entry, device),
            data={"entry_id": self._entry.entry_id, "subentry_id": device.subentry_id},
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key="credential_rejected",
            translation_placeholders={
                "name": device.name,
                "source": event.source,
                "times": str(times),
            },
        )

    @callback
    def async_accept(self, device: Device) -> None:
        """Take note that a device has proved who it is, or that what it has to prove changed."""
        self._accepted[device.endpoint] = self._rejections(device.endpoint)
        ir.async_delete_issue(self._hass, DOMAIN, rejected_issue(self._entry, device))

    def _rejections(self, endpoint: str) -> int:
        tally: Mapping[SecurityEventType, int] = self._monitor.by_endpoint.get(endpoint, {})
        return tally.get(SecurityEventType.WRONG_KEY, 0)

    @property
    def _server_id(self) -> str | None:
        return dr.async_get_device_id_by_identifier(
            self._hass, (DOMAIN, self._entry.entry_id), config_entry_id=self._entry.entry_id
        )


def attributes(event: SecurityEvent) -> dict[str, str | int | None]:
    """Return what an event says beside its type; none of it is secret."""
    return {
        "endpoint": event.endpoint,
        "source": event.source,
        "claimed": event.claimed,
        "count": event.count,
        "detail": event.detail,
    }


def rejected_issue(entry: ConfigEntry, device: Device) -> str:
    """Return the ID of the issue of a device whose credential stopped working.

    Diagnostics show it, and so it is without the endpoint name.
    """
    return f"credential_rejected_{entry.entry_id}_{device.id}"
