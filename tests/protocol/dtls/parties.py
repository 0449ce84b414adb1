"""Credentials of tests: a server that knows some devices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from custom_components.lwm2m.protocol.dtls import (
    CertificateTrust,
    CertificateType,
    CertificateUsage,
    ServerIdentity,
)
from custom_components.lwm2m.protocol.security import Certificate

IDENTITY = b"urn:dev:board-1"
KEY = bytes.fromhex("73656372657450534b0102030405060708")
KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
NOW = datetime.now(UTC)


@dataclass
class Party:
    """A key pair, and a certificate for it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def spki(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def trust(usage: CertificateUsage, party: Party, *roots: Party) -> Certificate:
    """Return the credential of a device that is known by a certificate."""
    return Certificate(CertificateTrust(usage, party.der, tuple(root.der for root in roots)))


def issue(
    name: str,
    issuer: Party | None = None,
    *,
    authority: bool = False,
    bare: bool = False,
    days: tuple[int, int] = (-1, 30),
    purpose: x509.ObjectIdentifier | None = None,
    path_length: int | None = None,
    may_sign_certificates: bool | None = None,
) -> Party:
    """Make a key pair and its certificate; self-signed without an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
    )
    if not bare:
        builder = builder.add_extension(
            x509.BasicConstraints(ca=authority, path_length=path_length), critical=True
        ).add_extension(x509.SubjectAlternativeName([x509.DNSName(f"{name}.example")]), False)
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if may_sign_certificates is not None:
        usage = dict.fromkeys(KEY_USAGES, False) | {"key_cert_sign": may_sign_certificates}
        builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    return Party(key, builder.sign(issuer.key if issuer else key, hashes.SHA256()))


CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH


@cache
def authority() -> Party:
    return issue("authority", authority=True)


@cache
def server_party() -> Party:
    return issue("server", authority())


@cache
def device() -> Party:
    return issue("board-1", authority(), bare=True)


@cache
def stranger() -> Party:
    return issue("stranger")


@dataclass
class Keyring:
    """Credentials in memory."""

    psks: dict[bytes, bytes] = field(default_factory=lambda: {IDENTITY: KEY})
    server: ServerIdentity | None = None
    public_keys: set[bytes] = field(default_factory=set)
    trusts: list[CertificateTrust] = field(default_factory=list)
    certificate_types: frozenset[CertificateType] = frozenset(CertificateType)

    def psk(self, identity: bytes) -> bytes | None:
        return self.psks.get(identity)

    def trusts_public_key(self, public_key: bytes) -> bool:
        return public_key in self.public_keys

    def objection_to(self, chain: tuple[bytes, ...]) -> str | None:
        objections = [trust.objection(chain, NOW) for trust in self.trusts]
        return None if None in objections else "certificate is not known"
