"""Home Assistant is killed, and a board goes on as if nothing had happened."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
import json
from pathlib import Path
import socket
from typing import TYPE_CHECKING, Any

from aiocoap import CHANGED
import pytest

from custom_components.lwm2m.const import CONF_ACCEPT_NEW_DEVICES, DOMAIN, AcceptNewDevices
from custom_components.lwm2m.protocol.path import Path as ObjectPath
from scripts.lib.browser import free_port
from scripts.lib.home_assistant import HOST, HomeAssistant, prepare, running
from simulator.blueprint import Blueprint
from simulator.board import Board
from simulator.events import EventKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

pytestmark = pytest.mark.e2e

INTEGRATION = Path(__file__).parents[2] / "custom_components" / DOMAIN
CONFIGURATION = "config:\nlogger:\n  default: warning\n"
TEMPERATURE = ObjectPath(3303, 0, 5700)
ENTITY = "sensor.thermometer_temperature"
WITHIN = 60.0


@asynccontextmanager
async def home_assistant(folder: Path, port: int) -> AsyncIterator[HomeAssistant]:
    """Run Home Assistant on a prepared folder, and kill it without warning in the end."""
    async with (
        running(folder, folder / "home-assistant.out") as process,
        HomeAssistant.sign_in(f"http://{HOST}:{port}", process) as home,
    ):
        yield home
        process.kill()
        await process.wait()


async def state(home: HomeAssistant) -> str | None:
    """Return the temperature that is shown, None as long as there is none."""
    states: list[dict[str, Any]] = await home.call("get_states")
    return next((item["state"] for item in states if item["entity_id"] == ENTITY), None)


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what another process does and tells nobody of."""
    async with asyncio.timeout(WITHIN):
        while not await look():
            await asyncio.sleep(0.1)


async def test_registration_observation_and_values_outlive_a_kill(
    socket_enabled: None, tmp_path: Path
) -> None:
    http_port, coap_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    prepare(tmp_path, http_port, INTEGRATION, configuration=CONFIGURATION)
    thermometer = Blueprint(
        name="thermometer", instances={ObjectPath(3303, 0): {5700: 21.5, 5701: "Cel"}}
    )
    board = Board(thermometer, server=(HOST, coap_port))

    async with AsyncExitStack() as stack:
        async with home_assistant(tmp_path, http_port) as home:
            server = {"name": "LwM2M", "port": coap_port, "more_options": {"host": HOST}}
            await home.flow(server, handler=DOMAIN)
            (entry,) = await home.call("config_entries/get", domain=DOMAIN)
            at_once = {CONF_ACCEPT_NEW_DEVICES: AcceptNewDevices.AT_ONCE}
            await home.options(entry["entry_id"], "new_devices", at_once)
            await stack.enter_async_context(board)
            storage = tmp_path / ".storage" / f"{DOMAIN}.{entry['entry_id']}"

            async def stored() -> bool:
                text = await asyncio.to_thread(lambda: storage.exists() and storage.read_text())
                device = json.loads(text)["data"]["devices"].get(board.endpoint) if text else None
                return bool(device and device["following"]["observed"])

            await until(stored)

        happened: list[EventKind] = []
        board.events.subscribe(lambda event: happened.append(event.kind))
        async with home_assistant(tmp_path, http_port) as home:
            assert await state(home) == "21.5"
            assert await board.update() == CHANGED
            board.set(TEMPERATURE, 22.5)

            async def notified() -> bool:
                return await state(home) == "22.5"

            await until(notified)
        assert set(happened) == {EventKind.UPDATED, EventKind.NOTIFIED}
