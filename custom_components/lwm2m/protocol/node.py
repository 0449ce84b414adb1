"""Values of resources, and what a decoded payload holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from .path import Path


class ObjectLink(NamedTuple):
    """A reference to an object instance; 65535:65535 points nowhere.

    Source: OMA-TS-LightweightM2M_Core-V1_1_1 appendix C, "Objlnk".
    """

    object_id: int
    instance_id: int


type Scalar = str | int | float | bool | bytes | datetime | ObjectLink
"""One value. Time is an aware `datetime` in UTC, a core link is a `str`."""

type Value = Scalar | dict[int, Scalar]
"""A single resource's value, or a multiple resource's values by resource instance ID."""

type Values = dict[Path, Value]
"""Values by *resource* path (three IDs), however long the path of the request was."""


@dataclass(slots=True)
class Decoded:
    """What a payload said, and what of it did not fit the object model."""

    values: Values = field(default_factory=dict)
    rejected: dict[Path, str] = field(default_factory=dict)
    """Resource path -> why its value was kept out."""
