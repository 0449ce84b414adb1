"""Lights: switched, dimmed and coloured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from homeassistant.components.light import LightEntity, LightEntityDescription
from homeassistant.components.light.const import (
    ATTR_BRIGHTNESS,
    ATTR_COLOR_TEMP_KELVIN,
    ATTR_HS_COLOR,
    ATTR_RGB_COLOR,
    ATTR_XY_COLOR,
    ColorMode,
)
from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util.color import brightness_to_value, value_to_brightness

from .colour import Notation, Parts, Space, notation
from .const import DOMAIN
from .entity import SENSOR_UNITS, Lwm2mEntity
from .models import DiscoverySchema

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry
    from .protocol.node import Scalar

PARALLEL_UPDATES = 0

ON_OFF, DIMMER, COLOUR = 5850, 5851, 5706
RGB_VALUE = 1
PERCENT = (1, 100)
FULL = 255
WHITE = (255, 255, 255)
BLACK = (0, 0, 0)

type Rgb = tuple[int, int, int]


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add lights as devices show them."""
    entry.runtime_data.entities.async_add_platform(Platform.LIGHT, async_add_entities)


def to_percent(brightness: int) -> int:
    """Turn a brightness of 1 to 255 into a dimmer's 1 to 100: none of them is dark."""
    return max(1, round(brightness_to_value(PERCENT, brightness)))


def to_brightness(percent: float) -> int:
    """Turn a dimmer's percentage into a brightness of 1 to 255."""
    return value_to_brightness(PERCENT, percent)


def _scale(parts: Parts, factor: float) -> Rgb:
    red, green, blue = (min(255, round(part * factor)) for part in parts)
    return red, green, blue


def _split(parts: Parts) -> tuple[Rgb, int]:
    """Split a colour into the colour at its brightest, and its brightness."""
    brightness = round(max(parts))
    return (_scale(parts, 255 / brightness) if brightness else WHITE), brightness


class Lwm2mLight(Lwm2mEntity, LightEntity):
    """Object 3311 "Light Control", which can do what its instance has resources for.

    One with a colour and no dimmer is dimmed by its colour, if that says how bright it is.
    """

    _notation: Notation | None
    """How its colours are written; None when that is not known."""
    _parts: Parts | None

    @callback
    @override
    def _update_from_device(self) -> None:
        self._attr_is_on = self._boolean()
        self._take_colour()
        mode = self._mode()
        self._attr_color_mode = mode
        self._attr_supported_color_modes = {mode}
        if self._has(DIMMER):
            dimmer = self._number(DIMMER)
            self._attr_brightness = None if dimmer is None else to_brightness(dimmer)

    def _take_colour(self) -> None:
        text = self._value(COLOUR)
        found = self._notation = notation(text, self._value(SENSOR_UNITS))
        self._parts = found.read() if found and text else None
        self._attr_rgb_color = self._attr_hs_color = self._attr_xy_color = None
        self._attr_color_temp_kelvin = self._attr_brightness = None
        match found and found.space, self._parts:
            case Space.RGB, (_, _, _) as rgb:
                self._attr_rgb_color = _scale(rgb, 1)
                if not self._has(DIMMER):
                    self._attr_rgb_color, brightness = _split(rgb)
                    self._attr_brightness = max(1, brightness)
            case Space.HSV, (hue, saturation, value):
                self._attr_hs_color = hue, saturation
                self._attr_brightness = to_brightness(value)
            case Space.XY, (x, y):
                self._attr_xy_color = x, y
            case Space.KELVIN, (kelvin,):
                self._attr_color_temp_kelvin = round(kelvin)
            case Space.MIRED, (mired,):
                self._attr_color_temp_kelvin = round(1e6 / mired)

    @property
    def _dims(self) -> bool:
        by_colour = self._notation and self._notation.space in {Space.RGB, Space.HSV}
        return self._has(DIMMER) or bool(by_colour)

    def _mode(self) -> ColorMode:
        """Tell what the light can do; a colour in an unknown form cannot be set."""
        if self._has(COLOUR) and self._notation:
            return self._notation.mode
        return ColorMode.BRIGHTNESS if self._has(DIMMER) else ColorMode.ONOFF

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Set colour and brightness where asked for, then switch on."""
        brightness: int | None = kwargs.get(ATTR_BRIGHTNESS)
        if brightness and brightness < FULL and not self._dims:
            # Home Assistant takes every light that has a colour for one that can be dimmed.
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="light_without_dimmer",
                translation_placeholders={"entity": self.entity_id},
            )
        values: dict[int, Scalar] = {}
        if brightness and self._has(DIMMER):
            values[DIMMER] = to_percent(brightness)
        if self._has(COLOUR) and self._notation and (colour := self._colour(kwargs)):
            values[COLOUR] = self._notation.write(colour)
        await self._write({**values, ON_OFF: True})

    def _colour(self, wanted: dict[str, Any]) -> Parts | None:
        """Return the colour to write; None when it stays as it is."""
        kelvin: float | None = wanted.get(ATTR_COLOR_TEMP_KELVIN)
        brightness = None if self._has(DIMMER) else wanted.get(ATTR_BRIGHTNESS)
        match self._notation and self._notation.space:
            case Space.RGB if brightness or ATTR_RGB_COLOR in wanted:
                rgb: Rgb = wanted.get(ATTR_RGB_COLOR) or self._attr_rgb_color or WHITE
                dimmed = 255 if self._has(DIMMER) else brightness or self._attr_brightness or 255
                return _scale(rgb, dimmed / 255)
            case Space.HSV if brightness or ATTR_HS_COLOR in wanted:
                value = self._parts[2] if self._parts else 100
                hs = wanted.get(ATTR_HS_COLOR) or self._attr_hs_color or (0, 0)
                return (*hs, to_percent(brightness) if brightness else value)
            case Space.XY:
                return wanted.get(ATTR_XY_COLOR)
            case Space.KELVIN:
                return (kelvin,) if kelvin else None
            case Space.MIRED:
                return (1e6 / kelvin,) if kelvin else None
        return None

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Switch off."""
        await self._write({ON_OFF: False})


class Lwm2mColourLight(Lwm2mEntity, LightEntity):
    """Object 3420 "LED color light", which is nothing but a colour: black is off."""

    _attr_color_mode = ColorMode.RGB

    @callback
    @override
    def _update_from_device(self) -> None:
        self._attr_supported_color_modes = {ColorMode.RGB}
        found = notation(self._value()) if self._value() else None
        parts = found.read() if found and found.space is Space.RGB else None
        self._attr_is_on = None if parts is None else any(parts)
        if parts and any(parts):  # else the last colour and brightness are those to switch on with
            self._attr_rgb_color, self._attr_brightness = _split(parts)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Show the colour asked for, or the last one."""
        rgb = kwargs.get(ATTR_RGB_COLOR) or self._attr_rgb_color or WHITE
        brightness = kwargs.get(ATTR_BRIGHTNESS) or self._attr_brightness or 255
        await self._show(_scale(rgb, brightness / 255))

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Show black."""
        await self._show(BLACK)

    async def _show(self, rgb: Rgb) -> None:
        await self._write({RGB_VALUE: Notation(Space.RGB, "#FFFFFF").write(rgb)})


DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    DiscoverySchema(
        platform=Platform.LIGHT,
        object_ids=(3311,),
        resource_id=ON_OFF,
        entity_class=Lwm2mLight,
        entity_description=LightEntityDescription(key="light", translation_key="light"),
        watched=(DIMMER, COLOUR, SENSOR_UNITS),
    ),
    DiscoverySchema(
        platform=Platform.LIGHT,
        object_ids=(3420,),
        resource_id=RGB_VALUE,
        entity_class=Lwm2mColourLight,
        entity_description=LightEntityDescription(key="led_light", translation_key="led_light"),
    ),
)
