"""Who may register, and speak for, which endpoint.

A credential may register the endpoint that it is for, and no other; an endpoint that has one is
not let in without. Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.2.1 and 7.3, Transport-V1_1_1 5.2;
the codes are Leshan's: 4.03 for a Register, 4.00 for an Update and a De-register.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .object_list import RequestError
from .security import SecurityEventType

if TYPE_CHECKING:
    from aiocoap.numbers.codes import Code

    from .coap import Peer
    from .registration import Registration
    from .security import CredentialStore
    from .security_monitor import SecurityMonitor


class AccessControl:
    """Compares what peers have proved with the endpoint that they speak for."""

    def __init__(self, credentials: CredentialStore, monitor: SecurityMonitor) -> None:
        """Go by `credentials`, and tell `monitor` who is refused."""
        self._credentials = credentials
        self._monitor = monitor

    def endpoint_of(self, peer: Peer) -> str | None:
        """Return the endpoint whose credential a peer has proved to hold."""
        return self._credentials.endpoint_of(peer.identity) if peer.identity else None

    def allows(self, peer: Peer, endpoint: str) -> bool:
        """Tell whether a peer may speak for an endpoint."""
        if peer.identity is None:
            return not self._credentials.is_secured(endpoint)
        return self.endpoint_of(peer) == endpoint

    def check(self, peer: Peer, endpoint: str, code: Code) -> None:
        """Refuse with `code`, and tell, where a peer may not speak for an endpoint."""
        if self.allows(peer, endpoint):
            return
        if peer.identity is None:
            self._monitor.report(
                SecurityEventType.PLAINTEXT_ATTEMPT, peer.host, endpoint=endpoint, claimed=endpoint
            )
            raise RequestError(code, "this endpoint has a credential")
        self._monitor.report(
            SecurityEventType.ENDPOINT_MISMATCH,
            peer.host,
            endpoint=self.endpoint_of(peer),
            claimed=endpoint,
        )
        raise RequestError(code, "the credential is of another endpoint")

    def watch_deregistration(self, peer: Peer, registration: Registration) -> None:
        """Tell of a De-register in plain CoAP from another host, or over another transport.

        It is let through: the location that it names is not to be guessed, and a device may have
        moved. But without security nothing else tells the device from who has overheard it.
        """
        remote = registration.remote
        strange = (peer.scheme, peer.host) != (remote.scheme, remote.host)
        if peer.identity is None and strange:
            self._monitor.report(
                SecurityEventType.UNEXPECTED_DEREGISTRATION,
                peer.host,
                endpoint=registration.endpoint,
            )
