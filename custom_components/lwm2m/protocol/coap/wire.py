"""From a datagram to a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap import ACK, CON, EMPTY, NON, RST, Message
from aiocoap.error import UnparsableMessage

if TYPE_CHECKING:
    from aiocoap.interfaces import EndpointAddress

HEADER_LENGTH = 4
MAX_TOKEN_LENGTH = 8
MAX_OPTIONS = 128
"""More than any message of LwM2M has; aiocoap takes 0.2 s for the largest datagram's 65,000."""
PAYLOAD_MARKER = 0xFF
_EXTENSION = {13: 1, 14: 2}
"""How many bytes extend an option's delta or length of 13 or 14 (RFC 7252 3.1)."""
_EXTENDED = {13: 13, 14: 269}
"""What is added to the extension."""


class MalformedMessage(ValueError):
    """A datagram that is no CoAP message."""


def decode(data: bytes, peer: EndpointAddress) -> Message:
    """Decode a datagram into a message from `peer`.

    MalformedMessage for what RFC 7252 3 calls a message format error, for option values that
    are not of their type, for more than MAX_OPTIONS, and for a code that its message type can't
    carry (RFC 7252 4.3, table 1).
    """
    if len(data) < HEADER_LENGTH or data[0] >> 6 != 1:
        raise MalformedMessage("not CoAP version 1")
    token_length = data[0] & 0x0F
    if token_length > MAX_TOKEN_LENGTH or len(data) < HEADER_LENGTH + token_length:
        raise MalformedMessage("bad token length")
    if _has_too_many_options(data, HEADER_LENGTH + token_length):
        raise MalformedMessage("too many options")
    try:
        message = Message.decode(data, remote=peer)
    except (UnparsableMessage, ValueError) as error:
        raise MalformedMessage("bad option") from error
    if message.code == EMPTY:
        fits = len(data) == HEADER_LENGTH and message.mtype is not NON
    elif message.code.is_request():
        fits = message.mtype in (CON, NON)
    else:
        fits = message.code.is_response() and message.mtype in (CON, NON, ACK)
    if not fits:
        raise MalformedMessage("code and type do not fit")
    return message


def _has_too_many_options(data: bytes, at: int) -> bool:
    """Step over the options that begin at `at` (RFC 7252 3.1), malformed ones included."""
    for _ in range(MAX_OPTIONS):
        if at >= len(data) or data[at] == PAYLOAD_MARKER:
            return False
        delta, length = divmod(data[at], 16)
        at += 1 + _EXTENSION.get(delta, 0)
        size = _EXTENSION.get(length, 0)
        if size:
            length = _EXTENDED[length] + int.from_bytes(data[at : at + size])
        at += size + length
    return at < len(data) and data[at] != PAYLOAD_MARKER


def must_be_rejected(data: bytes) -> bool:
    """Tell whether a malformed datagram gets a Reset: confirmable, version 1 (RFC 7252 4.2)."""
    return len(data) >= HEADER_LENGTH and data[0] >> 4 == 0b0100


def reset(peer: EndpointAddress, mid: int) -> Message:
    """Make the Reset that rejects the message `mid` of `peer` (RFC 7252 4.2)."""
    message = Message(_mtype=RST, _mid=mid, code=EMPTY)
    message.remote = peer
    return message
