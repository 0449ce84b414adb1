"""What a device's profile changes of the entities that the platforms' tables describe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from homeassistant.components.number import NumberEntityDescription
from homeassistant.components.sensor.const import DEVICE_CLASS_STATE_CLASSES
from homeassistant.const import Platform

from ..entity import QUANTITY, SENSOR_UNITS
from ..number import MAX_RANGE, MIN_RANGE
from ..sensor import MeasurementDescription, state_class_for
from ..units import number_class
from .fitting import DEVICE_CLASSES, misfits
from .profile import Misfit, Scale

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..device import Device
    from ..models import EntityInfo
    from .profile import DeviceProfile, Settings


_NAMES = frozenset({"name", "whole_name"})
_FOLLOWED = _NAMES | {"device_class", "unit", "precision", "factor", "offset"}
"""What is said of a value is meant of its minimum, too."""
_QUANTITY = ("name", "device_class")
"""What says how the value is called."""


def profiled(device: Device, info: EntityInfo) -> EntityInfo:
    """Return an entity as the device's profile wants it, but for what it cannot have."""
    profile = device.profile
    own = profile.settings(info.primary)
    settings = _followed(profile, info, info.follows) | own
    scales = _scales(profile, info, settings)
    if not settings and not scales:
        return info
    reasons = dict(misfits(device, info, settings))
    settings = cast("Settings", {k: v for k, v in settings.items() if k not in reasons})
    states_unit = "unit" not in settings
    description = info.entity_description
    changes = _changes(info, settings, scales.get(info.resource_id))
    if quantity := next((settings.get(k) for k in _QUANTITY if k in settings.keys() - own), None):
        words = {**(description.translation_placeholders or {}), QUANTITY: str(quantity)}
        changes["translation_placeholders"] = words
    return replace(
        info,
        entity_description=replace(description, **changes),
        name=own.get("name", info.name),
        whole_name=settings.get("whole_name", info.whole_name),
        named_by=(
            changes.get("device_class") or description.device_class
            if "unit" in settings or "device_class" in changes
            else None
        ),
        scales=scales,
        misfits=tuple(
            Misfit(source, info.primary, key, reason)
            for key, reason in reasons.items()
            if (source := profile.source(info.primary, key))
        ),
        hidden=settings.get("hidden", False),
        watched=tuple(each for each in info.watched if each != SENSOR_UNITS or states_unit),
    )


def _followed(profile: DeviceProfile, info: EntityInfo, resource_id: int | None) -> Settings:
    """Return what is said of a resource and meant of what follows it, too."""
    if resource_id is None:
        return {}
    keys = _NAMES if info.platform is Platform.BUTTON else _FOLLOWED
    settings = profile.settings(info.instance / resource_id)
    return cast("Settings", {k: v for k, v in settings.items() if k in keys})


def _scales(profile: DeviceProfile, info: EntityInfo, settings: Settings) -> dict[int, Scale]:
    """Return the scales of the resources of an entity; the range of a number has that of it."""
    said = {each: profile.settings(info.instance / each) for each in info.watched}
    said[info.resource_id] = settings
    for each in {MIN_RANGE, MAX_RANGE}.intersection(info.watched):
        said[each] = settings | said[each]
    return {each: scale for each, words in said.items() if (scale := Scale.of(words))}


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
        changes["entity_category"] = settings["entity_category"]
    if "device_class" in settings:
        device_class = settings["device_class"]
        changes["device_class"] = device_class and DEVICE_CLASSES[info.platform](device_class)
        if device_class and not info.entity_description.translation_placeholders:
            changes["translation_key"] = None  # else it is called "Minimum ..."
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
    more: dict[str, Any] = {
        "fixed": description.fixed | frozenset(settings) & {"unit", "precision", "state_class"}
    }
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
