"""Sirens: sounded over the air."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.components.siren import SirenEntityFeature
from homeassistant.const import STATE_OFF, STATE_ON
import pytest

from custom_components.lwm2m.protocol.path import Path
from simulator.events import EventKind

if TYPE_CHECKING:
    from simulator.events import Event

    from .boards import Show

BUZZER = "/3338/0/5850"
ON_AND_OFF = SirenEntityFeature.TURN_ON | SirenEntityFeature.TURN_OFF


@pytest.mark.parametrize(
    ("resources", "features"),
    [
        ({}, ON_AND_OFF),
        ({5548: 50.0}, ON_AND_OFF | SirenEntityFeature.VOLUME_SET),
        ({5521: 3.0}, ON_AND_OFF | SirenEntityFeature.DURATION),
    ],
)
async def test_siren_can_do_what_it_has_resources_for(
    show: Show, resources: dict[int, float], features: SirenEntityFeature
) -> None:
    shown = await show({"/3338/0": {5850: False, 5525: 0.0, **resources}})
    assert shown.state(BUZZER).attributes["supported_features"] == features


async def test_volume_and_duration_are_set_before_it_sounds(show: Show) -> None:
    shown = await show({"/3338/0": {5850: False, 5548: 50.0, 5521: 0.0}})
    events: list[Event] = []
    shown.board.events.subscribe(events.append)

    await shown.call("siren.turn_on", BUZZER, volume_level=0.3, duration=5)

    assert [
        (event.path.resource_id, event.value)
        for event in events
        if event.path and event.kind is EventKind.WRITTEN
    ] == [(5548, 30), (5521, 5), (5850, True)]
    assert shown.state(BUZZER).state == STATE_ON


async def test_what_nobody_asked_for_stays_as_it_is(show: Show) -> None:
    shown = await show({"/3338/0": {5850: False, 5548: 50.0, 5521: 7.0}})
    await shown.call("siren.turn_on", BUZZER)
    assert shown.board.value(Path(3338, 0, 5548)) == 50
    assert shown.board.value(Path(3338, 0, 5521)) == 7


async def test_siren_is_silenced(show: Show) -> None:
    shown = await show({"/3338/0": {5850: True}})
    await shown.call("siren.turn_off", BUZZER)
    assert shown.board.value(Path.parse(BUZZER)) is False
    assert shown.state(BUZZER).state == STATE_OFF
