"""Numbers: shown and written over the air."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.exceptions import ServiceValidationError
import pytest

from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from .boards import Show


async def test_level_is_shown_and_written_as_a_whole_number(show: Show) -> None:
    shown = await show({"/3312/0": {5850: True, 5851: 40}})
    assert shown.state("/3312/0/5851").state == "40"

    await shown.call("number.set_value", "/3312/0/5851", value=55)

    assert shown.state("/3312/0/5851").state == "55"
    assert shown.board.value(Path(3312, 0, 5851)) == 55


async def test_level_changed_at_the_board_is_shown(show: Show) -> None:
    shown = await show({"/3306/0": {5850: True, 5851: 40}})
    assert (await shown.set("/3306/0/5851", 41)).state == "41"


async def test_level_ends_at_100_percent(show: Show) -> None:
    shown = await show({"/3306/0": {5850: True, 5851: 40}})
    with pytest.raises(ServiceValidationError):
        await shown.call("number.set_value", "/3306/0/5851", value=101)


async def test_level_between_two_whole_numbers_is_refused(show: Show) -> None:
    """The object model wants an integer: nothing is sent."""
    shown = await show({"/3306/0": {5850: True, 5851: 40}})
    with pytest.raises(ServiceValidationError):
        await shown.call("number.set_value", "/3306/0/5851", value=40.5)


async def test_analog_output_has_the_objects_range(show: Show) -> None:
    shown = await show({"/3203/0": {5650: 0.5}})
    attributes = shown.state("/3203/0/5650").attributes
    assert (attributes["min"], attributes["max"]) == (0, 1)


async def test_analog_output_has_the_range_that_the_board_states(show: Show) -> None:
    shown = await show({"/3203/0": {5650: 5.0, 5603: -10.0, 5604: 10.0}})
    attributes = shown.state("/3203/0/5650").attributes
    assert (attributes["min"], attributes["max"]) == (-10, 10)


@pytest.mark.parametrize("stated", [{5603: 1.0, 5604: 1.0}, {5603: -5.0}, {5604: 5.0}])
async def test_range_without_an_inside_is_not_taken(show: Show, stated: dict[int, float]) -> None:
    shown = await show({"/3203/0": {5650: 0.5, **stated}})
    attributes = shown.state("/3203/0/5650").attributes
    assert (attributes["min"], attributes["max"]) == (0, 1)


async def test_analog_output_is_written(show: Show) -> None:
    shown = await show({"/3203/0": {5650: 0.5}})
    await shown.call("number.set_value", "/3203/0/5650", value=0.75)
    assert shown.board.value(Path(3203, 0, 5650)) == 0.75


async def test_set_point_has_the_unit_that_the_board_states(show: Show) -> None:
    shown = await show({"/3308/0": {5900: 21.5, 5701: "Cel"}})
    attributes = shown.state("/3308/0/5900").attributes
    assert attributes["unit_of_measurement"] == "°C"
    assert attributes["device_class"] == "temperature"


async def test_set_point_in_an_unknown_unit_has_no_class(show: Show) -> None:
    shown = await show({"/3308/0": {5900: 3.0, 5701: "clicks"}})
    attributes = shown.state("/3308/0/5900").attributes
    assert attributes["unit_of_measurement"] == "clicks"
    assert "device_class" not in attributes


async def test_set_point_may_be_negative(show: Show) -> None:
    shown = await show({"/3308/0": {5900: 21.5}})
    await shown.call("number.set_value", "/3308/0/5900", value=-18.5)
    assert shown.board.value(Path(3308, 0, 5900)) == -18.5


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_delay_is_a_setting_in_milliseconds(show: Show) -> None:
    shown = await show({"/3302/0": {5500: False, 5903: 3000}})
    state = shown.state("/3302/0/5903")
    assert (state.state, state.attributes["unit_of_measurement"]) == ("3000", "ms")
    assert shown.entry("/3302/0/5903").entity_category == "config"


async def test_delay_of_a_timer_is_a_duration(show: Show) -> None:
    shown = await show({"/3340/0": {5521: 1.5}})
    assert shown.state("/3340/0/5521").attributes["device_class"] == "duration"
