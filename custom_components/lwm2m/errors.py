"""Failures of the protocol, as Home Assistant tells them to a user."""

from __future__ import annotations

from contextlib import contextmanager
import errno
import socket
from typing import TYPE_CHECKING

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .address import async_bind
from .const import DOMAIN
from .protocol.coap.errors import PortInUseError
from .protocol.errors import BadRequest, ClientError, ClientRefused, ValueMisfit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeassistant.core import HomeAssistant

    from .protocol.coap import Scheme
    from .protocol.path import Path


@contextmanager
def translate_errors(endpoint: str, path: Path) -> Iterator[None]:
    """Turn a ClientError into an error that Home Assistant shows in the user's language.

    What never left for the device is the caller's mistake, a ServiceValidationError; all
    else is a HomeAssistantError.
    """
    try:
        yield
    except ClientError as err:
        kind = (
            ServiceValidationError
            if isinstance(err, BadRequest | ValueMisfit)
            else HomeAssistantError
        )
        key = err.translation_key
        if isinstance(err, ClientRefused) and err.diagnostic:
            key = "client_refused_why"
        raise kind(
            translation_domain=DOMAIN,
            translation_key=key,
            translation_placeholders={"endpoint": endpoint, "path": str(path), **err.placeholders},
        ) from err


async def async_can_listen(scheme: Scheme, host: str, port: int) -> bool:
    """Tell whether a port can be had now; an empty host is all interfaces."""
    try:
        (await async_bind(scheme, host, port)).close()
    except OSError, OverflowError, ValueError:
        return False
    return True


def listen_failure(hass: HomeAssistant, error: OSError) -> str:
    """Tell why the server's port could not be opened.

    Returns a key of the translated errors of the config flow, exceptions and, for a port in use,
    issues. Shelly's first generation is the usual neighbour on port 5683, and its integration
    keeps the port until Home Assistant stops.
    """
    match error:
        case PortInUseError(carrier="UDP") if "shelly" in hass.config.components:
            return "port_in_use_shelly"
        case PortInUseError():
            return "port_in_use"
        case PermissionError():
            return "port_not_allowed"
        case socket.gaierror() | OSError(errno=errno.EADDRNOTAVAIL):
            return "host_not_local"
        case _:
            return "cannot_listen"
