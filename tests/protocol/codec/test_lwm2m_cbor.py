"""LwM2M CBOR (OMA-TS-LightweightM2M_Core-V1_2_2 7.5.4)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from custom_components.lwm2m.protocol.codec import CodecError, ContentFormat, decode, encode
from custom_components.lwm2m.protocol.model.definitions import ResourceType
from custom_components.lwm2m.protocol.node import Decoded, ObjectLink, Scalar, Values
from custom_components.lwm2m.protocol.path import Path

from .models import of_type, type_of
from .vectors import DEVICE, DEVICE_LWM2M_CBOR

MANUFACTURER: Values = {Path(3, 0, 0): "Open Mobile Alliance"}
SERVERS: Values = {
    Path(1, 0, 0): 101,
    Path(1, 0, 1): 86400,
    Path(1, 0, 2): 300,
    Path(1, 0, 3): 6000,
    Path(1, 0, 5): 86400,
    Path(1, 0, 6): True,
    Path(1, 0, 7): "U",
    Path(1, 1, 0): 102,
    Path(1, 1, 1): 86400,
    Path(1, 1, 2): 600,
    Path(1, 1, 3): 6000,
    Path(1, 1, 5): 86400,
    Path(1, 1, 6): False,
    Path(1, 1, 7): "U",
}


def read(payload: bytes | str, path: Path) -> Decoded:
    if isinstance(payload, str):
        payload = bytes.fromhex(payload)
    return decode(ContentFormat.LWM2M_CBOR, payload, path, type_of)


def write(values: Values, path: Path) -> bytes:
    return encode(ContentFormat.LWM2M_CBOR, values, path, type_of)


@pytest.mark.parametrize(
    ("path", "payload", "values"),
    [
        pytest.param(
            Path(3, 0, 0),
            "a1 83030000 744f70656e204d6f62696c6520416c6c69616e6365",
            MANUFACTURER,
            id="7.5.4.1, a resource",
        ),
        pytest.param(
            Path(3, 0, 6),
            "a1 83030006 a200010105",
            {Path(3, 0, 6): {0: 1, 1: 5}},
            id="7.5.4.2, a multiple resource",
        ),
        pytest.param(Path(3, 0), DEVICE_LWM2M_CBOR.hex(), DEVICE, id="7.5.4.3, an instance"),
        pytest.param(
            Path(1),
            "a1 01 a2"
            "00 a7 00 1865 01 1a00015180 02 19012c 03 191770 05 1a00015180 06 f5 07 6155"
            "01 a7 00 1866 01 1a00015180 02 190258 03 191770 05 1a00015180 06 f4 07 6155",
            SERVERS,
            id="7.5.4.4, an object",
        ),
        pytest.param(
            Path(),
            "a2 820300 a2 00 744f70656e204d6f62696c6520416c6c69616e6365 09 186483010001 1a00015180",
            MANUFACTURER | {Path(3, 0, 9): 100, Path(1, 0, 1): 86400},
            id="7.5.4.5, a composite",
        ),
    ],
)
def test_the_specification_s_examples_both_ways(path: Path, payload: str, values: Values) -> None:
    assert (read(payload, path), write(values, path)) == (Decoded(values), bytes.fromhex(payload))


@pytest.mark.parametrize(
    ("path", "payload", "values"),
    [
        pytest.param(
            Path(3, 0, 0),
            "a103 a100 a100 744f70656e204d6f62696c6520416c6c69616e6365",
            MANUFACTURER,
            id="7.5.4.1, the other layout",
        ),
        pytest.param(
            Path(2),
            "a1 820205 a4 00 05 01 00 82021866 00 03 1865",
            {Path(2, 5, 0): 5, Path(2, 5, 1): 0, Path(2, 5, 2): {102: 0}, Path(2, 5, 3): 101},
            id="7.5.4.6, an array within a map",
        ),
        pytest.param(
            Path(),
            "bf 820300 bf 09 1864 ff 9f 03 00 0a ff 0f 01 bf 00 bf 01 1a00015180 ff ff ff",
            {Path(3, 0, 9): 100, Path(3, 0, 10): 15, Path(1, 0, 1): 86400},
            id="indefinite lengths, one instance in two places, all layouts",
        ),
        pytest.param(
            Path(3303, 0),
            "a1 81 190ce7 a1 81 00 a1 81 191644 c4 82 20 18d7",
            {Path(3303, 0, 5700): 21.5},
            id="arrays of one, a decimal fraction",
        ),
        pytest.param(
            Path(3, 0, 6, 1),
            "a103 a100 a106 a101 05",
            {Path(3, 0, 6): {1: 5}},
            id="a resource instance",
        ),
    ],
)
def test_other_layouts(path: Path, payload: str, values: Values) -> None:
    assert read(payload, path) == Decoded(values)


@pytest.mark.parametrize(
    ("kind", "value", "payload"),
    [
        (ResourceType.STRING, "text", "6474657874"),
        (ResourceType.INTEGER, -20, "33"),
        (ResourceType.UNSIGNED_INTEGER, 2**64 - 1, "1bffffffffffffffff"),
        (ResourceType.FLOAT, 21.5, "fb4035800000000000"),
        (ResourceType.BOOLEAN, False, "f4"),
        (ResourceType.OPAQUE, b"\xab\xcd\xef", "43abcdef"),
        (ResourceType.TIME, datetime(2013, 5, 2, 10, 40, 15, tzinfo=UTC), "1a5182428f"),
        (ResourceType.OBJLNK, ObjectLink(65, 0), "6436353a30"),
        (ResourceType.CORELNK, "</3>", "643c2f333e"),
    ],
)
def test_each_type_both_ways(kind: ResourceType, value: Scalar, payload: str) -> None:
    """Core-V1_2_2 appendix C, table C-2."""
    path = of_type(kind)
    item = bytes.fromhex(payload)

    encoded = write({path: value}, path)

    assert (encoded[-len(item) :], read(encoded, path)) == (item, Decoded({path: value}))


@pytest.mark.parametrize(
    "item", ["c11a5182428f", "c0 74 323031332d30352d30325431303a34303a31355a", "1a5182428f"]
)
def test_times(item: str) -> None:
    """Anjay Lite writes the first; table C-2 knows the others."""
    assert read(f"a1 8303000d {item}", Path(3, 0)).values == {
        Path(3, 0, 13): datetime(2013, 5, 2, 10, 40, 15, tzinfo=UTC)
    }


@pytest.mark.parametrize("item", ["f6", "f7", "61 31", "80", "fb 4059200000000000"])
def test_a_misfit_is_rejected_alone(item: str) -> None:
    decoded = read(f"a1 820300 a2 09 {item} 0a 0f", Path(3, 0))

    assert (decoded.values, list(decoded.rejected)) == ({Path(3, 0, 10): 15}, [Path(3, 0, 9)])


def test_a_value_in_two_layouts_is_rejected_alone() -> None:
    decoded = read("a2 83030009 1864 820300 a2 09 1863 0a 0f", Path(3, 0))

    assert (decoded.values, list(decoded.rejected)) == ({Path(3, 0, 10): 15}, [Path(3, 0, 9)])


@pytest.mark.parametrize("payload", ["", "a0", "bfff", "a1 83030006 a0", "a103 a100 a106 a0"])
def test_a_multiple_resource_without_instances(payload: str) -> None:
    """An empty payload and an empty map as SenML's; Anjay Lite writes `bfff`."""
    assert read(payload, Path(3, 0, 6)) == Decoded({Path(3, 0, 6): {}})


def test_one_of_several_resources_may_be_empty() -> None:
    values: Values = {Path(3, 0, 6): {}, Path(3, 0, 9): 100}

    assert read(write(values, Path(3, 0)), Path(3, 0)) == Decoded(values)


@pytest.mark.parametrize("payload", ["a0", "bfff", "a1 820300 a0"])
def test_an_instance_without_resources(payload: str) -> None:
    assert read(payload, Path(3, 0)) == Decoded()


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("05", id="no map"),
        pytest.param("81 a0", id="an array"),
        pytest.param("a1 820300", id="cut short"),
        pytest.param("a0 00", id="something behind"),
        pytest.param("a1 820300 1864", id="a value of an instance"),
        pytest.param("a1 820300 82 01 02", id="an array of an instance"),
        pytest.param("a1 80 1864", id="a key without IDs"),
        pytest.param("a1 85 0300060001 01", id="five IDs"),
        pytest.param("a103 a100 a106 a101 a100 05", id="five levels"),
        pytest.param("a1 84 03000601 a0", id="a map of a resource instance"),
        pytest.param("a1 8303001a00010000 05", id="an ID beyond 16 bits"),
        pytest.param("a1 83030020 05", id="a negative ID"),
        pytest.param("a1 830300f5 05", id="a boolean as ID"),
        pytest.param("a1 f5 05", id="a boolean as key"),
        pytest.param("a1 fb4008000000000000 a0", id="a float as key"),
        pytest.param("a1 61 33 a0", id="a text as key, such as a gateway's prefix"),
        pytest.param("a1 83 82 0300 00 09 05", id="an array within a key"),
        pytest.param("a1 a0 05", id="a map as key"),
        pytest.param("a2 83030009 01 83030009 02", id="a key twice"),
        pytest.param("a1 83030109 05", id="another instance"),
        pytest.param("a1 83040009 05", id="another object"),
    ],
)
def test_what_is_no_lwm2m_cbor_of_an_instance(payload: str) -> None:
    with pytest.raises(CodecError):
        read(payload, Path(3, 0))


def test_the_client_s_root_is_no_part_of_it() -> None:
    values: Values = {Path(3, 0, 9): 100}

    assert encode(ContentFormat.LWM2M_CBOR, values, Path(3, 0), type_of, "/lwm2m") == write(
        values, Path(3, 0)
    )


@pytest.mark.parametrize("nested", ["a100" * 100_000, "81" * 100_000, "a1" * 100_000])
def test_nesting_without_end_is_not_followed(nested: str) -> None:
    with pytest.raises(CodecError):
        read(nested, Path())
