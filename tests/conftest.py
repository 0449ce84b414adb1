"""What tests of several folders share."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from homeassistant.util import executor
import pytest

from tests import maven
from tests.interop import leshan_peer

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where ALL_PEERS is set, every peer must be there: a test that goes without has failed."""
    report = yield
    needs_peer = item.get_closest_marker("interop") or item.get_closest_marker("e2e")
    if report.skipped and needs_peer and os.environ.get("ALL_PEERS"):
        report.outcome = "failed"
        report.longrepr = f"skipped, though ALL_PEERS is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def class_path() -> str:
    """The compiled Leshan client's class path."""
    if reason := leshan_peer.missing():
        pytest.skip(reason)
    return maven.build(leshan_peer.PROJECT)


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Have the event loop check how it is used, without noting where each future was made.

    The notes are half of what a test takes, and no check reads them. PYTHONASYNCIODEBUG=1 brings
    them back, to find out where a task comes from that a test leaves behind.
    """
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    if not os.environ.get("PYTHONASYNCIODEBUG"):
        # The loop's own checks go by what was set; futures, tasks and handles ask.
        loop.get_debug = lambda: False  # type: ignore[method-assign]  # no other way to say so


@pytest.fixture(autouse=True, scope="session")
def patient_executor() -> Iterator[None]:
    """Let Home Assistant's executor wait long for its threads to end, as a busy computer needs.

    It interrupts one that does not end within a tenth of this, shared by all of them, and then
    the others may wait for ever: a thread that ends wakes the next.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor, "EXECUTOR_SHUTDOWN_TIMEOUT", 100)
        yield
