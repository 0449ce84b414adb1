"""What the servers are measured under: clients on sockets, several at a time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
import itertools
import select
import socket
from typing import TYPE_CHECKING, Protocol

from OpenSSL import SSL

from custom_components.lwm2m.protocol.dtls.records import ContentType

from .dtls_loop import DATAGRAM, HOST
from .dtls_openssl import outgoing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.protocol.dtls.scripted_client import ScriptedClient

HEADERS = 28
"""Bytes of the UDP and IPv4 headers of a datagram."""
AT_ONCE = 8
"""Clients whose handshakes overlap, so that the server always has work."""
RECORDS_AT_ONCE = 32
PATIENCE = 10.0
"""Seconds without any answer after which a server is taken for dead."""
CLOSE_NOTIFY = b"\x01\x00"


class Engine(Protocol):
    """A client without a socket."""

    @property
    def established(self) -> bool:
        """Whether the handshake is over."""

    def start(self) -> list[bytes]:
        """Return the first flight."""

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take a datagram; return what it makes the client send."""

    def seal(self, data: bytes) -> bytes:
        """Return a datagram with this data."""

    def leave(self) -> bytes:
        """Return the goodbye."""


class OpenSslEngine:
    """OpenSSL's client."""

    def __init__(self, connection: SSL.Connection) -> None:
        """Take a connection that has not begun."""
        self.connection = connection
        self._established = False

    @property
    def established(self) -> bool:
        """Whether the handshake is over."""
        return self._established

    def start(self) -> list[bytes]:
        """Begin the handshake."""
        with suppress(SSL.WantReadError):
            self.connection.do_handshake()
            self._established = True
        return list(outgoing(self.connection))

    def receive(self, datagram: bytes) -> list[bytes]:
        """Go on with the handshake, or take a record."""
        self.connection.bio_write(datagram)
        if not self._established:
            return self.start()
        self.connection.recv(DATAGRAM)
        return []

    def seal(self, data: bytes) -> bytes:
        """Protect data."""
        self.connection.send(data)
        return self.connection.bio_read(DATAGRAM)

    def leave(self) -> bytes:
        """Say goodbye."""
        self.connection.shutdown()
        return self.connection.bio_read(DATAGRAM)


class ScriptedEngine:
    """The tests' own client, which knows raw public keys."""

    def __init__(self, client: ScriptedClient) -> None:
        """Take a client that has not begun."""
        self._client = client

    @property
    def established(self) -> bool:
        """Whether the handshake is over."""
        return self._client.established

    def start(self) -> list[bytes]:
        """Begin the handshake."""
        return self._client.hello()

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take a datagram; a flight goes out as one."""
        flight = b"".join(self._client.receive(datagram))
        return [flight] if flight else []

    def seal(self, data: bytes) -> bytes:
        """Protect data."""
        return self._client.sealed(data)

    def leave(self) -> bytes:
        """Say goodbye."""
        return self._client.sealed(CLOSE_NOTIFY, ContentType.ALERT)


@dataclass(slots=True)
class Peer:
    """A client and its socket."""

    engine: Engine
    socket: socket.socket
    traffic: int = 0
    """Bytes on the wire, in both directions, headers counted."""

    def send(self, datagrams: list[bytes]) -> None:
        """Send, and count."""
        for datagram in datagrams:
            self.traffic += len(datagram) + HEADERS
            self.socket.send(datagram)

    def receive(self) -> None:
        """Take a datagram, and send what it asks for."""
        datagram = self.socket.recv(DATAGRAM)
        self.traffic += len(datagram) + HEADERS
        self.send(self.engine.receive(datagram))


class Crowd:
    """Clients of one server, each with an address of its own, as devices have."""

    def __init__(self, port: int) -> None:
        """Send to a port of 127.0.0.1."""
        self._server = (HOST, port)
        self._hosts = itertools.count(1)

    def handshakes(self, engines: Iterator[Engine], *, stay: bool = False) -> int:
        """Do a handshake each, several at a time; return the bytes on the wire of one.

        Afterwards each says goodbye, or, if it is to stay, something else.
        """
        poll = select.epoll()
        peers: dict[int, Peer] = {}
        size = 0
        try:
            while True:
                while len(peers) < AT_ONCE and (engine := next(engines, None)):
                    peer = self._peer(engine)
                    peers[peer.socket.fileno()] = peer
                    poll.register(peer.socket, select.EPOLLIN)
                    peer.send(engine.start())
                if not peers:
                    return size
                for number in _ready(poll):
                    peer = peers[number]
                    peer.receive()
                    if peer.engine.established:
                        size = peer.traffic
                        last = peer.engine.seal(b"data") if stay else peer.engine.leave()
                        peer.send([last])
                        del peers[number]
                        poll.unregister(number)
                        peer.socket.close()
        finally:
            poll.close()

    def echoes(self, engine: Engine, count: int, size: int) -> None:
        """Have so many records echoed, after a handshake."""
        peer = self._peer(engine)
        peer.socket.settimeout(PATIENCE)
        peer.send(engine.start())
        while not engine.established:
            peer.receive()
        data = bytes(size)
        for sent in range(count + RECORDS_AT_ONCE):
            if sent < count:
                peer.socket.send(engine.seal(data))
            if sent >= RECORDS_AT_ONCE:
                peer.receive()
        peer.send([engine.leave()])
        peer.socket.close()

    def _peer(self, engine: Engine) -> Peer:
        number = next(self._hosts)
        channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # All of 127.0.0.0/8 is this machine.
        channel.bind((f"127.{1 + (number >> 14 & 63)}.{number >> 7 & 127}.{1 + (number & 127)}", 0))
        channel.connect(self._server)
        return Peer(engine, channel)


def _ready(poll: select.epoll) -> list[int]:
    events = poll.poll(PATIENCE)
    if not events:
        raise TimeoutError("the server does not answer")
    return [number for number, _ in events]
