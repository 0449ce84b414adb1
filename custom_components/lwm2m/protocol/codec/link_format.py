"""The CoRE link format of Register, Update and Discover.

Source: RFC 6690; OMA-TS-LightweightM2M_Core-V1_1_1 6.2.1 and 6.3.2 (what the attributes say).
"""

from __future__ import annotations

from dataclasses import dataclass, field
import re
from typing import TYPE_CHECKING

from .base import CodecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LIST_ATTRIBUTES = frozenset({"ct", "if", "rel", "rev", "rt"})
"""Attributes that hold a list parted by spaces (RFC 6690 2; RFC 7252 7.2.1 for `ct`)."""

_NEEDLESS = " \t\r\n,"
_COMMA = re.compile(r"\s*,[\s,]*")
_TARGET = re.compile(r"<([^<>]*)>")
_ATTRIBUTE = re.compile(
    r"""\s*;\s*
    (?:
        (?P<name>[^\s;,="<>]+) \s*
        (?:= \s* (?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^;,"<>]*)))?
    )?""",
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r'[^\s;,="<>]+')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TO_ESCAPE = re.compile(r'(["\\])')
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Link:
    """A link and its attributes, in the order of the payload.

    `target` is as it came, such as `/1/0`. An attribute without a value, such as `;obs`, is
    None. A list (`ct`, `rt`) is its items parted by spaces, also where the attribute came
    repeatedly; of any other attribute the first holds.
    """

    target: str
    attributes: Mapping[str, str | None] = field(default_factory=dict)


def parse_links(payload: bytes | str) -> list[Link]:
    """Read links, with the slips that clients make; CodecError when it is no list of links.

    The slips: an unquoted list (`ct=60 110`), a repeated attribute (`ct=110;ct=112`), a
    version in quotes or not, spaces, needless commas and semicolons (leshan#1315, #1229, #1020).
    """
    try:
        text = payload.decode() if isinstance(payload, bytes) else payload
    except UnicodeDecodeError as err:
        raise CodecError("the links are not UTF-8") from err
    text = text.strip(_NEEDLESS)
    links: list[Link] = []
    at = 0
    while at < len(text):
        if not (target := _TARGET.match(text, at)):
            raise CodecError(f"no link at character {at}")
        at = target.end()
        attributes: dict[str, list[str | None]] = {}
        while found := _ATTRIBUTE.match(text, at):
            _take(attributes, found)
            at = found.end()
        links.append(
            Link(target[1], {name: _value(name, values) for name, values in attributes.items()})
        )
        if comma := _COMMA.match(text, at):
            at = comma.end()
        elif at < len(text):
            raise CodecError(f"no end of a link at character {at}")
    return links


def format_links(links: Iterable[Link]) -> str:
    """Write links, numbers bare and other values in quotes; CodecError if one cannot be."""
    return ",".join(map(_format, links))


def _take(attributes: dict[str, list[str | None]], found: re.Match[str]) -> None:
    """Note one attribute; nothing where the semicolon was needless."""
    name = found["name"]
    if name is None:
        return
    value = None
    if found["quoted"] is not None:
        value = _ESCAPED.sub(r"\1", found["quoted"])
    elif found["bare"] is not None:
        value = found["bare"].strip()
    attributes.setdefault(name, []).append(value)


def _value(name: str, values: list[str | None]) -> str | None:
    """Give what a repeated attribute says: a list all its items, any other what came first."""
    if values[0] and name in _LIST_ATTRIBUTES:
        return " ".join(filter(None, values))
    return values[0]


def _format(link: Link) -> str:
    if "<" in link.target or ">" in link.target:
        raise CodecError(f"{link.target!r} is no target of a link")
    return f"<{link.target}>" + "".join(
        f";{_format_attribute(name, value)}" for name, value in link.attributes.items()
    )


def _format_attribute(name: str, value: str | None) -> str:
    if not _NAME.fullmatch(name):
        raise CodecError(f"{name!r} is no name of an attribute")
    if value is None:
        return name
    if _NUMBER.fullmatch(value):
        return f"{name}={value}"
    return f'{name}="{_TO_ESCAPE.sub(r"\\\1", value)}"'
