"""Switches: shown and written over the air."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.const import STATE_OFF, STATE_ON
import pytest

from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from .boards import Show

OUTPUTS = [("/3201/0", 5550), ("/3306/0", 5850), ("/3312/0", 5850)]


@pytest.mark.parametrize(("instance", "resource_id"), OUTPUTS)
async def test_output_is_switched_on(show: Show, instance: str, resource_id: int) -> None:
    shown = await show({instance: {resource_id: False}})
    path = f"{instance}/{resource_id}"
    await shown.call("switch.turn_on", path)
    assert shown.board.value(Path.parse(path)) is True
    assert shown.state(path).state == STATE_ON


@pytest.mark.parametrize(("instance", "resource_id"), OUTPUTS)
async def test_output_is_switched_off(show: Show, instance: str, resource_id: int) -> None:
    shown = await show({instance: {resource_id: True}})
    path = f"{instance}/{resource_id}"
    await shown.call("switch.turn_off", path)
    assert shown.board.value(Path.parse(path)) is False
    assert shown.state(path).state == STATE_OFF


async def test_output_switched_at_the_board_is_shown(show: Show) -> None:
    shown = await show({"/3312/0": {5850: True}})
    assert (await shown.set("/3312/0/5850", False)).state == STATE_OFF


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_polarity_is_a_setting(show: Show) -> None:
    shown = await show({"/3200/0": {5500: False, 5502: False}})
    await shown.call("switch.turn_on", "/3200/0/5502")
    assert shown.board.value(Path(3200, 0, 5502)) is True
    assert shown.entry("/3200/0/5502").entity_category == "config"


async def test_polarity_is_disabled_by_default(show: Show) -> None:
    shown = await show({"/3201/0": {5550: False, 5551: False}})
    assert shown.entry("/3201/0/5551").disabled
