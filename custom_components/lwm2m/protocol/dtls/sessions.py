"""Sessions that can be resumed by their ID (RFC 5246 7.3, F.1.4)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, override

if TYPE_CHECKING:
    from collections.abc import Callable

    from .credentials import Identity
    from .negotiation import Terms

LIFETIME = 24 * 3600.0
"""Seconds: the upper limit that RFC 5246 F.1.4 suggests."""
SESSION_ID = 16
"""Bytes; up to 32 are allowed, but each costs air time in three messages."""


@dataclass(frozen=True, slots=True)
class Session:
    """What is resumed. Always of an extended master secret (RFC 7627 5.3, 5.4)."""

    id: bytes
    terms: Terms
    master_secret: bytes
    identity: Identity
    expires: float

    @override
    def __repr__(self) -> str:
        """Name it without its secret."""
        return f"Session({self.id.hex()})"


class SessionCache:
    """At most `capacity` sessions; the least recently used goes first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, session_id: bytes, now: float) -> Session | None:
        """Return a session that is still good."""
        session = self._sessions.get(session_id)
        if session is None:
            return None
        if session.expires <= now:
            del self._sessions[session_id]
            return None
        self._sessions.move_to_end(session_id)
        return session

    def add(self, session: Session) -> None:
        """Keep a session."""
        self._sessions[session.id] = session
        if len(self._sessions) > self._capacity:
            self._sessions.popitem(last=False)

    def discard(self, session_id: bytes) -> None:
        """Forget a session, after a fatal alert (RFC 5246 7.2.2)."""
        self._sessions.pop(session_id, None)

    def purge(self, matches: Callable[[Identity], bool]) -> None:
        """Forget the sessions of identities whose credential has changed."""
        for session in list(self._sessions.values()):
            if matches(session.identity):
                del self._sessions[session.id]
