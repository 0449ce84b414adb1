"""What the owner sets for one device: how it reports, is commanded and is waited for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

from .const import LIFETIME_GRACE, POLL_INTERVAL
from .profiles.profile import Rule, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

CONF_REPORTING: Final = "reporting"


class Follow(StrEnum):
    """How values come from a device."""

    OBSERVE = "observe"
    POLL = "poll"


class Confirmation(StrEnum):
    """What a written value counts as once the device has confirmed it."""

    RESPONSE = "response"
    """What was written."""
    READ_BACK = "read_back"
    """What the device says when it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOptions:
    """The options of one device, and of what is behind it; all times in seconds.

    `pmin`, `pmax` and `st` are attributes for all of its values, as in
    `protocol.attributes.Attributes`; None leaves them to profiles and to the device.
    `lifetime_grace` is how long it stays available after its lifetime has ended.
    """

    follow: Follow = Follow.OBSERVE
    poll_interval: int = POLL_INTERVAL
    pmin: int | None = None
    pmax: int | None = None
    st: float | None = None
    confirmation: Confirmation = Confirmation.RESPONSE
    lifetime_grace: int = LIFETIME_GRACE

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What they say of all paths, in the way of a profile."""
        settings: Settings = {}
        if self.follow is Follow.POLL:
            settings["observe"] = False
        if self.pmin is not None:
            settings["pmin"] = self.pmin
        if self.pmax is not None:
            settings["pmax"] = self.pmax
        if self.st:
            settings["st"] = self.st
        return (Rule((), settings),) if settings else ()

    def dump(self) -> dict[str, Any]:
        """Return those that are set, in JSON's types."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Self:
        """Read what was dumped, or a form; those that are not in it are the usual ones.

        TypeError, ValueError: it has what are no options.
        """
        kinds = {"follow": Follow, "confirmation": Confirmation, "st": float}
        return cls(**{name: kinds.get(name, int)(value) for name, value in stored.items()})


def options_of(data: Mapping[str, Any]) -> DeviceOptions:
    """Return the options in the data of a subentry."""
    return DeviceOptions.load(data.get(CONF_REPORTING, {}))
