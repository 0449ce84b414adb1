"""The TLV format: instances, resources and resource instances as type, length and value.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 7.4.4.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from itertools import groupby
import struct
from typing import TYPE_CHECKING

from ..model.definitions import ResourceModel, ResourceType
from ..node import Decoded, ObjectLink, Scalar, Value, Values
from ..path import Path, PathError
from .base import CodecError, Scope
from .typed import fit, to_seconds, type_name
from .values import Collector, checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class _Kind(IntEnum):
    """Bits 7 and 6 of the type byte: what the identifier identifies."""

    OBJECT_INSTANCE = 0
    RESOURCE_INSTANCE = 1
    MULTIPLE_RESOURCE = 2
    RESOURCE = 3


type _Tlv = tuple[_Kind, int, bytes]
"""What is identified, its identifier and its value."""

_KINDS = tuple(_Kind)
_WIDE_ID = 0x20
_MAX_SHORT_LENGTH = 7
_MAX_LENGTH = 2**24 - 1
_INTEGER_SIZES = (1, 2, 4, 8)
_FLOATS = {4: struct.Struct(">f"), 8: struct.Struct(">d")}
_OBJECT_LINK = struct.Struct(">HH")


def decode(payload: bytes, scope: Scope) -> Decoded:
    """Read the answer of an object, an instance, a resource or a resource instance.

    Levels that the request's path gives already may be there or not, for clients do both
    (zephyr#9470, leshan#460), and Leshan takes both. Resources without an instance TLV in
    an object's answer are those of instance 0.

    CodecError when the bytes are no TLV, lie outside the path, or give a value twice.
    """
    if not scope.path:
        raise CodecError("TLV does not name objects")
    collector = Collector(scope, _read)
    try:
        for tlv in _split(payload):
            _take(tlv, scope.path, collector)
    except PathError as err:
        raise CodecError(str(err)) from err
    if not payload and len(scope.path) == 3:
        collector.add_empty(scope.path)
    return collector.decoded()


def encode(values: Values, scope: Scope) -> bytes:
    """Write what the request's path names, without the levels that it gives already.

    CodecError for the root, which TLV has no level for, and for values of 16 MiB.
    """
    if not scope.path:
        raise CodecError("TLV does not name objects")
    resources = [
        (path, _resource(path, value, scope)) for path, value in checked(values, scope).items()
    ]
    if len(scope.path) > 1:
        return b"".join(tlv for _, tlv in resources)
    return b"".join(
        encode_instance(instance.instance_id, b"".join(tlv for _, tlv in group))
        for instance, group in groupby(
            sorted(resources, key=lambda item: item[0].instance), lambda item: item[0].instance
        )
    )


def encode_instance(instance_id: int, resources: bytes = b"") -> bytes:
    """Write an object instance around its resources, of which it may have none."""
    return _join(_Kind.OBJECT_INSTANCE, instance_id, resources)


def _take(tlv: _Tlv, path: Path, collector: Collector[bytes]) -> None:
    """Take a TLV of the first level in the answer to a request for `path`."""
    kind, number, value = tlv
    if kind is _Kind.OBJECT_INSTANCE:
        instance = Path(path.object_id, number)
        for child in _split(value):
            _take_resource(child, instance, collector)
    elif kind is _Kind.RESOURCE_INSTANCE and len(path) > 2:
        collector.add(path.resource / number, value)
    else:
        _take_resource(tlv, path.instance if len(path) > 1 else path / 0, collector)


def _take_resource(tlv: _Tlv, instance: Path, collector: Collector[bytes]) -> None:
    kind, number, value = tlv
    resource = instance / number
    if kind is _Kind.RESOURCE:
        collector.add(resource, value)
    elif kind is not _Kind.MULTIPLE_RESOURCE:
        raise CodecError(f"{kind.name} within the instance {instance}")
    elif not value:
        collector.add_empty(resource)
    else:
        for child, place, part in _split(value):
            if child is not _Kind.RESOURCE_INSTANCE:
                raise CodecError(f"{child.name} within the multiple resource {resource}")
            collector.add(resource / place, part)


def _split(payload: bytes) -> Iterator[_Tlv]:
    """Split one level into its TLVs; CodecError when the bytes do not suffice."""
    at, end = 0, len(payload)
    try:
        while at < end:
            head = payload[at]
            number = payload[at + 1]
            at += 2
            if head & _WIDE_ID:
                number = number << 8 | payload[at]
                at += 1
            length = head & _MAX_SHORT_LENGTH
            if size := head >> 3 & 3:
                length = int.from_bytes(payload[at : at + size])
                at += size
            start, at = at, at + length
            if at > end:
                break
            yield _KINDS[head >> 6], number, payload[start:at]
    except IndexError:
        at = end + 1
    if at > end:
        raise CodecError("the TLV is cut short")


def _join(kind: _Kind, number: int, value: bytes) -> bytes:
    """Make a TLV with the shortest header."""
    length = len(value)
    if length > _MAX_LENGTH:
        raise CodecError("TLV carries values of less than 16 MiB")
    head = kind << 6
    size = b""
    if length > _MAX_SHORT_LENGTH:
        size = length.to_bytes((length.bit_length() + 7) // 8)
        head |= len(size) << 3
    else:
        head |= length
    if number < 2**8:
        return bytes((head, number)) + size + value
    return bytes((head | _WIDE_ID,)) + number.to_bytes(2) + size + value


def _resource(path: Path, value: Value, scope: Scope) -> bytes:
    """Write a resource, or a resource instance where that is what the request names."""
    model = scope.type_of(path)
    if not isinstance(value, dict):
        return _join(_Kind.RESOURCE, path.resource_id, _write(value, model))
    instances = b"".join(
        _join(_Kind.RESOURCE_INSTANCE, number, _write(instance, model))
        for number, instance in value.items()
    )
    if len(scope.path) == 4:
        return instances
    return _join(_Kind.MULTIPLE_RESOURCE, path.resource_id, instances)


def _read(value: bytes, model: ResourceModel | None) -> Scalar:
    """Read a value as appendix C, table C-2, lays it out; ValueError when it does not fit."""
    return fit(_READERS[model.type if model else ResourceType.NONE](value), model)


def _signed(value: bytes) -> int:
    if len(value) not in _INTEGER_SIZES:
        raise ValueError(f"{len(value)} bytes are no integer")
    return int.from_bytes(value, signed=True)


def _unsigned(value: bytes) -> int:
    _signed(value)
    return int.from_bytes(value)


def _float(value: bytes) -> float:
    """Read a float; an integer where its 1 or 2 bytes can be nothing else."""
    if layout := _FLOATS.get(len(value)):
        number: float = layout.unpack(value)[0]
        return number
    return _signed(value)


def _link(value: bytes) -> ObjectLink:
    if len(value) != _OBJECT_LINK.size:
        raise ValueError(f"{len(value)} bytes are no object link")
    return ObjectLink._make(_OBJECT_LINK.unpack(value))


_READERS: Mapping[ResourceType, Callable[[bytes], object]] = {
    ResourceType.STRING: bytes.decode,
    ResourceType.INTEGER: _signed,
    ResourceType.UNSIGNED_INTEGER: _unsigned,
    ResourceType.FLOAT: _float,
    ResourceType.BOOLEAN: _signed,
    ResourceType.OPAQUE: bytes,
    ResourceType.TIME: _signed,
    ResourceType.OBJLNK: _link,
    ResourceType.CORELNK: bytes.decode,
    ResourceType.NONE: bytes,
}


def _write(value: Scalar, model: ResourceModel | None) -> bytes:
    """Write a value in the fewest bytes that appendix C, table C-2, allows."""
    match value:
        case str():
            return value.encode()
        case bool():
            return bytes((value,))
        case int():
            unsigned = type_name(model) is ResourceType.UNSIGNED_INTEGER or value >= 2**63
            return _write_integer(value, signed=not unsigned)
        case float():
            return _write_float(value)
        case bytes():
            return value
        case datetime():
            return _write_integer(to_seconds(value), signed=True)
        case ObjectLink():
            return _OBJECT_LINK.pack(*value)


def _write_integer(value: int, *, signed: bool) -> bytes:
    # ~ turns the negative numbers into those that take the same number of bits
    bits = (value if value >= 0 else ~value).bit_length() + signed
    size = next(size for size in _INTEGER_SIZES if bits <= 8 * size)
    return value.to_bytes(size, signed=signed)


def _write_float(value: float) -> bytes:
    try:
        short = _FLOATS[4].pack(value)
    except OverflowError:
        return _FLOATS[8].pack(value)
    return short if _FLOATS[4].unpack(short)[0] == value else _FLOATS[8].pack(value)
