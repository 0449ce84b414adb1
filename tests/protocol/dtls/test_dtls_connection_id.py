"""Connection IDs (RFC 9146): a peer whose address changes goes on talking."""

from __future__ import annotations

import pytest

from custom_components.lwm2m.protocol.dtls import (
    Closed,
    CloseReason,
    Connection,
    DtlsServer,
    Established,
    Moved,
    Received,
)
from custom_components.lwm2m.protocol.dtls.ciphers import SUITES, CipherSuite, KeyExchange
from custom_components.lwm2m.protocol.dtls.extensions import Extension
from custom_components.lwm2m.protocol.dtls.records import ContentType

from .parties import device
from .scripted_client import ECDHE_CCM_8, Conversation, ScriptedClient

MOVED = ("198.51.100.7", 40000)


@pytest.fixture
def conversation(server: DtlsServer) -> Conversation:
    conversation = Conversation(server, ScriptedClient(connection_id=b"peer"))
    conversation.connect()
    return conversation


def connection_of(conversation: Conversation) -> Connection:
    [established] = [event for event in conversation.events if isinstance(event, Established)]
    return established.connection


@pytest.mark.parametrize("own", [b"", b"peer"])
@pytest.mark.parametrize("encrypt_then_mac", [False, True])
@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_every_suite_protects_records_with_connection_id(
    server: DtlsServer, suite: CipherSuite, encrypt_then_mac: bool, own: bytes
) -> None:
    party = device() if suite.key_exchange is KeyExchange.ECDHE_ECDSA else None
    client = ScriptedClient(
        suites=(suite.number,), party=party, connection_id=own, encrypt_then_mac=encrypt_then_mac
    )
    conversation = Conversation(server, client)
    conversation.connect()
    connection = connection_of(conversation)
    [received] = conversation.deliver(client.sealed(b"up"))
    conversation.absorb(server.send(connection, b"down"))

    assert received == Received(connection, b"up")
    assert client.received == [b"down"]
    assert client.server_extensions[Extension.CONNECTION_ID][1:] == connection.connection_id


def test_peer_is_followed_to_its_new_address(
    server: DtlsServer, conversation: Conversation
) -> None:
    connection = connection_of(conversation)
    old, conversation.address = conversation.address, MOVED
    events = conversation.deliver(conversation.client.sealed(b"from elsewhere"))
    conversation.absorb(server.send(connection, b"found you"))

    assert events == [Moved(connection, old), Received(connection, b"from elsewhere")]
    assert conversation.client.received == [b"found you"]


def test_only_the_newest_record_moves_a_peer(
    server: DtlsServer, conversation: Conversation
) -> None:
    connection = connection_of(conversation)
    late, newest = conversation.client.sealed(b"late"), conversation.client.sealed(b"newest")
    conversation.deliver(newest)
    home, conversation.address = conversation.address, MOVED

    assert conversation.deliver(late) == [Received(connection, b"late")]
    assert connection.address == home


def test_forged_record_moves_nobody(server: DtlsServer, conversation: Conversation) -> None:
    connection = connection_of(conversation)
    record = bytearray(conversation.client.sealed(b"data"))
    record[-1] ^= 1
    home, conversation.address = conversation.address, MOVED
    conversation.deliver(bytes(record))

    assert connection.address == home
    assert connection.bad_macs == 1


def test_replayed_record_moves_nobody(server: DtlsServer, conversation: Conversation) -> None:
    connection = connection_of(conversation)
    record = conversation.client.sealed(b"data")
    conversation.deliver(record)
    home, conversation.address = conversation.address, MOVED
    conversation.deliver(record)

    assert connection.address == home
    assert connection.replays == 1


def test_record_without_its_connection_id_is_dropped(
    server: DtlsServer, conversation: Conversation
) -> None:
    client = conversation.client
    assert client.channel is not None
    plain = bytearray(client.sealed(b"data"))
    plain[0] = ContentType.APPLICATION_DATA
    del plain[11:17]
    conversation.deliver(bytes(plain))
    assert connection_of(conversation).bad_macs == 1


def test_unknown_connection_id_is_garbage(server: DtlsServer, conversation: Conversation) -> None:
    record = bytearray(conversation.client.sealed(b"data"))
    record[11:17] = b"nobody"
    assert conversation.deliver(bytes(record)) == []
    assert server.counters.garbage == 1


def test_newcomer_at_the_left_address_does_not_disturb_who_moved(
    server: DtlsServer, conversation: Conversation
) -> None:
    connection = connection_of(conversation)
    home, conversation.address = conversation.address, MOVED
    conversation.deliver(conversation.client.sealed(b"moved"))
    newcomer = Conversation(server, ScriptedClient(), home)
    newcomer.connect()

    assert server.connections == 2
    [received] = conversation.deliver(conversation.client.sealed(b"still"))
    assert received == Received(connection, b"still")


def test_newcomer_at_its_address_does_not_end_who_has_yet_to_move(
    server: DtlsServer, conversation: Conversation
) -> None:
    """It may sleep while its address is given to another device."""
    connection = connection_of(conversation)
    home, conversation.address = conversation.address, MOVED
    other = ScriptedClient(suites=(ECDHE_CCM_8,), party=device(), connection_id=b"other")
    newcomer = Conversation(server, other, home)
    newcomer.connect()

    assert conversation.deliver(conversation.client.sealed(b"awake")) == [
        Moved(connection, home),
        Received(connection, b"awake"),
    ]
    [received] = newcomer.deliver(newcomer.client.sealed(b"mine"))
    assert received == Received(connection_of(newcomer), b"mine")


def test_peer_that_restarts_at_its_address_replaces_its_connection(
    server: DtlsServer, conversation: Conversation
) -> None:
    again = Conversation(server, ScriptedClient(connection_id=b"peer"))
    again.connect()

    assert again.events[0] == Closed(connection_of(conversation), CloseReason.REPLACED)
    assert server.connections == 1


def test_newcomer_at_its_address_ends_who_could_not_move(server: DtlsServer) -> None:
    former = Conversation(server, ScriptedClient())
    former.connect()
    newcomer = Conversation(server, ScriptedClient(suites=(ECDHE_CCM_8,), party=device()))
    newcomer.connect()

    assert newcomer.events[0] == Closed(connection_of(former), CloseReason.REPLACED)
    assert server.connections == 1


def test_moving_onto_a_peer_without_connection_id_leaves_that_reachable(
    server: DtlsServer, conversation: Conversation
) -> None:
    occupant = Conversation(server, ScriptedClient(), MOVED)
    occupant.connect()
    conversation.address = MOVED
    conversation.deliver(conversation.client.sealed(b"moved"))

    [received] = occupant.deliver(occupant.client.sealed(b"mine"))
    assert received == Received(connection_of(occupant), b"mine")


def test_padding_inside_a_record_is_taken_off(
    server: DtlsServer, conversation: Conversation
) -> None:
    client = conversation.client
    # RFC 9146 4: the true type follows the content, then zeros.
    record = client.sealed(b"data" + bytes([ContentType.APPLICATION_DATA]) + bytes(6), 0)
    [received] = conversation.deliver(record)
    assert isinstance(received, Received)
    assert received.data == b"data"


def test_record_of_nothing_but_padding_is_dropped(conversation: Conversation) -> None:
    conversation.deliver(conversation.client.sealed(bytes(6), 0))
    assert connection_of(conversation).bad_macs == 1
