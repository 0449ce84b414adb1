"""Keys and certificates: made here, or read from what somebody pasted.

Everything is on P-256, the curve that LwM2M names (OMA-TS-LightweightM2M_Transport-V1_1_1 5.2.9),
but for authorities, whose keys no handshake uses.
No error repeats what it was given: it may be secret.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import ip_address
import re
import secrets
from string import hexdigits
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from .protocol.dtls.certificates import load_certificate
from .protocol.security import MAX_PSK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PSK_BYTES = 16
"""What a generated pre-shared key has, and the least that is taken: shorter ones can be guessed
off-line by who has seen one handshake (RFC 4279 7.2)."""
MIN_DIFFERENT_BYTES = 4
"""A key of fewer was not made at random: zeros alone, or one letter over and over."""
_BASE64_OF_KEY = 22
"""Characters of PSK_BYTES in Base64, without padding."""
MAX_CHAIN = 6
"""Certificates that are read from one text, as many as a device may show."""
AUTHORITY_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
MIN_RSA = 2048
"""Bits of an authority's key, if it is RSA."""
_BYTES_A_LINE = 8
MAX_NAME = 64
"""Characters of a common name (RFC 5280, upper bounds)."""
_VALID_FROM = datetime(2000, 1, 1, tzinfo=UTC)
"""Long ago, for devices whose clock does not know better."""
_VALID_UNTIL = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 5280 4.1.2.5: no end is known. What is pinned is taken back by hand, not by time."""
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s(.*?)-----END \1-----", re.DOTALL)
_SEPARATORS = re.compile(r"[\s:,;]|\b0x|\\x", re.IGNORECASE)


class Fault(StrEnum):
    """What is wrong with what was given; each is the key of a form's error."""

    INVALID_KEY = "invalid_key"
    NEARLY_HEXADECIMAL = "nearly_hexadecimal"
    WEAK_KEY = "weak_key"
    INVALID_PUBLIC_KEY = "invalid_public_key"
    INVALID_PRIVATE_KEY = "invalid_private_key"
    HAS_PASSWORD = "has_password"  # noqa: S105 - no password, but that there is one
    NOT_ON_P256 = "not_on_p256"
    IS_PRIVATE_KEY = "is_private_key"
    IS_CERTIFICATE = "is_certificate"
    INVALID_CERTIFICATE = "invalid_certificate"
    NO_CERTIFICATE = "no_certificate"
    TOO_MANY_CERTIFICATES = "too_many_certificates"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    NO_AUTHORITY = "no_authority"
    KEY_OF_AUTHORITY = "key_of_authority"
    KEY_OF_ANOTHER = "key_of_another"


class KeyMaterialError(ValueError):
    """What was given is no key or certificate that can be used."""

    def __init__(self, fault: Fault, date: datetime | None = None) -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.placeholders = {"date": date.date().isoformat()} if date else {}
        """Those of the fault's text."""


# Made


def make_pre_shared_key() -> bytes:
    """Make a strong pre-shared key."""
    return secrets.token_bytes(PSK_BYTES)


def make_private_key() -> ec.EllipticCurvePrivateKey:
    """Make a key pair."""
    return ec.generate_private_key(ec.SECP256R1())


def make_certificate(
    key: ec.EllipticCurvePrivateKey, name: str, hosts: Iterable[str] = ()
) -> bytes:
    """Issue a certificate to a key by itself, DER, that does not expire.

    It is a version 3 certificate for TLS on either side. `hosts` are the addresses and the host
    names of a server, which some clients compare with where they connect to.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:MAX_NAME])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if alternatives := [_alternative_name(host) for host in dict.fromkeys(hosts)]:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _alternative_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host.encode("idna").decode())


# Read


def read_bytes(text: str) -> bytes:
    """Read hexadecimal digits, with or without separators, or else Base64; ValueError."""
    try:
        return bytes.fromhex(_SEPARATORS.sub("", text))
    except ValueError:
        pass
    compact = "".join(text.split())
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except ValueError:
        raise ValueError("neither hexadecimal digits nor Base64") from None


def read_pre_shared_key(text: str) -> bytes:
    """Read a pre-shared key in what `read_bytes` reads; KeyMaterialError.

    To Base64, hexadecimal digits with a typo are another key, with which no device would connect.
    """
    if _is_nearly_hexadecimal(_SEPARATORS.sub("", text)):
        raise KeyMaterialError(Fault.NEARLY_HEXADECIMAL)
    try:
        key = read_bytes(text)
    except ValueError:
        raise KeyMaterialError(Fault.INVALID_KEY) from None
    if not PSK_BYTES <= len(key) <= MAX_PSK:
        raise KeyMaterialError(Fault.INVALID_KEY)
    if len(set(key)) < MIN_DIFFERENT_BYTES:
        raise KeyMaterialError(Fault.WEAK_KEY)
    return key


def _is_nearly_hexadecimal(text: str) -> bool:
    """Tell whether somebody meant hexadecimal digits, rather than the Base64 of random bytes.

    Of the latter, with 22 letters and digits, one in 10,000 or fewer has a single case or a
    quarter at most that are no such digits.
    """
    if len(text) < _BASE64_OF_KEY or not (text.isascii() and text.isalnum()):
        return False
    others = sum(letter not in hexdigits for letter in text)
    if not others:
        return len(text) % 2 == 1
    return text in {text.lower(), text.upper()} or 4 * others <= len(text)


def read_public_key(text: str) -> bytes:
    """Read a public key as SubjectPublicKeyInfo (DER); KeyMaterialError.

    It is in PEM, or its DER or its point (SEC 1 2.3.3) is in what `read_bytes` reads. A certificate
    will do as well.
    """
    try:
        blocks = _pem_blocks(text)
        key = _load_public_key(blocks[0] if blocks else read_bytes(text))
    except ValueError, UnsupportedAlgorithm:
        private = holds_private_key(text)
        raise KeyMaterialError(
            Fault.IS_PRIVATE_KEY if private else Fault.INVALID_PUBLIC_KEY
        ) from None
    return public_der(_public_on_p256(key))


def _load_public_key(data: bytes) -> object:
    """ValueError, UnsupportedAlgorithm."""
    if data[:1] in (b"\x02", b"\x03", b"\x04"):
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    try:
        return load_der_public_key(data)
    except ValueError:
        return load_certificate(data).public_key()


def read_certificates(text: str) -> tuple[bytes, ...]:
    """Read certificates (DER), one or more in PEM or one in what `read_bytes` reads.

    KeyMaterialError.
    """
    if not text.strip():
        raise KeyMaterialError(Fault.NO_CERTIFICATE)
    try:
        found = _load_certificates(text)
    except ValueError:
        private = holds_private_key(text)
        raise KeyMaterialError(
            Fault.IS_PRIVATE_KEY if private else Fault.INVALID_CERTIFICATE
        ) from None
    if len(found) > MAX_CHAIN:
        raise KeyMaterialError(Fault.TOO_MANY_CERTIFICATES)
    return found


def _load_certificates(text: str) -> tuple[bytes, ...]:
    """ValueError."""
    found = _pem_blocks(text, "CERTIFICATE") or (read_bytes(text),)
    for certificate in found:
        load_certificate(certificate)
    return found


def check_validity(certificates: Iterable[bytes], at: datetime) -> None:
    """KeyMaterialError when one of the certificates (DER) has expired or is not valid yet."""
    for certificate in map(load_certificate, certificates):
        if at > certificate.not_valid_after_utc:
            raise KeyMaterialError(Fault.EXPIRED, certificate.not_valid_after_utc)
        if at < certificate.not_valid_before_utc:
            raise KeyMaterialError(Fault.NOT_YET_VALID, certificate.not_valid_before_utc)


def check_authorities(certificates: Iterable[bytes]) -> None:
    """KeyMaterialError when one of the certificates (DER) could vouch for no device.

    That is as `protocol.dtls.certificates.validated_path` has it.
    """
    for certificate in map(load_certificate, certificates):
        try:
            extensions = certificate.extensions
            is_authority = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
            key = certificate.public_key()
        except ValueError, UnsupportedAlgorithm, x509.ExtensionNotFound, x509.DuplicateExtension:
            raise KeyMaterialError(Fault.NO_AUTHORITY) from None
        if not is_authority:
            raise KeyMaterialError(Fault.NO_AUTHORITY)
        match key:
            case rsa.RSAPublicKey() if key.key_size >= MIN_RSA:
                pass
            case ec.EllipticCurvePublicKey() if isinstance(key.curve, AUTHORITY_CURVES):
                pass
            case _:
                raise KeyMaterialError(Fault.KEY_OF_AUTHORITY)


def read_private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """Read a private key that has no password, in PEM or its DER in what `read_bytes` reads.

    KeyMaterialError. The text may hold other PEM blocks, such as certificates, too.
    """
    try:
        key = _load_private_key(text)
    except TypeError:
        raise KeyMaterialError(Fault.HAS_PASSWORD) from None
    except ValueError, UnsupportedAlgorithm:
        certificate = _holds_certificate(text)
        raise KeyMaterialError(
            Fault.IS_CERTIFICATE if certificate else Fault.INVALID_PRIVATE_KEY
        ) from None
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise KeyMaterialError(Fault.NOT_ON_P256)


def _load_private_key(text: str) -> object:
    """ValueError, UnsupportedAlgorithm; TypeError when it has a password."""
    blocks = [match[0] for match in _PEM.finditer(text) if match[1].endswith("PRIVATE KEY")]
    if blocks:
        return load_pem_private_key(blocks[0].encode(), None)
    return load_der_private_key(read_bytes(text), None)


def holds_private_key(text: str) -> bool:
    """Tell whether there is a private key in a text, alone or among other PEM blocks."""
    try:
        _load_private_key(text)
    except TypeError:
        return True
    except ValueError, UnsupportedAlgorithm:
        return False
    return True


def without_private_keys(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what may be sent back to a form: not what holds a private key."""
    return {name: text for name, text in fields.items() if not holds_private_key(text)}


def _holds_certificate(text: str) -> bool:
    try:
        return bool(_load_certificates(text))
    except ValueError:
        return False


def public_key_of(certificate: bytes) -> bytes:
    """Return the public key of a certificate (DER), as `read_public_key` does."""
    try:
        key = load_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as err:
        raise KeyMaterialError(Fault.INVALID_CERTIFICATE) from err
    return public_der(_public_on_p256(key))


def _pem_blocks(text: str, kind: str | None = None) -> tuple[bytes, ...]:
    """Return what PEM blocks hold, those of private keys left out."""
    return tuple(
        read_bytes(match[2])
        for match in _PEM.finditer(text)
        if (match[1] == kind if kind else "PRIVATE" not in match[1])
    )


def _public_on_p256(key: object) -> ec.EllipticCurvePublicKey:
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise KeyMaterialError(Fault.NOT_ON_P256)


# Shown


def public_der(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as SubjectPublicKeyInfo (RFC 7250 3)."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def private_der(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as PKCS #8 without a password."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def pem(kind: str, der: bytes) -> str:
    """Return DER as PEM (RFC 7468); `kind` is its label, such as `CERTIFICATE`."""
    text = base64.b64encode(der).decode()
    lines = (text[start : start + 64] for start in range(0, len(text), 64))
    return "\n".join((f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"))


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 fingerprint of a certificate or a key, in pairs of digits.

    Its lines are short enough for a phone, where the end of a longer one could not be compared.
    """
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    value = digest.finalize()
    lines = (value[start : start + _BYTES_A_LINE] for start in range(0, len(value), _BYTES_A_LINE))
    return ":\n".join(line.hex(":").upper() for line in lines)
