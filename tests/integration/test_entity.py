"""What all entities share: names, availability, unique IDs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.protocol.path import Path

from .conftest import settle

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .boards import Show

VALUE = "/3303/0/5700"


async def test_entity_is_named_by_its_class_after_its_device(show: Show) -> None:
    shown = await show({"/3303/0": {5700: 21.5}})
    assert shown.state(VALUE).name == "board Temperature"
    assert shown.state(VALUE).entity_id == "sensor.board_temperature"


async def test_further_instance_shows_its_id(show: Show) -> None:
    shown = await show({"/3303/0": {5700: 21.5}, "/3303/3": {5700: 4.0}})
    assert shown.state("/3303/3/5700").name == "board Temperature 3"


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Outdoor", "Outdoor temperature"),
        ("Outdoor temperature", "Outdoor temperature"),
        (" Outdoor ", "Outdoor temperature"),
        ("  ", "Temperature"),
        ("x" * 70, f"{'x' * 64} temperature"),
        ("{quantity}", "{quantity} temperature"),
    ],
)
async def test_application_type_precedes_the_name(show: Show, label: str, name: str) -> None:
    shown = await show({"/3303/0": {5700: 21.5, 5750: label}})
    assert shown.state(VALUE).name == f"board {name}"


async def test_application_type_tells_instances_apart(show: Show) -> None:
    shown = await show({"/3303/3": {5700: 21.5, 5750: "Outdoor"}})
    assert shown.state("/3303/3/5700").name == "board Outdoor temperature"


async def test_application_type_that_the_name_begins_with_is_not_said_twice(show: Show) -> None:
    shown = await show({"/3338/0": {5500: True, 5850: False, 5750: "Buzzer"}})
    assert shown.entry("/3338/0/5500").original_name == "Buzzer Digital Input State"


async def test_application_type_names_what_the_instance_is_about(show: Show) -> None:
    shown = await show({"/3200/0": {5500: False, 5501: 0, 5750: "Front door"}})
    assert shown.state("/3200/0/5500").name == "board Front door"
    assert shown.state("/3200/0/5501").name == "board Front door counter"


async def test_application_type_stands_where_the_translation_wants_it(show: Show) -> None:
    shown = await show({"/3303/0": {5700: 21.5, 5605: None, 5750: "Outdoor"}})
    entry = shown.entry("/3303/0/5605")
    assert entry.original_name == "Reset Outdoor minimum and maximum temperature"


async def test_name_of_another_language_keeps_its_capital(hass: HomeAssistant, show: Show) -> None:
    hass.config.language = "de"
    shown = await show({"/3303/0": {5700: 21.5, 5750: "Garten"}})
    assert shown.state(VALUE).name == "board Garten Temperature"


@pytest.fixture
def german(hass: HomeAssistant) -> None:
    """Have an owner who speaks German, before the integration is set up."""
    hass.config.language = "de"


@pytest.mark.usefixtures("german")
async def test_quantity_is_named_in_the_owners_language(show: Show) -> None:
    shown = await show({"/3303/0": {5601: 18.5, 5605: None, 5700: 21.5, 5750: "Garten"}})
    names = [shown.entry(f"/3303/0/{number}").original_name for number in (5601, 5605)]
    assert names == [
        "Minimum von Garten: Temperatur",
        "Garten: Minimum und Maximum zurücksetzen: Temperatur",
    ]


async def test_capital_letters_that_are_no_sentence_case_stay(show: Show) -> None:
    shown = await show({"/3303/0": {5700: 512.0, 5701: "raw", 5750: "Outdoor"}})
    assert shown.state(VALUE).name == "board Outdoor Sensor Value"


async def test_entity_without_class_is_named_by_the_model(show: Show) -> None:
    """The class, which would name it, does not suit the unit."""
    shown = await show({"/3303/0": {5700: 512.0, 5701: "raw"}})
    assert shown.state(VALUE).name == "board Sensor Value"


async def test_generic_sensor_is_named_by_its_unit(show: Show) -> None:
    shown = await show({"/3300/0": {5700: 21.5, 5701: "Cel"}})
    assert shown.state("/3300/0/5700").name == "board Temperature"


async def test_generic_sensor_of_which_no_unit_says_what_it_measures(show: Show) -> None:
    shown = await show({"/3300/0": {5700: 21.5}})
    entry = shown.entry("/3300/0/5700")
    assert (entry.original_name, entry.translation_key) == ("Sensor value", "value")


async def test_unique_id_says_device_path_and_kind(show: Show) -> None:
    shown = await show({"/3303/0": {5700: 21.5}})
    unique_id = f"{shown.device.unique_id}-3303-0-5700-temperature"
    assert shown.entry(VALUE).unique_id == unique_id


async def test_entity_belongs_to_its_device(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3303/0": {5700: 21.5}})
    device = dr.async_get(hass).async_get(shown.entry(VALUE).device_id or "")
    assert device
    assert device.identifiers == {(DOMAIN, shown.device.unique_id)}
    assert shown.entry(VALUE).config_subentry_id == shown.device.subentry_id


async def test_entity_is_unavailable_while_the_device_is_gone(
    hass: HomeAssistant, show: Show
) -> None:
    shown = await show({"/3303/0": {5700: 21.5}})
    await shown.board.stop()
    await hass.async_block_till_done()
    assert shown.state(VALUE).state == STATE_UNAVAILABLE


async def test_entity_returns_with_the_device(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3303/0": {5700: 21.5}})
    await shown.board.stop()
    shown.board.set(Path.parse(VALUE), 22.5)

    await shown.board.start()
    await shown.board.registered()
    await hass.async_block_till_done(wait_background_tasks=True)

    assert shown.state(VALUE).state == "22.5"


async def test_entities_of_an_instance_that_is_gone_are_removed(
    hass: HomeAssistant, show: Show
) -> None:
    """Those that are disabled, too; an instance whose ID begins alike keeps its own."""
    shown = await show(
        {"/3303/1": {5700: 21.5, 5601: 20.0}, "/3303/11": {5700: 4.0}, "/3304/1": {5700: 50.0}}
    )
    entity_id = shown.entry("/3303/1/5700").entity_id
    shown.board.remove(Path(3303, 1))
    await shown.board.updated()
    await settle(hass)
    assert hass.states.get(entity_id) is None
    assert shown.entries("/3303/1") == []
    assert shown.state("/3303/11/5700").state == "4.0"
    assert shown.state("/3304/1/5700").state == "50.0"


async def test_instance_that_returns_has_its_entity_as_the_owner_left_it(
    hass: HomeAssistant, show: Show
) -> None:
    shown = await show({"/3303/0": {5700: 21.5}, "/3303/1": {5700: 4.0}})
    er.async_get(hass).async_update_entity(
        shown.entry("/3303/1/5700").entity_id, name="Freezer", new_entity_id="sensor.freezer"
    )
    shown.board.remove(Path(3303, 1))
    await shown.board.updated()
    await settle(hass)

    shown.board.add(Path(3303, 1), {5700: 5.0})
    await shown.board.updated()
    await settle(hass)

    entry = shown.entry("/3303/1/5700")
    assert (entry.entity_id, entry.name) == ("sensor.freezer", "Freezer")
    assert shown.state("/3303/1/5700").state == "5.0"


async def test_instance_that_a_registration_lacks_is_gone(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3303/0": {5700: 21.5}, "/3303/1": {5700: 4.0}})
    await shown.board.stop()
    shown.board.remove(Path(3303, 1))
    await shown.board.start()
    await shown.board.registered()
    await settle(hass)
    assert shown.entries("/3303/1") == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "warm", True, b"\0", {}])
async def test_measurement_that_is_no_number_is_unknown(show: Show, value: Any) -> None:
    shown = await show({"/3303/0": {5700: 21.5}})
    path = Path.parse(VALUE)
    shown.device.resources.values[path] = value
    state = await shown.next_state(VALUE, lambda: shown.device.watchers.tell([path]))
    assert state.state == STATE_UNKNOWN


async def test_value_that_is_missing_is_unknown(show: Show) -> None:
    shown = await show({"/3303/0": {5700: 21.5}})
    path = Path.parse(VALUE)
    del shown.device.resources.values[path]
    state = await shown.next_state(VALUE, lambda: shown.device.watchers.tell([path]))
    assert state.state == STATE_UNKNOWN


async def test_entity_that_is_removed_watches_nothing(hass: HomeAssistant, show: Show) -> None:
    shown = await show({"/3303/0": {5700: 21.5}})
    er.async_get(hass).async_remove(shown.entry(VALUE).entity_id)
    await hass.async_block_till_done()
    assert Path.parse(VALUE) not in shown.device.watchers._watchers
