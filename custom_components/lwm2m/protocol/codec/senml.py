"""What SenML JSON and SenML CBOR share: resolving records and making them.

Sums and units (`s`, `bs`, `u`, `bu`, `ut`) say nothing that LwM2M asks for and are passed
over; a record of a sum alone has no value.
Source: RFC 8428; OMA-TS-LightweightM2M_Core-V1_1_1 7.4.5 and 7.4.6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..node import Decoded, ObjectLink, Scalar, Values
from .base import CodecError, Scope
from .records import Fields, Record, by_time, latest, name_path, number, text
from .typed import fit, object_link, to_seconds
from .values import checked

if TYPE_CHECKING:
    from ..model.definitions import ResourceModel
    from ..path import Path

type Data = Callable[[object], object]
"""Reads a `vd` field, which JSON and CBOR write differently; ValueError when it is none."""

_VALUE_LABELS = ("v", "vs", "vb", "vd", "vlo")
_VERSION = 10
_FIRST_ABSOLUTE_TIME = 2**28


def decode(pack: object, scope: Scope, data: Data) -> Decoded:
    """Read a pack, and where it holds a value several times, the latest.

    CodecError when it is no pack, or a path lies outside the request's.
    """
    now = datetime.now(UTC).timestamp()
    return latest(_resolve(pack, scope, now), scope, _reader(data), now)


def decode_timestamped(
    pack: object, scope: Scope, data: Data, now: datetime
) -> list[tuple[datetime | None, Decoded]]:
    """Read a pack as what it says of each time, oldest first; None stands for untimed records.

    `now` is what relative times count from. CodecError as `decode`.
    """
    seconds = now.timestamp()
    return by_time(_resolve(pack, scope, seconds), scope, _reader(data), seconds)


def encode(values: Values, scope: Scope) -> list[dict[str, object]]:
    """Make the records of a pack; CodecError for what SenML cannot say.

    That is a multiple resource without instances beside other resources
    (OMA_LwM2M_for_Developers#494). Alone it is the empty pack, as in Leshan.
    """
    records: list[dict[str, object]] = []
    for path, value in checked(values, scope).items():
        if not isinstance(value, dict):
            records.append(_record(path, value, scope))
        elif value or path == scope.path:
            records += (_record(path / key, instance, scope) for key, instance in value.items())
        else:
            raise CodecError(f"SenML cannot say that {path} has no instances")
    if records:
        whole = "n" not in records[0]
        records[0] = {"bn": scope.root + str(scope.path) if whole else _base(scope)} | records[0]
    return records


def encode_paths(paths: Iterable[Path], root: str) -> list[dict[str, object]]:
    """Make the records of a pack that names paths and says no values; CodecError without paths.

    Source: RFC 8790 3.1 (a Fetch Pack); OMA-TS-LightweightM2M_Core-V1_1_1 7.4.5, the examples
    of Read-Composite.
    """
    records: list[dict[str, object]] = [{"n": f"{root}{path}"} for path in paths]
    if not records:
        raise CodecError("no paths")
    return records


def _resolve(pack: object, scope: Scope, now: float) -> Iterator[Record]:
    """Work the base fields into the records (RFC 8428 4.6)."""
    if not isinstance(pack, list):
        raise CodecError("a SenML pack is an array")
    base_name, base_time, base_value = "", 0.0, 0.0
    for record in pack:
        if not isinstance(record, dict):
            raise CodecError("a SenML record is a map")
        _check_understood(record)
        base_name = text(record, "bn", base_name)
        base_time = number(record, "bt", base_time)
        base_value = number(record, "bv", base_value)
        label, raw = _value(record, base_value)
        if label or "n" in record:
            name = base_name + text(record, "n", "")
            if scope.belongs is None or scope.belongs(name):
                time = _time(base_time + number(record, "t", 0), now)
                yield Record(name_path(name, scope), label, raw, time)


def _check_understood(record: Fields) -> None:
    """Refuse a later version and fields marked as mandatory.

    Source: RFC 8428 4.4 (a larger `bver` must not be used; a label ending in `_` must be
    understood).
    """
    if "bver" in record and number(record, "bver", _VERSION) > _VERSION:
        raise CodecError("a later version of SenML")
    for label in record:
        if isinstance(label, str) and label.endswith("_"):
            raise CodecError("a field that must be understood, and is not")


def _value(record: Fields, base_value: float) -> tuple[str | None, object]:
    """Give a record's value and its label; None for one without (null counts as without).

    Source: RFC 8428 4.5.4: the Base Value is added to the Value, a missing one is zero.
    """
    match [label for label in _VALUE_LABELS if record.get(label) is not None]:
        case []:
            return ("v", base_value) if base_value and "n" in record else (None, None)
        case [label]:
            raw = record[label]
            if base_value and label == "v" and isinstance(raw, (int, float)):
                raw += base_value
            return label, raw
    raise CodecError("a record has several values")


def _time(time: float, now: float) -> float | None:
    """Give seconds since 1970, or None for a record that says no time.

    Source: RFC 8428 4.5.3: below 2**28 a time is relative to now, and 0 means roughly now.
    """
    if not time:
        return None
    return time if time >= _FIRST_ABSOLUTE_TIME else now + time


def _reader(data: Data) -> Callable[[Record, ResourceModel | None], Scalar]:
    def read(record: Record, model: ResourceModel | None) -> Scalar:
        raw = record.raw
        match record.label:
            case None:
                raise ValueError("a record without a value")
            case "vd":
                raw = data(raw)
            case "vlo" if isinstance(raw, str):
                raw = object_link(raw)
        return fit(raw, model)

    return read


def _base(scope: Scope) -> str:
    return scope.root + str(scope.path).rstrip("/") + "/"


def _record(path: Path, value: Scalar, scope: Scope) -> dict[str, object]:
    """Make a record, named relative to the request's path; without a name when it is that."""
    name = "/".join(map(str, path[len(scope.path) :]))
    return ({"n": name} if name else {}) | _field(value)


def _field(value: Scalar) -> dict[str, object]:
    """Make the value's field.

    Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.4.5 and appendix C, table C-2.
    """
    match value:
        case bool():
            return {"vb": value}
        case int() | float():
            return {"v": value}
        case str():
            return {"vs": value}
        case bytes():
            return {"vd": value}
        case datetime():
            return {"v": to_seconds(value)}
        case ObjectLink(object_id, instance_id):
            return {"vlo": f"{object_id}:{instance_id}"}
