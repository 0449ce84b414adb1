"""What objects measure: the table that sensors and the buttons that reset them share."""

from __future__ import annotations

from dataclasses import dataclass

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    LIGHT_LUX,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfFrequency,
    UnitOfLength,
    UnitOfMass,
    UnitOfPower,
    UnitOfPressure,
    UnitOfRatio,
    UnitOfReactivePower,
    UnitOfSoundPressure,
    UnitOfTemperature,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """What an object measures: its value, and the lowest and highest one so far.

    Unit and precision are for devices that state no unit in 5701: the example
    of the object's definition. The name comes from the device class unless
    `translated`.
    """

    object_id: int
    key: str
    device_class: SensorDeviceClass | None
    unit: str | None
    precision: int | None
    value: int = 5700
    minimum: int | None = 5601
    maximum: int | None = 5602
    """Resource IDs; None where the object keeps no extremes."""
    translated: bool = False
    states_unit: bool = True
    class_from_unit: bool = False
    """Whether only the unit says what is measured."""
    state_class: SensorStateClass = SensorStateClass.MEASUREMENT

    @property
    def words(self) -> dict[str, str]:
        """The quantity's name in the names of what belongs to it."""
        return {"quantity": self.key.replace("_", " ")}


_Class = SensorDeviceClass

QUANTITIES = (
    Quantity(3202, "analog_input", None, None, 2, 5600, translated=True),
    Quantity(3300, "value", None, None, None, class_from_unit=True),
    Quantity(3301, "illuminance", _Class.ILLUMINANCE, LIGHT_LUX, 0),
    Quantity(3303, "temperature", _Class.TEMPERATURE, UnitOfTemperature.CELSIUS, 1),
    Quantity(3304, "humidity", _Class.HUMIDITY, UnitOfRatio.PERCENTAGE, 1),
    Quantity(
        3305,
        "active_power",
        _Class.POWER,
        UnitOfPower.WATT,
        1,
        5800,
        5801,
        5802,
        translated=True,
        states_unit=False,
    ),
    Quantity(
        3305,
        "reactive_power",
        _Class.REACTIVE_POWER,
        UnitOfReactivePower.VOLT_AMPERE_REACTIVE,
        1,
        5810,
        5811,
        5812,
        states_unit=False,
    ),
    Quantity(3315, "atmospheric_pressure", _Class.ATMOSPHERIC_PRESSURE, UnitOfPressure.PA, 0),
    Quantity(3316, "voltage", _Class.VOLTAGE, UnitOfElectricPotential.VOLT, 2),
    Quantity(3317, "current", _Class.CURRENT, UnitOfElectricCurrent.AMPERE, 3),
    Quantity(3318, "frequency", _Class.FREQUENCY, UnitOfFrequency.HERTZ, 2),
    Quantity(3319, "depth", _Class.DISTANCE, UnitOfLength.METERS, 3, translated=True),
    Quantity(3320, "percentage", None, UnitOfRatio.PERCENTAGE, 1, translated=True),
    Quantity(3321, "altitude", _Class.DISTANCE, UnitOfLength.METERS, 1, translated=True),
    Quantity(3322, "weight", _Class.WEIGHT, UnitOfMass.KILOGRAMS, 2),
    Quantity(3323, "pressure", _Class.PRESSURE, UnitOfPressure.PA, 0),
    Quantity(3324, "sound_pressure", _Class.SOUND_PRESSURE, UnitOfSoundPressure.DECIBEL, 1),
    Quantity(3325, "concentration", None, UnitOfRatio.PARTS_PER_MILLION, 0, translated=True),
    Quantity(3326, "acidity", _Class.PH, None, 2),
    Quantity(3327, "conductivity", _Class.CONDUCTIVITY, "S/m", 3, translated=True),
    Quantity(3328, "power", _Class.POWER, UnitOfPower.WATT, 1),
    Quantity(3329, "power_factor", _Class.POWER_FACTOR, None, 2),
    Quantity(3330, "distance", _Class.DISTANCE, UnitOfLength.METERS, 2),
    Quantity(
        3331,
        "energy",
        _Class.ENERGY,
        UnitOfEnergy.WATT_HOUR,
        0,
        minimum=None,
        maximum=None,
        state_class=SensorStateClass.TOTAL_INCREASING,
    ),
)
