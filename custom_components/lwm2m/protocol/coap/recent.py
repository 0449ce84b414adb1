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

    def set(self, key: K, value: V) -> bool:
        """Remember `value` for `key` from now on; tell whether another gave way before its time."""
        now = self._clock()
        entries = self._entries
        entries.pop(key, None)
        gave_way = False
        while entries:
            oldest = next(iter(entries))
            is_over = entries[oldest][0] <= now
            if len(entries) < self._limit and not is_over:
                break
            del entries[oldest]
            gave_way = gave_way or not is_over
        entries[key] = (now + self._lifetime, value)
        return gave_way

    def replace(self, key: K, value: V) -> None:
        """Change the value of a `key` that is remembered, keeping its time."""
        self._entries[key] = (self._entries[key][0], value)

    @property
    def is_over(self) -> bool:
        """Whether nothing is remembered any more."""
        newest = next(reversed(self._entries.values()), None)
        return newest is None or newest[0] <= self._clock()

    def discard(self, key: K) -> None:
        """Forget `key`, if it is remembered."""
        self._entries.pop(key, None)


class SharedRecent[P: Hashable, K: Hashable, V]:
    """Recent things of many peers, where each owner of a share can displace only its own.

    As with `Recent`, what is past its lifetime leaves as others are set. What was remembered of a
    peer while it had no share of its own stays to be found.
    """

    __slots__ = ("_clock", "_lifetime", "_limit", "_owner", "_shares")

    def __init__(
        self,
        lifetime: float,
        limit: Callable[[P | None], int],
        owner: Callable[[P], P | None],
        clock: Callable[[], float],
    ) -> None:
        """`owner` tells whose share a peer's is, and `limit` how much that may hold."""
        self._lifetime = lifetime
        self._limit = limit
        self._owner = owner
        self._clock = clock
        self._shares: dict[P | None, Recent[K, V]] = {}
        """Ordered by when each was last set to."""

    def __len__(self) -> int:
        """Count the entries, including those that expired and have not left."""
        return sum(map(len, self._shares.values()))

    def find(self, peer: P, key: K) -> Recent[K, V] | None:
        """Return where `key` of a peer is remembered, None if nowhere."""
        for owner in (self._owner(peer), None):
            share = self._shares.get(owner)
            if share is not None and key in share:
                return share
        return None

    def get(self, peer: P, key: K) -> V | None:
        """Return what was recently set for `key` of a peer, or None."""
        share = self.find(peer, key)
        return None if share is None else share.get(key)

    def set(self, peer: P, key: K, value: V) -> bool:
        """Remember `value`; tell whether another of the same owner gave way before its time."""
        owner = self._owner(peer)
        share = self._shares.pop(owner, None)
        if share is None:
            share = Recent(self._lifetime, self._limit(owner), self._clock)
        oldest = next(iter(self._shares), None)
        if oldest in self._shares and self._shares[oldest].is_over:
            del self._shares[oldest]
        self._shares[owner] = share
        return share.set(key, value)

    def discard(self, peer: P, key: K) -> None:
        """Forget `key` of a peer, if it is remembered."""
        if (share := self.find(peer, key)) is not None:
            share.discard(key)
