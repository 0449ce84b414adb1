"""Sensors: measurements, what the device says of itself, texts and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.sensor.const import DEVICE_CLASS_STATE_CLASSES
from homeassistant.const import (
    MAX_LENGTH_STATE_STATE,
    SIGNAL_STRENGTH_DECIBELS,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    EntityCategory,
    Platform,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfInformation,
    UnitOfRatio,
    UnitOfReactiveEnergy,
    UnitOfTime,
)
from homeassistant.core import callback
from homeassistant.helpers.typing import UNDEFINED, UndefinedType

from .entity import SENSOR_UNITS, Lwm2mEntity
from .models import DiscoverySchema
from .protocol.node import ObjectLink
from .quantities import QUANTITIES, Quantity
from .units import sensor_class, stated_unit, suits_sensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .hub import Lwm2mConfigEntry
    from .protocol.node import Value

PARALLEL_UPDATES = 0

NOWHERE = 65535
"""Both IDs of an object link that points nowhere (Core-V1_1_1 appendix C, "Objlnk")."""


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Let the hub add sensors as devices show them."""
    entry.runtime_data.async_add_platform(Platform.SENSOR, async_add_entities)


@dataclass(frozen=True, kw_only=True)
class MeasurementDescription(SensorEntityDescription):
    """How a number is shown whose device states no unit, and what a stated unit changes."""

    class_from_unit: bool = False
    """Whether only the unit says what is measured."""


def state_class_for(device_class: SensorDeviceClass | None) -> SensorStateClass:
    """Return the state class of a number of which no more is known than its device class."""
    allowed = DEVICE_CLASS_STATE_CLASSES.get(device_class) if device_class else None
    if allowed is None or SensorStateClass.MEASUREMENT in allowed:
        return SensorStateClass.MEASUREMENT
    return SensorStateClass.TOTAL


class MeasurementSensor(Lwm2mEntity, SensorEntity):
    """A number, in the unit that the instance states where the row watches 5701.

    A unit that the device class does not allow drops the class, never the value.
    Of a multiple resource it shows the first instance.
    """

    entity_description: MeasurementDescription
    _stated: Value | UndefinedType | None = UNDEFINED

    @callback
    @override
    def _update_from_device(self) -> None:
        self._attr_native_value = self._number()
        if SENSOR_UNITS in self._info.watched:
            stated = self._value(SENSOR_UNITS)
            if stated != self._stated:
                self._stated = stated
                self._take_unit(stated)

    def _take_unit(self, stated: Value | None) -> None:
        description = self.entity_description
        unit = stated_unit(stated, description.native_unit_of_measurement)
        self._attr_native_unit_of_measurement = unit
        self._attr_suggested_display_precision = (
            description.suggested_display_precision
            if unit == description.native_unit_of_measurement
            else None
        )
        if description.class_from_unit:
            self._attr_device_class = sensor_class(unit)
            self._attr_state_class = state_class_for(self._attr_device_class)
        else:
            suits = suits_sensor(unit, description.device_class)
            self._attr_device_class = description.device_class if suits else None


@dataclass(frozen=True, kw_only=True)
class EnumDescription(SensorEntityDescription):
    """What the codes of an enumeration mean."""

    meanings: Mapping[int, str]


class EnumSensor(Lwm2mEntity, SensorEntity):
    """A code by its meaning; unknown where the specification gives it none.

    Of several codes it shows the first that is not 0.
    """

    entity_description: EnumDescription

    @callback
    @override
    def _update_from_device(self) -> None:
        value = self._value()
        codes = [value[i] for i in sorted(value)] if isinstance(value, dict) else [value]
        code = next(filter(None, codes), 0 if 0 in codes else None)
        meanings = self.entity_description.meanings
        self._attr_native_value = meanings.get(code) if isinstance(code, int) else None


class TextSensor(Lwm2mEntity, SensorEntity):
    """A text or a link, cut to what a state may hold; the first of a multiple resource."""

    @callback
    @override
    def _update_from_device(self) -> None:
        self._attr_native_value = None
        match self._scalar():
            case str() as text:
                self._attr_native_value = text[:MAX_LENGTH_STATE_STATE]
            case ObjectLink(object_id, instance_id) if object_id != NOWHERE:
                self._attr_native_value = f"/{object_id}/{instance_id}"


class TimestampSensor(Lwm2mEntity, SensorEntity):
    """A time; the first of a multiple resource."""

    @callback
    @override
    def _update_from_device(self) -> None:
        value = self._scalar()
        self._attr_native_value = value if isinstance(value, datetime) else None


# OMA-TS-LightweightM2M_Core-V1_1_1 appendix E.4, resources 11 and 20. Error codes 9 to
# 15 are reserved; "6 Unknown" of the battery is an unknown state.
ERRORS = {
    0: "none",
    1: "low_battery",
    2: "external_power_off",
    3: "gps_failure",
    4: "low_signal",
    5: "out_of_memory",
    6: "sms_failure",
    7: "ip_failure",
    8: "peripheral_malfunction",
    **dict.fromkeys(range(16, 33), "device_specific"),
}
BATTERY_STATES = {
    0: "normal",
    1: "charging",
    2: "charged",
    3: "damaged",
    4: "low",
    5: "not_installed",
}
# Object 4, "Connectivity Monitoring", version 1.3, resource 0.
BEARERS = {
    0: "gsm",
    1: "td_scdma",
    2: "wcdma",
    3: "cdma2000",
    4: "wimax",
    5: "lte_tdd",
    6: "lte_fdd",
    7: "nb_iot",
    8: "nr_tdd",
    9: "nr_fdd",
    21: "wlan",
    22: "bluetooth",
    23: "ieee_802_15_4",
    41: "ethernet",
    42: "dsl",
    43: "plc",
}


def _quantity(quantity: Quantity) -> Iterator[DiscoverySchema]:
    """Yield a row for the value of a quantity and one each for its extremes."""
    for resource_id, extreme in (
        (quantity.value, None),
        (quantity.minimum, "minimum"),
        (quantity.maximum, "maximum"),
    ):
        if resource_id is None:
            continue
        yield DiscoverySchema(
            platform=Platform.SENSOR,
            object_ids=(quantity.object_id,),
            resource_id=resource_id,
            entity_class=MeasurementSensor,
            entity_description=MeasurementDescription(
                key=f"{quantity.key}_{extreme}" if extreme else quantity.key,
                translation_key=extreme or (quantity.key if quantity.translated else None),
                translation_placeholders=quantity.words,
                device_class=quantity.device_class,
                native_unit_of_measurement=quantity.unit,
                suggested_display_precision=quantity.precision,
                state_class=quantity.state_class,
                class_from_unit=quantity.class_from_unit,
                entity_category=EntityCategory.DIAGNOSTIC if extreme else None,
                entity_registry_enabled_default=not extreme,
            ),
            watched=(SENSOR_UNITS,) if quantity.states_unit else (),
            # "Outdoor" alone is no name for a temperature and a humidity.
            main=quantity.device_class is None and not extreme,
        )


def _sensor(
    object_id: int,
    resource_id: int,
    key: str,
    device_class: SensorDeviceClass | None = None,
    unit: str | None = None,
    *,
    precision: int | None = None,
    state_class: SensorStateClass | None = SensorStateClass.MEASUREMENT,
    category: EntityCategory | None = EntityCategory.DIAGNOSTIC,
    translated: bool = True,
    enabled: bool = True,
) -> DiscoverySchema:
    """Make the row of a further number of an object, in a fixed unit."""
    return DiscoverySchema(
        platform=Platform.SENSOR,
        object_ids=(object_id,),
        resource_id=resource_id,
        entity_class=MeasurementSensor,
        entity_description=MeasurementDescription(
            key=key,
            translation_key=key if translated else None,
            device_class=device_class,
            native_unit_of_measurement=unit,
            suggested_display_precision=precision,
            state_class=state_class,
            entity_category=category,
            entity_registry_enabled_default=enabled,
        ),
        main=False,
    )


def _memory(resource_id: int, key: str) -> DiscoverySchema:
    """Make the row of a size of the device's memory, disabled by default."""
    return _sensor(
        3,
        resource_id,
        key,
        SensorDeviceClass.DATA_SIZE,
        UnitOfInformation.KILOBYTES,
        precision=0,
        enabled=False,
    )


def _energy(object_id: int, key: str) -> DiscoverySchema:
    """Make the row of 5805, what a load used since its last reset."""
    return _sensor(
        object_id,
        5805,
        key,
        SensorDeviceClass.ENERGY,
        UnitOfEnergy.WATT_HOUR,
        precision=0,
        state_class=SensorStateClass.TOTAL_INCREASING,
        category=None,
    )


def _power_factor(object_id: int, key: str, *, translated: bool = True) -> DiscoverySchema:
    """Make the row of 5820."""
    return _sensor(
        object_id,
        5820,
        key,
        SensorDeviceClass.POWER_FACTOR,
        precision=2,
        category=None,
        translated=translated,
    )


def _counter(object_id: int, key: str, resource_id: int = 5501) -> DiscoverySchema:
    """Make the row of how often an input was active."""
    return _sensor(
        object_id, resource_id, key, state_class=SensorStateClass.TOTAL_INCREASING, category=None
    )


def _duration(object_id: int, resource_id: int, key: str) -> DiscoverySchema:
    """Make the row of a time in seconds that runs while something is on or off."""
    return _sensor(
        object_id,
        resource_id,
        key,
        SensorDeviceClass.DURATION,
        UnitOfTime.SECONDS,
        state_class=SensorStateClass.TOTAL_INCREASING,
        enabled=False,
    )


def _enum(
    object_id: int, resource_id: int, key: str, meanings: Mapping[int, str]
) -> DiscoverySchema:
    """Make the row of an enumeration."""
    return DiscoverySchema(
        platform=Platform.SENSOR,
        object_ids=(object_id,),
        resource_id=resource_id,
        entity_class=EnumSensor,
        entity_description=EnumDescription(
            key=key,
            translation_key=key,
            device_class=SensorDeviceClass.ENUM,
            options=list(dict.fromkeys(meanings.values())),
            meanings=meanings,
            entity_category=EntityCategory.DIAGNOSTIC,
        ),
        main=False,
    )


def _text(object_id: int, resource_id: int, key: str) -> DiscoverySchema:
    """Make the row of a text, disabled by default."""
    return DiscoverySchema(
        platform=Platform.SENSOR,
        object_ids=(object_id,),
        resource_id=resource_id,
        entity_class=TextSensor,
        entity_description=SensorEntityDescription(
            key=key,
            translation_key=key,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
        ),
        main=False,
    )


DISCOVERY_SCHEMAS: tuple[DiscoverySchema, ...] = (
    *(schema for quantity in QUANTITIES for schema in _quantity(quantity)),
    # Device
    _sensor(
        3,
        7,
        "power_source_voltage",
        SensorDeviceClass.VOLTAGE,
        UnitOfElectricPotential.MILLIVOLT,
        precision=0,
    ),
    _sensor(
        3,
        8,
        "power_source_current",
        SensorDeviceClass.CURRENT,
        UnitOfElectricCurrent.MILLIAMPERE,
        precision=0,
    ),
    _sensor(3, 9, "battery", SensorDeviceClass.BATTERY, UnitOfRatio.PERCENTAGE, translated=False),
    _memory(10, "memory_free"),
    _enum(3, 11, "error", ERRORS),
    _enum(3, 20, "battery_status", BATTERY_STATES),
    _memory(21, "memory_total"),
    # Connectivity Monitoring
    _enum(4, 0, "network_bearer", BEARERS),
    _sensor(
        4,
        2,
        "signal_strength",
        SensorDeviceClass.SIGNAL_STRENGTH,
        SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
        translated=False,
    ),
    _sensor(4, 3, "link_quality", enabled=False),
    _text(4, 4, "ip_address"),
    _text(4, 5, "router_ip_address"),
    _sensor(4, 6, "link_utilization", unit=UnitOfRatio.PERCENTAGE, enabled=False),
    _text(4, 7, "apn"),
    _sensor(4, 8, "cell_id", state_class=None, enabled=False),
    _sensor(4, 9, "network_code", state_class=None, enabled=False),
    _sensor(4, 10, "country_code", state_class=None, enabled=False),
    _sensor(4, 11, "signal_to_noise", SensorDeviceClass.SIGNAL_STRENGTH, SIGNAL_STRENGTH_DECIBELS),
    _sensor(4, 12, "location_area_code", state_class=None, enabled=False),
    # Inputs
    _counter(3200, "digital_input_counter"),
    _counter(3302, "presence_counter"),
    _counter(3342, "switch_counter"),
    _duration(3342, 5852, "switch_on_time"),
    _duration(3342, 5854, "switch_off_time"),
    _counter(3344, "increase_counter", 5541),
    _counter(3344, "decrease_counter", 5542),
    _counter(3345, "joystick_counter"),
    *(
        _sensor(3345, resource_id, f"joystick_{axis}", category=None)
        for resource_id, axis in ((5702, "x"), (5703, "y"), (5704, "z"))
    ),
    _counter(3347, "push_button_counter"),
    # Power Measurement, Actuation, Light Control, Power Control
    _energy(3305, "active_energy"),
    _sensor(
        3305,
        5815,
        "reactive_energy",
        SensorDeviceClass.REACTIVE_ENERGY,
        UnitOfReactiveEnergy.VOLT_AMPERE_REACTIVE_HOUR,
        precision=0,
        state_class=SensorStateClass.TOTAL_INCREASING,
        category=None,
        translated=False,
    ),
    _power_factor(3305, "power_factor", translated=False),
    _duration(3306, 5852, "actuator_on_time"),
    _energy(3311, "light_energy"),
    _power_factor(3311, "light_power_factor"),
    _duration(3311, 5852, "light_on_time"),
    _energy(3312, "outlet_energy"),
    _power_factor(3312, "outlet_power_factor"),
    _duration(3312, 5852, "outlet_on_time"),
)
