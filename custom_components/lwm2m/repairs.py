"""What the owner can do about an issue with one press of a button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow
from homeassistant.components.repairs.const import FlowType
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from . import device_issues
from .address import PORTS, unique_id_of
from .const import CONF_ACCEPT_NEW_DEVICES, SUBENTRY_TYPE_DEVICE, AcceptNewDevices
from .exposure import Exposure

if TYPE_CHECKING:
    from homeassistant.components.repairs import RepairsFlowResult
    from homeassistant.core import HomeAssistant

    from .hub import Lwm2mConfigEntry


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow of an issue; each names its entry."""
    entry_id = str(data["entry_id"]) if data else ""
    entry = hass.config_entries.async_get_known_entry(entry_id)
    match issue_id.partition(f"_{entry_id}")[0]:
        case Exposure.OPEN:
            return RequireApproval(entry)
        case Exposure.UNUSED:
            return TurnPlainCoapOff(entry)
        case device_issues.CLOCK_OFF:
            return SetClock(entry, str(data["endpoint"]) if data else "")
        case _:
            return ReplaceCredential(entry, str(data["subentry_id"]) if data else "")


class EntryRepair(ConfirmRepairFlow):
    """Does something to an entry once the owner has confirmed it."""

    def __init__(self, entry: Lwm2mConfigEntry) -> None:
        """Repair this entry."""
        self._entry = entry

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask, and repair."""
        if user_input is not None:
            return await self.async_repair()
        return await super().async_step_confirm()

    async def async_repair(self) -> RepairsFlowResult:
        """Repair it."""
        raise NotImplementedError


class RequireApproval(EntryRepair):
    """Has new devices wait for the owner's approval."""

    @override
    async def async_repair(self) -> RepairsFlowResult:
        """Change the option, which the running server follows."""
        options = {
            **self._entry.options,
            CONF_ACCEPT_NEW_DEVICES: AcceptNewDevices.AFTER_APPROVAL,
        }
        self.hass.config_entries.async_update_entry(self._entry, options=options)
        return self.async_create_entry(data={})


class TurnPlainCoapOff(EntryRepair):
    """Closes the ports without encryption."""

    @override
    async def async_repair(self) -> RepairsFlowResult:
        """Take the ports away and restart the server."""
        plain = {field for scheme, field in PORTS.items() if not scheme.is_secure}
        data: dict[str, Any] = {
            key: value for key, value in self._entry.data.items() if key not in plain
        }
        self.hass.config_entries.async_update_entry(
            self._entry, data=data, unique_id=unique_id_of(data)
        )
        self.hass.config_entries.async_schedule_reload(self._entry.entry_id)
        return self.async_create_entry(data={})


class SetClock(EntryRepair):
    """Writes the time to a device."""

    def __init__(self, entry: Lwm2mConfigEntry, endpoint: str) -> None:
        """Set the clock of this endpoint."""
        super().__init__(entry)
        self._endpoint = endpoint

    @override
    async def async_repair(self) -> RepairsFlowResult:
        """Write it; to a device that sleeps, it waits."""
        loaded = self._entry.state is ConfigEntryState.LOADED
        devices = self._entry.runtime_data.all_devices if loaded else ()
        device = next((d for d in devices if d.endpoint == self._endpoint), None)
        if device is None:
            return self.async_abort(reason="device_gone")
        now = dt_util.utcnow().replace(microsecond=0)
        try:
            await device.operations.async_write({device_issues.CURRENT_TIME: now})
        except HomeAssistantError as err:
            return self.async_abort(
                reason="clock_not_set", description_placeholders={"error": str(err)}
            )
        return self.async_create_entry(data={})


class ReplaceCredential(EntryRepair):
    """Leads to the flow that gives a device a new key or certificate."""

    def __init__(self, entry: Lwm2mConfigEntry, subentry_id: str) -> None:
        """Lead to that of the device of this subentry."""
        super().__init__(entry)
        self._subentry_id = subentry_id

    @override
    async def async_repair(self) -> RepairsFlowResult:
        """Open it, where the credential is replaced; the issue stays until that is saved."""
        if self._subentry_id not in self._entry.subentries:
            return self.async_create_entry(data={})
        flows = self.hass.config_entries.subentries
        menu = await flows.async_init(
            (self._entry.entry_id, SUBENTRY_TYPE_DEVICE),
            context={"source": SOURCE_RECONFIGURE, "subentry_id": self._subentry_id},
        )
        flow_id = menu["flow_id"]
        await flows.async_configure(flow_id, {"next_step_id": "rotate"})
        return self.async_abort(
            reason="credential_asked_for", next_flow=(FlowType.CONFIG_SUBENTRIES_FLOW, flow_id)
        )
