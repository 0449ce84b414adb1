"""A sans-IO server on a real socket of loopback, which echoes what it receives."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast, override

from custom_components.lwm2m.protocol.dtls import (
    Connection,
    Credentials,
    DtlsServer,
    Output,
    Received,
    Transmit,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from custom_components.lwm2m.protocol.dtls.events import Address


class UdpServer(asyncio.DatagramProtocol):
    """Feeds a DtlsServer from a socket, keeps its events, and echoes application data."""

    def __init__(self, credentials: Credentials) -> None:
        self.dtls = DtlsServer(credentials)
        self.events: list[Output] = []
        self.echoes = True
        self._arrived = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def port(self) -> int:
        return int(self._transport.get_extra_info("sockname")[1])

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    @override
    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._perform(self.dtls.receive(data, addr, self._loop.time()))

    def send(self, connection: Connection, data: bytes) -> None:
        self._perform(self.dtls.send(connection, data))

    def _timeout(self) -> None:
        self._perform(self.dtls.timeout(self._loop.time()))

    def _perform(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, Transmit):
                self._transport.sendto(output.datagram, output.address)
                continue
            self.events.append(output)
            if isinstance(output, Received) and self.echoes:
                self._perform(self.dtls.send(output.connection, b"echo " + output.data))
        if outputs:
            self._arrived.set()
        if self._timer is not None:
            self._timer.cancel()
        deadline = self.dtls.next_deadline
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._timeout)

    async def event[Kind](self, kind: type[Kind], patience: float = 10.0) -> Kind:
        """Wait for an event of this kind and take it, and all before it, away."""
        async with asyncio.timeout(patience):
            while True:
                while self.events:
                    event: Any = self.events.pop(0)
                    if isinstance(event, kind):
                        return event
                self._arrived.clear()
                await self._arrived.wait()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._transport.close()


@asynccontextmanager
async def udp_server(credentials: Credentials) -> AsyncIterator[UdpServer]:
    _, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: UdpServer(credentials), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        server.close()
