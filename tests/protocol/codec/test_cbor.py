"""Single values in CBOR (RFC 8949; OMA-TS-LightweightM2M_Core-V1_1_1 7.4.3)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from custom_components.lwm2m.protocol.codec import CodecError, ContentFormat, decode, encode
from custom_components.lwm2m.protocol.model.definitions import ResourceType
from custom_components.lwm2m.protocol.node import Decoded, ObjectLink, Scalar, Values
from custom_components.lwm2m.protocol.path import Path

from .models import MULTIPLE, of_type, type_of

UNKNOWN = Path(30000, 0, 1)
MARCH_2013 = datetime(2013, 3, 21, 20, 4, tzinfo=UTC)


def read(payload: str, path: Path) -> Decoded:
    return decode(ContentFormat.CBOR, bytes.fromhex(payload), path, type_of)


def write(values: Values, path: Path) -> str:
    return encode(ContentFormat.CBOR, values, path, type_of).hex()


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        ("00", 0),
        ("17", 23),
        ("1818", 24),
        ("1903e8", 1000),
        ("1b000000e8d4a51000", 1000000000000),
        ("1bffffffffffffffff", 18446744073709551615),
        ("20", -1),
        ("3863", -100),
        ("f90000", 0.0),
        ("f93e00", 1.5),
        ("f97bff", 65504.0),
        ("fa47c35000", 100000.0),
        ("fa7f7fffff", 3.4028234663852886e38),
        ("fb3ff199999999999a", 1.1),
        ("fb7e37e43c8800759c", 1.0e300),
        ("f4", False),
        ("f5", True),
        ("40", b""),
        ("4401020304", bytes((1, 2, 3, 4))),
        ("60", ""),
        ("6449455446", "IETF"),
        ("62225c", '"\\'),
        ("64f0908591", "\U00010151"),
        ("5f42010243030405ff", bytes((1, 2, 3, 4, 5))),
        ("7f657374726561646d696e67ff", "streaming"),
        ("c074323031332d30332d32315432303a30343a30305a", MARCH_2013),
        ("c11a514b67b0", MARCH_2013),
        ("c1fb41d452d9ec200000", MARCH_2013.replace(microsecond=500_000)),
    ],
)
def test_the_examples_of_rfc_8949(payload: str, value: Scalar) -> None:
    """RFC 8949 appendix A, as far as LwM2M has such values."""
    assert read(payload, UNKNOWN).values == {UNKNOWN: value}


@pytest.mark.parametrize(
    "payload",
    [
        "3bffffffffffffffff",
        "f97c00",
        "f97e00",
        "faff800000",
        "f6",
        "f7",
        "f0",
        "f8ff",
        "80",
        "83010203",
        "a0",
        "a26161016162820203",
    ],
)
def test_the_examples_of_rfc_8949_that_are_no_value(payload: str) -> None:
    """RFC 8949 appendix A: 65 bits, what is not finite, null and the like, containers."""
    assert list(read(payload, UNKNOWN).rejected) == [UNKNOWN]


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("c249010000000000000000", id="a bignum, RFC 8949 appendix A"),
        pytest.param("d74401020304", id="a tag that LwM2M does not use, RFC 8949 appendix A"),
        pytest.param("", id="nothing"),
        pytest.param("18", id="cut short, RFC 8949 appendix F"),
        pytest.param("1c", id="reserved, RFC 8949 appendix F"),
        pytest.param("ff", id="a break, RFC 8949 appendix F"),
        pytest.param("5f00ff", id="a chunk of another type, RFC 8949 appendix F"),
        pytest.param("0102", id="two items"),
        pytest.param("61ff", id="no UTF-8"),
    ],
)
def test_what_is_no_cbor_of_lwm2m(payload: str) -> None:
    with pytest.raises(CodecError):
        read(payload, UNKNOWN)


@pytest.mark.parametrize(
    ("kind", "value", "payload"),
    [
        (ResourceType.STRING, "IETF", "6449455446"),
        (ResourceType.INTEGER, -(2**63), "3b7fffffffffffffff"),
        (ResourceType.UNSIGNED_INTEGER, 2**64 - 1, "1bffffffffffffffff"),
        (ResourceType.FLOAT, 1.1, "fb3ff199999999999a"),
        (ResourceType.BOOLEAN, True, "f5"),
        (ResourceType.OPAQUE, bytes((1, 2, 3, 4)), "4401020304"),
        (ResourceType.TIME, MARCH_2013, "c11a514b67b0"),
        (ResourceType.OBJLNK, ObjectLink(65, 0), "6436353a30"),
        (ResourceType.CORELNK, "</3>", "643c2f333e"),
    ],
)
def test_each_type_both_ways(kind: ResourceType, value: Scalar, payload: str) -> None:
    """Core-V1_2 appendix C, table C-2."""
    path = of_type(kind)

    assert (write({path: value}, path), read(payload, path)) == (payload, Decoded({path: value}))


def test_a_time_without_a_tag() -> None:
    """Core-V1_2 appendix C, table C-2: "an unsigned integer or a date/time string"."""
    path = of_type(ResourceType.TIME)

    assert read("1a514b67b0", path).values == {path: MARCH_2013}


def test_a_time_as_zephyr_writes_it() -> None:
    path = of_type(ResourceType.TIME)

    assert read("c07819323031332d30332d32315432303a30343a30302d30303a3030", path).values == {
        path: MARCH_2013
    }


def test_an_object_link_as_zephyr_writes_it() -> None:
    """With the zero that ends a C string."""
    path = of_type(ResourceType.OBJLNK)

    assert read("6536353a3000", path).values == {path: ObjectLink(65, 0)}


def test_an_instance_of_a_multiple_resource() -> None:
    path = Path(3, 0, 6, 1)

    assert (write({Path(3, 0, 6): {1: 5}}, path), read("05", path).values) == (
        "05",
        {Path(3, 0, 6): {1: 5}},
    )


@pytest.mark.parametrize("path", [Path(), Path(3), Path(3, 0)])
def test_a_value_without_a_resource(path: Path) -> None:
    with pytest.raises(CodecError):
        read("05", path)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        pytest.param({Path(3, 0, 9): 100, Path(3, 0, 10): 15}, Path(3, 0), id="several"),
        pytest.param({}, Path(3, 0, 9), id="none"),
        pytest.param({Path(3, 0, 6): {0: 1, 1: 5}}, Path(3, 0, 6), id="several instances"),
        pytest.param({Path(MULTIPLE, 0, 1): {}}, Path(MULTIPLE, 0, 1), id="no instances"),
    ],
)
def test_what_is_not_one_value(values: Values, path: Path) -> None:
    with pytest.raises(CodecError):
        write(values, path)


@pytest.mark.parametrize("nested", ["81" * 100_000, "c1" * 100_000, "a100" * 100_000])
def test_nesting_without_end_is_not_followed(nested: str) -> None:
    with pytest.raises(CodecError):
        read(nested, UNKNOWN)
