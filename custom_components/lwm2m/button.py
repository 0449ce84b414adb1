"""Buttons: executable resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.const import EntityCategory, Platform

from .entity import Lwm2mEntity
from .models import DiscoverySchema
from .quantities import QUANTITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry

PARALLEL_UPDATES = 0


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add buttons as devices show them."""
    entry.runtime_data.async_add_platform(Platform.BUTTON, async_add_entities)


class Lwm2mButton(Lwm2mEntity, ButtonEntity):
    """A resource to execute, without arguments."""

    @override
    async def async_press(self) -> None:
        """Execute the resource."""
        await self._execute(self._info.resource_id)


def _button(
    object_id: int,
    resource_id: int,
    key: str,
    device_class: ButtonDeviceClass | None = None,
    *,
    placeholders: Mapping[str, str] | None = None,
    enabled: bool = False,
) -> DiscoverySchema:
    """Make the row of an executable resource, disabled by default."""
    return DiscoverySchema(
        platform=Platform.BUTTON,
        object_ids=(object_id,),
        resource_id=resource_id,
        entity_class=Lwm2mButton,
        entity_description=ButtonEntityDescription(
            key=key,
            translation_key=None if device_class else key,
            translation_placeholders=placeholders,
            device_class=device_class,
            entity_category=EntityCategory.CONFIG,
            entity_registry_enabled_default=enabled,
        ),
        main=False,
    )


# The first quantity of an object names the button that resets the extremes of all.
_MEASURING = {q.object_id: q for q in reversed(QUANTITIES) if q.minimum}

DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    _button(3, 4, "reboot", ButtonDeviceClass.RESTART, enabled=True),
    _button(3, 5, "factory_reset"),
    _button(3, 12, "reset_errors"),
    _button(3200, 5505, "reset_digital_input_counter"),
    _button(3302, 5505, "reset_presence_counter"),
    _button(3305, 5822, "reset_cumulative_energy"),
    _button(3331, 5822, "reset_energy"),
    *(
        _button(
            object_id,
            5605,
            "reset_extremes",
            placeholders=quantity.words,
        )
        for object_id, quantity in sorted(_MEASURING.items())
    ),
)
