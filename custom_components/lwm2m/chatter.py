"""Which of a device's observed paths report more often than anybody can use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .protocol.path import Path

RATE = 1.0
"""Notifications a second of one path that may go on for ever."""
BURST = 30
"""How many more than that are a burst, such as while a dimmer is turned."""


class Chatter:
    """Counts the notifications of each path: one drips away with each second."""

    def __init__(self, time: Callable[[], float]) -> None:
        """Start with silence; `time` is that of the event loop."""
        self._time = time
        self._levels: dict[Path, tuple[float, float]] = {}

    def heard(self, path: Path) -> bool:
        """Count a notification; tell whether there are more than a burst."""
        now = self._time()
        level, since = self._levels.get(path, (0.0, now))
        level = max(0.0, level - (now - since) * RATE) + 1
        self._levels[path] = level, now
        return level > BURST

    def forget(self) -> None:
        """Start anew."""
        self._levels.clear()
