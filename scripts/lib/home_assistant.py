"""A real Home Assistant in a folder of its own: started, signed in to, driven over its APIs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
import json
import os
from pathlib import Path
import sys
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse
from homeassistant.components.http.config import HTTP_STORAGE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOST = "127.0.0.1"
USER, PASSWORD = "demo", "demo-lwm2m"  # printed for the visitor of a local demo
STAND_INS = Path(__file__).parent / "stand_ins"
START_TIMEOUT = 120.0
STOP_TIMEOUT = 30.0

CONFIGURATION = """\
homeassistant:
  name: Demo house
  latitude: 52.52
  longitude: 13.405
  elevation: 34
  unit_system: metric
  time_zone: Europe/Berlin
  country: DE
  currency: EUR
automation: !include automations.yaml
config:
energy:
frontend:
history:
logbook:
logger:
  default: warning
  logs:
    custom_components.lwm2m: info
"""


class HomeAssistantError(Exception):
    """Home Assistant did not do what it should; the message is for the person at the terminal."""


def prepare(
    folder: Path, port: int, *integrations: Path, configuration: str = CONFIGURATION
) -> None:
    """Lay out a configuration folder that starts without questions; what is there stays.

    `integrations` are folders of custom integrations, which are linked to.
    """
    storage = folder / ".storage"
    storage.mkdir(parents=True, exist_ok=True)
    (folder / "configuration.yaml").write_text(configuration)
    (folder / "automations.yaml").touch()
    for integration in integrations:
        link = folder / "custom_components" / integration.name
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(integration)
    onboarding = storage / "onboarding"
    if not onboarding.exists():
        done = ["core_config", "analytics", "integration"]
        _store(onboarding, version=4, data={"done": done})
    http = HTTP_STORAGE_SCHEMA({"server_host": [HOST], "server_port": port})
    created = {"created_at": datetime.now(UTC).isoformat(), "error": None, "error_message": None}
    _store(
        storage / "http",
        version=2,
        minor_version=2,
        data={
            "stable": http | created,
            "pending": None,
            "yaml_migration_done": True,
        },
    )


def _store(path: Path, *, version: int, data: dict[str, Any], minor_version: int = 1) -> None:
    """Write a file of Home Assistant's storage."""
    content = {"version": version, "minor_version": minor_version, "key": path.name, "data": data}
    path.write_text(json.dumps(content, indent=2))


@asynccontextmanager
async def running(folder: Path, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run Home Assistant on a prepared folder, in a process group of its own."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "homeassistant",
            "--config",
            str(folder),
            "--skip-pip",  # all there is to install is in requirements/dev.txt
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,  # elsewhere, Python might find other custom components first
            env=os.environ | {"PYTHONPATH": str(STAND_INS)},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            await stop(process)


async def stop(process: asyncio.subprocess.Process) -> None:
    """End a process, by force when it does not end by itself."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


class HomeAssistant:
    """A signed-in client of a running Home Assistant."""

    def __init__(self, session: ClientSession, socket: ClientWebSocketResponse, url: str) -> None:
        """Use `sign_in` instead."""
        self.url = url
        self._session = session
        self._socket = socket
        self._last_id = 0

    @classmethod
    @asynccontextmanager
    async def sign_in(
        cls, url: str, process: asyncio.subprocess.Process
    ) -> AsyncIterator[HomeAssistant]:
        """Wait for Home Assistant, create the owner if there is none, and connect."""
        async with ClientSession(url) as session:
            await _wait_until_up(session, process)
            tokens = await _tokens(session, url)
            session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
            async with session.ws_connect("/api/websocket", max_msg_size=0) as socket:
                await socket.receive_json()
                await socket.send_json({"type": "auth", "access_token": tokens["access_token"]})
                await socket.receive_json()
                home = cls(session, socket, url)
                await home._until_running()
                yield home

    async def _until_running(self) -> None:
        """Wait until the integrations are set up; before, some commands are unknown."""
        async with asyncio.timeout(START_TIMEOUT):
            while True:
                if (await self.call("get_config"))["state"] == "RUNNING":
                    return
                await asyncio.sleep(0.2)

    async def call(self, command: str, **arguments: Any) -> Any:
        """Send a WebSocket command and return its result; HomeAssistantError when it fails."""
        self._last_id += 1
        await self._socket.send_json({"id": self._last_id, "type": command, **arguments})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") != self._last_id or message["type"] != "result":
                continue
            if not message["success"]:
                raise HomeAssistantError(f"{command}: {message['error']['message']}")
            return message["result"]

    async def flow(self, answer: dict[str, Any] | None = None, **start: Any) -> dict[str, Any]:
        """Start a config flow, and answer its first form."""
        result = await self._post("/api/config/config_entries/flow", start)
        return result if answer is None else await self.answer(result["flow_id"], answer)

    async def answer(self, flow_id: str, answer: dict[str, Any]) -> dict[str, Any]:
        """Answer a form of a config flow."""
        return await self._post(f"/api/config/config_entries/flow/{flow_id}", answer)

    async def device_flow(
        self, entry_id: str, *answers: dict[str, Any], subentry_id: str | None = None
    ) -> dict[str, Any]:
        """Go through the flow of a new device, or of one that is there; return the last result."""
        path = "/api/config/config_entries/subentries/flow"
        start: dict[str, Any] = {"handler": [entry_id, "device"]}
        if subentry_id:
            start["subentry_id"] = subentry_id
        result = await self._post(path, start)
        for answer in answers:
            result = await self._post(f"{path}/{result['flow_id']}", answer)
        return result

    async def options(self, entry_id: str, step: str, answer: dict[str, Any]) -> dict[str, Any]:
        """Choose from the menu of a config entry's options, and answer the form."""
        path = "/api/config/config_entries/options/flow"
        menu = await self._post(path, {"handler": entry_id})
        await self._post(f"{path}/{menu['flow_id']}", {"next_step_id": step})
        return await self._post(f"{path}/{menu['flow_id']}", answer)

    async def _post(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        async with self._session.post(path, json=data) as response:
            if not response.ok:
                raise HomeAssistantError(f"{path}: {response.status} {await response.text()}")
            result: dict[str, Any] = await response.json()
            return result


async def _wait_until_up(session: ClientSession, process: asyncio.subprocess.Process) -> None:
    """Wait until Home Assistant answers, whether it is onboarded or not."""
    try:
        async with asyncio.timeout(START_TIMEOUT):
            while True:
                if process.returncode is not None:
                    status = process.returncode
                    raise HomeAssistantError(f"Home Assistant ended with status {status}")
                try:
                    async with session.get("/api/onboarding") as response:
                        if response.ok or response.status == HTTPStatus.NOT_FOUND:
                            return
                except ClientError:
                    pass
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise HomeAssistantError(
            f"Home Assistant did not answer within {START_TIMEOUT:.0f} s"
        ) from None


async def _tokens(session: ClientSession, url: str) -> dict[str, Any]:
    """Sign in, as a new owner on the first start."""
    client_id = f"{url}/"
    async with session.get("/api/onboarding") as response:
        steps = await response.json() if response.ok else []  # not found once all is done
    new = any(step["step"] == "user" and not step["done"] for step in steps)
    if new:
        owner = {
            "client_id": client_id,
            "name": "Demo",
            "username": USER,
            "password": PASSWORD,
            "language": "en",
        }
        async with session.post("/api/onboarding/users", json=owner) as response:
            code = (await response.json())["auth_code"]
    else:
        start = {
            "client_id": client_id,
            "handler": ["homeassistant", None],
            "redirect_uri": client_id,
        }
        async with session.post("/auth/login_flow", json=start) as response:
            flow_id = (await response.json())["flow_id"]
        login = {"client_id": client_id, "username": USER, "password": PASSWORD}
        async with session.post(f"/auth/login_flow/{flow_id}", json=login) as response:
            code = (await response.json())["result"]
    form = {"grant_type": "authorization_code", "code": code, "client_id": client_id}
    async with session.post("/auth/token", data=form) as response:
        tokens: dict[str, Any] = await response.json()
        return tokens
