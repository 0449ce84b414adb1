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
    normalize,
    supported,
)
from custom_components.lwm2m.protocol.node import Decoded, Scalar, Values
from custom_components.lwm2m.protocol.path import Path

from .models import type_of
from .strategies import objects, singles

FORMATS = sorted(supported)
STRUCTURED = [ContentFormat.TLV, ContentFormat.SENML_JSON, ContentFormat.SENML_CBOR]
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


def test_supported() -> None:
    assert supported == {
        ContentFormat.TEXT,
        ContentFormat.OPAQUE,
        ContentFormat.TLV,
        ContentFormat.SENML_JSON,
        ContentFormat.SENML_CBOR,
    }


def test_the_drafts_number_reads_as_the_final_one() -> None:
    assert decode(1542, b"\xc1\x09\x64", Path(3, 0), type_of).values == {Path(3, 0, 9): 100}


@pytest.mark.parametrize("number", [50, 1543, ContentFormat.LINK_FORMAT])
def test_a_format_that_is_not_supported_is_not_read(number: int) -> None:
    with pytest.raises(CodecError):
        decode(number, b"", Path(3, 0), type_of)


def test_a_format_that_is_not_supported_is_not_written() -> None:
    with pytest.raises(CodecError):
        encode(50, {}, Path(3, 0), type_of)


@pytest.mark.parametrize("content_format", [ContentFormat.TLV, ContentFormat.TEXT])
def test_formats_without_times_say_what_is_now(content_format: ContentFormat) -> None:
    path = Path(3, 0, 9)
    payload = encode(content_format, {path: 100}, path, type_of)

    assert decode_timestamped(content_format, payload, path, type_of) == [
        (None, Decoded({path: 100}))
    ]


def test_senml_cbor_has_times() -> None:
    payload = cbor2.dumps([{0: "/3/0/9", 6: 1320078429, 2: 100}])

    assert decode_timestamped(ContentFormat.SENML_CBOR, payload, Path(3, 0), type_of) == [
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


@pytest.mark.parametrize("content_format", [*STRUCTURED, ContentFormat.TEXT])
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


LABELS = ["bver", "bn", "bt", "bv", "bs", "n", "v", "vs", "vb", "vd", "vlo", "s", "t", "x_"]
NUMBERS = st.floats() | st.integers(-(2**63), 2**64 - 1)
NAMES = st.sampled_from(["/3/0/", "9", "6/0", "/3/0/13", "13", "", "/", "0"]) | st.text()
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | NAMES,
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=5,
)


@given(
    pack=st.lists(st.dictionaries(st.sampled_from(LABELS), NUMBERS | NAMES | ANYTHING)),
    path=st.sampled_from(PATHS),
)
@quick
def test_no_json_does_more_harm_than_a_codec_error(pack: object, path: Path) -> None:
    read_or_refuse(ContentFormat.SENML_JSON, orjson.dumps(pack), path)


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
def test_no_cbor_does_more_harm_than_a_codec_error(pack: object, path: Path) -> None:
    read_or_refuse(ContentFormat.SENML_CBOR, cbor2.dumps(pack), path)
