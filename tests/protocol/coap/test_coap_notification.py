"""The short way that notifications take: the same as aiocoap's, or none."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from aiocoap import ACK, CON, CONTENT, EMPTY, GET, NON, Message
from aiocoap.numbers.optionnumbers import OptionNumber
from hypothesis import given, strategies as st
import pytest

from custom_components.lwm2m.protocol.coap import Response, layers, wire
from custom_components.lwm2m.protocol.coap.observation import Observation
from custom_components.lwm2m.protocol.coap.transfer import is_whole
from custom_components.lwm2m.protocol.coap.wire import (
    CON_CONTENT,
    NON_CONTENT,
    decode,
    read_notification,
)
from tests.raw_coap import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from custom_components.lwm2m.protocol.coap import CoapEndpoint
    from tests.raw_coap import RawPeer

TOKEN = b"12345678"
HEAD = NON_CONTENT + b"\x12\x34" + TOKEN


def notification(mtype: int = NON, payload: bytes = b"value", **options: Any) -> bytes:
    """Encode a notification."""
    data: bytes = Message(
        code=CONTENT, _mtype=mtype, _mid=0x1234, _token=TOKEN, payload=payload, **options
    ).encode()
    return data


@pytest.mark.parametrize(
    ("options", "content_format"),
    [
        pytest.param({"observe": 0}, None, id="Observe alone"),
        pytest.param({"observe": 5, "content_format": 0}, 0, id="Content-Format 0"),
        pytest.param({"observe": 0xFFFFFF, "content_format": 11542}, 11542, id="the longest"),
        pytest.param({"observe": 5, "etag": b"12345678", "max_age": 60}, None, id="ETag, Max-Age"),
        pytest.param(
            {"observe": 5, "content_format": 60, "block2": (0, False, 6)}, 60, id="Block2"
        ),
        pytest.param(
            {"observe": 5, "content_format": 60, "block2": (0, False, 0), "size2": 5},
            60,
            id="Size2",
        ),
    ],
)
@pytest.mark.parametrize("payload", [b"", b"value", b"\xff\xff"])
def test_what_notifications_usually_are_goes_the_short_way(
    options: dict[str, Any], content_format: int | None, payload: bytes
) -> None:
    data = notification(payload=payload, **options)

    assert read_notification(data) == Response(CONTENT, content_format, payload, options["observe"])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(notification(), id="no Observe"),
        pytest.param(notification(observe=1, block2=(0, True, 6)), id="more blocks"),
        pytest.param(notification(observe=1, block2=(1, False, 6)), id="a later block"),
        pytest.param(notification(observe=1, block2=(0, False, 7)), id="reserved block size"),
        pytest.param(notification(observe=1, location_path=["a"]), id="an option of no use"),
        pytest.param(notification(observe=1, if_match=[b"1"]), id="a critical option"),
        pytest.param(HEAD + b"\x61\x01\x01\x02", id="two of Observe"),
        pytest.param(HEAD + b"\x61\x01\x60\x00", id="two of Content-Format"),
        pytest.param(HEAD + b"\x64\x00\x00\x00\x01", id="Observe of four bytes"),
        pytest.param(HEAD + b"\x61\x01\xff", id="a marker without payload"),
        pytest.param(HEAD + b"\x61", id="an option cut off"),
        pytest.param(HEAD + b"\x61\x01\xf0", id="delta 15"),
        pytest.param(HEAD + b"\x61\x01\x6f", id="length 15"),
        pytest.param(HEAD[:-1], id="a token cut off"),
    ],
)
def test_all_else_is_left_to_aiocoap(data: bytes) -> None:
    assert read_notification(data) is None


OPTIONS = st.lists(
    st.sampled_from(
        [
            b"\x42ab",  # ETag; what follows counts from there, or from any other
            b"\x21\x07",
            b"\x60",
            b"\x61\x07",
            b"\x62\x2d\x16",
            b"\x21\x3c",
            b"\x91\x06",
            b"\xb1\x0e",
            b"\x51\x05",
        ]
    )
    | st.binary(min_size=1, max_size=3),
    max_size=3,
).map(b"".join)
REST = st.builds(
    lambda *parts: b"".join(parts),
    st.sampled_from([b"\x61\x07", b"\x42ab\x22\x01\x07", b""]),
    OPTIONS,
    st.sampled_from([b"", b"\xffvalue", b"\xff"]),
)


@given(st.sampled_from([NON_CONTENT, CON_CONTENT]), st.binary(min_size=10, max_size=10), REST)
def test_what_goes_the_short_way_says_the_same_to_aiocoap(
    head: bytes, identity: bytes, rest: bytes
) -> None:
    data = head + identity + rest
    response = read_notification(data)
    if response is None:
        return

    message = decode(data, None)

    assert response == Response.of(message)
    assert is_whole(message)
    assert message.token == data[wire.TOKEN]
    assert message.opt._options.keys() <= {
        OptionNumber.ETAG,
        OptionNumber.OBSERVE,
        OptionNumber.CONTENT_FORMAT,
        OptionNumber.MAX_AGE,
        OptionNumber.BLOCK2,
        OptionNumber.SIZE2,
    }


@pytest.fixture
async def observation(endpoint: CoapEndpoint, raw: RawPeer) -> Observation:
    """Return an observation at the raw peer; its `held` takes the notifications."""
    request = Message(code=GET)
    request.remote = endpoint.peer(*raw.address)
    observation = Observation(request.remote, TOKEN, request, lambda _: None, held=deque())
    endpoint.observations.add(observation)
    return observation


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no message of aiocoap's be made of a datagram."""

    def decode(data: bytes, peer: object) -> Message:
        raise AssertionError("decoded")

    monkeypatch.setattr(layers, "decode", decode)


@pytest.mark.usefixtures("no_decoding")
async def test_a_notification_becomes_no_message(
    endpoint: CoapEndpoint, raw: RawPeer, observation: Observation
) -> None:
    raw.transport.sendto(notification(observe=1), address_of(endpoint))

    await until(lambda: observation.held)
    assert observation.held == deque([Response(CONTENT, None, b"value", 1)])
    assert (endpoint.counters.notifications, endpoint.counters.stale_notifications) == (1, 0)
    assert await raw.receives_nothing()


@pytest.mark.usefixtures("no_decoding")
async def test_a_confirmable_notification_is_acknowledged_at_once(
    endpoint: CoapEndpoint, raw: RawPeer, observation: Observation
) -> None:
    for _ in range(2):
        raw.transport.sendto(notification(CON, observe=1), address_of(endpoint))

    for _ in range(2):
        answer = await raw.receive()
        assert (answer.mtype, answer.code, answer.mid, answer.token) == (ACK, EMPTY, 0x1234, b"")
    assert observation.held == deque([Response(CONTENT, None, b"value", 1)])
    assert endpoint.counters.stale_notifications == 1


async def test_a_notification_of_another_form_goes_the_long_way(
    endpoint: CoapEndpoint, raw: RawPeer, observation: Observation
) -> None:
    raw.transport.sendto(notification(observe=1, location_path=["elective"]), address_of(endpoint))

    await until(lambda: observation.held)
    assert observation.held == deque([Response(CONTENT, None, b"value", 1)])


async def test_the_token_of_another_peer_is_of_no_observation(
    endpoint: CoapEndpoint,
    observation: Observation,
    open_peer: Callable[..., Awaitable[RawPeer]],
) -> None:
    (await open_peer()).transport.sendto(notification(observe=1), address_of(endpoint))

    await until(lambda: endpoint.counters.unmatched)
    assert observation.held == deque()


def address_of(endpoint: CoapEndpoint) -> tuple[str, int]:
    """Return host and port of the endpoint's one socket."""
    (transport,) = endpoint._transports
    return transport.host, transport.port
