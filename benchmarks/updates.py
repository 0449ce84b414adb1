"""State updates through Home Assistant: LwM2M beside MQTT, alternating in one run."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, Process
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
import json
from pathlib import Path
import shutil
import socket
from statistics import median, quantiles
import sys
import tempfile
from typing import TYPE_CHECKING

from scripts.lib.home_assistant import (
    HOST,
    HomeAssistant,
    HomeAssistantError,
    prepare,
    running,
    stop,
)

from .results import ratio, table, where

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[1]
PROBE = ROOT / "benchmarks" / "lwm2m_probe"
CONFIGURATION = """\
config:
onboarding:
lwm2m_probe:
logger:
  default: warning
"""
"""Without a recorder: what is measured is the way to the state machine."""
DEVICES, SENSORS = 50, 10
SECONDS = 5.0
ROUNDS = 3
STEP = 1.06
RATES = [10 * round(50 * STEP**number) for number in range(63)]
"""Updates a second that are tried, up to 18,530."""
SETTLE = 2.0
"""Seconds after the last update was sent within which all must have arrived."""
FIRST = 1000
TITLE = "State updates through Home Assistant"


@dataclass(frozen=True, slots=True)
class Run:
    """What one run at a steady rate gave."""

    rate: int
    lost: int
    cpu_us: float
    """Microseconds of Home Assistant's CPU for each update."""
    p50_ms: float
    p99_ms: float
    lag_s: float
    """How long after the last was sent the last arrived."""

    @property
    def kept_up(self) -> bool:
        """Whether nothing was lost and nothing was waiting for long."""
        return self.lost == 0 and self.lag_s < 0.5


class Bench:
    """A loader and the Home Assistant that it loads."""

    def __init__(self, home: HomeAssistant, loader: Process) -> None:
        """Take over a connected loader."""
        self._home = home
        self._loader = loader
        self._next = FIRST

    async def run(self, rate: int) -> Run:
        """Send at a rate and see what arrives."""
        assert self._loader.stdin
        assert self._loader.stdout
        await self._home.call("lwm2m_probe/start")
        command = {"rate": rate, "seconds": SECONDS, "first": self._next}
        self._loader.stdin.write(f"{json.dumps(command)}\n".encode())
        sent: list[float] = json.loads(await self._loader.stdout.readline())["sent"]
        first, self._next = self._next, self._next + len(sent)
        await self._settle(len(sent))
        result = await self._home.call("lwm2m_probe/stop")
        arrived = dict(result["arrivals"])
        delays = [
            (arrived[first + index] - time) * 1000
            for index, time in enumerate(sent)
            if first + index in arrived
        ]
        run = Run(
            rate=rate,
            lost=len(sent) - len(delays),
            cpu_us=result["cpu"] / max(1, len(delays)) * 1e6,
            p50_ms=median(delays) if delays else 0.0,
            p99_ms=quantiles(delays, n=100)[98] if len(delays) > 1 else 0.0,
            lag_s=max(arrived.values(), default=0.0) - sent[-1],
        )
        if not run.kept_up:
            await self._drain()
        return run

    async def _settle(self, sent: int) -> None:
        """Wait until everything has arrived, but not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE):
                while True:
                    if await self._home.call("lwm2m_probe/count") >= sent:
                        return
                    await asyncio.sleep(0.1)

    async def _drain(self) -> None:
        """Wait until nothing comes any more, for it would count against the next run."""
        before = -1
        while before != (now := await self._home.call("lwm2m_probe/count")):
            before = now
            await asyncio.sleep(1)


@asynccontextmanager
async def loader(protocol: str, port: int) -> AsyncIterator[Process]:
    """Run a loader and wait until its sensors are there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.load",
        protocol,
        *map(str, (port, DEVICES, SENSORS)),
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
        limit=1 << 26,
    )
    try:
        assert process.stdout
        async with asyncio.timeout(120):
            assert json.loads(await process.stdout.readline())["ready"] == DEVICES * SENSORS
        yield process
    finally:
        await stop(process)


@asynccontextmanager
async def mosquitto(folder: Path, port: int) -> AsyncIterator[None]:
    """Run Mosquitto on a port of 127.0.0.1."""
    binary = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if binary is None:
        sys.exit("scripts/bench: Mosquitto is missing (Debian package mosquitto)")
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} {HOST}\nallow_anonymous true\nset_tcp_nodelay true\n"
        "max_queued_messages 0\nmax_inflight_messages 0\n"
    )
    process = await asyncio.create_subprocess_exec(binary, "-c", str(config), stderr=PIPE)
    try:
        yield
    finally:
        await stop(process)


def free_port(kind: socket.SocketKind) -> int:
    """Return a port that is free now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


async def prepare_home(home: HomeAssistant, coap_port: int, mqtt_port: int) -> None:
    """Add both integrations; new LwM2M devices are taken at once."""
    server = {"name": "LwM2M", "port": coap_port, "more_options": {"host": HOST}}
    entry = (await home.flow(server, handler="lwm2m"))["result"]
    await home.options(entry["entry_id"], "new_devices", {"accept_new_devices": "at_once"})
    plain = {"set_client_cert": False, "set_ca_cert": "off", "transport": "tcp"}
    broker = {"broker": HOST, "port": mqtt_port, "protocol": "3.1.1", "other_settings": plain}
    added = await home.flow(broker, handler="mqtt")
    if added["type"] != "create_entry":
        raise HomeAssistantError(f"MQTT was not added: {added}")


async def wait_for_sensors(home: HomeAssistant, platform_name: str) -> None:
    """Wait until Home Assistant has all sensors of a platform."""
    async with asyncio.timeout(120):
        while True:
            entities = await home.call("config/entity_registry/list")
            count = sum(
                entity["platform"] == platform_name and "temperature" in entity["entity_id"]
                for entity in entities
            )
            if count >= DEVICES * SENSORS:
                return
            await asyncio.sleep(0.5)


async def fastest(bench: Bench, start: int) -> tuple[int, Run]:
    """Find the highest of RATES that is kept up with, and the run at it.

    From the rate of index `start` in steps that double, until one is kept up with and one is not;
    then by halves.
    """
    kept: dict[int, Run] = {}
    low, high = -1, len(RATES)
    number, step = start, 1
    while high - low > 1:
        run = await bench.run(RATES[number])
        if run.kept_up:
            kept[number] = run
            low = number
        else:
            high = number
        if low == -1 or high == len(RATES):
            number = min(number + step, high - 1) if run.kept_up else max(number - step, low + 1)
            step *= 2
        else:
            number = (low + high) // 2
    if low == -1:
        raise HomeAssistantError(f"not even {RATES[0]} updates a second are kept up with")
    return low, kept[low]


async def run_rounds() -> dict[str, list[tuple[Run, Run]]]:
    """Alternate between the protocols; for each round the fastest run and one at half its rate."""
    results: dict[str, list[tuple[Run, Run]]] = {"lwm2m": [], "mqtt": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        coap_port, mqtt_port = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        port = free_port(socket.SOCK_STREAM)
        integration = ROOT / "custom_components" / "lwm2m"
        prepare(folder, port, integration, PROBE, configuration=CONFIGURATION)
        url = f"http://{HOST}:{port}"
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(mosquitto(folder, mqtt_port))
            process = await stack.enter_async_context(running(folder, folder / "log"))
            home = await stack.enter_async_context(HomeAssistant.sign_in(url, process))
            await prepare_home(home, coap_port, mqtt_port)
            benches: dict[str, Bench] = {}
            for protocol, load_port in (("lwm2m", coap_port), ("mqtt", mqtt_port)):
                process = await stack.enter_async_context(loader(protocol, load_port))
                await wait_for_sensors(home, protocol)
                benches[protocol] = Bench(home, process)
            starts = dict.fromkeys(benches, len(RATES) // 2)
            for _ in range(ROUNDS):
                for protocol, bench in benches.items():
                    starts[protocol], best = await fastest(bench, starts[protocol])
                    half = await bench.run(best.rate // 2)
                    results[protocol].append((best, half))
                    print(f"{protocol}: {best}\n    half: {half}", file=sys.stderr)
    return results


def _median(results: list[tuple[Run, Run]], which: int, field: str) -> float:
    return median(float(getattr(pair[which], field)) for pair in results)


def report(results: dict[str, list[tuple[Run, Run]]]) -> str:
    """Put the results into a table: medians of the rounds, and LwM2M to MQTT."""
    rows = []
    for title, which, field, form in (
        ("updates/s with nothing lost", 0, "rate", "{:,.0f}"),
        ("latency at half that rate, p50", 1, "p50_ms", "{:.2f} ms"),
        ("latency at half that rate, p99", 1, "p99_ms", "{:.1f} ms"),
        ("Home Assistant's CPU per update", 0, "cpu_us", "{:.0f} µs"),
    ):
        ours, theirs = (_median(results[name], which, field) for name in ("lwm2m", "mqtt"))
        rows.append([title, form.format(ours), form.format(theirs), ratio(ours, theirs)])
    return (
        f"{where('homeassistant')}. {DEVICES} devices with {SENSORS} sensors each; {ROUNDS} "
        f"rounds, {SECONDS:.0f} s a rate, rates in steps of {STEP - 1:.0%}; LwM2M and MQTT "
        "(Mosquitto, QoS 0, TCP_NODELAY on both sides) in turn on the same Home Assistant; "
        "medians.\n\n"
        f"{table(['LwM2M', 'MQTT', 'LwM2M/MQTT'], rows)}"
    )


def measure() -> str:
    """Measure, and return the section."""
    return report(asyncio.run(run_rounds()))
