"""What the server tells its subscribers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .registration import Registration
    from .reporting import Readings
    from .security import SecurityEvent


@dataclass(frozen=True, slots=True)
class Registered:
    """A client registered; `previous` is its endpoint's registration that this one replaced."""

    registration: Registration
    previous: Registration | None


@dataclass(frozen=True, slots=True)
class Updated:
    """A client updated its registration, which was `previous`; it may have moved."""

    registration: Registration
    previous: Registration


@dataclass(frozen=True, slots=True)
class Deregistered:
    """A client took its leave."""

    registration: Registration


@dataclass(frozen=True, slots=True)
class Expired:
    """A client's lifetime ended without an Update."""

    registration: Registration


@dataclass(frozen=True, slots=True)
class Revoked:
    """A client's registration ended because its endpoint's credential changed."""

    registration: Registration


@dataclass(frozen=True, slots=True)
class Sent:
    """A client sent values on its own account (Core-V1_1_1 6.4.6), maybe of several times."""

    registration: Registration
    readings: Readings
    behind: str | None = None
    """The endpoint name of whom behind the client the values are, None for its own."""


@dataclass(frozen=True, slots=True)
class Presence:
    """A client in queue mode woke up or fell asleep, or another number of requests waits for it."""

    registration: Registration
    awake: bool
    waiting: int


type RegistrationEvent = Registered | Updated | Deregistered | Expired | Revoked | Sent | Presence
"""What is about one client, registered or just not any more."""
type ServerEvent = RegistrationEvent | SecurityEvent
