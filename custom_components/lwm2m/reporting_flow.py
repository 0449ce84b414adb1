"""Asks how a device reports, is commanded and is waited for."""

from __future__ import annotations

from typing import Any

from homeassistant.config_entries import ConfigSubentryFlow, SubentryFlowResult
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
)
import voluptuous as vol

from .device_options import (
    CONF_REPORTING,
    Confirmation,
    DeviceOptions,
    Follow,
    options_of,
)
from .form_fields import choice

DAY = 86400


def _seconds(least: int, most: int) -> NumberSelector:
    return NumberSelector(
        NumberSelectorConfig(
            min=least, max=most, mode=NumberSelectorMode.BOX, unit_of_measurement="s"
        )
    )


SCHEMA = vol.Schema(
    {
        vol.Required("follow"): choice(Follow, "follow"),
        vol.Required("poll_interval"): _seconds(10, DAY),
        vol.Optional("pmin"): _seconds(0, DAY),
        vol.Optional("pmax"): _seconds(1, 365 * DAY),
        vol.Optional("st"): NumberSelector(
            NumberSelectorConfig(min=0, step="any", mode=NumberSelectorMode.BOX)
        ),
        vol.Required("confirmation"): choice(Confirmation, "confirmation"),
        vol.Required("lifetime_grace"): _seconds(0, DAY),
    }
)


class ReportingFlow(ConfigSubentryFlow):
    """A form with the options of a device, which count from the moment they are saved."""

    async def async_step_reporting(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the options."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None:
            options = DeviceOptions.load(user_input)
            if options.pmin is None or options.pmax is None or options.pmin <= options.pmax:
                return self.async_update_and_abort(
                    self._get_entry(), subentry, data_updates={CONF_REPORTING: options.dump()}
                )
            errors["pmax"] = "pmax_below_pmin"
        stored = options_of(subentry.data).dump()
        return self.async_show_form(
            step_id="reporting",
            data_schema=self.add_suggested_values_to_schema(SCHEMA, user_input or stored),
            errors=errors,
        )
