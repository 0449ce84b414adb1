"""What Activity says of a server and its devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.components.logbook import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .commands import EVENT_COMMAND, Outcome
from .const import DOMAIN, EVENT_REGISTRATION, EVENT_SECURITY, RegistrationChange
from .protocol.security import SecurityEventType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from homeassistant.util.event_type import EventType

SECURITY_MESSAGES = {
    SecurityEventType.UNKNOWN_IDENTITY: "turned an unknown device away",
    SecurityEventType.WRONG_KEY: "could not prove who it is: wrong key or certificate",
    SecurityEventType.HANDSHAKE_FAILED: "could not establish a secure connection",
    SecurityEventType.ENDPOINT_MISMATCH: "pretended to be another device",
    SecurityEventType.PLAINTEXT_ATTEMPT: "was turned away, as it came without encryption",
    SecurityEventType.REPLAY: "was sent repeated messages",
    SecurityEventType.BAD_MAC: "was sent forged messages",
    SecurityEventType.FLOOD: "was flooded with connections",
    SecurityEventType.UNEXPECTED_DEREGISTRATION: "was signed off from another address",
}
REGISTRATION_MESSAGES = {
    RegistrationChange.REGISTERED: "registered",
    RegistrationChange.DEREGISTERED: "signed off",
    RegistrationChange.EXPIRED: "was not heard of any more before its lifetime ended",
    RegistrationChange.REVOKED: "was signed off because its security was changed",
    RegistrationChange.GATEWAY_GONE: "cannot be reached, as its gateway is offline",
}
COMMAND_MESSAGES = {
    Outcome.APPLIED: "woke up and took a command to {path}",
    Outcome.REPLACED: "is to get a newer value for {path} than the one that was waiting",
    Outcome.FAILED: "did not take a command to {path} that was waiting: {error}",
}


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, EventType | str, Callable[[Event], dict[str, str]]], None],
) -> None:
    """Say how to describe the integration's events."""

    @callback
    def describe_security(event: Event) -> dict[str, str]:
        return {
            LOGBOOK_ENTRY_NAME: _device_name(hass, event.data.get(ATTR_DEVICE_ID)),
            LOGBOOK_ENTRY_MESSAGE: security_message(event.data),
        }

    @callback
    def describe_registration(event: Event) -> dict[str, str]:
        return {
            LOGBOOK_ENTRY_NAME: _device_name(hass, event.data.get(ATTR_DEVICE_ID)),
            LOGBOOK_ENTRY_MESSAGE: REGISTRATION_MESSAGES[event.data["change"]],
        }

    @callback
    def describe_command(event: Event) -> dict[str, str]:
        return {
            LOGBOOK_ENTRY_NAME: _device_name(hass, event.data.get(ATTR_DEVICE_ID)),
            LOGBOOK_ENTRY_MESSAGE: COMMAND_MESSAGES[event.data["outcome"]].format(
                path=event.data["path"], error=event.data.get("error", "")
            ),
        }

    async_describe_event(DOMAIN, EVENT_SECURITY, describe_security)
    async_describe_event(DOMAIN, EVENT_REGISTRATION, describe_registration)
    async_describe_event(DOMAIN, EVENT_COMMAND, describe_command)


def security_message(data: Mapping[str, Any]) -> str:
    """Return what happened, as the rest of a sentence that a device's name begins."""
    message = SECURITY_MESSAGES[SecurityEventType(data["type"])]
    claimed, count = data["claimed"], data["count"]
    parts = [
        f"from {data['source']}",
        *([f'as "{claimed}"'] if claimed and claimed != data["endpoint"] else []),
        *([f"{count} times"] if count > 1 else []),
    ]
    return f"{message} ({', '.join(parts)})"


def _device_name(hass: HomeAssistant, device_id: str | None) -> str:
    device = dr.async_get(hass).async_get(device_id) if device_id else None
    return (device.name_by_user or device.name or "LwM2M") if device else "LwM2M"
