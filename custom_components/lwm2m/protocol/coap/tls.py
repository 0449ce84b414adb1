"""CoAP over TLS (RFC 8323 9): connections whose peers have proved who they are."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING, override

from ..dtls import NOT_PROVED, CertificateIdentity, PskIdentity, Refusal, Refused, Suspicion
from .connection import Connection, TcpPeer
from .identity import dump_identity, load_identity
from .peer import Scheme
from .tcp import TcpTransport
from .tls_context import HANDSHAKE, Handshake, TlsContext

if TYPE_CHECKING:
    from collections.abc import Callable
    import socket
    from typing import Any

    from ..dtls import Identity
    from .binding import SocketAddress
    from .peer import StoredPeer
    from .tls_context import TlsCredentials

_LOGGER = logging.getLogger(__name__)

_UNREADABLE = {"RECORD_LAYER_FAILURE", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"}
"""Why OpenSSL gives up at a record that the keys do not fit: from 3.2 on, and before."""
_REFUSALS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": Refusal.UNTRUSTED_CERTIFICATE,
    "PSK_IDENTITY_NOT_FOUND": Refusal.UNKNOWN_IDENTITY,  # one that is no UTF-8
}
"""Why OpenSSL gives a handshake up, where that says who does not get in."""


class TlsPeer(TcpPeer):
    """A peer that has proved who it is. Over another connection it is another peer, too."""

    scheme = Scheme.COAPS_TCP
    transport: TlsTransport

    def __init__(self, address: SocketAddress, transport: TlsTransport) -> None:
        """Make the peer at a socket's address, that has proved nothing yet."""
        super().__init__(address, transport)
        self.proved: Identity | None = None

    @property
    @override
    def identity(self) -> Identity | None:
        return self.proved

    @override
    def dump(self) -> StoredPeer:
        assert self.proved is not None
        return super().dump() | dump_identity(self.proved)


class TlsConnection(Connection):
    """A connection that ends with the first record that is forged or comes again."""

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, ssl.SSLError) and exc.reason in _UNREADABLE:
            peer = self.peer
            peer.transport.suspect(Suspicion.BAD_MAC, peer.address, peer.identity)
        super().connection_lost(exc)


class TlsTransport(TcpTransport):
    """One port that peers connect to over TLS."""

    scheme = Scheme.COAPS_TCP

    def __init__(self, *arguments: Any, credentials: TlsCredentials, **options: Any) -> None:
        """Take what TcpTransport does, and who may connect."""
        self._credentials = credentials
        self._context: TlsContext | None = None
        self._making_context = asyncio.Lock()
        super().__init__(*arguments, **options)

    @override
    def load_peer(self, stored: StoredPeer) -> TlsPeer:
        peer = TlsPeer((str(stored["host"]), int(stored["port"])), self)
        peer.proved = load_identity(stored)
        return peer

    async def prepare(self) -> TlsContext:
        """Return a context for the present credentials; OSError when OpenSSL takes no part."""
        async with self._making_context:
            wanted = self._credentials.server, self._credentials.trust_anchors
            if self._context is None or self._context.made_for != wanted:
                self._context = await self.loop.run_in_executor(
                    None, TlsContext, self._credentials, *wanted
                )
            return self._context

    def revoke(self, matches: Callable[[Identity], bool]) -> None:
        """End all connections and sessions of such identities; the handshakes will fail."""
        self._context = None
        for connection in tuple(self._connections):
            identity = connection.peer.identity
            if identity is not None and matches(identity):
                connection.cut()

    @override
    async def _open(self, sock: socket.socket, address: SocketAddress) -> None:
        handshake, peer = Handshake(), TlsPeer(address, self)
        HANDSHAKE.set(handshake)  # in the context of this task, which its transport reads in
        try:
            context = await self.prepare()
        except asyncio.CancelledError:
            sock.close()
            raise
        except OSError:
            sock.close()
            _LOGGER.exception("The certificates cannot be used for TLS")
            return

        def opened(transport: asyncio.Transport) -> bool:
            peer.proved = self._identify(handshake, context, transport)
            if peer.proved is None:
                self._refuse(address, handshake, None)
            return peer.proved is not None

        try:
            await self.loop.connect_accepted_socket(
                lambda: TlsConnection(self, peer, opened),
                sock,
                ssl=context.ssl,
                ssl_handshake_timeout=self.limits.opening,
                ssl_shutdown_timeout=self.limits.closing,
            )
        except OSError as error:
            self._refuse(address, handshake, error)

    def _identify(
        self, handshake: Handshake, context: TlsContext, transport: asyncio.Transport
    ) -> Identity | None:
        """Return who is at the other end of a complete handshake; None if not to be let in.

        The credentials may have changed since it began.
        """
        tls: ssl.SSLObject = transport.get_extra_info("ssl_object")
        session = tls.session.id if tls.session else b""
        identity: Identity | None = None
        shown, _ = context.made_for
        if (chain := tuple(tls.get_unverified_chain())) and shown is self._credentials.server:
            handshake.claimed = CertificateIdentity(chain[0])
            handshake.objection = self._credentials.objection_to(chain)
            identity = handshake.claimed if handshake.objection is None else None
        elif isinstance(claimed := handshake.claimed, PskIdentity):
            key = self._credentials.psk(claimed.identity)
            identity = claimed if key is not None and key == handshake.key else None
        elif context is self._context:
            identity = context.sessions.get(session)
        if identity is not None and session:
            context.sessions.set(session, identity)
        return identity

    def _refuse(self, address: SocketAddress, handshake: Handshake, error: OSError | None) -> None:
        refusal, detail = _why(handshake, error)
        self._on_incident(Refused((*address, None), refusal, handshake.claimed, detail))


def _why(handshake: Handshake, error: OSError | None) -> tuple[Refusal, str]:
    """Return why a handshake failed, and that in words; without an error it was complete."""
    not_proved = Refusal.UNKNOWN_IDENTITY if handshake.key is None else Refusal.WRONG_KEY
    match error:
        case None if handshake.claimed is None:
            return Refusal.PROTOCOL, "session is over"
        case None:
            return not_proved, handshake.objection or "not trusted"
        case ssl.SSLCertVerificationError():
            return Refusal.UNTRUSTED_CERTIFICATE, error.verify_message
        case ssl.SSLError(reason=str(reason)) if handshake.claimed and reason in _UNREADABLE:
            return not_proved, NOT_PROVED[not_proved]
        case ssl.SSLError(reason=str(reason)):
            words = reason.replace("_", " ").lower()
            return _REFUSALS.get(reason, Refusal.PROTOCOL), words
        case ConnectionAbortedError():
            return Refusal.TIMEOUT, "no answer in time"
        case _:
            return Refusal.PROTOCOL, "peer closed the connection"
