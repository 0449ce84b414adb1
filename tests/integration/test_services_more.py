"""The actions that create, delete, set attributes and ask for several paths at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
import voluptuous as vol

from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.protocol.path import Path
from simulator.events import EventKind

from .conftest import DIMMER, ENDPOINT, TEMPERATURE, settle, state_at

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub
    from simulator.board import Board

    from .conftest import Call

ON_OFF = Path(3311, 0, 5850)
DATA = Path(19, 0, 0)


# Create and Delete


async def test_create_with_an_id(call: Call, board: Board) -> None:
    response = await call("create", path="/3311/7", value={"5850": "on", "5851": 30})
    assert response == {
        "endpoint": ENDPOINT,
        "path": "/3311/7",
        "name": "Light Control",
        "waiting": False,
    }
    assert board.value(Path(3311, 7, 5850)) is True
    assert board.value(Path(3311, 7, 5851)) == 30


async def test_create_without_an_id_tells_the_one_that_was_chosen(call: Call, board: Board) -> None:
    response = await call("create", path="/3311", value={5850: True})
    assert response["path"] == "/3311/2"
    assert board.has(Path(3311, 2))


async def test_create_without_values(call: Call, board: Board) -> None:
    response = await call("create", path="/3303/4")
    assert response["path"] == "/3303/4"
    assert board.has(Path(3303, 4))


async def test_a_created_instance_gets_its_entity(
    hass: HomeAssistant, call: Call, board: Board
) -> None:
    response = await call("create", path="/3311", value={"5850": True})
    await board.updated()
    await settle(hass)
    assert state_at(hass, Path.parse(response["path"]) / 5850) == "on"


async def test_delete(call: Call, board: Board, hub: Hub, hass: HomeAssistant) -> None:
    response = await call("delete", path="/3311/1")
    assert response == {
        "endpoint": ENDPOINT,
        "path": "/3311/1",
        "name": "Light Control",
        "waiting": False,
    }
    assert not board.has(Path(3311, 1))
    await board.updated()
    await settle(hass)
    assert Path(3311, 1, 5850) not in hub.devices[ENDPOINT].resources.paths


async def test_delete_what_cannot_be_deleted(call: Call) -> None:
    with pytest.raises(HomeAssistantError) as error:
        await call("delete", path="/3/0")
    assert str(error.value) == "/3/0 of kitchen-board cannot be deleted (4.05 Method Not Allowed)"


# Write-Attributes


async def test_write_attributes(call: Call, board: Board) -> None:
    response = await call(
        "write_attributes", path=str(TEMPERATURE), pmin=10, pmax="60", gt=25.5, lt=-5, st=0.5
    )
    assert response == {
        "endpoint": ENDPOINT,
        "path": "/3303/0/5700",
        "name": "Sensor Value",
        "waiting": False,
    }
    assert {name: float(value) for name, value in board.attributes[TEMPERATURE].items()} == {
        "pmin": 10,
        "pmax": 60,
        "gt": 25.5,
        "lt": -5,
        "st": 0.5,
    }


async def test_unset_attributes(call: Call, board: Board) -> None:
    await call("write_attributes", path=str(TEMPERATURE), pmin=10, pmax=60)
    await call("write_attributes", path=str(TEMPERATURE), unset=["pmin"])
    assert board.attributes[TEMPERATURE] == {"pmax": "60"}


async def test_attributes_show_in_discover(call: Call) -> None:
    await call("write_attributes", path="/3303/0", epmin=1, epmax=2)
    response = await call("discover", path="/3303")
    assert response["links"]["/3303/0"]["attributes"] == {"epmin": "1", "epmax": "2"}


@pytest.mark.parametrize("edge", ["rising", "falling"])
async def test_what_the_device_does_not_know_is_told(call: Call, edge: str) -> None:
    """The board is of LwM2M 1.1, the attribute of 1.2."""
    with pytest.raises(HomeAssistantError, match="edge is not an attribute"):
        await call("write_attributes", path=str(ON_OFF), edge=edge)


# Composites


async def test_read_composite(call: Call) -> None:
    assert await call("read_composite", paths=["/3311/0", str(TEMPERATURE)]) == {
        "endpoint": ENDPOINT,
        "paths": ["/3303/0/5700", "/3311/0"],
        "resources": {
            "/3303/0/5700": {"name": "Sensor Value", "value": 21.5},
            "/3311/0/5750": {"name": "Application Type", "value": "Ceiling"},
            "/3311/0/5850": {"name": "On/Off", "value": False},
            "/3311/0/5851": {"name": "Dimmer", "value": 40},
        },
        "rejected": {},
    }


async def test_read_composite_of_one_path_in_a_text(call: Call) -> None:
    response = await call("read_composite", paths=str(TEMPERATURE))
    assert response["paths"] == ["/3303/0/5700"]


async def test_a_read_instance_leaves_its_siblings_known(call: Call, hub: Hub) -> None:
    device = hub.devices[ENDPOINT]
    await call("read", path=str(DATA))
    response = await call("read_composite", paths=[str(DATA / 7)])
    assert response["resources"]["/19/0/0"]["value"] == {"7": "AQ=="}
    assert device.resources.values[DATA] == {0: b"\x00", 7: b"\x01"}


async def test_write_composite(call: Call, board: Board, hub: Hub) -> None:
    response = await call(
        "write_composite",
        values={"/3311/0/5851": 70, "/3311/1": {"5850": "off"}, "/19/0/0/7": "/w=="},
    )
    assert response["resources"]["/3311/0/5851"] == {"name": "Dimmer", "value": 70}
    assert await board.written(DIMMER) == 70
    assert board.value(Path(3311, 1, 5850)) is False
    assert board.value(DATA) == {0: b"\x00", 7: b"\xff"}
    assert hub.devices[ENDPOINT].resources.values[DIMMER] == 70


async def test_instances_of_one_resource_are_written_together(call: Call, board: Board) -> None:
    await call("write_composite", values={"/19/0/0/7": "/w==", "/19/0/0/0": "AQ=="})
    assert board.value(DATA) == {0: b"\x01", 7: b"\xff"}


async def test_a_refused_composite_writes_nothing(call: Call, board: Board) -> None:
    with pytest.raises(HomeAssistantError):
        await call("write_composite", values={str(DIMMER): 70, str(TEMPERATURE): 1})
    assert board.value(DIMMER) == 40


async def test_refused_composite_names_its_paths(call: Call) -> None:
    with pytest.raises(HomeAssistantError) as error:
        await call("write_composite", values={str(DIMMER): 70, str(TEMPERATURE): 1})
    assert str(error.value).startswith(
        f"{DIMMER}, {TEMPERATURE} of kitchen-board cannot be written (4.05 "
    )


async def test_composite_that_a_sleeping_device_is_asked_for_names_a_few_of_its_paths(
    call: Call, hub: Hub
) -> None:
    hub.devices[ENDPOINT].client._exchanges.queue.queue_mode = True
    hub.devices[ENDPOINT].client._exchanges.queue.sleep()
    with pytest.raises(HomeAssistantError, match="/3303/0, /3303/1, /3303/2, /3303/3, /3303/4, …"):
        await call("read_composite", paths=[f"/3303/{instance}" for instance in range(9)])


async def test_actions_without_a_response(
    hass: HomeAssistant, device_id: str, board: Board
) -> None:
    for action, data in (
        ("create", {"path": "/3311/7", "value": {"5850": True}}),
        ("write_attributes", {"path": "/3311/7", "pmin": 1}),
        ("write_composite", {"values": {"/3311/7/5850": False}}),
        ("delete", {"path": "/3311/7"}),
    ):
        await hass.services.async_call(
            DOMAIN, action, {"device_id": device_id, **data}, blocking=True
        )
    await board.event(EventKind.DELETED, Path(3311, 7))


# What can go wrong


@pytest.mark.parametrize(
    ("action", "data", "message"),
    [
        (
            "create",
            {"path": "/3311/0/5850"},
            "/3311/0/5850 cannot be created. Give the path of an object or of an object instance",
        ),
        (
            "create",
            {"path": "/3311", "value": {"5851": 101}},
            "/3311/0/5851 takes no number above 100",
        ),
        (
            "delete",
            {"path": "/3311"},
            (
                "This cannot be done with /3311. Give the path of an object instance or"
                " a resource instance, such as /3303/1"
            ),
        ),
        (
            "write_attributes",
            {"path": "/3303/0/5700"},
            "Give at least one attribute for /3303/0/5700, to set or to unset",
        ),
        (
            "write_attributes",
            {"path": "/3303/0/5700", "pmin": 61, "pmax": 60},
            "For /3303/0/5700, pmin must not be greater than pmax",
        ),
        (
            "write_attributes",
            {"path": "/3303/0/5700", "pmin": 61, "unset": "pmin"},
            "pmin of /3303/0/5700 cannot be set and unset at once",
        ),
        (
            "read_composite",
            {"paths": ["/3303", "/3303/0"]},
            "/3303 contains /3303/0 already. Leave one of the two out",
        ),
        (
            "read_composite",
            {"paths": ["/3303", "kitchen"]},
            (
                "kitchen is not a path. A path is one to four numbers from 0 to 65534,"
                " such as /3303/0/5700"
            ),
        ),
        (
            "write_composite",
            {"values": {"/3311/0/5851": "bright"}},
            "/3311/0/5851 takes a whole number. What was given is a text",
        ),
        ("write_composite", {"values": {}}, "Give at least one path"),
    ],
)
async def test_mistake_of_the_caller(
    call: Call, action: str, data: dict[str, Any], message: str
) -> None:
    with pytest.raises(ServiceValidationError) as error:
        await call(action, **data)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("write_attributes", {"path": "/3303/0/5700", "pmin": -1}),
        ("write_attributes", {"path": "/3303/0/5700", "edge": "both"}),
        ("write_attributes", {"path": "/3303/0/5700", "unset": ["nothing"]}),
        ("read_composite", {"paths": []}),
        ("observe", {}),
    ],
)
async def test_data_of_the_wrong_form(call: Call, action: str, data: dict[str, Any]) -> None:
    with pytest.raises(vol.Invalid):
        await call(action, **data)
