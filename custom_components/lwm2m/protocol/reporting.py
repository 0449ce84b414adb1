"""Observations, as their owner sees them, and Send.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.4, OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap.numbers import codes

from .coap import Response
from .codec import CodecError, ContentFormat, decode_timestamped
from .errors import BadResponse, ClientError
from .listeners import call_guarded
from .node import Decoded
from .object_list import RequestError
from .path import Path

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aiocoap import Message

    from .coap import Peer
    from .exchange import Exchanges
    from .model.definitions import ResourceModel
    from .registration import Registration


_SEND_FORMATS = frozenset(
    {ContentFormat.SENML_JSON, ContentFormat.SENML_CBOR, ContentFormat.LWM2M_CBOR}
)
"""Core-V1_1_1 6.4.6; LwM2M CBOR since V1_2."""

type Readings = list[tuple[datetime | None, Decoded]]
"""What a payload says of each time, oldest first; None is the time of what has none."""


def latest(readings: Readings) -> Decoded:
    """Return each value as it was last."""
    if len(readings) == 1:
        return readings[0][1]
    newest = Decoded()
    for _, decoded in readings:
        for path, value in decoded.values.items():
            known = newest.values.get(path)
            if isinstance(known, dict) and isinstance(value, dict):
                newest.values[path] = known | value
            else:
                newest.values[path] = value
        newest.rejected |= decoded.rejected
    return newest


class Observation:
    """One observation on a client, of one path or, as a composite, of several.

    `path` is that of the request, the root for a composite, `paths` what is observed. `initial`
    is what the client answered to Observe; all later values go to the owner's callback, none of
    them before `Client.observe` has returned. `ended_by` is why the client or its registration
    ended the observation, None while it has not.
    """

    def __init__(
        self,
        path: Path,
        paths: tuple[Path, ...],
        exchanges: Exchanges,
        *,
        decode: Callable[[Response], Readings],
        callback: Callable[[Readings], None],
        on_end: Callable[[Observation], None] | None,
    ) -> None:
        """Make an observation that is not established yet.

        `decode` raises ClientRefused for an error-class message and BadResponse for a payload
        that cannot be decoded.
        """
        self.path = path
        self.paths = paths
        self.initial = Decoded()
        self.ended_by: ClientError | None = None
        self._exchanges = exchanges
        self._decode = decode
        self._callback = callback
        self._on_end = on_end
        self._established_as: tuple[Peer, bytes] | None = None

    @property
    def active(self) -> bool:
        """Whether notifications are to come.

        False from the start when the client answered but does not observe (RFC 7641 3.1).
        """
        return self._established_as is not None

    def establish(self, response: Message) -> None:
        """Take the response to Observe; raises what `decode` does, and then is not active."""
        if response.opt.observe is not None:
            self._established_as = response.remote, response.token
        try:
            self.initial = latest(self._decode(Response.of(response)))
        except ClientError:
            self.cancel()
            raise

    def resume(self, remote: Peer, token: bytes) -> None:
        """Take it as established, as it was before a restart; there is no initial value."""
        self._established_as = remote, token

    @property
    def token(self) -> bytes | None:
        """What its notifications carry; None while it is not active."""
        return self._established_as[1] if self._established_as else None

    def receive(self, notification: Response) -> None:
        """Take a notification.

        One that can't be decoded is reported as rejected, under the observation's path. One
        without an Observe option is the last (RFC 7641 3.2). After `cancel_actively` it is ignored.
        """
        self._exchanges.queue.heard()
        if not self.active:
            return
        try:
            readings = self._decode(notification)
        except BadResponse as err:
            readings = [(None, Decoded(rejected={self.path: err.reason}))]
        except ClientError as err:
            self.end(err)
            return
        call_guarded(self._callback, readings)
        if notification.observe is None:
            endpoint = self._exchanges.registration.endpoint
            self.end(BadResponse(endpoint, self.path, "no longer observed"))

    def cancel(self) -> None:
        """End it without telling the client: its next notification is rejected.

        Source: RFC 7641 3.6, first way.
        """
        if self._established_as:
            self._exchanges.forget(*self._established_as)
            self._established_as = None

    async def cancel_actively(self) -> None:
        """End it and tell the client; ClientError when that fails, it is ended even so.

        Source: RFC 7641 3.6, second way.
        """
        if self._established_as:
            remote, token = self._established_as
            self._established_as = None
            await self._exchanges.cancel(self.path, remote, token)

    def end(self, reason: ClientError) -> None:
        """End it because the client or its registration did, and tell the owner."""
        if self.active:
            self.cancel()
            self.ended_by = reason
            if self._on_end:
                call_guarded(self._on_end, self)


def parse_send(
    message: Message,
    registration: Registration,
    type_of: Callable[[Path], ResourceModel | None],
    belongs: Callable[[str], bool] | None = None,
) -> Readings:
    """Read a Send, of it the names that belong to the client; RequestError when it is wrong.

    4.04 when an object in it is not registered, as the table of response codes has it
    (Transport-V1_1_1 6.7; Core-V1_1_1 6.4.6).
    """
    number = message.opt.content_format
    if number is None:
        raise RequestError(codes.BAD_REQUEST, "no Content-Format")
    if number not in _SEND_FORMATS:
        raise RequestError(codes.UNSUPPORTED_CONTENT_FORMAT, "not a format of Send")
    try:
        readings = decode_timestamped(
            number, message.payload, Path(), type_of, registration.root, belongs=belongs
        )
    except CodecError as err:
        raise RequestError(codes.BAD_REQUEST, str(err)) from err
    told = {path.object_id for _, decoded in readings for path in decoded.values}
    if told - registration.objects:
        raise RequestError(codes.NOT_FOUND, "an object is not registered")
    return readings
