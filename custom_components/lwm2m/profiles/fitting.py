"""What a profile says of a resource that it cannot have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.components.cover.const import CoverDeviceClass
from homeassistant.components.event.const import EventDeviceClass
from homeassistant.components.number import NumberDeviceClass, NumberEntityDescription
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    NON_NUMERIC_DEVICE_CLASSES,
    STATE_CLASS_UNITS,
)
from homeassistant.components.switch.const import SwitchDeviceClass
from homeassistant.components.valve.const import ValveDeviceClass
from homeassistant.const import EntityCategory, Platform

from ..event import InputDescription
from ..sensor import EnumDescription, MeasurementDescription, unit_of
from ..units import convert, sensor_class

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from enum import StrEnum

    from ..device import Device
    from ..models import EntityInfo
    from .profile import Settings

DEVICE_CLASSES: Mapping[Platform, type[StrEnum]] = {
    Platform.BINARY_SENSOR: BinarySensorDeviceClass,
    Platform.BUTTON: ButtonDeviceClass,
    Platform.COVER: CoverDeviceClass,
    Platform.EVENT: EventDeviceClass,
    Platform.NUMBER: NumberDeviceClass,
    Platform.SENSOR: SensorDeviceClass,
    Platform.SWITCH: SwitchDeviceClass,
    Platform.VALVE: ValveDeviceClass,
}
_NEVER_CONFIG = (Platform.BINARY_SENSOR, Platform.SENSOR)
"""Platforms whose entities only show something."""
_OF_NUMBERS = ("unit", "state_class", "precision")
_TIMES = (SensorDeviceClass.TIMESTAMP, SensorDeviceClass.UPTIME)


def misfits(device: Device, info: EntityInfo, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the settings that an entity cannot have, each with the reason."""
    if settings.get("entity_category") is EntityCategory.CONFIG and info.platform in _NEVER_CONFIG:
        yield "entity_category", "config is for what can be set"
    class_misfit = _class_misfit(device, info, settings) if "device_class" in settings else None
    if class_misfit:
        yield "device_class", class_misfit
    match info.entity_description:
        case MeasurementDescription() as description:
            unit = _unit(device, info, settings)
            if "device_class" in settings and not class_misfit:
                device_class = settings["device_class"]
            elif description.class_from_unit:
                device_class = sensor_class(unit)
            else:
                device_class = convert(unit, description.device_class)[2]
            if reason := _state_class_misfit(settings, device_class, unit):
                yield "state_class", reason
        case description:
            no_number = not isinstance(description, NumberEntityDescription)
            keys = _OF_NUMBERS if no_number else ("state_class",)
            reason = "this is no number" if no_number else "it is for what is measured, not set"
            yield from ((key, reason) for key in keys if settings.get(key) is not None)


def _unit(device: Device, info: EntityInfo, settings: Settings) -> str | None:
    return settings["unit"] if "unit" in settings else unit_of(device, info)


def _class_misfit(device: Device, info: EntityInfo, settings: Settings) -> str | None:
    """Return why an entity cannot have the device class of its settings, if it cannot."""
    device_class, known = settings["device_class"], DEVICE_CLASSES.get(info.platform)
    if device_class is not None and (known is None or device_class not in set(known)):
        return f"{device_class} is no class of this kind of entity ({info.platform})"
    match info.entity_description:
        case MeasurementDescription() | NumberEntityDescription():
            return device_class and _number_misfit(device_class, _unit(device, info, settings))
        case EnumDescription() if device_class != SensorDeviceClass.ENUM:
            return "this is one of several words, which is enum"
        case EnumDescription():
            return None
        case InputDescription() if device_class == EventDeviceClass.DOORBELL:
            return "doorbell is for what says that it rings"
        case description if info.platform is Platform.SENSOR:
            fitting = _TIMES if description.device_class in _TIMES else ()
            return None if device_class in (None, *fitting) else "this is no number"
        case _:
            return None


def _number_misfit(device_class: str, unit: str | None) -> str | None:
    """Return why a number in a unit cannot have a device class, if it cannot."""
    if device_class in NON_NUMERIC_DEVICE_CLASSES:
        return f"{device_class} is for what is no number, and this is one"
    if convert(unit, SensorDeviceClass(device_class))[2]:
        return None
    return f"{device_class} has no unit {unit}" if unit else f"{device_class} needs a unit"


def _state_class_misfit(
    settings: Settings, device_class: str | None, unit: str | None
) -> str | None:
    """Return why a number cannot have the state class of its settings, if it cannot."""
    state_class = settings.get("state_class")
    if state_class is None:
        return None
    allowed = (
        DEVICE_CLASS_STATE_CLASSES.get(SensorDeviceClass(device_class)) if device_class else None
    )
    if allowed is not None and state_class not in allowed:
        return f"{device_class} has no state class {state_class}"
    if unit not in STATE_CLASS_UNITS.get(state_class, (unit,)):
        return f"{state_class} is for degrees"
    return None
