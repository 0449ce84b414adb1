"""Eclipse Leshan's client as a peer: built by Maven once, driven over standard input and output."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, Process
from contextlib import asynccontextmanager
from pathlib import Path
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

PROJECT = Path(__file__).parent / "leshan"
ANSWER_TIMEOUT = 20.0


def missing() -> str | None:
    """Say which of the tools that the peer needs is not on this machine."""
    absent = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"Leshan needs {' and '.join(absent)} on the PATH" if absent else None


class LeshanPeer:
    """A running Leshan client."""

    def __init__(self, process: Process) -> None:
        """Take over a started process."""
        self._process = process

    async def command(self, line: str) -> None:
        """Give a command; LeshanPeer.java lists them."""
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def event(self, start: str) -> str:
        """Wait for the next line of its output that begins so; TimeoutError without one."""
        assert self._process.stdout
        async with asyncio.timeout(ANSWER_TIMEOUT):
            while line := (await self._process.stdout.readline()).decode().strip():
                if line.startswith(start):
                    return line
        raise EOFError(f"Leshan ended before it said {start!r}")

    async def stop(self) -> None:
        """End the process, by force where it does not end by itself."""
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()


@asynccontextmanager
async def leshan(
    class_path: str,
    port: int,
    endpoint: str,
    *,
    lifetime: int = 60,
    content_format: str = "ALL",
    queue_mode: bool = False,
    security: Sequence[str] = (),
    properties: Sequence[str] = (),
    tcp: bool = False,
) -> AsyncIterator[LeshanPeer]:
    """Run a Leshan client that registers with the server on this port of 127.0.0.1.

    `content_format` is the only one that it knows, by Leshan's name. LeshanPeer.java lists what
    `security` and `properties` may be.
    """
    scheme = ("coaps" if security else "coap") + ("+tcp" if tcp else "")
    process = await asyncio.create_subprocess_exec(
        "java",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        *(f"-D{name}" for name in properties),
        "-cp",
        class_path,
        "interop.LeshanPeer",
        f"{scheme}://127.0.0.1:{port}",
        endpoint,
        str(lifetime),
        content_format,
        str(queue_mode).lower(),
        *security,
        stdin=PIPE,
        stdout=PIPE,
    )
    peer = LeshanPeer(process)
    try:
        yield peer
    finally:
        await peer.stop()
