"""A board with just the resources that a test is about, and what Home Assistant shows of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event

from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.path import Path
from simulator.blueprint import Blueprint, Check, Rows
from simulator.board import Board

if TYPE_CHECKING:
    from custom_components.lwm2m.device import Device
    from custom_components.lwm2m.hub import Hub
    from custom_components.lwm2m.protocol.node import Value

NAME = "board"
TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Shown:
    """A running board, its device and the entities of it."""

    hass: HomeAssistant
    device: Device
    board: Board

    def entry(self, path: str, domain: str | None = None) -> er.RegistryEntry:
        """Return the only entity of a resource, or of that domain; KeyError when there is none."""
        entries = [entry for entry in self.entries(path) if domain in (None, entry.domain)]
        if len(entries) != 1:
            raise KeyError(f"{len(entries)} entities of {path}")
        return entries[0]

    def entries(self, path: str = "/") -> list[er.RegistryEntry]:
        """Return the entities at or below a path."""
        prefix = "-".join((self.device.unique_id, *map(str, Path.parse(path)), ""))
        registry = er.async_get(self.hass)
        return [
            entry
            for entry in registry.entities.values()
            if entry.platform == DOMAIN and entry.unique_id.startswith(prefix)
        ]

    def state(self, path: str, domain: str | None = None) -> State:
        """Return the state of a resource's entity; KeyError when it has none."""
        entity_id = self.entry(path, domain).entity_id
        if state := self.hass.states.get(entity_id):
            return state
        raise KeyError(f"{entity_id} has no state")

    async def set(self, path: str, value: Value, *, shown_by: str | None = None) -> State:
        """Change a resource on the board; return the next state of its entity or another's."""
        resource = Path.parse(path)
        return await self.next_state(shown_by or path, lambda: self.board.set(resource, value))

    async def next_value(self, path: Path, value: Value) -> None:
        """Wait until the device has taken a value of the board's."""
        if self.device.resources.values.get(path) == value:
            return
        taken = asyncio.Event()
        unwatch = self.device.watch((path,), taken.set)
        try:
            async with asyncio.timeout(TIMEOUT):
                await taken.wait()
        finally:
            unwatch()

    async def next_state(self, path: str, do: Callable[[], None]) -> State:
        """Do something and return the next state of a resource's entity."""
        future: asyncio.Future[State] = self.hass.loop.create_future()

        @callback
        def changed(event: Any) -> None:
            if not future.done():
                future.set_result(event.data["new_state"])

        unsubscribe = async_track_state_change_event(self.hass, self.entry(path).entity_id, changed)
        try:
            do()
            async with asyncio.timeout(TIMEOUT):
                return await future
        finally:
            unsubscribe()

    async def call(self, action: str, path: str, **data: Any) -> None:
        """Call an entity's action and wait until it is done."""
        domain, service = action.split(".")
        await self.hass.services.async_call(
            domain,
            service,
            {"entity_id": self.entry(path).entity_id, **data},
            blocking=True,
        )


type Show = Callable[..., Awaitable[Shown]]


@asynccontextmanager
async def showing(hass: HomeAssistant, hub: Hub) -> AsyncIterator[Show]:
    """Give what runs an approved board with the instances that a test names."""
    async with AsyncExitStack() as stack:

        async def show(
            instances: Mapping[str, Rows],
            *,
            check: Check | None = None,
            versions: Mapping[int, str] | None = None,
            **settings: Any,
        ) -> Shown:
            blueprint = Blueprint(
                name=NAME,
                instances={Path.parse(path): rows for path, rows in instances.items()},
                versions=versions or {},
                check=check,
            )
            hub.async_approve(NAME)
            scheme = Scheme.COAP
            if settings.get("tcp"):
                scheme = Scheme.COAPS_TCP if settings.get("psk") else Scheme.COAP_TCP
            board = Board(blueprint, server=("127.0.0.1", hub.server.ports[scheme]), **settings)
            await stack.enter_async_context(board)
            await board.registered()
            await hass.async_block_till_done(wait_background_tasks=True)
            return Shown(hass, hub.devices[NAME], board)

        yield show
