"""What automations hear of a device: paths that they observe, and what it sends on its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util

from .const import DOMAIN, EVENT_NOTIFICATION, LOGGER
from .protocol.errors import BadResponse, ClientRefused
from .protocol.node import Decoded
from .protocol.path import Path
from .protocol.reporting import latest
from .values import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .device import Device
    from .protocol.client import Client, Observation
    from .protocol.reporting import Readings

type Paths = tuple[Path, ...]
"""What one observation is of: one path, or several that are notified together."""


class ManualObservations:
    """The observations of one device that an action began, and the events that come of them.

    They outlast registrations and restarts of Home Assistant, until an action ends them. What the
    device's entities observe already is not observed twice: clients have few places for
    observers, and Zephyr forgets the first of two observations of a path.
    """

    def __init__(self, hass: HomeAssistant, device: Device, on_change: Callable[[], None]) -> None:
        """Start with none; `on_change` is called when others are there than before."""
        self._hass = hass
        self._device = device
        self._on_change = on_change
        self._observed: dict[Paths, Observation | None] = {}
        self._lost: set[Paths] = set()

    @property
    def waiting(self) -> list[Paths]:
        """What should be observed and is not."""
        return [
            paths
            for paths, observation in self._observed.items()
            if (observation is None or not observation.active) and not self._is_shared(paths)
        ]

    def dump(self) -> list[list[str]]:
        """Return what `load` takes, in JSON's types."""
        return [_texts(paths) for paths in self._observed]

    @staticmethod
    def load(stored: Iterable[Iterable[str]]) -> list[Paths]:
        """Read what was dumped; TypeError, AttributeError or PathError when it is wrong."""
        return [tuple(map(Path.parse, texts)) for texts in stored]

    @callback
    def async_resume(self, client: Client | None, stored: Iterable[Paths]) -> None:
        """Go on with what was stored; what the client does not know any more has to wait."""
        for paths in stored:
            self._observed[paths] = (
                client.resume(paths, partial(self._take, paths)) if client else None
            )

    async def async_observe(self, paths: Paths) -> Decoded:
        """Begin to observe and return the values now; HomeAssistantError when that fails.

        A sleeping device cannot be asked, and only goes on with what it has observed already.
        """
        if self._is_shared(paths) or (self._observed.get(paths) and paths not in self.waiting):
            if paths not in self._observed:
                self._observed[paths] = None
                self._on_change()
            return self._known(paths)
        observation = await self._device.operations.async_ask(
            lambda client: self._observe(client, paths), *paths
        )
        if not observation.active:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="not_observable",
                translation_placeholders=self._placeholders(paths),
            )
        self._observed[paths] = observation
        self._on_change()
        self._device.async_apply_answer(paths, observation.initial)
        return observation.initial

    async def async_cancel(self, paths: Paths) -> bool:
        """End an observation and tell the device, unless its entities need what is observed.

        False when telling it waits for it to wake up.
        """
        if paths not in self._observed:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="not_observed",
                translation_placeholders=self._placeholders(paths),
            )
        observation = self._observed.pop(paths)
        self._on_change()
        if observation is None or not observation.active:
            return True
        return await self._device.operations.async_command(
            observation.path, lambda _: observation.cancel_actively()
        )

    async def async_renew(self, client: Client) -> None:
        """Observe again what a former registration had; ClientError when the client is gone."""
        for paths in self.waiting:
            try:
                observation = await self._observe(client, paths)
            except (BadResponse, ClientRefused) as err:
                if paths not in self._lost:
                    self._lost.add(paths)
                    LOGGER.warning("An action's observation has to wait: %s", err)
                continue
            if paths not in self._observed:  # cancelled meanwhile
                observation.cancel()
                continue
            self._observed[paths] = observation
            self._on_change()
            self._lost.discard(paths)
            self._take(paths, [(None, observation.initial)])

    @callback
    def async_forget(self) -> None:
        """Keep what is to be observed, without the client that did."""
        for paths, observation in self._observed.items():
            if observation:
                observation.cancel()
            self._observed[paths] = None

    def hears_of(self, path: Path) -> bool:
        """Whether automations have asked for the notifications of a path."""
        return (path,) in self._observed

    @callback
    def async_notified(self, path: Path, readings: Readings) -> None:
        """Tell automations of a notification for the entities, if they have asked for it."""
        if self.hears_of(path):
            self._fire("notify", (path,), readings)

    @callback
    def async_sent(self, readings: Readings) -> None:
        """Tell automations of a Send."""
        self._fire("send", None, readings)

    async def _observe(self, client: Client, paths: Paths) -> Observation:
        return await client.observe_timed(paths, partial(self._take, paths))

    @callback
    def _take(self, paths: Paths, readings: Readings) -> None:
        self._device.async_apply_answer(paths, latest(readings))
        self._fire("notify", paths, readings)

    def _is_shared(self, paths: Paths) -> bool:
        return len(paths) == 1 and paths[0] in self._device.following.observed

    def _known(self, paths: Paths) -> Decoded:
        return Decoded(
            {
                path: value
                for path, value in self._device.resources.values.items()
                if any(observed.resource.covers(path) for observed in paths)
            }
        )

    def _fire(self, operation: str, paths: Paths | None, readings: Readings) -> None:
        """Fire one event for each time, oldest first; what has no time is of now."""
        for time, decoded in readings:
            self._hass.bus.async_fire(
                EVENT_NOTIFICATION,
                {
                    "device_id": self._device.id,
                    "endpoint": self._device.endpoint,
                    "operation": operation,
                    "paths": _texts(sorted(decoded.values) if paths is None else paths),
                    "values": {
                        str(path): to_json(value) for path, value in sorted(decoded.values.items())
                    },
                    "timestamp": (time or dt_util.utcnow()).isoformat(),
                },
            )

    def _placeholders(self, paths: Paths) -> dict[str, str]:
        return {"endpoint": self._device.endpoint, "paths": ", ".join(_texts(paths))}


def _texts(paths: Iterable[Path]) -> list[str]:
    return [str(path) for path in paths]
