"""Inputs, outputs and what is switched or set (IPSO objects)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.number import NumberDeviceClass, NumberMode
from homeassistant.components.sensor import SensorDeviceClass as Class, SensorStateClass
from homeassistant.components.switch import SwitchDeviceClass
from homeassistant.const import UnitOfRatio, UnitOfTime

from .. import binary_sensor, button, datetime, number, sensor, switch, text
from ..entity import SENSOR_UNITS
from .quantity import quantity

if TYPE_CHECKING:
    from ..models import DiscoverySchema, Objects

DURATION = NumberDeviceClass.DURATION
MS = UnitOfTime.MILLISECONDS
S = UnitOfTime.SECONDS
PERCENT = UnitOfRatio.PERCENTAGE


def _on_time(objects: Objects, resource_id: int, key: str) -> DiscoverySchema:
    """Make the row of the time, in seconds, that something has been on or off."""
    return sensor.measurement(
        objects,
        resource_id,
        key,
        Class.DURATION,
        S,
        precision=2,
        named=True,
        suggested_unit=UnitOfTime.HOURS,
        state_class=SensorStateClass.TOTAL_INCREASING,
        diagnostic=True,
        enabled=False,
    )


INPUTS = (
    binary_sensor.state(3200, 5500, "digital_input", main=True),
    sensor.counter(3200, 5501, "digital_input_counter"),
    switch.setting(3200, 5502, "digital_input_reversed"),
    number.setting(3200, 5503, "digital_input_debounce", DURATION, MS),
    button.action(3200, 5505, "reset_digital_input_counter"),
    *quantity(3202, "analog_input", None, None, 2, value=5600, watched=()),
    binary_sensor.state(3302, 5500, "occupancy", BinarySensorDeviceClass.OCCUPANCY, main=True),
    sensor.counter(3302, 5501, "presence_counter"),
    button.action(3302, 5505, "reset_presence_counter"),
    number.setting(3302, 5903, "presence_clear_delay", DURATION, MS),
    number.setting(3302, 5904, "presence_detection_delay", DURATION, MS),
    binary_sensor.state(3342, 5500, "switch", main=True),
    sensor.counter(3342, 5501, "switch_counter"),
    _on_time(3342, 5852, "switch_on_time"),
    _on_time(3342, 5854, "switch_off_time"),
    number.control(3343, 5548, "dimmer_level", unit=PERCENT, minimum=0, maximum=100, main=True),
    _on_time(3343, 5852, "dimmer_on_time"),
    _on_time(3343, 5854, "dimmer_off_time"),
    binary_sensor.state(3344, 5532, "increase"),
    binary_sensor.state(3344, 5533, "decrease"),
    sensor.counter(3344, 5541, "increase_counter"),
    sensor.counter(3344, 5542, "decrease_counter"),
    binary_sensor.state(3345, 5500, "joystick_button", main=True),
    sensor.counter(3345, 5501, "joystick_counter"),
    sensor.measurement(3345, 5702, "joystick_x", precision=2),
    sensor.measurement(3345, 5703, "joystick_y", precision=2),
    sensor.measurement(3345, 5704, "joystick_z", precision=2),
    binary_sensor.state(3347, 5500, "push_button", main=True),
    sensor.counter(3347, 5501, "push_button_counter"),
    sensor.measurement(3348, 5547, "selector_position", state_class=None, main=True),
    sensor.measurement(3349, binary_sensor.BITMAP, "bitmap", state_class=None, main=True),
    binary_sensor.state(
        3349,
        5912,
        "bit",
        entity_class=binary_sensor.BitSensor,
        watched=(binary_sensor.BITMAP,),
        each=True,
    ),
    button.action(3349, 5911, "reset_bitmap"),
)

OUTPUTS = (
    switch.output(3201, 5550, "digital_output"),
    switch.setting(3201, 5551, "digital_output_reversed"),
    number.control(
        3203,
        5650,
        "analog_output",
        minimum=0,
        maximum=1,
        step=0.01,
        mode=NumberMode.AUTO,
        watched=(number.MIN_RANGE, number.MAX_RANGE),
        main=True,
    ),
    switch.output(3306, 5850, "actuator"),
    number.level(3306, 5851, "actuator_level"),
    _on_time(3306, 5852, "actuator_on_time"),
    text.value(3306, 5853, "multi_state_output"),
    number.control(
        3308,
        5900,
        "set_point",
        step=0.1,
        mode=NumberMode.BOX,
        watched=(SENSOR_UNITS,),
        main=True,
    ),
    text.value(3308, 5706, "set_point_colour"),
    number.level(3310, 5827, "load_limit"),
    number.level(3310, 5828, "load_duty_cycle"),
    number.setting(3310, 5825, "load_event_duration", DURATION, UnitOfTime.MINUTES),
    number.setting(3310, 5826, "load_event_criticality", maximum=3),
    text.setting(3310, 5823, "load_event"),
    datetime.setting(3310, 5824, "load_event_start"),
    _on_time(3311, 5852, "light_on_time"),
    switch.output(3312, 5850, "outlet", SwitchDeviceClass.OUTLET),
    number.level(3312, 5851, "outlet_level"),
    _on_time(3312, 5852, "outlet_on_time"),
    switch.output(3340, 5850, "timer"),
    button.action(3340, 5523, "trigger_timer", enabled=True, config=False),
    number.control(
        3340, 5521, "timer_delay", DURATION, S, minimum=0, step=0.1, mode=NumberMode.BOX
    ),
    number.setting(3340, 5525, "timer_off_time", DURATION, S, step=0.1),
    sensor.measurement(3340, 5538, "timer_remaining", Class.DURATION, S, precision=1, named=True),
    _on_time(3340, 5544, "timer_on_time"),
    binary_sensor.state(3340, 5543, "timer_output"),
    sensor.counter(3340, 5501, "timer_input_counter", diagnostic=True, enabled=False),
    sensor.counter(3340, 5534, "timer_output_counter", diagnostic=True, enabled=False),
    switch.output(3350, 5850, "stopwatch"),
    sensor.measurement(
        3350,
        5544,
        "stopwatch_time",
        Class.DURATION,
        S,
        precision=1,
        named=True,
        state_class=SensorStateClass.TOTAL_INCREASING,
    ),
    sensor.counter(3350, 5501, "stopwatch_counter"),
    number.level(3413, 3, "actuator_command"),
    sensor.measurement(3413, 2, "actuator_actual_level", unit=UnitOfRatio.PERCENTAGE),
    sensor.measurement(
        3413,
        4,
        "actuator_command_in_action",
        unit=UnitOfRatio.PERCENTAGE,
        diagnostic=True,
        enabled=False,
    ),
    number.setting(3413, 1, "actuator_default_level", unit=UnitOfRatio.PERCENTAGE, maximum=100),
    binary_sensor.problem(3413, 6, "invalid_scheduler", enabled=False),
)

SCHEMAS = (*INPUTS, *OUTPUTS)
