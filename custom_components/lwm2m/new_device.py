"""The card that offers an unknown endpoint to the owner."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY, ConfigFlowContext
from homeassistant.core import callback
from homeassistant.helpers.discovery_flow import DiscoveryKey, async_create_flow

from .const import DOMAIN

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant


@dataclass(frozen=True, slots=True)
class NewDevice:
    """An endpoint that waits for approval at the hub of a config entry."""

    entry_id: str
    endpoint: str

    @property
    def unique_id(self) -> str:
        """The unique ID of its card, and of the entry that remembers it as ignored."""
        return f"{self.entry_id}-{self.endpoint}"


@callback
def async_offer(hass: HomeAssistant, new_device: NewDevice) -> None:
    """Show its card, unless it is already there."""
    async_create_flow(
        hass,
        DOMAIN,
        ConfigFlowContext(source=SOURCE_INTEGRATION_DISCOVERY),
        asdict(new_device),
        discovery_key=DiscoveryKey(domain=DOMAIN, key=new_device.unique_id, version=1),
    )


@callback
def async_withdraw(hass: HomeAssistant, new_device: NewDevice) -> None:
    """Take its card away."""
    flows = hass.config_entries.flow
    for flow in flows.async_progress_by_handler(
        DOMAIN,
        match_context={
            "source": SOURCE_INTEGRATION_DISCOVERY,
            "unique_id": new_device.unique_id,
        },
    ):
        flows.async_abort(flow["flow_id"])
