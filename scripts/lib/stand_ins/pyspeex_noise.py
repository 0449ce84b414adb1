"""Stands in for a library of voice assistants that has no wheel for this Python."""


class AudioProcessor:
    """Never made: the demo has no voice assistant."""
