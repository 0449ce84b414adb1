"""Texts that can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from homeassistant.components.text import TextEntity, TextEntityDescription
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
    """Let the hub add texts as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.TEXT, async_add_entities)


class Lwm2mText(Lwm2mEntity, TextEntity):
    """A text that can be written; a longer one than a state may hold is cut."""

    @callback
    @override
    def _update_from_device(self) -> None:
        value = self._scalar()
        self._attr_native_value = value[: self.max] if isinstance(value, str) else None

    @override
    async def async_set_value(self, value: str) -> None:
        """Write the text."""
        await self._write({self._info.resource_id: value})


def value(objects: Objects, resource_id: int, key: str) -> DiscoverySchema:
    """Make the row of a text that an object is about."""
    return DiscoverySchema(
        platform=Platform.TEXT,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=Lwm2mText,
        entity_description=TextEntityDescription(key=key, translation_key=key),
        main=False,
    )


def setting(objects: Objects, resource_id: int, key: str) -> DiscoverySchema:
    """Make the row of a setting of an object, disabled by default."""
    return DiscoverySchema(
        platform=Platform.TEXT,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=Lwm2mText,
        entity_description=TextEntityDescription(
            key=key,
            translation_key=key,
            entity_category=EntityCategory.CONFIG,
            entity_registry_enabled_default=False,
        ),
        main=False,
    )
