"""A scripted device that speaks CoAP over DTLS."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, override

from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.security import CredentialStore, PreSharedKey
from custom_components.lwm2m.protocol.server import LwM2mServer

from .conftest import PATIENCE, Device
from .dtls.scripted_client import ScriptedClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiocoap import Message

    from custom_components.lwm2m.protocol.model.registry import ModelRegistry

PSK = PreSharedKey(b"board-1 key", bytes(range(16)))
OTHER_PSK = PreSharedKey(b"board-2 key", bytes(range(16, 32)))


class SecureDevice(Device):
    """A device whose messages go through a DTLS client; `connect` makes its first connection."""

    def __init__(self, server: tuple[str, int], **options: Any) -> None:
        """`options` are those of a ScriptedClient."""
        super().__init__(server)
        self.client = ScriptedClient(**options)
        self._arrived = asyncio.Event()

    async def connect(self, **options: Any) -> None:
        """Make a connection, from the same port, forgetting the one that there was."""
        if options or self.client.established:
            self.client = ScriptedClient(**options)
        self.transmit(self.client.hello())
        await self.until_connected()

    async def until_connected(self) -> None:
        """Wait for the end of a handshake."""
        async with asyncio.timeout(PATIENCE):
            while not self.client.established:
                await self.happening()

    async def happening(self) -> None:
        """Wait for the next datagram."""
        self._arrived.clear()
        await self._arrived.wait()

    async def alert(self) -> tuple[int, int]:
        """Wait for an alert: its level and description."""
        async with asyncio.timeout(PATIENCE):
            while not self.client.alerts:
                await self.happening()
        return self.client.alerts.pop(0)

    def transmit(self, datagrams: list[bytes]) -> None:
        """Send datagrams as they are."""
        for datagram in datagrams:
            self.transport.sendto(datagram, self.server)

    @override
    def send(self, message: Message) -> None:
        self.transmit([self.client.sealed(message.encode())])

    @override
    def datagram_received(self, data: bytes, addr: object) -> None:
        self.transmit(self.client.receive(data))
        for content in self.client.received:
            super().datagram_received(content, addr)
        self.client.received.clear()
        self._arrived.set()

    async def move(self) -> None:
        """Go on from another port, as behind a NAT that forgot."""
        self.transport.close()
        await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )


@asynccontextmanager
async def secure_device(
    server: LwM2mServer, psk: PreSharedKey | None = PSK, host: str = "127.0.0.1", **options: Any
) -> AsyncIterator[SecureDevice]:
    """Open a device, and connect it with a key where there is one."""
    if psk is not None:
        options |= psk_options(psk)
    _, device = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: SecureDevice((host, server.ports[Scheme.COAPS]), **options),
        local_addr=(host, 0),
    )
    try:
        if psk is not None:
            await device.connect()
        yield device
    finally:
        device.close()


@asynccontextmanager
async def secure_server(
    models: ModelRegistry,
    credentials: CredentialStore,
    state: dict[str, Any] | None = None,
    ports: dict[Scheme, int] | None = None,
    *,
    host: str | None = "127.0.0.1",
    **options: Any,
) -> AsyncIterator[LwM2mServer]:
    """Open a server for CoAP and for CoAP over DTLS."""
    server = LwM2mServer(models, credentials=credentials, **options)
    try:
        await server.start(host, ports or {Scheme.COAP: 0, Scheme.COAPS: 0}, state)
        yield server
    finally:
        await server.stop()


def psk_options(psk: PreSharedKey) -> dict[str, Any]:
    """Return a client's options to connect with a key."""
    return {"identity": psk.identity, "key": psk.key}
