"""Keys are where they belong, and in nothing that others get to see."""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
import json
import logging
import ssl
from typing import TYPE_CHECKING, Any

from aiocoap import CREATED, FORBIDDEN, POST
from cryptography import x509
from homeassistant.const import MATCH_ALL
from homeassistant.core import callback
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.json import JSONEncoder
from homeassistant.setup import async_setup_component
import pytest

from custom_components.lwm2m.address import CONF_TLS_PORT
from custom_components.lwm2m.credentials import SecurityMode, load_identity
from custom_components.lwm2m.device_flow import Trust
from custom_components.lwm2m.key_material import private_der, read_certificates, read_private_key
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.security import PreSharedKey, SecurityEventType
from tests.protocol.dtls.parties import Party, stranger
from tests.protocol.secure_device import psk_options, secure_device
from tests.protocol.tls_contexts import certificate_context, psk_context
from tests.raw_tcp import RawTcpPeer

from .owner import DeviceFlow

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import ec
    from homeassistant.core import Event, HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry

# Home Assistant's own http integration keeps its state the old way.
pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")

LEAST = 12
"""How many bytes of a secret are taken for it."""


class Leaks:
    """Looks for secrets in texts, however they are written."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}

    def of(self, text: str) -> set[str]:
        """Return which secrets a text has in it."""
        plain = text.replace("\\n", "").replace("\n", "").casefold()
        return {
            name
            for name, secret in self.secrets.items()
            if any(form.casefold() in plain for form in self._forms(secret))
        }

    def _forms(self, secret: bytes) -> list[str]:
        """Write the last part of a secret: what comes first may be the same for all."""
        part = secret[-LEAST:]
        encoded = base64.b64encode(secret).decode()
        return [
            part.hex(),
            part.hex(":"),
            repr(part)[2:-1],
            encoded[-LEAST:],
            str(list(part))[1:-1],
        ]


@dataclass
class Devices:
    """What the devices prove who they are with."""

    psk: PreSharedKey
    """Of kitchen-board."""
    certified: Party
    """garden-board."""


@pytest.fixture
def entry(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """A server that listens for TLS, too."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_TLS_PORT: 0})
    return entry


@pytest.fixture
def leaks() -> Leaks:
    return Leaks()


@pytest.fixture
def told(hass: HomeAssistant) -> list[Event]:
    """All that is told on the bus."""
    events: list[Event] = []

    @callback
    def listen(event: Event) -> None:
        events.append(event)

    hass.bus.async_listen(MATCH_ALL, listen)
    return events


async def set_up_devices(hass: HomeAssistant, entry: Lwm2mConfigEntry, leaks: Leaks) -> Devices:
    """Add a device of each mode, all with keys made here."""
    flow = DeviceFlow(hass, entry)
    await flow.add(SecurityMode.PRE_SHARED_KEY)
    result = await flow.send(identity="kitchen")
    psk = PreSharedKey(b"kitchen", bytes.fromhex(result["description_placeholders"]["key_hex"]))
    await flow.choose("qr_code")
    await flow.send()
    await flow.choose("save")
    await flow.add(SecurityMode.RAW_PUBLIC_KEY, "cellar-board")
    result = await flow.send()
    raw = read_private_key(result["description_placeholders"]["device_key"])
    await flow.choose("save")
    await flow.add(SecurityMode.CERTIFICATE, "garden-board")
    result = await flow.send(trust=Trust.ISSUED)
    issued = read_private_key(result["description_placeholders"]["device_key"])
    (certificate,) = read_certificates(result["description_placeholders"]["device_certificate"])
    await flow.choose("save")
    server = load_identity(entry.data)
    assert server
    leaks.secrets = {
        "pre-shared key": psk.key,
        "key of a raw public key": _secret_part(raw),
        "key of a certificate": _secret_part(issued),
        "key of the server": _secret_part(server.private_key),
    }
    return Devices(psk, Party(issued, x509.load_der_x509_certificate(certificate)))


def _secret_part(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return what of a key's PKCS #8 is secret, as far as Base64 of it is a part of the whole's."""
    return private_der(key)[36:66]


async def live(hass: HomeAssistant, hub: Hub, psk: PreSharedKey) -> None:
    """Register over DTLS, and fail to: with a wrong key, as another, and in plain text."""
    wrong = PreSharedKey(psk.identity, bytes(16))
    async with secure_device(hub.server, psk) as device:
        await device.register("kitchen-board")
        await hass.async_block_till_done()
        with pytest.raises(AssertionError):
            await device.register("garden-board")
    for _ in range(4):
        async with secure_device(hub.server, None, **psk_options(wrong)) as device:
            device.transmit(device.client.hello())
            await device.alert()
    async with secure_device(hub.server, None) as device:
        device.server = ("127.0.0.1", hub.server.ports[Scheme.COAP])
        device.transmit([b"\x00garbage"])
    await hass.async_block_till_done()


async def live_over_tls(hub: Hub, devices: Devices, folder: Path) -> None:
    """Register over TLS with a key and with a certificate, and fail to, with each and without."""
    port = hub.server.ports[Scheme.COAPS_TCP]
    certified, unknown = [
        certificate_context(party, folder) for party in (devices.certified, stranger())
    ]
    for context in (certified, unknown):
        context.verify_mode = ssl.CERT_NONE
    for endpoint, context in (
        ("kitchen-board", psk_context(devices.psk)),
        ("garden-board", certified),
    ):
        peer = await RawTcpPeer.open(port, context=context)
        assert await _register(peer, endpoint) == CREATED
        assert await _register(peer, "cellar-board") == FORBIDDEN
        await peer.close()
    for context in (
        psk_context(PreSharedKey(devices.psk.identity, bytes(16))),
        psk_context(PreSharedKey(b"nobody", devices.psk.key)),
        unknown,
    ):
        with suppress(OSError, EOFError):
            await RawTcpPeer.open(port, context=context)
    peer = await RawTcpPeer.connect(port)
    peer.writer.write(b"garbage")
    assert await peer.is_closed()
    await peer.close()


async def _register(peer: RawTcpPeer, endpoint: str) -> Any:
    response = await peer.request(
        POST, "rd", uri_query=(f"ep={endpoint}",), content_format=40, payload=b"</1/0>"
    )
    return response.code


async def download(
    hass: HomeAssistant, client: Any, entry: Lwm2mConfigEntry, device_id: str | None = None
) -> str:
    """Download diagnostics as the frontend does."""
    path = f"/api/diagnostics/config_entry/{entry.entry_id}"
    response = await client.get(f"{path}/device/{device_id}" if device_id else path)
    assert response.status == HTTPStatus.OK
    text: str = await response.text()
    return text


async def test_keys_are_in_nothing_that_others_get_to_see(
    hass: HomeAssistant,
    hub: Hub,
    entry: Lwm2mConfigEntry,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
    told: list[Event],
    leaks: Leaks,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    devices = await set_up_devices(hass, entry, leaks)
    await live(hass, hub, devices.psk)
    await live_over_tls(hub, devices, tmp_path)
    await hass.async_block_till_done()
    assert hub.server.security.counts == {
        SecurityEventType.WRONG_KEY: 4 + 1,
        SecurityEventType.UNKNOWN_IDENTITY: 2,
        SecurityEventType.ENDPOINT_MISMATCH: 1 + 2,
        SecurityEventType.HANDSHAKE_FAILED: 1,
    }
    assert await async_setup_component(hass, "diagnostics", {})
    client = await hass_client()
    entries = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)

    seen = {
        "log": caplog.text,
        "bus": json.dumps([event.as_dict() for event in told], cls=JSONEncoder),
        "states": json.dumps(
            [state.as_dict() for state in hass.states.async_all()], cls=JSONEncoder
        ),
        "issues": repr(ir.async_get(hass).issues),
        "diagnostics": await download(hass, client, entry),
        **{
            f"diagnostics of {device.name}": await download(hass, client, entry, device.id)
            for device in entries
        },
        "server": repr((hub.server.credentials.credentials, hub.server.credentials.server)),
        "stored registrations": json.dumps(hub._dump()),
    }
    assert all(seen.values())
    assert {where: leaks.of(text) for where, text in seen.items() if leaks.of(text)} == {}
    stored = json.dumps(entry.as_dict(), cls=JSONEncoder)
    assert leaks.of(stored) == {"pre-shared key", "key of the server"}


async def test_wrong_input_is_not_repeated(
    hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    hub: Hub,
    caplog: pytest.LogCaptureFixture,
    leaks: Leaks,
) -> None:
    caplog.set_level(logging.DEBUG)
    leaks.secrets = {"key": b"not hexadecimal!"}
    flow = DeviceFlow(hass, entry)
    await flow.add(SecurityMode.PRE_SHARED_KEY)
    result = await flow.send(identity="kitchen", key="not hexadecimal!")
    assert result["errors"] == {"key": "invalid_key"}
    form = repr([(key, key.description) for key in result["data_schema"].schema])
    assert leaks.of(caplog.text + form) == set()


@pytest.mark.parametrize("form", [bytes.hex, repr, lambda key: base64.b64encode(key).decode()])
def test_leaks_are_found(leaks: Leaks, form: Any) -> None:
    key = bytes(range(100, 116))
    leaks.secrets = {"key": key}
    assert leaks.of(f"before {form(key)} after") == {"key"}
    assert leaks.of("before and after") == set()
