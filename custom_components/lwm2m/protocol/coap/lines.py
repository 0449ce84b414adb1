"""The messages to each peer: few under way, the others in line.

Source: RFC 7252 4.7. At most NSTART messages to a peer are under way, each until it is acknowledged
or given up: one slow or dead device delays none but itself. Where a peer acknowledges requests and
does not answer them, PROBING_RATE bounds what it is sent on top, until it is heard again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import PeerBusy
from .limits import PROBING_RATE

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from aiocoap import Message

    from .peer import Peer

type Monitor = Callable[[], None]
"""Called when the peer rejects the message."""


@dataclass(slots=True, eq=False)
class _Line:
    under_way: dict[int, Message] = field(default_factory=dict)
    """By message ID."""
    waiting: deque[tuple[Message, Monitor]] = field(default_factory=deque)
    held_until: float = 0.0
    """When the next may go, in the loop's time, if the peer is not heard before."""
    timer: asyncio.TimerHandle | None = None


class Lines:
    """One line for each peer that there is something to say to."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        nstart: int,
        limit: int,
        send: Callable[[Message, Monitor], None],
    ) -> None:
        """`limit` is how many may wait in a line, `send` begins to send a message."""
        self._loop = loop
        self._nstart = nstart
        self._limit = limit
        self._send = send
        self._lines: dict[Peer, _Line] = {}

    def __len__(self) -> int:
        """Count the peers with a line."""
        return len(self._lines)

    def put(self, message: Message, monitor: Monitor) -> None:
        """Send a message as soon as it may go; PeerBusy when too many requests are in line.

        An answer, which the peer waits for, goes before all requests.
        """
        line = self._lines.setdefault(message.remote, _Line())
        if message.code.is_response():
            line.waiting.appendleft((message, monitor))
        elif len(line.waiting) < self._limit:
            line.waiting.append((message, monitor))
        else:
            raise PeerBusy
        self._advance(message.remote, line)

    def is_waiting(self, message: Message) -> bool:
        """Tell whether a message has not been sent yet."""
        line = self._lines.get(message.remote)
        return line is not None and any(queued is message for queued, _ in line.waiting)

    def withdraw(self, message: Message) -> None:
        """Take a message out of the line, if it is in one."""
        line = self._lines.get(message.remote)
        if line is not None and line.waiting:
            line.waiting = deque(entry for entry in line.waiting if entry[0] is not message)
            self._advance(message.remote, line)

    def began(self, message: Message) -> None:
        """Note that a message is under way."""
        self._lines.setdefault(message.remote, _Line()).under_way[message.mid] = message

    def acknowledged(self, peer: Peer, mid: int) -> None:
        """Note that a message was acknowledged, and not answered if it is a request."""
        line = self._lines.get(peer)
        message = None if line is None else line.under_way.get(mid)
        if line is not None and message is not None and message.code.is_request():
            begin = max(line.held_until, self._loop.time())
            line.held_until = begin + len(message.encode()) / PROBING_RATE

    def ended(self, peer: Peer, mid: int) -> None:
        """Note that a message is under way no more, and let the next go."""
        line = self._lines.get(peer)
        if line is not None:
            line.under_way.pop(mid, None)
            self._advance(peer, line)

    def heard(self, peer: Peer) -> None:
        """Note that a peer does say something."""
        line = self._lines.get(peer)
        if line is not None and line.held_until:
            line.held_until = 0.0
            self._advance(peer, line)

    def clear(self) -> None:
        """Forget all."""
        for line in self._lines.values():
            if line.timer is not None:
                line.timer.cancel()
        self._lines.clear()

    def _advance(self, peer: Peer, line: _Line) -> None:
        """Let those go that may, and forget a line that holds nothing up."""
        if line.timer is not None:
            line.timer.cancel()
            line.timer = None
        is_held = line.held_until > self._loop.time()
        while line.waiting and len(line.under_way) < self._nstart:
            if is_held and line.waiting[0][0].code.is_request():
                break
            self._send(*line.waiting.popleft())
        if is_held:
            line.timer = self._loop.call_at(line.held_until, self._advance, peer, line)
        elif not line.under_way and not line.waiting:
            self._lines.pop(peer, None)
