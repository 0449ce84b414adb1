"""What the addresses of peers have in common, over whichever transport they are reached."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, override

from aiocoap.interfaces import EndpointAddress
from aiocoap.util import hostportjoin

from .transfer import block_size

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ..dtls import Identity

type StoredPeer = dict[str, Any]
"""A peer's address in JSON's types; `scheme` says which transport reads the others."""


class Scheme(StrEnum):
    """A transport, by the scheme of its URIs (RFC 7252 6, RFC 8323 8)."""

    COAP = "coap"
    COAPS = "coaps"
    COAP_TCP = "coap+tcp"
    COAPS_TCP = "coaps+tcp"

    @property
    def is_secure(self) -> bool:
        """Whether peers prove who they are."""
        return self in (Scheme.COAPS, Scheme.COAPS_TCP)

    @property
    def carrier(self) -> str:
        """What its ports are of: UDP or TCP."""
        return "TCP" if self in (Scheme.COAP_TCP, Scheme.COAPS_TCP) else "UDP"


class Peer(EndpointAddress):  # type: ignore[misc]  # aiocoap is untyped
    """A peer of one of the endpoint's transports.

    Two are equal if a request to either reaches the same peer, and a notification from either
    belongs to the same observation. `transport` is what it is reached through.
    """

    scheme: Scheme
    transport: Any
    is_multicast = False
    is_multicast_locally = False
    is_reliable = False
    """Whether messages arrive once and in order, so that BERT blocks are possible (RFC 8323 6)."""
    maximum_block_size_exp = 6
    """The largest block, as RFC 7959's SZX; set per instance once the peer asks for less."""

    @property
    def host(self) -> str:
        """The peer's numeric address."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        """The peer's port."""
        raise NotImplementedError

    @property
    @override
    def maximum_payload_size(self) -> int:
        """The most bytes of payload in one message."""
        return block_size(self.maximum_block_size_exp)

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent to it: not without the connection that it is."""
        return True

    @property
    def identity(self) -> Identity | None:
        """Who the peer has proved to be; None without security."""
        return None

    @property
    def conversation(self) -> Hashable:
        """What the peer's message IDs are unique in, for a while (RFC 7252 4.4)."""
        return self

    def dump(self) -> StoredPeer:
        """Return what the transport makes this address from after a restart."""
        return {"scheme": self.scheme.value, "host": self.host, "port": self.port}

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.hostinfo})"

    @override
    def __str__(self) -> str:
        return str(self.hostinfo)

    @property
    @override
    def hostinfo(self) -> str:
        return str(hostportjoin(self.host, self.port))

    @property
    @override
    def hostinfo_local(self) -> str:
        return str(hostportjoin(self.transport.host, self.transport.port))

    @property
    @override
    def uri_base(self) -> str:
        return f"{self.scheme}://{self.hostinfo}"

    @property
    @override
    def uri_base_local(self) -> str:
        return f"{self.scheme}://{self.hostinfo_local}"

    @property
    @override
    def blockwise_key(self) -> Hashable:
        return self
