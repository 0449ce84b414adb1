"""Handshake messages out of fragments that come in any order, twice or never (RFC 6347 4.2.3)."""

from __future__ import annotations

from .errors import DecodeError
from .messages import Fragment, HandshakeType, message

AHEAD = 8
"""Messages kept at once, from the next expected on; a client's longest flight has four."""
MAX_GAPS = 16
"""Holes in a message at once."""
MAX_CERTIFICATE = 8192
"""Bytes of a Certificate message, a chain of a few."""
MAX_OTHER = 512
"""Bytes of any other message of a client after its hello."""
MAX_KEPT = MAX_CERTIFICATE + AHEAD * MAX_OTHER
"""Bytes of all messages that are kept, whatever each of them says to be."""


class _Partial:
    """A message of which some is here."""

    __slots__ = ("gaps", "kind", "parts")

    def __init__(self, fragment: Fragment) -> None:
        self.kind = fragment.type
        self.parts = bytearray(fragment.length)
        # An empty message has no gap, so that its only fragment completes it.
        self.gaps = [(0, fragment.length)] if fragment.length else []

    def add(self, fragment: Fragment) -> None:
        if fragment.type != self.kind or fragment.length != len(self.parts):
            raise DecodeError("fragments of one message disagree")
        start = fragment.offset
        body = fragment.body
        end = start + len(body)
        gaps: list[tuple[int, int]] = []
        for low, high in self.gaps:
            # What came first stands: overlapping fragments fill the gaps only (RFC 6347 4.2.3).
            fill_low, fill_high = max(low, start), min(high, end)
            if fill_low >= fill_high:
                gaps.append((low, high))
                continue
            self.parts[fill_low:fill_high] = body[fill_low - start : fill_high - start]
            gaps += [gap for gap in ((low, fill_low), (fill_high, high)) if gap[0] < gap[1]]
        if len(gaps) > MAX_GAPS:
            raise DecodeError("message is in too many pieces")
        self.gaps = gaps


class Reassembler:
    """Puts a peer's messages in order."""

    __slots__ = ("_partial", "expected")

    def __init__(self, expected: int) -> None:
        self.expected = expected
        """The message_seq that comes next."""
        self._partial: dict[int, _Partial] = {}

    def add(self, fragment: Fragment) -> list[bytes]:
        """Return the messages, each with its header, that this fragment completes, in order.

        Old and far-off messages are ignored; DecodeError when fragments contradict each other.
        """
        if not self.expected <= fragment.sequence < self.expected + AHEAD:
            return []
        certificate = fragment.type == HandshakeType.CERTIFICATE
        if fragment.length > (MAX_CERTIFICATE if certificate else MAX_OTHER):
            raise DecodeError("message is too long")
        if fragment.whole and fragment.sequence == self.expected and not self._partial:
            self.expected += 1
            return [fragment.data]
        partial = self._partial.get(fragment.sequence)
        if partial is None:
            kept = sum(len(each.parts) for each in self._partial.values())
            if kept + fragment.length > MAX_KEPT:
                return []
            partial = self._partial[fragment.sequence] = _Partial(fragment)
        partial.add(fragment)
        complete: list[bytes] = []
        while (following := self._partial.get(self.expected)) and not following.gaps:
            del self._partial[self.expected]
            complete.append(message(following.kind, self.expected, bytes(following.parts)))
            self.expected += 1
        return complete
