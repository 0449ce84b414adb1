"""The CBOR format: one resource or resource instance, as a CBOR data item.

Source: RFC 8949; OMA-TS-LightweightM2M_Core-V1_1_1 7.4.3 and appendix C, table C-2.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import cbor2

from ..model.definitions import ResourceModel, ResourceType
from .cbor_item import parse, plain
from .typed import fit, type_name
from .values import Collector, resource_path, single

if TYPE_CHECKING:
    from ..node import Decoded, Scalar, Values
    from .base import Scope

_EPOCH_TIME = 1


def decode(payload: bytes, scope: Scope) -> Decoded:
    """Read one value; CodecError when it is no CBOR or the path names no resource."""
    path = resource_path(scope)
    collector = Collector(scope, _read)
    collector.add(path, parse(payload))
    return collector.decoded()


def encode(values: Values, scope: Scope) -> bytes:
    """Write one value; CodecError when there are several or none.

    A time is tagged as such (RFC 8949 3.4.2): without the tag Leshan does not read it.
    """
    value = single(values, scope)
    item = plain(value)
    return cbor2.dumps(cbor2.CBORTag(_EPOCH_TIME, item) if isinstance(value, datetime) else item)


def _read(raw: object, model: ResourceModel | None) -> Scalar:
    match type_name(model), raw:
        case ResourceType.OBJLNK, str():
            # Zephyr counts the zero behind a C string as a part of it
            return fit(raw.removesuffix("\0"), model)
        case _:
            return fit(raw, model)
