"""IoT devices behind a LwM2M Gateway, each of which is like a client of its own.

Source: OMA-TS-LWM2M_Gateway-V1_1_1 and its object 25, "LwM2M Gateway", version 2.0: each instance
names a device, the prefix that its objects are reached with, and these objects. The prefix is
used just as an alternate path is (OMA-TS-LightweightM2M_Transport-V1_1_1 6.4.1), below that of
the gateway where it has one. Version 1.0 has a link in place of the objects, to one entry of the
routing table in object 26: that says where one object is mapped to, and of no instances that there
are. It is not supported; Zephyr and Anjay have version 2.0 alone.

What the texts that could be had leave open: whether the links of "IoT Device Objects" and the names
in SenML begin with the prefix. Both ways are read; names are written with it, as Anjay does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
import logging
import re
from typing import TYPE_CHECKING

from .codec import CodecError
from .codec.link_format import parse_links
from .object_list import ObjectList, RequestError, list_objects

if TYPE_CHECKING:
    from collections.abc import Container

    from .node import Values
    from .path import Path
    from .registration import Registration

_LOGGER = logging.getLogger(__name__)

GATEWAY_OBJECT = 25
DEVICE_ID, PREFIX, OBJECTS = 0, 1, 3
MAX_DEVICES = 250
"""IoT devices of one gateway."""
MAX_DEVICE_ID = 255

_PREFIX = re.compile(r"[!-.0-~]{1,64}")
"""One segment of a path, as all implementations have it."""


@dataclass(frozen=True, slots=True)
class IotDevice:
    """What an instance of object 25 says. `prefix` is without slashes."""

    instance: Path
    device_id: str
    prefix: str
    objects: ObjectList


def iot_devices(values: Values) -> list[IotDevice]:
    """Return what a gateway's object 25 lists, without what is incomplete, wrong or there twice."""
    instances = sorted({path.instance for path in values if path.object_id == GATEWAY_OBJECT})
    found: list[IotDevice] = []
    for instance in instances[:MAX_DEVICES]:
        try:
            device = _read(values, instance)
        except ValueError as err:
            _LOGGER.debug("%s lists no device: %s", instance, err)
            continue
        if all(device.device_id != d.device_id and device.prefix != d.prefix for d in found):
            found.append(device)
    return found


def endpoint_of(gateway: str, device_id: str) -> str:
    """Return what stands for the endpoint name of a device, which has none of its own."""
    return f"{gateway}/{device_id}"


def registration_of(gateway: Registration, device: IotDevice) -> Registration:
    """Return the registration of a device behind a gateway, with which it begins and ends."""
    return replace(
        gateway,
        endpoint=endpoint_of(gateway.endpoint, device.device_id),
        root=f"{gateway.root}/{device.prefix}",
        objects=device.objects.objects,
        instances=device.objects.instances,
        versions=device.objects.versions,
    )


def root_of(name: str, own: str, behind: Container[str]) -> str:
    """Return which alternate path a name of SenML begins with: one behind a client, or its own."""
    root = f"{own}/{name.removeprefix(f'{own}/').partition('/')[0]}"
    return root if root in behind else own


def _read(values: Values, instance: Path) -> IotDevice:
    """ValueError with the reason when the instance lists no device."""
    device_id, prefix, links = (
        values.get(instance / resource_id) for resource_id in (DEVICE_ID, PREFIX, OBJECTS)
    )
    if not isinstance(device_id, str) or not 0 < len(device_id) <= MAX_DEVICE_ID:
        raise ValueError("no device ID")
    if not device_id.isprintable():
        raise ValueError("a device ID that is not printable")
    prefix = prefix.strip("/") if isinstance(prefix, str) else ""
    if not _PREFIX.fullmatch(prefix) or prefix.isdecimal():
        raise ValueError("no prefix")
    if not isinstance(links, str):
        raise ValueError("no objects")
    try:
        objects = list_objects(parse_links(links), f"/{prefix}")
    except (CodecError, RequestError) as err:
        raise ValueError(str(err)) from err
    return IotDevice(instance, device_id, prefix, objects)
