"""Who may be which endpoint, and what is told of those who try to be another.

Source: OMA-TS-LightweightM2M_Transport-V1_1_1 5.2, Core-V1_1_1 6.2.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .dtls import CertificateTrust


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
    it has happened to this endpoint and from this source.
    """

    type: SecurityEventType
    source: str
    """The peer's numeric address."""
    endpoint: str | None = None
    claimed: str | None = None
    count: int = 1
