"""Callbacks into the code above: called in order, and kept from harming us."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LOGGER = logging.getLogger(__name__)


def call_guarded[*Args](function: Callable[[*Args], object], *args: *Args) -> None:
    """Call `function`; log what it raises, and go on."""
    try:
        function(*args)
    except Exception:
        _LOGGER.exception("%r failed", function)


class Listeners[Event]:
    """Who wants to hear of events."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._listeners: dict[object, Callable[[Event], object]] = {}

    def subscribe(self, listener: Callable[[Event], object]) -> Callable[[], None]:
        """Call `listener` with each event from now on, until the returned function is called."""
        key = object()
        self._listeners[key] = listener

        def unsubscribe() -> None:
            self._listeners.pop(key, None)

        return unsubscribe

    def emit(self, event: Event) -> None:
        """Tell every listener, in the order of subscription."""
        for listener in tuple(self._listeners.values()):
            call_guarded(listener, event)
