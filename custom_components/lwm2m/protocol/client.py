"""What the server can do with a registered client.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3 and 6.4,
OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.4 and 6.4.5.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise
import re
from typing import TYPE_CHECKING
from weakref import WeakSet

from aiocoap.numbers import codes

from .coap import Response
from .codec import CodecError, ContentFormat
from .codec.link_format import parse_links
from .codec.tlv import encode_instance
from .errors import BadRequest, BadResponse, Mistake, NotRegistered
from .exchange import Exchanges
from .gateway import root_of
from .object_list import object_path
from .path import Path
from .payloads import ROOT, Payloads
from .queue_mode import AWAKE_TIME, RequestQueue, written_by
from .reporting import Observation, latest, parse_send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

    from aiocoap import Message

    from .attributes import Attributes
    from .coap import CoapEndpoint
    from .model.definitions import ResourceModel
    from .model.registry import ModelRegistry
    from .node import Decoded, Value, Values
    from .payloads import Send
    from .persistence import StoredObservation
    from .registration import Registration
    from .reporting import Readings

__all__ = ["Client", "Observation"]

_ARGUMENT = r"[0-9](?:='[!#-&(-\[\]-~]*')?"
_ARGUMENTS = re.compile(rf"{_ARGUMENT}(?:,{_ARGUMENT})*")


class Client:
    """A registered client.

    Every operation raises NotRegistered, NotConnected, ClientTimeout, ClientRefused, BadResponse or
    BadRequest, all of them ClientError; the first also at once when the registration ends, or moves
    to another address, while the operation is under way, the second when its connection is lost.

    An operation on a client in queue mode waits, for hours if need be, until the client is awake
    and all operations before it are done. It may also raise QueueFull, RegistrationEnded, which is
    a NotRegistered, and Superseded where it is a write; moving or losing the connection does not
    fail it.
    """

    def __init__(
        self,
        coap: CoapEndpoint,
        registration: Registration,
        models: ModelRegistry,
        timeout: float,
        *,
        awake_time: float = AWAKE_TIME,
        on_presence: Callable[[Client], None] = lambda client: None,
        gateways_queue: RequestQueue | None = None,
    ) -> None:
        """`timeout` is in seconds, for each request.

        `awake_time` is how many seconds after its last message a client in queue mode falls
        asleep, `on_presence` is called after `awake` or `waiting` changed. `gateways_queue` is
        that of the gateway that the client is behind: it sleeps with that.
        """
        self._is_behind = gateways_queue is not None
        if gateways_queue is None:
            queue = RequestQueue(registration.endpoint, awake_time, lambda: on_presence(self))
            queue.queue_mode = registration.queue_mode
        else:
            queue = gateways_queue
        self._default_awake_time = awake_time
        self._queue_mode: bool | None = None
        self._coap = coap
        self._timeout = timeout
        self._behind: dict[str, Client] = {}
        """The clients behind this one, by their alternate paths."""
        self._exchanges = Exchanges(coap, registration, timeout, queue, is_behind=self._is_behind)
        self._models = models
        self._observations: WeakSet[Observation] = WeakSet()
        self._resumable: dict[tuple[Path, ...], StoredObservation] = {}
        self._payloads = Payloads(self._exchanges, self.type_of)
        self._types: dict[tuple[int, int], ResourceModel] = {}

    @property
    def registration(self) -> Registration:
        """What the client last said of itself."""
        return self._exchanges.registration

    @property
    def awake(self) -> bool:
        """Whether the client can be reached now; always, unless it is in queue mode."""
        return self._exchanges.queue.awake

    @property
    def waiting(self) -> int:
        """How many operations wait for the client to be awake, or for those before them."""
        return self._exchanges.queue.waiting

    def set_sleep(self, *, queue_mode: bool | None, awake_time: float | None) -> None:
        """Take its owner's word for whether the client sleeps, and how many seconds it is awake.

        None is what the client itself says, and the default. No text of the specification has
        this: it is for clients that say wrong things, or nothing, of their sleep. Behind a gateway
        it says nothing: the gateway is who sleeps.
        """
        if self._is_behind:
            return
        queue = self._exchanges.queue
        self._queue_mode = queue_mode
        queue.awake_time = self._default_awake_time if awake_time is None else awake_time
        queue.queue_mode = self.queue_mode

    @property
    def queue_mode(self) -> bool:
        """Whether the client may sleep."""
        registered = self.registration.queue_mode
        return registered if self._queue_mode is None else self._queue_mode

    def add_behind(self, registration: Registration) -> None:
        """Take in, or update, a client that this one is the gateway of.

        `registration` is what `gateway.registration_of` returns. The client moves, sleeps and ends
        with this one.
        """
        if known := self._behind.get(registration.root):
            known.update(registration)
        else:
            self._behind[registration.root] = Client(
                self._coap,
                registration,
                self._models,
                self._timeout,
                gateways_queue=self._exchanges.queue,
            )

    def behind(self, root: str) -> Client:
        """Return the client behind this one with an alternate path; NotRegistered."""
        if root not in self._behind:
            raise NotRegistered(self.registration.endpoint)
        return self._behind[root]

    def remove_behind(self, root: str) -> None:
        """End a client behind this one, if there is one with this alternate path."""
        if client := self._behind.pop(root, None):
            client.close()

    def parse_send(self, message: Message) -> list[tuple[Registration, Readings]]:
        """Read a Send: what it says of this client, and of those behind it; RequestError."""
        told: dict[str, None] = {}

        def belongs(name: str, *, root: str) -> bool:
            told[of := root_of(name, self.registration.root, self._behind)] = None
            return of == root

        def parse(client: Client) -> tuple[Registration, Readings]:
            registration = client.registration
            mine = partial(belongs, root=registration.root) if self._behind else None
            return registration, parse_send(message, registration, client.type_of, mine)

        own = parse(self)
        others = [parse(self._behind[root]) for root in list(told) if root in self._behind]
        return [own, *others] if own[1] or not others else others

    def heard(self) -> None:
        """Take note of a request of the client: it is awake."""
        self._exchanges.queue.heard()

    def disconnected(self) -> None:
        """Take note that the client's connection is closed: one in queue mode sleeps."""
        self._exchanges.queue.sleep()

    def type_of(self, path: Path) -> ResourceModel | None:
        """Return the model of a resource, of the object version that the client announced."""
        object_id, resource_id = path.object_id, path.resource_id
        model = self._types.get((object_id, resource_id))
        if model is None:
            version = self.registration.versions.get(object_id)
            model = self._models.find_resource(object_id, resource_id, version)
            if model is not None:  # what is unknown has no end
                self._types[object_id, resource_id] = model
        return model

    async def read(self, path: Path) -> Decoded:
        """Read an object, an instance, a resource or a resource instance (Core 6.3.1)."""
        _demand_levels(path, 1, 2, 3, 4)
        response = await self._payloads.ask(path, partial(self._exchanges.send, path))
        return self._payloads.decode(path, response)

    async def write(self, path: Path, values: Values, *, replace: bool) -> None:
        """Write to an instance, a resource or a resource instance (Core 6.3.3).

        `replace` makes what is not in `values` go away; otherwise it stays, which only differs
        for an instance and for a multiple resource. ValueMisfit when a value does not fit its
        model or is not below `path`.
        """
        _demand_levels(path, 2, 3, 4)
        many = len(path) == 2 or any(isinstance(value, dict) for value in values.values())
        code = codes.POST if many and len(path) < 4 and not replace else codes.PUT
        response = await self._payloads.submit(
            code,
            path,
            self._payloads.formats.to_write(len(path)),
            partial(self._payloads.encode, values, path),
            written=written_by(path, values, replace=replace),
        )
        self._exchanges.check(path, response, "write")

    async def execute(self, path: Path, arguments: str | None = None) -> None:
        """Execute a resource (Core 6.3.5).

        `arguments` are such as `0='red',3`: digits, each at most once (since Core 1.2.1), with or
        without a value; BadRequest when they are malformed.
        """
        _demand_levels(path, 3)
        if not arguments:
            request = self._exchanges.make(codes.POST, path)
        else:
            _check_arguments(path, arguments)
            request = self._exchanges.make(
                codes.POST, path, content_format=ContentFormat.TEXT, payload=arguments.encode()
            )
        self._exchanges.check(path, await self._exchanges.send(path, request), "execute")

    async def create(self, path: Path, resources: Mapping[int, Value]) -> Path:
        """Create an object instance and return its path (Core 6.3.6).

        `path` is that of the new instance, or that of the object for the client to choose an ID.
        `resources` are values by resource ID. ValueMisfit when one does not fit its model.

        Without an ID only TLV says what is meant: whether SenML can, is open
        (OMA_LwM2M_for_Developers#422), and Leshan does not try.
        """
        _demand_levels(path, 1, 2)
        target, formats = Path(path.object_id), [ContentFormat.TLV]
        instance = path if len(path) == 2 else target / 0
        values = {instance / resource_id: value for resource_id, value in resources.items()}
        if path == target:
            payload_in = partial(self._payloads.encode, values, instance)
        elif values:
            formats = self._payloads.formats.to_write(len(target))
            payload_in = partial(self._payloads.encode, values, target)
        else:
            payload_in = partial(_empty_instance, path)
        response = await self._payloads.submit(codes.POST, target, formats, payload_in)
        self._exchanges.check(target, response, "create")
        return self._created(path, response)

    async def delete(self, path: Path) -> None:
        """Delete an object instance or, since LwM2M 1.2, a resource instance (Core 6.3.7)."""
        _demand_levels(path, 2, 4)
        if len(path) == 4:
            self._demand_version("1.2", path)
        request = self._exchanges.make(codes.DELETE, path)
        self._exchanges.check(path, await self._exchanges.send(path, request), "delete")

    async def write_attributes(self, path: Path, attributes: Attributes) -> None:
        """Say when a path is to be notified (Core 6.3.4); BadRequest when that is impossible."""
        _demand_levels(path, 1, 2, 3, 4)
        attributes.check(path, self.type_of(path) if len(path) >= 3 else None)
        request = self._exchanges.make(codes.PUT, path, uri_query=attributes.query())
        self._exchanges.check(path, await self._exchanges.send(path, request))

    async def read_composite(self, paths: Iterable[Path]) -> Decoded:
        """Read several paths at once, of any level (Core 6.3.8, since LwM2M 1.1).

        What the client leaves out, because it has it not or must not show it, is not in the answer.
        """
        paths = self._checked(paths)
        response = await self._payloads.fetch(paths, partial(self._exchanges.send, ROOT))
        return latest(self._payloads.expected(paths, Response.of(response)))

    async def write_composite(self, values: Values) -> None:
        """Write resources of any instances at once, and keep all others (Core 6.3.9).

        The client takes all of them or none. Since LwM2M 1.1.
        """
        self._checked(values)
        response = await self._payloads.submit(
            codes.iPATCH,
            ROOT,
            self._payloads.formats.to_write(len(ROOT)),
            partial(self._payloads.encode, values, ROOT),
            written=written_by(ROOT, values, replace=False),
        )
        self._exchanges.check(ROOT, response, "write")

    async def discover(self, path: Path) -> dict[Path, Mapping[str, str | None]]:
        """List what there is at and below an object, an instance or a resource (Core 6.3.2).

        Returns each path with its link's attributes, such as `dim` and `pmin`.
        """
        _demand_levels(path, 1, 2, 3)
        request = self._exchanges.make(codes.GET, path, accept=ContentFormat.LINK_FORMAT)
        response = await self._exchanges.send(path, request)
        self._exchanges.check(path, response)
        endpoint, root = self.registration.endpoint, self.registration.root
        if response.opt.content_format not in (None, ContentFormat.LINK_FORMAT):
            raise BadResponse(endpoint, path, "not application/link-format")
        try:
            links = parse_links(response.payload)
        except CodecError as err:
            raise BadResponse(endpoint, path, str(err)) from err
        return {
            found: link.attributes
            for link in links
            if (found := object_path(link.target, root)) is not None and path.covers(found)
        }

    async def observe(
        self,
        path: Path,
        callback: Callable[[Decoded], None],
        on_end: Callable[[Observation], None] | None = None,
    ) -> Observation:
        """Observe an object, an instance, a resource or a resource instance (Core 6.4.1).

        `callback` gets what each notification says, in order. `on_end` is called when the client
        or the end of its registration ends the observation, not when the owner cancels it.
        """
        return await self.observe_timed(
            (path,), lambda readings: callback(latest(readings)), on_end
        )

    async def observe_composite(
        self,
        paths: Iterable[Path],
        callback: Callable[[Decoded], None],
        on_end: Callable[[Observation], None] | None = None,
    ) -> Observation:
        """Observe several paths as one (Core 6.4.4, since LwM2M 1.1); otherwise as `observe`."""
        return await self._observe_composite(
            paths, lambda readings: callback(latest(readings)), on_end
        )

    async def observe_timed(
        self,
        paths: Collection[Path],
        callback: Callable[[Readings], None],
        on_end: Callable[[Observation], None] | None = None,
    ) -> Observation:
        """Observe one path, or several as one, and tell what was measured at which time.

        A notification may hold values of several times (Core 7.4.5), of which `observe` and
        `observe_composite` tell the latest.
        """
        if len(paths) != 1:
            return await self._observe_composite(paths, callback, on_end)
        (path,) = paths
        _demand_levels(path, 1, 2, 3, 4)
        observation = self._plain(path, callback, on_end)
        return await self._establish(observation, partial(self._payloads.ask, path))

    @property
    def stored_observations(self) -> list[StoredObservation]:
        """The observations as they can be taken up after a restart."""
        return [
            stored
            for observation in self._observations
            if observation.token is not None
            and (stored := self._exchanges.describe(observation.paths, observation.token))
        ]

    def restore(self, observations: Iterable[StoredObservation]) -> None:
        """Take the observations of before a restart; the client sleeps if it may."""
        self._resumable = {observation.paths: observation for observation in observations}
        self._exchanges.queue.sleep()

    def resume(
        self,
        paths: Collection[Path],
        callback: Callable[[Readings], None],
        on_end: Callable[[Observation], None] | None = None,
    ) -> Observation | None:
        """Go on with what `observe_timed` began before a restart, without asking the client.

        None when there was none. What nobody goes on with, the client's next notification ends.
        """
        stored = self._resumable.pop(tuple(sorted(paths)), None)
        if stored is None:
            return None
        if len(stored.paths) == 1:
            observation = self._plain(stored.paths[0], callback, on_end)
        else:
            observation = self._composite(stored.paths, callback, on_end)
        observation.resume(self._exchanges.resume(stored, observation.receive), stored.token)
        self._observations.add(observation)
        return observation

    def update(self, registration: Registration) -> None:
        """Take an Update; one from elsewhere ends what is under way and all observations.

        The client would notify from its new address, which observations made at the old one do
        not match (RFC 7641 3.2: tokens are of one endpoint pair).
        """
        moved = registration.remote != self.registration.remote
        self._exchanges.registration = registration
        if not self._is_behind:
            self._exchanges.queue.queue_mode = self.queue_mode
        self._payloads.formats.registration = registration
        self._types.clear()
        if moved:
            self._resumable.clear()
            self._exchanges.interrupt()
            self._end_observations()
        for client in self._behind.values():
            client.update(replace(client.registration, remote=registration.remote))

    def close(self) -> None:
        """End all that is under way and all observations: the registration has ended."""
        while self._behind:
            self._behind.popitem()[1].close()
        self._exchanges.close()
        self._end_observations()

    def _end_observations(self) -> None:
        for observation in tuple(self._observations):
            observation.end(NotRegistered(self.registration.endpoint))

    async def _observe_composite(
        self,
        paths: Iterable[Path],
        callback: Callable[[Readings], None],
        on_end: Callable[[Observation], None] | None,
    ) -> Observation:
        paths = self._checked(paths)
        observation = self._composite(paths, callback, on_end)
        return await self._establish(observation, partial(self._payloads.fetch, paths))

    def _plain(
        self,
        path: Path,
        callback: Callable[[Readings], None],
        on_end: Callable[[Observation], None] | None,
    ) -> Observation:
        return Observation(
            path,
            (path,),
            self._exchanges,
            decode=partial(self._payloads.readings, path),
            callback=callback,
            on_end=on_end,
        )

    def _composite(
        self,
        paths: tuple[Path, ...],
        callback: Callable[[Readings], None],
        on_end: Callable[[Observation], None] | None,
    ) -> Observation:
        return Observation(
            ROOT,
            paths,
            self._exchanges,
            decode=partial(self._payloads.expected, paths),
            callback=callback,
            on_end=on_end,
        )

    async def _establish(
        self, observation: Observation, ask: Callable[[Send], Awaitable[Message]]
    ) -> Observation:
        send = partial(self._exchanges.observe, observation.path, sink=observation.receive)
        response = await ask(send)
        observation.establish(response)
        if observation.active and not self._exchanges.reaches(response.remote):
            observation.cancel()
            raise NotRegistered(self.registration.endpoint)
        self._observations.add(observation)
        return observation

    def _created(self, path: Path, response: Message) -> Path:
        """Return where an instance was created, which a client need only say if it chose.

        Source: OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.4.
        """
        location = response.opt.location_path
        if not location and len(path) == 2:
            return path
        created = object_path("/" + "/".join(location), self.registration.root)
        if created is None or len(created) != 2 or not path.covers(created):
            raise BadResponse(
                self.registration.endpoint, path, f"created at {'/'.join(location) or 'nowhere'}"
            )
        return created

    def _checked(self, paths: Iterable[Path]) -> tuple[Path, ...]:
        """Check what a composite request is about; BadRequest when it makes no sense.

        Overlapping paths would have their values told twice; Leshan refuses them too.
        """
        self._demand_version("1.1", ROOT)
        known = tuple(sorted(paths))
        if not known:
            raise BadRequest(ROOT, Mistake.NO_PATH)
        for path, following in pairwise(known):
            if path.covers(following):
                raise BadRequest(path, Mistake.COVERED, other=str(following))
        return known

    def _demand_version(self, version: str, path: Path) -> None:
        if self.registration.version < version:
            raise BadRequest(path, Mistake.VERSION, version=version)


def _empty_instance(path: Path, _: ContentFormat) -> bytes:
    return encode_instance(path.instance_id)


def _demand_levels(path: Path, *levels: int) -> None:
    if len(path) not in levels:
        raise BadRequest(path, Mistake[f"LEVEL_{''.join(map(str, levels))}"])


def _check_arguments(path: Path, arguments: str) -> None:
    """Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3.5, the ABNF of `arglist`."""
    if not _ARGUMENTS.fullmatch(arguments):
        raise BadRequest(path, Mistake.ARGUMENTS)
    digits = [argument[0] for argument in re.findall(_ARGUMENT, arguments)]
    if len(set(digits)) != len(digits):
        raise BadRequest(path, Mistake.ARGUMENT_TWICE)
