"""The smart meter of a house: electricity, gas and water, which it uses as houses do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import cos, pi, sin
from typing import TYPE_CHECKING

from custom_components.lwm2m.protocol.path import Path

from .blueprint import Blueprint
from .drift import Drift
from .parts import SIGNAL, device, mains

if TYPE_CHECKING:
    from .board import Board

METER_VOLTAGE = Path(3421, 0, 1)
METER_CURRENT = Path(3421, 0, 6)
METER_POWER = Path(3421, 0, 16)
METER_ENERGY = Path(3421, 0, 25)
METER_GAS = Path(3423, 0, 1)
METER_WATER = Path(3424, 0, 1)
POWER_FACTOR = 0.94
INSTALLED = datetime(2024, 6, 1, tzinfo=UTC)
"""When the meters began to count."""


@dataclass(frozen=True, slots=True)
class Swing:
    """How a use goes up and down; times in hours."""

    share: float
    """Of the mean."""
    period: float
    peak: float
    """When it is highest, counted from midnight UTC."""

    def rate(self, hours: float) -> float:
        """Return by which part of the mean more is used."""
        return self.share * cos(2 * pi * (hours - self.peak) / self.period)

    def total(self, hours: float) -> float:
        """Return the integral of the rate."""
        return self.share * self.period / (2 * pi) * sin(2 * pi * (hours - self.peak) / self.period)


@dataclass(frozen=True, slots=True)
class Use:
    """How much of something a house uses.

    The total has a formula, so a meter that was off for days goes on as if it had not been. The
    shares add up to less than 1: nothing flows back.
    """

    mean: float
    """In an hour."""
    swings: tuple[Swing, ...]

    def rate(self, moment: datetime) -> float:
        """Return how much is used in an hour."""
        hours = hours_since_installation(moment)
        return self.mean * (1 + sum(swing.rate(hours) for swing in self.swings))

    def total(self, moment: datetime) -> float:
        """Return how much was used since the meters were installed."""
        hours = hours_since_installation(moment)
        return self.mean * (hours + sum(swing.total(hours) for swing in self.swings))


def hours_since_installation(moment: datetime) -> float:
    """Return for how long the meters have counted."""
    return (moment - INSTALLED) / timedelta(hours=1)


# Days with a morning and an evening, and what is not the same every day.
ELECTRICITY = Use(
    410.0, (Swing(0.3, 24, 18), Swing(0.3, 12, 6), Swing(0.15, 31, 5), Swing(0.15, 7.3, 2))
)
GAS = Use(0.19, (Swing(0.45, 24, 5), Swing(0.2, 12, 5), Swing(0.2, 41, 0)))
WATER = Use(0.014, (Swing(0.4, 24, 14), Swing(0.35, 12, 6), Swing(0.2, 5.7, 1)))


def readings(moment: datetime) -> dict[Path, float]:
    """Return what the meters show at a time."""
    return {
        METER_POWER: round(ELECTRICITY.rate(moment), 1),
        METER_ENERGY: round(ELECTRICITY.total(moment), 1),
        METER_GAS: round(GAS.total(moment), 3),
        METER_WATER: round(WATER.total(moment), 3),
    }


_VOLTAGE = Drift(METER_VOLTAGE, 231.0, 1.5)
_FREQUENCY = Drift(Path(3421, 0, 11), 50.0, 0.02, digits=2)
_START = readings(datetime.now(UTC))


def _current(power: float, voltage: float) -> float:
    return round(power / voltage / POWER_FACTOR, 3)


def _meter_tick(board: Board, seconds: float) -> None:
    for drift in (SIGNAL, _VOLTAGE, _FREQUENCY):
        drift.step(board, seconds)
    for path, value in readings(datetime.now(UTC)).items():
        board.set(path, value)
    board.set(METER_CURRENT, _current(board.value(METER_POWER), board.value(METER_VOLTAGE)))


SMART_METER = Blueprint(
    name="smart-meter",
    instances={
        **device("Tally 3", "smart meter", mains()),
        Path(3421, 0): {
            1: _VOLTAGE.mean,
            6: _current(_START[METER_POWER], _VOLTAGE.mean),
            11: _FREQUENCY.mean,
            13: POWER_FACTOR,
            16: _START[METER_POWER],
            25: _START[METER_ENERGY],
        },
        Path(3423, 0): {1: _START[METER_GAS]},
        Path(3424, 0): {1: _START[METER_WATER]},
    },
    tick=_meter_tick,
)
