"""CoAP over TCP as a small device speaks it, with TLS or without: one connection (RFC 8323).

The framing is aiocoap's, so that the integration's own is not tested by itself.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from typing import TYPE_CHECKING, override

from aiocoap import EMPTY, Message
from aiocoap.error import Error
from aiocoap.numbers.codes import ABORT, CSM, PING, PONG, RELEASE
from aiocoap.optiontypes import OpaqueOption, UintOption
from aiocoap.transports.tcp import _decode_message, _extract_message_size, _serialize

from .blockwise import MAX_BODY, Uploads, first_block
from .coap import RESPONSE_TIMEOUT, NoAnswerError, NoConnectionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_components.lwm2m.protocol.security import PreSharedKey

MAX_MESSAGE_SIZE = MAX_BODY + 512


def _tls(psk: PreSharedKey) -> ssl.SSLContext:
    """Make what a device with a pre-shared key connects by (RFC 7925 4.2)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the key proves the server, too
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("PSK-AES128-CCM8:@SECLEVEL=0")
    context.set_alpn_protocols(["coap"])
    context.set_psk_client_callback(lambda hint: (psk.identity.decode(), psk.key))
    return context


class TcpEndpoint(asyncio.Protocol):
    """A device's connection to its server, which it opens when it has something to ask.

    With the connection the server's observations end (RFC 8323 7.4). A device without one neither
    notifies nor is reached.
    """

    def __init__(
        self,
        answer: Callable[[Message], Message],
        stirred: Callable[[], None],
        disconnected: Callable[[], None],
        psk: PreSharedKey | None,
    ) -> None:
        """Take what answers a complete request, and what is told of each message, in or out.

        `disconnected` is called when the connection has ended, but for `close`. With a `psk` all
        goes over TLS.
        """
        self.muted = False
        """While True there is no connection: the radio is off."""
        self._answer = answer
        self._stirred = stirred
        self._disconnected = disconnected
        self._tls = _tls(psk) if psk else None
        self._server = ("", 0)
        self._transport: asyncio.Transport | None = None
        self._connecting = asyncio.Lock()
        self._data = b""
        self._pending: dict[bytes, asyncio.Future[Message]] = {}
        self._uploads = Uploads()

    async def open(self, server: tuple[str, int]) -> None:
        """Take note where the server is."""
        self._server = server

    def close(self) -> None:
        """Close the connection; requests that wait for an answer get NoConnectionError."""
        if self._transport is not None:
            self._transport.close()
            self._forget_connection()

    def abandon(self) -> None:
        """Close the connection, as a device does before it sleeps."""
        self.close()
        self._disconnected()

    async def move(self) -> None:
        """Go on over another connection."""
        self.abandon()

    @property
    def port(self) -> int | None:
        """The local port, None without a connection."""
        if self._transport is None:
            return None
        name: tuple[str, int] = self._transport.get_extra_info("sockname")
        return name[1]

    async def request(self, message: Message) -> Message:
        """Send a request, over a new connection if there is none, and return the response.

        Raises NoAnswerError, which NoConnectionError is.
        """
        await self._connect()
        future = asyncio.get_running_loop().create_future()
        message.token = secrets.token_bytes(4)
        self._pending[message.token] = future
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT):
                self._write(message)
                return await future
        except TimeoutError as error:
            raise NoAnswerError("never answered") from error
        finally:
            del self._pending[message.token]

    def send(
        self, message: Message, *, confirmable: bool, concluded: Callable[[bool], None]
    ) -> None:
        """Send a notification, or its first block where it is long.

        Its Observe value is empty, as it may be (RFC 8323 7.1). TCP sees to it that it arrives.
        """
        if message.opt.observe is not None:
            message.opt.observe = 0
        self._write(first_block(message))
        if confirmable:
            concluded(True)

    async def _connect(self) -> None:
        async with self._connecting:
            if self._transport is not None:
                return
            self._data = b""
            try:
                await asyncio.get_running_loop().create_connection(
                    lambda: self, *self._server, ssl=self._tls
                )
            except OSError as error:
                raise NoConnectionError(str(error)) from error

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        csm = Message(code=CSM)
        csm.opt.add_option(UintOption(2, MAX_MESSAGE_SIZE))
        csm.opt.add_option(OpaqueOption(4, b""))
        self._write(csm)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None and self._transport.is_closing():
            self._forget_connection()
            self._disconnected()

    def _forget_connection(self) -> None:
        self._transport = None
        for future in self._pending.values():
            if not future.done():
                future.set_exception(NoConnectionError("the connection was closed"))

    @override
    def data_received(self, data: bytes) -> None:
        self._data += data
        while (parts := _extract_message_size(self._data)) and len(self._data) >= sum(parts):
            frame, self._data = self._data[: sum(parts)], self._data[sum(parts) :]
            try:
                self._take(_decode_message(frame))
            except Error, ValueError:
                continue

    def _take(self, message: Message) -> None:
        self._stirred()
        if message.code == PING:
            self._write(Message(code=PONG, _token=message.token))
        elif message.code in (RELEASE, ABORT):
            if self._transport is not None:
                self._transport.close()
        elif message.code.is_response():
            future = self._pending.get(message.token)
            if future is not None and not future.done():
                future.set_result(message)
        elif message.code.is_request() and message.code != EMPTY:
            self._serve(message)

    def _serve(self, request: Message) -> None:
        response = self._uploads.collect(request)
        if response is None:
            response = first_block(self._answer(request), request)
            response.opt.block1 = request.opt.block1
        response.token = request.token
        self._write(response)

    def _write(self, message: Message) -> None:
        if self._transport is not None and not self.muted:
            self._stirred()
            self._transport.write(_serialize(message))
