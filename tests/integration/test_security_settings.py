"""The server's identity, its ports with and without encryption, and data of before encryption."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.lwm2m.address import CONF_COAPS_PORT, CONF_TCP_PORT
from custom_components.lwm2m.const import CONF_ACCEPT_NEW_DEVICES, DOMAIN, AcceptNewDevices
from custom_components.lwm2m.credentials import load_identity
from custom_components.lwm2m.exposure import Exposure, exposure_of
from custom_components.lwm2m.key_material import (
    Fault,
    make_certificate,
    make_private_key,
    pem,
    private_der,
    public_der,
)
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.repairs import TurnPlainCoapOff

from .conftest import LOOPBACK, settle
from .owner import certify
from .test_config_flow import add_server, folded, open_options, reconfigure

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeassistant.config_entries import ConfigSubentry
    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry
    from custom_components.lwm2m.protocol.dtls import ServerIdentity

KEY = make_private_key()
P384 = ec.generate_private_key(ec.SECP384R1())
CERTIFICATE = make_certificate(KEY, "Imported")
OTHER = make_certificate(make_private_key(), "Other")


def identity_of(entry: Any) -> ServerIdentity:
    """Return the identity that an entry keeps."""
    identity = load_identity(entry.data)
    assert identity
    return identity


@pytest.fixture
def held_port() -> Any:
    """A UDP port that another program holds on 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, 0))
        yield sock.getsockname()[1]


# Identity


async def test_identity_is_made_at_the_first_start(hub: Hub, entry: Lwm2mConfigEntry) -> None:
    identity = identity_of(entry)
    used = hub.server.credentials.server
    assert used
    assert (used.public_key, used.chain) == (identity.public_key, identity.chain)


async def test_certificate_is_for_the_address_of_the_server(
    hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    certificate = x509.load_der_x509_certificate(identity_of(entry).chain[0])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(map(str, names.get_values_for_type(x509.IPAddress))) == [LOOPBACK]


async def test_identity_outlives_a_restart(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    before = identity_of(entry).chain
    await hass.config_entries.async_reload(entry.entry_id)
    assert identity_of(entry).chain == before


async def test_identity_is_shown(hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry) -> None:
    result = await open_options(hass, entry, "identity")
    identity = identity_of(entry)
    shown = result["description_placeholders"]
    assert shown is not None
    assert shown["certificates"] == pem("CERTIFICATE", identity.chain[0])
    assert shown["public_key"] == pem("PUBLIC KEY", identity.public_key)
    result = await hass.config_entries.options.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.MENU


async def test_identity_is_imported_without_a_restart(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    form = await open_options(hass, entry, "import_identity")
    result = await hass.config_entries.options.async_configure(
        form["flow_id"],
        {
            "certificates": f"{pem('CERTIFICATE', CERTIFICATE)}\n{pem('CERTIFICATE', OTHER)}",
            "private_key": pem("PRIVATE KEY", private_der(KEY)),
        },
    )
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "identity_changed")
    assert entry.runtime_data is hub
    used = hub.server.credentials.server
    assert used
    assert used.chain == identity_of(entry).chain == (CERTIFICATE, OTHER)
    assert used.public_key == public_der(KEY.public_key())


@pytest.mark.parametrize(
    ("certificates", "private_key", "errors"),
    [
        (
            pem("CERTIFICATE", OTHER),
            pem("PRIVATE KEY", private_der(KEY)),
            {"base": Fault.KEY_OF_ANOTHER},
        ),
        (
            "no certificate",
            pem("PRIVATE KEY", private_der(KEY)),
            {"certificates": Fault.INVALID_CERTIFICATE},
        ),
        (pem("CERTIFICATE", CERTIFICATE), "no key", {"private_key": Fault.INVALID_PRIVATE_KEY}),
        (
            "no certificate",
            "no key",
            {"certificates": Fault.INVALID_CERTIFICATE, "private_key": Fault.INVALID_PRIVATE_KEY},
        ),
        (
            pem("PRIVATE KEY", private_der(KEY)),
            pem("CERTIFICATE", CERTIFICATE),
            {"certificates": Fault.IS_PRIVATE_KEY, "private_key": Fault.IS_CERTIFICATE},
        ),
        (
            pem("CERTIFICATE", certify(P384)),
            pem("PRIVATE KEY", private_der(P384)),
            {"certificates": Fault.NOT_ON_P256, "private_key": Fault.NOT_ON_P256},
        ),
        (
            pem("CERTIFICATE", certify(KEY, days=(-9, -2))),
            pem("PRIVATE KEY", private_der(KEY)),
            {"certificates": Fault.EXPIRED},
        ),
        (
            pem("CERTIFICATE", CERTIFICATE) + pem("CERTIFICATE", certify(KEY, days=(2, 9))),
            pem("PRIVATE KEY", private_der(KEY)),
            {"certificates": Fault.NOT_YET_VALID},
        ),
    ],
    ids=[
        "of another key",
        "no certificate",
        "no key",
        "neither",
        "swapped",
        "other curve",
        "expired",
        "issuer not valid yet",
    ],
)
async def test_identity_that_does_not_fit_is_refused(
    hass: HomeAssistant,
    hub: Hub,
    entry: Lwm2mConfigEntry,
    certificates: str,
    private_key: str,
    errors: dict[str, str],
) -> None:
    before = identity_of(entry).chain
    form = await open_options(hass, entry, "import_identity")
    result = await hass.config_entries.options.async_configure(
        form["flow_id"], {"certificates": certificates, "private_key": private_key}
    )
    assert result["errors"] == errors
    assert identity_of(entry).chain == before


async def test_day_on_which_a_certificate_expired_is_told(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    expired = certify(KEY, days=(-9, -2))
    form = await open_options(hass, entry, "import_identity")
    result = await hass.config_entries.options.async_configure(
        form["flow_id"],
        {
            "certificates": pem("CERTIFICATE", expired),
            "private_key": pem("PRIVATE KEY", private_der(KEY)),
        },
    )
    end = x509.load_der_x509_certificate(expired).not_valid_after_utc
    assert result["description_placeholders"] == {"date": f"{end:%Y-%m-%d}"}


@pytest.mark.parametrize("field", ["private_key", "certificates"])
async def test_private_key_is_not_offered_again(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, field: str
) -> None:
    """Not even where it was pasted into the wrong field."""
    form = await open_options(hass, entry, "import_identity")
    key = pem("PRIVATE KEY", private_der(KEY))
    result = await hass.config_entries.options.async_configure(
        form["flow_id"], {"certificates": "wrong", "private_key": "wrong", field: key}
    )
    schema = result["data_schema"]
    assert schema is not None
    assert "PRIVATE KEY" not in str([key.description for key in schema.schema])


async def test_new_identity_is_made_on_demand(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    before = identity_of(entry).public_key
    form = await open_options(hass, entry, "new_identity")
    await hass.config_entries.options.async_configure(form["flow_id"], {})
    assert identity_of(entry).public_key != before


# Ports


async def test_both_ports_are_opened(hass: HomeAssistant, unused_udp_port_factory: Any) -> None:
    ports = {CONF_PORT: unused_udp_port_factory(), CONF_COAPS_PORT: unused_udp_port_factory()}
    result = await add_server(hass, host=LOOPBACK, **ports)
    assert result["result"].runtime_data.server.ports == {
        Scheme.COAP: ports[CONF_PORT],
        Scheme.COAPS: ports[CONF_COAPS_PORT],
    }


async def test_plain_coap_can_be_left_out(hass: HomeAssistant, unused_udp_port: int) -> None:
    result = await add_server(hass, host=LOOPBACK, coaps_port=unused_udp_port)
    assert result["result"].runtime_data.server.ports == {Scheme.COAPS: unused_udp_port}
    assert result["result"].unique_id == f"{LOOPBACK}:{unused_udp_port}"


async def test_a_server_needs_a_port(hass: HomeAssistant) -> None:
    result = await add_server(hass, host=LOOPBACK)
    assert result["errors"] == {"base": "no_port"}


async def test_ports_must_differ(hass: HomeAssistant, unused_udp_port: int) -> None:
    result = await add_server(hass, host=LOOPBACK, port=unused_udp_port, coaps_port=unused_udp_port)
    assert result["errors"] == {CONF_COAPS_PORT: "same_port"}


async def test_the_port_that_is_in_use_is_named(
    hass: HomeAssistant, unused_udp_port: int, held_port: int
) -> None:
    result = await add_server(hass, host=LOOPBACK, port=unused_udp_port, coaps_port=held_port)
    assert result["errors"] == {CONF_COAPS_PORT: "port_in_use"}


async def test_issue_names_the_port_that_is_in_use(
    hass: HomeAssistant, unused_udp_port: int, held_port: int
) -> None:
    entry = MockConfigEntry(
        domain=DOMAIN,
        data={CONF_HOST: LOOPBACK, CONF_PORT: unused_udp_port, CONF_COAPS_PORT: held_port},
        minor_version=2,
    )
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"port_in_use_{entry.entry_id}")
    assert issue
    assert issue.translation_placeholders
    assert issue.translation_placeholders["port"] == str(held_port)
    assert issue.translation_placeholders["scheme"] == "coaps"
    assert entry.reason == f"UDP port {held_port} is in use by another program"


async def test_a_tcp_port_is_without_encryption_too(hass: HomeAssistant) -> None:
    entry = MockConfigEntry(
        domain=DOMAIN,
        data={CONF_HOST: LOOPBACK, CONF_COAPS_PORT: 5684, CONF_TCP_PORT: 5683},
        options={CONF_ACCEPT_NEW_DEVICES: AcceptNewDevices.AT_ONCE},
    )
    assert exposure_of(entry) is Exposure.OPEN


async def test_all_ports_without_encryption_are_turned_off_at_once(
    hass: HomeAssistant, hub: Hub, entry: MockConfigEntry
) -> None:
    data = {**entry.data, CONF_TCP_PORT: 0}
    hass.config_entries.async_update_entry(entry, data=data)
    repair = TurnPlainCoapOff(entry)
    repair.hass = hass
    await repair.async_repair()
    await hass.async_block_till_done()
    assert entry.runtime_data.server.ports.keys() == {Scheme.COAPS}


async def test_plain_coap_is_turned_off(
    hass: HomeAssistant, hub: Hub, entry: MockConfigEntry, unused_udp_port: int
) -> None:
    identity = identity_of(entry).chain
    await reconfigure(hass, entry, host=LOOPBACK, coaps_port=unused_udp_port)
    assert entry.runtime_data.server.ports == {Scheme.COAPS: unused_udp_port}
    assert identity_of(entry).chain == identity


async def test_port_that_secured_devices_need_stays(
    hass: HomeAssistant, secured: ConfigSubentry, entry: MockConfigEntry, unused_udp_port: int
) -> None:
    result = await reconfigure(hass, entry, host=LOOPBACK, port=unused_udp_port)
    assert result["errors"] == {CONF_COAPS_PORT: "coaps_needed"}


async def test_port_that_plain_devices_need_is_turned_off_when_sent_twice(
    hass: HomeAssistant,
    hub: Hub,
    secured: ConfigSubentry,
    entry: MockConfigEntry,
    unused_udp_port: int,
) -> None:
    hub.async_approve("shed-board")
    hub.async_approve("cellar-board")
    await settle(hass)
    warned = await reconfigure(hass, entry, host=LOOPBACK, coaps_port=unused_udp_port)
    assert warned["errors"] == {CONF_PORT: "coap_needed"}
    shown = warned["description_placeholders"]
    assert shown is not None
    assert (shown["count"], shown["devices"]) == ("2", "cellar-board, shed-board")
    assert CONF_PORT in entry.data

    result = await hass.config_entries.flow.async_configure(
        warned["flow_id"],
        {CONF_NAME: entry.title, **folded({CONF_HOST: LOOPBACK, CONF_COAPS_PORT: unused_udp_port})},
    )
    await settle(hass)
    assert result["reason"] == "reconfigure_successful"
    assert entry.runtime_data.server.ports == {Scheme.COAPS: unused_udp_port}


# Data of before


def old_entry(hass: HomeAssistant, port: int) -> MockConfigEntry:
    """Return a server of before there was encryption."""
    entry = MockConfigEntry(
        domain=DOMAIN, data={CONF_HOST: LOOPBACK, CONF_PORT: port}, version=1, minor_version=1
    )
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
def port_before_a_held_one(unused_udp_port_factory: Callable[[], int]) -> Any:
    """A free port whose next one another program holds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        while True:
            port = unused_udp_port_factory()
            try:
                sock.bind((LOOPBACK, port + 1))
            except OSError:
                continue
            yield port
            return


async def test_old_server_gets_encryption_on_the_next_port(
    hass: HomeAssistant, unused_udp_port: int
) -> None:
    entry = old_entry(hass, unused_udp_port)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert entry.minor_version == 2
    assert entry.data[CONF_PORT] == unused_udp_port
    assert entry.data[CONF_COAPS_PORT] == unused_udp_port + 1


async def test_old_server_starts_also_where_the_next_port_is_taken(
    hass: HomeAssistant, port_before_a_held_one: int
) -> None:
    entry = old_entry(hass, port_before_a_held_one)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert entry.runtime_data.server.ports == {Scheme.COAP: port_before_a_held_one}


async def test_old_servers_on_neighbouring_ports_keep_them(
    hass: HomeAssistant, unused_udp_port: int
) -> None:
    first, second = old_entry(hass, unused_udp_port), old_entry(hass, unused_udp_port + 1)
    assert await hass.config_entries.async_setup(first.entry_id)
    await settle(hass)
    assert CONF_COAPS_PORT not in first.data
    assert second.state is ConfigEntryState.LOADED


async def test_data_of_a_later_version_are_left_alone(
    hass: HomeAssistant, unused_udp_port: int
) -> None:
    entry = MockConfigEntry(
        domain=DOMAIN, data={CONF_HOST: LOOPBACK, CONF_PORT: unused_udp_port}, version=2
    )
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.MIGRATION_ERROR
