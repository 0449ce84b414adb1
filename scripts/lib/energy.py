"""The energy dashboard of the demo: what its meters are for, and a past that they may have had."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from homeassistant.components.recorder.models import StatisticMeanType

from simulator.boards import PLUG_LOAD
from simulator.meters import ELECTRICITY, GAS, WATER, Use

from .home_assistant import HomeAssistantError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .home_assistant import HomeAssistant

PAST = timedelta(days=7)
HOUR = timedelta(hours=1)
POWER = {
    "unit_of_measurement": "W",
    "unit_class": "power",
    "has_sum": False,
    "mean_type": StatisticMeanType.ARITHMETIC,
}
RECORDED_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Meter:
    """An entity that counts, what it counts, and the entity of the power where there is one."""

    entity_id: str
    use: Use
    unit: str
    unit_class: str
    divisor: float = 1.0
    """How much of what is used makes one unit."""
    power: str | None = None


GRID = Meter(
    "sensor.smart_meter_energy_import",
    ELECTRICITY,
    "kWh",
    "energy",
    1000.0,
    "sensor.smart_meter_power_import",
)
GAS_METER = Meter("sensor.smart_meter_gas", GAS, "m³", "volume")
WATER_METER = Meter("sensor.smart_meter_water", WATER, "m³", "volume")
PLUG = Meter(
    "sensor.smart_plug_energy",
    Use(PLUG_LOAD, ()),
    "kWh",
    "energy",
    1000.0,
    "sensor.smart_plug_power",
)
METERS = (GRID, GAS_METER, WATER_METER, PLUG)
PREFERENCES = {
    "energy_sources": [
        {
            "type": "grid",
            "stat_energy_from": GRID.entity_id,
            "stat_rate": GRID.power,
            "cost_adjustment_day": 0,
        },
        {"type": "gas", "stat_energy_from": GAS_METER.entity_id},
        {"type": "water", "stat_energy_from": WATER_METER.entity_id},
    ],
    "device_consumption": [{"stat_consumption": PLUG.entity_id, "stat_rate": PLUG.power}],
}


async def set_up_dashboard(home: HomeAssistant) -> None:
    """Choose the meters for the energy dashboard, unless somebody has chosen already.

    What they counted in the days before is imported, as nobody wants to wait for days to see it.
    """
    try:
        await home.call("energy/get_prefs")
    except HomeAssistantError:
        now = datetime.now(UTC)
        states = {state["entity_id"]: state["state"] for state in await home.call("get_states")}
        for meter in METERS:
            reading = float(states[meter.entity_id])
            await _import(home, _metadata(meter), _counted(meter, reading, now))
            if meter.power:
                await _import(home, POWER | {"statistic_id": meter.power}, _powers(meter, now))
        await home.call("energy/save_prefs", **PREFERENCES)


async def check_dashboard(home: HomeAssistant) -> None:
    """Wait until the energy dashboard takes all meters; HomeAssistantError when it does not."""
    issues: list[Any] = []
    try:
        async with asyncio.timeout(RECORDED_TIMEOUT):
            while True:  # the recorder takes its time to import
                found = await home.call("energy/validate")
                issues = [
                    issue for sources in found.values() for source in sources for issue in source
                ]
                if not issues:
                    return
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise HomeAssistantError(
            f"the energy dashboard does not take the meters: {issues}"
        ) from None


async def _import(
    home: HomeAssistant, metadata: dict[str, Any], statistics: Iterable[dict[str, Any]]
) -> None:
    metadata = {"source": "recorder", "name": None, **metadata}
    await home.call("recorder/import_statistics", metadata=metadata, stats=list(statistics))


def _metadata(meter: Meter) -> dict[str, Any]:
    return {
        "statistic_id": meter.entity_id,
        "unit_of_measurement": meter.unit,
        "unit_class": meter.unit_class,
        "has_sum": True,
        "mean_type": StatisticMeanType.NONE,
    }


def _hours(now: datetime) -> Iterator[datetime]:
    """Yield when the hours began that are over."""
    this = now.replace(minute=0, second=0, microsecond=0)
    return (this - HOUR * ago for ago in range(PAST // HOUR, 0, -1))


def _counted(meter: Meter, reading: float, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield what a meter showed at the end of each hour, back from what it shows now.

    The sums come to 0 now, where those begin that Home Assistant adds up itself.
    """
    for hour in _hours(now):
        since = (meter.use.total(now) - meter.use.total(hour + HOUR)) / meter.divisor
        yield {"start": hour.isoformat(), "state": reading - since, "sum": -since}


def _powers(meter: Meter, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the power in each hour."""
    for hour in _hours(now):
        powers = [meter.use.rate(hour + HOUR * part / 12) for part in range(13)]
        yield {
            "start": hour.isoformat(),
            "mean": meter.use.total(hour + HOUR) - meter.use.total(hour),
            "min": min(powers),
            "max": max(powers),
        }
