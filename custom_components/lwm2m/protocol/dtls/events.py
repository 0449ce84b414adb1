"""What the server hands back: datagrams to send, data that came, and what happened."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .connection import Connection
    from .credentials import Identity

type Address = tuple[Any, ...]
"""A socket address: host, port, and for IPv6 flow label and scope ID."""


@dataclass(slots=True)
class Transmit:
    """Send this datagram to this address; not frozen, which would take twice as long to make."""

    datagram: bytes
    address: Address


@dataclass(slots=True)
class Received:
    """Application data came: one record's, never empty; not frozen, as Transmit."""

    connection: Connection
    data: bytes


@dataclass(frozen=True, slots=True)
class Established:
    """A handshake is done; the connection's identity is proved."""

    connection: Connection
    replaced: Connection | None
    """What was at the same address before, and is closed."""


class CloseReason(StrEnum):
    """Why a connection ended."""

    PEER_CLOSED = "peer_closed"
    PEER_ALERT = "peer_alert"
    PROTOCOL = "protocol"
    REPLACED = "replaced"
    REVOKED = "revoked"
    LOCAL = "local"
    EVICTED = "evicted"


@dataclass(frozen=True, slots=True)
class Closed:
    """A connection is over; nothing can be sent on it any more."""

    connection: Connection
    reason: CloseReason


@dataclass(frozen=True, slots=True)
class Moved:
    """A connection's peer now sends from another address (RFC 9146 6)."""

    connection: Connection
    previous: Address


class Refusal(StrEnum):
    """Why a handshake failed."""

    UNKNOWN_IDENTITY = "unknown_identity"
    WRONG_KEY = "wrong_key"
    UNTRUSTED_CERTIFICATE = "untrusted_certificate"
    PROTOCOL = "protocol"
    PEER_ALERT = "peer_alert"
    TIMEOUT = "timeout"


NOT_PROVED = {
    Refusal.UNKNOWN_IDENTITY: "identity is not known",
    Refusal.WRONG_KEY: "key is another one",
}
"""What is told of a peer that could not prove who it is, but not to it (RFC 4279 2)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A handshake failed."""

    address: Address
    refusal: Refusal
    identity: Identity | None
    """Who the peer claims to be; unproved."""
    detail: str


class Suspicion(StrEnum):
    """What is dropped, and worth knowing when it keeps happening."""

    BAD_MAC = "bad_mac"
    REPLAY = "replay"
    FLOOD = "flood"
    OVERLOAD = "overload"


@dataclass(frozen=True, slots=True)
class Suspicious:
    """Something was dropped; `identity` is whose connection it was for."""

    suspicion: Suspicion
    address: Address
    identity: Identity | None


type Output = Transmit | Received | Established | Closed | Moved | Refused | Suspicious


@dataclass(slots=True)
class Counters:
    """What the server has seen and done."""

    datagrams: int = 0
    garbage: int = 0
    """Datagrams and records that are none, or of nobody."""
    hello_verify_requests: int = 0
    rate_limited: int = 0
    overloaded: int = 0
    handshakes: int = 0
    """Begun, with a valid cookie."""
    established: int = 0
    resumed: int = 0
    refused: int = 0
    retransmissions: int = 0
    records_in: int = 0
    records_out: int = 0
    bad_macs: int = 0
    replays: int = 0
    renegotiations: int = 0
    """Asked for by clients, and declined."""
    moves: int = 0
