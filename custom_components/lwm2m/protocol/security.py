"""Who may be which endpoint, and what is told of those who try to be another.

Source: OMA-TS-LightweightM2M_Transport-V1_1_1 5.2, Core-V1_1_1 6.2.1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from .dtls import (
    CertificateIdentity,
    CertificateType,
    CertificateUsage,
    DtlsError,
    PskIdentity,
    RawPublicKeyIdentity,
    names,
)
from .dtls.certificates import load_certificate, load_public_key, public_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .dtls import CertificateTrust, Identity, ServerIdentity

MAX_PSK_IDENTITY = 128
MAX_PSK = 64
"""Bytes that every device takes (RFC 4279 5.3)."""


@dataclass(frozen=True, slots=True)
class PreSharedKey:
    """A key that the device shares with this server, and the identity that it shows for it."""

    identity: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RawPublicKey:
    """The device's public key: SubjectPublicKeyInfo, DER."""

    public_key: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the device's certificate is checked against."""

    trust: CertificateTrust


type Credential = PreSharedKey | RawPublicKey | Certificate

_SHOWN = {RawPublicKey: CertificateType.RAW_PUBLIC_KEY, Certificate: CertificateType.X509}
"""What a device with such a credential shows of itself."""
_PINNED = {
    CertificateUsage.SERVICE_CERTIFICATE_CONSTRAINT,
    CertificateUsage.DOMAIN_ISSUED_CERTIFICATE,
}
"""The usages in which the certificate held is the device's own, whatever it names."""


class CredentialError(ValueError):
    """A credential that no device could connect with."""


class CredentialInUse(CredentialError):
    """A credential by which the device of `endpoint` is known already."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(f"the credential is that of {endpoint}")
        self.endpoint = endpoint


class CredentialStore:
    """Each secured endpoint's credential, and who this server is: the DTLS layer's `Credentials`.

    What a device proves in its handshake leads to one endpoint at most: a PSK identity, a public
    key and a pinned certificate are those of one endpoint; a certificate that others vouch for is
    the endpoint's that it names.
    """

    def __init__(self, server: ServerIdentity | None = None) -> None:
        """Start with no credential; without `server` there are pre-shared keys alone."""
        self.server = server
        self._credentials: dict[str, Credential] = {}
        self._endpoints: dict[Identity, str] = {}
        """Without those of certificates that are not pinned."""
        self._kinds: Counter[type[Credential]] = Counter()
        self._trust_anchors: frozenset[bytes] | None = None

    @property
    def credentials(self) -> Mapping[str, Credential]:
        """The credentials by endpoint name."""
        return MappingProxyType(self._credentials)

    def put(self, endpoint: str, credential: Credential) -> None:
        """Give an endpoint its credential, in place of the one it had.

        Raises what `check` does, and then has changed nothing.
        """
        self.check(endpoint, credential)
        self.remove(endpoint)
        self._credentials[endpoint] = credential
        self._kinds[type(credential)] += 1
        self._trust_anchors = None
        if identity := _identity(credential):
            self._endpoints[identity] = endpoint

    def check(self, endpoint: str, credential: Credential) -> None:
        """CredentialInUse when it is another endpoint's, CredentialError when it is of no use."""
        _check(credential)
        identity = _identity(credential)
        if identity and (owner := self._endpoints.get(identity, endpoint)) != endpoint:
            raise CredentialInUse(owner)

    def remove(self, endpoint: str) -> None:
        """Leave an endpoint without a credential."""
        credential = self._credentials.pop(endpoint, None)
        if credential is None:
            return
        self._kinds[type(credential)] -= 1
        self._trust_anchors = None
        if identity := _identity(credential):
            del self._endpoints[identity]

    def is_secured(self, endpoint: str) -> bool:
        """Tell whether an endpoint has a credential, and is let in with that alone."""
        return endpoint in self._credentials

    def endpoint_of(self, identity: Identity) -> str | None:
        """Return the endpoint of what a device has proved to be; None when it is nobody's.

        A certificate that is not pinned belongs to the first endpoint that it names among those
        whose credential is to vouch for it: its common name, then its alternative names. The
        order of the names decides alone, so that an authority which vouches for one endpoint
        cannot make a certificate that passes for another (RFC 7925 4.4.2; Leshan takes the common
        name only).
        """
        endpoint = self._endpoints.get(identity)
        if endpoint is None and isinstance(identity, CertificateIdentity):
            return next(filter(self._is_vouched_for, names(identity.certificate)), None)
        return endpoint

    def _credential_of(self, identity: Identity) -> Credential | None:
        endpoint = self.endpoint_of(identity)
        return None if endpoint is None else self._credentials[endpoint]

    def _is_vouched_for(self, endpoint: str) -> bool:
        credential = self._credentials.get(endpoint)
        return isinstance(credential, Certificate) and credential.trust.usage not in _PINNED

    # What the DTLS and TLS layers ask

    @property
    def trust_anchors(self) -> frozenset[bytes]:
        """The certificates, DER, that those of devices are compared with."""
        if self._trust_anchors is None:
            self._trust_anchors = frozenset(
                certificate
                for credential in self._credentials.values()
                if isinstance(credential, Certificate)
                for certificate in (credential.trust.certificate, *credential.trust.roots)
            )
        return self._trust_anchors

    @property
    def certificate_types(self) -> frozenset[CertificateType]:
        """What clients may show; each handshake asks, so it does not look at all credentials."""
        return frozenset(shown for kind, shown in _SHOWN.items() if self._kinds[kind])

    def psk(self, identity: bytes) -> bytes | None:
        """Return the key of this identity, None when it is unknown."""
        match self._credential_of(PskIdentity(identity)):
            case PreSharedKey(key=key):
                return key
            case _:
                return None

    def trusts_public_key(self, public_key: bytes) -> bool:
        """Tell whether this SubjectPublicKeyInfo (DER) is an endpoint's."""
        return RawPublicKeyIdentity(public_key) in self._endpoints

    def objection_to(self, chain: tuple[bytes, ...]) -> str | None:
        """Tell why the endpoint of this chain's own certificate is not to be believed, if so."""
        match self._credential_of(CertificateIdentity(chain[0])) if chain else None:
            case Certificate(trust=trust):
                return trust.objection(chain, datetime.now(UTC))
            case _:
                return "certificate is of no device"


def _check(credential: Credential) -> None:
    """CredentialError for what no handshake could succeed with."""
    try:
        match credential:
            case PreSharedKey(identity=identity, key=key):
                if not 0 < len(identity) <= MAX_PSK_IDENTITY:
                    raise CredentialError(f"a PSK identity has 1 to {MAX_PSK_IDENTITY} bytes")
                if not 0 < len(key) <= MAX_PSK:
                    raise CredentialError(f"a pre-shared key has 1 to {MAX_PSK} bytes")
            case RawPublicKey(public_key=spki):
                load_public_key(spki)
            case Certificate(trust=trust):
                if trust.usage in _PINNED:
                    public_key(trust.certificate)
                for certificate in (trust.certificate, *trust.roots):
                    load_certificate(certificate)
    except (DtlsError, ValueError) as error:
        raise CredentialError(str(error)) from error


def _identity(credential: Credential) -> Identity | None:
    """Return what a device with this credential proves to be; None where it is not one thing."""
    match credential:
        case PreSharedKey(identity=identity):
            return PskIdentity(identity)
        case RawPublicKey(public_key=public_key):
            return RawPublicKeyIdentity(public_key)
        case Certificate(trust=trust) if trust.usage in _PINNED:
            return CertificateIdentity(trust.certificate)
        case _:
            return None


class SecurityEventType(StrEnum):
    """What a security event is about."""

    UNKNOWN_IDENTITY = "unknown_identity"
    WRONG_KEY = "wrong_key"
    HANDSHAKE_FAILED = "handshake_failed"
    ENDPOINT_MISMATCH = "endpoint_mismatch"
    """A device registered, or tried to change a registration, as another than its credential's."""
    PLAINTEXT_ATTEMPT = "plaintext_attempt"
    """A request in plain CoAP in the name of an endpoint that has a credential."""
    REPLAY = "replay"
    BAD_MAC = "bad_mac"
    FLOOD = "flood"
    UNEXPECTED_DEREGISTRATION = "unexpected_deregistration"


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """Something that an operator may want to know of.

    `endpoint` is the endpoint that it is about, where one is known, `claimed` what a peer said of
    itself without proof: an identity or an endpoint name, printable and cut. `count` is how often
    it has happened to this endpoint and from this source, `detail` what went wrong, in words.
    """

    type: SecurityEventType
    source: str
    """The peer's numeric address."""
    endpoint: str | None = None
    claimed: str | None = None
    count: int = 1
    detail: str | None = None
