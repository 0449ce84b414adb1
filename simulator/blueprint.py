"""What a kind of board consists of, in tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from custom_components.lwm2m.protocol.node import Value
from custom_components.lwm2m.protocol.path import Path

from .settings import Settings

if TYPE_CHECKING:
    from .board import Board

type Action = Callable[[Board, Path, str], None]
"""What Execute does: gets the board, the resource's path and the arguments as text."""

type Check = Callable[[Board, Path, Value], None]
"""Looks at a value before the server may write it; raises RefusedError."""

type Changed = Callable[[Board, Path], None]
"""What follows from a changed resource, whoever changed it."""

type Tick = Callable[[Board, float], None]
"""Lets a number of seconds pass."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A resource whose value is worked out at each read; a Write makes it a constant."""

    value: Callable[[Board], Value]


type Row = Value | Computed | Action
type Rows = Mapping[int, Row]
"""An instance's resources by ID: an initial value, a computed one, or an action to execute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """What a kind of board consists of.

    Types, operations and ranges come from the object model. Every board also gets the
    instance of /1 that says how it is registered.
    """

    name: str
    instances: Mapping[Path, Rows]
    versions: Mapping[int, str] = field(default_factory=dict)
    """Versions of objects, where they are not 1.0."""
    settings: Settings = field(default_factory=Settings)
    """How such a board behaves unless it is told otherwise."""
    behind: Mapping[str, Blueprint] = field(default_factory=dict)
    """The boards that this one is the gateway of, by their prefixes."""
    check: Check | None = None
    changed: Changed | None = None
    tick: Tick | None = None
