"""What of a response or a notification matters above CoAP."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from aiocoap import Message
    from aiocoap.numbers.codes import Code


class Response(NamedTuple):
    """A whole response. A tuple, for one is made of each notification."""

    code: Code
    content_format: int | None
    payload: bytes
    observe: int | None = None

    @classmethod
    def of(cls, message: Message) -> Response:
        """Take what matters from a message."""
        opt = message.opt
        return cls(message.code, opt.content_format, message.payload, opt.observe)

    @property
    def sequence(self) -> int | None:
        """Where it belongs among an observation's notifications; the last has no such number.

        Source: RFC 7641 3.2.
        """
        return self.observe if self.code.is_successful() else None
