"""Runs boards against a server: ``python -m simulator --server coap://127.0.0.1:5683``.

Over TCP: ``--server coap+tcp://127.0.0.1:5683``.
Over DTLS: ``--server coaps://127.0.0.1:5684 --board smart-plug --key 000102...``.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress
import signal
import sys
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .standalone import without_home_assistant

if __name__ == "__main__":
    without_home_assistant()

from custom_components.lwm2m.protocol.security import PreSharedKey

from .board import Board
from .boards import BLUEPRINTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .events import Event

DEFAULT_PORTS = {"coap": 5683, "coaps": 5684, "coap+tcp": 5683, "coaps+tcp": 5684}
DEFAULT_TICK = 5.0


def parse_server(text: str) -> tuple[str, str, int]:
    """Read ``coap://host:port``, also coaps, coap+tcp and coaps+tcp; else ArgumentTypeError."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    if url.scheme not in DEFAULT_PORTS or not url.hostname or url.path not in ("", "/"):
        raise argparse.ArgumentTypeError(f"{text} is no address such as coap://127.0.0.1:5683")
    return url.scheme, url.hostname, port or DEFAULT_PORTS[url.scheme]


def parse_key(text: str) -> bytes:
    """Read a key in hexadecimal digits, which errors do not repeat; else ArgumentTypeError."""
    with suppress(ValueError):
        if key := bytes.fromhex(text):
            return key
    raise argparse.ArgumentTypeError(
        "a key is hexadecimal digits, two for each byte, such as 000102030405060708090a0b0c0d0e0f"
    )


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; exits with 2 and a message when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="Simulated LwM2M devices."
    )
    parser.add_argument(
        "--server",
        type=parse_server,
        required=True,
        metavar="URL",
        help="coap://host:port, or coaps://, coap+tcp://",
    )
    parser.add_argument(
        "--key",
        type=parse_key,
        metavar="HEX",
        help="the boards' pre-shared key, with coaps; its identity is the endpoint's name",
    )
    parser.add_argument(
        "--board",
        action="append",
        choices=BLUEPRINTS,
        metavar="NAME",
        help=f"may be repeated; all by default: {', '.join(BLUEPRINTS)}",
    )
    parser.add_argument("--prefix", default="", help="put before every endpoint's name")
    parser.add_argument(
        "--tick",
        type=float,
        default=DEFAULT_TICK,
        metavar="SECONDS",
        help="how often values change (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    if options.server[0].startswith("coaps") != (options.key is not None):
        parser.error("coaps and coaps+tcp need a key, and the others have none")
    return options


def say(event: Event) -> None:
    """Print one event."""
    print(f"{time.strftime('%H:%M:%S')} {event}", flush=True)


def make_board(name: str, arguments: argparse.Namespace) -> Board:
    """Make one of the boards that were asked for."""
    endpoint = arguments.prefix + name
    psk = PreSharedKey(endpoint.encode(), arguments.key) if arguments.key else None
    scheme, *server = arguments.server
    return Board(
        BLUEPRINTS[name],
        server=tuple(server),
        endpoint=endpoint,
        psk=psk,
        tcp=scheme.endswith("+tcp"),
    )


async def run(arguments: argparse.Namespace, stop: asyncio.Event) -> None:
    """Run the boards until `stop` is set, then deregister them."""
    boards = [make_board(name, arguments) for name in arguments.board or BLUEPRINTS]
    try:
        for board in boards:
            board.events.subscribe(say)
            await board.start()
        while not stop.is_set():
            try:
                async with asyncio.timeout(arguments.tick):
                    await stop.wait()
            except TimeoutError:
                for board in boards:
                    board.tick(arguments.tick)
    finally:
        await asyncio.gather(*(board.stop() for board in boards))


async def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM and return the exit status."""
    options = parse_arguments(arguments)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await run(options, stop)
    except OSError as error:
        print(f"cannot reach {options.server[1]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
