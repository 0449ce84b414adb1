"""Meters in the energy dashboard and in the statistics, as Home Assistant's own code sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.energy.validate import async_validate
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import get_last_short_term_statistics
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from custom_components.lwm2m.protocol.coap import Scheme
from tests.devices import FixtureDevice

from .boards import Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub

    from .boards import Show

METERS = {
    "/3331/0": {5700: 1200.0, 5701: "Wh"},
    "/3331/1": {5700: 0.4, 5701: "kWh"},
    "/3305/0": {5800: 350.0, 5805: 8000.0},
    "/3311/0": {5805: 40.0, 5850: True},
    "/3312/0": {5805: 700.0, 5850: True},
    "/3418/0": {4: 120.0, 6: 1.5},
    "/3421/0": {16: 420.0, 25: 5120000.0, 26: 77000.0, 28: 5043000.0},
    "/3422/0": {8: 900.0, 17: 7500000.0, 18: 12000.0},
    "/3423/0": {1: 831.25},
    "/3424/0": {1: 92.5},
    "/10242/0": {34: 2.5, 41: 5120.0},
    "/10243/0": {4: "230.5", 5: 1.5, 14: 77.5},
    "/10257/0": {5800: 4000, 5802: {0: 9000.0}, 5805: 900000.0},
}
GRID = {
    "/3331/0/5700": None,
    "/3331/1/5700": None,
    "/3305/0/5805": "/3305/0/5800",
    "/3418/0/6": "/3418/0/4",
    "/3421/0/25": "/3421/0/16",
    "/3422/0/17": "/3422/0/8",
    "/10242/0/41": "/10242/0/34",
    "/10243/0/14": None,
}
"""What counts energy from the grid, and what measures its power."""
CONSUMPTION = ("/3311/0/5805", "/3312/0/5805", "/10257/0/5805")
UNPRICED = (
    "stat_cost",
    "entity_energy_price",
    "number_energy_price",
    "stat_compensation",
    "entity_energy_price_export",
    "number_energy_price_export",
)
EXPORT = {"/3421/0/25": "/3421/0/26", "/3422/0/17": "/3422/0/18"}


@pytest.fixture
def mock_recorder_before_hass(async_test_recorder: Any) -> None:
    """Prepare the recorder's database, which has to be done before Home Assistant starts."""


async def compile_statistics(hass: HomeAssistant) -> None:
    """Compile the statistics of the five minutes that this is in."""
    await async_wait_recording_done(hass)
    now = dt_util.utcnow()
    start = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0)
    do_adhoc_statistics(hass, start=start)
    await async_wait_recording_done(hass)


def preferences(
    shown: Shown, grid: Mapping[str, str | None] = GRID, consumption: Iterable[str] = CONSUMPTION
) -> Any:
    """Return what an owner chooses in the settings of the energy dashboard."""

    def chosen(path: str | None) -> str | None:
        return shown.entry(path).entity_id if path else None

    def source(kind: str, path: str, rate: str | None) -> dict[str, Any]:
        energy = {"type": kind, "stat_energy_from": chosen(path), "cost_adjustment_day": 0.0}
        export = {"stat_energy_to": chosen(EXPORT.get(path))} if kind == "grid" else {}
        return (
            energy
            | export
            | dict.fromkeys(UNPRICED)
            | ({"stat_rate": chosen(rate)} if rate else {})
        )

    return {
        "energy_sources": [
            *(source("grid", path, power) for path, power in grid.items()),
            source("gas", "/3423/0/1", None),
            source("water", "/3424/0/1", None),
        ],
        "device_consumption": [{"stat_consumption": chosen(path)} for path in consumption],
    }


async def validated(hass: HomeAssistant, chosen: Any) -> int:
    """Return how many sources the energy dashboard takes, all of them without an issue."""
    manager = await async_get_manager(hass)
    await manager.async_update(chosen)
    await compile_statistics(hass)
    validation = await async_validate(hass)
    issues = [
        issue for sources in validation.as_dict().values() for source in sources for issue in source
    ]
    assert issues == []
    return len(validation.energy_sources)


@pytest.mark.usefixtures("recorder_mock")
async def test_meters_have_their_place_in_the_energy_dashboard(
    hass: HomeAssistant, show: Show
) -> None:
    shown = await show(METERS)
    assert await validated(hass, preferences(shown)) == len(GRID) + 2


@pytest.mark.usefixtures("recorder_mock")
async def test_meter_of_a_household_has_its_place_in_the_energy_dashboard(
    hass: HomeAssistant, hub: Hub
) -> None:
    meter = FixtureDevice.load("household-meter")
    hub.async_approve(meter.endpoint)
    async with meter.board(hub.server.ports[Scheme.COAP]) as board:
        await board.registered()
        await hass.async_block_till_done(wait_background_tasks=True)
        shown = Shown(hass, hub.devices[meter.endpoint], board)
        grid = {"/3421/0/25": "/3421/0/16"}
        assert await validated(hass, preferences(shown, grid, ())) == len(grid) + 2


async def test_meters_of_gas_and_water_on_one_board_share_no_name(show: Show) -> None:
    rows = {1: 1.0, 4: 7, 7: 0.0, 8: 0.1, 9: False, 10: False}
    shown = await show({"/3423/0": rows, "/3424/0": rows})
    entries = [*shown.entries("/3423"), *shown.entries("/3424")]
    names = [entry.original_name for entry in entries]
    assert len(names) == len(set(names)) == 2 * len(rows)


async def total(hass: HomeAssistant, shown: Shown, path: str) -> float | None:
    """Return what the statistics have added up of a meter."""
    entity_id = shown.entry(path).entity_id
    await compile_statistics(hass)
    rows = await get_instance(hass).async_add_executor_job(
        get_last_short_term_statistics, hass, 1, entity_id, True, {"sum"}
    )
    return rows[entity_id][0]["sum"]


@pytest.mark.usefixtures("recorder_mock")
async def test_meter_that_is_reset_counts_on(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3424/0": {1: 92.5}})
    for cubic_metres in (94.5, 0.0, 1.5):
        await shown.set("/3424/0/1", cubic_metres)
    assert await total(hass, shown, "/3424/0/1") == 2.0 + 1.5


@pytest.mark.usefixtures("recorder_mock", "entity_registry_enabled_by_default")
async def test_net_energy_counts_both_ways(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3421/0": {28: 5000.0}})
    for watt_hours in (7000.0, 4000.0):
        await shown.set("/3421/0/28", watt_hours)
    assert await total(hass, shown, "/3421/0/28") == -1.0
