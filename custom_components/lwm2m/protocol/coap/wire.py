"""From a datagram to a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap import ACK, CON, EMPTY, NON, RST, Message
from aiocoap.error import UnparsableMessage

if TYPE_CHECKING:
    from aiocoap.interfaces import EndpointAddress

HEADER_LENGTH = 4
MAX_TOKEN_LENGTH = 8


class MalformedMessage(ValueError):
    """A datagram that is no CoAP message."""


def decode(data: bytes, peer: EndpointAddress) -> Message:
    """Decode a datagram into a message from `peer`.

    MalformedMessage for what RFC 7252 3 calls a message format error, for option values that
    are not of their type, and for a code that its message type can't carry (RFC 7252 4.3, table 1).
    """
    if len(data) < HEADER_LENGTH or data[0] >> 6 != 1:
        raise MalformedMessage("not CoAP version 1")
    token_length = data[0] & 0x0F
    if token_length > MAX_TOKEN_LENGTH or len(data) < HEADER_LENGTH + token_length:
        raise MalformedMessage("bad token length")
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


def must_be_rejected(data: bytes) -> bool:
    """Tell whether a malformed datagram gets a Reset: confirmable, version 1 (RFC 7252 4.2)."""
    return len(data) >= HEADER_LENGTH and data[0] >> 4 == 0b0100


def reset(peer: EndpointAddress, mid: int) -> Message:
    """Make the Reset that rejects the message `mid` of `peer` (RFC 7252 4.2)."""
    message = Message(_mtype=RST, _mid=mid, code=EMPTY)
    message.remote = peer
    return message
