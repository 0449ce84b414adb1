"""Everything that is fuzzed: what takes the network's bytes, and inputs to begin with."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from aiocoap import GET, Message
from aiocoap.numbers.codes import CSM

from custom_components.lwm2m.protocol.coap.framing import FrameReader, decode, encode
from custom_components.lwm2m.protocol.coap.signaling import (
    Capabilities,
    SignalingError,
    check_options,
    csm,
)
from custom_components.lwm2m.protocol.coap.wire import MalformedMessage
from tests.protocol.codec import vectors
from tests.protocol.codec.bounds import DECODERS, PATHS, check
from tests.protocol.dtls import targets as dtls

if TYPE_CHECKING:
    from collections.abc import Callable


STREAM = "coap_stream"
"""CoAP's messages on TCP."""


def _decode(decoder: str, data: bytes) -> None:
    """Decode a payload; the number of its path stands in front of it."""
    if data:
        check(decoder, data[1:], PATHS[data[0] % len(PATHS)])


def _read_stream(data: bytes) -> None:
    """Read messages from a connection on which `data` comes in two parts."""
    reader = FrameReader(len(data))
    half = len(data) // 2
    with suppress(MalformedMessage):
        for part in (data[:half], data[half:]):
            reader.feed(part)
            while (frame := reader.take()) is not None:
                message = decode(frame, None)
                if message.code == CSM:
                    with suppress(SignalingError):
                        check_options(message)
                        Capabilities().updated(message)


TARGETS: dict[str, Callable[[bytes], None]] = {
    **{decoder: partial(_decode, decoder) for decoder in DECODERS},
    **dtls.TARGETS,
    STREAM: _read_stream,
}


def examples(target: str) -> list[bytes]:
    """Return those of the specifications for each path, or of honest clients."""
    if target in dtls.TARGETS:
        return dtls.examples()[target]
    if target == STREAM:
        return [encode(csm(1 << 20)) + encode(Message(code=GET, uri_path=["3", "0"], observe=0))]
    payloads = [value for value in vars(vectors).values() if isinstance(value, bytes)]
    return [bytes((number,)) + payload for payload in payloads for number in range(len(PATHS))]
