"""Observations: the table of those that we have at peers, and the order of their notifications."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
import logging
from typing import TYPE_CHECKING

from .errors import CoapError
from .recent import Recent
from .response import Response
from .transfer import is_whole

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Awaitable, Callable

    from aiocoap import Message

    from .counters import CoapCounters
    from .peer import Peer

_LOGGER = logging.getLogger(__name__)

SEQUENCE_HALF = 1 << 23
FRESH_AFTER = 128.0
"""Seconds after which any sequence number is newer (RFC 7641 3.4)."""
MAX_HELD = 100
FORGOTTEN_LIFETIME = 2 * 24 * 3600.0
"""Seconds; at least daily a notification is confirmable (RFC 7641 4.5), and always rejected."""
MAX_FORGOTTEN = 4096

type NotificationSink = Callable[[Response], None]
"""Takes each fresh notification, in order. One without an Observe option, so also each of an
error class, ended the observation (RFC 7641 3.2)."""


@dataclass(slots=True, eq=False)
class Observation:
    """One observation that we have at a peer."""

    remote: Peer
    token: bytes
    request: Message
    """What registered it; its options fetch further blocks and cancel it."""
    sink: NotificationSink
    sequence: int | None = None
    """The newest Observe value; None when unknown, so that any is newer."""
    time: float = 0.0
    """When it arrived, in the loop's time."""
    held: deque[Response] | None = None
    """Notifications that arrived before the first response was handed over."""
    fetch: asyncio.Task[None] | None = field(default=None, repr=False)
    """Fetches the further blocks of the newest notification."""

    def is_fresh(self, sequence: int, now: float) -> bool:
        """Tell whether `sequence` is newer than the newest so far (RFC 7641 3.4)."""
        if self.sequence is None or now > self.time + FRESH_AFTER:
            return True
        if self.sequence < sequence:
            return sequence - self.sequence < SEQUENCE_HALF
        return self.sequence - sequence > SEQUENCE_HALF


class ObservationTable:
    """All observations of an endpoint, by peer and token."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        counters: CoapCounters,
        fetch_rest: Callable[[Message, Message], Awaitable[Message]],
    ) -> None:
        """`fetch_rest(request, first)` completes a notification whose blocks go on."""
        self._loop = loop
        self._counters = counters
        self._fetch_rest = fetch_rest
        self._entries: dict[bytes, Observation] = {}
        """By token alone: all are of our making, and long enough never to meet."""
        self._fetches: set[asyncio.Task[None]] = set()
        self._forgotten: Recent[bytes, Message] = Recent(
            FORGOTTEN_LIFETIME, MAX_FORGOTTEN, loop.time
        )
        """By token, the requests that had registered what is observed no more."""

    def __len__(self) -> int:
        """Count the observations."""
        return len(self._entries)

    def add(self, observation: Observation) -> None:
        """Take an observation in, also one known from before a restart."""
        self._entries[observation.token] = observation

    def get(self, remote: Peer, token: bytes) -> Observation | None:
        """Return the observation that `token` of `remote` belongs to."""
        observation = self._entries.get(token)
        if observation is None or observation.remote is remote or observation.remote == remote:
            return observation
        return None

    def remove(self, remote: Peer, token: bytes) -> Observation | None:
        """Take an observation out, and remember that its notifications are to be rejected."""
        observation = self.get(remote, token)
        if observation is not None:
            del self._entries[token]
            self._forgotten.set(token, observation.request)
            observation.sink = _ignore
            if observation.fetch is not None:
                observation.fetch.cancel()
        return observation

    def forgotten(self, token: bytes) -> Message | None:
        """Return the request of an observation that was removed here.

        Its notifications are rejected, the non-confirmable too, wherever the peer has moved to:
        else it would keep the slot for good. Strangers' are not, since the Reset is optional then
        (RFC 7641 3.5) and has made modems hang; nobody guesses a token of ours.
        """
        return self._forgotten.get(token)

    def deliver(self, observation: Observation, message: Message) -> None:
        """Give a notification to its sink, unless it is stale, once all its blocks are there."""
        response = Response.of(message)
        if response.sequence is None or is_whole(message):
            self.notify(observation, response)
        elif self._is_newest(observation, response):
            observation.fetch = self._loop.create_task(self._complete(observation, message))
            self._fetches.add(observation.fetch)
            observation.fetch.add_done_callback(self._fetches.discard)

    def notify(self, observation: Observation, response: Response) -> None:
        """Give a whole notification to its sink, unless it is stale."""
        if self._is_newest(observation, response):
            self._pass_on(observation, response)

    def release(self, observation: Observation) -> None:
        """Let notifications pass that were held back behind the first response."""
        held, observation.held = observation.held, None
        for response in held or ():
            self._pass_on(observation, response)

    async def close(self) -> None:
        """Forget all, without telling the peers."""
        self._entries.clear()
        for fetch in self._fetches:
            fetch.cancel()
        await asyncio.gather(*self._fetches, return_exceptions=True)

    def _is_newest(self, observation: Observation, response: Response) -> bool:
        """Tell whether a notification is newer than those before it; the last always is.

        On a connection each is, whatever its Observe value (RFC 8323 7.1).
        """
        self._counters.notifications += 1
        sequence, now = response.sequence, self._loop.time()
        if sequence is None:
            del self._entries[observation.token]
        elif observation.is_fresh(sequence, now) or observation.remote.is_reliable:
            observation.sequence, observation.time = sequence, now
        else:
            self._counters.stale_notifications += 1
            return False
        if observation.fetch is not None:  # of what is now outdated
            observation.fetch.cancel()
            observation.fetch = None
            self._counters.lost_notifications += 1
        return True

    async def _complete(self, observation: Observation, first: Message) -> None:
        try:
            message = await self._fetch_rest(observation.request, first)
        except CoapError:
            self._counters.lost_notifications += 1
        else:
            self._pass_on(observation, Response.of(message))
        observation.fetch = None

    def _pass_on(self, observation: Observation, response: Response) -> None:
        if observation.held is not None:
            if len(observation.held) == MAX_HELD:
                observation.held.popleft()
                self._counters.lost_notifications += 1
            observation.held.append(response)
            return
        try:
            observation.sink(response)
        except Exception:
            self._counters.sink_errors += 1
            _LOGGER.exception("The sink of an observation at %s failed", observation.remote)


def _ignore(_: Response) -> None:
    """Take what arrives after an observation was forgotten."""
