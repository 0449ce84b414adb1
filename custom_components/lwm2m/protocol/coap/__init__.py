"""CoAP: aiocoap, and all that we bend in it."""

from __future__ import annotations

from .connection import ConnectionLimits
from .counters import CoapCounters
from .endpoint import CoapEndpoint, RequestHandler
from .errors import (
    CoapError,
    ConnectionLost,
    EndpointClosed,
    NoAcknowledgement,
    NoResponse,
    PeerBusy,
    PortInUseError,
    ResetReceived,
    ResponseNotUnderstood,
    TransferFailed,
)
from .limits import PeerLimits
from .observation import NotificationSink
from .peer import Peer, Scheme, StoredPeer
from .response import Response
from .udp import UdpPeer

__all__ = [
    "CoapCounters",
    "CoapEndpoint",
    "CoapError",
    "ConnectionLimits",
    "ConnectionLost",
    "EndpointClosed",
    "NoAcknowledgement",
    "NoResponse",
    "NotificationSink",
    "Peer",
    "PeerBusy",
    "PeerLimits",
    "PortInUseError",
    "RequestHandler",
    "ResetReceived",
    "Response",
    "ResponseNotUnderstood",
    "Scheme",
    "StoredPeer",
    "TransferFailed",
    "UdpPeer",
]
