"""What a ClientHello and this server's credentials agree on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
import struct
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
    extension,
    max_fragment_length_code,
    parse_extensions,
)
from .messages import EMPTY_RENEGOTIATION_INFO_SCSV, ClientHello
from .records import DTLS_1_2, DTLS_MAJOR, MAX_PLAINTEXT
from .wire import vector

if TYPE_CHECKING:
    from collections.abc import Collection

    from .credentials import Credentials

_GROUPS = {group.value: group for group in Group}
_NONE: frozenset[CertificateType] = frozenset()
_X509 = CertificateType.X509
_X509_ONLY = (_X509,)
"""RFC 7250 4.1: what a client means that does not say."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The parameters of a session, which a resumption has to keep."""

    suite: CipherSuite
    encrypt_then_mac: bool
    """RFC 7366 3: of CBC suites only."""
    max_fragment: int
    """The longest plaintext of a record towards the client, bytes (RFC 6066 4)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The parameters of a connection."""

    terms: Terms
    group: Group
    """Of a key exchange by certificate."""
    client_certificate_type: CertificateType
    server_certificate_type: CertificateType
    offer: ClientExtensions
    resumes: bool
    """Whether the terms are those of the session that was to be resumed."""
    answer: bytes
    """The ServerHello's extensions, but for the connection ID."""

    def extensions(self, connection_id: bytes) -> bytes:
        """Return the ServerHello's extensions; `connection_id` is what the client shall write."""
        if self.offer.connection_id is None:
            return self.answer
        return self.answer + extension(Extension.CONNECTION_ID, vector(1, connection_id))


def negotiate(
    hello: ClientHello, credentials: Credentials, former: Terms | None = None
) -> Agreement:
    """Choose the parameters; raises HandshakeError where there is nothing in common.

    The suite is the client's favourite, of which those with CBC come last. `former` is what was
    agreed on in a session that is to be resumed: it is, where the client offers just that again
    (RFC 5246 7.4.1.3, RFC 6066 4).
    """
    # Versions count downwards (RFC 6347 4.1); whoever offers more than 1.2 speaks 1.2 too.
    if hello.version > DTLS_1_2 or hello.version >> 8 != DTLS_MAJOR:
        raise HandshakeError(Alert.PROTOCOL_VERSION, "client does not speak DTLS 1.2")
    server = credentials.server
    own_types = server.certificate_types if server else _NONE
    client_types = credentials.certificate_types if server else _NONE
    return _agree(hello.suites, hello.extensions, own_types, client_types, former)


@lru_cache(maxsize=64)
def _agree(
    suites: bytes,
    extensions: bytes,
    own_types: frozenset[CertificateType],
    client_types: frozenset[CertificateType],
    former: Terms | None,
) -> Agreement:
    """Do so; remembered, because devices of one make offer the same, time and again."""
    offer = parse_extensions(extensions)
    server_type = _first(offer.server_certificate_types, own_types)
    client_type = _first(offer.client_certificate_types, client_types)
    by_certificate = (
        _takes_our_key(offer)
        and _takes_our_signature(offer)
        and None not in {server_type, client_type}
    )
    numbers = struct.unpack(f"!{len(suites) // 2}H", suites)
    offered = [SUITES[number] for number in numbers if number in SUITES]
    terms = next((each for suite in offered if (each := _terms(suite, offer)) == former), None)
    resumes = terms is not None
    if terms is None:
        suite = min(
            (s for s in offered if by_certificate or s.key_exchange is KeyExchange.PSK),
            key=_is_cbc,
            default=None,
        )
        if suite is None and offered and None in {server_type, client_type}:
            # RFC 7250 4.2.
            raise HandshakeError(Alert.UNSUPPORTED_CERTIFICATE, "no certificate type in common")
        if suite is None:
            raise HandshakeError(Alert.HANDSHAKE_FAILURE, "no cipher suite in common")
        terms = _terms(suite, offer)
    answer: dict[Extension, bytes] = {}
    if offer.renegotiation_info or EMPTY_RENEGOTIATION_INFO_SCSV in numbers:
        answer[Extension.RENEGOTIATION_INFO] = vector(1, b"")
    if offer.max_fragment_length is not None:
        code = max_fragment_length_code(offer.max_fragment_length)
        answer[Extension.MAX_FRAGMENT_LENGTH] = code
    if offer.extended_master_secret:
        answer[Extension.EXTENDED_MASTER_SECRET] = b""
    if terms.encrypt_then_mac:
        answer[Extension.ENCRYPT_THEN_MAC] = b""
    if terms.suite.key_exchange is KeyExchange.ECDHE_ECDSA and not resumes:
        if offer.point_formats:
            answer[Extension.EC_POINT_FORMATS] = vector(1, UNCOMPRESSED)
        if offer.client_certificate_types is not None:
            answer[Extension.CLIENT_CERTIFICATE_TYPE] = (client_type or _X509).to_bytes(1)
        if offer.server_certificate_types is not None:
            answer[Extension.SERVER_CERTIFICATE_TYPE] = (server_type or _X509).to_bytes(1)
    return Agreement(
        terms=terms,
        group=_group(offer.groups),
        client_certificate_type=client_type or _X509,
        server_certificate_type=server_type or _X509,
        offer=offer,
        resumes=resumes,
        answer=b"".join(extension(number, body) for number, body in answer.items()),
    )


def _terms(suite: CipherSuite, offer: ClientExtensions) -> Terms:
    encrypt_then_mac = offer.encrypt_then_mac and suite.mode is Mode.CBC
    return Terms(suite, encrypt_then_mac, offer.max_fragment_length or MAX_PLAINTEXT)


def _is_cbc(suite: CipherSuite) -> bool:
    return suite.mode is Mode.CBC


def _group(offered: tuple[int, ...] | None) -> Group:
    """Return the client's favourite; one that names no group takes any (RFC 8422 4)."""
    known = (_GROUPS[number] for number in offered or () if number in _GROUPS)
    return next(known, Group.SECP256R1)


def _takes_our_key(offer: ClientExtensions) -> bool:
    """RFC 8422 5.1: the groups are those of keys, too, which a client can check signatures with."""
    return offer.groups is None or Group.SECP256R1 in offer.groups


def _takes_our_signature(offer: ClientExtensions) -> bool:
    """By RFC 5246 7.4.1.4.1 a client that names no signatures takes those with SHA-1.

    None that has these suites means that: older tinydtls names none and knows SHA-256 alone. Leshan
    does the same.
    """
    named = offer.signature_algorithms
    return named is None or ECDSA_SECP256R1_SHA256 in named


def _first(
    offered: tuple[int, ...] | None, accepted: Collection[CertificateType]
) -> CertificateType | None:
    for number in _X509_ONLY if offered is None else offered:
        if number in accepted:
            return CertificateType(number)
    return None
