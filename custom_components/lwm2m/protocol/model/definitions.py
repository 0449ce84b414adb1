"""What the definition of an object says, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, StrEnum, auto
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

INITIAL_VERSION = "1.0"
"""An object's version where none is given (OMA-TS-LightweightM2M_Core-V1_1_1 7.2.2)."""

_VERSION = re.compile(r"([0-9]{1,5})\.([0-9]{1,5})")


class ModelError(Exception):
    """An object definition that cannot be used; the text says where and why."""


def parse_version(text: str) -> tuple[int, int]:
    """Read a version's major and minor number; ModelError when it is something else.

    Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.2.2, "Object Version format".
    """
    if match := _VERSION.fullmatch(text):
        return int(match[1]), int(match[2])
    raise ModelError(f"{text!r} is not a version such as '1.0'")


class ResourceType(StrEnum):
    """Data types of resources (OMA-TS-LightweightM2M_Core-V1_1_1 appendix C).

    NONE is an executable resource's type, and that of the few resources whose
    author left it out.
    """

    STRING = "string"
    INTEGER = "integer"
    UNSIGNED_INTEGER = "unsigned_integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    OPAQUE = "opaque"
    TIME = "time"
    OBJLNK = "objlnk"
    CORELNK = "corelnk"
    NONE = "none"


class Operations(Flag):
    """What a server may do with a resource (OMA-TS-LightweightM2M_Core-V1_1_1 appendix D.1).

    NONE marks resources that only bootstrap touches, such as those of object 0.
    """

    NONE = 0
    READ = auto()
    WRITE = auto()
    EXECUTE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceModel:
    """One resource's definition (OMA-TS-LightweightM2M_Core-V1_1_1 appendix D.1).

    `minimum` and `maximum` include their bounds, and are `int` where the definition
    writes them so. `enumeration` holds the allowed values, empty when not restricted.
    `max_length` counts bytes where the definition names a unit, which many omit.
    `unit` is the definition's own spelling.
    """

    id: int
    name: str
    type: ResourceType
    operations: Operations
    multiple: bool = False
    mandatory: bool = False
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    enumeration: tuple[int | str, ...] = ()
    max_length: int | None = None

    @property
    def readable(self) -> bool:
        """Whether Read and Observe are allowed."""
        return Operations.READ in self.operations

    @property
    def writable(self) -> bool:
        """Whether Write is allowed."""
        return Operations.WRITE in self.operations

    @property
    def executable(self) -> bool:
        """Whether Execute is allowed."""
        return Operations.EXECUTE in self.operations


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectModel:
    """One version of an object's definition, resources by ID.

    `version` is the object's own; `lwm2m_version` the oldest LwM2M version that can carry it
    (OMA-TS-LightweightM2M_Core-V1_1_1 7.2.2 and appendix D.1).
    """

    id: int
    name: str
    version: str
    lwm2m_version: str
    multiple: bool
    mandatory: bool
    resources: Mapping[int, ResourceModel]
