"""Valves: object 3425 "Irrigation valve"."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from homeassistant.components.valve import (
    ValveDeviceClass,
    ValveEntity,
    ValveEntityDescription,
    ValveEntityFeature,
)
from homeassistant.const import Platform
from homeassistant.core import callback

from .entity import SteadyEntity
from .models import DiscoverySchema

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry

PARALLEL_UPDATES = 0

STATUS, COMMAND, COMMAND_IN_ACTION = 2, 3, 4


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add valves as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.VALVE, async_add_entities)


class Lwm2mValve(SteadyEntity, ValveEntity):
    """A valve that is opened by 0 to 100 percent.

    All its resources are optional. What it tells of its opening counts most, then the command
    that it carries out, and a command that was sent least: it may be on its way for hours.
    """

    shows = ("current_valve_position",)
    _attr_reports_position = True
    _attr_supported_features = (
        ValveEntityFeature.OPEN | ValveEntityFeature.CLOSE | ValveEntityFeature.SET_POSITION
    )

    @callback
    @override
    def _update_from_device(self) -> None:
        levels = map(self._number, (STATUS, COMMAND_IN_ACTION, COMMAND))
        level = next((level for level in levels if level is not None), None)
        self._attr_current_valve_position = (
            None if level is None else min(100, max(0, round(level)))
        )

    @override
    async def async_set_valve_position(self, position: int) -> None:
        """Command an opening."""
        await self._write({COMMAND: position})


DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    DiscoverySchema(
        platform=Platform.VALVE,
        object_ids=(3425,),
        resource_id=COMMAND,
        entity_class=Lwm2mValve,
        entity_description=ValveEntityDescription(
            key="irrigation_valve",
            translation_key="irrigation_valve",
            device_class=ValveDeviceClass.WATER,
        ),
        watched=(STATUS, COMMAND_IN_ACTION),
    ),
)
