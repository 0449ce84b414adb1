"""What a ClientHello and this server's credentials agree on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .ciphers import SUITES, CipherSuite, KeyExchange, Mode
from .errors import Alert, HandshakeError
from .extensions import (
    ECDSA_SECP256R1_SHA256,
    UNCOMPRESSED,
    CertificateType,
    ClientExtensions,
    Extension,
    Group,
    max_fragment_length_code,
)
from .messages import EMPTY_RENEGOTIATION_INFO_SCSV, ClientHello
from .records import DTLS_1_2, MAX_PLAINTEXT
from .wire import vector

if TYPE_CHECKING:
    from collections.abc import Collection

    from .credentials import Credentials

_X509_ONLY = (CertificateType.X509,)
"""RFC 7250 4.1: what a client means that does not say."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The parameters of a connection."""

    suite: CipherSuite
    group: Group
    """Of a key exchange by certificate."""
    client_certificate_type: CertificateType
    server_certificate_type: CertificateType
    offer: ClientExtensions
    secure_renegotiation: bool

    @property
    def encrypt_then_mac(self) -> bool:
        """RFC 7366 3: of CBC suites only."""
        return self.offer.encrypt_then_mac and self.suite.mode is Mode.CBC

    @property
    def max_fragment(self) -> int:
        """The longest plaintext of a record towards the client, bytes."""
        return self.offer.max_fragment_length or MAX_PLAINTEXT

    def answer(self, connection_id: bytes, *, resumed: bool) -> dict[Extension, bytes]:
        """Return the ServerHello's extensions; `connection_id` is what the client shall write."""
        offer = self.offer
        extensions: dict[Extension, bytes] = {}
        if self.secure_renegotiation:
            extensions[Extension.RENEGOTIATION_INFO] = vector(1, b"")
        if offer.max_fragment_length is not None:
            code = max_fragment_length_code(offer.max_fragment_length)
            extensions[Extension.MAX_FRAGMENT_LENGTH] = code
        if offer.extended_master_secret:
            extensions[Extension.EXTENDED_MASTER_SECRET] = b""
        if self.encrypt_then_mac:
            extensions[Extension.ENCRYPT_THEN_MAC] = b""
        if offer.connection_id is not None:
            extensions[Extension.CONNECTION_ID] = vector(1, connection_id)
        if self.suite.key_exchange is KeyExchange.ECDHE_ECDSA and not resumed:
            if offer.point_formats:
                extensions[Extension.EC_POINT_FORMATS] = vector(1, UNCOMPRESSED)
            if offer.client_certificate_types is not None:
                kind = self.client_certificate_type.to_bytes(1)
                extensions[Extension.CLIENT_CERTIFICATE_TYPE] = kind
            if offer.server_certificate_types is not None:
                kind = self.server_certificate_type.to_bytes(1)
                extensions[Extension.SERVER_CERTIFICATE_TYPE] = kind
        return extensions


def negotiate(
    hello: ClientHello, credentials: Credentials, resumed: CipherSuite | None = None
) -> Agreement:
    """Choose the parameters; raises HandshakeError where there is nothing in common.

    The suite is the client's favourite, of which those with CBC come last. `resumed` is the suite
    of a session that is resumed, which stands (RFC 5246 7.4.1.3).
    """
    # Versions count downwards (RFC 6347 4.1); whoever offers more than 1.2 speaks 1.2 too.
    if hello.version > DTLS_1_2:
        raise HandshakeError(Alert.PROTOCOL_VERSION, "client does not speak DTLS 1.2")
    offer = hello.parse_extensions()
    server = credentials.server
    group = _group(offer.groups)
    server_type = client_type = None
    if server is not None:
        server_type = _first(offer.server_certificate_types, server.certificate_types)
        client_type = _first(offer.client_certificate_types, credentials.certificate_types)
    signs = (
        offer.signature_algorithms is not None
        and ECDSA_SECP256R1_SHA256 in offer.signature_algorithms
    )

    def usable(suite: CipherSuite) -> bool:
        if suite.key_exchange is KeyExchange.PSK:
            return True
        return signs and None not in (group, server_type, client_type)

    if resumed is not None:
        suite: CipherSuite | None = resumed
    else:
        offered = [SUITES[number] for number in hello.suites if number in SUITES]
        # Sorting is stable, so within each kind the client's order stays.
        offered.sort(key=lambda suite: suite.mode is Mode.CBC)
        suite = next(filter(usable, offered), None)
        if suite is None and offered and None in (server_type, client_type):
            # RFC 7250 4.2.
            raise HandshakeError(Alert.UNSUPPORTED_CERTIFICATE, "no certificate type in common")
    if suite is None:
        raise HandshakeError(Alert.HANDSHAKE_FAILURE, "no cipher suite in common")
    return Agreement(
        suite=suite,
        group=group or Group.SECP256R1,
        client_certificate_type=client_type or CertificateType.X509,
        server_certificate_type=server_type or CertificateType.X509,
        offer=offer,
        secure_renegotiation=(
            offer.renegotiation_info or EMPTY_RENEGOTIATION_INFO_SCSV in hello.suites
        ),
    )


def _group(offered: tuple[int, ...] | None) -> Group | None:
    """RFC 8422 4: a client that names no group takes any."""
    if offered is None:
        return Group.SECP256R1
    return next((Group(number) for number in offered if number in set(Group)), None)


def _first(
    offered: tuple[int, ...] | None, accepted: Collection[CertificateType]
) -> CertificateType | None:
    for number in _X509_ONLY if offered is None else offered:
        if number in accepted:
            return CertificateType(number)
    return None
