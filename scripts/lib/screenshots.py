"""Screenshots of the demo for the documentation."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from PIL import Image
from playwright.async_api import Error, expect

from simulator.boards import BLUEPRINTS, COLOUR_LIGHT, SMART_PLUG, WEATHER_STATION

from .browser import (
    CHROMIUM,
    demo,
    open_add_device,
    open_card,
    open_confirmation,
    open_device,
    press_next,
    signed_in,
)
from .demo import NEW_BOARD_PREFIX, say
from .home_assistant import HomeAssistantError

if TYPE_CHECKING:
    from playwright.async_api import Page

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
NEWCOMER = NEW_BOARD_PREFIX + WEATHER_STATION.name
EXAMPLE = "kitchen-board"
SETTLED = 1.5
"""Seconds in which the frontend's animations end."""
HISTORY = 180.0
"""Seconds in which the door opens, the values drift and the logger sleeps."""


async def screenshot(page: Page, name: str) -> None:
    """Save what the window shows, in 256 colours, which a page of Home Assistant gets by with."""
    await page.mouse.move(0, 0)
    await asyncio.sleep(SETTLED)
    with Image.open(BytesIO(await page.screenshot())) as image:
        path = IMAGES / f"{name}.png"
        image.convert("RGB").quantize(256).save(path, optimize=True)
    say(f"    {path.name}: {path.stat().st_size / 1024:.0f} KiB")


async def discovery(page: Page, url: str) -> None:
    """Show how a board is offered, without adding it."""
    await open_card(page, url, NEWCOMER)
    await page.get_by_placeholder("Search integrations").fill("LwM2M")
    await screenshot(page, "discovered")
    await open_confirmation(page, NEWCOMER)
    await screenshot(page, "confirm")
    await page.keyboard.press("Escape")


async def security(page: Page, url: str) -> None:
    """Show how a device with a key is added, without adding it; the key is a mere example."""
    await open_add_device(page, url, EXAMPLE)
    await page.locator("input[type=password]").fill(bytes(range(16)).hex())
    await press_next(page, "Save the device")
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
    await screenshot(page, "history")


async def controls(page: Page, url: str, board: str, entity: str) -> None:
    """Show the dialog that controls an entity."""
    await open_device(page, url, board)
    await page.locator("hui-generic-entity-row", has_text=entity).get_by_text(entity).click()
    await expect(page.locator("ha-more-info-info")).to_be_visible()
    await screenshot(page, "light")


async def take(page: Page, url: str) -> None:
    """Take all screenshots."""
    await discovery(page, url)
    await security(page, url)
    for board in (COLOUR_LIGHT, SMART_PLUG):
        await toggle(page, url, board.name)
    say(f"==> Letting the boards do something ({HISTORY:.0f} s)")
    await asyncio.sleep(HISTORY)
    await page.goto(f"{url}/config/devices/dashboard?domain=lwm2m")
    await expect(page.get_by_text(SMART_PLUG.name, exact=True).first).to_be_visible()
    await screenshot(page, "devices")
    for name in BLUEPRINTS:
        await open_device(page, url, name)
        await screenshot(page, name)
    await history(page, url, WEATHER_STATION.name, "outdoor_temperature", "outdoor_humidity")
    await controls(page, url, COLOUR_LIGHT.name, "Reading lamp")


async def main() -> int:
    """Make the screenshots; return the exit status."""
    if CHROMIUM is None:
        print("scripts/screenshots: Chromium is not installed", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    say("==> Starting the demo (about 40 s)")
    with TemporaryDirectory() as folder:
        try:
            async with demo(Path(folder)) as url, signed_in(url) as page:
                say(f"==> Taking screenshots for {IMAGES}")
                await take(page, url)
        except (Error, HomeAssistantError, TimeoutError) as err:
            print(f"scripts/screenshots: {err}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
