"""Who a server is, to devices that use public keys: made at its first start, or imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.components import network
from homeassistant.const import CONF_HOST
from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from .credentials import dump_identity, load_identity
from .key_material import (
    Fault,
    KeyMaterialError,
    check_validity,
    make_certificate,
    make_private_key,
    public_key_of,
    read_certificates,
    read_private_key,
)
from .protocol.dtls import ServerIdentity

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigEntry
    from homeassistant.core import HomeAssistant


async def async_server_hosts(hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return the addresses that devices may reach a server at, the most likely one first."""
    if host := entry.data[CONF_HOST]:
        return [host]
    addresses = await network.async_get_announce_addresses(hass)
    return [address for address in addresses if not address.startswith("fe80:")]


async def async_ensure_identity(hass: HomeAssistant, entry: ConfigEntry) -> ServerIdentity:
    """Return a server's identity, and make and keep one at its first start."""
    if identity := load_identity(entry.data):
        return identity
    identity = await async_make_identity(hass, entry)
    async_store_identity(hass, entry, identity)
    return identity


async def async_make_identity(hass: HomeAssistant, entry: ConfigEntry) -> ServerIdentity:
    """Make a key pair, and a certificate for the server's present addresses."""
    key = make_private_key()
    hosts = await async_server_hosts(hass, entry)
    return ServerIdentity(key, (make_certificate(key, entry.title, hosts),))


def read_identity(private_key: str, certificates: str) -> ServerIdentity:
    """Read an identity from a key and its certificate chain, the server's own first.

    KeyMaterialError, also when the key is that of another certificate.
    """
    key = read_private_key(private_key)
    identity = ServerIdentity(key, read_chain(certificates))
    if public_key_of(identity.chain[0]) != identity.public_key:
        raise KeyMaterialError(Fault.KEY_OF_ANOTHER)
    return identity


def read_chain(certificates: str) -> tuple[bytes, ...]:
    """Read the certificates of a server, which are valid now, its own first; KeyMaterialError."""
    chain = read_certificates(certificates)
    public_key_of(chain[0])
    check_validity(chain, dt_util.utcnow())
    return chain


@callback
def async_store_identity(hass: HomeAssistant, entry: ConfigEntry, identity: ServerIdentity) -> None:
    """Keep an identity with the entry."""
    hass.config_entries.async_update_entry(entry, data=entry.data | dump_identity(identity))
