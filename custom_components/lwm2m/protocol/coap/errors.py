"""What a request can fail with short of a CoAP response."""

from __future__ import annotations

import errno


class CoapError(Exception):
    """A request that got no usable response."""


class NoAcknowledgement(CoapError):
    """The peer neither acknowledged nor answered (RFC 7252 4.2)."""


class NoResponse(CoapError):
    """The peer acknowledged the request, and then sent no response in time (RFC 7252 5.2.2)."""


class PeerBusy(CoapError):
    """Too many requests wait for their turn at the peer; this one was not sent."""


class ResetReceived(CoapError):
    """The peer rejected the request with a Reset message (RFC 7252 4.2)."""


class ResponseNotUnderstood(CoapError):
    """The response has a critical option that we don't know (RFC 7252 5.4.1)."""


class TransferFailed(CoapError):
    """A block-wise transfer broke its rules or its size limit (RFC 7959)."""


class EndpointClosed(CoapError):
    """This endpoint was closed before the response arrived, or had never been open."""


class ConnectionLost(CoapError):
    """The peer's connection is closed; only the peer can open another (RFC 8323 3.4)."""


class PortInUseError(OSError):
    """Another socket holds the port."""

    def __init__(self, carrier: str, port: int) -> None:
        """Name the port, and UDP or TCP."""
        super().__init__(errno.EADDRINUSE, f"{carrier} port {port} is in use")
        self.carrier = carrier
        self.port = port
