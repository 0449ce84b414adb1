"""The flows: adding and changing a server, approving a device, adding one by name."""

from __future__ import annotations

from collections import Counter
from itertools import chain, count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, override

from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
)
from homeassistant.const import ATTR_AREA_ID, CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.selector import AreaSelector
import voluptuous as vol

from .address import (
    ADDRESS,
    CONF_COAPS_PORT,
    CONF_TCP_PORT,
    CONF_TLS_PORT,
    DEFAULT_PORTS,
    PORTS,
    address_of,
    async_bind,
    ports_of,
    unique_id_of,
    usual_scheme,
)
from .const import (
    DOMAIN,
    SUBENTRY_TYPE_DEVICE,
)
from .credentials import SecurityMode, load_credential, mode_of
from .device_flow import DeviceSubentryFlow
from .errors import listen_failure
from .following import UNSEEN_OBJECTS
from .new_device import NewDevice
from .options_flow import Lwm2mOptionsFlow
from .protocol.coap.errors import PortInUseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeassistant.config_entries import ConfigEntry
    from homeassistant.helpers.typing import DiscoveryInfoType

    from .hub import Hub, Lwm2mConfigEntry
    from .protocol.coap import Scheme
    from .protocol.registration import Registration

DEFAULT_NAME = "LwM2M"
MAX_PORT = 65_535
MAX_NAMED = 10
"""Devices that a warning names."""

SECTION_MORE_OPTIONS = "more_options"
MORE_OPTIONS_SCHEMA = vol.Schema(
    {
        vol.Optional(CONF_HOST): cv.string,
        vol.Optional(CONF_TLS_PORT): int,
        vol.Optional(CONF_TCP_PORT): int,
    }
)
"""What few need: folded away unless it is set."""
SERVER_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_NAME): cv.string,
        vol.Optional(CONF_COAPS_PORT): int,
        vol.Optional(CONF_PORT): int,
        vol.Required(SECTION_MORE_OPTIONS): section(MORE_OPTIONS_SCHEMA, {"collapsed": True}),
    }
)
SERVER_SCHEMA_UNFOLDED = SERVER_SCHEMA.extend(
    {
        vol.Required(SECTION_MORE_OPTIONS): section(MORE_OPTIONS_SCHEMA, {"collapsed": False}),
    }
)
NEW_DEVICE_SCHEMA = vol.Schema(
    {vol.Optional(CONF_NAME): cv.string, vol.Optional(ATTR_AREA_ID): AreaSelector()}
)


class Lwm2mConfigFlow(ConfigFlow, domain=DOMAIN):
    """Adds and changes servers, and approves the devices that register with them."""

    VERSION = 1
    MINOR_VERSION = 2
    _new_device: NewDevice
    _confirmed: Mapping[str, Any] | None = None
    """The address that the owner has been warned of; to send it again is to confirm it."""
    _placeholders: Mapping[str, str] = MappingProxyType({})
    """Those of the error that is shown."""

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> Lwm2mOptionsFlow:
        """Return the options flow."""
        return Lwm2mOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what can be added to a server."""
        return {SUBENTRY_TYPE_DEVICE: DeviceSubentryFlow}

    # The server

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Add a server."""
        errors: dict[str, str] = {}
        if user_input is not None:
            user_input |= user_input.pop(SECTION_MORE_OPTIONS)
            address = _address(user_input)
            errors = _port_errors(address) or await self._try_to_listen(address)
            if not errors:
                await self.async_set_unique_id(unique_id_of(address))
                self._abort_if_unique_id_configured()
                title = user_input[CONF_NAME].strip() or self._unused_name()
                return self.async_create_entry(title=title, data=address)
        return self._show_server_form(
            "user", user_input or {CONF_NAME: self._unused_name(), **DEFAULT_PORTS}, errors
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change a server's name, address or ports; its devices and its identity stay."""
        entry: Lwm2mConfigEntry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            user_input |= user_input.pop(SECTION_MORE_OPTIONS)
            title = user_input[CONF_NAME].strip() or entry.title
            address = _address(user_input)
            former = address_of(entry.data)
            is_loaded = entry.state is ConfigEntryState.LOADED
            if is_loaded and address == former:
                return self.async_update_and_abort(entry, title=title)
            errors = _port_errors(address)
            if not errors and any(not usual_scheme(address, mode) for mode in _modes_of(entry)):
                errors = {CONF_COAPS_PORT: "coaps_needed"}
            if not errors:
                errors = await self._try_to_listen(address, former if is_loaded else {})
            cut_off = _cut_off(entry, address)
            if not errors and cut_off and address != self._confirmed:
                self._confirmed = address
                named = cut_off[:MAX_NAMED] + ["…"] * (len(cut_off) > MAX_NAMED)
                self._placeholders = {"devices": ", ".join(named), "count": str(len(cut_off))}
                errors = {CONF_PORT: "coap_needed"}
            if not errors:
                unique_id = unique_id_of(address)
                if unique_id != entry.unique_id:
                    await self.async_set_unique_id(unique_id)
                    self._abort_if_unique_id_configured()
                rest = {key: value for key, value in entry.data.items() if key not in ADDRESS}
                return self.async_update_reload_and_abort(
                    entry, unique_id=unique_id, title=title, data=address | rest
                )
        return self._show_server_form(
            "reconfigure", user_input or {CONF_NAME: entry.title, **entry.data}, errors
        )

    def _show_server_form(
        self, step_id: str, values: dict[str, Any], errors: dict[str, str]
    ) -> ConfigFlowResult:
        """Show the form; what is wrong with a field of the section is said above the section."""
        folded = not any(values.get(str(field)) for field in MORE_OPTIONS_SCHEMA.schema)
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                SERVER_SCHEMA if folded else SERVER_SCHEMA_UNFOLDED,
                {**values, SECTION_MORE_OPTIONS: values},
            ),
            errors={
                SECTION_MORE_OPTIONS if field in MORE_OPTIONS_SCHEMA.schema else field: error
                for field, error in errors.items()
            },
            description_placeholders={
                "port": ", ".join(str(values[field]) for field in errors if field in values),
                **self._placeholders,
            },
        )

    def _unused_name(self) -> str:
        """Return a name that no server has."""
        taken = {entry.title for entry in self._async_current_entries()}
        numbered = (f"{DEFAULT_NAME} {number}" for number in count(2))
        return next(name for name in chain([DEFAULT_NAME], numbered) if name not in taken)

    async def _try_to_listen(
        self, address: dict[str, Any], held: Mapping[str, Any] = MappingProxyType({})
    ) -> dict[str, str]:
        """Bind the server's sockets and close them; return a form's errors.

        The ports that are `held` are the server's own.
        """
        own = _sockets_of(held)
        for scheme, port in ports_of(address).items():
            free = 0 if (scheme.carrier, port) in own else port
            try:
                sock = await async_bind(scheme, address[CONF_HOST], free)
            except OSError as err:
                key = listen_failure(self.hass, err)
                if isinstance(err, PortInUseError) and (
                    owner := self._server_on(address[CONF_HOST], scheme, port)
                ):
                    key = "port_in_use_server"
                    self._placeholders = {"server": owner.title}
                return {CONF_HOST if key == "host_not_local" else PORTS[scheme]: key}
            except ValueError:  # no host name has this form
                return {CONF_HOST: "host_not_local"}
            sock.close()
        return {}

    def _server_on(self, host: str, scheme: Scheme, port: int) -> ConfigEntry | None:
        """Return the running server of this integration that has a port, on this host or all."""
        for entry in self._async_current_entries():
            if entry.state is not ConfigEntryState.LOADED:
                continue
            same_host = not host or entry.data[CONF_HOST] in {"", host}
            if same_host and (scheme.carrier, port) in _sockets_of(entry.data):
                return entry
        return None

    # A device that has registered

    @override
    async def async_step_integration_discovery(
        self, discovery_info: DiscoveryInfoType
    ) -> ConfigFlowResult:
        """Offer an unknown endpoint, by its name; `discovery_info` has the fields of NewDevice."""
        self._new_device = NewDevice(**discovery_info)
        await self.async_set_unique_id(self._new_device.unique_id)
        self.context["title_placeholders"] = {CONF_NAME: self._new_device.endpoint}
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what registered, and make it a device."""
        entry = self.hass.config_entries.async_get_entry(self._new_device.entry_id)
        hub = entry.runtime_data if entry and entry.state is ConfigEntryState.LOADED else None
        registration = hub.pending.get(self._new_device.endpoint) if hub else None
        if hub is None or registration is None:
            return self.async_abort(reason="not_registered")
        if user_input is not None:
            hub.async_approve(registration.endpoint, user_input.get(CONF_NAME, "").strip())
            dr.async_get(self.hass).async_update_device(
                hub.devices[registration.endpoint].id, area_id=user_input.get(ATTR_AREA_ID)
            )
            return self.async_abort(reason="device_added")
        return self.async_show_form(
            step_id="confirm",
            data_schema=self.add_suggested_values_to_schema(
                NEW_DEVICE_SCHEMA, {CONF_NAME: registration.endpoint}
            ),
            description_placeholders={
                # Shown as code: a stranger's name must not become a link or a picture.
                "endpoint": registration.endpoint.replace("`", "'"),
                "address": registration.remote.host,
                "objects": _describe_objects(hub, registration),
            },
        )


def _address(user_input: dict[str, Any]) -> dict[str, Any]:
    """Return the entry's data; an empty host means all interfaces, no port none of its kind."""
    host = user_input.get(CONF_HOST, "").strip().removeprefix("[").removesuffix("]")
    ports = {field: user_input[field] for field in PORTS.values() if field in user_input}
    return {CONF_HOST: host.lower(), **ports}


def _port_errors(address: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong with the ports by themselves, as a form's errors."""
    ports = ports_of(address)
    if not ports:
        return {"base": "no_port"}
    if wrong := [PORTS[scheme] for scheme, port in ports.items() if not 0 < port <= MAX_PORT]:
        return dict.fromkeys(wrong, "invalid_port")
    sockets = _sockets_of(address)
    return {
        PORTS[scheme]: "same_port"
        for number, scheme in enumerate(ports)
        if (scheme.carrier, ports[scheme]) in sockets[:number]
    }


def _sockets_of(address: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return the carrier, UDP or TCP, and the number of each port."""
    return [(scheme.carrier, port) for scheme, port in ports_of(address).items()]


def _modes_of(entry: ConfigEntry) -> set[SecurityMode]:
    """Return how the secured devices are secured."""
    devices = entry.get_subentries_of_type(SUBENTRY_TYPE_DEVICE)
    return {mode_of(load_credential(device.data)) for device in devices} - {SecurityMode.NONE}


def _cut_off(entry: ConfigEntry, address: Mapping[str, Any]) -> list[str]:
    """Return the names of the devices without security that could not connect to an address."""
    if usual_scheme(address, SecurityMode.NONE) or not usual_scheme(entry.data, SecurityMode.NONE):
        return []
    devices = entry.get_subentries_of_type(SUBENTRY_TYPE_DEVICE)
    return sorted(device.title for device in devices if load_credential(device.data) is None)


def _describe_objects(hub: Hub, registration: Registration) -> str:
    """List the objects of an endpoint that get entities, with the number of instances past one."""
    instances = Counter(path.object_id for path in registration.instances)
    names: list[str] = []
    for object_id in sorted(registration.objects - UNSEEN_OBJECTS):
        model = hub.models.get(object_id, registration.versions.get(object_id))
        name = f"{model.name} ({object_id})" if model else str(object_id)
        times = instances[object_id]
        names.append(f"{name} × {times}" if times > 1 else name)
    return ", ".join(names)
