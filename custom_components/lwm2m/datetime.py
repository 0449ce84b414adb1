"""Times that can be written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, override

from homeassistant.components.datetime import DateTimeEntity, DateTimeEntityDescription
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
    """Let the hub add times as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.DATETIME, async_add_entities)


class Lwm2mDateTime(Lwm2mEntity, DateTimeEntity):
    """A time that can be written, in whole seconds (Core-V1_1_1 appendix C, "Time")."""

    @callback
    @override
    def _update_from_device(self) -> None:
        value = self._scalar()
        self._attr_native_value = value if isinstance(value, datetime) else None

    @override
    async def async_set_value(self, value: datetime) -> None:
        """Write the time."""
        await self._write({self._info.resource_id: value.astimezone(UTC).replace(microsecond=0)})


def setting(objects: Objects, resource_id: int, key: str) -> DiscoverySchema:
    """Make the row of a setting of an object, disabled by default."""
    return DiscoverySchema(
        platform=Platform.DATETIME,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=Lwm2mDateTime,
        entity_description=DateTimeEntityDescription(
            key=key,
            translation_key=key,
            entity_category=EntityCategory.CONFIG,
            entity_registry_enabled_default=False,
        ),
        main=False,
    )
