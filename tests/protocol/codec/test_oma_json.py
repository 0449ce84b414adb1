"""The JSON format of LwM2M 1.0 (OMA-TS-LightweightM2M-V1_0_2 6.4.4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from custom_components.lwm2m.protocol.codec import (
    CodecError,
    ContentFormat,
    decode,
    decode_timestamped,
    encode,
)
from custom_components.lwm2m.protocol.model.definitions import ResourceType
from custom_components.lwm2m.protocol.node import Decoded, ObjectLink, Scalar, Values
from custom_components.lwm2m.protocol.path import Path

from .models import of_type, type_of
from .vectors import DEVICE, DEVICE_OMA_JSON

TEMPERATURE = Path(3303, 0, 5700)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def read(root: object, path: Path, alternate: str = "") -> Decoded:
    return decode(ContentFormat.JSON, orjson.dumps(root), path, type_of, alternate)


def read_times(root: object, path: Path) -> list[tuple[datetime | None, Decoded]]:
    return decode_timestamped(ContentFormat.JSON, orjson.dumps(root), path, type_of, now=NOW)


def write(values: Values, path: Path, alternate: str = "") -> object:
    return orjson.loads(encode(ContentFormat.JSON, values, path, type_of, alternate))


def test_the_specification_s_example_both_ways() -> None:
    assert (
        decode(ContentFormat.JSON, DEVICE_OMA_JSON, Path(3, 0), type_of),
        encode(ContentFormat.JSON, DEVICE, Path(3, 0), type_of),
    ) == (Decoded(DEVICE), DEVICE_OMA_JSON)


def test_the_specification_s_example_of_stored_notifications() -> None:
    """6.4.4, "Notification with multiple historical representations"."""
    root = {
        "bn": "/72/",
        "bt": 25462634,
        "e": [
            {"n": "1/2", "v": 22.4, "t": -5},
            {"n": "1/2", "v": 22.9, "t": -30},
            {"n": "1/2", "v": 24.1, "t": -50},
        ],
    }
    base = datetime.fromtimestamp(25462634, UTC)
    resource = Path(72, 1, 2)

    assert read_times(root, resource) == [
        (base - timedelta(seconds=50), Decoded({resource: 24.1})),
        (base - timedelta(seconds=30), Decoded({resource: 22.9})),
        (base - timedelta(seconds=5), Decoded({resource: 22.4})),
    ]


def test_the_specification_s_example_of_object_links() -> None:
    """6.4.4, the Objects 65 and 66 in one payload."""
    root = {
        "bn": "/",
        "e": [
            {"n": "65/0/0/0", "ov": "66:0"},
            {"n": "65/0/0/1", "ov": "66:1"},
            {"n": "65/0/1", "sv": "8613800755500"},
            {"n": "65/0/2", "v": 1},
            {"n": "66/0/0", "sv": "myService1"},
            {"n": "66/0/2", "ov": "67:0"},
            {"n": "66/1/2", "ov": "FFFF:FFFF"},
        ],
    }

    assert read(root, Path()) == Decoded(
        {
            Path(65, 0, 0): {0: ObjectLink(66, 0), 1: ObjectLink(66, 1)},
            Path(65, 0, 1): "8613800755500",
            Path(65, 0, 2): 1,
            Path(66, 0, 0): "myService1",
            Path(66, 0, 2): ObjectLink(67, 0),
            Path(66, 1, 2): ObjectLink(65535, 65535),
        }
    )


@pytest.mark.parametrize(
    "root",
    [
        pytest.param({"bn": "/3303/0/5700", "e": [{"v": 21.5}]}, id="base name alone"),
        pytest.param({"bn": "/3303/0/", "e": [{"n": "5700", "v": 21.5}]}, id="both"),
        pytest.param({"bn": "3303/0/5", "e": [{"n": "700", "v": 21.5}]}, id="cut within an ID"),
        pytest.param({"e": [{"n": "/3303/0/5700", "v": 21.5}]}, id="name alone"),
        pytest.param({"e": [{"n": "5700", "v": 21.5}]}, id="relative to the request"),
        pytest.param(
            {"bn": "/lwm2m/3303/0/", "e": [{"n": "5700", "v": 21.5}]}, id="below the root"
        ),
    ],
)
def test_names(root: object) -> None:
    assert read(root, Path(3303, 0), "/lwm2m") == Decoded({TEMPERATURE: 21.5})


def test_a_value_without_names_is_that_of_the_request() -> None:
    assert read({"e": [{"v": 21.5}]}, TEMPERATURE) == Decoded({TEMPERATURE: 21.5})


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (ResourceType.STRING, {"sv": "text"}, "text"),
        (ResourceType.INTEGER, {"v": -(2**63)}, -(2**63)),
        (ResourceType.UNSIGNED_INTEGER, {"v": 2**64 - 1}, 2**64 - 1),
        (ResourceType.FLOAT, {"v": 21.5}, 21.5),
        (ResourceType.BOOLEAN, {"bv": True}, True),
        (ResourceType.OPAQUE, {"sv": "+/8="}, b"\xfb\xff"),
        (ResourceType.TIME, {"v": 1367491215}, datetime(2013, 5, 2, 10, 40, 15, tzinfo=UTC)),
        (ResourceType.OBJLNK, {"ov": "65:0"}, ObjectLink(65, 0)),
        (ResourceType.CORELNK, {"sv": "</3>"}, "</3>"),
    ],
)
def test_each_type_both_ways(kind: ResourceType, field: dict[str, object], value: Scalar) -> None:
    """OMA-TS-LightweightM2M-V1_0_2 appendix C."""
    path = of_type(kind)
    root = {"bn": str(path), "e": [field]}

    assert (write({path: value}, path), read(root, path)) == (root, Decoded({path: value}))


def test_an_object_link_as_leshan_writes_it() -> None:
    path = Path(66, 0, 2)

    assert read({"bn": "/66/0/2", "e": [{"sv": "65:0"}]}, path).values == {path: ObjectLink(65, 0)}


@pytest.mark.parametrize(
    ("field", "value"),
    [({"v": 20}, 20), ({"sv": "+/8="}, "+/8="), ({"bv": False}, False), ({"ov": "6:0"}, (6, 0))],
)
def test_an_unknown_resource_has_the_type_that_the_value_says(
    field: dict[str, object], value: Scalar
) -> None:
    path = Path(30000, 0, 1)

    assert read({"bn": str(path), "e": [field]}, path).values == {path: value}


@pytest.mark.parametrize(
    "field", [{}, {"v": None}, {"sv": "100"}, {"v": 1.5}, {"v": [1]}, {"bv": {}}, {"ov": "1"}]
)
def test_a_misfit_is_rejected_alone(field: dict[str, object]) -> None:
    decoded = read({"bn": "/3/0/", "e": [{"n": "9"} | field, {"n": "10", "v": 15}]}, Path(3, 0))

    assert (decoded.values, list(decoded.rejected)) == ({Path(3, 0, 10): 15}, [Path(3, 0, 9)])


def test_of_several_times_the_latest_counts() -> None:
    root = {"bn": "/3303/0/5700", "bt": 1e9, "e": [{"v": 1, "t": -5}, {"v": 2}, {"v": 3, "t": -9}]}

    assert read(root, TEMPERATURE).values == {TEMPERATURE: 2.0}


def test_negative_times_are_relative_to_now_and_zero_says_nothing() -> None:
    """draft-jennings-senml-10 5."""
    root = {"bn": "/3303/0/5700", "e": [{"v": 1, "t": 0}, {"v": 2, "t": -60}, {"v": 3, "t": 60}]}

    assert read_times(root, TEMPERATURE) == [
        (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), Decoded({TEMPERATURE: 3.0})),
        (NOW - timedelta(seconds=60), Decoded({TEMPERATURE: 2.0})),
        (None, Decoded({TEMPERATURE: 1.0})),
    ]


@pytest.mark.parametrize("root", [{"e": []}, {"bn": "/3/0/6", "e": []}])
def test_an_empty_array_is_a_multiple_resource_without_instances(root: object) -> None:
    assert read(root, Path(3, 0, 6)) == Decoded({Path(3, 0, 6): {}})


def test_an_empty_payload_is_an_empty_array() -> None:
    assert decode(ContentFormat.JSON, b"", Path(3, 0), type_of) == Decoded()


def test_write_an_empty_multiple_resource() -> None:
    assert write({Path(3, 0, 6): {}}, Path(3, 0, 6)) == {"e": []}


def test_the_client_s_root_is_not_written() -> None:
    """1.0 does not say; Leshan does not, and its clients do not expect it."""
    assert write({TEMPERATURE: 21.5}, TEMPERATURE, "/lwm2m") == {
        "bn": "/3303/0/5700",
        "e": [{"v": 21.5}],
    }


@pytest.mark.parametrize(
    "root",
    [
        pytest.param({}, id="no array"),
        pytest.param({"e": {}}, id="an object for the array"),
        pytest.param([], id="a SenML pack"),
        pytest.param({"e": [1]}, id="a value that is no object"),
        pytest.param({"bn": 3, "e": []}, id="a base name that is no text"),
        pytest.param({"bt": "now", "e": []}, id="a base time that is no number"),
        pytest.param({"e": [{"n": 9, "v": 1}]}, id="a name that is no text"),
        pytest.param({"e": [{"n": "9", "v": 1, "t": "now"}]}, id="a time that is no number"),
        pytest.param({"e": [{"n": "9", "v": 1, "sv": "1"}]}, id="two values"),
        pytest.param({"e": [{"n": "/3/1/9", "v": 1}]}, id="another instance"),
        pytest.param({"bn": "/3/x/", "e": [{"n": "9", "v": 1}]}, id="no path"),
        pytest.param({"e": [{"n": "1/2/3", "v": 1}]}, id="five IDs"),
    ],
)
def test_what_is_no_json_of_an_instance(root: object) -> None:
    with pytest.raises(CodecError):
        read(root, Path(3, 0))


def test_a_time_beyond_the_calendar_spoils_the_payload() -> None:
    with pytest.raises(CodecError):
        read_times({"e": [{"n": "9", "v": 1, "t": 1e300}]}, Path(3, 0))


@pytest.mark.parametrize("nested", [b"[" * 200_000, b'{"e":' * 100_000])
def test_nesting_without_end_is_not_followed(nested: bytes) -> None:
    with pytest.raises(CodecError):
        decode(ContentFormat.JSON, nested, Path(), type_of)
