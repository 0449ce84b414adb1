"""LwM2M's own objects: the device, its connectivity, its software."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.components.number import NumberDeviceClass
from homeassistant.components.sensor import SensorDeviceClass as Class, SensorStateClass
from homeassistant.const import (
    SIGNAL_STRENGTH_DECIBELS,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfInformation,
    UnitOfRatio,
    UnitOfTime,
)

from .. import binary_sensor, button, datetime, number, sensor, switch, text
from ..power import (
    BATTERY_STATUS,
    NO_BATTERY,
    POWER_SOURCES,
    BatterySensor,
    PowerSourceSensor,
)
from ..sensor import OpaqueSensor

if TYPE_CHECKING:
    from ..models import DiscoverySchema, Objects

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

COVERAGE_ENHANCEMENT = {0: "none", 1: "level_0", 2: "level_1", 3: "level_2", 4: "level_3"}
# Object 5, "Firmware Update", version 1.2, resources 3 and 5.
FIRMWARE_STATES = {0: "idle", 1: "downloading", 2: "downloaded", 3: "updating"}
FIRMWARE_RESULTS = {
    0: "initial",
    1: "updated",
    2: "not_enough_storage",
    3: "out_of_memory",
    4: "connection_lost",
    5: "integrity_check_failed",
    6: "unsupported_package",
    7: "invalid_uri",
    8: "failed",
    9: "unsupported_protocol",
    10: "cancelled",
    11: "deferred",
}
# Object 9, "LWM2M Software Management", version 1.0, resources 7 and 9.
SOFTWARE_STATES = {
    0: "initial",
    1: "downloading",
    2: "downloaded",
    3: "delivered",
    4: "installed",
}
SOFTWARE_RESULTS = {
    0: "initial",
    1: "downloading",
    2: "installed",
    3: "verified",
    50: "not_enough_storage",
    51: "out_of_memory",
    52: "connection_lost",
    53: "integrity_check_failed",
    54: "unsupported_package",
    56: "invalid_uri",
    57: "device_error",
    58: "installation_failed",
    59: "uninstallation_failed",
}
# Object 12, "WLAN connectivity", version 1.1, resources 2, 3, 8 and 14.
WLAN_BANDS = {
    0: "disabled",
    1: "2_4_ghz",
    2: "5_ghz",
    3: "0_9_ghz",
    4: "3_7_ghz",
    5: "45_ghz",
    6: "60_ghz",
}
WLAN_STATES = {0: "disabled", 1: "up", 2: "error"}
WLAN_MODES = {0: "access_point", 1: "client", 2: "bridge", 3: "repeater"}
WLAN_STANDARDS = {0: "a", 1: "b", 2: "bg", 3: "g", 4: "n", 5: "bgn", 6: "ac", 7: "ah"}

MV = UnitOfElectricPotential.MILLIVOLT
V = UnitOfElectricPotential.VOLT
MA = UnitOfElectricCurrent.MILLIAMPERE
PERCENT = UnitOfRatio.PERCENTAGE
BYTES = UnitOfInformation.BYTES
KB = UnitOfInformation.KILOBYTES
MB = UnitOfInformation.MEGABYTES
DB = SIGNAL_STRENGTH_DECIBELS
DBM = SIGNAL_STRENGTH_DECIBELS_MILLIWATT


def _size(
    objects: Objects,
    resource_id: int,
    key: str,
    unit: UnitOfInformation,
    *,
    counts_up: bool = False,
    enabled: bool = False,
) -> DiscoverySchema:
    """Make the row of an amount of data; one that counts up is soon a large one."""
    return sensor.measurement(
        objects,
        resource_id,
        key,
        Class.DATA_SIZE,
        unit,
        precision=2 if counts_up else 0,
        named=True,
        suggested_unit=MB if counts_up else None,
        state_class=SensorStateClass.TOTAL_INCREASING
        if counts_up
        else SensorStateClass.MEASUREMENT,
        diagnostic=True,
        enabled=enabled,
    )


def _power_source(
    resource_id: int,
    key: str,
    device_class: Class,
    unit: str,
    *,
    precision: int,
    suggested_unit: str | None = None,
) -> DiscoverySchema:
    """Make the row of what is measured of each power source."""
    return sensor.measurement(
        3,
        resource_id,
        key,
        device_class,
        unit,
        precision=precision,
        named=True,
        suggested_unit=suggested_unit,
        diagnostic=True,
        entity_class=PowerSourceSensor,
        each=True,
    )


DEVICE = (
    button.action(3, 4, "reboot", ButtonDeviceClass.RESTART, enabled=True),
    button.action(3, 5, "factory_reset"),
    sensor.enum(3, 6, "power_source", POWER_SOURCES, enabled=False, each=True),
    _power_source(7, "power_source_voltage", Class.VOLTAGE, MV, precision=2, suggested_unit=V),
    _power_source(8, "power_source_current", Class.CURRENT, MA, precision=0),
    replace(
        sensor.enum(3, BATTERY_STATUS, "battery_status", BATTERY_STATES),
        nothing=(BATTERY_STATUS, NO_BATTERY),
    ),
    replace(
        sensor.measurement(
            3,
            9,
            "battery",
            Class.BATTERY,
            PERCENT,
            diagnostic=True,
            entity_class=BatterySensor,
            watched=(BATTERY_STATUS,),
        ),
        nothing=(BATTERY_STATUS, NO_BATTERY),
    ),
    _size(3, 10, "memory_free", KB),
    sensor.enum(3, 11, "error", ERRORS),
    button.action(3, 12, "reset_errors"),
    # Shown is the clock as it was when the device last told it, which few do at every tick.
    datetime.setting(3, 13, "device_time"),
    text.setting(3, 14, "utc_offset"),
    text.setting(3, 15, "timezone"),
    sensor.text(3, 17, "device_type"),
    sensor.text(3, 19, "software_version"),
    _size(3, 21, "memory_total", KB),
)

CONNECTIVITY_MONITORING = (
    sensor.enum(4, 0, "network_bearer", BEARERS),
    sensor.measurement(4, 2, "signal_strength", Class.SIGNAL_STRENGTH, DBM, diagnostic=True),
    # Its meaning is the bearer's, and for LTE the definition names neither unit nor encoding.
    sensor.measurement(4, 3, "link_quality", diagnostic=True, enabled=False),
    sensor.text(4, 4, "ip_address"),
    sensor.text(4, 5, "router_ip_address"),
    sensor.measurement(4, 6, "link_utilization", unit=PERCENT, diagnostic=True, enabled=False),
    sensor.text(4, 7, "apn"),
    sensor.number(4, 8, "cell_id"),
    sensor.number(4, 9, "network_code"),
    sensor.number(4, 10, "country_code"),
    sensor.measurement(
        4, 11, "signal_to_noise", Class.SIGNAL_STRENGTH, DB, named=True, diagnostic=True
    ),
    sensor.number(4, 12, "location_area_code"),
    sensor.enum(4, 13, "coverage_enhancement", COVERAGE_ENHANCEMENT, enabled=False),
)

CONNECTIVITY_STATISTICS = (
    sensor.counter(7, 0, "sms_sent", diagnostic=True, enabled=False),
    sensor.counter(7, 1, "sms_received", diagnostic=True, enabled=False),
    _size(7, 2, "data_sent", KB, counts_up=True, enabled=True),
    _size(7, 3, "data_received", KB, counts_up=True, enabled=True),
    _size(7, 4, "message_size_maximum", BYTES),
    _size(7, 5, "message_size_average", BYTES),
    button.action(7, 6, "start_statistics"),
    button.action(7, 7, "stop_statistics"),
    number.setting(7, 8, "statistics_period", NumberDeviceClass.DURATION, UnitOfTime.SECONDS),
)

SOFTWARE = (
    sensor.enum(5, 3, "firmware_state", FIRMWARE_STATES),
    sensor.enum(5, 5, "firmware_result", FIRMWARE_RESULTS),
    sensor.text(5, 6, "firmware_package"),
    sensor.text(5, 7, "firmware_package_version", enabled=True),
    sensor.time(5, 12, "firmware_state_changed"),
    sensor.text(9, 0, "software_package", enabled=True),
    sensor.text(9, 1, "software_package_version", enabled=True),
    sensor.enum(9, 7, "software_state", SOFTWARE_STATES),
    sensor.enum(9, 9, "software_result", SOFTWARE_RESULTS),
    button.action(9, 10, "activate_software"),
    button.action(9, 11, "deactivate_software"),
    binary_sensor.state(9, 12, "software_active", diagnostic=True),
)

WLAN = (
    sensor.text(12, 0, "wlan_interface"),
    switch.setting(12, 1, "wlan"),
    sensor.enum(12, 2, "wlan_band", WLAN_BANDS, enabled=False),
    sensor.enum(12, 3, "wlan_status", WLAN_STATES),
    sensor.text(12, 4, "wlan_bssid"),
    sensor.text(12, 5, "wlan_ssid", enabled=True),
    sensor.enum(12, 8, "wlan_mode", WLAN_MODES, enabled=False),
    sensor.number(12, 9, "wlan_channel"),
    sensor.enum(12, 14, "wlan_standard", WLAN_STANDARDS, enabled=False),
    _size(12, 33, "wlan_data_sent", BYTES, counts_up=True),
    _size(12, 34, "wlan_data_received", BYTES, counts_up=True),
    sensor.counter(12, 35, "wlan_packets_sent", diagnostic=True, enabled=False),
    sensor.counter(12, 36, "wlan_packets_received", diagnostic=True, enabled=False),
    sensor.counter(12, 37, "wlan_transmit_errors", diagnostic=True, enabled=False),
    sensor.counter(12, 38, "wlan_receive_errors", diagnostic=True, enabled=False),
)

APPLICATION_DATA = (
    sensor.text(
        19, 0, "data", diagnostic=False, enabled=True, entity_class=OpaqueSensor, main=True
    ),
    sensor.time(19, 2, "data_created"),
    sensor.text(19, 3, "data_description"),
    sensor.text(19, 4, "data_format"),
)

SCHEMAS = (
    *DEVICE,
    *CONNECTIVITY_MONITORING,
    *CONNECTIVITY_STATISTICS,
    *SOFTWARE,
    *WLAN,
    *APPLICATION_DATA,
)
