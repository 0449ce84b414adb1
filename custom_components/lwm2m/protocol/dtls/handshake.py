"""The server's side of one handshake, from a ClientHello with a valid cookie on (RFC 6347 4.2.4).

Full, by pre-shared key (RFC 4279) or by certificates on both sides (RFC 8422, RFC 7250), and
abbreviated (RFC 5246 7.3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
import hashlib
import hmac
import os
from typing import TYPE_CHECKING

from . import certificates, key_exchange, messages
from .channel import EPOCH, Channel
from .ciphers import CipherSuite, KeyExchange, record_ciphers
from .credentials import CertificateIdentity, PskIdentity, RawPublicKeyIdentity
from .errors import Alert, BadRecordMac, DecodeError, HandshakeError
from .events import NOT_PROVED, Refusal
from .extensions import CertificateType
from .flight import Flight
from .key_schedule import (
    VERIFY_DATA,
    Hmac,
    extended_master_secret,
    master_secret,
    psk_premaster,
    verify_data,
)
from .messages import HandshakeType, fragments
from .negotiation import negotiate
from .reassembly import Reassembler
from .records import ContentType, Record
from .sessions import LIFETIME, SESSION_ID, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric import ec

    from .credentials import Credentials, Identity
    from .messages import ClientHello, Fragment
    from .sessions import SessionCache

FIRST_TIMEOUT = 1.0
"""Seconds until the first retransmission; then it doubles (RFC 6347 4.2.4.1)."""
MAX_TIMEOUT = 60.0
TOTAL_TIMEOUT = 90.0
"""Seconds a handshake may take in all; a slow device computes for 10 of them."""
EARLY_RECORDS = 8
"""Records of epoch 1 that are kept until they can be read (RFC 6347 4.2.4, 4.1)."""
EARLY_BYTES = 4096
_CHANGE_CIPHER_SPEC = b"\x01"


class _Expect(Enum):
    """What the client must send next."""

    CERTIFICATE = auto()
    CLIENT_KEY_EXCHANGE = auto()
    CERTIFICATE_VERIFY = auto()
    FINISHED = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Environment:
    """What all handshakes of a server share."""

    credentials: Credentials = field(repr=False)
    sessions: SessionCache
    decoy: bytes = field(repr=False)
    """The key of all unknown identities, which nobody knows."""


class Handshake:
    """One handshake. Whoever calls its methods sends `outgoing` and empties it afterwards."""

    __slots__ = (
        "_agreement",
        "_candidate",
        "_cipher_changed",
        "_client_key",
        "_early_bytes",
        "_end",
        "_environment",
        "_expect",
        "_interval",
        "_keyed",
        "_master",
        "_messages",
        "_new_connection_id",
        "_now",
        "_other_keys",
        "_private",
        "_sequence",
        "_server",
        "_server_random",
        "_session_id",
        "_transcript",
        "channel",
        "client_random",
        "connection_id",
        "cookie",
        "deadline",
        "early",
        "flight",
        "identity",
        "max_fragment",
        "outgoing",
        "refusal",
        "resumed",
        "session",
    )

    def __init__(
        self,
        environment: Environment,
        message: Fragment,
        record_sequence: int,
        new_connection_id: Callable[[], bytes],
        now: float,
    ) -> None:
        """Begin with all of a ClientHello, and with the number of its record.

        The answer takes over the numbers of both, as its sender knows of no others yet
        (RFC 6347 4.2.1, 4.2.2). `new_connection_id` is called if the client takes part in that.
        """
        self.outgoing: list[bytes] = []
        self.client_random = b""
        self.cookie = b""
        self.connection_id = b""
        self.channel: Channel | None = None
        self.session: Session | None = None
        self.identity: Identity | None = None
        """Who the client is, once both sides have proved that they know the keys."""
        self.refusal = Refusal.PROTOCOL
        self.early: list[Record] = []
        """Application data that came before the handshake was over."""
        self.max_fragment = 0
        self.resumed = False
        self.deadline = now + FIRST_TIMEOUT
        self._end = now + TOTAL_TIMEOUT
        self._interval = FIRST_TIMEOUT
        self._environment = environment
        self._new_connection_id = new_connection_id
        self._server_random = os.urandom(messages.RANDOM)
        self._sequence = message.sequence
        self._messages = Reassembler(message.sequence + 1)
        self._transcript = hashlib.sha256(message.data)
        self._cipher_changed = False
        self._early_bytes = 0
        self._expect = _Expect.NOTHING
        self._server = environment.credentials.server
        self._private: key_exchange.EphemeralKey | None = None
        self._client_key: ec.EllipticCurvePublicKey | None = None
        self._candidate: Identity | None = None
        self._other_keys = Refusal.WRONG_KEY
        self._master = b""
        self._keyed: Hmac | None = None
        self.flight = Flight(record_sequence)

    @property
    def begun(self) -> float:
        """When it began."""
        return self._end - TOTAL_TIMEOUT

    @property
    def suite(self) -> CipherSuite:
        """What was agreed on."""
        return self._agreement.terms.suite

    @property
    def candidate(self) -> Identity | None:
        """Who the client says that it is, proved or not."""
        return self._candidate

    # What comes in

    def start(self, hello: ClientHello, now: float) -> None:
        """Send the server's first flight; raises HandshakeError."""
        self._now = now
        self.client_random = hello.random
        self.cookie = hello.cookie
        session = self._environment.sessions.get(hello.session_id, now)
        self._agreement = negotiate(
            hello, self._environment.credentials, session.terms if session else None
        )
        if not self._agreement.resumes:
            session = None
        offer = self._agreement.offer
        if session is not None and not offer.extended_master_secret:
            raise HandshakeError(Alert.HANDSHAKE_FAILURE, "resumption without its master secret")
        self.max_fragment = self._agreement.terms.max_fragment
        if offer.connection_id is not None:
            self.connection_id = self._new_connection_id()
        if session is not None:
            self._resume(session)
        else:
            self._begin()
        self._transmit()

    def plaintext(self, record: Record, now: float) -> None:
        """Take a handshake record of epoch 0; raises HandshakeError."""
        self._now = now
        for fragment in fragments(record.fragment):
            if fragment.sequence < self._messages.expected:
                continue
            if fragment.type == HandshakeType.FINISHED:
                raise HandshakeError(Alert.UNEXPECTED_MESSAGE, "Finished without protection")
            for whole in self._messages.add(fragment):
                self._take(whole)

    def change_cipher_spec(self, record: Record, now: float) -> None:
        """Take a ChangeCipherSpec (RFC 5246 7.1), which may overtake what it follows.

        It matters only once the keys are there: nothing is ever read with keys of less than the
        whole key exchange.
        """
        if record.fragment != _CHANGE_CIPHER_SPEC:
            raise DecodeError("ChangeCipherSpec is not one")
        self._now = now
        self._cipher_changed = True
        self._take_early()

    def protected(self, record: Record, now: float) -> bool:
        """Take a record of epoch 1, or keep it for later; say whether it was any good.

        Raises HandshakeError when what must be the Finished was made with other keys.
        """
        self._now = now
        if self.channel is None or not self._cipher_changed:
            return self._keep(record)
        if not self.channel.window.fresh(record.sequence):
            return False
        try:
            content_type, content = self.channel.open(record)
        except BadRecordMac:
            if _looks_like_finished(record):
                raise self._keys_differ() from None
            return False
        if content_type == ContentType.APPLICATION_DATA:
            return self._keep(record)
        self.channel.window.mark(record.sequence)
        if content_type == ContentType.ALERT:
            self.refusal = Refusal.PEER_ALERT
            raise HandshakeError(Alert.HANDSHAKE_FAILURE, "peer gave up")
        if content_type != ContentType.HANDSHAKE:
            return False
        for fragment in fragments(content):
            for whole in self._messages.add(fragment):
                if whole[0] != HandshakeType.FINISHED:
                    raise HandshakeError(Alert.UNEXPECTED_MESSAGE, "only Finished is protected")
                self._finish(whole)
        return True

    def retransmit(self) -> None:
        """Answer a flight of the client that came again (RFC 6347 4.2.4)."""
        self._transmit()

    def timeout(self, now: float) -> bool:
        """Retransmit; False when the handshake has taken too long."""
        if now >= self._end:
            return False
        self._transmit()
        self._interval = min(2 * self._interval, MAX_TIMEOUT)
        self.deadline = min(now + self._interval, self._end)
        return True

    # The first flight

    def _begin(self) -> None:
        """Send ServerHello to ServerHelloDone (RFC 5246 7.3)."""
        agreement = self._agreement
        # Without an extended master secret nothing is resumed (RFC 7627 5.3).
        resumable = agreement.offer.extended_master_secret
        self._session_id = os.urandom(SESSION_ID) if resumable else b""
        self._send_hello(self._session_id)
        if agreement.terms.suite.key_exchange is KeyExchange.PSK:
            # No identity hint, hence no ServerKeyExchange (RFC 4279 2).
            self._expect = _Expect.CLIENT_KEY_EXCHANGE
        else:
            server = self._server
            assert server is not None
            if agreement.server_certificate_type is CertificateType.RAW_PUBLIC_KEY:
                certificate = messages.raw_public_key(server.public_key)
            else:
                certificate = messages.x509_certificate(server.chain)
            self._send(HandshakeType.CERTIFICATE, certificate)
            self._private = key_exchange.ephemeral_key(agreement.group)
            parameters = messages.ecdh_parameters(agreement.group, self._private.point)
            signed = self.client_random + self._server_random + parameters
            signature = key_exchange.sign(server.private_key, signed)
            self._send(
                HandshakeType.SERVER_KEY_EXCHANGE, parameters + messages.signature(signature)
            )
            self._send(HandshakeType.CERTIFICATE_REQUEST, messages.certificate_request())
            self._expect = _Expect.CERTIFICATE
        self._send(HandshakeType.SERVER_HELLO_DONE, b"")

    def _resume(self, session: Session) -> None:
        """Send ServerHello to Finished (RFC 5246 7.3, figure 2)."""
        self.resumed = True
        self._session_id = session.id
        self._candidate = session.identity
        self._master = session.master_secret
        self._send_hello(session.id)
        self._make_channel()
        self._send_finished()
        self._expect = _Expect.FINISHED

    def _send_hello(self, session_id: bytes) -> None:
        agreement = self._agreement
        extensions = agreement.extensions(self.connection_id)
        self._send(
            HandshakeType.SERVER_HELLO,
            messages.server_hello(
                self._server_random, session_id, agreement.terms.suite.number, extensions
            ),
        )

    # What the client's messages do

    def _take(self, whole: bytes) -> None:
        kind, body = whole[0], whole[messages.HEADER :]
        if self._expect is not _Expect.CERTIFICATE_VERIFY:
            self._transcript.update(whole)
        match self._expect, kind:
            case _Expect.CERTIFICATE, HandshakeType.CERTIFICATE:
                self._take_certificate(body)
                self._expect = _Expect.CLIENT_KEY_EXCHANGE
            case _Expect.CLIENT_KEY_EXCHANGE, HandshakeType.CLIENT_KEY_EXCHANGE:
                premaster = self._premaster(body)
                self._derive(premaster)
                self._expect = _Expect.CERTIFICATE_VERIFY if self._client_key else _Expect.FINISHED
            case _Expect.CERTIFICATE_VERIFY, HandshakeType.CERTIFICATE_VERIFY:
                assert self._client_key is not None
                signature = messages.parse_certificate_verify(body)
                # It signs what came before it (RFC 5246 7.4.8).
                key_exchange.verify(self._client_key, signature, self._transcript.digest())
                self._transcript.update(whole)
                self._expect = _Expect.FINISHED
            case _:
                raise HandshakeError(Alert.UNEXPECTED_MESSAGE, "message out of turn")
        if self._expect is _Expect.FINISHED:
            self._make_channel()
            self._take_early()

    def _take_certificate(self, body: bytes) -> None:
        credentials = self._environment.credentials
        if credentials.server is not self._server:
            raise HandshakeError(Alert.ACCESS_DENIED, "this server has another key now")
        if self._agreement.client_certificate_type is CertificateType.RAW_PUBLIC_KEY:
            spki = messages.parse_raw_public_key(body)
            self._require(bool(spki))
            self._client_key = certificates.load_public_key(spki)
            self._candidate = RawPublicKeyIdentity(spki)
            known = credentials.trusts_public_key(spki)
            objection = None if known else "public key is not known"
            alert = Alert.CERTIFICATE_UNKNOWN
        else:
            chain = messages.parse_x509_certificate(body, certificates.MAX_CHAIN)
            self._require(bool(chain))
            self._client_key = certificates.public_key(chain[0])
            self._candidate = CertificateIdentity(chain[0])
            objection = credentials.objection_to(chain)
            alert = Alert.UNKNOWN_CA
        if objection is not None:
            self.refusal = Refusal.UNTRUSTED_CERTIFICATE
            raise HandshakeError(alert, objection)

    def _require(self, shown: bool) -> None:
        """RFC 5246 7.4.6: without a certificate there is no client authentication."""
        if not shown:
            self.refusal = Refusal.UNTRUSTED_CERTIFICATE
            raise HandshakeError(Alert.HANDSHAKE_FAILURE, "client shows no certificate")

    def _premaster(self, body: bytes) -> bytes:
        if self._private is not None:
            return self._private.exchange(messages.parse_ecdh_point(body))
        identity = messages.parse_psk_identity(body)
        self._candidate = PskIdentity(identity)
        psk = self._environment.credentials.psk(identity)
        if psk is None:
            # Neither answer nor time tells that it is unknown (RFC 4279 2).
            self._other_keys = Refusal.UNKNOWN_IDENTITY
            psk = self._environment.decoy
        return psk_premaster(psk)

    def _derive(self, premaster: bytes) -> None:
        if self._agreement.offer.extended_master_secret:
            self._master = extended_master_secret(premaster, self._transcript.digest())
        else:
            self._master = master_secret(premaster, self.client_random, self._server_random)

    def _make_channel(self) -> None:
        self._keyed = Hmac(self._master)
        reader, writer = record_ciphers(
            self._agreement.terms.suite,
            self._keyed,
            self.client_random,
            self._server_random,
            encrypt_then_mac=self._agreement.terms.encrypt_then_mac,
        )
        peer_connection_id = self._agreement.offer.connection_id or b""
        self.channel = Channel(reader, writer, self.connection_id, peer_connection_id)

    def _finish(self, whole: bytes) -> None:
        """Check the client's Finished, and send ours unless it went first."""
        expected = self._verify_data(client=True)
        if not hmac.compare_digest(whole[messages.HEADER :], expected):
            raise self._keys_differ()
        assert self._candidate is not None
        if not self.resumed:
            self._transcript.update(whole)
            self.flight = Flight(self.flight.sequence)
            self._send_finished()
            self._transmit()
            if self._session_id:
                self.session = Session(
                    id=self._session_id,
                    terms=self._agreement.terms,
                    master_secret=self._master,
                    identity=self._candidate,
                    expires=self._now + LIFETIME,
                )
        self._expect = _Expect.NOTHING
        self.identity = self._candidate

    def _keys_differ(self) -> HandshakeError:
        """RFC 4279 2: a wrong key and an unknown identity get the same answer."""
        self.refusal = self._other_keys
        return HandshakeError(Alert.DECRYPT_ERROR, NOT_PROVED[self.refusal])

    @property
    def session_id(self) -> bytes:
        """What resumes this connection later; empty: nothing does."""
        return self._session_id

    # Early records

    def _keep(self, record: Record) -> bool:
        size = self._early_bytes + len(record.fragment)
        if len(self.early) == EARLY_RECORDS or size > EARLY_BYTES:
            return False
        self._early_bytes = size
        self.early.append(record)
        return True

    def _take_early(self) -> None:
        """Read what came before the cipher was changed."""
        if self.channel is None or not self._cipher_changed:
            return
        early, self.early, self._early_bytes = self.early, [], 0
        for record in early:
            if self.identity is not None:
                self.early.append(record)
            else:
                self.protected(record, self._now)

    # What goes out

    def _send(self, kind: HandshakeType, body: bytes, *, protected: bool = False) -> None:
        whole = messages.message(kind, self._sequence, body)
        self._sequence += 1
        self._transcript.update(whole)
        self.flight.add(ContentType.HANDSHAKE, whole, protected=protected)

    def _send_finished(self) -> None:
        self.flight.add(ContentType.CHANGE_CIPHER_SPEC, _CHANGE_CIPHER_SPEC)
        self._send(HandshakeType.FINISHED, self._verify_data(client=False), protected=True)

    def _verify_data(self, *, client: bool) -> bytes:
        """Return what the next Finished must hold."""
        assert self._keyed is not None
        digest = self._transcript.digest()
        return verify_data(self._keyed, client=client, transcript_hash=digest)

    def _transmit(self) -> None:
        self.outgoing += self.flight.datagrams(self.channel, self.max_fragment)


_FINISHED = messages.HEADER + VERIFY_DATA


def _looks_like_finished(record: Record) -> bool:
    """Whether a record that cannot be opened must be a Finished, by its type and its length."""
    plausible = record.type in {ContentType.HANDSHAKE, ContentType.TLS12_CID}
    return plausible and record.epoch == EPOCH and len(record.fragment) >= _FINISHED
