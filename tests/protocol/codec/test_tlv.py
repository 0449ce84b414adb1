"""The TLV format (OMA-TS-LightweightM2M_Core-V1_1_1 7.4.4)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from custom_components.lwm2m.protocol.codec import CodecError, ContentFormat, decode, encode
from custom_components.lwm2m.protocol.model.definitions import ResourceType
from custom_components.lwm2m.protocol.node import Decoded, ObjectLink, Scalar, Values
from custom_components.lwm2m.protocol.path import Path

from .models import MULTIPLE, of_type, type_of
from .vectors import DEVICE, DEVICE_RESOURCES_TLV, DEVICE_TLV


def read(payload: bytes | str, path: Path) -> Decoded:
    if isinstance(payload, str):
        payload = bytes.fromhex(payload)
    return decode(ContentFormat.TLV, payload, path, type_of)


def write(values: Values, path: Path) -> bytes:
    return encode(ContentFormat.TLV, values, path, type_of)


SPECIFICATION = [
    pytest.param(Path(3, 0), DEVICE_RESOURCES_TLV.hex(), DEVICE, id="an instance"),
    pytest.param(Path(3), DEVICE_TLV.hex(), DEVICE, id="an object with one instance"),
    pytest.param(
        Path(2),
        "08000EC10001C101008302417F07C1037F080212C10003C101008702417F0761013601C1037F",
        {
            Path(2, 0, 0): 1,
            Path(2, 0, 1): 0,
            Path(2, 0, 2): {127: 7},
            Path(2, 0, 3): 127,
            Path(2, 2, 0): 3,
            Path(2, 2, 1): 0,
            Path(2, 2, 2): {127: 7, 310: 1},
            Path(2, 2, 3): 127,
        },
        id="an object with several instances",
    ),
    pytest.param(
        Path(1),
        "08000FC10001C40100015180C10601C10755",
        {Path(1, 0, 0): 1, Path(1, 0, 1): 86400, Path(1, 0, 6): True, Path(1, 0, 7): "U"},
        id="an object that may have several instances and has one",
    ),
    pytest.param(
        Path(65, 0),
        "88000C440000420000440100420001C8010D38363133383030373535353030C40212345678",
        {
            Path(65, 0, 0): {0: ObjectLink(66, 0), 1: ObjectLink(66, 1)},
            Path(65, 0, 1): "8613800755500",
            Path(65, 0, 2): 0x12345678,
        },
        id="object links in a multiple resource",
    ),
    pytest.param(
        Path(66),
        "080026C8000B6D79536572766963652031C8010F496E7465726E65742E31352E323334C40200430000"
        "080126C8000B6D79536572766963652032C8010F496E7465726E65742E31352E323335C402FFFFFFFF",
        {
            Path(66, 0, 0): "myService 1",
            Path(66, 0, 1): "Internet.15.234",
            Path(66, 0, 2): ObjectLink(67, 0),
            Path(66, 1, 0): "myService 2",
            Path(66, 1, 1): "Internet.15.235",
            Path(66, 1, 2): ObjectLink(65535, 65535),
        },
        id="object links of several instances",
    ),
]
"""The examples of OMA-TS-LightweightM2M_Core-V1_1_1 7.4.4, in their order."""


@pytest.mark.parametrize(("path", "payload", "values"), SPECIFICATION)
def test_read_the_specification_s_examples(path: Path, payload: str, values: Values) -> None:
    assert read(payload, path) == Decoded(values)


@pytest.mark.parametrize(("path", "payload", "values"), SPECIFICATION)
def test_write_the_specification_s_examples(path: Path, payload: str, values: Values) -> None:
    assert write(values, path) == bytes.fromhex(payload)


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        pytest.param(Path(3, 0, 6), "8606 410001 410105", id="the resource"),
        pytest.param(Path(3, 0, 6), "410001 410105", id="its instances alone"),
        pytest.param(Path(3, 0, 6), "080008 8606 410001 410105", id="in an instance TLV"),
        pytest.param(Path(3, 0), "8606 410001 410105", id="in the answer of the instance"),
        pytest.param(Path(3), "8606 410001 410105", id="object without its instance TLV"),
    ],
)
def test_levels_that_the_path_gives_may_be_there_or_not(path: Path, payload: str) -> None:
    """As leshan#460 and zephyr#9470 met them."""
    assert read(payload, path) == Decoded({Path(3, 0, 6): {0: 1, 1: 5}})


@pytest.mark.parametrize("payload", ["C109 64", "080003 C10964"])
def test_a_single_resource(payload: str) -> None:
    assert read(payload, Path(3, 0, 9)) == Decoded({Path(3, 0, 9): 100})


@pytest.mark.parametrize("payload", ["410105", "8306 410105"])
def test_a_resource_instance(payload: str) -> None:
    assert read(payload, Path(3, 0, 6, 1)) == Decoded({Path(3, 0, 6): {1: 5}})


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        pytest.param(Path(3, 0, 9), "C10A 64", id="another resource"),
        pytest.param(Path(3, 0, 9), "080103 C10964", id="another instance"),
        pytest.param(Path(3, 0, 6, 1), "410005", id="another resource instance"),
        pytest.param(Path(3, 0, 6, 1), "8306 410005", id="another instance of the resource"),
        pytest.param(Path(3, 0, 9), "C109 64 C10A 0F", id="a resource more"),
    ],
)
def test_an_id_that_contradicts_the_path_spoils_the_answer(path: Path, payload: str) -> None:
    with pytest.raises(CodecError):
        read(payload, path)


@pytest.mark.parametrize("payload", ["C109 64 C109 65", "C109 64 8309 410064"])
def test_a_value_given_twice_is_rejected_alone(payload: str) -> None:
    decoded = read(payload + "C10A 0F", Path(3, 0))

    assert (decoded.values, list(decoded.rejected)) == ({Path(3, 0, 10): 15}, [Path(3, 0, 9)])


def test_a_resource_instance_given_twice_is_rejected() -> None:
    decoded = read("8606 410001 410005", Path(3, 0, 6))

    assert (decoded.values, list(decoded.rejected)) == ({}, [Path(3, 0, 6)])


@pytest.mark.parametrize(("path", "payload"), [(Path(3, 0, 6), "8006"), (Path(3, 0, 6), "")])
def test_an_empty_multiple_resource(path: Path, payload: str) -> None:
    assert read(payload, path) == Decoded({Path(3, 0, 6): {}})


def test_an_empty_answer_does_not_fit_a_single_resource() -> None:
    decoded = read("", Path(3, 0, 9))

    assert (decoded.values, list(decoded.rejected)) == ({}, [Path(3, 0, 9)])


@pytest.mark.parametrize("path", [Path(3), Path(3, 0)])
def test_an_object_or_an_instance_without_resources(path: Path) -> None:
    assert read("", path) == Decoded()


def test_a_multiple_resource_with_one_value_is_its_instance_0() -> None:
    assert read("C106 05", Path(3, 0)) == Decoded({Path(3, 0, 6): {0: 5}})


def test_a_single_resource_with_one_instance_is_its_value() -> None:
    assert read("8309 410064", Path(3, 0)) == Decoded({Path(3, 0, 9): 100})


def test_several_instances_do_not_fit_a_single_resource() -> None:
    decoded = read("8609 410064 410165", Path(3, 0))

    assert (decoded.values, list(decoded.rejected)) == ({}, [Path(3, 0, 9)])


def test_one_misfit_leaves_the_other_instances_of_a_multiple_resource() -> None:
    decoded = read("880608 410001 430100000A", Path(3, 0))

    assert (decoded.values, list(decoded.rejected)) == (
        {Path(3, 0, 6): {0: 1}},
        [Path(3, 0, 6)],
    )


def test_one_misfit_leaves_the_other_resources() -> None:
    decoded = read("C309 FF6E6F C10A 0F", Path(3, 0))

    assert (decoded.values, list(decoded.rejected)) == ({Path(3, 0, 10): 15}, [Path(3, 0, 9)])


def test_an_unknown_resource_is_bytes() -> None:
    assert read("C101 64 8302 410005", Path(30000, 0)) == Decoded(
        {Path(30000, 0, 1): b"\x64", Path(30000, 0, 2): {0: b"\x05"}}
    )


def test_a_resource_whose_model_has_no_type_is_bytes() -> None:
    assert read("C104 64", Path(3, 0)) == Decoded({Path(3, 0, 4): b"\x64"})


@pytest.mark.parametrize(
    ("kind", "value", "payload"),
    [
        (ResourceType.STRING, "°", "c2b0"),
        (ResourceType.STRING, "", ""),
        (ResourceType.INTEGER, 127, "7f"),
        (ResourceType.INTEGER, -128, "80"),
        (ResourceType.INTEGER, 128, "0080"),
        (ResourceType.INTEGER, -32769, "ffff7fff"),
        (ResourceType.INTEGER, 2**31, "0000000080000000"),
        (ResourceType.INTEGER, -(2**63), "8000000000000000"),
        (ResourceType.UNSIGNED_INTEGER, 0, "00"),
        (ResourceType.UNSIGNED_INTEGER, 255, "ff"),
        (ResourceType.UNSIGNED_INTEGER, 65535, "ffff"),
        (ResourceType.UNSIGNED_INTEGER, 2**64 - 1, "ffffffffffffffff"),
        (ResourceType.FLOAT, 21.5, "41ac0000"),
        (ResourceType.FLOAT, 0.1, "3fb999999999999a"),
        (ResourceType.FLOAT, 1e300, "7e37e43c8800759c"),
        (ResourceType.BOOLEAN, True, "01"),
        (ResourceType.BOOLEAN, False, "00"),
        (ResourceType.OPAQUE, b"\xff", "ff"),
        (ResourceType.TIME, datetime(2013, 5, 2, 10, 40, 15, tzinfo=UTC), "5182428f"),
        (ResourceType.OBJLNK, ObjectLink(65, 0), "00410000"),
        (ResourceType.CORELNK, "</3>", "3c2f333e"),
    ],
)
def test_values_on_the_wire(kind: ResourceType, value: Scalar, payload: str) -> None:
    """Appendix C, table C-2, in the fewest bytes."""
    path = of_type(kind)
    head = bytes((0xC8, path.resource_id, len(payload) // 2))
    if len(payload) // 2 < 8:
        head = bytes((0xC0 | len(payload) // 2, path.resource_id))
    tlv = head + bytes.fromhex(payload)

    assert (write({path: value}, path), read(tlv, path).values) == (tlv, {path: value})


@pytest.mark.parametrize(
    ("kind", "payload", "value"),
    [
        (ResourceType.INTEGER, "0000000000000015", 21),
        (ResourceType.BOOLEAN, "00000001", True),
        (ResourceType.FLOAT, "15", 21.0),
        (ResourceType.FLOAT, "4035800000000000", 21.5),
    ],
)
def test_values_in_another_size_than_expected(
    kind: ResourceType, payload: str, value: Scalar
) -> None:
    path = of_type(kind, MULTIPLE)

    instance = bytes((0x48, 0, len(payload) // 2)) + bytes.fromhex(payload)

    assert read(instance, path).values == {path: {0: value}}


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (ResourceType.STRING, "ff"),
        (ResourceType.INTEGER, "000000"),
        (ResourceType.INTEGER, ""),
        (ResourceType.UNSIGNED_INTEGER, "000000"),
        (ResourceType.FLOAT, "7fc00000"),
        (ResourceType.FLOAT, "000000"),
        (ResourceType.BOOLEAN, "02"),
        (ResourceType.TIME, "7fffffffffffffff"),
        (ResourceType.OBJLNK, "0041"),
    ],
)
def test_bytes_that_are_no_value_of_the_type_are_rejected(kind: ResourceType, payload: str) -> None:
    path = of_type(kind)
    value = bytes.fromhex(payload)

    decoded = read(bytes((0xC8, path.resource_id, len(value))) + value, path)

    assert (decoded.values, list(decoded.rejected)) == ({}, [path])


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (7, "c700"),
        (8, "c80008"),
        (255, "c800ff"),
        (256, "d0000100"),
        (65535, "d000ffff"),
        (65536, "d800010000"),
    ],
)
def test_lengths(length: int, head: str) -> None:
    package = Path(5, 0, 0)
    payload = bytes.fromhex(head) + bytes(length)

    assert (write({package: bytes(length)}, package), read(payload, package).values) == (
        payload,
        {package: bytes(length)},
    )


def test_ids_of_16_bits() -> None:
    payload = bytes.fromhex("e41644 41ac0000")

    assert (
        write({Path(3303, 0, 5700): 21.5}, Path(3303, 0, 5700)),
        read(payload, Path(3303, 0, 5700)).values,
    ) == (payload, {Path(3303, 0, 5700): 21.5})


def test_a_value_too_long_for_tlv_is_not_written() -> None:
    with pytest.raises(CodecError):
        write({Path(5, 0, 0): bytes(2**24)}, Path(5, 0, 0))


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("C8", id="no ID"),
        pytest.param("E816", id="half an ID"),
        pytest.param("C809", id="no length"),
        pytest.param("D00901", id="half a length"),
        pytest.param("C409 64", id="a value cut short"),
        pytest.param("8606 410001 4101", id="a resource instance cut short"),
        pytest.param("D8 09 FFFFFF", id="a length of 16 MiB and nothing behind it"),
    ],
)
def test_what_is_cut_short_is_no_tlv(payload: str) -> None:
    with pytest.raises(CodecError):
        read(payload, Path(3, 0))


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("410001", id="a resource instance in an instance"),
        pytest.param("8306 C10001", id="a resource in a resource"),
        pytest.param("080003 010000", id="an instance in an instance"),
        pytest.param("E0FFFF", id="the reserved ID 65535"),
    ],
)
def test_levels_and_ids_that_cannot_be(payload: str) -> None:
    with pytest.raises(CodecError):
        read(payload, Path(3, 0))


def test_nesting_without_end_is_not_followed() -> None:
    payload = b""
    for _ in range(2000):
        payload = bytes((0x18, 0)) + len(payload).to_bytes(3) + payload

    with pytest.raises(CodecError):
        read(payload, Path(3))


def test_tlv_does_not_read_the_root() -> None:
    with pytest.raises(CodecError):
        read("", Path())


def test_tlv_does_not_write_the_root() -> None:
    with pytest.raises(CodecError):
        write({Path(3, 0, 9): 1}, Path())


def test_write_a_resource_instance() -> None:
    assert write({Path(3, 0, 6): {1: 5}}, Path(3, 0, 6, 1)) == bytes.fromhex("410105")


def test_write_an_empty_multiple_resource() -> None:
    assert write({Path(3, 0, 6): {}}, Path(3, 0)) == bytes.fromhex("8006")


def test_write_an_integer_of_an_unknown_resource_with_its_sign() -> None:
    assert write({Path(30000, 0, 1): 200}, Path(30000, 0)) == bytes.fromhex("c201 00c8")


def test_write_an_unknown_integer_that_is_too_large_for_a_sign() -> None:
    assert write({Path(30000, 0, 1): 2**63}, Path(30000, 0)) == bytes.fromhex(
        "c80108 8000000000000000"
    )
