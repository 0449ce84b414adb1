"""What devices connect by over TLS."""

from __future__ import annotations

from collections.abc import Callable
import ssl
from typing import TYPE_CHECKING

from .dtls import peers
from .dtls.parties import Party, authority

if TYPE_CHECKING:
    from pathlib import Path

    from custom_components.lwm2m.protocol.security import PreSharedKey

type MakeContext = Callable[[Party], ssl.SSLContext]


def psk_context(psk: PreSharedKey) -> ssl.SSLContext:
    """Return what a device with a pre-shared key connects by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("PSK-AES128-CCM8:@SECLEVEL=0")
    context.set_psk_client_callback(lambda hint: (psk.identity.decode(), psk.key))
    return context


def client_context() -> ssl.SSLContext:
    """Return what a device without a certificate connects by, to a server of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=authority().der)
    return context


def certificate_context(party: Party, directory: Path) -> ssl.SSLContext:
    """Return what a device with a certificate connects by; its files are written there."""
    context = client_context()
    files = peers.write_keys(directory, "device", party)
    context.load_cert_chain(files["crt.pem"], files["key.pem"])
    return context
