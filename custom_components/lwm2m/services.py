"""The actions: read, write, execute and discover on any path of a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_get_device_and_config_entry
import voluptuous as vol

from .const import DOMAIN
from .protocol.path import Path, PathError
from .values import by_id, from_user, scalar_from_user, to_json

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
    from homeassistant.util.json import JsonObjectType, JsonValueType

    from .device import Device
    from .hub import Lwm2mConfigEntry
    from .protocol.model.definitions import ObjectModel, ResourceModel
    from .protocol.node import Values

ATTR_ARGUMENTS = "arguments"
ATTR_PATH = "path"
ATTR_VALUE = "value"

_TARGET = {vol.Required(ATTR_DEVICE_ID): cv.string, vol.Required(ATTR_PATH): cv.string}
_TARGET_SCHEMA = vol.Schema(_TARGET)
_WRITE_SCHEMA = vol.Schema({**_TARGET, vol.Required(ATTR_VALUE): object})
_EXECUTE_SCHEMA = vol.Schema({**_TARGET, vol.Optional(ATTR_ARGUMENTS): cv.string})


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    for name, action, schema, supports_response in (
        ("read", _read, _TARGET_SCHEMA, SupportsResponse.ONLY),
        ("write", _write, _WRITE_SCHEMA, SupportsResponse.OPTIONAL),
        ("execute", _execute, _EXECUTE_SCHEMA, SupportsResponse.OPTIONAL),
        ("discover", _discover, _TARGET_SCHEMA, SupportsResponse.ONLY),
    ):
        hass.services.async_register(
            DOMAIN, name, action, schema=schema, supports_response=supports_response
        )


async def _read(call: ServiceCall) -> ServiceResponse:
    """Read a path now, whatever was notified before; a sleeping device cannot be asked."""
    device, path = _target(call)
    decoded = await device.async_read(path)
    return _response(
        device,
        path,
        resources=_describe(device, decoded.values),
        rejected={str(resource): reason for resource, reason in decoded.rejected.items()},
    )


async def _write(call: ServiceCall) -> ServiceResponse:
    """Write a resource, one of its instances, or several resources of an object instance."""
    device, path = _target(call)
    values = _values(device, path, call.data[ATTR_VALUE])
    done = await device.async_write_at(path, values, replace=len(path) > 2)
    return _response(device, path, resources=_describe(device, values), waiting=not done)


async def _execute(call: ServiceCall) -> ServiceResponse:
    """Execute a resource."""
    device, path = _target(call)
    done = await device.async_execute(path, call.data.get(ATTR_ARGUMENTS))
    return _response(device, path, name=_name(device, path), waiting=not done)


async def _discover(call: ServiceCall) -> ServiceResponse:
    """Ask what there is at and below a path, with the attributes of each."""
    device, path = _target(call)
    links = await device.async_ask(path, lambda client: client.discover(path))
    return _response(
        device,
        path,
        links={
            str(found): {"name": _name(device, found), "attributes": dict(attributes)}
            for found, attributes in sorted(links.items())
        },
    )


def _target(call: ServiceCall) -> tuple[Device, Path]:
    """Find the device and the path that are meant; ServiceValidationError when there are none."""
    entry: Lwm2mConfigEntry
    device_entry, entry = async_get_device_and_config_entry(
        call.hass, DOMAIN, call.data[ATTR_DEVICE_ID]
    )
    for device in entry.runtime_data.devices.values():
        if device.subentry_id == device_entry.config_subentry_id:
            break
    else:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_a_device",
            translation_placeholders={"name": entry.title},
        )
    try:
        return device, Path.parse(call.data[ATTR_PATH])
    except PathError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="invalid_path",
            translation_placeholders={"path": call.data[ATTR_PATH]},
        ) from err


def _values(device: Device, path: Path, raw: Any) -> Values:
    """Give what is to be written the types of the object model.

    An object instance takes resource IDs with their values; for the other levels see
    `from_user`. ServiceValidationError when a value does not fit.
    """
    try:
        match len(path):
            case 2:
                return {
                    path / resource_id: from_user(item, device.model(path / resource_id))
                    for resource_id, item in by_id(raw)
                }
            case 3:
                return {path: from_user(raw, device.model(path))}
            case 4:
                scalar = scalar_from_user(raw, device.model(path.resource))
                return {path.resource: {path.resource_instance_id: scalar}}
            case _:
                raise ValueError("write to an object instance, a resource or a resource instance")
    except ValueError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="value_misfit",
            translation_placeholders={"path": str(path), "reason": str(err)},
        ) from err


def _response(device: Device, path: Path, **details: JsonValueType) -> JsonObjectType:
    return {"endpoint": device.endpoint, "path": str(path), **details}


def _describe(device: Device, values: Values) -> JsonObjectType:
    return {
        str(path): {"name": _name(device, path), "value": to_json(value)}
        for path, value in sorted(values.items())
    }


def _name(device: Device, path: Path) -> str | None:
    """Return what the object model calls a path, None when it does not know it."""
    if len(path) >= 3:
        model: ResourceModel | ObjectModel | None = device.model(path.resource)
    else:
        model = device.object_model(path.object_id) if path else None
    return model.name if model else None
