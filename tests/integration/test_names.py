"""The same quantity in several objects of a device: their entities' names differ."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from custom_components.lwm2m.discovery import DISCOVERY_SCHEMAS
from custom_components.lwm2m.mappings import TOLD_APART
from custom_components.lwm2m.models import NameKey, name_key
from tests.test_readme import entity_name

from .test_mappings import done

if TYPE_CHECKING:
    from simulator.blueprint import Rows

    from .boards import Show

BATTERY = {1: 80}
CLASHES: list[tuple[dict[str, Rows], dict[str, str]]] = [
    (
        {"/3/0": {9: 70}, "/3411/0": BATTERY, "/3411/1": BATTERY},
        {
            "/3/0/9": "Battery",
            "/3411/0/1": "Battery pack",
            "/3411/1/1": "Battery pack 1",
        },
    ),
    (
        {"/502/0": {6044: 80.0}, "/3407/0": {6044: 80.0}},
        {"/502/0/6044": "Battery (CO detector)", "/3407/0/6044": "Battery (smoke alarm)"},
    ),
    (
        {
            "/3305/0": {5800: 5.0, 5805: 5.0, 5822: done},
            "/3328/0": {5700: 5.0},
            "/3331/0": {5700: 5.0, 5822: done},
        },
        {
            "/3305/0/5800": "Power (load)",
            "/3305/0/5805": "Energy (load)",
            "/3305/0/5822": "Reset energy (load)",
            "/3328/0/5700": "Power",
            "/3331/0/5700": "Energy",
            "/3331/0/5822": "Reset energy",
        },
    ),
    (
        {"/3300/0": {5700: 21.5, 5701: "Cel"}, "/3303/0": {5700: 21.5}},
        {"/3300/0/5700": "Temperature (generic sensor)", "/3303/0/5700": "Temperature"},
    ),
    (
        {"/503/0": {4: 21.5}, "/3303/0": {5601: 21.5, 5700: 21.5}},
        {"/503/0/4": "Minimum temperature (fire alarm)", "/3303/0/5601": "Minimum temperature"},
    ),
    (
        {"/6/0": {6: 3.0}, "/3336/0": {5517: bytes(4)}},
        {"/6/0/6": "Speed", "/3336/0/5517": "Speed (GPS)"},
    ),
]


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.parametrize(("instances", "expected"), CLASHES)
async def test_name_of_several_objects_says_which(
    show: Show, instances: dict[str, Rows], expected: dict[str, str]
) -> None:
    shown = await show(instances)
    assert {path: shown.entry(path).original_name for path in expected} == expected


async def test_name_of_one_object_alone_is_plain(show: Show) -> None:
    """Each device has the object 3, but not each a battery level there."""
    shown = await show({"/3/0": {0: "Acme"}, "/3411/0": BATTERY})
    assert shown.entry("/3411/0/1").original_name == "Battery"


async def test_name_of_the_owner_tells_objects_apart(show: Show) -> None:
    shown = await show(
        {"/3300/0": {5700: 4.0, 5701: "Cel", 5750: "Fridge"}, "/3303/0": {5700: 21.5}}
    )
    assert shown.entry("/3300/0/5700").original_name == "Fridge"


def test_of_objects_with_an_entity_of_the_same_name_all_but_one_say_which() -> None:
    objects: dict[tuple[str, str], set[int]] = defaultdict(set)
    for schema in DISCOVERY_SCHEMAS:
        objects[schema.platform, entity_name(schema)].update(schema.object_ids)
    alike = {name: found - TOLD_APART for name, found in objects.items()}
    assert {name: found for name, found in alike.items() if len(found) > 1} == {}


def test_entities_of_the_same_name_are_named_by_the_same_key() -> None:
    """It is the key that is looked for among the entities of other objects."""
    keys: dict[tuple[str, str], set[NameKey]] = defaultdict(set)
    for schema in DISCOVERY_SCHEMAS:
        description = schema.entity_description
        named_by = description.translation_key or description.device_class
        key = name_key(schema.platform, named_by, description.translation_placeholders)
        keys[schema.platform, entity_name(schema)].add(key)
    assert {name: found for name, found in keys.items() if len(found) > 1} == {}
