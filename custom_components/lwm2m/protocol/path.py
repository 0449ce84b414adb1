"""Paths of objects, instances, resources and resource instances."""

from __future__ import annotations

from typing import Self, override

MAX_ID = 65534
"""65535 is reserved (OMA-TS-LightweightM2M_Core-V1_1_1 7.1)."""
MAX_LEVELS = 4
MAX_SHOWN = 40
"""How much of a text that is no path an error repeats: it may be any device's, and goes to logs."""


class PathError(ValueError):
    """A text or a sequence that is no LwM2M path."""


class Path(tuple[int, ...]):
    """A LwM2M path of zero to four IDs, such as ``/3303/0/5700``.

    ``Path()`` is the root. Sorts and hashes as the tuple of its IDs.
    Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.3.1, "Resource Model".
    """

    __slots__ = ()

    def __new__(cls, *ids: int) -> Self:
        """Make a path of checked IDs; PathError when one is out of range."""
        if len(ids) > MAX_LEVELS or (ids and not 0 <= min(ids) <= max(ids) <= MAX_ID):
            raise PathError(f"not a LwM2M path: {'/'.join(map(str, ids))}")
        return super().__new__(cls, ids)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``/1/2/3``, with or without the leading slash; PathError otherwise."""
        parts = text.strip().removeprefix("/").split("/")
        if parts == [""]:
            return cls()
        if not all(part.isascii() and part.isdecimal() and len(part) <= 5 for part in parts):
            raise PathError(f"not a LwM2M path: {text[:MAX_SHOWN]!r}")
        return cls(*map(int, parts))

    @override
    def __str__(self) -> str:
        return "/" + "/".join(map(str, self))

    @override
    def __repr__(self) -> str:
        return f"Path({str(self)!r})"

    def __truediv__(self, number: int) -> Path:
        """Go one level down: ``Path(3303, 0) / 5700``; PathError as in ``Path(...)``."""
        if len(self) < MAX_LEVELS and 0 <= number <= MAX_ID:
            return _part((*self, number))
        return Path(*self, number)

    def covers(self, other: Path) -> bool:
        """Tell whether `other` is this path or lies below it."""
        return other[: len(self)] == self

    @property
    def parent(self) -> Path:
        """The path one level up; the root is its own parent."""
        return _part(self[:-1])

    @property
    def object_id(self) -> int:
        """The object ID; IndexError on the root."""
        return self[0]

    @property
    def instance_id(self) -> int:
        """The object instance ID; IndexError on a shorter path."""
        return self[1]

    @property
    def resource_id(self) -> int:
        """The resource ID; IndexError on a shorter path."""
        return self[2]

    @property
    def resource_instance_id(self) -> int:
        """The resource instance ID; IndexError on a shorter path."""
        return self[3]

    @property
    def instance(self) -> Path:
        """The first two IDs: the object instance that this path is in."""
        return self if len(self) == 2 else _part(self[:2])

    @property
    def resource(self) -> Path:
        """The first three IDs: the resource that this path is in."""
        return self if len(self) == 3 else _part(self[:3])


def _part(ids: tuple[int, ...]) -> Path:
    """Make a path of IDs that are checked already: notifications do so all the time."""
    return tuple.__new__(Path, ids)
