"""Values that wander about as those of real sensors do."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.path import Path

    from .board import Board

MEMORY = 1800.0
"""Seconds after which a value has mostly forgotten where it was."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One resource that wanders around a mean."""

    path: Path
    mean: float
    spread: float
    """Standard deviation in the long run."""
    digits: int = 1

    def step(self, board: Board, seconds: float) -> None:
        """Let some time pass: an Ornstein-Uhlenbeck process, so any step width gives the same."""
        kept = math.exp(-seconds / MEMORY)
        noise = board.random.gauss(0, self.spread * math.sqrt(1 - kept * kept))
        value = self.mean + (board.value(self.path) - self.mean) * kept + noise
        board.set(self.path, round(value, self.digits) if self.digits else round(value))
