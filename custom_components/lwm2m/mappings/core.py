"""LwM2M's own objects: the device, its connectivity, its software."""

from __future__ import annotations

from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.components.sensor import SensorDeviceClass as Class
from homeassistant.const import (
    SIGNAL_STRENGTH_DECIBELS,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfInformation,
    UnitOfRatio,
)

from .. import button, sensor, text

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

V = UnitOfElectricPotential.MILLIVOLT
A = UnitOfElectricCurrent.MILLIAMPERE
PERCENT = UnitOfRatio.PERCENTAGE
KB = UnitOfInformation.KILOBYTES
DB = SIGNAL_STRENGTH_DECIBELS
DBM = SIGNAL_STRENGTH_DECIBELS_MILLIWATT

DEVICE = (
    button.action(3, 4, "reboot", ButtonDeviceClass.RESTART, enabled=True),
    button.action(3, 5, "factory_reset"),
    sensor.measurement(
        3, 7, "power_source_voltage", Class.VOLTAGE, V, precision=0, named=True, diagnostic=True
    ),
    sensor.measurement(
        3, 8, "power_source_current", Class.CURRENT, A, precision=0, named=True, diagnostic=True
    ),
    sensor.measurement(3, 9, "battery", Class.BATTERY, PERCENT, diagnostic=True),
    sensor.measurement(
        3,
        10,
        "memory_free",
        Class.DATA_SIZE,
        KB,
        precision=0,
        named=True,
        diagnostic=True,
        enabled=False,
    ),
    sensor.enum(3, 11, "error", ERRORS),
    button.action(3, 12, "reset_errors"),
    text.setting(3, 14, "utc_offset"),
    text.setting(3, 15, "timezone"),
    sensor.enum(3, 20, "battery_status", BATTERY_STATES),
    sensor.measurement(
        3,
        21,
        "memory_total",
        Class.DATA_SIZE,
        KB,
        precision=0,
        named=True,
        diagnostic=True,
        enabled=False,
    ),
)

CONNECTIVITY_MONITORING = (
    sensor.enum(4, 0, "network_bearer", BEARERS),
    sensor.measurement(4, 2, "signal_strength", Class.SIGNAL_STRENGTH, DBM, diagnostic=True),
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
)

SCHEMAS = (*DEVICE, *CONNECTIVITY_MONITORING)
