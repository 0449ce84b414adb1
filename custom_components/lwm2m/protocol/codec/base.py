"""What all formats share: their numbers, their error and where a payload belongs."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

from ..model.definitions import ResourceModel
from ..path import Path


class CodecError(ValueError):
    """A payload that is not of its format, or values that a format cannot carry."""


class ContentFormat(IntEnum):
    """CoAP Content-Format numbers that LwM2M uses.

    Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.4; JSON is of OMA-TS-LightweightM2M-V1_0_2 6.4,
    LwM2M CBOR and SenML-ETCH (RFC 8790) of OMA-TS-LightweightM2M_Core-V1_2 7.4.
    """

    TEXT = 0
    LINK_FORMAT = 40
    OPAQUE = 42
    CBOR = 60
    SENML_JSON = 110
    SENML_CBOR = 112
    SENML_ETCH_JSON = 320
    SENML_ETCH_CBOR = 322
    TLV = 11542
    JSON = 11543
    LWM2M_CBOR = 11544


_LEGACY = {1541: ContentFormat.TEXT, 1542: ContentFormat.TLV, 1543: ContentFormat.JSON}
"""Numbers of the drafts, before IANA registered the final ones; old firmware still sends them."""
_NAMED: dict[int, ContentFormat] = {**{known.value: known for known in ContentFormat}, **_LEGACY}


def normalize(number: int) -> ContentFormat | None:
    """Name a Content-Format number, also of the drafts; None when LwM2M does not know it."""
    return _NAMED.get(number)


type TypeOf = Callable[[Path], ResourceModel | None]
"""Resource path -> the model's row; None for an unknown object or resource."""


class Scope(NamedTuple):
    """Where a payload belongs. A tuple, for one is made of each notification.

    `path` is the request's. `root` is the client's alternate path, such as `/lwm2m`, and
    empty where it has none (OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.1). `belongs` tells which
    names in it are the client's, where a Send holds those of several; None is all.
    """

    path: Path
    type_of: TypeOf
    root: str = ""
    belongs: Callable[[str], bool] | None = None
