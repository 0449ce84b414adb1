"""The Device Management and Service Enablement interface: what a board answers.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3; the methods and codes are those of
OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.4 and 6.7.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiocoap import (
    BAD_REQUEST,
    CHANGED,
    CONTENT,
    GET,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    POST,
    PUT,
    UNAUTHORIZED,
    UNSUPPORTED_CONTENT_FORMAT,
    Message,
)

from custom_components.lwm2m.protocol.codec import (
    CodecError,
    ContentFormat,
    decode,
    encode,
    normalize,
)
from custom_components.lwm2m.protocol.path import Path, PathError

from .errors import RefusedError
from .events import EventKind
from .links import discover_links
from .settings import STRUCTURED_FORMATS

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.node import Value, Values

    from .blueprint import Action
    from .board import Board
    from .reporting import Observations

SECURITY_OBJECT = 0

_ARGUMENT = r"[0-9](?:='[^']*')?"
_ARGUMENTS = re.compile(rf"(?:{_ARGUMENT}(?:,{_ARGUMENT})*)?")
"""OMA-TS-LightweightM2M_Core-V1_1_1 6.3.5."""


class Management:
    """Answers the server's requests from a board's resources.

    Not here: Create, Delete, Write-Attributes and the composite operations, answered 4.05.
    """

    def __init__(self, board: Board) -> None:
        """Take the board."""
        self._board = board

    def answer(self, request: Message, observations: Observations) -> Message:
        """Answer one complete request."""
        try:
            path = self._path_of(request)
            if request.code == GET:
                return self._get(request, path, observations)
            if request.code == POST and len(path) == 3 and (action := self._board.action(path)):
                return self._execute(request, path, action)
            if request.code in (PUT, POST) and len(path) >= 2:
                return self._write(request, path, replace=request.code == PUT)
            raise RefusedError(METHOD_NOT_ALLOWED)
        except RefusedError as error:
            return Message(code=error.code, payload=error.reason.encode())

    def read(self, path: Path, accept: int | None) -> Message:
        """Render a path's values, in the format of `accept` or the one that the board prefers.

        Without Accept the client uses "its own preferred data format"
        (OMA-TS-LightweightM2M_Transport-V1_1_1 6.3).
        """
        try:
            values = self._readable(path)
            content_format = self._format_for(path, values, accept)
            payload = encode(
                content_format, values, path, self._board.model, self._board.settings.root_path
            )
        except RefusedError as error:
            return Message(code=error.code, payload=error.reason.encode())
        except CodecError as error:
            return Message(code=NOT_ACCEPTABLE, payload=str(error).encode())
        return Message(code=CONTENT, content_format=content_format, payload=payload)

    def _path_of(self, request: Message) -> Path:
        """Return the path below the board's root; 4.04 when it is none of LwM2M's."""
        root = self._board.settings.root
        segments = request.opt.uri_path
        try:
            if segments[: len(root)] != root:
                raise PathError("outside the root path")
            path = Path.parse("/".join(segments[len(root) :]))
        except PathError as error:
            raise RefusedError(NOT_FOUND, str(error)) from error
        if path[:1] == (SECURITY_OBJECT,):
            raise RefusedError(UNAUTHORIZED)  # Core-V1_1_1 appendix E.1
        if not path:
            raise RefusedError(METHOD_NOT_ALLOWED)
        if not self._board.has(path):
            raise RefusedError(NOT_FOUND)
        return path

    def _get(self, request: Message, path: Path, observations: Observations) -> Message:
        if request.opt.accept == ContentFormat.LINK_FORMAT:
            return Message(
                code=CONTENT,
                content_format=ContentFormat.LINK_FORMAT,
                payload=discover_links(self._board, path).encode(),
            )
        response = self.read(path, request.opt.accept)
        later_block = request.opt.block2 is not None and request.opt.block2.block_number > 0
        if response.code != CONTENT or later_block:
            return response
        if request.opt.observe == 1:
            observations.cancel(request.token)
            return response
        if request.opt.observe == 0:
            response.opt.observe = observations.add(request.token, path, request.opt.accept)
        if response.opt.observe is None:
            self._board.events.emit(EventKind.READ, path)
        return response

    def _readable(self, path: Path) -> Values:
        """Collect what Read returns: unreadable resources are left out unless asked for."""
        if not self._board.has(path):
            raise RefusedError(NOT_FOUND)
        model = self._board.model(path.resource) if len(path) >= 3 else None
        if model is not None and not model.readable:
            raise RefusedError(METHOD_NOT_ALLOWED)
        return self._board.values(path)

    def _format_for(self, path: Path, values: Values, accept: int | None) -> ContentFormat:
        offered = self._board.settings.content_formats
        single = len(path) >= 3 and not (len(path) == 3 and isinstance(values.get(path), dict))
        if accept is None:
            for content_format in offered:
                if single or content_format in STRUCTURED_FORMATS:
                    return content_format
        elif (wanted := normalize(accept)) in offered and wanted is not None:
            return wanted
        raise RefusedError(NOT_ACCEPTABLE)

    def _write(self, request: Message, path: Path, *, replace: bool) -> Message:
        self._require_writable(path)
        values = self._decode(request, path)
        for resource, value in values.items():
            self._require_writable(resource)
            self._require_in_range(resource, value)
            if self._board.blueprint.check is not None:
                self._board.blueprint.check(self._board, resource, value)
        self._board.write(path, values, replace=replace)
        for resource in values:
            self._board.events.emit(EventKind.WRITTEN, resource, self._board.value(resource))
        return Message(code=CHANGED)

    def _decode(self, request: Message, path: Path) -> Values:
        content_format = request.opt.content_format
        known = normalize(content_format) if content_format is not None else ContentFormat.TEXT
        if known is None or known not in self._board.settings.content_formats:
            raise RefusedError(UNSUPPORTED_CONTENT_FORMAT)
        try:
            decoded = decode(
                known, request.payload, path, self._board.model, self._board.settings.root_path
            )
        except CodecError as error:
            raise RefusedError(BAD_REQUEST, str(error)) from error
        for resource, reason in decoded.rejected.items():
            raise RefusedError(BAD_REQUEST, f"{resource}: {reason}")
        return decoded.values

    def _require_writable(self, path: Path) -> None:
        """4.04 for a resource that the board has not, 4.05 for one that is not writable."""
        if len(path) < 3:
            return
        if not self._board.has(path.resource):
            raise RefusedError(NOT_FOUND, str(path))
        model = self._board.model(path.resource)
        if model is None or not model.writable:
            raise RefusedError(METHOD_NOT_ALLOWED, str(path))

    def _require_in_range(self, path: Path, value: Value) -> None:
        model = self._board.model(path)
        assert model is not None
        for scalar in value.values() if isinstance(value, dict) else (value,):
            if not isinstance(scalar, int | float):
                continue
            if (model.minimum is not None and scalar < model.minimum) or (
                model.maximum is not None and scalar > model.maximum
            ):
                raise RefusedError(
                    BAD_REQUEST, f"{path} is {model.minimum} to {model.maximum}, not {scalar}"
                )

    def _execute(self, request: Message, path: Path, action: Action) -> Message:
        try:
            arguments = request.payload.decode()
        except UnicodeDecodeError as error:
            raise RefusedError(BAD_REQUEST) from error
        if not _ARGUMENTS.fullmatch(arguments):
            raise RefusedError(BAD_REQUEST, "not a list of arguments")
        action(self._board, path, arguments)
        self._board.events.emit(EventKind.EXECUTED, path, arguments)
        return Message(code=CHANGED)
