"""What no payload may exceed, whatever it holds: for the tests and for the fuzzer."""

from __future__ import annotations

from contextlib import suppress
import tracemalloc
from typing import TYPE_CHECKING

from custom_components.lwm2m.protocol.codec import (
    CodecError,
    ContentFormat,
    decode,
    decode_timestamped,
    supported,
)
from custom_components.lwm2m.protocol.codec.link_format import parse_links
from custom_components.lwm2m.protocol.path import Path

from .models import MULTIPLE, SINGLE, type_of

if TYPE_CHECKING:
    from collections.abc import Callable

FACTOR = 200
"""Bytes of memory per byte of a payload: the dearest are three bytes that make a resource."""

ALLOWANCE = 2**18
"""Bytes of memory whatever the payload's size: cbor2 reads texts in pieces of 64 KiB."""

PATHS = [
    Path(),
    Path(3),
    Path(3, 0),
    Path(3, 0, 6),
    Path(3, 0, 9),
    Path(3, 0, 6, 1),
    Path(30000, 0),
    *(Path(SINGLE, 0, number) for number in range(9)),
    Path(MULTIPLE),
]


def check(decoder: str, payload: bytes, path: Path) -> None:
    """Decode; AssertionError when it takes too much memory, and any error but a CodecError."""
    traced = tracemalloc.is_tracing()
    if not traced:
        tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for run in DECODERS[decoder]:
            with suppress(CodecError):
                run(payload, path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        if not traced:
            tracemalloc.stop()
    assert peak - before <= FACTOR * len(payload) + ALLOWANCE


def _decoders(content_format: ContentFormat) -> list[Callable[[bytes, Path], object]]:
    return [
        lambda payload, path: decode(content_format, payload, path, type_of, "/lwm2m"),
        lambda payload, path: decode_timestamped(content_format, payload, path, type_of, "/lwm2m"),
    ]


DECODERS: dict[str, list[Callable[[bytes, Path], object]]] = {
    "link_format": [lambda payload, _path: parse_links(payload)],
    **{
        content_format.name.lower(): _decoders(content_format)
        for content_format in sorted(supported)
        if "ETCH" not in content_format.name
    },
}
"""By name; the ETCH forms of SenML are decoded as SenML is."""
