"""From a datagram to a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap import ACK, CON, CONTENT, EMPTY, NON, RST, Message
from aiocoap.error import UnparsableMessage
from aiocoap.numbers.optionnumbers import OptionNumber

from .response import Response
from .transfer import MAX_SIZE_EXPONENT

if TYPE_CHECKING:
    from aiocoap.interfaces import EndpointAddress

HEADER_LENGTH = 4
MAX_TOKEN_LENGTH = 8
TOKEN_LENGTH = 8
"""That of the tokens we make, which notifications carry."""
TOKEN = slice(HEADER_LENGTH, HEADER_LENGTH + TOKEN_LENGTH)
CON_CONTENT = bytes((0x40 | TOKEN_LENGTH, CONTENT))
NON_CONTENT = bytes((0x50 | TOKEN_LENGTH, CONTENT))
NOTIFICATION_HEADS = frozenset((CON_CONTENT, NON_CONTENT))
"""How notifications begin: version 1, the type, a token as long as ours; 2.05 (RFC 7252 3)."""
_MESSAGE_ID = slice(2, HEADER_LENGTH)
_EMPTY_ACK = b"\x60\x00"
MAX_OPTIONS = 128
"""More than any message of LwM2M has; aiocoap takes 0.2 s for the largest datagram's 65,000."""
PAYLOAD_MARKER = 0xFF
_MAX_SHORT = 12
_EXTENSION = {13: 1, 14: 2}
"""How many bytes extend an option's delta or length of 13 or 14 (RFC 7252 3.1)."""
_EXTENDED = {13: 13, 14: 269}
"""What is added to the extension."""
_IGNORED = {OptionNumber.ETAG: 8, OptionNumber.MAX_AGE: 4, OptionNumber.SIZE2: 4}
"""What notifications may carry and nobody reads, and how many bytes of it."""
_OBSERVE, _CONTENT_FORMAT, _BLOCK2 = (
    int(OptionNumber.OBSERVE),
    int(OptionNumber.CONTENT_FORMAT),
    int(OptionNumber.BLOCK2),
)
_ONLY_BLOCK = frozenset((b"", *(bytes((exponent,)) for exponent in range(MAX_SIZE_EXPONENT + 1))))
"""Block2 of a first block that is the last, in each size (RFC 7959 2.2)."""


_CRITICAL_IN_RESPONSES = {OptionNumber.BLOCK1, OptionNumber.BLOCK2}


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
    end_of_options(data, HEADER_LENGTH + token_length)
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


def read_notification(data: bytes) -> Response | None:
    """Read a datagram that begins as one of NOTIFICATION_HEADS; None leaves it to `decode`.

    That is for all but whole notifications as clients usually send them: with Observe and perhaps
    ETag, Content-Format, Max-Age, Block2 and Size2. For those, aiocoap takes several times as long.
    """
    at, end = TOKEN.stop, len(data)
    number, observe, content_format, payload = 0, None, None, b""
    while at < end:
        head = data[at]
        start = at + 1
        if head == PAYLOAD_MARKER:
            if start == end:
                return None
            payload = data[start:]
            break
        delta, length = head >> 4, head & 0x0F
        at = start + length
        if delta > _MAX_SHORT or length > _MAX_SHORT or at > end:
            return None
        number += delta
        if number == _OBSERVE and observe is None and length <= 3:
            observe = int.from_bytes(data[start:at])
        elif number == _CONTENT_FORMAT and content_format is None and length <= 2:
            content_format = int.from_bytes(data[start:at])
        elif number == _BLOCK2 and length <= 1:
            if data[start:at] not in _ONLY_BLOCK:
                return None
        elif length > _IGNORED.get(number, -1):
            return None
    if observe is None:
        return None
    return Response(CONTENT, content_format, payload, observe)


def end_of_options(data: bytes, at: int) -> int:
    """Return where the options that begin at `at` end: with the data, or at the payload's marker.

    Malformed ones are stepped over (RFC 7252 3.1). MalformedMessage for more than MAX_OPTIONS.
    """
    for _ in range(MAX_OPTIONS + 1):
        if at >= len(data):
            return len(data)
        if data[at] == PAYLOAD_MARKER:
            return at
        delta, length = divmod(data[at], 16)
        at += 1 + _EXTENSION.get(delta, 0)
        size = _EXTENSION.get(length, 0)
        if size:
            length = _EXTENDED[length] + int.from_bytes(data[at : at + size])
        at += size + length
    raise MalformedMessage("too many options")


def is_understood(response: Message) -> bool:
    """Tell whether a response has no critical option that we don't know.

    Else it is to be rejected (RFC 7252 5.4.1). What only requests have is unknown in a response.
    """
    return not any(
        number.is_critical() and number not in _CRITICAL_IN_RESPONSES
        for number in response.opt._options
    )


def must_be_rejected(data: bytes) -> bool:
    """Tell whether a malformed datagram gets a Reset: confirmable, version 1 (RFC 7252 4.2)."""
    return len(data) >= HEADER_LENGTH and data[0] >> 4 == 0b0100


def acknowledge(data: bytes) -> bytes:
    """Make the empty acknowledgement of a confirmable datagram (RFC 7252 4.2)."""
    return _EMPTY_ACK + data[_MESSAGE_ID]


def reset(peer: EndpointAddress, mid: int) -> Message:
    """Make the Reset that rejects the message `mid` of `peer` (RFC 7252 4.2)."""
    message = Message(_mtype=RST, _mid=mid, code=EMPTY)
    message.remote = peer
    return message
