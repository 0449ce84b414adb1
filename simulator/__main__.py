"""Runs boards against a server: ``python -m simulator --server coap://127.0.0.1:5683``."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .standalone import without_home_assistant

if __name__ == "__main__":
    without_home_assistant()

from .board import Board
from .boards import BLUEPRINTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .events import Event

DEFAULT_PORT = 5683
DEFAULT_TICK = 5.0


def parse_server(text: str) -> tuple[str, int]:
    """Read ``coap://host:port``; ValueError when it is something else."""
    url = urlsplit(text)
    if url.scheme != "coap" or not url.hostname or url.path not in ("", "/"):
        raise ValueError(f"not an address such as coap://127.0.0.1:{DEFAULT_PORT}: {text}")
    return url.hostname, url.port or DEFAULT_PORT


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; exits with 2 and a message when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="Simulated LwM2M devices."
    )
    parser.add_argument(
        "--server", type=parse_server, required=True, metavar="URL", help="coap://host:port"
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
    return parser.parse_args(arguments)


def say(event: Event) -> None:
    """Print one event."""
    print(f"{time.strftime('%H:%M:%S')} {event}", flush=True)


async def run(arguments: argparse.Namespace, stop: asyncio.Event) -> None:
    """Run the boards until `stop` is set, then deregister them."""
    boards = [
        Board(BLUEPRINTS[name], server=arguments.server, endpoint=arguments.prefix + name)
        for name in arguments.board or BLUEPRINTS
    ]
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
        print(f"cannot reach {options.server[0]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
