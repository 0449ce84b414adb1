"""Adding a secured device, and changing how a device is secured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from homeassistant.config_entries import SOURCE_USER
from homeassistant.const import CONF_NAME, CONF_PORT
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.lwm2m.address import CONF_COAPS_PORT, CONF_TLS_PORT
from custom_components.lwm2m.connection_settings import SDKS, Sdk
from custom_components.lwm2m.const import (
    DOMAIN,
    SUBENTRY_TYPE_DEVICE,
)
from custom_components.lwm2m.credentials import (
    CONF_SECURITY,
    SecurityMode,
    dump_credential,
    load_credential,
    load_identity,
)
from custom_components.lwm2m.device_flow import Trust
from custom_components.lwm2m.key_material import (
    Fault,
    make_certificate,
    make_private_key,
    pem,
    private_der,
    public_der,
    public_key_of,
    read_certificates,
    read_private_key,
)
from custom_components.lwm2m.protocol.dtls import CertificateTrust, CertificateUsage
from custom_components.lwm2m.protocol.security import Certificate, PreSharedKey, RawPublicKey

from .conftest import LOOPBACK, RunBoard, settle
from .owner import ENDPOINT, KEY, PSK, DeviceFlow, certify

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigSubentry
    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry
    from custom_components.lwm2m.protocol.security import Credential

DEVICE_KEY = make_private_key()
PUBLIC_KEY = public_der(DEVICE_KEY.public_key())
CERTIFICATE = make_certificate(DEVICE_KEY, ENDPOINT)
AUTHORITY = certify(make_private_key())
ROOT = certify(make_private_key())
EXPIRED = certify(make_private_key(), days=(-9, -2))
FUTURE = certify(make_private_key(), days=(2, 9))


def credential_of(hub: Hub, endpoint: str = ENDPOINT) -> Credential | None:
    """Return what the running server knows a device by."""
    return hub.server.credentials.credentials.get(endpoint)


# Pre-shared key


async def test_strong_key_is_made_when_none_is_given(flow: DeviceFlow, hub: Hub) -> None:
    await flow.add(SecurityMode.PRE_SHARED_KEY)
    result = await flow.send(identity="kitchen")
    shown = result["description_placeholders"]
    await flow.save()

    credential = credential_of(hub)
    assert credential == PreSharedKey(b"kitchen", bytes.fromhex(shown["key_hex"]))
    assert isinstance(credential, PreSharedKey)
    assert len(credential.key) == 16


async def test_identity_is_the_endpoint_name_unless_said_otherwise(flow: DeviceFlow) -> None:
    result = await flow.add(SecurityMode.PRE_SHARED_KEY)
    (identity, _) = result["data_schema"].schema
    assert identity.description == {"suggested_value": ENDPOINT}


@pytest.mark.parametrize(
    "key",
    [
        KEY.hex(),
        KEY.hex(":").upper(),
        "AAECAwQFBgcICQoLDA0ODw==",
        "AAECAwQFBgcICQoLDA0ODw",
    ],
)
async def test_own_key_is_taken(flow: DeviceFlow, hub: Hub, key: str) -> None:
    await flow.add(SecurityMode.PRE_SHARED_KEY)
    await flow.send(identity="kitchen", key=key)
    await flow.save()

    assert credential_of(hub) == PSK


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("00ff", Fault.INVALID_KEY),
        ("no key!", Fault.INVALID_KEY),
        ("0123" * 33, Fault.INVALID_KEY),
        ("0001020304O5060708090a0b0c0d0e0f", Fault.NEARLY_HEXADECIMAL),
        ("00" * 16, Fault.WEAK_KEY),
    ],
)
async def test_key_that_is_none_or_weak_is_refused(
    flow: DeviceFlow, key: str, error: Fault
) -> None:
    await flow.add(SecurityMode.PRE_SHARED_KEY)
    result = await flow.send(identity="kitchen", key=key)
    assert result["errors"] == {"key": error}


@pytest.mark.parametrize("identity", ["", " ", "ü" * 65])
async def test_identity_that_no_device_can_have(flow: DeviceFlow, identity: str) -> None:
    await flow.add(SecurityMode.PRE_SHARED_KEY)
    result = await flow.send(identity=identity)
    assert result["errors"] == {"identity": "invalid_identity"}


async def test_identity_of_another_device_is_refused(
    flow: DeviceFlow, secured: ConfigSubentry
) -> None:
    await flow.add(SecurityMode.PRE_SHARED_KEY, "cellar-board")
    result = await flow.send(identity="kitchen")
    assert result["errors"] == {"identity": "credential_in_use"}
    assert result["description_placeholders"]["owner"] == ENDPOINT


async def test_nothing_is_kept_before_it_is_saved(
    flow: DeviceFlow, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    await flow.add(SecurityMode.PRE_SHARED_KEY)
    await flow.send(identity="kitchen")
    assert not entry.subentries
    assert credential_of(hub) is None


async def test_identity_that_another_has_got_meanwhile_is_not_saved(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    slow, fast = DeviceFlow(hass, entry), DeviceFlow(hass, entry)
    await slow.add(SecurityMode.PRE_SHARED_KEY)
    await slow.send(identity="kitchen")
    await fast.add(SecurityMode.PRE_SHARED_KEY, "cellar-board")
    await fast.send(identity="kitchen")
    await fast.choose("save")
    result = await slow.choose("save")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "credential_in_use")
    assert hub.devices.keys() == {"cellar-board"}


# Raw public key


async def test_public_key_of_the_device_is_taken(flow: DeviceFlow, hub: Hub) -> None:
    await flow.add(SecurityMode.RAW_PUBLIC_KEY)
    result = await flow.send(public_key=pem("PUBLIC KEY", PUBLIC_KEY))
    assert result["step_id"] == "settings_raw_public_key"
    await flow.save()

    assert credential_of(hub) == RawPublicKey(PUBLIC_KEY)


async def test_key_pair_is_made_and_shown_once(
    flow: DeviceFlow, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    await flow.add(SecurityMode.RAW_PUBLIC_KEY)
    result = await flow.send()
    private_key = read_private_key(result["description_placeholders"]["device_key"])
    await flow.save()

    assert credential_of(hub) == RawPublicKey(public_der(private_key.public_key()))
    result = await flow.change("settings")
    assert "device_key" not in result["description_placeholders"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("no key", Fault.INVALID_PUBLIC_KEY),
        (pem("PRIVATE KEY", private_der(DEVICE_KEY)), Fault.IS_PRIVATE_KEY),
    ],
    ids=["text", "private key"],
)
async def test_what_is_no_public_key_is_refused(flow: DeviceFlow, text: str, error: Fault) -> None:
    await flow.add(SecurityMode.RAW_PUBLIC_KEY)
    result = await flow.send(public_key=text)
    assert result["errors"] == {"public_key": error}


async def test_private_key_is_not_sent_back(flow: DeviceFlow) -> None:
    private_key = pem("PRIVATE KEY", private_der(DEVICE_KEY))
    await flow.add(SecurityMode.RAW_PUBLIC_KEY)
    (field,) = (await flow.send(public_key=private_key))["data_schema"].schema
    assert field.description is None

    await flow.add(SecurityMode.CERTIFICATE)
    trust = Trust.SERVICE_CERTIFICATE_CONSTRAINT
    result = await flow.send(trust=trust, certificate="none", roots=private_key)
    _, certificate, roots = result["data_schema"].schema
    assert certificate.description == {"suggested_value": "none"}
    assert roots.description is None


async def test_public_key_of_another_device_is_refused(flow: DeviceFlow) -> None:
    await flow.add(SecurityMode.RAW_PUBLIC_KEY)
    await flow.send(public_key=PUBLIC_KEY.hex())
    await flow.save()
    await flow.add(SecurityMode.RAW_PUBLIC_KEY, "cellar-board")
    result = await flow.send(public_key=PUBLIC_KEY.hex())
    assert result["errors"] == {"public_key": "credential_in_use"}


# Certificate


async def test_certificate_is_issued_and_pinned(flow: DeviceFlow, hub: Hub) -> None:
    await flow.add(SecurityMode.CERTIFICATE)
    result = await flow.send(trust=Trust.ISSUED)
    shown = result["description_placeholders"]
    (certificate,) = read_certificates(shown["device_certificate"])
    key = read_private_key(shown["device_key"])
    await flow.save()

    assert public_key_of(certificate) == public_der(key.public_key())
    assert credential_of(hub) == Certificate(
        CertificateTrust(CertificateUsage.DOMAIN_ISSUED_CERTIFICATE, certificate)
    )


@pytest.mark.parametrize(
    ("trust", "usage", "held", "roots"),
    [
        (
            Trust.DOMAIN_ISSUED_CERTIFICATE,
            CertificateUsage.DOMAIN_ISSUED_CERTIFICATE,
            CERTIFICATE,
            (),
        ),
        (Trust.TRUST_ANCHOR_ASSERTION, CertificateUsage.TRUST_ANCHOR_ASSERTION, AUTHORITY, ()),
        (
            Trust.SERVICE_CERTIFICATE_CONSTRAINT,
            CertificateUsage.SERVICE_CERTIFICATE_CONSTRAINT,
            CERTIFICATE,
            (ROOT, AUTHORITY),
        ),
        (Trust.CA_CONSTRAINT, CertificateUsage.CA_CONSTRAINT, AUTHORITY, (ROOT,)),
    ],
    ids=["own", "anchor", "own and chain", "authority and chain"],
)
async def test_certificate_is_held_for_what_was_chosen(
    flow: DeviceFlow,
    hub: Hub,
    trust: Trust,
    usage: CertificateUsage,
    held: bytes,
    roots: tuple[bytes, ...],
) -> None:
    await flow.add(SecurityMode.CERTIFICATE)
    await flow.send(
        trust=trust,
        certificate=pem("CERTIFICATE", held),
        roots="\n".join(pem("CERTIFICATE", root) for root in roots),
    )
    await flow.save()

    assert credential_of(hub) == Certificate(CertificateTrust(usage, held, roots))


@pytest.mark.parametrize(
    ("user_input", "errors"),
    [
        (
            {"trust": Trust.ISSUED, "certificate": pem("CERTIFICATE", AUTHORITY)},
            {"certificate": "certificate_not_needed"},
        ),
        ({"trust": Trust.ISSUED, "roots": "junk"}, {"roots": "roots_not_needed"}),
        (
            {
                "trust": Trust.TRUST_ANCHOR_ASSERTION,
                "certificate": pem("CERTIFICATE", AUTHORITY),
                "roots": "junk",
            },
            {"roots": "roots_not_needed"},
        ),
        ({"trust": Trust.DOMAIN_ISSUED_CERTIFICATE}, {"certificate": Fault.NO_CERTIFICATE}),
        (
            {"trust": Trust.CA_CONSTRAINT, "certificate": pem("CERTIFICATE", AUTHORITY)},
            {"roots": Fault.NO_CERTIFICATE},
        ),
        (
            {
                "trust": Trust.DOMAIN_ISSUED_CERTIFICATE,
                "certificate": pem("PRIVATE KEY", private_der(DEVICE_KEY)),
            },
            {"certificate": Fault.IS_PRIVATE_KEY},
        ),
        (
            {
                "trust": Trust.TRUST_ANCHOR_ASSERTION,
                "certificate": pem("CERTIFICATE", CERTIFICATE),
            },
            {"certificate": Fault.NO_AUTHORITY},
        ),
        (
            {"trust": Trust.TRUST_ANCHOR_ASSERTION, "certificate": "no certificate"},
            {"certificate": Fault.INVALID_CERTIFICATE},
        ),
    ],
)
async def test_what_is_no_certificate_is_refused(
    flow: DeviceFlow, user_input: dict[str, str], errors: dict[str, str]
) -> None:
    await flow.add(SecurityMode.CERTIFICATE)
    assert (await flow.send(**user_input))["errors"] == errors


@pytest.mark.parametrize(
    ("trust", "errors"),
    [
        (Trust.DOMAIN_ISSUED_CERTIFICATE, {"certificate": "unusable_credential"}),
        (Trust.SERVICE_CERTIFICATE_CONSTRAINT, {"certificate": "unusable_credential"}),
        (Trust.TRUST_ANCHOR_ASSERTION, None),
    ],
)
async def test_certificate_of_a_device_is_on_the_curve_that_devices_have(
    flow: DeviceFlow, trust: Trust, errors: dict[str, str] | None
) -> None:
    """An authority may have another key."""
    certificate = pem("CERTIFICATE", certify(ec.generate_private_key(ec.SECP384R1())))
    await flow.add(SecurityMode.CERTIFICATE)
    needed = dict.fromkeys(trust.fields, certificate)
    assert (await flow.send(trust=trust, **needed)).get("errors") == errors


@pytest.mark.parametrize(
    ("trust", "held", "roots", "errors"),
    [
        (Trust.TRUST_ANCHOR_ASSERTION, EXPIRED, None, {"certificate": Fault.EXPIRED}),
        (Trust.CA_CONSTRAINT, EXPIRED, ROOT, {"certificate": Fault.EXPIRED}),
        (Trust.CA_CONSTRAINT, AUTHORITY, EXPIRED, {"roots": Fault.EXPIRED}),
        (
            Trust.SERVICE_CERTIFICATE_CONSTRAINT,
            FUTURE,
            ROOT,
            {"certificate": Fault.NOT_YET_VALID},
        ),
        (Trust.DOMAIN_ISSUED_CERTIFICATE, EXPIRED, None, None),
    ],
    ids=["authority", "issuer", "its root", "device", "device that is known by it alone"],
)
async def test_certificate_is_refused_that_no_handshake_would_take_today(
    flow: DeviceFlow,
    trust: Trust,
    held: bytes,
    roots: bytes | None,
    errors: dict[str, str] | None,
) -> None:
    """One that is trusted by itself does not expire."""
    await flow.add(SecurityMode.CERTIFICATE)
    texts = {"certificate": pem("CERTIFICATE", held)}
    if roots:
        texts["roots"] = pem("CERTIFICATE", roots)
    assert (await flow.send(trust=trust, **texts)).get("errors") == errors


# What is shown


async def test_address_is_shown_with_the_port(flow: DeviceFlow, entry: Lwm2mConfigEntry) -> None:
    await flow.add(SecurityMode.PRE_SHARED_KEY)
    result = await flow.send(identity="kitchen")
    port = entry.data[CONF_COAPS_PORT]
    assert result["description_placeholders"]["server"] == f"coaps://{LOOPBACK}:{port}"


async def test_server_without_a_host_is_shown_by_home_assistants_address(
    hass: HomeAssistant, flow: DeviceFlow, entry: Lwm2mConfigEntry
) -> None:
    hass.config_entries.async_update_entry(entry, data=entry.data | {"host": ""})
    await flow.add(SecurityMode.PRE_SHARED_KEY)
    result = await flow.send(identity="kitchen")
    assert result["description_placeholders"]["server"].startswith("coaps://10.10.10.10:")


async def test_server_shows_its_own_identity(flow: DeviceFlow, entry: Lwm2mConfigEntry) -> None:
    await flow.add(SecurityMode.CERTIFICATE)
    result = await flow.send(trust=Trust.ISSUED)
    identity = load_identity(entry.data)
    assert identity
    shown = result["description_placeholders"]["server_certificate"]
    assert read_certificates(shown) == identity.chain


@pytest.mark.parametrize("sdk", SDKS[SecurityMode.PRE_SHARED_KEY])
async def test_settings_are_shown_for_an_sdk_and_lead_back(flow: DeviceFlow, sdk: Sdk) -> None:
    await flow.add(SecurityMode.PRE_SHARED_KEY)
    await flow.send(identity="kitchen", key=KEY.hex())
    result = await flow.choose(sdk)
    assert KEY.hex() in result["description_placeholders"]["settings"]
    assert (await flow.send())["step_id"] == "settings_pre_shared_key"


async def test_settings_are_shown_as_a_qr_code(flow: DeviceFlow) -> None:
    await flow.add(SecurityMode.PRE_SHARED_KEY)
    await flow.send(identity="kitchen", key=KEY.hex())
    result = await flow.choose("qr_code")
    (selector,) = result["data_schema"].schema.values()
    assert KEY.hex() in selector.config["data"]
    assert (await flow.send())["step_id"] == "settings_pre_shared_key"


@pytest.mark.parametrize("mode", SecurityMode)
async def test_settings_of_each_mode_can_be_shown_again(
    hass: HomeAssistant, flow: DeviceFlow, mode: SecurityMode
) -> None:
    await flow.add(mode)
    match mode:
        case SecurityMode.PRE_SHARED_KEY:
            await flow.send(identity="kitchen")
        case SecurityMode.RAW_PUBLIC_KEY:
            await flow.send()
        case SecurityMode.CERTIFICATE:
            await flow.send(trust=Trust.ISSUED)
    page = flow.result["step_id"]
    assert (await flow.look_again())["step_id"] == page
    await flow.save()

    result = await flow.change("settings")
    assert result["step_id"] == f"settings_{mode}"
    result = await flow.choose("done")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "settings_shown")


# Changes


async def test_name_is_changed(
    hass: HomeAssistant,
    flow: DeviceFlow,
    hub: Hub,
    entry: Lwm2mConfigEntry,
    secured: ConfigSubentry,
) -> None:
    await flow.change("name")
    result = await flow.send(**{CONF_NAME: "Kitchen"})
    await settle(hass)

    assert result["reason"] == "reconfigure_successful"
    registered = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, hub.devices[ENDPOINT].unique_id), entry.entry_id
    )
    assert registered
    assert registered.name == "Kitchen"
    assert credential_of(hub) == PSK


async def test_new_key_keeps_the_identity(
    flow: DeviceFlow, hub: Hub, secured: ConfigSubentry
) -> None:
    await flow.change("rotate")
    result = await flow.send()
    assert credential_of(hub) == PSK
    await flow.save()

    credential = credential_of(hub)
    assert isinstance(credential, PreSharedKey)
    assert credential.identity == PSK.identity
    assert credential.key.hex() == result["description_placeholders"]["key_hex"] != KEY.hex()


async def test_replacing_a_public_key_asks_for_the_new_one(flow: DeviceFlow, hub: Hub) -> None:
    await flow.add(SecurityMode.RAW_PUBLIC_KEY)
    await flow.send()
    await flow.save()
    await flow.change("rotate")
    await flow.send(public_key=PUBLIC_KEY.hex())
    await flow.save()

    assert credential_of(hub) == RawPublicKey(PUBLIC_KEY)


async def test_security_is_added_to_a_plain_device(
    hass: HomeAssistant, flow: DeviceFlow, hub: Hub, run_board: RunBoard
) -> None:
    hub.async_approve(ENDPOINT)
    await run_board()
    assert hub.devices[ENDPOINT].available

    await flow.change("security")
    await flow.send(**{CONF_SECURITY: SecurityMode.PRE_SHARED_KEY})
    await flow.send(identity="kitchen")
    await flow.save()

    assert not hub.devices[ENDPOINT].available
    assert hub.server.credentials.is_secured(ENDPOINT)


async def test_identity_that_the_device_has_is_suggested(
    flow: DeviceFlow, secured: ConfigSubentry
) -> None:
    await flow.change("security")
    result = await flow.send(**{CONF_SECURITY: SecurityMode.PRE_SHARED_KEY})
    (identity, _) = result["data_schema"].schema
    assert identity.description == {"suggested_value": "kitchen"}


async def test_security_is_removed(
    hass: HomeAssistant, flow: DeviceFlow, hub: Hub, secured: ConfigSubentry
) -> None:
    await flow.change("security")
    await flow.send(**{CONF_SECURITY: SecurityMode.NONE})
    result = await flow.choose("save")
    await settle(hass)

    assert result["reason"] == "security_changed"
    assert credential_of(hub) is None
    assert ENDPOINT in hub.devices


async def test_deleted_device_has_no_credential(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, secured: ConfigSubentry
) -> None:
    hass.config_entries.async_remove_subentry(entry, secured.subentry_id)
    await settle(hass)
    assert credential_of(hub) is None


async def test_plain_device_has_no_key_to_replace(flow: DeviceFlow, hub: Hub) -> None:
    hub.async_approve(ENDPOINT)
    result = await flow.change("settings")
    assert result["step_id"] == "settings_none"


async def test_credential_outlives_a_restart(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, secured: ConfigSubentry
) -> None:
    await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass)
    assert credential_of(entry.runtime_data) == PSK


# Ports that are off


@pytest.mark.parametrize(
    ("port", "mode", "error"),
    [
        (CONF_COAPS_PORT, SecurityMode.PRE_SHARED_KEY, "coaps_off"),
        ("port", SecurityMode.NONE, "coap_off"),
    ],
)
async def test_mode_whose_port_is_off_is_refused(
    hass: HomeAssistant,
    flow: DeviceFlow,
    entry: Lwm2mConfigEntry,
    port: str,
    mode: SecurityMode,
    error: str,
) -> None:
    data = {key: value for key, value in entry.data.items() if key != port}
    hass.config_entries.async_update_entry(entry, data=data)
    assert (await flow.add(mode))["errors"] == {CONF_SECURITY: error}


@pytest.mark.parametrize(
    ("mode", "errors"),
    [
        (SecurityMode.PRE_SHARED_KEY, None),
        (SecurityMode.CERTIFICATE, None),
        (SecurityMode.RAW_PUBLIC_KEY, {CONF_SECURITY: "coaps_off"}),
    ],
)
async def test_tls_takes_all_but_raw_public_keys(
    hass: HomeAssistant,
    flow: DeviceFlow,
    entry: Lwm2mConfigEntry,
    mode: SecurityMode,
    errors: dict[str, str] | None,
) -> None:
    ports = {CONF_PORT, CONF_COAPS_PORT}
    data = {key: value for key, value in entry.data.items() if key not in ports}
    hass.config_entries.async_update_entry(entry, data=data | {CONF_TLS_PORT: 5684})
    assert ((await flow.add(mode))["errors"] or None) == errors


async def test_only_a_port_that_is_on_is_suggested(
    hass: HomeAssistant, flow: DeviceFlow, entry: Lwm2mConfigEntry
) -> None:
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, SUBENTRY_TYPE_DEVICE), context={"source": SOURCE_USER}
    )
    schema = result["data_schema"]
    assert schema is not None
    suggested = {str(key): key.description for key in schema.schema}
    assert suggested[CONF_SECURITY] == {"suggested_value": SecurityMode.PRE_SHARED_KEY}


# What is stored


@pytest.mark.parametrize(
    "credential",
    [
        None,
        PSK,
        PreSharedKey(b"\xff\x00 binary", KEY),
        RawPublicKey(PUBLIC_KEY),
        Certificate(
            CertificateTrust(CertificateUsage.CA_CONSTRAINT, AUTHORITY, (ROOT, CERTIFICATE))
        ),
    ],
    ids=["none", "key", "binary identity", "public key", "certificate"],
)
def test_credential_is_read_as_it_was_written(credential: Credential | None) -> None:
    assert load_credential(dump_credential(credential)) == credential
