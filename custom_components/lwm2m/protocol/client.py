"""What the server can do with a registered client.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3 and 6.4,
OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.4 and 6.4.5.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
import re
from typing import TYPE_CHECKING
from weakref import WeakSet

from aiocoap.numbers import codes

from .codec import CodecError, ContentFormat, decode, encode, normalize
from .codec.link_format import parse_links
from .errors import BadRequest, BadResponse, NotRegistered, ValueMisfit
from .exchange import Exchanges
from .node import Decoded
from .object_list import object_path
from .queue_mode import AWAKE_TIME, RequestQueue, written_by
from .reporting import Observation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from aiocoap import Message

    from .coap import CoapEndpoint
    from .model.definitions import ResourceModel
    from .model.registry import ModelRegistry
    from .node import Values
    from .path import Path
    from .persistence import StoredObservation
    from .registration import Registration

__all__ = ["Client", "Observation"]

_PREFERRED = (ContentFormat.SENML_CBOR, ContentFormat.SENML_JSON, ContentFormat.TLV)
"""Of what a client offers, the smallest first."""
_TEXT = ContentFormat.TEXT
_SINGLE_VALUE = (ContentFormat.OPAQUE, _TEXT)
"""What the simplest clients take, for one resource."""
_FORMAT_REFUSED = (codes.NOT_ACCEPTABLE, codes.UNSUPPORTED_CONTENT_FORMAT)

_ARGUMENT = r"[0-9](?:='[!#-&(-\[\]-~]*')?"
_ARGUMENTS = re.compile(rf"{_ARGUMENT}(?:,{_ARGUMENT})*")


class Client:
    """A registered client.

    Every operation raises NotRegistered, ClientTimeout, ClientRefused, BadResponse or BadRequest,
    all of them ClientError; the first also at once when the registration ends, or moves to
    another address, while the operation is under way.

    An operation on a client in queue mode waits, for hours if need be, until the client is awake
    and all operations before it are done. It may also raise QueueFull, RegistrationEnded, which is
    a NotRegistered, and Superseded where it is a write; and moving does not fail it.
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
    ) -> None:
        """`timeout` is in seconds, for each request.

        `awake_time` is how many seconds after its last message a client in queue mode falls
        asleep, `on_presence` is called after `awake` or `waiting` changed.
        """
        queue = RequestQueue(registration.endpoint, awake_time, lambda: on_presence(self))
        queue.queue_mode = registration.queue_mode
        self._exchanges = Exchanges(coap, registration, timeout, queue)
        self._models = models
        self._observations: WeakSet[Observation] = WeakSet()
        self._resumable: dict[Path, StoredObservation] = {}
        self._refused: set[tuple[int, ContentFormat]] = set()
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

    def heard(self) -> None:
        """Take note of a request of the client: it is awake."""
        self._exchanges.queue.heard()

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
        response = await self._ask(path, partial(self._exchanges.send, path))
        return self._decode(path, response)

    async def write(self, path: Path, values: Values, *, replace: bool) -> None:
        """Write to an instance, a resource or a resource instance (Core 6.3.3).

        `replace` makes what is not in `values` go away; otherwise it stays, which only differs
        for an instance and for a multiple resource. ValueMisfit when a value does not fit its
        model or is not below `path`.
        """
        _demand_levels(path, 2, 3, 4)
        many = len(path) == 2 or any(isinstance(value, dict) for value in values.values())
        code = codes.POST if many and len(path) < 4 and not replace else codes.PUT
        payloads = self._encode(path, values)
        first = next(payloads)  # so that a misfit is told now, not when the client wakes up
        async with self._exchanges.turn(path, written_by(path, values, replace=replace)):
            for content_format, payload in chain((first,), payloads):
                request = self._exchanges.make(
                    code, path, content_format=content_format, payload=payload
                )
                response = await self._exchanges.send(path, request)
                if response.code not in _FORMAT_REFUSED:
                    break
                self._refused.add((len(path), content_format))
        self._exchanges.check(path, response)

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
                codes.POST, path, content_format=_TEXT, payload=arguments.encode()
            )
        self._exchanges.check(path, await self._exchanges.send(path, request))

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
        _demand_levels(path, 1, 2, 3, 4)
        observation = Observation(
            path, self._exchanges, partial(self._decode, path), callback, on_end
        )
        response = await self._ask(
            path, partial(self._exchanges.observe, path, sink=observation.receive)
        )
        observation.establish(response)
        if observation.active and not self._exchanges.reaches(response.remote):
            observation.cancel()
            raise NotRegistered(self.registration.endpoint)
        self._observations.add(observation)
        return observation

    @property
    def stored_observations(self) -> list[StoredObservation]:
        """The observations as they can be taken up after a restart."""
        return [
            stored
            for observation in self._observations
            if observation.token is not None
            and (stored := self._exchanges.describe(observation.path, observation.token))
        ]

    def restore(self, observations: Iterable[StoredObservation]) -> None:
        """Take the observations of before a restart; the client sleeps if it may."""
        self._resumable = {observation.path: observation for observation in observations}
        self._exchanges.queue.sleep()

    def resume(
        self,
        path: Path,
        callback: Callable[[Decoded], None],
        on_end: Callable[[Observation], None] | None = None,
    ) -> Observation | None:
        """Go on with an observation of before a restart, as its owner, without asking the client.

        None when there was none. What nobody goes on with, the client's next notification ends.
        """
        stored = self._resumable.pop(path, None)
        if stored is None:
            return None
        observation = Observation(
            path, self._exchanges, partial(self._decode, path), callback, on_end
        )
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
        self._exchanges.queue.queue_mode = registration.queue_mode
        self._types.clear()
        if moved:
            self._resumable.clear()
            self._exchanges.interrupt()
            self._end_observations()

    def close(self) -> None:
        """End all that is under way and all observations: the registration has ended."""
        self._exchanges.close()
        self._end_observations()

    def _end_observations(self) -> None:
        for observation in tuple(self._observations):
            observation.end(NotRegistered(self.registration.endpoint))

    async def _ask(self, path: Path, send: Callable[[Message], Awaitable[Message]]) -> Message:
        """Send a GET with each format to accept, until the client has one.

        The last has none, which leaves the choice to the client (Core 7.4).
        """
        async with self._exchanges.turn(path):
            for accept in (*self._accepted_formats(path), None):
                response = await send(self._exchanges.make(codes.GET, path, accept=accept))
                if accept is None or response.code != codes.NOT_ACCEPTABLE:
                    break
                self._refused.add((len(path), accept))
        return response

    def _encode(self, path: Path, values: Values) -> Iterator[tuple[ContentFormat, bytes]]:
        """Yield the formats that can carry the values, with the payload; ValueMisfit if none."""
        misfit: CodecError | None = None
        encoded = False
        for content_format in self._content_formats(path):
            try:
                payload = encode(
                    content_format, values, path, self.type_of, root=self.registration.root
                )
            except CodecError as err:
                misfit = err
                continue
            encoded = True
            yield content_format, payload
        if not encoded:
            raise ValueMisfit(path, str(misfit))

    def _decode(self, path: Path, response: Message) -> Decoded:
        """Read a response or a notification, whatever was asked for.

        Without Content-Format it is tried as what was asked for, then as plain text. An empty
        payload is no values, save in the formats where it is an empty one.
        """
        self._exchanges.check(path, response)
        number = response.opt.content_format
        payload, root = response.payload, self.registration.root
        if not payload and (number is None or normalize(number) not in _SINGLE_VALUE):
            return Decoded()
        formats = (number,) if number is not None else (*self._accepted_formats(path), _TEXT)
        for content_format in formats:
            try:
                return decode(content_format, payload, path, self.type_of, root=root)
            except CodecError as err:
                reason = str(err)
        raise BadResponse(self.registration.endpoint, path, reason)

    def _offered_formats(self) -> list[ContentFormat]:
        """Return the formats that the client can be expected to know, the best first.

        TLV is mandatory for LwM2M 1.0 (V1_0_2 6.4) and, though optional later, what most clients
        know that offer nothing.
        """
        if self.registration.version == "1.0":
            return [ContentFormat.TLV]
        offered = {normalize(number) for number in self.registration.content_formats}
        return [known for known in _PREFERRED if known in offered] or [ContentFormat.TLV]

    def _accepted_formats(self, path: Path) -> list[ContentFormat]:
        """Return the formats to ask for, without those refused at this level before."""
        return [
            offered
            for offered in self._offered_formats()
            if (len(path), offered) not in self._refused
        ]

    def _content_formats(self, path: Path) -> list[ContentFormat]:
        """Return the formats to write in, those refused at this level before last."""
        formats = self._offered_formats()
        if self.registration.version != "1.0":
            formats += [known for known in _PREFERRED if known not in formats]
        if len(path) >= 3:
            formats += _SINGLE_VALUE
        return sorted(formats, key=lambda known: (len(path), known) in self._refused)


def _demand_levels(path: Path, *levels: int) -> None:
    if len(path) not in levels:
        raise BadRequest(path, "the operation is not possible at this level")


def _check_arguments(path: Path, arguments: str) -> None:
    """Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3.5, the ABNF of `arglist`."""
    if not _ARGUMENTS.fullmatch(arguments):
        raise BadRequest(path, "the arguments are not such as 0='red',3")
    digits = [argument[0] for argument in re.findall(_ARGUMENT, arguments)]
    if len(set(digits)) != len(digits):
        raise BadRequest(path, "an argument is given twice")
