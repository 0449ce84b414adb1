"""The fields that several forms have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

if TYPE_CHECKING:
    from enum import StrEnum


def choice(kind: type[StrEnum], translation_key: str) -> SelectSelector:
    """Make the field for one of a few values, all of which are shown."""
    return SelectSelector(
        SelectSelectorConfig(
            options=list(kind), mode=SelectSelectorMode.LIST, translation_key=translation_key
        )
    )
