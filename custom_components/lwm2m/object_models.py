"""The object definitions: the OMA registry's, which all hubs share, and the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, MODELS_DIRECTORY
from .protocol.model.registry import ModelRegistry, load_registry
from .protocol.model.xml import load_models_directory
from .user_files import async_report_broken

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .protocol.model.definitions import ObjectModel

DATA_MODELS: HassKey[ModelRegistry] = HassKey(f"{DOMAIN}_models")


async def async_load_registry(hass: HomeAssistant) -> None:
    """Load the shipped definitions, once."""
    hass.data[DATA_MODELS] = await hass.async_add_executor_job(load_registry)


async def async_load_user_models(hass: HomeAssistant) -> ModelRegistry:
    """Add the user's own definitions and return all; each broken file becomes a repair issue.

    Called at every setup of a hub, so that a mended file counts after a reload.
    """
    directory = Path(hass.config.path(DOMAIN, MODELS_DIRECTORY))
    models, errors = await hass.async_add_executor_job(_load, directory)
    registry = hass.data[DATA_MODELS]
    for model in models:
        registry.add(model)
    async_report_broken(hass, "broken_model", directory, errors)
    return registry


def _load(directory: Path) -> tuple[list[ObjectModel], dict[str, str]]:
    try:
        return load_models_directory(directory)
    except OSError as err:
        return [], {"": str(err)}
