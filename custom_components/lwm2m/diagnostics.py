"""What a user can attach to an issue: the state of a server or a device, without secrets."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from homeassistant.components.diagnostics import REDACTED
from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import entity_registry as er

from .credentials import mode_of
from .redaction import (
    redact_address,
    redact_endpoint,
    redact_host,
    redact_settings,
    redact_value,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.device_registry import AnyDeviceEntry

    from .device import Device
    from .hub import Hub, Lwm2mConfigEntry
    from .protocol.path import Path
    from .protocol.registration import Registration
    from .protocol.security_monitor import SecurityMonitor

MAX_SOURCES = 50


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: Lwm2mConfigEntry
) -> dict[str, Any]:
    """Return a server with all its devices."""
    diagnostics = _server(entry)
    if hub := _hub(entry):
        diagnostics["devices"] = [_device(hass, entry, device) for device in hub.all_devices]
        diagnostics["pending"] = [_registration(pending) for pending in hub.pending.values()]
    return diagnostics


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, device_entry: AnyDeviceEntry
) -> dict[str, Any]:
    """Return one device, and the server that it is registered with."""
    diagnostics = _server(entry)
    hub = _hub(entry)
    for device in hub.all_devices if hub else ():
        if device.id == device_entry.id:
            diagnostics["device"] = _device(hass, entry, device)
    return diagnostics


def _hub(entry: Lwm2mConfigEntry) -> Hub | None:
    """Return the running hub; there is none while the set-up fails."""
    return entry.runtime_data if entry.state is ConfigEntryState.LOADED else None


def _server(entry: Lwm2mConfigEntry) -> dict[str, Any]:
    diagnostics: dict[str, Any] = {
        "entry": {
            "state": entry.state.value,
            "data": redact_settings(entry.data),
            "options": redact_settings(entry.options),
        }
    }
    if hub := _hub(entry):
        diagnostics["server"] = {
            "ports": dict(hub.server.ports),
            "registrations": len(hub.server.registrations),
            "counters": asdict(hub.server.counters),
            "security_events": dict(hub.server.security.counts),
            "security_sources": _sources(hub.server.security),
        }
    return diagnostics


def _sources(security: SecurityMonitor) -> list[dict[str, Any]]:
    """Describe where most incidents came from, the most first."""
    tallies = security.by_source.items()
    worst = sorted(tallies, key=lambda source: source[1].total(), reverse=True)
    return [{**redact_host(host), "events": dict(tally)} for host, tally in worst[:MAX_SOURCES]]


def _device(hass: HomeAssistant, entry: Lwm2mConfigEntry, device: Device) -> dict[str, Any]:
    registration, server = device.registration, entry.runtime_data.server
    return {
        "endpoint": redact_endpoint(device.endpoint),
        "security": mode_of(server.credentials.credentials.get(device.endpoint)),
        "security_events": dict(server.security.by_endpoint.get(device.endpoint, {})),
        "registration": registration and _registration(registration),
        "awake": device.awake,
        "waiting": device.waiting,
        "objects": _objects(device),
        "resources": {
            str(path): _resource(device, path) for path in sorted(device.resources.paths)
        },
        "observed": _texts(device.following.observed),
        "polled": _texts(device.following.polled),
        "refused": _texts(device.following.refused),
        "observed_by_actions": device.manual.dump(),
        "options": device.options.dump(),
        "profiles": device.profile.names,
        "attributes": {
            str(path): dict(asked) for path, asked in device.following.attributes.asked.items()
        },
        "misfits": {str(path): reason for path, reason in sorted(device.resources.misfits.items())},
        "failures": [
            {
                "at": at.isoformat(),
                "error": failure.translation_key,
                **{
                    name: text.replace(device.endpoint, REDACTED)
                    for name, text in failure.placeholders.items()
                },
            }
            for at, failure in device.failures
        ],
        "entities": _entities(hass, entry, device),
    }


def _registration(registration: Registration) -> dict[str, Any]:
    """Describe a registration; its ID is a secret, whoever has it can change it."""
    expires_at = registration.expires_at
    return {
        "endpoint": redact_endpoint(registration.endpoint),
        "address": redact_address(registration.remote),
        "lwm2m": registration.version,
        "lifetime": registration.lifetime,
        "binding": registration.binding,
        "queue_mode": registration.queue_mode,
        "sms": registration.sms and REDACTED,
        "attributes": dict.fromkeys(registration.attributes, REDACTED),
        "root": registration.root,
        "content_formats": sorted(registration.content_formats),
        "versions": {str(number): text for number, text in registration.versions.items()},
        "instances": _texts(registration.instances),
        "registered_at": registration.registered_at.isoformat(),
        "updated_at": registration.updated_at.isoformat(),
        "expires_at": expires_at and expires_at.isoformat(),
    }


def _objects(device: Device) -> dict[str, Any]:
    """Name the objects, with the version of the model that types their values."""
    numbers = device.registration.objects if device.registration else ()
    return {
        str(number): {"name": model.name, "version": model.version}
        if (model := device.resources.object_model(number))
        else None
        for number in sorted(numbers)
    }


def _resource(device: Device, path: Path) -> dict[str, Any]:
    """Describe a resource; one without a value was found, but not read."""
    model = device.resources.model(path)
    description: dict[str, Any] = (
        {"name": model.name, "type": model.type, "unit": model.unit} if model else {}
    )
    if path in device.resources.values:
        description["value"] = redact_value(device.resources.values[path], model)
    return description


def _entities(hass: HomeAssistant, entry: Lwm2mConfigEntry, device: Device) -> list[dict[str, Any]]:
    prefix = f"{device.unique_id}-"
    return [
        {
            "platform": entity.domain,
            "key": entity.unique_id.removeprefix(prefix),
            "disabled_by": entity.disabled_by,
        }
        for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        if entity.device_id == device.id
    ]


def _texts(paths: Iterable[Path]) -> list[str]:
    return [str(path) for path in sorted(paths)]
