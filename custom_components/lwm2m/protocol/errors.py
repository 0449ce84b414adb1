"""What can go wrong with an operation on a registered client."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

if TYPE_CHECKING:
    from aiocoap.numbers.codes import Code

    from .path import Path


class ClientError(Exception):
    """An operation on a client that failed.

    `translation_key` names the kind of failure, `placeholders` what a message in
    a user's language needs to say about it.
    """

    translation_key = "client_error"

    def __init__(self, **placeholders: str) -> None:
        """Keep the placeholders of the message."""
        super().__init__()
        self.placeholders = placeholders

    @override
    def __str__(self) -> str:
        details = ", ".join(f"{name} {text}" for name, text in self.placeholders.items())
        return f"{self.translation_key.replace('_', ' ')}: {details}"


class NotRegistered(ClientError):
    """The client is not registered, or its registration ended or moved meanwhile."""

    translation_key = "not_registered"

    def __init__(self, endpoint: str) -> None:
        """Name the endpoint."""
        super().__init__(endpoint=endpoint)
        self.endpoint = endpoint


class RegistrationEnded(NotRegistered):
    """The client's registration ended before it was awake for what waited for it."""

    translation_key = "registration_ended"


class Superseded(ClientError):
    """A newer write to the same resources took the place of one that waited; nothing was sent."""

    translation_key = "superseded"

    def __init__(self, endpoint: str, path: Path) -> None:
        """Name the endpoint and the path that was to be written to."""
        super().__init__(endpoint=endpoint, path=str(path))
        self.endpoint = endpoint
        self.path = path


class QueueFull(ClientError):
    """Too many requests wait for the client already; nothing was sent."""

    translation_key = "queue_full"

    def __init__(self, endpoint: str, path: Path) -> None:
        """Name the endpoint and the path asked for."""
        super().__init__(endpoint=endpoint, path=str(path))
        self.endpoint = endpoint
        self.path = path


class ClientAsleep(ClientError):
    """The client sleeps, and the asker did not want to wait."""

    translation_key = "client_asleep"

    def __init__(self, endpoint: str, path: Path) -> None:
        """Name the endpoint and the path asked for."""
        super().__init__(endpoint=endpoint, path=str(path))
        self.endpoint = endpoint
        self.path = path


class NotConnected(ClientError):
    """The client has closed its connection, or lost it, and only it can open another."""

    translation_key = "not_connected"

    def __init__(self, endpoint: str, path: Path) -> None:
        """Name the endpoint and the path asked for."""
        super().__init__(endpoint=endpoint, path=str(path))
        self.endpoint = endpoint
        self.path = path


class ClientTimeout(ClientError):
    """The client did not answer in time."""

    translation_key = "client_timeout"

    def __init__(self, endpoint: str, path: Path) -> None:
        """Name the endpoint and the path asked for."""
        super().__init__(endpoint=endpoint, path=str(path))
        self.endpoint = endpoint
        self.path = path


class ClientRefused(ClientError):
    """The client answered with 4.xx or 5.xx.

    `code` is the response code, `diagnostic` the client's own words, often empty
    (RFC 7252 5.5.2).
    """

    translation_key = "client_refused"

    def __init__(self, endpoint: str, path: Path, code: Code, diagnostic: str) -> None:
        """Keep the answer."""
        super().__init__(endpoint=endpoint, path=str(path), code=str(code), diagnostic=diagnostic)
        self.endpoint = endpoint
        self.path = path
        self.code = code
        self.diagnostic = diagnostic


class BadResponse(ClientError):
    """The client's answer cannot be understood."""

    translation_key = "bad_response"

    def __init__(self, endpoint: str, path: Path, reason: str) -> None:
        """Say what is wrong with the answer."""
        super().__init__(endpoint=endpoint, path=str(path), reason=reason)
        self.endpoint = endpoint
        self.path = path
        self.reason = reason


class BadRequest(ClientError):
    """The operation is impossible on this path, or malformed; nothing was sent."""

    translation_key = "bad_request"

    def __init__(self, path: Path, reason: str) -> None:
        """Say what is wrong with the request."""
        super().__init__(path=str(path), reason=reason)
        self.path = path
        self.reason = reason


class ValueMisfit(BadRequest):
    """A value to write does not fit its model; nothing was sent."""

    translation_key = "value_misfit"
