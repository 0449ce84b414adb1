"""The flows that the owner goes through."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import (
    SOURCE_INTEGRATION_DISCOVERY,
    SOURCE_USER,
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.const import ATTR_AREA_ID, CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import area_registry as ar, device_registry as dr
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.lwm2m import config_flow
from custom_components.lwm2m.address import (
    CONF_COAPS_PORT,
    CONF_TCP_PORT,
    CONF_TLS_PORT,
    address_of,
)
from custom_components.lwm2m.config_flow import SECTION_MORE_OPTIONS
from custom_components.lwm2m.const import (
    CONF_ACCEPT_NEW_DEVICES,
    CONF_ENDPOINT,
    DOMAIN,
    SUBENTRY_TYPE_DEVICE,
    AcceptNewDevices,
)
from custom_components.lwm2m.credentials import CONF_SECURITY, SecurityMode
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.path import Path

from .conftest import ENDPOINT, LOOPBACK, TEMPERATURE, RunBoard, cards, settle, state_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry

TCP_PORTS = (CONF_TLS_PORT, CONF_TCP_PORT)


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A UDP port that another program holds on 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, 0))
        yield sock.getsockname()[1]


@pytest.fixture
def taken_tcp_port() -> Iterator[int]:
    """A TCP port that another program listens on."""
    with socket.create_server((LOOPBACK, 0)) as sock:
        yield sock.getsockname()[1]


@pytest.fixture
def taken_ipv6_port() -> Iterator[int]:
    """A UDP port that another program holds on ::1."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind(("::1", 0))
        yield sock.getsockname()[1]


def folded(user_input: dict[str, Any]) -> dict[str, Any]:
    """Put the fields of the section there."""
    more = {key: user_input.pop(key) for key in (CONF_HOST, *TCP_PORTS) if key in user_input}
    return {**user_input, SECTION_MORE_OPTIONS: more}


def suggested(result: ConfigFlowResult) -> dict[str, Any]:
    """Return what a form for a server suggests."""
    schema = result["data_schema"]
    assert schema is not None
    fields = dict(schema.schema)
    more = fields.pop(SECTION_MORE_OPTIONS).schema.schema
    return {
        str(key): key.description["suggested_value"] for key in (*fields, *more) if key.description
    }


async def add_server(hass: HomeAssistant, **user_input: Any) -> ConfigFlowResult:
    """Open the form for a new server and send it."""
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {CONF_NAME: "Greenhouse", **folded(user_input)}
    )


async def reconfigure(
    hass: HomeAssistant, entry: MockConfigEntry, **user_input: Any
) -> ConfigFlowResult:
    """Open the form for a server that is there and send it."""
    result = await entry.start_reconfigure_flow(hass)
    assert result["type"] is FlowResultType.FORM
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], {CONF_NAME: entry.title, **folded(user_input)}
    )
    await settle(hass)
    return result


async def open_card(hass: HomeAssistant) -> ConfigFlowResult:
    """Open the dialog of the only discovery card."""
    (card,) = cards(hass)
    return await hass.config_entries.flow.async_configure(card["flow_id"])


async def add_by_name(hass: HomeAssistant, entry: Lwm2mConfigEntry, endpoint: str) -> Any:
    """Open the form for a device and send it, without security."""
    flows = hass.config_entries.subentries
    result = await flows.async_init(
        (entry.entry_id, SUBENTRY_TYPE_DEVICE), context={"source": SOURCE_USER}
    )
    assert result["type"] is FlowResultType.FORM
    result = await flows.async_configure(
        result["flow_id"], {CONF_ENDPOINT: endpoint, CONF_SECURITY: SecurityMode.NONE}
    )
    if result["type"] is FlowResultType.MENU:
        result = await flows.async_configure(result["flow_id"], {"next_step_id": "save"})
    return result


# A new server


async def test_form_suggests_the_usual_ports(hass: HomeAssistant) -> None:
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert suggested(result) == {CONF_NAME: "LwM2M", CONF_PORT: 5683, CONF_COAPS_PORT: 5684}
    assert result["errors"] == {}


async def test_server_is_added(hass: HomeAssistant, unused_udp_port: int) -> None:
    result = await add_server(hass, host=LOOPBACK, port=unused_udp_port)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Greenhouse"
    assert result["data"] == {CONF_HOST: LOOPBACK, CONF_PORT: unused_udp_port}
    assert result["result"].unique_id == f"{LOOPBACK}:{unused_udp_port}"
    assert result["result"].state is ConfigEntryState.LOADED


async def test_no_host_is_all_interfaces(hass: HomeAssistant, unused_udp_port: int) -> None:
    result = await add_server(hass, port=unused_udp_port)
    assert result["data"] == {CONF_HOST: "", CONF_PORT: unused_udp_port}
    assert result["result"].unique_id == f"*:{unused_udp_port}"


async def test_ipv6_address_may_stand_in_brackets(
    hass: HomeAssistant, unused_udp_port: int
) -> None:
    result = await add_server(hass, host=" [::1] ", port=unused_udp_port)
    assert result["data"][CONF_HOST] == "::1"


async def test_port_in_use(hass: HomeAssistant, taken_port: int, unused_udp_port: int) -> None:
    result = await add_server(hass, host=LOOPBACK, port=taken_port)
    assert result["errors"] == {CONF_PORT: "port_in_use"}
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], {CONF_NAME: "Greenhouse", **folded({CONF_PORT: unused_udp_port})}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_server_with_a_tcp_port(
    hass: HomeAssistant, unused_udp_port: int, unused_tcp_port: int
) -> None:
    result = await add_server(hass, host=LOOPBACK, port=unused_udp_port, tcp_port=unused_tcp_port)
    assert result["data"] == {
        CONF_HOST: LOOPBACK,
        CONF_PORT: unused_udp_port,
        CONF_TCP_PORT: unused_tcp_port,
    }
    assert result["result"].runtime_data.server.ports == {
        Scheme.COAP: unused_udp_port,
        Scheme.COAP_TCP: unused_tcp_port,
    }


async def test_server_with_a_port_for_tls(
    hass: HomeAssistant, unused_udp_port: int, unused_tcp_port: int
) -> None:
    result = await add_server(hass, host=LOOPBACK, port=unused_udp_port, tls_port=unused_tcp_port)
    assert result["result"].runtime_data.server.ports == {
        Scheme.COAP: unused_udp_port,
        Scheme.COAPS_TCP: unused_tcp_port,
    }


async def test_two_tcp_ports_differ(hass: HomeAssistant, unused_tcp_port: int) -> None:
    result = await add_server(
        hass, host=LOOPBACK, tcp_port=unused_tcp_port, tls_port=unused_tcp_port
    )
    assert result["errors"] == {SECTION_MORE_OPTIONS: "same_port"}


async def test_one_number_is_a_udp_port_and_a_tcp_port(
    hass: HomeAssistant, unused_udp_port: int
) -> None:
    result = await add_server(hass, host=LOOPBACK, port=unused_udp_port, tcp_port=unused_udp_port)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_tcp_port_in_use(
    hass: HomeAssistant, taken_tcp_port: int, unused_udp_port: int
) -> None:
    hass.config.components.add("shelly")
    result = await add_server(hass, host=LOOPBACK, port=unused_udp_port, tcp_port=taken_tcp_port)
    assert result["errors"] == {SECTION_MORE_OPTIONS: "port_in_use"}
    assert result["description_placeholders"] == {"port": str(taken_tcp_port)}


async def test_a_server_of_tcp_alone_has_an_id_of_its_own(
    hass: HomeAssistant, unused_tcp_port: int
) -> None:
    result = await add_server(hass, host=LOOPBACK, tcp_port=unused_tcp_port)
    assert result["result"].unique_id == f"{LOOPBACK}:{unused_tcp_port}/tcp"


async def test_port_in_use_names_shelly_where_it_is_loaded(
    hass: HomeAssistant, taken_port: int
) -> None:
    hass.config.components.add("shelly")
    result = await add_server(hass, host=LOOPBACK, port=taken_port)
    assert result["errors"] == {CONF_PORT: "port_in_use_shelly"}


@pytest.mark.parametrize("family", ["taken_port", "taken_ipv6_port"])
async def test_port_in_use_on_one_address_of_all(
    hass: HomeAssistant, request: pytest.FixtureRequest, family: str
) -> None:
    result = await add_server(hass, port=request.getfixturevalue(family))
    assert result["errors"] == {CONF_PORT: "port_in_use"}


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
async def test_host_of_another_machine(
    hass: HomeAssistant, host: str, unused_udp_port: int
) -> None:
    result = await add_server(hass, host=host, port=unused_udp_port)
    assert result["errors"] == {SECTION_MORE_OPTIONS: "host_not_local"}


@pytest.mark.parametrize(
    ("error", "errors"),
    [
        (PermissionError(13, "no"), {CONF_PORT: "port_not_allowed"}),
        (OSError(23, "no"), {CONF_PORT: "cannot_listen"}),
        (socket.gaierror(-2, "no"), {SECTION_MORE_OPTIONS: "host_not_local"}),
        (UnicodeError("label too long"), {SECTION_MORE_OPTIONS: "host_not_local"}),
    ],
)
async def test_address_that_cannot_be_bound(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, error: Exception, errors: dict[str, str]
) -> None:
    async def refuse(scheme: Scheme, host: str, port: int) -> socket.socket:
        raise error

    monkeypatch.setattr(config_flow, "async_bind", refuse)
    result = await add_server(hass, host="somewhere", port=5683)
    assert result["errors"] == errors


async def test_same_address_is_not_added_twice(hass: HomeAssistant, unused_udp_port: int) -> None:
    await add_server(hass, host=LOOPBACK, port=unused_udp_port)
    result = await add_server(hass, host=LOOPBACK, port=unused_udp_port)
    assert result["errors"] == {CONF_PORT: "port_in_use_server"}
    assert result["description_placeholders"] == {
        "port": str(unused_udp_port),
        "server": "Greenhouse",
    }


async def test_address_of_a_disabled_server_is_not_added_twice(
    hass: HomeAssistant, unused_udp_port: int
) -> None:
    added = await add_server(hass, host=LOOPBACK, port=unused_udp_port)
    await hass.config_entries.async_set_disabled_by(
        added["result"].entry_id, ConfigEntryDisabler.USER
    )
    result = await add_server(hass, host=LOOPBACK, port=unused_udp_port)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


@pytest.mark.parametrize("port", [0, -1, 65_536])
async def test_number_that_is_no_port(hass: HomeAssistant, port: int) -> None:
    result = await add_server(hass, host=LOOPBACK, port=port)
    assert result["errors"] == {CONF_PORT: "invalid_port"}


async def test_another_server_is_suggested_another_name(
    hass: HomeAssistant, unused_udp_port: int
) -> None:
    await add_server(hass, name="LwM2M", host=LOOPBACK, port=unused_udp_port)
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert suggested(result)[CONF_NAME] == "LwM2M 2"


async def test_name_of_blanks_is_none(hass: HomeAssistant, unused_udp_port: int) -> None:
    result = await add_server(hass, name=" ", host=LOOPBACK, port=unused_udp_port)
    assert result["title"] == "LwM2M"


async def test_more_options_are_unfolded_where_they_are_set(
    hass: HomeAssistant, server: MockConfigEntry
) -> None:
    new = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    there = await server.start_reconfigure_flow(hass)
    schemas = [form["data_schema"] for form in (new, there)]
    assert [
        schema.schema[SECTION_MORE_OPTIONS].options["collapsed"] for schema in schemas if schema
    ] == [True, False]


async def test_second_server_on_another_port(
    hass: HomeAssistant, hub: Hub, unused_udp_port: int
) -> None:
    result = await add_server(hass, host=LOOPBACK, port=unused_udp_port)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].runtime_data.models is hub.models


# Changing a server


@pytest.fixture
async def server(hass: HomeAssistant, unused_udp_port: int) -> MockConfigEntry:
    """A running server with a port of its own."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Greenhouse",
        data={CONF_HOST: LOOPBACK, CONF_PORT: unused_udp_port},
        unique_id=f"{LOOPBACK}:{unused_udp_port}",
        minor_version=2,
    )
    entry.add_to_hass(hass)
    assert await async_setup_component(hass, DOMAIN, {})
    return entry


async def test_form_suggests_what_is_set(hass: HomeAssistant, server: MockConfigEntry) -> None:
    result = await server.start_reconfigure_flow(hass)
    assert suggested(result) == {CONF_NAME: "Greenhouse", **address_of(server.data)}


async def test_renaming_does_not_restart_the_server(
    hass: HomeAssistant, server: MockConfigEntry
) -> None:
    hub = server.runtime_data
    result = await reconfigure(hass, server, **address_of(server.data) | {CONF_NAME: "Shed"})
    assert result["reason"] == "reconfigure_successful"
    assert server.title == "Shed"
    assert server.runtime_data is hub


async def test_server_keeps_its_name_when_that_is_emptied(
    hass: HomeAssistant, server: MockConfigEntry
) -> None:
    await reconfigure(hass, server, **address_of(server.data) | {CONF_NAME: " "})
    assert server.title == "Greenhouse"


async def test_new_port_restarts_the_server(
    hass: HomeAssistant, server: MockConfigEntry, unused_udp_port_factory: Callable[[], int]
) -> None:
    port = unused_udp_port_factory()
    result = await reconfigure(hass, server, host=LOOPBACK, port=port)
    assert result["reason"] == "reconfigure_successful"
    assert server.runtime_data.server.ports[Scheme.COAP] == port
    assert server.unique_id == f"{LOOPBACK}:{port}"


async def test_other_host_on_the_same_port(hass: HomeAssistant, server: MockConfigEntry) -> None:
    await reconfigure(hass, server, port=server.data[CONF_PORT])
    assert address_of(server.data) == {CONF_HOST: "", CONF_PORT: server.data[CONF_PORT]}
    assert server.state is ConfigEntryState.LOADED


async def test_wrong_host_on_the_same_port(hass: HomeAssistant, server: MockConfigEntry) -> None:
    result = await reconfigure(hass, server, host="192.0.2.1", port=server.data[CONF_PORT])
    assert result["errors"] == {SECTION_MORE_OPTIONS: "host_not_local"}
    assert server.state is ConfigEntryState.LOADED


async def test_new_port_that_is_in_use(
    hass: HomeAssistant, server: MockConfigEntry, taken_port: int
) -> None:
    result = await reconfigure(hass, server, host=LOOPBACK, port=taken_port)
    assert result["errors"] == {CONF_PORT: "port_in_use"}


async def test_address_of_another_server(
    hass: HomeAssistant, server: MockConfigEntry, hub: Hub, entry: MockConfigEntry
) -> None:
    result = await reconfigure(hass, entry, **address_of(server.data))
    assert result["errors"] == {CONF_PORT: "port_in_use_server"}


async def test_server_without_its_port_starts_on_another(
    hass: HomeAssistant, taken_port: int, unused_udp_port: int
) -> None:
    entry = MockConfigEntry(
        domain=DOMAIN, data={CONF_HOST: LOOPBACK, CONF_PORT: taken_port}, minor_version=2
    )
    entry.add_to_hass(hass)
    await async_setup_component(hass, DOMAIN, {})
    assert entry.state is ConfigEntryState.SETUP_RETRY
    await reconfigure(hass, entry, host=LOOPBACK, port=unused_udp_port)
    assert entry.state is ConfigEntryState.LOADED


# Options


async def open_options(hass: HomeAssistant, entry: Lwm2mConfigEntry, step: str) -> ConfigFlowResult:
    """Open a step of the options from their menu."""
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    assert menu["type"] is FlowResultType.MENU
    return await hass.config_entries.options.async_configure(
        menu["flow_id"], {"next_step_id": step}
    )


async def choose(hass: HomeAssistant, entry: Lwm2mConfigEntry, choice: AcceptNewDevices) -> None:
    """Set how new devices are accepted."""
    result = await open_options(hass, entry, "new_devices")
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {CONF_ACCEPT_NEW_DEVICES: choice}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)


async def test_approval_is_the_default(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    result = await open_options(hass, entry, "new_devices")
    schema = result["data_schema"]
    assert schema is not None
    (field,) = schema.schema
    assert field.description == {"suggested_value": AcceptNewDevices.AFTER_APPROVAL}


async def test_option_does_not_restart_the_server(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    await choose(hass, entry, AcceptNewDevices.AT_ONCE)
    assert entry.options == {CONF_ACCEPT_NEW_DEVICES: AcceptNewDevices.AT_ONCE}
    assert entry.runtime_data is hub


async def test_accepting_at_once_adds_those_that_wait(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, run_board: RunBoard
) -> None:
    await run_board()
    await run_board(endpoint="cellar-board")
    await choose(hass, entry, AcceptNewDevices.AT_ONCE)
    assert set(hub.devices) == {ENDPOINT, "cellar-board"}
    assert not cards(hass)


# A device that has registered


async def test_card_says_what_registered(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    await run_board()
    result = await open_card(hass)
    assert result["step_id"] == "confirm"
    assert result["description_placeholders"] == {
        "endpoint": ENDPOINT,
        "address": LOOPBACK,
        "objects": "Device (3), BinaryAppDataContainer (19), Temperature (3303),"
        " Light Control (3311) × 2",
    }


async def test_device_is_named_and_put_into_an_area(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    kitchen = ar.async_get(hass).async_create("Kitchen")
    await run_board()
    result = await open_card(hass)
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], {CONF_NAME: "Fridge", ATTR_AREA_ID: kitchen.id}
    )
    assert result["reason"] == "device_added"
    device = dr.async_get(hass).async_get(hub.devices[ENDPOINT].id)
    assert device is not None
    assert (device.name, device.area_id) == ("Fridge", kitchen.id)


async def test_card_names_unknown_objects_by_number(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    board = await run_board()
    board.add(Path(39999, 0), {0: 1})
    await board.updated()
    await settle(hass)
    result = await open_card(hass)
    placeholders = result["description_placeholders"]
    assert placeholders is not None
    assert placeholders["objects"].endswith(", 39999")


async def test_name_of_a_stranger_stays_code(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    await run_board(endpoint="`![](http://example.org)")
    result = await open_card(hass)
    placeholders = result["description_placeholders"]
    assert placeholders is not None
    assert "`" not in placeholders["endpoint"]


async def test_add(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, run_board: RunBoard
) -> None:
    await run_board()
    card = await open_card(hass)
    result = await hass.config_entries.flow.async_configure(card["flow_id"], {})
    await settle(hass)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "device_added")
    (subentry,) = entry.subentries.values()
    assert (subentry.subentry_type, subentry.unique_id, subentry.title) == (
        SUBENTRY_TYPE_DEVICE,
        ENDPOINT,
        ENDPOINT,
    )
    assert state_at(hass, TEMPERATURE) == "21.5"
    assert not cards(hass)


@pytest.mark.parametrize("entry_id", [None, "removed"])
async def test_endpoint_that_is_gone_is_not_offered(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, entry_id: str | None
) -> None:
    result = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_INTEGRATION_DISCOVERY},
        data={"entry_id": entry_id or entry.entry_id, "endpoint": ENDPOINT},
    )
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "not_registered")


# A device by its name


async def test_device_is_added_by_name(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, run_board: RunBoard
) -> None:
    result = await add_by_name(hass, entry, f" {ENDPOINT} ")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await run_board()
    assert state_at(hass, TEMPERATURE) == "21.5"
    assert not cards(hass)


async def test_device_is_not_added_twice(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    await add_by_name(hass, entry, ENDPOINT)
    result = await add_by_name(hass, entry, ENDPOINT)
    assert result["errors"] == {CONF_ENDPOINT: "already_configured"}


@pytest.mark.parametrize("endpoint", ["", " ", "two\nlines", "ü" * 127])
async def test_name_that_no_device_can_have(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, endpoint: str
) -> None:
    result = await add_by_name(hass, entry, endpoint)
    assert result["errors"] == {CONF_ENDPOINT: "invalid_endpoint"}


async def test_longest_name(hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry) -> None:
    result = await add_by_name(hass, entry, "ü" * 126)
    assert result["type"] is FlowResultType.CREATE_ENTRY
