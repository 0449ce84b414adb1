"""Who is registered, where, and until when."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .coap import Peer
    from .registration import Registration


class RegistrationStore:
    """The registrations by endpoint, by location and by address, and their lifetimes.

    An endpoint has at most one registration. Several endpoints may share an address: a device
    that was renamed keeps its address while its former name has not expired yet.
    """

    def __init__(self, on_expired: Callable[[Registration], None], grace: float) -> None:
        """Make an empty store.

        `on_expired` is called with each registration that has just been removed because its
        lifetime ended (OMA-TS-LightweightM2M_Core-V1_1_1 6.2), `grace` seconds late.
        """
        self._on_expired = on_expired
        self._grace = grace
        self._own_graces: dict[str, float] = {}
        self._by_endpoint: dict[str, Registration] = {}
        self._by_id: dict[str, Registration] = {}
        self._by_remote: dict[Peer, list[str]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def by_endpoint(self) -> Mapping[str, Registration]:
        """The registrations by endpoint name."""
        return MappingProxyType(self._by_endpoint)

    def get(self, registration_id: str) -> Registration | None:
        """Return the registration at a location."""
        return self._by_id.get(registration_id)

    def at(self, remote: Peer) -> Registration | None:
        """Return the registration that last came to an address."""
        if ids := self._by_remote.get(remote):
            return self._by_id[ids[-1]]
        return None

    def grace(self, endpoint: str) -> float:
        """Return how many seconds after the end of its lifetime an endpoint expires."""
        return self._own_graces.get(endpoint, self._grace)

    def set_grace(self, endpoint: str, grace: float | None) -> None:
        """Give an endpoint a grace of its own, the current lifetime included; None: the usual."""
        before = self.grace(endpoint)
        if grace is None:
            self._own_graces.pop(endpoint, None)
        else:
            self._own_graces[endpoint] = grace
        registration = self._by_endpoint.get(endpoint)
        if registration and (timer := self._timers.get(registration.id)):
            timer.cancel()
            left = timer.when() - asyncio.get_running_loop().time()
            self._start_timer(registration, left + self.grace(endpoint) - before)

    def put(self, registration: Registration, left: float | None = None) -> Registration | None:
        """Add or replace a registration and start its lifetime; return the replaced one.

        `left` is how many seconds it has in place of a whole lifetime with its grace.
        """
        previous = self._by_endpoint.get(registration.endpoint)
        if previous:
            self.remove(previous)
        self._by_endpoint[registration.endpoint] = registration
        self._by_id[registration.id] = registration
        self._by_remote.setdefault(registration.remote, []).append(registration.id)
        if registration.lifetime:
            whole = registration.lifetime + self.grace(registration.endpoint)
            self._start_timer(registration, whole if left is None else left)
        return previous

    def _start_timer(self, registration: Registration, seconds: float) -> None:
        self._timers[registration.id] = asyncio.get_running_loop().call_later(
            seconds, self._expire, registration
        )

    def remove(self, registration: Registration) -> None:
        """Remove a registration that is in the store."""
        del self._by_endpoint[registration.endpoint]
        del self._by_id[registration.id]
        at_remote = self._by_remote[registration.remote]
        at_remote.remove(registration.id)
        if not at_remote:
            del self._by_remote[registration.remote]
        if timer := self._timers.pop(registration.id, None):
            timer.cancel()

    def clear(self) -> None:
        """Forget all registrations without a word."""
        for registration in tuple(self._by_endpoint.values()):
            self.remove(registration)

    def _expire(self, registration: Registration) -> None:
        self.remove(registration)
        self._on_expired(registration)
