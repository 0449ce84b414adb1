"""Servers and clients in memory."""

from __future__ import annotations

import pytest

from custom_components.lwm2m.protocol.dtls import (
    CertificateTrust,
    CertificateUsage,
    DtlsServer,
    ServerIdentity,
)

from .parties import Keyring, authority, device, server_party


@pytest.fixture
def keyring() -> Keyring:
    """Knows a device by its PSK, by its raw public key, and by its certificate's authority."""
    party = server_party()
    return Keyring(
        server=ServerIdentity(party.key, [party.der]),
        public_keys={device().spki},
        trusts=[CertificateTrust(CertificateUsage.TRUST_ANCHOR_ASSERTION, authority().der)],
    )


@pytest.fixture
def server(keyring: Keyring) -> DtlsServer:
    return DtlsServer(keyring)
