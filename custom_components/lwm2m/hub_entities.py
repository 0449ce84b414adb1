"""Creates the entities of a hub and its devices as they become known, and removes them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN
from .discovery import discover_instance
from .gateway import IotDevice
from .models import key_prefix
from .presence import presence_sensors
from .profiles.issues import ProfileIssues
from .protocol.security import SecurityEventType
from .security_entities import DeviceIncidents, SecurityIncident, ServerIncidents

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .device import Device
    from .entity import Lwm2mEntity
    from .hub import Lwm2mConfigEntry
    from .models import EntityInfo
    from .protocol.path import Path
    from .security_watch import SecurityWatch


class HubEntities:
    """The entities of one hub, each created once while its instance is there."""

    def __init__(
        self, hass: HomeAssistant, entry: Lwm2mConfigEntry, security: SecurityWatch
    ) -> None:
        """Start with none; what becomes known waits until the platforms are ready."""
        self._hass = hass
        self._entry = entry
        self._security = security
        self._add_entities: dict[Platform, AddConfigEntryEntitiesCallback] = {}
        self._created: dict[str, set[str]] = defaultdict(set)
        """Endpoint name -> what of its device is created, by keys of entities."""
        self._early: list[tuple[Device, Path]] = []
        """The instances that were learnt before the platforms were ready."""
        self._ready = False
        self._profile_issues = ProfileIssues(hass, entry.entry_id)

    @callback
    def async_add_platform(
        self, platform: Platform, add_entities: AddConfigEntryEntitiesCallback
    ) -> None:
        """Take what a platform's entities are added with."""
        self._add_entities[platform] = add_entities

    @callback
    def async_platforms_ready(self, devices: Iterable[Device]) -> None:
        """Create the hub's own entities, and those of all that was learnt of its devices."""
        self._ready = True
        entry, security = self._entry, self._security
        self._add_entities[Platform.EVENT]([SecurityIncident(entry, security)])
        self._add_entities[Platform.SENSOR](
            [ServerIncidents(entry, security, event_type) for event_type in SecurityEventType]
        )
        for device in devices:
            self.async_show_presence(device)
            self.async_show_security(device)
        for device, instance in self._early:
            self.async_learnt(device, instance)
        self._early.clear()
        self._profile_issues.async_end_mended()

    @callback
    def async_learnt(self, device: Device, instance: Path) -> None:
        """Create the entities of an instance that are not there yet."""
        if not self._ready:
            self._early.append((device, instance))
            return
        created = self._created[device.endpoint]
        entities: dict[Platform, list[Lwm2mEntity]] = defaultdict(list)
        for info in discover_instance(device, instance):
            if info.key in created or (info.nothing and not self._was_there(device, info)):
                continue
            created.add(info.key)
            for misfit in info.misfits:
                self._profile_issues.async_tell(misfit)
            if info.hidden:
                self._remove(device, info.platform, info.key)
                continue
            if device.profile.settings(info.primary).get("enabled"):
                self._enable(device, info)
            entities[info.platform].append(info.entity_class(device, info))
        self.async_show_presence(device)
        for platform, new in entities.items():
            self._add_entities[platform](new, config_subentry_id=device.subentry_id)

    def _was_there(self, device: Device, info: EntityInfo) -> bool:
        return self._entity_id(device, info.platform, info.key) is not None

    def _enable(self, device: Device, info: EntityInfo) -> None:
        """Enable an entity that was there before its profile, if it was not the owner's choice."""
        registry = er.async_get(self._hass)
        entity_id = self._entity_id(device, info.platform, info.key)
        if (
            entity_id
            and (entry := registry.async_get(entity_id))
            and entry.disabled_by is er.RegistryEntryDisabler.INTEGRATION
        ):
            registry.async_update_entity(entity_id, disabled_by=None)

    @callback
    def async_show_presence(self, device: Device) -> None:
        """Create what a device shows of its connection, if it is not there yet."""
        if not self._ready or isinstance(device, IotDevice):  # its gateway is connected
            return
        created = self._created[device.endpoint]
        for sensor in presence_sensors(device):
            if (key := sensor.entity_description.key) not in created:
                created.add(key)
                new = [sensor(device)]
                self._add_entities[Platform.SENSOR](new, config_subentry_id=device.subentry_id)

    @callback
    def async_show_security(self, device: Device) -> None:
        """Have a device with a credential show how many have tried to be it, and no other."""
        created, key = self._created[device.endpoint], DeviceIncidents.entity_description.key
        if not device.secured:
            created.discard(key)
            self._remove(device, Platform.SENSOR, key)
        elif self._ready and key not in created:
            created.add(key)
            incidents = DeviceIncidents(device, self._security)
            self._add_entities[Platform.SENSOR]([incidents], config_subentry_id=device.subentry_id)

    @callback
    def async_remove(self, device: Device, instances: Collection[Path]) -> None:
        """Remove the entities of instances that a device no longer has.

        Home Assistant keeps what the owner chose for them, and gives it back when they return.
        """
        gone = tuple(map(key_prefix, instances))
        self._created[device.endpoint] = {
            key for key in self._created[device.endpoint] if not key.startswith(gone)
        }
        registry = er.async_get(self._hass)
        for entry in er.async_entries_for_device(
            registry, device.id, include_disabled_entities=True
        ):
            if entry.unique_id.removeprefix(f"{device.unique_id}-").startswith(gone):
                registry.async_remove(entry.entity_id)

    @callback
    def async_forget(self, device: Device) -> None:
        """Take note that a device is gone, and its entities with it."""
        self._created.pop(device.endpoint, None)
        self._early = [early for early in self._early if early[0] is not device]

    def _remove(self, device: Device, platform: Platform, key: str) -> None:
        """Remove an entity of before its device, or a profile, had no use for it."""
        if entity_id := self._entity_id(device, platform, key):
            er.async_get(self._hass).async_remove(entity_id)

    def _entity_id(self, device: Device, platform: Platform, key: str) -> str | None:
        registry = er.async_get(self._hass)
        return registry.async_get_entity_id(platform, DOMAIN, f"{device.unique_id}-{key}")
