"""Lights: object 3311 "Light Control", switched, dimmed and coloured."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, override

from homeassistant.components.light import LightEntity, LightEntityDescription
from homeassistant.components.light.const import ATTR_BRIGHTNESS, ATTR_RGB_COLOR, ColorMode
from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.util.color import brightness_to_value, value_to_brightness

from .entity import Lwm2mEntity
from .models import DiscoverySchema

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry
    from .protocol.node import Scalar, Value

PARALLEL_UPDATES = 0

ON_OFF, DIMMER, COLOUR = 5850, 5851, 5706
PERCENT = (1, 100)

type Rgb = tuple[int, int, int]

_HEX = re.compile(r"(#|0[xX])?([0-9a-fA-F]{6})", re.ASCII)
_TRIPLE = re.compile(r"([0-9]{1,3})(, ?)([0-9]{1,3}), ?([0-9]{1,3})", re.ASCII)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add lights as devices show them."""
    entry.runtime_data.async_add_platform(Platform.LIGHT, async_add_entities)


def read_colour(value: Value | None) -> Rgb | None:
    """Read `#RRGGBB`, `0xRRGGBB`, `RRGGBB` or `r,g,b`; None for anything else.

    The object leaves the form open: "a string representing a value in some
    colour space". These are what SDKs write.
    """
    text = value.strip() if isinstance(value, str) else ""
    if match := _HEX.fullmatch(text):
        red, green, blue = bytes.fromhex(match[2])
        return red, green, blue
    if match := _TRIPLE.fullmatch(text):
        red, green, blue = int(match[1]), int(match[3]), int(match[4])
        return (red, green, blue) if max(red, green, blue) <= 255 else None
    return None


def write_colour(rgb: Rgb, like: Value | None) -> str:
    """Write a colour in the form of `like`, or as `#RRGGBB` where that is no colour."""
    text = like.strip() if isinstance(like, str) else ""
    if match := _TRIPLE.fullmatch(text):
        return match[2].join(map(str, rgb))
    prefix, digits = "#", ""
    if match := _HEX.fullmatch(text):
        prefix, digits = match[1] or "", match[2]
    written = bytes(rgb).hex()
    return prefix + (written.upper() if digits == digits.upper() else written)


def to_percent(brightness: int) -> int:
    """Turn a brightness of 1 to 255 into a dimmer's 1 to 100: none of them is dark."""
    return max(1, round(brightness_to_value(PERCENT, brightness)))


def to_brightness(percent: float) -> int:
    """Turn a dimmer's percentage into a brightness of 1 to 255."""
    return value_to_brightness(PERCENT, percent)


def _scale(rgb: Rgb, brightness: int, of: int = 255) -> Rgb:
    red, green, blue = (min(255, round(part * brightness / of)) for part in rgb)
    return red, green, blue


class Lwm2mLight(Lwm2mEntity, LightEntity):
    """A light that can do what its instance has resources for.

    One with a colour and no dimmer is dimmed by its colour.
    """

    @callback
    @override
    def _update_from_device(self) -> None:
        self._attr_is_on = self._boolean()
        mode = self._mode()
        self._attr_color_mode = mode
        self._attr_supported_color_modes = {mode}
        self._attr_rgb_color = read_colour(self._value(COLOUR))
        if self._has(DIMMER):
            dimmer = self._number(DIMMER)
            self._attr_brightness = None if dimmer is None else to_brightness(dimmer)
        elif mode is ColorMode.RGB and self._attr_rgb_color:
            brightest = max(self._attr_rgb_color)
            self._attr_brightness = max(1, brightest)
            self._attr_rgb_color = (
                _scale(self._attr_rgb_color, 255, brightest) if brightest else (255, 255, 255)
            )
        else:
            self._attr_brightness = None

    def _mode(self) -> ColorMode:
        """Tell what the light can do; a colour in an unknown form cannot be set."""
        colour = self._value(COLOUR)
        if self._has(COLOUR) and (not colour or read_colour(colour)):
            return ColorMode.RGB
        return ColorMode.BRIGHTNESS if self._has(DIMMER) else ColorMode.ONOFF

    def _has(self, resource_id: int) -> bool:
        return self._info.instance / resource_id in self._device.resources

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Set colour and brightness where asked for, then switch on."""
        brightness: int | None = kwargs.get(ATTR_BRIGHTNESS)
        rgb: Rgb | None = kwargs.get(ATTR_RGB_COLOR)
        values: dict[int, Scalar] = {}
        if brightness and self._has(DIMMER):
            values[DIMMER] = to_percent(brightness)
        elif (brightness or rgb) and not self._has(DIMMER):
            rgb = _scale(
                rgb or self._attr_rgb_color or (255, 255, 255),
                brightness or self._attr_brightness or 255,
            )
        if rgb:
            values[COLOUR] = write_colour(rgb, self._value(COLOUR))
        await self._write({**values, ON_OFF: True})

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Switch off."""
        await self._write({ON_OFF: False})


DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    DiscoverySchema(
        platform=Platform.LIGHT,
        object_ids=(3311,),
        resource_id=ON_OFF,
        entity_class=Lwm2mLight,
        entity_description=LightEntityDescription(key="light", translation_key="light"),
        watched=(DIMMER, COLOUR),
    ),
)
