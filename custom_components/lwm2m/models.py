"""The dataclasses that a mapping is written in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from homeassistant.const import Platform
    from homeassistant.helpers.entity import EntityDescription

    from .entity import Lwm2mEntity
    from .profiles.profile import Misfit, Scale
    from .protocol.path import Path


type Objects = int | tuple[int, ...]
"""The object or the objects that a row is for."""


def object_ids(objects: Objects) -> tuple[int, ...]:
    """Return the IDs of the objects of a row."""
    return (objects,) if isinstance(objects, int) else objects


type NameKey = tuple[str, ...]
"""What entities of the same name have in common, whatever the language."""


def name_key(platform: str, named_by: str | None, words: Mapping[str, str] | None) -> NameKey:
    """Return what names an entity: its translation, else its device class, and the words in it."""
    return (platform, named_by or "", *(word for _, word in sorted((words or {}).items())))


def key_prefix(path: Path) -> str:
    """Return what the keys of all entities at or below a path begin with."""
    return "".join(f"{number}-" for number in path)


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscoverySchema:
    """What some resources of an object become.

    An instance matches when it has the primary resource, all of `required`
    and none of `absent`. Of two schemas for the same primary resource the
    first one listed wins, over all platforms in the order of `discovery.py`.
    """

    platform: Platform
    object_ids: tuple[int, ...]
    resource_id: int
    """The primary resource: it gives the entity its unique ID."""
    entity_class: type[Lwm2mEntity]
    entity_description: EntityDescription
    required: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    watched: tuple[int, ...] = ()
    """Further resources of the instance that the state depends on."""
    main: bool = True
    """Whether this entity stands for the whole instance and takes its name."""
    allow_multi: bool = False
    """Whether its resources may be those of other rows, too."""
    each: bool = False
    """Whether each instance of a multiple resource becomes an entity of its own."""
    follows: int | None = None
    """The resource of which it is a minimum, an average or the like: a profile means it, too."""
    nothing: tuple[int, tuple[int, ...]] | None = None
    """A resource, and those of its values with which there is nothing to show."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityInfo:
    """One entity to create: a schema that matched an instance."""

    platform: Platform
    instance: Path
    resource_id: int
    entity_class: type[Lwm2mEntity]
    entity_description: EntityDescription
    resource_instance_id: int | None = None
    """Which instance of a multiple resource it is of; None for the resource as a whole."""
    watched: tuple[int, ...] = ()
    main: bool = True
    follows: int | None = None
    """As in the schema."""
    name: str | None = None
    """A name in place of the translated one: the model's for a generic entity, or a profile's."""
    whole_name: bool = False
    """Whether the name says already which instance is meant."""
    named_by: str | None = None
    """The device class whose name it keeps, where a profile takes the class away."""
    taken: Container[NameKey] = frozenset()
    """The names that entities of the device's other objects have."""
    nothing: bool = False
    """Whether there is nothing to show yet: no entity is needed, if there was none before."""
    hidden: bool = False
    """Whether there is to be no such entity, also where there was one."""
    scales: Mapping[int, Scale] = field(default_factory=dict)
    """Resource -> how its numbers become Home Assistant's."""

    misfits: tuple[Misfit, ...] = ()
    """What a profile says of it that was left out."""

    @property
    def primary(self) -> Path:
        """The path of the primary resource."""
        return self.instance / self.resource_id

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths of all resources that the entity watches."""
        return (self.primary, *(self.instance / resource for resource in self.watched))

    @property
    def key(self) -> str:
        """What tells this entity from the device's others, stable over restarts."""
        ids = self.primary
        if self.resource_instance_id is not None:
            ids /= self.resource_instance_id
        return key_prefix(ids) + self.entity_description.key
