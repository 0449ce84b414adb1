"""The base of all entities: description, watched paths, push update."""

from __future__ import annotations

from contextlib import suppress
import re
import sys
from typing import TYPE_CHECKING, ClassVar, override

from homeassistant.core import callback
from homeassistant.helpers.entity import Entity
from propcache.api import cached_property

from .const import DOMAIN
from .models import name_key
from .protocol.model.definitions import ResourceType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .device import Device
    from .models import EntityInfo
    from .protocol.node import Scalar, Value
    from .protocol.path import Path

ATTR_COMMAND_WAITING = "command_waiting"
APPLICATION_TYPE = 5750
"""The owner's name for an instance, in most IPSO objects."""
NAMES = dict.fromkeys((10340, 10351, 10359), 1)
"""Objects that have another resource for the name of an instance."""
MAX_LABEL = 64
"""How much of it a name takes: it comes from the network."""
SENSOR_UNITS = 5701
"""The unit of an instance's values, in most IPSO objects."""
QUANTITY = "quantity"
"""The gap in a name that takes the key of a quantity, which the translations have a word for."""
WHOLE = (ResourceType.INTEGER, ResourceType.UNSIGNED_INTEGER)
_SENTENCE_CASE = re.compile("^[A-Z](?=[^A-Z]+$)")


def begins_with(name: str, words: str) -> bool:
    """Tell whether a name begins with these words, whatever their case."""
    return f"{name} ".casefold().startswith(f"{words} ".casefold())


class Lwm2mEntity(Entity):
    """An entity that shows, and may change, resources of one object instance."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, device: Device, info: EntityInfo) -> None:
        """Bind the entity to its resources and take their current values."""
        self._device = device
        self._info = info
        self._paths = info.paths
        self._primary = info.primary
        self.entity_description = info.entity_description
        self._attr_unique_id = f"{device.unique_id}-{info.key}"
        self._attr_device_info = device.device_info
        self._update_from_device()

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the resources from now on."""
        self.async_on_remove(self._device.watch(self._paths, self._on_change))
        self._update_from_device()

    @callback
    def _on_change(self) -> None:
        self._update_from_device()
        self.async_write_ha_state()

    @callback
    def _update_from_device(self) -> None:
        """Set the `_attr_...` of the platform from the device's values."""

    @property
    @override
    def available(self) -> bool:
        """Whether the device is registered and still has the resource, or its instance."""
        if not (self._device.available and self._primary in self._device.resources.paths):
            return False
        instance, value = self._info.resource_instance_id, self._value()
        return instance is None or (isinstance(value, dict) and instance in value)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, bool] | None:
        """Say it while a command waits for the device to wake up."""
        return {ATTR_COMMAND_WAITING: True} if self._device.commands.waits(self._paths) else None

    @cached_property
    @override
    def name(self) -> str | None:
        """The name, told apart from other instances of the same object.

        The instance's Application Type names its main entity and is part of the
        names of the others, unless it says as much already; without one, or one that the
        name begins with anyway, instances past the first show their ID, and what an entity
        of another object is called, too, says its object. An entity that lost its device
        class, and with it its name, takes the model's; one that a profile took it from keeps
        the name.
        """
        name, number = self._own_name(), self._number_in_name()
        if self._info.whole_name:
            return name
        label = self._value(NAMES.get(self._info.instance.object_id, APPLICATION_TYPE))
        if isinstance(label, str) and (label := label.strip()[:MAX_LABEL]):
            if self._info.main or name.casefold() in label.casefold():
                return label
            if not begins_with(name, label):
                return self._labelled(label, name)
        name = self._told_apart(name)
        return f"{name} {number}" if number else name

    def _told_apart(self, name: str) -> str:
        """Say in a name which object is meant, where another's entity has the same."""
        platform = self.platform_data
        named_by = self.translation_key or self.device_class
        words = self.entity_description.translation_placeholders
        if self._info.name or name_key(platform.domain, named_by, words) not in self._info.taken:
            return name
        key = f"component.{DOMAIN}.entity.sensor.object_{self._info.instance.object_id}.name"
        return platform.platform_translations.get(key, "{name}").format(name=name)

    def _translated(self, words: Mapping[str, str]) -> Mapping[str, str]:
        """Put a quantity, or the device class that it is of, into words of the owner's language.

        What is neither is the name that a profile gives it.
        """
        return {
            gap: self._quantity(word) if gap == QUANTITY else word for gap, word in words.items()
        }

    def _quantity(self, word: str) -> str:
        platform = self.platform_data
        key = f"component.{DOMAIN}.entity.{platform.domain}.quantity_{word}.name"
        of_class = f"component.{platform.domain}.entity_component.{word}.name"
        name = platform.component_translations.get(of_class, word)
        return platform.platform_translations.get(key) or self._in_a_sentence(name)

    def _in_a_sentence(self, name: str) -> str:
        """Return a name as it is written within another; nouns may be capitalized."""
        english = self.hass.config.language.startswith("en")
        return _SENTENCE_CASE.sub(lambda first: first[0].lower(), name) if english else name

    def _own_name(self) -> str:
        """Return what the entity is called where there is but one of its kind."""
        self._attr_translation_placeholders = self._translated(self.translation_placeholders)
        name = self._info.name or super().name
        if isinstance(name, str):
            return name
        key = f"component.{self.platform_data.domain}.entity_component.{self._info.named_by}.name"
        if name := self.platform_data.component_translations.get(key):
            return name
        model = self._device.resources.model(self._primary)
        return model.name if model else f"Resource {self._info.resource_id}"

    def _number_in_name(self) -> int:
        """Return what tells the entity from others of its kind, 0 for nothing."""
        return self._info.instance.instance_id or self._info.resource_instance_id or 0

    def _labelled(self, label: str, name: str) -> str:
        """Join the instance's label and the entity's name.

        The translations say how under the entity's key and `_labelled`; else, and where the name
        is not theirs, the label precedes the name.
        """
        platform = self.platform_data
        key = f"component.{DOMAIN}.entity.{platform.domain}.{self.translation_key}_labelled.name"
        if not self._info.name and (text := platform.platform_translations.get(key)):
            return text.format(label=label, **self.translation_placeholders)
        return f"{label} {self._in_a_sentence(name)}"

    def _has(self, resource_id: int) -> bool:
        """Tell whether the instance has a resource."""
        return self._info.instance / resource_id in self._device.resources.paths

    def _value(self, resource_id: int | None = None) -> Value | None:
        """Return the last value of a resource of the instance, by default of the primary one."""
        path = self._primary if resource_id is None else self._info.instance / resource_id
        return self._device.resources.values.get(path)

    def _scalars(self, resource_id: int | None = None) -> list[Scalar | None]:
        """Return the last values of a resource by resource instance, or that of the entity's."""
        value = self._value(resource_id)
        if not isinstance(value, dict):
            return [value]
        if self._info.resource_instance_id is not None:
            return [value.get(self._info.resource_instance_id)]
        return [value[instance] for instance in sorted(value)]

    def _scalar(self, resource_id: int | None = None) -> Scalar | None:
        """Return the last value of a resource, of a multiple one the entity's or the first."""
        value = self._value(resource_id)
        return next(iter(self._scalars(resource_id)), None) if isinstance(value, dict) else value

    def _number(self, resource_id: int | None = None) -> float | None:
        """Return the last value of a resource where it is a finite number or text, scaled."""
        value = self._scalar(resource_id)
        if isinstance(value, str):  # as early versions of some objects have it
            with suppress(ValueError):
                value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if self._info.scales and abs(value) <= sys.float_info.max:
            value = self._scaled(value, resource_id)
        return value if abs(value) <= sys.float_info.max else None

    def _scaled(self, value: float, resource_id: int | None) -> float:
        scale = self._info.scales.get(
            self._info.resource_id if resource_id is None else resource_id
        )
        return scale.from_device(value) if scale else value

    def _boolean(self, resource_id: int | None = None) -> bool | None:
        """Return the last value of a resource where it is a boolean."""
        value = self._scalar(resource_id)
        return value if isinstance(value, bool) else None

    async def _write(self, values: dict[int, Scalar]) -> None:
        """Write resources of the instance, in order; HomeAssistantError when refused."""
        for resource_id, value in values.items():
            path = self._info.instance / resource_id
            await self._device.operations.async_write({path: self._unscaled(path, value)})

    def _unscaled(self, path: Path, value: Scalar) -> Scalar:
        scale = self._info.scales.get(path.resource_id)
        if scale is None or isinstance(value, bool) or not isinstance(value, int | float):
            return value
        number = scale.to_device(value)
        model = self._device.resources.model(path)
        return round(number) if model and model.type in WHOLE else number

    async def _execute(self, resource_id: int, arguments: str | None = None) -> bool:
        """Execute a resource of the instance; HomeAssistantError when refused.

        False when that waits for the device to wake up.
        """
        return await self._device.operations.async_execute(
            self._info.instance / resource_id, arguments
        )


class WritesChanges(Entity):
    """Hears of changes that it need not show, and writes its state where it does.

    `shows` are the properties of its state. To compare them costs, so most entities do not.
    """

    shows: ClassVar[tuple[str, ...]] = ()
    _shown: tuple[object, ...] | None = None

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self._shown = self._shows()

    @callback
    def _write_if_changed(self) -> None:
        shown = self._shows()
        if shown != self._shown:
            self._shown = shown
            self.async_write_ha_state()

    def _shows(self) -> tuple[object, ...]:
        values = (getattr(self, name) for name in self.shows)
        return self.available, self.extra_state_attributes, *values


class SteadyEntity(WritesChanges, Lwm2mEntity):
    """An entity whose resources can change without what it shows."""

    @callback
    @override
    def _on_change(self) -> None:
        self._update_from_device()
        self._write_if_changed()
