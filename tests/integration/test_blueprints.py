"""The blueprints do what they say, in real automations."""

from __future__ import annotations

from datetime import timedelta
import json
from pathlib import Path as FilePath
import re
import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import load_yaml_dict, parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_time_changed,
    async_mock_service,
)

from custom_components.lwm2m.const import EVENT_REGISTRATION
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.security import SecurityEvent, SecurityEventType
from tests.raw_coap import until

from .boards import NAME
from .conftest import settle

if TYPE_CHECKING:
    from homeassistant.core import Event, HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry

    from .boards import Show, Shown

ROOT = FilePath(__file__).parents[2]
FOLDER = ROOT / "blueprints" / "automation" / "lwm2m"
README = (ROOT / "README.md").read_text()
TRANSLATIONS = json.loads(
    (ROOT / "custom_components" / "lwm2m" / "translations" / "en.json").read_text()
)
DONE = "done"
"""The event of what an automation does."""
BATTERY = Path(3, 0, 9)


async def automate(
    hass: HomeAssistant, tmp_path: FilePath, blueprint: str, said: str, **inputs: Any
) -> list[Event]:
    """Run an automation of a blueprint; return the events of what it does, which say `said`."""
    actions = [{"event": DONE, "event_data": {"said": said}}]
    await set_up(hass, tmp_path, blueprint, {**inputs, "actions": actions})
    return async_capture_events(hass, DONE)


async def set_up(
    hass: HomeAssistant, tmp_path: FilePath, blueprint: str, inputs: dict[str, Any]
) -> None:
    hass.config.config_dir = str(tmp_path)
    shutil.copytree(FOLDER, tmp_path / "blueprints" / "automation" / "lwm2m")
    automation = {"use_blueprint": {"path": f"lwm2m/{blueprint}.yaml", "input": inputs}}
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: automation})
    await hass.async_block_till_done()
    assert hass.states.async_entity_ids_count(AUTOMATION) == 1


def said(events: list[Event]) -> list[Any]:
    return [event.data["said"] for event in events]


@pytest.fixture
async def shown(show: Show) -> Shown:
    """A board with a battery."""
    return await show({"/3/0": {0: "Acme", 9: 50, 16: "U"}})


async def test_low_battery(hass: HomeAssistant, tmp_path: FilePath, shown: Shown) -> None:
    battery = shown.entry(str(BATTERY)).entity_id
    events = await automate(
        hass, tmp_path, "low_battery", "{{ name }}: {{ level }}", batteries=[battery], level=30
    )
    for level in (31, 29, 28):
        await shown.set(str(BATTERY), level)
        await hass.async_block_till_done()
    assert said(events) == ["board: 29"]


async def until_waiting(hass: HomeAssistant, automations: int) -> None:
    """Wait until so many automations wait for a device to come back."""
    running = 1  # the automation's own trigger
    await until(lambda: hass.bus.async_listeners()[EVENT_REGISTRATION] == running + automations)


@pytest.mark.parametrize("chosen", [True, False])
async def test_device_that_stays_offline(
    hass: HomeAssistant, tmp_path: FilePath, shown: Shown, chosen: bool
) -> None:
    devices = {"devices": [shown.device.id]} if chosen else {}
    events = await automate(
        hass, tmp_path, "device_offline", "{{ name }}: {{ reason }}", patience="00:01:00", **devices
    )
    await shown.board.stop()
    await until_waiting(hass, 1)
    assert not events
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=61))
    await hass.async_block_till_done()
    assert said(events) == ["board: deregistered"]


async def test_device_that_comes_back(
    hass: HomeAssistant, tmp_path: FilePath, shown: Shown
) -> None:
    events = await automate(hass, tmp_path, "device_offline", "", patience="00:01:00")
    await shown.board.stop()
    await until_waiting(hass, 1)
    await shown.board.start()
    await until_waiting(hass, 0)
    await settle(hass)
    assert not events
    # Else it waits for a minute when the board leaves with the test.
    await hass.services.async_call(AUTOMATION, "turn_off", {"entity_id": "all"}, blocking=True)


async def test_device_that_was_not_chosen(
    hass: HomeAssistant, tmp_path: FilePath, shown: Shown
) -> None:
    events = await automate(
        hass, tmp_path, "device_offline", "", patience="00:00:00", devices=["another"]
    )
    await shown.board.stop()
    await settle(hass)
    assert not events


async def test_security_alert(
    hass: HomeAssistant, tmp_path: FilePath, hub: Hub, shown: Shown
) -> None:
    events = await automate(hass, tmp_path, "security_alert", "{{ message }}")
    for event, device in (
        (SecurityEvent(SecurityEventType.FLOOD, "192.0.2.1", count=2), None),
        (SecurityEvent(SecurityEventType.UNKNOWN_IDENTITY, "192.0.2.1", claimed="thief"), None),
        (SecurityEvent(SecurityEventType.WRONG_KEY, "192.0.2.1", NAME, NAME), shown.device),
        (SecurityEvent(SecurityEventType.UNKNOWN_IDENTITY, "::1", claimed="thief", count=2), None),
    ):
        hub.security.async_take(event, device)
        await hass.async_block_till_done()
    assert said(events) == [
        "Flood from 192.0.2.1, 2 times.",
        'Unknown device from 192.0.2.1, as "thief".',
        f"Wrong key from 192.0.2.1, about {NAME}.",
        'Unknown device from ::1, 2 times, last as "thief".',
    ]


async def test_alert_of_the_readme_tells_of_an_incident_once(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, hub: Hub
) -> None:
    """A restart shows the last incident again."""
    (example,) = re.findall(r"^To be told:\n\n```yaml\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    (security,) = hass.states.async_entity_ids("event")
    automation = parse_yaml(example.replace("event.lwm2m_security", security))
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: automation})
    calls = async_mock_service(hass, "persistent_notification", "create")
    hub.security.async_take(SecurityEvent(SecurityEventType.WRONG_KEY, "192.0.2.1", NAME), None)
    await hass.async_block_till_done()
    assert [call.data["message"] for call in calls] == [f"wrong_key from 192.0.2.1 about {NAME}"]

    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert len(calls) == 1


async def test_security_alert_shows_a_strangers_name_as_it_is(
    hass: HomeAssistant, tmp_path: FilePath, hub: Hub
) -> None:
    """Notifications are Markdown, where it could be a link or a picture."""
    await set_up(hass, tmp_path, "security_alert", {})
    calls = async_mock_service(hass, "persistent_notification", "create")
    thief = SecurityEvent(SecurityEventType.UNKNOWN_IDENTITY, "::1", claimed="[Hi](x) ![](y)")
    hub.security.async_take(thief, None)
    await hass.async_block_till_done()
    [message] = [call.data["message"] for call in calls]
    assert r"\[Hi\]\(x\) \!\[\]\(y\)" in message


async def test_security_alert_of_some_incidents(
    hass: HomeAssistant, tmp_path: FilePath, hub: Hub
) -> None:
    events = await automate(hass, tmp_path, "security_alert", "{{ type }}", types=["flood"])
    for event_type in SecurityEventType:
        hub.security.async_take(SecurityEvent(event_type, "192.0.2.1"), None)
        await hass.async_block_till_done()
    assert said(events) == ["flood"]


@pytest.mark.parametrize("event_type", SecurityEventType)
async def test_security_alert_has_words_for_each_incident(
    hass: HomeAssistant, tmp_path: FilePath, hub: Hub, event_type: SecurityEventType
) -> None:
    """The same as the event's."""
    events = await automate(
        hass, tmp_path, "security_alert", "{{ message }}", types=list(SecurityEventType)
    )
    hub.security.async_take(SecurityEvent(event_type, "192.0.2.1"), None)
    await hass.async_block_till_done()
    words = TRANSLATIONS["entity"]["event"]["security"]["state_attributes"]["event_type"]["state"]
    assert said(events) == [f"{words[event_type]} from 192.0.2.1."]


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda file: file.stem)
def test_readme_has_an_import_link(file: FilePath) -> None:
    url = load_yaml_dict(str(file))["blueprint"]["source_url"]
    assert url.endswith(f"/blob/main/{file.relative_to(ROOT).as_posix()}")
    links = re.findall(r"redirect/blueprint_import/\?blueprint_url=([^)\s]+)", README)
    assert url in map(unquote, links)
