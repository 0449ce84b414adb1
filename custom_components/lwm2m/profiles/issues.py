"""What is told of a profile whose words do not all fit."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from homeassistant.core import callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN, LOGGER, PROFILES_DIRECTORY

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .profile import Misfit

KIND = "profile_misfit"
MAX_MISFITS = 10
"""How many are told of a file."""


class ProfileIssues:
    """The misfits in the profiles of a hub's devices: one repair issue for each file."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Start with none told."""
        self._hass = hass
        self._prefix = f"{KIND}_{entry_id}_"
        self._told: defaultdict[str, list[Misfit]] = defaultdict(list)

    @callback
    def async_tell(self, misfit: Misfit) -> None:
        """Tell of a misfit, once."""
        told = self._told[misfit.file]
        if misfit in told or len(told) == MAX_MISFITS:
            return
        told.append(misfit)
        LOGGER.warning("Left out of the device profile %s: %s", misfit.file, misfit)
        path = Path(self._hass.config.path(DOMAIN, PROFILES_DIRECTORY)) / misfit.file
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._prefix + misfit.file,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=KIND,
            translation_placeholders={
                "file": misfit.file,
                "path": str(path),
                "misfits": "\n".join(map(str, told)),
            },
        )

    @callback
    def async_end_mended(self) -> None:
        """End the issues of files of which nothing is told since the hub was set up."""
        for domain, issue_id in list(ir.async_get(self._hass).issues):
            if (
                domain == DOMAIN
                and issue_id.startswith(self._prefix)
                and issue_id.removeprefix(self._prefix) not in self._told
            ):
                ir.async_delete_issue(self._hass, DOMAIN, issue_id)
