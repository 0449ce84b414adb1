"""A DTLS 1.2 client that does as it is told, right or wrong.

It stands on the primitives of the server, whose correctness other tests pin, but has a state
machine of its own.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from custom_components.lwm2m.protocol.dtls import Output, Transmit
from custom_components.lwm2m.protocol.dtls.channel import Channel
from custom_components.lwm2m.protocol.dtls.ciphers import SUITES, KeyExchange, record_ciphers
from custom_components.lwm2m.protocol.dtls.errors import BadRecordMac
from custom_components.lwm2m.protocol.dtls.extensions import Extension, Group
from custom_components.lwm2m.protocol.dtls.key_exchange import ephemeral_key
from custom_components.lwm2m.protocol.dtls.key_schedule import (
    Hmac,
    extended_master_secret,
    master_secret,
    psk_premaster,
    verify_data,
)
from custom_components.lwm2m.protocol.dtls.messages import (
    HEADER,
    HandshakeType,
    fragments,
    message,
    raw_public_key,
    signature,
    split_message,
    x509_certificate,
)
from custom_components.lwm2m.protocol.dtls.reassembly import Reassembler
from custom_components.lwm2m.protocol.dtls.records import (
    DTLS_1_0,
    DTLS_1_2,
    ContentType,
    Record,
    plaintext_record,
    split,
)
from custom_components.lwm2m.protocol.dtls.wire import Reader, vector

from .parties import IDENTITY, KEY, Party

if TYPE_CHECKING:
    from collections.abc import Iterable

    from custom_components.lwm2m.protocol.dtls.server import DtlsServer

PSK_CCM_8 = 0xC0A8
ECDHE_CCM_8 = 0xC0AE
PSK_CBC = 0x00AE
ADDRESS = ("192.0.2.1", 50000)


class Item(NamedTuple):
    """A message to send: of a handshake type with its body, or a bare record."""

    content_type: ContentType
    kind: HandshakeType | None
    body: bytes
    protected: bool = False


class Remembered(NamedTuple):
    """What a client keeps to resume."""

    id: bytes
    master: bytes


class ScriptedClient:
    """One client; `receive` and `timeout` return the datagrams that it sends."""

    def __init__(
        self,
        *,
        suites: tuple[int, ...] = (PSK_CCM_8,),
        identity: bytes = IDENTITY,
        key: bytes = KEY,
        party: Party | None = None,
        raw: bool = False,
        group: Group = Group.SECP256R1,
        extended_master: bool = True,
        encrypt_then_mac: bool = False,
        connection_id: bytes | None = None,
        resume: Remembered | None = None,
        fragment: int | None = None,
        version: int = DTLS_1_2,
        extra: dict[int, bytes] | None = None,
    ) -> None:
        self.identity = identity
        self.key = key
        self.party = party
        self.raw = raw
        self.fragment = fragment
        self.version = version
        self.suites = suites
        self.extended_master = extended_master
        self.encrypt_then_mac = encrypt_then_mac
        self.connection_id = connection_id
        self.resume = resume
        self.random = os.urandom(32)
        self.server_random = b""
        self.established = False
        self.alerts: list[tuple[int, int]] = []
        self.received: list[bytes] = []
        self.cookie = b""
        self.sequence = 0
        self.next_message = 0
        self.master = b""
        self.session_id = b""
        self.channel: Channel | None = None
        self.resumed = False
        self.flight: list[tuple[Item, int]] = []
        self.transcript = b""
        self.server_extensions: dict[int, bytes] = {}
        self.server_certificate = b""
        self.group = group
        self.extensions: dict[int, bytes] = {}
        if extended_master:
            self.extensions[Extension.EXTENDED_MASTER_SECRET] = b""
        if encrypt_then_mac:
            self.extensions[Extension.ENCRYPT_THEN_MAC] = b""
        if connection_id is not None:
            self.extensions[Extension.CONNECTION_ID] = vector(1, connection_id)
        if party is not None:
            groups = dict.fromkeys((group, Group.SECP256R1))
            offered = b"".join(each.to_bytes(2) for each in groups)
            self.extensions[Extension.SUPPORTED_GROUPS] = vector(2, offered)
            self.extensions[Extension.EC_POINT_FORMATS] = vector(1, b"\0")
            self.extensions[Extension.SIGNATURE_ALGORITHMS] = vector(2, b"\x04\x03")
            if raw:
                self.extensions[Extension.CLIENT_CERTIFICATE_TYPE] = vector(1, b"\x02")
                self.extensions[Extension.SERVER_CERTIFICATE_TYPE] = vector(1, b"\x02")
        self.extensions |= extra or {}
        self._messages = Reassembler(0)
        self._server_changed_cipher = False
        self._early: list[Record] = []

    # Building blocks

    def hello_body(self) -> bytes:
        extensions = b"".join(
            number.to_bytes(2) + vector(2, body) for number, body in self.extensions.items()
        )
        return b"".join(
            (
                self.version.to_bytes(2),
                self.random,
                vector(1, self.resume.id if self.resume else b""),
                vector(1, self.cookie),
                vector(2, b"".join(suite.to_bytes(2) for suite in self.suites)),
                vector(1, b"\0"),
                vector(2, extensions) if extensions else b"",
            )
        )

    def record(self, content_type: int, data: bytes, *, version: int = DTLS_1_2) -> bytes:
        record = plaintext_record(content_type, version, self.sequence, data)
        self.sequence += 1
        return record

    def sealed(self, data: bytes, content_type: int = ContentType.APPLICATION_DATA) -> bytes:
        assert self.channel is not None
        return self.channel.seal(content_type, data)

    def hello(self) -> list[bytes]:
        """Begin, or begin again with a cookie."""
        self.transcript = b""
        return self.send(
            [Item(ContentType.HANDSHAKE, HandshakeType.CLIENT_HELLO, self.hello_body())]
        )

    def send(self, items: Iterable[Item]) -> list[bytes]:
        """Send a new flight."""
        self.flight = []
        for item in items:
            self.flight.append((item, self.next_message))
            if item.kind is not None:
                self.transcript += message(item.kind, self.next_message, item.body)
                self.next_message += 1
        return self.timeout()

    def timeout(self) -> list[bytes]:
        """Send the last flight again, each record in its own datagram."""
        datagrams = []
        for item, number in self.flight:
            data = item.body if item.kind is None else message(item.kind, number, item.body)
            if item.protected:
                datagrams.append(self.sealed(data, item.content_type))
            elif item.kind is not None and self.fragment:
                datagrams += [
                    self.record(item.content_type, part)
                    for part in split_message(data, self.fragment)
                ]
            else:
                version = DTLS_1_0 if item.kind is HandshakeType.CLIENT_HELLO else DTLS_1_2
                datagrams.append(self.record(item.content_type, data, version=version))
        return datagrams

    # What the server says

    def receive(self, datagram: bytes) -> list[bytes]:
        answers: list[bytes] = []
        for record in split(datagram, len(self.connection_id or b"")):
            answers += self._take(record)
        return answers

    def _take(self, record: Record) -> list[bytes]:
        if record.epoch == 0:
            if record.type == ContentType.ALERT:
                self.alerts.append((record.fragment[0], record.fragment[1]))
            elif record.type == ContentType.CHANGE_CIPHER_SPEC:
                self._server_changed_cipher = True
                early, self._early = self._early, []
                return [answer for kept in early for answer in self._take(kept)]
            elif record.type == ContentType.HANDSHAKE:
                return self._handshake(record.fragment)
            return []
        if not self._server_changed_cipher or self.channel is None:
            self._early.append(record)
            return []
        if not self.channel.window.fresh(record.sequence):
            return []
        try:
            kind, content = self.channel.open(record)
        except BadRecordMac:
            return []
        self.channel.window.mark(record.sequence)
        if kind == ContentType.HANDSHAKE:
            return self._handshake(content)
        if kind == ContentType.ALERT:
            self.alerts.append((content[0], content[1]))
        else:
            self.received.append(content)
        return []

    def _handshake(self, data: bytes) -> list[bytes]:
        answers = []
        repeated = False
        for fragment in fragments(data):
            repeated |= fragment.sequence < self._messages.expected
            for whole in self._messages.add(fragment):
                answers += self._message(whole)
        if repeated and self.resumed and not answers:
            # The server has not seen the last flight, which is ours in a resumption.
            answers += self.timeout()
        return answers

    def _message(self, whole: bytes) -> list[bytes]:
        kind, body = HandshakeType(whole[0]), whole[HEADER:]
        before = self.transcript
        if kind is not HandshakeType.HELLO_VERIFY_REQUEST:
            self.transcript += whole
        reader = Reader(body)
        match kind:
            case HandshakeType.HELLO_VERIFY_REQUEST:
                reader.take(2)
                self.cookie = reader.vector(1)
                return self.hello()
            case HandshakeType.SERVER_HELLO:
                reader.take(2)
                self.server_random = reader.take(32)
                self.session_id = reader.vector(1)
                self.suite = SUITES[reader.number(2)]
                reader.take(1)
                found = Reader(b"" if reader.empty else reader.vector(2))
                while not found.empty:
                    extension = found.number(2)
                    self.server_extensions[extension] = found.vector(2)
                if self.resume is not None and self.session_id == self.resume.id:
                    self.resumed = True
                    self.master = self.resume.master
                    self._make_channel()
            case HandshakeType.CERTIFICATE:
                self.server_certificate = body
            case HandshakeType.SERVER_KEY_EXCHANGE:
                assert reader.take(1) == b"\x03"
                assert reader.number(2) == self.group
                self.server_point = reader.vector(1)
            case HandshakeType.SERVER_HELLO_DONE if self.server_random:  # else the hello was lost
                return self.send(self.second_flight())
            case HandshakeType.FINISHED:
                digest = hashlib.sha256(before).digest()
                assert body == verify_data(Hmac(self.master), client=False, transcript_hash=digest)
                self.established = True
                if self.resumed:
                    return self.send(self.finish())
                self.flight = []
            case _:
                pass
        return []

    # The client's own flights

    def second_flight(self) -> list[Item]:
        """Return the flight from Certificate, or ClientKeyExchange, to Finished."""
        items = []
        transcript = self.transcript

        def add(kind: HandshakeType, body: bytes) -> None:
            nonlocal transcript
            items.append(Item(ContentType.HANDSHAKE, kind, body))
            transcript += message(kind, self.next_message + len(items) - 1, body)

        if self.suite.key_exchange is KeyExchange.PSK:
            add(HandshakeType.CLIENT_KEY_EXCHANGE, vector(2, self.identity))
            premaster = psk_premaster(self.key)
        else:
            assert self.party is not None
            shown = (
                raw_public_key(self.party.spki) if self.raw else x509_certificate((self.party.der,))
            )
            add(HandshakeType.CERTIFICATE, shown)
            private = ephemeral_key(self.group)
            add(HandshakeType.CLIENT_KEY_EXCHANGE, vector(1, private.point))
            premaster = private.exchange(self.server_point)
        if self.extended_master:
            self.master = extended_master_secret(premaster, hashlib.sha256(transcript).digest())
        else:
            self.master = master_secret(premaster, self.random, self.server_random)
        if self.suite.key_exchange is not KeyExchange.PSK:
            assert self.party is not None
            signed = self.party.key.sign(transcript, ec.ECDSA(hashes.SHA256()))
            add(HandshakeType.CERTIFICATE_VERIFY, signature(signed))
        self._make_channel()
        return [*items, *self.finish(transcript)]

    def finish(self, transcript: bytes | None = None) -> list[Item]:
        """Return ChangeCipherSpec and Finished."""
        digest = hashlib.sha256(self.transcript if transcript is None else transcript).digest()
        data = verify_data(Hmac(self.master), client=True, transcript_hash=digest)
        return [
            Item(ContentType.CHANGE_CIPHER_SPEC, None, b"\x01"),
            Item(ContentType.HANDSHAKE, HandshakeType.FINISHED, data, protected=True),
        ]

    def _make_channel(self) -> None:
        ours, servers = record_ciphers(
            self.suite,
            Hmac(self.master),
            self.random,
            self.server_random,
            encrypt_then_mac=Extension.ENCRYPT_THEN_MAC in self.server_extensions,
        )
        theirs = self.server_extensions.get(Extension.CONNECTION_ID, b"\0")[1:]
        self.channel = Channel(servers, ours, self.connection_id or b"", theirs)

    @property
    def remembered(self) -> Remembered:
        """What the next client needs to resume."""
        return Remembered(self.session_id, self.master)


class Conversation:
    """A client and a server with nothing between them; time stands still."""

    def __init__(
        self, server: DtlsServer, client: ScriptedClient, address: tuple[str, int] = ADDRESS
    ) -> None:
        self.server = server
        self.client = client
        self.address = address
        self.now = 1000.0
        self.events: list[Output] = []

    def deliver(self, *datagrams: bytes) -> list[Output]:
        """Give the server datagrams; return its events, and let the client answer the rest."""
        events: list[Output] = []
        waiting = list(datagrams)
        while waiting:
            outputs = self.server.receive(waiting.pop(0), self.address, self.now)
            waiting += self.absorb(outputs, events)
        self.events += events
        return events

    def absorb(self, outputs: list[Output], events: list[Output] | None = None) -> list[bytes]:
        """Give the client what is for it; return its answers."""
        answers: list[bytes] = []
        for output in outputs:
            if isinstance(output, Transmit):
                if output.address == self.address:
                    answers += self.client.receive(output.datagram)
            else:
                (self.events if events is None else events).append(output)
        return answers

    def until(self, kind: HandshakeType) -> list[Item]:
        """Go on until the client would send its flight with this message; return that flight."""
        assert kind is HandshakeType.CLIENT_KEY_EXCHANGE
        withheld: list[Item] = []
        original = self.client.second_flight

        def withhold() -> list[Item]:
            withheld.extend(original())
            return []

        self.client.second_flight = withhold  # type: ignore[method-assign]  # and not sent
        self.deliver(*self.client.hello())
        return withheld

    def connect(self) -> ScriptedClient:
        """Do a whole handshake."""
        self.deliver(*self.client.hello())
        return self.client
