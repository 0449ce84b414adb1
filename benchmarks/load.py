"""Sends updates from a process of its own, at a steady rate: over LwM2M or over MQTT.

Reads one JSON command a line on standard input, answers with one JSON line each.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
import json
import socket
import struct
import sys
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from simulator.standalone import without_home_assistant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HOST = "127.0.0.1"
TICK = 0.002
SENSOR = 3303
TLV_HEADER = bytes.fromhex("e8164408")
"""A resource with a 16-bit ID and a length of one byte: 5700, 8 bytes (Core-V1_1_1 7.4.3)."""
NON_CONTENT = 0x58, 0x45
"""Version 1, NON, a token of 8 bytes; 2.05 (RFC 7252 3)."""


class Load(Protocol):
    """Something that can send the value of a sensor."""

    sensors: int

    def send(self, sensor: int, value: int) -> None:
        """Send a value at once."""


@dataclass(slots=True)
class _Observed:
    """What a notification of one sensor is made of."""

    transport: asyncio.DatagramTransport
    address: tuple[str, int]
    token: bytes
    sequence: int = 1000


class Lwm2mLoad:
    """Boards whose notifications are put together without an encoder, to be cheap to send."""

    def __init__(self, observed: list[_Observed]) -> None:
        """Use `connect`."""
        self.sensors = len(observed)
        self._observed = observed
        self._message_id = 0

    @classmethod
    async def connect(cls, port: int, devices: int, sensors: int) -> Lwm2mLoad:
        """Register the boards and wait until each sensor is observed."""
        without_home_assistant()
        # Only now: the boards' modules must not bring Home Assistant along.
        from custom_components.lwm2m.protocol.path import Path  # noqa: PLC0415  # see above
        from simulator.blueprint import Blueprint  # noqa: PLC0415  # see above
        from simulator.board import Board  # noqa: PLC0415  # see above

        paths = [Path(SENSOR, instance) for instance in range(sensors)]
        observed: list[_Observed] = []
        for device in range(devices):
            blueprint = Blueprint(
                name=f"bench-{device}",
                instances={
                    Path(3, 0): {0: "Example Works", 1: "Bench", 16: "U"},
                    **{path: {5700: 1.0} for path in paths},
                },
            )
            board = Board(blueprint, server=(HOST, port), lifetime=86400)
            await board.start()
            await board.registered()
            for path in paths:
                await asyncio.wait_for(board.observed(path), 60)
            # Private parts: ready-made datagrams take the place of what the simulator does.
            tokens = {
                observation.paths[0]: observation.token
                for observation in board.client.observations._by_token.values()  # noqa: SLF001  # see above
            }
            transport = board.client.coap._transport  # noqa: SLF001  # see above
            assert isinstance(transport, asyncio.DatagramTransport)
            observed += [_Observed(transport, (HOST, port), tokens[path]) for path in paths]
        return cls(observed)

    def send(self, sensor: int, value: int) -> None:
        """Send a non-confirmable notification in TLV, as an instance's observer gets it."""
        target = self._observed[sensor]
        target.sequence += 1
        self._message_id = (self._message_id + 1) & 0xFFFF
        datagram = b"".join(
            (
                bytes(NON_CONTENT),
                self._message_id.to_bytes(2),
                target.token,
                b"\x63",
                target.sequence.to_bytes(3),
                b"\x62\x2d\x16\xff",  # Content-Format 11542, the payload marker
                TLV_HEADER,
                struct.pack(">d", value),
            )
        )
        target.transport.sendto(datagram, target.address)


class MqttLoad:
    """The same sensors over MQTT, announced by MQTT discovery."""

    def __init__(self, connection: socket.socket, topics: list[bytes]) -> None:
        """Use `connect`."""
        self.sensors = len(topics)
        self._connection = connection
        self._topics = topics

    @classmethod
    async def connect(cls, port: int, devices: int, sensors: int) -> MqttLoad:
        """Announce the sensors; MQTT 3.1.1 at QoS 0, written by hand to be cheap to send."""
        connection = socket.create_connection((HOST, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(_packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x00" + _text(b"bench")))
        connection.recv(4)
        topics: list[bytes] = []
        for device in range(devices):
            for sensor in range(sensors):
                name = f"bench_{device}_{sensor}"
                topic = f"bench/{device}/{sensor}"
                config = {
                    "name": f"Temperature {sensor}",
                    "unique_id": name,
                    "state_topic": topic,
                    "device_class": "temperature",
                    "state_class": "measurement",
                    "unit_of_measurement": "°C",
                    "device": {"identifiers": [f"bench-mqtt-{device}"], "name": f"Bench {device}"},
                }
                announcement = _text(f"homeassistant/sensor/{name}/config".encode())
                connection.sendall(_packet(0x31, announcement + json.dumps(config).encode()))
                topics.append(_text(topic.encode()))
        connection.setblocking(True)
        return cls(connection, topics)

    def send(self, sensor: int, value: int) -> None:
        """Publish a value at QoS 0."""
        self._connection.sendall(_packet(0x30, self._topics[sensor] + str(value).encode()))


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(2) + text


def _packet(kind: int, body: bytes) -> bytes:
    length = bytearray()
    size = len(body)
    while True:
        size, digit = divmod(size, 128)
        length.append(digit | (0x80 if size else 0))
        if not size:
            return bytes((kind, *length)) + body


async def send_steadily(load: Load, rate: int, seconds: float, first: int) -> list[float]:
    """Send `rate` updates a second, round the sensors; return when each was sent."""
    sent: list[float] = []
    total = int(rate * seconds)
    start = monotonic()
    while len(sent) < total:
        due = min(total, int((monotonic() - start) * rate) + 1)
        for number in range(len(sent), due):
            sent.append(monotonic())
            load.send(number % load.sensors, first + number)
        await asyncio.sleep(TICK)
    return sent


async def main(protocol: str, port: int, devices: int, sensors: int) -> None:
    """Connect, then do as told."""
    load: Load
    if protocol == "lwm2m":
        load = await Lwm2mLoad.connect(port, devices, sensors)
    else:
        load = await MqttLoad.connect(port, devices, sensors)
    say({"ready": load.sensors})
    loop = asyncio.get_running_loop()
    for line in iter_lines():
        command = json.loads(await loop.run_in_executor(None, line.__next__))
        sent = await send_steadily(load, command["rate"], command["seconds"], command["first"])
        say({"sent": sent})


def iter_lines() -> Iterable[Iterator[str]]:
    """Yield standard input for as long as there is another line."""
    while True:
        yield iter(sys.stdin.readline, "")


def say(answer: dict[str, object]) -> None:
    """Print an answer."""
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
    except KeyboardInterrupt, RuntimeError:  # the input has ended
        sys.exit(0)
