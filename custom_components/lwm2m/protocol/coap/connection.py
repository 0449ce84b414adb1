"""One connection of CoAP over TCP: its peer, its messages, its time limits (RFC 8323)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
import fcntl
import socket
import struct
import termios
from typing import TYPE_CHECKING, override

from aiocoap import EMPTY, Message
from aiocoap.numbers.codes import ABORT, CSM, PING, RELEASE

from . import signaling
from .binding import host_of
from .framing import FrameReader, decode, encode
from .peer import Peer, Scheme
from .signaling import Capabilities, SignalingError
from .wire import MalformedMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from .binding import SocketAddress
    from .tcp import TcpTransport

MESSAGES_PER_STEP = 100
"""So that a burst leaves the rest of the event loop its turn."""
_INT_SIZE = struct.calcsize("i")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How much a connection may ask for; times in seconds."""

    connections: int = 500
    """At once. Home Assistant raises the limit of its open files to 2,048 for all it does."""
    message_size: int = 1024 * 1024 + 512
    """Bytes of a message that peers may send, 1 MiB and what goes around it."""
    incomplete: int = 16 * 1024 * 1024
    """Bytes of messages that are not complete, on all connections together."""
    rate: float = 20.0
    """Per second, from one source."""
    burst: float = 500.0
    """At once, from one source, so that a fleet behind a NAT can restart."""
    opening: float = 15.0
    """Until TLS, where it is spoken, and the first message are through."""
    stalled: float = 60.0
    """Until a message that has begun is complete, or what was sent is read."""
    idle: float = 300.0
    """Without a message, where nobody knows the peer."""
    closing: float = 5.0
    """Until a connection that is being closed is cut off."""
    unacknowledged: float = 120.0
    """Until a connection is lost whose peer acknowledges nothing (TCP_USER_TIMEOUT, tcp(7))."""


class TcpPeer(Peer):
    """The peer at the other end of a connection; `connection` is None when that is closed.

    Equality is identity: over another connection the same device is another peer.
    """

    scheme = Scheme.COAP_TCP
    transport: TcpTransport
    is_reliable = True

    def __init__(self, address: SocketAddress, transport: TcpTransport) -> None:
        """Make the peer at a socket's address, which has no connection yet."""
        self.transport = transport
        self.connection: Connection | None = None
        self.address = address
        self._capabilities = Capabilities()

    @property
    @override
    def is_open(self) -> bool:
        return self.connection is not None

    @property
    @override
    def host(self) -> str:
        return host_of(self.address)

    @property
    @override
    def port(self) -> int:
        return int(self.address[1])

    def take(self, csm: Message) -> None:
        """Heed what the peer says that it can receive; SignalingError."""
        self._capabilities = self._capabilities.updated(csm)
        self.maximum_block_size_exp = self._capabilities.block_size_exponent

    @property
    @override
    def maximum_payload_size(self) -> int:
        """The most bytes of payload in one message, whole or of a block."""
        if self.maximum_block_size_exp < self._capabilities.block_size_exponent:
            return super().maximum_payload_size  # as the peer has asked for since
        return self._capabilities.payload_size


class Connection(asyncio.Protocol):
    """One connection that a peer has opened."""

    def __init__(
        self,
        owner: TcpTransport,
        peer: TcpPeer,
        admit: Callable[[asyncio.Transport], bool] = lambda transport: True,
    ) -> None:
        """Make one from `peer` to `owner`, which gets its messages.

        `admit` says whether to speak to what has connected.
        """
        self.peer = peer
        self._admit = admit
        self.is_released = False
        """Whether the peer waits for no more than its answers."""
        self.held = 0
        """Bytes of a message that is not complete."""
        self._owner = owner
        self._limits = owner.limits
        self._loop = owner.loop
        self._frames = FrameReader(owner.limits.message_size)
        self._has_csm = False
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._opened_at = self.heard_at = self._loop.time()
        self._partial_since: float | None = None
        self._unread_since: float | None = None
        self._closing = False

    # What asyncio tells

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        sock = transport.get_extra_info("socket")
        with suppress(AttributeError, OSError):  # Linux alone has it
            timeout = int(self._limits.unacknowledged * 1000)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout)
        if not self._admit(transport):
            self.cut()
            return
        self.peer.connection = self
        self._owner.opened(self)
        self.send(signaling.csm(self._limits.message_size))
        self._watch()

    @override
    def data_received(self, data: bytes) -> None:
        if not self._closing:  # TLS hands over what it had read
            self._frames.feed(data)
            self._work()

    @override
    def pause_writing(self) -> None:
        self._unread_since = self._loop.time()
        self._transport.pause_reading()
        self._watch()

    @override
    def resume_writing(self) -> None:
        self._unread_since = None
        self._work()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        if self._timer is not None:
            self._timer.cancel()
        if self.peer.is_open:
            self._owner.lost(self)

    # What its owner wants

    def send(self, message: Message) -> None:
        """Send a message, behind all before it."""
        if not self._closing:
            self._transport.write(encode(message))
            self._owner.counters.messages_out += 1

    @property
    def is_acknowledged(self) -> bool:
        """Whether the peer's TCP has acknowledged all that was sent, where the system tells."""
        if self._transport.get_write_buffer_size():
            return False
        sock = self._transport.get_extra_info("socket")
        try:
            unsent = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(_INT_SIZE))
        except OSError:
            return True
        return unsent == bytes(_INT_SIZE)

    def abort(self, diagnostic: str, bad_csm_option: int | None = None) -> None:
        """Tell the peer what it did wrong, and close at once (RFC 8323 5.6)."""
        if not self._closing:
            self._owner.counters.connections_aborted += 1
            self.send(signaling.abort(diagnostic, bad_csm_option))
            self.close()

    def release(self) -> None:
        """Tell the peer that the connection is not needed any more, and close it.

        RFC 8323 5.5 has the peer close it; one that is gone would leave it open for good.
        """
        self.send(signaling.release())
        self.close()

    def cut(self) -> None:
        """Close at once, whatever waits to be sent."""
        self._end()
        self._transport.abort()

    def close(self) -> None:
        """Close once all is sent, and read nothing more."""
        if not self._closing:
            self._end()
            self._transport.close()
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(self._limits.closing, self._transport.abort)

    def _end(self) -> None:
        """Take nothing more, and forget what is not complete."""
        self._closing = True
        self._frames.clear()
        self._account()

    # Messages

    def _work(self) -> None:
        """Take messages that have arrived: some, so that the rest of the loop has its turn.

        A peer that does not read its answers gets to ask no more.
        """
        taken = 0
        try:
            while not self._closing and self._unread_since is None:
                if taken == MESSAGES_PER_STEP:
                    self._transport.pause_reading()
                    self._loop.call_soon(self._work)
                    return
                if (frame := self._frames.take()) is None:
                    self._note_partial(new=taken > 0)
                    self._transport.resume_reading()
                    return
                taken += 1
                self._receive(decode(frame, self.peer))
        except MalformedMessage as error:
            self._owner.counters.malformed += 1
            self.abort(str(error))
        except SignalingError as error:
            self.abort(str(error), error.bad_csm_option)
        finally:
            self._account()

    def _account(self) -> None:
        """Tell how much more is held, or less."""
        change = self._frames.pending - self.held
        if change:
            self.held += change
            self._owner.hold(change)

    def _note_partial(self, *, new: bool) -> None:
        """Note since when a message is not complete; `new` if others before it were."""
        if not self._frames.pending:
            self._partial_since = None
        elif new or self._partial_since is None:
            self._partial_since = self._loop.time()
            self._watch()

    def _receive(self, message: Message) -> None:
        self.heard_at = self._loop.time()
        self._owner.counters.messages_in += 1
        if message.code.is_signalling():
            self._signal(message)
        elif not self._has_csm:
            self.abort("a CSM comes first")  # RFC 8323 3.3
        elif message.code != EMPTY:  # RFC 8323 3.4
            self._owner.receive(message)

    def _signal(self, message: Message) -> None:
        """Heed a signaling message; one of an unknown code means nothing."""
        signaling.check_options(message)
        if message.code == CSM:
            self.peer.take(message)
            self._has_csm = True
            self._watch()
        elif not self._has_csm:
            self.abort("a CSM comes first")
        elif message.code == PING:
            self.send(signaling.pong(message))
        elif message.code == RELEASE:
            self.is_released = True
            self._owner.close_if_answered(self)
        elif message.code == ABORT:
            self.cut()

    # Time limits

    def _deadline(self) -> float:
        if not self._has_csm:
            return self._opened_at + self._limits.opening
        if self._stalled_since is not None:
            return self._stalled_since + self._limits.stalled
        return self.heard_at + self._limits.idle

    @property
    def _stalled_since(self) -> float | None:
        """Since when the rest of a message is awaited, or that what was sent is read."""
        since = (self._partial_since, self._unread_since)
        return min((time for time in since if time is not None), default=None)

    def _watch(self) -> None:
        """See to it that the time limits are looked at when the first of them ends.

        One timer serves all messages: moving it for each would cost more.
        """
        deadline = self._deadline()
        if self._closing or (self._timer is not None and self._timer.when() <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._check)

    def _check(self) -> None:
        self._timer = None
        if self._deadline() <= self._loop.time():
            if not self._has_csm:
                self.abort("no CSM in time")
            elif self._stalled_since is not None:
                self.abort("no whole message in time")
            elif self._owner.is_known(self.peer):
                self.heard_at = self._loop.time()
            else:
                self.release()
        self._watch()
