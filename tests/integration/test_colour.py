"""Colours: read and written as boards do."""

from __future__ import annotations

from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.lwm2m.colour import Parts, Space, notation

PARTS: dict[Space, Parts] = {
    Space.RGB: (10, 11, 12),
    Space.HSV: (200, 51, 49),
    Space.XY: (0.25, 0.5),
    Space.KELVIN: (4000,),
    Space.MIRED: (250,),
}


@pytest.mark.parametrize(
    ("text", "space", "parts", "written"),
    [
        ("#FFB46B", Space.RGB, (255, 180, 107), "#0A0B0C"),
        ("#ffb46b", Space.RGB, (255, 180, 107), "#0a0b0c"),
        ("0xFFB46B", Space.RGB, (255, 180, 107), "0x0A0B0C"),
        ("0XFFB46B", Space.RGB, (255, 180, 107), "0X0A0B0C"),
        ("FFB46B", Space.RGB, (255, 180, 107), "0A0B0C"),
        ("255,180,107", Space.RGB, (255, 180, 107), "10,11,12"),
        ("255, 180, 107", Space.RGB, (255, 180, 107), "10, 11, 12"),
        (" #FFB46B ", Space.RGB, (255, 180, 107), "#0A0B0C"),
        ("rgb(255,180,107)", Space.RGB, (255, 180, 107), "rgb(10,11,12)"),
        ("RGB( 255, 180, 107 )", Space.RGB, (255, 180, 107), "RGB( 10, 11, 12 )"),
        ("hsv(30, 58%, 100%)", Space.HSV, (30, 58, 100), "hsv(200, 51%, 49%)"),
        ("hsb(30°,58.5,100)", Space.HSV, (30, 58.5, 100), "hsb(200°,51.0,49)"),
        ("0.45,0.41", Space.XY, (0.45, 0.41), "0.2500,0.5000"),
        ("xy(0.45, 0.41)", Space.XY, (0.45, 0.41), "xy(0.2500, 0.5000)"),
        ("x=0.45,y=0.41", Space.XY, (0.45, 0.41), "x=0.2500,y=0.5000"),
        ("0.450000,0.41", Space.XY, (0.45, 0.41), "0.250000,0.5000"),
        ("2700 K", Space.KELVIN, (2700,), "4000 K"),
        ("2700kelvin", Space.KELVIN, (2700,), "4000kelvin"),
        ("370 mired", Space.MIRED, (370,), "250 mired"),
    ],
)
def test_colour_is_written_as_it_was_read(
    text: str, space: Space, parts: Parts, written: str
) -> None:
    found = notation(text)
    assert found
    assert (found.space, found.read()) == (space, parts)
    assert found.write(PARTS[space]) == written


@pytest.mark.parametrize(
    "text",
    [
        *("256,0,0", "#FFB46", "warm", "1,2", "1,2,3,4", "0.5,1.2", "x=0.3", "-1,0,0"),
        *("hsv(361, 0%, 0%)", "20 K", "20 mired", "2700", "rgb(1,2)", "9" * 1000 + ",0,0"),
        *(5, {0: "#FFB46B"}, b"#FFB46B"),
    ],
)
def test_what_is_no_colour_is_not_read(text: Any) -> None:
    assert notation(text) is None


@pytest.mark.parametrize(
    ("unit", "text", "space"),
    [
        ("HSV", "30,58,100", Space.HSV),
        ("RGB", "30,58,100", Space.RGB),
        ("HSV", "#FFB46B", Space.RGB),
        ("K", "2700", Space.KELVIN),
        ("kelvin", "2700", Space.KELVIN),
        ("mired", "370", Space.MIRED),
        ("CIE 1931", "0,1", Space.XY),
        ("K", "30,58,100", Space.RGB),
        ("furlong", "30,58,100", Space.RGB),
        (7, "30,58,100", Space.RGB),
    ],
)
def test_unit_names_the_space_of_bare_numbers(unit: Any, text: str, space: Space) -> None:
    found = notation(text, unit)
    assert found
    assert found.space is space


@pytest.mark.parametrize(
    ("unit", "written"),
    [
        (None, "#0A0B0C"),
        ("RGB", "#0A0B0C"),
        ("hsv", "200,51,49"),
        ("cie-xy", "0.2500,0.5000"),
        ("K", "4000"),
        ("mireds", "250"),
    ],
)
@pytest.mark.parametrize("text", [None, ""])
def test_first_colour_is_written_in_the_space_that_the_unit_names(
    unit: str | None, written: str, text: str | None
) -> None:
    found = notation(text, unit)
    assert found
    assert found.write(PARTS[found.space]) == written


@given(st.text("0123456789.,#=xykhsvrgb()% "), st.sampled_from([None, *Space]))
def test_no_text_breaks_it(text: str, unit: str | None) -> None:
    if found := notation(text, unit):
        assert notation(found.write(found.read()), unit) is not None
