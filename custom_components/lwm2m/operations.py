"""What the owner asks of a device: to read, to write, to execute."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from homeassistant.core import callback

from .const import LOGGER
from .device_options import Confirmation
from .errors import translate_errors
from .protocol.coap.endpoint import DEFAULT_TIMEOUT
from .protocol.errors import ClientAsleep, ClientError, ClientTimeout
from .protocol.node import Decoded
from .protocol.path import Path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable

    from .commands import Commands
    from .device import Device
    from .protocol.client import Client
    from .protocol.node import Values


class Operations:
    """The operations on one device.

    What is asked for needs the device awake, and its answer is kept. What is commanded waits
    until it is awake, and counts from its confirmation on.
    """

    def __init__(self, device: Device, commands: Commands) -> None:
        """`commands` are those to the same device."""
        self._device = device
        self._commands = commands
        self._notified: dict[object, set[Path]] = {}
        """By the write under way, the resources that notifications have told of meanwhile."""

    @callback
    def notified(self, paths: Iterable[Path]) -> None:
        """Take note that a notification told of these resources."""
        for notified in self._notified.values():
            notified.update(paths)

    @callback
    def forget_notified(self) -> None:
        """Let no notification of before now count as told after a write."""
        for notified in self._notified.values():
            notified.clear()

    async def async_read(self, path: Path) -> Decoded:
        """Read a path now, as `async_ask` does."""
        decoded = await self.async_ask(lambda client: client.read(path), path)
        self._device.async_apply_answer((path,), decoded)
        return decoded

    async def async_read_composite(self, paths: Collection[Path]) -> Decoded:
        """Read several paths at once, as `async_ask` does."""
        decoded = await self.async_ask(lambda client: client.read_composite(paths), *paths)
        self._device.async_apply_answer(paths, decoded)
        return decoded

    async def async_write(self, values: Values) -> bool:
        """Write resources one by one; HomeAssistantError when one is not taken.

        The values count from the device's confirmation on, unless a notification said better
        by then. False when a write waits for the device to wake up.
        """
        done = True
        for path, value in values.items():
            done &= await self.async_write_at(path, {path: value}, replace=True)
        return done

    async def async_write_at(self, path: Path, values: Values, *, replace: bool) -> bool:
        """Write to an instance, a resource or an instance of it, as `async_write` does."""
        whole = values if len(path) == 3 else {}
        return await self.async_command(
            path,
            lambda client: self._confirm(
                client, whole, client.write(path, values, replace=replace)
            ),
        )

    async def async_write_composite(self, values: Values) -> bool:
        """Write resources all at once, as `async_write` does."""
        single: Values = {
            path: value for path, value in values.items() if not isinstance(value, dict)
        }

        async def write(client: Client) -> None:
            with translate_errors(self._device.endpoint, *values):
                await self._confirm(client, single, client.write_composite(values))

        return await self.async_command(Path(), write)

    async def _confirm(self, client: Client, values: Values, write: Awaitable[None]) -> None:
        """Write, and take the values that no notification has told of by then.

        A device that limits a value tells so right behind its confirmation, or else when it is
        read. What it does not let anybody read, such as a password, is not kept here either.
        """
        notified = self._notified[write] = set[Path]()
        try:
            await write
        finally:
            del self._notified[write]
        current = {
            path: value
            for path, value in values.items()
            if (model := self._device.resources.model(path)) is None or model.readable
            if path not in notified
        }
        if self._device.options.confirmation is Confirmation.READ_BACK:
            current |= await self._read_back(client, current)
        self._device.async_apply(Decoded(current))

    async def _read_back(self, client: Client, paths: Iterable[Path]) -> Values:
        """Read what was written; what cannot be read counts as it was confirmed."""
        values: Values = {}
        try:
            for path in paths:
                values |= (await client.read(path)).values
        except ClientError as err:
            self._device.note(err)
            LOGGER.debug("Reading back from %s failed: %s", self._device.endpoint, err)
        return values

    async def async_execute(self, path: Path, arguments: str | None = None) -> bool:
        """Execute a resource, as `async_command` does."""
        return await self.async_command(path, lambda client: client.execute(path, arguments))

    async def async_ask[Result](
        self, ask: Callable[[Client], Awaitable[Result]], *paths: Path
    ) -> Result:
        """Ask the device for something now; HomeAssistantError also when it sleeps."""
        with translate_errors(self._device.endpoint, *paths):
            client = self._device.client
            path = paths[0] if len(paths) == 1 else Path()
            if not client.awake:
                raise ClientAsleep(self._device.endpoint, path)
            try:
                async with asyncio.timeout(DEFAULT_TIMEOUT):
                    return await ask(client)
            except TimeoutError as err:
                raise ClientTimeout(self._device.endpoint, path) from err

    async def async_command(
        self, path: Path, operation: Callable[[Client], Awaitable[None]]
    ) -> bool:
        """Have the device do something; HomeAssistantError when it does not.

        False when that waits for the device to wake up.
        """
        with translate_errors(self._device.endpoint, path):
            client = self._device.client
        return await self._commands.async_run(client, path, lambda: operation(client))
