"""Selects: shown and written over the air."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.const import STATE_UNKNOWN
import pytest

from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from .boards import Show

MODE = "/3340/0/5526"


@pytest.mark.parametrize(
    ("code", "option"), [(0, "disabled"), (1, "one_shot"), (4, "delay_on_drop_out")]
)
async def test_code_is_shown_by_its_meaning(show: Show, code: int, option: str) -> None:
    shown = await show({"/3340/0": {5521: 1.0, 5526: code}})
    assert shown.state(MODE).state == option


async def test_meaning_is_written_as_its_code(show: Show) -> None:
    shown = await show({"/3340/0": {5521: 1.0, 5526: 1}})
    await shown.call("select.select_option", MODE, option="interval")
    assert shown.board.value(Path.parse(MODE)) == 2
    assert shown.state(MODE).state == "interval"


async def test_code_without_a_meaning_is_unknown(show: Show) -> None:
    shown = await show({"/3340/0": {5521: 1.0, 5526: 9}})
    assert shown.state(MODE).state == STATE_UNKNOWN
