"""Who a peer has proved to be, in JSON's types."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ..dtls import CertificateIdentity, PskIdentity, RawPublicKeyIdentity

if TYPE_CHECKING:
    from ..dtls import Identity
    from .peer import StoredPeer

_KINDS: dict[str, type[Identity]] = {
    "psk": PskIdentity,
    "public_key": RawPublicKeyIdentity,
    "certificate": CertificateIdentity,
}
"""What a stored identity is called."""


def dump_identity(identity: Identity) -> StoredPeer:
    """Return what `load_identity` takes; it is no secret."""
    (value,) = (getattr(identity, name) for name in identity.__slots__)
    (kind,) = (name for name, known in _KINDS.items() if isinstance(identity, known))
    return {kind: base64.b64encode(value).decode()}


def load_identity(stored: StoredPeer) -> Identity:
    """Read an identity beside whatever else is stored; ValueError, TypeError when there is none."""
    (kind,) = _KINDS.keys() & stored.keys()
    return _KINDS[kind](base64.b64decode(stored[kind], validate=True))
