"""What a device profile changes of a board, and what becomes of a broken one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path as FilePath
import re
from typing import TYPE_CHECKING, Any

from homeassistant.const import CONF_PORT
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
import voluptuous as vol

from custom_components.lwm2m.const import DOMAIN
from custom_components.lwm2m.diagnostics import async_get_config_entry_diagnostics
from custom_components.lwm2m.profiles.files import SHIPPED, load_directory, parse
from custom_components.lwm2m.profiles.issues import MAX_MISFITS
from custom_components.lwm2m.profiles.profile import DeviceProfile, Identity, Scale
from custom_components.lwm2m.profiles.schema import read_profile
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.path import Path
from simulator.events import Event, EventKind

from .boards import Shown, showing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from homeassistant.core import HomeAssistant

    from custom_components.lwm2m.hub import Lwm2mConfigEntry
    from custom_components.lwm2m.profiles.profile import Profile

    from .boards import Show

DOCUMENT = FilePath(__file__).parents[2] / "docs" / "profiles.md"
DEVICE: dict[int, Any] = {0: "Acme", 1: "GH-1", 16: "U"}
TEMPERATURE: dict[int, Any] = {5700: 21.5, 5701: "Cel"}
NOW = datetime(2026, 11, 28, tzinfo=UTC)
FOR_ACME = "match: {manufacturer: Acme}\n"


def profile(text: str) -> Profile:
    """Read a profile from YAML."""
    return read_profile("test", parse(text))


def examples() -> list[str]:
    """Return the profiles that the documentation shows."""
    return re.findall(r"^```yaml\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(hass: HomeAssistant, tmp_path: FilePath) -> FilePath:
    """The folder of the user's profiles, in a configuration folder of its own."""
    hass.config.config_dir = str(tmp_path)
    folder = tmp_path / "lwm2m" / "profiles"
    folder.mkdir(parents=True)
    return folder


type ShowWith = Callable[..., Any]


@pytest.fixture
async def show_with(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, folder: FilePath
) -> AsyncIterator[ShowWith]:
    """Show a board of Acme under a profile."""
    stack: list[Any] = []

    async def show_with(text: str, instances: dict[str, dict[int, Any]], **settings: Any) -> Shown:
        (folder / "acme.yaml").write_text(FOR_ACME + text)
        assert await hass.config_entries.async_setup(entry.entry_id)
        assert not issues(hass)
        port = entry.runtime_data.server.ports[Scheme.COAP]
        hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: port})
        shows = showing(hass, entry.runtime_data)
        stack.append(shows)
        show: Show = await shows.__aenter__()
        return await show({"/3/0": DEVICE, **instances}, **settings)

    yield show_with
    for shows in stack:
        await shows.__aexit__(None, None, None)


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return the integration's issues by their ID."""
    return {
        issue_id: issue
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
    }


# How it shows


async def test_name_takes_the_place_of_the_usual_one(show_with: ShowWith) -> None:
    shown = await show_with("resources: {/3303/*/5700: {name: Soil}}", {"/3303/0": TEMPERATURE})
    assert shown.state("/3303/0/5700").name == "board Soil"


async def test_name_of_all_instances_is_told_apart(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3303/*/5700: {name: Soil}}",
        {"/3303/1": TEMPERATURE, "/3303/2": {**TEMPERATURE, 5750: "Bed"}},
    )
    assert shown.state("/3303/1/5700").name == "board Soil 1"
    assert shown.state("/3303/2/5700").name == "board Bed soil"


async def test_name_of_one_instance_is_whole(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3303/1/5700: {name: Soil}}", {"/3303/1": {**TEMPERATURE, 5750: "Bed"}}
    )
    assert shown.state("/3303/1/5700").name == "board Soil"


async def test_sensor_gets_another_class_unit_and_icon(show_with: ShowWith) -> None:
    shown = await show_with(
        """
resources:
  /3202/0/5600: {device_class: moisture, unit: "%", icon: "mdi:sprout", precision: 0}
""",
        {"/3202/0": {5600: 45.2}},
    )
    attributes = shown.state("/3202/0/5600").attributes
    assert attributes["device_class"] == "moisture"
    assert attributes["unit_of_measurement"] == "%"
    assert attributes["icon"] == "mdi:sprout"
    options = shown.entry("/3202/0/5600").options
    assert options["sensor"]["suggested_display_precision"] == 0


async def test_what_gets_another_class_is_called_by_it(show_with: ShowWith) -> None:
    """And has its icon: the table's would be that of any input."""
    shown = await show_with(
        "resources: {/3200/*/5500: {device_class: door}}",
        {"/3200/0": {5500: True}, "/3200/1": {5500: True, 5750: "Gate"}},
    )
    assert shown.state("/3200/0/5500").name == "board Door"
    assert shown.state("/3200/1/5500").name == "board Gate"
    assert shown.entry("/3200/0/5500").translation_key is None


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_extreme_of_another_class_is_still_called_one(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3202/0/5601: {device_class: moisture, unit: '%'}}",
        {"/3202/0": {5600: 45.2, 5601: 12.0}},
    )
    assert shown.state("/3202/0/5601").name == "board Minimum analog input"


async def test_unit_of_a_profile_beats_that_of_the_device(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3300/0/5700: {unit: hPa}}", {"/3300/0": {5700: 1013.0, 5701: "C"}}
    )
    attributes = shown.state("/3300/0/5700").attributes
    assert attributes["unit_of_measurement"] == "hPa"
    assert attributes["device_class"] == "pressure"


async def test_unit_that_does_not_suit_the_class_drops_the_class(show_with: ShowWith) -> None:
    """And the name stays, which was the class's."""
    shown = await show_with("resources: {/3303/0/5700: {unit: V}}", {"/3303/0": TEMPERATURE})
    state = shown.state("/3303/0/5700")
    assert state.attributes["unit_of_measurement"] == "V"
    assert "device_class" not in state.attributes
    assert state.name == "board Temperature"


@pytest.mark.parametrize(
    ("path", "values", "name"),
    [("/3303/0/5700", TEMPERATURE, "Temperature"), ("/3302/0/5500", {5500: True}, "Occupancy")],
)
async def test_name_stays_when_the_class_is_taken_away(
    show_with: ShowWith, path: str, values: dict[int, Any], name: str
) -> None:
    shown = await show_with(
        f"resources: {{{path}: {{device_class: null}}}}", {str(Path.parse(path).instance): values}
    )
    assert "device_class" not in shown.state(path).attributes
    assert shown.state(path).name == f"board {name}"


async def test_unit_holds_for_an_entity_of_before(
    hass: HomeAssistant, show_with: ShowWith, entry: Lwm2mConfigEntry, folder: FilePath
) -> None:
    shown = await show_with("", {"/3315/0": {5700: 101300.0, 5701: "Pa"}})
    assert shown.state("/3315/0/5700").attributes["unit_of_measurement"] == "hPa"
    (folder / "acme.yaml").write_text(FOR_ACME + "resources: {/3315/0/5700: {unit: bananas}}")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    state = shown.state("/3315/0/5700")
    assert state.attributes["unit_of_measurement"] == "bananas"
    assert state.name == "board Atmospheric pressure"


@pytest.mark.parametrize(
    ("settings", "shown_as"),
    [
        ("{unit: Wh}", ("1200.0", "Wh", "energy")),
        ("{device_class: gas, unit: m³}", ("1200.0", "m³", "gas")),
        ("{name: Heat pump}", ("1.2", "kWh", "energy")),
    ],
)
async def test_unit_of_a_profile_beats_the_usual_one_of_a_meter(
    show_with: ShowWith, settings: str, shown_as: tuple[str, str, str]
) -> None:
    shown = await show_with(
        f"resources: {{/3331/0/5700: {settings}}}", {"/3331/0": {5700: 1200.0, 5701: "Wh"}}
    )
    state = shown.state("/3331/0/5700")
    keys = ("unit_of_measurement", "device_class")
    assert (state.state, *(state.attributes[key] for key in keys)) == shown_as


async def test_precision_holds_for_the_unit_that_the_device_states(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3303/0/5700: {precision: 3}}", {"/3303/0": {5700: 70.0, 5701: "degF"}}
    )
    assert shown.entry("/3303/0/5700").options["sensor"]["suggested_display_precision"] == 3


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_number_that_is_a_name_still_has_no_unit(show_with: ShowWith) -> None:
    """Its model says percent."""
    shown = await show_with(
        "resources: {/4/0/9: {name: Network}}", {"/4/0": {9: 1}}, versions={4: "1.0"}
    )
    assert "unit_of_measurement" not in shown.state("/4/0/9").attributes


async def test_number_that_is_set_gets_another_class(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3308/0/5900: {device_class: temperature_delta}}",
        {"/3308/0": {5900: 3.0, 5701: "Cel"}},
    )
    assert shown.state("/3308/0/5900").attributes["device_class"] == "temperature_delta"


async def test_state_class_follows_a_new_device_class(show_with: ShowWith) -> None:
    shown = await show_with(
        'resources: {/3300/0/5700: {device_class: energy, unit: "kWh"}}', {"/3300/0": {5700: 7.0}}
    )
    assert shown.state("/3300/0/5700").attributes["state_class"] == "total"


async def test_state_class_and_category_are_taken(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3300/0/5700: {state_class: total_increasing, entity_category: diagnostic}}",
        {"/3300/0": {5700: 7.0}},
    )
    assert shown.state("/3300/0/5700").attributes["state_class"] == "total_increasing"
    assert shown.entry("/3300/0/5700").entity_category == "diagnostic"


async def test_what_does_not_fit_is_left_out_and_an_issue_until_it_is_mended(
    hass: HomeAssistant,
    show_with: ShowWith,
    entry: Lwm2mConfigEntry,
    folder: FilePath,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rules = "resources: {/3303/*/5700: {device_class: door, entity_category: config, name: Soil}}"
    shown = await show_with(rules, {"/3303/0": TEMPERATURE})
    assert shown.state("/3303/0/5700").attributes["device_class"] == "temperature"
    assert shown.state("/3303/0/5700").name == "board Soil"
    (issue,) = issues(hass).values()
    assert issue.translation_key == "profile_misfit"
    assert issue.translation_placeholders == {
        "file": "acme.yaml",
        "path": str(folder / "acme.yaml"),
        "misfits": (
            "/3303/0/5700: entity_category: config is for what can be set\n"
            "/3303/0/5700: device_class: door is no class of this kind of entity (sensor)"
        ),
    }
    assert caplog.text.count("door is no class") == 1
    (folder / "acme.yaml").write_text(FOR_ACME + "resources: {/3303/*/5700: {name: Soil}}")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not issues(hass)


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.parametrize(
    ("path", "setting", "values", "reason"),
    [
        ("/3303/0/5700", "device_class: enum", TEMPERATURE, "enum is for what is no number"),
        ("/3303/0/5700", "device_class: timestamp", TEMPERATURE, "timestamp is for what is no"),
        ("/3303/0/5700", "device_class: humidity", TEMPERATURE, "humidity has no unit °C"),
        ("/3202/0/5600", "device_class: moisture", {5600: 3.0}, "moisture needs a unit"),
        ("/3435/0/10", "device_class: temperature", {10: NOW}, "this is no number"),
        ("/3303/0/5700", "state_class: total", TEMPERATURE, "temperature has no state class total"),
        ("/3301/0/5700", "state_class: total_increasing", {5700: 7.0}, "illuminance has no state"),
        ("/3303/0/5700", "state_class: measurement_angle", TEMPERATURE, "temperature has no state"),
        ("/3202/0/5600", "state_class: measurement_angle", {5600: 3.0}, "is for degrees"),
        ("/3308/0/5900", "device_class: humidity", {5900: 3.0, 5701: "Cel"}, "no unit °C"),
        ("/3308/0/5900", "state_class: total", {5900: 3.0}, "it is for what is measured, not set"),
        ("/3342/0/5500", "unit: V", {5500: True, 5501: 3}, "this is no number"),
        ("/3/0/17", "device_class: temperature", {17: "12"}, "this is no number"),
        ("/3/0/17", "device_class: null", {17: "12"}, None),
        ("/3/0/11", "device_class: null", {11: {0: 0}}, "this is one of several words"),
        ("/3435/0/10", "device_class: uptime", {10: NOW}, None),
        ("/3300/0/5700", "device_class: voltage", {5700: 3.0, 5701: "mV"}, None),
        ("/3342/0/5500", "device_class: doorbell", {5500: True, 5501: 3}, "doorbell is"),
        ("/3342/0/5500", "device_class: button", {5500: True, 5501: 3}, None),
        ("/3342/0/5500", "device_class: window", {5500: True, 5501: 3}, None),
    ],
)
async def test_resource_keeps_what_it_is(
    hass: HomeAssistant,
    show_with: ShowWith,
    caplog: pytest.LogCaptureFixture,
    path: str,
    setting: str,
    values: dict[int, Any],
    reason: str | None,
) -> None:
    instance = str(Path.parse(path).instance)
    device = {**DEVICE, **values} if instance == "/3/0" else DEVICE
    shown = await show_with(
        f"resources: {{{path}: {{{setting}}}}}", {instance: values, "/3/0": device}
    )
    assert [
        state.state for entry in shown.entries(path) if (state := hass.states.get(entry.entity_id))
    ]
    placeholders = [issue.translation_placeholders or {} for issue in issues(hass).values()]
    told = "\n".join(each["misfits"] for each in placeholders)
    if reason:
        assert told.startswith(f"{path}: {setting.partition(':')[0]}: ")
        assert reason in told
        assert len(told.splitlines()) == 1
    else:
        assert not told
    assert "Traceback" not in caplog.text
    assert "create a bug report" not in caplog.text


async def test_rule_for_any_resource_is_for_those_that_it_fits(
    hass: HomeAssistant, show_with: ShowWith
) -> None:
    await show_with("resources: {/3303/*/*: {state_class: total}}", {"/3303/0": TEMPERATURE})
    assert not issues(hass)


async def test_misfits_are_bounded(hass: HomeAssistant, show_with: ShowWith) -> None:
    await show_with(
        "resources: {/3303/*/5700: {state_class: total}}",
        {f"/3303/{number}": TEMPERATURE for number in range(12)},
    )
    (issue,) = issues(hass).values()
    assert issue.translation_placeholders
    assert len(issue.translation_placeholders["misfits"].splitlines()) == MAX_MISFITS


async def test_entity_is_enabled_or_disabled(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3303/*/5601: {enabled: true}, /3303/0/5700: {enabled: false}}",
        {"/3303/0": {**TEMPERATURE, 5601: 3.0}},
    )
    assert shown.entry("/3303/0/5601").disabled_by is None
    assert shown.entry("/3303/0/5700").disabled_by is er.RegistryEntryDisabler.INTEGRATION


@pytest.mark.parametrize(
    ("disabled_by", "expected"),
    [
        (er.RegistryEntryDisabler.INTEGRATION, None),
        (er.RegistryEntryDisabler.USER, er.RegistryEntryDisabler.USER),
    ],
)
async def test_entity_of_before_it_was_enabled_is_enabled(
    hass: HomeAssistant,
    show_with: ShowWith,
    entry: Lwm2mConfigEntry,
    folder: FilePath,
    disabled_by: er.RegistryEntryDisabler,
    expected: er.RegistryEntryDisabler | None,
) -> None:
    """Unless its owner has disabled it."""
    shown = await show_with("", {"/3303/0": {**TEMPERATURE, 5601: 3.0}})
    entity_id = shown.entry("/3303/0/5601").entity_id
    er.async_get(hass).async_update_entity(entity_id, disabled_by=disabled_by)
    (folder / "acme.yaml").write_text(FOR_ACME + "resources: {/3303/0/5601: {enabled: true}}")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert shown.entry("/3303/0/5601").disabled_by is expected
    assert (hass.states.get(entity_id) is not None) is (expected is None)


async def test_hidden_object_has_no_entities(show_with: ShowWith) -> None:
    shown = await show_with("resources: {/3303: {hidden: true}}", {"/3303/0": TEMPERATURE})
    assert not shown.entries("/3303")


async def test_entity_of_before_it_was_hidden_is_removed(
    hass: HomeAssistant, show_with: ShowWith, entry: Lwm2mConfigEntry, folder: FilePath
) -> None:
    shown = await show_with("", {"/3303/0": TEMPERATURE})
    assert shown.entries("/3303")
    (folder / "acme.yaml").write_text(FOR_ACME + "resources: {/3303: {hidden: true}}")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not shown.entries("/3303")


# How its numbers are scaled


async def test_number_is_scaled(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3303/0/5700: {factor: 0.1, offset: -40}}", {"/3303/0": {5700: 617.0}}
    )
    assert shown.state("/3303/0/5700").state == "21.7"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_extremes_are_what_their_value_is(show_with: ShowWith) -> None:
    shown = await show_with(
        """
resources:
  /3202/0/5600: {device_class: moisture, unit: "%", factor: 0.1, offset: -1, precision: 0}
  /3202/0/5602: {factor: 1, offset: 0}
""",
        {"/3202/0": {5600: 452.0, 5601: 120.0, 5602: 90.0}},
    )
    assert shown.state("/3202/0/5600").state == "44.2"
    minimum, maximum = shown.state("/3202/0/5601"), shown.state("/3202/0/5602")
    assert (minimum.state, maximum.state) == ("11.0", "90.0")
    for state in (minimum, maximum):
        assert state.attributes["device_class"] == "moisture"
        assert state.attributes["unit_of_measurement"] == "%"
    assert minimum.name == "board Minimum moisture"
    options = shown.entry("/3202/0/5601").options
    assert options["sensor"]["suggested_display_precision"] == 0


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.parametrize(
    ("rules", "names"),
    [
        (
            "{/3303/0/5700: {name: Roof temperature}}",
            (
                "Roof temperature",
                "Minimum roof temperature",
                "Maximum roof temperature",
                "Reset minimum and maximum roof temperature",
            ),
        ),
        (
            "{/3303/*/5700: {name: Roof}}",
            (
                "Outdoor roof",
                "Outdoor minimum roof",
                "Outdoor maximum roof",
                "Reset Outdoor minimum and maximum roof",
            ),
        ),
        (
            "{/3303/0/5700: {name: Roof}, /3303/0/5601: {name: Night}}",
            ("Roof", "Night", "Maximum roof", "Reset minimum and maximum roof"),
        ),
    ],
)
async def test_extremes_are_named_as_their_value(
    show_with: ShowWith, rules: str, names: tuple[str, ...]
) -> None:
    values = {**TEMPERATURE, 5601: 1.0, 5602: 30.0, 5605: None, 5750: "Outdoor"}
    shown = await show_with(f"resources: {rules}", {"/3303/0": values})
    paths = ("/3303/0/5700", "/3303/0/5601", "/3303/0/5602", "/3303/0/5605")
    assert tuple(shown.state(path).name for path in paths) == tuple(f"board {n}" for n in names)


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_average_is_scaled_and_named_as_its_value(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3428/0/17: {name: Air, factor: 10}}", {"/3428/0": {17: 40.0, 18: 41.0}}
    )
    state = shown.state("/3428/0/18")
    assert (state.state, state.name) == ("410.0", "board Average air over 1 h")


@pytest.mark.parametrize(("factor", "bounds"), [(10, (-20, 50)), (-10, (-50, 20))])
async def test_range_of_a_number_is_scaled_with_it(
    show_with: ShowWith, factor: int, bounds: tuple[int, int]
) -> None:
    shown = await show_with(
        f"resources: {{/3203/0/5650: {{factor: {factor}}}}}",
        {"/3203/0": {5650: 1.0, 5603: -2.0, 5604: 5.0}},
    )
    attributes = shown.state("/3203/0/5650").attributes
    assert (attributes["min"], attributes["max"]) == bounds


async def test_number_that_is_set_is_scaled_back(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3308/0/5900: {factor: 0.1}}", {"/3308/0": {5900: 200.0, 5701: "Cel"}}
    )
    await shown.call("number.set_value", "/3308/0/5900", value=21.7)
    assert shown.board.value(Path(3308, 0, 5900)) == 217.0
    assert shown.state("/3308/0/5900").state == "21.7"


async def test_whole_number_is_set_to_a_whole_number(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3312/0/5851: {factor: 2.55, offset: 0}}",
        {"/3312/0": {5850: True, 5851: 10}},
    )
    state = shown.state("/3312/0/5851")
    assert (state.state, state.attributes["max"]) == ("25.5", 255.0)
    await shown.call("number.set_value", "/3312/0/5851", value=255)
    assert shown.board.value(Path(3312, 0, 5851)) == 100


async def test_dimmer_of_a_light_is_scaled(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3311/0/5851: {factor: 0.1}}", {"/3311/0": {5850: True, 5851: 100}}
    )
    assert shown.state("/3311/0/5850").attributes["brightness"] == 26


@pytest.mark.parametrize("number", [0, 1, 217, -40.5, 1e300, 1e-9])
def test_scale_can_be_undone(number: float) -> None:
    scale = Scale(0.1, -40)
    assert scale.to_device(scale.from_device(number)) == pytest.approx(number, abs=1e-9)


# How it reports


async def test_attributes_of_an_instance_are_written_where_it_is_observed(
    show_with: ShowWith,
) -> None:
    shown = await show_with(
        "resources: {/3303: {pmin: 10}, /3303/0: {pmax: 600}}",
        {"/3303/0": TEMPERATURE, "/3304/0": TEMPERATURE},
    )
    assert shown.board.attributes == {Path(3303, 0): {"pmin": "10", "pmax": "600"}}
    assert Path(3303, 0) in shown.device.following.observed


async def test_attributes_of_a_resource_have_its_instance_observed_by_resource(
    show_with: ShowWith,
) -> None:
    shown = await show_with(
        "resources: {/3303/0/5700: {st: 0.5}, /3303: {pmin: 10}}", {"/3303/0": TEMPERATURE}
    )
    assert {path for path in shown.device.following.observed if path.object_id == 3303} == {
        Path(3303, 0, 5700),
        Path(3303, 0, 5701),
    }
    assert shown.board.attributes == {
        Path(3303, 0, 5700): {"pmin": "10", "st": "0.5"},
        Path(3303, 0, 5701): {"pmin": "10"},
    }


async def test_threshold_is_written_to_numbers_alone(show_with: ShowWith) -> None:
    shown = await show_with("resources: {/3303/*/*: {st: 0.5}}", {"/3303/0": TEMPERATURE})
    assert shown.board.attributes == {Path(3303, 0, 5700): {"st": "0.5"}}


async def test_identity_is_told_of_attributes_too(show_with: ShowWith) -> None:
    """It is observed before it is known which profile the device has."""
    shown = await show_with("resources: {/3: {pmin: 30}}", {})
    assert shown.board.attributes == {Path(3, 0): {"pmin": "30"}}


async def test_attribute_that_the_device_has_already_is_not_written(
    hass: HomeAssistant, show_with: ShowWith
) -> None:
    shown = await show_with("resources: {/3303/0: {pmin: 10}}", {"/3303/0": TEMPERATURE})
    events: list[Event] = []
    shown.board.events.subscribe(events.append)
    await shown.board.register()
    await hass.async_block_till_done(wait_background_tasks=True)
    kinds = {event.kind for event in events if event.path == Path(3303, 0)}
    assert EventKind.OBSERVED in kinds
    assert EventKind.ATTRIBUTES not in kinds


async def test_attributes_follow_the_profile_after_a_reload(
    hass: HomeAssistant, show_with: ShowWith, entry: Lwm2mConfigEntry, folder: FilePath
) -> None:
    shown = await show_with("resources: {/3303: {pmin: 10, pmax: 60}}", {"/3303/0": TEMPERATURE})
    (folder / "acme.yaml").write_text(FOR_ACME + "resources: {/3303: {pmin: 20}}")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert shown.board.attributes == {Path(3303, 0): {"pmin": "20"}}


async def test_device_that_takes_no_attributes_is_observed_even_so(show_with: ShowWith) -> None:
    shown = await show_with(
        "resources: {/3303: {pmin: 10}}", {"/3303/0": TEMPERATURE}, takes_attributes=False
    )
    assert Path(3303, 0) in shown.device.following.observed
    assert shown.state("/3303/0/5700").state == "21.5"


async def test_instance_that_is_not_to_be_observed_is_read(
    hass: HomeAssistant, show_with: ShowWith, entry: Lwm2mConfigEntry, folder: FilePath
) -> None:
    shown = await show_with("resources: {/3303: {observe: false}}", {"/3303/0": TEMPERATURE})
    assert shown.device.following.polled == {Path(3303, 0)}
    assert shown.state("/3303/0/5700").state == "21.5"
    (folder / "acme.yaml").write_text(FOR_ACME)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    device = entry.runtime_data.devices["board"]
    assert not device.following.polled
    assert Path(3303, 0) in device.following.observed


async def test_profile_says_that_a_device_sleeps(hass: HomeAssistant, show_with: ShowWith) -> None:
    shown = await show_with("queue: {mode: true, awake_time: 7}", {"/3303/0": TEMPERATURE})
    await hass.async_block_till_done()
    assert shown.device.client.queue_mode
    assert shown.device.client._exchanges.queue.awake_time == 7
    assert hass.states.get("sensor.board_status")


async def test_profile_says_that_a_device_is_always_awake(show_with: ShowWith) -> None:
    shown = await show_with("queue: {mode: false}", {"/3303/0": TEMPERATURE}, queue_mode=True)
    await shown.board.update()
    assert not shown.device.client.queue_mode


async def test_diagnostics_name_the_profile_and_its_attributes(
    hass: HomeAssistant, show_with: ShowWith, entry: Lwm2mConfigEntry
) -> None:
    await show_with("resources: {/3303: {pmin: 10}}", {"/3303/0": TEMPERATURE})
    (device,) = (await async_get_config_entry_diagnostics(hass, entry))["devices"]
    assert device["profiles"] == ["acme.yaml"]
    assert device["attributes"] == {"/3303/0": {"pmin": 10}}


# Whom it is for


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ("manufacturer: acme", True),
        ("manufacturer: [Other, ACME]", True),
        ("manufacturer: Acm", False),
        ("model: GH-?", True),
        ("model: gh*", True),
        ("manufacturer: Acme, model: Other", False),
        ("object: 3303", True),
        ("object: [3303, 3304]", False),
        ("endpoint: greenhouse-*", True),
        ("endpoint: cellar", False),
    ],
)
def test_profile_fits_what_its_match_says(match: str, fits: bool) -> None:
    identity = Identity(
        endpoint="greenhouse-2",
        manufacturer="Acme ",
        model="GH-1",
        objects=frozenset({3, 3303}),
    )
    assert profile(f"match: {{{match}}}").match.fits(identity) is fits


def test_closest_rule_of_a_profile_counts() -> None:
    told = DeviceProfile(
        [
            profile("""
match: {model: X}
resources:
  /3303/0/5700: {name: This}
  /3303/*/5700: {name: Any, precision: 1}
  /3303: {enabled: false}
""")
        ]
    )
    assert told.settings(Path(3303, 0, 5700)) == {
        "name": "This",
        "whole_name": True,
        "precision": 1,
        "enabled": False,
    }
    assert told.settings(Path(3304, 0, 5700)) == {}


def test_path_needs_no_leading_slash() -> None:
    """As in the actions; `3303` alone is a number in YAML."""
    told = DeviceProfile(
        [
            profile("""
match: {model: X}
resources:
  3303/0/5700: {name: This}
  3303: {enabled: false}
""")
        ]
    )
    settings = told.settings(Path(3303, 0, 5700))
    assert (settings["name"], settings["enabled"]) == ("This", False)


def test_later_profile_counts_more() -> None:
    told = DeviceProfile(
        [
            profile("{match: {model: X}, resources: {/3303/0/5700: {name: Old, precision: 2}}}"),
            profile("{match: {model: X}, resources: {/3303: {enabled: true}}}"),
            profile("{match: {model: X}, resources: {/3303/*/5700: {name: New}}}"),
        ]
    )
    settings = told.settings(Path(3303, 0, 5700))
    assert (settings["name"], settings["whole_name"]) == ("New", False)
    assert (settings["precision"], settings["enabled"]) == (2, True)


# The files


@pytest.mark.parametrize("example", examples())
def test_documented_profile_is_valid(example: str) -> None:
    assert profile(example).match


def test_profiles_that_ship_are_valid() -> None:
    profiles, errors = load_directory(SHIPPED)
    assert profiles
    assert not errors


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("- match", "expected keys and their values"),
        ("match: [", "line 2, column 1: "),
        ("a: b: c", "line 1, column 5: "),
        ("resources: {}", "match: is missing"),
        ("match: {}", "match: expected an endpoint, a manufacturer, a model or an object"),
        ("match: {model: ''}", "match: model: expected a text"),
        ("match: {object: 70000}", "expected an object ID from 0 to 65534"),
        ("{match: {model: X}, matches: 1}", "matches: not a valid option"),
        ("{match: {model: X}, queue: {awake_time: 0}}", "queue: awake_time: expected a number"),
        ("{match: {model: X}, queue: {mode: maybe}}", "queue: mode: expected true or false"),
        ("{match: {model: X}, resources: []}", "resources: expected paths"),
    ],
)
def test_broken_file_is_said_to_be_so(tmp_path: FilePath, text: str, reason: str) -> None:
    (tmp_path / "broken.yaml").write_text(text)
    profiles, errors = load_directory(tmp_path)
    assert not profiles
    assert reason in errors["broken.yaml"]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("3303/0/5700/0: {name: X}", "is no path such as"),
        ("/3303/0/5700/0: {name: X}", "is no path such as"),
        ("/3303/x: {pmin: 1}", "'x' in '/3303/x' is neither an ID nor *"),
        ("/*/0/5700: {name: X}", "is no path such as"),
        ("/3303: {name: X}", "/3303: name: is said of a resource, such as"),
        ("/3303/0/5700: {observe: false}", "observe: is said of an object or an instance"),
        ("/3303/0: {st: 1}", "st: is said of a resource"),
        ("/3303/0/5700: {pmin: 10, pmax: 5}", "pmin is greater than pmax"),
        ("/3303/0/5700: {gt: 1, lt: 2}", "gt is not greater than lt"),
        ("/3303/0/5700: {pmin: soon}", "pmin: expected a whole number of seconds"),
        ("/3303/0/5700: {factor: 0}", "factor: 0 is no factor"),
        ("/3303/0/5700: {factor: .inf}", "factor: expected a number"),
        ("/3303/0/5700: {device_class: temprature}", "device_class: 'temprature' is no device"),
        ("/3303/0/5700: {device_class: voltage, unit: kg}", "unit: voltage has no unit 'kg'"),
        (
            "/3303/0/5700: {device_class: energy, state_class: measurement}",
            "state_class: energy has no state class measurement",
        ),
        ("/3303/0/5700: {state_class: rising}", "state_class: expected measurement, "),
        ("/3303/0/5700: {entity_category: main}", "entity_category: expected config, diagnostic"),
        ("/3303/0/5700: {precision: x}", "precision: expected a whole number from 0 to 10"),
        ("/3303/0/5700: Soil", "/3303/0/5700: expected keys and their values"),
        ("/3303/0/5700: {colour: red}", "colour: not a valid option"),
    ],
)
def test_broken_rule_is_said_to_be_so(tmp_path: FilePath, rule: str, reason: str) -> None:
    (tmp_path / "broken.yml").write_text(f"match: {{model: X}}\nresources:\n  {rule}\n")
    _, errors = load_directory(tmp_path)
    assert reason in errors["broken.yml"]
    assert errors["broken.yml"].startswith("resources: ")


def test_mistakes_of_a_file_are_told_together(tmp_path: FilePath) -> None:
    (tmp_path / "broken.yaml").write_text("{matches: 1, resource: {}}")
    _, errors = load_directory(tmp_path)
    assert len(errors["broken.yaml"].splitlines()) == 3


def test_huge_file_is_not_read(tmp_path: FilePath) -> None:
    (tmp_path / "huge.yaml").write_text("#" * 300_000)
    _, errors = load_directory(tmp_path)
    assert "larger than" in errors["huge.yaml"]


def test_file_that_is_no_text_is_not_read(tmp_path: FilePath) -> None:
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "tower.yaml").write_text("[" * 20_000 + "]" * 20_000)
    _, errors = load_directory(tmp_path)
    assert errors == {
        "picture.yaml": "the file is no text in UTF-8",
        "folder.yaml": "the file cannot be read: Is a directory",
        "tower.yaml": "expected keys and their values, such as `name: Soil`",
    }


def test_folder_that_is_a_file_is_said_to_be_so(tmp_path: FilePath) -> None:
    (tmp_path / "profiles").write_text("")
    _, errors = load_directory(tmp_path / "profiles")
    assert errors.keys() == {""}


async def test_broken_profile_is_an_issue_until_it_is_mended(
    hass: HomeAssistant, entry: Lwm2mConfigEntry, folder: FilePath, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "broken.yaml").write_text("match: {}")
    (folder / "good.yaml").write_text("match: {model: X}")
    await async_setup_component(hass, DOMAIN, {})
    (issue,) = issues(hass).values()
    assert issue.translation_key == "broken_profile"
    assert issue.translation_placeholders
    assert issue.translation_placeholders["file"] == "broken.yaml"
    assert issue.translation_placeholders["path"] == str(folder / "broken.yaml")
    assert issue.translation_placeholders["error"] in caplog.text
    (folder / "broken.yaml").write_text("match: {model: X}")
    await hass.config_entries.async_reload(entry.entry_id)
    assert not issues(hass)


def test_error_elsewhere_is_no_profile() -> None:
    with pytest.raises(vol.Invalid):
        profile("- a list")
