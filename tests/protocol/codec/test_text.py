"""The plain text format (OMA-TS-LightweightM2M_Core-V1_1_1 7.4.1, appendix C, table C-2)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from custom_components.lwm2m.protocol.codec import CodecError, ContentFormat, decode, encode
from custom_components.lwm2m.protocol.model.definitions import ResourceType
from custom_components.lwm2m.protocol.node import Decoded, ObjectLink, Scalar
from custom_components.lwm2m.protocol.path import Path

from .models import MULTIPLE, of_type, type_of


def read(payload: bytes, path: Path) -> Decoded:
    return decode(ContentFormat.TEXT, payload, path, type_of)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (ResourceType.STRING, "Open Mobile Alliance", "Open Mobile Alliance"),
        (ResourceType.STRING, "", ""),
        (ResourceType.STRING, " °C ", " °C "),
        (ResourceType.INTEGER, "-20", -20),
        (ResourceType.INTEGER, "20.0", 20),
        (ResourceType.INTEGER, " 20\r\n", 20),
        (ResourceType.UNSIGNED_INTEGER, "18446744073709551615", 2**64 - 1),
        (ResourceType.FLOAT, "21.5", 21.5),
        (ResourceType.FLOAT, "21", 21.0),
        (ResourceType.FLOAT, "-.5", -0.5),
        (ResourceType.FLOAT, "1.5E-3", 0.0015),
        (ResourceType.BOOLEAN, "1", True),
        (ResourceType.BOOLEAN, "0", False),
        (ResourceType.BOOLEAN, "true", True),
        (ResourceType.BOOLEAN, "False", False),
        (ResourceType.OPAQUE, "AQIDBAU=", bytes([1, 2, 3, 4, 5])),
        (ResourceType.TIME, "1367491215", datetime(2013, 5, 2, 10, 40, 15, tzinfo=UTC)),
        (ResourceType.OBJLNK, "10:1", ObjectLink(10, 1)),
        (ResourceType.CORELNK, "</3/0>;ver=1.1", "</3/0>;ver=1.1"),
    ],
)
def test_read(kind: ResourceType, text: str, value: Scalar) -> None:
    path = of_type(kind)

    assert read(text.encode(), path) == Decoded({path: value})


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ResourceType.INTEGER, ""),
        (ResourceType.INTEGER, "20.5"),
        (ResourceType.INTEGER, "1_000"),
        (ResourceType.INTEGER, "٣"),
        (ResourceType.INTEGER, "9" * 10_000),
        (ResourceType.FLOAT, "nan"),
        (ResourceType.FLOAT, "inf"),
        (ResourceType.FLOAT, "1e999"),
        (ResourceType.FLOAT, "."),
        (ResourceType.BOOLEAN, "yes"),
        (ResourceType.OPAQUE, "!,-INVALID$_'"),
        (ResourceType.TIME, "2013-05-02"),
        (ResourceType.OBJLNK, "10"),
    ],
)
def test_what_does_not_fit_the_type_is_rejected(kind: ResourceType, text: str) -> None:
    path = of_type(kind)

    decoded = read(text.encode(), path)

    assert (decoded.values, list(decoded.rejected)) == ({}, [path])


def test_an_unknown_resource_is_a_string() -> None:
    assert read(b"21", Path(30000, 0, 1)).values == {Path(30000, 0, 1): "21"}


def test_a_resource_instance_is_one_of_its_resource() -> None:
    assert read(b"5", Path(3, 0, 6, 1)).values == {Path(3, 0, 6): {1: 5}}


def test_a_multiple_resource_answered_with_one_value_is_its_instance_0() -> None:
    assert read(b"5", Path(3, 0, 6)).values == {Path(3, 0, 6): {0: 5}}


@pytest.mark.parametrize("path", [Path(), Path(3), Path(3, 0)])
def test_text_says_nothing_of_a_whole_instance(path: Path) -> None:
    with pytest.raises(CodecError):
        read(b"5", path)


def test_text_is_utf_8() -> None:
    with pytest.raises(CodecError):
        read(b"\xff", Path(3, 0, 0))


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (ResourceType.STRING, "°C", "°C"),
        (ResourceType.INTEGER, -20, "-20"),
        (ResourceType.FLOAT, 21.5, "21.5"),
        (ResourceType.FLOAT, 20, "20.0"),
        (ResourceType.FLOAT, 1.5e-7, "0.00000015"),
        (ResourceType.BOOLEAN, True, "1"),
        (ResourceType.BOOLEAN, False, "0"),
        (ResourceType.OPAQUE, bytes([1, 2, 3, 4, 5]), "AQIDBAU="),
        (ResourceType.TIME, datetime(2013, 5, 2, 10, 40, 15, tzinfo=UTC), "1367491215"),
        (ResourceType.OBJLNK, ObjectLink(10, 1), "10:1"),
    ],
)
def test_write(kind: ResourceType, value: Scalar, text: str) -> None:
    path = of_type(kind)

    assert encode(ContentFormat.TEXT, {path: value}, path, type_of) == text.encode()


def test_write_a_resource_instance() -> None:
    path = of_type(ResourceType.INTEGER, MULTIPLE)

    assert encode(ContentFormat.TEXT, {path: {7: 5}}, path / 7, type_of) == b"5"


def test_text_does_not_carry_several_values() -> None:
    path = of_type(ResourceType.INTEGER, MULTIPLE)

    with pytest.raises(CodecError):
        encode(ContentFormat.TEXT, {path: {0: 1, 1: 5}}, path, type_of)


def test_text_does_not_carry_no_value() -> None:
    with pytest.raises(CodecError):
        encode(ContentFormat.TEXT, {}, Path(3, 0, 9), type_of)
