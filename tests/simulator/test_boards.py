"""The boards: sound tables, plausible values, and hooks that do what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
import statistics
from typing import TYPE_CHECKING

from aiocoap import BAD_REQUEST, CHANGED, POST, PUT
import pytest

from custom_components.lwm2m.protocol.codec import ContentFormat, decode, encode
from custom_components.lwm2m.protocol.model.definitions import (
    ObjectModel,
    ResourceModel,
    ResourceType,
)
from custom_components.lwm2m.protocol.model.registry import load_registry
from custom_components.lwm2m.protocol.path import Path
from simulator.board import Board
from simulator.boards import (
    BLUEPRINTS,
    BUTTON_COUNTER,
    BUTTON_PRESSED,
    COLD_STORE_LOGGER,
    COLOUR_LIGHT,
    DOOR_COUNTER,
    DOOR_OPEN,
    DOOR_SENSOR,
    LIGHT_COLOUR,
    PLUG_CURRENT,
    PLUG_ENERGY,
    PLUG_ON,
    PLUG_POWER,
    SMART_PLUG,
    WEATHER_STATION,
    plug_energy,
)
from simulator.meters import (
    METER_ENERGY,
    METER_GAS,
    METER_POWER,
    METER_WATER,
    SMART_METER,
    readings,
)
from simulator.outdoors import (
    BIKE_LATITUDE,
    BIKE_LONGITUDE,
    BIKE_TRACKER,
    GARDEN_CONTROLLER,
    GATE_LOCKED,
    HORN_ON,
    VALVE_STATUS,
    VENT_POSITION,
    VENT_REMAINING_TIME,
)
from simulator.parts import BATTERY_LEVEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from freezegun.api import FrozenDateTimeFactory

    from .conftest import Peer

NOWHERE = ("127.0.0.1", 9)
HOUR = 3600.0
MODELS = load_registry()
TEMPERATURE = Path(3303, 0, 5700)

every_board = pytest.mark.parametrize("name", BLUEPRINTS)


def idle(name: str) -> Board:
    """Make a board that is not running."""
    return Board(BLUEPRINTS[name], server=NOWHERE)


def resources(board: Board) -> Iterator[tuple[Path, ResourceModel]]:
    """Yield all resources of a board, with their models."""
    for instance in board.instances:
        for path in board.resources(instance):
            model = board.model(path)
            assert model is not None
            yield path, model


def object_of(board: Board, instance: Path) -> ObjectModel:
    version = board.blueprint.versions.get(instance.object_id, "1.0")
    model = MODELS.get(instance.object_id, version)
    assert model is not None
    assert model.version == version
    return model


@every_board
def test_every_resource_is_of_its_object(name: str) -> None:
    board = idle(name)
    for instance in board.instances:
        known = object_of(board, instance).resources
        assert {path.resource_id for path in board.resources(instance)} <= known.keys(), instance


@every_board
def test_what_can_be_executed_is_an_action_and_nothing_else_is(name: str) -> None:
    board = idle(name)
    for path, model in resources(board):
        assert (board.action(path) is not None) == model.executable, path


@every_board
@pytest.mark.parametrize(
    "content_format", [ContentFormat.TLV, ContentFormat.SENML_JSON, ContentFormat.SENML_CBOR]
)
def test_all_values_survive_every_format(name: str, content_format: ContentFormat) -> None:
    board = idle(name)
    for instance in board.instances:
        values = board.values(instance)
        payload = encode(content_format, values, instance, board.model)
        decoded = decode(content_format, payload, instance, board.model)
        assert not decoded.rejected
        assert decoded.values.keys() == values.keys()


@every_board
def test_no_mandatory_resource_is_missing(name: str) -> None:
    board = idle(name)
    for instance in board.instances:
        known = object_of(board, instance).resources
        mandatory = {number for number, row in known.items() if row.mandatory}
        assert mandatory <= {path.resource_id for path in board.resources(instance)}, instance


@every_board
def test_every_board_says_who_made_it(name: str) -> None:
    board = idle(name)
    identity = [board.value(Path(3, 0, number)) for number in range(4)]
    assert all(identity)
    assert identity[0] == "Example Works"


def test_two_boards_of_a_kind_have_different_serial_numbers() -> None:
    numbers = {
        Board(SMART_PLUG, server=NOWHERE, endpoint=endpoint).value(Path(3, 0, 2))
        for endpoint in ("one", "two")
    }
    assert len(numbers) == 2


@every_board
def test_time_passing_keeps_all_values_valid(name: str) -> None:
    board = idle(name)
    for _ in range(300):
        board.tick(60)
        for path, model in resources(board):
            if model.type in (ResourceType.FLOAT, ResourceType.INTEGER) and not model.multiple:
                value = board.value(path)
                assert model.minimum is None or value >= model.minimum, path
                assert model.maximum is None or value <= model.maximum, path


@every_board
def test_time_passes_without_what_the_server_has_deleted(name: str) -> None:
    board = idle(name)
    for instance in board.instances:
        if instance.object_id > 3:
            board.remove(instance)
    board.tick(60)


@pytest.mark.parametrize("object_id", [3303, 3304, 3315, 3301])
def test_weather_drifts_within_the_sensors_range(object_id: int) -> None:
    board = Board(WEATHER_STATION, server=NOWHERE)
    instance = Path(object_id, 0)
    readings = set()
    for _ in range(500):
        board.tick(300)
        value = board.value(instance / 5700)
        readings.add(value)
        assert board.value(instance / 5603) <= value <= board.value(instance / 5604)
    assert len(readings) > 100


def test_weather_changes_slowly() -> None:
    board = Board(WEATHER_STATION, server=NOWHERE)
    for _ in range(500):
        before = board.value(TEMPERATURE)
        board.tick(5)
        assert abs(board.value(TEMPERATURE) - before) < 1.5


@pytest.mark.parametrize("seconds", [60, 3600])
def test_weather_is_as_varied_however_often_it_is_looked_at(seconds: float) -> None:
    board = Board(WEATHER_STATION, server=NOWHERE)
    readings = []
    for _ in range(4000):
        board.tick(seconds)
        readings.append(board.value(TEMPERATURE))
    assert statistics.stdev(readings) == pytest.approx(3.0, rel=0.15)


def test_the_same_endpoint_has_the_same_weather() -> None:
    readings = set()
    for _ in range(2):
        board = Board(WEATHER_STATION, server=NOWHERE)
        board.tick(HOUR)
        readings.add(board.value(TEMPERATURE))
    assert len(readings) == 1


def test_a_sensor_keeps_its_extremes() -> None:
    board = Board(WEATHER_STATION, server=NOWHERE)
    for value in (20.0, -5.0, 3.0):
        board.set(TEMPERATURE, value)
    assert (board.value(Path(3303, 0, 5601)), board.value(Path(3303, 0, 5602))) == (-5.0, 20.0)


async def test_a_sensors_extremes_can_be_reset(peer: Peer) -> None:
    async with Board(WEATHER_STATION, server=peer.address) as board:
        for value in (20.0, -5.0, 3.0):
            board.set(TEMPERATURE, value)
        await peer.request(board, POST, "/3303/0/5605")
        assert (board.value(Path(3303, 0, 5601)), board.value(Path(3303, 0, 5602))) == (3.0, 3.0)


def test_an_instance_can_be_put_in_place_of_another() -> None:
    board = Board(COLOUR_LIGHT, server=NOWHERE)
    instance = LIGHT_COLOUR.instance
    board.add(instance, {5850: True})
    assert list(board.resources(instance)) == [instance / 5850]
    assert not board.has(LIGHT_COLOUR)


class TestLight:
    """The colour light."""

    @pytest.mark.parametrize(("colour", "code"), [(b"#00ff00", CHANGED), (b"green", BAD_REQUEST)])
    async def test_takes_a_colour_as_hexadecimal_digits(
        self, peer: Peer, colour: bytes, code: int
    ) -> None:
        async with Board(COLOUR_LIGHT, server=peer.address) as board:
            response = await peer.request(board, PUT, "/3311/0/5706", payload=colour)
            assert response.code == code
            assert (board.value(LIGHT_COLOUR) == "#00ff00") == (code == CHANGED)


class TestPlug:
    """The smart plug."""

    @pytest.fixture
    async def plug(self, peer: Peer) -> AsyncIterator[Board]:
        """A running plug."""
        async with Board(SMART_PLUG, server=peer.address) as board:
            yield board

    async def test_switched_off_it_takes_no_power(self, peer: Peer, plug: Board) -> None:
        await peer.request(plug, PUT, "/3312/0/5850", payload=b"0")
        assert await plug.written(PLUG_ON) is False
        assert (plug.value(PLUG_POWER), plug.value(PLUG_CURRENT)) == (0.0, 0.0)

    async def test_switched_on_again_it_takes_power(self, peer: Peer, plug: Board) -> None:
        plug.set(PLUG_ON, False)
        await peer.request(plug, PUT, "/3312/0/5850", payload=b"1")
        assert plug.value(PLUG_POWER) > 40
        assert plug.value(PLUG_CURRENT) > 0.1

    def test_its_meter_counts_while_it_is_on(self, plug: Board) -> None:
        before = plug.value(PLUG_ENERGY)
        plug.tick(HOUR)
        assert plug.value(PLUG_ENERGY) - before == pytest.approx(plug.value(PLUG_POWER))

    def test_its_meter_rests_while_it_is_off(self, plug: Board) -> None:
        plug.set(PLUG_ON, False)
        before = plug.value(PLUG_ENERGY)
        plug.tick(HOUR)
        assert plug.value(PLUG_ENERGY) == before

    def test_its_meter_never_goes_back_when_it_is_started_again(self, plug: Board) -> None:
        started = datetime(2026, 1, 1, tzinfo=UTC)
        plug.set(PLUG_ENERGY, plug_energy(started))
        for later in range(1, 49):
            plug.tick(HOUR)
            assert plug.value(PLUG_ENERGY) < plug_energy(started + timedelta(hours=later))

    async def test_its_energy_can_be_reset(self, peer: Peer, plug: Board) -> None:
        await peer.request(plug, POST, "/3305/0/5822")
        assert plug.value(PLUG_ENERGY) == 0.0


class TestMeter:
    """The smart meter."""

    def test_its_energy_is_the_sum_of_its_power(self) -> None:
        noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
        minutes = [readings(noon + timedelta(minutes=minute)) for minute in range(61)]
        powers = [reading[METER_POWER] for reading in minutes]
        counted = minutes[-1][METER_ENERGY] - minutes[0][METER_ENERGY]
        assert counted == pytest.approx(statistics.mean(powers), rel=0.01)

    def test_its_counters_never_go_back(self) -> None:
        start = datetime(2026, 11, 20, tzinfo=UTC)
        hours = [readings(start + timedelta(hours=hour)) for hour in range(24 * 14)]
        for earlier, later in pairwise(hours):
            for counter in (METER_ENERGY, METER_GAS, METER_WATER):
                assert later[counter] > earlier[counter]

    def test_goes_on_counting_while_it_is_off(self, freezer: FrozenDateTimeFactory) -> None:
        board = Board(SMART_METER, server=NOWHERE)
        board.tick(5)
        before = board.value(METER_ENERGY)
        freezer.tick(timedelta(days=365))
        board.tick(5)
        assert board.value(METER_ENERGY) - before == pytest.approx(3_600_000, rel=0.01)


class TestDoor:
    """The door sensor."""

    def test_counts_openings_and_not_closings(self) -> None:
        board = Board(DOOR_SENSOR, server=NOWHERE)
        for is_open in (True, False, True):
            board.set(DOOR_OPEN, is_open)
        assert board.value(DOOR_COUNTER) == 2

    def test_counts_the_times_that_its_button_is_pressed(self) -> None:
        board = Board(DOOR_SENSOR, server=NOWHERE)
        board.set(BUTTON_PRESSED, True)
        board.set(BUTTON_PRESSED, False)
        assert board.value(BUTTON_COUNTER) == 1

    async def test_its_counter_can_be_reset(self, peer: Peer) -> None:
        async with Board(DOOR_SENSOR, server=peer.address) as board:
            board.set(DOOR_OPEN, True)
            await peer.request(board, POST, "/3200/0/5505")
            assert board.value(DOOR_COUNTER) == 0

    def test_somebody_comes_by_within_the_hour(self) -> None:
        board = Board(DOOR_SENSOR, server=NOWHERE)
        for _ in range(720):
            board.tick(5)
        assert board.value(DOOR_COUNTER) > 0
        assert board.value(BUTTON_COUNTER) > 0

    def test_nobody_holds_the_button_for_long(self) -> None:
        board = Board(DOOR_SENSOR, server=NOWHERE)
        board.set(BUTTON_PRESSED, True)
        board.tick(5)
        assert board.value(BUTTON_PRESSED) is False


class TestLogger:
    """The battery device."""

    @pytest.mark.parametrize("seconds", [5, HOUR])
    def test_its_battery_lasts_a_month(self, seconds: float) -> None:
        board = Board(COLD_STORE_LOGGER, server=NOWHERE)
        before = board.value(BATTERY_LEVEL)
        for _ in range(round(24 * HOUR / seconds)):
            board.tick(seconds)
        assert before - board.value(BATTERY_LEVEL) == pytest.approx(100 / 30, rel=0.5)

    def test_its_battery_is_empty_at_last_and_not_less(self) -> None:
        board = Board(COLD_STORE_LOGGER, server=NOWHERE)
        board.tick(10_000 * HOUR)
        assert board.value(BATTERY_LEVEL) == 0

    async def test_it_measures_in_its_sleep_only(self, peer: Peer) -> None:
        async with Board(COLD_STORE_LOGGER, server=peer.address) as board:
            await board.registered()
            board.tick(HOUR)
            assert board.value(TEMPERATURE) == -18.4
            board.sleep()
            board.tick(HOUR)
            assert board.value(TEMPERATURE) != -18.4


class TestTracker:
    """The bike tracker."""

    def test_it_stays_in_town(self) -> None:
        board = Board(BIKE_TRACKER, server=NOWHERE)
        positions = set()
        for _ in range(500):
            board.tick(60)
            latitude, longitude = board.value(BIKE_LATITUDE), board.value(BIKE_LONGITUDE)
            assert abs(latitude - 52.5185) < 0.05
            assert abs(longitude - 13.3990) < 0.05
            positions.add((latitude, longitude))
        assert len(positions) > 400

    def test_its_horn_stops_by_itself(self) -> None:
        board = Board(BIKE_TRACKER, server=NOWHERE)
        board.set(HORN_ON, True)
        board.tick(5)
        assert board.value(HORN_ON) is False


class TestGarden:
    """The garden controller."""

    @pytest.fixture
    async def garden(self, peer: Peer) -> AsyncIterator[Board]:
        """A running controller."""
        async with Board(GARDEN_CONTROLLER, server=peer.address) as board:
            yield board

    async def test_its_valve_obeys(self, peer: Peer, garden: Board) -> None:
        await peer.request(garden, PUT, "/3425/0/3", payload=b"40")
        assert garden.value(VALVE_STATUS) == 40

    @pytest.mark.parametrize(("argument", "locked"), [(b"0", False), (b"1", True)])
    async def test_its_gate_is_locked_and_unlocked(
        self, peer: Peer, garden: Board, argument: bytes, locked: bool
    ) -> None:
        garden.set(GATE_LOCKED, not locked)
        await peer.request(garden, POST, "/10359/0/100", payload=argument)
        assert garden.value(GATE_LOCKED) is locked

    def test_its_vent_takes_its_time(self, garden: Board) -> None:
        garden.set(VENT_POSITION, 100.0)
        remaining = []
        for _ in range(3):
            remaining.append(garden.value(VENT_REMAINING_TIME))
            garden.tick(5)
        assert remaining == [10.0, 5.0, 0.0]
