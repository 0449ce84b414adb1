"""Selects: settings that are one of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, override

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import callback

from .entity import Lwm2mEntity
from .models import DiscoverySchema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry

PARALLEL_UPDATES = 0

TIMER_MODES = {
    0: "disabled",
    1: "one_shot",
    2: "interval",
    3: "delay_on_pick_up",
    4: "delay_on_drop_out",
}


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add selects as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.SELECT, async_add_entities)


@dataclass(frozen=True, kw_only=True)
class Lwm2mSelectDescription(SelectEntityDescription):
    """What the codes of an enumeration mean."""

    meanings: Mapping[int, str]


class Lwm2mSelect(Lwm2mEntity, SelectEntity):
    """A code that can be written, by its meaning; unknown where it has none."""

    entity_description: Lwm2mSelectDescription

    @callback
    @override
    def _update_from_device(self) -> None:
        code = self._number()
        meanings = self.entity_description.meanings
        self._attr_current_option = meanings.get(int(code)) if code is not None else None

    @override
    async def async_select_option(self, option: str) -> None:
        """Write the code."""
        codes = {meaning: code for code, meaning in self.entity_description.meanings.items()}
        await self._write({self._info.resource_id: codes[option]})


DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    DiscoverySchema(
        platform=Platform.SELECT,
        object_ids=(3340,),
        resource_id=5526,
        entity_class=Lwm2mSelect,
        entity_description=Lwm2mSelectDescription(
            key="timer_mode",
            translation_key="timer_mode",
            entity_category=EntityCategory.CONFIG,
            options=list(TIMER_MODES.values()),
            meanings=TIMER_MODES,
        ),
        main=False,
    ),
)
