"""Attributes that say when a client is to notify.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 5.1.2 and 6.3.4; `edge`, `con` and `hqmax` are
of OMA-TS-LightweightM2M_Core-V1_2_2 7.3.2.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from enum import Enum
import math
from typing import TYPE_CHECKING

from .errors import BadRequest, Mistake
from .model.definitions import ResourceType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .model.definitions import ResourceModel
    from .path import Path


class Unset(Enum):
    """What takes an attribute away, so that one of a higher level or a default holds again."""

    UNSET = "unset"


UNSET = Unset.UNSET

type Attribute[Value] = Value | Unset | None
"""None leaves an attribute as it is."""

NUMERIC = frozenset({ResourceType.INTEGER, ResourceType.UNSIGNED_INTEGER, ResourceType.FLOAT})
_BOOLEAN = frozenset({ResourceType.BOOLEAN})
_TYPES: Mapping[str, frozenset[ResourceType]] = {
    "gt": NUMERIC,
    "lt": NUMERIC,
    "st": NUMERIC,
    "edge": _BOOLEAN,
}
"""Attributes of resources and resource instances alone, and the types that they make sense of.

The others belong to all levels below the root.
"""
_SIGNED = frozenset({"gt", "lt"})
"""The grammar of the attributes has no sign, which is a slip of the text
(OMA_LwM2M_for_Developers#563)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What Write-Attributes changes.

    `pmin` and `pmax` are the shortest and longest time between notifications, `epmin` and
    `epmax` between looks at the value, all in seconds. `gt` and `lt` are thresholds whose
    crossing is notified, `st` the least change. `edge` is what change of a boolean is notified,
    True the rising one. `con` asks for confirmable notifications. `hqmax` is how many
    notifications are kept while the server is out of reach.
    """

    pmin: Attribute[int] = None
    pmax: Attribute[int] = None
    gt: Attribute[float] = None
    lt: Attribute[float] = None
    st: Attribute[float] = None
    epmin: Attribute[int] = None
    epmax: Attribute[int] = None
    edge: Attribute[bool] = None
    con: Attribute[bool] = None
    hqmax: Attribute[int] = None

    def query(self) -> tuple[str, ...]:
        """Write the parameters of the request; one without a value unsets its attribute."""
        return tuple(
            name if value is UNSET else f"{name}={_format(value)}"
            for name, value in self._given().items()
        )

    def check(self, path: Path, model: ResourceModel | None) -> None:
        """BadRequest when this cannot be written to `path`, whose resource `model` describes.

        Only what is written together is compared: what the client has already, it knows itself.
        Source: OMA-TS-LightweightM2M_Core-V1_1_1 5.1.2 and 6.3.4.
        """
        given = self._given()
        if not given:
            raise BadRequest(path, Mistake.NO_ATTRIBUTE)
        if model is not None and not model.readable:
            raise BadRequest(path, Mistake.NOT_REPORTED)
        for name, value in given.items():
            if name in _TYPES:
                if len(path) < 3:
                    raise BadRequest(path, Mistake.OF_RESOURCES, attribute=name)
                if model is not None and model.type not in _TYPES[name]:
                    raise BadRequest(path, Mistake.OF_OTHER_TYPES, attribute=name)
            if value is not UNSET and (
                not math.isfinite(value) or (value < 0 and name not in _SIGNED)
            ):
                raise BadRequest(path, Mistake.NOT_A_VALUE, attribute=name, value=str(value))
        self._check_combination(path)

    def _check_combination(self, path: Path) -> None:
        """Refuse what no client can keep to.

        A `pmin` equal to `pmax` is left to the client: texts and clients differ on it.
        """
        match self:
            case Attributes(pmin=int(low), pmax=int(high)) if low > high:
                raise BadRequest(path, Mistake.PMIN_ABOVE_PMAX)
        match self:
            case Attributes(epmin=int(low), epmax=int(high)) if low > high:
                raise BadRequest(path, Mistake.EPMIN_ABOVE_EPMAX)
        match self:
            case Attributes(gt=float() | int() as upper, lt=float() | int() as lower):
                if upper <= lower:
                    raise BadRequest(path, Mistake.GT_NOT_ABOVE_LT)
                if isinstance(self.st, float | int) and lower + 2 * self.st >= upper:
                    raise BadRequest(path, Mistake.ST_TOO_LARGE)

    def _given(self) -> dict[str, float | Unset]:
        return {
            item.name: value
            for item in fields(self)
            if (value := getattr(self, item.name)) is not None
        }


def _format(value: float | Unset) -> str:
    """Write a number without an exponent, which the grammar does not have."""
    match value:
        case int():
            return str(int(value))
        case float():
            return f"{Decimal(repr(value)):f}"
        case Unset():
            raise ValueError(value)
