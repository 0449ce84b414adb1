"""Commands of the owner to a device, which wait while it sleeps.

An action on a sleeping device returns once its command waits, as with zwave_js: an automation is
not held up for hours. The state follows when the device has taken the command, and an event on
the bus tells its outcome. An action on a device that is awake returns with the outcome, errors
included. Commands that wait do not survive a restart of Home Assistant, or a reload of the server:
their paths do, so that the outcome of each is told.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.start import async_at_started

from .const import DOMAIN, LOGGER
from .errors import translate_errors
from .protocol.errors import Superseded
from .protocol.queue_mode import MAX_WAITING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Iterable

    from homeassistant.core import CALLBACK_TYPE, HomeAssistant

    from .hub import Lwm2mConfigEntry
    from .protocol.client import Client
    from .protocol.path import Path

EVENT_COMMAND = "lwm2m_command"


class Outcome(StrEnum):
    """What became of a command that could not be sent at once."""

    WAITING = "waiting"
    APPLIED = "applied"
    REPLACED = "replaced"
    FAILED = "failed"


class Commands:
    """The commands to one device."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: Lwm2mConfigEntry,
        endpoint: str,
        device_id: str,
        on_waiting: Callable[[Path], None],
    ) -> None:
        """`device_id` is the device's in the device registry.

        `on_waiting` is called when a command to a path begins or ends to wait.
        """
        self._waiting: dict[asyncio.Task[None], Path] = {}
        """The paths of the commands that wait for the device; the root for several paths."""
        self._dropped: list[Path] = []
        """The paths of those that waited before a restart, until that is told."""
        self._unsubscribe: CALLBACK_TYPE | None = None
        self._hass = hass
        self._entry = entry
        self._endpoint = endpoint
        self._device_id = device_id
        self._on_waiting = on_waiting
        self._callers: set[asyncio.Future[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def async_run(
        self, client: Client, path: Path, operation: Callable[[], Awaitable[None]]
    ) -> bool:
        """Carry out an operation on `path`; tell whether it is done, or waits for the device.

        HomeAssistantError when it failed before it had to wait.
        """
        caller: asyncio.Future[None] = self._hass.loop.create_future()
        task = self._entry.async_create_background_task(
            self._hass, self._carry_out(caller, path, operation), f"lwm2m command to {path}"
        )
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _: _release(caller))
            if client.awake:
                self._callers.add(caller)
                try:
                    await caller
                finally:
                    self._callers.discard(caller)
        if task.done():
            task.result()
            return True
        _release(caller)
        if path not in self._waiting.values():  # else it is known
            self._tell(path, Outcome.WAITING)
        self._waiting[task] = path
        self._on_waiting(path)
        task.add_done_callback(self._waits_no_more)
        return False

    def waits(self, paths: Iterable[Path]) -> bool:
        """Tell whether a command to any of these resources waits for the device to wake up."""
        return bool(self._waiting) and any(
            command.covers(path) for command in self._waiting.values() if command for path in paths
        )

    def _waits_no_more(self, task: asyncio.Task[None]) -> None:
        if (path := self._waiting.pop(task, None)) is not None:
            self._on_waiting(path)

    def dump(self) -> list[str]:
        """Return the paths of the commands that a restart would drop, without their values."""
        return [str(path) for path in (*self._dropped, *self._waiting.values())]

    @callback
    def async_restore(self, dropped: Iterable[Path]) -> None:
        """Tell of the commands that a restart dropped, once there are automations to hear of it."""
        self._dropped = list(dropped)[:MAX_WAITING]
        if self._dropped:
            self._unsubscribe = async_at_started(self._hass, self._tell_dropped)

    @callback
    def _tell_dropped(self, _: HomeAssistant) -> None:
        error = HomeAssistantError(translation_domain=DOMAIN, translation_key="command_dropped")
        while self._dropped:
            path = self._dropped.pop(0)
            self._tell(path, Outcome.FAILED, str(error))
            self._on_waiting(path)

    def asleep(self) -> None:
        """Let go of those that wait for an outcome: the device has fallen asleep."""
        for caller in self._callers:
            _release(caller)

    def close(self) -> None:
        """Give up all commands, without an event."""
        if self._unsubscribe:
            self._unsubscribe()
        self._waiting.clear()
        for task in tuple(self._tasks):
            task.cancel()

    async def _carry_out(
        self,
        caller: asyncio.Future[None],
        path: Path,
        operation: Callable[[], Awaitable[None]],
    ) -> None:
        """Carry out an operation; the caller, or the bus when that has gone, learns the outcome."""
        try:
            with translate_errors(self._endpoint, path):
                await operation()
        except HomeAssistantError as err:
            replaced = isinstance(err.__cause__, Superseded)
            if caller.done():
                self._tell(path, Outcome.REPLACED if replaced else Outcome.FAILED, str(err))
            elif not replaced:  # what a newer command has replaced is no failure to its caller
                raise
        else:
            if caller.done():
                self._tell(path, Outcome.APPLIED)

    def _tell(self, path: Path, outcome: Outcome, error: str | None = None) -> None:
        LOGGER.debug("A command to %s of %s is %s", path, self._endpoint, outcome)
        data = {
            ATTR_DEVICE_ID: self._device_id,
            "endpoint": self._endpoint,
            "path": str(path),
            "outcome": outcome.value,
        }
        if error is not None:
            data["error"] = error
        self._hass.bus.async_fire(EVENT_COMMAND, data)


def _release(caller: asyncio.Future[None]) -> None:
    if not caller.done():
        caller.set_result(None)
