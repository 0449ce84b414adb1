"""LwM2M: a server for devices that speak OMA Lightweight M2M."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.config_entries import SOURCE_IGNORE
from homeassistant.const import CONF_HOST, CONF_PORT, EVENT_HOMEASSISTANT_STOP
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    issue_registry as ir,
)

from .address import CONF_COAPS_PORT, ports_of
from .const import DOMAIN
from .discovery import PLATFORMS
from .errors import async_can_listen, listen_failure
from .hub import Hub
from .object_models import async_load_registry, async_load_user_models
from .profiles.files import async_load_profiles
from .protocol.coap import Scheme
from .protocol.coap.errors import PortInUseError
from .protocol.coap.selftest import IncompatibleLibrary
from .services import async_setup_services
from .storage import async_remove_storage

if TYPE_CHECKING:
    from homeassistant.core import Event, HomeAssistant
    from homeassistant.helpers.device_registry import AnyDeviceEntry
    from homeassistant.helpers.typing import ConfigType

    from .hub import Lwm2mConfigEntry

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what all hubs share: the object models and the actions."""
    await async_load_registry(hass)
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: Lwm2mConfigEntry) -> bool:
    """Start the server of a config entry; ConfigEntryNotReady while its port cannot be had."""
    models = await async_load_user_models(hass)
    hub = Hub(hass, entry, models, await async_load_profiles(hass))

    async def stop(_: Event | None = None) -> None:
        await hub.async_stop()

    entry.async_on_unload(stop)
    entry.async_on_unload(hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, stop))
    try:
        await hub.async_start()
    except OSError as err:
        raise _not_ready(hass, entry, hub, err) from err
    except IncompatibleLibrary as err:
        raise ConfigEntryError(
            translation_domain=DOMAIN,
            translation_key="incompatible_library",
            translation_placeholders={"error": str(err)},
        ) from err
    ir.async_delete_issue(hass, DOMAIN, _port_issue(entry))
    entry.runtime_data = hub
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    hub.entities.async_platforms_ready(hub.devices.values())
    return True


async def async_migrate_entry(hass: HomeAssistant, entry: Lwm2mConfigEntry) -> bool:
    """Turn encryption on for a server of before there was any, unless its port is not free.

    It is the next one to the server's port, as 5684 is to 5683. False for data of a later version.
    """
    if entry.version > 1:
        return False
    if entry.minor_version < 2:
        data = dict(entry.data)
        port = data[CONF_PORT] and data[CONF_PORT] + 1
        taken = {
            port
            for other in hass.config_entries.async_entries(DOMAIN)
            for port in ports_of(other.data).values()
        }
        if port not in taken - {0} and await async_can_listen(Scheme.COAPS, data[CONF_HOST], port):
            data[CONF_COAPS_PORT] = port
        hass.config_entries.async_update_entry(entry, data=data, minor_version=2)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: Lwm2mConfigEntry) -> bool:
    """Take the entities away; the server stops with what else was to do on unload."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: Lwm2mConfigEntry) -> None:
    """Forget what was only of use with this entry: its issues, its file, what it ignored."""
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain == DOMAIN and entry.entry_id in issue_id:
            ir.async_delete_issue(hass, DOMAIN, issue_id)
    await async_remove_storage(hass, entry.entry_id)
    for other in hass.config_entries.async_entries(DOMAIN):
        ignored = other.source == SOURCE_IGNORE and other.unique_id
        if ignored and ignored.startswith(f"{entry.entry_id}-"):
            await hass.config_entries.async_remove(other.entry_id)


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, device: AnyDeviceEntry
) -> bool:
    """Remove a device's subentry with it; the server itself cannot be removed so.

    Nor can what is behind a gateway: the gateway says what there is.
    """
    if device.config_subentry_id is None or isinstance(device, dr.ChildDeviceEntry):
        return False
    hass.config_entries.async_remove_subentry(entry, device.config_subentry_id)
    return True


def _not_ready(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, hub: Hub, error: OSError
) -> ConfigEntryNotReady:
    """Say why the port cannot be had.

    A port in use is an issue as well: only the owner can solve it.
    """
    key = listen_failure(hass, error)
    ports = ports_of(entry.data)
    scheme = next(scheme for scheme in ports if scheme not in hub.server.ports)
    placeholders = {
        "name": entry.title,
        "carrier": scheme.carrier,
        "port": str(ports[scheme]),
        "scheme": scheme.value,
        "error": error.strerror or str(error),
    }
    if isinstance(error, PortInUseError):
        ir.async_create_issue(
            hass,
            DOMAIN,
            _port_issue(entry),
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key=key,
            translation_placeholders=placeholders,
        )
    return ConfigEntryNotReady(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


def _port_issue(entry: Lwm2mConfigEntry) -> str:
    return f"port_in_use_{entry.entry_id}"
