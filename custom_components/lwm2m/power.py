"""What a device says of its power: where it comes from, and how full the battery is."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from .sensor import MeasurementSensor

if TYPE_CHECKING:
    from .device import Device
    from .models import EntityInfo

AVAILABLE_SOURCES = 6
BATTERY_STATUS = 20
NO_BATTERY = (5, 6)
"""Battery states: not installed, and no information."""

# OMA-TS-LightweightM2M_Core-V1_1_1 appendix E.4, resource 6.
POWER_SOURCES = {
    0: "dc",
    1: "internal_battery",
    2: "external_battery",
    3: "fuel_cell",
    4: "poe",
    5: "usb",
    6: "mains",
    7: "solar",
}


class BatterySensor(MeasurementSensor):
    """The level of the device's battery, unknown where the status says that there is none."""

    @override
    def _measured(self) -> float | None:
        return None if self._value(BATTERY_STATUS) in NO_BATTERY else super()._measured()


class PowerSourceSensor(MeasurementSensor):
    """The voltage or the current of one power source, named by what it is.

    Sources, voltages and currents belong together by resource instance ID
    (OMA-TS-LightweightM2M_Core-V1_1_1 appendix E.4, resource 6).
    """

    def __init__(self, device: Device, info: EntityInfo) -> None:
        """Take the name of the source's kind where the device tells it."""
        super().__init__(device, info)
        if kind := POWER_SOURCES.get(self._sources().get(self._source, -1)):
            self._attr_translation_key = f"{kind}_{info.entity_description.key}"

    @property
    def _source(self) -> int:
        return self._info.resource_instance_id or 0

    def _sources(self) -> dict[int, int]:
        """Return the code of each available source."""
        sources = self._value(AVAILABLE_SOURCES)
        if not isinstance(sources, dict):
            return {}
        return {source: code for source, code in sources.items() if isinstance(code, int)}

    @override
    def _number_in_name(self) -> int:
        """Return 0 for the first source of a kind."""
        sources = self._sources()
        alike = [source for source in sources if sources[source] == sources.get(self._source)]
        return 0 if self._source == min(alike, default=0) else self._source
