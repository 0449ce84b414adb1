"""Binary sensors: inputs that are on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from homeassistant.components.binary_sensor import (
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import callback

from .entity import Lwm2mEntity
from .models import DiscoverySchema, object_ids

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry
    from .models import Objects

PARALLEL_UPDATES = 0


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add binary sensors as devices show them."""
    entry.runtime_data.async_add_platform(Platform.BINARY_SENSOR, async_add_entities)


class Lwm2mBinarySensor(Lwm2mEntity, BinarySensorEntity):
    """A boolean; the first of a multiple resource."""

    @callback
    @override
    def _update_from_device(self) -> None:
        self._attr_is_on = self._boolean()


def state(
    objects: Objects,
    resource_id: int,
    key: str,
    device_class: BinarySensorDeviceClass | None = None,
    *,
    named: bool = False,
    diagnostic: bool = False,
    enabled: bool = True,
    main: bool = False,
    entity_class: type[Lwm2mEntity] = Lwm2mBinarySensor,
) -> DiscoverySchema:
    """Make the row of a boolean; the device class names it where there is one, unless `named`."""
    return DiscoverySchema(
        platform=Platform.BINARY_SENSOR,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=entity_class,
        entity_description=BinarySensorEntityDescription(
            key=key,
            translation_key=key if named or not device_class else None,
            device_class=device_class,
            entity_category=EntityCategory.DIAGNOSTIC if diagnostic else None,
            entity_registry_enabled_default=enabled,
        ),
        main=main,
    )


def problem(
    objects: Objects,
    resource_id: int,
    key: str,
    device_class: BinarySensorDeviceClass = BinarySensorDeviceClass.PROBLEM,
    *,
    enabled: bool = True,
) -> DiscoverySchema:
    """Make the row of something that is wrong with the device or with what it watches."""
    return state(
        objects, resource_id, key, device_class, named=True, diagnostic=True, enabled=enabled
    )
