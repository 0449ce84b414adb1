"""The actions, as an automation calls them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.translation import async_load_integrations
import pytest

from custom_components.lwm2m import hub as hub_module
from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.server import LwM2mServer

from .conftest import DIMMER, ENDPOINT, TEMPERATURE, settle

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry
    from simulator.board import Board

    from .conftest import Call

DATA = Path(19, 0, 0)
LABEL = Path(3311, 0, 5750)
REBOOT = Path(3, 0, 4)


@pytest.fixture
def call(call: Call) -> Call:
    """Call an action on a path of the board and return its response."""

    async def call_on(action: str, path: Path | str, **data: Any) -> Any:
        return await call(action, path=str(path), **data)

    return call_on


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server give up on a request after half a second."""
    monkeypatch.setattr(hub_module, "LwM2mServer", partial(LwM2mServer, request_timeout=0.5))


# Read


async def test_read_resource(call: Call) -> None:
    assert await call("read", TEMPERATURE) == {
        "endpoint": ENDPOINT,
        "path": "/3303/0/5700",
        "resources": {"/3303/0/5700": {"name": "Sensor Value", "value": 21.5}},
        "rejected": {},
    }


async def test_read_instance(call: Call) -> None:
    response = await call("read", "/3303/0")
    assert {path: item["value"] for path, item in response["resources"].items()} == {
        "/3303/0/5700": 21.5,
        "/3303/0/5701": "Cel",
    }


async def test_read_resource_instance(call: Call) -> None:
    response = await call("read", DATA / 7)
    assert response["resources"]["/19/0/0"]["value"] == {"7": "AQ=="}


async def test_read_resource_instance_leaves_the_others(call: Call, hub: Hub) -> None:
    await call("read", DATA / 7)
    assert hub.devices[ENDPOINT].resources.values[DATA] == {0: b"\x00", 7: b"\x01"}


async def test_read_is_fresh(call: Call, board: Board) -> None:
    board.set(TEMPERATURE, 25.0)
    response = await call("read", TEMPERATURE)
    assert response["resources"]["/3303/0/5700"]["value"] == 25.0


async def test_path_may_lack_its_slash(call: Call) -> None:
    assert (await call("read", "3303/0/5700"))["path"] == "/3303/0/5700"


# Write


async def test_write_resource(call: Call, board: Board) -> None:
    response = await call("write", DIMMER, value=70)
    assert await board.written(DIMMER) == 70
    assert response == {
        "endpoint": ENDPOINT,
        "path": "/3311/0/5851",
        "resources": {"/3311/0/5851": {"name": "Dimmer", "value": 70}},
        "waiting": False,
    }


async def test_written_value_counts_at_once(call: Call, hub: Hub) -> None:
    await call("write", DIMMER, value=70)
    assert hub.devices[ENDPOINT].resources.values[DIMMER] == 70


async def test_write_several_resources_of_an_instance(call: Call, board: Board) -> None:
    await call("write", "/3311/0", value={"5851": 70, "5750": "Hall"})
    assert await board.written(DIMMER) == 70
    assert await board.written(LABEL) == "Hall"


async def test_write_multiple_resource(call: Call, board: Board) -> None:
    await call("write", DATA, value=["AAE=", "Ag=="])
    assert await board.written(DATA) == {0: b"\x00\x01", 1: b"\x02"}


async def test_write_resource_instance(call: Call, board: Board) -> None:
    await call("write", DATA / 7, value="/w==")
    assert await board.written(DATA) == {0: b"\x00", 7: b"\xff"}


async def test_write_without_a_response(hass: HomeAssistant, device_id: str, board: Board) -> None:
    data = {"device_id": device_id, "path": str(DIMMER), "value": 70}
    await hass.services.async_call(DOMAIN, "write", data, blocking=True)
    assert await board.written(DIMMER) == 70


# Execute


async def test_execute(call: Call, board: Board) -> None:
    response = await call("execute", REBOOT)
    assert await board.executed(REBOOT) == ""
    assert response == {
        "endpoint": ENDPOINT,
        "path": "/3/0/4",
        "name": "Reboot",
        "waiting": False,
    }


async def test_execute_with_arguments(call: Call, board: Board) -> None:
    await call("execute", REBOOT, arguments="0='30',1")
    assert await board.executed(REBOOT) == "0='30',1"


# Discover


async def test_discover(call: Call) -> None:
    response = await call("discover", "/3303")
    assert {path: link["name"] for path, link in response["links"].items()} == {
        "/3303": "Temperature",
        "/3303/0": "Temperature",
        "/3303/0/5700": "Sensor Value",
        "/3303/0/5701": "Sensor Units",
    }


async def test_discover_shows_attributes(call: Call) -> None:
    response = await call("discover", DATA)
    assert response["links"]["/19/0/0"]["attributes"] == {"dim": "2"}


# What can go wrong


@pytest.mark.parametrize(
    ("action", "path", "data", "message"),
    [
        (
            "read",
            "/3303/x",
            {},
            (
                "/3303/x is not a path. A path is one to four numbers from 0 to 65534,"
                " such as /3303/0/5700"
            ),
        ),
        (
            "read",
            "/65535/0",
            {},
            (
                "/65535/0 is not a path. A path is one to four numbers from 0 to 65534,"
                " such as /3303/0/5700"
            ),
        ),
        (
            "read",
            "/",
            {},
            (
                "This cannot be done with /. Give the path of an object, an object instance,"
                " a resource or a resource instance, such as /3303/0/5700"
            ),
        ),
        (
            "execute",
            "/3/0",
            {},
            "This cannot be done with /3/0. Give the path of a resource, such as /3/0/4",
        ),
        (
            "execute",
            "/3/0/4",
            {"arguments": "now"},
            (
                "The arguments for /3/0/4 are digits, each with a value in single quotes"
                " if it has one, such as 0='red',3"
            ),
        ),
        (
            "write",
            "/3303",
            {"value": 1},
            (
                "/3303 cannot be written. Give the path of an object instance, a resource"
                " or a resource instance"
            ),
        ),
        (
            "write",
            "/3311/0",
            {"value": 1},
            "/3311/0 takes values with their IDs, such as 5750: kitchen",
        ),
        (
            "write",
            "/3311/0/5851",
            {"value": "bright"},
            "/3311/0/5851 takes a whole number. What was given is a text",
        ),
        (
            "write",
            "/3311/0/5851",
            {"value": 101},
            "/3311/0/5851 takes no number above 100",
        ),
        (
            "write",
            "/3311/0",
            {"value": {5850: "banana"}},
            "/3311/0/5850 takes true or false. What was given is a text",
        ),
    ],
)
async def test_mistake_of_the_caller(
    call: Call, action: str, path: str, data: dict[str, Any], message: str
) -> None:
    with pytest.raises(ServiceValidationError) as error:
        await call(action, path, **data)
    assert str(error.value) == message


async def test_kind_of_a_refused_value_is_told_in_the_owners_language(
    hass: HomeAssistant, call: Call
) -> None:
    hass.config.language = "de"
    await async_load_integrations(hass, {DOMAIN})
    with pytest.raises(ServiceValidationError) as error:
        await call("write", "/3311/0/5850", value="banana")
    assert error.value.translation_key == "value_boolean"
    assert (error.value.translation_placeholders or {})["kind"] == "ein Text"


async def test_resource_that_the_device_has_not(call: Call) -> None:
    with pytest.raises(HomeAssistantError) as error:
        await call("read", "/3303/0/5601")
    assert str(error.value) == "kitchen-board refused this for /3303/0/5601: 4.04 Not Found"


async def test_words_of_the_device(call: Call) -> None:
    with pytest.raises(HomeAssistantError) as error:
        await call("write", TEMPERATURE, value=1)
    assert str(error.value) == (
        '/3303/0/5700 of kitchen-board cannot be written (4.05 Method Not Allowed, "/3303/0/5700")'
    )


async def test_resource_that_cannot_be_read(call: Call) -> None:
    with pytest.raises(HomeAssistantError) as error:
        await call("read", "/3/0/4")
    assert str(error.value).startswith("/3/0/4 of kitchen-board cannot be read (4.05 ")


async def test_resource_that_cannot_be_executed(call: Call) -> None:
    with pytest.raises(HomeAssistantError) as error:
        await call("execute", TEMPERATURE)
    assert str(error.value).startswith(f"{TEMPERATURE} of kitchen-board cannot be executed (4.05 ")


async def test_device_that_is_not_registered(call: Call, board: Board, hass: HomeAssistant) -> None:
    await board.stop()
    await settle(hass)
    with pytest.raises(HomeAssistantError) as error:
        await call("write", DIMMER, value=1)
    assert str(error.value) == (
        "kitchen-board is not registered: it is switched off, out of reach, or has signed off"
    )


async def test_device_that_does_not_answer(call: Call, board: Board) -> None:
    await board.go_silent()
    with pytest.raises(HomeAssistantError) as error:
        await call("read", TEMPERATURE)
    assert str(error.value) == (
        "kitchen-board did not answer in time for /3303/0/5700."
        " It may be asleep, switched off or out of reach"
    )


async def test_server_is_no_device(
    hass: HomeAssistant, call: Call, entry: Lwm2mConfigEntry
) -> None:
    server = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, entry.entry_id), entry.entry_id
    )
    assert server is not None
    with pytest.raises(ServiceValidationError) as error:
        await call("read", TEMPERATURE, device_id=server.id)
    assert str(error.value) == "Greenhouse is the server itself. Choose one of its devices"


async def test_unknown_device(call: Call) -> None:
    with pytest.raises(ServiceValidationError) as error:
        await call("read", TEMPERATURE, device_id="nothing")
    assert error.value.translation_key == "service_device_not_found"


async def test_device_of_an_unloaded_server(
    hass: HomeAssistant, call: Call, entry: Lwm2mConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(ServiceValidationError) as error:
        await call("read", TEMPERATURE)
    assert error.value.translation_key == "service_config_entry_not_loaded"
