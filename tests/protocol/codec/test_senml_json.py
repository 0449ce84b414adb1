"""What is JSON's own in SenML JSON (RFC 8428 5; OMA-TS-LightweightM2M_Core-V1_1_1 7.4.5)."""

from __future__ import annotations

import pytest

from custom_components.lwm2m.protocol.codec import CodecError, ContentFormat, decode, encode
from custom_components.lwm2m.protocol.node import Decoded
from custom_components.lwm2m.protocol.path import Path

from .models import type_of
from .vectors import DEVICE, DEVICE_JSON

PACKAGE = Path(5, 0, 0)


def read(payload: bytes, path: Path) -> Decoded:
    return decode(ContentFormat.SENML_JSON, payload, path, type_of)


def test_read_the_specification_s_example() -> None:
    assert read(DEVICE_JSON, Path(3, 0)) == Decoded(DEVICE)


def test_write_the_specification_s_example() -> None:
    assert encode(ContentFormat.SENML_JSON, DEVICE, Path(3, 0), type_of) == DEVICE_JSON


@pytest.mark.parametrize("text", ["-__-AQ", "-__-AQ==", "+//+AQ=="])
def test_bytes_in_base64url_and_as_zephyr_writes_them(text: str) -> None:
    """RFC 8428 5; zephyr#102390."""
    payload = f'[{{"n":"/5/0/0","vd":"{text}"}}]'.encode()

    assert read(payload, PACKAGE).values == {PACKAGE: b"\xfb\xff\xfe\x01"}


@pytest.mark.parametrize(
    "payload",
    [
        b"\0",
        b"[",
        b"[] []",
        b'[{"n":"/3303/0/5700","v":NaN}]',
        b'[{"n":"/3303/0/5700","v":-Infinity}]',
        b'[{"n":"/3303/0/5700","v":01}]',
        b'[{"n":"\xff","v":1}]',
        b'[{"n":"\\ud800","v":1}]',
    ],
)
def test_what_is_no_json(payload: bytes) -> None:
    with pytest.raises(CodecError):
        read(payload, Path())


@pytest.mark.parametrize("number", ["1e999", "9" * 10_000], ids=["exponent", "digits"])
def test_a_number_that_no_float_holds_is_no_json(number: str) -> None:
    with pytest.raises(CodecError):
        read(f'[{{"n":"/3303/0/5700","v":{number}}}]'.encode(), Path())


def test_an_integer_of_more_than_64_bits_is_rejected_alone() -> None:
    payload = f'[{{"bn":"/3/0/","n":"9","v":{2**64}}},{{"n":"10","v":15}}]'.encode()

    decoded = read(payload, Path(3, 0))

    assert (decoded.values, list(decoded.rejected)) == ({Path(3, 0, 10): 15}, [Path(3, 0, 9)])


@pytest.mark.parametrize("nested", [b"[" * 200_000, b'[{"a":' * 100_000])
def test_nesting_without_end_is_not_followed(nested: bytes) -> None:
    with pytest.raises(CodecError):
        read(nested, Path())
