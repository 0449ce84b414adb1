"""Who the peers are, who this server is, and whom it lets in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .extensions import CertificateType

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class PskIdentity:
    """A peer that proved to know the pre-shared key of this identity (RFC 4279 5.1)."""

    identity: bytes


@dataclass(frozen=True, slots=True)
class RawPublicKeyIdentity:
    """A peer that proved to own this key: SubjectPublicKeyInfo, DER (RFC 7250)."""

    public_key: bytes


@dataclass(frozen=True, slots=True)
class CertificateIdentity:
    """A peer that proved to own this certificate: DER; certificates.names says whom it names."""

    certificate: bytes


type Identity = PskIdentity | RawPublicKeyIdentity | CertificateIdentity


class ServerIdentity:
    """This server's key pair on P-256, and the certificate chain for it, if it has one."""

    def __init__(
        self, private_key: ec.EllipticCurvePrivateKey, chain: Sequence[bytes] = ()
    ) -> None:
        """Take the chain in DER, the server's own certificate first; ValueError off P-256."""
        if not isinstance(private_key.curve, ec.SECP256R1):
            raise ValueError("the server's key must be on P-256")
        self.private_key = private_key
        self.public_key = private_key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        self.chain = tuple(chain)
        shown = {CertificateType.RAW_PUBLIC_KEY}
        if self.chain:
            shown.add(CertificateType.X509)
        self.certificate_types = frozenset(shown)
        """What this server can show."""


class Credentials(Protocol):
    """Whom the server lets in; asked once a handshake."""

    @property
    def server(self) -> ServerIdentity | None:
        """Who this server is; None where it speaks PSK only."""

    @property
    def certificate_types(self) -> frozenset[CertificateType]:
        """What clients may show; it narrows what is negotiated (RFC 7250 4.2)."""

    def psk(self, identity: bytes) -> bytes | None:
        """Return the key of this identity, None when it is unknown."""

    def trusts_public_key(self, public_key: bytes) -> bool:
        """Say whether a client with this SubjectPublicKeyInfo (DER) is let in."""

    def objection_to(self, chain: tuple[bytes, ...]) -> str | None:
        """Say why a client with this chain (DER, its own certificate first) is not let in.

        None when it is. That the client owns the first one's key is proved elsewhere.
        """
