"""Letting devices in, and following them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
import socket
from typing import TYPE_CHECKING

from aiocoap import CHANGED, CON, CREATED, FORBIDDEN, POST, Message
from homeassistant.config_entries import SOURCE_IGNORE, ConfigFlowContext
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED, STATE_UNAVAILABLE, Platform
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.lwm2m import hub as hub_module
from custom_components.lwm2m.const import (
    CONF_ACCEPT_NEW_DEVICES,
    DOMAIN,
    LIFETIME_GRACE,
    AcceptNewDevices,
)
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.path import Path
from custom_components.lwm2m.protocol.server import Registered
from simulator.board import Board
from simulator.events import Event, EventKind

from .conftest import (
    ENDPOINT,
    KITCHEN,
    LOOPBACK,
    TEMPERATURE,
    RunBoard,
    cards,
    entity_at,
    settle,
    state_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from custom_components.lwm2m.hub import Hub, Lwm2mConfigEntry

EXPIRED = timedelta(seconds=60 + LIFETIME_GRACE + 1)
ASKED = {EventKind.READ, EventKind.OBSERVED}


async def ignore_the_card(hass: HomeAssistant) -> None:
    """Press Ignore on the only card, as the frontend does it."""
    (card,) = cards(hass)
    context = card["context"]
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context=ConfigFlowContext(source=SOURCE_IGNORE, discovery_key=context["discovery_key"]),
        data={"unique_id": context["unique_id"], "title": ENDPOINT},
    )
    await settle(hass)


async def stop_ignoring(hass: HomeAssistant) -> None:
    """Remove what remembers the ignored endpoint."""
    (ignored,) = (e for e in hass.config_entries.async_entries(DOMAIN) if e.source == SOURCE_IGNORE)
    await hass.config_entries.async_remove(ignored.entry_id)


def subentry_id(entry: Lwm2mConfigEntry) -> str:
    """Return the ID of the only subentry."""
    (found,) = entry.subentries
    return found


async def register_unheard(entry: Lwm2mConfigEntry, endpoint: str) -> EventKind:
    """Register a board once, and say whether it was let in."""
    kinds: list[Event] = []
    server = (LOOPBACK, entry.runtime_data.server.ports[Scheme.COAP])
    board = Board(KITCHEN, server=server, endpoint=endpoint)
    board.events.subscribe(kinds.append)
    await board.start()
    code = await board.update()
    await board.stop(deregister=False)
    assert code in (CREATED, CHANGED, FORBIDDEN)
    return kinds[0].kind


async def finish_start(hass: HomeAssistant) -> None:
    """Tell all that Home Assistant has started."""
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await settle(hass)


# Unknown endpoints


async def test_unknown_endpoint_is_offered_by_name(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """An endpoint that nobody approved raises a card with its name."""
    await run_board()
    (card,) = cards(hass)
    assert card["context"]["title_placeholders"] == {"name": ENDPOINT}


async def test_unknown_endpoint_is_not_asked_for_anything(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """Nothing is read from an endpoint before it is approved."""
    log: list[Event] = []
    board = await run_board(log)
    await board.update()
    await settle(hass)
    assert not ASKED & {event.kind for event in log}


async def test_unknown_endpoint_is_no_device(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, run_board: RunBoard
) -> None:
    """Only the server itself is in the device registry before approval."""
    await run_board()
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert device.entry_type is dr.DeviceEntryType.SERVICE


async def test_registering_again_raises_no_second_card(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """An endpoint has one card, however often it registers."""
    board = await run_board()
    await board.register()
    await settle(hass)
    assert len(cards(hass)) == 1


async def test_card_goes_when_the_endpoint_deregisters(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """What is gone is not offered."""
    board = await run_board()
    await board.stop()
    await settle(hass)
    assert not cards(hass)


async def test_card_goes_when_the_endpoint_expires(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """What has not updated its registration in time is not offered."""
    board = await run_board(lifetime=60)
    await board.go_silent()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=60 + LIFETIME_GRACE + 1))
    await settle(hass)
    assert not cards(hass)


async def test_card_goes_when_the_hub_unloads(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, run_board: RunBoard
) -> None:
    """A server that is not there offers nothing."""
    await run_board()
    await hass.config_entries.async_unload(entry.entry_id)
    assert not cards(hass)


async def test_card_waits_until_home_assistant_has_started(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """An endpoint that registers during the start is offered after it."""
    hass.set_state(CoreState.starting)
    await run_board()
    assert not cards(hass)
    await finish_start(hass)
    assert len(cards(hass)) == 1


async def test_card_that_waits_for_the_start_is_dropped_when_not_wanted_any_more(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """An endpoint that came and went during the start is not offered."""
    hass.set_state(CoreState.starting)
    board = await run_board()
    await board.stop()
    await finish_start(hass)
    assert not cards(hass)


async def test_unknown_endpoints_are_bounded(
    hass: HomeAssistant,
    hub: Hub,
    entry: Lwm2mConfigEntry,
    run_board: RunBoard,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Past a number of waiting endpoints, further ones are refused, and that is logged once."""
    monkeypatch.setattr(hub_module, "MAX_PENDING", 1)
    await run_board()
    refused = [await register_unheard(entry, name) for name in ("second", "third")]
    assert refused == [EventKind.REFUSED] * 2
    assert caplog.text.count("refusing further unknown endpoints") == 1


async def test_unknown_endpoints_are_bounded_when_they_come_all_at_once(
    hass: HomeAssistant, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as one step of the event loop takes from the socket."""
    monkeypatch.setattr(hub_module, "MAX_PENDING", 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        flood.connect((LOOPBACK, hub.server.ports[Scheme.COAP]))
        for number in range(5):
            register = Message(
                code=POST,
                _mtype=CON,
                _mid=number,
                _token=bytes([number]),
                uri_path=("rd",),
                uri_query=(f"ep=stranger-{number}",),
                payload=b"</3/0>",
            )
            flood.send(register.encode())
        async with asyncio.timeout(5):
            while hub.server.counters.registered + hub.server.counters.refused < 5:
                await asyncio.sleep(0)
    await settle(hass)

    assert hub.pending.keys() == {"stranger-0", "stranger-1"}


async def test_waiting_endpoint_may_register_again_when_no_other_may(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is for further endpoints."""
    monkeypatch.setattr(hub_module, "MAX_PENDING", 1)
    board = await run_board()
    assert await board.register() == CREATED


# Approval


async def test_approved_endpoint_gets_entities(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """An endpoint that is approved while it is registered shows its values at once."""
    await run_board()
    hub.async_approve(ENDPOINT)
    await settle(hass)
    assert state_at(hass, TEMPERATURE) == "21.5"


async def test_approval_takes_the_card_away(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """A device is not offered any more."""
    await run_board()
    hub.async_approve(ENDPOINT)
    assert not cards(hass)


async def test_approving_twice_is_harmless(hass: HomeAssistant, hub: Hub, board: Board) -> None:
    """Two windows may show the same card."""
    hub.async_approve(ENDPOINT)
    assert list(hub.devices) == [ENDPOINT]


async def test_endpoint_approved_in_advance_raises_no_card(
    hass: HomeAssistant, hub: Hub, board: Board
) -> None:
    """A device that was added by name is let in without a question."""
    assert not cards(hass)
    assert state_at(hass, TEMPERATURE) == "21.5"


async def test_accepting_at_once(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, run_board: RunBoard
) -> None:
    """With the option, an endpoint becomes a device when it first registers."""
    hass.config_entries.async_update_entry(
        entry, options={CONF_ACCEPT_NEW_DEVICES: AcceptNewDevices.AT_ONCE}
    )
    await run_board()
    assert [s.unique_id for s in entry.subentries.values()] == [ENDPOINT]
    assert not cards(hass)


async def test_many_waiting_endpoints_are_accepted_in_one_go(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, run_board: RunBoard
) -> None:
    """Each approval changes the entry, which must not pile up."""
    await run_board()
    like = hub.pending[ENDPOINT]
    for number in range(200):
        hub._on_event(Registered(replace(like, endpoint=f"board-{number}"), None))
    hass.config_entries.async_update_entry(
        entry, options={CONF_ACCEPT_NEW_DEVICES: AcceptNewDevices.AT_ONCE}
    )
    assert len(hub.devices) == 201
    assert not hub.pending


async def test_adding_a_device_does_not_disturb_others(
    hass: HomeAssistant, hub: Hub, board: Board, entry: Lwm2mConfigEntry
) -> None:
    """The server and the other devices run on when a device is added."""
    device = hub.devices[ENDPOINT]
    hub.async_approve("another")
    await settle(hass)
    assert entry.runtime_data is hub
    assert hub.devices[ENDPOINT] is device


# Ignoring


async def test_ignored_endpoint_is_refused(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, run_board: RunBoard
) -> None:
    """After Ignore the endpoint's Register is answered 4.03."""
    board = await run_board()
    await ignore_the_card(hass)
    assert await board.register() == FORBIDDEN


async def test_ignored_endpoint_raises_no_card(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """After Ignore the registration that is still there is not offered either."""
    board = await run_board()
    await ignore_the_card(hass)
    await board.update()
    await settle(hass)
    assert not cards(hass)


async def test_ignored_endpoint_is_not_accepted_at_once(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, run_board: RunBoard
) -> None:
    """Accepting new devices at once does not mean those that were ignored."""
    board = await run_board()
    await ignore_the_card(hass)
    hass.config_entries.async_update_entry(
        entry, options={CONF_ACCEPT_NEW_DEVICES: AcceptNewDevices.AT_ONCE}
    )
    await board.update()
    await settle(hass)
    assert not hub.devices


async def test_endpoint_comes_back_when_it_is_no_longer_ignored(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """Un-ignoring brings the card back when the endpoint registers next."""
    board = await run_board()
    await ignore_the_card(hass)
    await stop_ignoring(hass)
    await board.register()
    await settle(hass)
    assert len(cards(hass)) == 1


async def test_endpoint_that_is_still_registered_comes_back_at_once(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """Its next Update may be a day away."""
    await run_board()
    await ignore_the_card(hass)
    await stop_ignoring(hass)
    await settle(hass)
    assert len(cards(hass)) == 1


async def test_ignored_endpoint_can_be_added_by_name(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """What the owner adds by name counts for more than what was ignored before."""
    board = await run_board()
    await ignore_the_card(hass)
    hub.async_approve(ENDPOINT)
    assert await board.register() == CREATED


# Following devices


async def test_deregistered_device_is_unavailable(
    hass: HomeAssistant, hub: Hub, board: Board
) -> None:
    """Deregister takes the entities off."""
    await board.stop()
    await settle(hass)
    assert state_at(hass, TEMPERATURE) == STATE_UNAVAILABLE


async def test_expired_device_is_unavailable(
    hass: HomeAssistant, hub: Hub, run_board: RunBoard
) -> None:
    """A device that does not update its registration in time is unavailable."""
    hub.async_approve(ENDPOINT)
    board = await run_board(lifetime=60)
    await board.go_silent()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=60 + LIFETIME_GRACE + 1))
    await settle(hass)
    assert state_at(hass, TEMPERATURE) == STATE_UNAVAILABLE


async def test_device_returns(
    hass: HomeAssistant, hub: Hub, board: Board, run_board: RunBoard
) -> None:
    """A device that registers again is available again, with fresh values."""
    await board.stop()
    await run_board()
    assert state_at(hass, TEMPERATURE) == "21.5"


async def test_value_is_followed(hass: HomeAssistant, hub: Hub, board: Board) -> None:
    """A change on the board changes the state."""
    board.set(TEMPERATURE, 22.25)
    async with asyncio.timeout(5):
        while state_at(hass, TEMPERATURE) != "22.25":
            await asyncio.sleep(0)


async def test_new_instance_becomes_entities(hass: HomeAssistant, hub: Hub, board: Board) -> None:
    """What a device offers later, with an Update, shows as well."""
    board.add(Path(3303, 1), {5700: 4.0})
    await board.updated()
    await settle(hass)
    assert state_at(hass, Path(3303, 1, 5700)) == "4.0"


async def test_device_that_is_learnt_before_the_platforms_are_there(
    hass: HomeAssistant,
    entry: Lwm2mConfigEntry,
    run_board: RunBoard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A device may register while the platforms are still being set up."""
    forward = hass.config_entries.async_forward_entry_setups

    async def forward_late(entry: Lwm2mConfigEntry, platforms: Iterable[Platform]) -> None:
        entry.runtime_data.async_approve(ENDPOINT)
        board = await run_board(settled=False)
        await board.observed(Path(3311, 1))
        await forward(entry, platforms)

    monkeypatch.setattr(hass.config_entries, "async_forward_entry_setups", forward_late)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    assert state_at(hass, TEMPERATURE) == "21.5"


async def test_device_without_a_subentry_is_closed(
    hass: HomeAssistant, hub: Hub, board: Board, entry: Lwm2mConfigEntry
) -> None:
    """Removing a subentry ends its observations and removes its device and entities."""
    hass.config_entries.async_remove_subentry(entry, subentry_id(entry))
    board.set(TEMPERATURE, 30.0)
    await board.cancelled(TEMPERATURE.instance)
    await settle(hass)
    assert not hub.devices
    assert entity_at(hass, TEMPERATURE) is None


async def test_removal_of_a_device_is_in_the_log(
    board: Board, entry: Lwm2mConfigEntry, hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    hass.config_entries.async_remove_subentry(entry, subentry_id(entry))
    await settle(hass)
    assert f"Device {ENDPOINT} is removed" in caplog.messages


async def test_removed_device_is_not_offered_by_itself(
    hass: HomeAssistant, hub: Hub, board: Board, entry: Lwm2mConfigEntry
) -> None:
    """Who removes a device is not asked about it at once."""
    hass.config_entries.async_remove_subentry(entry, subentry_id(entry))
    await settle(hass)
    assert not cards(hass)


async def test_removed_device_is_offered_at_its_next_update(
    hass: HomeAssistant, hub: Hub, board: Board, entry: Lwm2mConfigEntry
) -> None:
    """A removed device that is still there can be added again."""
    hass.config_entries.async_remove_subentry(entry, subentry_id(entry))
    await board.update()
    await settle(hass)
    assert len(cards(hass)) == 1


async def test_device_can_be_added_again(
    hass: HomeAssistant, hub: Hub, board: Board, entry: Lwm2mConfigEntry
) -> None:
    """A device that was removed and is added again has its entities again."""
    hass.config_entries.async_remove_subentry(entry, subentry_id(entry))
    await settle(hass)
    hub.async_approve(ENDPOINT)
    await board.update()
    await settle(hass)
    assert state_at(hass, TEMPERATURE) == "21.5"
    assert er.async_get(hass).async_get(entity_at(hass, TEMPERATURE) or "")


async def test_renamed_device(
    hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry, device_id: str
) -> None:
    """A device is called what its subentry is called."""
    subentry = entry.subentries[subentry_id(entry)]
    hass.config_entries.async_update_subentry(entry, subentry, title="Kitchen")
    device = dr.async_get(hass).async_get(device_id)
    assert device is not None
    assert device.name == "Kitchen"


async def test_renamed_server(hass: HomeAssistant, hub: Hub, entry: Lwm2mConfigEntry) -> None:
    """The server's device is called what the entry is called."""
    hass.config_entries.async_update_entry(entry, title="Shed")
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert device.name == "Shed"
