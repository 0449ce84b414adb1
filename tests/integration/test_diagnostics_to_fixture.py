"""A device's diagnostics, made into a fixture, are played as that device."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.json import ExtendedJSONEncoder
import pytest

from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.diagnostics import async_get_device_diagnostics
from custom_components.lwm2m.protocol.coap import Scheme
from scripts import diagnostics_to_fixture
from scripts.diagnostics_to_fixture import make_fixture
from tests.devices import NAMES, FixtureDevice

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry

COPY = "copy"


async def play(hass: HomeAssistant, hub: Hub, device: FixtureDevice) -> dict[str, Any]:
    """Let a device register, and return its diagnostics as they are downloaded."""
    hub.async_approve(device.endpoint)
    async with device.board(hub.server.ports[Scheme.COAP]) as board:
        await board.registered()
        await hass.async_block_till_done(wait_background_tasks=True)
        entry_id = hub._entry.entry_id
        device_entry = dr.async_get(hass).async_get_device_by_identifier(
            (DOMAIN, hub.devices[device.endpoint].unique_id), entry_id
        )
        assert device_entry
        data = await async_get_device_diagnostics(hass, hub._entry, device_entry)
    text = json.dumps(
        {"integration_manifest": {"version": "1.2.3"}, "data": data}, cls=ExtendedJSONEncoder
    )
    file: dict[str, Any] = json.loads(text)
    return file


def keys(hass: HomeAssistant, hub: Hub, endpoint: str) -> set[str]:
    """Return what tells the entities of a device apart."""
    prefix = f"{hub.devices[endpoint].unique_id}-"
    return {
        f"{entity.domain} {entity.unique_id.removeprefix(prefix)}"
        for entity in er.async_entries_for_config_entry(er.async_get(hass), hub._entry.entry_id)
        if entity.unique_id.startswith(prefix)
    }


@pytest.mark.parametrize("name", NAMES)
async def test_fixture_of_diagnostics_has_the_same_entities(
    hass: HomeAssistant, hub: Hub, name: str
) -> None:
    original = FixtureDevice.load(name)
    fixture = make_fixture(await play(hass, hub, original), COPY)
    await play(hass, hub, FixtureDevice(COPY, fixture))
    assert keys(hass, hub, COPY) == keys(hass, hub, original.endpoint)


async def test_fixture_has_what_the_diagnostics_tell(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    fixture = make_fixture(await play(hass, hub, FixtureDevice.load("nrf91-thingy")), COPY)
    assert fixture["register"]["query"] == ["lwm2m=1.1", "ep=copy", "lt=43200", "b=U", "Q"]
    assert fixture["register"]["payload"].startswith(
        '</>;rt="oma.lwm2m";ct="112",</1/0>,</3>;ver=1.0,</3/0>,'
    )
    assert fixture["formats"] == [112, 0, 42]
    values = fixture["values"]
    assert values["/3/0/0"] == "Nordic Semiconductor ASA"
    assert values["/3/0/4"] is None
    assert values["/3/0/7"] == {"0": 4102, "1": 0}
    assert values["/3303/0/5700"] == 24.35


async def test_what_diagnostics_leave_out_is_made_up(hass: HomeAssistant, hub: Hub) -> None:
    file = await play(hass, hub, FixtureDevice.load("nrf91-thingy"))
    values = make_fixture(file, COPY)["values"]
    assert values["/3/0/2"] == ""
    assert values["/4/0/4"] == {"0": ""}
    assert values["/6/0/0"] == 0.0
    assert "**REDACTED**" not in json.dumps(values)


async def test_opaque_value_keeps_its_length(hass: HomeAssistant, hub: Hub) -> None:
    file = await play(hass, hub, FixtureDevice.load("leshan-demo"))
    assert make_fixture(file, COPY)["values"]["/3442/0/150"] == "AAAAAAAAAAA="


async def test_script_writes_the_fixture(
    hass: HomeAssistant,
    hub: Hub,
    tmp_path: FilePath,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = await play(hass, hub, FixtureDevice.load("zephyr-sample"))
    (tmp_path / "download.json").write_text(json.dumps(file))
    monkeypatch.setattr(diagnostics_to_fixture, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["", str(tmp_path / "download.json"), "new-board"])
    diagnostics_to_fixture.main()
    assert json.loads((tmp_path / "new-board.json").read_text()) == make_fixture(file, "new-board")
    assert "new-board.json" in capsys.readouterr().out
