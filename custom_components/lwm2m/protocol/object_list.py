"""The objects and instances that a client lists in Register and Update.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.2.1, OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.1.
Links to anything but an object or an instance, and link attributes that LwM2M does not
define, are no errors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
import re
from typing import TYPE_CHECKING

from aiocoap.numbers import codes

from .codec import CodecError, ContentFormat
from .codec.link_format import Link, parse_links
from .path import Path, PathError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from aiocoap import Message
    from aiocoap.numbers.codes import Code

MAX_LINKS = 1000
ROOT_TYPE = "oma.lwm2m"

_NUMBER = re.compile(r"[0-9]{1,5}")
_VERSION = re.compile(r"[0-9]{1,5}\.[0-9]{1,5}")


class RequestError(Exception):
    """A client's request has to be answered with an error code."""

    def __init__(self, code: Code, diagnostic: str) -> None:
        """Keep the answer's code and diagnostic payload."""
        super().__init__(diagnostic)
        self.code = code
        self.diagnostic = diagnostic


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectList:
    """The payload of Register, or of Update when it has one.

    `root` is the alternate path without a slash at its end, empty when there is none
    (Transport-V1_1_1 6.4.1). `content_formats` are the numbers that the client offers in `ct`.
    `versions` holds only what was stated: a missing version is left to the model registry.
    """

    root: str = ""
    content_formats: frozenset[int] = frozenset()
    objects: frozenset[int] = frozenset()
    instances: frozenset[Path] = frozenset()
    versions: Mapping[int, str] = field(default_factory=dict)


def parse_object_list(message: Message, root: str = "") -> ObjectList:
    """Read the payload of Register or Update; RequestError when it is wrong.

    `root` is the alternate path where the payload names none. A payload without Content-Format is
    taken for link format, the only one there is.
    """
    if message.opt.content_format not in (None, ContentFormat.LINK_FORMAT):
        raise RequestError(codes.UNSUPPORTED_CONTENT_FORMAT, "not application/link-format")
    try:
        links = parse_links(message.payload)
    except CodecError as err:
        raise RequestError(codes.BAD_REQUEST, str(err)) from err
    return list_objects(links, _find_root(links, root))


def list_objects(links: Collection[Link], root: str) -> ObjectList:
    """Take from links what they say of objects, below the alternate path; RequestError."""
    if len(links) > MAX_LINKS:
        raise RequestError(codes.REQUEST_ENTITY_TOO_LARGE, "too many links")
    paths = [
        (path, link)
        for link in links
        if (path := object_path(link.target, root)) is not None and len(path) in (1, 2)
    ]
    if not paths:
        raise RequestError(codes.BAD_REQUEST, "no objects")
    return ObjectList(
        root=root,
        content_formats=frozenset(
            int(number)
            for link in links
            for number in _tokens(link, "ct")
            if _NUMBER.fullmatch(number)
        ),
        objects=frozenset(path.object_id for path, _ in paths),
        instances=frozenset(path for path, _ in paths if len(path) == 2),
        versions={
            path.object_id: version
            for path, link in paths
            if _VERSION.fullmatch(version := link.attributes.get("ver") or "")
        },
    )


def object_path(target: str, root: str) -> Path | None:
    """Return the path that a link points at, below the alternate path; None for other links.

    A client that names an alternate path and then leaves it out of its links is understood.
    """
    if root and (target == root or target.startswith(f"{root}/")):
        target = target.removeprefix(root)
    try:
        return Path.parse(target)
    except PathError:
        return None


def _find_root(links: Iterable[Link], default: str) -> str:
    """Return the alternate path; it has no numeric segment (Transport-V1_1_1 6.4.1)."""
    for link in links:
        if ROOT_TYPE in _tokens(link, "rt"):
            root = link.target.rstrip("/")
            if not any(segment.isdecimal() for segment in root.split("/")):
                return root
    return default


def _tokens(link: Link, name: str) -> list[str]:
    return (link.attributes.get(name) or "").split()
