"""The tables of all platforms: what they say agrees with the object model and the texts."""

from __future__ import annotations

from collections import Counter
import json
import pathlib
from typing import TYPE_CHECKING, Any

from homeassistant.components.sensor.const import DEVICE_CLASS_STATE_CLASSES
from homeassistant.const import EntityCategory, Platform

from custom_components.lwm2m.discovery import DISCOVERY_SCHEMAS, PLATFORMS
from custom_components.lwm2m.entity import QUANTITY
from custom_components.lwm2m.mappings import TOLD_APART
from custom_components.lwm2m.power import POWER_SOURCES
from custom_components.lwm2m.protocol.model.definitions import Operations, ResourceType
from custom_components.lwm2m.protocol.model.registry import load_registry
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.security import SecurityEventType
from custom_components.lwm2m.sensor import EnumDescription, MeasurementDescription
from custom_components.lwm2m.switch import ExecutedSwitchDescription
from custom_components.lwm2m.units import convert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity import EntityDescription

    from custom_components.lwm2m.models import DiscoverySchema

    from .boards import Show

MAPPED = {
    *(3, 4, 5, 6, 7, 9, 12, 19, 502, 503),
    *range(3200, 3204),
    *range(3300, 3307),
    *(3308, *range(3310, 3351)),
    *(3407, 3411, 3413, 3418, *range(3420, 3430)),
    *(3433, 3434, 3435, 3446, 3449),
    *(10242, 10243, 10257, 10311, 10314, 10340, 10351, 10359),
}
OPERATION = {
    Platform.BINARY_SENSOR: Operations.READ,
    Platform.BUTTON: Operations.EXECUTE,
    Platform.COVER: Operations.READ,
    Platform.DATETIME: Operations.READ | Operations.WRITE,
    Platform.DEVICE_TRACKER: Operations.READ,
    Platform.EVENT: Operations.READ,
    Platform.LIGHT: Operations.READ | Operations.WRITE,
    Platform.LOCK: Operations.EXECUTE,
    Platform.NUMBER: Operations.READ | Operations.WRITE,
    Platform.SELECT: Operations.READ | Operations.WRITE,
    Platform.SENSOR: Operations.READ,
    Platform.SIREN: Operations.READ | Operations.WRITE,
    Platform.SWITCH: Operations.READ | Operations.WRITE,
    Platform.TEXT: Operations.READ | Operations.WRITE,
    Platform.VALVE: Operations.READ | Operations.WRITE,
}
COMPONENT = pathlib.Path(__file__).parents[2] / "custom_components" / "lwm2m"
REGISTRY = load_registry()


def texts(name: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the texts or icons of entities: platform -> translation key -> them."""
    entity: dict[str, dict[str, dict[str, Any]]] = json.loads((COMPONENT / name).read_bytes())[
        "entity"
    ]
    return entity


def operations(schema: DiscoverySchema) -> Operations:
    """Return what has to be allowed on the primary resource of a row."""
    if isinstance(schema.entity_description, ExecutedSwitchDescription):
        return Operations.READ
    return OPERATION[schema.platform]


def test_objects_are_mapped() -> None:
    assert {number for schema in DISCOVERY_SCHEMAS for number in schema.object_ids} == MAPPED


def test_platforms_of_the_tables_are_set_up() -> None:
    assert {schema.platform for schema in DISCOVERY_SCHEMAS} == set(PLATFORMS)


def test_resource_is_in_one_row_only() -> None:
    """But for a row that applies where another lacks what it requires."""
    rows = Counter(
        (number, schema.resource_id, schema.required)
        for schema in DISCOVERY_SCHEMAS
        if not schema.allow_multi
        for number in schema.object_ids
    )
    assert [row for row, count in rows.items() if count > 1] == []


def test_object_model_allows_what_a_row_does() -> None:
    refused = [
        (schema.entity_description.key, number)
        for schema in DISCOVERY_SCHEMAS
        for number in schema.object_ids
        if not (model := REGISTRY.find_resource(number, schema.resource_id))
        or operations(schema) not in model.operations
    ]
    assert refused == []


def test_time_that_can_be_written_can_be_set() -> None:
    """But for when data was created, which goes with the data."""
    shown = {
        (number, schema.resource_id)
        for schema in DISCOVERY_SCHEMAS
        if schema.platform == Platform.SENSOR
        for number in schema.object_ids
        if (model := REGISTRY.find_resource(number, schema.resource_id))
        and model.type is ResourceType.TIME
        and model.writable
    }
    assert shown == {(19, 2)}


def test_control_of_a_row_can_be_executed() -> None:
    controls = [
        (number, schema.entity_description.control)
        for schema in DISCOVERY_SCHEMAS
        for number in schema.object_ids
        if isinstance(schema.entity_description, ExecutedSwitchDescription)
    ]
    assert controls
    for number, control in controls:
        model = REGISTRY.find_resource(number, control)
        assert model
        assert model.executable


def test_watched_resources_exist() -> None:
    unknown = [
        (number, resource_id)
        for schema in DISCOVERY_SCHEMAS
        for number in schema.object_ids
        for resource_id in schema.watched
        if REGISTRY.find_resource(number, resource_id) is None
    ]
    assert unknown == []


def measurements() -> Iterator[MeasurementDescription]:
    """Yield the rows of numbers that have a device class."""
    for schema in DISCOVERY_SCHEMAS:
        description = schema.entity_description
        if isinstance(description, MeasurementDescription) and description.device_class:
            yield description


def test_state_classes_suit_the_device_classes() -> None:
    wrong = [
        description.key
        for description in measurements()
        if description.device_class
        and description.state_class not in DEVICE_CLASS_STATE_CLASSES[description.device_class]
    ]
    assert wrong == []


def test_fraction_has_a_precision_unless_only_its_unit_says_what_it_is() -> None:
    without = {
        schema.entity_description.key
        for schema in DISCOVERY_SCHEMAS
        if isinstance(schema.entity_description, MeasurementDescription)
        and schema.entity_description.suggested_display_precision is None
        and not schema.entity_description.class_from_unit
        for number in schema.object_ids
        if (model := REGISTRY.find_resource(number, schema.resource_id))
        and model.type is ResourceType.FLOAT
    }
    assert without == set()


def test_extreme_is_a_diagnostic_that_is_disabled_by_default() -> None:
    extremes = [
        schema.entity_description
        for schema in DISCOVERY_SCHEMAS
        if schema.platform == Platform.SENSOR
        and {"minimum", "maximum"} & set(schema.entity_description.key.split("_"))
    ]
    assert len(extremes) > 50
    assert [
        description.key
        for description in extremes
        if description.entity_category != EntityCategory.DIAGNOSTIC
        or description.entity_registry_enabled_default
    ] == []


def test_objects_unit_suits_the_device_class() -> None:
    unsuited = [
        description.key
        for description in measurements()
        if convert(description.native_unit_of_measurement, description.device_class)[2] is None
    ]
    assert unsuited == []


PRESENCE = {("sensor", "security"), ("sensor", "awake"), ("sensor", "waiting_requests")}
"""What a device shows of its connection, of no resource and so of no row."""
SECURITY = {("event", "security"), ("sensor", "security_incidents")} | {
    ("sensor", f"security_{event_type}") for event_type in SecurityEventType
}
"""What a server and its devices show of their security."""
POWER_SOURCE_NAMES = {
    ("sensor", f"{kind}_{key}")
    for kind in POWER_SOURCES.values()
    for key in ("power_source_voltage", "power_source_current")
}
"""What else the rows of power sources are called."""
OBJECT_NAMES = {("sensor", f"object_{object_id}") for object_id in TOLD_APART}
"""How entities of the same name say which object they are of."""


def named_by(description: EntityDescription) -> str | None:
    """Return the translation key of a row; the key names what not even its unit may."""
    return description.translation_key or (None if description.device_class else description.key)


def keys() -> set[tuple[str, str]]:
    """Return the platform and translation key of all rows."""
    return {
        (schema.platform, key)
        for schema in DISCOVERY_SCHEMAS
        if (key := named_by(schema.entity_description))
    }


def quantities() -> set[tuple[str, str]]:
    """Return the platform and key of the words for what has extremes."""
    return {
        (schema.platform, f"quantity_{words[QUANTITY]}")
        for schema in DISCOVERY_SCHEMAS
        if QUANTITY in (words := schema.entity_description.translation_placeholders or {})
    }


def test_every_translation_key_has_a_name() -> None:
    named = {
        (platform, key.removesuffix("_labelled"))
        for platform, entities in texts("translations/en.json").items()
        for key, text in entities.items()
        if text["name"]
    }
    known = keys() | quantities() | PRESENCE | SECURITY | POWER_SOURCE_NAMES
    assert named == known | OBJECT_NAMES


def test_every_state_of_an_enumeration_has_a_name() -> None:
    named = texts("translations/en.json")["sensor"]
    enumerations = [
        schema.entity_description
        for schema in DISCOVERY_SCHEMAS
        if isinstance(schema.entity_description, EnumDescription)
    ]
    assert {item.key: set(item.options or ()) for item in enumerations} == {
        item.key: set(named[item.translation_key or ""]["state"]) for item in enumerations
    }


def test_every_translation_key_without_an_icon_has_a_class_that_gives_one() -> None:
    icons = {
        (platform, key) for platform, entities in texts("icons.json").items() for key in entities
    }
    without_class = {
        (schema.platform, named_by(schema.entity_description))
        for schema in DISCOVERY_SCHEMAS
        if schema.entity_description.device_class in {None, "enum"}
    }
    assert without_class <= icons <= keys() | PRESENCE | SECURITY


async def test_instance_becomes_the_entities_of_its_rows(show: Show) -> None:
    shown = await show({"/3200/0": {5500: False, 5501: 0}})
    assert shown.entry("/3200/0/5500").domain == "binary_sensor"
    assert shown.entry("/3200/0/5501").domain == "sensor"


async def test_resource_that_appears_later_becomes_an_entity(
    hass: HomeAssistant, show: Show
) -> None:
    shown = await show({"/3303/0": {5700: 21.5}})
    await shown.next_state(
        "/3303/0/5700", lambda: shown.board.add(Path(3303, 0), {5700: 22.0, 5601: 21.5})
    )
    await hass.async_block_till_done()
    assert shown.entry("/3303/0/5601").domain == "sensor"
