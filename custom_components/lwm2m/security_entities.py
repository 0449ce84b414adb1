"""What is shown of security: an event for each incident, and how many there were.

Of the server, and of each device with a credential.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.components.sensor import (
    RestoreSensor,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceInfo

from .const import DOMAIN
from .protocol.security import SecurityEventType
from .security_watch import attributes

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigEntry

    from .device import Device
    from .protocol.security import SecurityEvent
    from .security_watch import SecurityWatch

NOISY = {
    SecurityEventType.HANDSHAKE_FAILED,
    SecurityEventType.REPLAY,
    SecurityEventType.BAD_MAC,
    SecurityEventType.FLOOD,
}
"""What also a bad connection can cause: not counted on the page unless asked for."""


class SecurityIncident(EventEntity):
    """The incidents, each with who did what to which device."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    entity_description = EventEntityDescription(
        key="security",
        translation_key="security",
        entity_category=EntityCategory.DIAGNOSTIC,
        event_types=list(SecurityEventType),
    )

    def __init__(self, entry: ConfigEntry, watch: SecurityWatch) -> None:
        """Bind the entity to the server of an entry."""
        self._watch = watch
        self._attr_unique_id = f"{entry.entry_id}-{self.entity_description.key}"
        self._attr_device_info = _server(entry)

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the events from now on."""
        self.async_on_remove(self._watch.async_subscribe(self._on_event))

    @callback
    def _on_event(self, event: SecurityEvent) -> None:
        self._trigger_event(event.type, attributes(event))
        self.async_write_ha_state()


class SecurityCount(RestoreSensor):
    """How often something happened, also before the server was last restarted."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _before = 0

    def __init__(self, watch: SecurityWatch) -> None:
        """Count what `watch` does."""
        self._watch = watch

    @override
    async def async_added_to_hass(self) -> None:
        """Go on from what was shown before the restart."""
        last = await self.async_get_last_sensor_data()
        value = last.native_value if last else None
        self._before = self._watch.carry(self.unique_id, value if isinstance(value, int) else 0)
        self._attr_native_value = self._before + self._count()
        self.async_on_remove(self._watch.async_subscribe_counts(self._on_count))

    @callback
    def _on_count(self, _: None) -> None:
        """Write what changed: not each incident is of this sensor."""
        value = self._before + self._count()
        if value != self._attr_native_value:
            self._attr_native_value = value
            self.async_write_ha_state()

    def _count(self) -> int:
        raise NotImplementedError


class ServerIncidents(SecurityCount):
    """How often incidents of one type happened to the server and its devices."""

    def __init__(
        self, entry: ConfigEntry, watch: SecurityWatch, event_type: SecurityEventType
    ) -> None:
        """Count events of one type."""
        super().__init__(watch)
        self._type = event_type
        self.entity_description = SensorEntityDescription(
            key=f"security_{event_type}",
            translation_key=f"security_{event_type}",
            state_class=SensorStateClass.TOTAL_INCREASING,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=event_type not in NOISY,
        )
        self._attr_unique_id = f"{entry.entry_id}-{self.entity_description.key}"
        self._attr_device_info = _server(entry)

    @override
    def _count(self) -> int:
        return self._watch.count(self._type)


class DeviceIncidents(SecurityCount):
    """How many incidents there were about a device, whatever their type."""

    entity_description = SensorEntityDescription(
        key="security_incidents",
        translation_key="security_incidents",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
    )

    def __init__(self, device: Device, watch: SecurityWatch) -> None:
        """Count those about `device`; whether it is registered makes no difference."""
        super().__init__(watch)
        self._endpoint = device.endpoint
        self._attr_unique_id = f"{device.unique_id}-{self.entity_description.key}"
        self._attr_device_info = device.device_info

    @override
    def _count(self) -> int:
        return self._watch.count_about(self._endpoint)


def _server(entry: ConfigEntry) -> DeviceInfo:
    return DeviceInfo(identifiers={(DOMAIN, entry.entry_id)})
