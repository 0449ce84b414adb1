"""What bounds the server's memory and work, and the limiter of rates."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from ipaddress import IPv6Address
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable


@dataclass(frozen=True, slots=True)
class Limits:
    """Counts are of all peers together unless they say otherwise; rates are per second."""

    handshakes: int = 1024
    """Under way at once, each of a peer that echoed its cookie."""
    handshakes_per_source: int = 256
    """A border router or carrier's NAT shows a whole fleet as one source."""
    handshake_turn: float = 2.0
    """Seconds after which a handshake gives way to another, where there is no room for both; one of
    a source that has many gives way at once to a source that has few."""
    connections: int = 10_000
    connections_per_identity: int = 4
    """A device has one; more are what restarts and new addresses leave behind."""
    sessions: int = 10_000
    hello_rate: float = 50.0
    hello_burst: float = 500.0
    """HelloVerifyRequests to one source."""
    handshake_rate: float = 20.0
    handshake_burst: float = 500.0
    """Handshakes begun by one source; above `handshakes_per_source` so that a fleet can restart."""


def source_of(host: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 of an IPv6 address.

    A host has all of that to itself, and may send from any of its addresses (RFC 4291 2.5.4).
    """
    if ":" not in host or "." in host:
        return host
    return IPv6Address(host).packed[:8].hex()


class RateLimiter:
    """Limits events per source, in memory that does not depend on how many sources there are.

    The generic cell rate algorithm (ITU-T I.371 A.1) over a fixed table. Sources share a cell by
    a keyed hash, so that nobody can aim at somebody else's.
    """

    CELLS = 4096

    def __init__(self, rate: float, burst: float) -> None:
        """Allow `rate` events a second and `burst` at once."""
        self._interval = 1 / rate
        self._tolerance = (burst - 1) / rate
        self._arrivals = array("d", [float("-inf")]) * self.CELLS
        self._key = secrets.token_bytes(16)

    def allow(self, source: Hashable, now: float) -> bool:
        """Say whether one more event of this source is within its limit, and count it if so."""
        cell = hash((self._key, source)) % self.CELLS
        arrival = max(self._arrivals[cell], now)
        if arrival - now > self._tolerance:
            return False
        self._arrivals[cell] = arrival + self._interval
        return True
