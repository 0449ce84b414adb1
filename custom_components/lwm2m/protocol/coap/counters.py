"""What an endpoint counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class CoapCounters:
    """Numbers since the endpoint was made, for diagnostics and system health."""

    datagrams_in: int = 0
    datagrams_out: int = 0
    messages_in: int = 0
    """Messages over connections, signaling included."""
    messages_out: int = 0
    connections: int = 0
    """Connections that peers opened."""
    connections_refused: int = 0
    """Such that there was no room for, or that came too fast from one source."""
    connections_aborted: int = 0
    """Such that were closed for what the peer did, or did not in time."""
    malformed: int = 0
    """Datagrams, and messages over connections, that are no CoAP message (RFC 7252 3)."""
    multicast: int = 0
    """Datagrams to a multicast or broadcast address, ignored."""
    requests: int = 0
    """Requests from peers, without duplicates."""
    duplicates: int = 0
    """Messages seen before, answered as before (RFC 7252 4.5)."""
    forgotten: int = 0
    """Messages of a peer that later ones of it took the place of, before their time."""
    overloads: int = 0
    """Requests of peers that waited for too many answers already, answered 5.03."""
    displaced_transfers: int = 0
    """Block-wise transfers of a peer that later ones of it took the place of."""
    busy: int = 0
    """Requests to peers that too many waited for already; not sent."""
    handler_errors: int = 0
    """Requests answered 5.00 because the handler raised."""
    notifications: int = 0
    """Notifications of known observations, fresh or stale."""
    stale_notifications: int = 0
    """Notifications older than the newest (RFC 7641 3.4)."""
    lost_notifications: int = 0
    """Notifications whose further blocks could not be fetched, and such that held up too long."""
    sink_errors: int = 0
    """Notifications whose sink raised."""
    unmatched: int = 0
    """Responses that no request or observation waits for."""
    resets_sent: int = 0
    send_errors: int = 0
    """Datagrams the operating system refused to send."""
    unreachable: int = 0
    """Messages to a peer that has no connection; confirmable ones are sent again."""
    dropped: int = 0
    """Datagrams the operating system dropped from a full receive buffer, where it tells (Linux)."""
    receive_buffer: int = 0
    """Bytes of receive buffer granted to the last socket; Linux counts twice what was asked for."""
