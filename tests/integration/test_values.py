"""Values as actions take and give them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from homeassistant.util import dt as dt_util
import pytest

from custom_components.lwm2m.protocol.model.definitions import (
    Operations,
    ResourceModel,
    ResourceType,
)
from custom_components.lwm2m.protocol.node import ObjectLink
from custom_components.lwm2m.values import ValueRefused, from_user, to_json

from .test_translations import TEXTS

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
    ("described", "raw", "message"),
    [
        (
            model(ResourceType.STRING),
            True,
            "takes a text. What was given is true or false: put a text in quotation marks",
        ),
        (model(ResourceType.INTEGER), "warm", "takes a whole number. What was given is a text"),
        (
            model(ResourceType.INTEGER),
            True,
            "takes a whole number. What was given is true or false",
        ),
        (
            model(ResourceType.INTEGER),
            1.5,
            "takes a whole number. What was given is a number with decimals",
        ),
        (
            model(ResourceType.INTEGER),
            2**64,
            "takes a whole number. What was given is a number that is too large",
        ),
        (
            model(ResourceType.UNSIGNED_INTEGER),
            -1,
            "takes a whole number from 0 up. What was given is a negative number",
        ),
        (model(ResourceType.FLOAT), None, "takes a number. What was given is nothing"),
        (model(ResourceType.BOOLEAN), "banana", "takes true or false. What was given is a text"),
        (
            model(ResourceType.BOOLEAN),
            2,
            "takes true or false. What was given is a whole number",
        ),
        (
            model(ResourceType.OPAQUE),
            "no Base64!",
            "takes data in Base64, such as SGVsbG8=. What was given is a text",
        ),
        (
            model(ResourceType.TIME),
            "noon",
            "takes a time, such as 2026-01-31 13:45:00. What was given is a text",
        ),
        (
            model(ResourceType.TIME),
            "2026-13-01 00:00",
            "takes a time, such as 2026-01-31 13:45:00. What was given is a text",
        ),
        (
            model(ResourceType.OBJLNK),
            "3303",
            "takes a link to an object instance, such as 3303:0. What was given is a text",
        ),
        (
            model(ResourceType.CORELNK),
            None,
            "takes links as a text, such as </3/0>. What was given is nothing",
        ),
        (
            model(ResourceType.NONE),
            None,
            "takes a text, a number, or true or false. What was given is nothing",
        ),
        (model(ResourceType.INTEGER, minimum=1), 0, "takes no number below 1"),
        (model(ResourceType.FLOAT, maximum=100.0), 101, "takes no number above 100"),
        (model(ResourceType.INTEGER, enumeration=(1, 3)), 2, "takes one of these: 1, 3"),
        (
            model(ResourceType.INTEGER),
            [1],
            "takes a single value. What was given is a list",
        ),
        (
            model(ResourceType.INTEGER, multiple=True),
            1,
            "takes a list of values. What was given is a single value",
        ),
        (
            model(ResourceType.INTEGER, multiple=True),
            {"first": 1},
            "takes values with their IDs, such as 5750: kitchen. first is not an ID",
        ),
        (
            model(ResourceType.INTEGER, multiple=True),
            {65535: 1},
            "takes values with their IDs, such as 5750: kitchen. 65535 is not an ID",
        ),
    ],
)
def test_value_that_is_refused(described: ResourceModel, raw: Any, message: str) -> None:
    with pytest.raises(ValueRefused) as refused:
        from_user(raw, described)
    words = {"path": "It", **refused.value.words}
    if kind := words.get("kind"):
        words["kind"] = TEXTS["selector"]["kind"]["options"][kind]
    text = TEXTS["exceptions"][refused.value.translation_key]["message"]
    assert text.format(**words) == f"It {message}"
