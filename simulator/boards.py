"""The boards that the demo and the tests run. All names are invented."""

from __future__ import annotations

from datetime import UTC, datetime
import re
from typing import TYPE_CHECKING

from aiocoap import BAD_REQUEST

from custom_components.lwm2m.protocol.path import Path

from .blueprint import Blueprint
from .drift import Drift
from .errors import RefusedError
from .meters import SMART_METER, hours_since_installation
from .outdoors import BIKE_TRACKER, GARDEN_CONTROLLER
from .parts import BATTERY_LEVEL, SIGNAL, battery, device, follow_extremes, mains, sensor
from .settings import Settings

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.node import Value

    from .board import Board

# Weather station

_WEATHER = (
    Drift(Path(3303, 0, 5700), 14.0, 3.0, digits=2),
    Drift(Path(3304, 0, 5700), 62.0, 8.0),
    Drift(Path(3315, 0, 5700), 101_300.0, 600.0),
    Drift(Path(3301, 0, 5700), 18_000.0, 4_000.0, digits=0),
    SIGNAL,
)


def _weather_tick(board: Board, seconds: float) -> None:
    for drift in _WEATHER:
        drift.step(board, seconds)


WEATHER_STATION = Blueprint(
    name="weather-station",
    instances={
        **device("Skywatch 4", "weather station", battery(87, 4080, 24)),
        Path(3303, 0): {**sensor(14.2, "Cel", -40.0, 85.0), 5750: "Outdoor"},
        Path(3304, 0): {**sensor(61.5, "%RH", 0.0, 100.0), 5750: "Outdoor"},
        Path(3315, 0): sensor(101_325.0, "Pa", 30_000.0, 110_000.0),
        Path(3301, 0): sensor(17_500.0, "lx", 0.0, 120_000.0),
    },
    versions={1: "1.1", 3: "1.1", 3303: "1.1", 3304: "1.1"},
    changed=follow_extremes,
    tick=_weather_tick,
)

# Dimmable colour light

LIGHT_ON = Path(3311, 0, 5850)
LIGHT_DIMMER = Path(3311, 0, 5851)
LIGHT_COLOUR = Path(3311, 0, 5706)
_HEX_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


def _check_colour(board: Board, path: Path, value: Value) -> None:
    """The registry leaves the notation of a colour open; this board takes one, as boards do."""
    if path == LIGHT_COLOUR and not _HEX_COLOUR.fullmatch(str(value)):
        raise RefusedError(BAD_REQUEST, "a colour is #RRGGBB")


COLOUR_LIGHT = Blueprint(
    name="colour-light",
    instances={
        **device("Glow 2", "light", mains()),
        Path(3311, 0): {
            5850: True,
            5851: 80,
            5706: "#FFB46B",
            5701: "RGB",
            5852: 0,
            5750: "Reading lamp",
        },
    },
    check=_check_colour,
    tick=SIGNAL.step,
)

# Smart plug with power and energy

PLUG_ON = Path(3312, 0, 5850)
PLUG_POWER = Path(3305, 0, 5800)
PLUG_ENERGY = Path(3305, 0, 5805)
PLUG_VOLTAGE = Path(3316, 0, 5700)
PLUG_CURRENT = Path(3317, 0, 5700)
PLUG_LOAD = 46.0
"""Watts that the lamp behind the plug takes."""

_VOLTAGE = Drift(PLUG_VOLTAGE, 231.0, 1.5)


def plug_energy(moment: datetime) -> float:
    """Return what the meter of the plug begins with, in Wh.

    It is more than it can have counted since it was last started, so it never goes back.
    """
    return round(1.1 * PLUG_LOAD * hours_since_installation(moment), 1)


def _reset_energy(board: Board, path: Path, arguments: str) -> None:
    board.set(PLUG_ENERGY, 0.0)


def _plug_changed(board: Board, path: Path) -> None:
    """Power follows the switch and, of a lamp, the voltage squared."""
    if path in (PLUG_ON, PLUG_VOLTAGE):
        voltage = board.value(PLUG_VOLTAGE)
        power = PLUG_LOAD * (voltage / _VOLTAGE.mean) ** 2 if board.value(PLUG_ON) else 0.0
        board.set(PLUG_POWER, round(power, 1))
        board.set(PLUG_CURRENT, round(power / voltage, 3))


def _plug_tick(board: Board, seconds: float) -> None:
    _VOLTAGE.step(board, seconds)
    SIGNAL.step(board, seconds)
    used = board.value(PLUG_POWER) * seconds / 3600
    board.set(PLUG_ENERGY, round(board.value(PLUG_ENERGY) + used, 3))


SMART_PLUG = Blueprint(
    name="smart-plug",
    instances={
        **device("Switchback 1", "smart plug", mains()),
        Path(3312, 0): {5850: True, 5852: 0, 5750: "Floor lamp"},
        Path(3305, 0): {
            5800: PLUG_LOAD,
            5805: plug_energy(datetime.now(UTC)),
            5820: 1.0,
            5822: _reset_energy,
        },
        Path(3316, 0): {5700: 231.0, 5701: "V"},
        Path(3317, 0): {5700: 0.199, 5701: "A"},
    },
    versions={3312: "1.0", 3305: "1.0"},
    changed=_plug_changed,
    tick=_plug_tick,
)

# Door sensor with push button

DOOR_OPEN = Path(3200, 0, 5500)
DOOR_COUNTER = Path(3200, 0, 5501)
BUTTON_PRESSED = Path(3347, 0, 5500)
BUTTON_COUNTER = Path(3347, 0, 5501)


def _reset_counter(board: Board, path: Path, arguments: str) -> None:
    board.set(path.instance / 5501, 0)


def _count_activations(board: Board, path: Path) -> None:
    """Count each time that an input becomes active."""
    if path.resource_id == 5500 and board.value(path):
        counter = path.instance / 5501
        board.set(counter, board.value(counter) + 1)


def _door_tick(board: Board, seconds: float) -> None:
    """Open for about half a minute every few minutes; the button is held for one tick."""
    SIGNAL.step(board, seconds)
    is_open = board.value(DOOR_OPEN)
    if board.random.random() < seconds / (30 if is_open else 120):
        board.set(DOOR_OPEN, not is_open)
    pressed = board.value(BUTTON_PRESSED)
    board.set(BUTTON_PRESSED, not pressed and board.random.random() < seconds / 90)


DOOR_SENSOR = Blueprint(
    name="door-sensor",
    instances={
        **device("Latch 3", "door sensor", battery(64, 2910, 1)),
        Path(3200, 0): {5500: False, 5501: 0, 5505: _reset_counter, 5750: "Front door"},
        Path(3347, 0): {5500: False, 5501: 0, 5750: "Doorbell"},
    },
    versions={3347: "1.1"},
    changed=_count_activations,
    tick=_door_tick,
)

# Battery device in queue mode

_STORE = Drift(Path(3303, 0, 5700), -18.5, 0.8, digits=2)
_BATTERY_LIFE = 30 * 86_400.0
"""Seconds from full to empty."""


def _logger_tick(board: Board, seconds: float) -> None:
    """Measure in its sleep; while it talks it does not, or it would never stop talking."""
    if board.location is not None and not board.asleep:
        return
    _STORE.step(board, seconds)
    # Whole percents, on average right for any number of seconds.
    used = int(100 * seconds / _BATTERY_LIFE + board.random.random())
    board.set(BATTERY_LEVEL, max(0, board.value(BATTERY_LEVEL) - used))


COLD_STORE_LOGGER = Blueprint(
    name="cold-store-logger",
    instances={
        **device("Frost 1", "temperature logger", battery(93, 3560, 2)),
        Path(3303, 0): {**sensor(-18.4, "Cel", -55.0, 125.0), 5750: "Cold store"},
    },
    versions={3303: "1.1"},
    settings=Settings(
        queue_mode=True, lifetime=60, update_after=0.4, awake_time=4.0, confirmable=True
    ),
    changed=follow_extremes,
    tick=_logger_tick,
)

BLUEPRINTS = {
    blueprint.name: blueprint
    for blueprint in (
        WEATHER_STATION,
        COLOUR_LIGHT,
        SMART_PLUG,
        SMART_METER,
        DOOR_SENSOR,
        COLD_STORE_LOGGER,
        BIKE_TRACKER,
        GARDEN_CONTROLLER,
    )
}
"""All boards by name."""
