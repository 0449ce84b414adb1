"""Air, water, noise, people and containers (uCIFI objects), and the battery of what senses them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.number import NumberDeviceClass
from homeassistant.components.sensor import SensorDeviceClass as Class, SensorStateClass
from homeassistant.const import (
    DEGREE,
    UnitOfDensity,
    UnitOfElectricPotential,
    UnitOfLength,
    UnitOfPrecipitationDepth,
    UnitOfPressure,
    UnitOfRatio,
    UnitOfSoundPressure,
    UnitOfSpeed,
    UnitOfTime,
    UnitOfVolume,
)

from .. import binary_sensor, button, number, sensor
from ..binary_sensor import FaultSensor, problem
from ..entity import QUANTITY
from ..sensor import counter, measurement
from ..units import MILLIGRAMS_PER_LITER
from .quantity import quantity

if TYPE_CHECKING:
    from ..models import DiscoverySchema

PERCENT = UnitOfRatio.PERCENTAGE
PPM = UnitOfRatio.PARTS_PER_MILLION
UG_M3 = UnitOfDensity.MICROGRAMS_PER_CUBIC_METER
V = UnitOfElectricPotential.VOLT
CM = UnitOfLength.CENTIMETERS
COUNTS_UP = SensorStateClass.TOTAL_INCREASING

BATTERY = (
    measurement(3411, 1, "battery", Class.BATTERY, PERCENT, diagnostic=True),
    measurement(
        3411, 2, "battery_capacity", unit="Ah", precision=1, diagnostic=True, enabled=False
    ),
    measurement(
        3411, 3, "battery_voltage", Class.VOLTAGE, V, precision=2, named=True, diagnostic=True
    ),
    sensor.text(3411, 4, "battery_type"),
    number.setting(3411, 5, "battery_low_threshold", unit=PERCENT, maximum=100),
    binary_sensor.state(3411, 6, "battery_low", BinarySensorDeviceClass.BATTERY, diagnostic=True),
    problem(3411, 7, "battery_shutdown"),
    counter(3411, 8, "battery_cycles", diagnostic=True, enabled=False),
    problem(3411, 9, "supply_loss"),
    counter(3411, 10, "supply_losses", diagnostic=True, enabled=False),
    button.action(3411, 11, "reset_supply_losses"),
    sensor.text(3411, 12, "supply_loss_reason"),
)

WATER_QUALITY = (
    measurement(3426, 1, "ph", Class.PH, precision=2),
    measurement(3426, 2, "chlorine", unit=PPM, precision=2),
    measurement(
        3426,
        3,
        "redox",
        Class.VOLTAGE,
        V,
        precision=0,
        named=True,
        suggested_unit=UnitOfElectricPotential.MILLIVOLT,
    ),
    measurement(3426, 4, "dissolved_gas", unit=PPM, precision=1),
    measurement(3426, 5, "dissolved_oxygen", unit=PPM, precision=1),
    measurement(3426, 6, "turbidity", unit="NTU", precision=1),
    measurement(3426, 7, "conductivity", Class.CONDUCTIVITY, "S/m", precision=3, named=True),
    measurement(3426, 8, "conductance", Class.CONDUCTIVITY, "S/m", precision=3, named=True),
    measurement(3426, 9, "suspended_solids", unit=MILLIGRAMS_PER_LITER, precision=1),
    measurement(3426, 10, "dissolved_solids", unit=MILLIGRAMS_PER_LITER, precision=1),
    measurement(3426, 11, "salinity", unit="ppt", precision=2),
    measurement(3426, 12, "nitrate", unit=MILLIGRAMS_PER_LITER, precision=2),
    measurement(3426, 13, "ammonia", unit=MILLIGRAMS_PER_LITER, precision=2),
    measurement(3426, 14, "ammonium", unit=MILLIGRAMS_PER_LITER, precision=2),
    *quantity(
        3427,
        "pressure",
        Class.PRESSURE,
        UnitOfPressure.PA,
        2,
        value=1,
        minimum=5,
        maximum=6,
        reset=9,
        suggested_unit=UnitOfPressure.BAR,
        watched=(),
    ),
    number.setting(3427, 2, "sampling_period", NumberDeviceClass.DURATION, UnitOfTime.SECONDS),
    binary_sensor.state(3427, 3, "leak", BinarySensorDeviceClass.MOISTURE, named=True),
    problem(3427, 4, "water_hammer"),
)


def _gas(
    resource_id: int,
    key: str,
    device_class: Class | None,
    unit: str,
    averages: dict[int, int],
) -> tuple[DiscoverySchema, ...]:
    """Make the rows of what is in the air; `averages` are resource IDs and their hours."""
    value = measurement(
        3428, resource_id, key, device_class, unit, precision=1 if unit == UG_M3 else 2
    )
    return (
        value,
        *(
            replace(
                measurement(
                    3428,
                    average,
                    "average",
                    device_class,
                    unit,
                    precision=1 if unit == UG_M3 else 2,
                    named=True,
                    words={QUANTITY: key, "hours": str(hours)},
                    enabled=False,
                ),
                follows=resource_id,
            )
            for average, hours in averages.items()
        ),
    )


AIR_QUALITY = (
    *_gas(1, "pm10", Class.PM10, UG_M3, {2: 24}),
    *_gas(3, "pm25", Class.PM25, UG_M3, {4: 24}),
    *_gas(5, "pm1", Class.PM1, UG_M3, {6: 24}),
    *_gas(7, "carbon_monoxide", Class.CO, PPM, {8: 8}),
    *_gas(9, "sulphur_dioxide", Class.SULPHUR_DIOXIDE, PPM, {10: 1, 11: 24}),
    *_gas(12, "ozone", Class.OZONE, PPM, {13: 1, 14: 8}),
    *_gas(15, "nitrogen_dioxide", Class.NITROGEN_DIOXIDE, PPM, {16: 1}),
    *_gas(17, "carbon_dioxide", Class.CO2, PPM, {18: 1}),
    *_gas(19, "nitrogen_monoxide", Class.NITROGEN_MONOXIDE, PPM, {20: 1}),
    *_gas(21, "hydrogen_sulphide", None, PPM, {22: 1}),
    *_gas(
        23,
        "volatile_organic_compounds",
        Class.VOLATILE_ORGANIC_COMPOUNDS_PARTS,
        PPM,
        {24: 1},
    ),
)

TILT = (
    *quantity(3429, "tilt", None, "rad", 3, value=1, minimum=2, maximum=3, reset=4, watched=()),
    number.setting(3429, 5, "tilt_threshold", unit="rad", step=0.001),
    binary_sensor.problem(3429, 6, "out_of_position"),
)

NOISE = (
    binary_sensor.state(3433, 1, "gunshot", BinarySensorDeviceClass.SOUND, named=True),
    binary_sensor.state(3433, 2, "abnormal_noise", BinarySensorDeviceClass.SOUND, named=True),
    *quantity(
        3433,
        "sound_pressure",
        Class.SOUND_PRESSURE,
        UnitOfSoundPressure.DECIBEL,
        1,
        value=3,
        minimum=4,
        maximum=5,
        reset=8,
        watched=(),
    ),
)

PEOPLE = (
    measurement(3434, 1, "people"),
    counter(3434, 2, "people_today"),
    counter(3434, 3, "people_total"),
    button.action(3434, 4, "reset_people"),
    counter(3434, 5, "passages_today"),
    counter(3434, 6, "passages_total"),
    button.action(3434, 7, "reset_passages"),
)

FILLING_LEVEL = (
    measurement(3435, 2, "filling_level", unit=PERCENT, precision=0),
    measurement(3435, 3, "filling_height", Class.DISTANCE, CM, precision=0, named=True),
    number.setting(3435, 1, "container_height", NumberDeviceClass.DISTANCE, CM),
    number.setting(3435, 4, "full_threshold", unit=PERCENT, maximum=100),
    binary_sensor.state(3435, 5, "container_full"),
    number.setting(3435, 6, "empty_threshold", unit=PERCENT, maximum=100),
    binary_sensor.state(3435, 7, "container_empty"),
    measurement(3435, 8, "filling_per_day", unit=PERCENT, precision=1, enabled=False),
    button.action(3435, 9, "reset_filling_per_day"),
    sensor.time(3435, 10, "forecast_full", diagnostic=False, enabled=True),
    sensor.time(3435, 11, "forecast_empty", diagnostic=False, enabled=True),
    problem(3435, 12, "out_of_location"),
    problem(3435, 13, "out_of_position"),
    number.setting(3435, 14, "container_width", NumberDeviceClass.DISTANCE, CM),
    number.setting(
        3435,
        16,
        "container_volume",
        NumberDeviceClass.VOLUME_STORAGE,
        UnitOfVolume.CUBIC_METERS,
        step=0.001,
    ),
    counter(3435, 19, "fillings", diagnostic=True, enabled=False),
    button.action(3435, 20, "reset_fillings"),
    binary_sensor.state(3435, 21, "cover", BinarySensorDeviceClass.OPENING, named=True),
    problem(3435, 22, "temperature_alarm", BinarySensorDeviceClass.HEAT),
    problem(3435, 23, "water_infiltration", BinarySensorDeviceClass.MOISTURE),
)

WEATHER = (
    measurement(
        3446,
        1,
        "precipitation",
        Class.PRECIPITATION,
        UnitOfPrecipitationDepth.MILLIMETERS,
        precision=1,
        state_class=COUNTS_UP,
    ),
    button.action(3446, 2, "reset_precipitation"),
    sensor.time(3446, 3, "last_reset"),
    problem(3446, 5, "rain_gauge_error", entity_class=FaultSensor),
    *quantity(3449, "wind_speed", Class.WIND_SPEED, UnitOfSpeed.METERS_PER_SECOND, 1),
    measurement(
        3449,
        5705,
        "wind_direction",
        Class.WIND_DIRECTION,
        DEGREE,
        precision=0,
        state_class=SensorStateClass.MEASUREMENT_ANGLE,
    ),
)

SCHEMAS = (
    *BATTERY,
    *WATER_QUALITY,
    *AIR_QUALITY,
    *TILT,
    *NOISE,
    *PEOPLE,
    *FILLING_LEVEL,
    *WEATHER,
)
