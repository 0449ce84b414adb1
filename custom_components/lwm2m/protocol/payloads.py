"""Requests with a payload, or for one, in whatever format the client knows.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.4.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from aiocoap.numbers import codes

from .coap import Response
from .codec import (
    CodecError,
    ContentFormat,
    decode,
    decode_timestamped,
    encode,
    encode_paths,
    normalize,
)
from .errors import BadResponse, ValueMisfit
from .formats import Formats
from .node import Decoded
from .path import Path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from aiocoap import Message
    from aiocoap.numbers.codes import Code

    from .codec import TypeOf
    from .exchange import Exchanges
    from .node import Values
    from .reporting import Readings

type Send = Callable[[Message], Awaitable[Message]]
"""Sends a request and returns its response, of whatever code."""

ROOT = Path()
"""What the composite operations request."""

_TEXT = ContentFormat.TEXT
_SINGLE_VALUE = (ContentFormat.OPAQUE, _TEXT)


class Payloads:
    """What is said to one client and by it, in formats that both know."""

    def __init__(self, exchanges: Exchanges, type_of: TypeOf) -> None:
        """`type_of` gives the models of the client's resources."""
        self.formats = Formats(exchanges.registration)
        self._exchanges = exchanges
        self._type_of = type_of

    async def ask(self, path: Path, send: Send) -> Message:
        """Send a GET with each format to accept, until the client has one.

        The last has none, which leaves the choice to the client (Core 7.4).
        """
        async with self._exchanges.turn(path):
            for accept in (*self.formats.to_accept(len(path)), None):
                response = await send(self._exchanges.make(codes.GET, path, accept=accept))
                if accept is None or not self.formats.refused(len(path), accept, response.code):
                    break
        return response

    async def fetch(self, paths: tuple[Path, ...], send: Send) -> Message:
        """Send a FETCH for several paths, and ask for the answer in the format it is in."""
        return await self.submit(
            codes.FETCH,
            ROOT,
            self.formats.to_write(len(ROOT)),
            partial(encode_paths, paths=paths, root=self._exchanges.registration.root),
            send,
        )

    async def submit(
        self,
        code: Code,
        path: Path,
        formats: Iterable[ContentFormat],
        payload_in: Callable[[ContentFormat], bytes],
        send: Send | None = None,
        *,
        written: frozenset[Path] = frozenset(),
    ) -> Message:
        """Send a payload in each format until the client takes one; return its answer.

        `written` is what `RequestQueue.turn` takes. ValueMisfit when no format can carry the
        payload.
        """
        payloads = _payloads_in(formats, path, payload_in)
        first = next(payloads)  # so that a misfit is told now, not when the client wakes up
        async with self._exchanges.turn(path, written):
            for content_format, payload in chain((first,), payloads):
                request = self._exchanges.make(
                    code,
                    path,
                    content_format=self.formats.in_request(len(path), content_format),
                    accept=content_format if code == codes.FETCH else None,
                    payload=payload,
                )
                response = await (send(request) if send else self._exchanges.send(path, request))
                if not self.formats.refused(len(path), content_format, response.code):
                    break
        return response

    def encode(self, values: Values, path: Path, content_format: ContentFormat) -> bytes:
        """Write values for a request to `path`; CodecError when the format cannot carry them."""
        return encode(
            content_format, values, path, self._type_of, root=self._exchanges.registration.root
        )

    def decode(self, path: Path, response: Message) -> Decoded:
        """Read the answer to a request for `path`; ClientRefused, BadResponse."""
        return self._decoded(path, Response.of(response))

    def readings(self, path: Path, response: Response) -> Readings:
        """Read a response or a notification of `path` as what it says of each time.

        An empty pack still says that a resource has no instances. Raises what `decode` does.
        """
        return self._interpret(path, response, decode_timestamped) or [
            (None, self._decoded(path, response))
        ]

    def expected(self, paths: tuple[Path, ...], response: Response) -> Readings:
        """Read the answer to a composite request; BadResponse when it says more than was asked."""
        readings = self.readings(ROOT, response)
        asked = {path.resource for path in paths}
        for _, decoded in readings:
            for told in (*decoded.values, *decoded.rejected):
                if asked.isdisjoint(told[:length] for length in range(4)):
                    raise BadResponse(
                        self._exchanges.registration.endpoint, ROOT, f"{told} was not asked for"
                    )
        return readings

    def _decoded(self, path: Path, response: Response) -> Decoded:
        return self._interpret(path, response, decode) or Decoded()

    def _interpret[Result](
        self, path: Path, response: Response, decode: Callable[..., Result]
    ) -> Result | None:
        """Read a response or a notification, whatever was asked for; None when it is empty.

        Without Content-Format it is tried as what was asked for, then as plain text. An empty
        payload is no values, save in the formats where it is an empty one.
        """
        self._exchanges.check(path, response, "read")
        number = response.content_format
        payload, root = response.payload, self._exchanges.registration.root
        if not payload and (number is None or normalize(number) not in _SINGLE_VALUE):
            return None
        formats = (*self.formats.to_accept(len(path)), _TEXT) if number is None else (number,)
        for content_format in formats:
            try:
                return decode(content_format, payload, path, self._type_of, root=root)
            except CodecError as err:
                reason = str(err)
        raise BadResponse(self._exchanges.registration.endpoint, path, reason)


def _payloads_in(
    formats: Iterable[ContentFormat], path: Path, payload_in: Callable[[ContentFormat], bytes]
) -> Iterator[tuple[ContentFormat, bytes]]:
    """Yield the formats that can carry a payload, with the payload; ValueMisfit if none can."""
    carried = False
    for content_format in formats:
        try:
            payload = payload_in(content_format)
        except CodecError as err:
            misfit = err
            continue
        carried = True
        yield content_format, payload
    if not carried:
        raise ValueMisfit(path, str(misfit))
