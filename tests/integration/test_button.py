"""Buttons: resources executed over the air."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap import METHOD_NOT_ALLOWED
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.protocol.path import Path
from simulator.errors import RefusedError

if TYPE_CHECKING:
    from simulator.board import Board

    from .boards import Show


def done(board: Board, path: Path, arguments: str) -> None:
    """Do nothing but be executed."""


def refuse(board: Board, path: Path, arguments: str) -> None:
    """Do not even that."""
    raise RefusedError(METHOD_NOT_ALLOWED)


async def test_reboot_is_executed_without_arguments(show: Show) -> None:
    shown = await show({"/3/0": {4: done}})
    await shown.call("button.press", "/3/0/4")
    assert await shown.board.executed(Path(3, 0, 4)) == ""


async def test_reboot_is_a_restart_in_the_configuration(show: Show) -> None:
    shown = await show({"/3/0": {4: done}})
    assert shown.state("/3/0/4").attributes["device_class"] == "restart"
    assert shown.entry("/3/0/4").entity_category == "config"


async def test_factory_reset_is_disabled_by_default(show: Show) -> None:
    shown = await show({"/3/0": {4: done, 5: done}})
    assert shown.entry("/3/0/5").disabled


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.parametrize(
    ("instance", "resource_id", "value_id", "name"),
    [
        ("/3/0", 12, 9, "board Reset errors"),
        ("/3200/0", 5505, 5500, "board Reset digital input counter"),
        ("/3303/0", 5605, 5700, "board Reset minimum and maximum temperature"),
        ("/3305/0", 5605, 5800, "board Reset minimum and maximum power"),
        ("/3331/0", 5822, 5700, "board Reset energy"),
    ],
)
async def test_reset_is_executed(
    show: Show, instance: str, resource_id: int, value_id: int, name: str
) -> None:
    shown = await show({instance: {value_id: 1, resource_id: done}})
    path = f"{instance}/{resource_id}"
    assert shown.state(path).name == name

    await shown.call("button.press", path)

    await shown.board.executed(Path.parse(path))


async def test_refusal_is_told(show: Show) -> None:
    shown = await show({"/3/0": {4: refuse}})
    with pytest.raises(HomeAssistantError, match="board") as refusal:
        await shown.call("button.press", "/3/0/4")
    assert refusal.value.translation_domain == DOMAIN
