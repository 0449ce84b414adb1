"""Meters of electricity, gas, water and heat, and what loads use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass as Class, SensorStateClass
from homeassistant.const import (
    DEGREE,
    UnitOfApparentPower,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfFrequency,
    UnitOfPower,
    UnitOfRatio,
    UnitOfReactiveEnergy,
    UnitOfReactivePower,
    UnitOfTemperature,
    UnitOfTime,
    UnitOfVolume,
    UnitOfVolumeFlowRate,
)

from .. import binary_sensor, button, number, sensor, text
from ..binary_sensor import FaultSensor, problem
from ..entity import QUANTITY, SENSOR_UNITS
from ..sensor import counter
from .quantity import extreme, quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..models import DiscoverySchema, Objects

COUNTS_UP = SensorStateClass.TOTAL_INCREASING
COUNTS_BOTH_WAYS = SensorStateClass.TOTAL
CELSIUS = UnitOfTemperature.CELSIUS
M3 = UnitOfVolume.CUBIC_METERS
M3_PER_S = UnitOfVolumeFlowRate.CUBIC_METERS_PER_SECOND
M3_PER_H = UnitOfVolumeFlowRate.CUBIC_METERS_PER_HOUR
W = UnitOfPower.WATT
WH = UnitOfEnergy.WATT_HOUR
KWH = UnitOfEnergy.KILO_WATT_HOUR
VAR = UnitOfReactivePower.VOLT_AMPERE_REACTIVE


@dataclass(frozen=True, slots=True)
class Kind:
    """What several meters measure, in the unit that most of them state."""

    key: str
    device_class: Class | None
    unit: str | None
    precision: int | None
    """Decimals in the suggested unit, where there is one."""
    state_class: SensorStateClass = SensorStateClass.MEASUREMENT
    suggested_unit: str | None = None


VOLTAGE = Kind("voltage", Class.VOLTAGE, UnitOfElectricPotential.VOLT, 1)
CURRENT = Kind("current", Class.CURRENT, UnitOfElectricCurrent.AMPERE, 2)
FREQUENCY = Kind("frequency", Class.FREQUENCY, UnitOfFrequency.HERTZ, 2)
POWER_FACTOR = Kind("power_factor", Class.POWER_FACTOR, None, 2)
POWER = Kind("power", Class.POWER, W, 0, suggested_unit=W)
REACTIVE_POWER = Kind("reactive_power", Class.REACTIVE_POWER, VAR, 0)
APPARENT_POWER = Kind("apparent_power", Class.APPARENT_POWER, UnitOfApparentPower.VOLT_AMPERE, 0)
ENERGY = Kind("energy", Class.ENERGY, WH, 2, COUNTS_UP, KWH)
NET_ENERGY = Kind("energy_net", Class.ENERGY, WH, 2, COUNTS_BOTH_WAYS, KWH)
REACTIVE_ENERGY = Kind(
    "reactive_energy",
    Class.REACTIVE_ENERGY,
    UnitOfReactiveEnergy.VOLT_AMPERE_REACTIVE_HOUR,
    2,
    COUNTS_UP,
    UnitOfReactiveEnergy.KILO_VOLT_AMPERE_REACTIVE_HOUR,
)
APPARENT_ENERGY = Kind("apparent_energy", None, "VAh", 0, COUNTS_UP)
DISTORTION = Kind("distortion", None, UnitOfRatio.PERCENTAGE, 1)
PHASE_ANGLE = Kind("phase_angle", None, DEGREE, 0, SensorStateClass.MEASUREMENT_ANGLE)
TEMPERATURE = Kind("temperature", Class.TEMPERATURE, CELSIUS, 1)
FLOW = Kind("flow", Class.VOLUME_FLOW_RATE, M3_PER_S, 3, suggested_unit=M3_PER_H)
VOLUME = Kind("volume", Class.VOLUME, M3, 3, COUNTS_UP)
OUTAGE = Kind("outage", Class.DURATION, UnitOfTime.SECONDS, 0)


def _meter(
    objects: Objects,
    resource_id: int,
    kind: Kind,
    key: str | None = None,
    *,
    words: Mapping[str, str] | None = None,
    diagnostic: bool = False,
    enabled: bool = True,
    watched: tuple[int, ...] = (),
) -> DiscoverySchema:
    """Make the row of something that a meter measures; `key` names what its kind does not."""
    return sensor.measurement(
        objects,
        resource_id,
        key or kind.key,
        kind.device_class,
        kind.unit,
        precision=kind.precision,
        named=key is not None,
        suggested_unit=kind.suggested_unit,
        state_class=kind.state_class,
        words=words,
        diagnostic=diagnostic,
        enabled=enabled,
        watched=watched,
    )


LOADS = (
    *quantity(
        3305,
        "power",
        Class.POWER,
        W,
        1,
        value=5800,
        minimum=5801,
        maximum=5802,
        watched=(),
    ),
    *quantity(
        3305,
        "reactive_power",
        Class.REACTIVE_POWER,
        VAR,
        1,
        value=5810,
        minimum=5811,
        maximum=5812,
        reset=None,
        watched=(),
    ),
    _meter(3305, 5805, ENERGY),
    _meter(3305, 5815, REACTIVE_ENERGY),
    _meter(3305, 5820, POWER_FACTOR),
    button.action(3305, 5822, "reset_energy"),
    _meter(3311, 5805, ENERGY, "light_energy"),
    _meter(3311, 5820, POWER_FACTOR, "light_power_factor"),
    _meter(3312, 5805, ENERGY, "outlet_energy"),
    _meter(3312, 5820, POWER_FACTOR, "outlet_power_factor"),
    _meter(3331, 5700, ENERGY, watched=(SENSOR_UNITS,)),
    button.action(3331, 5822, "reset_energy"),
)

ELECTRICAL_MONITOR = (
    _meter(3418, 1, VOLTAGE),
    _meter(3418, 2, CURRENT),
    _meter(3418, 3, FREQUENCY),
    _meter(3418, 4, POWER),
    _meter(3418, 5, POWER_FACTOR),
    _meter(3418, 6, ENERGY),
    button.action(3418, 7, "reset_energy"),
    problem(3418, 9, "power_factor_low", enabled=False),
    problem(3418, 12, "power_low", enabled=False),
    problem(3418, 15, "power_high"),
    problem(3418, 17, "current_low", enabled=False),
    problem(3418, 19, "current_high"),
    problem(3418, 21, "voltage_low"),
    problem(3418, 23, "voltage_high"),
    problem(3418, 25, "inrush_current_critical"),
    _meter(3418, 26, CURRENT, "inrush_current_minimum", diagnostic=True, enabled=False),
    _meter(3418, 27, CURRENT, "inrush_current_maximum", diagnostic=True, enabled=False),
    _meter(3418, 28, CURRENT, "inrush_current", diagnostic=True, enabled=False),
    _meter(3418, 29, REACTIVE_POWER),
    _meter(3418, 30, REACTIVE_ENERGY),
    sensor.measurement(3418, 35, "dimming_level", unit=UnitOfRatio.PERCENTAGE, diagnostic=True),
)

SINGLE_PHASE_METER = (
    _meter(3421, 1, VOLTAGE),
    problem(3421, 3, "voltage_low"),
    problem(3421, 5, "voltage_high"),
    _meter(3421, 6, CURRENT),
    problem(3421, 8, "current_low", enabled=False),
    problem(3421, 10, "current_high"),
    _meter(3421, 11, FREQUENCY),
    _meter(3421, 12, PHASE_ANGLE, enabled=False),
    _meter(3421, 13, POWER_FACTOR),
    problem(3421, 15, "power_factor_low", enabled=False),
    _meter(3421, 16, POWER, "power_import"),
    _meter(3421, 17, POWER, "power_export"),
    _meter(3421, 18, REACTIVE_POWER, "reactive_power_import", enabled=False),
    _meter(3421, 19, REACTIVE_POWER, "reactive_power_export", enabled=False),
    _meter(3421, 20, APPARENT_POWER, "apparent_power_import", enabled=False),
    _meter(3421, 21, APPARENT_POWER, "apparent_power_export", enabled=False),
    _meter(3421, 22, POWER, "power_sum", enabled=False),
    _meter(3421, 23, POWER, "power_net"),
    _meter(3421, 25, ENERGY, "energy_import"),
    _meter(3421, 26, ENERGY, "energy_export"),
    _meter(3421, 27, ENERGY, "energy_sum", enabled=False),
    _meter(3421, 28, NET_ENERGY, "energy_net", enabled=False),
    _meter(3421, 29, REACTIVE_ENERGY, "reactive_energy_import", enabled=False),
    _meter(3421, 30, REACTIVE_ENERGY, "reactive_energy_export", enabled=False),
    _meter(3421, 35, APPARENT_ENERGY, "apparent_energy_import", enabled=False),
    _meter(3421, 36, APPARENT_ENERGY, "apparent_energy_export", enabled=False),
    counter(3421, 37, "power_failures", diagnostic=True),
    counter(3421, 38, "long_power_failures", diagnostic=True, enabled=False),
    _meter(3421, 40, OUTAGE, "last_long_power_failure", diagnostic=True, enabled=False),
    counter(3421, 43, "voltage_sags", diagnostic=True, enabled=False),
    _meter(3421, 44, OUTAGE, "last_voltage_sag", diagnostic=True, enabled=False),
    counter(3421, 48, "voltage_swells", diagnostic=True, enabled=False),
    _meter(3421, 49, OUTAGE, "last_voltage_swell", diagnostic=True, enabled=False),
    problem(3421, 53, "voltage_cut"),
    problem(3421, 58, "unexpected_load"),
)

THREE_PHASE_METER = (
    _meter(3422, 1, VOLTAGE, "voltage_between", words={"lines": "L1-L2"}),
    _meter(3422, 2, VOLTAGE, "voltage_between", words={"lines": "L2-L3"}),
    _meter(3422, 3, VOLTAGE, "voltage_between", words={"lines": "L3-L1"}),
    _meter(3422, 4, CURRENT, "total_current"),
    _meter(3422, 5, POWER_FACTOR, "total_power_factor"),
    _meter(3422, 6, POWER_FACTOR, "power_factor_average", enabled=False),
    extreme(_meter(3422, 7, POWER_FACTOR), "minimum", {QUANTITY: "power_factor"}, of=5),
    _meter(3422, 8, POWER, "total_power_import"),
    _meter(3422, 9, POWER, "total_power_export"),
    _meter(3422, 10, REACTIVE_POWER, "total_reactive_power_import", enabled=False),
    _meter(3422, 11, REACTIVE_POWER, "total_reactive_power_export", enabled=False),
    _meter(3422, 12, APPARENT_POWER, "total_apparent_power_import", enabled=False),
    _meter(3422, 13, APPARENT_POWER, "total_apparent_power_export", enabled=False),
    _meter(3422, 14, POWER, "total_power_sum", enabled=False),
    _meter(3422, 15, POWER, "total_power_net"),
    _meter(3422, 17, ENERGY, "total_energy_import"),
    _meter(3422, 18, ENERGY, "total_energy_export"),
    _meter(3422, 19, ENERGY, "total_energy_sum", enabled=False),
    _meter(3422, 20, NET_ENERGY, "total_energy_net", enabled=False),
    _meter(3422, 21, REACTIVE_ENERGY, "total_reactive_energy_import", enabled=False),
    _meter(3422, 22, REACTIVE_ENERGY, "total_reactive_energy_export", enabled=False),
    _meter(3422, 27, APPARENT_ENERGY, "total_apparent_energy_import", enabled=False),
    _meter(3422, 28, APPARENT_ENERGY, "total_apparent_energy_export", enabled=False),
    counter(3422, 29, "power_failures_any_phase", diagnostic=True),
    counter(3422, 30, "long_power_failures_any_phase", diagnostic=True, enabled=False),
    _meter(3422, 32, OUTAGE, "last_long_power_failure_any_phase", diagnostic=True, enabled=False),
    problem(3422, 35, "three_phase_voltage_cut"),
    problem(3422, 40, "three_phase_power_factor_low", enabled=False),
    problem(3422, 41, "excessive_load"),
    problem(3422, 42, "three_phase_unexpected_load"),
)

# 10242 "3-Phase Power Meter" and 10243 "Single-Phase Power Meter" state kilowatts.


def _phase(phase: int, first: int) -> Iterator[DiscoverySchema]:
    """Yield the rows of the ten resources of one phase of a 3-Phase Power Meter."""
    words = {"phase": str(phase)}
    for resource_id, (kind, key, enabled) in enumerate(
        (
            (VOLTAGE, "voltage_phase", True),
            (CURRENT, "current_phase", True),
            (POWER, "power_phase", True),
            (REACTIVE_POWER, "reactive_power_phase", False),
            (REACTIVE_POWER, "inductive_power_phase", False),
            (REACTIVE_POWER, "capacitive_power_phase", False),
            (APPARENT_POWER, "apparent_power_phase", False),
            (POWER_FACTOR, "power_factor_phase", False),
            (DISTORTION, "voltage_distortion_phase", False),
            (DISTORTION, "current_distortion_phase", False),
        ),
        first,
    ):
        yield _meter(10242, resource_id, kind, key, words=words, enabled=enabled)


POWER_METERS = (
    *_phase(1, 4),
    *_phase(2, 14),
    *_phase(3, 24),
    _meter(10242, 34, POWER),
    _meter(10242, 35, REACTIVE_POWER, enabled=False),
    _meter(10242, 36, REACTIVE_POWER, "inductive_power", enabled=False),
    _meter(10242, 37, REACTIVE_POWER, "capacitive_power", enabled=False),
    _meter(10242, 38, APPARENT_POWER, enabled=False),
    _meter(10242, 39, POWER_FACTOR),
    _meter(10242, 40, POWER_FACTOR, "cosine_phi", enabled=False),
    _meter(10242, 41, ENERGY),
    _meter(10242, 42, REACTIVE_ENERGY, enabled=False),
    _meter(10242, 43, REACTIVE_ENERGY, "inductive_energy", enabled=False),
    _meter(10242, 44, REACTIVE_ENERGY, "capacitive_energy", enabled=False),
    _meter(10242, 45, APPARENT_ENERGY, enabled=False),
    _meter(10242, 46, VOLTAGE, "voltage_between", words={"lines": "L1-L2"}, enabled=False),
    _meter(10242, 47, VOLTAGE, "voltage_between", words={"lines": "L2-L3"}, enabled=False),
    _meter(10242, 48, VOLTAGE, "voltage_between", words={"lines": "L3-L1"}, enabled=False),
    _meter(10242, 49, FREQUENCY),
    _meter(10242, 50, CURRENT, "neutral_current", enabled=False),
    _meter(10243, 4, VOLTAGE),
    _meter(10243, 5, CURRENT),
    _meter(10243, 6, POWER),
    _meter(10243, 7, REACTIVE_POWER, enabled=False),
    _meter(10243, 8, REACTIVE_POWER, "inductive_power", enabled=False),
    _meter(10243, 9, REACTIVE_POWER, "capacitive_power", enabled=False),
    _meter(10243, 10, APPARENT_POWER, enabled=False),
    _meter(10243, 11, POWER_FACTOR),
    _meter(10243, 12, DISTORTION, "voltage_distortion", enabled=False),
    _meter(10243, 13, DISTORTION, "current_distortion", enabled=False),
    _meter(10243, 14, ENERGY),
    _meter(10243, 15, REACTIVE_ENERGY, enabled=False),
    _meter(10243, 16, APPARENT_ENERGY, enabled=False),
    _meter(10243, 17, FREQUENCY),
)


def _volume_meter(object_id: int, what: str, device_class: Class) -> tuple[DiscoverySchema, ...]:
    """Make the rows that meters of gas and of water share, which one board may both have."""
    return (
        sensor.measurement(
            object_id, 1, what, device_class, M3, precision=3, state_class=COUNTS_UP
        ),
        button.action(object_id, 2, f"reset_{what}_meter"),
        text.setting(object_id, 3, f"{what}_meter_type"),
        counter(object_id, 4, f"{what}_pulses", diagnostic=True, enabled=False),
        button.action(object_id, 5, f"reset_{what}_pulses"),
        number.setting(object_id, 6, f"{what}_pulse_ratio"),
        _meter(object_id, 7, FLOW, f"{what}_flow_minimum", diagnostic=True, enabled=False),
        _meter(object_id, 8, FLOW, f"{what}_flow_maximum", diagnostic=True, enabled=False),
        problem(object_id, 9, f"{what}_leak_suspected"),
    )


VOLUME_METERS = (
    *_volume_meter(3423, "gas", Class.GAS),
    binary_sensor.state(3423, 10, "gas_leak", BinarySensorDeviceClass.GAS, named=True),
    problem(3423, 11, "high_temperature", BinarySensorDeviceClass.HEAT),
    *_volume_meter(3424, "water", Class.WATER),
    binary_sensor.state(3424, 10, "water_leak", BinarySensorDeviceClass.MOISTURE, named=True),
    problem(3424, 11, "back_flow"),
    problem(3424, 12, "meter_blocked"),
    problem(3424, 13, "fraud", BinarySensorDeviceClass.TAMPER),
)

HEAT_METER = (
    problem(10257, 11, "error", entity_class=FaultSensor),
    _meter(10257, 5800, POWER),
    extreme(_meter(10257, 5802, POWER), "maximum", {QUANTITY: "power"}, of=5800),
    _meter(10257, 5805, ENERGY),
    _meter(10257, 12, TEMPERATURE, "flow_temperature"),
    _meter(10257, 13, TEMPERATURE, "flow_temperature_maximum", diagnostic=True, enabled=False),
    _meter(10257, 14, TEMPERATURE, "return_temperature"),
    _meter(10257, 15, TEMPERATURE, "return_temperature_maximum", diagnostic=True, enabled=False),
    sensor.measurement(
        10257,
        16,
        "temperature_difference",
        Class.TEMPERATURE_DELTA,
        UnitOfTemperature.KELVIN,
        precision=1,
        named=True,
    ),
    _meter(10257, 17, FLOW),
    _meter(10257, 18, FLOW, "flow_maximum", diagnostic=True, enabled=False),
    _meter(10257, 20, VOLUME, "flow_volume"),
    _meter(10257, 21, VOLUME, "return_volume", enabled=False),
)

NAMEPLATES = (
    sensor.text((10242, 10243, 10257), 0, "meter_manufacturer"),
    sensor.text((10242, 10243, 10257), 1, "meter_model"),
    sensor.text((10242, 10243, 10257), 2, "meter_serial_number"),
    sensor.text((10242, 10243, 10257), 3, "meter_description"),
)

SCHEMAS = (
    *LOADS,
    *ELECTRICAL_MONITOR,
    *SINGLE_PHASE_METER,
    *THREE_PHASE_METER,
    *POWER_METERS,
    *VOLUME_METERS,
    *HEAT_METER,
    *NAMEPLATES,
)
