"""Handshakes over a network that loses, repeats and reorders."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
import heapq
import itertools
import random

import pytest

from custom_components.lwm2m.protocol.dtls import (
    DtlsServer,
    Established,
    Output,
    Received,
    Refusal,
    Refused,
    Suspicious,
    Transmit,
)

from .parties import Keyring, device
from .scripted_client import ADDRESS, ECDHE_CCM_8, ScriptedClient

type Fate = Callable[[str, int], list[float]]
"""For the nth datagram in a direction: after how many seconds it arrives, each time it does."""

DELAY = 0.01


class Simulation:
    """Runs a client and a server against each other in virtual time."""

    def __init__(self, server: DtlsServer, client: ScriptedClient, fate: Fate) -> None:
        self.server = server
        self.client = client
        self.events: list[Output] = []
        self.now = 0.0
        self._fate = fate
        self._sent = {"up": 0, "down": 0}
        self._order = itertools.count()
        self._queue: list[tuple[float, int, str, bytes]] = []
        self._client_interval = 1.0
        self._client_deadline = 1.0

    def run(self, seconds: float = 60.0) -> None:
        self._send("up", self.client.hello())
        said_hello = False
        while self.now < seconds:
            if self.client.established and self.server.connections and not said_hello:
                said_hello = True
                self._send("up", [self.client.sealed(b"data")])
            if any(isinstance(event, Received) for event in self.events):
                return
            times = [self._queue[0][0]] if self._queue else []
            if self.server.next_deadline is not None:
                times.append(self.server.next_deadline)
            if not self.client.established:
                times.append(self._client_deadline)
            if not times:
                return
            self.now = min(times)
            if self._queue and self._queue[0][0] <= self.now:
                _, _, direction, datagram = heapq.heappop(self._queue)
                if direction == "up":
                    self._outputs(self.server.receive(datagram, ADDRESS, self.now))
                else:
                    answers = self.client.receive(datagram)
                    if answers:
                        self._client_interval = 1.0
                        self._client_deadline = self.now + 1.0
                    self._send("up", answers)
            elif not self.client.established and self._client_deadline <= self.now:
                self._client_interval *= 2
                self._client_deadline = self.now + self._client_interval
                self._send("up", self.client.timeout())
            else:
                self._outputs(self.server.timeout(self.now))

    def _outputs(self, outputs: list[Output]) -> None:
        self.events += [output for output in outputs if not isinstance(output, Transmit)]
        self._send("down", [o.datagram for o in outputs if isinstance(o, Transmit)])

    def _send(self, direction: str, datagrams: list[bytes]) -> None:
        for datagram in datagrams:
            index = self._sent[direction]
            self._sent[direction] += 1
            for delay in self._fate(direction, index):
                entry = (self.now + delay, next(self._order), direction, datagram)
                heapq.heappush(self._queue, entry)

    def assert_done(self) -> None:
        assert self.client.established
        # What comes twice is told of as a replay, and changes nothing.
        kinds = [type(event) for event in self.events if not isinstance(event, Suspicious)]
        assert kinds == [Established, Received]


class Kind(StrEnum):
    PSK = "psk"
    X509 = "x509"
    RESUMED = "resumed"
    CONNECTION_ID = "connection-id"


def client_of(kind: Kind, server: DtlsServer) -> ScriptedClient:
    match kind:
        case Kind.PSK:
            return ScriptedClient()
        case Kind.CONNECTION_ID:
            return ScriptedClient(connection_id=b"abc")
        case Kind.X509:
            return ScriptedClient(suites=(ECDHE_CCM_8,), party=device())
        case Kind.RESUMED:
            first = Simulation(server, ScriptedClient(), lambda *_: [0.0])
            first.run()
            remembered = first.client.remembered
            server.close(next(e for e in first.events if isinstance(e, Established)).connection)
            return ScriptedClient(resume=remembered)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    ("direction", "lost"),
    [("up", index) for index in range(8)] + [("down", index) for index in range(4)],
)
def test_any_datagram_may_be_lost(
    server: DtlsServer, kind: Kind, direction: str, lost: int
) -> None:
    def fate(way: str, index: int) -> list[float]:
        return [] if (way, index) == (direction, lost) else [DELAY]

    simulation = Simulation(server, client_of(kind, server), fate)
    simulation.run()
    assert simulation.client.established
    assert isinstance(simulation.events[0], Established)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("flight", range(3))
def test_every_flight_may_be_lost_once(
    server: DtlsServer, kind: Kind, direction: str, flight: int
) -> None:
    # A flight: datagrams of one direction, sent at one moment of virtual time.
    moments: list[float] = []
    simulation: Simulation

    def fate(way: str, index: int) -> list[float]:
        if way != direction:
            return [DELAY]
        if simulation.now not in moments:
            moments.append(simulation.now)
        lost = moments.index(simulation.now) == flight and not server.connections
        return [] if lost else [DELAY]

    simulation = Simulation(server, client_of(kind, server), fate)
    simulation.run()
    simulation.assert_done()


@pytest.mark.parametrize("kind", Kind)
def test_servers_last_flight_may_be_lost(server: DtlsServer, kind: Kind) -> None:
    """The client's Finished comes again, and the server answers as before (RFC 6347 4.2.4)."""
    lost = 0

    def fate(way: str, index: int) -> list[float]:
        nonlocal lost
        if way == "down" and server.connections and not lost:
            lost += 1
            return []
        return [DELAY]

    simulation = Simulation(server, client_of(kind, server), fate)
    simulation.run()
    simulation.assert_done()


@pytest.mark.parametrize("kind", Kind)
def test_everything_may_come_twice(server: DtlsServer, kind: Kind) -> None:
    simulation = Simulation(server, client_of(kind, server), lambda *_: [DELAY, 2 * DELAY])
    simulation.run()
    simulation.assert_done()


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("direction", ["up", "down", "both"])
def test_a_flight_may_come_backwards(server: DtlsServer, kind: Kind, direction: str) -> None:
    def fate(way: str, index: int) -> list[float]:
        # The later it is sent within its flight, the sooner it arrives.
        return [0.5 - index * DELAY] if direction in {way, "both"} else [DELAY]

    simulation = Simulation(server, client_of(kind, server), fate)
    simulation.run()
    simulation.assert_done()


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("seed", range(25))
def test_bad_networks_are_got_over(keyring: Keyring, kind: Kind, seed: int) -> None:
    server = DtlsServer(keyring)
    chance = random.Random(seed)
    client = client_of(kind, server)

    def fate(way: str, index: int) -> list[float]:
        copies = chance.choices([0, 1, 2], [20, 70, 10])[0]
        return [chance.uniform(0, 0.5) for _ in range(copies)]

    simulation = Simulation(server, client, fate)
    simulation.run(seconds=85.0)
    assert client.established
    assert any(isinstance(event, Established) for event in simulation.events)


def test_silent_client_is_given_up(server: DtlsServer) -> None:
    """After 90 s, in which the flight goes out at 1, 3, 7, 15, 31 and 63 s (RFC 6347 4.2.4.1)."""
    client = ScriptedClient()
    outputs = server.receive(client.hello()[0], ADDRESS, 0.0)
    [verify] = outputs
    assert isinstance(verify, Transmit)
    [answer] = client.receive(verify.datagram)
    server.receive(answer, ADDRESS, 0.0)

    sent: list[float] = []
    refused: list[Output] = []
    while (deadline := server.next_deadline) is not None:
        for output in server.timeout(deadline):
            if isinstance(output, Transmit):
                sent.append(deadline)
            else:
                refused.append(output)
    assert sent == [1, 3, 7, 15, 31, 63]
    assert refused == [Refused(ADDRESS, Refusal.TIMEOUT, None, "no answer in time")]
    assert server.handshakes == 0
