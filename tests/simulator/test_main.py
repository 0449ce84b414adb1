"""The command line."""

from __future__ import annotations

from argparse import ArgumentTypeError
import asyncio
import signal
import socket
from typing import TYPE_CHECKING

from aiocoap import DELETE
import pytest

from simulator.__main__ import main, parse_key, parse_server
from simulator.boards import BLUEPRINTS

if TYPE_CHECKING:
    from .conftest import Peer


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("coap://127.0.0.1", ("coap", "127.0.0.1", 5683)),
        ("coap://127.0.0.1:15683", ("coap", "127.0.0.1", 15683)),
        ("coap://[::1]:5684/", ("coap", "::1", 5684)),
        ("coaps://ha.example", ("coaps", "ha.example", 5684)),
        ("coap+tcp://ha.example", ("coap+tcp", "ha.example", 5683)),
        ("coaps+tcp://ha.example", ("coaps+tcp", "ha.example", 5684)),
    ],
)
def test_reads_the_servers_address(text: str, server: tuple[str, str, int]) -> None:
    assert parse_server(text) == server


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1", "http://127.0.0.1", "coap://", "coap://h/rd", "coap://h:port", "127.0.0.1:15683"],
)
def test_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"such as coap://127\.0\.0\.1:5683$"):
        parse_server(text)


@pytest.mark.parametrize("text", ["", "0", "no hexadecimal number", "0011..."])
def test_a_wrong_key_is_explained_and_not_repeated(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"^a key is hexadecimal digits"):
        parse_key(text)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--server", "nowhere"],
        ["--server", "coap://h", "--board", "toaster"],
        ["--server", "coaps://h"],
        ["--server", "coaps+tcp://h"],
        ["--server", "coaps://h", "--key", "no hexadecimal number"],
        ["--server", "coap://h", "--key", "00"],
    ],
)
async def test_a_wrong_command_line_is_explained(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        await main(arguments)
    assert exit_.value.code == 2
    assert "usage: python -m simulator" in capsys.readouterr().err


async def calls(peer: Peer, number: int) -> list[str]:
    """Return the endpoint names of so many Registers."""
    queries = [(await peer.next_call()).query for _ in range(number)]
    return sorted(word[3:] for query in queries for word in query if word.startswith("ep="))


def server_of(peer: Peer) -> str:
    return "coap://{}:{}".format(*peer.address)


async def test_runs_all_boards_until_interrupted(
    peer: Peer, capsys: pytest.CaptureFixture[str]
) -> None:
    running = asyncio.create_task(main(["--server", server_of(peer), "--prefix", "demo-"]))
    names = sorted(f"demo-{name}" for name in BLUEPRINTS)
    assert await calls(peer, len(BLUEPRINTS)) == names
    signal.raise_signal(signal.SIGINT)
    assert await running == 0
    methods = [(await peer.next_call()).method for _ in BLUEPRINTS]
    assert set(methods) == {DELETE}
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[1] for line in lines if line.endswith("deregistered")} == set(names)


async def test_runs_the_boards_that_are_named(peer: Peer) -> None:
    arguments = ["--server", server_of(peer), "--board", "smart-plug", "--board", "door-sensor"]
    running = asyncio.create_task(main(arguments))
    assert await calls(peer, 2) == ["door-sensor", "smart-plug"]
    signal.raise_signal(signal.SIGTERM)
    assert await running == 0


async def test_values_change_while_it_runs(peer: Peer) -> None:
    arguments = ["--server", server_of(peer), "--board", "weather-station", "--tick", "0.01"]
    running = asyncio.create_task(main(arguments))
    port = (await peer.next_call()).port
    request = peer.start_observing(port, "/3315/0/5700")
    request.listen()
    first = await request.response_within()
    assert (await request.notification()).payload != first.payload
    request.forget()
    signal.raise_signal(signal.SIGINT)
    assert await running == 0


async def test_an_unknown_host_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    assert await main(["--server", "coap://no-such-host.invalid"]) == 1
    assert capsys.readouterr().err == (
        "cannot reach no-such-host.invalid: Name or service not known\n"
    )
