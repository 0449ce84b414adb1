"""Colours as boards write them: 3311's resource 5706 is "a value in some color space".

The object leaves space and notation open, and names the space in 5701 at best. These are the
notations of SDKs and of people: `#FFB46B`, `0xFFB46B`, `FFB46B`, `255,180,107`,
`rgb(255, 180, 107)`, `hsv(30, 58%, 100%)`, `0.45,0.41`, `xy(0.45, 0.41)`, `x=0.45,y=0.41`,
`2700 K` and `370 mired`; bare numbers also where 5701 says what they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
import re
from typing import TYPE_CHECKING

from homeassistant.components.light.const import ColorMode

if TYPE_CHECKING:
    from .protocol.node import Value

type Parts = tuple[float, ...]


class Space(StrEnum):
    """A colour space; `_RANGES` has its parts."""

    RGB = "rgb"
    HSV = "hsv"
    XY = "xy"
    """CIE 1931"""
    KELVIN = "kelvin"
    MIRED = "mired"


MODES = {
    Space.RGB: ColorMode.RGB,
    Space.HSV: ColorMode.HS,
    Space.XY: ColorMode.XY,
    Space.KELVIN: ColorMode.COLOR_TEMP,
    Space.MIRED: ColorMode.COLOR_TEMP,
}
_RANGES: dict[Space, tuple[tuple[float, float], ...]] = {
    Space.RGB: ((0, 255), (0, 255), (0, 255)),
    Space.HSV: ((0, 360), (0, 100), (0, 100)),
    Space.XY: ((0, 1), (0, 1)),
    Space.KELVIN: ((1000, 20_000),),
    Space.MIRED: ((50, 1000),),
}
_UNITS = {
    "rgb": Space.RGB,
    "hsv": Space.HSV,
    "hsb": Space.HSV,
    "xy": Space.XY,
    "cie": Space.XY,
    "ciexy": Space.XY,
    "cie1931": Space.XY,
    "k": Space.KELVIN,
    "kelvin": Space.KELVIN,
    "mired": Space.MIRED,
    "mireds": Space.MIRED,
}
_FIRST = {
    Space.RGB: "#FFFFFF",
    Space.HSV: "0,0,100",
    Space.XY: "0.3127,0.3290",
    Space.KELVIN: "2700",
    Space.MIRED: "370",
}
"""How a colour is written where the board shows none yet."""
XY_DIGITS = 4


def _pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern in which `N` stands for a number, and spaces may be anywhere."""
    number = r"\d+(?:\.\d+)?"
    return re.compile(text.replace(" ", r"\s*").replace("N", number), re.ASCII | re.IGNORECASE)


_NUMBER = _pattern("N")
_HEX = re.compile(r"(?:#|0[xX])?([0-9a-fA-F]{6})", re.ASCII)
_WORDED = (
    (Space.RGB, _pattern(r"rgb \( N , N , N \)")),
    (Space.HSV, _pattern(r"hs[vb] \( N °? , N %? , N %? \)")),
    (Space.XY, _pattern(r"xy \( N , N \)|x [=:] N , y [=:] N")),
    (Space.KELVIN, _pattern(r"N (?:k|kelvin)")),
    (Space.MIRED, _pattern(r"N mireds?")),
)
_BARE = _pattern(r"N(?: , N)*")


@dataclass(frozen=True, slots=True)
class Notation:
    """A colour space, and a text in it that others are written like."""

    space: Space
    like: str

    @property
    def mode(self) -> ColorMode:
        """What Home Assistant calls the space."""
        return MODES[self.space]

    def read(self) -> Parts:
        """Return the colour that the text is."""
        if match := _HEX.fullmatch(self.like):
            return tuple(bytes.fromhex(match[1]))
        return tuple(float(number) for number in _NUMBER.findall(self.like))

    def write(self, parts: Parts) -> str:
        """Write a colour of the space with everything but the numbers as in the text."""
        if match := _HEX.fullmatch(self.like):
            written = bytes(round(part) for part in parts).hex()
            digits = written.upper() if match[1] == match[1].upper() else written
            return self.like.removesuffix(match[1]) + digits
        numbers = iter(parts)
        return _NUMBER.sub(lambda old: self._number(next(numbers), old[0]), self.like)

    def _number(self, part: float, like: str) -> str:
        digits = len(like.partition(".")[2])
        return f"{part:.{max(digits, XY_DIGITS) if self.space is Space.XY else digits}f}"


def notation(text: Value | None, unit: Value | None = None) -> Notation | None:
    """Tell how a board writes colours, from what its 5706 and 5701 hold.

    None for a text that is no colour. Without a text, it is the space that 5701 names, or
    `#RRGGBB`.
    """
    stated = _UNITS.get(re.sub(r"[\s_-]", "", unit).lower()) if isinstance(unit, str) else None
    if not text:
        return Notation(stated or Space.RGB, _FIRST[stated or Space.RGB])
    if not isinstance(text, str) or not (space := _space(text.strip(), stated)):
        return None
    found = Notation(space, text.strip())
    ranges = zip(found.read(), _RANGES[space], strict=True)
    return found if all(low <= part <= high for part, (low, high) in ranges) else None


def _space(text: str, stated: Space | None) -> Space | None:
    if _HEX.fullmatch(text):
        return Space.RGB
    for space, pattern in _WORDED:
        if pattern.fullmatch(text):
            return space
    if not _BARE.fullmatch(text):
        return None
    parts = text.count(",") + 1
    if stated and parts == len(_RANGES[stated]):
        return stated
    return {(3, False): Space.RGB, (2, True): Space.XY}.get((parts, "." in text))
