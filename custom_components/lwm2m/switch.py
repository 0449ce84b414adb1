"""Switches: outputs and settings that are on or off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import callback

from .entity import Lwm2mEntity
from .models import DiscoverySchema, object_ids

if TYPE_CHECKING:
    from homeassistant.components.switch.const import SwitchDeviceClass
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
    """Let the hub add switches as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.SWITCH, async_add_entities)


class Lwm2mSwitch(Lwm2mEntity, SwitchEntity):
    """A boolean that can be written."""

    @callback
    @override
    def _update_from_device(self) -> None:
        self._attr_is_on = self._boolean()

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Write true."""
        await self._write({self._info.resource_id: True})

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Write false."""
        await self._write({self._info.resource_id: False})


@dataclass(frozen=True, kw_only=True)
class ExecutedSwitchDescription(SwitchEntityDescription):
    """How a state that cannot be written is changed."""

    control: int
    """The resource to execute, with the argument 1 or 0."""


class ExecutedSwitch(Lwm2mSwitch):
    """A boolean that is changed by Execute."""

    entity_description: ExecutedSwitchDescription

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Execute the control."""
        await self._execute(self.entity_description.control, "1")

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Execute the control."""
        await self._execute(self.entity_description.control, "0")


def executed(
    objects: Objects,
    resource_id: int,
    control: int,
    key: str,
    *,
    enabled: bool = True,
    main: bool = False,
) -> DiscoverySchema:
    """Make the row of a state that another resource changes; all but the main one are settings."""
    return DiscoverySchema(
        platform=Platform.SWITCH,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=ExecutedSwitch,
        entity_description=ExecutedSwitchDescription(
            key=key,
            translation_key=key,
            entity_category=None if main else EntityCategory.CONFIG,
            entity_registry_enabled_default=enabled,
            control=control,
        ),
        required=(control,),
        watched=(control,),
        main=main,
    )


def output(
    objects: Objects,
    resource_id: int,
    key: str,
    device_class: SwitchDeviceClass | None = None,
) -> DiscoverySchema:
    """Make the row of the output that an object is about."""
    return DiscoverySchema(
        platform=Platform.SWITCH,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=Lwm2mSwitch,
        entity_description=SwitchEntityDescription(
            key=key, translation_key=key, device_class=device_class
        ),
    )


def setting(objects: Objects, resource_id: int, key: str) -> DiscoverySchema:
    """Make the row of a setting of an object, disabled by default."""
    return DiscoverySchema(
        platform=Platform.SWITCH,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=Lwm2mSwitch,
        entity_description=SwitchEntityDescription(
            key=key,
            translation_key=key,
            entity_category=EntityCategory.CONFIG,
            entity_registry_enabled_default=False,
        ),
        main=False,
    )
