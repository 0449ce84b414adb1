"""Covers: what is moved to a position, and doors that open and close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from homeassistant.components.cover import (
    ATTR_POSITION,
    CoverDeviceClass,
    CoverEntity,
    CoverEntityDescription,
    CoverEntityFeature,
)
from homeassistant.const import Platform
from homeassistant.core import callback

from .entity import Lwm2mEntity, SteadyEntity
from .models import DiscoverySchema

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry

PARALLEL_UPDATES = 0

POSITION, MIN_LIMIT, MAX_LIMIT, REMAINING_TIME = 5536, 5519, 5520, 5538
DOOR_OPEN, DOOR_CONTROL = 50, 100
OPEN, CLOSE = "1", "0"
"""Arguments of a door's control."""


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add covers as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.COVER, async_add_entities)


class Lwm2mPositioner(SteadyEntity, CoverEntity):
    """Object 3337 "Positioner", which has a position of 0 to 100 percent.

    Where it states limits, these are closed and open. While it states a remaining time it moves,
    to where its position last changed to. It has no way to be stopped.
    """

    _attr_supported_features = (
        CoverEntityFeature.OPEN | CoverEntityFeature.CLOSE | CoverEntityFeature.SET_POSITION
    )
    shows = ("current_cover_position", "is_opening", "is_closing")
    _rises = False

    @callback
    @override
    def _update_from_device(self) -> None:
        before, position = self._attr_current_cover_position, self._position()
        if before is not None and position is not None and before != position:
            self._rises = position > before
        moves = bool(self._number(REMAINING_TIME))
        self._attr_current_cover_position = position
        self._attr_is_closed = None if position is None else position == 0
        self._attr_is_opening = moves and self._rises
        self._attr_is_closing = moves and not self._rises

    def _position(self) -> int | None:
        value = self._number()
        if value is None:
            return None
        low, high = self._limits()
        return min(100, max(0, round(100 * (value - low) / (high - low))))

    def _limits(self) -> tuple[float, float]:
        low, high = self._number(MIN_LIMIT), self._number(MAX_LIMIT)
        return (0, 100) if low is None or high is None or low >= high else (low, high)

    @override
    async def async_open_cover(self, **kwargs: Any) -> None:
        """Move to the end that is open."""
        await self._move(100)

    @override
    async def async_close_cover(self, **kwargs: Any) -> None:
        """Move to the end that is closed."""
        await self._move(0)

    @override
    async def async_set_cover_position(self, **kwargs: Any) -> None:
        """Move to a position."""
        await self._move(kwargs[ATTR_POSITION])

    async def _move(self, position: int) -> None:
        low, high = self._limits()
        await self._write({POSITION: low + (high - low) * position / 100})


class Lwm2mDoor(Lwm2mEntity, CoverEntity):
    """Object 10351 "Door", which tells its state and is opened and closed by Execute."""

    _attr_supported_features = CoverEntityFeature.OPEN | CoverEntityFeature.CLOSE

    @callback
    @override
    def _update_from_device(self) -> None:
        is_open = self._boolean()
        self._attr_is_closed = None if is_open is None else not is_open

    @override
    async def async_open_cover(self, **kwargs: Any) -> None:
        """Open the door."""
        await self._execute(DOOR_CONTROL, OPEN)

    @override
    async def async_close_cover(self, **kwargs: Any) -> None:
        """Close the door."""
        await self._execute(DOOR_CONTROL, CLOSE)


DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    DiscoverySchema(
        platform=Platform.COVER,
        object_ids=(3337,),
        resource_id=POSITION,
        entity_class=Lwm2mPositioner,
        entity_description=CoverEntityDescription(key="positioner", translation_key="positioner"),
        watched=(MIN_LIMIT, MAX_LIMIT, REMAINING_TIME),
    ),
    DiscoverySchema(
        platform=Platform.COVER,
        object_ids=(10351,),
        resource_id=DOOR_OPEN,
        entity_class=Lwm2mDoor,
        entity_description=CoverEntityDescription(key="door", device_class=CoverDeviceClass.DOOR),
        required=(DOOR_CONTROL,),
        watched=(DOOR_CONTROL,),
    ),
)
