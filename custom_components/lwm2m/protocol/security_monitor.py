"""Counts what is suspicious, and tells of it so that a flood of datagrams is none of events."""

from __future__ import annotations

from collections import Counter
import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING

from .coap.binding import host_of
from .coap.recent import Recent
from .dtls import (
    CertificateIdentity,
    PskIdentity,
    RawPublicKeyIdentity,
    Refusal,
    Refused,
    Suspicion,
    Suspicious,
    names,
)
from .security import SecurityEvent, SecurityEventType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .dtls import Identity
    from .security import CredentialStore

QUIET = 3600.0
"""Seconds after which the same is told of as something new."""
MAX_EPISODES = 4096
BURST, INTERVAL = 20, 30.0
"""Of one type, so many events at once, and then one in so many seconds."""
MAX_TALLIES = 1024
"""Endpoints, and sources, that are counted for; of more, the ones quiet for longest go."""
MAX_CLAIM = 64
"""Characters."""

_REFUSALS = {
    Refusal.UNKNOWN_IDENTITY: SecurityEventType.UNKNOWN_IDENTITY,
    Refusal.UNTRUSTED_CERTIFICATE: SecurityEventType.UNKNOWN_IDENTITY,
    Refusal.WRONG_KEY: SecurityEventType.WRONG_KEY,
    Refusal.PROTOCOL: SecurityEventType.HANDSHAKE_FAILED,
    Refusal.PEER_ALERT: SecurityEventType.HANDSHAKE_FAILED,
    Refusal.TIMEOUT: SecurityEventType.HANDSHAKE_FAILED,
}
_SUSPICIONS = {
    Suspicion.BAD_MAC: SecurityEventType.BAD_MAC,
    Suspicion.REPLAY: SecurityEventType.REPLAY,
    Suspicion.FLOOD: SecurityEventType.FLOOD,
    Suspicion.OVERLOAD: SecurityEventType.FLOOD,
}

type Tally = Counter[SecurityEventType]


class SecurityMonitor:
    """Counts security events, by endpoint and by source, and publishes the telling ones.

    The same to an endpoint from a source is told the first, second, fourth, eighth ... time, and
    from the beginning after an hour of quiet. Whoever has many sources is met by a limit for each
    type of event. All is counted, told or not.
    """

    def __init__(
        self,
        credentials: CredentialStore,
        publish: Callable[[SecurityEvent], None],
        clock: Callable[[], float],
    ) -> None:
        """`clock` gives the time in seconds."""
        self.counts: Tally = Counter()
        self._by_endpoint: dict[str, Tally] = {}
        self._by_source: dict[str, Tally] = {}
        self._credentials = credentials
        self._publish = publish
        self._clock = clock
        self._episodes: Recent[tuple[SecurityEventType, str | None, str], int] = Recent(
            QUIET, MAX_EPISODES, clock
        )
        self._arrivals: dict[SecurityEventType, float] = {}

    @property
    def by_endpoint(self) -> Mapping[str, Tally]:
        """How often which events were about an endpoint."""
        return MappingProxyType(self._by_endpoint)

    @property
    def by_source(self) -> Mapping[str, Tally]:
        """How often which events came from a numeric address."""
        return MappingProxyType(self._by_source)

    def report(
        self,
        kind: SecurityEventType,
        source: str,
        *,
        endpoint: str | None = None,
        claimed: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Count an event, and publish it unless the like of it was published just now."""
        self.counts[kind] += 1
        _count(self._by_source, source, kind)
        if endpoint is not None:
            _count(self._by_endpoint, endpoint, kind)
        episode = (kind, endpoint, source)
        count = (self._episodes.get(episode) or 0) + 1
        self._episodes.set(episode, count)
        if count & (count - 1) == 0 and self._is_within_rate(kind):
            cut = None if claimed is None else _printable(claimed)
            self._publish(SecurityEvent(kind, source, endpoint, cut, count, detail))

    def report_incident(self, incident: Refused | Suspicious) -> None:
        """Take what the DTLS and TLS layers tell.

        A certificate that names an endpoint and does not count for it is a wrong key.
        """
        source = host_of(incident.address[:-1])
        identity = incident.identity
        endpoint = self._credentials.endpoint_of(identity) if identity else None
        match incident:
            case Refused(refusal=refusal, detail=detail):
                claimed = _describe(identity) if identity else None
                kind = _REFUSALS[refusal]
                if endpoint and kind is SecurityEventType.UNKNOWN_IDENTITY:
                    kind = SecurityEventType.WRONG_KEY
                self.report(kind, source, endpoint=endpoint, claimed=claimed, detail=detail)
            case Suspicious(suspicion=suspicion):
                self.report(_SUSPICIONS[suspicion], source, endpoint=endpoint)

    def _is_within_rate(self, kind: SecurityEventType) -> bool:
        """Count an event towards its type's rate (ITU-T I.371 A.1), if that leaves room for it."""
        now = self._clock()
        arrival = max(self._arrivals.get(kind, now), now)
        if arrival - now > (BURST - 1) * INTERVAL:
            return False
        self._arrivals[kind] = arrival + INTERVAL
        return True


def _count(tallies: dict[str, Tally], key: str, kind: SecurityEventType) -> None:
    tally = tallies.pop(key, None) or Counter()
    if len(tallies) >= MAX_TALLIES:
        del tallies[next(iter(tallies))]
    tally[kind] += 1
    tallies[key] = tally


def _describe(identity: Identity) -> str:
    match identity:
        case PskIdentity(identity=value):
            return value.decode(errors="replace")
        case RawPublicKeyIdentity(public_key=key):
            return f"public key {_fingerprint(key)}"
        case CertificateIdentity(certificate=certificate):
            named = names(certificate)
            return named[0] if named else f"certificate {_fingerprint(certificate)}"


def _fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _printable(text: str) -> str:
    return "".join(
        character if character.isprintable() else "\ufffd" for character in text[:MAX_CLAIM]
    )
