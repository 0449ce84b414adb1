"""What is fuzzed, with Hypothesis in the tests and with atheris by scripts/fuzz.

A target takes bytes. What it raises must not be for a peer to raise: anything but the layer's own
errors, and an AssertionError where something is left over or the session in progress beside it does
not go on.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, override

from custom_components.lwm2m.protocol.dtls import (
    CertificateTrust,
    CertificateUsage,
    Connection,
    DtlsServer,
    Established,
    Limits,
    PskIdentity,
    Received,
    ServerIdentity,
)
from custom_components.lwm2m.protocol.dtls.certificates import load_public_key, names, public_key
from custom_components.lwm2m.protocol.dtls.ciphers import SUITES
from custom_components.lwm2m.protocol.dtls.errors import HandshakeError
from custom_components.lwm2m.protocol.dtls.messages import HandshakeType, message
from custom_components.lwm2m.protocol.dtls.records import DTLS_1_2, ContentType
from custom_components.lwm2m.protocol.dtls.wire import vector

from .parties import IDENTITY, KEY, NOW, Keyring, authority, device, server_party
from .scripted_client import ECDHE_CCM_8, Conversation, ScriptedClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .scripted_client import Item

NEIGHBOUR = b"neighbour"
CKE = HandshakeType.CLIENT_KEY_EXCHANGE
UNLIMITED = Limits(hello_rate=1e9, hello_burst=1e9, handshake_rate=1e9, handshake_burst=1e9)


class Scene:
    """A server, a session in progress, and room for one peer that misbehaves."""

    def __init__(self) -> None:
        party = server_party()
        keyring = Keyring(
            psks={IDENTITY: KEY, NEIGHBOUR: KEY},
            server=ServerIdentity(party.key, [party.der]),
            public_keys={device().spki},
            trusts=[CertificateTrust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority().der)],
        )
        self.server = DtlsServer(keyring, UNLIMITED)
        self.now = 0.0
        self._neighbour = Conversation(
            self.server, ScriptedClient(identity=NEIGHBOUR), ("192.0.2.99", 1)
        )
        self._neighbour.connect()
        [established] = self._neighbour.events
        assert isinstance(established, Established)
        self._session: Connection = established.connection

    def meet(self, client: ScriptedClient) -> Conversation:
        conversation = Conversation(self.server, client)
        self.now += 1.0
        conversation.now = self.now
        return conversation

    def check(self) -> None:
        """Part with the peer; AssertionError when it has left something behind."""
        data = self._neighbour.client.sealed(b"data")
        assert self._neighbour.deliver(data) == [Received(self._session, b"data")]
        self.server.revoke(lambda identity: identity != PskIdentity(NEIGHBOUR))
        self.now += 1e5
        self.server.timeout(self.now)
        assert (self.server.handshakes, self.server.connections, self.server.sessions) == (0, 1, 1)


scene = cache(Scene)


def cut(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield pieces, each with a number: 1 byte of number, 2 of length, the piece."""
    while len(data) > 3:
        end = 3 + int.from_bytes(data[1:3])
        yield data[0], data[3:end]
        data = data[end:]


def pieces(*numbered: tuple[int, bytes]) -> bytes:
    """Write what `cut` reads."""
    return b"".join(number.to_bytes(1) + vector(2, piece) for number, piece in numbered)


# How far the peer has come before it misbehaves


def _new() -> Conversation:
    return scene().meet(ScriptedClient())


def _asked_for_key_exchange() -> Conversation:
    conversation = scene().meet(ScriptedClient())
    conversation.until(CKE)
    return conversation


def _asked_for_certificate() -> Conversation:
    client = ScriptedClient(suites=(ECDHE_CCM_8,), party=device())
    conversation = scene().meet(client)
    conversation.until(CKE)
    return conversation


def _asked_for_raw_public_key() -> Conversation:
    client = ScriptedClient(suites=(ECDHE_CCM_8,), party=device(), raw=True)
    conversation = scene().meet(client)
    conversation.until(CKE)
    return conversation


def _asked_for_finished() -> Conversation:
    conversation = scene().meet(ScriptedClient(connection_id=b"ab"))
    *before, _finished = conversation.until(CKE)
    conversation.deliver(*conversation.client.send(before))
    return conversation


def _established() -> Conversation:
    conversation = scene().meet(ScriptedClient())
    conversation.connect()
    return conversation


def _established_with_connection_id() -> Conversation:
    conversation = scene().meet(ScriptedClient(connection_id=b"ab"))
    conversation.connect()
    return conversation


STAGES = (
    _new,
    _asked_for_key_exchange,
    _asked_for_certificate,
    _asked_for_raw_public_key,
    _asked_for_finished,
    _established,
    _established_with_connection_id,
)
WITH_KEYS = (_asked_for_finished, _established, _established_with_connection_id)


def _at(stages: tuple[Callable[[], Conversation], ...], data: bytes) -> Conversation:
    """Go to the stage that the first byte says."""
    return stages[data[0] % len(stages) if data else 0]()


# The targets


def datagrams(data: bytes) -> None:
    """Datagrams of anything, at any stage."""
    conversation = _at(STAGES, data)
    for _, datagram in cut(data[1:]):
        conversation.deliver(datagram)
    scene().check()


def messages(data: bytes) -> None:
    """Handshake messages in good records, at any stage; each number is a type and a leap."""
    conversation = _at(STAGES, data)
    client = conversation.client
    for number, body in cut(data[1:]):
        client.next_message += number >> 5
        whole = message(number & 0x1F, client.next_message, body)
        client.next_message += 1
        conversation.deliver(client.record(ContentType.HANDSHAKE, whole))
    scene().check()


def protected(data: bytes) -> None:
    """Records that are sealed as they should be; each number is a content type."""
    conversation = _at(WITH_KEYS, data)
    for number, content in cut(data[1:]):
        conversation.deliver(conversation.client.sealed(content, number))
    scene().check()


class _Hello(ScriptedClient):
    """Says what it is told, after a cookie that is right."""

    rest = b""

    @override
    def hello_body(self) -> bytes:
        return b"".join(
            (DTLS_1_2.to_bytes(2), self.random, b"\0", vector(1, self.cookie), self.rest)
        )

    @override
    def _message(self, whole: bytes) -> list[bytes]:
        is_cookie = whole[0] == HandshakeType.HELLO_VERIFY_REQUEST
        return super()._message(whole) if is_cookie else []


def hello(data: bytes) -> None:
    """ClientHellos of any suites and extensions, whose cookies are right."""
    client = _Hello()
    client.rest = data
    scene().meet(client).connect()
    scene().check()


def certificates(data: bytes) -> None:
    """Chains of certificates, and public keys."""
    chain = tuple(body for _, body in cut(data))
    for body in chain:
        for read in (public_key, load_public_key):
            with suppress(HandshakeError):
                read(body)
        names(body)
    anchor = authority().der
    for usage in CertificateUsage:
        CertificateTrust(usage, anchor, (anchor,)).objection(chain, NOW)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "dtls_datagrams": datagrams,
    "dtls_messages": messages,
    "dtls_protected": protected,
    "dtls_hello": hello,
    "dtls_certificates": certificates,
}


class _Honest(ScriptedClient):
    """Remembers what it sends."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.said: list[tuple[int, bytes]] = []
        self.sent: list[tuple[int, bytes]] = []

    @override
    def send(self, items: Iterable[Item]) -> list[bytes]:
        items = list(items)
        self.said += [(item.kind, item.body) for item in items if item.kind is not None]
        datagrams = super().send(items)
        self.sent += [(0, datagram) for datagram in datagrams]
        return datagrams


def examples() -> dict[str, list[bytes]]:
    """Return, by target, what is worth beginning with: what honest clients send."""
    clients = [
        _Honest(connection_id=b"ab"),
        _Honest(suites=tuple(SUITES)[4:], party=device()),
        _Honest(suites=tuple(SUITES)[4:], party=device(), raw=True),
    ]
    for client in clients:
        scene().meet(client).connect()
        scene().check()
    stages = [bytes((stage,)) for stage in range(len(STAGES))]
    records = [
        (ContentType.APPLICATION_DATA, b"data"),
        (ContentType.ALERT, b"\1\0"),
        (ContentType.HANDSHAKE, message(HandshakeType.FINISHED, 3, bytes(12))),
        (ContentType.HANDSHAKE, message(HandshakeType.CLIENT_HELLO, 0, b"")),
    ]
    return {
        "dtls_datagrams": [stage + pieces(*client.sent) for stage in stages for client in clients],
        "dtls_messages": [stage + pieces(*client.said) for stage in stages for client in clients],
        "dtls_protected": [stage + pieces(record) for stage in stages for record in records],
        "dtls_hello": [client.hello_body()[36 + len(client.cookie) :] for client in clients],
        "dtls_certificates": [
            pieces((0, device().der), (0, authority().der)),
            pieces((0, device().spki)),
        ],
    }
