"""One endpoint as Home Assistant sees it: identity, availability, what it is told and tells."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import ChildDeviceInfo, DeviceInfo
from homeassistant.util import dt as dt_util

from .commands import Commands
from .const import DOMAIN, EVENT_REGISTRATION, LOGGER, RegistrationChange
from .device_issues import CURRENT_TIME, DeviceIssues
from .following import DEVICE, Following
from .manual_observations import ManualObservations
from .operations import Operations
from .profiles.profile import DeviceProfile, Identity
from .protocol.errors import NotRegistered
from .protocol.node import Decoded
from .protocol.path import Path
from .protocol.reporting import latest
from .resources import Resources
from .watchers import Watchers

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Iterable,
        Sequence,
    )

    from homeassistant.util.unit_system import UnitSystem

    from .device_options import DeviceOptions
    from .hub import Lwm2mConfigEntry
    from .profiles.profile import Profile
    from .protocol.client import Client
    from .protocol.errors import ClientError
    from .protocol.model.registry import ModelRegistry
    from .protocol.persistence import Json
    from .protocol.registration import Registration
    from .protocol.reporting import Readings
    from .protocol.server import LwM2mServer
    from .storage import HubStorage

PRESENCE = Path()
"""What the watchers of the device's sleep watch: the device as a whole."""

MAX_FAILURES = 10

# Device registry field -> resource of /3/0 (OMA-TS-LightweightM2M_Core-V1_1_1 appendix E.4).
IDENTITY = {
    "manufacturer": 0,
    "model": 1,
    "serial_number": 2,
    "sw_version": 3,
    "hw_version": 18,
}
IDENTITY_PATHS = frozenset(DEVICE / resource_id for resource_id in IDENTITY.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all devices of a hub share.

    `on_resources` is called with an instance when resources of it have become known, `on_gone`
    with instances that a device no longer has, `storage` is told when there is something new to
    store. Of `profiles` those count that fit a device.
    """

    hass: HomeAssistant
    entry: Lwm2mConfigEntry
    server: LwM2mServer
    models: ModelRegistry
    storage: HubStorage
    profiles: Sequence[Profile]
    on_resources: Callable[[Device, Path], None]
    on_gone: Callable[[Device, Collection[Path]], None]


class Device:
    """An approved endpoint.

    `resources` is what is known of its resources, `following` what keeps that up to date,
    `manual` are the observations that actions began, `failures` the last ones that nobody was told
    of, with their times.
    """

    def __init__(
        self,
        shared: Shared,
        *,
        endpoint: str,
        name: str,
        subentry_id: str,
        options: DeviceOptions,
    ) -> None:
        """Make a device that is not registered yet."""
        self.endpoint = endpoint
        self.subentry_id = subentry_id
        self.options = options
        self.unique_id = f"{shared.entry.entry_id}-{endpoint}"
        self.registration: Registration | None = None
        self.resources = Resources(endpoint, shared.models)
        self.failures: deque[tuple[datetime, ClientError]] = deque(maxlen=MAX_FAILURES)
        self.issues = DeviceIssues(shared.hass, shared.entry, self)
        self.awake = True
        self.waiting = 0
        self.profile = DeviceProfile((), options.rules)
        self._shared = shared
        self._identity = Identity()
        self._name = name
        self.watchers = Watchers(shared.hass.loop)
        self.following = Following(shared.hass, shared.entry, self, shared.storage.async_save_soon)
        self.manual = ManualObservations(shared.hass, self, shared.storage.async_save_soon)
        self.id = self._enter_in_registry()
        self.commands = Commands(
            shared.hass, shared.entry, self.endpoint, self.id, self._on_waiting
        )
        self.operations = Operations(self, self.commands)

    # What entities use

    @property
    def available(self) -> bool:
        """Whether the endpoint is registered; asleep is available too."""
        return self.registration is not None

    @property
    def queue_mode(self) -> bool:
        """Whether the device may sleep, as its profile or else the device itself says."""
        if self.registration is None or self.profile.queue_mode is None:
            return self.registration is not None and self.registration.queue_mode
        return self.profile.queue_mode

    @property
    def secured(self) -> bool:
        """Whether it has a credential, and is let in with that alone."""
        return self._shared.server.credentials.is_secured(self.endpoint)

    @property
    def name(self) -> str:
        """The owner's name for it."""
        return self._name

    @property
    def device_info(self) -> DeviceInfo | ChildDeviceInfo:
        """The link from an entity to its device; the details come from the interview."""
        return DeviceInfo(identifiers={(DOMAIN, self.unique_id)})

    @property
    def unit_system(self) -> UnitSystem:
        """The units that the owner reads."""
        return self._shared.hass.config.units

    @property
    def client(self) -> Client:
        """The registered client; NotRegistered when there is none."""
        return self._shared.server.client(self.endpoint)

    def note(self, failure: ClientError) -> None:
        """Keep a failure that nobody is told of."""
        self.failures.append((dt_util.utcnow(), failure))

    @callback
    def watch(self, paths: Iterable[Path], watcher: Callable[[], None]) -> CALLBACK_TYPE:
        """Call `watcher` after each change of these resources or of the availability."""
        return self.watchers.watch(paths, watcher)

    @callback
    def watch_presence(self, watcher: Callable[[], None]) -> CALLBACK_TYPE:
        """Call `watcher` after each change of `awake`, `waiting`, availability or registration."""
        return self.watch((PRESENCE,), watcher)

    @callback
    def _on_waiting(self, command: Path) -> None:
        self._shared.storage.async_save_soon()
        if command:  # else it is to several paths
            self.watchers.tell([path for path in self.resources.paths if command.covers(path)])

    # What is stored

    def dump(self) -> Json:
        """Return what `async_restore` takes, in JSON's types."""
        return {
            **self.resources.dump(),
            "following": self.following.dump(),
            "manual": self.manual.dump(),
            "commands": self.commands.dump(),
        }

    @callback
    def async_restore(self, stored: Any, registration: Registration | None) -> None:
        """Go on from what was stored, so that entities are there before the device is heard.

        What was observed still is, if the registration is the same; the rest is learnt again.
        """
        client = self.client if registration else None
        if stored is not None:
            try:
                resources = self.resources.load(stored)
                following = self.following.load(stored["following"])
                manual = self.manual.load(stored["manual"])
                commands = [Path.parse(text) for text in stored.get("commands", ())]
            except (KeyError, ValueError, TypeError, AttributeError) as err:
                LOGGER.warning("What is stored of %s cannot be used: %r", self.endpoint, err)
            else:
                self.resources.restore(**resources)
                self._choose_profile(registration)
                if client:
                    self.following.async_resume(client, **following)
                self.manual.async_resume(client, manual)
                self.commands.async_restore(commands)
        known = {path.instance for path in self.resources.paths}
        if registration is not None:
            self._adopt(registration)
            known &= registration.instances
            self.following.async_start()
        for instance in sorted(known):
            self._shared.on_resources(self, instance)

    # What the hub tells

    @callback
    def async_registered(self, registration: Registration, *, resumed: bool = False) -> None:
        """Take a new registration: observations of an older one have ended.

        Nobody is told of a device that goes on as before a restart (`resumed`).
        """
        returned = not self.available
        self._forget_client()
        self._adopt(registration)
        self.async_presence(awake=True, waiting=0)
        if returned:
            LOGGER.info("Device %s is registered", self.endpoint)
            self.watchers.tell_all()
            if not resumed:
                self._tell(RegistrationChange.REGISTERED)
        self.following.async_start()

    @callback
    def async_updated(self, registration: Registration, previous: Registration) -> None:
        """Take an update; a device that moved has to be observed anew."""
        if registration.remote != previous.remote:
            self._forget_client()
        self._adopt(registration)
        self.following.async_updated(sleeps=self.queue_mode)

    @callback
    def async_sent(self, readings: Readings) -> None:
        """Take what the device sent on its own."""
        self.async_apply(latest(readings))
        self.manual.async_sent(readings)

    @callback
    def async_unregistered(self, change: RegistrationChange) -> None:
        """Become unavailable."""
        self._forget_client()
        self.registration = None
        LOGGER.info("Device %s is unavailable: %s", self.endpoint, change)
        self.watchers.tell_all()
        self._tell(change)

    @callback
    def async_lapsed(self, _: HomeAssistant) -> None:
        """Tell of a lifetime that ended while nobody could tell, if the device is still away."""
        if not self.available:
            LOGGER.info("Device %s is unavailable: %s", self.endpoint, RegistrationChange.EXPIRED)
            self._tell(RegistrationChange.EXPIRED)

    def _tell(self, change: RegistrationChange) -> None:
        data = {ATTR_DEVICE_ID: self.id, "endpoint": self.endpoint, "change": change.value}
        self._shared.hass.bus.async_fire(EVENT_REGISTRATION, data)

    @callback
    def async_presence(self, *, awake: bool, waiting: int) -> None:
        """Take note that the device fell asleep or woke up, or of what waits for it."""
        self.awake = awake
        self.waiting = waiting
        self.operations.forget_notified()  # it is older than the write that is sent now
        if not awake:
            self.commands.asleep()
        self.watchers.tell((PRESENCE,))

    @callback
    def async_rename(self, name: str) -> None:
        """Take the name that the owner gave to the subentry."""
        if name != self._name:
            self._name = name
            self._enter_in_registry()

    @callback
    def async_set_options(self, options: DeviceOptions) -> None:
        """Take what the owner has set for the device, and keep to it from now on."""
        if options == self.options:
            return
        self.options = options
        self._take_profile()
        if self.registration is not None:
            self.following.async_start()

    @callback
    def async_close(self) -> None:
        """Stop all that runs for the device."""
        self.commands.close()
        self._forget_client()
        self.registration = None
        self.issues.async_clear()

    def _forget_client(self) -> None:
        self.following.async_forget()
        self.operations.forget_notified()
        self.manual.async_forget()

    def _adopt(self, registration: Registration) -> None:
        """Replace the registration and drop what it no longer has."""
        self.registration = registration
        self.resources.versions = registration.versions
        gone = self.resources.keep(registration.instances)
        self.following.async_keep(registration.instances)
        self._choose_profile(registration)
        if gone:
            self._shared.on_gone(self, gone)

    def _choose_profile(self, registration: Registration | None) -> None:
        """Take the profiles that fit what the device says of itself now."""
        identity = Identity(
            endpoint=self.endpoint,
            manufacturer=str(self.resources.values.get(DEVICE / 0, "")),
            model=str(self.resources.values.get(DEVICE / 1, "")),
            objects=frozenset(
                registration.objects if registration else (path[0] for path in self.resources.paths)
            ),
        )
        if identity != self._identity:
            self._identity = identity
            self._take_profile()
        with suppress(NotRegistered):
            self.client.set_sleep(
                queue_mode=self.profile.queue_mode, awake_time=self.profile.awake_time
            )

    def _take_profile(self) -> None:
        profiles = [each for each in self._shared.profiles if each.match.fits(self._identity)]
        self.profile = DeviceProfile(profiles, self.options.rules)
        self.following.async_profile_changed()

    # Values

    @callback
    def async_learnt(self, instance: Path) -> None:
        """Take note that all resources of an instance are known now."""
        if instance == DEVICE:
            self._enter_in_registry()
        self._shared.on_resources(self, instance)

    @callback
    def async_notified(self, path: Path, readings: Readings) -> None:
        """Take a notification for the entities."""
        decoded = latest(readings)
        self.operations.notified(decoded.values)
        heard = self.manual.hears_of(path)  # and may look at the states then
        self._take(decoded, self.watchers.tell if heard else self.watchers.tell_soon)
        self.manual.async_notified(path, readings)

    @callback
    def async_apply_answer(self, paths: Iterable[Path], decoded: Decoded) -> None:
        """Take what was asked for, but for resource instances, which say nothing of siblings."""
        parts = {path.resource for path in paths if len(path) == 4}
        whole = {path: value for path, value in decoded.values.items() if path not in parts}
        self.async_apply(Decoded(whole, decoded.rejected))

    @callback
    def async_apply(self, decoded: Decoded) -> None:
        """Take values from the client and tell their watchers of those that changed."""
        self._take(decoded, self.watchers.tell)

    def _take(self, decoded: Decoded, tell: Callable[[Collection[Path]], None]) -> None:
        changed, grown = self.resources.take(decoded, self.watchers.tell_untold)
        if changed:
            self._shared.storage.async_save_later()
        identity_changed = not IDENTITY_PATHS.isdisjoint(changed)
        if identity_changed:
            self._choose_profile(self.registration)
        if isinstance(time := decoded.values.get(CURRENT_TIME), datetime):
            self.issues.async_check_clock(time)
        tell(changed)
        for instance in grown & self.following.learnt:
            self._shared.on_resources(self, instance)
        if identity_changed and DEVICE in self.following.learnt:
            self._enter_in_registry()

    @callback
    def _enter_in_registry(self) -> str:
        """Create or update the device's entry in the device registry, and return its ID."""
        details: dict[str, Any] = {
            field: str(value)
            for field, resource_id in IDENTITY.items()
            if (value := self.resources.values.get(DEVICE / resource_id))
        }
        registry = dr.async_get(self._shared.hass)
        entry = registry.async_get_or_create(
            config_entry_id=self._shared.entry.entry_id,
            config_subentry_id=self.subentry_id,
            identifiers={(DOMAIN, self.unique_id)},
            name=self._name,
            via_device_id=dr.async_get_device_id_by_identifier(
                self._shared.hass,
                (DOMAIN, self._shared.entry.entry_id),
                config_entry_id=self._shared.entry.entry_id,
            ),
            **details,
        )
        return entry.id
