"""What a diagnostics file tells, and what it must not tell."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

from aiocoap import FORBIDDEN
from homeassistant.components.diagnostics import REDACTED
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.json import ExtendedJSONEncoder
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.diagnostics import (
    MAX_SOURCES,
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.errors import ClientRefused
from custom_components.lwm2m.protocol.node import Decoded
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.security import SecurityEventType
from custom_components.lwm2m.redaction import redact_endpoint, redact_settings, redact_value
from simulator.blueprint import Blueprint
from simulator.board import Board
from simulator.errors import RefusedError

from .conftest import ENDPOINT, LOOPBACK, RunBoard

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigSubentry
    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry
    from custom_components.lwm2m.protocol.node import Value, Values

    from .boards import Show, Shown

SECRET = "hunter2-351358811234567"
NUMBER = 351358811234567
SENSOR: dict[int, Any] = {5700: 21.5, 5701: "Cel"}


async def of_entry(hass: HomeAssistant, entry: Lwm2mConfigEntry) -> dict[str, Any]:
    """Return an entry's diagnostics as the file has them."""
    return as_file(await async_get_config_entry_diagnostics(hass, entry))


async def of_device(shown: Shown, entry: Lwm2mConfigEntry) -> dict[str, Any]:
    """Return the part of a device's diagnostics that is its own."""
    device_entry = dr.async_get(shown.hass).async_get_device_by_identifier(
        (DOMAIN, shown.device.unique_id), entry.entry_id
    )
    assert device_entry
    diagnostics = await async_get_device_diagnostics(shown.hass, entry, device_entry)
    device: dict[str, Any] = as_file(diagnostics)["device"]
    return device


def as_file(diagnostics: dict[str, Any]) -> dict[str, Any]:
    file: dict[str, Any] = json.loads(json.dumps(diagnostics, cls=ExtendedJSONEncoder))
    return file


# What it tells


async def test_resource_has_its_name_value_and_unit(show: Show, entry: Lwm2mConfigEntry) -> None:
    shown = await show({"/3/0": {9: 87, 16: "U"}})

    resources = (await of_device(shown, entry))["resources"]

    assert resources["/3/0/9"] == {
        "name": "Battery Level",
        "type": "integer",
        "unit": "/100",
        "value": 87,
    }


async def test_object_has_its_name_and_version(show: Show, entry: Lwm2mConfigEntry) -> None:
    shown = await show({"/3303/0": SENSOR})

    objects = (await of_device(shown, entry))["objects"]

    assert objects["3303"]["name"] == "Temperature"


async def test_registration_is_described(show: Show, entry: Lwm2mConfigEntry) -> None:
    shown = await show({"/3303/0": SENSOR}, lifetime=300)

    registration = (await of_device(shown, entry))["registration"]

    assert registration["lifetime"] == 300
    assert "/3303/0" in registration["instances"]


async def test_device_tells_how_it_is_secured(
    hass: HomeAssistant, hub: Hub, secured: ConfigSubentry, entry: Lwm2mConfigEntry
) -> None:
    hub.server.security.report(SecurityEventType.WRONG_KEY, LOOPBACK, endpoint=ENDPOINT)

    (device,) = (await of_entry(hass, entry))["devices"]

    assert device["security"] == "pre_shared_key"
    assert device["security_events"] == {"wrong_key": 1}


async def test_sources_of_incidents_are_told_apart_without_their_addresses(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    for source, times in (("192.0.2.1", 1), ("2001:db8::1", 3), ("fe80::1%eth0", 2)):
        for _ in range(times):
            hub.server.security.report(SecurityEventType.WRONG_KEY, source)

    server = (await of_entry(hass, entry))["server"]

    assert [
        (source["family"], source["link_local"], source["events"])
        for source in server["security_sources"]
    ] == [
        ("IPv6", False, {"wrong_key": 3}),
        ("IPv6", True, {"wrong_key": 2}),
        ("IPv4", False, {"wrong_key": 1}),
    ]
    assert all(text not in str(server) for text in ("192.0.2.1", "2001:db8", "fe80"))


async def test_many_sources_of_incidents_are_not_all_listed(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    for number in range(MAX_SOURCES + 1):
        hub.server.security.report(SecurityEventType.FLOOD, f"192.0.2.{number}")

    assert len((await of_entry(hass, entry))["server"]["security_sources"]) == MAX_SOURCES


async def test_device_that_is_gone_has_no_registration(show: Show, entry: Lwm2mConfigEntry) -> None:
    shown = await show({"/3303/0": SENSOR})

    await shown.board.stop()
    await shown.hass.async_block_till_done(wait_background_tasks=True)

    assert (await of_device(shown, entry))["registration"] is None


async def test_observed_and_polled_paths_are_listed(show: Show, entry: Lwm2mConfigEntry) -> None:
    shown = await show(
        {"/3303/0": SENSOR, "/3304/0": SENSOR}, observable=lambda path: path == Path(3303, 0)
    )

    device = await of_device(shown, entry)

    assert device["observed"] == ["/3303/0"]
    assert device["polled"] == ["/3304/0"]
    assert device["refused"] == ["/3304/0"]


async def test_what_actions_observe_is_listed(show: Show, entry: Lwm2mConfigEntry) -> None:
    shown = await show({"/3303/0": SENSOR})

    await shown.device.manual.async_observe((Path(3303, 0, 5700),))

    assert (await of_device(shown, entry))["observed_by_actions"] == [["/3303/0/5700"]]


async def test_sleep_is_told(show: Show, entry: Lwm2mConfigEntry) -> None:
    shown = await show({"/3303/0": SENSOR}, queue_mode=True)
    assert (await of_device(shown, entry))["awake"] is True

    shown.device.async_presence(awake=False, waiting=2)

    device = await of_device(shown, entry)
    assert (device["awake"], device["waiting"]) == (False, 2)


async def test_failure_is_told_without_the_endpoint(show: Show, entry: Lwm2mConfigEntry) -> None:
    shown = await show({"/3303/0": SENSOR})
    name = shown.device.endpoint
    refusal = ClientRefused(name, Path(3303, 0), FORBIDDEN, f"{name} may not be asked")
    shown.device.note(refusal)

    failure = (await of_device(shown, entry))["failures"][-1]

    assert failure["error"] == "client_refused"
    assert failure["path"] == "/3303/0"
    assert failure["endpoint"] == REDACTED
    assert failure["diagnostic"] == f"{REDACTED} may not be asked"


async def test_refused_request_is_a_failure(show: Show, entry: Lwm2mConfigEntry) -> None:
    def refuse(path: Path) -> bool:
        raise RefusedError(FORBIDDEN)

    shown = await show({"/3303/0": SENSOR}, observable=refuse)

    failures = (await of_device(shown, entry))["failures"]

    assert [failure["path"] for failure in failures] == ["/3303/0", "/3303/0/5700"]


async def test_misfit_is_told(show: Show, entry: Lwm2mConfigEntry) -> None:
    shown = await show({"/3303/0": SENSOR})
    shown.device.async_apply(Decoded(rejected={Path(3303, 0, 5700): "not a finite number"}))

    misfits = (await of_device(shown, entry))["misfits"]

    assert misfits == {"/3303/0/5700": "not a finite number"}


async def test_entities_are_listed_disabled_ones_too(show: Show, entry: Lwm2mConfigEntry) -> None:
    shown = await show({"/3303/0": SENSOR | {5601: 1.0}})

    entities = (await of_device(shown, entry))["entities"]

    disabled = {entity["key"].rpartition("-")[0]: entity["disabled_by"] for entity in entities}
    assert disabled.items() >= {"3303-0-5700": None, "3303-0-5601": "integration"}.items()


async def test_entry_lists_its_devices_and_the_traffic(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, board: Board
) -> None:
    diagnostics = await of_entry(hass, entry)

    assert len(diagnostics["devices"]) == 1
    assert diagnostics["server"]["registrations"] == 1
    assert diagnostics["server"]["counters"]["registered"] == 1
    assert diagnostics["server"]["counters"]["coap"]["datagrams_in"] > 0


async def test_entry_lists_who_waits_for_approval(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, run_board: RunBoard
) -> None:
    await run_board()

    (pending,) = (await of_entry(hass, entry))["pending"]

    assert "/3303/0" in pending["instances"]


async def test_entry_that_cannot_be_set_up_has_diagnostics(hass: HomeAssistant) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as neighbour:
        neighbour.bind((LOOPBACK, 0))
        port = neighbour.getsockname()[1]
        entry = MockConfigEntry(
            domain=DOMAIN, data={CONF_HOST: LOOPBACK, CONF_PORT: port}, minor_version=2
        )
        entry.add_to_hass(hass)
        await hass.config_entries.async_setup(entry.entry_id)

        diagnostics = await of_entry(hass, entry)

    assert diagnostics["entry"]["state"] == "setup_retry"
    assert diagnostics["entry"]["data"][CONF_PORT] == port


# What it must not tell


async def test_no_secret_of_a_device_is_in_the_file(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry
) -> None:
    """A board with a secret in all places that the file draws from."""
    endpoint = f"urn:imei:{SECRET}"
    planted: Values = {
        Path(3, 0, 0): "Acme",
        Path(3, 0, 2): SECRET,
        Path(4, 0, 4): {0: SECRET},
        Path(4, 0, 8): NUMBER,
        Path(4, 0, 12): NUMBER,
        Path(5, 0, 1): f"coap://{SECRET}@example.com/",
        Path(6, 0, 0): float(NUMBER),
        Path(6, 0, 1): float(NUMBER),
        Path(6, 0, 4): SECRET.encode(),
        Path(12, 0, 5): SECRET,
        Path(12, 0, 17): SECRET,
        Path(19, 0, 0): {0: SECRET.encode()},
        Path(65000, 0, 1): SECRET,
        Path(65000, 0, 2): NUMBER,
    }
    parameters = {"d": SECRET, "sms": str(NUMBER)}
    hub.async_approve(endpoint)
    async with Board(
        Blueprint(name=endpoint, instances={Path(3303, 0): SENSOR}),
        server=(LOOPBACK, hub.server.ports[Scheme.COAP]),
        attributes=parameters,
    ) as board:
        await board.registered()
        await hass.async_block_till_done(wait_background_tasks=True)
        hub.devices[endpoint].async_apply(Decoded(planted))

        text = json.dumps(await of_entry(hass, entry))

        assert "Acme" in text
        assert SECRET not in text
        assert str(NUMBER) not in text
        assert SECRET.encode().hex() not in text
        assert hub.server.registrations[endpoint].id not in text


async def test_address_of_a_device_is_not_in_the_file(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, board: Board
) -> None:
    assert LOOPBACK not in json.dumps(await of_entry(hass, entry))


async def test_names_are_not_in_the_file(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, board: Board
) -> None:
    text = json.dumps(await of_entry(hass, entry))

    assert ENDPOINT not in text
    assert entry.title not in text


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/3/0/2", "SN-1"),
        ("/4/0/8", 1234),
        ("/4/0/12", 1234),
        ("/6/0/0", 52.5),
        ("/6/0/1", 13.4),
        ("/6/0/2", 34.0),
        ("/3336/0/5514", "52.5"),
        ("/3341/0/5527", "Dear Anna"),
        ("/24/0/8", "hunter2"),
    ],
)
def test_personal_value_is_hidden(hub: Hub, path: str, value: Value) -> None:
    resource = Path.parse(path)
    model = hub.models.find_resource(resource.object_id, resource.resource_id)
    assert model
    assert redact_value(value, model) == REDACTED


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/3/0/0", "Acme"),
        ("/3/0/3", "1.2.3"),
        ("/3/0/9", 87),
        ("/3303/0/5700", 21.5),
        ("/3303/0/5701", "Cel"),
        ("/3311/0/5850", True),
        ("/3311/0/5706", "#FFB46B"),
        ("/3341/0/5527", ""),
    ],
)
def test_harmless_value_is_shown(hub: Hub, path: str, value: Value) -> None:
    resource = Path.parse(path)
    model = hub.models.find_resource(resource.object_id, resource.resource_id)
    assert redact_value(value, model) == value


async def test_error_codes_are_shown(hub: Hub) -> None:
    assert redact_value({0: 1, 1: 3}, hub.models.find_resource(3, 11)) == {"0": 1, "1": 3}


async def test_opaque_value_is_its_length(hub: Hub) -> None:
    assert redact_value(b"\x00\x01", hub.models.find_resource(19, 0)) == {"bytes": 2}


@pytest.mark.parametrize("value", ["text", 17, 1.5, True])
def test_value_without_a_model_is_hidden(value: Value) -> None:
    assert redact_value(value, None) == REDACTED


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("urn:imei:490154203237518", f"urn:imei:{REDACTED}"),
        ("URN:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", f"URN:uuid:{REDACTED}"),
        ("nrf-351358811234567", REDACTED),
    ],
)
def test_endpoint_keeps_its_scheme_only(endpoint: str, shown: str) -> None:
    assert redact_endpoint(endpoint) == shown


@pytest.mark.parametrize("key", ["psk", "psk_identity", "private_key", "password", "host", "title"])
def test_setting_that_is_personal_is_hidden(key: str) -> None:
    assert redact_settings({"list": [{key: SECRET}]}) == {"list": [{key: REDACTED}]}


def test_other_settings_are_shown() -> None:
    settings = {"port": 5683, "accept_new_devices": "at_once"}
    assert redact_settings(settings) == settings
