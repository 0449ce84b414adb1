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
from .protocol.path import Path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeassistant.core import HomeAssistant

    from .protocol.coap import Scheme


ROOT = str(Path())
MAX_PATHS = 5
"""How many of an operation's paths an error names."""


@contextmanager
def translate_errors(endpoint: str, *paths: Path) -> Iterator[None]:
    """Turn a ClientError into an error that Home Assistant shows in the user's language.

    `paths` are what the operation is about, where the error does not know better. What never left
    for the device is the caller's mistake, a ServiceValidationError; all else is a
    HomeAssistantError.
    """
    try:
        yield
    except ClientError as err:
        kind = (
            ServiceValidationError
            if isinstance(err, BadRequest | ValueMisfit)
            else HomeAssistantError
        )
        words = {"endpoint": endpoint, **err.placeholders}
        if words.get("path", ROOT) == ROOT and paths:
            more = ["…"] if len(paths) > MAX_PATHS else []
            words["path"] = ", ".join([*map(str, paths[:MAX_PATHS]), *more])
        if isinstance(err, ClientRefused) and err.diagnostic:
            words["code"] += f', "{err.diagnostic}"'
        raise kind(
            translation_domain=DOMAIN,
            translation_key=err.translation_key,
            translation_placeholders=words,
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
