"""DTLS 1.2 with a pre-shared key as a small device speaks it: one suite, one server.

The primitives are those of the integration's server, which tests pin with known answers and
with clients that nobody here wrote; the handshake's other side is here.
"""

from __future__ import annotations

import asyncio
from collections import deque
import hashlib
import os
from typing import TYPE_CHECKING

from custom_components.lwm2m.protocol.dtls.channel import Channel
from custom_components.lwm2m.protocol.dtls.ciphers import SUITES, record_ciphers
from custom_components.lwm2m.protocol.dtls.errors import (
    Alert,
    AlertLevel,
    BadRecordMac,
    DtlsError,
    HandshakeError,
)
from custom_components.lwm2m.protocol.dtls.extensions import Extension
from custom_components.lwm2m.protocol.dtls.key_schedule import (
    Hmac,
    extended_master_secret,
    psk_premaster,
    verify_data,
)
from custom_components.lwm2m.protocol.dtls.messages import (
    HEADER,
    HandshakeType,
    fragments,
    message,
)
from custom_components.lwm2m.protocol.dtls.reassembly import Reassembler
from custom_components.lwm2m.protocol.dtls.records import (
    DTLS_1_2,
    ContentType,
    Record,
    plaintext_record,
    split,
)
from custom_components.lwm2m.protocol.dtls.wire import Reader, vector

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_components.lwm2m.protocol.security import PreSharedKey

SUITE = 0xC0A8
"""TLS_PSK_WITH_AES_128_CCM_8 (RFC 6655), which every LwM2M server must know."""
RETRANSMIT_AFTER = 1.0
"""Seconds, doubled each time (RFC 6347 4.2.4.1)."""
MAX_RETRANSMIT = 5
MAX_WAITING = 64
"""Messages kept while a handshake goes on."""

_EXTENSIONS = {
    Extension.EXTENDED_MASTER_SECRET: b"",
    Extension.RENEGOTIATION_INFO: vector(1, b""),
    Extension.CONNECTION_ID: vector(1, b""),
}
"""The connection ID is for the server's sake: this side has one peer only (RFC 9146 3)."""


class RefusedError(DtlsError):
    """The server ended the handshake with an alert."""


class Session:
    """One connection, from its ClientHello to its end; without sockets and timers."""

    def __init__(self, psk: PreSharedKey) -> None:
        """Make a session that `start` begins."""
        self.established = False
        self.closed = False
        self.received: list[bytes] = []
        """Application data that came."""
        self._psk = psk
        self._random = os.urandom(32)
        self._cookie = b""
        self._transcript = b""
        self._next_message = 0
        self._next_record = 0
        self._flight: list[Callable[[], bytes]] = []
        self._messages = Reassembler(0)
        self._channel: Channel | None = None
        self._master = Hmac(b"")
        self._server_random = b""
        self._connection_id = b""
        self._protected = False
        self._early: list[Record] = []

    def start(self) -> list[bytes]:
        """Return the first flight."""
        self._transcript = b""
        extensions = b"".join(
            number.to_bytes(2) + vector(2, body) for number, body in _EXTENSIONS.items()
        )
        hello = b"".join(
            (
                DTLS_1_2.to_bytes(2),
                self._random,
                vector(1, b""),
                vector(1, self._cookie),
                vector(2, SUITE.to_bytes(2)),
                vector(1, b"\0"),
                vector(2, extensions),
            )
        )
        self._flight = [self._plain(HandshakeType.CLIENT_HELLO, hello)]
        return self.flight()

    def flight(self) -> list[bytes]:
        """Return the flight that waits for an answer, to be sent (again)."""
        return [write() for write in self._flight]

    def seal(self, data: bytes, content_type: ContentType = ContentType.APPLICATION_DATA) -> bytes:
        """Return a record of an established session."""
        assert self._channel is not None
        return self._channel.seal(content_type, data)

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take a datagram; return what answers it. DtlsError when the handshake has failed."""
        return [answer for record in split(datagram, 0) for answer in self._take(record)]

    def _take(self, record: Record) -> list[bytes]:
        if record.epoch == 0:
            return self._take_plain(record)
        if not self._protected or self._channel is None:
            self._early.append(record)
            return []
        if not self._channel.window.fresh(record.sequence):
            return []
        try:
            content_type, content = self._channel.open(record)
        except BadRecordMac:
            return []
        self._channel.window.mark(record.sequence)
        match content_type:
            case ContentType.HANDSHAKE:
                return self._handshake(content)
            case ContentType.ALERT:
                fatal = content[:1] == AlertLevel.FATAL.to_bytes()
                self.closed |= fatal or content[1:] == Alert.CLOSE_NOTIFY.to_bytes()
            case ContentType.APPLICATION_DATA:
                self.received.append(content)
        return []

    def _take_plain(self, record: Record) -> list[bytes]:
        """Take what only a handshake may bring (RFC 6347 4.1)."""
        if self.established:
            return []
        match record.type:
            case ContentType.HANDSHAKE:
                return self._handshake(record.fragment)
            case ContentType.CHANGE_CIPHER_SPEC:
                self._protected = True
                early, self._early = self._early, []
                return [answer for kept in early for answer in self._take(kept)]
            case ContentType.ALERT if record.fragment[:1] == AlertLevel.FATAL.to_bytes():
                alert = record.fragment[-1]
                raise RefusedError(f"the server does not take identity and key (alert {alert})")
        return []

    def _handshake(self, data: bytes) -> list[bytes]:
        return [
            answer
            for fragment in fragments(data)
            for whole in self._messages.add(fragment)
            for answer in self._message(whole)
        ]

    def _message(self, whole: bytes) -> list[bytes]:
        before = self._transcript
        self._transcript += whole
        body = whole[HEADER:]
        reader = Reader(body)
        match whole[0]:
            case HandshakeType.HELLO_VERIFY_REQUEST:
                reader.take(2)
                self._cookie = reader.vector(1)
                return self.start()
            case HandshakeType.SERVER_HELLO:
                self._server_hello(reader)
            case HandshakeType.SERVER_HELLO_DONE:
                return self._finish()
            case HandshakeType.FINISHED:
                digest = hashlib.sha256(before).digest()
                if body != verify_data(self._master, client=False, transcript_hash=digest):
                    raise HandshakeError(Alert.DECRYPT_ERROR, "the server has another key")
                self.established = True
                self._flight = []
        return []

    def _server_hello(self, reader: Reader) -> None:
        reader.take(2)
        self._server_random = reader.take(32)
        reader.vector(1)
        if reader.number(2) != SUITE:
            raise HandshakeError(Alert.ILLEGAL_PARAMETER, "not the suite that was offered")
        reader.take(1)
        found: dict[int, bytes] = {}
        extensions = Reader(reader.vector(2))
        while not extensions.empty:
            number = extensions.number(2)
            found[number] = extensions.vector(2)
        if Extension.EXTENDED_MASTER_SECRET not in found:
            raise HandshakeError(Alert.HANDSHAKE_FAILURE, "no extended master secret")
        self._connection_id = found.get(Extension.CONNECTION_ID, b"\0")[1:]

    def _finish(self) -> list[bytes]:
        """Answer the server's hello: key exchange, change of cipher, Finished."""
        exchange = self._plain(HandshakeType.CLIENT_KEY_EXCHANGE, vector(2, self._psk.identity))
        session_hash = hashlib.sha256(self._transcript).digest()
        self._master = Hmac(extended_master_secret(psk_premaster(self._psk.key), session_hash))
        ours, servers = record_ciphers(
            SUITES[SUITE], self._master, self._random, self._server_random, encrypt_then_mac=False
        )
        self._channel = channel = Channel(servers, ours, b"", self._connection_id)
        finished = message(
            HandshakeType.FINISHED,
            self._next_message,
            verify_data(self._master, client=True, transcript_hash=session_hash),
        )
        self._next_message += 1
        self._transcript += finished
        self._flight = [
            exchange,
            lambda: self._record(ContentType.CHANGE_CIPHER_SPEC, b"\1"),
            lambda: channel.seal(ContentType.HANDSHAKE, finished),
        ]
        return self.flight()

    def _plain(self, kind: HandshakeType, body: bytes) -> Callable[[], bytes]:
        """Return what writes a message in plain text, as often as it is sent."""
        whole = message(kind, self._next_message, body)
        self._next_message += 1
        self._transcript += whole
        return lambda: self._record(ContentType.HANDSHAKE, whole)

    def _record(self, content_type: ContentType, fragment: bytes) -> bytes:
        record = plaintext_record(content_type, DTLS_1_2, self._next_record, fragment)
        self._next_record += 1
        return record


class SecureLink:
    """Sends messages to the server over a session, and makes one when there is none."""

    def __init__(self, psk: PreSharedKey, send: Callable[[bytes], None]) -> None:
        """Take a key, and what sends a datagram."""
        self._psk = psk
        self._send = send
        self._session: Session | None = None
        self._waiting: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._timer: asyncio.TimerHandle | None = None

    def send(self, data: bytes) -> None:
        """Send a message, at once or after a handshake."""
        session = self._session
        if session is not None and session.established:
            self._send(session.seal(data))
            return
        self._waiting.append(data)
        if session is None:
            self._session = Session(self._psk)
            self._transmit(self._session.start())
            self._await_answer()

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take a datagram and return the messages in it; RefusedError."""
        session = self._session
        if session is None:
            return []
        try:
            self._transmit(session.receive(datagram))
        except RefusedError:
            self.reset()
            raise
        except DtlsError:
            self.reset()
            return []
        if session.established and self._timer is not None:
            self._stop_timer()
            while self._waiting:
                self._send(session.seal(self._waiting.popleft()))
        received, session.received = session.received, []
        if session.closed:
            self.reset()
        return received

    def reset(self) -> None:
        """Forget the session: the next message makes a new one."""
        self._stop_timer()
        self._session = None
        self._waiting.clear()

    def close(self) -> None:
        """Take leave of the server (RFC 5246 7.2.1), and forget the session."""
        if self._session is not None and self._session.established:
            goodbye = bytes((AlertLevel.WARNING, Alert.CLOSE_NOTIFY))
            self._send(self._session.seal(goodbye, ContentType.ALERT))
        self.reset()

    def _transmit(self, datagrams: list[bytes]) -> None:
        for datagram in datagrams:
            self._send(datagram)

    def _await_answer(self, transmissions: int = 1) -> None:
        """Send the flight again after a while, or give the handshake up."""

        def again() -> None:
            if self._session is None or transmissions > MAX_RETRANSMIT:
                self.reset()
                return
            self._transmit(self._session.flight())
            self._await_answer(transmissions + 1)

        delay = RETRANSMIT_AFTER * 2 ** (transmissions - 1)
        self._timer = asyncio.get_running_loop().call_later(delay, again)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
