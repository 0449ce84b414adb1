"""Credentials and the server's identity as Home Assistant stores them.

A device's credential is in the data of its subentry, the server's key in that of the entry: both
are part of a backup, and of nothing that is shown.
"""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from .key_material import private_der, read_private_key
from .protocol.dtls import CertificateTrust, CertificateUsage, ServerIdentity
from .protocol.security import Certificate, PreSharedKey, RawPublicKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .protocol.security import Credential

CONF_SECURITY: Final = "security"
CONF_IDENTITY: Final = "server_identity"


class SecurityMode(StrEnum):
    """How a device is secured (OMA-TS-LightweightM2M_Transport-V1_1_1 5.2.8)."""

    NONE = "none"
    PRE_SHARED_KEY = "pre_shared_key"
    RAW_PUBLIC_KEY = "raw_public_key"
    CERTIFICATE = "certificate"


def dump_credential(credential: Credential | None) -> dict[str, Any]:
    """Return what `load_credential` takes, to be merged into a subentry's data."""
    security: dict[str, Any]
    match credential:
        case None:
            security = {"mode": SecurityMode.NONE}
        case PreSharedKey(identity=identity, key=key):
            security = {
                "mode": SecurityMode.PRE_SHARED_KEY,
                "identity": _dump(identity),
                "key": _dump(key),
            }
        case RawPublicKey(public_key=public_key):
            security = {"mode": SecurityMode.RAW_PUBLIC_KEY, "public_key": _dump(public_key)}
        case Certificate(trust=trust):
            security = {
                "mode": SecurityMode.CERTIFICATE,
                "usage": trust.usage.value,
                "certificate": _dump(trust.certificate),
                "roots": [_dump(root) for root in trust.roots],
            }
    return {CONF_SECURITY: security}


def load_credential(data: Mapping[str, Any]) -> Credential | None:
    """Return the credential of a subentry's data; None for a device without security.

    KeyError, ValueError: it was not made by `dump_credential`.
    """
    security = data.get(CONF_SECURITY, {"mode": SecurityMode.NONE})
    match SecurityMode(security["mode"]):
        case SecurityMode.NONE:
            return None
        case SecurityMode.PRE_SHARED_KEY:
            return PreSharedKey(_load(security["identity"]), _load(security["key"]))
        case SecurityMode.RAW_PUBLIC_KEY:
            return RawPublicKey(_load(security["public_key"]))
        case SecurityMode.CERTIFICATE:
            trust = CertificateTrust(
                CertificateUsage(security["usage"]),
                _load(security["certificate"]),
                tuple(_load(root) for root in security["roots"]),
            )
            return Certificate(trust)


def mode_of(credential: Credential | None) -> SecurityMode:
    """Return the mode that a credential is for."""
    match credential:
        case None:
            return SecurityMode.NONE
        case PreSharedKey():
            return SecurityMode.PRE_SHARED_KEY
        case RawPublicKey():
            return SecurityMode.RAW_PUBLIC_KEY
        case Certificate():
            return SecurityMode.CERTIFICATE


def dump_identity(identity: ServerIdentity) -> dict[str, Any]:
    """Return what `load_identity` takes, to be merged into an entry's data."""
    return {
        CONF_IDENTITY: {
            "private_key": _dump(private_der(identity.private_key)),
            "certificates": [_dump(certificate) for certificate in identity.chain],
        }
    }


def load_identity(data: Mapping[str, Any]) -> ServerIdentity | None:
    """Return the identity of an entry's data; None when it has none yet.

    KeyError, ValueError: it was not made by `dump_identity`.
    """
    stored = data.get(CONF_IDENTITY)
    if stored is None:
        return None
    chain = tuple(_load(certificate) for certificate in stored["certificates"])
    return ServerIdentity(read_private_key(stored["private_key"]), chain)


def _dump(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _load(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
