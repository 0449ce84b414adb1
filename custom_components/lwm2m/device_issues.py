"""What the owner of a device is told to look after: refused observations, a wrong clock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .protocol.path import Path

if TYPE_CHECKING:
    from datetime import datetime

    from homeassistant.config_entries import ConfigEntry

    from .device import Device

CURRENT_TIME = Path(3, 0, 13)
MAX_CLOCK_ERROR = timedelta(minutes=5)
"""How far off a clock may be: more than a message is under way, queued on the device or not."""
MAX_NAMED = 10
"""How many paths an issue names."""

OBSERVE_REFUSED = "observe_refused"
CLOCK_OFF = "clock_off"


class DeviceIssues:
    """The issues of one device; each goes by itself once its cause has gone."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, device: Device) -> None:
        """Start without any."""
        self._hass = hass
        self._entry = entry
        self._device = device

    @callback
    def async_check_observed(self) -> None:
        """Look whether the device refuses to be observed anywhere."""
        refused = sorted(self._device.following.refused)
        named = [self._name(path) for path in refused[:MAX_NAMED]]
        if len(refused) > MAX_NAMED:
            named.append("…")
        self._set(OBSERVE_REFUSED, bool(refused), paths=", ".join(named))

    @callback
    def async_check_clock(self, told: datetime) -> None:
        """Look how far the time that the device has just told is off."""
        off = abs(dt_util.utcnow() - told) > MAX_CLOCK_ERROR
        self._set(CLOCK_OFF, off, fixable=True, time=f"{told:%Y-%m-%d %H:%M:%S} UTC")

    @callback
    def async_clear(self) -> None:
        """Take all back."""
        for kind in (OBSERVE_REFUSED, CLOCK_OFF):
            self._set(kind, False)

    def _set(self, kind: str, found: bool, *, fixable: bool = False, **placeholders: str) -> None:
        """Raise an issue or take it back; one that is there stays as it is."""
        issue_id = device_issue(kind, self._entry, self._device)
        known = ir.async_get(self._hass).async_get_issue(DOMAIN, issue_id) is not None
        if not found and known:
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        elif found and not known:
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                issue_id,
                data={"entry_id": self._entry.entry_id, "endpoint": self._device.endpoint},
                is_fixable=fixable,
                severity=ir.IssueSeverity.WARNING,
                translation_key=kind,
                translation_placeholders={"name": self._device.name, **placeholders},
            )

    def _name(self, instance: Path) -> str:
        model = self._device.resources.object_model(instance.object_id)
        return f"{model.name} ({instance})" if model else str(instance)


def device_issue(kind: str, entry: ConfigEntry, device: Device) -> str:
    """Return the ID of a device's issue.

    Diagnostics show it, and so it is without the endpoint name.
    """
    return f"{kind}_{entry.entry_id}_{device.id}"
