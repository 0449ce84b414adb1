"""Changes what the running server does, and who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, OptionsFlow
from homeassistant.helpers.selector import (
    TextSelector,
    TextSelectorConfig,
)
import voluptuous as vol

from .const import CONF_ACCEPT_NEW_DEVICES, AcceptNewDevices
from .form_fields import choice
from .key_material import (
    KeyMaterialError,
    fingerprint,
    pem,
    read_private_key,
    without_private_keys,
)
from .server_identity import (
    async_ensure_identity,
    async_make_identity,
    async_store_identity,
    read_chain,
    read_identity,
)

if TYPE_CHECKING:
    from .hub import Lwm2mConfigEntry
    from .protocol.dtls import ServerIdentity

NEW_DEVICES_SCHEMA = vol.Schema(
    {vol.Required(CONF_ACCEPT_NEW_DEVICES): choice(AcceptNewDevices, CONF_ACCEPT_NEW_DEVICES)}
)
IDENTITY_SCHEMA = vol.Schema(
    {
        vol.Required("certificates"): TextSelector(TextSelectorConfig(multiline=True)),
        vol.Required("private_key"): TextSelector(TextSelectorConfig(multiline=True)),
    }
)


class Lwm2mOptionsFlow(OptionsFlow):
    """Changes options and the server's identity; the server takes them without a restart."""

    config_entry: Lwm2mConfigEntry

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what is to be changed."""
        return self.async_show_menu(
            step_id="init",
            menu_options=["new_devices", "identity", "import_identity", "new_identity"],
        )

    async def async_step_new_devices(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask whether new devices need approval."""
        if user_input is not None:
            return self.async_create_entry(data=user_input)
        current = {CONF_ACCEPT_NEW_DEVICES: AcceptNewDevices.AFTER_APPROVAL}
        return self.async_show_form(
            step_id="new_devices",
            data_schema=self.add_suggested_values_to_schema(
                NEW_DEVICES_SCHEMA, current | self.config_entry.options
            ),
        )

    async def async_step_identity(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show who the server is, all of it public."""
        if user_input is not None:
            return await self.async_step_init()
        identity = await async_ensure_identity(self.hass, self.config_entry)
        certificates = "\n".join(pem("CERTIFICATE", shown) for shown in identity.chain)
        return self.async_show_form(
            step_id="identity",
            last_step=False,
            description_placeholders={
                "certificate_fingerprint": fingerprint(identity.chain[0]),
                "key_fingerprint": fingerprint(identity.public_key),
                "certificates": certificates,
                "public_key": pem("PUBLIC KEY", identity.public_key),
            },
        )

    async def async_step_import_identity(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take a certificate and its key."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            try:
                identity = read_identity(user_input["private_key"], user_input["certificates"])
            except KeyMaterialError as err:
                errors, placeholders = _identity_errors(user_input, err)
            else:
                return self._change_identity(identity)
        shown = {"certificates": user_input["certificates"]} if user_input else {}
        return self.async_show_form(
            step_id="import_identity",
            data_schema=self.add_suggested_values_to_schema(
                IDENTITY_SCHEMA, without_private_keys(shown)
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def async_step_new_identity(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Make a new key pair, once the owner has confirmed it."""
        if user_input is not None:
            return self._change_identity(await async_make_identity(self.hass, self.config_entry))
        return self.async_show_form(step_id="new_identity")

    def _change_identity(self, identity: ServerIdentity) -> ConfigFlowResult:
        async_store_identity(self.hass, self.config_entry, identity)
        if self.config_entry.state is ConfigEntryState.LOADED:
            self.config_entry.runtime_data.server.set_identity(identity)
        return self.async_abort(reason="identity_changed")


def _identity_errors(
    user_input: dict[str, Any], found: KeyMaterialError
) -> tuple[dict[str, str], dict[str, str]]:
    """Tell which field is wrong, or what was found with both, with placeholders for it."""
    errors: dict[str, str] = {}
    placeholders: dict[str, str] = {}
    for field, read in (("certificates", read_chain), ("private_key", read_private_key)):
        try:
            read(user_input[field])
        except KeyMaterialError as err:
            errors[field] = err.fault
            placeholders |= err.placeholders
    return errors or {"base": found.fault}, placeholders
