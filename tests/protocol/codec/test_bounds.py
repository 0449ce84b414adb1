"""No payload takes more than a fixed multiple of its size in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cbor2
import orjson
import pytest

from custom_components.lwm2m.protocol.path import Path

from .bounds import ALLOWANCE, DECODERS, FACTOR, check

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 5000
INSTANCE = Path(30000, 0)
RESOURCE = Path(30000, 0, 0)


def numbered(head: bytes, tail: bytes, size: int) -> bytes:
    return b"".join(head + number.to_bytes(2) + tail for number in range(size))


def indefinite(head: bytes, items: bytes) -> bytes:
    return head + items + b"\xff"


def tree(item: object, size: int) -> bytes:
    return cbor2.dumps({(30000, 0): dict.fromkeys(range(size), item)})


def senml_cbor(record: dict[int, object], size: int) -> bytes:
    return cbor2.dumps([{-2: "1/0/0"}, *[record] * size])


def timed(size: int) -> list[dict[str, object]]:
    return [{"v": 0, "t": number} for number in range(size)]


DEAREST: dict[str, tuple[str, Path, Callable[[int], bytes]]] = {
    "TLV: empty resources": ("tlv", INSTANCE, lambda n: numbered(b"\xe0", b"", n)),
    "TLV: short resources": ("tlv", INSTANCE, lambda n: numbered(b"\xe1", b"1", n)),
    "TLV: empty multiple resources": ("tlv", INSTANCE, lambda n: numbered(b"\xa0", b"", n)),
    "TLV: resource instances": ("tlv", RESOURCE, lambda n: numbered(b"\x60", b"", n)),
    "TLV: instances": ("tlv", Path(30000), lambda n: numbered(b"\x22", b"\xc0\x00", n)),
    "TLV: one resource": ("tlv", INSTANCE, lambda n: b"\xc0\x00" * n),
    "TLV: misfits": ("tlv", Path(3, 0), lambda n: b"\xc0\x09" * n),
    "text: a wide character": ("text", RESOURCE, lambda n: b"a" * n + "\U00010151".encode()),
    "text: digits": ("text", Path(3, 0, 9), lambda n: b"1" * n),
    "text: base64": ("text", Path(5, 0, 0), lambda n: b"AAAA" * n),
    "opaque": ("opaque", RESOURCE, lambda n: b"\0" * n),
    "CBOR: empty chunks": ("cbor", RESOURCE, lambda n: indefinite(b"\x5f", b"\x40" * n)),
    "CBOR: empty arrays": ("cbor", RESOURCE, lambda n: indefinite(b"\x9f", b"\x80" * n)),
    "CBOR: empty maps": ("cbor", RESOURCE, lambda n: indefinite(b"\x9f", b"\xa0" * n)),
    "CBOR: a claimed length": ("cbor", RESOURCE, lambda n: b"\x5b\x3f" + b"\xff" * n),
    "LwM2M CBOR: resources": ("lwm2m_cbor", INSTANCE, lambda n: tree(0, n)),
    "LwM2M CBOR: empty resources": ("lwm2m_cbor", INSTANCE, lambda n: tree({}, n)),
    "LwM2M CBOR: resource instances": ("lwm2m_cbor", INSTANCE, lambda n: tree({0: 0}, n)),
    "LwM2M CBOR: misfits": ("lwm2m_cbor", INSTANCE, lambda n: tree([], n)),
    "LwM2M CBOR: empty objects": (
        "lwm2m_cbor",
        Path(),
        lambda n: indefinite(b"\xbf", numbered(b"\x19", b"\xa0", n)),
    ),
    "SenML CBOR: empty records": (
        "senml_cbor",
        Path(),
        lambda n: indefinite(b"\x9f", b"\xa0" * n),
    ),
    "SenML CBOR: values": ("senml_cbor", Path(), lambda n: senml_cbor({2: 0}, n)),
    "SenML CBOR: names": ("senml_cbor", Path(), lambda n: senml_cbor({0: "", 2: 0}, n)),
    "SenML CBOR: times": (
        "senml_cbor",
        Path(),
        lambda n: cbor2.dumps([{-2: "1/0/0"}, *({2: 0, 6: number} for number in range(n))]),
    ),
    "SenML JSON: empty records": (
        "senml_json",
        Path(),
        lambda n: b"[" + b"{}," * n + b"{}]",
    ),
    "SenML JSON: times": (
        "senml_json",
        Path(),
        lambda n: orjson.dumps([{"bn": "1/0/0"}, *timed(n)]),
    ),
    "JSON: empty values": ("json", RESOURCE, lambda n: b'{"e":[' + b"{}," * n + b"{}]}"),
    "JSON: times": ("json", RESOURCE, lambda n: orjson.dumps({"e": timed(n)})),
    "links": ("link_format", Path(), lambda n: b"<>," * n),
    "links: attributes": ("link_format", Path(), lambda n: b"<>" + b";a" * n),
    "links: attributes of one letter": (
        "link_format",
        Path(),
        lambda n: b"<>" + "".join(f";{chr(0x4E00 + number)}" for number in range(n)).encode(),
    ),
    "links: content formats": ("link_format", Path(), lambda n: b"<>" + b";ct=1" * n),
}
"""The payloads that make most of their bytes, by decoder and size."""


def test_each_decoder_has_its_dearest_payloads() -> None:
    assert {decoder for decoder, _, _ in DEAREST.values()} == DECODERS.keys()


@pytest.mark.parametrize("case", DEAREST)
def test_memory_is_a_multiple_of_the_payload(case: str) -> None:
    decoder, path, payload = DEAREST[case]

    check(decoder, payload(SIZE), path)


def test_the_measure_tells_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DECODERS, "opaque", [lambda payload, path: bytes(FACTOR * 2 * SIZE)])

    with pytest.raises(AssertionError):
        check("opaque", bytes(SIZE - ALLOWANCE // FACTOR), RESOURCE)
