"""Requests to one registered client."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aiocoap import Message
from aiocoap.numbers import codes

from .coap import (
    CoapError,
    ConnectionLost,
    EndpointClosed,
    NoAcknowledgement,
    NoResponse,
    PeerBusy,
)
from .errors import (
    BadResponse,
    ClientRefused,
    ClientTimeout,
    NotConnected,
    NotRegistered,
    QueueFull,
    RegistrationEnded,
)
from .path import Path
from .persistence import StoredObservation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from aiocoap.numbers.codes import Code

    from .coap import CoapEndpoint, NotificationSink, Peer, Response
    from .errors import Operation
    from .queue_mode import RequestQueue
    from .registration import Registration

MAX_DIAGNOSTIC = 256
"""Bytes of a client's own words that are kept: they go to logs and to users."""


class Exchanges:
    """Sends requests to where a client registered, and ends them when it is gone from there.

    Those to a client in queue mode go one after the other, and wait while it sleeps. One that is
    not acknowledged, or was on its way to where the client no longer is, is sent once more when
    the client is heard: a client may then get it twice.
    """

    def __init__(
        self,
        coap: CoapEndpoint,
        registration: Registration,
        timeout: float,
        queue: RequestQueue,
        *,
        is_behind: bool = False,
    ) -> None:
        """`timeout` is in seconds, for each block of a request with all its retransmissions.

        `is_behind` says that the queue is that of a gateway which the client is behind.
        """
        self.registration = registration
        self.queue = queue
        self._coap = coap
        self._timeout = timeout
        self._pending: set[asyncio.Timeout] = set()
        self._closed = False
        self._is_behind = is_behind

    def make(self, code: Code, path: Path, **options: object) -> Message:
        """Make a request for a path, below the alternate path (Transport-V1_1_1 6.4.1)."""
        root = self.registration.root.strip("/")
        return Message(
            code=code,
            uri_path=(*(root.split("/") if root else ()), *map(str, path)),
            **options,
        )

    def turn(
        self, path: Path, written: frozenset[Path] = frozenset()
    ) -> AbstractAsyncContextManager[None]:
        """Let no other operation between the requests of one; see `RequestQueue.turn`."""
        return self.queue.turn(path, written, root=self.registration.root)

    async def send(self, path: Path, message: Message) -> Message:
        """Return the response, of whatever code.

        NotRegistered, NotConnected, ClientTimeout, BadResponse; in queue mode Superseded and
        QueueFull, but not NotConnected.
        """

        def exchange() -> Awaitable[Message]:
            message.remote = self.registration.remote
            return self._coap.request(message, timeout=self._timeout)

        return await self._bound(path, exchange)

    async def observe(self, path: Path, message: Message, sink: NotificationSink) -> Message:
        """Return the first response as `send` does; notifications go to `sink`."""

        def exchange() -> Awaitable[Message]:
            message.remote = self.registration.remote
            return self._coap.observe(message, sink, timeout=self._timeout)

        return await self._bound(path, exchange)

    async def cancel(self, path: Path, remote: Peer, token: bytes) -> None:
        """End an observation and tell the client; raises what `send` does, and ClientRefused."""
        response = await self._bound(
            path, lambda: self._coap.cancel(remote, token, timeout=self._timeout)
        )
        if response is not None:
            self.check(path, response)

    def resume(self, stored: StoredObservation, sink: NotificationSink) -> Peer:
        """Take up an observation of before a restart; return where it is."""
        if stored.payload:
            message = self.make(
                codes.FETCH,
                Path(),
                content_format=stored.content_format,
                accept=stored.accept,
                payload=stored.payload,
            )
        else:
            message = self.make(codes.GET, stored.paths[0], accept=stored.accept)
        remote: Peer = self.registration.remote
        message.remote = remote
        age = (datetime.now(UTC) - stored.time).total_seconds()
        self._coap.resume(message, stored.token, sink, sequence=stored.sequence, age=age)
        return remote

    def describe(self, paths: tuple[Path, ...], token: bytes) -> StoredObservation | None:
        """Return what `resume` takes; None for an observation that is not there."""
        known = self._coap.observations.get(self.registration.remote, token)
        if known is None:
            return None
        age = asyncio.get_running_loop().time() - known.time
        return StoredObservation(
            paths,
            token,
            known.request.opt.accept,
            known.request.opt.content_format,
            known.request.payload,
            known.sequence,
            datetime.now(UTC) - timedelta(seconds=age),
        )

    def forget(self, remote: Peer, token: bytes) -> None:
        """End an observation without telling the client."""
        self._coap.forget(remote, token)

    def check(
        self, path: Path, response: Message | Response, operation: Operation | None = None
    ) -> None:
        """ClientRefused when the client did not do what it was asked for, an `operation`."""
        if not response.code.is_successful():
            diagnostic = response.payload[:MAX_DIAGNOSTIC].decode(errors="replace")
            raise ClientRefused(
                self.registration.endpoint, path, response.code, diagnostic, operation
            )

    def reaches(self, remote: Peer) -> bool:
        """Tell whether the client is still registered, and there."""
        return not self._closed and self.registration.remote == remote

    def interrupt(self) -> None:
        """End all that is under way: with NotRegistered, or in queue mode to be sent again."""
        now = asyncio.get_running_loop().time()
        for scope in self._pending:
            if not scope.expired():
                scope.reschedule(now)

    def close(self) -> None:
        """Fail all that waits or is under way, and all that is still asked for."""
        self._closed = True
        reason = RegistrationEnded(self.registration.endpoint)
        if self._is_behind:
            self.queue.drop(self.registration.root, lambda _: reason)
        else:
            self.queue.close(lambda _: reason)
        self.interrupt()

    async def _bound[Result](self, path: Path, exchange: Callable[[], Awaitable[Result]]) -> Result:
        async with self.turn(path):
            while True:
                if self._closed:
                    raise NotRegistered(self.registration.endpoint)
                try:
                    return await self._attempt(path, exchange)
                except ClientTimeout as err:
                    if not (isinstance(err.__cause__, NoAcknowledgement) and self.queue.may_wait):
                        raise
                    self.queue.sleep()
                except NotConnected:
                    if not self.queue.may_wait:
                        raise
                    if not self.registration.remote.is_open:  # else it is back already
                        self.queue.sleep()
                except NotRegistered:
                    if self._closed or not self.queue.may_wait:
                        raise
                await self.queue.turn_again()

    async def _attempt[Result](
        self, path: Path, exchange: Callable[[], Awaitable[Result]]
    ) -> Result:
        endpoint = self.registration.endpoint
        try:
            async with asyncio.timeout(None) as scope:
                self._pending.add(scope)
                try:
                    response = await exchange()
                finally:
                    self._pending.discard(scope)
        except TimeoutError, EndpointClosed:
            raise NotRegistered(endpoint) from None
        except ConnectionLost as err:
            raise NotConnected(endpoint, path) from err
        except PeerBusy as err:
            raise QueueFull(endpoint, path) from err
        except (NoAcknowledgement, NoResponse) as err:
            raise ClientTimeout(endpoint, path) from err
        except CoapError as err:
            self.queue.heard()
            raise BadResponse(endpoint, path, str(err) or type(err).__name__) from err
        self.queue.heard()
        return response
