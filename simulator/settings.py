"""How a board behaves, apart from what it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from custom_components.lwm2m.protocol.codec import ContentFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from custom_components.lwm2m.protocol.path import Path
    from custom_components.lwm2m.protocol.security import PreSharedKey

STRUCTURED_FORMATS = (ContentFormat.SENML_CBOR, ContentFormat.SENML_JSON, ContentFormat.TLV)
"""Formats that carry paths; the others carry one value."""

ALL_FORMATS = (*STRUCTURED_FORMATS, ContentFormat.TEXT, ContentFormat.OPAQUE)
FORMATS_1_0 = (ContentFormat.TLV, ContentFormat.TEXT, ContentFormat.OPAQUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one board; durations in seconds."""

    version: str = "1.1"
    """The LwM2M version, "1.0" or "1.1"."""
    lifetime: int = 300
    update_after: float = 0.5
    """When to update the registration, as a fraction of the lifetime."""
    retry: float = 5.0
    """How long to wait after a refused or unanswered Register."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Further parameters of Register."""
    query: tuple[str, ...] = ()
    links: str = ""
    """What Register says, word for word; empty: what follows from the board and the other settings.
    For boards that are played as they were recorded."""
    root: tuple[str, ...] = ()
    """The alternate path of all objects (OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.1)."""

    tcp: bool = False
    """Whether it connects over TCP (RFC 8323), which LwM2M has since 1.1."""
    psk: PreSharedKey | None = None
    """Its key for DTLS or TLS; without one it speaks plain CoAP."""

    formats: tuple[ContentFormat, ...] = ()
    """What it reads and writes, the one it likes best first; empty: all of its LwM2M version."""
    announces_formats: bool = True
    """Whether Register says `ct`. LwM2M 1.0 has none."""

    observable: Callable[[Path], bool] = lambda path: True
    """Paths where it keeps observations; a GET with Observe elsewhere is a plain Read."""
    max_observations: int = 32
    """Past that many it treats Observe as a plain Read (RFC 7641 4.1)."""
    takes_attributes: bool = True
    """Whether it knows Write-Attributes."""
    confirmable: bool = False
    """Whether notifications are confirmable."""

    queue_mode: bool = False
    awake_time: float = 93.0
    """In queue mode: how long after the last message it falls asleep; the default is
    MAX_TRANSMIT_WAIT (OMA-TS-LightweightM2M_Transport-V1_1_1 6.5)."""
    ack_timeout: float = 2.0
    """RFC 7252 4.8, ACK_TIMEOUT."""

    @property
    def root_path(self) -> str:
        """The alternate path as a prefix of links, empty where there is none."""
        return "".join(f"/{segment}" for segment in self.root)

    @property
    def binding(self) -> str:
        """The transport; LwM2M 1.0 says queue mode here, 1.1 in a parameter of its own.

        OMA-TS-LightweightM2M_Core-V1_1_1 6.2.1.
        """
        carrier = "T" if self.tcp else "U"
        return f"{carrier}Q" if self.queue_mode and self.version == "1.0" else carrier

    @property
    def content_formats(self) -> tuple[ContentFormat, ...]:
        """What it reads and writes, the one it likes best first."""
        return self.formats or (FORMATS_1_0 if self.version == "1.0" else ALL_FORMATS)

    @property
    def announced_formats(self) -> tuple[ContentFormat, ...]:
        """What Register says in `ct`: formats of several values, plain text goes without saying.

        OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.3 leaves open whether text and opaque belong
        in the list; Leshan's client leaves them out.
        """
        if self.version == "1.0" or not self.announces_formats:
            return ()
        return tuple(number for number in self.content_formats if number in STRUCTURED_FORMATS)
