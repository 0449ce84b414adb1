"""A bounded memory of recent things."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Recent[K: Hashable, V]:
    """A mapping that forgets an entry `lifetime` seconds after it was last set.

    It holds at most `limit` entries, the oldest going first, and needs no timer: what is
    past its lifetime is never returned, and leaves with the next entry set.
    """

    __slots__ = ("_clock", "_entries", "_lifetime", "_limit")

    def __init__(self, lifetime: float, limit: int, clock: Callable[[], float]) -> None:
        """Make an empty memory; `clock` gives the time in seconds."""
        self._lifetime = lifetime
        self._limit = limit
        self._clock = clock
        self._entries: dict[K, tuple[float, V]] = {}
        """Ordered by expiry, since every entry lives equally long."""

    def __len__(self) -> int:
        """Count the entries, including those that expired since the last was set."""
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        """Tell whether `key` was set recently."""
        entry = self._entries.get(key)
        return entry is not None and entry[0] > self._clock()

    def get(self, key: K) -> V | None:
        """Return what was recently set for `key`, or None."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] > self._clock() else None

    def set(self, key: K, value: V) -> None:
        """Remember `value` for `key` from now on."""
        now = self._clock()
        entries = self._entries
        entries.pop(key, None)
        while entries:
            oldest = next(iter(entries))
            if len(entries) < self._limit and entries[oldest][0] > now:
                break
            del entries[oldest]
        entries[key] = (now + self._lifetime, value)

    def replace(self, key: K, value: V) -> None:
        """Change the value of a `key` that is remembered, keeping its time."""
        self._entries[key] = (self._entries[key][0], value)

    def discard(self, key: K) -> None:
        """Forget `key`, if it is remembered."""
        self._entries.pop(key, None)
