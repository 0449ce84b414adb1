"""The shipped registry: its facts, how a version is chosen, and a user's own models in it."""

from __future__ import annotations

import pytest

from custom_components.lwm2m.protocol.model.definitions import (
    ModelError,
    ObjectModel,
    Operations,
    ResourceModel,
    ResourceType,
    parse_version,
)
from custom_components.lwm2m.protocol.model.registry import ModelRegistry, load_registry

RW = Operations.READ | Operations.WRITE


@pytest.fixture(scope="module")
def shipped() -> ModelRegistry:
    """The shipped registry; tests that add to one load their own."""
    return load_registry()


def _object(object_id: int, version: str, *resource_ids: int, name: str = "Own") -> ObjectModel:
    return ObjectModel(
        id=object_id,
        name=name,
        version=version,
        lwm2m_version="1.0",
        multiple=True,
        mandatory=False,
        resources={
            resource_id: ResourceModel(
                id=resource_id,
                name=f"{version} {resource_id}",
                type=ResourceType.FLOAT,
                operations=Operations.READ,
            )
            for resource_id in resource_ids
        },
    )


def _resource(registry: ModelRegistry, object_id: int, version: str, number: int) -> ResourceModel:
    model = registry.get(object_id, version)
    assert model is not None
    return model.resources[number]


def test_every_version_of_every_object_loads(shipped: ModelRegistry) -> None:
    models = [
        shipped.get(object_id, version)
        for object_id in shipped.object_ids()
        for version in shipped.versions(object_id)
    ]

    assert len(shipped.object_ids()) == 327
    assert len(models) == 424
    assert sum(len(model.resources) for model in models if model) == 4506
    for model in models:
        assert model is not None
        assert model.name
        assert parse_version(model.lwm2m_version) >= (1, 0)
        for number, resource in model.resources.items():
            assert resource.id == number
            assert resource.name
            assert not resource.executable or resource.type is ResourceType.NONE
            assert (resource.minimum is None) is (resource.maximum is None)


def test_models_are_found_under_their_own_id_and_version(shipped: ModelRegistry) -> None:
    for object_id in shipped.object_ids():
        for version in shipped.versions(object_id):
            model = shipped.get(object_id, version)
            assert model is not None
            assert (model.id, model.version) == (object_id, version)
            assert shipped.get(object_id, version) is model


def test_object_facts(shipped: ModelRegistry) -> None:
    device = shipped.get(3, "1.2")
    temperature = shipped.get(3303, "1.1")

    assert device is not None
    assert (device.name, device.lwm2m_version) == ("Device", "1.1")
    assert (device.multiple, device.mandatory) == (False, True)
    assert temperature is not None
    assert (temperature.name, temperature.lwm2m_version) == ("Temperature", "1.0")
    assert (temperature.multiple, temperature.mandatory) == (True, False)


@pytest.mark.parametrize(
    ("path", "kind", "operations", "marks"),
    [
        ((0, "1.0", 0), ResourceType.STRING, Operations.NONE, "mandatory"),
        ((3, "1.1", 4), ResourceType.NONE, Operations.EXECUTE, "mandatory"),
        ((3, "1.1", 6), ResourceType.INTEGER, Operations.READ, "multiple"),
        ((3, "1.1", 13), ResourceType.TIME, RW, ""),
        ((5, "1.0", 0), ResourceType.OPAQUE, Operations.WRITE, "mandatory"),
        ((25, "2.0", 3), ResourceType.CORELNK, Operations.READ, "mandatory"),
        ((3303, "1.0", 5700), ResourceType.FLOAT, Operations.READ, "mandatory"),
        ((3311, "1.0", 5850), ResourceType.BOOLEAN, RW, "mandatory"),
        ((0, "1.1", 13), ResourceType.UNSIGNED_INTEGER, Operations.NONE, ""),
    ],
)
def test_resource_facts(
    shipped: ModelRegistry,
    path: tuple[int, str, int],
    kind: ResourceType,
    operations: Operations,
    marks: str,
) -> None:
    resource = _resource(shipped, *path)

    assert resource.type is kind
    assert resource.operations == operations
    assert resource.multiple is ("multiple" in marks)
    assert resource.mandatory is ("mandatory" in marks)


def test_limits_and_units(shipped: ModelRegistry) -> None:
    battery = _resource(shipped, 3, "1.1", 9)
    assert (battery.minimum, battery.maximum, battery.unit) == (0, 100, "%")
    # Units are the registry's, and it spells percent in two ways.
    assert _resource(shipped, 3, "1.2", 9).unit == "/100"

    server_uri = _resource(shipped, 0, "1.1", 0)
    assert server_uri.max_length == 255

    temperature = _resource(shipped, 3303, "1.1", 5700)
    assert temperature.unit is None
    assert temperature.enumeration == ()


def test_operations_read_as_properties(shipped: ModelRegistry) -> None:
    switch = _resource(shipped, 3311, "1.0", 5850)
    reboot = _resource(shipped, 3, "1.0", 4)

    assert (switch.readable, switch.writable, switch.executable) == (True, True, False)
    assert (reboot.readable, reboot.writable, reboot.executable) == (False, False, True)


def test_versions_ascend_by_number() -> None:
    registry = ModelRegistry()
    for version in ("1.10", "2.0", "1.9"):
        registry.add(_object(40000, version, 0))

    assert registry.versions(40000) == ("1.9", "1.10", "2.0")
    assert registry.versions(40001) == ()


@pytest.mark.parametrize(
    ("known", "asked", "chosen"),
    [
        (["1.0", "1.1", "2.0"], "1.1", "1.1"),
        # A version left out is 1.0.
        (["1.0", "1.1", "2.0"], None, "1.0"),
        # Not known: the next newer of the same major version has all its resources.
        (["1.0", "1.2", "1.3", "2.0"], "1.1", "1.2"),
        (["1.1", "1.2", "2.0"], None, "1.1"),
        # None newer: the newest of the same major version.
        (["1.0", "1.9", "1.10", "2.0"], "1.20", "1.10"),
        # No such major version: the newest of all.
        (["1.0", "2.0", "2.1"], "3.0", "2.1"),
        (["2.0", "2.1"], None, "2.1"),
        # Not a version at all counts as left out.
        (["1.0", "1.1"], "", "1.0"),
        (["1.0", "1.1"], "latest", "1.0"),
        (["1.0", "1.1"], '"1.1"', "1.0"),
        (["1.0", "1.1"], "1.1.0", "1.0"),
        (["1.0", "1.1"], "9" * 5000 + ".0", "1.0"),
    ],
)
def test_choice_of_version(known: list[str], asked: str | None, chosen: str) -> None:
    registry = ModelRegistry()
    for version in known:
        registry.add(_object(40000, version, 0))

    model = registry.get(40000, asked)

    assert model is not None
    assert model.version == chosen


@pytest.mark.parametrize(("object_id", "newest"), [(3, "1.2"), (4, "1.3"), (6, "1.0"), (21, "1.1")])
def test_core_objects_without_a_version_are_the_newest_1(
    shipped: ModelRegistry, object_id: int, newest: str
) -> None:
    model = shipped.get(object_id)

    assert model is not None
    assert model.version == newest


def test_unknown_object_has_no_model(shipped: ModelRegistry) -> None:
    assert shipped.get(32000) is None
    assert shipped.get(32000, "1.0") is None


def test_own_model_takes_the_place_of_the_shipped_one() -> None:
    registry = load_registry()
    before = registry.get(3303, "1.1")
    assert before is not None

    registry.add(_object(3303, "1.0", 5700, name="My thermometer"))

    model = registry.get(3303)
    assert model is not None
    assert model.name == "My thermometer"
    assert registry.get(3303, "1.1") is before
    assert registry.versions(3303) == ("1.0", "1.1")


def test_own_object_is_known_from_then_on() -> None:
    registry = load_registry()

    registry.add(_object(33000, "1.0", 1))

    assert 33000 in registry.object_ids()
    # Devices name versions that their maker's file does not.
    assert registry.get(33000, "2.0") is registry.get(33000)


def test_resource_of_a_newer_version_is_found(shipped: ModelRegistry) -> None:
    model = shipped.get(3303)
    assert model is not None
    assert 6042 not in model.resources

    resource = shipped.find_resource(3303, 6042)

    assert resource is not None
    assert resource.name == "Measurement Quality Indicator"


def test_find_resource_prefers_the_chosen_version() -> None:
    registry = ModelRegistry()
    registry.add(_object(40000, "1.0", 1))
    registry.add(_object(40000, "1.1", 1, 2))
    registry.add(_object(40000, "1.2", 1, 2))

    names = [
        resource and resource.name
        for resource in (
            registry.find_resource(40000, 1),
            registry.find_resource(40000, 1, "1.1"),
            registry.find_resource(40000, 2),
            registry.find_resource(40000, 3),
        )
    ]

    assert names == ["1.0 1", "1.1 1", "1.2 2", None]


def test_reusable_resource_in_an_unknown_object(shipped: ModelRegistry) -> None:
    resource = shipped.find_resource(32000, 5700)

    assert resource is not None
    assert resource is shipped.common_resource(5700)
    assert (resource.name, resource.type) == ("Sensor Value", ResourceType.FLOAT)
    assert shipped.find_resource(32000, 1) is None


def test_reserved_reusable_ids_are_unknown(shipped: ModelRegistry) -> None:
    assert shipped.common_resource(4020) is None


def test_versions_are_two_numbers() -> None:
    assert parse_version("1.10") == (1, 10)
    for text in ("", "1", "1.", ".1", "1.0.0", "v1.0", " 1.0", "-1.0", "1.0\n", "\u0661.0"):
        with pytest.raises(ModelError, match="not a version"):
            parse_version(text)
