"""Reads the "Range or Enumeration" column of an object definition.

OMA-TS-LightweightM2M_Core-V1_1_1 appendix D.1 leaves its notation open and the registry
uses a dozen. What cannot be read with certainty restricts nothing: a value must
never be refused for a misread remark.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .definitions import ResourceType

_NUMERIC = {
    ResourceType.INTEGER,
    ResourceType.UNSIGNED_INTEGER,
    ResourceType.FLOAT,
    ResourceType.TIME,
}
_SIZED = {ResourceType.STRING, ResourceType.OPAQUE}

# 20 digits hold any 64-bit integer.
_INTEGER = r"[+-]?[0-9]{1,20}"
_NUMBER = rf"{_INTEGER}(?:\.[0-9]{{1,20}})?"
_SPAN = re.compile(rf"({_NUMBER})\s*(?:\.\.\.?|-)\s*({_NUMBER})")
_CODES = re.compile(rf"{_INTEGER}(?:\s*[,;|]\s*{_INTEGER})+")
_LABELLED_CODE = re.compile(rf"\s*({_INTEGER})\s*:\s*\S.*")
_LENGTHS = re.compile(
    r"[0-9]{1,9}(?:\s*(?:\.\.\.?|-|,|or)\s*[0-9]{1,9})*(?:\s*bytes?)?", re.IGNORECASE
)
_WORDS = re.compile(r"[\w.+-]+(?:\s*[,;|]\s*[\w.+-]+)+")


class Range(NamedTuple):
    """What a value is restricted to; the fields are those of `ResourceModel`."""

    minimum: float | None = None
    maximum: float | None = None
    enumeration: tuple[int | str, ...] = ()
    max_length: int | None = None


def read_range(kind: ResourceType, text: str) -> Range:
    """Read a range for a resource of type `kind`; what is unclear gives an empty `Range`."""
    text = text.strip()
    if kind in _NUMERIC:
        return _read_numbers(kind, text)
    if kind in _SIZED and _LENGTHS.fullmatch(text):
        return Range(max_length=max(map(int, re.findall(r"[0-9]+", text))))
    if kind is ResourceType.STRING and _WORDS.fullmatch(text):
        return Range(enumeration=tuple(re.split(r"\s*[,;|]\s*", text)))
    return Range()


def _read_numbers(kind: ResourceType, text: str) -> Range:
    if span := _SPAN.fullmatch(text):
        # Signal strengths are at times written from strong to weak, as "-30..-120".
        minimum, maximum = sorted(float(n) if "." in n else int(n) for n in span.groups())
        return Range(minimum, maximum)
    if kind is ResourceType.FLOAT:
        return Range()
    if _CODES.fullmatch(text):
        return Range(enumeration=tuple(map(int, re.findall(_INTEGER, text))))
    labelled = [_LABELLED_CODE.fullmatch(line) for line in text.splitlines()]
    return Range(enumeration=tuple(int(code[1]) for code in labelled if code and all(labelled)))
