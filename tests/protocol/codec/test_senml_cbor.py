"""What is CBOR's own in SenML CBOR (RFC 8428 6; OMA-TS-LightweightM2M_Core-V1_1_1 7.4.6)."""

from __future__ import annotations

from datetime import UTC, datetime

import cbor2
import pytest

from custom_components.lwm2m.protocol.codec import CodecError, ContentFormat, decode, encode
from custom_components.lwm2m.protocol.node import Decoded, ObjectLink
from custom_components.lwm2m.protocol.path import Path

from .models import type_of
from .vectors import DEVICE, DEVICE_CBOR

TEMPERATURE = Path(3303, 0, 5700)
CURRENT_TIME = Path(3, 0, 13)


def read(payload: bytes | str, path: Path) -> Decoded:
    if isinstance(payload, str):
        payload = bytes.fromhex(payload)
    return decode(ContentFormat.SENML_CBOR, payload, path, type_of)


def test_read_the_specification_s_example() -> None:
    assert read(DEVICE_CBOR, Path(3, 0)) == Decoded(DEVICE)


def test_write_the_specification_s_example() -> None:
    assert encode(ContentFormat.SENML_CBOR, DEVICE, Path(3, 0), type_of) == DEVICE_CBOR


def test_bytes_are_bytes() -> None:
    assert read("81 a2 21 66 2f352f302f30 08 43 abcdef", Path(5, 0, 0)).values == {
        Path(5, 0, 0): bytes.fromhex("abcdef")
    }


def test_an_object_link_s_label_is_a_text() -> None:
    """OMA_LwM2M_for_Developers#485."""
    payload = cbor2.dumps([{-2: "/66/0/2", "vlo": "65:0"}])

    assert (
        encode(
            ContentFormat.SENML_CBOR, {Path(66, 0, 2): ObjectLink(65, 0)}, Path(66, 0, 2), type_of
        ),
        read(payload, Path(66, 0)).values,
    ) == (payload, {Path(66, 0, 2): ObjectLink(65, 0)})


def test_labels_may_be_texts() -> None:
    payload = cbor2.dumps([{"bn": "/3303/0/", "n": "5700", "v": 21.5}])

    assert read(payload, Path(3303, 0)).values == {TEMPERATURE: 21.5}


def test_base_fields_and_times_by_number() -> None:
    payload = cbor2.dumps(
        [
            {-1: 10, -2: "/3303/0/5700", -3: 1320078429, -5: 20, 6: 0, 2: 1.5},
            {6: -5, 2: 9},
        ]
    )

    assert read(payload, Path(3303, 0)).values == {TEMPERATURE: 21.5}


def test_a_label_that_nobody_knows_is_passed_over() -> None:
    """RFC 8428 4.4."""
    assert read("81 a3 80 00 1863 01 00 66 2f332f302f39", Path(3, 0)).values == {}


def test_lengths_may_be_indefinite() -> None:
    payload = "9f bf 00 7f 66 2f333330332f 66 302f35373030 ff 02 f9 4d60 ff ff"

    assert read(payload, Path(3303, 0)).values == {TEMPERATURE: 21.5}


@pytest.mark.parametrize(
    "value", ["f9 4d60", "fa 41ac0000", "fb 4035800000000000", "c4 82 20 18d7"]
)
def test_floats_of_any_size_and_decimal_fractions(value: str) -> None:
    """RFC 8428 6."""
    assert read(f"81 a2 00 6c 2f333330332f302f35373030 02 {value}", Path(3303, 0)).values == {
        TEMPERATURE: 21.5
    }


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1367491215, id="number"),
        pytest.param(cbor2.CBORTag(0, "2013-05-02T12:40:15+02:00"), id="date as text"),
        pytest.param(cbor2.CBORTag(1, 1367491215), id="date as number"),
    ],
)
def test_times(value: object) -> None:
    """OMA-TS-LightweightM2M_Core-V1_1_1 7.4.6; OMA_LwM2M_for_Developers#537."""
    payload = cbor2.dumps([{0: "/3/0/13", 2: value}])

    assert read(payload, CURRENT_TIME).values == {
        CURRENT_TIME: datetime(2013, 5, 2, 10, 40, 15, tzinfo=UTC)
    }


@pytest.mark.parametrize(
    "value", [None, cbor2.undefined, cbor2.CBORSimpleValue(99), float("nan"), [1], {}]
)
def test_what_is_no_value_is_rejected_alone(value: object) -> None:
    payload = cbor2.dumps([{0: "/3303/0/5700", 2: value}, {0: "/3303/0/5701", 3: "Cel"}])

    decoded = read(payload, Path(3303, 0))

    assert (decoded.values, list(decoded.rejected)) == (
        {Path(3303, 0, 5701): "Cel"},
        [TEMPERATURE],
    )


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("ff", id="a break"),
        pytest.param("81 a2 00 61", id="cut short"),
        pytest.param("81 a2 00 62 2f33 00 62 2f33", id="a label twice"),
        pytest.param("81 a1 00 61 ff", id="no UTF-8"),
        pytest.param("81 a1 65 6d7573745f 01", id="a field that must be understood"),
        pytest.param("a0", id="no array"),
        pytest.param("81 01", id="no map"),
        pytest.param("80 00", id="something behind"),
    ],
)
def test_what_is_no_pack(payload: str) -> None:
    with pytest.raises(CodecError):
        read(payload, Path(3, 0))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("c2 49 010000000000000000", id="a bignum"),
        pytest.param("c0 61 61", id="a date that is none"),
        pytest.param("c0 01", id="a date as text that is a number"),
        pytest.param("c1 61 61", id="a date as number that is a text"),
        pytest.param("c1 fb 7e37e43c8800759c", id="a date beyond the calendar"),
        pytest.param("c4 81 01", id="half a decimal fraction"),
        pytest.param("c4 82 01 61 61", id="a decimal fraction of a text"),
        pytest.param("c5 82 01 01", id="a bigfloat"),
        pytest.param("d81c 01", id="a shared value"),
        pytest.param("d81d 00", id="a reference"),
        pytest.param("d823 61 28", id="a regular expression"),
        pytest.param("d9 0bb8 01", id="a tag that nobody knows"),
    ],
)
def test_tags_that_senml_does_not_use_spoil_the_pack(value: str) -> None:
    with pytest.raises(CodecError):
        read(f"81 a2 00 67 2f332f302f3133 02 {value}", Path(3, 0))


def test_a_decimal_fraction_with_a_huge_exponent_costs_nothing() -> None:
    payload = "81 a2 00 6c 2f333330332f302f35373030 02 c4 82 1b7fffffffffffffff 01"

    assert list(read(payload, Path(3303, 0)).rejected) == [TEMPERATURE]


@pytest.mark.parametrize("nested", [b"\x81" * 100_000, b"\xc1" * 100_000, b"\xa1\0" * 100_000])
def test_nesting_without_end_is_not_followed(nested: bytes) -> None:
    with pytest.raises(CodecError):
        read(nested, Path())


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("9b 3fffffffffffffff", id="array"),
        pytest.param("81 bb 3fffffffffffffff", id="map"),
        pytest.param("81 a1 00 7b 3fffffffffffffff", id="text"),
        pytest.param("81 a1 08 5b 3fffffffffffffff", id="bytes"),
    ],
)
def test_a_claimed_length_is_not_allocated(payload: str) -> None:
    """No machine could: it would be a MemoryError."""
    with pytest.raises(CodecError):
        read(payload, Path())
