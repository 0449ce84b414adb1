"""The flows: adding and changing a server, approving a device, adding one by name."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, override

from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import SelectSelector, SelectSelectorConfig, SelectSelectorMode
import voluptuous as vol

from .const import (
    CONF_ACCEPT_NEW_DEVICES,
    DEFAULT_PORT,
    DOMAIN,
    SUBENTRY_TYPE_DEVICE,
    AcceptNewDevices,
)
from .device_flow import DeviceSubentryFlow
from .errors import listen_failure
from .new_device import NewDevice
from .protocol.coap.udp_socket import bind_udp

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigEntry
    from homeassistant.helpers.typing import DiscoveryInfoType

    from .hub import Hub, Lwm2mConfigEntry
    from .protocol.registration import Registration

DEFAULT_NAME = "LwM2M"

SERVER_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_NAME): cv.string,
        vol.Optional(CONF_HOST): cv.string,
        vol.Required(CONF_PORT): cv.port,
    }
)
OPTIONS_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_ACCEPT_NEW_DEVICES): SelectSelector(
            SelectSelectorConfig(
                options=list(AcceptNewDevices),
                mode=SelectSelectorMode.LIST,
                translation_key=CONF_ACCEPT_NEW_DEVICES,
            )
        )
    }
)


class Lwm2mConfigFlow(ConfigFlow, domain=DOMAIN):
    """Adds and changes servers, and approves the devices that register with them."""

    VERSION = 1
    _new_device: NewDevice

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
            address = _address(user_input)
            await self.async_set_unique_id(_unique_id(address))
            self._abort_if_unique_id_configured()
            errors = await self._try_to_listen(address)
            if not errors:
                return self.async_create_entry(title=user_input[CONF_NAME], data=address)
        return self._show_server_form(
            "user", user_input or {CONF_NAME: DEFAULT_NAME, CONF_PORT: DEFAULT_PORT}, errors
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change a server's name or address; its devices stay."""
        entry: Lwm2mConfigEntry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            title = user_input[CONF_NAME]
            address = _address(user_input)
            is_loaded = entry.state is ConfigEntryState.LOADED
            if is_loaded and address == entry.data:
                return self.async_update_and_abort(entry, title=title)
            unique_id = _unique_id(address)
            if unique_id != entry.unique_id:
                await self.async_set_unique_id(unique_id)
                self._abort_if_unique_id_configured()
            own_port = is_loaded and address[CONF_PORT] == entry.data[CONF_PORT]
            errors = await self._try_to_listen(address | ({CONF_PORT: 0} if own_port else {}))
            if not errors:
                return self.async_update_reload_and_abort(
                    entry, unique_id=unique_id, title=title, data=address
                )
        return self._show_server_form(
            "reconfigure", user_input or {CONF_NAME: entry.title, **entry.data}, errors
        )

    def _show_server_form(
        self, step_id: str, values: dict[str, Any], errors: dict[str, str]
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(SERVER_SCHEMA, values),
            errors=errors,
        )

    async def _try_to_listen(self, address: dict[str, Any]) -> dict[str, str]:
        """Bind the server's socket and close it; return a form's errors."""
        try:
            sock = await bind_udp(address[CONF_HOST] or None, address[CONF_PORT])
        except OSError as err:
            key = listen_failure(self.hass, err)
            return {CONF_HOST if key == "host_not_local" else CONF_PORT: key}
        except ValueError:  # no host name has this form
            return {CONF_HOST: "host_not_local"}
        sock.close()
        return {}

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
            hub.async_approve(registration.endpoint)
            return self.async_abort(reason="device_added")
        self._set_confirm_only()
        return self.async_show_form(
            step_id="confirm",
            description_placeholders={
                # Shown as code: a stranger's name must not become a link or a picture.
                "endpoint": registration.endpoint.replace("`", "'"),
                "address": registration.remote.host,
                "objects": _describe_objects(hub, registration),
            },
        )


class Lwm2mOptionsFlow(OptionsFlow):
    """Changes what the running server does; it reads its options when it needs them."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether new devices need approval."""
        if user_input is not None:
            return self.async_create_entry(data=user_input)
        current = {CONF_ACCEPT_NEW_DEVICES: AcceptNewDevices.AFTER_APPROVAL}
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                OPTIONS_SCHEMA, current | self.config_entry.options
            ),
        )


def _address(user_input: dict[str, Any]) -> dict[str, Any]:
    """Return the entry's data; an empty host means all interfaces."""
    host = user_input.get(CONF_HOST, "").strip().removeprefix("[").removesuffix("]")
    return {CONF_HOST: host.lower(), CONF_PORT: user_input[CONF_PORT]}


def _unique_id(address: dict[str, Any]) -> str:
    return f"{address[CONF_HOST] or '*'}:{address[CONF_PORT]}"


def _describe_objects(hub: Hub, registration: Registration) -> str:
    """List the objects that an endpoint offers, with the number of instances past one."""
    instances = Counter(path.object_id for path in registration.instances)
    names: list[str] = []
    for object_id in sorted(registration.objects):
        model = hub.models.get(object_id, registration.versions.get(object_id))
        name = f"{model.name} ({object_id})" if model else str(object_id)
        count = instances[object_id]
        names.append(f"{name} × {count}" if count > 1 else name)
    return ", ".join(names)
