"""What a device shows of its connection: how it is secured, whether it is awake, what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory

from .credentials import SecurityMode
from .entity import WritesChanges
from .protocol.dtls import CertificateIdentity, PskIdentity, RawPublicKeyIdentity

if TYPE_CHECKING:
    from .device import Device

AWAKE = "awake"
ASLEEP = "asleep"


class PresenceSensor(WritesChanges, SensorEntity):
    """A sensor of the device itself rather than of a resource; not each change is of it."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    shows = ("native_value",)

    def __init__(self, device: Device) -> None:
        """Bind the sensor to its device."""
        self._device = device
        self._attr_unique_id = f"{device.unique_id}-{self.entity_description.key}"
        self._attr_device_info = device.device_info

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the device from now on."""
        await super().async_added_to_hass()
        self.async_on_remove(self._device.watch_presence(self._write_if_changed))

    @property
    @override
    def available(self) -> bool:
        """Whether the device is registered."""
        return self._device.available


class SecuritySensor(PresenceSensor):
    """How the device proved who it is when it registered, and over which transport."""

    entity_description = SensorEntityDescription(
        key="security",
        translation_key="security",
        device_class=SensorDeviceClass.ENUM,
        options=list(SecurityMode),
        entity_category=EntityCategory.DIAGNOSTIC,
    )

    @property
    @override
    def native_value(self) -> SecurityMode | None:
        """The kind of its credential."""
        if (registration := self._device.registration) is None:
            return None
        match registration.remote.identity:
            case PskIdentity():
                return SecurityMode.PRE_SHARED_KEY
            case RawPublicKeyIdentity():
                return SecurityMode.RAW_PUBLIC_KEY
            case CertificateIdentity():
                return SecurityMode.CERTIFICATE
        return SecurityMode.NONE

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """UDP or TCP."""
        registration = self._device.registration
        return {"transport": registration.remote.scheme.carrier} if registration else None


class AwakeSensor(PresenceSensor):
    """Whether the device is awake."""

    entity_description = SensorEntityDescription(
        key="awake",
        translation_key="awake",
        device_class=SensorDeviceClass.ENUM,
        options=[AWAKE, ASLEEP],
        entity_category=EntityCategory.DIAGNOSTIC,
    )

    @property
    @override
    def native_value(self) -> str:
        """Awake or asleep."""
        return AWAKE if self._device.awake else ASLEEP


class WaitingSensor(PresenceSensor):
    """How many requests wait for the device to wake up."""

    entity_description = SensorEntityDescription(
        key="waiting_requests",
        translation_key="waiting_requests",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
    )

    @property
    @override
    def native_value(self) -> int:
        """The number of requests, not all of them the owner's."""
        return self._device.waiting


def presence_sensors(device: Device) -> tuple[type[PresenceSensor], ...]:
    """Return the kinds of sensors that a device has now."""
    return (SecuritySensor, AwakeSensor, WaitingSensor) if device.queue_mode else (SecuritySensor,)
