"""What happens to a board, to be printed or awaited."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, override

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_components.lwm2m.protocol.path import Path

BACKLOG = 100
"""How many events of a kind and path are kept for somebody who awaits them later."""


class EventKind(StrEnum):
    """Kinds of events; the comment says what `Event.value` holds."""

    REGISTERED = "registered"  # the registration's location
    REFUSED = "refused"  # the code that answered Register or Update, or a DeniedError
    UNANSWERED = "unanswered"
    UPDATED = "updated"
    DEREGISTERED = "deregistered"
    READ = "read"
    WRITTEN = "written"  # the resource's new value
    EXECUTED = "executed"  # the arguments, as text
    CREATED = "created"
    DELETED = "deleted"
    ATTRIBUTES = "attributes"  # those that the path has now, by name
    OBSERVED = "observed"
    CANCELLED = "cancelled"
    NOTIFIED = "notified"
    ASLEEP = "asleep"
    AWAKE = "awake"
    REBOOTED = "rebooted"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a board; `path` is None where no path is concerned."""

    endpoint: str
    kind: EventKind
    path: Path | None = None
    value: Any = None

    @override
    def __str__(self) -> str:
        words = [self.endpoint, self.kind]
        if self.path is not None:
            words.append(str(self.path))
        if self.value not in (None, ""):
            words.append(f"= {self.value}")
        return " ".join(words)


class EventLog:
    """A board's events: told to listeners, and kept until somebody awaits them."""

    def __init__(self, endpoint: str) -> None:
        """Start empty."""
        self._endpoint = endpoint
        self._listeners: list[Callable[[Event], None]] = []
        self._unread: defaultdict[tuple[EventKind, Path | None], asyncio.Queue[Event]] = (
            defaultdict(lambda: asyncio.Queue(BACKLOG))
        )

    def emit(self, kind: EventKind, path: Path | None = None, value: Any = None) -> None:
        """Tell the listeners, and keep the event; the oldest is dropped past BACKLOG."""
        event = Event(self._endpoint, kind, path, value)
        queue = self._unread[kind, path]
        if queue.full():
            queue.get_nowait()
        queue.put_nowait(event)
        for listener in self._listeners:
            listener(event)

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` with every event from now on; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def next(self, kind: EventKind, path: Path | None, timeout: float) -> Event:
        """Return the oldest event of a kind and path that nobody has awaited yet.

        Raises TimeoutError after `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._unread[kind, path].get()
        except TimeoutError as error:
            wanted = Event(self._endpoint, kind, path)
            raise TimeoutError(f"not within {timeout} s: {wanted}") from error
