"""When a device is to report: the attributes that its profile wants it to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .const import LOGGER
from .profiles.profile import TIMES
from .protocol.attributes import NUMERIC, UNSET, Attributes
from .protocol.errors import BadRequest, BadResponse, ClientRefused
from .protocol.path import Path
from .protocol.persistence import MAX_VALUES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .device import Device
    from .protocol.client import Client
    from .protocol.persistence import Json

CALM: Mapping[str, float] = {"pmin": 1}
"""What a path is asked for that reports more than once a second."""
INPUTS = frozenset({3200, 3302, 3342, 3344, 3345, 3347, 10351})
"""Objects of what somebody does: digital input, presence, switch, buttons, joystick, door."""


class ReportingAttributes:
    """The attributes of one device's paths, written to each path that is observed.

    Only those of the observed path itself, or of what is above it, count for an observation
    (OMA_LwM2M_for_Developers#478), and Wakaama does not pass them down. So each path gets all
    that holds for it.
    """

    def __init__(self, device: Device) -> None:
        """Start with a device that was asked for nothing."""
        self._device = device
        self._asked: dict[Path, Mapping[str, float]] = {}
        """What the device was asked to keep, whether or not it agreed."""
        self._calmed: dict[Path, Mapping[str, float]] = {}
        """What paths are asked for that have reported too often, if nobody else asks for more."""

    @property
    def asked(self) -> Mapping[Path, Mapping[str, float]]:
        """What the device was asked to keep, whether or not it agreed."""
        return self._asked

    def wanted(self, path: Path) -> Mapping[str, float]:
        """Return the attributes that a path is to have."""
        profiled = self._profiled(path)
        calmed = self._calmed.get(path)
        return {**calmed, **profiled} if calmed else profiled

    def _profiled(self, path: Path) -> Mapping[str, float]:
        """Return what the profile says of a path; some make sense of a number alone."""
        attributes = self._device.profile.attributes(path)
        if attributes and len(path) == 3 and (model := self._device.resources.model(path)):
            if not model.readable:
                return {}
            if model.type not in NUMERIC:
                return {name: attributes[name] for name in TIMES if name in attributes}
        return attributes

    def by_resource(self, instance: Path) -> bool:
        """Tell whether resources of an instance have attributes that the instance has not.

        Then each of its resources has to be observed by itself.
        """
        if not self._device.profile:
            return False
        common = self._profiled(instance)
        return any(
            attributes != common
            for path in self._device.resources.paths
            if path.instance == instance and (attributes := self._profiled(path))
        )

    def of(self, instance: Path) -> Mapping[Path, Mapping[str, float]]:
        """Return the attributes that an instance and its resources are to have."""
        paths = (path for path in self._device.resources.paths if path.instance == instance)
        return {path: wanted for path in (instance, *paths) if (wanted := self.wanted(path))}

    def is_as_wanted(self, path: Path) -> bool:
        """Tell whether the device was asked for what an observed path is to have."""
        return self.wanted(path) == self._asked.get(path, {})

    async def async_write(
        self, client: Client, path: Path, stated: Mapping[str, str | None]
    ) -> None:
        """Ask the device to keep what is wanted; one that does not is no failure.

        `stated` are the attributes that it has already, as Discover tells them.
        """
        wanted, asked = self.wanted(path), self._asked.get(path, {})
        changes: dict[str, Any] = {
            name: value
            for name, value in wanted.items()
            if asked.get(name) != value and _number(stated.get(name)) != value
        }
        changes |= {name: UNSET for name in asked if name not in wanted}
        self.forget(path)
        if wanted:
            self._asked[path] = wanted
        await self._ask(client, path, changes)

    async def async_take_back(self, client: Client, path: Path) -> None:
        """Ask the device to forget what it was asked to keep at a path that is not observed."""
        await self._ask(client, path, dict.fromkeys(self._asked.pop(path, ()), UNSET))

    async def _ask(self, client: Client, path: Path, changes: dict[str, Any]) -> None:
        if not changes:
            return
        try:
            await client.write_attributes(path, Attributes(**changes))
        except (BadRequest, BadResponse, ClientRefused) as err:
            self._device.note(err)
            LOGGER.debug("%s keeps no %s at %s: %s", self._device.endpoint, changes, path, err)

    def calm(self, path: Path) -> bool:
        """Want a path that reports too often to make pauses; tell whether that is news.

        What tells of an input is left alone: a press of a button must not be late.
        """
        if path in self._calmed:
            return False
        self._calmed[path] = {} if path.object_id in INPUTS else CALM
        return not self.is_as_wanted(path)

    def forget(self, path: Path | None = None) -> None:
        """Take a path, or the whole device, for one that was asked for nothing."""
        if path is None:
            self._asked.clear()
        else:
            self._asked.pop(path, None)

    def dump(self) -> Json:
        """Return what `load` takes, in JSON's types."""
        return {
            "attributes": {
                str(path): dict(asked) for path, asked in sorted(self._asked.items())[:MAX_VALUES]
            },
            "calmed": [str(path) for path in sorted(self._calmed)[:MAX_VALUES]],
        }

    @staticmethod
    def load(stored: Mapping[str, Any]) -> dict[str, Any]:
        """Read what `restore` takes; TypeError, ValueError, AttributeError when it is wrong."""
        return {
            "asked": {
                Path.parse(text): dict(asked)
                for text, asked in stored.get("attributes", {}).items()
            },
            "calmed": {Path.parse(text) for text in stored.get("calmed", ())},
        }

    def restore(self, asked: dict[Path, Mapping[str, float]], calmed: Iterable[Path]) -> None:
        """Go on from what was loaded."""
        self._asked = asked
        for path in calmed:
            self.calm(path)


def _number(text: str | None) -> float | None:
    """Read an attribute of a link; None for what is no number."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
