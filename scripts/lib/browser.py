"""The demo in a real browser: headless Chromium, driven by Playwright."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from pathlib import Path
import shutil
import socket
import sys
from typing import TYPE_CHECKING

from playwright.async_api import Locator, Page, async_playwright, expect

from .home_assistant import HOST, PASSWORD, USER, HomeAssistantError, stop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[2]
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
START_TIMEOUT = 120.0
PAGE_TIMEOUT = 30_000.0
"""Milliseconds, as Playwright counts."""


def free_port(kind: socket.SocketKind) -> int:
    """Return a port that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def demo(
    folder: Path, coap_port: int | None = None, coaps_port: int | None = None
) -> AsyncIterator[str]:
    """Run the demo in a folder, on free ports, and give its address."""
    port = free_port(socket.SOCK_STREAM)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "scripts.lib.demo",
        f"--port={port}",
        f"--coap-port={coap_port or free_port(socket.SOCK_DGRAM)}",
        f"--coaps-port={coaps_port or free_port(socket.SOCK_DGRAM)}",
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
                if not line:
                    raise HomeAssistantError(f"the demo ended: {said}")
                said += line
        yield f"http://{HOST}:{port}"
    finally:
        await stop(process)


@asynccontextmanager
async def signed_in(url: str, *, width: int = 1280, height: int = 900) -> AsyncIterator[Page]:
    """Open a page of a new browser and sign in to the demo with it."""
    expect.set_options(timeout=PAGE_TIMEOUT)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(PAGE_TIMEOUT)
        await page.goto(url)
        await page.locator("input[name=username]").fill(USER)
        await page.locator("input[name=password]").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.locator("home-assistant-main")).to_be_attached()
        await page.wait_for_url("**/home/overview")
        yield page
        await browser.close()


async def open_card(page: Page, url: str, name: str) -> None:
    """Show the Discovered card of an endpoint."""
    await page.goto(f"{url}/config/integrations/dashboard")
    await expect(page.locator("ha-config-flow-card", has_text=name)).to_be_visible()


async def open_confirmation(page: Page, name: str) -> None:
    """Press Add on the card of an endpoint, which leaves its confirmation open."""
    card = page.locator("ha-config-flow-card", has_text=name)
    await card.get_by_text("Add", exact=True).click()
    await expect(dialog_button(page, "Add")).to_be_visible()


def dialog_button(page: Page, name: str) -> Locator:
    """Find a button of the flow that is open."""
    return page.locator("dialog-data-entry-flow").get_by_role("button", name=name, exact=True)


async def open_device(page: Page, url: str, name: str) -> None:
    """Show the page of a device, from the list of devices."""
    await page.goto(f"{url}/config/devices/dashboard?domain=lwm2m")
    await page.get_by_text(name, exact=True).first.click()
    await page.wait_for_url("**/config/devices/device/**")


async def open_add_device(page: Page, url: str, endpoint: str) -> None:
    """Begin to add a device with a pre-shared key, which leaves the form for the key open."""
    await page.goto(f"{url}/config/integrations/integration/lwm2m")
    await page.get_by_text("Add device", exact=True).first.click()
    await page.locator("step-flow-form input").first.fill(endpoint)
    await page.get_by_role("button", name="Submit").click()
    await expect(page.get_by_text("Leave it empty and a strong key is made.")).to_be_visible()


async def press(page: Page, button: str, shown: str) -> None:
    """Press a button of a flow, and wait for a text of what comes then."""
    await dialog_button(page, button).click()
    await expect(page.get_by_text(shown)).to_be_visible()
