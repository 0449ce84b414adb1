"""Home Assistant with the integration, and boards that talk to it over UDP on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
import random
import socket
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY, ConfigFlowResult
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import Entity
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.lwm2m.address import CONF_COAPS_PORT
from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.credentials import SecurityMode
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.path import Path
from simulator.blueprint import Blueprint
from simulator.board import Board

from .boards import Show, showing
from .owner import ENDPOINT, PSK, DeviceFlow

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigSubentry
    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry
    from simulator.events import Event

LOOPBACK = "127.0.0.1"
TEMPERATURE = Path(3303, 0, 5700)
DIMMER = Path(3311, 0, 5851)
KITCHEN = Blueprint(
    name=ENDPOINT,
    instances={
        Path(3, 0): {0: "Acme", 1: "Thermo", 4: lambda board, path, arguments: None, 16: "U"},
        Path(19, 0): {0: {0: b"\x00", 7: b"\x01"}},
        Path(3303, 0): {5700: 21.5, 5701: "Cel"},
        Path(3311, 0): {5850: False, 5851: 40, 5750: "Ceiling"},
        Path(3311, 1): {5850: True},
    },
)

__all__ = ["ENDPOINT"]

type RunBoard = Callable[..., Awaitable[Board]]
type Call = Callable[..., Awaitable[Any]]


@pytest.fixture
def unused_udp_port_factory() -> Callable[[], int]:
    """Make numbers of ports that are free over UDP and TCP.

    Unlike pytest-asyncio's, none is one that the system gives to whoever asks for any port: a test
    in another process would have it before the server opens it.
    """
    numbers = iter(random.sample(range(10_000, 32_768), 100))

    def unused_port() -> int:
        return next(number for number in numbers if is_free(number))

    return unused_port


def is_free(port: int) -> bool:
    """Tell whether a port of 127.0.0.1 can be bound, over UDP and TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(type=kind) as sock:
            try:
                sock.bind((LOOPBACK, port))
            except OSError:
                return False
    return True


@pytest.fixture
def unused_udp_port(unused_udp_port_factory: Callable[[], int]) -> int:
    """Return a port that is free."""
    return unused_udp_port_factory()


@pytest.fixture
def unused_tcp_port(unused_udp_port_factory: Callable[[], int]) -> int:
    """Return another."""
    return unused_udp_port_factory()


@pytest.fixture(autouse=True)
def _environment(
    enable_custom_integrations: None, socket_enabled: None, hass_storage: dict[str, Any]
) -> None:
    """Let the integration load and its sockets open; keep what it stores in memory."""


@pytest.fixture
async def hass(hass: HomeAssistant) -> AsyncIterator[HomeAssistant]:
    """Home Assistant, which is not stopped amid a set-up.

    Its device_tracker is set up beside the entry, and starts a timer in the end: one that is
    started after the stop is never cancelled.
    """
    yield hass
    await hass.async_block_till_done()


@pytest.fixture
def entry(hass: HomeAssistant) -> Lwm2mConfigEntry:
    """A server on a free port of 127.0.0.1, not set up yet."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Greenhouse",
        data={CONF_HOST: LOOPBACK, CONF_PORT: 0, CONF_COAPS_PORT: 0},
        unique_id=f"{LOOPBACK}:0",
        minor_version=2,
    )
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def hub(hass: HomeAssistant, entry: Lwm2mConfigEntry) -> Hub:
    """A running hub."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    return entry.runtime_data


@pytest.fixture
async def run_board(hass: HomeAssistant, entry: Lwm2mConfigEntry) -> AsyncIterator[RunBoard]:
    """Run boards that register with the hub, and wait until it has taken that in."""
    async with AsyncExitStack() as stack:

        async def run(
            log: list[Event] | None = None, *, settled: bool = True, **settings: Any
        ) -> Board:
            server = (LOOPBACK, entry.runtime_data.server.ports[Scheme.COAP])
            board = Board(KITCHEN, server=server, **settings)
            if log is not None:
                board.events.subscribe(log.append)
            stack.push_async_callback(board.stop, deregister=False)
            await board.start()
            await board.registered()
            if settled:
                await settle(hass)
            return board

        yield run


@pytest.fixture
async def show(hass: HomeAssistant, hub: Hub) -> AsyncIterator[Show]:
    """Run approved boards with just the instances that a test names."""
    async with showing(hass, hub) as show:
        yield show


@pytest.fixture
def entity_registry_enabled_by_default() -> Iterator[None]:
    """Enable entities that are disabled by default."""
    with patch.object(Entity, "entity_registry_enabled_default", new=True):
        yield


@pytest.fixture
async def board(hass: HomeAssistant, hub: Hub, run_board: RunBoard) -> Board:
    """A registered and approved board."""
    hub.async_approve(ENDPOINT)
    return await run_board()


@pytest.fixture
def device_id(hass: HomeAssistant, board: Board, hub: Hub, entry: Lwm2mConfigEntry) -> str:
    """The device registry's ID of the approved board."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, hub.devices[ENDPOINT].unique_id), entry.entry_id
    )
    assert device is not None
    return device.id


@pytest.fixture
def call(hass: HomeAssistant, device_id: str) -> Call:
    """Call an action on the board and return its response."""

    async def call(action: str, **data: Any) -> Any:
        return await hass.services.async_call(
            DOMAIN, action, {"device_id": device_id, **data}, blocking=True, return_response=True
        )

    return call


@pytest.fixture
def flow(hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry) -> DeviceFlow:
    """The flow of the running hub's devices."""
    return DeviceFlow(hass, entry)


@pytest.fixture
async def secured(flow: DeviceFlow) -> ConfigSubentry:
    """A device with a pre-shared key."""
    await flow.add(SecurityMode.PRE_SHARED_KEY)
    await flow.send(identity=PSK.identity.decode(), key=PSK.key.hex())
    return await flow.save()


async def settle(hass: HomeAssistant) -> None:
    """Wait for all that is under way, interviews included."""
    await hass.async_block_till_done(wait_background_tasks=True)


def cards(hass: HomeAssistant) -> list[ConfigFlowResult]:
    """Return the discovery cards that the owner sees."""
    return hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"source": SOURCE_INTEGRATION_DISCOVERY}
    )


def entity_at(hass: HomeAssistant, path: Path) -> str | None:
    """Return the ID of the entity whose primary resource is at a path of the board."""
    for entity in er.async_get(hass).entities.values():
        if entity.unique_id.partition(f"{ENDPOINT}-")[2].startswith("-".join(map(str, path)) + "-"):
            return entity.entity_id
    return None


def state_at(hass: HomeAssistant, path: Path) -> str | None:
    """Return the state of the entity at a path, None when there is none."""
    entity_id = entity_at(hass, path)
    state = hass.states.get(entity_id) if entity_id else None
    return state.state if state else None
