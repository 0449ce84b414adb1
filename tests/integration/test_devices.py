"""What Home Assistant shows of each real kind of board: a snapshot for each platform.

docs/architecture.md says how to take the snapshots anew.
"""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension

from custom_components.lwm2m.const import DOMAIN, SUBENTRY_TYPE_DEVICE
from custom_components.lwm2m.discovery import PLATFORMS
from custom_components.lwm2m.protocol.coap import Scheme
from tests.devices import NAMES, FixtureDevice

from .conftest import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from homeassistant.const import Platform
    from homeassistant.core import HomeAssistant
    from syrupy.assertion import SnapshotAssertion

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry

DEVICES = [FixtureDevice.load(name) for name in NAMES]


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Write entities and states as Home Assistant's own snapshots do."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def entry(hass: HomeAssistant) -> Lwm2mConfigEntry:
    """A server whose entities have the same IDs in each run."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Greenhouse",
        entry_id="server",
        data={CONF_HOST: LOOPBACK, CONF_PORT: 0},
    )
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def devices(
    hass: HomeAssistant,
    hub: Hub,
    entry: Lwm2mConfigEntry,
    entity_registry_enabled_by_default: None,
) -> AsyncIterator[list[FixtureDevice]]:
    """All kinds of boards, registered, under the names of their files."""
    async with AsyncExitStack() as stack:
        for device in DEVICES:
            hass.config_entries.async_add_subentry(
                entry,
                ConfigSubentry(
                    data=MappingProxyType({}),
                    subentry_type=SUBENTRY_TYPE_DEVICE,
                    title=device.name,
                    unique_id=device.endpoint,
                ),
            )
            board = device.board(hub.server.ports[Scheme.COAP])
            await stack.enter_async_context(board)
            await board.registered()
        await hass.async_block_till_done(wait_background_tasks=True)
        yield DEVICES


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_entities(
    hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    devices: list[FixtureDevice],
    snapshot: SnapshotAssertion,
    platform: Platform,
) -> None:
    entities = sorted(
        (
            entity
            for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
            if entity.domain == platform
        ),
        key=lambda entity: entity.entity_id,
    )
    # A snapshot that nothing is compared with any more does not fail by itself.
    assert [entity.entity_id for entity in entities] == snapshot(name="entities")
    for entity in entities:
        assert entity == snapshot(name=f"{entity.entity_id}-entry")
        assert hass.states.get(entity.entity_id) == snapshot(name=f"{entity.entity_id}-state")


async def test_names_on_the_page_of_a_device_differ(
    hass: HomeAssistant, hub: Hub, devices: list[FixtureDevice]
) -> None:
    for device in devices:
        names = Counter(
            (entity.domain, entity.original_name)
            for entity in er.async_entries_for_device(
                er.async_get(hass), hub.devices[device.endpoint].id, include_disabled_entities=True
            )
        )
        assert [name for name, count in names.items() if count > 1] == [], device.name


async def test_device_entries(
    hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    devices: list[FixtureDevice],
    snapshot: SnapshotAssertion,
) -> None:
    entries = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    for device in sorted(entries, key=lambda device: device.name or ""):
        assert device == snapshot(name=device.name)


async def test_all_values_fit(hub: Hub, devices: list[FixtureDevice]) -> None:
    """Nothing that real boards send is left out, but what their maker got wrong."""
    misfits = {
        f"{device.name} {path}": reason
        for device in devices
        for path, reason in hub.devices[device.endpoint].resources.misfits.items()
    }
    assert misfits == {}


def test_each_fixture_says_where_it_is_from() -> None:
    assert all(device.data["source"] for device in DEVICES)
