"""Observations that the endpoint has at peers (RFC 7641)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiocoap import ACK, CON, CONTENT, CONTINUE, FETCH, GET, NON, NOT_FOUND, RST, Message
import pytest

from custom_components.lwm2m.protocol.coap import NoAcknowledgement, TransferFailed
from custom_components.lwm2m.protocol.coap.observation import MAX_HELD, Observation
from tests.raw_coap import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from custom_components.lwm2m.protocol.coap import CoapEndpoint, Response
    from tests.raw_coap import RawPeer

    type MakeRequest = Callable[..., Message]


class Observed:
    """An observation at the raw peer, and what its sink took."""

    def __init__(self, endpoint: CoapEndpoint, raw: RawPeer, message: Message) -> None:
        self.endpoint = endpoint
        self.raw = raw
        self.message = message
        self.seen: list[Response] = []
        self.request: Message
        self.response: Message
        self._arrived = asyncio.Event()

    def sink(self, message: Response) -> None:
        """Take a notification."""
        self.seen.append(message)
        self._arrived.set()

    def start(self) -> asyncio.Task[Message]:
        """Ask for the observation."""
        return asyncio.create_task(self.endpoint.observe(self.message, self.sink, timeout=1))

    async def establish(self, sequence: int = 10) -> None:
        """Ask for the observation, and grant it."""
        observing = self.start()
        self.request = await self.raw.receive()
        self.raw.answer(self.request, b"first", observe=sequence)
        self.response = await observing

    def forget(self) -> bool:
        """End the observation without telling."""
        return self.endpoint.forget(self.response.remote, self.response.token)

    async def payloads(self, until: bytes) -> list[bytes]:
        """Return what the sink took up to a payload."""
        async with asyncio.timeout(2):
            while not self.seen or self.seen[-1].payload != until:
                self._arrived.clear()
                await self._arrived.wait()
        return [message.payload for message in self.seen]


@pytest.fixture
def observed(endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest) -> Observed:
    """Return an observation that is not yet asked for."""
    return Observed(endpoint, raw, request_to("3303", "0"))


@pytest.fixture
async def established(observed: Observed) -> Observed:
    """Return an observation that the peer granted with sequence number 10."""
    await observed.establish()
    return observed


async def test_observing_asks_with_observe_zero_and_returns_the_first_response(
    observed: Observed,
) -> None:
    await observed.establish()

    assert (observed.request.code, observed.request.opt.observe) == (GET, 0)
    assert (observed.response.payload, observed.response.opt.observe) == (b"first", 10)
    assert observed.response.token == observed.request.token
    assert observed.seen == []


async def test_notifications_arrive_in_order(established: Observed, raw: RawPeer) -> None:
    for number in range(11, 61):
        raw.notify(established.request, number, b"%d" % number)

    assert await established.payloads(b"60") == [b"%d" % number for number in range(11, 61)]


async def test_a_confirmable_notification_is_acknowledged(
    established: Observed, raw: RawPeer
) -> None:
    notification = raw.notify(established.request, 11, b"value", mtype=CON)

    answer = await raw.receive()

    assert (answer.mtype, answer.mid) == (ACK, notification.mid)
    assert await established.payloads(b"value") == [b"value"]


async def test_a_non_confirmable_notification_is_not_answered(
    established: Observed, raw: RawPeer
) -> None:
    raw.notify(established.request, 11, b"value")

    await established.payloads(b"value")
    assert await raw.receives_nothing()


async def test_a_duplicated_notification_is_acknowledged_again_and_taken_once(
    established: Observed, raw: RawPeer, endpoint: CoapEndpoint
) -> None:
    notification = raw.notify(established.request, 11, b"value", mtype=CON)
    raw.transport.sendto(notification.encode(), established.request.remote)

    answers = [await raw.receive(), await raw.receive()]

    assert [(answer.mtype, answer.mid) for answer in answers] == [(ACK, notification.mid)] * 2
    assert await established.payloads(b"value") == [b"value"]
    assert endpoint.counters.stale_notifications == 1


async def test_a_notification_that_was_overtaken_is_dropped(
    established: Observed, raw: RawPeer, endpoint: CoapEndpoint
) -> None:
    raw.notify(established.request, 12, b"new")
    raw.notify(established.request, 11, b"old")
    raw.notify(established.request, 13, b"end")

    assert await established.payloads(b"end") == [b"new", b"end"]
    assert endpoint.counters.notifications == 3
    assert endpoint.counters.stale_notifications == 1


@pytest.mark.parametrize(
    ("before", "after", "seconds", "fresh"),
    [
        pytest.param(10, 11, 0, True, id="greater"),
        pytest.param(10, 10, 0, False, id="equal"),
        pytest.param(11, 10, 0, False, id="smaller"),
        pytest.param(0, (1 << 23) - 1, 0, True, id="greater by less than half"),
        pytest.param(0, 1 << 23, 0, False, id="greater by half"),
        pytest.param((1 << 24) - 1, 0, 0, True, id="wrapped around"),
        pytest.param(1 << 23, 0, 0, False, id="smaller by half"),
        pytest.param(11, 10, 128, False, id="smaller after 128 s"),
        pytest.param(11, 10, 129, True, id="smaller after more than 128 s"),
        pytest.param(None, 0, 0, True, id="nothing known"),
    ],
)
def test_freshness_is_that_of_rfc_7641(
    before: int | None, after: int, seconds: float, fresh: bool
) -> None:
    observation = Observation(
        remote=None,  # type: ignore[arg-type]  # not looked at
        token=b"",
        request=Message(code=GET),
        sink=lambda _: None,
        sequence=before,
        time=1000.0,
    )

    assert observation.is_fresh(after, 1000.0 + seconds) is fresh


async def test_a_notification_just_behind_the_first_response_comes_after_it(
    observed: Observed, raw: RawPeer
) -> None:
    order: list[bytes] = []

    async def observe() -> None:
        response = await observed.endpoint.observe(
            observed.message, lambda message: order.append(message.payload)
        )
        order.append(response.payload)

    observing = asyncio.create_task(observe())
    request = await raw.receive()
    raw.answer(request, b"1", observe=1)
    raw.notify(request, 2, b"2")
    raw.notify(request, 3, b"3")
    await observing
    await asyncio.sleep(0)

    assert order == [b"1", b"2", b"3"]


async def test_a_notification_that_overtakes_the_first_response_takes_its_place(
    observed: Observed, raw: RawPeer
) -> None:
    observing = observed.start()
    request = await raw.receive()
    raw.notify(request, 2, b"newer")
    raw.answer(request, b"older", observe=1)

    assert (await observing).payload == b"newer"
    assert observed.seen == []


async def test_the_answer_to_the_last_block_of_a_large_request_grants_the_observation(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    composite = Observed(endpoint, raw, request_to(code=FETCH, payload=bytes(1030)))
    observing = composite.start()
    first = await raw.receive()
    raw.answer(first, code=CONTINUE, block1=(0, True, 6), observe=1)
    last = await raw.receive()
    raw.answer(last, block1=(1, False, 6), observe=2)

    response = await observing
    assert response.token == last.token
    assert endpoint.observations.get(response.remote, last.token)
    assert not endpoint.observations.get(response.remote, first.token)


@pytest.mark.parametrize(
    ("code", "observe"),
    [
        pytest.param(CONTENT, None, id="not observable"),
        pytest.param(NOT_FOUND, None, id="error"),
        pytest.param(NOT_FOUND, 1, id="error with Observe"),
    ],
)
async def test_without_a_grant_there_is_no_observation(
    observed: Observed, raw: RawPeer, code: int, observe: int | None
) -> None:
    observing = observed.start()
    raw.answer(await raw.receive(), code=code, observe=observe)

    assert (await observing).code == code
    assert len(observed.endpoint.observations) == 0


@pytest.mark.usefixtures("impatient")
async def test_an_unanswered_request_observes_nothing(observed: Observed) -> None:
    with pytest.raises(NoAcknowledgement):
        await observed.start()

    assert len(observed.endpoint.observations) == 0


async def test_an_error_ends_the_observation_and_reaches_the_sink(
    established: Observed, raw: RawPeer
) -> None:
    raw.notify(established.request, None, b"gone", code=NOT_FOUND)

    await established.payloads(b"gone")
    assert established.seen[-1].code == NOT_FOUND
    assert len(established.endpoint.observations) == 0


async def test_a_duplicate_of_the_last_notification_is_acknowledged_again(
    established: Observed, raw: RawPeer
) -> None:
    last = raw.notify(established.request, None, b"gone", code=NOT_FOUND, mtype=CON)
    raw.transport.sendto(last.encode(), established.request.remote)

    answers = [await raw.receive(), await raw.receive()]

    assert [(answer.mtype, answer.mid) for answer in answers] == [(ACK, last.mid)] * 2


async def test_a_notification_with_an_unknown_critical_option_is_rejected(
    established: Observed, raw: RawPeer
) -> None:
    """RFC 7252 5.4.1."""
    notification = raw.notify(established.request, 11, b"value", mtype=CON, if_match=[b"1"])

    answer = await raw.receive()

    assert (answer.mtype, answer.mid) == (RST, notification.mid)
    assert b"value" not in [response.payload for response in established.seen]


async def test_a_notification_without_observe_ends_the_observation(
    established: Observed, raw: RawPeer
) -> None:
    raw.notify(established.request, None, b"last")

    await established.payloads(b"last")
    assert established.seen[-1].observe is None
    assert len(established.endpoint.observations) == 0


@pytest.mark.parametrize("mtype", [CON, NON])
async def test_the_next_notification_after_forgetting_is_rejected(
    established: Observed, raw: RawPeer, mtype: int
) -> None:
    assert established.forget()

    notification = raw.notify(established.request, 11, b"value", mtype=mtype)

    answer = await raw.receive()
    assert (answer.mtype, answer.mid) == (RST, notification.mid)
    assert established.seen == []


async def test_a_forgotten_notification_is_rejected_where_the_peer_has_moved_to(
    established: Observed, open_peer: Callable[..., Awaitable[RawPeer]]
) -> None:
    """It observes anew there, and would notify twice for good, of one slot too many."""
    elsewhere = await open_peer()
    established.forget()

    notification = elsewhere.send(
        established.request.remote,
        CONTENT,
        NON,
        token=established.request.token,
        observe=11,
    )

    answer = await elsewhere.receive()
    assert (answer.mtype, answer.mid) == (RST, notification.mid)


async def test_forgetting_twice_is_noticed(established: Observed) -> None:
    established.forget()

    assert not established.forget()


async def test_a_strange_confirmable_notification_is_rejected(
    established: Observed, raw: RawPeer
) -> None:
    notification = raw.send(established.request.remote, CONTENT, CON, token=b"strange", observe=1)

    answer = await raw.receive()
    assert (answer.mtype, answer.mid) == (RST, notification.mid)


async def test_a_strange_non_confirmable_notification_is_ignored(
    established: Observed, raw: RawPeer
) -> None:
    """The Reset is optional there, and makes some modems hang."""
    raw.send(established.request.remote, CONTENT, NON, token=b"strange", observe=1)

    assert await raw.receives_nothing()


async def test_a_late_acknowledgement_with_the_token_ends_no_observation(
    established: Observed, raw: RawPeer
) -> None:
    raw.answer(established.request, b"late")
    raw.notify(established.request, 11, b"value")

    assert await established.payloads(b"value") == [b"value"]


async def test_a_grant_that_arrives_as_the_request_is_cancelled_observes_nothing(
    observed: Observed, raw: RawPeer
) -> None:
    (transport,) = observed.endpoint._transports
    observing = observed.start()
    request = await raw.receive()
    grant = Message(code=CONTENT, _mtype=ACK, _mid=request.mid, _token=request.token, observe=1)

    observing.cancel()
    transport._receive(grant.encode(), observed.message.remote)
    await asyncio.wait([observing])

    assert observing.cancelled()
    assert len(observed.endpoint.observations) == 0


async def test_a_sink_that_fails_stops_no_notification(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest, observed: Observed
) -> None:
    def fail(_: Response) -> None:
        raise RuntimeError("sink")

    failing = asyncio.create_task(endpoint.observe(request_to("failing"), fail))
    request = await raw.receive()
    raw.answer(request, observe=1)
    await failing
    await observed.establish()

    raw.notify(request, 2)
    raw.notify(observed.request, 11, b"value")

    assert await observed.payloads(b"value") == [b"value"]
    assert endpoint.counters.sink_errors == 1


@pytest.mark.usefixtures("impatient")
async def test_notifications_go_on_after_an_unanswered_request(
    established: Observed, raw: RawPeer, request_to: MakeRequest
) -> None:
    with pytest.raises(NoAcknowledgement):
        await established.endpoint.request(request_to("unanswered"))

    raw.notify(established.request, 11, b"value")

    assert await established.payloads(b"value") == [b"value"]


async def test_an_observation_from_before_a_restart_can_be_put_back(
    endpoint: CoapEndpoint, raw: RawPeer, observed: Observed, request_to: MakeRequest
) -> None:
    request = request_to("3303", "0", observe=0)
    endpoint.observations.add(Observation(request.remote, b"kept", request, observed.sink))

    raw.send(endpoint_address(endpoint), CONTENT, NON, token=b"kept", payload=b"value", observe=5)

    assert await observed.payloads(b"value") == [b"value"]


def endpoint_address(endpoint: CoapEndpoint) -> tuple[str, int]:
    """Return host and port of the endpoint's one socket."""
    (transport,) = endpoint._transports
    return transport.host, transport.port


# Ending it actively (RFC 7641 3.6)


async def test_cancelling_repeats_the_request_with_observe_one(
    established: Observed, raw: RawPeer
) -> None:
    cancelling = asyncio.create_task(
        established.endpoint.cancel(established.response.remote, established.response.token)
    )
    request = await raw.receive()
    raw.answer(request, b"state")

    response = await cancelling
    assert (request.code, request.opt.uri_path) == (GET, ("3303", "0"))
    assert (request.opt.observe, request.token) == (1, established.request.token)
    assert response is not None
    assert response.payload == b"state"


async def test_cancelling_a_composite_observation_repeats_its_paths(
    endpoint: CoapEndpoint, raw: RawPeer, request_to: MakeRequest
) -> None:
    composite = Observed(endpoint, raw, request_to(code=FETCH, payload=b"paths"))
    await composite.establish()
    cancelling = asyncio.create_task(
        endpoint.cancel(composite.response.remote, composite.response.token)
    )

    request = await raw.receive()
    raw.answer(request)
    await cancelling

    assert (request.code, request.payload, request.opt.observe) == (FETCH, b"paths", 1)


async def test_a_notification_that_crosses_the_cancellation_is_not_its_answer(
    established: Observed, raw: RawPeer
) -> None:
    cancelling = asyncio.create_task(
        established.endpoint.cancel(established.response.remote, established.response.token)
    )
    request = await raw.receive()
    notification = raw.notify(established.request, 11, b"crossed", mtype=CON)
    acknowledgement = await raw.receive()
    raw.answer(request, b"state")

    response = await cancelling
    assert response is not None
    assert response.payload == b"state"
    assert (acknowledgement.mtype, acknowledgement.mid) == (ACK, notification.mid)
    assert established.seen == []


async def test_cancelling_what_is_not_observed_sends_nothing(
    established: Observed, raw: RawPeer
) -> None:
    remote = established.response.remote

    assert await established.endpoint.cancel(remote, b"other") is None
    assert await raw.receives_nothing()


# Notifications in blocks (RFC 7959 2.6)


async def test_a_notification_in_blocks_is_fetched_whole(
    established: Observed, raw: RawPeer
) -> None:
    raw.notify(established.request, 11, bytes(16), block2=(0, True, 0))
    request = await raw.receive()
    raw.answer(request, b"end", block2=(1, False, 0))

    assert await established.payloads(bytes(16) + b"end") == [bytes(16) + b"end"]
    assert (request.opt.observe, request.opt.block2) == (None, (1, False, 0))
    assert request.opt.uri_path == ("3303", "0")
    assert request.token != established.request.token
    assert established.seen[-1].observe == 11


async def test_the_last_block_alone_is_no_notification(established: Observed, raw: RawPeer) -> None:
    raw.notify(established.request, 11, b"end", block2=(1, False, 0))
    raw.notify(established.request, 12, b"next")

    assert await established.payloads(b"next") == [b"next"]


async def test_a_newer_notification_ends_the_fetching_of_an_older(
    established: Observed, raw: RawPeer
) -> None:
    raw.notify(established.request, 11, bytes(16), block2=(0, True, 0))
    old = await raw.receive()
    raw.notify(established.request, 12, b"newer")
    await established.payloads(b"newer")
    raw.answer(old, b"old", block2=(1, False, 0))
    raw.notify(established.request, 13, b"end")

    assert await established.payloads(b"end") == [b"newer", b"end"]
    assert established.endpoint.counters.lost_notifications == 1


async def test_a_notification_whose_blocks_fail_is_lost_and_the_next_is_not(
    established: Observed, raw: RawPeer
) -> None:
    raw.notify(established.request, 11, bytes(16), block2=(0, True, 0))
    raw.answer(await raw.receive(), code=NOT_FOUND)
    await until(lambda: established.endpoint.counters.lost_notifications == 1)

    raw.notify(established.request, 12, b"next")

    assert await established.payloads(b"next") == [b"next"]


async def test_a_first_response_in_blocks_is_fetched_whole(
    observed: Observed, raw: RawPeer
) -> None:
    observing = observed.start()
    request = await raw.receive()
    raw.answer(request, bytes(16), observe=1, block2=(0, True, 0))
    raw.notify(request, 2, b"behind")
    raw.answer(await raw.receive(), b"end", block2=(1, False, 0))

    response = await observing
    assert response.payload == bytes(16) + b"end"
    assert response.token == request.token
    assert await observed.payloads(b"behind") == [b"behind"]


async def test_notifications_held_behind_the_first_response_are_bounded(
    observed: Observed, raw: RawPeer
) -> None:
    observing = observed.start()
    request = await raw.receive()
    raw.answer(request, bytes(16), observe=1, block2=(0, True, 0))
    further = await raw.receive()
    for number in range(2, MAX_HELD + 4):
        raw.notify(request, number, b"%d" % number)
    raw.answer(further, b"end", block2=(1, False, 0))
    await observing

    payloads = await observed.payloads(b"%d" % (MAX_HELD + 3))
    assert payloads == [b"%d" % number for number in range(4, MAX_HELD + 4)]
    assert observed.endpoint.counters.lost_notifications == 2


async def test_nothing_held_back_reaches_the_sink_after_forgetting(
    observed: Observed, raw: RawPeer
) -> None:
    async def observe_and_forget() -> None:
        response = await observed.endpoint.observe(observed.message, observed.sink)
        observed.endpoint.forget(response.remote, response.token)

    observing = asyncio.create_task(observe_and_forget())
    request = await raw.receive()
    raw.answer(request, b"1", observe=1)
    raw.notify(request, 2, b"2")
    await observing
    await asyncio.sleep(0)

    assert observed.seen == []


async def test_a_first_response_that_cannot_be_fetched_observes_nothing(
    observed: Observed, raw: RawPeer
) -> None:
    observing = observed.start()
    raw.answer(await raw.receive(), bytes(16), observe=1, block2=(0, True, 0))
    raw.answer(await raw.receive(), code=NOT_FOUND)

    with pytest.raises(TransferFailed):
        await observing
    assert len(observed.endpoint.observations) == 0


@pytest.mark.usefixtures("impatient")
async def test_forgetting_ends_the_fetching_of_blocks(established: Observed, raw: RawPeer) -> None:
    raw.notify(established.request, 11, bytes(16), block2=(0, True, 0))
    request = await raw.receive()

    established.forget()

    assert await raw.receives_nothing(0.3)  # no retransmission
    raw.answer(request, b"end", block2=(1, False, 0))
    assert established.seen == []


async def test_a_notification_that_is_complete_as_the_endpoint_closes_reaches_no_sink(
    established: Observed, raw: RawPeer
) -> None:
    (transport,) = established.endpoint._transports
    raw.notify(established.request, 11, bytes(16), block2=(0, True, 0))
    request = await raw.receive()
    last = Message(
        code=CONTENT, _mtype=ACK, _mid=request.mid, _token=request.token, block2=(1, False, 0)
    )

    transport._receive(last.encode(), established.response.remote)
    await established.endpoint.close()

    assert established.seen == []


async def test_closing_ends_the_fetching_of_blocks(established: Observed, raw: RawPeer) -> None:
    raw.notify(established.request, 11, bytes(16), block2=(0, True, 0))
    await raw.receive()

    await established.endpoint.close()

    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert len(established.endpoint.observations) == 0
    assert established.seen == []
