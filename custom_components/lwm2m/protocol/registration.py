"""What a client says of itself in Register and Update.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.2, OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.3.

Where the texts leave room, or devices don't keep to them:

- A missing `lwm2m` means 1.0, as LwM2M 1.0 had it (OMA-TS-LightweightM2M-V1_0_2 5.3.1); 1.1
  demands the parameter. A patch level (`1.0.2`) is dropped.
- Queue mode is `Q` inside `b` in 1.0 and a parameter of its own since 1.1. Both are taken from
  any client; Leshan refuses the one that is not of the client's version.
- The tables of response codes answer unknown parameters with 4.00 (Transport-V1_1_1 6.7).
  Deployed devices send many, such as `et` or `d`, so they are kept, as Leshan does.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
import re
from typing import TYPE_CHECKING, Any

from aiocoap.numbers import codes

from .object_list import ObjectList, RequestError, parse_object_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aiocoap import Message

    from .coap import Peer

DEFAULT_LIFETIME = 86400
"""Seconds; OMA-TS-LightweightM2M_Core-V1_1_1 6.2.1."""

BINDINGS = {
    "1.0": frozenset("USQ"),
    "1.1": frozenset("USTNQ"),
    "1.2": frozenset("USTNMHQ"),
}
"""Bindings by LwM2M version: UDP, SMS, TCP, non-IP, MQTT, HTTP; Q is queue mode.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.2.1.2, V1_2_2 6.2.1.2, V1_0_2 5.3.1.1.
"""

MAX_PARAMETERS = 32
MAX_PARAMETER_LENGTH = 255
"""Bytes of UTF-8 (RFC 7252 5.10, Uri-Query)."""

_LIFETIME = re.compile(r"[0-9]{1,10}")
_LWM2M_VERSION = re.compile(r"([0-9]{1,3}\.[0-9]{1,3})(\.[0-9]{1,3})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRequest(ObjectList):
    """A well-formed Register, not granted yet.

    `lifetime` is in seconds, 0 is for ever (Core-V1_1_1 appendix E.2, resource 1). `sms` is the
    MSISDN, `attributes` are all parameters that the specification doesn't name.
    """

    endpoint: str
    remote: Peer
    lifetime: int
    version: str
    binding: str
    queue_mode: bool
    sms: str | None
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration(RegisterRequest):
    """A registered client. `id` is the last segment of its location; times are in UTC."""

    id: str
    registered_at: datetime
    updated_at: datetime

    @property
    def expires_at(self) -> datetime | None:
        """When its lifetime ends; None when it never does."""
        if self.lifetime == 0:
            return None
        return self.updated_at + timedelta(seconds=self.lifetime)


def parse_register(message: Message, proved: str | None = None) -> RegisterRequest:
    """Read a Register; RequestError when it is wrong.

    `proved` is the endpoint name of the peer's credential, which may go unsaid (Core-V1_1_1 6.2.1).
    """
    parameters = _parse_parameters(message)
    version = _parse_lwm2m_version(parameters.pop("lwm2m", "1.0"))
    endpoint = parameters.pop("ep", "") or proved
    if not endpoint:
        raise RequestError(codes.BAD_REQUEST, "no endpoint name")
    _refuse_profile(parameters)
    binding = _check_binding(parameters.pop("b", "U"), version)
    lifetime = parameters.pop("lt", None)
    queue_mode = parameters.pop("Q", None) is not None
    return RegisterRequest(
        endpoint=endpoint,
        remote=message.remote,
        lifetime=DEFAULT_LIFETIME if lifetime is None else _parse_lifetime(lifetime),
        version=version,
        binding=binding,
        queue_mode=queue_mode or "Q" in binding,
        sms=parameters.pop("sms", None),
        attributes=parameters,
        **_fields_of(parse_object_list(message)),
    )


def grant(request: RegisterRequest, registration_id: str, now: datetime) -> Registration:
    """Make the registration of a Register that is let in."""
    return Registration(
        id=registration_id, registered_at=now, updated_at=now, **_fields_of(request)
    )


def apply_update(registration: Registration, message: Message, now: datetime) -> Registration:
    """Return the registration as an Update leaves it; RequestError when that is wrong.

    What the Update doesn't say stays; an object list replaces the old one (Core-V1_1_1 6.2.2), but
    for alternate path and content formats where it names none: Leshan's client, for one, states
    its formats in Register alone.
    Endpoint and version belong to Register: repeated they are ignored, changed they are refused.
    Queue mode of LwM2M 1.1 cannot be left by Update, the parameter has no negative form
    (OMA LwM2M for Developers #490).
    """
    parameters = _parse_parameters(message)
    changes: dict[str, Any] = {}
    if parameters.pop("ep", registration.endpoint) != registration.endpoint:
        raise RequestError(codes.BAD_REQUEST, "ep cannot be updated")
    version = parameters.pop("lwm2m", registration.version)
    if _parse_lwm2m_version(version) != registration.version:
        raise RequestError(codes.BAD_REQUEST, "lwm2m cannot be updated")
    _refuse_profile(parameters)
    if (lifetime := parameters.pop("lt", None)) is not None:
        changes["lifetime"] = _parse_lifetime(lifetime)
    if (binding := parameters.pop("b", None)) is not None:
        changes["binding"] = _check_binding(binding, registration.version)
        kept = registration.queue_mode and registration.version != "1.0"
        changes["queue_mode"] = kept or "Q" in binding
    if parameters.pop("Q", None) is not None:
        changes["queue_mode"] = True
    if (sms := parameters.pop("sms", None)) is not None:
        changes["sms"] = sms
    if parameters:
        changes["attributes"] = _merge(registration.attributes, parameters)
    if message.payload:
        listed = parse_object_list(message, registration.root)
        changes |= _fields_of(listed)
        if not listed.content_formats:
            changes["content_formats"] = registration.content_formats
    return replace(registration, remote=message.remote, updated_at=now, **changes)


def _fields_of(instance: ObjectList) -> dict[str, Any]:
    return {item.name: getattr(instance, item.name) for item in fields(instance)}


def _parse_parameters(message: Message) -> dict[str, str]:
    """Split the query; a parameter without a value has an empty one."""
    parameters: dict[str, str] = {}
    for item in message.opt.uri_query:
        name, _, value = item.partition("=")
        if len(item.encode()) > MAX_PARAMETER_LENGTH or not item.isprintable():
            raise RequestError(codes.BAD_REQUEST, "a parameter is too long or not printable")
        if name in parameters:
            raise RequestError(codes.BAD_REQUEST, f"{name} is given twice")
        parameters[name] = value
    if len(parameters) > MAX_PARAMETERS:
        raise RequestError(codes.BAD_REQUEST, "too many parameters")
    return parameters


def _merge(attributes: Mapping[str, str], parameters: Mapping[str, str]) -> dict[str, str]:
    merged = {**attributes, **parameters}
    if len(merged) > MAX_PARAMETERS:
        raise RequestError(codes.BAD_REQUEST, "too many parameters")
    return merged


def _parse_lwm2m_version(text: str) -> str:
    """Return major and minor; 4.12 for one that is not ours (Core-V1_1_1 6.2.1)."""
    match = _LWM2M_VERSION.fullmatch(text)
    if match is None:
        raise RequestError(codes.BAD_REQUEST, "lwm2m is not a version")
    if match[1] not in BINDINGS:
        raise RequestError(codes.PRECONDITION_FAILED, f"supported versions: {', '.join(BINDINGS)}")
    return match[1]


def _parse_lifetime(text: str) -> int:
    if not _LIFETIME.fullmatch(text):
        raise RequestError(codes.BAD_REQUEST, "lt is not a number of seconds")
    return int(text)


def _check_binding(text: str, version: str) -> str:
    letters = set(text)
    if not letters - {"Q"} or len(letters) != len(text) or not letters <= BINDINGS[version]:
        raise RequestError(codes.BAD_REQUEST, f"b is not a binding of LwM2M {version}")
    return text


def _refuse_profile(parameters: Mapping[str, str]) -> None:
    """Make a client of LwM2M 1.2 send its object list instead of a Profile ID.

    Source: OMA-TS-LightweightM2M_Core-V1_2_2 6.2.1, Transport-V1_2_2 6.7 (4.09).
    """
    if "pid" in parameters:
        raise RequestError(codes.CONFLICT, "Profile IDs are not supported")
