"""What SenML says in whatever encoding, shown in JSON (RFC 8428 4; Core-V1_1_1 7.4.5)."""

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

TEMPERATURE = Path(3303, 0, 5700)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BASE_TIME = 1320078429
"""The base time of RFC 8428 5.1.3."""


def read(pack: object, path: Path, root: str = "") -> Decoded:
    return decode(ContentFormat.SENML_JSON, orjson.dumps(pack), path, type_of, root)


def read_times(pack: object, path: Path) -> list[tuple[datetime | None, Decoded]]:
    return decode_timestamped(ContentFormat.SENML_JSON, orjson.dumps(pack), path, type_of, now=NOW)


def write(values: Values, path: Path, root: str = "") -> object:
    return orjson.loads(encode(ContentFormat.SENML_JSON, values, path, type_of, root))


@pytest.mark.parametrize(
    "pack",
    [
        pytest.param([{"bn": "/3303/0/5700", "v": 21.5}], id="base name alone"),
        pytest.param([{"n": "/3303/0/5700", "v": 21.5}], id="name alone"),
        pytest.param([{"bn": "/3303/0/", "n": "5700", "v": 21.5}], id="both"),
        pytest.param([{"bn": "/3303/0/5", "n": "700", "v": 21.5}], id="cut within an ID"),
        pytest.param([{"bn": "3303/0/", "n": "5700", "v": 21.5}], id="without a slash in front"),
        pytest.param([{"bn": "/3303/0/", "n": "5700/", "v": 21.5}], id="slash behind, leshan#1651"),
        pytest.param([{"bn": "/3303/0/"}, {"n": "5700", "v": 21.5}], id="base fields alone"),
    ],
)
def test_names_are_the_base_name_and_the_name(pack: object) -> None:
    """RFC 8428 4.5.1."""
    assert read(pack, Path(3303, 0)) == Decoded({TEMPERATURE: 21.5})


def test_a_base_name_holds_until_the_next() -> None:
    pack = [
        {"bn": "/2/3/", "n": "0", "v": 3},
        {"n": "1", "v": 1},
        {"bn": "/2/2/", "n": "0", "v": 4},
        {"n": "1", "v": 2},
    ]

    assert read(pack, Path(2)).values == {
        Path(2, 3, 0): 3,
        Path(2, 3, 1): 1,
        Path(2, 2, 0): 4,
        Path(2, 2, 1): 2,
    }


@pytest.mark.parametrize("name", ["/lwm2m/3303/0/5700", "/3303/0/5700"])
def test_the_clients_root_may_be_part_of_the_names(name: str) -> None:
    """Clients do both (leshan#1438)."""
    assert read([{"n": name, "v": 21.5}], Path(3303, 0), "/lwm2m").values == {TEMPERATURE: 21.5}


@pytest.mark.parametrize(
    "name", ["/other/3303/0/5700", "/3303/0/x", "/3303/0/1/2/3", "/3303/65535", "/3303//5700"]
)
def test_a_name_that_is_no_path_spoils_the_pack(name: str) -> None:
    with pytest.raises(CodecError):
        read([{"n": name, "v": 1}], Path())


def test_a_long_base_name_is_refused_before_each_record_repeats_it() -> None:
    with pytest.raises(CodecError):
        read([{"bn": "/3303/0/5700" + "/" * 60, "v": 1}], Path())


def test_a_name_that_is_no_path_is_not_repeated_at_length() -> None:
    """The error goes to the log, and back to the client that sends such."""
    with pytest.raises(CodecError) as caught:
        read([{"n": "x" * 60_000, "v": 1}], Path())

    assert len(str(caught.value)) < 100


@pytest.mark.parametrize("name", ["/3303/1/5700", "/3304/0/5700", "/3303"])
def test_a_name_outside_of_the_request_spoils_the_pack(name: str) -> None:
    with pytest.raises(CodecError):
        read([{"n": name, "v": 1}], Path(3303, 0))


@pytest.mark.parametrize("names", [("6/0", "6/0"), ("6", "6/0"), ("6/0", "6")])
def test_a_value_given_twice_at_one_time_is_rejected_alone(names: tuple[str, str]) -> None:
    pack = [{"bn": "/3/0/", "n": "9", "v": 100}, *({"n": name, "v": 1} for name in names)]

    decoded = read(pack, Path(3, 0))

    assert (decoded.values, list(decoded.rejected)) == ({Path(3, 0, 9): 100}, [Path(3, 0, 6)])


def test_a_record_without_its_name_is_rejected_alone() -> None:
    """As Zephyr wrote the second instance of a resource (zephyr#99088)."""
    pack = [
        {"bn": "/3/0/", "n": "6/0", "v": 1},
        {"v": 5},
        {"n": "7/0", "v": 3800},
        {"v": 5000},
        {"n": "9", "v": 100},
    ]

    decoded = read(pack, Path(3))

    assert (decoded.values, list(decoded.rejected)) == (
        {Path(3, 0, 6): {0: 1}, Path(3, 0, 7): {0: 3800}, Path(3, 0, 9): 100},
        [Path(3, 0)],
    )


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (ResourceType.STRING, {"vs": "text"}, "text"),
        (ResourceType.INTEGER, {"v": 20}, 20),
        (ResourceType.INTEGER, {"v": 20.0}, 20),
        (ResourceType.INTEGER, {"v": 9223372036854775800}, 9223372036854775800),
        (ResourceType.UNSIGNED_INTEGER, {"v": 2**64 - 1}, 2**64 - 1),
        (ResourceType.FLOAT, {"v": 21}, 21.0),
        (ResourceType.BOOLEAN, {"vb": True}, True),
        (ResourceType.BOOLEAN, {"v": 1}, True),
        (ResourceType.OPAQUE, {"vd": "q83v"}, bytes.fromhex("ABCDEF")),
        (ResourceType.TIME, {"v": 1.638435e9}, datetime(2021, 12, 2, 8, 50, tzinfo=UTC)),
        (ResourceType.OBJLNK, {"vlo": "65:0"}, ObjectLink(65, 0)),
        (ResourceType.OBJLNK, {"v": 0x00410000}, ObjectLink(65, 0)),
        (ResourceType.OBJLNK, {"vlo": "FFFF:FFFF"}, ObjectLink(65535, 65535)),
        (ResourceType.CORELNK, {"vs": "</3>"}, "</3>"),
    ],
)
def test_values(kind: ResourceType, field: dict[str, object], value: Scalar) -> None:
    path = of_type(kind)

    assert read([{"n": str(path)} | field], path) == Decoded({path: value})


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (ResourceType.INTEGER, {"vs": "20"}),
        (ResourceType.INTEGER, {"v": 20.5}),
        (ResourceType.INTEGER, {"v": [20]}),
        (ResourceType.INTEGER, {}),
        (ResourceType.INTEGER, {"v": None}),
        (ResourceType.INTEGER, {"s": 20}),
        (ResourceType.STRING, {"vd": "q83v"}),
        (ResourceType.OPAQUE, {"vd": "!"}),
        (ResourceType.OPAQUE, {"vd": 1}),
        (ResourceType.OBJLNK, {"vlo": "65"}),
        (ResourceType.OBJLNK, {"vlo": {}}),
    ],
)
def test_a_misfit_is_rejected_alone(kind: ResourceType, field: dict[str, object]) -> None:
    path = of_type(kind)

    decoded = read([{"n": str(path)} | field, {"n": "/3/0/9", "v": 100}], Path())

    assert (decoded.values, list(decoded.rejected)) == ({Path(3, 0, 9): 100}, [path])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"v": 20}, 20),
        ({"v": 20.5}, 20.5),
        ({"vs": "65:0"}, "65:0"),
        ({"vb": False}, False),
        ({"vd": "q83v"}, bytes.fromhex("ABCDEF")),
        ({"vlo": "65:0"}, ObjectLink(65, 0)),
    ],
)
def test_an_unknown_resource_has_the_type_that_the_record_says(
    field: dict[str, object], value: Scalar
) -> None:
    path = Path(30000, 0, 1)

    assert read([{"n": str(path)} | field], path) == Decoded({path: value})


@pytest.mark.parametrize(
    ("records", "value"),
    [
        pytest.param([{"bv": 20}, {"n": "5700", "v": 1.5}], 21.5, id="added"),
        pytest.param([{"bv": 21.5, "n": "5700"}], 21.5, id="alone"),
        pytest.param([{"bv": 20}, {"bv": -1, "n": "5700", "v": 1.5}], 0.5, id="replaced"),
    ],
)
def test_base_value(records: list[dict[str, object]], value: float) -> None:
    """RFC 8428 4.5.4."""
    pack = [{"bn": "/3303/0/"}, *records]

    assert read(pack, Path(3303, 0)).values == {TEMPERATURE: value}


def test_a_base_value_leaves_texts_alone() -> None:
    pack = [{"bn": "/3303/0/", "bv": 20, "n": "5701", "vs": "Cel"}]

    assert read(pack, Path(3303, 0)).values == {Path(3303, 0, 5701): "Cel"}


def test_sums_and_units_and_unknown_fields_are_passed_over() -> None:
    """RFC 8428 4.4: unknown fields are to be ignored."""
    pack = [
        {"bn": "/3303/0/", "bu": "K", "bs": 5, "bver": 10, "foo": [{}]},
        {"n": "5700", "v": 21.5, "u": "Cel", "s": 7, "ut": 60, "bar": None},
    ]

    assert read(pack, Path(3303, 0)) == Decoded({TEMPERATURE: 21.5})


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"must_": 1}, id="a field that must be understood, RFC 8428 4.4"),
        pytest.param({"bver": 11}, id="a later version, RFC 8428 4.4"),
        pytest.param({"bver": "10"}, id="a version that is no number"),
        pytest.param({"vs": "21.5"}, id="two values"),
        pytest.param({"n": 5700}, id="a name that is no text"),
        pytest.param({"bn": None}, id="a base name that is no text"),
        pytest.param({"t": "now"}, id="a time that is no number"),
        pytest.param({"bt": True}, id="a base time that is no number"),
        pytest.param({"bv": "1"}, id="a base value that is no number"),
    ],
)
def test_records_that_spoil_the_pack(fault: dict[str, object]) -> None:
    record = {"bn": "/3303/0/", "n": "5700", "v": 21.5}

    with pytest.raises(CodecError):
        read([record | fault], Path(3303, 0))


@pytest.mark.parametrize("pack", [{}, {"e": []}, 1, "", None, [1], [[]]])
def test_what_is_no_pack(pack: object) -> None:
    with pytest.raises(CodecError):
        read(pack, Path(3, 0))


@pytest.mark.parametrize("payload", [b"", b"[]"])
def test_an_empty_pack_is_a_multiple_resource_without_instances(payload: bytes) -> None:
    """OMA_LwM2M_for_Developers#494."""
    path = Path(3, 0, 6)

    assert decode(ContentFormat.SENML_JSON, payload, path, type_of) == Decoded({path: {}})


def test_an_empty_pack_is_an_instance_without_resources() -> None:
    assert read([], Path(3, 0)) == Decoded()


def test_an_empty_pack_does_not_fit_a_single_resource() -> None:
    assert list(read([], Path(3, 0, 9)).rejected) == [Path(3, 0, 9)]


def test_of_several_times_the_latest_counts() -> None:
    pack = [
        {"bn": "/3303/0/", "bt": BASE_TIME, "n": "5700", "t": -5, "v": 22.4},
        {"n": "5701", "t": -9, "vs": "Cel"},
        {"n": "5700", "v": 24.1},
        {"n": "5700", "t": -50, "v": 22.9},
    ]

    assert read(pack, Path(3303, 0)).values == {TEMPERATURE: 24.1, Path(3303, 0, 5701): "Cel"}


def test_a_value_without_time_is_later_than_one_of_the_past() -> None:
    pack = [{"n": "/3303/0/5700", "v": 24.1}, {"n": "/3303/0/5700", "t": BASE_TIME, "v": 22.9}]

    assert read(pack, Path(3303, 0)).values == {TEMPERATURE: 24.1}


def test_times_are_the_base_time_and_the_time() -> None:
    """RFC 8428 4.5.3; the shape of Core-V1_1_1 7.4.5's historical representations."""
    pack = [
        {"bn": "/3303/0/5700", "bt": BASE_TIME, "v": 22.9, "t": -30.5},
        {"v": 22.4, "t": -5},
        {"v": 24.1},
    ]

    base = datetime.fromtimestamp(BASE_TIME, UTC)
    assert read_times(pack, Path(3303, 0)) == [
        (base - timedelta(seconds=30.5), Decoded({TEMPERATURE: 22.9})),
        (base - timedelta(seconds=5), Decoded({TEMPERATURE: 22.4})),
        (base, Decoded({TEMPERATURE: 24.1})),
    ]


def test_small_times_are_relative_to_now() -> None:
    """RFC 8428 4.5.3: below 2**28; zero says no more than now."""
    pack = [
        {"bn": "/3303/0/5700", "v": 1, "t": 60},
        {"v": 2},
        {"v": 3, "t": -60},
    ]

    assert read_times(pack, Path(3303, 0)) == [
        (NOW - timedelta(seconds=60), Decoded({TEMPERATURE: 3.0})),
        (None, Decoded({TEMPERATURE: 2.0})),
        (NOW + timedelta(seconds=60), Decoded({TEMPERATURE: 1.0})),
    ]


def test_values_of_one_time_stay_together() -> None:
    pack = [
        {"bn": "/3303/0/", "bt": BASE_TIME, "n": "5700", "v": 21.5},
        {"n": "5701", "vs": "Cel"},
    ]

    assert [decoded.values for _, decoded in read_times(pack, Path(3303, 0))] == [
        {TEMPERATURE: 21.5, Path(3303, 0, 5701): "Cel"}
    ]


def test_a_time_beyond_the_calendar_spoils_the_pack() -> None:
    with pytest.raises(CodecError):
        read_times([{"n": "/3303/0/5700", "v": 1, "t": 1e300}], Path())


def test_write_an_instance() -> None:
    assert write({TEMPERATURE: 21.5, Path(3303, 0, 5701): "Cel"}, Path(3303, 0)) == [
        {"bn": "/3303/0/", "n": "5700", "v": 21.5},
        {"n": "5701", "vs": "Cel"},
    ]


def test_write_a_resource() -> None:
    assert write({TEMPERATURE: 21.5}, TEMPERATURE) == [{"bn": "/3303/0/5700", "v": 21.5}]


def test_write_a_resource_instance() -> None:
    assert write({Path(3, 0, 6): {1: 5}}, Path(3, 0, 6, 1)) == [{"bn": "/3/0/6/1", "v": 5}]


def test_write_a_multiple_resource() -> None:
    assert write({Path(3, 0, 6): {0: 1, 10: 5}}, Path(3, 0, 6)) == [
        {"bn": "/3/0/6/", "n": "0", "v": 1},
        {"n": "10", "v": 5},
    ]


def test_write_resources_of_several_objects() -> None:
    assert write({TEMPERATURE: 21.5, Path(3, 0, 6): {1: 5}}, Path()) == [
        {"bn": "/", "n": "3303/0/5700", "v": 21.5},
        {"n": "3/0/6/1", "v": 5},
    ]


def test_write_below_the_clients_root() -> None:
    assert write({TEMPERATURE: 21.5}, Path(3303, 0), "/lwm2m") == [
        {"bn": "/lwm2m/3303/0/", "n": "5700", "v": 21.5}
    ]


def test_write_a_resource_below_the_clients_root() -> None:
    assert write({TEMPERATURE: 21.5}, TEMPERATURE, "/lwm2m") == [
        {"bn": "/lwm2m/3303/0/5700", "v": 21.5}
    ]


def test_write_an_empty_multiple_resource() -> None:
    assert write({Path(3, 0, 6): {}}, Path(3, 0, 6)) == []


def test_senml_cannot_say_that_one_of_several_resources_is_empty() -> None:
    with pytest.raises(CodecError):
        write({Path(3, 0, 6): {}}, Path(3, 0))


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        (ResourceType.STRING, "text", {"vs": "text"}),
        (ResourceType.INTEGER, -20, {"v": -20}),
        (ResourceType.UNSIGNED_INTEGER, 2**64 - 1, {"v": 2**64 - 1}),
        (ResourceType.FLOAT, 20, {"v": 20.0}),
        (ResourceType.BOOLEAN, True, {"vb": True}),
        (ResourceType.OPAQUE, b"\xfb\xff\xfe\x01", {"vd": "-__-AQ"}),
        (ResourceType.TIME, datetime(2013, 5, 2, 10, 40, 15, tzinfo=UTC), {"v": 1367491215}),
        (ResourceType.OBJLNK, ObjectLink(65, 0), {"vlo": "65:0"}),
        (ResourceType.CORELNK, "</3>", {"vs": "</3>"}),
    ],
)
def test_write_values(kind: ResourceType, value: Scalar, field: dict[str, object]) -> None:
    path = of_type(kind)

    assert write({path: value}, path) == [{"bn": str(path)} | field]
