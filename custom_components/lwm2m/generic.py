"""Entities for what has no row of its own: the object model says what they are.

They are disabled by default and named by the model. What can be executed is a
button; what can be written is a switch, a number, a text or a time; else what can be
read is a binary sensor or a sensor. A multiple resource is shown, its first
instance, and not written. Links are shown too. An opaque value is
nothing that Home Assistant could show; a text that can only be written may be a
secret, which its state would keep. Without a model the value itself says its
type, and it is only shown.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.button import ButtonEntityDescription
from homeassistant.components.datetime import DateTimeEntityDescription
from homeassistant.components.number import NumberMode
from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription
from homeassistant.components.switch import SwitchEntityDescription
from homeassistant.components.text import TextEntityDescription
from homeassistant.const import MAX_LENGTH_STATE_STATE, Platform

from .binary_sensor import Lwm2mBinarySensor
from .button import Lwm2mButton
from .datetime import Lwm2mDateTime
from .entity import WHOLE, begins_with
from .models import EntityInfo
from .number import UNLIMITED, Lwm2mNumber, Lwm2mNumberDescription
from .protocol.model.definitions import ResourceModel, ResourceType
from .protocol.node import ObjectLink
from .sensor import (
    MeasurementDescription,
    MeasurementSensor,
    TextSensor,
    TimestampSensor,
    state_class_for,
)
from .switch import Lwm2mSwitch
from .text import Lwm2mText
from .units import number_class, sensor_class, stated_unit

if TYPE_CHECKING:
    from homeassistant.helpers.entity import EntityDescription

    from .device import Device
    from .entity import Lwm2mEntity
    from .protocol.node import Value
    from .protocol.path import Path

type Kind = tuple[Platform, type[Lwm2mEntity], EntityDescription]

KEY = "generic"


def generic_entity(device: Device, path: Path) -> EntityInfo | None:
    """Return the generic entity of a resource; None for what cannot be shown."""
    model = device.resources.model(path)
    value = device.resources.values.get(path)
    kind = _executable(model) or _writable(model) or _readable(model, value)
    if kind is None:
        return None
    platform, entity_class, description = kind
    return EntityInfo(
        platform=platform,
        instance=path.instance,
        resource_id=path.resource_id,
        entity_class=entity_class,
        entity_description=description,
        main=False,
        name=_name(device, path, model),
    )


def _name(device: Device, path: Path, model: ResourceModel | None) -> str:
    """Name the object and its resource, once where the resource's name begins with the object's."""
    described = device.resources.object_model(path.object_id)
    of_object = described.name if described else f"Object {path.object_id}"
    name = model.name if model else f"resource {path.resource_id}"
    return name if begins_with(name, of_object) else f"{of_object} {name}"


def _executable(model: ResourceModel | None) -> Kind | None:
    if model is None or not model.executable:
        return None
    description = ButtonEntityDescription(key=KEY, entity_registry_enabled_default=False)
    return Platform.BUTTON, Lwm2mButton, description


def _writable(model: ResourceModel | None) -> Kind | None:
    if model is None or not model.writable or model.multiple:
        return None
    match model.type:
        case ResourceType.BOOLEAN:
            switch = SwitchEntityDescription(key=KEY, entity_registry_enabled_default=False)
            return Platform.SWITCH, Lwm2mSwitch, switch
        case ResourceType.INTEGER | ResourceType.UNSIGNED_INTEGER | ResourceType.FLOAT:
            unit = stated_unit(model.unit)
            unsigned = model.type is ResourceType.UNSIGNED_INTEGER
            number = Lwm2mNumberDescription(
                key=KEY,
                device_class=number_class(unit),
                entity_registry_enabled_default=False,
                mode=NumberMode.BOX,
                native_max_value=UNLIMITED if model.maximum is None else model.maximum,
                native_min_value=(
                    (0 if unsigned else -UNLIMITED) if model.minimum is None else model.minimum
                ),
                native_step=1 if model.type in WHOLE else 0.001,
                native_unit_of_measurement=unit,
            )
            return Platform.NUMBER, Lwm2mNumber, number
        case ResourceType.STRING if model.readable:
            text = TextEntityDescription(
                key=KEY,
                entity_registry_enabled_default=False,
                native_max=min(model.max_length or MAX_LENGTH_STATE_STATE, MAX_LENGTH_STATE_STATE),
            )
            return Platform.TEXT, Lwm2mText, text
        case ResourceType.TIME:
            time = DateTimeEntityDescription(key=KEY, entity_registry_enabled_default=False)
            return Platform.DATETIME, Lwm2mDateTime, time
        case _:
            return None


def _readable(model: ResourceModel | None, value: Value | None) -> Kind | None:
    if model and not model.readable:
        return None
    match _type(model, value):
        case ResourceType.BOOLEAN:
            boolean = BinarySensorEntityDescription(key=KEY, entity_registry_enabled_default=False)
            return Platform.BINARY_SENSOR, Lwm2mBinarySensor, boolean
        case ResourceType.INTEGER | ResourceType.UNSIGNED_INTEGER | ResourceType.FLOAT:
            unit = stated_unit(model.unit if model else None)
            device_class = sensor_class(unit)
            number = MeasurementDescription(
                key=KEY,
                device_class=device_class,
                entity_registry_enabled_default=False,
                native_unit_of_measurement=unit,
                state_class=(
                    None if model and model.enumeration else state_class_for(device_class)
                ),
            )
            return Platform.SENSOR, MeasurementSensor, number
        case ResourceType.STRING | ResourceType.OBJLNK | ResourceType.CORELNK:
            text = SensorEntityDescription(key=KEY, entity_registry_enabled_default=False)
            return Platform.SENSOR, TextSensor, text
        case ResourceType.TIME:
            time = SensorEntityDescription(
                key=KEY,
                device_class=SensorDeviceClass.TIMESTAMP,
                entity_registry_enabled_default=False,
            )
            return Platform.SENSOR, TimestampSensor, time
        case _:
            return None


def _type(model: ResourceModel | None, value: Value | None) -> ResourceType:
    if model and model.type is not ResourceType.NONE:
        return model.type
    if isinstance(value, dict):
        value = next(iter(value.values()), None)
    match value:
        case bool():
            return ResourceType.BOOLEAN
        case int() | float():
            return ResourceType.FLOAT
        case str():
            return ResourceType.STRING
        case datetime():
            return ResourceType.TIME
        case ObjectLink():
            return ResourceType.OBJLNK
        case _:
            return ResourceType.NONE
