"""What fits a type, losslessly, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from custom_components.lwm2m.protocol.codec.typed import fit
from custom_components.lwm2m.protocol.model.definitions import ResourceType
from custom_components.lwm2m.protocol.node import ObjectLink

from .models import of_type, type_of

MAY_2013 = datetime(2013, 5, 2, 10, 40, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (ResourceType.STRING, "21", "21"),
        (ResourceType.CORELNK, "</3>", "</3>"),
        (ResourceType.INTEGER, -(2**63), -(2**63)),
        (ResourceType.INTEGER, 21.0, 21),
        (ResourceType.INTEGER, True, 1),
        (ResourceType.UNSIGNED_INTEGER, 2**64 - 1, 2**64 - 1),
        (ResourceType.FLOAT, 21, 21.0),
        (ResourceType.BOOLEAN, 1, True),
        (ResourceType.BOOLEAN, 0.0, False),
        (ResourceType.OPAQUE, b"\0", b"\0"),
        (ResourceType.TIME, 1367491215, MAY_2013),
        (ResourceType.TIME, 1.367491215e9, MAY_2013),
        (ResourceType.TIME, MAY_2013.astimezone(timezone(timedelta(hours=2))), MAY_2013),
        (ResourceType.OBJLNK, "65:0", ObjectLink(65, 0)),
        (ResourceType.OBJLNK, 0x00410001, ObjectLink(65, 1)),
        (ResourceType.OBJLNK, ObjectLink(65535, 65535), ObjectLink(65535, 65535)),
    ],
)
def test_fits(kind: ResourceType, raw: object, value: object) -> None:
    fitted = fit(raw, type_of(of_type(kind)))

    assert (type(fitted), fitted) == (type(value), value)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (ResourceType.STRING, 21),
        (ResourceType.STRING, b"21"),
        (ResourceType.INTEGER, "21"),
        (ResourceType.INTEGER, 21.5),
        (ResourceType.INTEGER, float("nan")),
        (ResourceType.INTEGER, 2**63),
        (ResourceType.UNSIGNED_INTEGER, -1),
        (ResourceType.UNSIGNED_INTEGER, 2**64),
        (ResourceType.FLOAT, "21.5"),
        (ResourceType.FLOAT, True),
        (ResourceType.FLOAT, float("inf")),
        (ResourceType.FLOAT, 10**400),
        (ResourceType.BOOLEAN, 2),
        (ResourceType.BOOLEAN, "true"),
        (ResourceType.OPAQUE, "AQ=="),
        (ResourceType.TIME, True),
        (ResourceType.TIME, 1e300),
        (ResourceType.TIME, float("nan")),
        (ResourceType.TIME, datetime(2013, 5, 2)),  # noqa: DTZ001 - being naive is the point
        (ResourceType.TIME, datetime.min.replace(tzinfo=timezone(timedelta(hours=2)))),
        (ResourceType.OBJLNK, "65"),
        (ResourceType.OBJLNK, "65:65536"),
        (ResourceType.OBJLNK, -1),
        (ResourceType.OBJLNK, 2**32),
        (ResourceType.CORELNK, 1),
    ],
)
def test_does_not_fit(kind: ResourceType, raw: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        fit(raw, type_of(of_type(kind)))


@pytest.mark.parametrize(
    "raw", ["text", True, -1, 2**64 - 1, 21.5, b"\0", MAY_2013, ObjectLink(65, 0)]
)
def test_an_unknown_resource_has_the_type_of_its_value(raw: object) -> None:
    assert fit(raw, None) == raw


@pytest.mark.parametrize("raw", [None, [], {}, float("nan"), 2**64, ObjectLink(70000, 0)])
def test_what_is_no_value_fits_no_unknown_resource(raw: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        fit(raw, None)


def test_the_reason_does_not_repeat_a_value_that_may_be_a_secret() -> None:
    with pytest.raises(ValueError, match=r".+") as failure:
        fit("secret", type_of(of_type(ResourceType.OPAQUE)))

    assert "secret" not in str(failure.value)
