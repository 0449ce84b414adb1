"""Constants of the integration."""

from __future__ import annotations

from enum import StrEnum
import logging
from typing import Final

DOMAIN: Final = "lwm2m"
LOGGER: Final = logging.getLogger(__package__)

SUBENTRY_TYPE_DEVICE: Final = "device"
CONF_ENDPOINT: Final = "endpoint"
CONF_ACCEPT_NEW_DEVICES: Final = "accept_new_devices"


class AcceptNewDevices(StrEnum):
    """What happens to an endpoint that registers for the first time."""

    AFTER_APPROVAL = "after_approval"
    AT_ONCE = "at_once"


MODELS_DIRECTORY: Final = "models"
"""Below `<config>/lwm2m/`: the user's own object definitions."""
PROFILES_DIRECTORY: Final = "profiles"
"""Below `<config>/lwm2m/`: the user's own device profiles."""

EVENT_REGISTRATION: Final = f"{DOMAIN}_registration"
"""On Home Assistant's bus: a device has become available, or is not any more."""


class RegistrationChange(StrEnum):
    """What became of a device's registration."""

    REGISTERED = "registered"
    DEREGISTERED = "deregistered"
    EXPIRED = "expired"
    """Its lifetime ended without an Update."""
    REVOKED = "revoked"
    """Its credential was changed or replaced."""
    GATEWAY_GONE = "gateway_gone"
    """The gateway that it is behind is not registered any more."""


EVENT_NOTIFICATION: Final = f"{DOMAIN}_notification"
"""On Home Assistant's bus: a manually observed path was notified, or a device sent values."""

EVENT_SECURITY: Final = f"{DOMAIN}_security"
"""On Home Assistant's bus: somebody tried to be a device, or a device cannot prove who it is."""

POLL_INTERVAL: Final = 60
"""Seconds: how often an instance is read that is not observed, unless the owner says otherwise."""
LIFETIME_GRACE: Final = 45
"""Seconds: MAX_TRANSMIT_SPAN of RFC 7252 4.8.2, as long as a lost Update is still on its way."""
