"""Answers that others have given: of the documents for the primitives, of OpenSSL for the whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, utils, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
import pytest

from custom_components.lwm2m.protocol.dtls.channel import Channel
from custom_components.lwm2m.protocol.dtls.ciphers import SUITES, record_ciphers
from custom_components.lwm2m.protocol.dtls.errors import HandshakeError
from custom_components.lwm2m.protocol.dtls.extensions import Group
from custom_components.lwm2m.protocol.dtls.key_exchange import ephemeral_key, verify
from custom_components.lwm2m.protocol.dtls.key_schedule import (
    Hmac,
    extended_master_secret,
    key_block,
    master_secret,
    psk_premaster,
    verify_data,
)
from custom_components.lwm2m.protocol.dtls.messages import HandshakeType, fragments
from custom_components.lwm2m.protocol.dtls.reassembly import Reassembler
from custom_components.lwm2m.protocol.dtls.records import ContentType, Record, split

# The primitives


@pytest.mark.parametrize(
    ("key", "data", "mac"),
    [
        (
            "0b" * 20,
            b"Hi There".hex(),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe".hex(),
            b"what do ya want for nothing?".hex(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            "aa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First".hex(),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
    ids=["case 1", "case 2", "case 6"],
)
def test_hmac_sha_256_of_rfc_4231(key: str, data: str, mac: str) -> None:
    keyed = Hmac(bytes.fromhex(key))
    assert keyed.digest(bytes.fromhex(data)).hex() == mac
    assert keyed.digest(bytes.fromhex(data)).hex() == mac


def test_aes_ccm_of_nist_sp_800_38c() -> None:
    """Example 3, C.3: a nonce of 12 bytes and a tag of 8, as in CCM_8."""
    key = bytes(range(0x40, 0x50))
    nonce = bytes(range(0x10, 0x1C))
    sealed = AESCCM(key, 8).encrypt(nonce, bytes(range(0x20, 0x38)), bytes(range(0x14)))
    assert sealed.hex() == "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951"


def test_aes_gcm_of_its_specification() -> None:
    """McGrew and Viega, The Galois/Counter Mode of Operation, appendix B, test case 4."""
    sealed = AESGCM(bytes.fromhex("feffe9928665731c6d6a8f9467308308")).encrypt(
        bytes.fromhex("cafebabefacedbaddecaf888"),
        bytes.fromhex(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
        ),
        bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
    )
    assert sealed.hex() == (
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
        "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
        "5bc94fbc3221a5db94fae95ae7121a47"
    )


def test_aes_cbc_of_nist_sp_800_38a() -> None:
    """F.2.1, the first block."""
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(range(16)))).encryptor()
    sealed = encryptor.update(bytes.fromhex("6bc1bee22e409f96e93d7e117393172a"))
    assert sealed.hex() == "7649abac8119b246cee98e9b12e9197d"


def test_ecdh_on_p_256_of_rfc_5903() -> None:
    """8.1: the initiator's key and the responder's, to the same secret."""
    ours, theirs = ephemeral_key(Group.SECP256R1), ephemeral_key(Group.SECP256R1)
    for key, private in (
        (ours, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"),
        (theirs, "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53"),
    ):
        key._key = ec.derive_private_key(int(private, 16), ec.SECP256R1())  # type: ignore[attr-defined]  # made known
    secret = "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"
    assert ours.point.hex() == (
        "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
        "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3"
    )
    assert ours.exchange(theirs.point).hex() == secret
    assert theirs.exchange(ours.point).hex() == secret


def test_x25519_of_rfc_7748() -> None:
    """6.1: Alice's key and Bob's, to the same secret."""
    ours, theirs = ephemeral_key(Group.X25519), ephemeral_key(Group.X25519)
    for key, private in (
        (ours, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
        (theirs, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
    ):
        key._key = x25519.X25519PrivateKey.from_private_bytes(bytes.fromhex(private))  # type: ignore[attr-defined]  # made known
    secret = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    assert ours.exchange(theirs.point).hex() == secret
    assert theirs.exchange(ours.point).hex() == secret


SAMPLE_KEY = ec.EllipticCurvePublicNumbers(
    0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
    0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299,
    ec.SECP256R1(),
).public_key()
SAMPLE_SIGNATURE = utils.encode_dss_signature(
    0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
    0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
)


def test_ecdsa_on_p_256_of_rfc_6979() -> None:
    """A.2.5, with SHA-256."""
    verify(SAMPLE_KEY, SAMPLE_SIGNATURE, hashlib.sha256(b"sample").digest())
    with pytest.raises(HandshakeError):
        verify(SAMPLE_KEY, SAMPLE_SIGNATURE, hashlib.sha256(b"simple").digest())


def test_keys_of_the_illustrated_tls_1_2_connection() -> None:
    """ECDHE on X25519, from the server's private key and the client's point to the keys."""
    client_random, server_random = bytes(range(0x20)), bytes(range(0x70, 0x90))
    key = ephemeral_key(Group.X25519)
    key._key = x25519.X25519PrivateKey.from_private_bytes(bytes(range(0x90, 0xB0)))  # type: ignore[attr-defined]  # made known
    premaster = key.exchange(
        bytes.fromhex("358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254")
    )
    master = master_secret(premaster, client_random, server_random)
    assert master.hex() == (
        "916abf9da55973e13614ae0a3f5d3f37b023ba129aee02cc9134338127cd7049"
        "781c8e19fc1eb2a7387ac06ae237344c"
    )
    assert key_block(Hmac(master), client_random, server_random, 2 * (20 + 16 + 16)).hex() == (
        "1b7d117c7d5f690bc263cae8ef60af0f1878acc2"
        "2ad8bdd8c601a617126f63540eb20906f781fad2"
        "f656d037b173ef3e11169f27231a84b6"
        "752a18e7a9fcb7cbcdd8f98dd8f769eb"
        "a0d2550c9238eebfef5c32251abb67d6"
        "434528db4937d540d393135e06a11bb8"
    )


def test_extended_master_secret_and_keys_of_nist() -> None:
    """ACVP's samples of TLS-v1.2 KDF RFC7627, SHA2-256, test case 1."""
    master = extended_master_secret(
        bytes.fromhex(
            "8252b983a6459a6fb3b9debe8725247e276139ebf7c9adccdd7d240f3ada7f5e"
            "3351b2769b6c8dc169a6d799c3c0ffeb"
        ),
        bytes.fromhex("1359d7df74cb27c67f74c98d521d442b887eaf0decf6e382c62434d6c3dd7d0d"),
    )
    assert master.hex() == (
        "43a5e821fcf5446c712207f7cd161ed213ee3b9d001d418c57231befd596b583"
        "ecd55ab2c4456b02738698f90bc59ac0"
    )
    client_random = "abe7af69affc5e0944f4009b3e7abd1cc0a5cce8db055eff4a509e5b6de9475a"
    server_random = "50e0a1a1fd64a55259781a5c22580a81f99799c32f52d3f48d2c10c5c692e289"
    block = key_block(Hmac(master), bytes.fromhex(client_random), bytes.fromhex(server_random), 128)
    assert block.hex() == (
        "4886e75be82dd4fb73c540729072d3e29b93c164e1cffe071f1212b1237b98dc"
        "0b0a5895f331f7180ceb30b17bb8c3e92a074b26325ff975237dbd22320c0b88"
        "d64931f39c777b1527d36a999ad5fe5ee7f53fc42a509beb22634b17ec7b768e"
        "af6a87977cf8670b34d0a76ebce6a659dab6c15b4b86b98b9a63c50bbe1e2a09"
    )


# The key schedule and the records: what OpenSSL 4.0.2 said to itself, with all that it knew

FIXTURE = Path(__file__).parents[2] / "fixtures" / "dtls" / "openssl_handshakes.json"
RECORDED: dict[str, dict[str, Any]] = json.loads(FIXTURE.read_text())


class Recorded:
    """A handshake between a client and a server, and a record of data each way."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.suite = SUITES[int(values["suite"], 16)]
        self.psk = bytes.fromhex(values["psk"])
        self.master = bytes.fromhex(values["master"])
        self.client_random = bytes.fromhex(values["client_random"])
        self.server_random = bytes.fromhex(values["server_random"])
        self.extended = values["extended_master_secret"]
        self.encrypt_then_mac = values["encrypt_then_mac"]
        self.hello_to_exchange = b""
        """The messages from ClientHello to ClientKeyExchange, which the master secret is of."""
        self.before_finished = b""
        self.protected: list[tuple[str, Record]] = []
        self._messages = {"client": Reassembler(0), "server": Reassembler(0)}
        for side, datagram in values["datagrams"]:
            for record in split(bytes.fromhex(datagram), 0):
                if record.epoch:
                    self.protected.append((side, record))
                elif record.type == ContentType.HANDSHAKE:
                    self._add(self._messages[side], record)

    def _add(self, messages: Reassembler, record: Record) -> None:
        for fragment in fragments(record.fragment):
            for whole in messages.add(fragment):
                self.before_finished += whole
                if whole[0] == HandshakeType.CLIENT_KEY_EXCHANGE:
                    self.hello_to_exchange = self.before_finished

    def opened(self) -> list[tuple[str, int, bytes]]:
        """Open every protected record, with keys of this project's key schedule."""
        client, server = record_ciphers(
            self.suite,
            Hmac(self.master),
            self.client_random,
            self.server_random,
            encrypt_then_mac=self.encrypt_then_mac,
        )
        channels = {"client": Channel(client, server), "server": Channel(server, client)}
        return [(side, *channels[side].open(record)) for side, record in self.protected]


@pytest.fixture(params=RECORDED)
def recorded(request: pytest.FixtureRequest) -> Recorded:
    return Recorded(RECORDED[request.param])


@pytest.mark.parametrize(
    "recorded", [name for name, values in RECORDED.items() if values["psk"]], indirect=True
)
def test_master_secret_is_openssls(recorded: Recorded) -> None:
    premaster = psk_premaster(recorded.psk)
    if recorded.extended:
        session_hash = hashlib.sha256(recorded.hello_to_exchange).digest()
        master = extended_master_secret(premaster, session_hash)
    else:
        master = master_secret(premaster, recorded.client_random, recorded.server_random)
    assert master == recorded.master


def test_records_of_openssl_are_opened(recorded: Recorded) -> None:
    data = [
        (side, content)
        for side, content_type, content in recorded.opened()
        if content_type == ContentType.APPLICATION_DATA
    ]
    assert data == [("client", b"hello"), ("server", b"hi")]


def test_finished_messages_are_openssls(recorded: Recorded) -> None:
    finished = [
        (side, content)
        for side, content_type, content in recorded.opened()
        if content_type == ContentType.HANDSHAKE
    ]
    assert [side for side, _ in finished] == ["client", "server"]
    transcript = recorded.before_finished
    for side, whole in finished:
        expected = verify_data(
            Hmac(recorded.master),
            client=side == "client",
            transcript_hash=hashlib.sha256(transcript).digest(),
        )
        assert whole[12:] == expected
        transcript += whole
