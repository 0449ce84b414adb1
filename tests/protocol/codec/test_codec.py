"""What all formats have in common."""

from __future__ import annotations

from datetime import UTC, datetime

import cbor2
from hypothesis import given, settings, strategies as st
import orjson
import pytest

from custom_components.lwm2m.protocol.codec import (
    CodecError,
    ContentFormat,
    decode,
    decode_timestamped,
    encode,
    encode_paths,
    normalize,
    supported,
)
from custom_components.lwm2m.protocol.node import Decoded, Scalar, Values
from custom_components.lwm2m.protocol.path import Path

from .models import type_of
from .strategies import composites, instances, objects, singles

FORMATS = sorted(supported)
SINGLE_VALUE = [ContentFormat.TEXT, ContentFormat.OPAQUE, ContentFormat.CBOR]
STRUCTURED = [content_format for content_format in FORMATS if content_format not in SINGLE_VALUE]
COMPOSITE = [content_format for content_format in STRUCTURED if content_format != ContentFormat.TLV]
PATHS = [Path(), Path(3), Path(3, 0), Path(3, 0, 6), Path(3, 0, 9), Path(3, 0, 6, 1)]

quick = settings(deadline=None, max_examples=50)


@pytest.mark.parametrize(
    ("number", "content_format"),
    [
        (0, ContentFormat.TEXT),
        (11542, ContentFormat.TLV),
        (1541, ContentFormat.TEXT),
        (1542, ContentFormat.TLV),
        (1543, ContentFormat.JSON),
        (50, None),
        (-1, None),
    ],
)
def test_normalize(number: int, content_format: ContentFormat | None) -> None:
    assert normalize(number) is content_format


def test_all_formats_but_that_of_links_are_supported() -> None:
    assert supported == set(ContentFormat) - {ContentFormat.LINK_FORMAT}


@pytest.mark.parametrize(
    ("number", "payload"),
    [
        pytest.param(1541, b"100", id="text"),
        pytest.param(1542, b"\xc1\x09\x64", id="TLV"),
        pytest.param(1543, b'{"bn":"/3/0/9","e":[{"v":100}]}', id="JSON"),
    ],
)
def test_the_drafts_numbers_read_as_the_final_ones(number: int, payload: bytes) -> None:
    path = Path(3, 0, 9)

    assert decode_timestamped(number, payload, path, type_of) == [(None, Decoded({path: 100}))]


@pytest.mark.parametrize("number", [50, ContentFormat.LINK_FORMAT])
def test_a_format_that_is_not_supported_is_not_read(number: int) -> None:
    with pytest.raises(CodecError):
        decode(number, b"", Path(3, 0), type_of)


def test_a_format_that_is_not_supported_is_not_written() -> None:
    with pytest.raises(CodecError):
        encode(50, {}, Path(3, 0), type_of)


@pytest.mark.parametrize(
    "content_format",
    [ContentFormat.TLV, ContentFormat.TEXT, ContentFormat.CBOR, ContentFormat.LWM2M_CBOR],
)
def test_formats_without_times_say_what_is_now(content_format: ContentFormat) -> None:
    path = Path(3, 0, 9)
    payload = encode(content_format, {path: 100}, path, type_of)

    assert decode_timestamped(content_format, payload, path, type_of) == [
        (None, Decoded({path: 100}))
    ]


@pytest.mark.parametrize(
    "content_format", [ContentFormat.SENML_CBOR, ContentFormat.SENML_ETCH_CBOR]
)
def test_senml_cbor_has_times(content_format: ContentFormat) -> None:
    payload = cbor2.dumps([{0: "/3/0/9", 6: 1320078429, 2: 100}])

    assert decode_timestamped(content_format, payload, Path(3, 0), type_of) == [
        (datetime.fromtimestamp(1320078429, UTC), Decoded({Path(3, 0, 9): 100}))
    ]


@pytest.mark.parametrize("content_format", STRUCTURED)
@pytest.mark.parametrize(
    ("path", "values"),
    [
        pytest.param(Path(3, 0), {Path(3, 0, 9): "100"}, id="another type"),
        pytest.param(Path(3, 0), {Path(3, 0, 9): 2**63}, id="out of range"),
        pytest.param(Path(3, 0), {Path(3, 0, 0): "\ud800"}, id="no UTF-8"),
        pytest.param(Path(3, 0), {Path(3, 0, 9): {0: 100}}, id="several for a single resource"),
        pytest.param(Path(3, 0), {Path(3, 0, 6): 1}, id="one for a multiple resource"),
        pytest.param(Path(3, 0), {Path(3, 0, 6): {65535: 1}}, id="a reserved ID"),
        pytest.param(Path(3, 0), {Path(3, 1, 9): 100}, id="another instance"),
        pytest.param(Path(3, 0), {Path(3, 0): 100}, id="no resource"),
        pytest.param(Path(3, 0, 9), {Path(3, 0, 10): 15}, id="another resource"),
        pytest.param(Path(3, 0, 6, 1), {Path(3, 0, 6): {0: 1, 1: 5}}, id="instances more"),
        pytest.param(
            Path(30000, 0, 1, 1), {Path(30000, 0, 1): 5}, id="a resource for its instance"
        ),
    ],
)
def test_what_cannot_be_written(content_format: ContentFormat, path: Path, values: Values) -> None:
    with pytest.raises(CodecError):
        encode(content_format, values, path, type_of)


@pytest.mark.parametrize("content_format", STRUCTURED)
@given(objects())
@quick
def test_an_object_that_was_written_is_read(content_format: ContentFormat, values: Values) -> None:
    path = Path(next(iter(values)).object_id)

    payload = encode(content_format, values, path, type_of)

    assert decode(content_format, payload, path, type_of) == Decoded(values)


@pytest.mark.parametrize("content_format", COMPOSITE)
@given(composites())
@quick
def test_values_of_several_objects_that_were_written_are_read(
    content_format: ContentFormat, values: Values
) -> None:
    payload = encode(content_format, values, Path(), type_of)

    assert decode(content_format, payload, Path(), type_of) == Decoded(values)


@pytest.mark.parametrize("content_format", [*STRUCTURED, ContentFormat.TEXT, ContentFormat.CBOR])
@given(instances())
@quick
def test_a_resource_instance_that_was_written_is_read(
    content_format: ContentFormat, instance: tuple[Path, Scalar]
) -> None:
    path, value = instance
    values: Values = {path.resource: {path.resource_instance_id: value}}

    payload = encode(content_format, values, path, type_of)

    assert decode(content_format, payload, path, type_of) == Decoded(values)


@pytest.mark.parametrize("content_format", [*STRUCTURED, ContentFormat.TEXT, ContentFormat.CBOR])
@given(singles())
@quick
def test_a_resource_that_was_written_is_read(
    content_format: ContentFormat, resource: tuple[Path, Scalar]
) -> None:
    path, value = resource

    payload = encode(content_format, {path: value}, path, type_of)

    assert decode(content_format, payload, path, type_of) == Decoded({path: value})


def read_or_refuse(content_format: int, payload: bytes, path: Path) -> None:
    try:
        decode_timestamped(content_format, payload, path, type_of)
        decode(content_format, payload, path, type_of)
    except CodecError:
        return


@pytest.mark.parametrize("content_format", FORMATS)
@given(payload=st.binary(), path=st.sampled_from(PATHS))
@quick
def test_no_bytes_do_more_harm_than_a_codec_error(
    content_format: ContentFormat, payload: bytes, path: Path
) -> None:
    read_or_refuse(content_format, payload, path)


@pytest.mark.parametrize("content_format", STRUCTURED)
@given(values=objects(), data=st.data())
@quick
def test_no_damage_does_more_harm_than_a_codec_error(
    content_format: ContentFormat, values: Values, data: st.DataObject
) -> None:
    path = Path(next(iter(values)).object_id)
    payload = bytearray(encode(content_format, values, path, type_of))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(payload) - 1))
        payload[at] = data.draw(st.integers(0, 255))

    read_or_refuse(content_format, bytes(payload), path)


@pytest.mark.parametrize(
    ("content_format", "payload"),
    [
        (ContentFormat.SENML_JSON, b'[{"n":"/3/0/0"},{"n":"/3/0/9"},{"n":"/1/0/1"}]'),
        (ContentFormat.SENML_ETCH_JSON, b'[{"n":"/3/0/0"},{"n":"/3/0/9"},{"n":"/1/0/1"}]'),
        (
            ContentFormat.SENML_CBOR,
            bytes.fromhex("83 a10066 2f332f302f30 a10066 2f332f302f39 a10066 2f312f302f31"),
        ),
        (
            ContentFormat.SENML_ETCH_CBOR,
            bytes.fromhex("83 a10066 2f332f302f30 a10066 2f332f302f39 a10066 2f312f302f31"),
        ),
    ],
)
def test_write_the_paths_of_a_read_composite(content_format: ContentFormat, payload: bytes) -> None:
    """Core-V1_1_1 7.4.5, the example of Read-Composite; RFC 8790 3.1."""
    paths = [Path(3, 0, 0), Path(3, 0, 9), Path(1, 0, 1)]

    assert encode_paths(content_format, paths) == payload


@pytest.mark.parametrize(
    ("path", "root", "name"),
    [
        pytest.param(Path(), "", "/", id="all objects"),
        pytest.param(Path(1), "", "/1", id="object"),
        pytest.param(Path(1, 2), "", "/1/2", id="instance"),
        pytest.param(Path(3, 0, 6, 1), "", "/3/0/6/1", id="resource instance"),
        pytest.param(Path(3, 0), "/lwm2m", "/lwm2m/3/0", id="below the client's root"),
        pytest.param(Path(), "/lwm2m", "/lwm2m/", id="the client's root"),
    ],
)
def test_paths_of_all_levels(path: Path, root: str, name: str) -> None:
    """Core-V1_1_1 7.4.5, the examples of Read-Composite; Transport-V1_1_1 6.4.1."""
    assert orjson.loads(encode_paths(ContentFormat.SENML_JSON, [path], root)) == [{"n": name}]


@pytest.mark.parametrize(
    "content_format", sorted(supported - {110, 112, 320, 322} | {ContentFormat.LINK_FORMAT, 50})
)
def test_other_formats_do_not_name_paths(content_format: int) -> None:
    with pytest.raises(CodecError):
        encode_paths(content_format, [Path(3)])


@pytest.mark.parametrize("content_format", [ContentFormat.SENML_JSON, ContentFormat.SENML_CBOR])
def test_no_paths_are_no_request(content_format: ContentFormat) -> None:
    with pytest.raises(CodecError):
        encode_paths(content_format, [])


LABELS = ["bver", "bn", "bt", "bv", "bs", "n", "v", "vs", "vb", "vd", "vlo", "s", "t", "x_"]
LABELS += ["e", "sv", "ov"]
NUMBERS = st.floats() | st.integers(-(2**63), 2**64 - 1)
NAMES = st.sampled_from(["/3/0/", "9", "6/0", "/3/0/13", "13", "", "/", "0"]) | st.text()
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | NAMES,
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=5,
)
PACKS = st.lists(st.dictionaries(st.sampled_from(LABELS), NUMBERS | NAMES | ANYTHING))
IDS = st.sampled_from([0, 1, 3, 6, 9, 13, 65535, 2**64 - 1, -1]) | st.booleans() | NAMES
TREES = st.recursive(
    ANYTHING | st.binary() | st.builds(cbor2.CBORTag, st.integers(0, 40), ANYTHING),
    lambda children: st.dictionaries(IDS | st.tuples(IDS, IDS) | st.just(()), children),
    max_leaves=10,
)


@given(pack=PACKS, path=st.sampled_from(PATHS))
@quick
def test_no_senml_json_does_more_harm_than_a_codec_error(pack: object, path: Path) -> None:
    read_or_refuse(ContentFormat.SENML_JSON, orjson.dumps(pack), path)


@given(
    root=st.fixed_dictionaries({"e": PACKS}, optional={"bn": NAMES, "bt": NUMBERS}) | ANYTHING,
    path=st.sampled_from(PATHS),
)
@quick
def test_no_json_does_more_harm_than_a_codec_error(root: object, path: Path) -> None:
    read_or_refuse(ContentFormat.JSON, orjson.dumps(root), path)


@given(
    pack=st.lists(
        st.dictionaries(
            st.integers(-6, 8) | st.sampled_from(LABELS),
            NUMBERS
            | NAMES
            | ANYTHING
            | st.binary()
            | st.builds(cbor2.CBORTag, st.integers(0, 40), ANYTHING),
        )
    ),
    path=st.sampled_from(PATHS),
)
@quick
def test_no_senml_cbor_does_more_harm_than_a_codec_error(pack: object, path: Path) -> None:
    read_or_refuse(ContentFormat.SENML_CBOR, cbor2.dumps(pack), path)


@pytest.mark.parametrize("content_format", [ContentFormat.CBOR, ContentFormat.LWM2M_CBOR])
@given(tree=TREES, path=st.sampled_from(PATHS))
@quick
def test_no_cbor_does_more_harm_than_a_codec_error(
    content_format: ContentFormat, tree: object, path: Path
) -> None:
    read_or_refuse(content_format, cbor2.dumps(tree), path)
