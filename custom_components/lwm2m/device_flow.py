"""Adds a device to a server before it registers."""

from __future__ import annotations

from typing import Any

from homeassistant.config_entries import ConfigSubentryFlow, SubentryFlowResult
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .const import CONF_ENDPOINT
from .protocol.registration import MAX_PARAMETER_LENGTH

MAX_ENDPOINT_LENGTH = MAX_PARAMETER_LENGTH - len("ep=")

DEVICE_SCHEMA = vol.Schema({vol.Required(CONF_ENDPOINT): cv.string})


class DeviceSubentryFlow(ConfigSubentryFlow):
    """Adds a device by its endpoint name, before it registers."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the endpoint name."""
        errors: dict[str, str] = {}
        if user_input is not None:
            endpoint = user_input[CONF_ENDPOINT].strip()
            subentries = self._get_entry().subentries.values()
            if not endpoint.isprintable() or not 0 < len(endpoint.encode()) <= MAX_ENDPOINT_LENGTH:
                errors[CONF_ENDPOINT] = "invalid_endpoint"
            elif any(subentry.unique_id == endpoint for subentry in subentries):
                errors[CONF_ENDPOINT] = "already_configured"
            else:
                return self.async_create_entry(title=endpoint, data={}, unique_id=endpoint)
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(DEVICE_SCHEMA, user_input),
            errors=errors,
        )
