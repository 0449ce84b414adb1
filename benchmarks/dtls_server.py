"""What the DTLS server costs: `python benchmarks/dtls_server.py`, from the repository's root.

A scripted client runs in the same process, but only the server's time is counted (CPU time of the
thread, so that a busy machine matters little). Bytes on the wire are those of the client and of the
server, with 28 bytes of UDP and IPv4 headers for each datagram.
"""

from __future__ import annotations

from pathlib import Path
import sys
import time
import tracemalloc
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from custom_components.lwm2m.protocol.dtls import (
    CertificateTrust,
    CertificateUsage,
    Connection,
    DtlsServer,
    Established,
    Limits,
    Received,
    ServerIdentity,
    Transmit,
)
from tests.protocol.dtls.parties import KEY, Keyring, authority, device, server_party
from tests.protocol.dtls.scripted_client import ECDHE_CCM_8, ScriptedClient

HEADERS = 28
UNLIMITED = Limits(hello_rate=1e9, hello_burst=1e9, handshake_rate=1e9, handshake_burst=1e9)
HANDSHAKES = 500
RECORDS = 20_000
SESSIONS = 2_000


class Meter:
    """Carries datagrams between a server and clients, and counts."""

    def __init__(self) -> None:
        party = server_party()
        anchor = CertificateTrust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority().der)
        self.keyring = Keyring(
            server=ServerIdentity(party.key, [party.der]),
            public_keys={device().spki},
            trusts=[anchor],
        )
        self.server = DtlsServer(self.keyring, UNLIMITED)
        self.seconds = 0.0
        self.bytes = 0

    def connect(self, client: ScriptedClient, address: tuple[str, int]) -> Connection:
        """Do a handshake; its datagrams are packed as a frugal client would."""
        waiting = client.hello()
        connection: Connection | None = None
        while waiting:
            datagram = b"".join(waiting)
            self.bytes += len(datagram) + HEADERS
            start = time.thread_time()
            outputs = self.server.receive(datagram, address, 0.0)
            self.seconds += time.thread_time() - start
            waiting = []
            for output in outputs:
                if isinstance(output, Transmit):
                    self.bytes += len(output.datagram) + HEADERS
                    waiting += client.receive(output.datagram)
                elif isinstance(output, Established):
                    connection = output.connection
        assert connection is not None
        return connection


def handshakes(name: str, **options: Any) -> None:
    """Measure full handshakes of one kind."""
    meter = Meter()
    for number in range(HANDSHAKES):
        client = ScriptedClient(**options)
        connection = meter.connect(client, ("192.0.2.1", number % 60000))
        meter.server.close(connection)
    rate = HANDSHAKES / meter.seconds
    print(f"{name:24} {rate:8.0f} handshakes/s {meter.bytes / HANDSHAKES:8.0f} bytes on the wire")


def resumptions() -> None:
    """Measure abbreviated handshakes."""
    meter = Meter()
    first = ScriptedClient()
    meter.connect(first, ("192.0.2.1", 1))
    meter.seconds = meter.bytes = 0
    for number in range(HANDSHAKES):
        client = ScriptedClient(resume=first.remembered)
        meter.server.close(meter.connect(client, ("192.0.2.1", number)))
    rate = HANDSHAKES / meter.seconds
    print(f"{'resumption':24} {rate:8.0f} handshakes/s {meter.bytes / HANDSHAKES:8.0f} bytes")


def records(connection_id: bytes | None) -> None:
    """Measure records that come in and are answered."""
    meter = Meter()
    client = ScriptedClient(connection_id=connection_id)
    address = ("192.0.2.1", 1)
    connection = meter.connect(client, address)
    datagrams = [client.sealed(bytes(64)) for _ in range(RECORDS)]
    start = time.thread_time()
    for datagram in datagrams:
        for output in meter.server.receive(datagram, address, 0.0):
            assert isinstance(output, Received)
            meter.server.send(connection, output.data)
    rate = RECORDS / (time.thread_time() - start)
    name = "64-byte echo, CCM_8" + (", CID" if connection_id else "")
    print(f"{name:24} {rate:8.0f} echoes/s")


def sessions() -> None:
    """Measure what an idle connection keeps, its resumable session counted."""
    meter = Meter()
    addresses = [(f"192.0.2.{number >> 8}", number) for number in range(SESSIONS)]
    for number in range(SESSIONS):
        meter.keyring.psks[b"device-%d" % number] = KEY
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number, address in enumerate(addresses):
        client = ScriptedClient(identity=b"device-%d" % number)
        meter.connect(client, address)
        meter.server.receive(client.sealed(b"data"), address, 0.0)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{'idle session':24} {(after - before) / SESSIONS:8.0f} bytes of Python's heap")


if __name__ == "__main__":
    handshakes("PSK, CCM_8")
    handshakes("ECDHE_ECDSA, X.509", suites=(ECDHE_CCM_8,), party=device())
    handshakes("ECDHE_ECDSA, raw keys", suites=(ECDHE_CCM_8,), party=device(), raw=True)
    resumptions()
    records(None)
    records(b"peer")
    sessions()
