"""The loop around every measured server; also for the older Python of python-mbedtls."""

from __future__ import annotations

import os
import socket
import sys
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HOST = "127.0.0.1"
BUFFER = 4 << 20
DATAGRAM = 4096
IDENTITIES = 4096
"""How many devices a server knows by their pre-shared keys."""


def identity(number: int) -> str:
    """Name a device."""
    return f"urn:dev:board-{number % IDENTITIES:04}"


def key(number: int) -> bytes:
    """Return a device's pre-shared key."""
    return (number % IDENTITIES).to_bytes(16, "big")


def serve(receive: Callable[[bytes, tuple[str, int]], Iterable[bytes]]) -> None:
    """Print a port, and send back from it what `receive` answers to each datagram.

    `receive` echoes application data, and forgets whoever takes leave. The program ends when its
    standard input does.
    """
    Thread(target=_end_with_input, daemon=True).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        channel.bind((HOST, 0))
        print(channel.getsockname()[1], flush=True)
        while True:
            datagram, address = channel.recvfrom(DATAGRAM)
            for answer in receive(datagram, address):
                channel.sendto(answer, address)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)
