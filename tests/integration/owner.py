"""The owner going through the flows of the hub's devices."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.util import dt as dt_util

from custom_components.lwm2m.const import CONF_ENDPOINT, SUBENTRY_TYPE_DEVICE
from custom_components.lwm2m.credentials import CONF_SECURITY, SecurityMode
from custom_components.lwm2m.protocol.security import PreSharedKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
    from homeassistant.config_entries import ConfigSubentry
    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Lwm2mConfigEntry

ENDPOINT = "kitchen-board"
KEY = bytes(range(16))
PSK = PreSharedKey(b"kitchen", KEY)


def certify(
    key: CertificateIssuerPrivateKeyTypes,
    *,
    authority: bool = True,
    days: tuple[int, int] = (-1, 30),
    issuer: CertificateIssuerPrivateKeyTypes | None = None,
) -> bytes:
    """Return a certificate (DER) that is valid between two days from now; self-signed if need be.

    All have the same name.
    """
    issuer = issuer or key
    now = dt_util.utcnow()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ENDPOINT)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    algorithm = None if isinstance(issuer, Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(issuer, algorithm).public_bytes(Encoding.DER)


class DeviceFlow:
    """A flow of the hub's devices, as the owner goes through it."""

    def __init__(self, hass: HomeAssistant, entry: Lwm2mConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._flows = hass.config_entries.subentries
        self.result: Any = None

    async def add(self, mode: SecurityMode, endpoint: str = ENDPOINT) -> Any:
        """Open the form for a new device and send it."""
        await self._open({"source": SOURCE_USER})
        return await self.send(**{CONF_ENDPOINT: endpoint, CONF_SECURITY: mode})

    async def change(self, step: str, endpoint: str = ENDPOINT) -> Any:
        """Open a step of the menu of a device."""
        subentry = device(self._entry, endpoint)
        await self._open({"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id})
        assert self.result["type"] is FlowResultType.MENU
        return await self.choose(step)

    async def _open(self, context: Any) -> None:
        handler = (self._entry.entry_id, SUBENTRY_TYPE_DEVICE)
        self.result = await self._flows.async_init(handler, context=context)

    async def send(self, **user_input: Any) -> Any:
        """Send a form."""
        self.result = await self._flows.async_configure(self.result["flow_id"], user_input)
        return self.result

    async def look_again(self) -> Any:
        """Return to the dialog after the page was reloaded."""
        self.result = await self._flows.async_configure(self.result["flow_id"])
        return self.result

    async def choose(self, step: str) -> Any:
        """Choose from a menu."""
        return await self.send(next_step_id=step)

    async def save(self) -> ConfigSubentry:
        """Save from the menu of settings, and return the device."""
        await self.choose("save")
        await self._hass.async_block_till_done()
        return device(self._entry)


def device(entry: Lwm2mConfigEntry, endpoint: str = ENDPOINT) -> ConfigSubentry:
    """Return the subentry of a device."""
    return next(
        subentry for subentry in entry.subentries.values() if subentry.unique_id == endpoint
    )
