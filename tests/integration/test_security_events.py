"""What the owner learns of those who try to be a device, and of devices that cannot prove it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from aiocoap import CREATED, FORBIDDEN, POST
from homeassistant.components.repairs import DOMAIN as REPAIRS, repairs_flow_manager
from homeassistant.const import CONF_PORT
from homeassistant.core import callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.lwm2m.const import (
    CONF_ACCEPT_NEW_DEVICES,
    DOMAIN,
    EVENT_SECURITY,
    AcceptNewDevices,
)
from custom_components.lwm2m.logbook import (
    SECURITY_MESSAGES,
    async_describe_events,
    security_message,
)
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.security import (
    PreSharedKey,
    SecurityEventType,
)
from tests.protocol.conftest import Device
from tests.protocol.secure_device import SecureDevice, psk_options, secure_device

from .conftest import LOOPBACK, settle
from .owner import ENDPOINT, KEY, PSK, DeviceFlow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from homeassistant.config_entries import ConfigSubentry
    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry

WRONG = PreSharedKey(PSK.identity, bytes(16))
STRANGER = PreSharedKey(b"stranger", KEY)
LINKS = b"</1/0>"

# Home Assistant's own http integration, which repairs need, keeps its state the old way.
pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")

type Connect = Callable[[PreSharedKey], Awaitable[SecureDevice]]


@pytest.fixture
async def connect(hass: HomeAssistant, hub: Hub) -> AsyncIterator[Connect]:
    """Connect with a key, and wait until the hub has taken in how that ended."""
    async with AsyncExitStack() as stack:

        async def connect(psk: PreSharedKey) -> SecureDevice:
            peer = await stack.enter_async_context(
                secure_device(hub.server, None, **psk_options(psk))
            )
            peer.transmit(peer.client.hello())
            while not peer.client.established and not peer.client.alerts:
                await peer.happening()
            await hass.async_block_till_done()
            return peer

        yield connect


async def register(hass: HomeAssistant, peer: Device, endpoint: str = ENDPOINT) -> Any:
    """Register, and return the response's code."""
    response = await peer.request(
        POST, "rd", uri_query=(f"ep={endpoint}",), content_format=40, payload=LINKS
    )
    await hass.async_block_till_done()
    return response.code


def incident_of(hass: HomeAssistant, entry: Lwm2mConfigEntry) -> Any:
    """Return the attributes of the last incident."""
    entity_id = er.async_get(hass).async_get_entity_id(
        "event", DOMAIN, f"{entry.entry_id}-security"
    )
    state = hass.states.get(entity_id) if entity_id else None
    return state.attributes if state else None


def issue_about(hass: HomeAssistant, start: str) -> ir.IssueEntry | None:
    """Return the issue whose ID begins so."""
    return next(
        (
            issue
            for (domain, issue_id), issue in ir.async_get(hass).issues.items()
            if domain == DOMAIN and issue_id.startswith(start)
        ),
        None,
    )


async def fix(hass: HomeAssistant, issue: ir.IssueEntry) -> Any:
    """Go through the fix flow of an issue, and confirm it."""
    assert await async_setup_component(hass, REPAIRS, {})
    manager = repairs_flow_manager(hass)
    assert manager
    form = await manager.async_init(DOMAIN, data={"issue_id": issue.issue_id})
    assert form["step_id"] == "confirm"
    result = await manager.async_configure(form["flow_id"], {})
    await settle(hass)
    return result


# Who gets in


async def test_device_with_its_key_registers(
    hass: HomeAssistant, hub: Hub, secured: ConfigSubentry, connect: Connect
) -> None:
    peer = await connect(PSK)
    assert await register(hass, peer) == CREATED
    assert hub.devices[ENDPOINT].available


async def test_new_key_ends_the_session_at_once(
    hass: HomeAssistant, hub: Hub, secured: ConfigSubentry, connect: Connect, flow: DeviceFlow
) -> None:
    peer = await connect(PSK)
    await register(hass, peer)

    await flow.change("rotate")
    await flow.send()
    await flow.choose("save")
    await hass.async_block_till_done()

    assert not hub.devices[ENDPOINT].available
    await peer.alert()


async def test_deleting_the_device_ends_the_session_at_once(
    hass: HomeAssistant,
    hub: Hub,
    entry: Lwm2mConfigEntry,
    secured: ConfigSubentry,
    connect: Connect,
) -> None:
    peer = await connect(PSK)
    await register(hass, peer)

    hass.config_entries.async_remove_subentry(entry, secured.subentry_id)
    await hass.async_block_till_done()

    assert ENDPOINT not in hub.server.registrations
    await peer.alert()


# Events


async def test_wrong_key_is_an_event_of_the_server(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, secured: ConfigSubentry, connect: Connect
) -> None:
    await connect(WRONG)
    attributes = incident_of(hass, entry)
    assert attributes["event_type"] == SecurityEventType.WRONG_KEY
    assert attributes["endpoint"] == ENDPOINT
    assert attributes["source"] == LOOPBACK
    assert attributes["claimed"] == "kitchen"
    assert attributes["count"] == 1


async def test_stranger_is_an_event_about_no_device(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, secured: ConfigSubentry, connect: Connect
) -> None:
    await connect(STRANGER)
    attributes = incident_of(hass, entry)
    assert attributes["event_type"] == SecurityEventType.UNKNOWN_IDENTITY
    assert attributes["endpoint"] is None
    assert attributes["claimed"] == "stranger"


async def test_log_says_what_a_stranger_claimed(
    secured: ConfigSubentry, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    await connect(STRANGER)
    assert f'unknown_identity from {LOOPBACK}, who claims to be "stranger"' in caplog.text
    assert ", about" not in caplog.text


async def test_log_says_which_device_is_meant(
    secured: ConfigSubentry, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    await connect(WRONG)
    assert f'from {LOOPBACK}, who claims to be "kitchen", about {ENDPOINT}' in caplog.text


async def test_endpoint_of_another_is_an_event(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, secured: ConfigSubentry, connect: Connect
) -> None:
    peer = await connect(PSK)
    assert await register(hass, peer, "cellar-board") == FORBIDDEN
    attributes = incident_of(hass, entry)
    assert attributes["event_type"] == SecurityEventType.ENDPOINT_MISMATCH
    assert attributes["claimed"] == "cellar-board"


async def test_secured_device_in_plain_text_is_an_event(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, secured: ConfigSubentry
) -> None:
    server = (LOOPBACK, hub.server.ports[Scheme.COAP])
    _, peer = await hass.loop.create_datagram_endpoint(
        lambda: Device(server), local_addr=(LOOPBACK, 0)
    )
    assert await register(hass, peer) == FORBIDDEN
    peer.close()
    attributes = incident_of(hass, entry)
    assert attributes["event_type"] == SecurityEventType.PLAINTEXT_ATTEMPT
    assert attributes["endpoint"] == ENDPOINT


async def test_event_on_the_bus_is_that_of_the_device(
    hass: HomeAssistant,
    hub: Hub,
    entry: Lwm2mConfigEntry,
    secured: ConfigSubentry,
    connect: Connect,
) -> None:
    events = async_capture_events(hass, EVENT_SECURITY)
    await connect(WRONG)
    await connect(STRANGER)
    server = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, entry.entry_id), entry.entry_id
    )
    assert server
    assert [(event.data["type"], event.data["device_id"]) for event in events] == [
        ("wrong_key", hub.devices[ENDPOINT].id),
        ("unknown_identity", server.id),
    ]


# Activity


def test_every_type_has_a_message() -> None:
    assert SECURITY_MESSAGES.keys() == set(SecurityEventType)


async def test_activity_says_who_did_what(
    hass: HomeAssistant, secured: ConfigSubentry, connect: Connect
) -> None:
    described: dict[str, Callable[[Any], dict[str, str]]] = {}

    @callback
    def describe(domain: str, event: Any, function: Any) -> None:
        described[str(event)] = function

    async_describe_events(hass, describe)
    events = async_capture_events(hass, EVENT_SECURITY)
    await connect(WRONG)
    assert described[EVENT_SECURITY](events[0]) == {
        "name": ENDPOINT,
        "message": f"could not prove who it is: wrong key or certificate "
        f'(from {LOOPBACK}, as "kitchen", key is another one)',
    }


def test_message_says_how_often() -> None:
    data = {
        "type": "flood",
        "source": "192.0.2.1",
        "claimed": None,
        "endpoint": None,
        "count": 8,
        "detail": None,
    }
    assert security_message(data) == "was flooded with connections (from 192.0.2.1, 8 times)"


def test_message_says_what_a_source_called_itself_last_and_what_was_wrong() -> None:
    data = {
        "type": "unknown_identity",
        "source": "192.0.2.1",
        "claimed": "nobody",
        "endpoint": None,
        "count": 2,
        "detail": "certificate has expired",
    }
    assert security_message(data) == (
        "turned an unknown device away "
        '(from 192.0.2.1, 2 times, last as "nobody", certificate has expired)'
    )


# A credential that stopped working


async def reject(connect: Connect, times: int) -> None:
    """Have the device show a wrong key so many times."""
    for _ in range(times):
        await connect(WRONG)


async def test_wrong_key_again_and_again_is_an_issue(
    hass: HomeAssistant, secured: ConfigSubentry, connect: Connect
) -> None:
    await reject(connect, 2)
    assert issue_about(hass, "credential_rejected") is None
    await reject(connect, 2)
    issue = issue_about(hass, "credential_rejected")
    assert issue
    assert issue.translation_placeholders == {
        "name": ENDPOINT,
        "source": LOOPBACK,
        "times": "4",
    }


async def test_issue_goes_when_the_device_gets_in(
    hass: HomeAssistant, secured: ConfigSubentry, connect: Connect
) -> None:
    await reject(connect, 4)
    await register(hass, await connect(PSK))
    assert issue_about(hass, "credential_rejected") is None


async def test_wrong_keys_between_right_ones_are_no_issue(
    hass: HomeAssistant, secured: ConfigSubentry, connect: Connect
) -> None:
    for _ in range(3):
        await reject(connect, 2)
        await register(hass, await connect(PSK))
    assert issue_about(hass, "credential_rejected") is None


@pytest.mark.parametrize(("source", "told"), [(LOOPBACK, True), ("192.0.2.1", False)])
async def test_others_that_claim_to_be_a_device_that_is_in_are_no_issue(
    hass: HomeAssistant,
    hub: Hub,
    secured: ConfigSubentry,
    connect: Connect,
    source: str,
    told: bool,
) -> None:
    """It is registered from where its own key was shown."""
    await register(hass, await connect(PSK))
    for _ in range(4):
        hub.server.security.report(SecurityEventType.WRONG_KEY, source, endpoint=ENDPOINT)
    await hass.async_block_till_done()
    assert (issue_about(hass, "credential_rejected") is not None) is told


async def test_issue_of_before_a_reload_goes_when_the_device_gets_in(
    hass: HomeAssistant,
    hub: Hub,
    entry: Lwm2mConfigEntry,
    secured: ConfigSubentry,
    connect: Connect,
) -> None:
    await reject(connect, 4)
    assert await hass.config_entries.async_reload(entry.entry_id)
    async with secure_device(entry.runtime_data.server, PSK) as peer:
        await register(hass, peer)
    assert issue_about(hass, "credential_rejected") is None


async def test_issue_is_known_by_no_endpoint_name(
    hass: HomeAssistant, secured: ConfigSubentry, connect: Connect
) -> None:
    """Diagnostics have the IDs of issues in them."""
    await reject(connect, 4)
    issue = issue_about(hass, "credential_rejected")
    assert issue
    assert ENDPOINT not in issue.issue_id


async def test_fix_leads_to_a_new_key(
    hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    secured: ConfigSubentry,
    connect: Connect,
    hub: Hub,
) -> None:
    await reject(connect, 4)
    issue = issue_about(hass, "credential_rejected")
    assert issue
    result = await fix(hass, issue)
    flow_type, flow_id = result["next_flow"]
    assert flow_type == "config_subentries_flow"
    flows = hass.config_entries.subentries
    assert (await flows.async_configure(flow_id))["step_id"] == "rotate"
    await flows.async_configure(flow_id, {})
    assert issue_about(hass, "credential_rejected"), "nothing has been saved yet"
    await flows.async_configure(flow_id, {"next_step_id": "save"})
    await settle(hass)
    assert hub.server.credentials.psk(PSK.identity) != KEY
    assert issue_about(hass, "credential_rejected") is None


async def test_issue_goes_with_the_device(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, secured: ConfigSubentry, connect: Connect
) -> None:
    await reject(connect, 4)
    hass.config_entries.async_remove_subentry(entry, secured.subentry_id)
    await settle(hass)
    assert issue_about(hass, "credential_rejected") is None


async def test_issue_of_a_device_that_is_gone_can_be_closed(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, secured: ConfigSubentry, connect: Connect
) -> None:
    await reject(connect, 4)
    issue = issue_about(hass, "credential_rejected")
    assert issue
    assert await async_setup_component(hass, REPAIRS, {})
    manager = repairs_flow_manager(hass)
    assert manager
    form = await manager.async_init(DOMAIN, data={"issue_id": issue.issue_id})
    hass.config_entries.async_remove_subentry(entry, secured.subentry_id)
    result = await manager.async_configure(form["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "next_flow" not in result


# A port without encryption


async def test_accepting_at_once_is_an_issue(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    options = {CONF_ACCEPT_NEW_DEVICES: AcceptNewDevices.AT_ONCE}
    hass.config_entries.async_update_entry(entry, options=options)
    await settle(hass)
    issue = issue_about(hass, "plain_coap_open")
    assert issue

    await fix(hass, issue)
    assert entry.options[CONF_ACCEPT_NEW_DEVICES] == AcceptNewDevices.AFTER_APPROVAL
    assert issue_about(hass, "plain_coap_open") is None
    assert entry.runtime_data is hub


async def test_server_without_devices_is_no_issue(hass: HomeAssistant, hub: Hub) -> None:
    assert not ir.async_get(hass).issues


async def test_plain_port_for_secured_devices_alone_is_an_issue(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, secured: ConfigSubentry
) -> None:
    issue = issue_about(hass, "plain_coap_unused")
    assert issue

    await fix(hass, issue)
    assert CONF_PORT not in entry.data
    assert entry.runtime_data.server.ports.keys() == {Scheme.COAPS}
    assert issue_about(hass, "plain_coap_unused") is None


async def test_plain_port_with_a_plain_device_is_no_issue(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, secured: ConfigSubentry
) -> None:
    hub.async_approve("cellar-board")
    await settle(hass)
    assert issue_about(hass, "plain_coap_unused") is None


async def test_issues_go_with_the_server(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, secured: ConfigSubentry
) -> None:
    await hass.config_entries.async_remove(entry.entry_id)
    assert not ir.async_get(hass).issues
