"""The real kinds of boards in fixtures/devices, to be played by the simulator.

Each file holds the parameters and the payload of Register as the board sends them, the content
formats that it knows, the one it likes best first, and its values: null is executable. `types` are
those of resources that the OMA's registry does not have, or has otherwise. `source` says where all
of it is from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
import json
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from custom_components.lwm2m.protocol.codec import ContentFormat
from custom_components.lwm2m.protocol.model.definitions import (
    INITIAL_VERSION,
    ObjectModel,
    Operations,
    ResourceModel,
    ResourceType,
)
from custom_components.lwm2m.protocol.model.registry import ModelRegistry, load_registry
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.values import from_user
from simulator.blueprint import Blueprint
from simulator.board import Board

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.node import Value
    from simulator.blueprint import Row

FOLDER = FilePath(__file__).parent / "fixtures" / "devices"
NAMES = sorted(file.stem for file in FOLDER.glob("*.json"))


@dataclass(frozen=True, slots=True)
class FixtureDevice:
    """One kind of board."""

    name: str
    data: dict[str, Any]

    @classmethod
    def load(cls, name: str) -> FixtureDevice:
        """Read a fixture by the name of its file."""
        return cls(name, json.loads((FOLDER / f"{name}.json").read_text()))

    @property
    def query(self) -> dict[str, str]:
        """The parameters of Register by name; those without a value have an empty one."""
        return dict(text.partition("=")[::2] for text in self.data["register"]["query"])

    @property
    def endpoint(self) -> str:
        """The endpoint name."""
        return self.query["ep"]

    def board(self, port: int) -> Board:
        """Make a board that registers with a server on 127.0.0.1."""
        models = self._models()
        instances: dict[Path, dict[int, Row]] = {}
        for text, raw in self.data["values"].items():
            path = Path.parse(text)
            model = models.find_resource(path.object_id, path.resource_id)
            instances.setdefault(path.instance, {})[path.resource_id] = (
                (lambda board, path, arguments: None) if raw is None else _value(raw, model)
            )
        query = self.query
        return Board(
            Blueprint(name=self.endpoint, instances=instances),
            server=("127.0.0.1", port),
            models=models,
            query=tuple(self.data["register"]["query"]),
            links=self.data["register"]["payload"],
            version=query["lwm2m"],
            queue_mode="Q" in query or "Q" in query.get("b", ""),
            formats=tuple(map(ContentFormat, self.data["formats"])),
        )

    def _models(self) -> ModelRegistry:
        """Return the registry with the board's own types in place of the OMA's."""
        types = self.data.get("types")
        if not types:
            return _registry()
        models = load_registry()
        for text, kind in types.items():
            object_id, resource_id = map(int, text.strip("/").split("/"))
            known = models.get(object_id) or ObjectModel(
                id=object_id,
                name=f"Object {object_id}",
                version=INITIAL_VERSION,
                lwm2m_version="1.0",
                multiple=True,
                mandatory=False,
                resources={},
            )
            resource = known.resources.get(resource_id) or ResourceModel(
                id=resource_id,
                name=f"Resource {resource_id}",
                type=ResourceType.NONE,
                operations=Operations.READ | Operations.WRITE,
            )
            changed = replace(resource, type=ResourceType(kind))
            models.add(replace(known, resources={**known.resources, resource_id: changed}))
        return models


def _value(raw: Any, model: ResourceModel | None) -> Value:
    """Read a value, whatever range its definition allows: boards don't always keep to it."""
    if model is not None:
        model = replace(model, minimum=None, maximum=None, enumeration=())
    return from_user(raw, model)


@cache
def _registry() -> ModelRegistry:
    return load_registry()
