"""aiocoap's message and token layers, bent to a server with many unreliable peers.

What aiocoap 0.4.17 does otherwise, and why it can't stay so:

1. One unanswered request ends every request to that peer. Here it ends alone.
2. A cancelled request is retransmitted on, and blocks the next. Here it is withdrawn.
3. A request that got an empty ACK waits for ever. Here every exchange has a deadline.
4. Observations lose notifications, and 5. can't be cancelled. Here they are in a table of our
   own, which sees each notification before aiocoap does.
6. A duplicated separate response is rejected. Here it is acknowledged again.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, override

from aiocoap import ACK, CON, NON, RST
from aiocoap.messagemanager import MessageManager
from aiocoap.tokenmanager import TokenManager

from .errors import EndpointClosed, NoAcknowledgement, NoResponse, ResetReceived
from .recent import Recent
from .wire import (
    CON_CONTENT,
    HEADER_LENGTH,
    NOTIFICATION_HEADS,
    TOKEN,
    TOKEN_LENGTH,
    MalformedMessage,
    acknowledge,
    decode,
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
    from .observation import ObservationTable
    from .peer import Peer
    from .tcp import TcpTransport

MAX_RECENT_MESSAGES = 16384
"""Messages remembered for their duplicates: at some 700 bytes each, 11 MB at worst."""


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
        deadline: float,
        *,
        token: bytes | None = None,
        on_response: Callable[[Message], None] | None = None,
    ) -> Message:
        """Send one request message and return its response, of whatever code.

        `deadline` is in the loop's time. Cancelling withdraws the message, also one that is
        still queued behind another. NoAcknowledgement, NoResponse, ResetReceived, EndpointClosed.
        """
        if self._closed:
            raise EndpointClosed
        message.mid = message.mtype = None
        message.token = token or self.next_token()
        key = (message.token, message.remote)
        exchange = Exchange(message, self.loop.create_future(), on_response)
        self.outgoing_requests[key] = exchange
        withdraw = self.token_interface.send_message(
            message, lambda: exchange.add_exception(ResetReceived())
        )
        timer = self.loop.call_at(deadline, self._expire, exchange)
        try:
            return await exchange.response
        finally:
            timer.cancel()
            withdraw()
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
    ) -> None:
        """Make the layer under `tokens`; `tuning` holds RFC 7252's times for all messages."""
        super().__init__(tokens)
        self._observations = observations
        self._counters = counters
        self._tuning = tuning
        self._recent: Recent[tuple[Hashable, int], bytes | None] = Recent(
            tuning.EXCHANGE_LIFETIME, MAX_RECENT_MESSAGES, self.loop.time
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
        if (
            message.code.is_response()
            and message.mtype in (CON, NON)
            and (observation := self._observations.get(peer, message.token))
        ):
            if message.mtype is CON:
                self._send_empty_ack(peer, message.mid, "notification")
            self._observations.deliver(observation, message)
        else:
            self.dispatch_message(message)

    @override
    def _deduplicate_message(self, message: Message) -> bool:
        """Tell whether a request is a duplicate, and answer it as before (RFC 7252 4.5).

        Takes the place of aiocoap's, whose memory has no bound and leaves timers behind.
        """
        key = (message.remote.conversation, message.mid)
        if key not in self._recent:
            self._recent.set(key, None)
            self._counters.requests += 1
            return False
        self._counters.duplicates += 1
        if message.mtype is CON and (answer := self._recent.get(key)):
            self.message_interface.send_datagram(answer, message.remote)
        return True

    @override
    def _store_response_for_duplicates(self, message: Message) -> None:
        # Any other type carries a message ID of ours, which says nothing about the peer's.
        key = (message.remote.conversation, message.mid)
        if message.mtype is ACK and key in self._recent:
            self._recent.replace(key, message.encode())

    @override
    def _process_response(self, response: Message) -> bool:
        """Tell whether a response was expected, or is a duplicate of one that was."""
        key = (response.remote.conversation, response.mid)
        if super()._process_response(response):
            if response.mtype is CON:
                self._recent.set(key, None)
            return True
        if response.mtype is CON and key in self._recent:
            self._counters.duplicates += 1
            return True
        self._counters.unmatched += 1
        if response.mtype is NON and self._observations.forgotten(response.token):
            self._reject(response.remote, response.mid)
        return False

    def _reject(self, peer: Peer, mid: int) -> None:
        self._send_via_transport(reset(peer, mid))

    # Outgoing

    @override
    def send_message(
        self, message: Message, messageerror_monitor: Callable[[], None]
    ) -> Callable[[], None]:
        """Send or queue a message; the returned function withdraws it where it still can."""
        message.transport_tuning = self._tuning
        super().send_message(message, messageerror_monitor)
        return lambda: self._withdraw(message, messageerror_monitor)

    def is_pending(self, message: Message) -> bool:
        """Tell whether a confirmable message is queued, or not yet acknowledged."""
        return (message.remote, message.mid) in self._active_exchanges or any(
            queued is message for queued, _ in self._backlogs.get(message.remote, ())
        )

    def _withdraw(self, message: Message, monitor: Callable[[], None]) -> None:
        """Stop to send a message, and let the next to its peer go."""
        remote, key = message.remote, (message.remote, message.mid)
        active = self._active_exchanges.get(key)
        if active is not None and active[0] is monitor:
            del self._active_exchanges[key]
            active[1].cancel()
            self._continue_backlog(remote)
        elif remote in self._backlogs:
            self._backlogs[remote] = [
                entry for entry in self._backlogs[remote] if entry[0] is not message
            ]

    @override
    def _retransmit(self, message: Message, timeout: float, retransmission_counter: int) -> None:
        if retransmission_counter < self._tuning.MAX_RETRANSMIT:
            super()._retransmit(message, timeout, retransmission_counter)
            return
        del self._active_exchanges[message.remote, message.mid]
        self.token_manager.fail(message, NoAcknowledgement())
        self._continue_backlog(message.remote)

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
        self._backlogs.clear()
        self._piggyback_opportunities.clear()
        await self.message_interface.shutdown()
