"""Locks: locked and unlocked over the air."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap import BAD_REQUEST
from homeassistant.const import STATE_UNKNOWN
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.protocol.path import Path
from simulator.errors import RefusedError

if TYPE_CHECKING:
    from simulator.board import Board

    from .boards import Show

LOCK = "/10359/0/100"
STATUS = "/10359/0/50"


def control(board: Board, path: Path, arguments: str) -> None:
    """Lock or unlock as the object says."""
    status = path.instance / 50
    if board.has(status):
        board.set(status, arguments == "1")


def jammed(board: Board, path: Path, arguments: str) -> None:
    """Do nothing."""
    raise RefusedError(BAD_REQUEST, "jammed")


async def test_lock_is_locked_and_unlocked(show: Show) -> None:
    shown = await show({"/10359/0": {1: "Gate", 50: False, 100: control}})
    assert shown.state(LOCK).state == "unlocked"

    await shown.call("lock.lock", LOCK)
    await shown.next_value(Path.parse(STATUS), True)
    assert shown.state(LOCK).state == "locked"

    await shown.call("lock.unlock", LOCK)
    await shown.next_value(Path.parse(STATUS), False)
    assert shown.state(LOCK).state == "unlocked"


async def test_lock_without_status_is_assumed_to_have_obeyed(show: Show) -> None:
    shown = await show({"/10359/0": {1: "Gate", 100: control}})
    assert shown.state(LOCK).state == STATE_UNKNOWN
    assert shown.state(LOCK).attributes["assumed_state"]

    await shown.call("lock.lock", LOCK)

    assert shown.state(LOCK).state == "locked"


async def test_lock_that_refuses_stays_as_it_was(show: Show) -> None:
    shown = await show({"/10359/0": {1: "Gate", 50: False, 100: jammed}})
    with pytest.raises(HomeAssistantError, match="jammed") as refusal:
        await shown.call("lock.lock", LOCK)
    assert refusal.value.translation_domain == DOMAIN
    assert shown.state(LOCK).state == "unlocked"
