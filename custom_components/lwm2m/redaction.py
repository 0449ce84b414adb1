"""What of a device may be shown to strangers, such as the readers of an issue.

Text is hidden unless the name of its resource says that it's harmless, numbers are shown unless
the name says what they tell. So what nobody has thought of is hidden, and so is the value of a
resource without a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
import re
from typing import TYPE_CHECKING, Any

from homeassistant.components.diagnostics import REDACTED, async_redact_data

from .values import to_json

if TYPE_CHECKING:
    from homeassistant.util.json import JsonValueType

    from .protocol.coap import Peer
    from .protocol.model.definitions import ResourceModel
    from .protocol.node import Scalar, Value

_PERSONAL = re.compile(
    r"""
    passw | passphrase | secret | credential | certificate | token | psk | \bpins?\b | \bpuk\b
    | keys?(?![a-z]) | serial | imei | imsi | iccid | msisdn | phone | user.?name | owner
    | ident | \bids?\b | \bb?ssid\b | \bmac\b | address | \bur[il]\b | host
    | latitude | longitude | altitude | location | cell.?id | area.?code | \blac\b | neighbou?r
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Names of what tells who or where somebody is, or opens something."""
_HARMLESS_TEXT = re.compile(
    r"manufacturer|model|version|units?$|type|colou?r|time ?zone|utc offset|binding|state|status",
    re.IGNORECASE,
)
_URN_SCHEME = re.compile(r"urn:[a-z0-9-]{1,31}:", re.IGNORECASE)
_SETTINGS = frozenset({"title", "name", "unique_id", "endpoint"})


def redact_value(value: Value, model: ResourceModel | None) -> JsonValueType:
    """Return a value with JSON's types, or what may be said instead of it."""
    if isinstance(value, dict):
        return {
            str(instance): _redact_scalar(scalar, model)
            for instance, scalar in sorted(value.items())
        }
    return _redact_scalar(value, model)


def _redact_scalar(value: Scalar, model: ResourceModel | None) -> JsonValueType:
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    if not value and isinstance(value, str):
        return value
    if model is None or _PERSONAL.search(model.name):
        return REDACTED
    if isinstance(value, str) and not _HARMLESS_TEXT.search(model.name):
        return REDACTED
    return to_json(value)


def redact_endpoint(endpoint: str) -> str:
    """Return an endpoint name without what makes it one of a kind, such as `urn:imei:`."""
    scheme = _URN_SCHEME.match(endpoint)
    return f"{scheme[0] if scheme else ''}{REDACTED}"


def redact_address(peer: Peer) -> dict[str, JsonValueType]:
    """Return what an address tells of the network, without itself."""
    return {**redact_host(peer.host), "port": peer.port}


def redact_host(host: str) -> dict[str, JsonValueType]:
    """Return what a numeric address tells of the network, without itself."""
    address = ip_address(host)
    return {
        "family": f"IPv{address.version}",
        "private": address.is_private,
        "link_local": address.is_link_local,
    }


def redact_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without names and credentials."""
    personal = {
        key
        for key in _keys(settings)
        if key in _SETTINGS or _PERSONAL.search(key.replace("_", " "))
    }
    return async_redact_data(settings, personal)


def _keys(settings: Any) -> set[str]:
    match settings:
        case Mapping():
            return {str(key) for key in settings}.union(*map(_keys, settings.values()))
        case list():
            return set().union(*map(_keys, settings))
        case _:
            return set()
