"""Programs that nobody here wrote, as clients: how they are started, driven and built."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, STDOUT
from contextlib import asynccontextmanager
import os
from pathlib import Path
import shutil
import subprocess
from typing import TYPE_CHECKING, override

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from custom_components.lwm2m.protocol.dtls import Address

    from .parties import Party

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SCANDIUM = HERE / "scandium"
PATIENCE = 20.0
MBEDTLS_PYTHON = os.environ.get("MBEDTLS_PYTHON", str(ROOT / ".tools/mbedtls/bin/python"))
"""An interpreter that has python-mbedtls; `scripts/lib/mbedtls` makes the one here."""


class Peer:
    """A running program."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said = ""

    def say(self, line: str) -> None:
        """Give it a line on its standard input."""
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())

    async def hears(self, text: str) -> str:
        """Wait for a line of its output with this text; EOFError when it ends without."""
        assert self._process.stdout
        async with asyncio.timeout(PATIENCE):
            while line := (await self._process.stdout.readline()).decode(errors="replace"):
                self.said += line
                if text in line:
                    return line.strip()
        raise EOFError(f"it ended without {text!r}:\n{self.said}")

    async def ends(self) -> str:
        """Wait for its end; return all that it said."""
        async with asyncio.timeout(PATIENCE):
            rest, _ = await self._process.communicate()
        self.said += rest.decode(errors="replace")
        return self.said

    async def stop(self) -> None:
        """End it, by force where closing its input does not."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(3):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[Peer]:
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    peer = Peer(process)
    try:
        yield peer
    finally:
        await peer.stop()


def missing(*programs: str) -> str | None:
    """Say which programs are not on this machine."""
    absent = [program for program in programs if shutil.which(program) is None]
    return f"needs {' and '.join(absent)} on the PATH" if absent else None


def missing_mbedtls() -> str | None:
    """Say whether python-mbedtls is not there."""
    if Path(MBEDTLS_PYTHON).exists():
        command = [MBEDTLS_PYTHON, "-c", "import mbedtls"]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return None
    return "needs python-mbedtls (scripts/lib/mbedtls gets it)"


def write_keys(folder: Path, name: str, party: Party) -> dict[str, str]:
    """Write a party's keys in the forms that the programs take; return their paths by form."""
    private = party.key.private_bytes
    public = party.key.public_key().public_bytes
    contents = {
        "key.pem": private(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "key.der": private(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        "pub.pem": public(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "pub.der": party.spki,
        "crt.pem": party.certificate.public_bytes(Encoding.PEM),
        "crt.der": party.der,
    }
    paths = {form: folder / f"{name}.{form}" for form in contents}
    for form, path in paths.items():
        path.write_bytes(contents[form])
    return {form: str(path) for form, path in paths.items()}


class Nat(asyncio.DatagramProtocol):
    """Forwards one client's datagrams to the server, from an address that can change."""

    def __init__(self, server_port: int) -> None:
        self._server = ("127.0.0.1", server_port)
        self._client: Address | None = None
        self._outside: asyncio.DatagramTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._inside = transport
        self.port = int(transport.get_extra_info("sockname")[1])

    @override
    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._client = addr
        assert self._outside is not None
        self._outside.sendto(data)

    def back(self, data: bytes) -> None:
        """Take what the server sends."""
        self._inside.sendto(data, self._client)

    async def rebind(self) -> None:
        """Go on from another port."""
        self.close_outside()

        class Outside(asyncio.DatagramProtocol):
            @override
            def datagram_received(_, data: bytes, addr: Address) -> None:  # noqa: N805  # `self` is the forwarder
                self.back(data)

        self._outside, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Outside, remote_addr=self._server
        )

    def close_outside(self) -> None:
        """Let go of the address."""
        if self._outside is not None:
            self._outside.close()

    def close(self) -> None:
        """End it."""
        self.close_outside()
        self._inside.close()


@asynccontextmanager
async def nat(server_port: int) -> AsyncIterator[Nat]:
    _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Nat(server_port), local_addr=("127.0.0.1", 0)
    )
    await protocol.rebind()
    try:
        yield protocol
    finally:
        protocol.close()
