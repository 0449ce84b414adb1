"""How much of the endpoint one peer can take up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from .recent import SharedRecent

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from .peer import Peer

PROBING_RATE = 1.0
"""Bytes a second to a peer that acknowledges requests and answers none (RFC 7252 4.8)."""


@dataclass(frozen=True, slots=True)
class PeerLimits:
    """What is kept of one peer, and done for it at once.

    Each peer that has proved who it is, or is registered, has all of this for itself, so that none
    takes another's place. An address alone proves nothing: whoever sends from one could send from
    many, so all others share what `strangers` peers have.
    """

    request_size: int = 64 * 1024
    """Bytes of a whole request from a peer; a larger one gets 4.13."""
    response_size: int = 1024 * 1024 + 1024
    """Bytes of a whole response from a peer, 1 MiB and what a format puts around it; a larger one
    fails."""
    remembered: int = 128
    """Messages remembered for their duplicates, some 700 bytes each; the oldest give way."""
    transfers: int = 4
    """Block-wise transfers in each direction; the one that stood still longest gives way."""
    answering: int = 16
    """Requests of the peer that are not answered yet; a further one gets 5.03."""
    waiting: int = 100
    """Requests to the peer in line behind those under way; a further one fails."""
    strangers: int = 32


class Shares:
    """Who has which share of the limits."""

    def __init__(
        self, limits: PeerLimits, is_known: Callable[[Peer], bool], clock: Callable[[], float]
    ) -> None:
        """`is_known` says whether a peer is registered; `clock` gives the time in seconds."""
        self.limits = limits
        self._is_known = is_known
        self._clock = clock

    def owner(self, peer: Peer) -> Peer | None:
        """Return whose share a peer has: its own, or that of all strangers, which is None's."""
        return peer if peer.identity is not None or self._is_known(peer) else None

    def most(self, limit: int, owner: Peer | None) -> int:
        """Return how much of something an owner may have, `limit` being a single peer's."""
        return limit * self.limits.strangers if owner is None else limit

    def recent[K: Hashable, V](self, limit: int, lifetime: float) -> SharedRecent[Peer, K, V]:
        """Make a memory of at most `limit` things of each peer, for so many seconds."""
        return SharedRecent(lifetime, partial(self.most, limit), self.owner, self._clock)
