"""What can go wrong with an operation on a registered client."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal, override

from aiocoap.numbers import codes

if TYPE_CHECKING:
    from aiocoap.numbers.codes import Code

    from .path import Path

type Operation = Literal["read", "write", "execute", "create", "delete"]


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

    def __init__(
        self,
        endpoint: str,
        path: Path,
        code: Code,
        diagnostic: str,
        operation: Operation | None = None,
    ) -> None:
        """Keep the answer; `operation` is what 4.05 says to be impossible."""
        super().__init__(endpoint=endpoint, path=str(path), code=str(code), diagnostic=diagnostic)
        self.endpoint = endpoint
        self.path = path
        if operation and code == codes.METHOD_NOT_ALLOWED:
            self.translation_key = f"cannot_{operation}"
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


class Mistake(StrEnum):
    """Why something cannot be asked for, with gaps; its name is the key of a translated message."""

    NO_PATH = "no path is given"
    COVERED = "the path covers {other}"
    LEVEL_12 = "it is not the path of an object or an instance"
    LEVEL_123 = "it is not the path of an object, an instance or a resource"
    LEVEL_1234 = "it is not the path of anything"
    LEVEL_234 = "it is not the path of an instance, a resource or a resource instance"
    LEVEL_24 = "it is not the path of an instance or a resource instance"
    LEVEL_3 = "it is not the path of a resource"
    VERSION = "the operation needs LwM2M {version}"
    ARGUMENTS = "the arguments are not such as 0='red',3"
    ARGUMENT_TWICE = "an argument is given twice"
    NO_ATTRIBUTE = "no attribute is given"
    NOT_REPORTED = "the resource cannot be read, so it cannot be notified either"
    OF_RESOURCES = "{attribute} belongs to a resource"
    OF_OTHER_TYPES = "{attribute} means nothing to a resource of its type"
    NOT_A_VALUE = "{attribute} cannot be {value}"
    SET_AND_UNSET = "{attribute} is both set and unset"
    PMIN_ABOVE_PMAX = "pmin is greater than pmax"
    EPMIN_ABOVE_EPMAX = "epmin is greater than epmax"
    GT_NOT_ABOVE_LT = "gt is not greater than lt"
    ST_TOO_LARGE = "lt and twice st together are not less than gt"


class BadRequest(ClientError):
    """The operation is impossible on this path, or malformed; nothing was sent."""

    def __init__(self, path: Path, mistake: Mistake, **words: str) -> None:
        """Say what is wrong with the request; `words` fill the gaps."""
        self.translation_key = f"bad_request_{mistake.name.lower()}"
        self.path = path
        self.reason = mistake.format(**words)
        super().__init__(path=str(path), reason=self.reason, **words)


class ValueMisfit(ClientError):
    """A value to write does not fit its model; nothing was sent."""

    translation_key = "value_misfit"

    def __init__(self, path: Path, reason: str) -> None:
        """Say why."""
        super().__init__(path=str(path), reason=reason)
        self.path = path
        self.reason = reason
