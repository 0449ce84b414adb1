"""A running board: its resources, its life, and what happens to it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace as replace_fields
from functools import cache
import random
from typing import TYPE_CHECKING, Any, Self

from aiocoap import POST, Message

from custom_components.lwm2m.protocol.codec import ContentFormat
from custom_components.lwm2m.protocol.model.definitions import (
    INITIAL_VERSION,
    ObjectModel,
    ResourceModel,
)
from custom_components.lwm2m.protocol.model.registry import ModelRegistry, load_registry
from custom_components.lwm2m.protocol.path import Path

from . import gateway
from .blueprint import Action, Blueprint, Computed, Row, Rows
from .client import Client
from .composite import timed_pack
from .events import Event, EventKind, EventLog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aiocoap.numbers.codes import Code

    from custom_components.lwm2m.protocol.node import Value, Values

LIFETIME = Path(1, 0, 1)
EVENT_TIMEOUT = 5.0
"""Seconds that awaiting an event takes at most, unless told otherwise."""


class Board:
    """One simulated device.

    ``async with Board(PLUG, server=("127.0.0.1", 5683)) as board`` runs it, and deregisters
    at the end. Values set in one turn of the event loop go out in one notification.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        *,
        server: tuple[str, int],
        endpoint: str | None = None,
        models: ModelRegistry | None = None,
        **settings: Any,
    ) -> None:
        """Make a board that does not run yet.

        The endpoint's name is the blueprint's by default. `settings` are fields of `Settings`
        in place of the blueprint's, `models` the object models in place of the OMA registry's.
        """
        self.blueprint = blueprint
        self.endpoint = endpoint or blueprint.name
        self.settings = replace_fields(blueprint.settings, **settings)
        self.events = EventLog(self.endpoint)
        self.random = random.Random(self.endpoint)
        """Makes the board's values drift, in the same way at each start."""
        self.attributes: dict[Path, dict[str, str]] = {}
        """What the server wrote with Write-Attributes, by path and name."""
        self._models = models or _models()
        self._definitions: dict[Path, ResourceModel | None] = {}
        self._rows: dict[Path, Row] = {}
        """What each resource holds."""
        self._resources: dict[Path, list[Path]] = {}
        """The resources of each instance."""
        self.client = Client(self, server)
        self.behind: dict[Path, Board] = {}
        """The boards that it is the gateway of, by the instances of object 25 that list them."""
        self.reset()
        for prefix, behind in blueprint.behind.items():
            gateway.attach(self, prefix, behind)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # Its life

    async def start(self) -> None:
        """Open its socket and begin to register; `registered` awaits the outcome."""
        await self.client.start()

    async def stop(self, *, deregister: bool = True) -> None:
        """End it; without `deregister` the server is not told. Harmless when it has ended."""
        await self.client.stop(deregister=deregister)

    async def update(self) -> Code:
        """Send an Update and return the code of the answer; a Register follows a refusal.

        This and the other ways to reach the server raise NoAnswerError.
        """
        return await self.client.announce()

    async def register(self) -> Code:
        """Register again, as if the registration were lost."""
        self.client.location = None
        return await self.client.announce()

    def reboot(self) -> None:
        """Start again soon: registers from another port, without its observations."""
        self.client.reboot()

    async def move(self) -> None:
        """Go on from another port without telling, as behind a NAT that forgot the old one."""
        await self.client.move()

    def sleep(self) -> None:
        """Fall asleep at once: no answers until `wake` or until the next Update is due."""
        self.client.sleep()

    async def wake(self) -> Code:
        """Wake up with an Update; what changed meanwhile is notified after it."""
        return await self.client.announce()

    async def go_silent(self) -> None:
        """Stay deaf and mute until `resume`, as with a flat battery."""
        await self.client.silence()

    async def resume(self) -> Code:
        """End a silence with an Update, or a Register when the server has forgotten the board."""
        return await self.client.resume()

    def tick(self, seconds: float) -> None:
        """Let some time pass: values drift, meters count."""
        if self.blueprint.tick is not None:
            with suppress(KeyError):  # the server has deleted what was to change
                self.blueprint.tick(self, seconds)
        for board in self.behind.values():
            board.tick(seconds)

    @property
    def port(self) -> int | None:
        """The local UDP port, None while stopped."""
        return self.client.coap.port

    @property
    def location(self) -> str | None:
        """Where its registration is, None while it has none."""
        location = self.client.location
        return None if location is None else "/" + "/".join(location)

    @property
    def asleep(self) -> bool:
        """Whether it sleeps."""
        return self.client.asleep

    @property
    def lifetime(self) -> int:
        """The registration's lifetime in seconds, which the server may write."""
        return int(self.value(LIFETIME))

    # Its resources

    @property
    def object_ids(self) -> list[int]:
        """The IDs of the objects that it has, ascending."""
        return sorted({*self.blueprint.versions, *(path.object_id for path in self._resources)})

    @property
    def instances(self) -> list[Path]:
        """The object instances that it has, ascending."""
        return sorted(self._resources)

    def resources(self, instance: Path) -> Sequence[Path]:
        """Return an instance's resources, ascending; KeyError when there is no such instance."""
        return self._resources[instance]

    def has(self, path: Path) -> bool:
        """Tell whether a path exists."""
        match len(path):
            case 0 | 2:
                return not path or path in self._resources
            case 1:
                return path.object_id in self.object_ids
            case 3:
                return path in self._rows
            case _:
                if not self.has(path.resource) or self.action(path.resource):
                    return False
                value = self.value(path.resource)
                return isinstance(value, dict) and path.resource_instance_id in value

    def action(self, path: Path) -> Action | None:
        """Return what Execute on a resource does; None when it is not executable."""
        row = self._rows[path]
        return row if callable(row) else None

    def value(self, path: Path) -> Any:
        """Return a resource's or a resource instance's value; KeyError when there is none."""
        if len(path) == 4:
            return self.value(path.resource)[path.resource_instance_id]
        row = self._rows[path]
        if callable(row):
            raise KeyError(path)
        return self._evaluate(row)

    def values(self, path: Path) -> Values:
        """Return all readable values at or below a path, by resource."""
        if len(path) == 4:
            return {path.resource: {path.resource_instance_id: self.value(path)}}
        return {
            resource: self.value(resource)
            for instance, resources in self._resources.items()
            if path.covers(instance) or instance.covers(path)
            for resource in resources
            if path.covers(resource) and self._readable(resource)
        }

    def attributes_of(self, path: Path) -> Mapping[str, str]:
        """Return the attributes that were written to a path."""
        return self.attributes.get(path, {})

    def set(self, path: Path, value: Value) -> None:
        """Give a resource or a resource instance a value, and notify observers if it differs.

        KeyError when the board has no such resource.
        """
        resource = path.resource
        before = self.value(resource)
        if len(path) == 4:
            value = before | {path.resource_instance_id: value}
        if value == before:
            return
        self._rows[resource] = value
        self.client.observations.mark(resource)
        if resource == LIFETIME:
            self.client.trigger()
        if self.blueprint.changed is not None:
            self.blueprint.changed(self, resource)

    def write(self, path: Path, values: Values, *, replace: bool) -> None:
        """Take checked values that the server writes to `path`.

        The specification leaves open what becomes of the resources that a replacing Write of an
        instance leaves out (OMA-TS-LightweightM2M_Core-V1_1_1 6.3.3): here those that the server
        can write get their initial values.
        """
        if replace and len(path) == 2:
            values = self._initial_values(path) | values
        merge = not replace or len(path) == 4
        for resource, value in values.items():
            if merge and isinstance(value, dict):
                self.set(resource, {**self.value(resource), **value})
            else:
                self.set(resource, value)

    def add(self, instance: Path, rows: Rows) -> None:
        """Add an object instance, in place of the one that was there, and tell the server."""
        self._put(instance, rows)
        self.client.observations.mark(instance)
        self.client.trigger()

    def remove(self, instance: Path) -> None:
        """Take an object instance away, and tell the server; KeyError when there is none."""
        self._drop(instance)
        self.attributes = {
            path: written for path, written in self.attributes.items() if not instance.covers(path)
        }
        self.client.observations.mark(instance)
        self.client.trigger()

    def reset(self) -> None:
        """Give all resources their initial values, silently."""
        self._rows.clear()
        self._resources.clear()
        for instance, rows in self.blueprint.instances.items():
            self._put(instance, rows)
        self._put(LIFETIME.instance, self._server_rows())
        for instance, board in self.behind.items():
            self._put(instance, gateway.rows(board))

    def model(self, path: Path) -> ResourceModel | None:
        """Return a resource's definition, by the object version that the board has."""
        if path not in self._definitions:
            version = self.blueprint.versions.get(path.object_id, INITIAL_VERSION)
            self._definitions[path] = self._models.find_resource(
                path.object_id, path.resource_id, version
            )
        return self._definitions[path]

    def object_model(self, object_id: int) -> ObjectModel | None:
        """Return an object's definition, of the version that the board has."""
        return self._models.get(object_id, self.blueprint.versions.get(object_id, INITIAL_VERSION))

    async def send(self, *readings: tuple[datetime | None, Values]) -> Code:
        """Send values unasked, with the times of their measuring; return the answer's code.

        Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.4.6.
        """
        response = await self.client.coap.request(
            Message(
                code=POST,
                uri_path=("dp",),
                content_format=ContentFormat.SENML_JSON,
                payload=timed_pack(readings, self.model, self.settings.root_path),
            )
        )
        return response.code

    # Awaiting what happens

    async def event(
        self, kind: EventKind, path: Path | None = None, *, timeout: float = EVENT_TIMEOUT
    ) -> Event:
        """Return the oldest event of a kind and path that nobody has awaited yet.

        It may have happened before the call. Raises TimeoutError after `timeout` seconds.
        """
        return await self.events.next(kind, path, timeout)

    async def registered(self) -> str:
        """Await a registration and return its location."""
        return str((await self.event(EventKind.REGISTERED)).value)

    async def updated(self) -> None:
        """Await an Update."""
        await self.event(EventKind.UPDATED)

    async def written(self, path: Path) -> Any:
        """Await a Write by the server and return the resource's value after it."""
        return (await self.event(EventKind.WRITTEN, path)).value

    async def executed(self, path: Path) -> str:
        """Await an Execute by the server and return its arguments."""
        return str((await self.event(EventKind.EXECUTED, path)).value)

    async def observed(self, path: Path) -> None:
        """Await an Observe of exactly this path."""
        await self.event(EventKind.OBSERVED, path)

    async def cancelled(self, path: Path) -> None:
        """Await the end of an observation of exactly this path."""
        await self.event(EventKind.CANCELLED, path)

    def _drop(self, instance: Path) -> None:
        for resource in self._resources.pop(instance):
            del self._rows[resource]

    def _put(self, instance: Path, rows: Rows) -> None:
        if instance in self._resources:
            self._drop(instance)
        self._resources[instance] = [instance / resource_id for resource_id in sorted(rows)]
        self._rows |= {instance / resource_id: row for resource_id, row in rows.items()}

    def _readable(self, path: Path) -> bool:
        model = self.model(path)
        return model is not None and model.readable and not self.action(path)

    def _evaluate(self, row: Row) -> Any:
        return row.value(self) if isinstance(row, Computed) else row

    def _initial_values(self, instance: Path) -> Values:
        """Return what the blueprint says of an instance's writable resources."""
        return {
            instance / resource_id: self._evaluate(row)
            for resource_id, row in self.blueprint.instances.get(instance, {}).items()
            if (model := self.model(instance / resource_id)) is not None and model.writable
        }

    def _server_rows(self) -> dict[int, Row]:
        """The LwM2M Server object: how this board is registered, and Update on demand."""
        settings = self.settings
        return {
            0: 123,
            1: settings.lifetime,
            6: False,
            7: settings.binding,
            8: lambda board, path, arguments: board.client.trigger(),
        }


@cache
def _models() -> ModelRegistry:
    return load_registry()
