"""What boards are put together from: who made them, how they are powered, what they measure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
import zlib

from custom_components.lwm2m.protocol.path import Path

from .blueprint import Computed, Row, Rows
from .drift import Drift

if TYPE_CHECKING:
    from .board import Board

DEVICE = Path(3, 0)
CONNECTIVITY = Path(4, 0)
BATTERY_LEVEL = Path(3, 0, 9)
ERROR_CODE = Path(3, 0, 11)
SIGNAL_STRENGTH = Path(4, 0, 2)

WIFI, THREAD = 21, 23
"""Network bearers (OMA-TS-LightweightM2M_Core-V1_1_1 appendix E.5)."""
MAINS = 6
INTERNAL_BATTERY = 1
"""Power sources (OMA-TS-LightweightM2M_Core-V1_1_1 appendix E.4)."""


def _reboot(board: Board, path: Path, arguments: str) -> None:
    board.reboot()


def _factory_reset(board: Board, path: Path, arguments: str) -> None:
    board.reset()
    board.reboot()


def _reset_error_code(board: Board, path: Path, arguments: str) -> None:
    board.set(ERROR_CODE, {0: 0})


def _reset_minimum_and_maximum(board: Board, path: Path, arguments: str) -> None:
    for resource_id in (5601, 5602):
        board.set(path.instance / resource_id, board.value(path.instance / 5700))


def device(model: str, kind: str, power: dict[int, Row]) -> dict[Path, Rows]:
    """Device and Connectivity Monitoring, as every board has them."""
    bearer = THREAD if BATTERY_LEVEL.resource_id in power else WIFI
    return {
        DEVICE: {
            0: "Example Works",
            1: model,
            2: Computed(lambda board: f"EX-{zlib.crc32(board.endpoint.encode()):08X}"),
            3: "1.4.2",
            4: _reboot,
            5: _factory_reset,
            10: 148,
            11: {0: 0},
            12: _reset_error_code,
            13: Computed(lambda board: datetime.now(UTC).replace(microsecond=0)),
            14: "+01:00",
            15: "Europe/Berlin",
            16: "U",
            17: kind,
            18: "B",
            19: "2026.10",
            21: 512,
            **power,
        },
        CONNECTIVITY: {
            0: bearer,
            1: {0: bearer},
            2: -61,
            3: 2,
            4: {0: "192.0.2.17", 1: "2001:db8::17"},
            5: {0: "192.0.2.1"},
        },
    }


def mains() -> dict[int, Row]:
    """Power from the mains, of object 3."""
    return {6: {0: MAINS}, 20: 5}


def battery(level: int, millivolts: int, milliamperes: int) -> dict[int, Row]:
    """Power from a battery, of object 3; its level in percent."""
    return {
        6: {0: INTERNAL_BATTERY},
        7: {0: millivolts},
        8: {0: milliamperes},
        9: level,
        20: 0,
    }


def sensor(value: float, unit: str, lowest: float, highest: float) -> Rows:
    """A measured value of an IPSO object, and the range of what is measured."""
    return {
        5700: value,
        5701: unit,
        5601: value,
        5602: value,
        5603: lowest,
        5604: highest,
        5605: _reset_minimum_and_maximum,
    }


def follow_extremes(board: Board, path: Path) -> None:
    """Keep a sensor's minimum and maximum measured value."""
    if path.resource_id != 5700 or not board.has(path.instance / 5601):
        return
    value = board.value(path)
    board.set(path.instance / 5601, min(value, board.value(path.instance / 5601)))
    board.set(path.instance / 5602, max(value, board.value(path.instance / 5602)))


SIGNAL = Drift(SIGNAL_STRENGTH, -61, 4, digits=0)
