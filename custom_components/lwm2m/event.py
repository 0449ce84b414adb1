"""Events: buttons and switches that somebody operates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.components.event.const import ButtonEventType, EventDeviceClass
from homeassistant.const import Platform
from homeassistant.core import callback

from .entity import Lwm2mEntity
from .models import DiscoverySchema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry

PARALLEL_UPDATES = 0

MAX_TIMES = 10
"""How often one report may say that an input became active."""


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add events as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.EVENT, async_add_entities)


@dataclass(frozen=True, kw_only=True)
class InputDescription(EventEntityDescription):
    """What an input that becomes active, and inactive again, is called."""

    counter: int
    """The resource that counts how often the input became active."""
    begin: str
    end: str


class Lwm2mEvent(Lwm2mEntity, EventEntity):
    """The times that an input became active, and inactive again.

    The counter, where the instance has one, also tells of times that were over before the device
    could report them. What a registration finds is no event: nobody knows when it happened.
    """

    entity_description: InputDescription
    _active: bool | None = None
    _count: float | None = None

    @callback
    @override
    def _update_from_device(self) -> None:
        self._active = self._boolean()
        self._count = self._number(self.entity_description.counter)

    @callback
    @override
    def _on_change(self) -> None:
        active, count = self._active, self._count
        self._update_from_device()
        if self.available and self._info.instance in self._device.learnt:
            for event_type in self._since(active, count):
                self._trigger_event(event_type)
                self.async_write_ha_state()
        self.async_write_ha_state()

    def _since(self, active: bool | None, count: float | None) -> Iterator[str]:
        """Yield what happened since the input was last seen like this."""
        if count is not None and self._count is not None and self._count >= count:
            times = min(int(self._count - count), MAX_TIMES)
        else:  # no counter, or one that was reset
            times = 1 if active is False and self._active else 0
        for _ in range(times):
            if active:
                yield self.entity_description.end
            yield self.entity_description.begin
            active = True
        if active and self._active is False:
            yield self.entity_description.end


def _button(
    object_id: int, key: str, resource_id: int = 5500, counter: int = 5501
) -> DiscoverySchema:
    """Make the row of an input that is active while it is pressed."""
    return _input(
        object_id,
        resource_id,
        InputDescription(
            key=key,
            translation_key=key,
            device_class=EventDeviceClass.BUTTON,
            event_types=[ButtonEventType.PRESS_START, ButtonEventType.PRESS_END],
            counter=counter,
            begin=ButtonEventType.PRESS_START,
            end=ButtonEventType.PRESS_END,
        ),
    )


def _input(object_id: int, resource_id: int, description: InputDescription) -> DiscoverySchema:
    """Make the row of an input that also has a binary sensor."""
    return DiscoverySchema(
        platform=Platform.EVENT,
        object_ids=(object_id,),
        resource_id=resource_id,
        entity_class=Lwm2mEvent,
        entity_description=description,
        watched=(description.counter,),
        main=False,
        allow_multi=True,
    )


DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    _input(
        3342,
        5500,
        InputDescription(
            key="switch_change",
            translation_key="switch_change",
            event_types=["switched_on", "switched_off"],
            counter=5501,
            begin="switched_on",
            end="switched_off",
        ),
    ),
    _button(3344, "increase_press", 5532, 5541),
    _button(3344, "decrease_press", 5533, 5542),
    _button(3345, "joystick_press"),
    _button(3347, "push_button_press"),
)
