"""Where a server listens, as the data of its entry say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeassistant.const import CONF_HOST, CONF_PORT

from .credentials import SecurityMode
from .protocol.coap import Scheme
from .protocol.coap.tcp import bind_tcp
from .protocol.coap.udp_socket import bind_udp

if TYPE_CHECKING:
    from collections.abc import Mapping
    import socket

CONF_COAPS_PORT: Final = "coaps_port"
CONF_TCP_PORT: Final = "tcp_port"
CONF_TLS_PORT: Final = "tls_port"
PORTS: Final = {
    Scheme.COAP: CONF_PORT,
    Scheme.COAPS: CONF_COAPS_PORT,
    Scheme.COAP_TCP: CONF_TCP_PORT,
    Scheme.COAPS_TCP: CONF_TLS_PORT,
}
"""Where the port of each transport is; one that is not there is turned off."""
DEFAULT_PORTS: Final[dict[str, int]] = {CONF_PORT: 5683, CONF_COAPS_PORT: 5684}
ADDRESS: Final = (CONF_HOST, *PORTS.values())
"""All of the data that is about the address."""


def ports_of(data: Mapping[str, Any]) -> dict[Scheme, int]:
    """Return the ports that are turned on."""
    return {scheme: data[field] for scheme, field in PORTS.items() if field in data}


def usual_scheme(data: Mapping[str, Any], mode: SecurityMode) -> Scheme | None:
    """Return the transport for a device of this security mode; None if all are turned off.

    TLS takes no raw public keys here.
    """
    secure = mode is not SecurityMode.NONE
    for scheme in ports_of(data):
        takes_mode = scheme is not Scheme.COAPS_TCP or mode is not SecurityMode.RAW_PUBLIC_KEY
        if scheme.is_secure is secure and takes_mode:
            return scheme
    return None


def address_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is about the address."""
    return {key: data[key] for key in ADDRESS if key in data}


def unique_id_of(data: Mapping[str, Any]) -> str:
    """Return the unique ID of an entry: two servers cannot share a port."""
    scheme, port = next(iter(ports_of(data).items()))
    suffix = "/tcp" if scheme.carrier == "TCP" else ""
    return f"{data[CONF_HOST] or '*'}:{port}{suffix}"


async def async_bind(scheme: Scheme, host: str, port: int) -> socket.socket:
    """Bind a socket of a transport, as a server would; an empty host is all interfaces.

    PortInUseError; OSError and ValueError for any other reason.
    """
    bind = bind_tcp if scheme.carrier == "TCP" else bind_udp
    return await bind(host or None, port)
