"""One endpoint as Home Assistant sees it: identity, availability, values, who watches what."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.event import async_call_later

from .commands import Commands
from .const import DOMAIN, LOGGER, POLL_INTERVAL
from .errors import translate_errors
from .protocol.coap.endpoint import DEFAULT_TIMEOUT
from .protocol.errors import (
    BadResponse,
    ClientAsleep,
    ClientError,
    ClientRefused,
    ClientTimeout,
)
from .protocol.node import Decoded
from .protocol.path import Path, PathError
from .protocol.persistence import MAX_VALUES, RestoreError, dump_values, load_values

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime

    from homeassistant.config_entries import ConfigSubentry

    from .hub import Lwm2mConfigEntry
    from .protocol.client import Client, Observation
    from .protocol.model.definitions import ObjectModel, ResourceModel
    from .protocol.model.registry import ModelRegistry
    from .protocol.node import Values
    from .protocol.persistence import Json
    from .protocol.registration import Registration
    from .protocol.server import LwM2mServer
    from .storage import HubStorage

PRESENCE = Path()
"""What the watchers of the device's sleep watch: the device as a whole."""
DEVICE = Path(3, 0)
UNSEEN_OBJECTS = frozenset({0, 1, 2, 21, 23})
"""Objects that only serve the protocol: Security, Server, Access Control, OSCORE, COSE."""

# Device registry field -> resource of /3/0 (OMA-TS-LightweightM2M_Core-V1_1_1 appendix E.4).
IDENTITY = {
    "manufacturer": 0,
    "model": 1,
    "serial_number": 2,
    "sw_version": 3,
    "hw_version": 18,
}


class Device:
    """An approved endpoint.

    `values` holds the last known value of each resource, `resources` every
    resource that the device is known to have, also those that cannot be read.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: Lwm2mConfigEntry,
        subentry: ConfigSubentry,
        *,
        server: LwM2mServer,
        models: ModelRegistry,
        on_resources: Callable[[Device, Path], None],
        storage: HubStorage,
    ) -> None:
        """Make a device that is not registered yet.

        `on_resources` is called with an instance when resources of it have become known,
        `storage` is told when there is something new to store.
        """
        self.endpoint: str = subentry.unique_id or subentry.title
        self.subentry_id = subentry.subentry_id
        self.unique_id = f"{entry.entry_id}-{self.endpoint}"
        self.registration: Registration | None = None
        self.values: Values = {}
        self.resources: set[Path] = set()
        self.awake = True
        self.waiting = 0
        self._hass = hass
        self._entry = entry
        self._server = server
        self._models = models
        self._on_resources = on_resources
        self._storage = storage
        self._name = subentry.title
        self._watchers: dict[Path, dict[Callable[[], None], None]] = {}
        self._following: asyncio.Task[None] | None = None
        self._learnt: set[Path] = set()
        self._observations: dict[Path, Observation] = {}
        self._polled: set[Path] = set()
        self._misfits: set[Path] = set()
        self._cancel_tick: CALLBACK_TYPE | None = None
        self._commands = Commands(hass, entry, self.endpoint, self.unique_id)
        self._enter_in_registry()

    # What entities use

    @property
    def available(self) -> bool:
        """Whether the endpoint is registered; asleep is available too."""
        return self.registration is not None

    @property
    def device_info(self) -> DeviceInfo:
        """The link from an entity to its device; the details come from the interview."""
        return DeviceInfo(identifiers={(DOMAIN, self.unique_id)})

    @property
    def client(self) -> Client:
        """The registered client; NotRegistered when there is none."""
        return self._server.client(self.endpoint)

    def model(self, path: Path) -> ResourceModel | None:
        """Return what the object model says of a resource, by the object version announced."""
        return self._models.find_resource(
            path.object_id, path.resource_id, self._version(path.object_id)
        )

    def object_model(self, object_id: int) -> ObjectModel | None:
        """Return the model of an object, by the version announced."""
        return self._models.get(object_id, self._version(object_id))

    def _version(self, object_id: int) -> str | None:
        return self.registration.versions.get(object_id) if self.registration else None

    @callback
    def watch(self, paths: Iterable[Path], watcher: Callable[[], None]) -> CALLBACK_TYPE:
        """Call `watcher` after each change of these resources or of the availability."""
        paths = tuple(paths)
        for path in paths:
            self._watchers.setdefault(path, {})[watcher] = None

        @callback
        def unwatch() -> None:
            for path in paths:
                self._watchers[path].pop(watcher, None)
                if not self._watchers[path]:
                    del self._watchers[path]

        return unwatch

    @callback
    def watch_presence(self, watcher: Callable[[], None]) -> CALLBACK_TYPE:
        """Call `watcher` after each change of `awake`, of `waiting` or of the availability."""
        return self.watch((PRESENCE,), watcher)

    async def async_read(self, path: Path) -> Decoded:
        """Read a path now, as `async_ask` does."""
        decoded = await self.async_ask(path, lambda client: client.read(path))
        if len(path) < 4:  # a resource instance says nothing of its siblings
            self.async_apply(decoded)
        return decoded

    async def async_write(self, values: Values) -> bool:
        """Write resources one by one; HomeAssistantError when one is not taken.

        The values count from the device's confirmation on, and its next notification corrects
        them. False when a write waits for the device to wake up.
        """
        done = True
        for path, value in values.items():
            done &= await self.async_write_at(path, {path: value}, replace=True)
        return done

    async def async_write_at(self, path: Path, values: Values, *, replace: bool) -> bool:
        """Write to an instance, a resource or an instance of it, as `async_write` does."""

        async def write(client: Client) -> None:
            await client.write(path, values, replace=replace)
            if len(path) == 3:
                self.async_apply(Decoded(values))

        return await self._command(path, write)

    async def async_execute(self, path: Path, arguments: str | None = None) -> bool:
        """Execute a resource; HomeAssistantError when the device does not.

        False when that waits for the device to wake up.
        """
        return await self._command(path, lambda client: client.execute(path, arguments))

    async def async_ask[Result](
        self, path: Path, ask: Callable[[Client], Awaitable[Result]]
    ) -> Result:
        """Ask the device for something now; HomeAssistantError also when it sleeps."""
        with translate_errors(self.endpoint, path):
            client = self.client
            if not client.awake:
                raise ClientAsleep(self.endpoint, path)
            try:
                async with asyncio.timeout(DEFAULT_TIMEOUT):
                    return await ask(client)
            except TimeoutError as err:
                raise ClientTimeout(self.endpoint, path) from err

    async def _command(self, path: Path, operation: Callable[[Client], Awaitable[None]]) -> bool:
        with translate_errors(self.endpoint, path):
            client = self.client
        return await self._commands.async_run(client, path, lambda: operation(client))

    # What is stored

    def dump(self) -> Json:
        """Return what `async_restore` takes, in JSON's types."""
        return {
            "values": dump_values(self.values),
            "resources": [str(path) for path in sorted(self.resources)[:MAX_VALUES]],
            "learnt": [str(path) for path in sorted(self._learnt)[:MAX_VALUES]],
            "polled": [str(path) for path in sorted(self._polled)[:MAX_VALUES]],
            "observed": [str(path) for path in sorted(self._observations)[:MAX_VALUES]],
        }

    @callback
    def async_restore(self, stored: Any, registration: Registration | None) -> None:
        """Go on from what was stored, so that entities are there before the device is heard.

        What was observed still is, if the registration is the same; the rest is learnt again.
        """
        if stored is not None:
            try:
                self.values = load_values(stored["values"])
                self.resources = {Path.parse(text) for text in stored["resources"]}
                self.resources |= self.values.keys()
                learnt, polled, observed = (
                    {Path.parse(text) for text in stored[name]}
                    for name in ("learnt", "polled", "observed")
                )
            except (RestoreError, PathError, KeyError, TypeError, AttributeError) as err:
                LOGGER.warning("What is stored of %s cannot be used: %r", self.endpoint, err)
                self.values, self.resources = {}, set()
                stored = None
        known = {path.instance for path in self.resources}
        if registration is not None:
            if stored is not None:
                self._learnt, self._polled = learnt, polled
                self._resume(observed)
            self._adopt(registration)
            known &= registration.instances
            self._follow_client()
        for instance in sorted(known):
            self._on_resources(self, instance)

    def _resume(self, observed: set[Path]) -> None:
        client = self.client
        for path in observed:
            observation = client.resume(path, self.async_apply, on_end=self._observation_ended)
            if observation is None:
                self._learnt.discard(path.instance)
            else:
                self._observations[path] = observation

    # What the hub tells

    @callback
    def async_registered(self, registration: Registration) -> None:
        """Take a new registration: observations of an older one have ended."""
        returned = not self.available
        self._forget_client()
        self.async_presence(awake=True, waiting=0)
        self._adopt(registration)
        if returned:
            LOGGER.info("Device %s is registered", self.endpoint)
            self._notify(self._watchers)
        self._follow_client()

    @callback
    def async_updated(self, registration: Registration, previous: Registration) -> None:
        """Take an update; a device that moved has to be observed anew."""
        if registration.remote != previous.remote:
            self._forget_client()
        self._adopt(registration)
        if registration.queue_mode:
            # What it was asked while it slept has no answer to come, and it is awake now.
            self._stop_following()
        if self._instances() or (registration.queue_mode and self._polled):
            self._follow_client()

    @callback
    def async_unregistered(self, reason: str) -> None:
        """Become unavailable."""
        self._forget_client()
        self.registration = None
        LOGGER.info("Device %s is unavailable: %s", self.endpoint, reason)
        self._notify(self._watchers)

    @callback
    def async_presence(self, *, awake: bool, waiting: int) -> None:
        """Take note that the device fell asleep or woke up, or of what waits for it."""
        self.awake = awake
        self.waiting = waiting
        if not awake:
            self._commands.asleep()
        self._notify((PRESENCE,))

    @callback
    def async_rename(self, name: str) -> None:
        """Take the name that the owner gave to the subentry."""
        if name != self._name:
            self._name = name
            self._enter_in_registry()

    @callback
    def async_close(self) -> None:
        """Stop all that runs for the device."""
        self._commands.close()
        self._forget_client()
        self.registration = None

    # Following the client

    def _stop_following(self) -> None:
        if self._following:
            self._following.cancel()
            self._following = None

    def _forget_client(self) -> None:
        self._stop_following()
        if self._cancel_tick:
            self._cancel_tick()
            self._cancel_tick = None
        for observation in self._observations.values():
            observation.cancel()
        self._observations.clear()
        self._polled.clear()
        self._learnt.clear()

    def _adopt(self, registration: Registration) -> None:
        """Replace the registration and drop what it no longer has."""
        self.registration = registration
        gone = {path for path in self.resources if path.instance not in registration.instances}
        self.resources -= gone
        for path in gone:
            self.values.pop(path, None)
        self._learnt &= registration.instances
        self._polled = {path for path in self._polled if path.instance in registration.instances}
        for path in [p for p in self._observations if p.instance not in registration.instances]:
            self._observations.pop(path).cancel()
        self._notify(gone)

    def _instances(self) -> list[Path]:
        """The instances to learn, the device's identity first."""
        if self.registration is None:
            return []
        return sorted(
            (
                instance
                for instance in self.registration.instances - self._learnt
                if instance.object_id not in UNSEEN_OBJECTS
            ),
            key=lambda instance: (instance != DEVICE, instance),
        )

    @callback
    def _follow_client(self) -> None:
        """Work off what is left to learn or due to be read, in one task at a time."""
        if self._cancel_tick:
            self._cancel_tick()
            self._cancel_tick = None
        if self._following is None or self._following.done():
            self._following = self._entry.async_create_background_task(
                self._hass, self._learn_and_poll(), f"lwm2m device {self.endpoint}"
            )

    async def _learn_and_poll(self) -> None:
        """Learn the instances that are new, read those that cannot be observed."""
        discovered: dict[int, set[Path]] = {}
        try:
            for instance in sorted(self._polled):
                self.async_apply(await self.client.read(instance))
            while instances := self._instances():
                await self._learn(instances[0], discovered)
        except ClientError as err:
            LOGGER.debug("Following %s was interrupted: %s", self.endpoint, err)
        if self._polled or self._instances():
            self._schedule_tick()

    async def _learn(self, instance: Path, discovered: dict[int, set[Path]]) -> None:
        """Find out an instance's resources and follow them."""
        client = self.client
        object_id = instance.object_id
        if object_id not in discovered:
            discovered[object_id] = await self._discover(client, object_id)
        self.resources.update(path for path in discovered[object_id] if path.instance == instance)
        await self._follow(client, instance)
        self._learnt.add(instance)
        if instance == DEVICE:
            self._enter_in_registry()
        self._on_resources(self, instance)

    async def _discover(self, client: Client, object_id: int) -> set[Path]:
        """Ask for an object's resources; without an answer, take what its model demands."""
        try:
            return {path for path in await client.discover(Path(object_id)) if len(path) == 3}
        except BadResponse, ClientRefused:
            model = self._models.get(object_id, client.registration.versions.get(object_id))
            return {
                instance / resource.id
                for instance in client.registration.instances
                if model and instance.object_id == object_id
                for resource in model.resources.values()
                if resource.mandatory and not resource.readable
            }

    async def _follow(self, client: Client, instance: Path) -> None:
        """Observe an instance, else its resources, else read it now and at every tick."""
        try:
            if await self._observe(client, instance):
                return
            self.async_apply(await client.read(instance))
            readable = sorted(path for path in self.values if path.instance == instance)
            for path in readable:
                if not await self._observe(client, path):
                    break
            else:
                return
        except (BadResponse, ClientRefused) as err:
            LOGGER.debug("%s cannot be read from %s: %s", instance, self.endpoint, err)
            return
        self._polled.add(instance)

    async def _observe(self, client: Client, path: Path) -> bool:
        """Observe a path; tell whether the device goes along."""
        try:
            observation = await client.observe(
                path, self.async_apply, on_end=self._observation_ended
            )
        except (BadResponse, ClientRefused) as err:
            LOGGER.debug("%s cannot be observed on %s: %s", path, self.endpoint, err)
            return False
        self.async_apply(observation.initial)
        if not observation.active:
            return False
        self._observations[path] = observation
        self._storage.async_save_soon()
        return True

    @callback
    def _observation_ended(self, observation: Observation) -> None:
        """Learn an instance again whose observation the device has ended."""
        if self._observations.get(observation.path) is observation:
            del self._observations[observation.path]
            self._learnt.discard(observation.path.instance)
            self._storage.async_save_soon()
            self._schedule_tick()

    @callback
    def _schedule_tick(self) -> None:
        if self._cancel_tick is None:
            self._cancel_tick = async_call_later(self._hass, POLL_INTERVAL, self._tick)

    @callback
    def _tick(self, _now: datetime) -> None:
        self._cancel_tick = None
        self._follow_client()

    # Values

    @callback
    def async_apply(self, decoded: Decoded) -> None:
        """Take values from the client and tell their watchers of those that changed."""
        changed = [path for path, value in decoded.values.items() if self.values.get(path) != value]
        self.values.update(decoded.values)
        if changed:
            self._storage.async_save_later()
        new = decoded.values.keys() - self.resources
        self.resources |= new
        for path, reason in decoded.rejected.items():
            if path not in self._misfits:
                self._misfits.add(path)
                LOGGER.warning("Ignoring %s of %s: %s", path, self.endpoint, reason)
        self._notify(changed)
        for instance in {path.instance for path in new} & self._learnt:
            self._on_resources(self, instance)
        if any(path.instance == DEVICE for path in changed) and DEVICE in self._learnt:
            self._enter_in_registry()

    @callback
    def _notify(self, paths: Iterable[Path]) -> None:
        """Call each watcher of these paths once."""
        watchers: dict[Callable[[], None], None] = {}
        for path in paths:
            watchers.update(self._watchers.get(path, {}))
        for watcher in watchers:
            watcher()

    @callback
    def _enter_in_registry(self) -> None:
        """Create or update the device's entry in the device registry."""
        details: dict[str, Any] = {
            field: str(value)
            for field, resource_id in IDENTITY.items()
            if (value := self.values.get(DEVICE / resource_id))
        }
        registry = dr.async_get(self._hass)
        registry.async_get_or_create(
            config_entry_id=self._entry.entry_id,
            config_subentry_id=self.subentry_id,
            identifiers={(DOMAIN, self.unique_id)},
            name=self._name,
            via_device_id=dr.async_get_device_id_by_identifier(
                self._hass, (DOMAIN, self._entry.entry_id), config_entry_id=self._entry.entry_id
            ),
            **details,
        )
