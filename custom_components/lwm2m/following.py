"""What keeps a device's values up to date: learning its instances, observing or reading them."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .attributes import ReportingAttributes
from .chatter import Chatter
from .const import LOGGER
from .protocol.errors import BadResponse, ClientError, ClientRefused
from .protocol.path import Path
from .protocol.persistence import MAX_VALUES

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime
    from typing import Any

    from .device import Device
    from .hub import Lwm2mConfigEntry
    from .protocol.client import Client, Observation
    from .protocol.persistence import Json
    from .protocol.reporting import Readings

type Links = Mapping[Path, Mapping[str, str | None]]
"""What Discover found, with the attributes of each."""

DEVICE = Path(3, 0)
UNSEEN_OBJECTS = frozenset({0, 1, 2, 21, 23})
"""Objects that only serve the protocol: Security, Server, Access Control, OSCORE, COSE."""


class Following:
    """How far one device is learnt, and what is observed or read of it for its entities.

    `learnt` are the instances whose resources are known, `polled` those that are read instead of
    observed, `refused` those of them that the device did not let be observed, with what they were
    to be like.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: Lwm2mConfigEntry,
        device: Device,
        on_change: Callable[[], None],
    ) -> None:
        """Start with nothing; `on_change` is called when other paths are observed than before."""
        self.learnt: set[Path] = set()
        self.attributes = ReportingAttributes(device)
        self._chatter = Chatter(hass.loop.time)
        self._hass = hass
        self._entry = entry
        self._device = device
        self._on_change = on_change
        self._tries: Counter[Path] = Counter()
        """How often each instance was begun to be learnt."""
        self._observations: dict[Path, Observation] = {}
        self.polled: set[Path] = set()
        self.refused: dict[Path, Mapping[Path, Mapping[str, float]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._cancel_tick: CALLBACK_TYPE | None = None

    @property
    def observed(self) -> Collection[Path]:
        """The paths that are observed, each for itself."""
        return self._observations.keys()

    @property
    def _unlearnt(self) -> list[Path]:
        """The instances to learn, the device's identity first.

        One that was not answered for comes after the others when it is tried again.
        """
        if self._device.registration is None:
            return []
        return sorted(
            (
                instance
                for instance in self._device.registration.instances - self.learnt
                if instance.object_id not in UNSEEN_OBJECTS
            ),
            key=lambda instance: (self._tries[instance], instance != DEVICE, instance),
        )

    # What is stored

    def dump(self) -> Json:
        """Return what `load` and `async_resume` take, in JSON's types."""
        return {
            **{
                name: [str(path) for path in sorted(paths)[:MAX_VALUES]]
                for name, paths in (
                    ("learnt", self.learnt),
                    ("polled", self.polled),
                    ("refused", self.refused),
                    ("observed", self.observed),
                )
            },
            **self.attributes.dump(),
        }

    @staticmethod
    def load(stored: Mapping[str, Any]) -> dict[str, Any]:
        """Read what was dumped; TypeError, ValueError, AttributeError, PathError when it is wrong.

        What an earlier version did not store is empty.
        """
        paths = {
            name: {Path.parse(text) for text in stored.get(name, ())}
            for name in ("learnt", "polled", "refused", "observed")
        }
        return {**paths, "attributes": ReportingAttributes.load(stored)}

    @callback
    def async_resume(
        self,
        client: Client,
        *,
        learnt: set[Path],
        polled: set[Path],
        refused: set[Path],
        observed: set[Path],
        attributes: Mapping[str, Any],
    ) -> None:
        """Go on from what was stored; what is no longer observed is to be learnt again."""
        self.learnt, self.polled = learnt, polled
        self.attributes.restore(**attributes)
        self.refused = {instance: self.attributes.of(instance) for instance in refused}
        for path in observed:
            observation = client.resume(
                (path,), partial(self._notified, path), self._observation_ended
            )
            if observation is None:
                self.learnt.discard(path.instance)
            else:
                self._observations[path] = observation
        self.async_profile_changed()

    # What the device tells

    @callback
    def async_start(self) -> None:
        """Work off what is left to learn or due to be read, in one task at a time."""
        self._stop_tick()
        if self._task is None or self._task.done():
            self._task = self._entry.async_create_background_task(
                self._hass, self._learn_and_poll(), f"lwm2m device {self._device.endpoint}"
            )

    @callback
    def async_updated(self, *, sleeps: bool) -> None:
        """Do what an Update gives reason for; `sleeps` when the device is awake but for a while."""
        if sleeps:
            # What it was asked while it slept has no answer to come, and it is awake now.
            self._stop_task()
        if self._unlearnt or (sleeps and self.polled) or self._device.manual.waiting:
            self.async_start()

    @callback
    def async_profile_changed(self) -> None:
        """Learn again what the device's profile now wants followed in another way."""
        self.learnt = {instance for instance in self.learnt if self._is_as_wanted(instance)}

    @callback
    def async_keep(self, instances: frozenset[Path]) -> None:
        """Drop all that is not of these instances."""
        self.learnt &= instances
        self.polled &= instances
        self.refused = {
            instance: wanted for instance, wanted in self.refused.items() if instance in instances
        }
        for path in [path for path in self._observations if path.instance not in instances]:
            self._observations.pop(path).cancel()

    @callback
    def async_forget(self) -> None:
        """Stop, and begin anew with the next client."""
        self._stop_task()
        self._stop_tick()
        for observation in self._observations.values():
            observation.cancel()
        self._observations.clear()
        self.attributes.forget()
        self._chatter.forget()
        self.polled.clear()
        self.refused.clear()
        self.learnt.clear()
        self._tries.clear()

    # What is wanted

    def _wants_observed(self, instance: Path) -> bool:
        return self._device.profile.settings(instance).get("observe", True)

    def _is_as_wanted(self, instance: Path) -> bool:
        """Tell whether a learnt instance is followed as the device's profile has it."""
        wants_observed = self._wants_observed(instance)
        if instance in self.polled:
            # What the device has refused it may take in another way.
            return not wants_observed or self.refused.get(instance) == self.attributes.of(instance)
        if not wants_observed or (
            instance in self._observations and self.attributes.by_resource(instance)
        ):
            return False
        return all(
            self.attributes.is_as_wanted(path)
            for path in self._observations
            if path.instance == instance
        )

    # The work

    async def _learn_and_poll(self) -> None:
        """Learn the instances that are new, read those that cannot be observed."""
        device = self._device
        discovered: dict[int, Links] = {}
        try:
            for instance in sorted(self.polled):
                await self._poll(instance)
            while instances := self._unlearnt:
                await self._learn(instances[0], discovered)
            await device.manual.async_renew(device.client)
        except ClientError as err:
            self._device.note(err)
            LOGGER.debug("Following %s was interrupted: %s", device.endpoint, err)
        device.issues.async_check_observed()
        if self.polled or self._unlearnt:
            self._schedule_tick()

    async def _poll(self, instance: Path) -> None:
        """Read an instance that is not observed; one that is refused holds up no other."""
        device = self._device
        try:
            device.async_apply(await device.client.read(instance))
        except (BadResponse, ClientRefused) as err:
            self._device.note(err)
            LOGGER.debug("%s cannot be read from %s: %s", instance, device.endpoint, err)

    async def _learn(self, instance: Path, discovered: dict[int, Links]) -> None:
        """Find out an instance's resources and follow them."""
        client = self._device.client
        self._tries[instance] += 1
        object_id = instance.object_id
        if object_id not in discovered:
            discovered[object_id] = await self._discover(client, object_id)
        links = discovered[object_id]
        self._device.resources.paths.update(
            path for path in links if len(path) == 3 and path.instance == instance
        )
        await self._follow(client, instance, links)
        if not self._is_as_wanted(instance):  # it has just told which profile it has
            await self._follow(client, instance, links)
        self.learnt.add(instance)
        self._device.async_learnt(instance)

    async def _discover(self, client: Client, object_id: int) -> Links:
        """Ask for an object's resources; without an answer, take what its model demands."""
        try:
            return await client.discover(Path(object_id))
        except (BadResponse, ClientRefused) as err:
            self._device.note(err)
            model = self._device.resources.object_model(object_id)
            return {
                instance / resource.id: {}
                for instance in client.registration.instances
                if model and instance.object_id == object_id
                for resource in model.resources.values()
                if resource.mandatory and not resource.readable
            }

    async def _follow(self, client: Client, instance: Path, links: Links) -> None:
        """Observe an instance, else its resources, else read it now and at every tick."""
        device = self._device
        wants_observed = self._wants_observed(instance)
        by_resource = self.attributes.by_resource(instance)
        if not wants_observed or by_resource:
            await self._end(client, instance)
        if not wants_observed or self.refused.pop(instance, None) is not None:
            # What some of them take is room that the whole instance may need.
            await self._end_resources(client, instance)
        self.polled.discard(instance)
        try:
            if wants_observed and not by_resource and await self._observe(client, instance, links):
                await self._end_resources(client, instance)
                return
            device.async_apply(await client.read(instance))
            if wants_observed:
                values = device.resources.values
                readable = sorted(path for path in values if path.instance == instance)
                for path in readable:
                    if not await self._observe(client, path, links):
                        self.refused[instance] = self.attributes.of(instance)
                        break
                else:
                    return
        except (BadResponse, ClientRefused) as err:
            self._device.note(err)
            LOGGER.debug("%s cannot be read from %s: %s", instance, device.endpoint, err)
            return
        self.polled.add(instance)

    async def _observe(self, client: Client, path: Path, links: Links) -> bool:
        """Observe a path, if it is not yet; tell whether the device goes along."""
        await self.attributes.async_write(client, path, links.get(path, {}))
        if path in self._observations:
            return True
        try:
            observation = await client.observe_timed(
                (path,), partial(self._notified, path), self._observation_ended
            )
        except (BadResponse, ClientRefused) as err:
            self._device.note(err)
            LOGGER.debug("%s cannot be observed on %s: %s", path, self._device.endpoint, err)
            return False
        self._device.async_apply(observation.initial)
        if not observation.active:
            return False
        self._observations[path] = observation
        self._on_change()
        return True

    async def _end_resources(self, client: Client, instance: Path) -> None:
        """End the observations of an instance's resources."""
        for path in {*self._observations, *self.attributes.asked}:
            if path != instance and path.instance == instance:
                await self._end(client, path)

    async def _end(self, client: Client, path: Path) -> None:
        """End the observation of a path, if there is one, and what it was to be like.

        The device is told, for it may have few places for observations.
        """
        if observation := self._observations.pop(path, None):
            try:
                await observation.cancel_actively()
            except (BadResponse, ClientRefused) as err:
                self._device.note(err)
        await self.attributes.async_take_back(client, path)

    @callback
    def _notified(self, path: Path, readings: Readings) -> None:
        self._device.async_notified(path, readings)
        if self._chatter.heard(path) and self.attributes.calm(path):
            LOGGER.debug("%s of %s reports too often", path, self._device.endpoint)
            self.learnt.discard(path.instance)
            self.async_start()

    @callback
    def _observation_ended(self, observation: Observation) -> None:
        """Learn an instance again whose observation the device has ended."""
        if self._observations.get(observation.path) is observation:
            del self._observations[observation.path]
            self.attributes.forget(observation.path)
            self.learnt.discard(observation.path.instance)
            self._on_change()
            self._schedule_tick()

    def _stop_task(self) -> None:
        if self._task:
            self._task.cancel()
            self._task = None

    def _stop_tick(self) -> None:
        if self._cancel_tick:
            self._cancel_tick()
            self._cancel_tick = None

    @callback
    def _schedule_tick(self) -> None:
        if self._cancel_tick is None:
            interval = self._device.options.poll_interval
            self._cancel_tick = async_call_later(self._hass, interval, self._tick)

    @callback
    def _tick(self, _now: datetime) -> None:
        self._cancel_tick = None
        self.async_start()
