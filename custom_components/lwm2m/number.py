"""Numbers: levels, set points and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, override

from homeassistant.components.number import NumberEntity, NumberEntityDescription, NumberMode
from homeassistant.const import EntityCategory, Platform, UnitOfRatio
from homeassistant.core import callback

from .entity import SENSOR_UNITS, WHOLE, Lwm2mEntity
from .models import DiscoverySchema, object_ids
from .units import number_class, stated_unit

if TYPE_CHECKING:
    from homeassistant.components.number import NumberDeviceClass
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry
    from .models import Objects

PARALLEL_UPDATES = 0

MIN_RANGE, MAX_RANGE = 5603, 5604
UNLIMITED = 1e9
"""The bound of a number that has none of its own; Home Assistant wants one."""


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add numbers as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.NUMBER, async_add_entities)


@dataclass(frozen=True, kw_only=True)
class Lwm2mNumberDescription(NumberEntityDescription):
    """How a number is shown whose device states neither unit nor range."""

    native_min_value: float = -UNLIMITED
    native_max_value: float = UNLIMITED


class Lwm2mNumber(Lwm2mEntity, NumberEntity):
    """A number that can be written.

    Unit and range are those that the instance states, where the row watches
    5701, or 5603 and 5604. A unit without a class of its own gives none.
    """

    entity_description: Lwm2mNumberDescription

    @callback
    @override
    def _update_from_device(self) -> None:
        self._attr_native_value = self._number()
        if SENSOR_UNITS in self._info.watched:
            unit = stated_unit(self._value(SENSOR_UNITS))
            self._attr_native_unit_of_measurement = unit
            self._attr_device_class = self.entity_description.device_class or number_class(unit)
        if MIN_RANGE in self._info.watched:
            self._take_range()

    def _take_range(self) -> None:
        minimum, maximum = self._number(MIN_RANGE), self._number(MAX_RANGE)
        if minimum is not None and maximum is not None and minimum > maximum:
            minimum, maximum = maximum, minimum  # as a negative factor has it
        if minimum is None or maximum is None or minimum == maximum:
            minimum = self.entity_description.native_min_value
            maximum = self.entity_description.native_max_value
        self._attr_native_min_value = minimum
        self._attr_native_max_value = maximum

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Write the number, a whole one as an integer where the model wants that."""
        model = self._device.resources.model(self._info.primary)
        whole = model is not None and model.type in WHOLE and value.is_integer()
        await self._write({self._info.resource_id: int(value) if whole else value})


def control(
    objects: Objects,
    resource_id: int,
    key: str,
    device_class: NumberDeviceClass | None = None,
    unit: str | None = None,
    *,
    minimum: float = -UNLIMITED,
    maximum: float = UNLIMITED,
    step: float = 1,
    mode: NumberMode = NumberMode.SLIDER,
    watched: tuple[int, ...] = (),
    main: bool = False,
) -> DiscoverySchema:
    """Make the row of a number that an object is about."""
    return DiscoverySchema(
        platform=Platform.NUMBER,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=Lwm2mNumber,
        entity_description=Lwm2mNumberDescription(
            key=key,
            translation_key=key,
            device_class=device_class,
            native_min_value=minimum,
            native_max_value=maximum,
            native_step=step,
            native_unit_of_measurement=unit,
            mode=mode,
        ),
        watched=watched,
        main=main,
    )


def level(objects: Objects, resource_id: int, key: str) -> DiscoverySchema:
    """Make the row of a level in percent beside an on/off control."""
    return control(objects, resource_id, key, unit=UnitOfRatio.PERCENTAGE, minimum=0, maximum=100)


def setting(
    objects: Objects,
    resource_id: int,
    key: str,
    device_class: NumberDeviceClass | None = None,
    unit: str | None = None,
    *,
    minimum: float = 0,
    maximum: float = UNLIMITED,
    step: float = 1,
) -> DiscoverySchema:
    """Make the row of a setting of an object, disabled by default."""
    return DiscoverySchema(
        platform=Platform.NUMBER,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=Lwm2mNumber,
        entity_description=Lwm2mNumberDescription(
            key=key,
            translation_key=key,
            device_class=device_class,
            entity_category=EntityCategory.CONFIG,
            entity_registry_enabled_default=False,
            native_min_value=minimum,
            native_max_value=maximum,
            native_step=step,
            native_unit_of_measurement=unit,
            mode=NumberMode.BOX,
        ),
        main=False,
    )
