"""What the owner is told to look after: refused observations, and a clock that is wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiocoap import METHOD_NOT_ALLOWED
from homeassistant.components.repairs import DOMAIN as REPAIRS, repairs_flow_manager
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest

from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.device_issues import CURRENT_TIME, MAX_NAMED
from simulator.errors import RefusedError

from .conftest import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Lwm2mConfigEntry
    from custom_components.lwm2m.protocol.node import Value
    from custom_components.lwm2m.protocol.path import Path
    from simulator.board import Board

    from .boards import Show

SENSOR: dict[int, Any] = {5700: 21.5, 5701: "Cel"}
HOUR = timedelta(hours=1)

# Home Assistant's own http integration, which repairs need, keeps its state the old way.
pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")


def issue(hass: HomeAssistant, kind: str) -> ir.IssueEntry | None:
    """Return the issue of a kind."""
    for (domain, _), found in ir.async_get(hass).issues.items():
        if domain == DOMAIN and found.translation_key == kind:
            return found
    return None


async def fix(
    hass: HomeAssistant, found: ir.IssueEntry | None, meanwhile: Callable[[], object] = int
) -> Any:
    """Go through the fix flow of an issue, and confirm it."""
    assert found
    assert await async_setup_component(hass, REPAIRS, {})
    manager = repairs_flow_manager(hass)
    assert manager
    form = await manager.async_init(DOMAIN, data={"issue_id": found.issue_id})
    meanwhile()
    result = await manager.async_configure(form["flow_id"], {})
    await settle(hass)
    return result


def with_time(time: datetime) -> dict[int, Any]:
    """Return the resources of a device whose clock says so."""
    return {0: "Acme", 13: time.replace(microsecond=0), 16: "U"}


# Observations


async def test_refused_observation_is_an_issue(hass: HomeAssistant, show: Show) -> None:
    shown = await show(
        {"/3303/0": SENSOR, "/3304/0": SENSOR}, observable=lambda path: path[0] != 3303
    )
    found = issue(hass, "observe_refused")
    assert found
    assert found.translation_placeholders == {"name": "board", "paths": "Temperature (/3303/0)"}
    assert not found.is_fixable
    assert shown.device.endpoint not in found.issue_id  # which diagnostics show


async def test_observations_that_are_taken_are_none(hass: HomeAssistant, show: Show) -> None:
    await show({"/3303/0": SENSOR})
    assert issue(hass, "observe_refused") is None


async def test_issue_goes_when_the_device_has_places_again(hass: HomeAssistant, show: Show) -> None:
    refuses = True
    shown = await show({"/3303/0": SENSOR}, observable=lambda path: not refuses)
    refuses = False
    await shown.board.register()
    await settle(hass)
    assert issue(hass, "observe_refused") is None


async def test_long_list_of_paths_is_cut(hass: HomeAssistant, show: Show) -> None:
    instances = {f"/3303/{number}": SENSOR for number in range(MAX_NAMED + 1)}
    await show(instances, observable=lambda path: False)
    found = issue(hass, "observe_refused")
    assert found
    assert found.translation_placeholders
    assert found.translation_placeholders["paths"].endswith(f"(/3303/{MAX_NAMED - 1}), …")


async def test_issues_go_with_the_device(
    hass: HomeAssistant, show: Show, entry: Lwm2mConfigEntry
) -> None:
    shown = await show({"/3303/0": SENSOR}, observable=lambda path: False)
    hass.config_entries.async_remove_subentry(entry, shown.device.subentry_id)
    await settle(hass)
    assert issue(hass, "observe_refused") is None


# Clocks


@pytest.mark.parametrize("off", [HOUR, -HOUR])
async def test_wrong_clock_is_an_issue(hass: HomeAssistant, show: Show, off: timedelta) -> None:
    time = dt_util.utcnow() + off
    await show({"/3/0": with_time(time)})
    found = issue(hass, "clock_off")
    assert found
    assert found.translation_placeholders == {
        "name": "board",
        "time": f"{time:%Y-%m-%d %H:%M:%S} UTC",
    }


async def test_right_clock_is_none(hass: HomeAssistant, show: Show) -> None:
    await show({"/3/0": with_time(dt_util.utcnow() + timedelta(minutes=4))})
    assert issue(hass, "clock_off") is None


async def test_clock_that_is_set_right_is_none_any_more(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3/0": with_time(dt_util.utcnow() - HOUR)})
    shown.board.set(CURRENT_TIME, dt_util.utcnow().replace(microsecond=0))
    await shown.board.update()  # which is answered after the notification has come
    await settle(hass)
    assert issue(hass, "clock_off") is None


async def test_repair_sets_the_clock(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3/0": with_time(dt_util.utcnow() - HOUR)})
    result = await fix(hass, issue(hass, "clock_off"))
    assert result["type"] == "create_entry"
    assert abs(shown.board.value(CURRENT_TIME) - dt_util.utcnow()) < timedelta(minutes=1)
    assert issue(hass, "clock_off") is None


async def test_device_that_takes_no_time_is_said_to(hass: HomeAssistant, show: Show) -> None:
    def refuse(board: Board, path: Path, value: Value) -> None:
        raise RefusedError(METHOD_NOT_ALLOWED)

    await show({"/3/0": with_time(dt_util.utcnow() - HOUR)}, check=refuse)
    result = await fix(hass, issue(hass, "clock_off"))
    assert result["reason"] == "clock_not_set"
    assert "4.05" in result["description_placeholders"]["error"]
    assert issue(hass, "clock_off")


async def test_device_that_has_gone_is_said_to(
    hass: HomeAssistant, show: Show, entry: Lwm2mConfigEntry
) -> None:
    shown = await show({"/3/0": with_time(dt_util.utcnow() - HOUR)})

    def remove() -> None:
        hass.config_entries.async_remove_subentry(entry, shown.device.subentry_id)

    result = await fix(hass, issue(hass, "clock_off"), meanwhile=remove)
    assert result["reason"] == "device_gone"
