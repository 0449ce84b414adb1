"""aiocoap's message and token layers, bent to a server with many unreliable peers.

What aiocoap 0.4.17 does otherwise, and why it can't stay so:

1. One unanswered request ends every request to that peer. Here it ends alone.
2. A cancelled request is retransmitted on, and blocks the next. Here it is withdrawn.
3. A request that got an empty ACK waits for ever. Here every exchange has a time limit.
4. Observations lose notifications, and 5. can't be cancelled. Here they are in a table of our
   own, which sees each notification before aiocoap does.
6. A duplicated separate response is rejected. Here it is acknowledged again.
7. Memory of requests has no bound. Here each peer has a share of its own.
8. Each message that ends has all under way looked through. Here each peer has a line of its own.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, override

from aiocoap import ACK, CON, EMPTY, NON, RST
from aiocoap.messagemanager import MessageManager
from aiocoap.tokenmanager import TokenManager

from .errors import (
    EndpointClosed,
    NoAcknowledgement,
    NoResponse,
    PeerBusy,
    ResetReceived,
    ResponseNotUnderstood,
)
from .lines import Lines
from .wire import (
    CON_CONTENT,
    HEADER_LENGTH,
    NOTIFICATION_HEADS,
    TOKEN,
    TOKEN_LENGTH,
    MalformedMessage,
    acknowledge,
    decode,
    is_understood,
    must_be_rejected,
    read_notification,
    reset,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Hashable

    from aiocoap import Message
    from aiocoap.numbers.constants import TransportTuning

    from .counters import CoapCounters
    from .errors import CoapError
    from .limits import Shares
    from .observation import ObservationTable
    from .peer import Peer
    from .recent import SharedRecent
    from .tcp import TcpTransport


class Exchange:
    """A request message on its way, and the response to come."""

    __slots__ = ("_on_response", "message", "response")

    def __init__(
        self,
        message: Message,
        response: asyncio.Future[Message],
        on_response: Callable[[Message], None] | None,
    ) -> None:
        """`on_response` is called as the response arrives, before any datagram after it."""
        self.message = message
        self.response = response
        self._on_response = on_response

    def answer(self, response: Message) -> None:
        """End with a response."""
        if self._on_response is not None:
            self._on_response(response)
        self.response.set_result(response)

    def add_exception(self, error: Exception) -> None:
        """End without a response."""
        if not self.response.done():
            self.response.set_exception(error)


class TokenLayer(TokenManager):  # type: ignore[misc]  # aiocoap is untyped
    """Matches responses to requests by token (RFC 7252 5.3)."""

    token_interface: MessageLayer | TcpTransport
    outgoing_requests: dict[tuple[bytes, Peer], Exchange]
    _closed = False

    @override
    def next_token(self) -> bytes:
        """Make a token that nobody can guess (RFC 7252 5.3.1)."""
        return secrets.token_bytes(TOKEN_LENGTH)

    async def exchange(
        self,
        message: Message,
        timeout: float,
        *,
        token: bytes | None = None,
        on_response: Callable[[Message], None] | None = None,
    ) -> Message:
        """Send one request message and return its response, of whatever code.

        `timeout` is in seconds. Cancelling withdraws the message, also one that is
        still queued behind another. NoAcknowledgement, NoResponse, ResetReceived,
        ResponseNotUnderstood, PeerBusy, EndpointClosed.
        """
        if self._closed:
            raise EndpointClosed
        message.mid = message.mtype = None
        message.token = token or self.next_token()
        key = (message.token, message.remote)
        exchange = Exchange(message, self.loop.create_future(), on_response)
        self.outgoing_requests[key] = exchange
        timer = self.loop.call_later(timeout, self._expire, exchange)
        try:
            withdraw = self.token_interface.send_message(
                message, lambda: exchange.add_exception(ResetReceived())
            )
            try:
                return await exchange.response
            finally:
                withdraw()
        finally:
            timer.cancel()
            self.outgoing_requests.pop(key, None)

    def _expire(self, exchange: Exchange) -> None:
        acknowledged = not self.token_interface.is_pending(exchange.message)
        exchange.add_exception(NoResponse() if acknowledged else NoAcknowledgement())

    def fail(self, message: Message, error: CoapError) -> None:
        """End the exchange of one message that gets no response, and no other."""
        if exchange := self.outgoing_requests.get((message.token, message.remote)):
            exchange.add_exception(error)

    def fail_all(self, peer: Peer, error: CoapError) -> None:
        """End all exchanges with a peer, also those that it began."""
        for (_, remote), exchange in self.outgoing_requests.items():
            if remote == peer:
                exchange.add_exception(error)
        for (_, remote), (_, stop) in list(self.incoming_requests.items()):
            if remote == peer:
                stop()

    @override
    def process_response(self, response: Message) -> bool:
        """Give a response to its exchange; False when none waits for it."""
        exchange = self.outgoing_requests.get((response.token, response.remote))
        if exchange is None or exchange.response.done():
            return False
        if not is_understood(response):
            exchange.add_exception(ResponseNotUnderstood("a critical option is unknown"))
            return False
        if (
            exchange.message.opt.observe == 1
            and response.opt.observe is not None
            and response.mtype is not ACK
        ):
            return True  # a notification that crossed the request to end its observation
        exchange.answer(response)
        return True

    @override
    async def shutdown(self) -> None:
        self._closed = True
        for _, stop in list(self.incoming_requests.values()):
            stop()
        for exchange in self.outgoing_requests.values():
            exchange.add_exception(EndpointClosed())
        await self.token_interface.shutdown()


class MessageLayer(MessageManager):  # type: ignore[misc]  # aiocoap is untyped
    """Message IDs, types, acknowledgements, retransmissions and duplicates (RFC 7252 4)."""

    token_manager: TokenLayer

    def __init__(
        self,
        tokens: TokenLayer,
        observations: ObservationTable,
        counters: CoapCounters,
        tuning: TransportTuning,
        shares: Shares,
    ) -> None:
        """Make the layer under `tokens`; `tuning` holds RFC 7252's times for all messages."""
        super().__init__(tokens)
        self._observations = observations
        self._counters = counters
        self._tuning = tuning
        waiting = shares.limits.waiting
        self._lines = Lines(self.loop, tuning.NSTART, waiting, super().send_message)
        self._recent: SharedRecent[Peer, tuple[Hashable, int], bytes | None] = shares.recent(
            shares.limits.remembered, tuning.EXCHANGE_LIFETIME
        )
        """By sender and message ID: what answers a duplicate, once it was sent."""

    # Incoming

    def receive(self, data: bytes, peer: Peer) -> None:
        """Handle one datagram.

        A notification is by far the most frequent, and the first to be told apart: one of a
        familiar form becomes no message of aiocoap's.
        """
        head = data[:2]
        if (
            head in NOTIFICATION_HEADS
            and (observation := self._observations.get(peer, data[TOKEN])) is not None
            and (response := read_notification(data)) is not None
        ):
            if head == CON_CONTENT:
                self.message_interface.send_datagram(acknowledge(data), peer)
            if self._lines:
                self._lines.heard(peer)
            self._observations.notify(observation, response)
            return
        try:
            message = decode(data, peer)
        except MalformedMessage:
            self._counters.malformed += 1
            if must_be_rejected(data):
                self._reject(peer, int.from_bytes(data[2:HEADER_LENGTH]))
            return
        message.transport_tuning = self._tuning
        if message.mtype is not ACK or message.code is not EMPTY:
            self._lines.heard(peer)
        if (
            message.code.is_response()
            and message.mtype in (CON, NON)
            and (observation := self._observations.get(peer, message.token))
            and is_understood(message)
        ):
            if message.mtype is CON:
                self._send_empty_ack(peer, message.mid, "notification")
                self._remember(message)
            self._observations.deliver(observation, message)
        else:
            self.dispatch_message(message)

    @override
    def _deduplicate_message(self, message: Message) -> bool:
        """Tell whether a request is a duplicate, and answer it as before (RFC 7252 4.5).

        Takes the place of aiocoap's, whose memory has no bound and leaves timers behind.
        """
        if (share := self._recent.find(message.remote, _key(message))) is None:
            self._remember(message)
            self._counters.requests += 1
            return False
        self._counters.duplicates += 1
        if message.mtype is CON and (answer := share.get(_key(message))):
            self.message_interface.send_datagram(answer, message.remote)
        return True

    @override
    def _store_response_for_duplicates(self, message: Message) -> None:
        # Any other type carries a message ID of ours, which says nothing about the peer's.
        if message.mtype is ACK:
            key = _key(message)
            if (share := self._recent.find(message.remote, key)) is not None:
                share.replace(key, message.encode())

    @override
    def _process_response(self, response: Message) -> bool:
        """Tell whether a response was expected, or is a duplicate of one that was."""
        if super()._process_response(response):
            if response.mtype is CON:
                self._remember(response)
            return True
        if response.mtype is CON and self._recent.find(response.remote, _key(response)) is not None:
            self._counters.duplicates += 1
            return True
        self._counters.unmatched += 1
        if response.mtype is NON and self._observations.forgotten(response.token):
            self._reject(response.remote, response.mid)
        return False

    def _remember(self, message: Message) -> None:
        self._counters.forgotten += self._recent.set(message.remote, _key(message), None)

    def _reject(self, peer: Peer, mid: int) -> None:
        self._send_via_transport(reset(peer, mid))

    # Outgoing

    @override
    def send_message(
        self, message: Message, messageerror_monitor: Callable[[], None]
    ) -> Callable[[], None]:
        """Send or queue a message; the returned function withdraws it where it still can.

        PeerBusy for a request that too many are in line before.
        """
        message.transport_tuning = self._tuning
        if self._is_confirmable(message):
            try:
                self._lines.put(message, messageerror_monitor)
            except PeerBusy:
                self._counters.busy += 1
                raise
        else:
            super().send_message(message, messageerror_monitor)
        return lambda: self._withdraw(message, messageerror_monitor)

    def _is_confirmable(self, message: Message) -> bool:
        """Tell whether aiocoap will send a message as confirmable: a request, a late answer."""
        return message.code.is_request() or (
            message.request.mtype is CON
            and (message.remote, message.token) not in self._piggyback_opportunities
        )

    def is_pending(self, message: Message) -> bool:
        """Tell whether a confirmable message is queued, or not yet acknowledged."""
        key = (message.remote, message.mid)
        return key in self._active_exchanges or self._lines.is_waiting(message)

    def _withdraw(self, message: Message, monitor: Callable[[], None]) -> None:
        """Stop to send a message, and let the next to its peer go."""
        key = (message.remote, message.mid)
        active = self._active_exchanges.get(key)
        if active is not None and active[0] is monitor:
            del self._active_exchanges[key]
            active[1].cancel()
            self._lines.ended(*key)
        else:
            self._lines.withdraw(message)

    # What is in line is in ours: aiocoap looks through all exchanges for each that ends.

    @override
    def _add_exchange(self, message: Message, messageerror_monitor: Callable[[], None]) -> None:
        super()._add_exchange(message, messageerror_monitor)
        del self._backlogs[message.remote]
        self._lines.began(message)

    @override
    def _remove_exchange(self, message: Message) -> None:
        if message.mtype is ACK and message.code is EMPTY:
            self._lines.acknowledged(message.remote, message.mid)
        super()._remove_exchange(message)
        self._lines.ended(message.remote, message.mid)

    @override
    def _continue_backlog(self, remote: Peer) -> None:
        pass

    @override
    def _retransmit(self, message: Message, timeout: float, retransmission_counter: int) -> None:
        if retransmission_counter < self._tuning.MAX_RETRANSMIT:
            super()._retransmit(message, timeout, retransmission_counter)
            return
        del self._active_exchanges[message.remote, message.mid]
        self.token_manager.fail(message, NoAcknowledgement())
        self._lines.ended(message.remote, message.mid)

    @override
    def _send_via_transport(self, message: Message) -> None:
        if message.mtype is RST:
            self._counters.resets_sent += 1
        super()._send_via_transport(message)

    @override
    async def shutdown(self) -> None:
        for _, timer in self._active_exchanges.values():
            timer.cancel()
        for _, timer in self._piggyback_opportunities.values():
            timer.cancel()
        self._active_exchanges.clear()
        self._lines.clear()
        self._piggyback_opportunities.clear()
        await self.message_interface.shutdown()


def _key(message: Message) -> tuple[Hashable, int]:
    """Return what tells a message of a peer from its others for a while (RFC 7252 4.4)."""
    return message.remote.conversation, message.mid
