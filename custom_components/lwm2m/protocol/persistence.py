"""What outlives the process, in JSON's types: registrations, observations, values.

Message IDs and tokens after a restart must not be those of before (RFC 7252 4.4, 5.3.1): a token
is 64 random bits; the message ID to go on with is half the number space away from the stored one.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .node import ObjectLink
from .path import Path
from .registration import Registration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .coap import Peer, StoredPeer
    from .node import Scalar, Value, Values

MAX_VALUES = 2000
"""Resources of one client whose values are kept."""
MAX_VALUE_LENGTH = 1024
"""Characters or bytes of a value that is kept."""
UNSAVED = 60.0
"""Seconds that what is restored may be older than what was: how late it may be saved."""

_SIGNED_MINIMUM, _UNSIGNED_LIMIT = -(1 << 63), 1 << 64

type Json = dict[str, Any]


class RestoreError(ValueError):
    """Stored state that cannot be used."""


@dataclass(frozen=True, slots=True)
class StoredObservation:
    """One observation, and how it was asked for.

    `payload` is that of a composite, empty for one path. `sequence` is the newest Observe value,
    that arrived at `time`.
    """

    paths: tuple[Path, ...]
    token: bytes
    accept: int | None
    content_format: int | None
    payload: bytes
    sequence: int | None
    time: datetime


def dump_registration(registration: Registration) -> Json:
    """Return what `load_registration` takes."""
    return {
        "id": registration.id,
        "endpoint": registration.endpoint,
        "remote": registration.remote.dump(),
        "lifetime": registration.lifetime,
        "version": registration.version,
        "binding": registration.binding,
        "queue_mode": registration.queue_mode,
        "sms": registration.sms,
        "attributes": dict(registration.attributes),
        "root": registration.root,
        "content_formats": sorted(registration.content_formats),
        "objects": sorted(registration.objects),
        "instances": [str(path) for path in sorted(registration.instances)],
        "versions": {str(number): text for number, text in registration.versions.items()},
        "registered_at": registration.registered_at.isoformat(),
        "updated_at": registration.updated_at.isoformat(),
    }


def load_registration(stored: Json, load_peer: Callable[[StoredPeer], Peer]) -> Registration:
    """Read a registration; RestoreError when it cannot be used.

    `load_peer` makes an address on the server's own sockets, OSError where none reaches it.
    """
    try:
        return Registration(
            id=str(stored["id"]),
            endpoint=str(stored["endpoint"]),
            remote=load_peer(stored["remote"]),
            lifetime=int(stored["lifetime"]),
            version=str(stored["version"]),
            binding=str(stored["binding"]),
            queue_mode=bool(stored["queue_mode"]),
            sms=stored["sms"],
            attributes=dict(stored["attributes"]),
            root=str(stored["root"]),
            content_formats=frozenset(map(int, stored["content_formats"])),
            objects=frozenset(map(int, stored["objects"])),
            instances=frozenset(map(Path.parse, stored["instances"])),
            versions={int(number): str(text) for number, text in stored["versions"].items()},
            registered_at=_load_time(stored["registered_at"]),
            updated_at=_load_time(stored["updated_at"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError, OSError) as err:
        raise RestoreError(f"not a registration: {err!r}") from err


def dump_observation(observation: StoredObservation) -> Json:
    """Return what `load_observation` takes."""
    return {
        "paths": [str(path) for path in observation.paths],
        "token": observation.token.hex(),
        "accept": observation.accept,
        "content_format": observation.content_format,
        "payload": observation.payload.hex(),
        "sequence": observation.sequence,
        "time": observation.time.isoformat(),
    }


def load_observation(stored: Json) -> StoredObservation:
    """Read an observation; RestoreError when it cannot be used."""
    try:
        return StoredObservation(
            tuple(map(Path.parse, stored["paths"])),
            bytes.fromhex(stored["token"]),
            _load_number(stored["accept"]),
            _load_number(stored["content_format"]),
            bytes.fromhex(stored["payload"]),
            _load_number(stored["sequence"]),
            _load_time(stored["time"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as err:
        raise RestoreError(f"not an observation: {err!r}") from err


def dump_values(values: Values) -> Json:
    """Return what `load_values` takes: the values that are not too large, and not too many."""
    stored: Json = {}
    for path, value in values.items():
        if len(stored) == MAX_VALUES:
            break
        if (dumped := _dump_value(value)) is not None:
            stored[str(path)] = dumped
    return stored


def load_values(stored: Mapping[str, Any]) -> Values:
    """Read values; RestoreError when they cannot be used."""
    try:
        return {
            Path.parse(path): _load_value(value)
            for path, value in stored.items()
            if value is not None  # JSON has no other way to write what is not a number
        }
    except (KeyError, ValueError, TypeError, AttributeError) as err:
        raise RestoreError(f"not values: {err!r}") from err


def _dump_value(value: Value) -> Any:
    if not isinstance(value, dict):
        return _dump_scalar(value)
    scalars = {str(number): _dump_scalar(scalar) for number, scalar in value.items()}
    if len(scalars) > MAX_VALUES or None in scalars.values():
        return None
    return {"multiple": scalars}


def _dump_scalar(value: Scalar) -> Any:
    """Return a value as JSON tells it from the other types; None for what is not kept."""
    match value:
        case bool() | float():
            return value
        case int():
            return value if _SIGNED_MINIMUM <= value < _UNSIGNED_LIMIT else None
        case str():
            short = len(value) <= MAX_VALUE_LENGTH
            # A lone surrogate, which JSON can name and UTF-8 cannot, would spoil the whole file.
            return value if short and value == value.encode(errors="ignore").decode() else None
        case bytes():
            short = len(value) <= MAX_VALUE_LENGTH
            return {"opaque": base64.b64encode(value).decode()} if short else None
        case datetime():
            return {"time": value.isoformat()}
        case ObjectLink():
            return {"link": [value.object_id, value.instance_id]}


def _load_value(stored: Any) -> Value:
    if isinstance(stored, dict) and "multiple" in stored:
        return {int(number): _load_scalar(item) for number, item in stored["multiple"].items()}
    return _load_scalar(stored)


def _load_scalar(stored: Any) -> Scalar:
    match stored:
        case bool() | int() | float() | str():
            return stored
        case {"opaque": str() as text}:
            return base64.b64decode(text, validate=True)
        case {"time": str() as text}:
            return _load_time(text)
        case {"link": [int() as object_id, int() as instance_id]}:
            return ObjectLink(object_id, instance_id)
        case _:
            raise ValueError(f"not a value: {stored!r:.40}")


def _load_number(stored: Any) -> int | None:
    return None if stored is None else int(stored)


def _load_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
