"""What a newcomer does with the demo, in a real browser."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from pathlib import Path
import re
import shutil
import socket
import sys
from typing import TYPE_CHECKING

from playwright.async_api import Browser, Page, async_playwright, expect
import pytest

from scripts.lib.home_assistant import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "artifacts"
CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NEWCOMER = "new-weather-station"
START_TIMEOUT = 120.0
PAGE_TIMEOUT = 30_000.0

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[str]:
    """Run the demo and give its address."""
    port = free_port(socket.SOCK_STREAM)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "scripts.lib.demo",
        f"--port={port}",
        f"--coap-port={free_port(socket.SOCK_DGRAM)}",
        f"--folder={folder}",
        cwd=ROOT,
        stdout=PIPE,
    )
    assert process.stdout
    said = ""
    try:
        async with asyncio.timeout(START_TIMEOUT):
            while "Ctrl-C" not in said:
                line = (await process.stdout.readline()).decode()
                assert line, f"the demo ended: {said}"
                said += line
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        await chromium.close()


async def sign_in(page: Page, url: str) -> None:
    await page.goto(url)
    await page.locator("input[name=username]").fill(USER)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("home-assistant-main")).to_be_attached()
    await page.wait_for_url("**/home/overview")


async def screenshot(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=ARTIFACTS / f"{name}.png")


async def test_newcomer_adds_a_discovered_board_and_sees_its_temperature_change(
    socket_enabled: None, tmp_path: Path
) -> None:
    expect.set_options(timeout=PAGE_TIMEOUT)
    async with demo(tmp_path) as url, browser() as chromium:
        page = await chromium.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PAGE_TIMEOUT)
        await sign_in(page, url)

        await page.goto(f"{url}/config/integrations/dashboard")
        card = page.locator("ha-config-flow-card", has_text=NEWCOMER)
        await expect(card).to_be_visible()
        await screenshot(page, "discovered")
        await card.get_by_text("Add", exact=True).click()
        await expect(page.get_by_text("3303")).to_be_visible()
        await screenshot(page, "confirm")
        await page.get_by_role("button", name="Submit").click()
        await expect(page.get_by_text("The device was added.")).to_be_visible()

        await page.goto(f"{url}/config/devices/dashboard?domain=lwm2m")
        await page.get_by_text(NEWCOMER, exact=True).first.click()
        await page.wait_for_url("**/config/devices/device/**")
        temperature = page.locator("hui-generic-entity-row", has_text="Outdoor Temperature")
        reading = temperature.get_by_text(re.compile(r"\d+\.\d.*°C"))
        first = await reading.inner_text()
        await screenshot(page, "device")
        await expect(reading).not_to_have_text(first)
        await screenshot(page, "device-later")
