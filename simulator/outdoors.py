"""Boards for outdoors: a tracker that moves, and a garden controller with a probe behind it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from custom_components.lwm2m.protocol.path import Path

from .blueprint import Blueprint, Computed
from .drift import Drift
from .parts import SIGNAL, battery, device, follow_extremes, mains, sensor

if TYPE_CHECKING:
    from .board import Board

# Bike tracker

BIKE_LATITUDE = Path(6, 0, 0)
BIKE_LONGITUDE = Path(6, 0, 1)
BIKE_SPEED = Path(6, 0, 6)
HORN_ON = Path(3338, 0, 5850)

_RIDE = (
    Drift(BIKE_LATITUDE, 52.5185, 0.004, digits=5),
    Drift(BIKE_LONGITUDE, 13.3990, 0.007, digits=5),
    Drift(Path(6, 0, 2), 36.0, 3.0, digits=0),
    Drift(Path(6, 0, 3), 6.0, 1.0),
)


def _ride(board: Board, seconds: float) -> None:
    SIGNAL.step(board, seconds)
    for drift in _RIDE:
        drift.step(board, seconds)
    board.set(BIKE_SPEED, round(board.random.uniform(2.0, 7.0), 1))
    board.set(HORN_ON, False)


BIKE_TRACKER = Blueprint(
    name="bike-tracker",
    instances={
        **device("Wayfarer 1", "asset tracker", battery(71, 3890, 35)),
        Path(6, 0): {
            0: 52.5185,
            1: 13.3990,
            2: 36.0,
            3: 6.0,
            5: Computed(lambda board: datetime.now(UTC).replace(microsecond=0)),
            6: 4.2,
        },
        Path(3338, 0): {5850: False, 5548: 60.0, 5521: 3.0, 5525: 0.0, 5750: "Horn"},
    },
    tick=_ride,
)

# Garden controller

VALVE_STATUS = Path(3425, 0, 2)
VALVE_COMMAND = Path(3425, 0, 3)
VALVE_COMMAND_IN_ACTION = Path(3425, 0, 4)
GATE_LOCKED = Path(10359, 0, 50)
VENT_POSITION = Path(3337, 0, 5536)
VENT_TRANSITION_TIME = Path(3337, 0, 5537)
VENT_REMAINING_TIME = Path(3337, 0, 5538)


def _lock_or_unlock(board: Board, path: Path, arguments: str) -> None:
    board.set(GATE_LOCKED, arguments == "1")


def _garden_changed(board: Board, path: Path) -> None:
    """The valve obeys at once; the vent takes its time."""
    if path == VALVE_COMMAND:
        for follower in (VALVE_COMMAND_IN_ACTION, VALVE_STATUS):
            board.set(follower, board.value(VALVE_COMMAND))
    if path == VENT_POSITION:
        board.set(VENT_REMAINING_TIME, board.value(VENT_TRANSITION_TIME))


def _garden_tick(board: Board, seconds: float) -> None:
    SIGNAL.step(board, seconds)
    board.set(VENT_REMAINING_TIME, max(0.0, board.value(VENT_REMAINING_TIME) - seconds))


_GREENHOUSE = (
    Drift(Path(3303, 0, 5700), 24.0, 2.0, digits=1),
    Drift(Path(3304, 0, 5700), 70.0, 6.0, digits=0),
)


def _greenhouse_tick(board: Board, seconds: float) -> None:
    for drift in _GREENHOUSE:
        drift.step(board, seconds)


GREENHOUSE_PROBE = Blueprint(
    name="greenhouse-probe",
    instances={
        Path(3303, 0): sensor(24.5, "Cel", -20.0, 60.0),
        Path(3304, 0): sensor(68.0, "%RH", 0.0, 100.0),
    },
    changed=follow_extremes,
    tick=_greenhouse_tick,
)

GARDEN_CONTROLLER = Blueprint(
    name="garden-controller",
    instances={
        **device("Grower 6", "garden controller", mains()),
        Path(3337, 0): {5536: 30.0, 5537: 10.0, 5538: 0.0, 5750: "Roof vent"},
        Path(3341, 0): {5527: "Welcome", 5530: lambda board, path, arguments: None},
        Path(3425, 0): {1: 0, 2: 0, 3: 0, 4: 0, 6: False},
        Path(10359, 0): {1: "Garden gate", 50: True, 100: _lock_or_unlock},
    },
    versions={25: "2.0"},
    behind={"probe0": GREENHOUSE_PROBE},
    changed=_garden_changed,
    tick=_garden_tick,
)
