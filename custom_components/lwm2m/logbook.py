"""What Activity says of a server and its devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.components.logbook import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .commands import EVENT_COMMAND, Outcome
from .const import DOMAIN, EVENT_REGISTRATION, EVENT_SECURITY, RegistrationChange
from .models import key_prefix
from .protocol.path import Path
from .protocol.security import SecurityEventType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from homeassistant.util.event_type import EventType

    from .hub import Lwm2mConfigEntry

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
    Outcome.WAITING: "is asleep: the command for {name} waits until it wakes up",
    Outcome.APPLIED: "woke up and took the command for {name}",
    Outcome.REPLACED: "is to get a newer value for {name} than the one that was waiting",
    Outcome.FAILED: "did not take the command for {name} that was waiting: {error}",
}
SEVERAL = "several resources"


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
        device_id, path = event.data.get(ATTR_DEVICE_ID), Path.parse(event.data["path"])
        return {
            LOGBOOK_ENTRY_NAME: _device_name(hass, device_id),
            LOGBOOK_ENTRY_MESSAGE: COMMAND_MESSAGES[event.data["outcome"]].format(
                name=_path_name(hass, device_id, path), error=event.data.get("error", "")
            ),
        }

    async_describe_event(DOMAIN, EVENT_SECURITY, describe_security)
    async_describe_event(DOMAIN, EVENT_REGISTRATION, describe_registration)
    async_describe_event(DOMAIN, EVENT_COMMAND, describe_command)


def security_message(data: Mapping[str, Any]) -> str:
    """Return what happened, as the rest of a sentence that a device's name begins."""
    message = SECURITY_MESSAGES[SecurityEventType(data["type"])]
    claimed, count, detail = data["claimed"], data["count"], data["detail"]
    last = "last " if count > 1 else ""  # a source is counted, whatever it calls itself
    parts = [
        f"from {data['source']}",
        *([f"{count} times"] if count > 1 else []),
        *([f'{last}as "{claimed}"'] if claimed and claimed != data["endpoint"] else []),
        *([detail] if detail else []),
    ]
    return f"{message} ({', '.join(parts)})"


def _device_name(hass: HomeAssistant, device_id: str | None) -> str:
    device = dr.async_get(hass).async_get(device_id) if device_id else None
    return (device.name_by_user or device.name or "LwM2M") if device else "LwM2M"


def _path_name(hass: HomeAssistant, device_id: str | None, path: Path) -> str:
    """Return what the entity of a path is called, or else the object model; or else the path."""
    if not path:
        return SEVERAL
    entries: list[Lwm2mConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    devices = [entry.runtime_data.find(device_id) for entry in entries]
    for device in filter(None, devices):
        prefix = f"{device.unique_id}-{key_prefix(path)}"
        entities = er.async_entries_for_device(
            er.async_get(hass), device.id, include_disabled_entities=True
        )
        for entity in entities if len(path) > 2 else ():
            name = entity.name or entity.original_name
            if name and entity.unique_id.startswith(prefix):
                return name
        return device.resources.name_of(path) or str(path)
    return str(path)
