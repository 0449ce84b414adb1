"""Keys and certificates that are made, and what people paste instead."""

from __future__ import annotations

import base64
from contextlib import nullcontext
from datetime import UTC, datetime
from ipaddress import ip_address
from random import Random
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from homeassistant.util import dt as dt_util
import pytest

from custom_components.lwm2m.key_material import (
    MAX_CHAIN,
    Fault,
    KeyMaterialError,
    check_authorities,
    check_validity,
    fingerprint,
    make_certificate,
    make_pre_shared_key,
    make_private_key,
    pem,
    private_der,
    public_der,
    read_bytes,
    read_certificates,
    read_pre_shared_key,
    read_private_key,
    read_public_key,
)
from custom_components.lwm2m.protocol.dtls import CertificateTrust, CertificateUsage

from .owner import certify

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

KEY = make_private_key()
SPKI = public_der(KEY.public_key())
CERTIFICATE = make_certificate(KEY, "kitchen-board")
OTHER_CURVE = ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
WEAK_RSA = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it is to be refused
ENCRYPTED = KEY.private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
).decode()


def test_pre_shared_keys_differ() -> None:
    first, second = make_pre_shared_key(), make_pre_shared_key()
    assert len(first) == 16
    assert first != second


# Certificates that are made


def test_certificate_is_self_signed_and_names_its_owner() -> None:
    certificate = x509.load_der_x509_certificate(CERTIFICATE)
    certificate.verify_directly_issued_by(certificate)
    assert certificate.subject.rfc4514_string() == "CN=kitchen-board"


def test_certificate_is_valid_for_devices_with_any_clock() -> None:
    certificate = x509.load_der_x509_certificate(CERTIFICATE)
    assert certificate.not_valid_before_utc < datetime(2001, 1, 1, tzinfo=UTC)
    assert certificate.not_valid_after_utc.year == 9999


def test_certificate_of_a_server_has_its_addresses() -> None:
    hosts = ["192.168.1.10", "fd00::1", "home.example", "grün.example"]
    certificate = x509.load_der_x509_certificate(make_certificate(KEY, "Server", hosts))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [
        ip_address("192.168.1.10"),
        ip_address("fd00::1"),
    ]
    assert names.get_values_for_type(x509.DNSName) == ["home.example", "xn--grn-ioa.example"]


def test_name_longer_than_a_common_name_is_cut() -> None:
    certificate = x509.load_der_x509_certificate(make_certificate(KEY, "n" * 200))
    assert certificate.subject.rfc4514_string() == f"CN={'n' * 64}"


# Bytes


@pytest.mark.parametrize(
    "text",
    ["00ff10", "00 FF 10", "00:ff:10\n", "0x00, 0xff, 0x10", r"\x00\xff\x10", "AP8Q", " AP\n8Q "],
)
def test_bytes_are_read_as_people_write_them(text: str) -> None:
    assert read_bytes(text) == b"\x00\xff\x10"


def test_base64_may_lack_its_padding() -> None:
    assert read_bytes("AP8QAA") == read_bytes("AP8QAA==") == b"\x00\xff\x10\x00"


@pytest.mark.parametrize("text", ["secret!", "0xg!", "AP8QA", "schlüssel"])
def test_error_does_not_repeat_what_was_given(text: str) -> None:
    with pytest.raises(ValueError, match="neither hexadecimal digits nor Base64") as raised:
        read_bytes(text)
    assert text not in str(raised.value)


# Pre-shared keys


@pytest.mark.parametrize(
    "text",
    [
        "zz" * 16,
        "000102030405060708090a0b0c0d0e0g",
        "0001020304O5060708090a0b0c0d0e0f",
        "000102030405060708090A0B0C0D0E0",
        "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0l",
        "0001020304050607l8090a0b0c0d0e0f" * 2,
        "0001020304050607l8090a0b0c0d0e0f" * 4,
    ],
    ids=["z", "g", "O", "a digit short", "pairs", "32 bytes", "64 bytes"],
)
def test_hexadecimal_key_with_a_typo_is_not_taken_for_base64(text: str) -> None:
    with pytest.raises(KeyMaterialError, match=Fault.NEARLY_HEXADECIMAL):
        read_pre_shared_key(text)


@pytest.mark.parametrize("size", [16, 24, 32, 48, 64])
def test_key_in_base64_is_read(size: int) -> None:
    for number in range(500):
        key = Random(number).randbytes(size)
        text = base64.b64encode(key).decode()
        assert read_pre_shared_key(text) == read_pre_shared_key(text.rstrip("=")) == key


@pytest.mark.parametrize("text", ["00" * 16, "ff" * 32, "A" * 43 + "=", "0123" * 8])
def test_key_of_few_different_bytes_is_weak(text: str) -> None:
    with pytest.raises(KeyMaterialError, match=Fault.WEAK_KEY):
        read_pre_shared_key(text)


@pytest.mark.parametrize("text", ["", "00ff", "0123" * 33, "schlüssel" * 4])
def test_what_is_no_pre_shared_key_is_refused(text: str) -> None:
    with pytest.raises(KeyMaterialError, match=Fault.INVALID_KEY):
        read_pre_shared_key(text)


# Public keys


@pytest.mark.parametrize(
    "text",
    [
        pem("PUBLIC KEY", SPKI),
        SPKI.hex(),
        base64.b64encode(SPKI).decode(),
        KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex(),
        KEY.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint).hex(),
        pem("CERTIFICATE", CERTIFICATE),
        pem("PRIVATE KEY", private_der(KEY)) + "\n" + pem("PUBLIC KEY", SPKI),
    ],
    ids=["pem", "hex", "base64", "point", "compressed point", "certificate", "beside private"],
)
def test_public_key_is_read(text: str) -> None:
    assert read_public_key(text) == SPKI


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault.INVALID_PUBLIC_KEY),
        ("hello", Fault.INVALID_PUBLIC_KEY),
        (SPKI[:-1].hex(), Fault.INVALID_PUBLIC_KEY),
        ("04" + "00" * 64, Fault.INVALID_PUBLIC_KEY),
        (pem("PUBLIC KEY", public_der(OTHER_CURVE.public_key())), Fault.NOT_ON_P256),
        (
            RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            Fault.NOT_ON_P256,
        ),
        (pem("PRIVATE KEY", private_der(KEY)), Fault.IS_PRIVATE_KEY),
        (private_der(KEY).hex(), Fault.IS_PRIVATE_KEY),
    ],
    ids=[
        "nothing",
        "text",
        "cut",
        "not on the curve",
        "other curve",
        "rsa",
        "private alone",
        "private in hexadecimal",
    ],
)
def test_what_is_no_public_key_is_refused(text: str, fault: Fault) -> None:
    with pytest.raises(KeyMaterialError, match=fault):
        read_public_key(text)


# Certificates


def test_certificates_are_read_in_order() -> None:
    other = make_certificate(make_private_key(), "other")
    text = f"subject: kitchen\n{pem('CERTIFICATE', CERTIFICATE)}\n{pem('CERTIFICATE', other)}\n"
    assert read_certificates(text) == (CERTIFICATE, other)


def test_certificate_is_read_in_base64() -> None:
    assert read_certificates(base64.b64encode(CERTIFICATE).decode()) == (CERTIFICATE,)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (" ", Fault.NO_CERTIFICATE),
        (pem("CERTIFICATE", b"no"), Fault.INVALID_CERTIFICATE),
        (pem("CERTIFICATE", CERTIFICATE) * (MAX_CHAIN + 1), Fault.TOO_MANY_CERTIFICATES),
        (pem("PRIVATE KEY", private_der(KEY)), Fault.IS_PRIVATE_KEY),
        (ENCRYPTED, Fault.IS_PRIVATE_KEY),
    ],
    ids=["nothing", "broken", "too many", "private key", "private key with a password"],
)
def test_what_is_no_certificate_is_refused(text: str, fault: Fault) -> None:
    with pytest.raises(KeyMaterialError, match=fault):
        read_certificates(text)


def test_day_on_which_a_certificate_ends_is_said() -> None:
    with pytest.raises(KeyMaterialError, match=Fault.EXPIRED) as raised:
        check_validity([CERTIFICATE], datetime.max.replace(tzinfo=UTC))
    assert raised.value.placeholders == {"date": "9999-12-31"}


AUTHORITIES = [
    ("P-256", KEY, None),
    ("P-384", OTHER_CURVE, None),
    ("P-521", ec.generate_private_key(ec.SECP521R1()), None),
    ("RSA", RSA, None),
    ("weak RSA", WEAK_RSA, Fault.KEY_OF_AUTHORITY),
    ("other curve", ec.generate_private_key(ec.SECP256K1()), Fault.KEY_OF_AUTHORITY),
    ("Ed25519", Ed25519PrivateKey.generate(), Fault.KEY_OF_AUTHORITY),
]


@pytest.mark.parametrize(
    ("key", "fault"),
    [case[1:] for case in AUTHORITIES],
    ids=[case[0] for case in AUTHORITIES],
)
def test_authority_is_taken_whose_devices_get_in(
    key: CertificateIssuerPrivateKeyTypes, fault: Fault | None
) -> None:
    certificate = certify(key)
    anchor = CertificateTrust(CertificateUsage.TRUST_ANCHOR_ASSERTION, certificate)
    device = certify(KEY, authority=False, issuer=key)
    assert (anchor.objection([device], dt_util.utcnow()) is None) is (fault is None)
    with pytest.raises(KeyMaterialError, match=fault) if fault else nullcontext():
        check_authorities([certificate])


def test_certificate_that_may_issue_none_is_no_authority() -> None:
    with pytest.raises(KeyMaterialError, match=Fault.NO_AUTHORITY):
        check_authorities([certify(KEY, authority=False)])


# Private keys


@pytest.mark.parametrize(
    "text",
    [
        pem("PRIVATE KEY", private_der(KEY)),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(),
        base64.b64encode(private_der(KEY)).decode(),
        pem("CERTIFICATE", CERTIFICATE) + "\n" + pem("PRIVATE KEY", private_der(KEY)),
    ],
    ids=["pkcs8", "sec1", "base64", "beside certificate"],
)
def test_private_key_is_read(text: str) -> None:
    assert private_der(read_private_key(text)) == private_der(KEY)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault.INVALID_PRIVATE_KEY),
        (pem("PUBLIC KEY", SPKI), Fault.INVALID_PRIVATE_KEY),
        (pem("CERTIFICATE", CERTIFICATE), Fault.IS_CERTIFICATE),
        (pem("PRIVATE KEY", private_der(OTHER_CURVE)), Fault.NOT_ON_P256),
        (
            RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            Fault.NOT_ON_P256,
        ),
        (ENCRYPTED, Fault.HAS_PASSWORD),
    ],
    ids=["nothing", "public", "certificate", "other curve", "rsa", "password"],
)
def test_what_is_no_private_key_is_refused(text: str, fault: Fault) -> None:
    with pytest.raises(KeyMaterialError, match=fault):
        read_private_key(text)


def test_fingerprint_is_that_of_the_certificate() -> None:
    assert fingerprint(b"abc") == (
        "BA:78:16:BF:8F:01:CF:EA:\n"
        "41:41:40:DE:5D:AE:22:23:\n"
        "B0:03:61:A3:96:17:7A:9C:\n"
        "B4:10:FF:61:F2:00:15:AD"
    )
