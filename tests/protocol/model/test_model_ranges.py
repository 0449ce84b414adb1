"""Every notation of ranges that the registry uses is read with certainty or not at all."""

from __future__ import annotations

import pytest

from custom_components.lwm2m.protocol.model.definitions import ResourceType
from custom_components.lwm2m.protocol.model.ranges import Range, read_range


@pytest.mark.parametrize(
    ("kind", "text", "minimum", "maximum"),
    [
        (ResourceType.INTEGER, "0..100", 0, 100),
        (ResourceType.INTEGER, " 1...15 ", 1, 15),
        (ResourceType.INTEGER, "0-50", 0, 50),
        (ResourceType.INTEGER, "-24..24", -24, 24),
        (ResourceType.INTEGER, "-30..-120", -120, -30),
        (ResourceType.UNSIGNED_INTEGER, "0..18446744073709551615", 0, 2**64 - 1),
        (ResourceType.FLOAT, "0..1", 0, 1),
        (ResourceType.FLOAT, "0.000001..1.0", 0.000001, 1.0),
        (ResourceType.FLOAT, "-100.0..100.0", -100.0, 100.0),
        (ResourceType.TIME, "0..4294967295", 0, 4294967295),
    ],
)
def test_numeric_range(kind: ResourceType, text: str, minimum: float, maximum: float) -> None:
    assert read_range(kind, text) == Range(minimum=minimum, maximum=maximum)


@pytest.mark.parametrize(
    ("kind", "text", "values"),
    [
        (ResourceType.INTEGER, "0,1,2", (0, 1, 2)),
        (ResourceType.INTEGER, "5, 10, 15, 20", (5, 10, 15, 20)),
        (ResourceType.INTEGER, "-1;0;1", (-1, 0, 1)),
        (ResourceType.UNSIGNED_INTEGER, "0: A\n\t\t1: B-C\n\t\t255: STUCK", (0, 1, 255)),
        (ResourceType.STRING, "on;off", ("on", "off")),
        (ResourceType.STRING, "low, mid, high", ("low", "mid", "high")),
    ],
)
def test_enumeration(kind: ResourceType, text: str, values: tuple[int | str, ...]) -> None:
    assert read_range(kind, text) == Range(enumeration=values)


@pytest.mark.parametrize(
    ("kind", "text", "length"),
    [
        (ResourceType.STRING, "0..255", 255),
        (ResourceType.STRING, "0-255 bytes", 255),
        (ResourceType.STRING, "1..64 Bytes", 64),
        (ResourceType.STRING, "12 bytes ", 12),
        (ResourceType.STRING, "64", 64),
        (ResourceType.STRING, "10 or 26 Bytes", 26),
        (ResourceType.STRING, "10,26", 26),
        (ResourceType.OPAQUE, "16-32-48 bytes", 48),
    ],
)
def test_length(kind: ResourceType, text: str, length: int) -> None:
    assert read_range(kind, text) == Range(max_length=length)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ResourceType.INTEGER, ""),
        (ResourceType.INTEGER, "255"),
        (ResourceType.INTEGER, "8-Bits"),
        (ResourceType.INTEGER, "2 bytes"),
        (ResourceType.INTEGER, "2 Instances"),
        (ResourceType.INTEGER, "[1:4]"),
        (ResourceType.INTEGER, "0..3, 99"),
        (ResourceType.INTEGER, "<7 to >12.5"),
        (ResourceType.INTEGER, "0: A\nsomething else"),
        (ResourceType.INTEGER, "0.." + "9" * 5000),
        (ResourceType.FLOAT, "ON;OFF"),
        (ResourceType.FLOAT, "0; 3.8..20.5"),
        (ResourceType.FLOAT, "1,5"),
        (ResourceType.BOOLEAN, "0..65535"),
        (ResourceType.OPAQUE, "8 bit"),
        (ResourceType.OBJLNK, "0..1"),
        (ResourceType.NONE, "0..1"),
        (ResourceType.STRING, "The possible values are those listed elsewhere"),
    ],
)
def test_unclear_text_restricts_nothing(kind: ResourceType, text: str) -> None:
    assert read_range(kind, text) == Range()
