"""X.509 certificates: parsing, and trust in the four usages of LwM2M 1.1."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING
import warnings

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from .errors import Alert, HandshakeError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography.x509.verification import Policy

MAX_CHAIN = 6
"""Certificates that a client may show."""
_ANOTHER = "certificate is another one"


class CertificateUsage(IntEnum):
    """How a certificate that is held is compared with a chain that is shown.

    OMA-TS-LightweightM2M_Core-V1_1_1, object 0 resource 15, after RFC 6698 2.1.1. LwM2M defines it
    for the client's check of the server; this server checks clients by the same rules.
    """

    CA_CONSTRAINT = 0
    """The chain is valid up to one of the roots, and the held certificate is an authority in it."""
    SERVICE_CERTIFICATE_CONSTRAINT = 1
    """The chain is valid up to one of the roots, and the held certificate is the peer's own."""
    TRUST_ANCHOR_ASSERTION = 2
    """The chain is valid up to the held certificate."""
    DOMAIN_ISSUED_CERTIFICATE = 3
    """The held certificate is the peer's own, whoever issued it and until whenever."""


@dataclass(frozen=True, slots=True)
class CertificateTrust:
    """A certificate that is held, DER, and what it is held for."""

    usage: CertificateUsage
    certificate: bytes
    roots: tuple[bytes, ...] = ()
    """DER; the trust store of the two constraints."""

    def objection(self, chain: Sequence[bytes], at: datetime) -> str | None:
        """Say why a peer with this chain (DER, its own certificate first) is not trusted.

        None when it is.
        """
        if not chain:
            return "no certificate"
        own = chain[0] == self.certificate
        match self.usage:
            case CertificateUsage.DOMAIN_ISSUED_CERTIFICATE:
                return None if own else _ANOTHER
            case CertificateUsage.SERVICE_CERTIFICATE_CONSTRAINT if not own:
                return _ANOTHER
            case CertificateUsage.SERVICE_CERTIFICATE_CONSTRAINT:
                trusted = bool(validated_path(chain, self.roots, at))
            case CertificateUsage.TRUST_ANCHOR_ASSERTION:
                trusted = bool(validated_path(chain, (self.certificate,), at))
            case CertificateUsage.CA_CONSTRAINT:
                trusted = self.certificate in validated_path(chain, self.roots, at)[1:]
        return None if trusted else _fault((*chain, self.certificate), at)


def validated_path(
    chain: Sequence[bytes], roots: Sequence[bytes], at: datetime
) -> tuple[bytes, ...]:
    """Return the path (DER) from the peer's certificate to a root, empty when there is none.

    RFC 5280 6, of the basic constraints, key usage, validity and signatures; revocation is not
    checked. Certificates of devices are often bare, so the peer's own needs neither an alternative
    name nor an extended key usage; one that it does have must allow TLS clients (4.2.1.12 there).
    """
    if not roots:
        return ()
    try:
        shown = [load_certificate(certificate) for certificate in chain]
        if not _is_in_order(shown):
            return ()
        store, anchors = _anchors(tuple(roots))
        verifier = (
            PolicyBuilder()
            .store(store)
            .time(at)
            .max_chain_depth(MAX_CHAIN)
            .extension_policies(ca_policy=_AUTHORITY_POLICY, ee_policy=_DEVICE_POLICY)
            .build_client_verifier()
        )
        path = verifier.verify(shown[0], vouched_for(shown[1:], anchors)).chain
    except (
        ValueError,
        UnsupportedAlgorithm,
        VerificationError,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ):
        return ()
    return tuple(_der(certificate) for certificate in path)


def _fault(certificates: Sequence[bytes], at: datetime) -> str:
    """Say what is wrong with the first of these that keeps them from being a path, in words."""
    for certificate in certificates:
        try:
            shown = load_certificate(certificate)
        except ValueError:
            return "certificate cannot be read"
        if shown.version is not x509.Version.v3:
            return "certificate is of version 1"
        if at > shown.not_valid_after_utc:
            return "certificate has expired"
        if at < shown.not_valid_before_utc:
            return "certificate is not valid yet"
    return "certificate is not of the authority"


def _is_in_order(shown: Sequence[x509.Certificate]) -> bool:
    """Say whether each certificate names the next as its issuer (RFC 5246 7.4.2), and none twice.

    Then there is one path to try. Of certificates that fit to one another in many ways, which
    anybody can make, the library tries all: seconds of time for each handshake.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd names, which anybody can show
            subjects = [certificate.subject for certificate in shown]
            issuers = [certificate.issuer for certificate in shown]
    except TypeError:  # a name that is a string of bits
        return False
    return issuers[:-1] == subjects[1:] and len(set(subjects)) == len(subjects)


def vouched_for(
    authorities: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> list[x509.Certificate]:
    """Return those of the authorities, highest first, that the roots vouch for.

    From the roots down no signature is verified with a key that anybody can make. The library goes
    up from the peer's own certificate: a chain of six such keys on P-384 took it 4 ms.
    """
    genuine = list(roots)
    for certificate in reversed(authorities):
        if any(_is_authority_of(issuer, certificate) for issuer in genuine):
            genuine.append(certificate)
    return genuine[len(roots) :]


@lru_cache(maxsize=32)
def _is_authority_of(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Say whether an issuer, which a fleet shares, made this certificate, and of an authority."""
    try:
        certificate.verify_directly_issued_by(issuer)
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except InvalidSignature, TypeError, ValueError, UnsupportedAlgorithm, x509.ExtensionNotFound:
        return False
    return constraints.value.ca


@lru_cache(maxsize=32)
def _anchors(roots: tuple[bytes, ...]) -> tuple[Store, list[x509.Certificate]]:
    """Read the roots (DER), which are few and the same for each device; raises ValueError."""
    anchors = [load_certificate(root) for root in roots]
    return Store(anchors), anchors


def _check_key_cert_sign(
    policy: Policy, certificate: x509.Certificate, extension: x509.KeyUsage | None
) -> None:
    if extension is not None and not extension.key_cert_sign:
        raise ValueError("must not sign certificates")


def _check_digital_signature(
    policy: Policy, certificate: x509.Certificate, extension: x509.KeyUsage | None
) -> None:
    if extension is not None and not extension.digital_signature:
        raise ValueError("must not sign")


def _check_client_auth(
    policy: Policy, certificate: x509.Certificate, extension: x509.ExtendedKeyUsage | None
) -> None:
    allowed = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if extension is not None and allowed.isdisjoint(extension):
        raise ValueError("not for clients")


_AUTHORITY_POLICY = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _check_key_cert_sign)
)
_DEVICE_POLICY = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _check_digital_signature)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _check_client_auth)
)


def load_certificate(certificate: bytes) -> x509.Certificate:
    """Parse a certificate; ValueError when it is none.

    A serial number that is not positive (RFC 5280 4.1.2.2) is borne as long as the library does.
    """
    with warnings.catch_warnings(action="ignore", category=CryptographyDeprecationWarning):
        try:
            return x509.load_der_x509_certificate(certificate)
        except x509.InvalidVersion as error:
            raise ValueError(str(error)) from error


def names(certificate: bytes) -> tuple[str, ...]:
    """Return whom a certificate names: its common names, then its alternative DNS names and URIs.

    Which of them is an endpoint name is for the LwM2M layer to say. Nothing is named by a
    certificate that cannot be read.
    """
    try:
        parsed = load_certificate(certificate)
        with warnings.catch_warnings(action="ignore"):  # of odd names, which anybody can show
            found = [
                str(attribute.value)
                for attribute in parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            ]
        alternative = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return tuple(found)
    except ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType:
        # TypeError: a name that is a string of bits.
        return ()
    found += alternative.get_values_for_type(x509.DNSName)
    found += alternative.get_values_for_type(x509.UniformResourceIdentifier)
    return tuple(found)


def public_key(certificate: bytes) -> ec.EllipticCurvePublicKey:
    """Return a certificate's key on P-256; raises HandshakeError."""
    try:
        key = load_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise HandshakeError(Alert.BAD_CERTIFICATE, "certificate cannot be read") from error
    return _on_p256(key)


def load_public_key(spki: bytes) -> ec.EllipticCurvePublicKey:
    """Return a raw public key on P-256 (RFC 7250 3); raises HandshakeError."""
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise HandshakeError(Alert.BAD_CERTIFICATE, "public key cannot be read") from error
    return _on_p256(key)


def _on_p256(key: object) -> ec.EllipticCurvePublicKey:
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise HandshakeError(Alert.UNSUPPORTED_CERTIFICATE, "key is not on P-256")


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
