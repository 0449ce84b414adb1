"""Queue mode: the requests that wait for a client that sleeps.

Source: OMA-TS-LightweightM2M_Transport-V1_1_1 6.5. A client in queue mode is awake for some time
after its last message, and then need not listen until it sends the next. The server keeps its
requests meanwhile, sends them one after the other once the client is heard again, and keeps what
was not acknowledged for the time after.

Where the texts leave room:

- How long it stays awake is the client's own affair. MAX_TRANSMIT_WAIT is what the specification
  recommends, and what Leshan counts on by default. No version gives the client a parameter to
  state another time with (the tables of Core-V1_1_1 and Core-V1_2_2 6.2.1): one that falls asleep
  earlier is found out by the request that it does not acknowledge.
- Every message of the client restarts that time, responses and notifications included
  (leshan#712). What cannot be told to be of the client, such as a notification of no observation,
  does not.
- Waiting requests belong to the registration and end with it. A client that comes back from
  another address with an Update is sent them there.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ClientError, QueueFull, Superseded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .node import Values
    from .path import Path

AWAKE_TIME = 93.0
"""Seconds: MAX_TRANSMIT_WAIT (RFC 7252 4.8.2)."""
MAX_WAITING = 100
"""Operations that one client can have waiting."""


@dataclass(slots=True, eq=False)
class _Turn:
    """One operation's place in the queue; `granted` holds None, or why it never will be."""

    root: str
    path: Path
    written: frozenset[Path]
    granted: asyncio.Future[ClientError | None]


class RequestQueue:
    """The operations on one client and those behind it, one at a time, and only while it is awake.

    What is behind a gateway differs in the alternate path, `root`.

    Without queue mode it lets everything pass: the client is always awake.
    """

    def __init__(self, endpoint: str, awake_time: float, on_change: Callable[[], None]) -> None:
        """Make the queue of a client that was just heard, without queue mode.

        `awake_time` is in seconds. `on_change` is called soon after `awake` or `waiting` changed,
        once for all changes of one turn of the event loop.
        """
        self.awake = True
        self._endpoint = endpoint
        self._awake_time = awake_time
        self._on_change = on_change
        self._queue_mode = False
        self._closed = False
        self._turns: list[_Turn] = []
        self._holder: asyncio.Task[object] | None = None
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._change: asyncio.Handle | None = None
        self._told = (True, 0)

    @property
    def queue_mode(self) -> bool:
        """Whether the client may sleep."""
        return self._queue_mode

    @queue_mode.setter
    def queue_mode(self, value: bool) -> None:
        if value != self._queue_mode:
            self._queue_mode = value
            self._stop_timer()
            if value:
                self.heard()
                self._await_sleep()
            else:
                self._set_awake(True)

    @property
    def awake_time(self) -> float:
        """How many seconds after its last message the client falls asleep."""
        return self._awake_time

    @awake_time.setter
    def awake_time(self, value: float) -> None:
        if value != self._awake_time:
            self._awake_time = value
            if self._timer is not None:
                self._stop_timer()
                self._await_sleep()

    @property
    def waiting(self) -> int:
        """How many operations wait for the client to be awake, or for one before them."""
        under_way = bool(self._turns) and self._turns[0].granted.done()
        return len(self._turns) - under_way

    @property
    def may_wait(self) -> bool:
        """Whether the current task holds the turn, and the client may sleep."""
        return self._queue_mode and self._holder is asyncio.current_task()

    def heard(self) -> None:
        """Take note of a message of the client: it is awake for some more time."""
        if not self._queue_mode or self._closed:
            return
        self._heard_at = self._loop.time()
        if not self.awake:
            self._set_awake(True)
            self._await_sleep()

    def sleep(self) -> None:
        """Take the client for asleep, as one is that does not acknowledge, until it is heard."""
        if self._queue_mode:
            self._stop_timer()
            self._set_awake(False)

    @asynccontextmanager
    async def turn(
        self, path: Path, written: frozenset[Path] = frozenset(), *, root: str = ""
    ) -> AsyncIterator[None]:
        """Hold the queue's turn, within which a task may ask for it again.

        An operation that is about to write `written`, resources or instances of them, takes the
        place of those still waiting that write nothing else: they fail with Superseded. So a
        newer write is never overtaken by an older one. QueueFull, at once; what `close` is given.
        """
        if self._holder is not None and self._holder is asyncio.current_task():
            yield
            return
        if not self._queue_mode and not self._turns:
            yield
            return
        turn = self._line_up(root, path, written)
        try:
            await self._granted(turn)
            self._holder = asyncio.current_task()
            yield
        finally:
            if turn in self._turns:
                if self._turns[0] is turn:
                    self._holder = None
                self._turns.remove(turn)
                self._advance()

    async def turn_again(self) -> None:
        """Wait, with the turn held, until the client is heard once more.

        Superseded; what `close` is given.
        """
        turn = self._turns[0]
        turn.granted = self._loop.create_future()
        self._advance()
        await self._granted(turn)

    def drop(self, root: str, reason: Callable[[Path], ClientError]) -> None:
        """End what waits for one alternate path, as `close` does."""
        for turn in [turn for turn in self._turns if turn.root == root]:
            self._dismiss(turn, reason(turn.path))

    def close(self, reason: Callable[[Path], ClientError]) -> None:
        """End all that waits, with the reason that is made for its path."""
        self._closed = True
        self._stop_timer()
        for turn in tuple(self._turns):
            self._dismiss(turn, reason(turn.path))
        if self._change is not None:
            self._change.cancel()

    def _line_up(self, root: str, path: Path, written: frozenset[Path]) -> _Turn:
        if written:
            for older in tuple(self._turns):
                if (
                    older.root == root
                    and older.written
                    and all(
                        any(newer.covers(target) for newer in written) for target in older.written
                    )
                ):
                    self._dismiss(older, Superseded(self._endpoint, older.path))
        if self.waiting >= MAX_WAITING:
            raise QueueFull(self._endpoint, path)
        turn = _Turn(root, path, written, self._loop.create_future())
        self._turns.append(turn)
        self._advance()
        return turn

    def _dismiss(self, turn: _Turn, reason: ClientError) -> None:
        """Let an operation fail that still waits; one that is under way stays."""
        if not turn.granted.done():
            turn.granted.set_result(reason)
            if self._turns[0] is turn:
                self._holder = None
            self._turns.remove(turn)
            self._has_changed()

    async def _granted(self, turn: _Turn) -> None:
        if reason := await turn.granted:
            raise reason

    def _advance(self) -> None:
        """Let the first operation go, if it may."""
        if self.awake and self._turns and not self._turns[0].granted.done():
            self._turns[0].granted.set_result(None)
        self._has_changed()

    def _set_awake(self, awake: bool) -> None:
        if awake != self.awake:
            self.awake = awake
            self._advance()

    def _await_sleep(self) -> None:
        self._timer = self._loop.call_at(self._heard_at + self._awake_time, self._fall_asleep)

    def _fall_asleep(self) -> None:
        """Sleep, unless the client was heard meanwhile or is being talked to.

        One timer serves all messages of an awake time: moving it for each would cost more.
        """
        self._timer = None
        if self._turns and self._turns[0].granted.done():
            self._heard_at = self._loop.time()
        if self._heard_at + self._awake_time > self._loop.time():
            self._await_sleep()
        else:
            self._set_awake(False)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _has_changed(self) -> None:
        if self._change is None and not self._closed:
            self._change = self._loop.call_soon(self._tell)

    def _tell(self) -> None:
        self._change = None
        if (state := (self.awake, self.waiting)) != self._told:
            self._told = state
            self._on_change()


def written_by(path: Path, values: Values, *, replace: bool) -> frozenset[Path]:
    """Return the resources that a write to `path` replaces, or the instances that it adds."""
    written: set[Path] = set()
    for resource, value in values.items():
        if isinstance(value, dict) and (len(path) == 4 or not replace):
            written.update(resource / instance for instance in value)
        else:
            written.add(resource)
    return frozenset(written)
