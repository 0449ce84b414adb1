"""Random and mutated input: no error escapes, and a session beside it goes on."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, override

from hypothesis import HealthCheck, example, given, settings, strategies as st
import pytest

from custom_components.lwm2m.protocol.dtls import DtlsServer, Established, Received
from custom_components.lwm2m.protocol.dtls.certificates import (
    load_public_key,
    names,
    public_key,
    validated_path,
)
from custom_components.lwm2m.protocol.dtls.channel import Channel
from custom_components.lwm2m.protocol.dtls.ciphers import SUITES, record_ciphers
from custom_components.lwm2m.protocol.dtls.errors import BadRecordMac, DtlsError, HandshakeError
from custom_components.lwm2m.protocol.dtls.extensions import parse_extensions
from custom_components.lwm2m.protocol.dtls.key_schedule import Hmac
from custom_components.lwm2m.protocol.dtls.messages import (
    ClientHello,
    HandshakeType,
    fragments,
    message,
    parse_certificate_verify,
    parse_ecdh_point,
    parse_psk_identity,
    parse_raw_public_key,
    parse_x509_certificate,
)
from custom_components.lwm2m.protocol.dtls.reassembly import Reassembler
from custom_components.lwm2m.protocol.dtls.records import ContentType, split

from .parties import NOW, Keyring, authority, device
from .scripted_client import ADDRESS, ECDHE_CCM_8, Conversation, ScriptedClient
from .targets import STAGES, TARGETS, examples, scene

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = 150
EXAMPLES_OF = examples()
type Records = list[tuple[ContentType, int, int, bytes]]
type Messages = list[tuple[int, int, bytes]]
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CKE = HandshakeType.CLIENT_KEY_EXCHANGE


class Mutation:
    """Bytes to overwrite, cut off and insert in what an honest client sends."""

    def __init__(self, edits: list[tuple[int, int]], cut: int, insert: bytes) -> None:
        self.edits, self.cut, self.insert = edits, cut, insert

    @override
    def __repr__(self) -> str:
        return f"Mutation({self.edits}, {self.cut}, {self.insert!r})"

    def apply(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for position, value in self.edits:
            if changed:
                changed[position % len(changed)] = value
        if self.cut:
            del changed[-self.cut :]
        changed += self.insert
        return bytes(changed)


mutations = st.builds(
    Mutation,
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    st.sampled_from([0, 0, 0, 1, 5, 40]),
    st.binary(max_size=8),
)


@pytest.fixture
def neighbour(server: DtlsServer, keyring: Keyring) -> Callable[[], None]:
    keyring.psks[b"neighbour"] = b"key"
    client = ScriptedClient(identity=b"neighbour", key=b"key")
    conversation = Conversation(server, client, ("192.0.2.99", 1))
    conversation.connect()
    [established] = conversation.events
    assert isinstance(established, Established)

    def goes_on() -> None:
        [received] = conversation.deliver(client.sealed(b"data"))
        assert received == Received(established.connection, b"data")

    return goes_on


@pytest.mark.parametrize(
    "parse",
    [
        ClientHello.parse,
        parse_extensions,
        parse_certificate_verify,
        parse_ecdh_point,
        parse_psk_identity,
        parse_raw_public_key,
        lambda body: parse_x509_certificate(body, 6),
        lambda body: list(fragments(body)),
        load_public_key,
        public_key,
        names,
        lambda body: list(split(body, 6)),
    ],
)
@fuzz
@given(st.binary(max_size=200))
def test_parsers_raise_their_own_errors_only(parse: Callable[[bytes], object], data: bytes) -> None:
    with contextlib.suppress(HandshakeError):
        parse(data)


@fuzz
@given(mutations)
def test_mutated_hello_is_parsed_or_refused(mutation: Mutation) -> None:
    body = ScriptedClient(party=device(), raw=True, connection_id=b"abc").hello_body()
    with contextlib.suppress(HandshakeError):
        parse_extensions(ClientHello.parse(mutation.apply(body)).extensions)


@fuzz
@given(mutations)
@example(Mutation([(11, 1)], 0, b""))  # a version of X.509 that there is not
@example(Mutation([(14, 128)], 0, b""))  # a negative serial number
def test_mutated_certificate_is_read_or_refused(mutation: Mutation) -> None:
    certificate = mutation.apply(device().der)
    names(certificate)
    validated_path([certificate], [authority().der], NOW)
    with contextlib.suppress(HandshakeError):
        public_key(certificate)
    with contextlib.suppress(HandshakeError):
        load_public_key(mutation.apply(device().spki))


@fuzz
@given(st.lists(st.binary(max_size=120), max_size=8))
def test_random_datagrams(
    server: DtlsServer, neighbour: Callable[[], None], datagrams: list[bytes]
) -> None:
    for datagram in datagrams:
        server.receive(datagram, ADDRESS, 0.0)
    neighbour()


@fuzz
@given(
    st.lists(
        st.tuples(
            st.sampled_from(ContentType),
            st.sampled_from([0, 0, 1, 2]),
            st.integers(0, 2**48 - 1),
            st.binary(max_size=80),
        ),
        max_size=8,
    )
)
def test_random_records_amid_a_handshake(
    server: DtlsServer, neighbour: Callable[[], None], records: Records
) -> None:
    conversation = Conversation(server, ScriptedClient())
    conversation.until(CKE)
    for kind, epoch, sequence, data in records:
        head = kind.to_bytes(1) + b"\xfe\xfd" + epoch.to_bytes(2) + sequence.to_bytes(6)
        identity = b"abcdef" if kind is ContentType.TLS12_CID else b""
        conversation.deliver(head + identity + len(data).to_bytes(2) + data)
    server.timeout(1e9)
    neighbour()
    assert server.handshakes == 0


@fuzz
@given(
    st.lists(
        st.tuples(st.sampled_from([*HandshakeType, 77]), st.integers(0, 9), st.binary(max_size=80)),
        max_size=6,
    )
)
def test_random_messages_amid_a_handshake(
    server: DtlsServer, neighbour: Callable[[], None], messages: Messages
) -> None:
    client = ScriptedClient(suites=(ECDHE_CCM_8,), party=device())
    conversation = Conversation(server, client)
    conversation.until(CKE)
    for kind, number, body in messages:
        data = message(kind, number, body)
        conversation.deliver(client.record(ContentType.HANDSHAKE, data))
    server.timeout(1e9)
    neighbour()


@pytest.mark.parametrize("psk", [True, False], ids=["psk", "x509"])
@fuzz
@given(st.integers(0, 6), mutations)
@example(1, Mutation([(18, 0)], 0, b""))  # the second hello has the number of the first
def test_mutated_handshake(
    server: DtlsServer, neighbour: Callable[[], None], psk: bool, target: int, mutation: Mutation
) -> None:
    """Any one of an honest client's datagrams is changed on its way."""
    client = (
        ScriptedClient(connection_id=b"ab")
        if psk
        else ScriptedClient(suites=(ECDHE_CCM_8,), party=device())
    )
    conversation = Conversation(server, client)
    conversation.now = 1e6 * server.counters.datagrams
    waiting = client.hello()
    count = 0
    while waiting:
        datagram = waiting.pop(0)
        if count == target:
            datagram = mutation.apply(datagram)
        count += 1
        waiting += conversation.absorb(server.receive(datagram, ADDRESS, conversation.now))
    server.timeout(conversation.now + 1e5)
    server.timeout(conversation.now + 2e5)
    assert server.handshakes == 0
    neighbour()


@pytest.mark.parametrize("suite", SUITES)
@fuzz
@given(st.binary(max_size=120))
def test_random_fragments_do_not_open(suite: int, data: bytes) -> None:
    reader, writer = record_ciphers(
        SUITES[suite], Hmac(b"m" * 48), b"c" * 32, b"s" * 32, encrypt_then_mac=False
    )
    channel = Channel(reader, writer)
    datagram = b"\x17\xfe\xfd\0\x01" + bytes(6) + len(data).to_bytes(2) + data
    [record] = split(datagram, 0)
    with pytest.raises(BadRecordMac):
        channel.open(record)


@fuzz
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60), st.integers(1, 60)), max_size=40))
def test_reassembly_of_any_fragments(pieces: list[tuple[int, int, int]]) -> None:
    """What comes out is what was sent, whatever overlaps, repeats or is missing."""
    body = bytes(range(60))
    reassembler = Reassembler(0)
    completed: list[bytes] = []
    for number, offset, length in pieces:
        part = body[offset : offset + length]
        if not part:
            continue
        whole = message(HandshakeType.CERTIFICATE, number, body)
        data = whole[:6] + offset.to_bytes(3) + len(part).to_bytes(3) + part
        for fragment in fragments(data):
            with contextlib.suppress(DtlsError):
                completed += reassembler.add(fragment)
    sent = [message(HandshakeType.CERTIFICATE, number, body) for number in range(len(completed))]
    assert completed == sent


# The targets of scripts/fuzz


@pytest.mark.parametrize("target", TARGETS)
@fuzz
@given(st.data())
def test_target(target: str, data: st.DataObject) -> None:
    """Anything at all, or an honest example with some changes."""
    honest = data.draw(st.sampled_from(EXAMPLES_OF[target]))
    changed = data.draw(mutations).apply(honest)
    TARGETS[target](data.draw(st.sampled_from([changed, honest[:1] + data.draw(st.binary())])))


@pytest.mark.parametrize("target", TARGETS)
def test_examples_of_a_target(target: str) -> None:
    for honest in EXAMPLES_OF[target]:
        TARGETS[target](honest)


def test_targets_reach_their_stage() -> None:
    """What a stage promises is there before anything misbehaves."""
    for stage in STAGES:
        conversation = stage()
        asked = stage.__name__.startswith("_asked")
        established = stage.__name__.startswith("_established")
        assert conversation.server.handshakes == asked
        assert conversation.client.established == established
        scene().check()
