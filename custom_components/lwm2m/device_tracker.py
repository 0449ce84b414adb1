"""Device trackers: where a device is, on the map."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import TYPE_CHECKING, override

from homeassistant.components.device_tracker import TrackerEntity, TrackerEntityDescription
from homeassistant.const import Platform
from homeassistant.core import callback
from propcache.api import cached_property

from .entity import Lwm2mEntity
from .models import DiscoverySchema

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry

PARALLEL_UPDATES = 0

LOCATION = 6
"""The object that says where the device is; 3336 may be about something else."""
MAX_LATITUDE, MAX_LONGITUDE = 90, 180
NO_FIX = (0.0, 0.0)
"""What boards report before they know where they are; it is a place in the Atlantic."""


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add device trackers as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.DEVICE_TRACKER, async_add_entities)


@dataclass(frozen=True, kw_only=True)
class LocationDescription(TrackerEntityDescription):
    """Which resources say where a device is, besides its latitude."""

    longitude: int
    radius: int


class Lwm2mTracker(Lwm2mEntity, TrackerEntity):
    """A position in WGS 84; unknown as long as the device has none."""

    entity_description: LocationDescription

    @cached_property
    @override
    def name(self) -> str | None:
        """The device's own name on the map, where this is the position of the device."""
        is_of_device = self._info.instance.object_id == LOCATION and not self._info.name
        return None if is_of_device else super().name

    @callback
    @override
    def _update_from_device(self) -> None:
        latitude = self._degrees(self._info.resource_id, MAX_LATITUDE)
        longitude = self._degrees(self.entity_description.longitude, MAX_LONGITUDE)
        if latitude is None or longitude is None or (latitude, longitude) == NO_FIX:
            latitude = longitude = None
        self._attr_latitude, self._attr_longitude = latitude, longitude
        self._attr_location_accuracy = self._decimal(self.entity_description.radius) or 0

    def _degrees(self, resource_id: int, limit: float) -> float | None:
        value = self._decimal(resource_id)
        return value if value is not None and abs(value) <= limit else None

    def _decimal(self, resource_id: int) -> float | None:
        """Return a number, which 3336 writes as a text up to version 1.1."""
        text = self._scalar(resource_id)
        if not isinstance(text, str):
            return self._number(resource_id)
        try:
            number = float(text)
        except ValueError:
            return None
        return number if math.isfinite(number) else None


def _location(object_id: int, latitude: int, longitude: int, radius: int) -> DiscoverySchema:
    """Make the row of an object that says where a device is."""
    return DiscoverySchema(
        platform=Platform.DEVICE_TRACKER,
        object_ids=(object_id,),
        resource_id=latitude,
        entity_class=Lwm2mTracker,
        entity_description=LocationDescription(
            key="location", translation_key="location", longitude=longitude, radius=radius
        ),
        required=(longitude,),
        watched=(longitude, radius),
    )


DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    _location(LOCATION, 0, 1, 3),
    _location(3336, 5514, 5515, 5516),
    _location(3336, 6051, 6052, 6053),
)
