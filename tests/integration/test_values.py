"""Values as actions take and give them."""

from __future__ import annotations

from datetime import UTC, datetime
import re
from typing import Any

from homeassistant.util import dt as dt_util
import pytest

from custom_components.lwm2m.protocol.model.definitions import (
    Operations,
    ResourceModel,
    ResourceType,
)
from custom_components.lwm2m.protocol.node import ObjectLink
from custom_components.lwm2m.values import from_user, to_json

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def model(kind: ResourceType, **changes: Any) -> ResourceModel:
    """Return the model of a writable resource."""
    return ResourceModel(id=1, name="Test", type=kind, operations=Operations.WRITE, **changes)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("kitchen", "kitchen"),
        (21.5, 21.5),
        (True, True),
        (b"\x00\xff", "AP8="),
        (NOON, "2026-05-01T12:00:00+00:00"),
        (ObjectLink(3303, 0), "3303:0"),
        ({7: b"\x01", 0: b"\x00"}, {"0": "AA==", "7": "AQ=="}),
    ],
)
def test_value_as_json(value: Any, shown: Any) -> None:
    assert to_json(value) == shown


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (ResourceType.STRING, "kitchen", "kitchen"),
        (ResourceType.STRING, 12, "12"),
        (ResourceType.CORELNK, "</3/0>", "</3/0>"),
        (ResourceType.INTEGER, 12, 12),
        (ResourceType.INTEGER, "-12", -12),
        (ResourceType.INTEGER, 12.0, 12),
        (ResourceType.INTEGER, "1e3", 1000),
        (ResourceType.UNSIGNED_INTEGER, "12", 12),
        (ResourceType.FLOAT, 12, 12.0),
        (ResourceType.FLOAT, "21.5", 21.5),
        (ResourceType.BOOLEAN, True, True),
        (ResourceType.BOOLEAN, 0, False),
        (ResourceType.BOOLEAN, "On", True),
        (ResourceType.BOOLEAN, "false", False),
        (ResourceType.OPAQUE, "AP8=", b"\x00\xff"),
        (ResourceType.TIME, "2026-05-01T14:00:00+02:00", NOON),
        (ResourceType.TIME, 1777636800, NOON),
        (ResourceType.TIME, NOON, NOON),
        (ResourceType.OBJLNK, "3303:0", ObjectLink(3303, 0)),
    ],
)
def test_value_by_the_model(kind: ResourceType, raw: Any, value: Any) -> None:
    read = from_user(raw, model(kind))
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("raw", ["kitchen", 12, 21.5, True])
def test_value_without_a_model_stays_what_it_is(raw: Any) -> None:
    read = from_user(raw, None)
    assert read == raw
    assert type(read) is type(raw)


async def test_time_without_a_zone_is_home_assistants() -> None:
    zone = await dt_util.async_get_time_zone("Europe/Berlin")
    assert zone is not None
    dt_util.set_default_time_zone(zone)
    assert from_user("2026-05-01 14:00", model(ResourceType.TIME)) == NOON
    dt_util.set_default_time_zone(UTC)


@pytest.mark.parametrize("raw", [[3, "4"], {0: 3, "1": 4}])
def test_values_of_a_multiple_resource(raw: Any) -> None:
    assert from_user(raw, model(ResourceType.INTEGER, multiple=True)) == {0: 3, 1: 4}


@pytest.mark.parametrize(
    ("described", "raw", "reason"),
    [
        (model(ResourceType.STRING), True, "put a text in quotation marks"),
        (model(ResourceType.INTEGER), "warm", "a number is needed"),
        (model(ResourceType.INTEGER), True, "a number is needed"),
        (model(ResourceType.INTEGER), 1.5, "a fraction where an integer is expected"),
        (model(ResourceType.FLOAT), None, "a number is needed"),
        (model(ResourceType.BOOLEAN), "maybe", "str does not fit the type boolean"),
        (model(ResourceType.OPAQUE), "no Base64!", "opaque data is written in Base64"),
        (model(ResourceType.TIME), "noon", "a time is written as 2026-01-31 13:45:00"),
        (model(ResourceType.TIME), "2026-13-01 00:00", "month must be in 1..12, not 13"),
        (model(ResourceType.OBJLNK), "3303", "not an object link such as 10:1"),
        (model(ResourceType.INTEGER, minimum=1), 0, "at least 1 is needed"),
        (model(ResourceType.FLOAT, maximum=100.0), 101, "at most 100.0 is allowed"),
        (model(ResourceType.INTEGER, enumeration=(1, 3)), 2, "one of these is needed: 1, 3"),
        (model(ResourceType.INTEGER), [1], "this resource takes a single value"),
        (model(ResourceType.INTEGER, multiple=True), 1, "this resource takes a list of values"),
        (model(ResourceType.INTEGER, multiple=True), {"first": 1}, "first is not an ID"),
        (model(ResourceType.INTEGER, multiple=True), {65535: 1}, "65535 is not an ID"),
    ],
)
def test_misfit(described: ResourceModel, raw: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        from_user(raw, described)
