"""Locks: object 10359 "Lock"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from homeassistant.components.lock import LockEntity, LockEntityDescription
from homeassistant.const import Platform
from homeassistant.core import callback

from .entity import Lwm2mEntity
from .models import DiscoverySchema

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry

PARALLEL_UPDATES = 0

STATUS, CONTROL = 50, 100
UNLOCK, LOCK = "0", "1"
"""Arguments of the control."""


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add locks as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.LOCK, async_add_entities)


class Lwm2mLock(Lwm2mEntity, LockEntity):
    """A lock that is locked by Execute.

    Its status is optional: without one, the last command that it took is assumed.
    """

    @callback
    @override
    def _update_from_device(self) -> None:
        self._attr_assumed_state = not self._has(STATUS)
        if self._has(STATUS):
            self._attr_is_locked = self._boolean(STATUS)

    @override
    async def async_lock(self, **kwargs: Any) -> None:
        """Lock."""
        await self._control(LOCK)

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        """Unlock."""
        await self._control(UNLOCK)

    async def _control(self, argument: str) -> None:
        done = await self._execute(CONTROL, argument)
        if done and self._attr_assumed_state:
            self._attr_is_locked = argument == LOCK
            self.async_write_ha_state()


DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    DiscoverySchema(
        platform=Platform.LOCK,
        object_ids=(10359,),
        resource_id=CONTROL,
        entity_class=Lwm2mLock,
        entity_description=LockEntityDescription(key="lock", translation_key="lock"),
        watched=(STATUS,),
    ),
)
