"""Warns of a port without encryption that is open to strangers, or open for nobody."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .address import ports_of
from .const import (
    CONF_ACCEPT_NEW_DEVICES,
    DOMAIN,
    SUBENTRY_TYPE_DEVICE,
    AcceptNewDevices,
)
from .credentials import load_credential

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigEntry


class Exposure(StrEnum):
    """Why a port without encryption is worth a warning."""

    OPEN = "plain_coap_open"
    """New devices are accepted at once, without proof and without a question."""
    UNUSED = "plain_coap_unused"
    """Every device is secured, so that the port is there for strangers alone."""


def _plain_ports(entry: ConfigEntry) -> list[str]:
    """Return each port without encryption as text, such as 5683 (UDP)."""
    return [
        f"{port} ({scheme.carrier})"
        for scheme, port in ports_of(entry.data).items()
        if not scheme.is_secure
    ]


def accepts_at_once(entry: ConfigEntry) -> bool:
    """Tell whether new devices without security need no approval."""
    choice = entry.options.get(CONF_ACCEPT_NEW_DEVICES)
    return choice == AcceptNewDevices.AT_ONCE


def exposure_of(entry: ConfigEntry) -> Exposure | None:
    """Return what is wrong with a server's port without encryption."""
    if not _plain_ports(entry):
        return None
    if accepts_at_once(entry):
        return Exposure.OPEN
    devices = entry.get_subentries_of_type(SUBENTRY_TYPE_DEVICE)
    secured = [load_credential(device.data) is not None for device in devices]
    return Exposure.UNUSED if secured and all(secured) else None


@callback
def async_check_exposure(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Raise the issue that there is, and take back the other."""
    found = exposure_of(entry)
    for exposure in Exposure:
        if exposure is not found:
            ir.async_delete_issue(hass, DOMAIN, exposure_issue(entry, exposure))
            continue
        ir.async_create_issue(
            hass,
            DOMAIN,
            exposure_issue(entry, exposure),
            data={"entry_id": entry.entry_id},
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=exposure.value,
            translation_placeholders={
                "name": entry.title,
                "port": ", ".join(_plain_ports(entry)),
            },
        )


def exposure_issue(entry: ConfigEntry, exposure: Exposure) -> str:
    """Return the ID of an issue."""
    return f"{exposure}_{entry.entry_id}"
