"""What a hub remembers over restarts: its registrations, and its devices' last values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store

from .const import DOMAIN, LOGGER
from .protocol.persistence import UNSAVED

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeassistant.core import HomeAssistant

    from .protocol.persistence import Json

VERSION = 1
SAVE_SOON = 2.0
"""Seconds: what a device counts on, such as its registration."""
SAVE_LATER = UNSAVED
"""Seconds: what the device says again by itself, such as its values."""


def _store(hass: HomeAssistant, entry_id: str) -> Store[Json]:
    # Private: who knows the location of a registration can update it.
    return Store(hass, VERSION, f"{DOMAIN}.{entry_id}", private=True, atomic_writes=True)


class HubStorage:
    """The file of one hub, `.storage/lwm2m.<entry_id>`."""

    def __init__(self, hass: HomeAssistant, entry_id: str, dump: Callable[[], Json]) -> None:
        """`dump` returns what is to be stored."""
        self._store = _store(hass, entry_id)
        self._loop = hass.loop
        self._dump = dump
        self._due: float | None = None

    async def async_load(self) -> dict[str, Any]:
        """Return what was stored, nothing when there is nothing of use.

        The store itself says so, and keeps the file under another name, when it is no JSON.
        """
        try:
            stored: Any = await self._store.async_load()
        except (HomeAssistantError, AttributeError, KeyError, TypeError) as err:
            LOGGER.warning("The stored state in %s cannot be used: %r", self._store.path, err)
            return {}
        if stored is not None and not isinstance(stored, dict):
            LOGGER.warning("The stored state in %s cannot be used: no object", self._store.path)
            return {}
        return stored or {}

    @callback
    def async_save_soon(self) -> None:
        """Store it within a short time, for what must not be lost."""
        self._schedule(SAVE_SOON)

    @callback
    def async_save_later(self) -> None:
        """Store it within a longer time, for what changes often; costs next to nothing."""
        if self._due is None:  # else it is due sooner
            self._schedule(SAVE_LATER)

    async def async_save(self) -> None:
        """Store it now."""
        self._due = None
        await self._store.async_save(self._dump())

    def _schedule(self, delay: float) -> None:
        """Bring the next save forward, never put it off: `Store` alone would, with each call."""
        due = self._loop.time() + delay
        if self._due is None or due < self._due:
            self._due = due
            self._store.async_delay_save(self._dumped, delay)

    def _dumped(self) -> Json:
        self._due = None
        return self._dump()


async def async_remove_storage(hass: HomeAssistant, entry_id: str) -> None:
    """Remove the file of a hub."""
    await _store(hass, entry_id).async_remove()
