"""The rows of what is measured: a value, the lowest and highest one so far, and their reset."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from homeassistant.components.sensor import SensorStateClass
from homeassistant.const import EntityCategory

from .. import button, sensor
from ..entity import QUANTITY, SENSOR_UNITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeassistant.components.sensor import SensorDeviceClass

    from ..models import DiscoverySchema, Objects


def quantity(
    objects: Objects,
    key: str,
    device_class: SensorDeviceClass | None,
    unit: str | None,
    precision: int | None,
    *,
    value: int = 5700,
    minimum: int | None = 5601,
    maximum: int | None = 5602,
    reset: int | None = 5605,
    named: bool = False,
    class_from_unit: bool = False,
    missing: float | None = None,
    suggested_unit: str | None = None,
    state_class: SensorStateClass = SensorStateClass.MEASUREMENT,
    diagnostic: bool = False,
    main: bool | None = None,
    watched: tuple[int, ...] = (SENSOR_UNITS,),
    entity_class: type[sensor.MeasurementSensor] = sensor.MeasurementSensor,
) -> tuple[DiscoverySchema, ...]:
    """Make the rows of a quantity; IDs are None where the object has no such resource.

    Unit and precision are for devices that state no unit in 5701: the example of the object's
    definition. The precision is that of the suggested unit, where there is one. Minimum,
    maximum and reset are disabled by default.
    """
    if main is None:  # "Outdoor" alone is no name for a temperature and a humidity
        main = device_class is None
    words = {QUANTITY: key}
    rows = [
        sensor.measurement(
            objects,
            resource_id,
            key,
            device_class,
            unit,
            precision=precision,
            named=named,
            suggested_unit=suggested_unit,
            state_class=state_class,
            class_from_unit=class_from_unit,
            missing=missing,
            watched=watched,
            diagnostic=diagnostic,
            main=main and resource_id == value,
            entity_class=entity_class,
        )
        for resource_id in (value, minimum, maximum)
        if resource_id is not None
    ]
    rows[1:] = [
        extreme(row, "minimum" if row.resource_id == minimum else "maximum", words, of=value)
        for row in rows[1:]
    ]
    if reset is not None:
        action = button.action(objects, reset, "reset_extremes", words=words)
        rows.append(replace(action, follows=value))
    return tuple(rows)


def extreme(
    row: DiscoverySchema, which: str, words: Mapping[str, str], *, of: int
) -> DiscoverySchema:
    """Make the row of a minimum or a maximum out of the value's, which is the resource `of`."""
    description = row.entity_description
    return replace(
        row,
        follows=of,
        entity_description=replace(
            description,
            key=f"{description.key}_{which}",
            translation_key=which,
            translation_placeholders=words,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
        ),
    )
