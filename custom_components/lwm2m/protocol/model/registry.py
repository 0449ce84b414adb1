"""Finds the model of an object: the OMA registry's, or a user's own."""

from __future__ import annotations

import json
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from .compact import Row, decode_object, decode_resource
from .definitions import INITIAL_VERSION, ModelError, ObjectModel, ResourceModel, parse_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_REGISTRY_FILE = Path(__file__).with_name("registry.json")
_INITIAL = parse_version(INITIAL_VERSION)
_NEWEST_1 = (1, sys.maxsize)

CORE_OBJECTS = frozenset({*range(8), 21})
"""Objects that the LwM2M specification itself defines (Core-V1_1_1 appendix E)."""


class ModelRegistry:
    """All known object models by ID and version.

    A model is built from its compact form when it is first asked for: the registry has hundreds,
    a house needs a few dozen.
    """

    def __init__(
        self,
        objects: Mapping[int, Mapping[str, Row]] | None = None,
        common: Iterable[ResourceModel] = (),
    ) -> None:
        """Start from the rows of the shipped file, or empty."""
        self._objects: dict[int, dict[str, Row | ObjectModel]] = {
            object_id: dict(versions) for object_id, versions in (objects or {}).items()
        }
        self._common = {resource.id: resource for resource in common}

    def object_ids(self) -> tuple[int, ...]:
        """Return the IDs of all known objects, ascending."""
        return tuple(sorted(self._objects))

    def versions(self, object_id: int) -> tuple[str, ...]:
        """Return the known versions of an object, oldest first; empty when it is unknown."""
        return tuple(sorted(self._objects.get(object_id, ()), key=parse_version))

    def add(self, model: ObjectModel) -> None:
        """Add a model, in place of a known one of the same ID and version."""
        self._objects.setdefault(model.id, {})[model.version] = model

    def get(self, object_id: int, version: str | None = None) -> ObjectModel | None:
        """Return the model of an object; None only when no version of it is known.

        A client leaves the version out when it is 1.0, or, for the objects of the LwM2M
        specification itself, when it is the one that belongs to the client's LwM2M version
        (OMA-TS-LightweightM2M_Core-V1_1_1 7.2.3; V1_2 words it clearly). The latter is read as the
        newest 1.x: minor versions only add or drop optional resources (7.2.1), so the newest can
        type the values of all.

        Devices name versions that nobody has registered, or forget to name one. Their values are
        still worth more than none: the nearest version is taken, of the same major version the
        next newer or else the newest, and without the same major version the newest of all.
        A version that is not two numbers counts as left out.
        """
        versions = self._objects.get(object_id)
        if versions is None:
            return None
        key = version if version in versions else self._nearest(object_id, version)
        match versions[key]:
            case ObjectModel() as model:
                return model
            case row:
                model = versions[key] = decode_object(object_id, key, row)
                return model

    def find_resource(
        self, object_id: int, resource_id: int, version: str | None = None
    ) -> ResourceModel | None:
        """Return a resource's model from the nearest place that knows the resource.

        That is the version that `get` chooses, then the object's other versions from the newest
        to the oldest, then the reusable resources. So a device that shows a resource of version 1.1
        and forgets to say so keeps its value.
        """
        for candidate in (version, *reversed(self.versions(object_id))):
            model = self.get(object_id, candidate)
            if model and resource_id in model.resources:
                return model.resources[resource_id]
        return self.common_resource(resource_id)

    def common_resource(self, resource_id: int) -> ResourceModel | None:
        """Return a reusable resource, which means the same in whatever object it appears.

        Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.3.2, "Reusable Resources".
        """
        return self._common.get(resource_id)

    def _nearest(self, object_id: int, version: str | None) -> str:
        known = {parse_version(text): text for text in self._objects[object_id]}
        try:
            wanted = parse_version(version or "")
        except ModelError:
            wanted = _NEWEST_1 if object_id in CORE_OBJECTS else _INITIAL
        same_major = [number for number in known if number[0] == wanted[0]]
        newer = [number for number in same_major if number >= wanted]
        return known[min(newer, default=max(same_major or known))]


def load_registry() -> ModelRegistry:
    """Load the OMA registry's models that are shipped with this package.

    Blocking: call in an executor.
    """
    facts = json.loads(_REGISTRY_FILE.read_bytes())
    return ModelRegistry(
        {int(object_id): versions for object_id, versions in facts["objects"].items()},
        map(decode_resource, facts["common"]),
    )
