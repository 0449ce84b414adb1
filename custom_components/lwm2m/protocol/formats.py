"""Which formats a client is asked for and written to in.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocoap.numbers import codes

from .codec import ContentFormat, normalize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .registration import Registration

_PREFERRED = (ContentFormat.SENML_CBOR, ContentFormat.SENML_JSON, ContentFormat.TLV)
"""Of what a client offers, the smallest first."""
_COMPOSITE = (ContentFormat.SENML_CBOR, ContentFormat.SENML_JSON)
"""What names a path for each value (Core-V1_1_1 6.3.8 and 6.3.9)."""
_SINGLE_VALUE = (ContentFormat.OPAQUE, ContentFormat.TEXT)
"""What the simplest clients take, for one resource."""
_OTHERS = (ContentFormat.LWM2M_CBOR, ContentFormat.JSON)
"""Asked for and written in only where a client offers nothing better."""
_ONE_VALUE = (ContentFormat.CBOR, ContentFormat.TEXT)
"""Likewise, for one resource that is not multiple; a text does not say that it is opaque."""
_ETCH: Mapping[ContentFormat, ContentFormat] = {
    ContentFormat.SENML_JSON: ContentFormat.SENML_ETCH_JSON,
    ContentFormat.SENML_CBOR: ContentFormat.SENML_ETCH_CBOR,
}
"""SenML for FETCH and iPATCH (RFC 8790), which LwM2M 1.2 knows: the same bytes, as far as
LwM2M uses them, under a number of their own."""
_REFUSALS = (codes.NOT_ACCEPTABLE, codes.UNSUPPORTED_CONTENT_FORMAT)


class Formats:
    """The formats that a client offers, and those that it has refused.

    A level is the length of a path: clients know other formats for one resource than for many.
    Level 0 is that of the composite operations.
    """

    def __init__(self, registration: Registration) -> None:
        """Start with nothing refused."""
        self.registration = registration
        self._refused: set[tuple[int, ContentFormat]] = set()

    def refused(self, level: int, content_format: ContentFormat, code: codes.Code) -> bool:
        """Take note of an answer; tell whether it refused the format."""
        if code not in _REFUSALS:
            return False
        self._refused.add((level, content_format))
        return True

    def to_accept(self, level: int) -> list[ContentFormat]:
        """Return the formats to ask for, the best first, without those refused before."""
        return [known for known in self._offered(level) if (level, known) not in self._refused]

    def to_write(self, level: int) -> list[ContentFormat]:
        """Return the formats to write in, those refused before last."""
        formats = self._offered(level)
        if level and self.registration.version != "1.0":
            formats += [known for known in _PREFERRED if known not in formats]
        if level >= 3:
            formats += _SINGLE_VALUE
        return sorted(formats, key=lambda known: (level, known) in self._refused)

    def in_request(self, level: int, content_format: ContentFormat) -> ContentFormat:
        """Return the Content-Format of a request's payload, as the client knows it."""
        if level == 0 and _ETCH[content_format] in self.registration.content_formats:
            return _ETCH[content_format]
        return content_format

    def _offered(self, level: int) -> list[ContentFormat]:
        """Return the formats that the client can be expected to know, the best first.

        TLV is mandatory for LwM2M 1.0 (V1_0_2 6.4) and, though optional later, what most clients
        know that offer nothing. Composite operations come without TLV, and are tried in all
        they can use with a client that offers none of it.
        """
        offered = {normalize(number) for number in self.registration.content_formats}
        if level == 0:
            return [known for known in _COMPOSITE if known in offered] or list(_COMPOSITE)
        if self.registration.version == "1.0":
            return [ContentFormat.TLV]
        usable = (*_PREFERRED, *_OTHERS, *(_ONE_VALUE if level >= 3 else ()))
        return [known for known in usable if known in offered] or [ContentFormat.TLV]
