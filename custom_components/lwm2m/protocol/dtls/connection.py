"""An established connection with one peer."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

if TYPE_CHECKING:
    from .channel import Channel
    from .credentials import Identity
    from .events import Address
    from .flight import Flight
    from .handshake import Handshake


class Connection:
    """What there is to know about a peer that has proved who it is."""

    __slots__ = (
        "address",
        "bad_macs",
        "channel",
        "connection_id",
        "cookie",
        "identity",
        "last_flight",
        "last_received",
        "max_fragment",
        "open",
        "replays",
        "resumed",
        "session_id",
        "suite",
    )

    def __init__(self, handshake: Handshake, channel: Channel, address: Address) -> None:
        """Take over from a finished handshake."""
        assert handshake.identity is not None
        self.address = address
        self.identity: Identity = handshake.identity
        self.connection_id = handshake.connection_id
        """What the peer writes into its records; empty: nothing."""
        self.session_id = handshake.session_id
        self.resumed = handshake.resumed
        self.suite = handshake.suite
        self.max_fragment = handshake.max_fragment
        """The longest data of a record towards the peer, bytes."""
        self.open = True
        self.last_received = 0.0
        self.bad_macs = 0
        self.replays = 0
        self.channel = channel
        self.cookie = handshake.cookie
        """Of its ClientHello, which may come again."""
        # Sent again when the client's Finished comes again, until data show that it arrived
        # (RFC 6347 4.2.4). In an abbreviated handshake the client speaks last.
        self.last_flight: Flight | None = None if handshake.resumed else handshake.flight

    @override
    def __repr__(self) -> str:
        """Name it without its secrets."""
        return f"Connection({self.address!r}, {self.identity!r})"
