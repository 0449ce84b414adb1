"""What a profile says, and all that the profiles of one device say together."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypedDict, override

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from homeassistant.components.sensor import SensorStateClass
    from homeassistant.const import EntityCategory

    from ..protocol.path import Path

type Pattern = tuple[int | None, ...]
"""A path of up to three IDs; None stands for any, and none at all for the whole device."""

TIMES = ("pmin", "pmax", "epmin", "epmax")
CHANGES = ("gt", "lt", "st")
ATTRIBUTES = TIMES + CHANGES
"""The attributes that a profile sets, as in `protocol.attributes.Attributes`."""


class Settings(TypedDict, total=False):
    """What a rule says of the paths that it covers; what it leaves out stays as it is."""

    name: str
    whole_name: bool
    """Whether the name is that of one instance, and says so already."""
    icon: str
    device_class: str | None
    state_class: SensorStateClass | None
    unit: str | None
    entity_category: EntityCategory | None
    precision: int
    factor: float
    offset: float
    enabled: bool
    hidden: bool
    observe: bool
    pmin: int
    pmax: int
    epmin: int
    epmax: int
    gt: float
    lt: float
    st: float


@dataclass(frozen=True, slots=True)
class Rule:
    """Settings for all that is at or below the paths of a pattern."""

    pattern: Pattern
    settings: Settings

    @property
    def rank(self) -> tuple[int, int]:
        """How closely the pattern describes a path: the closest rule of a profile counts."""
        return len(self.pattern), sum(number is not None for number in self.pattern)

    def covers(self, path: Path) -> bool:
        """Tell whether a path is one of the pattern's, or lies below it."""
        return len(self.pattern) <= len(path) and all(
            wanted is None or wanted == number
            for wanted, number in zip(self.pattern, path, strict=False)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a profile can know a device by; texts that are not known are empty."""

    endpoint: str = ""
    manufacturer: str = ""
    model: str = ""
    objects: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which devices a profile is for: those that fit all that is given.

    Texts are alternatives in lower case, in which `*` and `?` stand for other characters.
    """

    endpoint: tuple[str, ...] = ()
    manufacturer: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    objects: frozenset[int] = frozenset()

    def fits(self, identity: Identity) -> bool:
        """Tell whether a device is one of these."""
        return self.objects <= identity.objects and all(
            not patterns or any(fnmatchcase(text.casefold().strip(), each) for each in patterns)
            for patterns, text in (
                (self.endpoint, identity.endpoint),
                (self.manufacturer, identity.manufacturer),
                (self.model, identity.model),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one file says of a kind of device.

    `queue_mode` says whether the device sleeps, whatever it says itself; `awake_time` how many
    seconds after its last message it falls asleep. `rules` are in the order in which later ones
    count more. `name` is that of the file.
    """

    name: str
    match: Match
    rules: tuple[Rule, ...] = ()
    queue_mode: bool | None = None
    awake_time: float | None = None


@dataclass(frozen=True, slots=True)
class Misfit:
    """What the profile of a file says of a resource, and why that is left out."""

    file: str
    path: Path
    key: str
    reason: str = field(compare=False)

    @override
    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.path}: {self.key}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Scale:
    """How a device's number becomes Home Assistant's: `number * factor + offset`."""

    factor: float = 1.0
    offset: float = 0.0

    def from_device(self, number: float) -> float:
        """Scale a number of the device, without the noise of binary fractions."""
        return float(f"{number * self.factor + self.offset:.12g}")

    def to_device(self, number: float) -> float:
        """Undo `from_device`."""
        return float(f"{(number - self.offset) / self.factor:.12g}")

    @classmethod
    def of(cls, settings: Settings) -> Scale | None:
        """Return how settings have numbers scaled; None when they do not."""
        scale = cls(settings.get("factor", 1.0), settings.get("offset", 0.0))
        return None if scale == cls() else scale


class DeviceProfile:
    """All that the profiles of one device say. Of two that differ, the later counts."""

    def __init__(self, profiles: Iterable[Profile] = (), own: Iterable[Rule] = ()) -> None:
        """Take the profiles that fit a device, in order, and `own` rules that count most."""
        self.queue_mode: bool | None = None
        self.awake_time: float | None = None
        self.names: list[str] = []
        self._rules: list[Rule] = []
        self._settings: dict[Path, Settings] = {}
        self._profiles = tuple(profiles)
        for profile in self._profiles:
            self.names.append(profile.name)
            self._rules += profile.rules
            if profile.queue_mode is not None:
                self.queue_mode = profile.queue_mode
            if profile.awake_time is not None:
                self.awake_time = profile.awake_time
        self._rules += own

    def __bool__(self) -> bool:
        """Whether anything is said of any path."""
        return bool(self._rules)

    def settings(self, path: Path) -> Settings:
        """Return what is said of a path; nothing, for most devices and paths."""
        if not self._rules:
            return {}
        if path not in self._settings:
            settings: Settings = {}
            for rule in self._rules:
                if rule.covers(path):
                    settings |= rule.settings
            self._settings[path] = settings
        return self._settings[path]

    def source(self, path: Path, key: str) -> str | None:
        """Return the profile that says this of a resource, by its ID: not of whichever fit."""
        for profile in reversed(self._profiles):
            for rule in reversed(profile.rules):
                if key in rule.settings and rule.covers(path):
                    return profile.name if rule.pattern[-1] is not None else None
        return None

    def attributes(self, path: Path) -> dict[str, float]:
        """Return the attributes to write to a path: `gt`, `lt` and `st` to a resource alone."""
        settings: Mapping[str, object] = self.settings(path)
        names = ATTRIBUTES if len(path) == 3 else TIMES
        return {
            name: value for name in names if isinstance(value := settings.get(name), int | float)
        }
