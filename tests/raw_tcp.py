"""A scripted CoAP peer on a TCP connection, with aiocoap's framing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from aiocoap import CONTENT, Message
from aiocoap.numbers.codes import CSM
from aiocoap.optiontypes import OpaqueOption, UintOption
from aiocoap.transports.tcp import _decode_message, _extract_message_size, _serialize

if TYPE_CHECKING:
    import ssl

PATIENCE = 5.0


class RawTcpPeer:
    """Sends and sees single messages, and does nothing on its own.

    `capabilities` is the server's CSM.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._buffer = b""
        self._token = 0
        self.capabilities: Message

    @classmethod
    async def connect(
        cls,
        port: int,
        host: str = "127.0.0.1",
        *,
        context: ssl.SSLContext | None = None,
        local_host: str | None = None,
    ) -> Self:
        """Open a connection on which nothing is said yet."""
        local = None if local_host is None else (local_host, 0)
        return cls(*await asyncio.open_connection(host, port, ssl=context, local_addr=local))

    @classmethod
    async def open(cls, port: int, host: str = "127.0.0.1", **options: Any) -> Self:
        """Open a connection and exchange CSMs; `options` are those of both."""
        connecting = {name: options.pop(name, None) for name in ("context", "local_host")}
        peer = await cls.connect(port, host, **connecting)
        peer.say_csm(**options)
        peer.capabilities = await peer.receive()
        assert peer.capabilities.code == CSM
        return peer

    def say_csm(self, max_message_size: int | None = None, *, block_wise: bool = False) -> None:
        """Send a CSM."""
        message = Message(code=CSM)
        if max_message_size is not None:
            message.opt.add_option(UintOption(2, max_message_size))
        if block_wise:
            message.opt.add_option(OpaqueOption(4, b""))
        self.send(message)

    @property
    def port(self) -> int:
        """The local port."""
        return int(self.writer.get_extra_info("sockname")[1])

    def make(self, code: int, *path: str, **options: Any) -> Message:
        """Make a message with a token of its own."""
        self._token += 1
        token = options.pop("token", self._token.to_bytes(2))
        return Message(code=code, _token=token, uri_path=path, **options)

    def send(self, message: Message) -> None:
        """Send a message as it is."""
        self.writer.write(_serialize(message))

    async def receive(self) -> Message:
        """Wait for the next message; EOFError once the connection is closed."""
        async with asyncio.timeout(PATIENCE):
            while (size := self._size()) is None or size > len(self._buffer):
                data = await self.reader.read(1 << 16)
                if not data:
                    raise EOFError
                self._buffer += data
        frame, self._buffer = self._buffer[:size], self._buffer[size:]
        return _decode_message(frame)

    def _size(self) -> int | None:
        parts = _extract_message_size(self._buffer)
        return None if parts is None else sum(parts)

    async def receives_nothing(self, seconds: float = 0.05) -> bool:
        """Tell whether nothing arrives for a while, the end of the connection included."""
        try:
            async with asyncio.timeout(seconds):
                await self.receive()
        except TimeoutError:
            return True
        return False

    async def request(self, code: int, *path: str, **options: Any) -> Message:
        """Send a request and wait for the next message."""
        self.send(self.make(code, *path, **options))
        return await self.receive()

    def answer(
        self, request: Message, payload: bytes = b"", *, code: int = CONTENT, **options: Any
    ) -> None:
        """Answer a request."""
        self.send(Message(code=code, _token=request.token, payload=payload, **options))

    def stop_reading(self) -> None:
        """Leave unread what comes from now on."""
        transport = self.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()

    async def is_closed(self) -> bool:
        """Wait for the other end to close the connection, past all messages."""
        try:
            while True:
                await self.receive()
        except EOFError, ConnectionError:
            return True

    async def close(self) -> None:
        """Close the connection."""
        self.writer.close()
        with suppress(ConnectionError, TimeoutError):
            await self.writer.wait_closed()
