"""Owns the server and turns its events into devices."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    SOURCE_IGNORE,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
    ConfigSubentry,
)
from homeassistant.const import CONF_HOST
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.start import async_at_started

from .address import ports_of
from .const import DOMAIN, LIFETIME_GRACE, LOGGER, SUBENTRY_TYPE_DEVICE, RegistrationChange
from .credentials import load_credential
from .device import Device, Shared
from .device_options import options_of
from .exposure import accepts_at_once, async_check_exposure
from .gateway import Gateway, IotDevice
from .hub_entities import HubEntities
from .new_device import NewDevice, async_offer, async_withdraw
from .protocol.gateway import GATEWAY_OBJECT
from .protocol.server import (
    Deregistered,
    Expired,
    LwM2mServer,
    Presence,
    Registered,
    Revoked,
    SecurityEvent,
    Sent,
    Updated,
)
from .security_watch import SecurityWatch
from .server_identity import async_ensure_identity
from .storage import HubStorage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .device_options import DeviceOptions
    from .profiles.profile import Profile
    from .protocol.model.registry import ModelRegistry
    from .protocol.path import Path
    from .protocol.persistence import Json
    from .protocol.registration import RegisterRequest, Registration
    from .protocol.security import Credential
    from .protocol.server import RegistrationEvent, ServerEvent

type Lwm2mConfigEntry = ConfigEntry[Hub]

MAX_PENDING = 50
"""How many unknown endpoints may wait for the owner's approval."""

ENDS = {
    Deregistered: RegistrationChange.DEREGISTERED,
    Expired: RegistrationChange.EXPIRED,
    Revoked: RegistrationChange.REVOKED,
}


class Hub:
    """One server and its devices.

    `devices` are the approved endpoints, `pending` the registered ones that wait for approval:
    nothing is read from those. Both by endpoint name.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: Lwm2mConfigEntry,
        models: ModelRegistry,
        profiles: Sequence[Profile] = (),
    ) -> None:
        """Make a hub that has no socket yet."""
        self.devices: dict[str, Device] = {}
        self.pending: dict[str, Registration] = {}
        self.models = models
        self.server = LwM2mServer(models, admit=self._admit, lifetime_grace=LIFETIME_GRACE)
        self.security = SecurityWatch(hass, entry, self.server.security)
        self.entities = HubEntities(hass, entry, self.security)
        self._hass = hass
        self._entry = entry
        self._full = False
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self._storage = HubStorage(hass, entry.entry_id, self._dump)
        self._started = False
        self._gateways: dict[str, Gateway] = {}
        """The devices that others are behind, by endpoint name."""
        self._stored_behind: dict[str, Any] = {}
        self._shared = Shared(
            hass=hass,
            entry=entry,
            server=self.server,
            models=models,
            storage=self._storage,
            profiles=profiles,
            on_resources=self._on_resources,
            on_gone=self._on_gone,
        )

    @property
    def all_devices(self) -> Iterator[Device]:
        """The approved endpoints and what is behind them."""
        yield from self.devices.values()
        for gateway in self._gateways.values():
            yield from gateway.devices.values()

    def find(self, device_id: str | None) -> Device | None:
        """Return the device with this ID in the device registry, None when it is none of these."""
        return next((device for device in self.all_devices if device.id == device_id), None)

    async def async_start(self) -> None:
        """Open the server; OSError when its port cannot be had."""
        self._enter_in_registry()
        self.server.set_identity(await async_ensure_identity(self._hass, self._entry))
        self._synchronize()
        self._unsubscribe = [
            self.server.subscribe(self._on_event),
            async_dispatcher_connect(
                self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._on_entry_changed
            ),
            self.security.async_start(),
        ]
        stored = await self._storage.async_load()
        await self.server.start(
            self._entry.data[CONF_HOST] or None, ports_of(self._entry.data), stored.get("server")
        )
        self._started = True
        async_check_exposure(self._hass, self._entry)
        self._restore(stored)
        self._storage.async_save_soon()

    async def async_stop(self) -> None:
        """Close the server and all that runs for its devices; a second call does nothing."""
        if self._started:  # else what is stored was not taken up
            self._started = False
            await self._storage.async_save()
        while self._unsubscribe:
            self._unsubscribe.pop()()
        for endpoint in list(self.pending):
            self._withdraw(endpoint)
        for gateway in self._gateways.values():
            gateway.async_close()
        for device in self.devices.values():
            device.async_close()
        await self.server.stop()

    # Storage

    def _dump(self) -> Json:
        return {
            "server": self.server.dump(),
            "devices": {name: device.dump() for name, device in self.devices.items()},
            "behind": {name: gateway.dump() for name, gateway in self._gateways.items()},
        }

    @callback
    def _restore(self, stored: Mapping[str, Any]) -> None:
        """Go on with what was stored of the devices, in the step in which the server did so."""
        devices, behind = stored.get("devices"), stored.get("behind")
        self._stored_behind = behind if isinstance(behind, dict) else {}
        devices = devices if isinstance(devices, dict) else {}
        for endpoint, device in self.devices.items():
            device.async_restore(devices.get(endpoint), self.server.registrations.get(endpoint))
            if endpoint in self.server.lapsed:  # told once there are automations to hear of it
                self._unsubscribe.append(async_at_started(self._hass, device.async_lapsed))
        for endpoint, registration in self.server.registrations.items():
            if endpoint not in self.devices:
                self._offer(registration)

    # What the devices tell

    @callback
    def _on_resources(self, device: Device, instance: Path) -> None:
        """Follow what is behind a device, and create the entities that are not there yet."""
        if instance.object_id == GATEWAY_OBJECT and not isinstance(device, IotDevice):
            self._gateway(device).async_learnt(instance)
        self.entities.async_learnt(device, instance)

    @callback
    def _on_gone(self, device: Device, instances: Collection[Path]) -> None:
        """Remove the entities of instances that a device no longer has, and what was behind it."""
        self.entities.async_remove(device, instances)
        if gateway := self._gateways.get(device.endpoint):
            gateway.async_refresh()

    def _gateway(self, device: Device) -> Gateway:
        """Return what is behind a device."""
        if device.endpoint not in self._gateways:
            stored = self._stored_behind.pop(device.endpoint, None)
            self._gateways[device.endpoint] = Gateway(
                device,
                self._shared,
                self._on_left,
                stored if isinstance(stored, dict) else {},
            )
        return self._gateways[device.endpoint]

    @callback
    def _on_left(self, device: IotDevice) -> None:
        """Remove a device that its gateway does not list any more, as `_on_gone` does."""
        self.entities.async_forget(device)
        dr.async_get(self._hass).async_remove_device(device.id)
        self._storage.async_save_soon()

    # Endpoints

    @callback
    def async_approve(self, endpoint: str, name: str = "") -> None:
        """Make an endpoint a device, if it is none yet; its name is the endpoint's unless given."""
        if endpoint in self.devices:
            return
        self._hass.config_entries.async_add_subentry(
            self._entry,
            ConfigSubentry(
                data=MappingProxyType({}),
                subentry_type=SUBENTRY_TYPE_DEVICE,
                title=name or endpoint,
                unique_id=endpoint,
            ),
        )

    def _admit(self, request: RegisterRequest) -> bool:
        """Tell whether a Register is answered with 2.01 or with 4.03.

        Unknown endpoints are counted where they register: `pending` only follows.
        """
        endpoint, registered = request.endpoint, self.server.registrations.keys()
        if endpoint in self.devices:
            return True
        if self._is_ignored(endpoint) or self._is_behind(endpoint):
            return False
        if endpoint in registered or accepts_at_once(self._entry):
            return True
        full = len(registered - self.devices.keys()) >= MAX_PENDING
        if full and not self._full:
            LOGGER.warning(
                "%s: refusing further unknown endpoints, %s are waiting for approval",
                self._entry.title,
                MAX_PENDING,
            )
        self._full = full
        return not full

    def _is_behind(self, endpoint: str) -> bool:
        """Tell whether a name is that of a device which its gateway alone speaks for."""
        return any(
            device.endpoint == endpoint
            for gateway in self._gateways.values()
            for device in gateway.devices.values()
        )

    def _is_ignored(self, endpoint: str) -> bool:
        entry = self._hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, self._card(endpoint).unique_id
        )
        return entry is not None and entry.source == SOURCE_IGNORE

    def _card(self, endpoint: str) -> NewDevice:
        return NewDevice(self._entry.entry_id, endpoint)

    @callback
    def _on_event(self, event: ServerEvent) -> None:
        if isinstance(event, SecurityEvent):
            self.security.async_take(event, self.devices.get(event.endpoint or ""))
        else:
            self._on_registration_event(event)

    def _on_registration_event(self, event: RegistrationEvent) -> None:
        registration = event.registration
        device = self.devices.get(registration.endpoint)
        match event:
            case Registered() | Updated() if device and registration.remote.identity:
                self.security.async_accept(device)
        match event:
            case Registered() | Deregistered() | Expired() | Revoked():
                self._storage.async_save_soon()
            case Updated():
                self._save_update(registration, event.previous)
        match event:
            case Registered() if device:
                device.async_registered(registration)
                self.entities.async_show_presence(device)
            case Updated() if device:
                self._updated(device, event)
            case Presence() if device:
                device.async_presence(awake=event.awake, waiting=event.waiting)
            case Sent() if device:
                self._sent(device, event)
            case Registered() | Updated():
                self._offer(registration)
            case Deregistered() | Expired() | Revoked() if device:
                device.async_unregistered(ENDS[type(event)])
            case Deregistered() | Expired() | Revoked():
                self._withdraw(registration.endpoint)

    def _updated(self, device: Device, event: Updated) -> None:
        device.async_updated(event.registration, event.previous)
        self.entities.async_show_presence(device)
        if gateway := self._gateways.get(device.endpoint):
            gateway.async_refresh()

    def _sent(self, device: Device, event: Sent) -> None:
        if event.behind is None:
            device.async_sent(event.readings)
        elif gateway := self._gateways.get(device.endpoint):
            gateway.async_sent(event.behind, event.readings)

    def _save_update(self, registration: Registration, previous: Registration) -> None:
        """Store an Update: one that only prolongs the lifetime is in no hurry, and most do."""
        same = replace(previous, updated_at=registration.updated_at) == registration
        if same and registration.remote == previous.remote:
            self._storage.async_save_later()
        else:
            self._storage.async_save_soon()

    def _offer(self, registration: Registration) -> None:
        """Quarantine a registered endpoint and ask the owner, or take it at once."""
        endpoint = registration.endpoint
        if self._is_ignored(endpoint):
            return
        if accepts_at_once(self._entry):
            self.async_approve(endpoint)
            return
        self.pending[endpoint] = registration
        async_offer(self._hass, self._card(endpoint))

    def _withdraw(self, endpoint: str) -> None:
        """Take an endpoint out of quarantine and its card away."""
        if self.pending.pop(endpoint, None):
            async_withdraw(self._hass, self._card(endpoint))

    # Configuration

    @callback
    def _on_entry_changed(self, change: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Follow this entry's subentries, title and options, and what the owner ignores."""
        if entry is self._entry:
            self._enter_in_registry()
            self._synchronize()
            async_check_exposure(self._hass, self._entry)
            if accepts_at_once(self._entry):
                self._approve_all()
            elif entry.state is ConfigEntryState.LOADED:
                for endpoint in self.pending:  # a card that came before the set-up was done
                    async_offer(self._hass, self._card(endpoint))
        elif entry.domain == DOMAIN and change is ConfigEntryChange.ADDED:
            for endpoint in [e for e in self.pending if self._is_ignored(e)]:
                self._withdraw(endpoint)
        elif entry.source == SOURCE_IGNORE and change is ConfigEntryChange.REMOVED:
            for registration in list(self.server.registrations.values()):
                if registration.endpoint not in self.devices:
                    self._offer(registration)

    def _synchronize(self) -> None:
        """Have one device for each subentry, with its title as the name, and its credential."""
        subentries = {
            subentry.unique_id: subentry
            for subentry in self._entry.get_subentries_of_type(SUBENTRY_TYPE_DEVICE)
            if subentry.unique_id
        }
        for endpoint in self.devices.keys() - subentries:
            self._secure(endpoint, None)
            self.server.forget(endpoint)
            self.server.set_lifetime_grace(endpoint, None)
            removed = self.devices.pop(endpoint)
            removed.async_close()
            LOGGER.info("Device %s is removed", endpoint)
            self.entities.async_forget(removed)
            if gateway := self._gateways.pop(endpoint, None):
                gateway.async_close()
                for behind in gateway.devices.values():
                    self.entities.async_forget(behind)
            self._storage.async_save_soon()
        for endpoint, subentry in subentries.items():
            self._secure(endpoint, load_credential(subentry.data))
            options = options_of(subentry.data)
            self.server.set_lifetime_grace(endpoint, options.lifetime_grace)
            if device := self.devices.get(endpoint):
                device.async_rename(subentry.title)
                device.async_set_options(options)
                if gateway := self._gateways.get(endpoint):
                    for behind in gateway.devices.values():
                        behind.async_set_options(options)
            else:
                self._add_device(subentry, options)
            self.entities.async_show_security(self.devices[endpoint])

    def _secure(self, endpoint: str, credential: Credential | None) -> None:
        if self.server.credentials.credentials.get(endpoint) != credential:
            self.server.set_credential(endpoint, credential)
            if device := self.devices.get(endpoint):
                self.security.async_accept(device)

    def _approve_all(self) -> None:
        """Empty the quarantine first: each approval comes back here as a changed entry."""
        endpoints = list(self.pending)
        for endpoint in endpoints:
            self._withdraw(endpoint)
        for endpoint in endpoints:
            self.async_approve(endpoint)

    def _add_device(self, subentry: ConfigSubentry, options: DeviceOptions) -> None:
        device = Device(
            self._shared,
            endpoint=subentry.unique_id or subentry.title,
            name=subentry.title,
            subentry_id=subentry.subentry_id,
            options=options,
        )
        self.devices[device.endpoint] = device
        self._withdraw(device.endpoint)
        if registration := self.server.registrations.get(device.endpoint):
            device.async_registered(registration)
            self.entities.async_show_presence(device)

    def _enter_in_registry(self) -> None:
        """Create or update the server's own entry in the device registry."""
        dr.async_get(self._hass).async_get_or_create(
            config_entry_id=self._entry.entry_id,
            identifiers={(DOMAIN, self._entry.entry_id)},
            entry_type=dr.DeviceEntryType.SERVICE,
            name=self._entry.title,
            manufacturer="LwM2M for Home Assistant",
            model="LwM2M server",
        )
