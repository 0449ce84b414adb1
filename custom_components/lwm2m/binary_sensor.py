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

from .entity import MAX_LABEL, Lwm2mEntity, SteadyEntity
from .models import DiscoverySchema, object_ids

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry
    from .models import Objects

PARALLEL_UPDATES = 0

BITMAP = 5910


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add binary sensors as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.BINARY_SENSOR, async_add_entities)


class Lwm2mBinarySensor(Lwm2mEntity, BinarySensorEntity):
    """A boolean; the first of a multiple resource."""

    @callback
    @override
    def _update_from_device(self) -> None:
        self._attr_is_on = self._boolean()


class FaultSensor(Lwm2mBinarySensor):
    """A code, or several, of which 0 says that all is well."""

    @callback
    @override
    def _update_from_device(self) -> None:
        codes = [code for code in self._scalars() if isinstance(code, int)]
        self._attr_is_on = any(codes) if codes else None


class BitSensor(SteadyEntity, Lwm2mBinarySensor):
    """A bit of a bitmap: that of which the resource instance is the description.

    The first instance describes the lowest bit (object 3349, resource 5912).
    """

    shows = ("is_on",)

    @callback
    @override
    def _update_from_device(self) -> None:
        bits, descriptions = self._scalar(BITMAP), self._value()
        self._attr_is_on = None
        if isinstance(bits, int) and isinstance(descriptions, dict):
            own = self._info.resource_instance_id
            if own in descriptions:
                self._attr_is_on = bool(bits >> sorted(descriptions).index(own) & 1)

    @property
    def _description(self) -> str:
        text = self._scalar()
        return text.strip()[:MAX_LABEL] if isinstance(text, str) else ""

    @override
    def _own_name(self) -> str:
        return self._description or super()._own_name()

    @override
    def _number_in_name(self) -> int:
        return self._info.instance.instance_id if self._description else super()._number_in_name()


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
    watched: tuple[int, ...] = (),
    each: bool = False,
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
        watched=watched,
        main=main,
        each=each,
    )


def problem(
    objects: Objects,
    resource_id: int,
    key: str,
    device_class: BinarySensorDeviceClass = BinarySensorDeviceClass.PROBLEM,
    *,
    enabled: bool = True,
    entity_class: type[Lwm2mEntity] = Lwm2mBinarySensor,
) -> DiscoverySchema:
    """Make the row of something that is wrong with the device or with what it watches."""
    return state(
        objects,
        resource_id,
        key,
        device_class,
        named=True,
        diagnostic=True,
        enabled=enabled,
        entity_class=entity_class,
    )
