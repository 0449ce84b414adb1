"""Known answers, from documents or from other implementations."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
import pytest

from custom_components.lwm2m.protocol.dtls.channel import Channel
from custom_components.lwm2m.protocol.dtls.ciphers import (
    SUITES,
    AeadCipher,
    CbcCipher,
    EncryptThenMacCipher,
    Mode,
    RecordCipher,
    record_ciphers,
)
from custom_components.lwm2m.protocol.dtls.cookies import CookieJar
from custom_components.lwm2m.protocol.dtls.errors import BadRecordMac, ConnectionClosed
from custom_components.lwm2m.protocol.dtls.key_schedule import (
    Hmac,
    extended_master_secret,
    key_block,
    master_secret,
    prf,
    psk_premaster,
    verify_data,
)
from custom_components.lwm2m.protocol.dtls.limits import RateLimiter
from custom_components.lwm2m.protocol.dtls.messages import ClientHello
from custom_components.lwm2m.protocol.dtls.records import (
    MAX_SEQUENCE,
    ContentType,
    ReplayWindow,
    split,
)

from .scripted_client import ScriptedClient


def test_prf_of_the_working_groups_test_vector() -> None:
    # "TLS 1.2 PRF test vectors", IETF TLS working group's list, April 2008: P_SHA256.
    output = prf(
        Hmac(bytes.fromhex("9bbe436ba940f017b17652849a71db35")),
        b"test label",
        bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c"),
        100,
    )
    assert output.hex() == (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
        "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
        "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
        "87347b66"
    )


def test_premaster_secret_of_rfc_4279() -> None:
    assert psk_premaster(b"abc") == b"\x00\x03\x00\x00\x00\x00\x03abc"


def test_labels_and_seeds_are_those_of_the_documents() -> None:
    client, server = b"c" * 32, b"s" * 32
    assert master_secret(b"pre", client, server) == prf(
        Hmac(b"pre"), b"master secret", client + server, 48
    )
    assert extended_master_secret(b"pre", b"hash") == prf(
        Hmac(b"pre"), b"extended master secret", b"hash", 48
    )
    assert key_block(Hmac(b"master"), client, server, 40) == prf(
        Hmac(b"master"), b"key expansion", server + client, 40
    )
    assert verify_data(Hmac(b"master"), client=True, transcript_hash=b"hash") == prf(
        Hmac(b"master"), b"client finished", b"hash", 12
    )
    assert verify_data(Hmac(b"master"), client=False, transcript_hash=b"hash") == prf(
        Hmac(b"master"), b"server finished", b"hash", 12
    )


def test_nonce_and_associated_data_of_ccm_8() -> None:
    """RFC 6655 3: IV and record number; RFC 5246 6.2.3.3: number, type, version, length."""
    key, iv = bytes(range(16)), b"salt"
    channel = Channel(AeadCipher(Mode.CCM_8, key, iv), AeadCipher(Mode.CCM_8, key, iv))
    record = channel.seal(ContentType.APPLICATION_DATA, b"hello")

    number = bytes.fromhex("0001000000000000")
    expected = AESCCM(key, 8).encrypt(iv + number, b"hello", number + bytes.fromhex("17fefd0005"))
    assert record == bytes.fromhex("17fefd") + number + bytes.fromhex("0015") + number + expected


def test_associated_data_with_connection_id() -> None:
    """RFC 9146 5.3."""
    key, iv = bytes(range(16)), b"salt"
    cipher = AeadCipher(Mode.CCM_8, key, iv)
    record = Channel(cipher, cipher, b"", b"peer").seal(ContentType.APPLICATION_DATA, b"hello")

    number = bytes.fromhex("0001000000000000")
    associated = (
        b"\xff" * 8 + bytes.fromhex("190419fefd") + number + b"peer" + bytes.fromhex("0006")
    )
    expected = AESCCM(key, 8).encrypt(iv + number, b"hello\x17", associated)
    assert record == bytes.fromhex("19fefd") + number + b"peer\x00\x16" + number + expected


def test_key_block_is_cut_in_the_order_of_rfc_5246_6_3() -> None:
    client, server = record_ciphers(
        SUITES[0xC0A8], Hmac(b"m" * 48), b"c" * 32, b"s" * 32, encrypt_then_mac=False
    )
    block = key_block(Hmac(b"m" * 48), b"c" * 32, b"s" * 32, 40)
    number, header = bytes(8), bytes(11)
    assert client.seal(number, header, b"x") == AeadCipher(
        Mode.CCM_8, block[:16], block[32:36]
    ).seal(number, header, b"x")
    assert server.seal(number, header, b"x") == AeadCipher(
        Mode.CCM_8, block[16:32], block[36:40]
    ).seal(number, header, b"x")


CIPHERS = [
    pytest.param(AeadCipher(Mode.CCM_8, bytes(16), b"salt"), id="CCM_8"),
    pytest.param(AeadCipher(Mode.CCM, bytes(16), b"salt"), id="CCM"),
    pytest.param(AeadCipher(Mode.GCM, bytes(16), b"salt"), id="GCM"),
    pytest.param(CbcCipher(bytes(16), bytes(32)), id="CBC"),
    pytest.param(EncryptThenMacCipher(bytes(16), bytes(32)), id="CBC-EtM"),
]


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 300])
def test_ciphers_open_what_they_seal(cipher: RecordCipher, size: int) -> None:
    header = b"header of 11"
    assert cipher.open(header, cipher.seal(bytes(8), header, b"x" * size)) == b"x" * size


@pytest.mark.parametrize("cipher", CIPHERS)
def test_no_bit_can_be_changed(cipher: RecordCipher) -> None:
    header = b"header of 11"
    sealed = cipher.seal(bytes(8), header, b"content")
    for bit in range(8 * len(sealed)):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadRecordMac):
            cipher.open(header, bytes(changed))
    with pytest.raises(BadRecordMac):
        cipher.open(b"Header of 11", sealed)


@pytest.mark.parametrize("cipher", CIPHERS)
def test_nothing_can_be_cut_off(cipher: RecordCipher) -> None:
    header = b"header of 11"
    sealed = cipher.seal(bytes(8), header, b"content")
    for length in range(len(sealed)):
        with pytest.raises(BadRecordMac):
            cipher.open(header, sealed[:length])


def test_window_knows_the_last_64_records() -> None:
    window = ReplayWindow()
    for sequence in (0, 1, 3, 100):
        assert window.fresh(sequence)
        window.mark(sequence)
    assert not window.fresh(100)
    assert window.fresh(99)
    assert window.fresh(37)
    assert not window.fresh(36)
    assert window.fresh(101)


def test_window_agrees_with_a_set_of_all_records_seen() -> None:
    window, seen = ReplayWindow(), set[int]()
    newest = -1
    state = 1
    for _ in range(5000):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        sequence = max(0, newest + state % 90 - 75)
        assert window.fresh(sequence) == (sequence not in seen and sequence > newest - 64)
        if window.fresh(sequence):
            assert window.mark(sequence) == (sequence > newest)
            seen.add(sequence)
            newest = max(newest, sequence)


def test_sequence_numbers_end_before_they_repeat() -> None:
    cipher = AeadCipher(Mode.CCM_8, bytes(16), b"salt")
    channel = Channel(cipher, cipher)
    channel._sequence = MAX_SEQUENCE
    channel.seal(ContentType.APPLICATION_DATA, b"last")
    with pytest.raises(ConnectionClosed):
        channel.seal(ContentType.APPLICATION_DATA, b"one more")


def test_records_are_split_up_to_the_first_that_is_none() -> None:
    first = ScriptedClient().record(22, b"abc")
    assert [record.fragment for record in split(first + first + b"\x16garbage", 0)] == [
        b"abc",
        b"abc",
    ]


@pytest.mark.parametrize(
    "record",
    [
        b"",
        bytes(13),
        bytes.fromhex("16fefd0000000000000000") + b"\x00\x05abcd",
        bytes.fromhex("160303000000000000000000") + b"\x00",
        bytes.fromhex("15fefd0000000000000000") + b"\xff\xff" + bytes(65535),
    ],
)
def test_what_is_no_record_is_none(record: bytes) -> None:
    assert list(split(record, 0)) == []


def test_cookie_is_bound_to_address_and_parameters() -> None:
    jar = CookieJar()
    client = ScriptedClient()
    hello = ClientHello.parse(client.hello_body())
    client.cookie = jar.make(b"address", hello, 0.0)
    again = ClientHello.parse(client.hello_body())
    client.random = bytes(32)
    other = ClientHello.parse(client.hello_body())

    assert jar.valid(b"address", again, 0.0)
    assert not jar.valid(b"another", again, 0.0)
    assert not jar.valid(b"address", other, 0.0)
    assert not jar.valid(b"address", hello, 0.0)


@pytest.mark.parametrize(("age", "valid"), [(59, True), (119, True), (121, False), (1e6, False)])
def test_cookie_is_good_for_one_to_two_minutes(age: float, valid: bool) -> None:
    jar = CookieJar()
    client = ScriptedClient()
    hello = ClientHello.parse(client.hello_body())
    client.cookie = jar.make(b"address", hello, 0.0)
    jar.make(b"address", hello, min(age, 61.0))
    assert jar.valid(b"address", ClientHello.parse(client.hello_body()), age) == valid


def test_rate_limit_allows_a_burst_and_then_its_rate() -> None:
    limiter = RateLimiter(rate=10, burst=5)
    assert [limiter.allow("a", 0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert limiter.allow("a", 0.1)
    assert not limiter.allow("a", 0.1)
    assert limiter.allow("b", 0.1)


def test_cbc_padding_must_be_right_even_under_a_right_mac() -> None:
    """RFC 5246 6.2.3.2: each byte of it must be its length."""
    cipher = CbcCipher(bytes(16), bytes(32))
    header = b"header of 11"
    content = bytes(15)
    mac = cipher._mac(header, content)
    # 15 + 32 + 1 bytes: one byte of padding, which must be 0.
    for padding, right in ((0, True), (1, False), (200, False)):
        encryptor = Cipher(algorithms.AES(bytes(16)), modes.CBC(bytes(16))).encryptor()
        fragment = bytes(16) + encryptor.update(content + mac + bytes([padding]))
        if right:
            assert cipher.open(header, fragment) == content
        else:
            with pytest.raises(BadRecordMac):
                cipher.open(header, fragment)
