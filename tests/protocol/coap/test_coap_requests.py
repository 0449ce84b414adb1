"""Requests that the endpoint sends."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

from aiocoap import (
    ACK,
    CHANGED,
    CONTENT,
    CONTINUE,
    EMPTY,
    FETCH,
    NON,
    NOT_FOUND,
    PUT,
    REQUEST_ENTITY_TOO_LARGE,
    RST,
    Message,
)
import pytest

from custom_components.lwm2m.protocol.coap import (
    CoapEndpoint,
    EndpointClosed,
    NoAcknowledgement,
    NoResponse,
    PeerLimits,
    ResetReceived,
    ResponseNotUnderstood,
    Scheme,
    TransferFailed,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.raw_coap import RawPeer

    type MakeRequest = Callable[..., Message]


def start(endpoint: CoapEndpoint, message: Message, timeout: float = 1) -> asyncio.Task[Message]:
    """Send a request in the background."""
    return asyncio.create_task(endpoint.request(message, timeout=timeout))


async def test_any_response_code_is_returned(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("3", "0"))

    raw.answer(await raw.receive(), code=NOT_FOUND)

    assert (await pending).code == NOT_FOUND


async def test_a_separate_response_is_returned_and_acknowledged(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("3"))
    request = await raw.receive()
    raw.acknowledge(request)
    response = raw.separate(request, b"value")

    assert (await pending).payload == b"value"
    acknowledgement = await raw.receive()
    assert (acknowledgement.mtype, acknowledgement.code, acknowledgement.mid) == (
        ACK,
        EMPTY,
        response.mid,
    )


async def test_a_non_confirmable_response_is_returned(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("3"))
    request = await raw.receive()

    raw.separate(request, b"value", mtype=NON)

    assert (await pending).payload == b"value"
    assert await raw.receives_nothing()


@pytest.mark.usefixtures("impatient")
async def test_a_response_ends_the_retransmission_of_a_request_whose_acknowledgement_was_lost(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("3"))
    raw.separate(await raw.receive())
    await pending
    await raw.receive()

    assert await raw.receives_nothing(0.3)


@pytest.mark.usefixtures("impatient")
async def test_an_unanswered_request_is_sent_again_and_then_given_up(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("3"))
    first, second = await raw.receive(), await raw.receive()

    with pytest.raises(NoAcknowledgement):
        await pending
    assert (first.mid, first.token) == (second.mid, second.token)
    assert await raw.receives_nothing(0.3)


@pytest.mark.usefixtures("impatient")
async def test_the_timeout_ends_a_request_before_its_retransmissions_do(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    with pytest.raises(NoAcknowledgement):
        await endpoint.request(request_to("3"), timeout=0.01)

    await raw.receive()
    assert await raw.receives_nothing(0.3)


async def test_an_acknowledged_request_without_response_ends_with_its_timeout(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("3"), timeout=0.1)
    raw.acknowledge(await raw.receive())

    with pytest.raises(NoResponse):
        await pending


async def test_a_reset_ends_a_request(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("3"))

    raw.reset(await raw.receive())

    with pytest.raises(ResetReceived):
        await pending


@pytest.mark.usefixtures("impatient")
async def test_a_closed_port_ends_a_request_without_ending_another(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    """The kernel's "connection refused" names no request, so it must end none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        nobody = endpoint.peer(*gone.getsockname())
    refused_message = request_to("refused")
    refused_message.remote = nobody
    refused = start(endpoint, refused_message)
    answered = start(endpoint, request_to("answered"))

    raw.answer(await raw.receive(), b"here")

    assert (await answered).payload == b"here"
    with pytest.raises(NoAcknowledgement):
        await refused


async def test_requests_to_one_peer_go_in_order_each_after_the_acknowledgement_before(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = [start(endpoint, request_to(str(number))) for number in range(3)]
    order = []
    for _ in pending:
        request = await raw.receive()
        order.append(request.opt.uri_path)
        raw.answer(request)

    await asyncio.gather(*pending)
    assert order == [("0",), ("1",), ("2",)]


async def test_a_silent_peer_does_not_delay_another(
    endpoint: CoapEndpoint,
    raw: RawPeer,
    request_to: MakeRequest,
    open_peer: Callable[[], Awaitable[RawPeer]],
) -> None:
    silent = start(endpoint, request_to("silent"))
    await raw.receive()
    other = await open_peer()
    message = request_to("other")
    message.remote = endpoint.peer(*other.address)

    pending = start(endpoint, message)
    other.answer(await other.receive())

    await pending
    assert not silent.done()
    silent.cancel()


async def test_cancelling_a_queued_request_never_sends_it(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    first = start(endpoint, request_to("first"))
    queued = start(endpoint, request_to("queued"))
    request = await raw.receive()

    queued.cancel()
    last = start(endpoint, request_to("last"))
    raw.answer(request)
    following = await raw.receive()
    raw.answer(following)

    await asyncio.gather(first, last)
    assert following.opt.uri_path == ("last",)


@pytest.mark.usefixtures("impatient")
async def test_a_queued_request_goes_after_the_one_before_was_given_up(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    unanswered = start(endpoint, request_to("unanswered"))
    queued = start(endpoint, request_to("queued"))
    while (request := await raw.receive()).opt.uri_path == ("unanswered",):
        pass
    raw.answer(request, b"value")

    assert (await queued).payload == b"value"
    with pytest.raises(NoAcknowledgement):
        await unanswered


async def test_nothing_is_kept_of_a_cancelled_request(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    (layer,) = endpoint._transports.values()
    pending = start(endpoint, request_to("3"))
    await raw.receive()

    pending.cancel()
    await asyncio.wait([pending])

    assert layer.outgoing_requests == {}
    assert layer.token_interface._active_exchanges == {}
    assert len(layer.token_interface._lines) == 0


async def test_a_late_response_to_a_cancelled_request_is_rejected(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("3"))
    request = await raw.receive()
    pending.cancel()
    await asyncio.wait([pending])

    late = raw.separate(request)

    answer = await raw.receive()
    assert (answer.mtype, answer.mid) == (RST, late.mid)
    assert endpoint.counters.unmatched == 1


async def test_a_response_with_a_strange_token_is_none(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("3"), timeout=0.1)
    request = await raw.receive()

    raw.send(request.remote, CONTENT, ACK, mid=request.mid, token=b"strange")

    with pytest.raises(NoResponse):
        await pending


async def test_a_response_from_another_address_is_none(
    endpoint: CoapEndpoint,
    raw: RawPeer,
    request_to: MakeRequest,
    open_peer: Callable[[], Awaitable[RawPeer]],
) -> None:
    pending = start(endpoint, request_to("3"), timeout=0.1)
    request = await raw.receive()

    (await open_peer()).answer(request, b"forged")

    with pytest.raises(NoAcknowledgement):
        await pending


async def test_tokens_are_long_and_differ(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    tokens = []
    for _ in range(2):
        pending = start(endpoint, request_to("3"))
        request = await raw.receive()
        tokens.append(request.token)
        raw.answer(request)
        await pending

    assert [len(token) for token in tokens] == [8, 8]
    assert tokens[0][:4] != tokens[1][:4]


# Large payloads (RFC 7959)


async def receive_blocks(raw: RawPeer, exponent: int | None = None) -> tuple[bytes, list[int]]:
    """Take a Block1 transfer in, asking for smaller blocks; return it and its block sizes."""
    payload, sizes = b"", []
    while True:
        request = await raw.receive()
        number, more, size = request.opt.block1
        assert number << (size + 4) == len(payload)
        payload += request.payload
        sizes.append(len(request.payload))
        answer = (number, more, size if exponent is None else exponent)
        raw.answer(request, code=CONTINUE if more else CHANGED, block1=answer)
        if not more:
            return payload, sizes


async def test_a_large_request_goes_in_blocks(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    payload = bytes(range(256)) * 10
    pending = start(endpoint, request_to("5", "0", "0", code=PUT, payload=payload))

    received, sizes = await receive_blocks(raw)

    assert (await pending).code == CHANGED
    assert (received, sizes) == (payload, [1024, 1024, 512])


async def test_the_first_block_tells_the_size_of_the_whole(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("5", code=PUT, payload=bytes(3000)))
    request = await raw.receive()
    pending.cancel()

    assert request.opt.size1 == 3000


async def test_the_peer_gets_the_smaller_blocks_that_it_acknowledges(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    payload = bytes(range(256)) * 6
    pending = start(endpoint, request_to("5", code=PUT, payload=payload))

    received, sizes = await receive_blocks(raw, exponent=4)

    await pending
    assert (received, sizes) == (payload, [1024, 256, 256])


async def test_a_peer_that_refuses_the_size_gets_all_in_smaller_blocks(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    payload = bytes(600)
    pending = start(endpoint, request_to("5", code=PUT, payload=payload))
    raw.answer(await raw.receive(), code=REQUEST_ENTITY_TOO_LARGE, block1=(0, False, 4))

    received, sizes = await receive_blocks(raw)

    assert (await pending).code == CHANGED
    assert (received, sizes) == (payload, [256, 256, 88])


async def test_the_next_request_to_that_peer_starts_with_small_blocks(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    message = request_to("5", code=PUT, payload=bytes(600))
    pending = start(endpoint, message)
    raw.answer(await raw.receive(), code=REQUEST_ENTITY_TOO_LARGE, block1=(0, False, 4))
    await receive_blocks(raw)
    await pending
    following = request_to("5", code=PUT, payload=bytes(300))
    following.remote = message.remote

    pending = start(endpoint, following)
    _, sizes = await receive_blocks(raw)

    await pending
    assert sizes == [256, 44]


async def test_a_peer_that_refuses_any_size_has_refused(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("5", code=PUT, payload=bytes(600)))

    raw.answer(await raw.receive(), code=REQUEST_ENTITY_TOO_LARGE, block1=(0, False, 6))

    assert (await pending).code == REQUEST_ENTITY_TOO_LARGE


async def test_a_peer_that_does_not_take_all_at_once_gets_it_in_blocks(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    """A 4.13 without Block1 is a hint to try that (RFC 7959 2.9.3)."""
    message = request_to("5", code=PUT, payload=bytes(900))
    pending = start(endpoint, message)
    raw.answer(await raw.receive(), code=REQUEST_ENTITY_TOO_LARGE)

    received, sizes = await receive_blocks(raw)

    assert (await pending).code == CHANGED
    assert (received, sizes) == (bytes(900), [512, 388])
    assert message.remote.maximum_block_size_exp == 6  # it asked for no size


async def test_blocks_are_not_tried_where_the_whole_is_too_large(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("5", code=PUT, payload=bytes(900)))

    raw.answer(await raw.receive(), code=REQUEST_ENTITY_TOO_LARGE, size1=899)

    assert (await pending).code == REQUEST_ENTITY_TOO_LARGE


async def test_blocks_that_were_tried_in_vain_are_not_tried_again(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("5", code=PUT, payload=bytes(900)))

    for _ in range(2):
        raw.answer(await raw.receive(), code=REQUEST_ENTITY_TOO_LARGE)

    assert (await pending).code == REQUEST_ENTITY_TOO_LARGE


@pytest.mark.parametrize("way", ["piggybacked", "separate"])
async def test_a_response_with_an_unknown_critical_option_is_none(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest, way: str
) -> None:
    """RFC 7252 5.4.1."""
    pending = start(endpoint, request_to("5"))
    request = await raw.receive()

    if way == "piggybacked":
        raw.answer(request, b"value", if_match=[b"1"])
    else:
        raw.separate(request, b"value", if_match=[b"1"])

    with pytest.raises(ResponseNotUnderstood):
        await pending
    if way == "separate":
        assert (await raw.receive()).mtype is RST


async def test_large_requests_to_one_resource_go_one_after_the_other(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    """A peer cannot tell the blocks of one from those of the other."""
    payloads = [bytes([number]) * 3000 for number in range(2)]
    pending = [start(endpoint, request_to("5", code=PUT, payload=each)) for each in payloads]

    received = [(await receive_blocks(raw))[0] for _ in pending]

    await asyncio.gather(*pending)
    assert received == payloads


async def test_a_large_request_leaves_others_to_the_same_peer_their_turn(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    large = start(endpoint, request_to("5", code=PUT, payload=bytes(3000)))
    first = await raw.receive()
    small = start(endpoint, request_to("5"))
    raw.answer(first, code=CONTINUE, block1=(0, True, 6))

    raw.answer(await raw.receive(), b"value")

    assert (await small).payload == b"value"
    large.cancel()


async def test_a_refused_block_ends_the_transfer(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("5", code=PUT, payload=bytes(3000)))

    raw.answer(await raw.receive(), code=NOT_FOUND)

    assert (await pending).code == NOT_FOUND


async def test_an_acknowledged_block_that_was_not_sent_ends_the_transfer(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("5", code=PUT, payload=bytes(3000)))

    raw.answer(await raw.receive(), code=CONTINUE, block1=(7, True, 6))

    with pytest.raises(TransferFailed):
        await pending


async def test_a_peer_that_wants_more_than_there_is_ends_the_transfer(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("5", code=PUT, payload=bytes(1100)))
    for number in range(2):
        raw.answer(await raw.receive(), code=CONTINUE, block1=(number, True, 6))

    with pytest.raises(TransferFailed):
        await pending


async def test_a_large_response_is_fetched_whole(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    payload = bytes(range(150))
    pending = start(endpoint, request_to("3", accept=112))
    requests = []
    for number, more in enumerate((True, True, False)):
        requests.append(request := await raw.receive())
        chunk = payload[number * 64 : number * 64 + 64]
        # Content-Format only in the first block, as some devices send it
        content_format = 112 if number == 0 else None
        raw.answer(
            request, chunk, block2=(number, more, 2), etag=b"1", content_format=content_format
        )

    response = await pending
    assert (response.payload, response.opt.content_format) == (payload, 112)
    assert response.opt.block2 is None
    assert response.opt.block2 is None
    assert [request.opt.block2 for request in requests] == [None, (1, False, 2), (2, False, 2)]
    assert {request.opt.accept for request in requests} == {112}


async def test_further_blocks_may_become_smaller(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to("3"))
    raw.answer(await raw.receive(), bytes(64), block2=(0, True, 2))
    raw.answer(await raw.receive(), bytes(16), block2=(4, True, 0))
    last = await raw.receive()
    raw.answer(last, b"end", block2=(5, False, 0))

    assert last.opt.block2 == (5, False, 0)
    assert (await pending).payload == bytes(80) + b"end"


async def test_further_blocks_of_a_fetch_go_without_its_payload(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    pending = start(endpoint, request_to(code=FETCH, payload=b"paths"))
    raw.answer(await raw.receive(), bytes(16), block2=(0, True, 0))
    further = await raw.receive()
    raw.answer(further, b"end", block2=(1, False, 0))

    assert (await pending).payload == bytes(16) + b"end"
    assert (further.code, further.payload) == (FETCH, b"")


@pytest.mark.parametrize(
    ("payload", "options"),
    [
        pytest.param(bytes(16), {"block2": (2, False, 0), "etag": b"1"}, id="another block"),
        pytest.param(bytes(16), {"block2": (1, False, 0), "etag": b"2"}, id="another version"),
        pytest.param(bytes(15), {"block2": (1, True, 0), "etag": b"1"}, id="short block"),
        pytest.param(bytes(16), {"etag": b"1"}, id="no block"),
        pytest.param(b"", {"code": NOT_FOUND}, id="error"),
    ],
)
async def test_a_wrong_further_block_ends_the_transfer(
    endpoint: CoapEndpoint,
    raw: RawPeer,
    request_to: MakeRequest,
    payload: bytes,
    options: dict[str, Any],
) -> None:
    pending = start(endpoint, request_to("3"))
    raw.answer(await raw.receive(), bytes(16), block2=(0, True, 0), etag=b"1")

    raw.answer(await raw.receive(), payload, **options)

    with pytest.raises(TransferFailed):
        await pending


@pytest.mark.parametrize("more", [True, False])
async def test_a_first_block_that_is_none_ends_the_transfer(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest, more: bool
) -> None:
    pending = start(endpoint, request_to("3"))

    raw.answer(await raw.receive(), bytes(16), block2=(1, more, 0))

    with pytest.raises(TransferFailed):
        await pending


async def test_a_response_past_the_limit_ends_the_transfer(
    open_endpoint: Callable[..., Awaitable[CoapEndpoint]], raw: RawPeer
) -> None:
    endpoint = await open_endpoint(limits=PeerLimits(response_size=40))
    message = Message(code=FETCH)
    message.remote = endpoint.peer(*raw.address)
    pending = start(endpoint, message)
    for number in range(3):
        raw.answer(await raw.receive(), bytes(16), block2=(number, True, 0))

    with pytest.raises(TransferFailed):
        await pending


async def test_a_transfer_may_take_longer_than_the_timeout_as_long_as_it_goes_on(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    """The timeout is that of each block: a firmware outlasts it (thingsboard#14241)."""
    pending = start(endpoint, request_to("5", code=PUT, payload=bytes(10 * 1024)), timeout=0.4)
    while not pending.done():
        request = await raw.receive()
        await asyncio.sleep(0.1)  # the peer's, which is slow
        number, more, size = request.opt.block1
        raw.answer(request, code=CONTINUE if more else CHANGED, block1=(number, more, size))
        if not more:
            await pending

    assert (await pending).code == CHANGED


@pytest.mark.parametrize("acknowledged", [True, False])
async def test_a_transfer_that_stands_still_ends_with_the_timeout(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest, acknowledged: bool
) -> None:
    pending = start(endpoint, request_to("3"), timeout=0.1)
    raw.answer(await raw.receive(), bytes(16), block2=(0, True, 0))
    request = await raw.receive()
    if acknowledged:
        raw.acknowledge(request)

    with pytest.raises(NoResponse if acknowledged else NoAcknowledgement):
        await pending


# The end


async def test_closing_ends_what_waits(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    sent, queued = start(endpoint, request_to("sent")), start(endpoint, request_to("queued"))
    await raw.receive()

    await endpoint.close()

    for pending in (sent, queued):
        with pytest.raises(EndpointClosed):
            await pending
    assert await raw.receives_nothing()


async def test_closing_between_two_blocks_ends_the_transfer(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    (transport,) = endpoint._transports
    message = request_to("3")
    pending = start(endpoint, message)
    request = await raw.receive()
    block = Message(
        code=CONTENT,
        _mtype=ACK,
        _mid=request.mid,
        _token=request.token,
        payload=bytes(16),
        block2=(0, True, 0),
    )

    transport._receive(block.encode(), message.remote)
    await endpoint.close()

    with pytest.raises(EndpointClosed):
        await pending


async def test_a_closed_endpoint_sends_nothing(
    endpoint: CoapEndpoint, request_to: MakeRequest
) -> None:
    message = request_to("3")
    await endpoint.close()

    with pytest.raises(EndpointClosed):
        await endpoint.request(message)


async def test_a_peer_of_another_endpoint_is_out_of_reach(
    endpoint: CoapEndpoint,
    request_to: MakeRequest,
    open_endpoint: Callable[..., Awaitable[CoapEndpoint]],
) -> None:
    with pytest.raises(EndpointClosed):
        await (await open_endpoint()).request(request_to("3"))


async def test_a_closed_endpoint_does_not_listen(endpoint: CoapEndpoint) -> None:
    await endpoint.close()

    with pytest.raises(EndpointClosed):
        await endpoint.listen(Scheme.COAP, "127.0.0.1", 0)


async def test_closing_twice_is_closing_once(endpoint: CoapEndpoint) -> None:
    await endpoint.close()
    await endpoint.close()
