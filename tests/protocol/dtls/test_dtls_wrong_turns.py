"""A client that does wrong, or an attacker beside it, at every turn of the state machine."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any, override

import pytest

from custom_components.lwm2m.protocol.dtls import (
    Closed,
    CloseReason,
    DtlsServer,
    Established,
    Output,
    PskIdentity,
    Received,
    Refusal,
    Refused,
    ServerIdentity,
    Suspicion,
    Suspicious,
    Transmit,
)
from custom_components.lwm2m.protocol.dtls.ciphers import SUITES
from custom_components.lwm2m.protocol.dtls.errors import Alert
from custom_components.lwm2m.protocol.dtls.extensions import Extension, Group
from custom_components.lwm2m.protocol.dtls.messages import (
    HandshakeType,
    message,
    x509_certificate,
)
from custom_components.lwm2m.protocol.dtls.records import (
    DTLS_1_0,
    DTLS_1_2,
    MAX_SEQUENCE,
    ContentType,
    plaintext_record,
)
from custom_components.lwm2m.protocol.dtls.wire import vector

from .parties import IDENTITY, KEY, Keyring, Party, device, server_party, stranger
from .scripted_client import (
    ADDRESS,
    ECDHE_CCM_8,
    PSK_CBC,
    PSK_CCM_8,
    Conversation,
    Item,
    ScriptedClient,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

CKE = HandshakeType.CLIENT_KEY_EXCHANGE
NEIGHBOURS = 1


@pytest.fixture(autouse=True)
def neighbour(server: DtlsServer, keyring: Keyring) -> Iterator[None]:
    """A session in progress beside it goes on, whatever happens."""
    keyring.psks[b"neighbour"] = KEY
    client = ScriptedClient(identity=b"neighbour")
    conversation = Conversation(server, client, ("192.0.2.99", 5684))
    conversation.connect()
    [established] = conversation.events
    assert isinstance(established, Established)
    yield
    assert conversation.deliver(conversation.client.sealed(b"still here")) == [
        Received(established.connection, b"still here")
    ]


def refusal(events: list[Output], address: tuple[str, int] = ADDRESS) -> Refusal:
    [refused] = [event for event in events if isinstance(event, Refused)]
    assert refused.address == address
    return refused.refusal


def alert_of(client: ScriptedClient) -> Alert:
    [(level, alert)] = client.alerts
    assert level == 2
    return Alert(alert)


# Hellos


@pytest.mark.parametrize(
    ("client", "alert"),
    [
        (ScriptedClient(version=DTLS_1_0), Alert.PROTOCOL_VERSION),
        (ScriptedClient(suites=(0x1301, 0xC02F)), Alert.HANDSHAKE_FAILURE),
        (ScriptedClient(extra={Extension.RENEGOTIATION_INFO: b"\x01x"}), Alert.HANDSHAKE_FAILURE),
        (ScriptedClient(extra={Extension.MAX_FRAGMENT_LENGTH: b"\x09"}), Alert.ILLEGAL_PARAMETER),
        (ScriptedClient(extra={Extension.CONNECTION_ID: b"\x05ab"}), Alert.DECODE_ERROR),
        (ScriptedClient(extra={Extension.EXTENDED_MASTER_SECRET: b"x"}), Alert.DECODE_ERROR),
        (ScriptedClient(extra={Extension.EC_POINT_FORMATS: b"\x01\x01"}), Alert.ILLEGAL_PARAMETER),
        (ScriptedClient(extra={Extension.SUPPORTED_GROUPS: b"\0\x03\0\x17\0"}), Alert.DECODE_ERROR),
        (
            ScriptedClient(
                suites=(ECDHE_CCM_8,),
                party=device(),
                extra={Extension.SUPPORTED_GROUPS: b"\0\x02\0\x18"},
            ),
            Alert.HANDSHAKE_FAILURE,
        ),
        (
            ScriptedClient(
                suites=(ECDHE_CCM_8,),
                party=device(),
                extra={Extension.SUPPORTED_GROUPS: vector(2, Group.X25519.to_bytes(2))},
            ),
            Alert.HANDSHAKE_FAILURE,
        ),
        (
            ScriptedClient(
                suites=(ECDHE_CCM_8,),
                party=device(),
                extra={Extension.SIGNATURE_ALGORITHMS: b"\0\x02\x02\x03"},
            ),
            Alert.HANDSHAKE_FAILURE,
        ),
        (
            ScriptedClient(
                suites=(ECDHE_CCM_8,),
                party=device(),
                extra={Extension.SERVER_CERTIFICATE_TYPE: b"\x01\x01"},
            ),
            Alert.UNSUPPORTED_CERTIFICATE,
        ),
    ],
    ids=[
        "DTLS 1.0",
        "no suite",
        "renegotiation",
        "fragment length",
        "cut connection ID",
        "flag with content",
        "compressed points",
        "odd groups",
        "no group",
        "no group of the server's key",
        "no signature algorithm",
        "no certificate type",
    ],
)
def test_hello_that_cannot_be_agreed_on(
    server: DtlsServer, client: ScriptedClient, alert: Alert
) -> None:
    conversation = Conversation(server, client)
    conversation.connect()
    assert alert_of(client) == alert
    assert refusal(conversation.events) is Refusal.PROTOCOL
    assert server.handshakes == 0


def test_extension_twice(server: DtlsServer) -> None:
    client = ScriptedClient()
    original = client.hello_body

    def twice() -> bytes:
        body = original()
        return body[:-6] + vector(2, body[-4:] * 2)

    client.hello_body = twice  # type: ignore[method-assign]  # this one errs
    Conversation(server, client).connect()
    assert alert_of(client) == Alert.DECODE_ERROR


def test_resumption_that_drops_the_extended_master_secret(server: DtlsServer) -> None:
    """RFC 7627 5.3: a downgrade, or an attack."""
    first = Conversation(server, ScriptedClient()).connect()
    client = ScriptedClient(resume=first.remembered, extended_master=False)
    Conversation(server, client).connect()
    assert alert_of(client) == Alert.HANDSHAKE_FAILURE


def test_hello_of_more_than_dtls_1_2_gets_1_2(server: DtlsServer) -> None:
    client = ScriptedClient(version=0xFEFC)
    Conversation(server, client).connect()
    assert client.established


def hello_record(client: ScriptedClient, *, record: int = 0, number: int = 0) -> bytes:
    whole = message(HandshakeType.CLIENT_HELLO, number, client.hello_body())
    return plaintext_record(ContentType.HANDSHAKE, DTLS_1_0, record, whole)


def test_answer_to_a_hello_without_cookie_is_smaller_and_leaves_nothing(server: DtlsServer) -> None:
    datagram = hello_record(ScriptedClient(), record=7)
    [answer] = server.receive(datagram, ADDRESS, 0.0)
    assert isinstance(answer, Transmit)
    assert len(answer.datagram) < len(datagram)
    assert int.from_bytes(answer.datagram[3:11]) == 7
    assert server.handshakes == 0


@pytest.mark.parametrize(
    ("offered", "answered"),
    [(DTLS_1_2, DTLS_1_2), (DTLS_1_2 - 1, DTLS_1_2), (DTLS_1_0, DTLS_1_0)],
    ids=["1.2", "1.3", "1.0"],
)
def test_cookie_comes_in_the_version_that_the_client_speaks(
    server: DtlsServer, offered: int, answered: int
) -> None:
    """Older tinydtls takes no other, not even 1.0."""
    [answer] = server.receive(hello_record(ScriptedClient(version=offered)), ADDRESS, 0.0)
    assert isinstance(answer, Transmit)
    record, body = answer.datagram[1:3], answer.datagram[25:27]
    assert record == body == answered.to_bytes(2)


@pytest.mark.parametrize(
    "datagram",
    [
        hello_record(ScriptedClient(), record=MAX_SEQUENCE),
        hello_record(ScriptedClient(), number=0xFFFF),
        hello_record(ScriptedClient())[:-1],
        ScriptedClient(fragment=40).hello()[0],
        plaintext_record(ContentType.HANDSHAKE, DTLS_1_0, 0, b"\x01"),
        plaintext_record(ContentType.HANDSHAKE, DTLS_1_0, 0, message(1, 0, b"")),
        hello_record(ScriptedClient()).replace(b"\xc0\xa8\1\0", b"\xc0\xa8\1\1"),
    ],
    ids=["last record", "last message", "cut", "in pieces", "no header", "empty", "compressed"],
)
def test_hello_that_is_none_gets_no_answer(server: DtlsServer, datagram: bytes) -> None:
    assert server.receive(datagram, ADDRESS, 0.0) == []


def test_cookie_of_another_address_is_as_good_as_none(server: DtlsServer) -> None:
    client = ScriptedClient()
    [asked] = server.receive(client.hello()[0], ADDRESS, 0.0)
    assert isinstance(asked, Transmit)
    [hello] = client.receive(asked.datagram)
    [again] = server.receive(hello, ("192.0.2.66", 1), 0.0)
    assert isinstance(again, Transmit)
    assert again.datagram[13] == HandshakeType.HELLO_VERIFY_REQUEST


def test_hello_that_comes_again_gets_the_same_flight(server: DtlsServer) -> None:
    client = ScriptedClient()
    conversation = Conversation(server, client)
    conversation.until(CKE)
    client.next_message -= 1
    outputs = server.receive(
        client.send([Item(ContentType.HANDSHAKE, HandshakeType.CLIENT_HELLO, client.hello_body())])[
            0
        ],
        ADDRESS,
        0.0,
    )
    assert isinstance(outputs[0], Transmit)
    assert outputs[0].datagram[13] == HandshakeType.SERVER_HELLO
    assert server.counters.handshakes == 2  # the neighbour's and this one


def test_flight_is_not_repeated_for_ever(server: DtlsServer) -> None:
    client = ScriptedClient()
    Conversation(server, client).until(CKE)
    client.next_message -= 1
    hello = client.send(
        [Item(ContentType.HANDSHAKE, HandshakeType.CLIENT_HELLO, client.hello_body())]
    )[0]
    assert sum(len(server.receive(hello, ADDRESS, 0.0)) for _ in range(100)) <= 16


def test_client_that_begins_anew_gets_a_new_handshake(server: DtlsServer) -> None:
    Conversation(server, ScriptedClient()).until(CKE)
    client = ScriptedClient()
    Conversation(server, client).connect()
    assert client.established
    assert server.handshakes == 0


def test_hello_of_an_established_handshake_is_an_echo(server: DtlsServer) -> None:
    client = ScriptedClient()
    conversation = Conversation(server, client)
    sent: list[bytes] = []
    original = client.hello

    def remember() -> list[bytes]:
        sent.extend(original())
        return sent[-1:]

    client.hello = remember  # type: ignore[method-assign]  # to keep what it sends
    conversation.connect()
    assert server.receive(sent[-1], ADDRESS, conversation.now) == []
    assert server.handshakes == 0


# Pre-shared keys


def test_wrong_key_and_unknown_identity_look_the_same(server: DtlsServer) -> None:
    def attempt(**options: Any) -> tuple[list[bytes], Refused]:
        client = ScriptedClient(**options)
        conversation = Conversation(server, client)
        heard: list[bytes] = []
        original = client.receive

        def listen(datagram: bytes) -> list[bytes]:
            heard.append(datagram)
            return original(datagram)

        client.receive = listen  # type: ignore[method-assign]  # to keep what it gets
        conversation.connect()
        [refused] = conversation.events
        assert isinstance(refused, Refused)
        return heard, refused

    wrong, wrong_refused = attempt(key=b"not the key")
    unknown, unknown_refused = attempt(identity=b"urn:dev:nobody!")

    assert [len(datagram) for datagram in wrong] == [len(datagram) for datagram in unknown]
    assert wrong[-1] == unknown[-1]
    assert wrong[-1][-2:] == bytes((2, Alert.DECRYPT_ERROR))
    assert (wrong_refused.refusal, wrong_refused.identity, wrong_refused.detail) == (
        Refusal.WRONG_KEY,
        PskIdentity(IDENTITY),
        "key is another one",
    )
    assert (unknown_refused.refusal, unknown_refused.identity, unknown_refused.detail) == (
        Refusal.UNKNOWN_IDENTITY,
        PskIdentity(b"urn:dev:nobody!"),
        "identity is not known",
    )


@pytest.mark.parametrize("length", [1, 16, 30])
def test_wrong_key_and_unknown_identity_are_the_same_work(
    server: DtlsServer, keyring: Keyring, length: int
) -> None:
    """Call for call: of Python and of the libraries, hashes and ciphers included."""
    keyring.psks[IDENTITY] = bytes(length)

    def calls(**options: Any) -> list[str]:
        client = ScriptedClient(**options)
        conversation = Conversation(server, client)
        flight = client.send(conversation.until(CKE))
        made: list[str] = []

        def note(frame: FrameType, event: str, called: Any) -> None:
            match event:
                case "call":
                    made.append(frame.f_code.co_qualname)
                case "c_call":
                    made.append(called.__qualname__)

        outputs: list[Output] = []
        gc.disable()
        for datagram in flight:
            sys.setprofile(note)
            try:
                outputs += server.receive(datagram, ADDRESS, conversation.now)
            finally:
                sys.setprofile(None)
        gc.enable()
        # What is told of it comes after the answer.
        assert [type(output) for output in outputs] == [Transmit, Refused]
        return made

    assert calls(key=b"not the key") == calls(identity=b"urn:dev:nobody!")


def test_unknown_identity_is_the_same_decoy_each_time(server: DtlsServer) -> None:
    client = ScriptedClient(identity=b"nobody", key=bytes(16))
    Conversation(server, client).connect()
    assert not client.established


# Messages out of turn


def test_flight_backwards_is_put_in_order(server: DtlsServer) -> None:
    conversation = Conversation(
        server, client := ScriptedClient(suites=(ECDHE_CCM_8,), party=device())
    )
    flight = client.send(conversation.until(CKE))
    conversation.deliver(*reversed(flight))
    assert client.established


@pytest.mark.parametrize("index", range(3))
def test_skipped_message_is_waited_for(server: DtlsServer, index: int) -> None:
    """ChangeCipherSpec and Finished of fewer messages open nothing (CVE-2014-0224)."""
    conversation = Conversation(
        server, client := ScriptedClient(suites=(ECDHE_CCM_8,), party=device())
    )
    items = conversation.until(CKE)
    flight = client.send(items)
    del flight[index]
    assert conversation.deliver(*flight) == []
    assert not client.established


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 0, 1), (0, 2, 1), (0, 0, 1, 2)], ids=str)
def test_messages_numbered_in_the_wrong_order(server: DtlsServer, order: tuple[int, ...]) -> None:
    conversation = Conversation(
        server, client := ScriptedClient(suites=(ECDHE_CCM_8,), party=device())
    )
    items = conversation.until(CKE)
    conversation.deliver(*client.send([items[index] for index in order] + items[3:]))
    assert alert_of(client) in {Alert.UNEXPECTED_MESSAGE, Alert.DECRYPT_ERROR}
    assert not client.established


@pytest.mark.parametrize(
    "kind",
    [*(set(HandshakeType) - {CKE, HandshakeType.CLIENT_HELLO}), 99],
    ids=lambda kind: getattr(kind, "name", str(kind)),
)
def test_message_of_another_kind_instead(server: DtlsServer, kind: int) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    conversation.until(CKE)
    data = message(kind, client.next_message, b"body")
    conversation.deliver(client.record(ContentType.HANDSHAKE, data))
    assert alert_of(client) == Alert.UNEXPECTED_MESSAGE
    assert server.handshakes == 0


CERTIFIED = {"suites": (ECDHE_CCM_8,), "party": device()}


@pytest.mark.parametrize(
    ("options", "index"),
    [
        pytest.param({}, 0, id="PSK, ClientKeyExchange"),
        pytest.param(CERTIFIED, 0, id="X.509, Certificate"),
        pytest.param(CERTIFIED, 1, id="X.509, ClientKeyExchange"),
        pytest.param(CERTIFIED, 2, id="X.509, CertificateVerify"),
        pytest.param({**CERTIFIED, "raw": True}, 0, id="raw public key, Certificate"),
    ],
)
def test_message_that_is_cut_short_or_too_long(
    server: DtlsServer, options: dict[str, Any], index: int
) -> None:
    """At the lengths around each field of its start, and around its own."""
    port = 0

    def send(change: Callable[[bytes], bytes]) -> ScriptedClient:
        nonlocal port
        port += 1
        client = ScriptedClient(**options)
        conversation = Conversation(server, client, (ADDRESS[0], port))
        items = conversation.until(CKE)
        items[index] = items[index]._replace(body=change(items[index].body))
        conversation.deliver(*client.send(items))
        return client

    changes: list[Callable[[bytes], bytes]] = [
        *(lambda body, length=length: body[:length] for length in range(16)),
        lambda body: body[:-1],
        lambda body: body + b"\0",
    ]
    assert [alert_of(send(change)) for change in changes] == [Alert.DECODE_ERROR] * len(changes)
    assert send(lambda body: body).established


@pytest.mark.parametrize("extended_master", [True, False])
def test_suite_taken_away_on_the_way_is_noticed(server: DtlsServer, extended_master: bool) -> None:
    """A man in the middle leaves the weaker suite only; both sides hash what they have seen."""
    client = ScriptedClient(suites=(PSK_CCM_8, PSK_CBC), extended_master=extended_master)
    conversation = Conversation(server, client)
    strong, nothing = PSK_CCM_8.to_bytes(2), b"\0\1"

    waiting = client.hello()
    while waiting:
        datagram = waiting.pop(0).replace(
            strong + PSK_CBC.to_bytes(2), nothing + PSK_CBC.to_bytes(2)
        )
        waiting += conversation.absorb(server.receive(datagram, ADDRESS, conversation.now))

    assert client.suite.number == PSK_CBC
    assert not client.established
    assert server.connections == NEIGHBOURS


def test_finished_without_protection(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    items = conversation.until(CKE)
    items[-1] = items[-1]._replace(protected=False)
    conversation.deliver(*client.send(items))
    assert alert_of(client) == Alert.UNEXPECTED_MESSAGE


@pytest.mark.parametrize("change", [b"", b"\x02", b"\x01\x01"])
def test_change_cipher_spec_that_is_none(server: DtlsServer, change: bytes) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    conversation.until(CKE)
    conversation.deliver(client.record(ContentType.CHANGE_CIPHER_SPEC, change))
    assert alert_of(client) == Alert.DECODE_ERROR


def test_finished_without_change_cipher_spec_waits_for_it(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    exchange, change, finished = client.send(conversation.until(CKE))
    assert conversation.deliver(exchange, finished) == []
    conversation.deliver(change)
    assert client.established


def test_finished_of_another_transcript(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    items = conversation.until(CKE)
    items[-1] = items[-1]._replace(body=bytes(12))
    conversation.deliver(*client.send(items))
    assert alert_of(client) == Alert.DECRYPT_ERROR


def test_data_before_finished_are_not_delivered(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    exchange, change, _ = client.send(conversation.until(CKE))
    data = client.sealed(b"unproved")
    assert conversation.deliver(exchange, change, data) == []


def test_plaintext_data_are_never_delivered(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    plain = client.record(ContentType.APPLICATION_DATA, b"plain")
    assert conversation.deliver(plain) == []
    conversation.connect()
    assert conversation.deliver(client.record(ContentType.APPLICATION_DATA, b"plain")) == []


@pytest.mark.parametrize("epoch", [0, 2, 0xFFFF])
def test_record_of_another_epoch_is_dropped(server: DtlsServer, epoch: int) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    conversation.connect()
    record = client.sealed(b"data")
    assert conversation.deliver(record[:3] + epoch.to_bytes(2) + record[5:]) == []


def test_fragments_that_contradict_each_other(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    conversation.until(CKE)
    number = client.next_message.to_bytes(2)
    for length in (100, 200):
        part = b"\x10" + length.to_bytes(3) + number + bytes(3) + b"\0\0\x04" + b"abcd"
        conversation.deliver(client.record(ContentType.HANDSHAKE, part))
    assert alert_of(client) == Alert.DECODE_ERROR


@pytest.mark.parametrize(
    "part",
    [
        b"\x10\0\0\x04\0\x01\0\0\0\0\0\x08abcdabcd",
        b"\x10\0\0\x04\0\x01\0\0\x02\0\0\x04abcd",
        b"\x10\0\0\x04\0\x01\0\0\0\0\0\0",
        b"\x10\xff\xff\xff\0\x01\0\0\0\0\0\x04abcd",
    ],
    ids=["longer than its message", "beyond its end", "of nothing", "of 16 MiB"],
)
def test_fragment_that_is_none(server: DtlsServer, part: bytes) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    conversation.until(CKE)
    number = client.next_message.to_bytes(2)
    part = part[:4] + number + part[6:]
    conversation.deliver(client.record(ContentType.HANDSHAKE, part))
    assert alert_of(client) == Alert.DECODE_ERROR


def test_peers_alert_ends_the_handshake(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    conversation.until(CKE)
    events = conversation.deliver(client.record(ContentType.ALERT, bytes((2, Alert.UNKNOWN_CA))))
    assert refusal(events) is Refusal.PEER_ALERT
    assert client.alerts == []


def test_peers_warning_does_not(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    items = conversation.until(CKE)
    conversation.deliver(client.record(ContentType.ALERT, b"\x01\x5a"))
    conversation.deliver(*client.send(items))
    assert client.established


@pytest.mark.parametrize(
    ("content_type", "content", "expected"),
    [
        (ContentType.ALERT, b"\x02\x28", Refusal.PEER_ALERT),
        (ContentType.HANDSHAKE, message(HandshakeType.CERTIFICATE, 3, b""), Refusal.PROTOCOL),
    ],
    ids=["alert", "another message"],
)
def test_protected_record_instead_of_finished(
    server: DtlsServer, content_type: ContentType, content: bytes, expected: Refusal
) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    exchange, change, _ = client.send(conversation.until(CKE))
    events = conversation.deliver(exchange, change, client.sealed(content, content_type))
    assert refusal(events) is expected
    assert not client.established


@pytest.mark.parametrize("content_type", [ContentType.CHANGE_CIPHER_SPEC, 99])
def test_protected_record_of_no_use_before_finished_is_dropped(
    server: DtlsServer, content_type: int
) -> None:
    conversation = Conversation(server, client := ScriptedClient(connection_id=b"id"))
    exchange, change, finished = client.send(conversation.until(CKE))
    useless = client.sealed(b"x", content_type)
    assert conversation.deliver(exchange, change, useless, useless) == []
    conversation.deliver(finished)
    assert client.established


def test_forged_data_amid_a_handshake_do_not_end_it(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    exchange, change, finished = client.send(conversation.until(CKE))
    forged = bytearray(client.sealed(b"data"))
    forged[-1] ^= 1
    assert conversation.deliver(exchange, change, bytes(forged)) == []
    conversation.deliver(finished)
    assert client.established


# Certificates


class Impostor(Party):
    """Shows the device's public key, and signs with its own."""

    @property
    @override
    def spki(self) -> bytes:
        return device().spki


def x509_client(**options: Any) -> ScriptedClient:
    return ScriptedClient(suites=(ECDHE_CCM_8,), party=device(), **options)


@pytest.mark.parametrize(
    ("raw", "detail"), [(False, "certificate is not known"), (True, "public key is not known")]
)
def test_untrusted_client(server: DtlsServer, raw: bool, detail: str) -> None:
    client = ScriptedClient(suites=(ECDHE_CCM_8,), party=stranger(), raw=raw)
    conversation = Conversation(server, client)
    conversation.connect()
    assert alert_of(client) in {Alert.UNKNOWN_CA, Alert.CERTIFICATE_UNKNOWN}
    assert refusal(conversation.events) is Refusal.UNTRUSTED_CERTIFICATE
    assert detail in [event.detail for event in conversation.events if isinstance(event, Refused)]


@pytest.mark.parametrize("raw", [False, True])
def test_certificate_of_somebody_else(server: DtlsServer, raw: bool) -> None:
    """Who shows a trusted certificate but cannot sign for it is not let in."""
    client = x509_client(raw=raw)
    client.party = Impostor(stranger().key, device().certificate)
    Conversation(server, client).connect()
    assert alert_of(client) == Alert.DECRYPT_ERROR
    assert not client.established


@pytest.mark.parametrize(
    ("body", "alert"),
    [
        (x509_certificate(()), Alert.HANDSHAKE_FAILURE),
        (x509_certificate((b"no certificate",)), Alert.BAD_CERTIFICATE),
        (x509_certificate((b"x",) * 7), Alert.BAD_CERTIFICATE),
        (b"\0\0\x05ab", Alert.DECODE_ERROR),
        (x509_certificate((b"",)), Alert.DECODE_ERROR),
    ],
    ids=["none", "garbage", "too many", "cut", "empty"],
)
def test_certificate_that_is_none(server: DtlsServer, body: bytes, alert: Alert) -> None:
    client = x509_client()
    conversation = Conversation(server, client)
    items = conversation.until(CKE)
    items[0] = items[0]._replace(body=body)
    conversation.deliver(*client.send(items))
    assert alert_of(client) == alert


@pytest.mark.parametrize("group", Group)
@pytest.mark.parametrize("point", [b"\x04" + bytes(64), bytes(32), b"\x04", b"\x02" + bytes(32)])
def test_point_that_is_not_on_the_curve(server: DtlsServer, group: Group, point: bytes) -> None:
    client = x509_client(group=group)
    conversation = Conversation(server, client)
    items = conversation.until(CKE)
    items[1] = items[1]._replace(body=vector(1, point))
    conversation.deliver(*client.send(items))
    assert alert_of(client) == Alert.ILLEGAL_PARAMETER


def test_signature_of_an_algorithm_that_was_not_asked_for(server: DtlsServer) -> None:
    conversation = Conversation(server, client := x509_client())
    items = conversation.until(CKE)
    items[2] = items[2]._replace(body=b"\x02\x03" + items[2].body[2:])
    conversation.deliver(*client.send(items))
    assert alert_of(client) == Alert.ILLEGAL_PARAMETER


def test_server_without_a_key_pair_speaks_psk_only(keyring: Keyring) -> None:
    keyring.server = None
    server = DtlsServer(keyring)
    client = x509_client()
    Conversation(server, client).connect()
    assert alert_of(client) == Alert.UNSUPPORTED_CERTIFICATE
    both = x509_client()
    both.suites = (ECDHE_CCM_8, PSK_CCM_8)
    Conversation(server, both).connect()
    assert both.established


def test_server_without_a_certificate_offers_its_raw_key_only(keyring: Keyring) -> None:
    keyring.server = ServerIdentity(server_party().key)
    server = DtlsServer(keyring)
    client = x509_client()
    Conversation(server, client).connect()
    assert alert_of(client) == Alert.UNSUPPORTED_CERTIFICATE
    raw = x509_client(raw=True)
    Conversation(server, raw).connect()
    assert raw.established


# An established connection


@pytest.fixture
def established(server: DtlsServer) -> Conversation:
    conversation = Conversation(server, ScriptedClient())
    conversation.connect()
    return conversation


@pytest.mark.parametrize("suite", SUITES)
def test_changed_record_is_dropped_and_counted(server: DtlsServer, suite: int) -> None:
    client = ScriptedClient(suites=(suite,), party=device())
    conversation = Conversation(server, client)
    conversation.connect()
    [event] = conversation.events
    assert isinstance(event, Established)
    for position in range(-1, -20, -1):
        record = bytearray(client.sealed(b"data"))
        record[position] ^= 1
        conversation.deliver(bytes(record))
    assert event.connection.bad_macs == 19
    assert server.counters.bad_macs == 19
    [received] = conversation.deliver(client.sealed(b"data"))
    assert isinstance(received, Received)


def test_replayed_record_is_dropped_and_counted(established: Conversation) -> None:
    record = established.client.sealed(b"once")
    [received] = established.deliver(record)
    assert isinstance(received, Received)
    [suspicious] = established.deliver(record)
    assert isinstance(suspicious, Suspicious)
    assert suspicious.suspicion is Suspicion.REPLAY
    assert suspicious.identity == PskIdentity(IDENTITY)
    assert received.connection.replays == 1


def test_renegotiation_is_declined_with_a_warning(
    server: DtlsServer, established: Conversation
) -> None:
    client = established.client
    hello = message(HandshakeType.CLIENT_HELLO, client.next_message, client.hello_body())
    assert established.deliver(client.sealed(hello, ContentType.HANDSHAKE)) == []
    assert client.alerts == [(1, Alert.NO_RENEGOTIATION)]
    [received] = established.deliver(client.sealed(b"goes on"))
    assert isinstance(received, Received)


def test_forged_alerts_and_handshakes_in_plain_text_do_not_touch_a_connection(
    server: DtlsServer, established: Conversation
) -> None:
    client = established.client
    for content_type, data in (
        (ContentType.ALERT, b"\x02\x28"),
        (ContentType.ALERT, b"\x01\x00"),
        (ContentType.CHANGE_CIPHER_SPEC, b"\x01"),
        (ContentType.HANDSHAKE, message(HandshakeType.FINISHED, 3, bytes(12))),
    ):
        assert established.deliver(client.record(content_type, data)) == []
    assert server.connections == 2


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        (ContentType.HANDSHAKE, message(HandshakeType.CERTIFICATE, 4, b"")),
        (ContentType.HANDSHAKE, b""),
        (ContentType.CHANGE_CIPHER_SPEC, b"\x01"),
        (ContentType.ALERT, b"\x02"),
    ],
)
def test_authenticated_nonsense_ends_the_connection(
    established: Conversation, content_type: ContentType, content: bytes
) -> None:
    [closed] = established.deliver(established.client.sealed(content, content_type))
    assert isinstance(closed, Closed)
    assert closed.reason is CloseReason.PROTOCOL


def test_empty_data_are_no_event(established: Conversation) -> None:
    assert established.deliver(established.client.sealed(b"")) == []


def test_finished_again_is_answered_again_until_data_came(
    server: DtlsServer, established: Conversation
) -> None:
    client = established.client
    finished = message(HandshakeType.FINISHED, 3, bytes(12))
    outputs = server.receive(client.sealed(finished, ContentType.HANDSHAKE), ADDRESS, 0.0)
    assert [type(output) for output in outputs] == [Transmit]
    established.deliver(client.sealed(b"data"))
    assert server.receive(client.sealed(finished, ContentType.HANDSHAKE), ADDRESS, 0.0) == []


def test_old_records_version_is_refused_once_protected(established: Conversation) -> None:
    record = bytearray(established.client.sealed(b"data"))
    record[1:3] = DTLS_1_0.to_bytes(2)
    [suspicious] = established.deliver(bytes(record))
    assert isinstance(suspicious, Suspicious)
    assert suspicious.suspicion is Suspicion.BAD_MAC


def test_revoked_while_its_handshake_is_under_way(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    exchange, change, finished = client.send(conversation.until(CKE))
    conversation.deliver(exchange)
    address = conversation.address
    outputs: list[Output] = [
        output
        for output in server.revoke(lambda identity: identity == PskIdentity(IDENTITY))
        if isinstance(output, Transmit | Refused) and output.address == address
    ]
    conversation.absorb(outputs)
    assert alert_of(client) == Alert.ACCESS_DENIED
    conversation.deliver(change, finished)
    assert not client.established


def test_server_with_another_key_is_proved_anew_by_a_handshake_under_way(
    server: DtlsServer, keyring: Keyring
) -> None:
    client = ScriptedClient(suites=(ECDHE_CCM_8,), party=device())
    conversation = Conversation(server, client)
    flight = client.send(conversation.until(CKE))
    keyring.server = ServerIdentity(stranger().key)
    server.revoke(lambda identity: not isinstance(identity, PskIdentity))
    conversation.deliver(*flight)
    assert alert_of(client) == Alert.ACCESS_DENIED
    assert not client.established


def test_who_only_borrows_a_session_id_does_not_spoil_it(server: DtlsServer) -> None:
    """A session ID can be overheard; failing to resume it proves nothing against its owner."""
    owner = Conversation(server, ScriptedClient()).connect()
    thief = ScriptedClient(resume=owner.remembered._replace(master=bytes(48)))
    thief_side = Conversation(server, thief, ("192.0.2.66", 1))
    thief_side.connect()
    events = thief_side.deliver(*thief.send(thief.finish()))
    assert refusal(events, ("192.0.2.66", 1)) is Refusal.WRONG_KEY
    again = ScriptedClient(resume=owner.remembered)
    Conversation(server, again).connect()
    assert again.resumed


def test_malformed_message_after_the_identity_is_no_wrong_key(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    exchange, *_ = client.send(conversation.until(CKE))
    conversation.deliver(exchange)
    events = conversation.deliver(client.record(ContentType.HANDSHAKE, b"\x10"))
    assert refusal(events) is Refusal.PROTOCOL


def test_credentials_and_keys_are_in_no_text(server: DtlsServer) -> None:
    first = Conversation(server, ScriptedClient())
    first.connect()
    under_way = Conversation(server, ScriptedClient(), ("192.0.2.2", 1))
    under_way.until(CKE)
    session = server._environment.sessions.get(first.client.session_id, first.now)
    handshake = server._handshakes.get(("192.0.2.2", 1))
    shown = repr([first.events, session, handshake, server, server._environment])
    for secret in (KEY, first.client.master):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown
