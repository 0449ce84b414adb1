"""Sensors: measurements, what the device says of itself, texts and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.sensor.const import DEVICE_CLASS_STATE_CLASSES
from homeassistant.const import MAX_LENGTH_STATE_STATE, EntityCategory, Platform, UnitOfSpeed
from homeassistant.core import callback

from .entity import SENSOR_UNITS, Lwm2mEntity
from .models import DiscoverySchema, object_ids
from .protocol.node import ObjectLink
from .units import convert, sensor_class, stated_unit, suggested_unit, suits_sensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .device import Device
    from .hub import Lwm2mConfigEntry
    from .models import EntityInfo, Objects
    from .protocol.node import Value

PARALLEL_UPDATES = 0

NOWHERE = 65535
"""Both IDs of an object link that points nowhere (Core-V1_1_1 appendix C, "Objlnk")."""


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add sensors as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.SENSOR, async_add_entities)


@dataclass(frozen=True, kw_only=True)
class MeasurementDescription(SensorEntityDescription):
    """How a number is shown whose device and model state no unit, and what a unit changes."""

    class_from_unit: bool = False
    """Whether only the unit says what is measured; where it does not, the key names it."""
    missing: float | None = None
    """The number that stands for none."""
    fixed: frozenset[str] = frozenset()
    """What holds whatever unit device and model state: `unit`, `precision`, `state_class`."""


def state_class_for(device_class: SensorDeviceClass | None) -> SensorStateClass:
    """Return the state class of a number of which no more is known than its device class."""
    allowed = DEVICE_CLASS_STATE_CLASSES.get(device_class) if device_class else None
    if allowed is None or SensorStateClass.MEASUREMENT in allowed:
        return SensorStateClass.MEASUREMENT
    return SensorStateClass.TOTAL


def unit_of(device: Device, info: EntityInfo) -> str | None:
    """Return the unit of a number: what the instance states, else its model, else its row."""
    description = info.entity_description
    default = getattr(description, "native_unit_of_measurement", None)
    if "unit" in getattr(description, "fixed", ()):
        return default
    path = info.instance / SENSOR_UNITS
    stated = device.resources.values.get(path) if SENSOR_UNITS in info.watched else None
    model = device.resources.model(info.primary)
    return stated_unit(stated, stated_unit(model.unit if model else None, default))


class MeasurementSensor(Lwm2mEntity, SensorEntity):
    """A number, in the unit that the instance states where the row watches 5701, or its model.

    A unit that the device class does not allow is converted where a factor leads to one that
    it does, else it drops the class, never the value. Of a multiple resource it shows the
    first instance.
    """

    entity_description: MeasurementDescription
    _basis: tuple[Value | None, ...] | None = None
    _factor: float | None = None

    @callback
    @override
    def _update_from_device(self) -> None:
        basis = tuple(map(self._device.resources.values.get, self._paths[1:]))
        if basis != self._basis:
            self._basis = basis
            self._take_unit()
        self._attr_native_value = self._measured()

    def _measured(self) -> float | None:
        number, missing = self._number(), self.entity_description.missing
        if number is None or (missing is not None and self._scalar() == missing):
            return None
        # Twelve digits leave out what multiplying binary fractions adds.
        return number if self._factor is None else float(f"{number * self._factor:.12g}")

    def _take_unit(self) -> None:
        description = self.entity_description
        unit, self._factor = self._unit(), None
        if description.class_from_unit:
            device_class = sensor_class(unit)
            if description.translation_key is None:
                self._attr_translation_key = None if device_class else description.key
            if "state_class" not in description.fixed:
                self._attr_state_class = state_class_for(device_class)
        else:
            unit, self._factor, device_class = convert(unit, self._class())
        self._attr_device_class = device_class
        self._attr_native_unit_of_measurement = unit
        suggested = description.suggested_unit_of_measurement or suggested_unit(unit)
        convertible = (
            device_class is not None
            and suits_sensor(suggested, device_class)
            # Home Assistant itself converts what is not of the owner's unit system.
            and self._device.unit_system.get_converted_unit(device_class, unit) is None
        )
        self._attr_suggested_unit_of_measurement = (
            suggested if convertible and "unit" not in description.fixed else None
        )
        shown = self._attr_suggested_unit_of_measurement or unit
        self._attr_suggested_display_precision = (
            description.suggested_display_precision
            if "precision" in description.fixed
            or shown
            == (description.suggested_unit_of_measurement or description.native_unit_of_measurement)
            else None
        )

    def _unit(self) -> str | None:
        return unit_of(self._device, self._info)

    def _class(self) -> SensorDeviceClass | None:
        return self.entity_description.device_class


class VelocitySensor(MeasurementSensor):
    """The speed in a velocity estimate, in km/h.

    All four types of it have the horizontal speed in octets 3 and 4 (3GPP TS 23.032 8.12 to 8.15).
    """

    @override
    def _measured(self) -> float | None:
        value = self._scalar()
        if not isinstance(value, bytes) or len(value) < 4 or value[0] >> 4 > 3:
            return None
        return int.from_bytes(value[2:4])


@dataclass(frozen=True, kw_only=True)
class EnumDescription(SensorEntityDescription):
    """What the codes of an enumeration mean."""

    meanings: Mapping[int, str]


class EnumSensor(Lwm2mEntity, SensorEntity):
    """A code by its meaning; unknown where the specification gives it none.

    Of several codes it shows the first that is not 0.
    """

    entity_description: EnumDescription

    @callback
    @override
    def _update_from_device(self) -> None:
        codes = self._scalars()
        code = next(filter(None, codes), 0 if 0 in codes else None)
        meanings = self.entity_description.meanings
        self._attr_native_value = meanings.get(code) if isinstance(code, int) else None


class TextSensor(Lwm2mEntity, SensorEntity):
    """A text or a link, cut to what a state may hold; the first of a multiple resource."""

    @callback
    @override
    def _update_from_device(self) -> None:
        self._attr_native_value = None
        match self._scalar():
            case str() as text:
                self._attr_native_value = text[:MAX_LENGTH_STATE_STATE]
            case ObjectLink(object_id, instance_id) if object_id != NOWHERE:
                self._attr_native_value = f"/{object_id}/{instance_id}"


class OpaqueSensor(Lwm2mEntity, SensorEntity):
    """Opaque data in hexadecimal, cut to what a state may hold."""

    @callback
    @override
    def _update_from_device(self) -> None:
        value = self._scalar()
        self._attr_native_value = (
            value.hex()[:MAX_LENGTH_STATE_STATE] if isinstance(value, bytes) else None
        )


class TimestampSensor(Lwm2mEntity, SensorEntity):
    """A time; the first of a multiple resource."""

    @callback
    @override
    def _update_from_device(self) -> None:
        value = self._scalar()
        self._attr_native_value = value if isinstance(value, datetime) else None


def measurement(
    objects: Objects,
    resource_id: int,
    key: str,
    device_class: SensorDeviceClass | None = None,
    unit: str | None = None,
    *,
    precision: int | None = None,
    named: bool = False,
    suggested_unit: str | None = None,
    state_class: SensorStateClass | None = SensorStateClass.MEASUREMENT,
    class_from_unit: bool = False,
    fixed: frozenset[str] = frozenset(),
    missing: float | None = None,
    words: Mapping[str, str] | None = None,
    diagnostic: bool = False,
    enabled: bool = True,
    entity_class: type[MeasurementSensor] = MeasurementSensor,
    watched: tuple[int, ...] = (),
    main: bool = False,
    each: bool = False,
) -> DiscoverySchema:
    """Make the row of a number; the device class names it where there is one, unless `named`."""
    return DiscoverySchema(
        platform=Platform.SENSOR,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=entity_class,
        entity_description=MeasurementDescription(
            key=key,
            translation_key=key if named or not (device_class or class_from_unit) else None,
            translation_placeholders=words,
            device_class=device_class,
            native_unit_of_measurement=unit,
            suggested_unit_of_measurement=suggested_unit,
            suggested_display_precision=precision,
            state_class=state_class,
            class_from_unit=class_from_unit,
            fixed=fixed,
            missing=missing,
            entity_category=EntityCategory.DIAGNOSTIC if diagnostic else None,
            entity_registry_enabled_default=enabled,
        ),
        watched=watched,
        main=main,
        each=each,
    )


def velocity(objects: Objects, resource_id: int) -> DiscoverySchema:
    """Make the row of a velocity estimate."""
    return measurement(
        objects,
        resource_id,
        "speed",
        SensorDeviceClass.SPEED,
        UnitOfSpeed.KILOMETERS_PER_HOUR,
        precision=0,
        entity_class=VelocitySensor,
    )


def counter(
    objects: Objects,
    resource_id: int,
    key: str,
    *,
    diagnostic: bool = False,
    enabled: bool = True,
    words: Mapping[str, str] | None = None,
) -> DiscoverySchema:
    """Make the row of a number without unit that counts up and may start anew."""
    return measurement(
        objects,
        resource_id,
        key,
        precision=0,
        state_class=SensorStateClass.TOTAL_INCREASING,
        diagnostic=diagnostic,
        enabled=enabled,
        words=words,
    )


def number(
    objects: Objects, resource_id: int, key: str, *, enabled: bool = False
) -> DiscoverySchema:
    """Make the row of a number that is a name, such as that of a radio cell.

    It has no unit, whatever its model says: object 4 of versions 1.0 and 1.1 has network codes in
    percent.
    """
    return measurement(
        objects,
        resource_id,
        key,
        state_class=None,
        fixed=frozenset({"unit"}),
        diagnostic=True,
        enabled=enabled,
    )


def enum(
    objects: Objects,
    resource_id: int,
    key: str,
    meanings: Mapping[int, str],
    *,
    enabled: bool = True,
    each: bool = False,
) -> DiscoverySchema:
    """Make the row of an enumeration."""
    return DiscoverySchema(
        platform=Platform.SENSOR,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=EnumSensor,
        entity_description=EnumDescription(
            key=key,
            translation_key=key,
            device_class=SensorDeviceClass.ENUM,
            options=list(dict.fromkeys(meanings.values())),
            meanings=meanings,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=enabled,
        ),
        main=False,
        each=each,
    )


def text(
    objects: Objects,
    resource_id: int,
    key: str,
    *,
    diagnostic: bool = True,
    enabled: bool = False,
    entity_class: type[Lwm2mEntity] = TextSensor,
    main: bool = False,
) -> DiscoverySchema:
    """Make the row of a text."""
    return DiscoverySchema(
        platform=Platform.SENSOR,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=entity_class,
        entity_description=SensorEntityDescription(
            key=key,
            translation_key=key,
            entity_category=EntityCategory.DIAGNOSTIC if diagnostic else None,
            entity_registry_enabled_default=enabled,
        ),
        main=main,
    )


def time(
    objects: Objects,
    resource_id: int,
    key: str,
    *,
    diagnostic: bool = True,
    enabled: bool = False,
) -> DiscoverySchema:
    """Make the row of a point in time."""
    return DiscoverySchema(
        platform=Platform.SENSOR,
        object_ids=object_ids(objects),
        resource_id=resource_id,
        entity_class=TimestampSensor,
        entity_description=SensorEntityDescription(
            key=key,
            translation_key=key,
            device_class=SensorDeviceClass.TIMESTAMP,
            entity_category=EntityCategory.DIAGNOSTIC if diagnostic else None,
            entity_registry_enabled_default=enabled,
        ),
        main=False,
    )
