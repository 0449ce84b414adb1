"""Checks that what we reach into aiocoap for is still there."""

from __future__ import annotations

from functools import cache
import inspect

from aiocoap import Context, Message
from aiocoap.messagemanager import MessageManager
from aiocoap.options import Options
from aiocoap.tokenmanager import TokenManager

_HOOKS: dict[tuple[type, str], str] = {
    (
        Context,
        "_append_tokenmanaged_messagemanaged_transport",
    ): "message_interface_constructor",
    (Context, "render_to_pipe"): "pipe",
    (TokenManager, "next_token"): "",
    (TokenManager, "process_request"): "request",
    (TokenManager, "process_response"): "response",
    (TokenManager, "shutdown"): "",
    (MessageManager, "dispatch_message"): "message",
    (MessageManager, "send_message"): "message messageerror_monitor",
    (MessageManager, "shutdown"): "",
    (MessageManager, "_add_exchange"): "message messageerror_monitor",
    (MessageManager, "_remove_exchange"): "message",
    (MessageManager, "_deduplicate_message"): "message",
    (MessageManager, "_store_response_for_duplicates"): "message",
    (MessageManager, "_process_response"): "response",
    (MessageManager, "_continue_backlog"): "remote",
    (MessageManager, "_retransmit"): "message timeout retransmission_counter",
    (MessageManager, "_send_via_transport"): "message",
    (MessageManager, "_send_empty_ack"): "remote mid reason",
    (Message, "decode"): "rawdata remote",
    (Message, "get_cache_key"): "ignore_options",
}
"""Each method that `layers` and `endpoint` call or override, and its parameters."""

_ATTRIBUTES: dict[type, str] = {
    MessageManager: "_active_exchanges _backlogs _piggyback_opportunities token_manager loop log",
    TokenManager: "incoming_requests outgoing_requests loop log",
    Context: "request_interfaces loop log",
    Options: "_options",
}
"""Each attribute that they touch, which the constructor sets."""


class IncompatibleLibrary(RuntimeError):
    """This release of aiocoap is not as this endpoint needs it."""


@cache
def check_aiocoap() -> None:
    """Raise IncompatibleLibrary, naming the hook, when one of aiocoap's internals has moved."""
    for (owner, name), parameters in _HOOKS.items():
        method = getattr(owner, name, None)
        if method is None:
            raise IncompatibleLibrary(f"aiocoap's {owner.__name__}.{name} is gone")
        found = [p for p in inspect.signature(method).parameters if p != "self"]
        if found != parameters.split():
            raise IncompatibleLibrary(f"aiocoap's {owner.__name__}.{name} takes {found}")
    for owner, names in _ATTRIBUTES.items():
        assigned = vars(owner)["__init__"].__code__.co_names
        for name in names.split():
            if name not in assigned:
                raise IncompatibleLibrary(f"aiocoap's {owner.__name__}.{name} is gone")
