"""What two ends of a connection tell each other about it (RFC 8323 5)."""

from __future__ import annotations

from dataclasses import dataclass

from aiocoap import Message
from aiocoap.numbers.codes import ABORT, CSM, PONG, RELEASE
from aiocoap.optiontypes import OpaqueOption, UintOption

from .transfer import BERT, MESSAGE_OVERHEAD, block_size, largest_block

MAX_MESSAGE_SIZE = 2
BLOCK_WISE_TRANSFER = 4
BAD_CSM_OPTION = 2

BASE_MESSAGE_SIZE = 1152
"""RFC 8323 5.3.1."""
_MAX_UINT_LENGTH = 4


class SignalingError(Exception):
    """A signaling message that ends the connection; `bad_csm_option` is the option's number."""

    def __init__(self, diagnostic: str, bad_csm_option: int | None = None) -> None:
        """Say what is wrong."""
        super().__init__(diagnostic)
        self.bad_csm_option = bad_csm_option


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a peer can receive; the base values of RFC 8323 5.3 until it tells."""

    max_message_size: int = BASE_MESSAGE_SIZE
    block_wise: bool = False

    def updated(self, csm: Message) -> Capabilities:
        """Return them as a CSM leaves them, which says only what changes; SignalingError."""
        size, block_wise = self.max_message_size, self.block_wise
        for option in csm.opt.option_list():
            if option.number == MAX_MESSAGE_SIZE:
                if len(option.value) > _MAX_UINT_LENGTH:
                    raise SignalingError("Max-Message-Size is too long", MAX_MESSAGE_SIZE)
                size = int.from_bytes(option.value)
            elif option.number == BLOCK_WISE_TRANSFER:
                block_wise = True
        return Capabilities(size, block_wise)

    @property
    def payload_size(self) -> int:
        """How many bytes of payload fit into one message."""
        return max(self.max_message_size - MESSAGE_OVERHEAD, block_size(0))

    @property
    def block_size_exponent(self) -> int:
        """The SZX of the largest blocks that the peer takes (RFC 7959 2.2, RFC 8323 5.3.2)."""
        if self.block_wise and self.max_message_size > BASE_MESSAGE_SIZE:
            return BERT
        return largest_block(self.max_message_size)


def check_options(message: Message) -> None:
    """SignalingError for a critical option: none is defined (RFC 8323 5.2, 11.2)."""
    for number in message.opt._options:
        if number.is_critical():
            raise SignalingError(
                "unknown critical option", int(number) if message.code == CSM else None
            )


def csm(max_message_size: int) -> Message:
    """Say that we take messages of this size, and blocks (RFC 8323 5.3)."""
    message = Message(code=CSM)
    message.opt.add_option(UintOption(MAX_MESSAGE_SIZE, max_message_size))
    message.opt.add_option(OpaqueOption(BLOCK_WISE_TRANSFER, b""))
    return message


def pong(ping: Message) -> Message:
    """Answer a Ping; its elective option Custody is not known here (RFC 8323 5.4)."""
    return Message(code=PONG, _token=ping.token)


def release() -> Message:
    """Ask the peer to close the connection (RFC 8323 5.5)."""
    return Message(code=RELEASE)


def abort(diagnostic: str, bad_csm_option: int | None = None) -> Message:
    """Say why the connection is closed now (RFC 8323 5.6)."""
    message = Message(code=ABORT, payload=diagnostic.encode())
    if bad_csm_option is not None:
        message.opt.add_option(UintOption(BAD_CSM_OPTION, bad_csm_option))
    return message
