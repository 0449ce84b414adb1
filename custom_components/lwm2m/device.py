"""One endpoint as Home Assistant sees it: identity, availability, values, who watches what."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .const import DOMAIN, LOGGER, POLL_INTERVAL
from .errors import translate_errors
from .protocol.errors import BadResponse, ClientError, ClientRefused
from .protocol.node import Decoded
from .protocol.path import Path

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from homeassistant.config_entries import ConfigSubentry

    from .hub import Lwm2mConfigEntry
    from .protocol.client import Client, Observation
    from .protocol.model.definitions import ObjectModel, ResourceModel
    from .protocol.model.registry import ModelRegistry
    from .protocol.node import Values
    from .protocol.registration import Registration
    from .protocol.server import LwM2mServer

DEVICE = Path(3, 0)
MAX_FAILURES = 10
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
    `failures` are the last ones that nobody was told of, with their times.
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
    ) -> None:
        """Make a device that is not registered yet.

        `on_resources` is called with an instance when resources of it have become known.
        """
        self.endpoint: str = subentry.unique_id or subentry.title
        self.subentry_id = subentry.subentry_id
        self.unique_id = f"{entry.entry_id}-{self.endpoint}"
        self.registration: Registration | None = None
        self.values: Values = {}
        self.resources: set[Path] = set()
        self.failures: deque[tuple[datetime, ClientError]] = deque(maxlen=MAX_FAILURES)
        self._hass = hass
        self._entry = entry
        self._server = server
        self._models = models
        self._on_resources = on_resources
        self._name = subentry.title
        self._watchers: dict[Path, dict[Callable[[], None], None]] = {}
        self._following: asyncio.Task[None] | None = None
        self._learnt: set[Path] = set()
        self._tries: Counter[Path] = Counter()
        """How often each instance was begun to be learnt."""
        self._observations: dict[Path, Observation] = {}
        self._notified: dict[Path, Decoded] = {}
        """Resource -> the notification that last told of it."""
        self._polled: set[Path] = set()
        self._misfits: dict[Path, str] = {}
        self._cancel_tick: CALLBACK_TYPE | None = None
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

    @property
    def observed(self) -> Collection[Path]:
        """The paths that the device notifies of."""
        return self._observations.keys()

    @property
    def polled(self) -> Collection[Path]:
        """The instances that are read because they cannot be observed."""
        return self._polled

    @property
    def misfits(self) -> Mapping[Path, str]:
        """Why values of resources were left out, the last reason for each."""
        return self._misfits

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

    async def async_read(self, path: Path) -> Decoded:
        """Read a path now; HomeAssistantError when the device does not answer with values."""
        with translate_errors(self.endpoint, path):
            decoded = await self.client.read(path)
        if len(path) < 4:  # a resource instance says nothing of its siblings
            self.async_apply(decoded)
        return decoded

    async def async_write(self, values: Values) -> None:
        """Write resources one by one; HomeAssistantError when one is not taken.

        The values count from the device's confirmation on, unless a notification said better
        by then: a device that limits a value tells so right behind its confirmation.
        """
        for path, value in values.items():
            notified = self._notified.get(path)
            with translate_errors(self.endpoint, path):
                await self.client.write(path, {path: value}, replace=True)
            if self._notified.get(path) is notified:
                self.async_apply(Decoded({path: value}))

    async def async_execute(self, path: Path, arguments: str | None = None) -> None:
        """Execute a resource; HomeAssistantError when the device does not."""
        with translate_errors(self.endpoint, path):
            await self.client.execute(path, arguments)

    # What the hub tells

    @callback
    def async_registered(self, registration: Registration) -> None:
        """Take a new registration: observations of an older one have ended."""
        returned = not self.available
        self._forget_client()
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
    def async_rename(self, name: str) -> None:
        """Take the name that the owner gave to the subentry."""
        if name != self._name:
            self._name = name
            self._enter_in_registry()

    @callback
    def async_close(self) -> None:
        """Stop all that runs for the device."""
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
        self._notified.clear()
        self._polled.clear()
        self._learnt.clear()
        self._tries.clear()

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
        """The instances to learn, the device's identity first.

        One that was not answered for comes after the others when it is tried again.
        """
        if self.registration is None:
            return []
        return sorted(
            (
                instance
                for instance in self.registration.instances - self._learnt
                if instance.object_id not in UNSEEN_OBJECTS
            ),
            key=lambda instance: (self._tries[instance], instance != DEVICE, instance),
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
                await self._poll(instance)
            while instances := self._instances():
                await self._learn(instances[0], discovered)
        except ClientError as err:
            self._note(err)
            LOGGER.debug("Following %s was interrupted: %s", self.endpoint, err)
        if self._polled or self._instances():
            self._schedule_tick()

    async def _poll(self, instance: Path) -> None:
        """Read an instance that cannot be observed; one that is refused holds up no other."""
        try:
            self.async_apply(await self.client.read(instance))
        except (BadResponse, ClientRefused) as err:
            self._note(err)
            LOGGER.debug("%s cannot be read from %s: %s", instance, self.endpoint, err)

    async def _learn(self, instance: Path, discovered: dict[int, set[Path]]) -> None:
        """Find out an instance's resources and follow them."""
        client = self.client
        self._tries[instance] += 1
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
        except (BadResponse, ClientRefused) as err:
            self._note(err)
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
            self._note(err)
            LOGGER.debug("%s cannot be read from %s: %s", instance, self.endpoint, err)
            return
        self._polled.add(instance)

    async def _observe(self, client: Client, path: Path) -> bool:
        """Observe a path, if it is not yet; tell whether the device goes along."""
        if path in self._observations:
            return True
        try:
            observation = await client.observe(
                path, self._on_notification, on_end=self._observation_ended
            )
        except (BadResponse, ClientRefused) as err:
            self._note(err)
            LOGGER.debug("%s cannot be observed on %s: %s", path, self.endpoint, err)
            return False
        self.async_apply(observation.initial)
        if not observation.active:
            return False
        self._observations[path] = observation
        return True

    def _note(self, failure: ClientError) -> None:
        self.failures.append((dt_util.utcnow(), failure))

    @callback
    def _observation_ended(self, observation: Observation) -> None:
        """Learn an instance again whose observation the device has ended."""
        if self._observations.get(observation.path) is observation:
            del self._observations[observation.path]
            self._learnt.discard(observation.path.instance)
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
    def _on_notification(self, decoded: Decoded) -> None:
        self._notified.update(dict.fromkeys(decoded.values, decoded))
        self.async_apply(decoded)

    @callback
    def async_apply(self, decoded: Decoded) -> None:
        """Take values from the client and tell their watchers of those that changed."""
        changed = [path for path, value in decoded.values.items() if self.values.get(path) != value]
        self.values.update(decoded.values)
        new = decoded.values.keys() - self.resources
        self.resources |= new
        for path, reason in decoded.rejected.items():
            if path not in self._misfits:
                LOGGER.warning("Ignoring %s of %s: %s", path, self.endpoint, reason)
            self._misfits[path] = reason
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
