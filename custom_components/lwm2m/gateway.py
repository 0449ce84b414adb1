"""Devices behind a gateway: its sub-devices, with entities of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import ChildDeviceInfo

from .const import DOMAIN, LOGGER, RegistrationChange
from .device import Device
from .protocol.errors import NotRegistered
from .protocol.gateway import (
    DEVICE_ID,
    OBJECTS,
    PREFIX,
    endpoint_of,
    iot_devices,
    registration_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .device import Shared
    from .protocol.client import Client
    from .protocol.path import Path
    from .protocol.persistence import Json
    from .protocol.registration import Registration
    from .protocol.reporting import Readings


class IotDevice(Device):
    """A device that a gateway speaks for."""

    def __init__(self, shared: Shared, gateway: Device, device_id: str) -> None:
        """Make a device that its gateway does not reach yet."""
        self._gateway = gateway
        super().__init__(
            shared,
            endpoint=endpoint_of(gateway.endpoint, device_id),
            name=device_id,
            subentry_id=gateway.subentry_id,
            options=gateway.options,
        )

    @property
    @override
    def client(self) -> Client:
        """The client behind the gateway's; NotRegistered when there is none."""
        if self.registration is None:
            raise NotRegistered(self.endpoint)
        return self._gateway.client.behind(self.registration.root)

    @property
    @override
    def device_info(self) -> ChildDeviceInfo:
        """The link from an entity to its device."""
        return ChildDeviceInfo(
            identifiers={(DOMAIN, self.unique_id)}, parent_device_id=self._gateway.id
        )

    @callback
    @override
    def _enter_in_registry(self) -> str:
        """Create or update the entry of a sub-device, which has no details but its name."""
        entry = dr.async_get(self._shared.hass).async_get_or_create_child(
            config_entry_id=self._shared.entry.entry_id,
            config_subentry_id=self.subentry_id,
            identifiers={(DOMAIN, self.unique_id)},
            name=self._name,
            parent_device_id=self._gateway.id,
        )
        return entry.id


class Gateway:
    """The devices that the object 25 of a device lists, by their IDs.

    They come and go with what it lists, and are as available and as awake as the gateway. What
    they notified before a restart of Home Assistant is observed again; their values are kept.
    """

    def __init__(
        self,
        device: Device,
        shared: Shared,
        on_removed: Callable[[IotDevice], None],
        stored: Mapping[str, Any],
    ) -> None:
        """Begin with none; `stored` is what `dump` returned before a restart."""
        self.devices: dict[str, IotDevice] = {}
        self._device = device
        self._shared = shared
        self._on_removed = on_removed
        self._stored = dict(stored)
        self._watched: set[Path] = set()
        self._unwatch: list[CALLBACK_TYPE] = [device.watch_presence(self._on_presence)]

    def dump(self) -> Json:
        """Return what was stored and not needed yet, and what is to be stored."""
        return self._stored | {name: device.dump() for name, device in self.devices.items()}

    @callback
    def async_learnt(self, instance: Path) -> None:
        """Follow an instance of object 25."""
        if instance not in self._watched:
            self._watched.add(instance)
            paths = [instance / resource_id for resource_id in (DEVICE_ID, PREFIX, OBJECTS)]
            self._unwatch.append(self._device.watch(paths, self.async_refresh))
        self.async_refresh()

    @callback
    def async_refresh(self) -> None:
        """Have the devices that are listed now, as the gateway reaches them now."""
        registration = self._device.registration
        listed = {device.device_id: device for device in iot_devices(self._device.resources.values)}
        for device_id in self.devices.keys() - listed.keys():
            self._remove(device_id)
        for device_id, iot_device in listed.items():
            resumed = device_id in self._stored
            device = self.devices.get(device_id) or self._add(device_id)
            if device is None:
                continue
            if registration is None:
                if device.available:
                    device.async_unregistered(RegistrationChange.GATEWAY_GONE)
            elif iot_device.instance in self._device.following.learnt:
                self._follow(device, registration_of(registration, iot_device), resumed=resumed)

    @callback
    def async_sent(self, endpoint: str, readings: Readings) -> None:
        """Take what the gateway sent of a device."""
        for device in self.devices.values():
            if device.endpoint == endpoint:
                device.async_sent(readings)

    @callback
    def async_close(self) -> None:
        """Stop all that runs for the devices."""
        while self._unwatch:
            self._unwatch.pop()()
        for device in self.devices.values():
            device.async_close()

    def _add(self, device_id: str) -> IotDevice | None:
        """Make a device; None for one that would take the place of an approved endpoint."""
        endpoint = endpoint_of(self._device.endpoint, device_id)
        if any(known.unique_id == endpoint for known in self._shared.entry.subentries.values()):
            LOGGER.debug("%s is a device of its own, not one behind a gateway", endpoint)
            return None
        device = self.devices[device_id] = IotDevice(self._shared, self._device, device_id)
        if device_id in self._stored:
            device.async_restore(self._stored.pop(device_id), None)
        return device

    def _remove(self, device_id: str) -> None:
        device = self.devices.pop(device_id)
        if device.registration and self._device.available:
            self._device.client.remove_behind(device.registration.root)
        device.async_close()
        self._on_removed(device)

    def _follow(self, device: IotDevice, registration: Registration, *, resumed: bool) -> None:
        """Take what the gateway last said of a device that it reaches.

        `resumed` is one that it reached already before a restart of Home Assistant.
        """
        client, previous = self._device.client, device.registration
        if previous and previous.root != registration.root:
            client.remove_behind(previous.root)
        client.add_behind(registration)
        if previous and (previous.id, previous.root) == (registration.id, registration.root):
            device.async_updated(registration, previous)
        else:
            device.async_registered(registration, resumed=resumed)
            self._on_presence()

    @callback
    def _on_presence(self) -> None:
        for device in self.devices.values():
            if device.available and device.awake != self._device.awake:
                device.async_presence(awake=self._device.awake, waiting=0)
