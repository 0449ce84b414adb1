"""Binary sensors, from a board's resource to a state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.const import STATE_OFF, STATE_ON
import pytest

if TYPE_CHECKING:
    from .boards import Show


@pytest.mark.parametrize(
    ("object_id", "device_class"),
    [(3200, None), (3302, "occupancy"), (3342, None), (3347, None)],
)
async def test_input_shows_its_state(show: Show, object_id: int, device_class: str | None) -> None:
    shown = await show({f"/{object_id}/0": {5500: True}})
    state = shown.state(f"/{object_id}/0/5500", "binary_sensor")
    assert state.state == STATE_ON
    assert state.attributes.get("device_class") == device_class


async def test_input_follows_the_board(show: Show) -> None:
    shown = await show({"/3200/0": {5500: False}})
    assert (await shown.set("/3200/0/5500", True)).state == STATE_ON
    assert (await shown.set("/3200/0/5500", False)).state == STATE_OFF
