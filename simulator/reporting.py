"""The Information Reporting interface: observations and their notifications."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiocoap import Message

from custom_components.lwm2m.protocol.path import Path

from .events import EventKind, EventLog

if TYPE_CHECKING:
    from .coap import Endpoint
    from .settings import Settings
    from .tcp import TcpEndpoint

type Render = Callable[[], Message]
"""Renders what is observed as it is now; an error code where it cannot."""


@dataclass(slots=True)
class _Observation:
    token: bytes
    paths: tuple[Path, ...]
    render: Render
    waiting: bool = False
    """A confirmable notification is not yet acknowledged."""
    pause: asyncio.TimerHandle | None = None
    """The minimum period after the last notification is not over yet."""
    stale: bool = False
    """The value changed meanwhile; the newest follows when it may (RFC 7641 4.5.2)."""


class Observations:
    """What the server observes.

    Changes made in one turn of the event loop go out in one notification for each observation,
    and wait for the end of the minimum period (`pmin`) of what is observed. Other attributes are
    not heeded. Source: OMA-TS-LightweightM2M_Core-V1_1_1 5.1.2 and 6.4, RFC 7641.
    """

    def __init__(
        self,
        coap: Endpoint | TcpEndpoint,
        settings: Settings,
        log: EventLog,
        attributes: Callable[[Path], Mapping[str, str]],
    ) -> None:
        """Start without any; `attributes` returns those that a path has."""
        self._attributes = attributes
        self._coap = coap
        self._settings = settings
        self._log = log
        self._by_token: dict[bytes, _Observation] = {}
        self._changed: set[Path] = set()
        self._scheduled = False
        self._sequence = 0

    @property
    def paths(self) -> tuple[Path, ...]:
        """The observed paths, the oldest observation first."""
        return tuple(path for observed in self._by_token.values() for path in observed.paths)

    def add(self, token: bytes, paths: tuple[Path, ...], render: Render) -> int | None:
        """Begin or renew an observation and return its sequence number; None: not observable."""
        full = len(self._by_token) >= self._settings.max_observations
        if (full and token not in self._by_token) or not all(map(self._settings.observable, paths)):
            return None
        if replaced := self._by_token.get(token):
            self._stop(replaced)
        observation = self._by_token[token] = _Observation(token, paths, render)
        self._start_pause(observation)
        self._emit(EventKind.OBSERVED, paths)
        return self._next_sequence()

    def cancel(self, token: bytes) -> None:
        """End the observation of a token, if there is one."""
        if observation := self._by_token.pop(token, None):
            self._stop(observation)
            self._emit(EventKind.CANCELLED, observation.paths)

    def clear(self) -> None:
        """Forget all: the registration that they belong to is over."""
        for observation in self._by_token.values():
            self._stop(observation)
        self._by_token.clear()
        self._changed.clear()

    def mark(self, path: Path) -> None:
        """Take note that a value changed, or that an instance is gone."""
        if not self._by_token:
            return
        self._changed.add(path)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Notify of all changes since the last time; a device without radio keeps them."""
        self._scheduled = False
        if self._coap.muted:
            return
        changed, self._changed = self._changed, set()
        for observation in list(self._by_token.values()):
            if any(
                path.covers(other) or other.covers(path)
                for path in observation.paths
                for other in changed
            ):
                self._notify(observation)

    def _notify(self, observation: _Observation) -> None:
        if observation.waiting or observation.pause:
            observation.stale = True
            return
        notification = observation.render()
        notification.token = observation.token
        if notification.code.is_successful():
            notification.opt.observe = self._next_sequence()
        else:
            del self._by_token[observation.token]  # RFC 7641 4.2: an error is the last
            self._stop(observation)

        def concluded(acknowledged: bool) -> None:
            observation.waiting = False
            if acknowledged:
                self._catch_up(observation)
            else:
                self._end(observation)

        confirmable = self._settings.confirmable
        observation.waiting = confirmable
        self._start_pause(observation)
        self._coap.send(notification, confirmable=confirmable, concluded=concluded)
        self._emit(EventKind.NOTIFIED, observation.paths)

    def _catch_up(self, observation: _Observation) -> None:
        """Tell of what changed while it might not be told."""
        if observation.stale and not observation.waiting and not observation.pause:
            observation.stale = False
            self.mark(observation.paths[0])

    def _start_pause(self, observation: _Observation) -> None:
        """Begin the minimum period of what is observed, if it has one."""
        period = max(map(self._minimum_period, observation.paths))
        if not period or self._by_token.get(observation.token) is not observation:
            return

        def over() -> None:
            observation.pause = None
            self._catch_up(observation)

        observation.pause = asyncio.get_running_loop().call_later(period, over)

    def _minimum_period(self, path: Path) -> float:
        """Return the seconds of the closest level that has some."""
        for length in range(len(path), 0, -1):
            if period := self._attributes(Path(*path[:length])).get("pmin"):
                return float(period)
        return 0.0

    def _stop(self, observation: _Observation) -> None:
        if observation.pause:
            observation.pause.cancel()

    def _emit(self, kind: EventKind, paths: tuple[Path, ...]) -> None:
        for path in paths:
            self._log.emit(kind, path)

    def _end(self, observation: _Observation) -> None:
        """End an observation whose notification was reset or never acknowledged."""
        if self._by_token.get(observation.token) is observation:
            self.cancel(observation.token)

    def _next_sequence(self) -> int:
        """Count up in 24 bits (RFC 7641 4.4); one counter serves all observations."""
        self._sequence = (self._sequence + 1) % (1 << 24)
        return self._sequence
