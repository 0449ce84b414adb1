"""Requests about several paths at once, and values that a board sends unasked.

Source: OMA-TS-LightweightM2M_Core-V1_1_1 6.3.8, 6.3.9, 6.4.4 and 6.4.6.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiocoap import BAD_REQUEST, UNSUPPORTED_CONTENT_FORMAT, Message
import cbor2

from custom_components.lwm2m.protocol.codec import ContentFormat, encode, normalize
from custom_components.lwm2m.protocol.path import Path, PathError

from .errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from custom_components.lwm2m.protocol.codec import TypeOf
    from custom_components.lwm2m.protocol.node import Values

COMPOSITE_FORMATS = (ContentFormat.SENML_CBOR, ContentFormat.SENML_JSON)
_CBOR_NAMES = {0: "n", -2: "bn"}
"""RFC 8428 6."""


def requested_paths(request: Message, root: str) -> tuple[Path, ...]:
    """Read which paths a FETCH asks for; RefusedError when it does not say so."""
    try:
        match normalize(request.opt.content_format or ContentFormat.TEXT):
            case ContentFormat.SENML_JSON:
                records = json.loads(request.payload)
            case ContentFormat.SENML_CBOR:
                records = [
                    {_CBOR_NAMES.get(key, key): value for key, value in record.items()}
                    for record in cbor2.loads(request.payload)
                ]
            case _:
                raise RefusedError(UNSUPPORTED_CONTENT_FORMAT)
        base, paths = "", []
        for record in records:
            base = record.get("bn", base)
            paths.append(Path.parse((base + record.get("n", "")).removeprefix(root)))
    except (ValueError, TypeError, AttributeError, PathError, cbor2.CBORDecodeError) as error:
        raise RefusedError(BAD_REQUEST, "no list of paths") from error
    return tuple(paths)


def timed_pack(
    readings: Iterable[tuple[datetime | None, Values]], type_of: TypeOf, root: str
) -> bytes:
    """Write values with the times that they were measured at, as SenML JSON."""
    records = []
    for time, values in readings:
        pack = json.loads(encode(ContentFormat.SENML_JSON, values, Path(), type_of, root))
        stamp = {} if time is None else {"t": time.timestamp()}
        records += [record | stamp for record in pack]
    return json.dumps(records).encode()
