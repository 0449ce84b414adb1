"""What the documentation says is so."""

from __future__ import annotations

from collections import defaultdict
import json
from pathlib import Path
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from homeassistant import components
import pytest
import yaml

from custom_components.lwm2m import services
from custom_components.lwm2m.connection_settings import ConnectionSettings, Sdk
from custom_components.lwm2m.discovery import DISCOVERY_SCHEMAS, PLATFORMS
from custom_components.lwm2m.entity import QUANTITY
from custom_components.lwm2m.key_material import make_certificate, make_private_key
from custom_components.lwm2m.protocol.coap import Scheme
from custom_components.lwm2m.protocol.dtls import ServerIdentity
from custom_components.lwm2m.protocol.model.registry import load_registry
from custom_components.lwm2m.protocol.security import PreSharedKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeassistant.const import Platform

    from custom_components.lwm2m.models import DiscoverySchema

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
INTEGRATION = ROOT / "custom_components" / "lwm2m"
TEXTS = json.loads((INTEGRATION / "translations/en.json").read_text())
ACTIONS = yaml.safe_load((INTEGRATION / "services.yaml").read_text())
MODELS = load_registry()
EXTREMES = {"minimum", "maximum", "reset_extremes"}
"""What the README says once, not for each object."""
MAX_IMAGES = 600 * 1024

SCHEMAS = {
    "read": services._TARGET_SCHEMA,
    "write": services._WRITE_SCHEMA,
    "execute": services._EXECUTE_SCHEMA,
    "discover": services._TARGET_SCHEMA,
    "create": services._CREATE_SCHEMA,
    "delete": services._TARGET_SCHEMA,
    "write_attributes": services._ATTRIBUTES_SCHEMA,
    "read_composite": services._TARGETS_SCHEMA,
    "write_composite": services._WRITE_COMPOSITE_SCHEMA,
    "observe": services._TARGETS_SCHEMA,
    "cancel_observation": services._TARGETS_SCHEMA,
}


def device_class_name(platform: Platform, device_class: str) -> str | None:
    texts = Path(components.__path__[0], platform, "translations/en.json").read_text()
    name: str | None = json.loads(texts)["entity_component"].get(device_class, {}).get("name")
    return name


def entity_name(schema: DiscoverySchema) -> str:
    """Name the entity of a row as Home Assistant does where the device names no instance."""
    description = schema.entity_description
    if key := description.translation_key or (not description.device_class and description.key):
        texts = TEXTS["entity"][schema.platform]
        words = dict(description.translation_placeholders or {})
        if quantity := words.get(QUANTITY):
            words[QUANTITY] = texts[f"quantity_{quantity}"]["name"]
        text: str = texts[key]["name"]
        return text.format(**words)
    device_class = description.device_class
    if device_class and (name := device_class_name(schema.platform, device_class)):
        return name
    model = MODELS.find_resource(schema.object_ids[0], schema.resource_id)
    assert model
    return model.name


def entity_list(schemas: Iterable[DiscoverySchema]) -> str:
    names: dict[str, list[str]] = defaultdict(list)
    for schema in schemas:
        if schema.entity_description.translation_key not in EXTREMES:
            names[schema.platform.replace("_", " ")].append(entity_name(schema))
    return "; ".join(
        f"{platform}: {', '.join(dict.fromkeys(names[platform]))}" for platform in sorted(names)
    )


def object_table() -> str:
    """Make the table of supported objects from the schemas."""
    lines = ["| Object | Entities | Disabled by default |", "| --- | --- | --- |"]
    for object_id in sorted({number for row in DISCOVERY_SCHEMAS for number in row.object_ids}):
        rows = [row for row in DISCOVERY_SCHEMAS if object_id in row.object_ids]
        enabled = [row for row in rows if row.entity_description.entity_registry_enabled_default]
        disabled = [row for row in rows if row not in enabled]
        model = MODELS.get(object_id)
        assert model
        cells = (f"{object_id} {model.name}", entity_list(enabled), entity_list(disabled))
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
    return "\n".join(lines)


def section(title: str) -> str:
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", README, re.DOTALL | re.MULTILINE)
    assert found, f"README.md has no section {title}"
    return found[1]


def examples() -> list[dict[str, Any]]:
    """Collect the calls of our actions in the README's YAML."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    steps = [
        step
        for block in blocks
        if isinstance(content := yaml.safe_load(block), dict)
        for step in content.get("actions", [])
    ]
    return [step for step in steps if step.get("action", "").startswith("lwm2m.")]


def slug(heading: str) -> str:
    """Make the anchor that GitHub gives to a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


def test_table_of_objects_is_that_of_the_schemas() -> None:
    table = "\n".join(re.findall(r"^\|.*$", section("Supported objects"), re.MULTILINE))
    assert table == object_table(), f"the table is now\n\n{object_table()}\n"


def test_table_names_each_platform() -> None:
    for platform in PLATFORMS:
        assert f"{platform.replace('_', ' ')}: " in object_table()


def test_each_action_has_an_example() -> None:
    assert {step["action"].removeprefix("lwm2m.") for step in examples()} == set(ACTIONS)


@pytest.mark.parametrize("step", examples(), ids=lambda step: step["action"])
def test_example_is_a_valid_call(step: dict[str, Any]) -> None:
    name = step["action"].removeprefix("lwm2m.")
    SCHEMAS[name](step["data"])
    assert step["data"].keys() <= ACTIONS[name]["fields"].keys()


@pytest.mark.parametrize("sdk", Sdk)
def test_settings_of_an_sdk_are_those_that_are_shown(sdk: Sdk) -> None:
    key = make_private_key()
    settings = ConnectionSettings(
        endpoint="kitchen-board",
        scheme=Scheme.COAPS,
        host="192.168.1.10",
        port=5684,
        server=ServerIdentity(key, (make_certificate(key, "LwM2M"),)),
        credential=PreSharedKey(b"kitchen-board", bytes(range(16))),
    )
    assert f"```\n{settings.of(sdk)}\n```" in README.replace("```sh", "```")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in target:
            continue
        name, _, anchor = unquote(target).partition("#")
        file = document.parent / name if name else document
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            assert anchor in map(slug, headings), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_it_names_exist(document: Path) -> None:
    named = re.findall(
        r"`((?:custom_components|docs|scripts|simulator|tests)/[\w./-]*)[ `]", document.read_text()
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_each_screenshot_is_shown() -> None:
    images = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/images").iterdir()}
    shown = {
        (document.parent / target).resolve().relative_to(ROOT).as_posix()
        for document in DOCUMENTS
        for target in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", document.read_text())
    }
    assert images == shown


def test_screenshots_are_small() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "docs/images").iterdir()) < MAX_IMAGES
