"""Boards without Home Assistant.

They share paths, codecs and models with the integration's `protocol` package, which imports
nothing of Home Assistant. Python, though, runs the packages above it first, and the
integration's own takes seconds to import all that it needs.
"""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec
import sys

INTEGRATION = "custom_components.lwm2m"


def without_home_assistant() -> None:
    """Have the integration's package there without running it.

    For programs of their own, before they import any board; in a process that runs the
    integration too, it would be found empty.
    """
    spec = find_spec(INTEGRATION)
    assert spec is not None
    sys.modules[INTEGRATION] = module_from_spec(spec)
