"""Requests that wait for a client that sleeps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiocoap import CHANGED, CON, CONTENT, DELETE, GET, NOT_FOUND, POST, UNSUPPORTED_CONTENT_FORMAT
import pytest

from custom_components.lwm2m.protocol.attributes import Attributes
from custom_components.lwm2m.protocol.errors import (
    ClientTimeout,
    NotRegistered,
    QueueFull,
    RegistrationEnded,
    Superseded,
    ValueMisfit,
)
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.queue_mode import MAX_WAITING
from custom_components.lwm2m.protocol.server import LwM2mServer, Presence

from .conftest import PATIENCE, Impatient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from custom_components.lwm2m.protocol.client import Client
    from custom_components.lwm2m.protocol.node import Values

    from .conftest import Device, MakeDevice, MakeServer

type MakeSleeper = Callable[..., Awaitable[Sleeper]]

LINKS = b"</>;ct=11542,</1/0>,</3/0>,</3311/0>,</3311/1>"
ON_OFF = Path(3311, 0, 5850)
DIMMER = Path(3311, 0, 5851)
REBOOT = Path(3, 0, 4)
APPLICATION_TYPE = Path(3311, 0, 5750)


class Sleeper:
    """A server and a device in queue mode that says when it is awake."""

    def __init__(self, server: LwM2mServer, device: Device, tasks: list[asyncio.Task[Any]]) -> None:
        self.server = server
        self.device = device
        self.location = ""
        self.tasks = tasks
        self._presence: asyncio.Queue[Presence] = asyncio.Queue()
        server.subscribe(self._take)

    def _take(self, event: object) -> None:
        if isinstance(event, Presence):
            self._presence.put_nowait(event)

    @property
    def client(self) -> Client:
        return self.server.client("dev")

    async def register(self) -> None:
        self.location = await self.device.register("dev", "lwm2m=1.1", "Q", payload=LINKS)

    async def wake(self) -> None:
        await self.device.update(self.location)

    async def until(self, *, awake: bool, waiting: int = 0) -> Presence:
        """Wait for an event that says so."""
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self._presence.get()
                if (event.awake, event.waiting) == (awake, waiting):
                    return event

    def drain(self) -> list[Presence]:
        """Take the events that no test has taken yet."""
        return [self._presence.get_nowait() for _ in range(self._presence.qsize())]

    async def ask(self, operation: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin an operation of the server, as far as it goes without the device."""
        task = asyncio.create_task(operation)
        self.tasks.append(task)
        await asyncio.sleep(0)
        return task

    async def write(self, path: Path, value: Any) -> asyncio.Task[Any]:
        return await self.ask(self.client.write(path, {path: value}, replace=True))

    async def answer(self, code: Any = CHANGED, payload: bytes = b"", **options: Any) -> str:
        """Answer the next request and say what it was."""
        request = await self.device.next_request()
        self.device.reply(request, code, payload, **options)
        return f"{request.code.dotted} /{'/'.join(request.opt.uri_path)} {request.payload.hex()}"


@pytest.fixture
async def make_sleeper(
    make_server: MakeServer, make_device: MakeDevice
) -> AsyncIterator[MakeSleeper]:
    """Register devices in queue mode, each with a server of its own."""
    tasks: list[asyncio.Task[Any]] = []

    async def make(**options: Any) -> Sleeper:
        server = await make_server(**options)
        sleeper = Sleeper(server, await make_device(server), tasks)
        await sleeper.register()
        return sleeper

    yield make
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def sleeper(make_sleeper: MakeSleeper) -> Sleeper:
    """A device that has just fallen asleep, as the server knows."""
    sleeper = await make_sleeper(awake_time=0.02)
    await sleeper.until(awake=False)
    return sleeper


@pytest.fixture
async def awake(make_sleeper: MakeSleeper) -> Sleeper:
    """A device that the server takes for awake."""
    return await make_sleeper()


@pytest.fixture
async def unheard(make_sleeper: MakeSleeper) -> Sleeper:
    """A device that the server takes for awake, and soon not any more when it keeps silent."""
    return await make_sleeper(tuning=Impatient())


# Awake and asleep


async def test_a_client_that_has_just_registered_is_awake(awake: Sleeper) -> None:
    """Register is a message like any other."""
    assert awake.client.awake


async def test_a_client_falls_asleep_when_nothing_is_heard_of_it(sleeper: Sleeper) -> None:
    """The fixture has seen the event."""
    assert not sleeper.client.awake


async def test_a_client_without_queue_mode_never_sleeps(
    sleeper: Sleeper, make_device: MakeDevice
) -> None:
    """The window has gone by once another client, that was heard later, sleeps."""
    await (await make_device(sleeper.server)).register("other")
    await sleeper.wake()
    await sleeper.until(awake=False)
    assert sleeper.server.client("other").awake


async def test_the_window_begins_anew_with_each_message(make_sleeper: MakeSleeper) -> None:
    """It sleeps that long after the last message, not after the first."""
    sleeper = await make_sleeper(awake_time=0.1)
    loop = asyncio.get_running_loop()
    registered_at = loop.time()
    while loop.time() < registered_at + 0.08:
        heard_at = loop.time()
        await sleeper.wake()
    await sleeper.until(awake=False)
    assert loop.time() >= heard_at + 0.1


async def test_an_update_wakes_the_client(sleeper: Sleeper) -> None:
    """The specification's own way to say so."""
    await sleeper.wake()
    await sleeper.until(awake=True)


async def test_a_client_that_wakes_up_is_told_of_once(make_sleeper: MakeSleeper) -> None:
    sleeper = await make_sleeper(awake_time=PATIENCE)
    sleeper.client.disconnected()
    await sleeper.until(awake=False)

    for _ in range(3):
        await sleeper.wake()

    told = sleeper.drain()
    assert [event.awake for event in told] == [True]


async def test_a_send_wakes_the_client(sleeper: Sleeper) -> None:
    """Who sends is awake."""
    payload = b'[{"n":"/3311/0/5851","v":40}]'
    await sleeper.device.request(POST, "dp", content_format=110, payload=payload)
    await sleeper.until(awake=True)


async def test_a_request_that_is_refused_wakes_the_client(sleeper: Sleeper) -> None:
    """What it asked for is of no matter."""
    await sleeper.device.request(GET, "nowhere")
    await sleeper.until(awake=True)


async def test_a_notification_wakes_the_client(sleeper: Sleeper) -> None:
    """Who notifies is awake, without a registration update."""
    await sleeper.wake()
    observing = await sleeper.ask(sleeper.client.observe(DIMMER, lambda decoded: None))
    request = await sleeper.device.next_request()
    sleeper.device.reply(request, CONTENT, b"40", content_format=0, observe=1)
    await observing
    await sleeper.until(awake=False)
    sleeper.device.notify(request, CONTENT, b"41", content_format=0, observe=2)
    await sleeper.until(awake=True)


async def test_a_strangers_message_wakes_nobody(sleeper: Sleeper, make_device: MakeDevice) -> None:
    """Only its own address tells a client."""
    stranger = await make_device(sleeper.server)
    await stranger.request(GET, "nowhere")
    assert not sleeper.client.awake


async def test_a_client_stays_awake_while_it_is_waited_for(make_sleeper: MakeSleeper) -> None:
    """An acknowledged request may take longer than the window."""
    sleeper = await make_sleeper(awake_time=0.02)
    writing = await sleeper.write(DIMMER, 40)
    request = await sleeper.device.next_request()
    sleeper.device.acknowledge(request)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.06):
            await sleeper.until(awake=False)
    sleeper.device.notify(request, CHANGED, mtype=CON)
    await writing


async def test_a_client_that_leaves_queue_mode_is_awake(make_sleeper: MakeSleeper) -> None:
    """LwM2M 1.0 says so with its binding; what waits is sent."""
    sleeper = await make_sleeper(awake_time=0.02)
    sleeper.location = await sleeper.device.register("dev", "b=UQ", payload=LINKS)
    await sleeper.until(awake=False)
    writing = await sleeper.write(DIMMER, 40)
    await sleeper.device.update(sleeper.location, "b=U")
    await sleeper.answer()
    await writing
    assert sleeper.client.awake


# Waiting


async def test_nothing_is_sent_to_a_sleeping_client(sleeper: Sleeper) -> None:
    """It would not hear it."""
    await sleeper.write(DIMMER, 40)
    await sleeper.until(awake=False, waiting=1)
    assert sleeper.device.requests.empty()


async def test_what_waits_is_sent_in_order_when_the_client_wakes_up(sleeper: Sleeper) -> None:
    """Each once the one before is answered."""
    await sleeper.write(DIMMER, 40)
    await sleeper.ask(sleeper.client.execute(REBOOT))
    await sleeper.write(ON_OFF, True)
    await sleeper.wake()
    answered = [await sleeper.answer() for _ in range(3)]
    assert [text.split()[1] for text in answered] == ["/3311/0/5851", "/3/0/4", "/3311/0/5850"]
    await asyncio.gather(*sleeper.tasks)


async def test_the_update_is_answered_before_what_waits_is_sent(sleeper: Sleeper) -> None:
    """A client may ignore requests before."""
    await sleeper.write(DIMMER, 40)
    sleeper.device.log.clear()
    await sleeper.wake()
    await sleeper.answer()
    first, second = sleeper.device.log
    assert first.code == CHANGED
    assert second.code.is_request()


async def test_the_next_waits_for_the_answer_to_the_one_before(awake: Sleeper) -> None:
    """An acknowledgement is not enough: the client may still be at it."""
    await awake.write(DIMMER, 40)
    await awake.write(ON_OFF, True)
    request = await awake.device.next_request()
    awake.device.acknowledge(request)
    await awake.device.request(GET, "nowhere")
    assert awake.device.requests.empty()
    awake.device.notify(request, CHANGED, mtype=CON)
    assert (await awake.answer()).startswith("0.03 /3311/0/5850")


async def test_a_format_that_is_refused_lets_no_other_write_in_between(awake: Sleeper) -> None:
    """A write with all its attempts is one operation."""
    await awake.write(APPLICATION_TYPE, "one")
    await awake.write(ON_OFF, True)
    first = await awake.answer(UNSUPPORTED_CONTENT_FORMAT)
    second = await awake.answer()
    assert first.split()[1] == second.split()[1] == "/3311/0/5750"


async def test_a_format_that_is_refused_lets_nothing_in_between_composites(awake: Sleeper) -> None:
    """As for a single write."""
    await awake.ask(awake.client.read_composite([DIMMER, ON_OFF]))
    await awake.write(ON_OFF, True)
    answered = [await awake.answer(UNSUPPORTED_CONTENT_FORMAT), await awake.answer(NOT_FOUND)]
    assert [text.split()[:2] for text in answered] == [["0.05", "/"], ["0.05", "/"]]


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        (lambda client: client.create(Path(3311, 7), {5850: True}), "0.02 /3311"),
        (lambda client: client.delete(Path(3311, 1)), "0.04 /3311/1"),
        (lambda client: client.write_attributes(DIMMER, Attributes(pmin=1)), "0.03 /3311/0/5851"),
        (lambda client: client.write_composite({DIMMER: 40}), "0.07 /"),
        (lambda client: client.read_composite([DIMMER]), "0.05 /"),
        (lambda client: client.observe_composite([DIMMER], print), "0.05 /"),
    ],
    ids=[
        "create",
        "delete",
        "attributes",
        "write composite",
        "read composite",
        "observe composite",
    ],
)
async def test_each_operation_waits(
    sleeper: Sleeper, operation: Callable[[Client], Coroutine[Any, Any, Any]], asked: str
) -> None:
    """Until the client wakes up."""
    await sleeper.ask(operation(sleeper.client))
    await sleeper.until(awake=False, waiting=1)
    assert sleeper.device.requests.empty()
    await sleeper.wake()
    assert (await sleeper.answer()).startswith(f"{asked} ")


async def test_a_composite_write_takes_the_place_of_what_it_writes_again(sleeper: Sleeper) -> None:
    """And leaves what writes more."""
    replaced = await sleeper.write(DIMMER, 40)
    kept = await sleeper.ask(sleeper.client.write_composite({DIMMER: 50, APPLICATION_TYPE: "x"}))
    await sleeper.ask(sleeper.client.write_composite({DIMMER: 60, ON_OFF: True}))
    with pytest.raises(Superseded):
        await replaced
    assert not kept.done()


async def test_an_instance_that_does_not_fit_is_refused_at_once(sleeper: Sleeper) -> None:
    """Not when the client wakes up."""
    with pytest.raises(ValueMisfit):
        await sleeper.client.create(Path(3311), {5851: "bright"})


async def test_a_write_without_acknowledgement_is_kept_for_the_next_time(unheard: Sleeper) -> None:
    """The client had fallen asleep earlier than it should."""
    writing = await unheard.write(DIMMER, 40)
    await unheard.until(awake=False, waiting=1)
    while not unheard.device.requests.empty():
        unheard.device.requests.get_nowait()
    await unheard.wake()
    await unheard.answer()
    await writing


async def test_a_write_that_is_acknowledged_and_never_answered_is_not_repeated(
    make_sleeper: MakeSleeper,
) -> None:
    """It got there, and may have been done."""
    sleeper = await make_sleeper(request_timeout=0.05)
    writing = await sleeper.write(DIMMER, 40)
    sleeper.device.acknowledge(await sleeper.device.next_request())
    with pytest.raises(ClientTimeout):
        await writing


async def test_what_waits_is_sent_to_where_the_client_wakes_up(
    sleeper: Sleeper, make_device: MakeDevice
) -> None:
    """Behind a NAT it is another port after each sleep."""
    writing = await sleeper.write(DIMMER, 40)
    sleeper.device = await make_device(sleeper.server)
    await sleeper.wake()
    await sleeper.answer()
    await writing


async def test_what_is_under_way_follows_the_client(
    awake: Sleeper, make_device: MakeDevice
) -> None:
    """A write that went to its former address is sent again."""
    writing = await awake.write(DIMMER, 40)
    await awake.device.next_request()
    awake.device = await make_device(awake.server)
    await awake.wake()
    await awake.answer()
    await writing


async def test_the_number_of_waiting_operations_is_told(sleeper: Sleeper) -> None:
    """Up as they come, down as they are done."""
    await sleeper.write(DIMMER, 40)
    await sleeper.until(awake=False, waiting=1)
    await sleeper.write(ON_OFF, True)
    await sleeper.until(awake=False, waiting=2)
    await sleeper.wake()
    await sleeper.until(awake=True, waiting=1)
    await sleeper.answer()
    await sleeper.answer()
    await asyncio.gather(*sleeper.tasks)
    assert sleeper.client.waiting == 0


async def test_giving_up_takes_an_operation_out_of_the_queue(sleeper: Sleeper) -> None:
    """The next takes its place."""
    (await sleeper.write(DIMMER, 40)).cancel()
    writing = await sleeper.write(ON_OFF, True)
    await sleeper.wake()
    assert (await sleeper.answer()).startswith("0.03 /3311/0/5850")
    await writing


async def test_an_error_of_one_operation_leaves_the_next(sleeper: Sleeper) -> None:
    """The client refuses the first only."""
    first = await sleeper.write(DIMMER, 40)
    second = await sleeper.write(ON_OFF, True)
    await sleeper.wake()
    await sleeper.answer(NOT_FOUND)
    await sleeper.answer()
    await asyncio.wait([first, second])
    assert (first.exception() is None, second.exception()) == (False, None)


async def test_a_misfit_is_told_at_once(sleeper: Sleeper) -> None:
    """Whoever wrote it should not hear of it hours later."""
    writing = await sleeper.write(DIMMER, "bright")
    assert isinstance(writing.exception(), ValueMisfit)


async def test_an_actively_cancelled_observation_is_over_at_once(sleeper: Sleeper) -> None:
    """The client is told when it wakes up; till then its notifications go nowhere."""
    seen: list[object] = []
    await sleeper.wake()
    observing = await sleeper.ask(sleeper.client.observe(DIMMER, seen.append))
    request = await sleeper.device.next_request()
    sleeper.device.reply(request, CONTENT, b"40", content_format=0, observe=1)
    observation = await observing
    await sleeper.until(awake=False)
    cancelling = await sleeper.ask(observation.cancel_actively())
    sleeper.device.notify(request, CONTENT, b"41", content_format=0, observe=2)
    await sleeper.answer(CONTENT, b"41", content_format=0)
    await cancelling
    assert seen == []


# Replacing and dropping


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ((DIMMER, {DIMMER: 10}, True), (DIMMER, {DIMMER: 20}, True)),
        ((DIMMER, {DIMMER: 10}, True), (DIMMER.instance, {DIMMER: 20, ON_OFF: True}, False)),
        (
            (Path(3, 0, 6), {Path(3, 0, 6): {1: 5}}, False),
            (Path(3, 0, 6), {Path(3, 0, 6): {0: 1}}, True),
        ),
    ],
    ids=["resource", "instance", "multiple resource"],
)
async def test_the_newest_write_replaces_one_that_waits(
    sleeper: Sleeper, older: tuple[Path, Values, bool], newer: tuple[Path, Values, bool]
) -> None:
    """All that the older would have written is written by the newer."""
    first = await sleeper.ask(sleeper.client.write(older[0], older[1], replace=older[2]))
    await sleeper.ask(sleeper.client.write(newer[0], newer[1], replace=newer[2]))
    await asyncio.wait([first])
    assert isinstance(first.exception(), Superseded)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ((DIMMER, {DIMMER: 10}, True), (ON_OFF, {ON_OFF: True}, True)),
        ((DIMMER.instance, {DIMMER: 20, ON_OFF: True}, False), (DIMMER, {DIMMER: 10}, True)),
        (
            (Path(3, 0, 6), {Path(3, 0, 6): {1: 5}}, False),
            (Path(3, 0, 6), {Path(3, 0, 6): {0: 1}}, False),
        ),
    ],
    ids=["another resource", "more resources", "another resource instance"],
)
async def test_a_write_of_something_else_is_kept(
    sleeper: Sleeper, older: tuple[Path, Values, bool], newer: tuple[Path, Values, bool]
) -> None:
    """The newer does not write all that the older would."""
    await sleeper.ask(sleeper.client.write(older[0], older[1], replace=older[2]))
    await sleeper.ask(sleeper.client.write(newer[0], newer[1], replace=newer[2]))
    assert sleeper.client.waiting == 2


async def test_a_replaced_write_is_not_sent(sleeper: Sleeper) -> None:
    """The client sees the newest value only."""
    await sleeper.write(DIMMER, 10)
    await sleeper.write(DIMMER, 20)
    await sleeper.wake()
    assert (await sleeper.answer()).endswith("14")
    await asyncio.wait(sleeper.tasks)
    assert sleeper.device.requests.empty()


async def test_a_write_under_way_is_not_replaced(awake: Sleeper) -> None:
    """It cannot be taken back; the newer follows."""
    await awake.write(DIMMER, 10)
    await awake.write(DIMMER, 20)
    assert [(await awake.answer())[-2:], (await awake.answer())[-2:]] == ["0a", "14"]


async def test_an_unacknowledged_write_can_be_replaced(unheard: Sleeper) -> None:
    """It waits like all others."""
    first = await unheard.write(DIMMER, 10)
    await unheard.until(awake=False, waiting=1)
    while not unheard.device.requests.empty():
        unheard.device.requests.get_nowait()
    second = await unheard.write(DIMMER, 20)
    await asyncio.wait([first])
    assert isinstance(first.exception(), Superseded)
    await unheard.wake()
    assert (await unheard.answer()).endswith("14")
    await second


async def test_an_execute_is_never_replaced(sleeper: Sleeper) -> None:
    """Twice is not once."""
    await sleeper.ask(sleeper.client.execute(REBOOT))
    await sleeper.ask(sleeper.client.execute(REBOOT))
    assert sleeper.client.waiting == 2


async def test_no_more_operations_wait_than_a_limit(sleeper: Sleeper) -> None:
    """The next is told at once."""
    for _ in range(MAX_WAITING):
        await sleeper.ask(sleeper.client.execute(REBOOT))
    with pytest.raises(QueueFull):
        await sleeper.client.execute(REBOOT)


async def test_deregistering_drops_what_waits(sleeper: Sleeper) -> None:
    """With an error that says why."""
    writing = await sleeper.write(DIMMER, 10)
    await sleeper.device.request(DELETE, "rd", sleeper.location)
    with pytest.raises(RegistrationEnded):
        await writing


async def test_registering_anew_drops_what_waits(sleeper: Sleeper) -> None:
    """The client has forgotten what it was: whoever wants it may ask again."""
    writing = await sleeper.write(DIMMER, 10)
    await sleeper.register()
    with pytest.raises(RegistrationEnded):
        await writing


async def test_expiring_drops_what_waits(make_sleeper: MakeSleeper) -> None:
    """A client that never came back."""
    sleeper = await make_sleeper(awake_time=0.02, lifetime_grace=-0.9)
    await sleeper.device.register("dev", "lwm2m=1.1", "Q", "lt=1", payload=LINKS)
    await sleeper.until(awake=False)
    with pytest.raises(RegistrationEnded):
        await (await sleeper.write(DIMMER, 10))


async def test_stopping_the_server_drops_what_waits(sleeper: Sleeper) -> None:
    """Nothing goes on in a stopped server."""
    writing = await sleeper.write(DIMMER, 10)
    await sleeper.server.stop()
    with pytest.raises(NotRegistered):
        await writing


# The owner's word


async def test_owner_says_how_long_the_device_is_awake(make_sleeper: MakeSleeper) -> None:
    sleeper = await make_sleeper()
    sleeper.client.set_sleep(queue_mode=None, awake_time=0.01)
    assert await sleeper.until(awake=False)


async def test_owner_says_that_the_device_is_always_awake(make_sleeper: MakeSleeper) -> None:
    sleeper = await make_sleeper(awake_time=0.01)
    await sleeper.until(awake=False)
    sleeper.client.set_sleep(queue_mode=False, awake_time=None)
    await sleeper.until(awake=True)
    await sleeper.wake()
    assert not sleeper.client.queue_mode


async def test_owner_says_that_the_device_sleeps(
    make_server: MakeServer, make_device: MakeDevice
) -> None:
    server = await make_server(awake_time=0.01)
    sleeper = Sleeper(server, await make_device(server), [])
    sleeper.location = await sleeper.device.register("dev", "lwm2m=1.1", payload=LINKS)
    sleeper.client.set_sleep(queue_mode=True, awake_time=None)
    assert await sleeper.until(awake=False)
