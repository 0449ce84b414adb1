"""The resources of one device: which it has, their last values, what their models say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .const import LOGGER
from .power import BATTERY_STATUS
from .protocol.path import Path
from .protocol.persistence import MAX_VALUES, dump_values, load_values

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Iterable,
        Mapping,
        Sequence,
        Set as AbstractSet,
    )

    from .protocol.model.definitions import ObjectModel, ResourceModel
    from .protocol.model.registry import ModelRegistry
    from .protocol.node import Decoded, Value, Values
    from .protocol.persistence import Json

DECISIVE = frozenset({Path(3, 0, BATTERY_STATUS)})
"""The resources whose values decide which entities there are."""


class Resources:
    """What is known of one device's resources.

    `values` holds the last known value of each, `paths` every resource that the device is known
    to have, also those that cannot be read. `misfits` says why values were left out, the last
    reason for each. `versions` are those of its objects, as it announced them last.
    """

    def __init__(self, endpoint: str, models: ModelRegistry) -> None:
        """Start with none."""
        self.values: Values = {}
        self.paths: set[Path] = set()
        self.misfits: dict[Path, str] = {}
        self.versions: Mapping[int, str] = {}
        self._endpoint = endpoint
        self._models = models

    # What the object model says

    def model(self, path: Path) -> ResourceModel | None:
        """Return what the object model says of a resource, by the object version announced."""
        return self._models.find_resource(
            path.object_id, path.resource_id, self.versions.get(path.object_id)
        )

    def object_model(self, object_id: int) -> ObjectModel | None:
        """Return the model of an object, by the version announced."""
        return self._models.get(object_id, self.versions.get(object_id))

    def name_of(self, path: Path) -> str | None:
        """Return what the object model calls a path, None when it does not know it."""
        if len(path) >= 3:
            model: ResourceModel | ObjectModel | None = self.model(path.resource)
        else:
            model = self.object_model(path.object_id) if path else None
        return model.name if model else None

    # What the device says

    def take(
        self, decoded: Decoded, before: Callable[[Sequence[Path]], None]
    ) -> tuple[Sequence[Path], AbstractSet[Path]]:
        """Take values; return which changed, and the instances where entities may be missing.

        `before` is called with those that change while they are as they were. A value that does
        not fit its model is logged once for its resource.
        """
        values, new = self.values, decoded.values
        changed = [path for path, value in new.items() if values.get(path) != value]
        grown = {
            path.instance
            for path in changed
            if path in DECISIVE or _has_grown(new[path], values.get(path))
        }
        before(changed)
        values.update(new)
        self.paths.update(new)
        for path, reason in decoded.rejected.items():
            if path not in self.misfits:
                LOGGER.warning("Ignoring %s of %s: %s", path, self._endpoint, reason)
            self.misfits[path] = reason
        return changed, grown

    def keep(self, instances: Collection[Path]) -> AbstractSet[Path]:
        """Drop all that is not of these instances; return the instances that are gone."""
        gone = {path for path in self.paths if path.instance not in instances}
        self.paths -= gone
        for path in gone:
            self.values.pop(path, None)
        return {path.instance for path in gone}

    # What is stored

    def dump(self) -> Json:
        """Return what `load` takes, in JSON's types."""
        return {
            "values": dump_values(self.values),
            "resources": [str(path) for path in sorted(self.paths)[:MAX_VALUES]],
            "versions": {str(number): version for number, version in self.versions.items()},
        }

    @staticmethod
    def load(stored: Mapping[str, Any]) -> dict[str, Any]:
        """Read what `restore` takes; KeyError, ValueError, TypeError, AttributeError when wrong."""
        return {
            "values": load_values(stored["values"]),
            "paths": {Path.parse(text) for text in stored["resources"]},
            "versions": {int(key): str(text) for key, text in stored.get("versions", {}).items()},
        }

    def restore(self, values: Values, paths: Iterable[Path], versions: Mapping[int, str]) -> None:
        """Go on from what was loaded."""
        self.values, self.paths, self.versions = values, {*paths, *values}, versions


def _has_grown(value: Value | None, before: Value | None) -> bool:
    """Tell whether a resource has instances with a value that had none before."""
    if isinstance(value, dict) or isinstance(before, dict) or before is None:
        return bool(_instances(value) - _instances(before))
    return False


def _instances(value: Value | None) -> AbstractSet[int]:
    """Return the resource instances that have a value: those of a multiple resource, or 0."""
    if isinstance(value, dict):
        return value.keys()
    return frozenset() if value is None else frozenset({0})
