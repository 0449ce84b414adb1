"""Stands in for a library of voice assistants that has no wheel for this Python.

Home Assistant imports it to describe actions, also where there is no voice assistant to use it.
"""


class MicroVad:
    """Never made: the demo has no voice assistant."""
