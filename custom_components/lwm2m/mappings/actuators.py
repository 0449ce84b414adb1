"""What belongs to actuators, beside the entity that a platform makes of the whole object."""

from __future__ import annotations

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.number import NumberDeviceClass
from homeassistant.const import UnitOfRatio, UnitOfTime

from .. import binary_sensor, button, number, sensor, switch, text
from .quantity import quantity

DURATION = NumberDeviceClass.DURATION
S = UnitOfTime.SECONDS
PERCENT = UnitOfRatio.PERCENTAGE

POSITIONER = (
    *quantity(3337, "position", None, PERCENT, 0, value=5536, watched=())[1:],
    number.setting(3337, 5537, "transition_time", DURATION, S, step=0.1),
)

BUZZER = (
    number.setting(3338, 5521, "buzzer_duration", DURATION, S, step=0.1),
    number.setting(3338, 5525, "buzzer_off_time", DURATION, S, step=0.1),
    number.setting(3338, 5548, "buzzer_level", unit=PERCENT, maximum=100),
)

AUDIO_CLIP = (
    button.action(3339, 5523, "play_audio_clip", enabled=True, config=False, main=True),
    number.setting(3339, 5524, "audio_clip_duration", DURATION, S, step=0.1),
    number.level(3339, 5548, "audio_clip_level"),
)

TEXT_DISPLAY = (
    text.value(3341, 5527, "display_text"),
    number.setting(3341, 5528, "display_column"),
    number.setting(3341, 5529, "display_row"),
    button.action(3341, 5530, "clear_display", enabled=True, config=False),
    number.setting(3341, 5531, "display_contrast", unit=PERCENT, maximum=100),
    number.setting(3341, 5548, "display_level", unit=PERCENT, maximum=100),
)

IRRIGATION_VALVE = (
    number.setting(3425, 1, "valve_default_opening", unit=PERCENT, maximum=100),
    binary_sensor.problem(3425, 6, "invalid_scheduler"),
)

CAMERA_STATES = {0: "recording", 1: "playing", 2: "paused"}

CAMERA = (
    switch.executed(10340, 2, 100, "camera", main=True),
    binary_sensor.state(
        10340, 3, "camera_connection", BinarySensorDeviceClass.CONNECTIVITY, diagnostic=True
    ),
    sensor.enum(10340, 4, "camera_working_status", CAMERA_STATES),
    switch.executed(10340, 5, 101, "camera_local_recording"),
    switch.executed(10340, 6, 102, "camera_image_matting", enabled=False),
    switch.executed(10340, 7, 103, "camera_emergency_snapshot", enabled=False),
    switch.executed(10340, 8, 104, "camera_emergency_recording", enabled=False),
)

DOOR = (binary_sensor.state(10351, 50, "door", BinarySensorDeviceClass.DOOR, main=True),)

SCHEMAS = (
    *POSITIONER,
    *BUZZER,
    *AUDIO_CLIP,
    *TEXT_DISPLAY,
    *IRRIGATION_VALVE,
    *CAMERA,
    *DOOR,
)
