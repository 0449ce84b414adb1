"""What a server shows of its security: an event for each incident, and how many there were."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.components.sensor import (
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity

from .const import DOMAIN
from .protocol.security import SecurityEventType
from .security_watch import attributes

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigEntry

    from .protocol.security import SecurityEvent
    from .security_watch import SecurityWatch

NOISY = {
    SecurityEventType.HANDSHAKE_FAILED,
    SecurityEventType.REPLAY,
    SecurityEventType.BAD_MAC,
    SecurityEventType.FLOOD,
}
"""What also a bad connection can cause: not counted on the page unless asked for."""


class SecurityEntity(Entity):
    """An entity of the server that follows its security events."""

    _attr_has_entity_name = True

    def __init__(self, entry: ConfigEntry, watch: SecurityWatch) -> None:
        """Bind the entity to the server of an entry."""
        self._watch = watch
        self._attr_unique_id = f"{entry.entry_id}-{self.entity_description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, entry.entry_id)})

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the events from now on."""
        self.async_on_remove(self._watch.async_subscribe(self._on_event))

    @callback
    def _on_event(self, event: SecurityEvent) -> None:
        raise NotImplementedError


class SecurityIncident(SecurityEntity, EventEntity):
    """The incidents, each with who did what to which device."""

    _attr_should_poll = False
    entity_description = EventEntityDescription(
        key="security",
        translation_key="security",
        entity_category=EntityCategory.DIAGNOSTIC,
        event_types=list(SecurityEventType),
    )

    @callback
    @override
    def _on_event(self, event: SecurityEvent) -> None:
        self._trigger_event(event.type, attributes(event))
        self.async_write_ha_state()


class SecurityCount(SecurityEntity, SensorEntity):
    """How often something happened.

    The server tells less often of what it counts the more there is of it, so the number is also
    looked up from time to time.
    """

    _attr_should_poll = True

    def __init__(
        self, entry: ConfigEntry, watch: SecurityWatch, event_type: SecurityEventType
    ) -> None:
        """Count events of one type."""
        self._type = event_type
        self.entity_description = SensorEntityDescription(
            key=f"security_{event_type}",
            translation_key=f"security_{event_type}",
            state_class=SensorStateClass.TOTAL_INCREASING,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=event_type not in NOISY,
        )
        super().__init__(entry, watch)

    @callback
    @override
    def _on_event(self, event: SecurityEvent) -> None:
        if event.type is self._type:
            self.async_write_ha_state()

    @property
    @override
    def native_value(self) -> int:
        """The number since the server started."""
        return self._watch.count(self._type)
