"""What a device's profile changes of the entities that the platforms' tables describe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.components.cover.const import CoverDeviceClass
from homeassistant.components.event.const import EventDeviceClass
from homeassistant.components.number import NumberDeviceClass, NumberEntityDescription
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.components.sensor.const import DEVICE_CLASS_STATE_CLASSES
from homeassistant.components.switch.const import SwitchDeviceClass
from homeassistant.components.valve.const import ValveDeviceClass
from homeassistant.const import EntityCategory, Platform

from ..const import LOGGER
from ..entity import SENSOR_UNITS
from ..sensor import MeasurementDescription, state_class_for
from ..units import number_class
from .profile import Scale

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

    from ..models import EntityInfo
    from .profile import DeviceProfile, Settings

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


def profiled(info: EntityInfo, profile: DeviceProfile) -> EntityInfo:
    """Return an entity as the device's profile wants it."""
    settings = profile.settings(info.primary)
    scales = {
        resource_id: scale
        for resource_id in (info.resource_id, *info.watched)
        if (scale := profile.scale(info.instance / resource_id))
    }
    if not settings and not scales:
        return info
    states_unit = "unit" not in settings
    description = info.entity_description
    changes = _changes(info, settings, scales.get(info.resource_id))
    return replace(
        info,
        entity_description=replace(description, **changes),
        name=settings.get("name", info.name),
        whole_name=settings.get("whole_name", info.whole_name),
        named_by=(
            changes.get("device_class") or description.device_class
            if "unit" in settings or "device_class" in changes
            else None
        ),
        scales=scales,
        hidden=settings.get("hidden", False),
        watched=tuple(each for each in info.watched if each != SENSOR_UNITS or states_unit),
    )


def _changes(info: EntityInfo, settings: Settings, scale: Scale | None) -> dict[str, Any]:
    """Return the fields of the entity's description that change.

    With another device class come its name, icon and words for the states, in place of the table's.
    """
    changes: dict[str, Any] = {}
    if "icon" in settings:
        changes["icon"] = settings["icon"]
    if "enabled" in settings:
        changes["entity_registry_enabled_default"] = settings["enabled"]
    if "entity_category" in settings:
        category = settings["entity_category"]
        if category is EntityCategory.CONFIG and info.platform in _NEVER_CONFIG:
            _ignore(info, "entity_category", category)
        else:
            changes["entity_category"] = category
    if "device_class" in settings:
        device_class, known = settings["device_class"], DEVICE_CLASSES.get(info.platform)
        if device_class is None:
            changes["device_class"] = None
        elif known and device_class in set(known):
            changes["device_class"] = known(device_class)
            if not info.entity_description.translation_placeholders:  # else: "Minimum ..."
                changes["translation_key"] = None
        else:
            _ignore(info, "device_class", device_class)
    match info.entity_description:
        case MeasurementDescription() as measurement:
            changes |= _measurement(measurement, settings, changes)
        case NumberEntityDescription() as number:
            changes |= _number(number, settings, changes, scale or Scale())
    return changes


def _measurement(
    description: MeasurementDescription, settings: Settings, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """Change a number that is measured."""
    more: dict[str, Any] = {"fixed": frozenset(settings) & {"unit", "precision", "state_class"}}
    if "unit" in settings:
        more["native_unit_of_measurement"] = settings["unit"]
        if settings["unit"] != description.native_unit_of_measurement:
            more["suggested_display_precision"] = None
    if "device_class" in changes:
        device_class = changes["device_class"]
        more["class_from_unit"] = False
        allowed = DEVICE_CLASS_STATE_CLASSES.get(device_class)
        if allowed is not None and description.state_class not in allowed:
            more["state_class"] = state_class_for(device_class)
    if "state_class" in settings:
        more["state_class"] = settings["state_class"]
    if "precision" in settings:
        more["suggested_display_precision"] = settings["precision"]
    return more


def _number(
    description: NumberEntityDescription,
    settings: Settings,
    changes: Mapping[str, Any],
    scale: Scale,
) -> dict[str, Any]:
    """Change a number that can be written, and scale its bounds and steps with it."""
    more: dict[str, Any] = {}
    if "unit" in settings:
        more["native_unit_of_measurement"] = settings["unit"]
        more["device_class"] = changes.get("device_class", number_class(settings["unit"]))
    bounds = [
        scale.from_device(bound)
        for bound in (description.native_min_value, description.native_max_value)
        if bound is not None
    ]
    if len(bounds) == 2:
        more["native_min_value"], more["native_max_value"] = sorted(bounds)
    if "precision" in settings:
        more["native_step"] = 10.0 ** -settings["precision"]
    elif description.native_step is not None:
        more["native_step"] = abs(description.native_step * scale.factor)
    return more


def _ignore(info: EntityInfo, key: str, value: object) -> None:
    LOGGER.warning(
        "The device profile's %s '%s' is left out: %s is a %s",
        key,
        value,
        info.primary,
        info.platform,
    )
