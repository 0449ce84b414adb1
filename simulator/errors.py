"""What a device answers when it will not do what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiocoap.numbers.codes import Code


class RefusedError(Exception):
    """A request that is answered with an error code, 4.xx or 5.xx."""

    def __init__(self, code: Code, reason: str = "") -> None:
        """Take the code, and a reason for the response's diagnostic payload."""
        super().__init__(reason)
        self.code = code
        self.reason = reason
