"""Stateless cookies, so that only who receives at its address is remembered (RFC 6347 4.2.1)."""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING

from .key_schedule import Hmac

if TYPE_CHECKING:
    from .messages import ClientHello

COOKIE = 16
"""Bytes: 128 bits, which are sent twice in every handshake."""
ROTATION = 60.0
"""Seconds; a cookie is good for one to two of these."""


class CookieJar:
    """Makes and checks cookies with a secret that rotates."""

    def __init__(self) -> None:
        self._current = _new_secret()
        self._previous = _new_secret()
        self._rotation: float | None = None

    def make(self, address: bytes, hello: ClientHello, now: float) -> bytes:
        """Return the cookie for a ClientHello from this address."""
        self._rotate(now)
        return _cookie(self._current, address, hello)

    def valid(self, address: bytes, hello: ClientHello, now: float) -> bool:
        """Say whether a ClientHello brings back a cookie made for it and for its address."""
        if len(hello.cookie) != COOKIE:
            return False
        self._rotate(now)
        return hmac.compare_digest(
            hello.cookie, _cookie(self._current, address, hello)
        ) or hmac.compare_digest(hello.cookie, _cookie(self._previous, address, hello))

    def _rotate(self, now: float) -> None:
        if self._rotation is None:
            self._rotation = now + ROTATION
        elif now >= self._rotation:
            # After a long silence the previous secret is as stale as the one before it.
            stale = now >= self._rotation + ROTATION
            self._previous = _new_secret() if stale else self._current
            self._current = _new_secret()
            self._rotation = now + ROTATION


def _new_secret() -> Hmac:
    return Hmac(os.urandom(32))


def _cookie(secret: Hmac, address: bytes, hello: ClientHello) -> bytes:
    """RFC 6347 4.2.1: a MAC of address and hello, shortened (RFC 2104 5)."""
    return secret.digest(len(address).to_bytes(2) + address + hello.parameters)[:COOKIE]
