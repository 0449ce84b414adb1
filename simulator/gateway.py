"""Boards behind a board that is their LwM2M Gateway, and says so in its object 25.

Source: OMA-TS-LWM2M_Gateway-V1_1_1.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from custom_components.lwm2m.protocol.path import Path

from .reporting import Observations

if TYPE_CHECKING:
    from .blueprint import Blueprint, Rows
    from .board import Board

GATEWAY = Path(25)


def attach(gateway: Board, prefix: str, blueprint: Blueprint) -> Board:
    """Put a board behind another, which tells the server; it has no socket of its own."""
    board = type(gateway)(blueprint, server=("", 0), root=(prefix,))
    board.client.observations = Observations(
        gateway.client.coap, board.settings, board.events, board.attributes_of
    )
    gateway.client.behind[prefix] = board.client
    number = next(number for number in count() if GATEWAY / number not in gateway.behind)
    gateway.behind[GATEWAY / number] = board
    gateway.add(GATEWAY / number, rows(board))
    return board


def detach(gateway: Board, instance: Path) -> None:
    """Take the board away that an instance of object 25 lists."""
    board = gateway.behind.pop(instance)
    gateway.client.behind.pop(board.settings.root[0]).observations.clear()
    gateway.remove(instance)


def rows(board: Board) -> Rows:
    """Return what object 25 says of a board."""
    links = (f"<{instance}>" for instance in board.blueprint.instances)
    return {0: board.endpoint, 1: board.settings.root[0], 3: ",".join(links)}
