"""The files that a user puts into `<config>/lwm2m/`, and what becomes of the broken ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.core import callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN, LOGGER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from homeassistant.core import HomeAssistant


@callback
def async_report_broken(
    hass: HomeAssistant, kind: str, directory: Path, errors: Mapping[str, str]
) -> None:
    """Make a repair issue of each broken file, and end those of files that are mended or gone.

    `kind` is the issue's translation key, `errors` says of each file's name what is wrong with it;
    an empty name is the folder itself.
    """
    broken = {f"{kind}_{file}": file for file in errors}
    for issue_id, file in broken.items():
        LOGGER.warning("Cannot use %s: %s", directory / file, errors[file])
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=kind,
            translation_placeholders={
                "file": file or directory.name,
                "path": str(directory / file),
                "error": errors[file],
            },
        )
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain == DOMAIN and issue_id.startswith(f"{kind}_") and issue_id not in broken:
            ir.async_delete_issue(hass, DOMAIN, issue_id)
