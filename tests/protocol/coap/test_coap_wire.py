"""Datagrams that are no CoAP, or not what they should be."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aiocoap import ACK, CON, CONTENT, EMPTY, GET, NON, RST, Message
from hypothesis import given, settings, strategies as st
import pytest

from custom_components.lwm2m.protocol.coap import CoapEndpoint, CoapError, UdpPeer
from custom_components.lwm2m.protocol.coap.wire import MAX_OPTIONS, MalformedMessage, decode
from tests.raw_coap import RawPeer, until

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.coap.layers import MessageLayer


MALFORMED = {
    "nothing": b"",
    "too short": b"\x40\x01\x00",
    "version 0": b"\x00\x01\x00\x01",
    "version 2": b"\x80\x01\x00\x01",
    "token of 9": b"\x49\x01\x00\x01" + bytes(9),
    "token cut off": b"\x44\x01\x00\x01abc",
    "option cut off": b"\x40\x01\x00\x01\xb5ab",
    "option length 15": b"\x40\x01\x00\x01\xbf",
    "option delta 15": b"\x40\x01\x00\x01\xf1a",
    "path not UTF-8": b"\x40\x01\x00\x01\xb1\xff",
    "empty message with payload": b"\x40\x00\x00\x01\xffx",
    "empty non-confirmable": b"\x50\x00\x00\x01",
    "acknowledgement with request": b"\x60\x01\x00\x01",
    "reset with response": b"\x70\x45\x00\x01",
    "code class 1": b"\x40\x20\x00\x01",
    "code class 6": b"\x40\xc0\x00\x01",
    "signalling": b"\x40\xe1\x00\x01",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_coap_message_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(data, None)


@pytest.mark.parametrize(
    ("mtype", "code"),
    [
        *((CON, code) for code in (EMPTY, GET, CONTENT)),
        *((NON, code) for code in (GET, CONTENT)),
        *((ACK, code) for code in (EMPTY, CONTENT)),
        (RST, EMPTY),
    ],
)
def test_each_type_carries_the_codes_that_are_its_own(mtype: int, code: int) -> None:
    message = decode(Message(_mtype=mtype, code=code, _mid=1).encode(), None)

    assert (message.mtype, message.code, message.mid) == (mtype, code, 1)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    with suppress(MalformedMessage):
        decode(data, None)


@given(st.binary(max_size=64))
def test_any_bytes_behind_a_header_are_a_message_or_malformed(data: bytes) -> None:
    with suppress(MalformedMessage):
        decode(b"\x40\x01\x00\x01" + data, None)


OPTIONS_OF_ANY_LENGTH = {
    "empty": b"\x00",
    "short": b"\x02ab",
    "one byte more": b"\x0d\x07" + bytes(20),
    "two bytes more": b"\x0e\x00\x01" + bytes(270),
    "of a large number": b"\xd0\x00",
}


@pytest.mark.parametrize("option", OPTIONS_OF_ANY_LENGTH.values(), ids=OPTIONS_OF_ANY_LENGTH)
@pytest.mark.parametrize("behind", [b"", b"\xff" + bytes(1000)], ids=["no payload", "payload"])
def test_options_are_bounded_whatever_their_length(option: bytes, behind: bytes) -> None:
    """Decoding the 65,000 of the largest datagram would stop the event loop for 0.2 s."""
    head = b"\x41\x02\x00\x01t"
    decode(head + option * MAX_OPTIONS + behind, None)

    with pytest.raises(MalformedMessage):
        decode(head + option * (MAX_OPTIONS + 1) + behind, None)


async def test_malformed_datagrams_are_counted_and_harmless(
    endpoint: CoapEndpoint, raw: RawPeer
) -> None:
    (transport,) = endpoint._transports
    address = transport.host, transport.port
    for data in MALFORMED.values():
        raw.transport.sendto(data, address)
    raw.send(address, GET, CON, token=b"t", payload=b"value")

    while (answer := await raw.receive()).token != b"t":
        assert answer.mtype is RST
    assert answer.payload == b"value"
    assert endpoint.counters.malformed == len(MALFORMED)


async def test_a_malformed_confirmable_message_is_rejected(
    endpoint: CoapEndpoint, raw: RawPeer
) -> None:
    (transport,) = endpoint._transports
    raw.transport.sendto(b"\x40\x20\x12\x34", (transport.host, transport.port))

    answer = await raw.receive()
    assert (answer.mtype, answer.code, answer.mid) == (RST, EMPTY, 0x1234)


@pytest.mark.parametrize("first_byte", [0x00, 0x50, 0x60, 0x70], ids=hex)
async def test_other_malformed_messages_are_not_answered(
    endpoint: CoapEndpoint, raw: RawPeer, first_byte: int
) -> None:
    (transport,) = endpoint._transports
    raw.transport.sendto(bytes([first_byte, 0x20, 0, 1]), (transport.host, transport.port))

    assert await raw.receives_nothing()


# Any datagrams, in any order

OURS = b""
MESSAGE_IDS = st.sampled_from([b"\x00\x00", b"\x00\x01", OURS])
OPTIONS = st.lists(
    st.sampled_from(
        [
            b"\x60",  # Observe, or what its number becomes behind another
            b"\x61\x07",
            b"\xb1a",
            b"\xd1\x0a\x08",  # Block2, more
            b"\xd1\x0e\x08",  # Block1, more
            b"\xd1\x0e\x10",
            b"\xe2\xff\xff\xff\xff",
        ]
    )
    | st.binary(max_size=3),
    max_size=3,
).map(b"".join)


class NowhereTransport:
    """Takes what is sent, and keeps the last message of ours."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, message: Message) -> None:
        """Encode a message, as the real one does."""
        self.send_datagram(message.encode(), message.remote)

    def send_datagram(self, data: bytes, _: UdpPeer) -> None:
        """Keep a datagram."""
        self.sent.append(data)

    async def shutdown(self) -> None:
        """Do nothing."""


async def survive(datagrams: list[tuple[int, int, bytes, bytes, bytes]]) -> None:
    """Receive datagrams while two requests to observe wait, and then answer as ever."""
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: failures.append(what))

    async def handler(request: Message) -> Message:
        return Message(code=CONTENT, payload=request.payload)

    endpoint = CoapEndpoint(handler)
    transport = NowhereTransport()
    layers: list[MessageLayer] = []

    async def connect(messages: MessageLayer) -> NowhereTransport:
        layers.append(messages)
        endpoint._transports[transport] = messages.token_manager  # type: ignore[index]  # a double
        return transport

    await endpoint._context._append_tokenmanaged_messagemanaged_transport(connect)  # type: ignore[arg-type]  # a double
    peer = UdpPeer(("192.0.2.1", 5683), transport)  # type: ignore[arg-type]  # a double
    waiting = []
    for _ in range(2):
        message = Message(code=GET)
        message.remote = peer
        waiting.append(asyncio.create_task(endpoint.observe(message, lambda _: None)))
    await asyncio.sleep(0)
    (ours,) = (Message.decode(data) for data in transport.sent)
    for mtype, code, drawn_mid, drawn_token, rest in datagrams:
        mid = drawn_mid or ours.mid.to_bytes(2)
        token = drawn_token or ours.token
        head = bytes([0x40 | mtype << 4 | len(token), code])
        layers[0].receive(head + mid + token + rest, peer)
        await asyncio.sleep(0)

    last = Message(code=GET, _mtype=CON, _mid=0x7777, _token=b"last", payload=b"alive")
    layers[0].receive(last.encode(), peer)
    await until(lambda: transport.sent[-1].endswith(b"alive"))
    await endpoint.close()
    for result in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(result, Message | CoapError)
    assert failures == []
    assert endpoint.counters.handler_errors == 0


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from([EMPTY, GET, 2, 30, 0x44, 0x45, 0x5F, 0x84, 0xA0, 0xE1])
            | st.integers(0, 255),
            MESSAGE_IDS,
            st.sampled_from([OURS, b"t", b"12345678"]),
            OPTIONS,
        ),
        max_size=8,
    )
)
def test_no_sequence_of_datagrams_breaks_the_endpoint(
    datagrams: list[tuple[int, int, bytes, bytes, bytes]],
) -> None:
    asyncio.run(survive(datagrams))
