"""What a server makes, takes away and has notified: instances and attributes.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3.4, 6.3.6 and 6.3.7.
"""

from __future__ import annotations

from itertools import count
import re
from typing import TYPE_CHECKING

from aiocoap import BAD_REQUEST, CHANGED, CREATED, DELETED, METHOD_NOT_ALLOWED, Message

from custom_components.lwm2m.protocol.codec import ContentFormat, normalize

from .errors import RefusedError
from .events import EventKind

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.node import Values
    from custom_components.lwm2m.protocol.path import Path

    from .board import Board

_PROTECTED = frozenset({0, 1, 3})
"""Objects whose instances a server neither makes nor takes away."""
_ATTRIBUTES = frozenset({"pmin", "pmax", "gt", "lt", "st", "epmin", "epmax"})
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_OBJECT_INSTANCE, _WIDE_ID = 0b00, 0b0010_0000
"""OMA-TS-LightweightM2M_Core-V1_1_1 7.4.3, the type of a TLV."""


def create(board: Board, request: Message, target: Path, values: Values) -> Message:
    """Create an instance of the object at `target`."""
    if target.object_id in _PROTECTED:
        raise RefusedError(METHOD_NOT_ALLOWED)
    instance = target / _wanted_id(board, request, target, values)
    if board.has(instance):
        raise RefusedError(BAD_REQUEST, f"{instance} exists")
    rows = {path.resource_id: value for path, value in values.items()}
    model = board.object_model(target.object_id)
    for resource in model.resources.values() if model else ():
        if resource.id not in rows and resource.mandatory and resource.writable:
            raise RefusedError(BAD_REQUEST, f"{resource.name} is missing")
    board.add(instance, rows)
    board.events.emit(EventKind.CREATED, instance)
    return Message(code=CREATED, location_path=(*board.settings.root, *map(str, instance)))


def delete(board: Board, path: Path) -> Message:
    """Delete an instance."""
    if len(path) != 2 or path.object_id in _PROTECTED:
        raise RefusedError(METHOD_NOT_ALLOWED)
    board.remove(path)
    board.events.emit(EventKind.DELETED, path)
    return Message(code=DELETED)


def write_attributes(board: Board, request: Message, path: Path) -> Message:
    """Take attributes; they show in Discover, and notifications heed `pmin`."""
    if not board.settings.takes_attributes:
        raise RefusedError(METHOD_NOT_ALLOWED)
    written = dict(board.attributes.get(path, {}))
    for parameter in request.opt.uri_query:
        name, _, value = parameter.partition("=")
        if name not in _ATTRIBUTES:
            raise RefusedError(BAD_REQUEST, f"{name} is not an attribute")
        if value:
            if not _NUMBER.fullmatch(value):
                raise RefusedError(BAD_REQUEST, f"{value} is not a number")
            written[name] = value
        else:
            written.pop(name, None)
    if {"pmin", "pmax"} <= written.keys() and float(written["pmin"]) > float(written["pmax"]):
        raise RefusedError(BAD_REQUEST, "pmin is greater than pmax")
    board.attributes[path] = written
    board.events.emit(EventKind.ATTRIBUTES, path, written)
    return Message(code=CHANGED)


def _wanted_id(board: Board, request: Message, target: Path, values: Values) -> int:
    """Return the ID that the payload names, else the first that is free."""
    payload = request.payload
    if normalize(request.opt.content_format or ContentFormat.TEXT) != ContentFormat.TLV:
        if values:
            return next(iter(values)).instance_id
    elif payload and payload[0] >> 6 == _OBJECT_INSTANCE:
        return int.from_bytes(payload[1:3] if payload[0] & _WIDE_ID else payload[1:2])
    return next(number for number in count() if not board.has(target / number))
