"""DTLS 1.2, the server's side, without sockets (RFC 6347).

On the public interface of the `cryptography` package alone. It is fed with datagrams, addresses and
the time, and returns datagrams, application data and events:

    server = DtlsServer(credentials)
    for output in server.receive(datagram, address, time.monotonic()): ...
    for output in server.send(connection, data): ...
    # at server.next_deadline:
    for output in server.timeout(time.monotonic()): ...
"""

from .certificates import CertificateTrust, CertificateUsage, names
from .connection import Connection
from .credentials import (
    CertificateIdentity,
    Credentials,
    Identity,
    PskIdentity,
    RawPublicKeyIdentity,
    ServerIdentity,
)
from .errors import ConnectionClosed, DtlsError
from .events import (
    NOT_PROVED,
    Address,
    Closed,
    CloseReason,
    Counters,
    Established,
    Moved,
    Output,
    Received,
    Refusal,
    Refused,
    Suspicion,
    Suspicious,
    Transmit,
)
from .extensions import CertificateType
from .limits import Limits
from .server import DtlsServer

__all__ = [
    "NOT_PROVED",
    "Address",
    "CertificateIdentity",
    "CertificateTrust",
    "CertificateType",
    "CertificateUsage",
    "CloseReason",
    "Closed",
    "Connection",
    "ConnectionClosed",
    "Counters",
    "Credentials",
    "DtlsError",
    "DtlsServer",
    "Established",
    "Identity",
    "Limits",
    "Moved",
    "Output",
    "PskIdentity",
    "RawPublicKeyIdentity",
    "Received",
    "Refusal",
    "Refused",
    "ServerIdentity",
    "Suspicion",
    "Suspicious",
    "Transmit",
    "names",
]
