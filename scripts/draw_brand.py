#!/usr/bin/env python3
"""Draw the integration's icon and logo: a house, and in it a chip that sends."""

from __future__ import annotations

from itertools import pairwise
import math
from pathlib import Path

from PIL import Image, ImageDraw

BRAND = Path(__file__).parents[1] / "custom_components" / "lwm2m" / "brand"

# All shapes are drawn on a grid of 256 units to the icon's side and shrunk from several times its
# size, which is what smooths their edges.
SIDE = 256
OVERSAMPLING = 4

TOP, BOTTOM = (38, 184, 214), (37, 76, 176)
WHITE = (255, 255, 255)

type Point = tuple[float, float]


class Pen:
    """Draws in grid units on a mask."""

    def __init__(self, width: float, scale: float) -> None:
        self.scale = scale
        self.mask = Image.new("L", (round(width * scale), round(SIDE * scale)))
        self._draw = ImageDraw.Draw(self.mask)

    def dot(self, centre: Point, radius: float) -> None:
        """Draw a filled circle."""
        x, y, r = (value * self.scale for value in (*centre, radius))
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=255)

    def line(self, *points: Point, width: float) -> None:
        """Draw a line with round corners and ends."""
        for (x1, y1), (x2, y2) in pairwise(points):
            half = width / 2 / math.dist((x1, y1), (x2, y2))
            dx, dy = (y1 - y2) * half, (x2 - x1) * half
            self.fill(
                (x1 + dx, y1 + dy), (x2 + dx, y2 + dy), (x2 - dx, y2 - dy), (x1 - dx, y1 - dy)
            )
        for point in points:
            self.dot(point, width / 2)

    def fill(self, *points: Point) -> None:
        """Fill a polygon."""
        self._draw.polygon([(x * self.scale, y * self.scale) for x, y in points], fill=255)

    def shape(self, *points: Point, rounding: float) -> None:
        """Fill a polygon whose corners are rounded outwards."""
        self.fill(*points)
        self.line(*points, points[0], width=2 * rounding)

    def cut(self, left: float, top: float, right: float, bottom: float, radius: float) -> None:
        """Cut out a rectangle with rounded corners."""
        box = [value * self.scale for value in (left, top, right, bottom)]
        self._draw.rounded_rectangle(box, radius * self.scale, fill=0)


def arc(centre: Point, radius: float, start: float, end: float) -> list[Point]:
    """Return points on a circle, from one angle to another; degrees, clockwise from the right."""
    x, y = centre
    return [
        (x + radius * math.cos(angle), y + radius * math.sin(angle))
        for angle in (math.radians(start + (end - start) * step / 48) for step in range(49))
    ]


def house(pen: Pen) -> None:
    """Draw the house's outline, filled."""
    roof, walls = [(30, 118), (128, 34), (226, 118)], [(206, 118), (206, 226), (50, 226), (50, 118)]
    pen.shape(*roof, *walls, rounding=16)


def chip(pen: Pen) -> None:
    """Draw the chip and its radio waves."""
    centre = (128, 178)
    for radius in (58, 86):
        pen.line(*arc(centre, radius, 225, 315), width=13)
    for offset in (-16, 0, 16):
        pen.line((128 + offset, 144), (128 + offset, 212), width=7)
        pen.line((94, 178 + offset), (162, 178 + offset), width=7)
    pen.shape((108, 158), (148, 158), (148, 198), (108, 198), rounding=6)
    pen.cut(117, 167, 139, 189, 4)


def letters(pen: Pen, left: float) -> None:
    """Write LwM2M in lines, so that no font is needed."""
    top, middle, base, width = 84.0, 122.0, 178.0, 17.0
    glyphs: list[tuple[float, list[Point]]] = [
        (46, [(0, top), (0, base), (46, base)]),
        (80, [(0, middle), (20, base), (40, middle + 8), (60, base), (80, middle)]),
        (80, [(0, base), (0, top), (40, top + 56), (80, top), (80, base)]),
        (54, [*arc((27, top + 27), 27, -170, 35), (0, base), (56, base)]),
        (80, [(0, base), (0, top), (40, top + 56), (80, top), (80, base)]),
    ]
    for advance, points in glyphs:
        pen.line(*((left + x, y) for x, y in points), width=width)
        left += advance + 33


def gradient(size: tuple[int, int]) -> Image.Image:
    """Shade from the top colour to the bottom colour."""
    shade = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, BOTTOM), Image.new("RGB", size, TOP), shade)


def draw(width: float, height: int, *, with_name: bool) -> Image.Image:
    """Return the icon, or the icon with the name beside it, in an image of this height."""
    scale = height / SIDE * OVERSAMPLING
    ground, mark = Pen(width, scale), Pen(width, scale)
    house(ground)
    chip(mark)
    if with_name:
        letters(ground, 292)
    picture = gradient(ground.mask.size)
    picture.paste(WHITE, mask=mark.mask)
    picture.putalpha(ground.mask)
    return picture.resize((round(width * height / SIDE), height), Image.Resampling.LANCZOS)


def main() -> None:
    """Write the images that Home Assistant looks for."""
    BRAND.mkdir(exist_ok=True)
    for suffix, factor in (("", 1), ("@2x", 2)):
        draw(SIDE, SIDE * factor, with_name=False).save(BRAND / f"icon{suffix}.png", optimize=True)
        draw(780, SIDE * factor, with_name=True).save(BRAND / f"logo{suffix}.png", optimize=True)


if __name__ == "__main__":
    main()
