"""Whatever arrives, memory and work stay within their bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import gc
import itertools
import os
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from custom_components.lwm2m.protocol.dtls import (
    Closed,
    CloseReason,
    DtlsServer,
    Established,
    Limits,
    Refusal,
    Refused,
    Suspicion,
    Suspicious,
    Transmit,
)
from custom_components.lwm2m.protocol.dtls.errors import Alert
from custom_components.lwm2m.protocol.dtls.limits import source_of
from custom_components.lwm2m.protocol.dtls.messages import (
    HEADER,
    HandshakeType,
    fragment_at,
    message,
    split_message,
)
from custom_components.lwm2m.protocol.dtls.negotiation import _agree
from custom_components.lwm2m.protocol.dtls.reassembly import (
    AHEAD,
    MAX_CERTIFICATE,
    Reassembler,
)
from custom_components.lwm2m.protocol.dtls.records import MAX_RECORDS, ContentType, plaintext_record

from .scripted_client import ADDRESS, Conversation, ScriptedClient

if TYPE_CHECKING:
    from .parties import Keyring

CKE = HandshakeType.CLIENT_KEY_EXCHANGE
type Stream = Iterator[tuple[bytes, tuple[str, int]]]
FLOOD = 100_000
BACKLOG = 5_000
"""Datagrams of 100 bytes in a receive buffer of 4 MiB, with what the kernel adds to each."""


def garbage(count: int) -> Stream:
    for index in range(count):
        address = (f"198.51.{index >> 8 & 255}.{index & 255}", index % 60000)
        match index % 5:
            case 0:
                yield os.urandom(40), address
            case 1:
                yield plaintext_record(22, 0xFEFD, index, os.urandom(30)), address
            case 2:
                yield b"\x17\xfe\xfd\0\x01" + index.to_bytes(6) + b"\0\x18" + bytes(24), address
            case 3:
                yield (
                    b"\x19\xfe\xfd\0\x01" + bytes(6) + os.urandom(6) + b"\0\x18" + bytes(24),
                    address,
                )
            case _:
                yield b"", address


def spoofed_hellos(count: int) -> Stream:
    body = ScriptedClient().hello_body()
    whole = message(HandshakeType.CLIENT_HELLO, 0, body)
    record = plaintext_record(ContentType.HANDSHAKE, 0xFEFF, 0, whole)
    for index in range(count):
        yield record, (f"198.51.{index >> 8 & 255}.{index & 255}", index % 60000)


@pytest.mark.parametrize("flood", [garbage, spoofed_hellos])
def test_flood_leaves_nothing_behind(keyring: Keyring, flood: Callable[[int], Stream]) -> None:
    server = DtlsServer(keyring)
    for datagram, address in flood(1000):
        server.receive(datagram, address, 0.0)
    datagrams = list(flood(5_000))
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for datagram, address in datagrams:
            server.receive(datagram, address, 1.0)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert after - before < 4096
    assert server.handshakes == server.connections == server.sessions == 0


@pytest.mark.parametrize("flood", [garbage, spoofed_hellos])
def test_handshake_amid_a_flood_of_100_000_is_late_by_less_than_a_second(
    keyring: Keyring, flood: Callable[[int], Stream]
) -> None:
    """Each message of the client comes behind a full socket buffer."""
    server = DtlsServer(keyring)
    conversation = Conversation(server, ScriptedClient())
    stream = flood(FLOOD)
    waits = []
    waiting = conversation.client.hello()
    while backlog := list(itertools.islice(stream, BACKLOG)):
        start = time.thread_time()
        for datagram, address in backlog:
            server.receive(datagram, address, conversation.now)
        if waiting:
            waits.append(time.thread_time() - start)
        outputs = [o for d in waiting for o in server.receive(d, ADDRESS, conversation.now)]
        waiting = conversation.absorb(outputs)

    assert conversation.client.established
    assert sum(waits) < 1.0


def test_hellos_of_one_source_are_limited_and_told_of(keyring: Keyring) -> None:
    server = DtlsServer(keyring, Limits(hello_rate=10, hello_burst=5))
    hello = ScriptedClient().hello()[0]
    outputs = [output for _ in range(100) for output in server.receive(hello, ADDRESS, 0.0)]

    assert sum(isinstance(output, Transmit) for output in outputs) == 5
    told = [output for output in outputs if isinstance(output, Suspicious)]
    assert {output.suspicion for output in told} == {Suspicion.FLOOD}
    assert len(told) == 95
    assert server.counters.rate_limited == 95


def test_limit_of_one_source_leaves_another_its_own(keyring: Keyring) -> None:
    server = DtlsServer(keyring, Limits(hello_rate=10, hello_burst=5))
    hello = ScriptedClient().hello()[0]
    for _ in range(100):
        server.receive(hello, ("192.0.2.66", 1), 0.0)
    client = ScriptedClient()
    Conversation(server, client).connect()
    assert client.established


def test_handshakes_of_one_source_are_limited(keyring: Keyring) -> None:
    server = DtlsServer(keyring, Limits(handshakes_per_source=3))
    for port in range(10):
        Conversation(server, ScriptedClient(), ("192.0.2.1", port)).until(CKE)
    assert server.handshakes == 3
    assert server.counters.overloaded == 7
    other = ScriptedClient()
    Conversation(server, other, ("192.0.2.2", 1)).connect()
    assert other.established


def test_handshakes_of_all_sources_are_limited(keyring: Keyring) -> None:
    server = DtlsServer(keyring, Limits(handshakes=3))
    for host in range(10):
        Conversation(server, ScriptedClient(), (f"192.0.2.{host}", 1)).until(CKE)
    assert server.handshakes == 3
    assert server.counters.overloaded == 7


def test_handshakes_that_do_not_go_on_give_way_to_others(keyring: Keyring) -> None:
    """Else a few sources would keep all devices out for as long as a handshake may take."""
    limits = Limits(handshakes=3)
    server = DtlsServer(keyring, limits)
    for host in range(limits.handshakes):
        Conversation(server, ScriptedClient(), (f"192.0.2.{host}", 1)).until(CKE)
    device = Conversation(server, ScriptedClient(), ("192.0.2.66", 1))
    device.now += limits.handshake_turn
    device.connect()

    assert device.client.established
    assert server.handshakes == limits.handshakes - 1
    gone = [event for event in device.events if isinstance(event, Refused)]
    assert [(event.address[0], event.refusal) for event in gone] == [("192.0.2.0", Refusal.TIMEOUT)]


def test_sources_with_many_handshakes_make_room_for_one_with_few_at_once(keyring: Keyring) -> None:
    """Else a few sources that begin enough of them would keep all devices out all the time."""
    server = DtlsServer(keyring, Limits(handshakes=6))
    slow = Conversation(server, device := ScriptedClient(), ("192.0.2.66", 1))
    flight = device.send(slow.until(CKE))
    for port in range(20):
        for host in range(2):
            Conversation(server, ScriptedClient(), (f"192.0.2.{host}", port)).until(CKE)
    assert server.handshakes == 6
    newcomer = ScriptedClient()
    Conversation(server, newcomer, ("192.0.2.67", 1)).connect()

    assert newcomer.established
    slow.deliver(*flight)
    assert device.established


def test_handshakes_of_one_source_do_not_give_way_to_each_other(keyring: Keyring) -> None:
    """A fleet behind one address gets through a part at a time."""
    server = DtlsServer(keyring, Limits(handshakes_per_source=3))
    for port in range(10):
        conversation = Conversation(server, ScriptedClient(), ("192.0.2.1", port))
        conversation.now += port
        conversation.until(CKE)

    assert (server.handshakes, server.counters.refused) == (3, 0)


def test_rate_of_handshakes_of_one_source_is_limited(keyring: Keyring) -> None:
    server = DtlsServer(keyring, Limits(handshake_rate=1, handshake_burst=2))
    clients = [ScriptedClient() for _ in range(4)]
    for port, client in enumerate(clients):
        Conversation(server, client, ("192.0.2.1", port)).connect()
    assert [client.established for client in clients] == [True, True, False, False]


def test_identity_keeps_its_newest_connections(keyring: Keyring) -> None:
    server = DtlsServer(keyring, Limits(connections_per_identity=2))
    conversations: list[Conversation] = []
    for port in range(3):
        conversation = Conversation(server, ScriptedClient(), ("192.0.2.1", port))
        conversation.now = float(port)
        conversation.connect()
        conversations.append(conversation)

    assert server.connections == 2
    closed = [event for event in conversations[-1].events if isinstance(event, Closed)]
    assert [(event.connection.address[1], event.reason) for event in closed] == [
        (0, CloseReason.EVICTED)
    ]


def test_connections_are_limited_and_the_quietest_goes(keyring: Keyring) -> None:
    server = DtlsServer(keyring, Limits(connections=3))
    conversations: list[Conversation] = []
    for number in range(4):
        identity = b"device-%d" % number
        keyring.psks[identity] = b"key"
        client = ScriptedClient(identity=identity, key=b"key")
        conversation = Conversation(server, client, ("192.0.2.1", number))
        conversation.now = float(number)
        if number == 3:
            conversations[0].now = 2.5
            conversations[0].deliver(conversations[0].client.sealed(b"not quiet"))
        conversation.connect()
        conversations.append(conversation)

    [closed] = [event for event in conversations[3].events if isinstance(event, Closed)]
    assert closed.connection.address[1] == 1
    assert server.connections == 3


def test_sessions_are_limited(keyring: Keyring) -> None:
    server = DtlsServer(keyring, Limits(sessions=2))
    for port in range(4):
        Conversation(server, ScriptedClient(), ("192.0.2.1", port)).connect()
    assert server.sessions == 2


def test_early_records_are_limited(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    conversation.until(CKE)
    early = b"\x17\xfe\xfd\0\x01" + bytes(6) + b"\x02\0" + bytes(512)
    for _ in range(1000):
        conversation.deliver(early)
    handshake = server._handshakes.get(ADDRESS)
    assert handshake is not None
    assert len(handshake.early) <= 8
    conversation.deliver(*client.timeout())


def test_messages_far_ahead_are_not_kept(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    conversation.until(CKE)
    for number in range(1000):
        part = message(HandshakeType.CERTIFICATE, number, bytes(8000))[: 12 + 10]
        part = part[:9] + b"\0\0\x0a" + part[12:]
        server.receive(client.record(ContentType.HANDSHAKE, part), ADDRESS, 0.0)
    handshake = server._handshakes.get(ADDRESS)
    assert handshake is not None
    assert len(handshake._messages._partial) <= 8


def test_deadlines_of_finished_handshakes_do_not_pile_up(keyring: Keyring) -> None:
    server = DtlsServer(keyring, Limits(handshake_rate=1e6, handshake_burst=1e6, hello_burst=1e6))
    for number in range(1200):
        conversation = Conversation(server, ScriptedClient())
        conversation.now = number / 1000
        conversation.connect()
    assert len(server._handshakes._deadlines) < 1100
    assert server.next_deadline is None


def test_remembered_offers_are_limited(keyring: Keyring) -> None:
    """Whoever echoes a cookie can offer what nobody has offered before."""
    server = DtlsServer(keyring)
    for number in range(200):
        client = ScriptedClient(extra={0xFFFF: bytes((number,))})
        Conversation(server, client, ("192.0.2.1", number)).connect()
        assert client.established
    assert _agree.cache_info().currsize <= 64


def test_idle_session_is_small(keyring: Keyring) -> None:
    """Nothing of the handshake stays but what the connection and its resumption need."""
    limits = Limits(handshake_rate=1e6, handshake_burst=1e6, hello_burst=1e6)
    server = DtlsServer(keyring, limits)
    count = 200
    conversations: list[Conversation] = []
    for number in range(count + 1):
        identity = b"device-%d" % number
        keyring.psks[identity] = b"key"
        client = ScriptedClient(identity=identity, key=b"key")
        conversations.append(Conversation(server, client, ("192.0.2.1", number)))
    conversations.pop().connect()
    gc.collect()
    tracemalloc.start()
    try:
        for conversation in conversations:
            conversation.connect()
            [event] = conversation.events
            assert isinstance(event, Established)
            conversation.deliver(conversation.client.sealed(b"data"))
        conversations.clear()
        gc.collect()
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used / count < 4000


def test_message_in_too_many_pieces_is_refused(server: DtlsServer) -> None:
    conversation = Conversation(server, client := ScriptedClient())
    conversation.until(CKE)
    number = client.next_message.to_bytes(2)
    for offset in range(1, 200, 2):
        part = b"\x10\0\x01\0" + number + offset.to_bytes(3) + b"\0\0\x01x"
        conversation.deliver(client.record(ContentType.HANDSHAKE, part))
    assert [alert for _, alert in client.alerts] == [Alert.DECODE_ERROR]
    assert server.handshakes == 0


def test_what_fills_a_datagram_is_no_more_work_than_some_records(server: DtlsServer) -> None:
    """An empty record takes 13 bytes, and anybody can make it look like a device's."""
    conversation = Conversation(server, ScriptedClient())
    conversation.connect()
    empty = b"\x17\xfe\xfd\x00\x01" + bytes(5) + b"\x09\x00\x00"
    told = server.receive(empty * 5_000, conversation.address, 0.0)
    assert len(told) == server.counters.bad_macs == MAX_RECORDS


def test_what_is_kept_of_a_handshake_is_bounded_whatever_its_messages_say_to_be() -> None:
    """A byte of each of eight certificates."""
    reassembler = Reassembler(0)
    for sequence in range(AHEAD):
        whole = message(HandshakeType.CERTIFICATE, sequence, bytes(MAX_CERTIFICATE))
        reassembler.add(fragment_at(next(split_message(whole, HEADER + 1)), 0))
    kept = sum(
        len(partial.parts) for partial in reassembler._partial.values()
    )  # there is no other way to see it
    assert kept == MAX_CERTIFICATE


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8:0:1::2", "20010db800000001"),
        ("2001:db8:0:1:ffff::9", "20010db800000001"),
        ("fe80::1%lo", "fe80000000000000"),
    ],
)
def test_addresses_that_one_host_has_are_one_source(host: str, source: str) -> None:
    assert source_of(host) == source
