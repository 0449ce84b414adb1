"""Where a server listens, as the data of its entry say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeassistant.const import CONF_HOST, CONF_PORT

from .protocol.coap import Scheme

if TYPE_CHECKING:
    from collections.abc import Mapping

CONF_COAPS_PORT: Final = "coaps_port"
PORTS: Final = {Scheme.COAP: CONF_PORT, Scheme.COAPS: CONF_COAPS_PORT}
"""Where the port of each transport is; one that is not there is turned off."""
DEFAULT_PORTS: Final[dict[str, int]] = {CONF_PORT: 5683, CONF_COAPS_PORT: 5684}
ADDRESS: Final = (CONF_HOST, *PORTS.values())
"""All of the data that is about the address."""


def ports_of(data: Mapping[str, Any]) -> dict[Scheme, int]:
    """Return the ports that are turned on."""
    return {scheme: data[field] for scheme, field in PORTS.items() if field in data}


def address_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is about the address."""
    return {key: data[key] for key in ADDRESS if key in data}


def unique_id_of(data: Mapping[str, Any]) -> str:
    """Return the unique ID of an entry: two servers cannot share a port."""
    return f"{data[CONF_HOST] or '*'}:{next(iter(ports_of(data).values()))}"
