"""CoAP over TLS (RFC 8323 9): connections whose peers have proved who they are."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING, override

from ..dtls import CertificateIdentity, Refusal, Refused
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


class TlsTransport(TcpTransport):
    """One port that peers connect to over TLS."""

    scheme = Scheme.COAPS_TCP

    def __init__(
        self,
        *arguments: Any,
        credentials: TlsCredentials,
        on_incident: Callable[[Refused], None],
        **options: Any,
    ) -> None:
        """Take what TcpTransport does, and who may connect.

        `on_incident` is told who did not get through.
        """
        self._credentials = credentials
        self._on_incident = on_incident
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
                lambda: Connection(self, peer, opened),
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
        if chain := tuple(tls.get_unverified_chain()):
            if self._credentials.trusts_certificates(chain):
                identity = CertificateIdentity(chain[0])
        elif claimed := handshake.claimed:
            key = self._credentials.psk(claimed.identity)
            identity = claimed if key is not None and key == handshake.key else None
        elif context is self._context:
            identity = context.sessions.get(session)
        if identity is not None and session:
            context.sessions.set(session, identity)
        return identity

    def _refuse(self, address: SocketAddress, handshake: Handshake, error: OSError | None) -> None:
        match error:
            case None | ssl.SSLError() if handshake.claimed:
                known = handshake.key is not None
                refusal = Refusal.WRONG_KEY if known else Refusal.UNKNOWN_IDENTITY
            case None | ssl.SSLCertVerificationError():
                refusal = Refusal.UNTRUSTED_CERTIFICATE
            case ConnectionAbortedError():
                refusal = Refusal.TIMEOUT
            case _:
                refusal = Refusal.PROTOCOL
        detail = (error.strerror if error else None) or "not trusted"
        self._on_incident(Refused((*address, None), refusal, handshake.claimed, detail))
