"""What a device costs, in requests and in states written: what makes it fast, without a clock."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from homeassistant.core import StateMachine
import pytest

from custom_components.lwm2m.protocol.node import Decoded
from custom_components.lwm2m.protocol.path import Path

from .conftest import settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from custom_components.lwm2m.hub import Hub
    from custom_components.lwm2m.protocol.node import Value
    from simulator.blueprint import Rows
    from simulator.board import Board

    from .boards import Show

OBJECTS = (3303, 3316, 3317, 3323, 3328)
INSTANCES = 6


def reset(board: Board, path: Path, arguments: str) -> None:
    """Do nothing but be executed."""


def probe(number: int) -> Rows:
    """Return ten resources, of which one becomes an entity that is enabled."""
    return {
        5518: datetime(2026, 1, 31, 12, tzinfo=UTC),
        5601: 1.0,
        5602: 50.0,
        5603: -40.0,
        5604: 85.0,
        5605: reset,
        5700: 20.0 + number,
        5701: "beans",
        5750: f"Probe {number}",
        5821: 1.0,
    }


PROBES = {
    f"/{object_id}/{number}": probe(number) for object_id in OBJECTS for number in range(INSTANCES)
}
"""300 resources."""
PLUG = {
    "/3/0": {9: 87, 10: 148},
    "/3305/0": {5800: 46.0, 5805: 1200.0, 5820: 0.9},
    "/3312/0": {5850: True, 5851: 60},
}


@contextmanager
def writes() -> Iterator[Counter[str]]:
    """Count the states that are written, by entity ID, whether they differ or not."""
    written: Counter[str] = Counter()
    write = StateMachine.async_set_internal

    def count(machine: StateMachine, entity_id: str, *args: Any, **kwargs: Any) -> None:
        written[entity_id] += 1
        write(machine, entity_id, *args, **kwargs)

    with patch.object(StateMachine, "async_set_internal", count):
        yield written


async def test_device_is_learnt_by_a_request_for_each_object_and_each_instance(
    hub: Hub, show: Show
) -> None:
    before = hub.server.counters.coap.datagrams_out
    await show(PROBES)
    answer_to_register = 1
    sent = hub.server.counters.coap.datagrams_out - before
    assert sent == answer_to_register + len(OBJECTS) + len(PROBES)


async def test_appearing_writes_each_state_once(show: Show) -> None:
    with writes() as written:
        shown = await show(PROBES)
    enabled = {entry.entity_id for entry in shown.entries() if not entry.disabled}
    assert len(enabled) == len(PROBES) + 1  # and how it is secured
    assert written == Counter(enabled)


async def test_notification_of_an_instance_writes_what_changed(show: Show) -> None:
    shown = await show(PLUG)
    with writes() as written:
        state = await shown.set("/3305/0/5800", 47.0)
    assert written == {state.entity_id: 1}


async def test_value_that_is_reported_again_is_not_written(show: Show) -> None:
    shown = await show(PLUG)
    power = Path(3305, 0, 5800)
    with writes() as written:
        shown.device.async_apply(Decoded({power: 46.0, Path(3305, 0, 5805): 1200.0}))
    assert written == {}


async def test_what_is_disabled_is_not_written(show: Show) -> None:
    shown = await show(PLUG)
    assert shown.entry("/3/0/10").disabled
    with writes() as written:
        shown.device.async_apply(Decoded({Path(3, 0, 10): 147}))
    assert written == {}


async def test_update_of_the_registration_writes_nothing(show: Show) -> None:
    shown = await show(PLUG)
    with writes() as written:
        await shown.board.update()
        await settle(shown.hass)
    assert written == {}


async def test_falling_asleep_writes_the_status_only(show: Show) -> None:
    shown = await show(PLUG, queue_mode=True)
    with writes() as written:
        shown.device.async_presence(awake=False, waiting=0)
    assert written == {"sensor.board_status": 1}


@pytest.mark.parametrize(
    ("instances", "path", "value", "expected"),
    [
        pytest.param(
            {"/3349/0": {5910: 0, 5912: {0: "a", 1: "b", 2: "c"}}},
            "/3349/0/5910",
            2,
            {"sensor.board_bitmap": 1, "binary_sensor.board_b": 1},
            id="a bit of a bitmap",
        ),
        pytest.param(
            {"/3337/0": {5536: 40.0, 5538: 9.0}},
            "/3337/0/5538",
            8.0,
            {},
            id="the time that a movement takes still",
        ),
        pytest.param({"/3425/0": {2: 40, 3: 40}}, "/3425/0/3", 60, {}, id="a command on its way"),
        pytest.param(
            {"/3347/0": {5500: True, 5501: 3}},
            "/3347/0/5500",
            False,
            {"binary_sensor.board_push_button": 1, "event.board_push_button_press": 1},
            id="the end of a press",
        ),
    ],
)
async def test_change_writes_what_it_shows_in(
    show: Show,
    instances: dict[str, Rows],
    path: str,
    value: Value,
    expected: dict[str, int],
) -> None:
    shown = await show(instances)
    with writes() as written:
        shown.board.set(Path.parse(path), value)
        await shown.next_value(Path.parse(path), value)
    assert written == expected
