"""Generic entities: what the object model says of resources that have no row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from homeassistant.const import Platform
import pytest

from custom_components.lwm2m.generic import generic_entity
from custom_components.lwm2m.protocol.model.definitions import (
    ObjectModel,
    Operations,
    ResourceModel,
    ResourceType,
)
from custom_components.lwm2m.protocol.model.registry import ModelRegistry, load_registry
from custom_components.lwm2m.protocol.node import ObjectLink, Value
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.resources import Resources

if TYPE_CHECKING:
    from custom_components.lwm2m.device import Device
    from custom_components.lwm2m.hub import Hub
    from simulator.board import Board

    from .boards import Show

READ, WRITE, EXECUTE = Operations.READ, Operations.WRITE, Operations.EXECUTE
PUMP = 31500
RESOURCE = Path(PUMP, 0, 1)


def pump(*resources: ResourceModel) -> ObjectModel:
    """Return a vendor's object."""
    return ObjectModel(
        id=PUMP,
        name="Pump",
        version="1.0",
        lwm2m_version="1.0",
        multiple=True,
        mandatory=False,
        resources={resource.id: resource for resource in resources},
    )


@dataclass
class FakeDevice:
    """As much of a device as generic entities ask for."""

    resources: Resources


def device_with(models: ModelRegistry) -> Device:
    """Return what stands for a device that knows these models."""
    return cast("Device", FakeDevice(Resources("board", models)))


def generic(kind: ResourceType, operations: Operations, **fields: Any) -> Any:
    """Return the generic entity of a resource with this model."""
    models = ModelRegistry()
    models.add(pump(ResourceModel(id=1, name="Speed", type=kind, operations=operations, **fields)))
    return generic_entity(device_with(models), RESOURCE)


def of_value(value: Value | None) -> Any:
    """Return the generic entity of a value that has no model."""
    device = device_with(ModelRegistry())
    if value is not None:
        device.resources.values[RESOURCE] = value
    return generic_entity(device, RESOURCE)


@pytest.mark.parametrize(
    ("kind", "readable", "writable"),
    [
        (ResourceType.BOOLEAN, Platform.BINARY_SENSOR, Platform.SWITCH),
        (ResourceType.INTEGER, Platform.SENSOR, Platform.NUMBER),
        (ResourceType.UNSIGNED_INTEGER, Platform.SENSOR, Platform.NUMBER),
        (ResourceType.FLOAT, Platform.SENSOR, Platform.NUMBER),
        (ResourceType.STRING, Platform.SENSOR, Platform.TEXT),
        (ResourceType.TIME, Platform.SENSOR, Platform.DATETIME),
        (ResourceType.OBJLNK, Platform.SENSOR, Platform.SENSOR),
        (ResourceType.CORELNK, Platform.SENSOR, Platform.SENSOR),
    ],
)
def test_type_and_operations_choose_the_platform(
    kind: ResourceType, readable: Platform, writable: Platform
) -> None:
    assert generic(kind, READ).platform == readable
    assert generic(kind, READ | WRITE).platform == writable


def test_executable_resource_is_a_button() -> None:
    assert generic(ResourceType.NONE, EXECUTE).platform == Platform.BUTTON


def test_opaque_resource_is_not_shown() -> None:
    assert generic(ResourceType.OPAQUE, READ | WRITE) is None


def test_what_can_neither_be_read_nor_entered_is_not_shown() -> None:
    assert generic(ResourceType.OBJLNK, WRITE) is None
    assert generic(ResourceType.STRING, Operations.NONE) is None


def test_text_that_can_only_be_written_may_be_a_secret_and_is_not_shown() -> None:
    assert generic(ResourceType.STRING, WRITE) is None


def test_multiple_resource_is_shown_and_not_written() -> None:
    assert generic(ResourceType.FLOAT, READ | WRITE, multiple=True).platform == Platform.SENSOR


def test_generic_entity_is_disabled_by_default() -> None:
    kinds = [(kind, ops) for kind in ResourceType for ops in (READ, READ | WRITE, EXECUTE)]
    infos = [info for kind, operations in kinds if (info := generic(kind, operations))]
    assert infos
    assert not any(info.entity_description.entity_registry_enabled_default for info in infos)


def test_generic_entity_is_named_by_the_model() -> None:
    assert generic(ResourceType.FLOAT, READ).name == "Pump Speed"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/10366/0/1", "Fan Name"),
        ("/3419/0/3", "Photocell status"),
        ("/3372/0/2", "timingAdvance"),
        ("/3316/0/5821", "Voltage Current Calibration"),
    ],
)
def test_generic_name_says_the_object_once(path: str, name: str) -> None:
    resource = Path.parse(path)
    info = generic_entity(device_with(load_registry()), resource)
    assert info
    assert info.name == name


def test_generic_entity_without_a_model_is_named_by_its_path() -> None:
    assert of_value(5).name == "Object 31500 resource 1"


def test_unit_of_the_model_gives_the_class() -> None:
    description = generic(ResourceType.FLOAT, READ, unit="Cel").entity_description
    assert description.native_unit_of_measurement == "°C"
    assert description.device_class == "temperature"


def test_enumeration_has_no_statistics() -> None:
    info = generic(ResourceType.INTEGER, READ, enumeration=(0, 1, 2))
    assert info.entity_description.state_class is None


def test_number_has_the_range_of_the_model() -> None:
    info = generic(ResourceType.INTEGER, READ | WRITE, minimum=-5, maximum=0)
    description = info.entity_description
    assert (description.native_min_value, description.native_max_value) == (-5, 0)


def test_number_without_a_range_is_bounded_by_its_type() -> None:
    signed = generic(ResourceType.INTEGER, READ | WRITE).entity_description
    unsigned = generic(ResourceType.UNSIGNED_INTEGER, READ | WRITE).entity_description
    assert signed.native_min_value < 0
    assert unsigned.native_min_value == 0


def test_text_has_the_length_of_the_model() -> None:
    assert (
        generic(ResourceType.STRING, READ | WRITE, max_length=16).entity_description.native_max
        == 16
    )
    assert generic(ResourceType.STRING, READ | WRITE).entity_description.native_max == 255


@pytest.mark.parametrize(
    ("value", "platform"),
    [
        (True, Platform.BINARY_SENSOR),
        (5, Platform.SENSOR),
        (5.5, Platform.SENSOR),
        ("five", Platform.SENSOR),
        (datetime(2026, 1, 31, tzinfo=UTC), Platform.SENSOR),
        (ObjectLink(3303, 0), Platform.SENSOR),
        ({0: True}, Platform.BINARY_SENSOR),
    ],
)
def test_value_without_a_model_says_its_type(value: Value, platform: Platform) -> None:
    assert of_value(value).platform == platform


@pytest.mark.parametrize("value", [b"\x00\x01", {}, None])
def test_value_without_a_model_and_a_type_is_not_shown(value: Value | None) -> None:
    assert of_value(value) is None


def done(board: Board, path: Path, arguments: str) -> None:
    """Do nothing but be executed."""


@pytest.fixture
def models(hub: Hub) -> ModelRegistry:
    """The board's object models; the hub knows the pump too."""
    vendors = pump(
        ResourceModel(id=0, name="Flow", type=ResourceType.FLOAT, operations=READ, unit="l/min"),
        ResourceModel(id=1, name="Speed", type=ResourceType.INTEGER, operations=READ | WRITE),
        ResourceModel(id=2, name="Boost", type=ResourceType.BOOLEAN, operations=READ | WRITE),
        ResourceModel(id=3, name="Leak", type=ResourceType.BOOLEAN, operations=READ),
        ResourceModel(id=4, name="Prime", type=ResourceType.NONE, operations=EXECUTE),
        ResourceModel(id=5, name="Label", type=ResourceType.STRING, operations=READ | WRITE),
        ResourceModel(id=6, name="Phases", type=ResourceType.FLOAT, operations=READ, multiple=True),
        ResourceModel(id=7, name="Curve", type=ResourceType.OPAQUE, operations=READ),
        ResourceModel(id=8, name="Probe", type=ResourceType.OBJLNK, operations=READ),
    )
    hub.models.add(vendors)
    models = load_registry()
    models.add(vendors)
    return models


PUMPING = {
    "/31500/0": {
        0: 12.5,
        1: 900,
        2: False,
        3: True,
        4: done,
        5: "cellar",
        6: {1: 231.0, 0: 230.0},
        7: b"\x00\x01",
        8: ObjectLink(3303, 0),
    }
}


async def test_unknown_object_is_registered_and_disabled(show: Show, models: ModelRegistry) -> None:
    shown = await show(PUMPING, models=models)
    entries = shown.entries("/31500/0")
    assert {entry.domain: entry.disabled for entry in entries} == {
        "binary_sensor": True,
        "button": True,
        "number": True,
        "sensor": True,
        "switch": True,
        "text": True,
    }


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_unknown_object_is_shown(show: Show, models: ModelRegistry) -> None:
    shown = await show(PUMPING, models=models)
    assert {
        n: (shown.state(f"/31500/0/{n}").name, shown.state(f"/31500/0/{n}").state)
        for n in (0, 1, 2, 3, 5, 6, 8)
    } == {
        0: ("board Pump Flow", "12.5"),
        1: ("board Pump Speed", "900"),
        2: ("board Pump Boost", "off"),
        3: ("board Pump Leak", "on"),
        5: ("board Pump Label", "cellar"),
        6: ("board Pump Phases", "230.0"),
        8: ("board Pump Probe", "/3303/0"),
    }
    assert shown.entries("/31500/0/7") == []


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_unknown_object_is_written_and_executed(show: Show, models: ModelRegistry) -> None:
    shown = await show(PUMPING, models=models)

    await shown.call("number.set_value", "/31500/0/1", value=1200)
    await shown.call("switch.turn_on", "/31500/0/2")
    await shown.call("text.set_value", "/31500/0/5", value="garden")
    await shown.call("button.press", "/31500/0/4")

    assert [shown.board.value(Path(PUMP, 0, n)) for n in (1, 2, 5)] == [1200, True, "garden"]
    await shown.board.executed(Path(PUMP, 0, 4))


async def test_what_no_row_takes_is_generic(show: Show) -> None:
    shown = await show({"/3316/0": {5700: 3.3, 5821: 1.0}})
    assert shown.entry("/3316/0/5821").original_name == "Voltage Current Calibration"
    assert shown.entry("/3316/0/5821").disabled


async def test_what_describes_other_resources_is_no_entity(show: Show) -> None:
    shown = await show(
        {"/3316/0": {5603: 0.0, 5604: 5.0, 5700: 3.3, 5701: "V", 5750: "Bus", 6050: 0.5}}
    )
    assert [entry.unique_id.split("-")[-2] for entry in shown.entries("/3316/0")] == ["5700"]


async def test_own_object_of_lwm2m_shows_nothing_but_its_rows(show: Show) -> None:
    shown = await show({"/3/0": {0: "Acme", 16: "U"}})
    assert shown.entries("/3/0") == []
