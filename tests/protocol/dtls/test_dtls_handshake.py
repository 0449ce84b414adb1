"""Handshakes that succeed, in memory."""

from __future__ import annotations

import pytest

from custom_components.lwm2m.protocol.dtls import (
    CertificateIdentity,
    Closed,
    CloseReason,
    ConnectionClosed,
    DtlsServer,
    Established,
    PskIdentity,
    RawPublicKeyIdentity,
    Received,
)
from custom_components.lwm2m.protocol.dtls.ciphers import SUITES, CipherSuite, KeyExchange
from custom_components.lwm2m.protocol.dtls.cookies import ROTATION
from custom_components.lwm2m.protocol.dtls.extensions import Extension, Group
from custom_components.lwm2m.protocol.dtls.messages import (
    EMPTY_RENEGOTIATION_INFO_SCSV,
    HandshakeType,
)
from custom_components.lwm2m.protocol.dtls.records import ContentType

from .parties import IDENTITY, Keyring, device
from .scripted_client import (
    ADDRESS,
    ECDHE_CCM_8,
    PSK_CBC,
    PSK_CCM_8,
    Conversation,
    Item,
    Remembered,
    ScriptedClient,
)


def connected(server: DtlsServer, client: ScriptedClient) -> tuple[Conversation, Established]:
    conversation = Conversation(server, client)
    conversation.connect()
    *_, established = conversation.events
    assert isinstance(established, Established)
    assert client.established
    conversation.events.clear()
    return conversation, established


@pytest.mark.parametrize("encrypt_then_mac", [False, True])
@pytest.mark.parametrize("extended_master", [False, True])
@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_data_go_both_ways_with_every_suite(
    server: DtlsServer, suite: CipherSuite, extended_master: bool, encrypt_then_mac: bool
) -> None:
    party = device() if suite.key_exchange is KeyExchange.ECDHE_ECDSA else None
    client = ScriptedClient(
        suites=(suite.number,),
        party=party,
        extended_master=extended_master,
        encrypt_then_mac=encrypt_then_mac,
    )
    conversation, established = connected(server, client)

    [received] = conversation.deliver(client.sealed(b"up"))
    conversation.absorb(server.send(established.connection, b"down"))

    assert received == Received(established.connection, b"up")
    assert client.received == [b"down"]
    assert established.connection.suite is suite


def test_psk_identity_is_told(server: DtlsServer) -> None:
    _, established = connected(server, ScriptedClient())
    assert established.connection.identity == PskIdentity(IDENTITY)


@pytest.mark.parametrize("group", Group)
def test_raw_public_key_is_told(server: DtlsServer, group: Group) -> None:
    client = ScriptedClient(suites=(ECDHE_CCM_8,), party=device(), raw=True, group=group)
    _, established = connected(server, client)
    assert established.connection.identity == RawPublicKeyIdentity(device().spki)
    assert client.server_extensions[Extension.SERVER_CERTIFICATE_TYPE] == b"\x02"


@pytest.mark.parametrize("group", Group)
def test_certificate_is_told(server: DtlsServer, group: Group) -> None:
    client = ScriptedClient(suites=(ECDHE_CCM_8,), party=device(), group=group)
    _, established = connected(server, client)
    assert established.connection.identity == CertificateIdentity(device().der)


def test_client_that_names_no_signatures_takes_ours(server: DtlsServer) -> None:
    client = ScriptedClient(suites=(ECDHE_CCM_8,), party=device(), raw=True)
    del client.extensions[Extension.SIGNATURE_ALGORITHMS]
    connected(server, client)


def test_messages_in_small_fragments_are_put_together(server: DtlsServer) -> None:
    client = ScriptedClient(suites=(ECDHE_CCM_8,), party=device())
    conversation = Conversation(server, client)
    hello = client.hello()
    # A ClientHello must come whole, all later messages may come in pieces.
    client.fragment = 40
    original = client.hello

    def whole_hello() -> list[bytes]:
        client.fragment = None
        datagrams = original()
        client.fragment = 40
        return datagrams

    client.hello = whole_hello  # type: ignore[method-assign]  # sent after the cookie, too
    conversation.deliver(*hello)
    assert client.established


def test_preference_is_the_clients_but_cbc_comes_last(server: DtlsServer) -> None:
    _, established = connected(server, ScriptedClient(suites=(PSK_CBC, 0x00A8, PSK_CCM_8)))
    assert established.connection.suite.number == 0x00A8


def test_renegotiation_info_is_answered_for_the_signalling_suite_too(server: DtlsServer) -> None:
    client = ScriptedClient(suites=(PSK_CCM_8, EMPTY_RENEGOTIATION_INFO_SCSV))
    connected(server, client)
    assert client.server_extensions[Extension.RENEGOTIATION_INFO] == b"\0"


def test_hello_without_extensions_gets_an_answer_without(server: DtlsServer) -> None:
    client = ScriptedClient(extended_master=False)
    connected(server, client)
    assert client.server_extensions == {}


def test_max_fragment_length_bounds_what_is_sent(server: DtlsServer) -> None:
    client = ScriptedClient(
        suites=(ECDHE_CCM_8,), party=device(), extra={Extension.MAX_FRAGMENT_LENGTH: b"\x01"}
    )
    _, established = connected(server, client)

    assert client.server_extensions[Extension.MAX_FRAGMENT_LENGTH] == b"\x01"
    server.send(established.connection, bytes(512))
    with pytest.raises(ValueError, match="512"):
        server.send(established.connection, bytes(513))


def test_data_that_overtake_the_finished_wait_for_it(server: DtlsServer) -> None:
    client = ScriptedClient()
    conversation = Conversation(server, client)
    conversation.connect()
    session = client.remembered
    # In a resumption the client may send data right after its Finished.
    client = ScriptedClient(resume=session)
    conversation = Conversation(server, client, ("192.0.2.1", 50001))
    finals: list[bytes] = []
    original = client.finish

    def hold_back(transcript: bytes | None = None) -> list[Item]:
        items = original(transcript)
        finals.extend(client.send(items))
        return []

    client.finish = hold_back  # type: ignore[method-assign]  # for the test to send
    conversation.deliver(*client.hello())
    change, finished = finals
    data = client.sealed(b"early")

    assert conversation.deliver(data) == []
    assert conversation.deliver(finished) == []
    established, received = conversation.deliver(change)
    assert isinstance(established, Established)
    assert isinstance(received, Received)
    assert received.data == b"early"


def test_session_is_resumed_without_another_key_exchange(server: DtlsServer) -> None:
    first, _ = connected(server, ScriptedClient())
    client = ScriptedClient(resume=first.client.remembered, key=b"not needed")
    conversation, established = connected(server, client)

    assert client.resumed
    assert established.connection.resumed
    assert established.connection.identity == PskIdentity(IDENTITY)
    [received] = conversation.deliver(client.sealed(b"again"))
    assert isinstance(received, Received)


def test_session_without_extended_master_secret_is_not_resumed(server: DtlsServer) -> None:
    first, _ = connected(server, ScriptedClient(extended_master=False))
    assert first.client.session_id == b""
    assert server.sessions == 0


def test_unknown_session_means_a_full_handshake(server: DtlsServer) -> None:
    first, _ = connected(server, ScriptedClient())
    remembered = first.client.remembered._replace(id=b"x" * 16)
    client = ScriptedClient(resume=remembered)
    connected(server, client)
    assert not client.resumed


def test_session_of_a_suite_that_is_not_offered_is_not_resumed(server: DtlsServer) -> None:
    first, _ = connected(server, ScriptedClient())
    client = ScriptedClient(resume=first.client.remembered, suites=(0x00A8,))
    connected(server, client)
    assert not client.resumed


@pytest.mark.parametrize(
    ("encrypt_then_mac", "max_fragment_length"), [(True, b"\1"), (False, b"\2"), (False, None)]
)
def test_session_of_other_terms_is_not_resumed(
    server: DtlsServer, encrypt_then_mac: bool, max_fragment_length: bytes | None
) -> None:
    """A session keeps what was agreed on for it, the length of fragments for one (RFC 6066 4)."""

    def client(
        encrypt_then_mac: bool, length: bytes | None, resume: Remembered | None
    ) -> ScriptedClient:
        return ScriptedClient(
            suites=(PSK_CBC,),
            encrypt_then_mac=encrypt_then_mac,
            extra={} if length is None else {Extension.MAX_FRAGMENT_LENGTH: length},
            resume=resume,
        )

    first, _ = connected(server, client(False, b"\1", None))
    other = client(encrypt_then_mac, max_fragment_length, first.client.remembered)
    same = client(False, b"\1", first.client.remembered)
    connected(server, other)
    connected(server, same)
    assert (other.resumed, same.resumed) == (False, True)


def test_session_expires_after_a_day(server: DtlsServer) -> None:
    first, _ = connected(server, ScriptedClient())
    client = ScriptedClient(resume=first.client.remembered)
    conversation = Conversation(server, client)
    conversation.now += 24 * 3600
    conversation.connect()
    assert not client.resumed


def test_peer_that_restarts_at_its_address_replaces_its_connection(server: DtlsServer) -> None:
    _conversation, old = connected(server, ScriptedClient())
    again = Conversation(server, ScriptedClient())
    again.connect()

    closed, established = again.events
    assert closed == Closed(old.connection, CloseReason.REPLACED)
    assert isinstance(established, Established)
    assert established.replaced is old.connection
    assert server.connections == 1


def test_peer_may_restart_with_the_same_random(server: DtlsServer) -> None:
    """As on Zephyr's native_sim, whose entropy is the same each time."""
    old, _established = connected(server, ScriptedClient())
    client = ScriptedClient()
    client.random = old.client.random
    again = Conversation(server, client)
    again.now += ROTATION
    again.connect()
    assert client.established


def test_old_connection_works_until_the_new_one_is_proved(server: DtlsServer) -> None:
    old, established = connected(server, ScriptedClient())
    new = Conversation(server, ScriptedClient())
    new.until(HandshakeType.CLIENT_KEY_EXCHANGE)

    [received] = old.deliver(old.client.sealed(b"still here"))
    assert received == Received(established.connection, b"still here")


def test_close_says_goodbye_and_sends_nothing_more(server: DtlsServer) -> None:
    conversation, established = connected(server, ScriptedClient())
    conversation.absorb(server.close(established.connection))

    assert conversation.client.alerts == [(1, 0)]
    assert conversation.events == [Closed(established.connection, CloseReason.LOCAL)]
    with pytest.raises(ConnectionClosed):
        server.send(established.connection, b"late")


def test_goodbye_is_answered(server: DtlsServer) -> None:
    conversation, established = connected(server, ScriptedClient())
    client = conversation.client
    events = conversation.deliver(client.sealed(b"\x01\x00", ContentType.ALERT))

    assert events == [Closed(established.connection, CloseReason.PEER_CLOSED)]
    assert client.alerts == [(1, 0)]


def test_session_outlives_a_goodbye_but_no_fatal_alert(server: DtlsServer) -> None:
    conversation, _ = connected(server, ScriptedClient())
    conversation.deliver(conversation.client.sealed(b"\x01\x00", ContentType.ALERT))
    assert server.sessions == 1

    conversation, established = connected(server, ScriptedClient())
    events = conversation.deliver(conversation.client.sealed(b"\x02\x50", ContentType.ALERT))
    assert events == [Closed(established.connection, CloseReason.PEER_ALERT)]
    assert server.sessions == 1


def test_revoking_ends_connection_and_session(server: DtlsServer, keyring: Keyring) -> None:
    conversation, established = connected(server, ScriptedClient())
    outputs = server.revoke(lambda identity: identity == PskIdentity(IDENTITY))
    conversation.absorb(outputs)

    assert conversation.events == [Closed(established.connection, CloseReason.REVOKED)]
    assert conversation.client.alerts == [(2, 49)]
    assert server.sessions == 0
    assert server.connections == 0


def test_revoking_leaves_others_alone(server: DtlsServer) -> None:
    connected(server, ScriptedClient())
    assert server.revoke(lambda identity: identity == PskIdentity(b"another")) == []
    assert server.connections == 1


def test_other_address_is_another_connection(server: DtlsServer) -> None:
    connected(server, ScriptedClient())
    other = Conversation(server, ScriptedClient(), ("192.0.2.2", ADDRESS[1]))
    other.connect()
    assert server.connections == 2
