"""A client that nobody here wrote becomes a device: Eclipse Leshan's."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from custom_components.lwm2m.connection_settings import Sdk
from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.credentials import SecurityMode
from custom_components.lwm2m.device_flow import Trust
from custom_components.lwm2m.protocol.coap import Scheme
from tests.interop.leshan_peer import LeshanPeer, leshan

from .conftest import cards, settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry

    from .owner import DeviceFlow

pytestmark = pytest.mark.interop

ENDPOINT = "leshan-1"
PATIENCE = 10.0


@asynccontextmanager
async def added(hass: HomeAssistant, hub: Hub, class_path: str) -> AsyncIterator[LeshanPeer]:
    """Run a Leshan client and press Add on its card."""
    async with leshan(class_path, hub.server.ports[Scheme.COAP], ENDPOINT) as peer:
        await peer.event("registered")
        await settle(hass)
        (card,) = cards(hass)
        await hass.config_entries.flow.async_configure(card["flow_id"], {})
        await settle(hass)
        yield peer


def entity_id(hass: HomeAssistant, domain: str, path: str) -> str:
    """Return the ID of the device's entity at a path."""
    return next(
        entity.entity_id
        for entity in er.async_get(hass).entities.values()
        if entity.domain == domain and f"{ENDPOINT}-{path}-" in entity.unique_id
    )


def device(hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry) -> dr.DeviceEntry:
    found = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, hub.devices[ENDPOINT].unique_id), entry.entry_id
    )
    assert isinstance(found, dr.DeviceEntry)
    return found


async def state_becomes(hass: HomeAssistant, entity: str, wanted: str) -> None:
    """Wait for an entity's state; TimeoutError when it stays away."""
    reached = asyncio.Event()

    @callback
    def look(*_: Any) -> None:
        if (state := hass.states.get(entity)) and state.state == wanted:
            reached.set()

    unsubscribe = hass.bus.async_listen("state_changed", look)
    look()
    try:
        async with asyncio.timeout(PATIENCE):
            await reached.wait()
    finally:
        unsubscribe()


async def test_it_is_offered_added_and_shown(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, class_path: str
) -> None:
    async with added(hass, hub, class_path):
        shown = device(hass, hub, entry)
        temperature = hass.states.get(entity_id(hass, "sensor", "3303-0-5700"))

    assert (shown.manufacturer, shown.model, shown.serial_number) == (
        "Eclipse Leshan",
        "Peer",
        "LESHAN-1",
    )
    assert temperature
    assert temperature.state == "21.5"
    assert temperature.attributes["unit_of_measurement"] == "°C"


async def test_its_notifications_and_sends_change_the_state(
    hass: HomeAssistant, hub: Hub, class_path: str
) -> None:
    async with added(hass, hub, class_path) as peer:
        temperature = entity_id(hass, "sensor", "3303-0-5700")
        await peer.command("set 3303/0/5700 24.25")
        await state_becomes(hass, temperature, "24.25")
        hass.states.async_set(temperature, "overwritten")
        hub.devices[ENDPOINT].resources.values.clear()
        await peer.command("send /3303/0/5700")
        await state_becomes(hass, temperature, "24.25")


async def test_its_light_obeys(hass: HomeAssistant, hub: Hub, class_path: str) -> None:
    async with added(hass, hub, class_path) as peer:
        light = entity_id(hass, "light", "3311-0-5850")
        state = hass.states.get(light)
        assert state
        assert state.state == STATE_OFF
        await hass.services.async_call("light", "turn_on", {"entity_id": light}, blocking=True)
        assert await peer.event("written") == "written /3311/0/5850 true"
        await state_becomes(hass, light, STATE_ON)


async def test_actions_reach_it(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, class_path: str
) -> None:
    async with added(hass, hub, class_path) as peer:
        target = {"device_id": device(hass, hub, entry).id}

        async def act(action: str, **data: Any) -> dict[str, Any]:
            response = await hass.services.async_call(
                DOMAIN, action, target | data, blocking=True, return_response=True
            )
            assert response
            return dict(response)

        read = await act("read", path="/3303/0/5700")
        await act("write", path="/3311/0/5851", value=33)
        assert await peer.event("written") == "written /3311/0/5851 33"
        await act("execute", path="/3303/0/5605", arguments="0='now'")
        assert await peer.event("executed") == "executed /3303/0/5605 0='now'"
        found = await act("discover", path="/3303/0")

    assert read["resources"]["/3303/0/5700"]["value"] == 21.5
    assert "/3303/0/5605" in found["links"]


async def test_it_is_unavailable_after_it_deregistered(
    hass: HomeAssistant, hub: Hub, class_path: str
) -> None:
    async with added(hass, hub, class_path) as peer:
        temperature = entity_id(hass, "sensor", "3303-0-5700")
        await peer.command("stop")
        await peer.event("deregistered")
        await state_becomes(hass, temperature, STATE_UNAVAILABLE)


# Secured, with what the owner is shown for Leshan


def write_files(settings: str, folder: Path) -> None:
    """Run the commands of the settings that write keys and certificates."""
    commands = "\n".join(line for line in settings.splitlines() if line.startswith("echo "))
    subprocess.run(["/bin/sh", "-ec", commands], cwd=folder, check=True)


@pytest.mark.parametrize(
    ("mode", "answer", "security"),
    [
        (SecurityMode.PRE_SHARED_KEY, {"identity": ENDPOINT}, ("psk", "-i", "-p")),
        (SecurityMode.RAW_PUBLIC_KEY, {}, ("rpk", "-cprik", "-cpubk", "-spubk")),
        (
            SecurityMode.CERTIFICATE,
            {"trust": Trust.ISSUED},
            ("x509", "-cprik", "-ccert", "-scert"),
        ),
    ],
)
async def test_it_connects_with_the_settings_that_are_shown(
    hass: HomeAssistant,
    hub: Hub,
    flow: DeviceFlow,
    class_path: str,
    tmp_path: Path,
    mode: SecurityMode,
    answer: dict[str, str],
    security: tuple[str, ...],
) -> None:
    await flow.add(mode, ENDPOINT)
    await flow.send(**answer)
    settings = (await flow.choose(Sdk.LESHAN))["description_placeholders"]["settings"]
    await flow.send()
    await flow.choose("save")
    write_files(settings, tmp_path)
    words = shlex.split(settings.rpartition("> ")[2].replace("\\\n", ""))
    kind, *options = security
    values = [words[words.index(option) + 1] for option in options]
    if kind != "psk":
        values = [str(tmp_path / value) for value in values]

    port = hub.server.ports[Scheme.COAPS]
    async with leshan(class_path, port, ENDPOINT, security=(kind, *values)) as peer:
        await peer.event("registered")
        await settle(hass)
        temperature = hass.states.get(entity_id(hass, "sensor", "3303-0-5700"))

    assert temperature
    assert temperature.state == "21.5"
