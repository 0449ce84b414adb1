"""Buttons: executable resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory, Platform

from .entity import Lwm2mEntity
from .models import DiscoverySchema, object_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeassistant.components.button.const import ButtonDeviceClass
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
    """Let the hub add buttons as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.BUTTON, async_add_entities)


class Lwm2mButton(Lwm2mEntity, ButtonEntity):
    """A resource to execute, without arguments."""

    @override
    async def async_press(self) -> None:
        """Execute the resource."""
        await self._execute(self._info.resource_id)


def action(
    objects: Objects,
    resource_id: int,
    key: str,
    device_class: ButtonDeviceClass | None = None,
    *,
    words: Mapping[str, str] | None = None,
    enabled: bool = False,
    config: bool = True,
    main: bool = False,
) -> DiscoverySchema:
    """Make the row of an executable resource, by default a setting that is disabled."""
    return DiscoverySchema(
        platform=Platform.BUTTON,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=Lwm2mButton,
        entity_description=ButtonEntityDescription(
            key=key,
            translation_key=None if device_class else key,
            translation_placeholders=words,
            device_class=device_class,
            entity_category=EntityCategory.CONFIG if config else None,
            entity_registry_enabled_default=enabled,
        ),
        main=main,
    )
