"""The Device Management and Service Enablement interface: what a board answers.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3; the methods and codes are those of
OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.4 and 6.7.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
import re
from typing import TYPE_CHECKING

from aiocoap import (
    BAD_REQUEST,
    CHANGED,
    CONTENT,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    PUT,
    UNAUTHORIZED,
    UNSUPPORTED_CONTENT_FORMAT,
    Message,
)
from aiocoap.numbers import codes

from custom_components.lwm2m.protocol.codec import (
    CodecError,
    ContentFormat,
    decode,
    encode,
    normalize,
)
from custom_components.lwm2m.protocol.path import Path, PathError

from .composite import COMPOSITE_FORMATS, requested_paths
from .errors import RefusedError
from .events import EventKind
from .instances import create, delete, write_attributes
from .links import discover_links
from .settings import STRUCTURED_FORMATS

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.node import Value, Values

    from .blueprint import Action
    from .board import Board
    from .reporting import Observations, Render

SECURITY_OBJECT = 0

_ARGUMENT = r"[0-9](?:='[^']*')?"
_ARGUMENTS = re.compile(rf"(?:{_ARGUMENT}(?:,{_ARGUMENT})*)?")
"""OMA-TS-LightweightM2M_Core-V1_1_1 6.3.5."""


class Management:
    """Answers the server's requests from a board's resources."""

    def __init__(self, board: Board) -> None:
        """Take the board."""
        self._board = board

    def answer(self, request: Message, observations: Observations) -> Message:
        """Answer one complete request."""
        try:
            path = self._path_of(request)
            if not path:
                return self._answer_composite(request, observations)
            match request.code, len(path):
                case codes.GET, _:
                    return self._get(request, path, observations)
                case codes.POST, 1:
                    return create(self._board, request, path, self._checked(request, path))
                case codes.POST, 3 if action := self._board.action(path):
                    return self._execute(request, path, action)
                case codes.PUT, _ if request.opt.uri_query and not request.payload:
                    return write_attributes(self._board, request, path)
                case ((codes.PUT | codes.POST), length) if length >= 2:
                    return self._write(request, path, replace=request.code == PUT)
                case codes.DELETE, _:
                    return delete(self._board, path)
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
        if not self._board.has(path):
            raise RefusedError(NOT_FOUND)
        return path

    def _get(self, request: Message, path: Path, observations: Observations) -> Message:
        accept = request.opt.accept
        if accept == ContentFormat.LINK_FORMAT:
            return Message(
                code=CONTENT,
                content_format=ContentFormat.LINK_FORMAT,
                payload=discover_links(self._board, path).encode(),
            )
        return self._report(request, (path,), partial(self.read, path, accept), observations)

    def _answer_composite(self, request: Message, observations: Observations) -> Message:
        """Answer a request to the root, which LwM2M 1.0 does not have."""
        if self._board.settings.version == "1.0":
            raise RefusedError(METHOD_NOT_ALLOWED)
        match request.code:
            case codes.FETCH:
                paths = requested_paths(request, self._board.settings.root_path)
                render = partial(self._read_composite, paths, request.opt.accept)
                return self._report(request, paths, render, observations)
            case codes.iPATCH:
                return self._write(request, Path(), replace=False)
        raise RefusedError(METHOD_NOT_ALLOWED)

    def _read_composite(self, paths: tuple[Path, ...], accept: int | None) -> Message:
        """Render what the board has of these paths, and leave out the rest."""
        content_format = normalize(accept or ContentFormat.SENML_CBOR)
        if content_format is None or content_format not in COMPOSITE_FORMATS:
            return Message(code=NOT_ACCEPTABLE)
        values: Values = {}
        for path in paths:
            with suppress(RefusedError):
                for resource, value in self._readable(path).items():
                    known = values.get(resource)
                    if isinstance(known, dict) and isinstance(value, dict):
                        values[resource] = known | value
                    else:
                        values[resource] = value
        root_path = self._board.settings.root_path
        payload = encode(content_format, values, Path(), self._board.model, root_path)
        return Message(code=CONTENT, content_format=content_format, payload=payload)

    def _report(
        self,
        request: Message,
        paths: tuple[Path, ...],
        render: Render,
        observations: Observations,
    ) -> Message:
        """Answer a Read, an Observe or a Cancel, of one path or several."""
        response = render()
        later_block = request.opt.block2 is not None and request.opt.block2.block_number > 0
        if response.code != CONTENT or later_block:
            return response
        if request.opt.observe == 1:
            observations.cancel(request.token)
            return response
        if request.opt.observe == 0:
            response.opt.observe = observations.add(request.token, paths, render)
        if response.opt.observe is None:
            for path in paths:
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
        values = self._checked(request, path)
        self._board.write(path, values, replace=replace)
        for resource in values:
            self._board.events.emit(EventKind.WRITTEN, resource, self._board.value(resource))
        return Message(code=CHANGED)

    def _checked(self, request: Message, path: Path) -> Values:
        """Read what is to be written, and refuse what the model or the board does not allow."""
        values = self._decode(request, path)
        for resource, value in values.items():
            self._require_writable(resource, exists=len(path) != 1)
            self._require_in_range(resource, value)
            if self._board.blueprint.check is not None and self._board.has(resource):
                self._board.blueprint.check(self._board, resource, value)
        return values

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

    def _require_writable(self, path: Path, *, exists: bool = True) -> None:
        """4.04 for a resource that the board has not, 4.05 for one that is not writable."""
        if len(path) < 3:
            return
        if exists and not self._board.has(path.resource):
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
