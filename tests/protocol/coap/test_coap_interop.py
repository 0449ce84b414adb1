"""libcoap's client against our server."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

from aiocoap import CHANGED, CONTENT, NOT_FOUND, Code, Message
import pytest

from custom_components.lwm2m.protocol.coap import Scheme

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from custom_components.lwm2m.protocol.coap import CoapEndpoint

CLIENT = "coap-client-notls"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        shutil.which(CLIENT) is None, reason=f"{CLIENT} (Debian package libcoap3-bin) is missing"
    ),
]

LARGE = "".join(f"line {number}\n" for number in range(500))


class Store:
    """A handler that keeps one representation."""

    def __init__(self) -> None:
        self.content = b""

    async def __call__(self, request: Message) -> Message:
        """Put and get it."""
        match request.code, request.opt.uri_path:
            case Code.PUT, ("stored",):
                self.content = request.payload
                return Message(code=CHANGED)
            case Code.GET, ("stored",):
                return Message(code=CONTENT, payload=self.content)
        return Message(code=NOT_FOUND)


@pytest.fixture
def store() -> Store:
    """Return the handler."""
    return Store()


@pytest.fixture(params=["coap://127.0.0.1", "coap://[::1]", "coap+tcp://127.0.0.1"])
async def uri(
    request: pytest.FixtureRequest,
    open_endpoint: Callable[..., Awaitable[CoapEndpoint]],
    store: Store,
) -> str:
    """Return the server's address, over IPv4 and IPv6, and over TCP."""
    endpoint = await open_endpoint(store, host=None)
    scheme = Scheme(request.param.partition(":")[0])
    return f"{request.param}:{await endpoint.listen(scheme, None, 0)}"


async def coap_client(*arguments: str, stdin: bytes | None = None) -> str:
    """Run libcoap's client and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        CLIENT,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(stdin)
    return output.decode().removesuffix("\n")  # which it puts behind the payload


async def test_a_large_answer_arrives_whole(uri: str, store: Store) -> None:
    store.content = LARGE.encode()

    assert await coap_client("-m", "get", f"{uri}/stored") == LARGE


async def test_a_large_answer_arrives_in_blocks_of_the_size_asked_for(
    uri: str, store: Store
) -> None:
    store.content = LARGE.encode()

    assert await coap_client("-m", "get", "-b", "64", f"{uri}/stored") == LARGE


@pytest.mark.parametrize("size", ["64", "1024"])
async def test_a_large_request_arrives_whole(uri: str, store: Store, size: str) -> None:
    await coap_client("-m", "put", "-b", size, "-f", "-", f"{uri}/stored", stdin=LARGE.encode())

    assert store.content == LARGE.encode()


async def test_an_error_is_shown(uri: str) -> None:
    assert "4.04" in await coap_client("-m", "get", f"{uri}/missing")
