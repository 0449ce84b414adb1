"""The opaque format (OMA-TS-LightweightM2M_Core-V1_1_1 7.4.2)."""

from __future__ import annotations

import pytest

from custom_components.lwm2m.protocol.codec import CodecError, ContentFormat, decode, encode
from custom_components.lwm2m.protocol.model.definitions import ResourceType
from custom_components.lwm2m.protocol.path import Path

from .models import MULTIPLE, of_type, type_of

PACKAGE = Path(5, 0, 0)


@pytest.mark.parametrize("payload", [b"", b"\0\xff"])
def test_the_payload_is_the_value(payload: bytes) -> None:
    assert decode(ContentFormat.OPAQUE, payload, PACKAGE, type_of).values == {PACKAGE: payload}


def test_an_unknown_resource_is_bytes() -> None:
    path = Path(30000, 0, 1)

    assert decode(ContentFormat.OPAQUE, b"\0", path, type_of).values == {path: b"\0"}


def test_bytes_do_not_fit_another_type() -> None:
    decoded = decode(ContentFormat.OPAQUE, b"21", Path(3, 0, 9), type_of)

    assert (decoded.values, list(decoded.rejected)) == ({}, [Path(3, 0, 9)])


def test_opaque_says_nothing_of_a_whole_instance() -> None:
    with pytest.raises(CodecError):
        decode(ContentFormat.OPAQUE, b"", Path(5, 0), type_of)


def test_write() -> None:
    assert encode(ContentFormat.OPAQUE, {PACKAGE: b"\0\xff"}, PACKAGE, type_of) == b"\0\xff"


def test_write_a_resource_instance() -> None:
    path = of_type(ResourceType.OPAQUE, MULTIPLE)

    assert encode(ContentFormat.OPAQUE, {path: {7: b"\1"}}, path / 7, type_of) == b"\1"


def test_opaque_does_not_carry_text() -> None:
    path = Path(3, 0, 0)

    with pytest.raises(CodecError):
        encode(ContentFormat.OPAQUE, {path: "text"}, path, type_of)
