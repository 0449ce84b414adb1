"""What a newcomer does with the demo, in a real browser."""

from __future__ import annotations

from pathlib import Path
import re
from typing import TYPE_CHECKING

from playwright.async_api import expect
import pytest

from scripts.lib.browser import (
    CHROMIUM,
    demo,
    open_card,
    open_confirmation,
    open_device,
    signed_in,
)

if TYPE_CHECKING:
    from playwright.async_api import Page

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
NEWCOMER = "new-weather-station"

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
        await page.get_by_role("button", name="Submit").click()
        await expect(page.get_by_text("The device was added.")).to_be_visible()

        await open_device(page, url, NEWCOMER)
        temperature = page.locator("hui-generic-entity-row", has_text="Outdoor Temperature")
        reading = temperature.get_by_text(re.compile(r"\d+\.\d.*°C"))
        first = await reading.inner_text()
        await screenshot(page, "device")
        await expect(reading).not_to_have_text(first)
        await screenshot(page, "device-later")
