"""The demo: Home Assistant, the integration and simulated boards, ready to click around in."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
import secrets
import shutil
import signal
import socket
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any

from homeassistant.const import RESTART_EXIT_CODE

from simulator.boards import (
    BLUEPRINTS,
    COLD_STORE_LOGGER,
    COLOUR_LIGHT,
    DOOR_SENSOR,
    SMART_PLUG,
    WEATHER_STATION,
)
from simulator.meters import SMART_METER
from simulator.outdoors import BIKE_TRACKER, GARDEN_CONTROLLER

from .energy import check_dashboard, set_up_dashboard
from .home_assistant import (
    HOST,
    PASSWORD,
    USER,
    HomeAssistant,
    HomeAssistantError,
    prepare,
    running,
    stop,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
INTEGRATION = ROOT / "custom_components" / "lwm2m"
DOMAIN = INTEGRATION.name
DEFAULT_FOLDER = ROOT / ".demo"
NEW_BOARD_PREFIX = "new-"
NEWCOMER = NEW_BOARD_PREFIX + WEATHER_STATION.name
"""The board that is left for the visitor to discover and add."""
SECURED = GARDEN_CONTROLLER.name
"""The board that connects with a key: who opens its lock has to be Home Assistant."""
ROOMS = {
    COLOUR_LIGHT.name: "Living Room",
    SMART_PLUG.name: "Living Room",
    COLD_STORE_LOGGER.name: "Kitchen",
    DOOR_SENSOR.name: "Hallway",
    SMART_METER.name: "Hallway",
    BIKE_TRACKER.name: "Garage",
    WEATHER_STATION.name: "Garden",
    GARDEN_CONTROLLER.name: "Garden",
}
PROFILES = {
    DOOR_SENSOR.name: """\
# A digital input does not say of what: this one is that of a door.
match:
  model: Latch 3
resources:
  /3200/0/5500:
    device_class: door
""",
    COLD_STORE_LOGGER.name: f"""\
# It does not listen for as long as LwM2M has it.
match:
  model: Frost 1
queue:
  awake_time: {COLD_STORE_LOGGER.settings.awake_time}
""",
}
"""Device profiles of the owner's, see docs/profiles.md."""
READY_TIMEOUT = 60.0
COMMANDS = {
    "light": {"on": ("turn_off", "off"), "off": ("turn_on", "on")},
    "lock": {"locked": ("unlock", "unlocked"), "unlocked": ("lock", "locked")},
    "valve": {"open": ("close_valve", "closed"), "closed": ("open_valve", "open")},
}
"""What `--check` does to an entity of a domain: from its state, by an action, to another state."""
COMMAND_TIMEOUT = 10.0
STATELESS = {"button", "event"}
"""Domains whose entities have no state before something happens."""


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One entity of a board, as the table shows it."""

    board: str
    entity_id: str
    name: str
    state: str

    @property
    def ready(self) -> bool:
        """Whether its state has arrived."""
        if self.state == "unknown":
            return self.entity_id.partition(".")[0] in STATELESS
        return self.state not in ("", "unavailable")


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; exits with 2 and a message when it is wrong."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8123, help="of Home Assistant (8123)")
    parser.add_argument("--coap-port", type=int, default=5683, help="of the LwM2M server (5683)")
    parser.add_argument(
        "--coaps-port", type=int, default=5684, help="of the LwM2M server, with encryption (5684)"
    )
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help="Home Assistant's folder (.demo)"
    )
    parser.add_argument(
        "--check", action="store_true", help="look whether all works, say so and end"
    )
    return parser.parse_args(arguments)


def ensure_free(kind: socket.SocketKind, port: int, option: str) -> None:
    """Raise HomeAssistantError when a port cannot be had."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as err:
            name = "TCP" if kind is socket.SOCK_STREAM else "UDP"
            reason = err.strerror if isinstance(err, OSError) else "there is no such port"
            raise HomeAssistantError(
                f"{name} port {port} cannot be used ({reason}); choose another with {option}"
            ) from None


@asynccontextmanager
async def boards(server_port: int, secure_port: int, key: str, log: Path) -> AsyncIterator[None]:
    """Run all boards, one of them with a key, and a second weather station as a newcomer."""
    plain = ["--server", f"coap://{HOST}:{server_port}"]
    secure = ["--server", f"coaps://{HOST}:{secure_port}", "--key", key]
    names = [option for name in BLUEPRINTS if name != SECURED for option in ("--board", name)]
    commands = [
        [*plain, *names],
        [*plain, "--board", WEATHER_STATION.name, "--prefix", NEW_BOARD_PREFIX],
        [*secure, "--board", SECURED],
    ]
    with log.open("wb") as output:
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "simulator",
                *command,
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            for command in commands
        ]
        try:
            yield
        finally:
            await asyncio.gather(*(stop(process) for process in processes))


async def add_server(home: HomeAssistant, port: int, secure_port: int) -> str:
    """Add the LwM2M server, or move it to other ports; return the ID of its entry."""
    server = {
        "name": "LwM2M",
        "coaps_port": secure_port,
        "port": port,
        "more_options": {"host": HOST},
    }
    entries = await home.call("config_entries/get", domain=DOMAIN)
    if not entries:
        result = await home.flow(server, handler=DOMAIN)
        done = result["type"] == "create_entry"
    else:
        result = await home.flow(server, handler=DOMAIN, entry_id=entries[0]["entry_id"])
        done = result["type"] == "abort"
    if not done:
        raise HomeAssistantError(f"the LwM2M server could not be added: {result.get('errors')}")
    entries = await home.call("config_entries/get", domain=DOMAIN)
    return str(entries[0]["entry_id"])


async def secure(home: HomeAssistant, entry_id: str) -> str:
    """Add the board that has a key, or give it another; return the key."""
    key = secrets.token_hex(16)
    credential = [{"identity": SECURED, "key": key}, {"next_step_id": "save"}]
    devices = await home.call("config_entries/subentries/list", entry_id=entry_id)
    there = next((device for device in devices if device["unique_id"] == SECURED), None)
    mode = {"security": "pre_shared_key"}
    if there is None:
        await home.device_flow(entry_id, {"endpoint": SECURED, **mode}, *credential)
    else:
        await home.device_flow(
            entry_id,
            {"next_step_id": "security"},
            mode,
            *credential,
            subentry_id=there["subentry_id"],
        )
    return key


async def approve(home: HomeAssistant) -> None:
    """Press Add on the card of each board of the demo that waits for it."""
    for flow in await home.call("config_entries/flow/progress"):
        name = flow["context"].get("title_placeholders", {}).get("name")
        if flow["handler"] == DOMAIN and name in BLUEPRINTS:
            await home.answer(flow["flow_id"], {})


async def is_offered(home: HomeAssistant) -> bool:
    """Tell whether the newcomer's card is there: it is not once the visitor has added it."""
    return any(
        flow["handler"] == DOMAIN
        and flow["context"].get("title_placeholders", {}).get("name") == NEWCOMER
        for flow in await home.call("config_entries/flow/progress")
    )


async def put_in_rooms(home: HomeAssistant) -> None:
    """Give the boards an area each, where they have none."""
    areas = {area["name"]: area["area_id"] for area in await home.call("config/area_registry/list")}
    for device in await home.call("config/device_registry/list"):
        room = ROOMS.get(_endpoint(device))
        if room is None or device["area_id"]:
            continue
        if room not in areas:
            areas[room] = (await home.call("config/area_registry/create", name=room))["area_id"]
        await home.call(
            "config/device_registry/update", device_id=device["id"], area_id=areas[room]
        )


async def rows(home: HomeAssistant) -> list[Row]:
    """Return the enabled entities of the demo's boards."""
    devices = {
        device["id"]: endpoint
        for device in await home.call("config/device_registry/list")
        if (endpoint := _endpoint(device)) in BLUEPRINTS
    }
    states = {state["entity_id"]: state for state in await home.call("get_states")}
    found = [
        Row(
            board=devices[entity["device_id"]],
            entity_id=entity["entity_id"],
            name=(state := states.get(entity["entity_id"], {}))
            .get("attributes", {})
            .get("friendly_name", ""),
            state=_readable(state),
        )
        for entity in await home.call("config/entity_registry/list")
        if entity["platform"] == DOMAIN
        and entity["device_id"] in devices
        and entity["disabled_by"] is None
    ]
    return sorted(found, key=lambda row: (row.board, row.entity_id))


def _endpoint(device: dict[str, Any]) -> str:
    """Return the endpoint of a board, whatever its visitor has named it; empty of no board."""
    identifiers = (name for domain, name in device["identifiers"] if domain == DOMAIN)
    return next(identifiers, "").partition("-")[2]


def _readable(state: dict[str, Any]) -> str:
    unit = state.get("attributes", {}).get("unit_of_measurement")
    return f"{state['state']} {unit}" if unit else str(state.get("state", ""))


async def wait_until_ready(home: HomeAssistant) -> list[Row]:
    """Approve the boards as they register, until each one's entities have their states."""
    found: list[Row] = []
    try:
        async with asyncio.timeout(READY_TIMEOUT):
            while True:
                await approve(home)
                found = await rows(home)
                complete = {row.board for row in found} == set(BLUEPRINTS)
                if complete and all(row.ready for row in found):
                    return found
                await asyncio.sleep(0.5)
    except TimeoutError:
        missing = sorted(set(BLUEPRINTS) - {row.board for row in found})
        waiting = [row.entity_id for row in found if not row.ready]
        raise HomeAssistantError(
            f"after {READY_TIMEOUT:.0f} s these boards are missing: {missing or 'none'}, "
            f"and these entities have no state: {waiting or 'none'}"
        ) from None


async def command(home: HomeAssistant, domain: str) -> str:
    """Put the boards' entity of a domain into another state; return what became of it."""
    entity = next(row for row in await rows(home) if row.entity_id.startswith(f"{domain}."))
    service, wanted = COMMANDS[domain][entity.state]
    target = {"entity_id": entity.entity_id}
    await home.call("call_service", domain=domain, service=service, target=target)
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT):
            while True:
                states = {row.entity_id: row.state for row in await rows(home)}
                if states[entity.entity_id] == wanted:
                    return f"{entity.entity_id} went from {entity.state} to {wanted}"
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise HomeAssistantError(f"{entity.entity_id} did not become {wanted}") from None


def print_table(found: Sequence[Row]) -> None:
    """Print the entities and their states."""
    header = Row("board", "entity", "name", "state")
    lines = [header, *found]
    widths = [
        max(len(getattr(line, field)) for line in lines) for field in ("board", "entity_id", "name")
    ]
    for line in lines:
        columns = (line.board, line.entity_id, line.name)
        cells = [text.ljust(width) for text, width in zip(columns, widths, strict=True)]
        say("  ".join((*cells, line.state)))


async def demo(options: argparse.Namespace) -> None:
    """Run the demo until it is cancelled or, with `--check`, until it is seen to work."""
    ensure_free(socket.SOCK_STREAM, options.port, "--port")
    ensure_free(socket.SOCK_DGRAM, options.coap_port, "--coap-port")
    ensure_free(socket.SOCK_DGRAM, options.coaps_port, "--coaps-port")
    folder: Path = options.folder.resolve()
    prepare(folder, options.port, INTEGRATION)
    profiles = folder / DOMAIN / "profiles"
    profiles.mkdir(parents=True, exist_ok=True)
    for name, profile in PROFILES.items():
        (profiles / f"{name}.yaml").write_text(profile)
    shutil.copytree(ROOT / "blueprints", folder / "blueprints", dirs_exist_ok=True)
    url = f"http://{HOST}:{options.port}"
    log = folder / "home-assistant-output.log"

    start = monotonic()
    say(f"==> Starting Home Assistant at {url} (about 15 s; its log: {log})")
    async with running(folder, log) as process, HomeAssistant.sign_in(url, process) as home:
        say(f"    up after {monotonic() - start:.1f} s")
        entry_id = await add_server(home, options.coap_port, options.coaps_port)
        key = await secure(home, entry_id)
        say(f"==> Starting {len(BLUEPRINTS)} boards (about 5 s)")
        log_of_boards = folder / "boards.log"
        async with boards(options.coap_port, options.coaps_port, key, log_of_boards):
            try:
                found = await wait_until_ready(home)
            except HomeAssistantError as err:
                if options.check:
                    raise
                say(f"    {err}")  # which may be the visitor's doing
            else:
                taken = monotonic() - start
                say(f"    {len(found)} entities have their states, {taken:.1f} s in all")
            await put_in_rooms(home)
            await set_up_dashboard(home)
            if options.check:
                await check_dashboard(home)
                outcomes = [await command(home, domain) for domain in COMMANDS]
                print_table(await rows(home))
                for outcome in outcomes:
                    say(f"The boards obey: {outcome}")
                say("The energy dashboard takes the meters.")
                return
            say("")
            say(f"    Open {url} and sign in as {USER} with the password {PASSWORD}.")
            more = ", and one more to add" if await is_offered(home) else ""
            say(f"    Settings > Devices & services shows the boards{more}.")
            say("    Ctrl-C ends the demo.")
            status = await process.wait()
            while status == RESTART_EXIT_CODE:  # the visitor pressed Restart
                say("==> Starting Home Assistant again")
                async with running(folder, log) as again:
                    status = await again.wait()
            raise HomeAssistantError(f"Home Assistant ended with status {status}; its log: {log}")


async def main() -> int:
    """Run the demo; return the exit status."""
    options = parse_arguments(None)
    task = asyncio.create_task(demo(options))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        say("Ended.")
    except HomeAssistantError as err:
        print(f"scripts/demo: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
