"""What a device says of its power: sources by kind, and the battery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
import pytest

from custom_components.lwm2m.power import NO_BATTERY
from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .boards import Show

BATTERY, USB = 1, 5


async def test_each_power_source_is_named_by_its_kind(show: Show) -> None:
    shown = await show({"/3/0": {6: {0: BATTERY, 3: USB}, 7: {0: 3800, 3: 5000}, 8: {3: 125}}})
    states = [shown.state(path) for path in ("/3/0/7/0", "/3/0/7/3", "/3/0/8/3")]
    assert [
        (state.name, state.state, state.attributes["unit_of_measurement"]) for state in states
    ] == [
        ("board Internal battery voltage", "3.8", "V"),
        ("board USB voltage", "5.0", "V"),
        ("board USB current", "125", "mA"),
    ]


async def test_second_source_of_a_kind_is_numbered(show: Show) -> None:
    shown = await show({"/3/0": {6: {0: USB, 1: BATTERY, 2: BATTERY}, 7: {1: 3800, 2: 3700}}})
    names = [shown.state(path).name for path in ("/3/0/7/1", "/3/0/7/2")]
    assert names == ["board Internal battery voltage", "board Internal battery voltage 2"]


async def test_source_of_no_known_kind_is_numbered(show: Show) -> None:
    shown = await show({"/3/0": {7: {0: 3800, 1: 5000}}})
    names = [shown.state(path).name for path in ("/3/0/7/0", "/3/0/7/1")]
    assert names == ["board Power source voltage", "board Power source voltage 1"]


async def test_source_that_appears_later_becomes_an_entity(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3/0": {6: {0: BATTERY, 1: USB}, 7: {0: 3800}}})
    await shown.next_state("/3/0/7/0", lambda: shown.board.set(Path(3, 0, 7), {0: 3900, 1: 5000}))
    await hass.async_block_till_done()
    assert shown.state("/3/0/7/1").name == "board USB voltage"


async def test_source_that_goes_is_unavailable(show: Show) -> None:
    shown = await show({"/3/0": {7: {0: 3800, 1: 5000}}})
    state = await shown.next_state("/3/0/7/1", lambda: shown.board.set(Path(3, 0, 7), {0: 3800}))
    assert state.state == STATE_UNAVAILABLE


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_available_sources_are_told(show: Show) -> None:
    shown = await show({"/3/0": {6: {0: 0, 1: 7}}})
    assert [shown.state(f"/3/0/6/{n}").state for n in (0, 1)] == ["dc", "solar"]


@pytest.mark.parametrize("status", NO_BATTERY)
async def test_board_without_battery_shows_none(show: Show, status: int) -> None:
    shown = await show({"/3/0": {9: 0, 20: status}})
    assert [*shown.entries("/3/0/9"), *shown.entries("/3/0/20")] == []


async def test_battery_that_is_put_in_is_shown(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3/0": {9: 87, 20: 5}})
    shown.board.set(Path(3, 0, 20), 0)
    await shown.next_value(Path(3, 0, 20), 0)
    await hass.async_block_till_done()
    assert [shown.state(path).state for path in ("/3/0/9", "/3/0/20")] == ["87", "normal"]


async def test_battery_that_is_taken_out_has_no_level(show: Show) -> None:
    shown = await show({"/3/0": {9: 87, 20: 0}})
    state = await shown.set("/3/0/20", 5, shown_by="/3/0/9")
    assert state.state == STATE_UNKNOWN
