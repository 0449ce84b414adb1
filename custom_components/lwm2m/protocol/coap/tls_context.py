"""From credentials to what the standard library's TLS goes by (RFC 8323 9.1, RFC 7925).

The library has no hook to check certificates with. So OpenSSL takes any chain that ends at a
certificate which some device's trust names, whatever the date, and the credentials decide once the
handshake is done. It knows neither raw public keys nor connection IDs: who has a raw public key
connects over DTLS.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
import secrets
import ssl
from tempfile import NamedTemporaryFile
import time
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from ..dtls import Credentials, PskIdentity
from .recent import Recent

if TYPE_CHECKING:
    from ..dtls import Identity, ServerIdentity

CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-CCM:ECDHE-ECDSA-AES128-CCM8:"
    "PSK-AES128-GCM-SHA256:PSK-AES128-CCM:PSK-AES128-CCM8:PSK-AES128-CBC-SHA256:"
    "@SECLEVEL=0"  # for CCM8, which small devices have (RFC 7925 4.2, 4.4)
)
ALPN = "coap"
"""RFC 8323 8.2."""
SESSION_LIFETIME = 7200.0
MAX_SESSIONS = 20480
"""As OpenSSL has them by default."""
_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME, which the ssl module has no name for."""


class TlsCredentials(Credentials, Protocol):
    """Credentials that also say where chains may end."""

    @property
    def trust_anchors(self) -> frozenset[bytes]:
        """The certificates, DER, that `objection_to` goes by; the same until they change."""


@dataclass(slots=True)
class Handshake:
    """What a handshake has brought so far: who the peer claims to be, and the key for that.

    And what is objected to in its certificate; the library shows none before OpenSSL has taken it.
    """

    claimed: Identity | None = None
    key: bytes | None = field(default=None, repr=False)
    objection: str | None = None


HANDSHAKE: ContextVar[Handshake] = ContextVar("handshake")
"""That of the connection whose bytes are being read."""


class TlsContext:
    """OpenSSL's context for one state of the credentials, and who may resume a session in it."""

    def __init__(
        self,
        credentials: TlsCredentials,
        server: ServerIdentity | None,
        anchors: frozenset[bytes],
    ) -> None:
        """Make a context; it reads and writes files. OSError when OpenSSL takes no part in it."""
        self.made_for = server, anchors
        self.sessions: Recent[bytes, Identity] = Recent(
            SESSION_LIFETIME, MAX_SESSIONS, time.monotonic
        )
        self._credentials = credentials
        self.ssl = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # In TLS 1.3 a pre-shared key needs a suite with SHA-256 (RFC 8446 4.2.11), and the ssl
        # module cannot keep OpenSSL from others.
        self.ssl.minimum_version = self.ssl.maximum_version = ssl.TLSVersion.TLSv1_2
        self.ssl.set_ciphers(CIPHERS)
        self.ssl.set_alpn_protocols([ALPN])
        # Tickets would outlive a credential; sessions are forgotten with this context.
        self.ssl.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
        self.ssl.verify_mode = ssl.CERT_REQUIRED
        self.ssl.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
        if anchors:
            self.ssl.load_verify_locations(cadata=b"".join(anchors))
        if server is not None and server.chain:
            _load_identity(self.ssl, server)
        if ssl.HAS_PSK:
            self.ssl.set_psk_server_callback(self._find_key)

    def _find_key(self, identity: str | None) -> bytes:
        """Return a key; of an unknown identity one that is wrong, as for DTLS (RFC 4279 2)."""
        handshake, claimed = HANDSHAKE.get(), PskIdentity((identity or "").encode())
        handshake.claimed = claimed
        handshake.key = self._credentials.psk(claimed.identity)
        return secrets.token_bytes(16) if handshake.key is None else handshake.key


def _load_identity(context: ssl.SSLContext, server: ServerIdentity) -> None:
    """Load a key and its chain, which the ssl module takes from a file alone.

    There it is encrypted with a password that nobody keeps.
    """
    password = secrets.token_bytes(32).hex().encode()
    key = server.private_key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password)
    )
    chain = "".join(map(ssl.DER_cert_to_PEM_cert, server.chain)).encode()
    with NamedTemporaryFile() as file:
        file.write(key + chain)
        file.flush()
        context.load_cert_chain(file.name, password=password)
