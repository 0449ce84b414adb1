"""Times that can be written: shown and set over the air."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .boards import Show

MORNING = datetime(2026, 11, 20, 8, 15, tzinfo=UTC)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("entity_registry_enabled_by_default")


@pytest.mark.parametrize("path", ["/3/0/13", "/3310/0/5824", "/3333/0/5506", "/10257/0/5506"])
async def test_time_is_shown_and_written(show: Show, path: str) -> None:
    resource = Path.parse(path)
    shown = await show({str(resource.instance): {resource.resource_id: MORNING}})
    assert shown.state(path).state == "2026-11-20T08:15:00+00:00"

    await shown.call("datetime.set_value", path, datetime="2026-11-20T13:00:00+01:00")

    assert shown.board.value(resource) == NOON
    assert shown.state(path).state == "2026-11-20T12:00:00+00:00"


async def test_time_without_a_zone_is_in_that_of_home_assistant(
    hass: HomeAssistant, show: Show
) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")
    shown = await show({"/3310/0": {5824: MORNING}})
    await shown.call("datetime.set_value", "/3310/0/5824", datetime="2026-11-20 13:00:00")
    assert shown.board.value(Path(3310, 0, 5824)) == NOON


async def test_time_is_written_in_whole_seconds(show: Show) -> None:
    shown = await show({"/3310/0": {5824: MORNING}})
    await shown.call("datetime.set_value", "/3310/0/5824", datetime="2026-11-20T12:00:00.9+00:00")
    assert shown.board.value(Path(3310, 0, 5824)) == NOON


async def test_time_changed_at_the_board_is_shown(show: Show) -> None:
    shown = await show({"/3310/0": {5824: MORNING}})
    assert (await shown.set("/3310/0/5824", NOON)).state == "2026-11-20T12:00:00+00:00"
