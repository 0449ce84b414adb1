"""A DTLS 1.2 server without sockets: datagrams, addresses and the time in, outputs out.

RFC 6347. Every method that returns outputs returns all that there is to do, in order. Times are
seconds of any one monotonic clock.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .channel import EPOCH
from .connection import Connection
from .cookies import CookieJar
from .errors import Alert, AlertLevel, BadRecordMac, ConnectionClosed, HandshakeError
from .events import (
    Closed,
    CloseReason,
    Counters,
    Established,
    Moved,
    Received,
    Refusal,
    Refused,
    Suspicion,
    Suspicious,
    Transmit,
)
from .handshake import Environment, Handshake
from .limits import Limits, RateLimiter, source_of
from .messages import ClientHello, HandshakeType, fragment_at, hello_verify_request, message
from .records import (
    DTLS_1_0,
    DTLS_1_2,
    MAX_SEQUENCE,
    ContentType,
    Record,
    plaintext_record,
    split,
)
from .sessions import SessionCache
from .tables import CONNECTION_ID, Connections, Handshakes

if TYPE_CHECKING:
    from collections.abc import Callable

    from .credentials import Credentials, Identity
    from .events import Address, Output
    from .messages import Fragment

_LAST_MESSAGE = 16
"""The highest message_seq of a ClientHello: more hellos than that are no attempt to connect."""
_LAST_RECORD = MAX_SEQUENCE - 2**16
"""The highest sequence number of a ClientHello's record, for answers count on from it."""


class DtlsServer:
    """All peers of one socket."""

    def __init__(
        self,
        credentials: Credentials,
        limits: Limits | None = None,
        counters: Counters | None = None,
    ) -> None:
        """Serve whom `credentials` lets in; `counters` go on counting, if they are given."""
        limits = limits or Limits()
        self.counters = counters or Counters()
        self._limits = limits
        self._environment = Environment(
            credentials, SessionCache(limits.sessions), decoy=os.urandom(16)
        )
        self._cookies = CookieJar()
        self._hellos = RateLimiter(limits.hello_rate, limits.hello_burst)
        self._starts = RateLimiter(limits.handshake_rate, limits.handshake_burst)
        self._handshakes = Handshakes()
        self._connections = Connections()
        self._out: list[Output] = []

    # In and out

    def receive(self, datagram: bytes, address: Address, now: float) -> list[Output]:
        """Take a datagram."""
        self.counters.datagrams += 1
        records = split(datagram, CONNECTION_ID)
        if not records:
            self.counters.garbage += 1
        for record in records:
            epoch = record.epoch
            if epoch == EPOCH:
                self._protected(record, address, now)
            elif epoch == 0 and record.type != ContentType.TLS12_CID:
                self._plaintext(record, address, now)
            else:
                self.counters.garbage += 1
        return self._drain()

    def send(self, connection: Connection, data: bytes) -> list[Output]:
        """Send application data, one record.

        Raises ConnectionClosed, and ValueError for more than the peer takes in a record.
        """
        if not connection.open:
            raise ConnectionClosed("connection is closed")
        if len(data) > connection.max_fragment:
            raise ValueError(f"peer takes {connection.max_fragment} bytes, not {len(data)}")
        self._seal(connection, ContentType.APPLICATION_DATA, data)
        return self._drain()

    def close(self, connection: Connection) -> list[Output]:
        """Say goodbye; the session can still be resumed (RFC 5246 7.2.1)."""
        if connection.open:
            self._end(connection, CloseReason.LOCAL, Alert.CLOSE_NOTIFY)
        return self._drain()

    def revoke(self, matches: Callable[[Identity], bool]) -> list[Output]:
        """End everything of the identities whose credential has changed or gone.

        That is their connections, what they could resume, and handshakes under way.
        """
        self._environment.sessions.purge(matches)
        for address, handshake in self._handshakes.matching(matches):
            self._refuse(address, handshake, Alert.ACCESS_DENIED, "credential is revoked")
        for connection in self._connections.matching(matches):
            self._end(connection, CloseReason.REVOKED, Alert.ACCESS_DENIED)
        return self._drain()

    @property
    def next_deadline(self) -> float | None:
        """When to call `timeout`; None: nothing is waited for."""
        return self._handshakes.next_deadline

    def timeout(self, now: float) -> list[Output]:
        """Retransmit and give up what is due."""
        for address, handshake in self._handshakes.due(now):
            if handshake.timeout(now):
                self.counters.retransmissions += 1
                self._handshakes.schedule(address, handshake)
                self._flush(address, handshake)
            else:
                handshake.refusal = Refusal.TIMEOUT
                self._refuse(address, handshake, None, "no answer in time")
        return self._drain()

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    @property
    def handshakes(self) -> int:
        """How many handshakes are under way."""
        return len(self._handshakes)

    @property
    def sessions(self) -> int:
        """How many sessions can be resumed."""
        return len(self._environment.sessions)

    def _drain(self) -> list[Output]:
        out, self._out = self._out, []
        return out

    # Records of epoch 0

    def _plaintext(self, record: Record, address: Address, now: float) -> None:
        if record.type == ContentType.HANDSHAKE and record.fragment[:1] == b"\x01":
            self._client_hello(record, address, now)
            return
        handshake = self._handshakes.get(address)
        if handshake is None:
            # Unauthenticated, so a connection is deaf to it, alerts included.
            self.counters.garbage += 1
            return
        match record.type:
            case ContentType.HANDSHAKE:
                self._step(address, handshake, handshake.plaintext, record, now)
            case ContentType.CHANGE_CIPHER_SPEC:
                self._step(address, handshake, handshake.change_cipher_spec, record, now)
            case ContentType.ALERT:
                self._alert_in_handshake(address, handshake, record.fragment)
            case _:
                self.counters.garbage += 1

    def _client_hello(self, record: Record, address: Address, now: float) -> None:
        """Ask for a cookie, or begin (RFC 6347 4.2.1).

        A hello in pieces cannot be answered without remembering them, so it is dropped.
        """
        try:
            fragment = fragment_at(record.fragment, 0)
            hello = ClientHello.parse(fragment.body) if fragment.whole else None
        except HandshakeError:
            hello = None
        if hello is None or fragment.sequence > _LAST_MESSAGE or record.sequence > _LAST_RECORD:
            self.counters.garbage += 1
            return
        source = source_of(address[0])
        bound = repr(address).encode()
        if not self._cookies.valid(bound, hello, now):
            if not self._hellos.allow(source, now):
                self.counters.rate_limited += 1
                self._suspect(Suspicion.FLOOD, address)
                return
            self.counters.hello_verify_requests += 1
            # RFC 6347 4.2.1 says 1.0, and also the ServerHello's (erratum 4103). Older tinydtls
            # takes its own alone, and so that is what Leshan answers with.
            version = DTLS_1_2 if hello.version <= DTLS_1_2 else DTLS_1_0
            body = hello_verify_request(version, self._cookies.make(bound, hello, now))
            # Both numbers are the client's, for there is nobody here to count (4.2.1).
            answer = message(HandshakeType.HELLO_VERIFY_REQUEST, fragment.sequence, body)
            datagram = plaintext_record(ContentType.HANDSHAKE, version, record.sequence, answer)
            self._out.append(Transmit(datagram, address))
            return
        current = self._connections.at(address)
        if current is not None and current.cookie == hello.cookie:
            return
        handshake = self._handshakes.get(address)
        if handshake is not None:
            if handshake.cookie == hello.cookie:
                self.counters.retransmissions += 1
                handshake.retransmit()
                self._flush(address, handshake)
                return
            # The client began anew, and only it could know the cookie.
            self._handshakes.remove(address)
        self._begin(hello, fragment, record.sequence, address, now)

    def _begin(
        self,
        hello: ClientHello,
        message: Fragment,
        record_sequence: int,
        address: Address,
        now: float,
    ) -> None:
        """Begin a handshake; an established connection stays until it is done (4.2.8)."""
        source = source_of(address[0])
        crowded = self._handshakes.of_source(source) >= self._limits.handshakes_per_source
        if not crowded and not self._starts.allow(source, now):
            self.counters.rate_limited += 1
            self._suspect(Suspicion.FLOOD, address)
            return
        if crowded or not self._has_turn(source, now):
            self.counters.overloaded += 1
            self._suspect(Suspicion.OVERLOAD, address)
            return
        self.counters.handshakes += 1
        handshake = Handshake(
            self._environment, message, record_sequence, self._connections.new_id, now
        )
        self._handshakes.add(address, handshake)
        self._step(address, handshake, handshake.start, hello, now)

    def _has_turn(self, source: str, now: float) -> bool:
        """Tell whether there is room for one more handshake of a source, or one that gives way.

        Else whoever begins many and ends none would keep all others out for as long as a handshake
        may take. It is the oldest of the source that has most: at once for a source that has
        fewer, and for another one once it has had its turn.
        """
        if len(self._handshakes) < self._limits.handshakes:
            return True
        address, oldest = self._handshakes.oldest_of_busiest()
        most = self._handshakes.of_source(source_of(address[0]))
        fewer = self._handshakes.of_source(source) + 1 < most
        if not fewer and now - oldest.begun < self._limits.handshake_turn:
            return False
        oldest.refusal = Refusal.TIMEOUT
        self._refuse(address, oldest, None, "gave way to others")
        return True

    def _alert_in_handshake(self, address: Address, handshake: Handshake, alert: bytes) -> None:
        if len(alert) == 2 and (alert[0] == AlertLevel.FATAL or alert[1] == Alert.CLOSE_NOTIFY):
            handshake.refusal = Refusal.PEER_ALERT
            self._refuse(address, handshake, None, f"peer sent alert {alert[1]}")

    # Handshakes

    def _step[T](
        self,
        address: Address,
        handshake: Handshake,
        step: Callable[[T, float], object],
        came: T,
        now: float,
    ) -> None:
        """Take a handshake one step on, and see what came of it."""
        try:
            step(came, now)
        except HandshakeError as error:
            self._refuse(address, handshake, error.alert, str(error))
            return
        if handshake.outgoing:
            self._flush(address, handshake)
        if handshake.identity is not None:
            self._establish(address, handshake, now)

    def _flush(self, address: Address, handshake: Handshake) -> None:
        for datagram in handshake.outgoing:
            self._out.append(Transmit(datagram, address))
        handshake.outgoing.clear()

    def _refuse(
        self, address: Address, handshake: Handshake, alert: Alert | None, detail: str
    ) -> None:
        """Give a handshake up, and tell the peer `alert`."""
        self.counters.refused += 1
        self._flush(address, handshake)
        self._handshakes.remove(address)
        if alert is not None:
            datagram = plaintext_record(
                ContentType.ALERT,
                DTLS_1_2,
                handshake.flight.sequence,
                bytes((AlertLevel.FATAL, alert)),
            )
            self._out.append(Transmit(datagram, address))
        self._out.append(Refused(address, handshake.refusal, handshake.candidate, detail))

    def _establish(self, address: Address, handshake: Handshake, now: float) -> None:
        assert handshake.channel is not None
        self._handshakes.remove(address)
        connection = Connection(handshake, handshake.channel, address)
        connection.last_received = now
        replaced = self._connections.at(address)
        if replaced is not None:
            if replaced.connection_id and replaced.identity != connection.identity:
                # The address has changed hands. Its former owner may go on elsewhere (RFC 9146 6).
                replaced = None
            else:
                # It has restarted, or nothing tells it any more from who is there now.
                self._end(replaced, CloseReason.REPLACED, None)
        self._make_room(connection.identity)
        self._connections.add(connection)
        self.counters.established += 1
        self.counters.resumed += handshake.resumed
        if handshake.session is not None:
            self._environment.sessions.add(handshake.session)
        self._out.append(Established(connection, replaced))
        for record in handshake.early:
            if connection.open:
                self._record(connection, record, address, now)

    def _make_room(self, identity: Identity) -> None:
        """Close the connections silent for longest, the identity's own first."""
        if self._connections.count(identity) >= self._limits.connections_per_identity:
            stale = self._connections.quietest(identity)
        elif len(self._connections) >= self._limits.connections:
            stale = self._connections.quietest()
        else:
            return
        self._end(stale, CloseReason.EVICTED, Alert.CLOSE_NOTIFY)

    # Records of epoch 1

    def _protected(self, record: Record, address: Address, now: float) -> None:
        handshake = self._handshakes.get(address)
        if record.type == ContentType.TLS12_CID:
            connection = self._connections.with_id(record.connection_id)
            if handshake is not None and handshake.connection_id != record.connection_id:
                handshake = None
        else:
            connection = self._connections.at(address)
        if connection is None and handshake is None:
            self.counters.garbage += 1
        elif handshake is None:
            assert connection is not None
            self._record(connection, record, address, now)
        elif connection is None or not self._record(
            connection, record, address, now, certain=False
        ):
            # While a peer restarts, its records may be of the old keys or of the new.
            self._step(address, handshake, handshake.protected, record, now)

    def _record(
        self,
        connection: Connection,
        record: Record,
        address: Address,
        now: float,
        *,
        certain: bool = True,
    ) -> bool:
        """Take a record that is for this connection; say whether it really was.

        Not `certain`: a failure means only that it is somebody else's.
        """
        window = connection.channel.window
        sequence = record.sequence
        if not window.fresh(sequence):
            if certain:
                connection.replays += 1
                self.counters.replays += 1
                self._suspect(Suspicion.REPLAY, address, connection)
            return False
        try:
            content_type, content = connection.channel.open(record)
        except BadRecordMac:
            if certain:
                connection.bad_macs += 1
                self.counters.bad_macs += 1
                self._suspect(Suspicion.BAD_MAC, address, connection)
            return False
        newest = window.mark(sequence)
        self.counters.records_in += 1
        connection.last_received = now
        if newest and address != connection.address:
            self._move(connection, address)
        match content_type:
            case ContentType.APPLICATION_DATA:
                # The client has our Finished, or it would not send these (RFC 6347 4.2.4).
                connection.last_flight = None
                if content:
                    self._out.append(Received(connection, content))
            case ContentType.HANDSHAKE:
                self._handshake_again(connection, content)
            case ContentType.ALERT:
                self._alert(connection, content)
            case _:
                self._end(connection, CloseReason.PROTOCOL, Alert.UNEXPECTED_MESSAGE)
        return True

    def _move(self, connection: Connection, address: Address) -> None:
        """Follow a peer to its new address (RFC 9146 6); only its connection ID brings it here."""
        previous = connection.address
        self._connections.move(connection, address)
        self.counters.moves += 1
        self._out.append(Moved(connection, previous))

    def _handshake_again(self, connection: Connection, content: bytes) -> None:
        match content[:1]:
            case b"\x14":
                # The client has not seen our last flight (RFC 6347 4.2.4).
                if connection.last_flight is not None:
                    self.counters.retransmissions += 1
                    datagrams = connection.last_flight.datagrams(
                        connection.channel, connection.max_fragment
                    )
                    self._out += [Transmit(each, connection.address) for each in datagrams]
            case b"\x01":
                # RFC 5246 7.2.2: a warning, and all goes on.
                self.counters.renegotiations += 1
                warning = bytes((AlertLevel.WARNING, Alert.NO_RENEGOTIATION))
                self._seal(connection, ContentType.ALERT, warning)
            case _:
                self._end(connection, CloseReason.PROTOCOL, Alert.UNEXPECTED_MESSAGE)

    def _alert(self, connection: Connection, content: bytes) -> None:
        if len(content) != 2:
            self._end(connection, CloseReason.PROTOCOL, Alert.DECODE_ERROR)
        elif content[1] == Alert.CLOSE_NOTIFY:
            self._end(connection, CloseReason.PEER_CLOSED, Alert.CLOSE_NOTIFY)
        elif content[0] == AlertLevel.FATAL:
            self._end(connection, CloseReason.PEER_ALERT, None)

    def _seal(self, connection: Connection, content_type: ContentType, content: bytes) -> None:
        self.counters.records_out += 1
        datagram = connection.channel.seal(content_type, content)
        self._out.append(Transmit(datagram, connection.address))

    def _end(self, connection: Connection, reason: CloseReason, alert: Alert | None) -> None:
        """Close a connection and tell the peer `alert`."""
        if alert is not None:
            fatal = alert is not Alert.CLOSE_NOTIFY
            level = AlertLevel.FATAL if fatal else AlertLevel.WARNING
            if not connection.channel.exhausted:
                self._seal(connection, ContentType.ALERT, bytes((level, alert)))
        if reason is CloseReason.PEER_ALERT or reason is CloseReason.PROTOCOL:
            # RFC 5246 7.2.2: a fatal alert ends the session too.
            self._environment.sessions.discard(connection.session_id)
        connection.open = False
        connection.last_flight = None
        self._connections.remove(connection)
        self._out.append(Closed(connection, reason))

    def _suspect(
        self, suspicion: Suspicion, address: Address, connection: Connection | None = None
    ) -> None:
        identity = connection.identity if connection else None
        self._out.append(Suspicious(suspicion, address, identity))
