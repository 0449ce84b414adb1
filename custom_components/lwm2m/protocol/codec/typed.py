"""Fitting what a payload or a user says to the data types of the object model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
import math
import re
from typing import TYPE_CHECKING

from ..model.definitions import ResourceModel, ResourceType
from ..node import ObjectLink, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_SIGNED = range(-(2**63), 2**63)
_UNSIGNED = range(2**64)
_OBJECT_LINK = re.compile(r"([0-9]{1,5}):([0-9]{1,5})", re.ASCII)
_MAX_LINKED_ID = 65535
_NOWHERE = "FFFF:FFFF"
"""How the examples of SenML JSON and JSON write 65535:65535 (Core-V1_1_1 7.4.5)."""


def type_name(model: ResourceModel | None) -> ResourceType:
    """Tell the data type; NONE where there is no model or the model states none."""
    return model.type if model else ResourceType.NONE


def fit(raw: object, model: ResourceModel | None) -> Scalar:
    """Make `raw` a value of the model's type, without loss; without a type, as it is.

    Beyond the type's own Python type: 0 and 1 for a boolean, an integral float or a boolean
    for an integer, an integer for a float, seconds since 1970 for a time, `"10:1"` or the
    32 bits of both IDs for an object link (Zephyr sent those in SenML). The model's range
    is not looked at: what a device measured is its to say.

    Raises ValueError with the reason, which never repeats the value: it may be a secret.
    Source: OMA-TS-LightweightM2M_Core-V1_1_1 appendix C, table C-1.
    """
    kind = model.type if model else ResourceType.NONE
    if (fitted := _FITTING[kind](raw)) is None:
        raise ValueError(f"{type(raw).__name__} does not fit the type {kind}")
    return fitted


def from_seconds(seconds: float) -> datetime:
    """Make a time of seconds since 1970; ValueError when no calendar has it."""
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError as err:
        raise ValueError("a time beyond the calendar") from err


def to_seconds(time: datetime) -> int:
    """Give whole seconds since 1970.

    Source: OMA-TS-LightweightM2M_Core-V1_1_1 appendix C, "Time": a signed integer.
    """
    return (time - EPOCH) // _SECOND


def object_link(raw: str | int | ObjectLink) -> ObjectLink:
    """Make an object link of `"10:1"` or of 32 bits; ValueError otherwise.

    Source: OMA-TS-LightweightM2M_Core-V1_1_1 appendix C, "Objlnk".
    """
    match raw:
        case ObjectLink():
            link = raw
        case int():
            link = ObjectLink(*divmod(raw, 2**16))
        case str() if raw == _NOWHERE:
            link = ObjectLink(_MAX_LINKED_ID, _MAX_LINKED_ID)
        case str():
            if not (found := _OBJECT_LINK.fullmatch(raw)):
                raise ValueError("not an object link such as 10:1")
            link = ObjectLink(int(found[1]), int(found[2]))
    if not all(0 <= number <= _MAX_LINKED_ID for number in link):
        raise ValueError("an object link's ID is out of range")
    return link


def _text(raw: object) -> str | None:
    return raw if isinstance(raw, str) else None


def _opaque(raw: object) -> bytes | None:
    return raw if isinstance(raw, bytes) else None


def _signed(raw: object) -> int | None:
    return _integer(raw, _SIGNED) if isinstance(raw, int | float) else None


def _unsigned(raw: object) -> int | None:
    return _integer(raw, _UNSIGNED) if isinstance(raw, int | float) else None


def _boolean(raw: object) -> bool | None:
    return bool(raw) if isinstance(raw, int | float) and raw in (0, 1) else None


def _float(raw: object) -> float | None:
    if type(raw) is float and math.isfinite(raw):  # by far the most frequent
        return raw
    return _finite(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else None


def _time(raw: object) -> datetime | None:
    match raw:
        case bool():
            return None
        case int() | float():
            return from_seconds(raw)
        case datetime():
            return _aware(raw)
    return None


def _link(raw: object) -> ObjectLink | None:
    match raw:
        case bool():
            return None
        case str() | int() | ObjectLink():
            return object_link(raw)
    return None


def _integer(raw: float, allowed: range) -> int:
    if isinstance(raw, float) and not raw.is_integer():
        raise ValueError("a fraction where an integer is expected")
    if (number := int(raw)) not in allowed:
        raise ValueError("an integer out of range")
    return number


def _finite(raw: float) -> float:
    try:
        number = float(raw)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _aware(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError("a time without time zone")
    try:
        return time.astimezone(UTC)
    except OverflowError as err:
        raise ValueError("a time beyond the calendar") from err


def _untyped(raw: object) -> Scalar:
    match raw:
        case bool() | str() | bytes():
            return raw
        case int():
            return _integer(raw, _SIGNED if raw < 0 else _UNSIGNED)
        case float():
            return _finite(raw)
        case datetime():
            return _aware(raw)
        case ObjectLink():
            return object_link(raw)
    raise ValueError(f"{type(raw).__name__} is no value")


_FITTING: Mapping[ResourceType, Callable[[object], Scalar | None]] = {
    ResourceType.STRING: _text,
    ResourceType.INTEGER: _signed,
    ResourceType.UNSIGNED_INTEGER: _unsigned,
    ResourceType.FLOAT: _float,
    ResourceType.BOOLEAN: _boolean,
    ResourceType.OPAQUE: _opaque,
    ResourceType.TIME: _time,
    ResourceType.OBJLNK: _link,
    ResourceType.CORELNK: _text,
    ResourceType.NONE: _untyped,
}
"""What makes a value of each type; None where it is of another altogether."""
