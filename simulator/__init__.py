"""LwM2M client devices for the demo, the tests and the benchmarks."""

from __future__ import annotations

from .blueprint import Blueprint, Computed, Rows
from .board import Board
from .boards import (
    BLUEPRINTS,
    COLD_STORE_LOGGER,
    COLOUR_LIGHT,
    DOOR_SENSOR,
    SMART_PLUG,
    WEATHER_STATION,
)
from .coap import NoAnswerError
from .errors import RefusedError
from .events import Event, EventKind
from .settings import Settings

__all__ = [
    "BLUEPRINTS",
    "COLD_STORE_LOGGER",
    "COLOUR_LIGHT",
    "DOOR_SENSOR",
    "SMART_PLUG",
    "WEATHER_STATION",
    "Blueprint",
    "Board",
    "Computed",
    "Event",
    "EventKind",
    "NoAnswerError",
    "RefusedError",
    "Rows",
    "Settings",
]
