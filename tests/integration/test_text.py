"""Texts: shown and written over the air."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from .boards import Show


async def test_multi_state_output_is_shown_and_written(show: Show) -> None:
    shown = await show({"/3306/0": {5850: True, 5853: "comfort"}})
    assert shown.state("/3306/0/5853").state == "comfort"

    await shown.call("text.set_value", "/3306/0/5853", value="eco")

    assert shown.board.value(Path(3306, 0, 5853)) == "eco"
    assert shown.state("/3306/0/5853").state == "eco"


async def test_text_changed_at_the_board_is_shown(show: Show) -> None:
    shown = await show({"/3306/0": {5850: True, 5853: "comfort"}})
    assert (await shown.set("/3306/0/5853", "frost")).state == "frost"


async def test_text_longer_than_a_state_is_cut(show: Show) -> None:
    shown = await show({"/3306/0": {5850: True, 5853: "a" * 300}})
    assert shown.state("/3306/0/5853").state == "a" * 255


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_time_zone_is_a_setting(show: Show) -> None:
    shown = await show({"/3/0": {14: "+01:00", 15: "Europe/Berlin"}})
    await shown.call("text.set_value", "/3/0/15", value="Europe/Madrid")
    assert shown.board.value(Path(3, 0, 15)) == "Europe/Madrid"
    assert shown.entry("/3/0/15").entity_category == "config"
