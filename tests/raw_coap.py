"""A scripted CoAP peer on a plain UDP socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, override

from aiocoap import ACK, CON, CONTENT, EMPTY, NON, RST, Message

if TYPE_CHECKING:
    from collections.abc import Callable

type Address = tuple[Any, ...]
"""Host and port, and for IPv6 flow label and scope ID."""


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop go on until a condition holds."""
    async with asyncio.timeout(2):
        while not condition():
            await asyncio.sleep(0)


class RawPeer(asyncio.DatagramProtocol):
    """Sends and sees single messages, and does nothing on its own."""

    def __init__(self) -> None:
        """Make a peer that its endpoint opens."""
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._mid = 1000
        self.transport: asyncio.DatagramTransport

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    @override
    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._received.put_nowait(Message.decode(data, remote=addr))

    @property
    def address(self) -> Address:
        """Host and port."""
        address: Address = self.transport.get_extra_info("sockname")[:2]
        return address

    async def receive(self) -> Message:
        """Return the next message; its `remote` is where it came from."""
        async with asyncio.timeout(2):
            return await self._received.get()

    async def receives_nothing(self, seconds: float = 0.1) -> bool:
        """Tell whether nothing arrives for a while."""
        try:
            async with asyncio.timeout(seconds):
                await self._received.get()
        except TimeoutError:
            return True
        return False

    def next_mid(self) -> int:
        """Return a message ID not used before."""
        self._mid += 1
        return self._mid

    def send(
        self,
        to: Address,
        code: int,
        mtype: int,
        *,
        mid: int | None = None,
        token: bytes = b"",
        payload: bytes = b"",
        **options: Any,
    ) -> Message:
        """Send one message to the address `to`."""
        mid = self.next_mid() if mid is None else mid
        message = Message(
            code=code, _mtype=mtype, _mid=mid, _token=token, payload=payload, **options
        )
        self.transport.sendto(message.encode(), to)
        return message

    def answer(
        self, request: Message, payload: bytes = b"", *, code: int = CONTENT, **options: Any
    ) -> None:
        """Send a piggybacked response."""
        self.send(
            request.remote,
            code,
            ACK,
            mid=request.mid,
            token=request.token,
            payload=payload,
            **options,
        )

    def acknowledge(self, request: Message) -> None:
        """Send an empty acknowledgement."""
        self.send(request.remote, EMPTY, ACK, mid=request.mid)

    def reset(self, request: Message) -> None:
        """Send a Reset."""
        self.send(request.remote, EMPTY, RST, mid=request.mid)

    def notify(
        self, request: Message, sequence: int | None, payload: bytes = b"", **options: Any
    ) -> Message:
        """Send a notification of the observation that `request` asked for."""
        options = {"code": CONTENT, "mtype": NON} | options
        return self.send(
            request.remote,
            token=request.token,
            payload=payload,
            observe=sequence,
            **options,
        )

    def separate(self, request: Message, payload: bytes = b"", **options: Any) -> Message:
        """Send a separate, confirmable response."""
        options = {"code": CONTENT, "mtype": CON} | options
        return self.send(request.remote, token=request.token, payload=payload, **options)
