"""A server on loopback, and peers that nobody here wrote."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.model.registry import load_registry
from custom_components.lwm2m.protocol.server import LwM2mServer, ServerEvent
from tests.protocol.dtls import peers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from custom_components.lwm2m.protocol.security import CredentialStore, PreSharedKey

PATIENCE = 20.0
"""Seconds; a Java virtual machine on a busy computer takes its time to start."""


class Server(LwM2mServer):
    """A server whose events can be awaited."""

    def __init__(self, credentials: CredentialStore | None = None) -> None:
        super().__init__(load_registry(), credentials=credentials)
        self._events: asyncio.Queue[ServerEvent] = asyncio.Queue()
        self.subscribe(self._events.put_nowait)

    async def next_event[Event: ServerEvent](self, kind: type[Event]) -> Event:
        """Wait for the next event of this kind, past all others."""
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self._events.get()
                if isinstance(event, kind):
                    return event


@dataclass(frozen=True, slots=True)
class Libcoap:
    """libcoap's client, with one of its TLS libraries."""

    program: str

    async def run(self, *arguments: str, key: PreSharedKey) -> str:
        """Send a request; return all that the program said by its end."""
        secret = ("-u", key.identity.decode(), "-k", key.key.decode())
        async with peers.running(self.program, *secret, *arguments) as peer:
            return await peer.ends()

    async def register(self, uri: str, key: PreSharedKey, links: str) -> str:
        """Register at a URI; return what was said, with all messages."""
        request = ("-m", "post", "-t", "40", "-e", links, "-v", "7", "-B", "5")
        return await self.run(*request, uri, key=key)


@pytest.fixture(params=["openssl", "gnutls"])
def libcoap(request: pytest.FixtureRequest) -> Libcoap:
    """libcoap's client, with each of its TLS libraries."""
    program = f"coap-client-{request.param}"
    if reason := peers.missing(program):
        pytest.skip(reason)
    return Libcoap(program)


@pytest.fixture
async def server(socket_enabled: None) -> AsyncIterator[Server]:
    server = Server()
    await server.start("127.0.0.1", {Scheme.COAP: 0, Scheme.COAPS: 0})
    yield server
    await server.stop()
