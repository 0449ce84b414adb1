"""Binary sensors: inputs that are on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from homeassistant.components.binary_sensor import (
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import Platform
from homeassistant.core import callback

from .entity import Lwm2mEntity
from .models import DiscoverySchema

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry

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


def _input(
    object_id: int,
    key: str,
    device_class: BinarySensorDeviceClass | None = None,
    *,
    resource_id: int = 5500,
    main: bool = True,
) -> DiscoverySchema:
    """Make the row of the state of an input."""
    return DiscoverySchema(
        platform=Platform.BINARY_SENSOR,
        object_ids=(object_id,),
        resource_id=resource_id,
        entity_class=Lwm2mBinarySensor,
        entity_description=BinarySensorEntityDescription(
            key=key,
            translation_key=None if device_class else key,
            device_class=device_class,
        ),
        main=main,
    )


DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    _input(3200, "digital_input"),
    _input(3302, "occupancy", BinarySensorDeviceClass.OCCUPANCY),
    _input(3342, "switch"),
    _input(3344, "increase", resource_id=5532, main=False),
    _input(3344, "decrease", resource_id=5533, main=False),
    _input(3345, "joystick_button"),
    _input(3347, "push_button"),
)
