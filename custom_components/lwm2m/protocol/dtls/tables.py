"""Where the server finds its handshakes and its connections."""

from __future__ import annotations

import heapq
import itertools
import os
from typing import TYPE_CHECKING

from .limits import source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .connection import Connection
    from .credentials import Identity
    from .events import Address
    from .handshake import Handshake

CONNECTION_ID = 6
"""Bytes of the connection IDs that clients shall write; fixed, since no length is on the wire."""


class Handshakes:
    """Those under way: one an address, with their deadlines."""

    def __init__(self) -> None:
        self._by_address: dict[Address, Handshake] = {}
        self._by_source: dict[str, dict[Address, Handshake]] = {}
        # Deadlines of handshakes that are gone or have moved on stay until they come up.
        self._deadlines: list[tuple[float, int, Address]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._by_address)

    def get(self, address: Address) -> Handshake | None:
        """Return the handshake with this address."""
        return self._by_address.get(address)

    def of_source(self, source: str) -> int:
        """Count those with one source."""
        return len(self._by_source.get(source, ()))

    def oldest_of_busiest(self) -> tuple[Address, Handshake]:
        """Return the one that began first of the source that has most; there is one."""
        return next(iter(max(self._by_source.values(), key=len).items()))

    def matching(self, matches: Callable[[Identity], bool]) -> list[tuple[Address, Handshake]]:
        """Return those whose peers claim such identities."""
        return [
            (address, handshake)
            for address, handshake in self._by_address.items()
            if handshake.candidate is not None and matches(handshake.candidate)
        ]

    def add(self, address: Address, handshake: Handshake) -> None:
        """Take a handshake in; there is none with this address."""
        self._by_address[address] = handshake
        self._by_source.setdefault(source_of(address[0]), {})[address] = handshake
        self.schedule(address, handshake)

    def remove(self, address: Address) -> None:
        """Forget the handshake with this address."""
        del self._by_address[address]
        source = source_of(address[0])
        del self._by_source[source][address]
        if not self._by_source[source]:
            del self._by_source[source]

    def schedule(self, address: Address, handshake: Handshake) -> None:
        """Note the handshake's new deadline."""
        if len(self._deadlines) > 2 * len(self._by_address) + 1024:
            self._deadlines = [
                entry for entry in self._deadlines if self._current(entry[0], entry[2])
            ]
            heapq.heapify(self._deadlines)
        heapq.heappush(self._deadlines, (handshake.deadline, next(self._order), address))

    @property
    def next_deadline(self) -> float | None:
        """When the first handshake is due."""
        while self._deadlines:
            deadline, _, address = self._deadlines[0]
            if self._current(deadline, address):
                return deadline
            heapq.heappop(self._deadlines)
        return None

    def due(self, now: float) -> Iterator[tuple[Address, Handshake]]:
        """Yield the handshakes that are due; each must be scheduled anew or removed."""
        while (deadline := self.next_deadline) is not None and deadline <= now:
            _, _, address = heapq.heappop(self._deadlines)
            yield address, self._by_address[address]

    def _current(self, deadline: float, address: Address) -> bool:
        handshake = self._by_address.get(address)
        return handshake is not None and handshake.deadline == deadline


class Connections:
    """Those established: by address, by connection ID and by identity."""

    def __init__(self) -> None:
        self._by_address: dict[Address, Connection] = {}
        self._by_connection_id: dict[bytes, Connection] = {}
        self._by_identity: dict[Identity, list[Connection]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def at(self, address: Address) -> Connection | None:
        """Return the connection whose peer was last at this address."""
        return self._by_address.get(address)

    def with_id(self, connection_id: bytes) -> Connection | None:
        """Return the connection of this connection ID."""
        return self._by_connection_id.get(connection_id)

    def count(self, identity: Identity) -> int:
        """Count an identity's connections."""
        return len(self._by_identity.get(identity, ()))

    def matching(self, matches: Callable[[Identity], bool]) -> list[Connection]:
        """Return the connections of such identities."""
        return [
            connection
            for identity, connections in self._by_identity.items()
            if matches(identity)
            for connection in connections
        ]

    def add(self, connection: Connection) -> None:
        """Take a connection in; one at its address is found by its connection ID alone."""
        self._by_address[connection.address] = connection
        if connection.connection_id:
            self._by_connection_id[connection.connection_id] = connection
        self._by_identity.setdefault(connection.identity, []).append(connection)
        self._count += 1

    def remove(self, connection: Connection) -> None:
        """Forget a connection."""
        if self._by_address.get(connection.address) is connection:
            del self._by_address[connection.address]
        self._by_connection_id.pop(connection.connection_id, None)
        own = self._by_identity[connection.identity]
        own.remove(connection)
        if not own:
            del self._by_identity[connection.identity]
        self._count -= 1

    def move(self, connection: Connection, address: Address) -> None:
        """Note a connection's new address."""
        if self._by_address.get(connection.address) is connection:
            del self._by_address[connection.address]
        connection.address = address
        occupant = self._by_address.get(address)
        if occupant is None or occupant.connection_id:
            # An occupant without a connection ID could not be found in any other way.
            self._by_address[address] = connection

    def quietest(self, identity: Identity | None = None) -> Connection:
        """Return the connection silent for longest, of an identity or of all."""
        candidates = (
            itertools.chain.from_iterable(self._by_identity.values())
            if identity is None
            else self._by_identity[identity]
        )
        return min(candidates, key=lambda connection: connection.last_received)

    def new_id(self) -> bytes:
        """Return a connection ID that nobody has."""
        while (connection_id := os.urandom(CONNECTION_ID)) in self._by_connection_id:
            pass
        return connection_id
