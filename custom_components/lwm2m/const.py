"""Constants of the integration."""

from __future__ import annotations

from datetime import timedelta
import logging
from typing import Final

DOMAIN: Final = "lwm2m"
LOGGER: Final = logging.getLogger(__package__)

SUBENTRY_TYPE_DEVICE: Final = "device"
CONF_ENDPOINT: Final = "endpoint"
CONF_ACCEPT_NEW_DEVICES: Final = "accept_new_devices"

DEFAULT_PORT: Final = 5683
MODELS_DIRECTORY: Final = "models"
"""Below `<config>/lwm2m/`: the user's own object definitions."""

POLL_INTERVAL: Final = timedelta(seconds=60)
"""How often an instance is read whose device refuses to be observed."""
