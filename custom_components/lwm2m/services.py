"""The actions: the operations of LwM2M on any path of a device."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_get_device_and_config_entry
from homeassistant.helpers.translation import async_get_cached_translations
import voluptuous as vol

from .const import DOMAIN
from .errors import translate_errors
from .protocol.attributes import UNSET, Attributes
from .protocol.errors import BadRequest, Mistake
from .protocol.path import Path, PathError
from .values import ValueRefused, by_id, from_user, scalar_from_user, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
    from homeassistant.util.json import JsonObjectType, JsonValueType

    from .device import Device
    from .hub import Lwm2mConfigEntry
    from .protocol.client import Client
    from .protocol.node import Decoded, Values

ATTR_ARGUMENTS = "arguments"
ATTR_PATH = "path"
ATTR_PATHS = "paths"
ATTR_UNSET = "unset"
ATTR_VALUE = "value"
ATTR_VALUES = "values"

_EDGES = {"rising": True, "falling": False}
_THRESHOLD = vol.Coerce(float)
_ATTRIBUTES = {
    "pmin": cv.positive_int,
    "pmax": cv.positive_int,
    "gt": _THRESHOLD,
    "lt": _THRESHOLD,
    "st": _THRESHOLD,
    "epmin": cv.positive_int,
    "epmax": cv.positive_int,
    "edge": vol.In(list(_EDGES)),
    "con": cv.boolean,
    "hqmax": cv.positive_int,
}

_DEVICE = {vol.Required(ATTR_DEVICE_ID): cv.string}
_TARGET = {**_DEVICE, vol.Required(ATTR_PATH): cv.string}
_TARGET_SCHEMA = vol.Schema(_TARGET)
_TARGETS_SCHEMA = vol.Schema(
    {**_DEVICE, vol.Required(ATTR_PATHS): vol.All(cv.ensure_list, vol.Length(min=1), [cv.string])}
)
_WRITE_SCHEMA = vol.Schema({**_TARGET, vol.Required(ATTR_VALUE): object})
_CREATE_SCHEMA = vol.Schema({**_TARGET, vol.Optional(ATTR_VALUE, default=dict): object})
_EXECUTE_SCHEMA = vol.Schema({**_TARGET, vol.Optional(ATTR_ARGUMENTS): cv.string})
_WRITE_COMPOSITE_SCHEMA = vol.Schema({**_DEVICE, vol.Required(ATTR_VALUES): {cv.string: object}})
_ATTRIBUTES_SCHEMA = vol.Schema(
    {
        **_TARGET,
        **{vol.Optional(name): kind for name, kind in _ATTRIBUTES.items()},
        vol.Optional(ATTR_UNSET, default=list): vol.All(
            cv.ensure_list, [vol.In(list(_ATTRIBUTES))]
        ),
    }
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    for name, action, schema, supports_response in (
        ("read", _read, _TARGET_SCHEMA, SupportsResponse.ONLY),
        ("write", _write, _WRITE_SCHEMA, SupportsResponse.OPTIONAL),
        ("execute", _execute, _EXECUTE_SCHEMA, SupportsResponse.OPTIONAL),
        ("discover", _discover, _TARGET_SCHEMA, SupportsResponse.ONLY),
        ("create", _create, _CREATE_SCHEMA, SupportsResponse.OPTIONAL),
        ("delete", _delete, _TARGET_SCHEMA, SupportsResponse.OPTIONAL),
        ("write_attributes", _write_attributes, _ATTRIBUTES_SCHEMA, SupportsResponse.OPTIONAL),
        ("read_composite", _read_composite, _TARGETS_SCHEMA, SupportsResponse.ONLY),
        ("write_composite", _write_composite, _WRITE_COMPOSITE_SCHEMA, SupportsResponse.OPTIONAL),
        ("observe", _observe, _TARGETS_SCHEMA, SupportsResponse.OPTIONAL),
        ("cancel_observation", _cancel, _TARGETS_SCHEMA, SupportsResponse.OPTIONAL),
    ):
        hass.services.async_register(
            DOMAIN, name, action, schema=schema, supports_response=supports_response
        )


async def _read(call: ServiceCall) -> ServiceResponse:
    """Read a path now, whatever was notified before; a sleeping device cannot be asked."""
    device, path = _target(call)
    decoded = await device.operations.async_read(path)
    return _response(
        device,
        path,
        resources=_describe(device, decoded.values),
        rejected={str(resource): reason for resource, reason in decoded.rejected.items()},
    )


async def _write(call: ServiceCall) -> ServiceResponse:
    """Write a resource, one of its instances, or several resources of an object instance."""
    device, path = _target(call)
    values = _values(call, device, path, call.data[ATTR_VALUE])
    done = await device.operations.async_write_at(path, values, replace=len(path) > 2)
    return _response(device, path, resources=_describe(device, values), waiting=not done)


async def _execute(call: ServiceCall) -> ServiceResponse:
    """Execute a resource."""
    device, path = _target(call)
    done = await device.operations.async_execute(path, call.data.get(ATTR_ARGUMENTS))
    return _response(device, path, name=device.resources.name_of(path), waiting=not done)


async def _discover(call: ServiceCall) -> ServiceResponse:
    """Ask what there is at and below a path, with the attributes of each."""
    device, path = _target(call)
    links = await device.operations.async_ask(lambda client: client.discover(path), path)
    return _response(
        device,
        path,
        links={
            str(found): {"name": device.resources.name_of(found), "attributes": dict(attributes)}
            for found, attributes in sorted(links.items())
        },
    )


async def _create(call: ServiceCall) -> ServiceResponse:
    """Create an object instance; without an ID the device chooses one."""
    device, path = _target(call)
    with _refusals(call.hass, path):
        if len(path) not in (1, 2):
            raise ValueRefused("create_where")
        instance = path if len(path) == 2 else path / 0
        values = _resources(call, device, instance, call.data[ATTR_VALUE])
        resources = {resource.resource_id: value for resource, value in values.items()}
    created = path

    async def create(client: Client) -> None:
        nonlocal created
        created = await client.create(path, resources)

    done = await device.operations.async_command(path, create)
    return _response(device, created, name=device.resources.name_of(created), waiting=not done)


async def _delete(call: ServiceCall) -> ServiceResponse:
    """Delete an object instance."""
    device, path = _target(call)
    done = await device.operations.async_command(path, lambda client: client.delete(path))
    return _response(device, path, name=device.resources.name_of(path), waiting=not done)


async def _write_attributes(call: ServiceCall) -> ServiceResponse:
    """Say when a path is to be notified."""
    device, path = _target(call)
    given = {name: call.data[name] for name in _ATTRIBUTES if name in call.data}
    if "edge" in given:
        given["edge"] = _EDGES[given["edge"]]
    with translate_errors(device.endpoint, path):
        for name in call.data[ATTR_UNSET]:
            if name in given:
                raise BadRequest(path, Mistake.SET_AND_UNSET, attribute=name)
            given[name] = UNSET
    attributes = Attributes(**given)
    done = await device.operations.async_command(
        path, lambda client: client.write_attributes(path, attributes)
    )
    return _response(device, path, name=device.resources.name_of(path), waiting=not done)


async def _read_composite(call: ServiceCall) -> ServiceResponse:
    """Read several paths in one request."""
    device, paths = _targets(call)
    decoded = await device.operations.async_read_composite(paths)
    return _report(device, paths, decoded)


async def _write_composite(call: ServiceCall) -> ServiceResponse:
    """Write resources of any instances in one request."""
    device = _device(call)
    values: Values = {}
    for text, raw in call.data[ATTR_VALUES].items():
        path = _path(text)
        for resource, value in _values(call, device, path, raw).items():
            known = values.get(resource)
            if isinstance(known, dict) and isinstance(value, dict):
                values[resource] = known | value
            else:
                values[resource] = value
    done = await device.operations.async_write_composite(values)
    return {
        "endpoint": device.endpoint,
        "resources": _describe(device, values),
        "waiting": not done,
    }


async def _observe(call: ServiceCall) -> ServiceResponse:
    """Have a path, or several as one, notified to automations."""
    device, paths = _targets(call)
    return _report(device, paths, await device.manual.async_observe(paths))


async def _cancel(call: ServiceCall) -> ServiceResponse:
    """End what `_observe` began."""
    device, paths = _targets(call)
    done = await device.manual.async_cancel(paths)
    return {
        "endpoint": device.endpoint,
        "paths": [str(path) for path in paths],
        "waiting": not done,
    }


def _target(call: ServiceCall) -> tuple[Device, Path]:
    """Find the device and the path that are meant; ServiceValidationError when there are none."""
    return _device(call), _path(call.data[ATTR_PATH])


def _targets(call: ServiceCall) -> tuple[Device, tuple[Path, ...]]:
    """Find the device and the paths that are meant, in an order that is always the same."""
    return _device(call), tuple(sorted(map(_path, call.data[ATTR_PATHS])))


def _device(call: ServiceCall) -> Device:
    entry: Lwm2mConfigEntry
    device_entry, entry = async_get_device_and_config_entry(
        call.hass, DOMAIN, call.data[ATTR_DEVICE_ID]
    )
    if device := entry.runtime_data.find(device_entry.id):
        return device
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="not_a_device",
        translation_placeholders={"name": entry.title},
    )


def _path(text: str) -> Path:
    try:
        return Path.parse(text)
    except PathError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="invalid_path",
            translation_placeholders={"path": text},
        ) from err


@contextmanager
def _refusals(hass: HomeAssistant, path: Path) -> Iterator[None]:
    """Turn a ValueRefused into a message about the value at a path, in the owner's language."""
    try:
        yield
    except ValueRefused as err:
        words = {"path": str(path), **err.words}
        if kind := words.get("kind"):
            texts = async_get_cached_translations(hass, hass.config.language, "selector", DOMAIN)
            words["kind"] = texts.get(f"component.{DOMAIN}.selector.kind.options.{kind}", kind)
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key=err.translation_key,
            translation_placeholders=words,
        ) from err


def _values(call: ServiceCall, device: Device, path: Path, raw: Any) -> Values:
    """Give what is to be written the types of the object model.

    An object instance takes resource IDs with their values; for the other levels see
    `from_user`. ServiceValidationError when a value does not fit.
    """
    with _refusals(call.hass, path):
        match len(path):
            case 2:
                return _resources(call, device, path, raw)
            case 3:
                return {path: from_user(raw, device.resources.model(path))}
            case 4:
                scalar = scalar_from_user(raw, device.resources.model(path.resource))
                return {path.resource: {path.resource_instance_id: scalar}}
            case _:
                raise ValueRefused("write_where")


def _resources(call: ServiceCall, device: Device, instance: Path, raw: Any) -> Values:
    """Read resource IDs with their values."""
    values: Values = {}
    for resource_id, item in by_id(raw):
        resource = instance / resource_id
        with _refusals(call.hass, resource):
            values[resource] = from_user(item, device.resources.model(resource))
    return values


def _response(device: Device, path: Path, **details: JsonValueType) -> JsonObjectType:
    return {"endpoint": device.endpoint, "path": str(path), **details}


def _report(device: Device, paths: Iterable[Path], decoded: Decoded) -> JsonObjectType:
    return {
        "endpoint": device.endpoint,
        "paths": [str(path) for path in paths],
        "resources": _describe(device, decoded.values),
        "rejected": {str(path): reason for path, reason in decoded.rejected.items()},
    }


def _describe(device: Device, values: Values) -> JsonObjectType:
    return {
        str(path): {"name": device.resources.name_of(path), "value": to_json(value)}
        for path, value in sorted(values.items())
    }
