"""Everything that is fuzzed: what takes the network's bytes, and inputs to begin with."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.protocol.codec import vectors
from tests.protocol.codec.bounds import DECODERS, PATHS, check
from tests.protocol.dtls import targets as dtls

if TYPE_CHECKING:
    from collections.abc import Callable


def _decode(decoder: str, data: bytes) -> None:
    """Decode a payload; the number of its path stands in front of it."""
    if data:
        check(decoder, data[1:], PATHS[data[0] % len(PATHS)])


TARGETS: dict[str, Callable[[bytes], None]] = {
    **{decoder: partial(_decode, decoder) for decoder in DECODERS},
    **dtls.TARGETS,
}


def examples(target: str) -> list[bytes]:
    """Return those of the specifications for each path, or of honest DTLS clients."""
    if target in dtls.TARGETS:
        return dtls.examples()[target]
    payloads = [value for value in vars(vectors).values() if isinstance(value, bytes)]
    return [bytes((number,)) + payload for payload in payloads for number in range(len(PATHS))]
