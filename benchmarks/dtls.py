"""The DTLS server beside OpenSSL's and Mbed TLS's, all under the same client.

Each server is a process of its own with one socket, and the loop around it is the same for all.
What counts is the server's CPU time, so that neither the client nor a busy machine decides.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from itertools import count
from operator import truediv
from pathlib import Path
import resource
from statistics import median
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from OpenSSL import SSL

from simulator.standalone import without_home_assistant

without_home_assistant()

from tests.protocol.dtls.parties import authority, device, server_party
from tests.protocol.dtls.peers import MBEDTLS_PYTHON, missing_mbedtls, write_keys
from tests.protocol.dtls.scripted_client import ECDHE_CCM_8, ScriptedClient

from .dtls_clients import HEADERS, Crowd, OpenSslEngine, ScriptedEngine
from .dtls_openssl import ECDSA, PSK, Client
from .results import table, where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .dtls_clients import Engine

ROOT = Path(__file__).resolve().parents[1]
SERVERS = {
    "lwm2m": sys.executable,
    "openssl": sys.executable,
    "mbedtls": MBEDTLS_PYTHON,
}
"""The interpreter of each server, which is the module benchmarks.dtls_NAME."""
RESUME = {"lwm2m", "openssl"}
"""Those that resume a session as servers."""
RAW_PUBLIC_KEYS = {"lwm2m"}
TITLE = "DTLS"
ROWS = {
    "psk": ("handshakes/s, PSK", "{:,.0f}"),
    "resumed": ("handshakes/s, PSK, resumed", "{:,.0f}"),
    "x509": ("handshakes/s, ECDHE_ECDSA, X.509 on both sides", "{:,.0f}"),
    "rpk": ("handshakes/s, ECDHE_ECDSA, raw public keys on both sides", "{:,.0f}"),
    "echo": ("64-byte echoes/s", "{:,.0f}"),
    "memory": ("bytes of memory an idle session", "{:,.0f}"),
    "psk bytes": ("bytes of a handshake, PSK", "{:,.0f}"),
    "resumed bytes": ("bytes of a handshake, PSK, resumed", "{:,.0f}"),
}
"""Title and format; all of AES-128 with CCM_8."""
MBEDTLS_VERSIONS = """
from mbedtls import __version__, version
print(f"python-mbedtls {__version__} ({version.version})")
"""
ROUNDS = 40
HANDSHAKES = 1000
CERTIFICATE_HANDSHAKES = 40
RECORDS = 1500
RECORD = 64
"""Bytes of application data."""
SESSIONS = 2000
WARM_UP = 100


class Server:
    """A server under measurement."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Take over a process that has just been started."""
        assert process.stdout
        self._process = process
        self.crowd = Crowd(int(process.stdout.readline()))

    @property
    def seconds(self) -> float:
        """CPU time so far."""
        # What clock_getcpuclockid(3) makes of a process ID on Linux.
        return time.clock_gettime(~self._process.pid << 3 | 2)

    @property
    def memory(self) -> int:
        """Bytes in RAM."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()


@contextmanager
def running(name: str, folder: Path) -> Iterator[Server]:
    """Run a server with the credentials in a folder."""
    command = [SERVERS[name], "-m", f"benchmarks.dtls_{name}", str(folder)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Server(process)
    finally:
        process.communicate()


class Kinds:
    """Clients, by what they do."""

    def __init__(self, folder: Path) -> None:
        """Read the clients' credentials."""
        self._psk = Client(folder, PSK)
        self._ecdsa = Client(folder, ECDSA)
        self._numbers = count()

    def psk(self, session: SSL.Session | None = None) -> OpenSslEngine:
        """By pre-shared key; each is another device."""
        return OpenSslEngine(self._psk.connection(next(self._numbers), session))

    def x509(self) -> OpenSslEngine:
        """By certificates on both sides."""
        return OpenSslEngine(self._ecdsa.connection(0))

    def rpk(self) -> ScriptedEngine:
        """By raw public keys on both sides."""
        return ScriptedEngine(ScriptedClient(suites=(ECDHE_CCM_8,), party=device(), raw=True))


class Measurements:
    """Values of the rounds: by row and server."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], list[float]] = {}

    def note(self, row: str, server: str, value: float) -> None:
        """Take a value."""
        self._values.setdefault((row, server), []).append(value)

    def median(self, row: str, server: str) -> float | None:
        """Return the median of the rounds; None where nothing was measured."""
        values = self._values.get((row, server))
        return median(values) if values else None

    def ratio(self, row: str, server: str) -> float | None:
        """Return ours to theirs: the median of the rounds' ratios, which drift less than values."""
        ours, theirs = (self._values.get((row, name), []) for name in ("lwm2m", server))
        return median(map(truediv, ours, theirs, strict=True)) if theirs else None


def measure_rates(name: str, server: Server, kinds: Kinds, results: Measurements) -> None:
    """Take one round of what costs CPU time, and of what is sent."""

    @contextmanager
    def rate(row: str, how_many: int) -> Iterator[None]:
        start = server.seconds
        yield
        results.note(row, name, how_many / (server.seconds - start))

    def handshakes(row: str, how_many: int, make: Callable[[], Engine]) -> int:
        with rate(row, how_many):
            return server.crowd.handshakes(make() for _ in range(how_many))

    size = handshakes("psk", HANDSHAKES, kinds.psk)
    results.note("psk bytes", name, size)
    if name in RESUME:
        first = kinds.psk()
        server.crowd.handshakes(iter([first]))
        session = first.connection.get_session()
        size = handshakes("resumed", HANDSHAKES, lambda: kinds.psk(session))
        results.note("resumed bytes", name, size)
    handshakes("x509", CERTIFICATE_HANDSHAKES, kinds.x509)
    if name in RAW_PUBLIC_KEYS:
        handshakes("rpk", CERTIFICATE_HANDSHAKES, kinds.rpk)
    with rate("echo", RECORDS):
        server.crowd.echoes(kinds.psk(), RECORDS, RECORD)


def measure_memory(name: str, folder: Path, kinds: Kinds, results: Measurements) -> None:
    """Let devices stay, in a server that has forgotten some already."""
    with running(name, folder) as server:
        server.crowd.handshakes(kinds.psk() for _ in range(WARM_UP))
        server.crowd.echoes(kinds.psk(), 1, RECORD)
        before = server.memory
        server.crowd.handshakes((kinds.psk() for _ in range(SESSIONS)), stay=True)
        server.crowd.echoes(kinds.psk(), 1, RECORD)
        results.note("memory", name, (server.memory - before) / SESSIONS)


def measure() -> str:
    """Alternate between the servers; return the section."""
    if missing_mbedtls():
        subprocess.run([str(ROOT / "scripts/lib/mbedtls")], check=True)
    results = Measurements()
    with tempfile.TemporaryDirectory() as path, ExitStack() as stack:
        folder = Path(path)
        parties = {"authority": authority(), "server": server_party(), "device": device()}
        for name, party in parties.items():
            write_keys(folder, name, party)
        kinds = Kinds(folder)
        servers = {name: stack.enter_context(running(name, folder)) for name in SERVERS}
        for server in servers.values():
            server.crowd.handshakes(kinds.psk() for _ in range(WARM_UP))
        for number in range(ROUNDS):
            for name, server in servers.items():
                print(f"round {number + 1} of {ROUNDS}: {name}", file=sys.stderr)
                measure_rates(name, server, kinds, results)
        for name in SERVERS:
            print(f"{SESSIONS} sessions: {name}", file=sys.stderr)
            measure_memory(name, folder, kinds, results)
    return report(results)


def report(results: Measurements) -> str:
    """Put the medians into a table."""
    rows = []
    for row, (title, form) in ROWS.items():
        values = [(form, results.median(row, name)) for name in SERVERS]
        values += [("{:.2f}", results.ratio(row, name)) for name in ("openssl", "mbedtls")]
        rows.append(
            [title, *("–" if value is None else show.format(value) for show, value in values)]
        )
    columns = ["LwM2M", "OpenSSL", "Mbed TLS", "LwM2M/OpenSSL", "LwM2M/Mbed TLS"]
    versions = subprocess.run(
        [MBEDTLS_PYTHON, "-c", MBEDTLS_VERSIONS], capture_output=True, text=True, check=True
    ).stdout.strip()
    openssl = SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode()
    return (
        f"{where('cryptography', 'pyopenssl')} ({openssl}), {versions}. All with AES-128-CCM-8. "
        "Servers in processes of their own, in turn, under the same client (OpenSSL's; for raw "
        f"public keys the tests' own); {ROUNDS} rounds, medians. A rate is what one second of the "
        "server's CPU time gives, sockets and system calls included; a handshake ends with the "
        "client's goodbye. Bytes are those of both directions up to the second Finished, with "
        f"{HEADERS} for the UDP and IPv4 headers of each datagram. Memory is what the process "
        f"grows by over {SESSIONS:,} sessions.\n\n"
        f"{table(columns, rows)}"
    )
