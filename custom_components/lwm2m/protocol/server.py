"""The LwM2M server: answers clients' requests, and gives access to those that registered.

Source: OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.3 and 6.7.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
import logging
import secrets
from typing import TYPE_CHECKING

from aiocoap import Message
from aiocoap.numbers import codes

from .access import AccessControl
from .client import Client
from .coap import CoapCounters, CoapEndpoint, PortInUseError, Scheme
from .coap.endpoint import DEFAULT_TIMEOUT
from .dtls import PskIdentity
from .errors import NotRegistered
from .events import (
    Deregistered,
    Expired,
    Presence,
    Registered,
    RegistrationEvent,
    Revoked,
    Sent,
    ServerEvent,
    Updated,
)
from .listeners import Listeners
from .object_list import RequestError
from .persistence import (
    UNSAVED,
    RestoreError,
    dump_observation,
    dump_registration,
    load_observation,
    load_registration,
)
from .queue_mode import AWAKE_TIME
from .registration import RegisterRequest, Registration, apply_update, grant, parse_register
from .registration_store import RegistrationStore
from .security import CredentialStore, SecurityEvent
from .security_monitor import SecurityMonitor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiocoap.numbers.constants import TransportTuning

    from .coap import ConnectionLimits, Peer, PeerLimits
    from .dtls import Counters as DtlsCounters, ServerIdentity
    from .model.registry import ModelRegistry
    from .persistence import Json
    from .security import Credential

__all__ = [
    "Deregistered",
    "Expired",
    "LwM2mServer",
    "PortInUseError",
    "Presence",
    "RegisterRequest",
    "Registered",
    "Registration",
    "RegistrationEvent",
    "Revoked",
    "Scheme",
    "SecurityEvent",
    "Sent",
    "ServerCounters",
    "ServerEvent",
    "Updated",
]

_LOGGER = logging.getLogger(__name__)

MAX_REGISTRATIONS = 10_000
MESSAGE_ID_LEAP = 0x8000
"""How far the message IDs after a restart are from those of before: more than were sent since the
state was saved, and than are sent before peers have forgotten the former (RFC 7252 4.4)."""
LOCATION_BYTES = 8
"""Eleven characters: Contiki-NG takes no location longer than fourteen with its `rd/`."""


@dataclass(slots=True)
class ServerCounters:
    """Numbers since the server was made."""

    coap: CoapCounters
    dtls: DtlsCounters
    registered: int = 0
    updated: int = 0
    deregistered: int = 0
    expired: int = 0
    revoked: int = 0
    """Registrations that a changed credential ended."""
    sent: int = 0
    refused: int = 0
    """Requests answered with an error code."""


class LwM2mServer:
    """A LwM2M server.

    Events reach the subscribers in the order they happen, each after the request that caused it
    was answered: a client ignores what comes before (Core-V1_1_1 6.3).
    """

    def __init__(
        self,
        models: ModelRegistry,
        *,
        admit: Callable[[RegisterRequest], bool] | None = None,
        credentials: CredentialStore | None = None,
        max_registrations: int = MAX_REGISTRATIONS,
        lifetime_grace: float = 0.0,
        request_timeout: float = DEFAULT_TIMEOUT,
        awake_time: float = AWAKE_TIME,
        tuning: TransportTuning | None = None,
        limits: PeerLimits | None = None,
        connection_limits: ConnectionLimits | None = None,
    ) -> None:
        """Make a server that is not started, in a running event loop.

        `credentials` belongs to the server from then on: `set_credential` and `set_identity` change
        it. An endpoint in it registers with its credential, and not without. Of all others,
        `admit` says which may register, all when it is None; the rest get 4.03.
        `lifetime_grace` is how many seconds after the end of its lifetime a client expires,
        `request_timeout` how many seconds a client has to answer a request, `awake_time` how many
        seconds after its last message a client in queue mode falls asleep. `tuning` holds the
        times of RFC 7252 4.8, `limits` what one client can take up, `connection_limits` what a
        TCP connection can. IncompatibleLibrary when aiocoap is not as expected.
        """
        self.ports: dict[Scheme, int] = {}
        self.lapsed: list[str] = []
        """The endpoints that were registered before a restart, and whose lifetime then ended."""
        self.credentials = credentials or CredentialStore()
        self.security = SecurityMonitor(
            self.credentials, self._publish, asyncio.get_running_loop().time
        )
        self._access = AccessControl(self.credentials, self.security)
        self._coap = CoapEndpoint(
            self._respond,
            credentials=self.credentials,
            on_incident=self.security.report_incident,
            tuning=tuning,
            limits=limits,
            connection_limits=connection_limits,
            is_known=lambda peer: self._store.at(peer) is not None,
            on_lost=self._disconnected,
        )
        self.counters = ServerCounters(self._coap.counters, self._coap.dtls_counters)
        self._models = models
        self._admit = admit
        self._max_registrations = max_registrations
        self._request_timeout = request_timeout
        self._awake_time = awake_time
        self._store = RegistrationStore(self._expired, lifetime_grace)
        self._clients: dict[str, Client] = {}
        self._listeners: Listeners[ServerEvent] = Listeners()

    async def start(
        self, host: str | None, ports: Mapping[Scheme, int], state: Json | None = None
    ) -> None:
        """Listen on these ports, on all of IPv4 and IPv6 when `host` is None.

        Port 0 picks a free one; the attribute `ports` says which. `state` is what `dump` returned
        before a restart. PortInUseError when another socket holds a port, OSError for any other
        reason; then the server is to be stopped.
        """
        for scheme, port in ports.items():
            self.ports[scheme] = await self._coap.open(scheme, host, port)
        if state is not None:
            self._restore(state, ports)
        self._coap.start()  # only now: who comes before would be a stranger

    def dump(self) -> Json:
        """Return what a restarted server goes on from, in JSON's types."""
        return {
            "message_id": self._coap.message_id,
            "ports": {scheme.value: port for scheme, port in self.ports.items()},
            "registrations": [
                {
                    **dump_registration(registration),
                    "observations": [
                        dump_observation(stored)
                        for stored in self._clients[registration.endpoint].stored_observations
                    ],
                }
                for registration in self.registrations.values()
            ],
        }

    def _restore(self, state: Json, ports: Mapping[Scheme, int]) -> None:
        """Go on from what was dumped, without events; what cannot be used is left out.

        A registration that expired meanwhile is one of those, unless an Update that was not
        saved any more may have prolonged it: `lapsed` tells. So is one whose endpoint has another
        credential now, or knows the server at another port than is asked for: what is sent from
        that one reaches no client (RFC 7252 4.4 and 5.3.2 match by endpoint).
        """
        try:
            self._coap.message_id = (int(state["message_id"]) + MESSAGE_ID_LEAP) & 0xFFFF
            stored_registrations = list(state["registrations"])
            former = dict(state.get("ports", {}))
        except (KeyError, ValueError, TypeError) as err:
            _LOGGER.warning("The stored state cannot be used: %r", err)
            return
        moved = {
            scheme for scheme, port in ports.items() if port and former.get(scheme, port) != port
        }
        unusable = 0
        for stored in stored_registrations:
            try:
                if stored["remote"]["scheme"] in moved:
                    continue
                registration = load_registration(stored, self._coap.load_peer)
                observations = [load_observation(item) for item in stored["observations"]]
            except RestoreError, KeyError, TypeError:
                unusable += 1
                continue
            elapsed = (datetime.now(UTC) - registration.updated_at).total_seconds()
            grace = self._store.grace(registration.endpoint)
            left = registration.lifetime + grace + UNSAVED - max(elapsed, 0.0)
            if not self._is_allowed(registration):
                continue
            if left <= 0 and registration.lifetime:
                self.lapsed.append(registration.endpoint)
            else:
                self._store.put(registration, left)
                client = self._make_client(registration)
                client.restore(observations)
                self._clients[registration.endpoint] = client
        if unusable:
            _LOGGER.warning("%s stored registrations cannot be used", unusable)

    async def stop(self) -> None:
        """Forget all registrations without an event, fail what is under way, free the port.

        A stopped server cannot be started again.
        """
        await self._coap.close()
        self._store.clear()
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    @property
    def registrations(self) -> Mapping[str, Registration]:
        """The registered clients, by endpoint name."""
        return self._store.by_endpoint

    def client(self, endpoint: str) -> Client:
        """Return a registered client; NotRegistered when there is none of that name.

        It is of one registration: after a new Register of the endpoint there is another.
        """
        try:
            return self._clients[endpoint]
        except KeyError:
            raise NotRegistered(endpoint) from None

    def subscribe(self, listener: Callable[[ServerEvent], object]) -> Callable[[], None]:
        """Call `listener` with each event, until the returned function is called.

        What it raises is logged, and disturbs nobody else.
        """
        return self._listeners.subscribe(listener)

    def set_credential(self, endpoint: str, credential: Credential | None) -> None:
        """Give an endpoint another credential, or none.

        If that is a change, all that it did with the former one, or without any, ends at once, its
        registration included; so does what whoever now proves to be this endpoint did as another.
        CredentialInUse, CredentialError: then nothing has changed.
        """
        if self.credentials.credentials.get(endpoint) == credential:
            return
        if credential is not None:
            self.credentials.check(endpoint, credential)
        self._end_connections(endpoint)
        self.credentials.remove(endpoint)
        if credential is not None:
            self.credentials.put(endpoint, credential)
        self._end_connections(endpoint)
        for registration in tuple(self.registrations.values()):
            if registration.endpoint != endpoint and self._is_allowed(registration):
                continue
            self._remove(registration)
            self.counters.revoked += 1
            self._publish(Revoked(registration))

    def set_lifetime_grace(self, endpoint: str, grace: float | None) -> None:
        """Give an endpoint another `lifetime_grace` than the others; None takes it back."""
        self._store.set_grace(endpoint, grace)

    def forget(self, endpoint: str) -> None:
        """End an endpoint's registration, if it has one, without an event.

        No message tells the client so. What it notifies of is rejected, and its next Update is
        answered with 4.04, on which it registers anew (Transport-V1_1_1 6.4.3).
        """
        if registration := self.registrations.get(endpoint):
            self._remove(registration)

    def set_identity(self, identity: ServerIdentity | None) -> None:
        """Change who this server is, as devices with public keys and certificates see it.

        Those of them that are connected connect anew, and so have the change proved to them.
        """
        self.credentials.server = identity
        self._coap.revoke(lambda peer: not isinstance(peer, PskIdentity))

    def _is_allowed(self, registration: Registration) -> bool:
        return self._access.allows(registration.remote, registration.endpoint)

    def _end_connections(self, endpoint: str) -> None:
        self._coap.revoke(lambda identity: self.credentials.endpoint_of(identity) == endpoint)

    async def _respond(self, message: Message) -> Message:
        try:
            return self._dispatch(message)
        except RequestError as err:
            self.counters.refused += 1
            _LOGGER.debug("Refused %s from %s: %s", err.code, message.remote, err.diagnostic)
            return Message(code=err.code, payload=err.diagnostic.encode())
        finally:
            if registration := self._store.at(message.remote):
                self._clients[registration.endpoint].heard()

    def _dispatch(self, message: Message) -> Message:
        match message.opt.uri_path, message.code:
            case ("rd",), codes.POST:
                return self._register(message)
            case ("rd", location), codes.POST:
                return self._update(location, message)
            case ("rd", location), codes.DELETE:
                return self._deregister(location, message)
            case ("dp",), codes.POST:
                return self._receive_send(message)
            case ("rd",) | ("rd", _) | ("dp",), _:
                raise RequestError(codes.METHOD_NOT_ALLOWED, "")
            case _:
                raise RequestError(codes.NOT_FOUND, "")

    def _register(self, message: Message) -> Message:
        """Register (Core-V1_1_1 6.2.1).

        The specification limits no number of clients. 5.03 tells the client to come again in a
        minute, the default of Max-Age (RFC 7252 5.9.3.4 and 5.10.5). Who has a credential is not
        kept out by those who need none.
        """
        peer: Peer = message.remote
        request = parse_register(message, self._access.endpoint_of(peer))
        self._access.check(peer, request.endpoint, codes.FORBIDDEN)
        known = request.endpoint in self.registrations
        stranger = peer.identity is None
        if stranger and not known and len(self.registrations) >= self._max_registrations:
            raise RequestError(codes.SERVICE_UNAVAILABLE, "too many clients")
        if stranger and self._admit and not self._admit(request):
            raise RequestError(codes.FORBIDDEN, "this endpoint is not admitted")
        registration = grant(request, secrets.token_urlsafe(LOCATION_BYTES), datetime.now(UTC))
        previous = self._store.put(registration)
        if previous:
            self._clients[registration.endpoint].close()
        self._clients[registration.endpoint] = self._make_client(registration)
        self.counters.registered += 1
        self._publish(Registered(registration, previous))
        return Message(code=codes.CREATED, location_path=("rd", registration.id))

    def _update(self, location: str, message: Message) -> Message:
        """Update (Core-V1_1_1 6.2.2); its sender's address becomes the client's."""
        previous = self._registration_at(location, message.remote)
        registration = apply_update(previous, message, datetime.now(UTC))
        self._store.put(registration)
        self._clients[registration.endpoint].update(registration)
        self.counters.updated += 1
        self._publish(Updated(registration, previous))
        return Message(code=codes.CHANGED)

    def _deregister(self, location: str, message: Message) -> Message:
        """De-register (Core-V1_1_1 6.2.3)."""
        registration = self._registration_at(location, message.remote)
        self._access.watch_deregistration(message.remote, registration)
        self._remove(registration)
        self.counters.deregistered += 1
        self._publish(Deregistered(registration))
        return Message(code=codes.DELETED)

    def _receive_send(self, message: Message) -> Message:
        """Send (Core-V1_1_1 6.4.6); it names no endpoint, its sender's address does."""
        registration = self._store.at(message.remote)
        if registration is None:
            raise RequestError(codes.NOT_FOUND, "not registered")
        client = self._clients[registration.endpoint]
        sent = client.parse_send(message)
        self.counters.sent += 1
        for sender, readings in sent:
            behind = None if sender.root == registration.root else sender.endpoint
            self._publish(Sent(registration, readings, behind))
        return Message(code=codes.CHANGED)

    def _registration_at(self, location: str, peer: Peer) -> Registration:
        """Return what a peer names and may change; RequestError."""
        registration = self._store.get(location)
        if registration is None:
            raise RequestError(codes.NOT_FOUND, "no such registration")
        self._access.check(peer, registration.endpoint, codes.BAD_REQUEST)
        return registration

    def _remove(self, registration: Registration) -> None:
        self._store.remove(registration)
        self._clients.pop(registration.endpoint).close()

    def _expired(self, registration: Registration) -> None:
        self._clients.pop(registration.endpoint).close()
        self.counters.expired += 1
        self._publish(Expired(registration))

    def _disconnected(self, peer: Peer) -> None:
        """Leave a client registered whose connection is closed, until its lifetime ends.

        It is to be reachable over TCP at any time (Core-V1_1_1 6.2.1.2), so it comes back; when,
        the specification leaves open.
        """
        if registration := self._store.at(peer):
            self._clients[registration.endpoint].disconnected()

    def _make_client(self, registration: Registration) -> Client:
        return Client(
            self._coap,
            registration,
            self._models,
            self._request_timeout,
            awake_time=self._awake_time,
            on_presence=self._presence_changed,
        )

    def _presence_changed(self, client: Client) -> None:
        self._listeners.emit(Presence(client.registration, client.awake, client.waiting))

    def _publish(self, event: ServerEvent) -> None:
        """Tell the listeners once this step of the loop, which sends the answer, is over."""
        asyncio.get_running_loop().call_soon(self._listeners.emit, event)
