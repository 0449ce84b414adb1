"""The opaque format: the bytes of one resource or resource instance.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import CodecError, Scope
from .typed import fit
from .values import Collector, resource_path, single

if TYPE_CHECKING:
    from ..node import Decoded, Values


def decode(payload: bytes, scope: Scope) -> Decoded:
    """Take the payload as the value; CodecError when the path names no resource."""
    path = resource_path(scope)
    collector = Collector(scope, fit)
    collector.add(path, payload)
    return collector.decoded()


def encode(values: Values, scope: Scope) -> bytes:
    """Give one value's bytes; CodecError when there are several, none, or another type."""
    value = single(values, scope)
    if not isinstance(value, bytes):
        raise CodecError(f"{scope.path} is not opaque")
    return value
