"""Setting up, unloading and removing a server."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryState
from homeassistant.const import CONF_HOST, CONF_PORT, EVENT_HOMEASSISTANT_STOP
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.lwm2m.address import CONF_TCP_PORT
from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.coap.selftest import IncompatibleLibrary

from .conftest import ENDPOINT, LOOPBACK, TEMPERATURE, RunBoard, is_free, settle, state_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path as FilePath

    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.typing import WebSocketGenerator

    from simulator.board import Board

NEEDS_HTTP = pytest.mark.filterwarnings(
    # Home Assistant's own http integration keeps its state the old way.
    "ignore::aiohttp.web_exceptions.NotAppKeyWarning"
)
VALVE = """<LWM2M><Object ObjectType="MODefinition">
  <Name>Valve</Name><ObjectID>33000</ObjectID><LWM2MVersion>1.0</LWM2MVersion>
  <ObjectVersion>1.0</ObjectVersion><MultipleInstances>Multiple</MultipleInstances>
  <Mandatory>Optional</Mandatory>
  <Resources><Item ID="1"><Name>Opening</Name><Operations>RW</Operations>
    <MultipleInstances>Single</MultipleInstances><Mandatory>Mandatory</Mandatory>
    <Type>Float</Type><RangeEnumeration/><Units>%</Units></Item></Resources>
</Object></LWM2M>"""


@pytest.fixture
def neighbour() -> Iterator[socket.socket]:
    """Another program's socket on a UDP port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, 0))
        yield sock


@pytest.fixture
def blocked_entry(hass: HomeAssistant, neighbour: socket.socket) -> Lwm2mConfigEntry:
    """A server whose port another program holds."""
    port = neighbour.getsockname()[1]
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Greenhouse",
        data={CONF_HOST: LOOPBACK, CONF_PORT: port},
        minor_version=2,
    )
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
def models_folder(hass: HomeAssistant, tmp_path: FilePath) -> FilePath:
    """The folder of the user's own object definitions, in a configuration folder of its own."""
    hass.config.config_dir = str(tmp_path)
    folder = tmp_path / "lwm2m" / "models"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def models_file(models_folder: FilePath) -> FilePath:
    """A file where the folder of object definitions should be."""
    models_folder.rmdir()
    models_folder.write_text("not a folder")
    return models_folder


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return the integration's issues by their ID."""
    return {
        issue_id: issue
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
    }


# Sockets


async def test_server_listens_while_loaded(hub: Hub) -> None:
    """A loaded entry holds its port."""
    assert not is_free(hub.server.ports[Scheme.COAP])


async def test_unload_frees_the_port(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, board: Board
) -> None:
    """An unloaded entry holds nothing, also with a device that is observed."""
    port = hub.server.ports[Scheme.COAP]
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert is_free(port)


async def test_stop_frees_the_port(hass: HomeAssistant, hub: Hub) -> None:
    """The server goes with Home Assistant."""
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await settle(hass)
    assert is_free(hub.server.ports[Scheme.COAP])


async def test_reload_lets_devices_in_again(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, board: Board, run_board: RunBoard
) -> None:
    """After a reload a device registers anew and its entities live again."""
    await board.stop(deregister=False)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await run_board()
    assert state_at(hass, TEMPERATURE) == "21.5"


async def test_failing_platform_leaves_no_socket(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was opened is closed when the set-up fails later on."""
    hubs: list[Hub] = []

    async def fail(entry: Lwm2mConfigEntry, platforms: object) -> None:
        hubs.append(entry.runtime_data)
        raise RuntimeError

    monkeypatch.setattr(hass.config_entries, "async_forward_entry_setups", fail)
    await async_setup_component(hass, DOMAIN, {})
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert is_free(hubs[0].server.ports[Scheme.COAP])


# A port that cannot be had


async def test_port_in_use_is_tried_again(
    hass: HomeAssistant, blocked_entry: Lwm2mConfigEntry
) -> None:
    """The set-up is retried, and the reason names the port."""
    await async_setup_component(hass, DOMAIN, {})
    assert blocked_entry.state is ConfigEntryState.SETUP_RETRY
    assert blocked_entry.reason == (
        f"UDP port {blocked_entry.data[CONF_PORT]} is in use by another program"
    )


async def test_port_in_use_is_an_issue(
    hass: HomeAssistant, blocked_entry: Lwm2mConfigEntry
) -> None:
    """The owner is told."""
    await async_setup_component(hass, DOMAIN, {})
    (issue,) = issues(hass).values()
    assert issue.translation_key == "port_in_use"
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["port"] == str(blocked_entry.data[CONF_PORT])


async def test_port_in_use_names_shelly_where_it_is_loaded(
    hass: HomeAssistant, blocked_entry: Lwm2mConfigEntry
) -> None:
    """Shelly's listener is the likely cause."""
    hass.config.components.add("shelly")
    await async_setup_component(hass, DOMAIN, {})
    (issue,) = issues(hass).values()
    assert issue.translation_key == "port_in_use_shelly"


async def test_issue_goes_when_the_port_is_free(
    hass: HomeAssistant, blocked_entry: Lwm2mConfigEntry, neighbour: socket.socket
) -> None:
    """The next set-up that succeeds solves the issue."""
    await async_setup_component(hass, DOMAIN, {})
    neighbour.close()
    await hass.config_entries.async_reload(blocked_entry.entry_id)
    assert not issues(hass)


async def test_issue_goes_with_the_entry(
    hass: HomeAssistant, blocked_entry: Lwm2mConfigEntry
) -> None:
    """Removing the server solves the issue too."""
    await async_setup_component(hass, DOMAIN, {})
    await hass.config_entries.async_remove(blocked_entry.entry_id)
    assert not issues(hass)


async def test_tcp_port_in_use_is_named_as_such(hass: HomeAssistant) -> None:
    """The same number may be free for UDP; and Shelly has nothing to do with TCP."""
    hass.config.components.add("shelly")
    with socket.create_server((LOOPBACK, 0)) as neighbour:
        port = neighbour.getsockname()[1]
        entry = MockConfigEntry(
            domain=DOMAIN,
            data={CONF_HOST: LOOPBACK, CONF_PORT: 0, CONF_TCP_PORT: port},
            minor_version=2,
        )
        entry.add_to_hass(hass)
        await async_setup_component(hass, DOMAIN, {})
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason == f"TCP port {port} is in use by another program"
    (issue,) = issues(hass).values()
    assert issue.translation_key == "port_in_use"


async def test_foreign_address_is_tried_again(hass: HomeAssistant) -> None:
    """An interface may be up later; its address is no port in use."""
    entry = MockConfigEntry(
        domain=DOMAIN, data={CONF_HOST: "192.0.2.1", CONF_PORT: 0}, minor_version=2
    )
    entry.add_to_hass(hass)
    await async_setup_component(hass, DOMAIN, {})
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "host_not_local"
    assert not issues(hass)


async def test_incompatible_aiocoap_is_said(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed library is a failure that names what is missing, and is not retried."""

    async def start(self: Hub) -> None:
        raise IncompatibleLibrary("a hook is gone")

    monkeypatch.setattr(Hub, "async_start", start)
    await async_setup_component(hass, DOMAIN, {})
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.reason is not None
    assert "a hook is gone" in entry.reason


# The user's own object definitions


async def test_own_definition_is_used(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, models_folder: FilePath
) -> None:
    """A file in the folder is a model like those that are shipped."""
    (models_folder / "valve.xml").write_text(VALVE)
    await async_setup_component(hass, DOMAIN, {})
    model = entry.runtime_data.models.get(33000)
    assert model is not None
    assert model.name == "Valve"


async def test_broken_definition_is_an_issue(
    hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    models_folder: FilePath,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The file and its error are named in the log and in an issue."""
    (models_folder / "broken.xml").write_text("<LWM2M>")
    await async_setup_component(hass, DOMAIN, {})
    issue = issues(hass)["broken_model_broken.xml"]
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["file"] == "broken.xml"
    assert issue.translation_placeholders["path"] == str(models_folder / "broken.xml")
    assert issue.translation_placeholders["error"] in caplog.text


async def test_broken_definition_leaves_the_others_in_use(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, models_folder: FilePath
) -> None:
    """One bad file does no harm to the good ones."""
    (models_folder / "broken.xml").write_text("<LWM2M>")
    (models_folder / "valve.xml").write_text(VALVE)
    await async_setup_component(hass, DOMAIN, {})
    assert entry.runtime_data.models.get(33000)


async def test_mended_definition_solves_the_issue(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, models_folder: FilePath
) -> None:
    """A reload reads the folder again."""
    (models_folder / "valve.xml").write_text("<LWM2M>")
    await async_setup_component(hass, DOMAIN, {})
    (models_folder / "valve.xml").write_text(VALVE)
    await hass.config_entries.async_reload(entry.entry_id)
    assert not issues(hass)
    assert entry.runtime_data.models.get(33000)


async def test_folder_that_is_none_is_an_issue(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, models_file: FilePath
) -> None:
    """Definitions that cannot be listed are no reason not to start."""
    await async_setup_component(hass, DOMAIN, {})
    assert entry.state is ConfigEntryState.LOADED
    (issue,) = issues(hass).values()
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["path"] == str(models_file)


# Removing


async def remove_device(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, device_id: str
) -> bool:
    """Press Delete on a device's page; tell whether it was done."""
    await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)
    await client.send_json_auto_id(
        {"type": "config/device_registry/remove", "device_id": device_id}
    )
    response = await client.receive_json()
    return bool(response["success"])


@NEEDS_HTTP
async def test_removing_a_device_removes_its_subentry(
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    hub: Hub,
    entry: Lwm2mConfigEntry,
    device_id: str,
) -> None:
    """The device does not come back by itself."""
    assert await remove_device(hass, hass_ws_client, device_id)
    assert not entry.subentries
    assert not hub.devices


@NEEDS_HTTP
async def test_removed_device_has_to_register_anew(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, hub: Hub, board: Board, device_id: str
) -> None:
    """Its registration ends with it; as a stranger, it is offered again."""
    assert await remove_device(hass, hass_ws_client, device_id)
    assert not hub.server.registrations
    location = board.location
    await board.update()
    await settle(hass)
    assert board.location != location
    assert hub.pending.keys() == {ENDPOINT}


@NEEDS_HTTP
async def test_server_cannot_be_removed_as_a_device(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    """Removing the server is removing the entry."""
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert not await remove_device(hass, hass_ws_client, device.id)


async def test_removing_the_server_forgets_what_it_ignored(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    """Only this server's ignored endpoints go."""
    for unique_id in (f"{entry.entry_id}-{ENDPOINT}", f"other-{ENDPOINT}"):
        MockConfigEntry(domain=DOMAIN, source=SOURCE_IGNORE, unique_id=unique_id).add_to_hass(hass)
    await hass.config_entries.async_remove(entry.entry_id)
    (left,) = hass.config_entries.async_entries(DOMAIN)
    assert left.unique_id == f"other-{ENDPOINT}"
