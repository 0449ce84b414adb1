"""CoAP messages on a stream (RFC 8323 3.2)."""

from __future__ import annotations

from aiocoap import CONTENT, GET, PUT, VALID, Message
from aiocoap.numbers.codes import PING
from aiocoap.transports.tcp import _decode_message, _serialize
from hypothesis import given, strategies as st
import pytest

from custom_components.lwm2m.protocol.coap.framing import FrameReader, decode, encode
from custom_components.lwm2m.protocol.coap.wire import MAX_OPTIONS, MalformedMessage

LIMIT = 100_000


def frames(data: bytes, limit: int = LIMIT) -> list[bytes]:
    reader = FrameReader(limit)
    reader.feed(data)
    return list(iter(reader.take, None))


@pytest.mark.parametrize(
    ("message", "encoded"),
    [
        pytest.param(Message(code=VALID, _token=b"\x7f"), "01437f", id="figure-5"),
        pytest.param(Message(code=PING, _token=b"\x42"), "01e242", id="figure-11"),
    ],
)
def test_the_examples_of_the_rfc(message: Message, encoded: str) -> None:
    assert encode(message).hex() == encoded
    assert decode(bytes.fromhex(encoded), None).token == message.token


@pytest.mark.parametrize("size", [0, 1, 11, 12, 13, 267, 268, 269, 65803, 65804, 65805, 70000])
def test_a_length_is_written_as_aiocoap_does(size: int) -> None:
    message = Message(code=CONTENT, _token=b"token", payload=bytes(size))

    assert encode(message) == _serialize(message)


@given(
    st.sampled_from([GET, PUT, CONTENT]),
    st.binary(max_size=8),
    st.lists(st.text(max_size=20), max_size=4),
    st.binary(max_size=1000),
)
def test_what_is_written_is_read(code: int, token: bytes, path: list[str], payload: bytes) -> None:
    message = Message(code=code, _token=token, payload=payload, uri_path=path)

    (frame,) = frames(encode(message))
    read, expected = decode(frame, None), _decode_message(_serialize(message))

    assert (read.code, read.token, read.payload) == (code, token, payload)
    assert read.opt.uri_path == expected.opt.uri_path


@given(st.data())
def test_messages_are_found_however_they_are_cut(data: st.DataObject) -> None:
    messages = data.draw(st.lists(st.binary(max_size=300), max_size=5))
    stream = b"".join(encode(Message(code=CONTENT, payload=payload)) for payload in messages)
    reader = FrameReader(LIMIT)
    found: list[bytes] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        reader.feed(stream[:size])
        found += iter(reader.take, None)
        stream = stream[size:]

    assert [decode(frame, None).payload for frame in found] == messages
    assert not reader.pending


@given(st.binary(max_size=200))
def test_any_bytes_are_messages_or_malformed(data: bytes) -> None:
    try:
        for frame in frames(data):
            decode(frame, None)
    except MalformedMessage:
        pass


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("09 01", id="token-length-9"),
        pytest.param("0f 01", id="token-length-15"),
        pytest.param("f0 ffffffff 01", id="four-gigabytes"),
    ],
)
def test_a_header_is_enough_to_refuse_a_message(data: str) -> None:
    with pytest.raises(MalformedMessage):
        frames(bytes.fromhex(data))


def test_the_limit_is_of_the_whole_message() -> None:
    message = encode(Message(code=CONTENT, _token=b"12345678", payload=bytes(1000)))

    assert frames(message, len(message)) == [message]
    with pytest.raises(MalformedMessage):
        frames(message, len(message) - 1)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("10 45 ff", id="marker-without-payload"),
        pytest.param("00 20", id="class-1"),
        pytest.param("00 c0", id="class-6"),
        pytest.param("10 01 b5", id="option-cut-off"),
        pytest.param("20 01 b1 ff", id="path-not-utf-8"),
        pytest.param("10 01 f1", id="reserved-delta"),
    ],
)
def test_a_malformed_message_is_refused(data: str) -> None:
    with pytest.raises(MalformedMessage):
        decode(bytes.fromhex(data), None)


def test_too_many_options_are_refused() -> None:
    message = Message(code=GET, uri_path=["x"] * MAX_OPTIONS)
    decode(encode(message), None)
    message.opt.uri_path += ("x",)

    with pytest.raises(MalformedMessage):
        decode(encode(message), None)
