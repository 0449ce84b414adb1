"""The Client Registration interface: how a board gets known to the server and stays so."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aiocoap import CHANGED, CREATED, DELETE, DELETED, POST, Message

from custom_components.lwm2m.protocol.codec import ContentFormat

from .coap import DeniedError, Endpoint, NoAnswerError, NoConnectionError
from .events import EventKind
from .links import register_links
from .management import Management
from .reporting import Observations
from .tcp import TcpEndpoint

if TYPE_CHECKING:
    from aiocoap.numbers.codes import Code

    from .board import Board
    from .settings import Settings

FAREWELL = 3.0
"""Seconds that a board waits for the answer to its Deregister before it goes anyway."""


class Client:
    """A LwM2M client of one server: registers, updates, sleeps, wakes, comes back.

    One task does it all, and sleeps on one timer.
    Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.2, Transport-V1_1_1 6.4.3 and 6.5.
    """

    def __init__(self, board: Board, server: tuple[str, int]) -> None:
        """Take the board that this is the client of; nothing is opened yet."""
        self.location: tuple[str, ...] | None = None
        """Where the registration is, None without one."""
        self.asleep = False
        self.coap = self._make_endpoint(board.settings)
        self.observations = Observations(
            self.coap, board.settings, board.events, board.attributes_of
        )
        self.behind: dict[str, Client] = {}
        """The clients that this one is the gateway of, by their prefixes."""
        self._management = Management(board)
        self._board = board
        self._settings = board.settings
        self._server = server
        self._emit = board.events.emit
        self._announced: tuple[int, str] | None = None
        self._stirred_at = 0.0
        self._wanted = asyncio.Event()
        self._waiting: list[asyncio.Future[Code]] = []
        self._rebooting = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the socket and begin to register."""
        await self.coap.open(self._server)
        self._begin_task()

    async def stop(self, *, deregister: bool) -> None:
        """End all, with or without Deregister, which a silent board cannot send anyway.

        Harmless when already stopped.
        """
        running = self._task is not None
        await self._end_task()
        if deregister and running and self.location is not None:
            self._wake_up()
            with suppress(NoAnswerError, TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    response = await self.coap.request(Message(code=DELETE, uri_path=self.location))
                    if response.code == DELETED:
                        self._emit(EventKind.DEREGISTERED)
        self.location = None
        self._forget_observations()
        self.coap.close()

    def trigger(self) -> None:
        """Update the registration soon; a sleeping board wakes up for it."""
        self._wanted.set()

    async def announce(self) -> Code:
        """Register or Update now, and return the code of the server's answer.

        Raises NoAnswerError; RuntimeError when the board is stopped or silent.
        """
        if self._task is None:
            raise RuntimeError(f"{self._board.endpoint} is not running")
        future: asyncio.Future[Code] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._wanted.set()
        return await future

    def reboot(self) -> None:
        """Begin anew soon: another socket, no observations, a Register."""
        self._rebooting = True
        self._wanted.set()

    async def move(self) -> None:
        """Continue from another port, as behind a NAT that forgot the old one."""
        await self.coap.move()

    def sleep(self) -> None:
        """Switch the radio off until the next Update is due."""
        self.asleep = self.coap.muted = True
        self.coap.abandon()
        self._emit(EventKind.ASLEEP)

    async def silence(self) -> None:
        """Say and hear nothing any more, as with a flat battery."""
        await self._end_task()
        self.coap.muted = True
        self.coap.abandon()

    async def resume(self) -> Code:
        """End a silence with an Update, or a Register where the server knows it no longer."""
        self._begin_task()
        return await self.announce()

    async def _live(self) -> None:
        while True:
            self._wanted.clear()
            self._wake_up()
            waiting, self._waiting = self._waiting, []
            delay: float | None = None
            try:
                if self._rebooting:
                    await self._reboot()
                code = await self._register_or_update()
            except (NoAnswerError, OSError) as error:
                # A server that takes no connection may come back, and know the board still.
                lost = isinstance(error, NoConnectionError)
                delay = self._settings.retry if lost else None
                self.location = self.location if lost else None
                denied = error if isinstance(error, DeniedError) else None
                self._emit(EventKind.REFUSED if denied else EventKind.UNANSWERED, value=denied)
                for future in waiting:
                    if not future.done():
                        future.set_exception(error)
            else:
                for future in waiting:
                    if not future.done():
                        future.set_result(code)
                for client in (self, *self.behind.values()):
                    client.observations.flush()
            finally:
                for future in waiting:
                    future.cancel()
            await self._rest(delay)

    async def _register_or_update(self) -> Code:
        if self.location is not None:
            code = await self._update(self.location)
            if code == CHANGED:
                return code
            # 4.04 is what a server answers that has lost or expired the registration; whatever
            # else it answers, this registration is no use.
            self.location = None
        return await self._register()

    async def _register(self) -> Code:
        self._forget_observations()
        board, settings = self._board, self._settings
        lifetime, links = board.lifetime, register_links(board)
        response = await self.coap.request(
            Message(
                code=POST,
                uri_path=("rd",),
                uri_query=settings.query or self._query(lifetime),
                content_format=ContentFormat.LINK_FORMAT,
                payload=links.encode(),
            )
        )
        if response.code == CREATED:
            self.location = response.opt.location_path
            self._announced = lifetime, links
            self._emit(EventKind.REGISTERED, value=self._board.location)
        else:
            self._emit(EventKind.REFUSED, value=response.code)
        return response.code

    def _query(self, lifetime: int) -> tuple[str, ...]:
        """Return the parameters of Register (OMA-TS-LightweightM2M_Core-V1_1_1 6.2.1)."""
        settings = self._settings
        query = [f"ep={self._board.endpoint}", f"lt={lifetime}", f"lwm2m={settings.version}"]
        query.append(f"b={settings.binding}")
        if settings.queue_mode and settings.version != "1.0":
            query.append("Q")
        return (*query, *(f"{name}={value}" for name, value in settings.attributes.items()))

    async def _update(self, location: tuple[str, ...]) -> Code:
        """Send what has changed since the last time (OMA-TS-LightweightM2M_Core-V1_1_1 6.2.2)."""
        lifetime, links = self._board.lifetime, register_links(self._board)
        announced_lifetime, announced_links = self._announced or (None, None)
        request = Message(code=POST, uri_path=location)
        if lifetime != announced_lifetime:
            request.opt.uri_query = (f"lt={lifetime}",)
        if links != announced_links:
            request.opt.content_format = ContentFormat.LINK_FORMAT
            request.payload = links.encode()
        response = await self.coap.request(request)
        if response.code == CHANGED:
            self._announced = lifetime, links
            self._emit(EventKind.UPDATED)
        else:
            self._emit(EventKind.REFUSED, value=response.code)
        return response.code

    async def _reboot(self) -> None:
        self._rebooting = False
        self.location = None
        self._emit(EventKind.REBOOTED)
        self.coap.close()
        await self.coap.open(self._server)

    async def _rest(self, delay: float | None) -> None:
        """Wait until the next Update or Register is due or wanted; in queue mode, fall asleep.

        With a `delay` it is due after as many seconds, and not before.
        """
        if delay is not None:
            await asyncio.sleep(delay)
            return
        loop = asyncio.get_running_loop()
        registered = self.location is not None
        settings = self._settings
        due = loop.time() + (
            self._board.lifetime * settings.update_after if registered else settings.retry
        )
        while not self._wanted.is_set():
            deadline = due
            if settings.queue_mode and registered and not self.asleep:
                deadline = min(due, self._stirred_at + settings.awake_time)
            if loop.time() >= due:
                return
            if loop.time() >= deadline:
                self.sleep()
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await self._wanted.wait()

    def _wake_up(self) -> None:
        if self.asleep:
            self.asleep = False
            self._emit(EventKind.AWAKE)
        self.coap.muted = False

    def _begin_task(self) -> None:
        self._task = asyncio.create_task(self._live(), name=f"board {self._board.endpoint}")

    async def _end_task(self) -> None:
        """End the task and whoever waits for it."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        for future in self._waiting:
            future.cancel()
        self._waiting.clear()

    def _make_endpoint(self, settings: Settings) -> Endpoint | TcpEndpoint:
        if settings.tcp:
            return TcpEndpoint(self.answer, self._stirred, self._disconnected, settings.psk)
        return Endpoint(self.answer, self._stirred, settings.ack_timeout, settings.psk)

    def _disconnected(self) -> None:
        """Come back over another connection, to be reachable at any time."""
        self._forget_observations()
        if self._task is not None and not self.asleep:
            self.trigger()

    def _forget_observations(self) -> None:
        for client in (self, *self.behind.values()):
            client.observations.clear()

    def _stirred(self) -> None:
        self._stirred_at = asyncio.get_running_loop().time()

    def answer(self, request: Message) -> Message:
        """Answer a request of the server, or have the client do so that it is for."""
        for prefix in request.opt.uri_path[:1]:
            if client := self.behind.get(prefix):
                return client.answer(request)
        return self._management.answer(request, self.observations)
