"""Screenshots of the demo for the documentation."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
import re
import shutil
import socket
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from PIL import Image
from playwright.async_api import Error, expect

from custom_components.lwm2m.protocol.security import PreSharedKey
from simulator.board import Board
from simulator.boards import (
    BLUEPRINTS,
    COLD_STORE_LOGGER,
    COLOUR_LIGHT,
    SMART_PLUG,
    WEATHER_STATION,
)
from simulator.outdoors import GARDEN_CONTROLLER

from .browser import (
    CHROMIUM,
    demo,
    free_port,
    open_add_device,
    open_card,
    open_confirmation,
    open_device,
    press,
    signed_in,
)
from .demo import NEWCOMER, SECURED, say
from .home_assistant import HOST, HomeAssistantError

if TYPE_CHECKING:
    from playwright.async_api import Page

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
ALL = ROOT / "artifacts" / "screenshots"
EXAMPLE = "kitchen-board"
SERVER = "LwM2M server"
WIDTH, HEIGHT = 1024, 800
SETTLED = 1.5
"""Seconds in which the frontend's animations end."""
HISTORY = 180.0
"""Seconds in which the door opens, the values drift and the logger sleeps."""
SLEEP_TIMEOUT = 60_000.0
"""Milliseconds after which the logger sleeps for sure."""


async def screenshot(page: Page, name: str, *, height: int = HEIGHT) -> None:
    """Save what the window shows, in 256 colours, which a page of Home Assistant gets by with.

    The documentation gets what it shows already.
    """
    await page.set_viewport_size({"width": WIDTH, "height": height})
    await page.mouse.move(0, 0)
    await asyncio.sleep(SETTLED)
    path = ALL / f"{name}.png"
    with Image.open(BytesIO(await page.screenshot())) as image:
        image.convert("RGB").quantize(256).save(path, optimize=True)
    shown = f"images/{path.name}" in (ROOT / "README.md").read_text()
    if shown:
        shutil.copy(path, IMAGES)
    size = path.stat().st_size / 1024
    say(f"    {path.name}: {size:.0f} KiB{'' if shown else ', not in the README'}")


async def hide_sidebar(page: Page) -> None:
    """Leave the room to the page itself."""
    await page.evaluate("""localStorage.setItem("dockedSidebar", '"always_hidden"')""")


async def discovery(page: Page, url: str) -> None:
    """Show how a board is offered, without adding it."""
    await open_card(page, url, NEWCOMER)
    await page.get_by_placeholder("Search integrations").fill("LwM2M")
    await screenshot(page, "discovered", height=600)
    await open_confirmation(page, NEWCOMER)
    await screenshot(page, "confirm", height=600)
    await page.keyboard.press("Escape")


async def security(page: Page, url: str) -> None:
    """Show how a device with a key is added, without adding it; the key is a mere example."""
    await open_add_device(page, url, EXAMPLE)
    await page.locator("input[type=password]").fill(bytes(range(16)).hex())
    await press(page, "Next", "Settings for Zephyr")
    await screenshot(page, "connect-device")
    await page.get_by_text("Settings for Zephyr").click()
    await expect(page.get_by_text("CONFIG_NET_SAMPLE_LWM2M_PSK")).to_be_visible()
    await screenshot(page, "connect-zephyr")
    await page.keyboard.press("Escape")


async def toggle(page: Page, url: str, board: str) -> None:
    """Switch a board off and on, as its Activity tells afterwards."""
    await open_device(page, url, board)
    switch = page.locator("ha-entity-toggle").first
    for _ in range(2):
        await switch.click()
        await asyncio.sleep(2 * SETTLED)


async def intrude(port: int, secure_port: int) -> None:
    """Claim to be the secured board, with a wrong key and without any; come as a stranger, too."""
    intruders = (
        ((HOST, secure_port), PreSharedKey(SECURED.encode(), bytes(16))),
        ((HOST, secure_port), PreSharedKey(b"stranger", bytes(16))),
        ((HOST, port), None),
    )
    for server, psk in intruders:
        intruder = Board(GARDEN_CONTROLLER, server=server, psk=psk)
        await intruder.start()
        await asyncio.sleep(SETTLED)
        await intruder.stop(deregister=False)


async def queue_mode(page: Page, url: str) -> None:
    """Show how a command waits for a board that sleeps."""
    await open_device(page, url, COLD_STORE_LOGGER.name)
    status = page.locator("hui-generic-entity-row", has_text=re.compile("Status"))
    for expected in ("Awake", "Asleep"):  # it has just fallen asleep, then
        await expect(status).to_contain_text(expected, timeout=SLEEP_TIMEOUT)
    await page.get_by_text("Press", exact=True).click()
    waiting = page.locator("hui-generic-entity-row", has_text="Waiting requests")
    await expect(waiting).to_contain_text("1")
    await screenshot(page, COLD_STORE_LOGGER.name, height=1170)


async def energy(page: Page, url: str) -> None:
    """Show the energy of yesterday, a whole day."""
    await page.goto(f"{url}/energy")
    await page.get_by_label("Previous").click()
    await screenshot(page, "energy", height=1330)


async def map_of_trackers(page: Page, url: str) -> None:
    """Show where the tracker is; the map itself comes from the internet."""
    await page.goto(f"{url}/map")
    await page.get_by_text("Devices", exact=True).click()
    await screenshot(page, "map")


async def history(page: Page, url: str, board: str, *entities: str) -> None:
    """Show what sensors of a board measured in the last minutes."""
    now = datetime.now(UTC)
    query = {
        "entity_id": ",".join(f"sensor.{board}_{entity}".replace("-", "_") for entity in entities),
        "start_date": (now - timedelta(seconds=HISTORY)).isoformat(),
        "end_date": now.isoformat(),
    }
    await page.goto(f"{url}/history?{urlencode(query)}")
    await expect(page.locator("state-history-chart-line").first).to_be_visible()
    await screenshot(page, "history", height=920)


async def controls(page: Page, url: str, board: str, entity: str) -> None:
    """Show the dialog that controls an entity."""
    await open_device(page, url, board)
    await page.locator("hui-generic-entity-row", has_text=entity).get_by_text(entity).click()
    await expect(page.locator("ha-more-info-info")).to_be_visible()
    await screenshot(page, "light", height=830)


async def take(page: Page, url: str, port: int, secure_port: int) -> None:
    """Take all screenshots."""
    await hide_sidebar(page)
    await discovery(page, url)
    await security(page, url)
    await intrude(port, secure_port)
    for board in (COLOUR_LIGHT, SMART_PLUG):
        await toggle(page, url, board.name)
    say(f"==> Letting the boards do something ({HISTORY:.0f} s)")
    await asyncio.sleep(HISTORY)
    await page.goto(f"{url}/config/devices/dashboard?domain=lwm2m")
    await expect(page.get_by_text(SMART_PLUG.name, exact=True).first).to_be_visible()
    await screenshot(page, "devices", height=850)
    for name in BLUEPRINTS:
        if name != COLD_STORE_LOGGER.name:
            await open_device(page, url, name)
            await screenshot(page, name)
    await queue_mode(page, url)
    await open_device(page, url, SERVER)
    await screenshot(page, "server", height=770)
    await energy(page, url)
    await map_of_trackers(page, url)
    await history(page, url, WEATHER_STATION.name, "outdoor_temperature", "outdoor_humidity")
    await controls(page, url, COLOUR_LIGHT.name, "Reading lamp")


async def main() -> int:
    """Make the screenshots; return the exit status."""
    if CHROMIUM is None:
        print("scripts/screenshots: Chromium is not installed", file=sys.stderr)
        return 1
    ALL.mkdir(parents=True, exist_ok=True)
    say("==> Starting the demo (about 40 s)")
    with TemporaryDirectory() as folder:
        try:
            port, secure_port = (free_port(socket.SOCK_DGRAM) for _ in range(2))
            async with (
                demo(Path(folder), port, secure_port) as url,
                signed_in(url, width=WIDTH, height=HEIGHT) as page,
            ):
                say(f"==> Taking screenshots; all are in {ALL}")
                await take(page, url, port, secure_port)
        except (Error, HomeAssistantError, TimeoutError) as err:
            print(f"scripts/screenshots: {err}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
