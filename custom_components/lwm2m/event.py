"""Events: buttons and switches that somebody operates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.components.event.const import ButtonEventType, EventDeviceClass
from homeassistant.const import Platform
from homeassistant.core import callback

from .entity import SteadyEntity
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


class Lwm2mEvent(SteadyEntity, EventEntity):
    """The times that an input became active, and inactive again.

    The counter, where the instance has one, also tells of times that were over before the device
    could report them. State and counter may come in one report, or one after the other in either
    order. What a registration finds is no event: nobody knows when it happened.
    """

    entity_description: InputDescription
    _active: bool | None = None
    _count: float | None = None
    _open: bool | None = None
    """Whether a begin was told, and no end yet; None: as it was found."""
    _owed = False
    """Whether the state told of a begin that the counter has yet to count."""
    _ahead = False
    """Whether the counter told of a time that the state may have yet to show."""

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
        if self.available and self._info.instance in self._device.following.learnt:
            for event_type in self._since(active, count):
                self._trigger_event(event_type)
                self.async_write_ha_state()
        else:
            self._open, self._owed, self._ahead = None, False, False
        self._write_if_changed()

    def _since(self, active: bool | None, count: float | None) -> Iterator[str]:
        """Yield what happened since the input was last seen like this."""
        rise = active is False and bool(self._active)
        step = 0 if count is None or self._count is None else int(self._count - count)
        begins = min(max(step, 0), MAX_TIMES)
        if step and self._owed:
            begins, self._owed = max(begins - 1, 0), False
        if rise and step <= 0:  # nothing was counted, or the counter was reset
            begins = int(not self._ahead)
            self._owed = count is not None and step == 0 and not self._ahead
        self._ahead = bool(begins) and not rise and not self._active
        if self._open is None:
            self._open = bool(active)
        for _ in range(begins):
            if self._open:
                yield self.entity_description.end
            yield self.entity_description.begin
            self._open = True
        if self._open and self._active is False:
            self._open = False
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
