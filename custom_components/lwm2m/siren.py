"""Sirens: object 3338 "Buzzer"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from homeassistant.components.siren import (
    ATTR_DURATION,
    ATTR_VOLUME_LEVEL,
    SirenEntity,
    SirenEntityDescription,
    SirenEntityFeature,
)
from homeassistant.const import Platform
from homeassistant.core import callback

from .entity import Lwm2mEntity
from .models import DiscoverySchema

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry
    from .protocol.node import Scalar

PARALLEL_UPDATES = 0

ON_OFF, LEVEL, DURATION = 5850, 5548, 5521


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add sirens as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.SIREN, async_add_entities)


class Lwm2mSiren(Lwm2mEntity, SirenEntity):
    """A buzzer, with volume and duration where its instance has resources for them.

    The device ends the alarm after the duration itself, and keeps duration and volume for the
    next one: what an action leaves out stays as it is.
    """

    @callback
    @override
    def _update_from_device(self) -> None:
        self._attr_is_on = self._boolean()
        features = SirenEntityFeature.TURN_ON | SirenEntityFeature.TURN_OFF
        if self._has(LEVEL):
            features |= SirenEntityFeature.VOLUME_SET
        if self._has(DURATION):
            features |= SirenEntityFeature.DURATION
        self._attr_supported_features = features

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Set volume and duration where asked for, then sound."""
        values: dict[int, Scalar] = {}
        if (volume := kwargs.get(ATTR_VOLUME_LEVEL)) is not None:
            values[LEVEL] = round(100 * volume, 1)
        if (duration := kwargs.get(ATTR_DURATION)) is not None:
            values[DURATION] = float(duration)
        await self._write({**values, ON_OFF: True})

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Be silent."""
        await self._write({ON_OFF: False})


DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    DiscoverySchema(
        platform=Platform.SIREN,
        object_ids=(3338,),
        resource_id=ON_OFF,
        entity_class=Lwm2mSiren,
        entity_description=SirenEntityDescription(key="buzzer", translation_key="buzzer"),
    ),
)
