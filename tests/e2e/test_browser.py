"""What a newcomer does with the demo, in a real browser."""

from __future__ import annotations

from pathlib import Path
import re
from typing import TYPE_CHECKING

from playwright.async_api import expect
import pytest

from custom_components.lwm2m.protocol.security import PreSharedKey
from scripts.lib.browser import (
    CHROMIUM,
    demo,
    open_add_device,
    open_card,
    open_confirmation,
    open_device,
    press,
    signed_in,
)
from simulator.board import Board
from simulator.boards import SMART_PLUG

if TYPE_CHECKING:
    from playwright.async_api import Page

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
NEWCOMER = "new-weather-station"
SECURED = "kitchen-plug"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


async def screenshot(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=ARTIFACTS / f"{name}.png")


async def test_newcomer_adds_a_discovered_board_and_sees_its_temperature_change(
    socket_enabled: None, tmp_path: Path
) -> None:
    async with demo(tmp_path) as url, signed_in(url) as page:
        await open_card(page, url, NEWCOMER)
        await screenshot(page, "discovered")
        await open_confirmation(page, NEWCOMER)
        await expect(page.get_by_text("3303")).to_be_visible()
        await screenshot(page, "confirm")
        await press(page, "Add", "The device was added.")

        await open_device(page, url, NEWCOMER)
        temperature = page.locator("hui-generic-entity-row", has_text="Outdoor Temperature")
        reading = temperature.get_by_text(re.compile(r"\d+\.\d.*°C"))
        first = await reading.inner_text()
        await screenshot(page, "device")
        await expect(reading).not_to_have_text(first)
        await screenshot(page, "device-later")


async def test_newcomer_adds_a_secured_board_and_sees_what_it_measures(
    socket_enabled: None, tmp_path: Path
) -> None:
    async with demo(tmp_path) as url, signed_in(url) as page:
        await open_add_device(page, url, SECURED)
        await press(page, "Next", "Settings for Zephyr")
        settings = await page.locator("pre").inner_text()
        await screenshot(page, "connect")
        await page.get_by_text("Show a QR code").click()
        await expect(page.locator("ha-qr-code canvas")).to_be_visible()
        await screenshot(page, "qr-code")
        await press(page, "Back", "Settings for Zephyr")
        await page.locator(":text-is('Save the device'):not(em)").click()
        await expect(page.get_by_text("The device is saved.")).to_be_visible()

        port = int(re.findall(r"coaps://127\.0\.0\.1:(\d+)", settings)[0])
        key = bytes.fromhex(re.findall(r"\b[0-9a-f]{32}\b", settings)[0])
        psk = PreSharedKey(SECURED.encode(), key)
        async with Board(
            SMART_PLUG, server=("127.0.0.1", port), endpoint=SECURED, psk=psk
        ) as board:
            await board.registered()
            await open_device(page, url, SECURED)
            await expect(page.get_by_text("46.0 W")).to_be_visible()
            await screenshot(page, "secured")
