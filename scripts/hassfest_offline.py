#!/usr/bin/env python3
"""Check the integration's data files, as far as that goes without Home Assistant's hassfest.

hassfest lives in Home Assistant's repository, not in its package; the workflow runs the real one.
This checks, offline: the manifest; services.yaml against Home Assistant's schema and against the
translations; the shape and the text of the translations and of icons.json; the rules of
quality_scale.yaml; and that each literal translation key, flow step and abort reason in the code is
translated. It doesn't know keys that the code puts together at run time.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
import re
import string
import sys
from typing import TYPE_CHECKING, Any

from awesomeversion import AwesomeVersion, AwesomeVersionException, AwesomeVersionStrategy
from homeassistant.const import Platform
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import _SERVICES_SCHEMA
from homeassistant.util.yaml import load_yaml_dict
from packaging.requirements import InvalidRequirement, Requirement
import voluptuous as vol

if TYPE_CHECKING:
    from collections.abc import Iterator

INTEGRATION = Path(__file__).parents[1] / "custom_components" / "lwm2m"

INTEGRATION_TYPES = ("device", "entity", "hardware", "helper", "hub", "service", "system")
IOT_CLASSES = (
    *("assumed_state", "calculated", "cloud_polling", "cloud_push"),
    *("local_polling", "local_push"),
)
QUALITY_SCALE_RULES = frozenset(
    """
    action-setup appropriate-polling brands common-modules config-flow config-flow-test-coverage
    dependency-transparency docs-actions docs-conditions docs-high-level-description
    docs-installation-instructions docs-removal-instructions docs-triggers entity-event-setup
    entity-unique-id has-entity-name runtime-data test-before-configure test-before-setup
    unique-config-entry

    action-exceptions config-entry-unloading docs-configuration-parameters
    docs-installation-parameters entity-unavailable integration-owner log-when-unavailable
    parallel-updates reauthentication-flow test-coverage

    devices diagnostics discovery discovery-update-info docs-data-update docs-examples
    docs-known-limitations docs-supported-devices docs-supported-functions docs-troubleshooting
    docs-use-cases dynamic-devices entity-category entity-device-class entity-disabled-by-default
    entity-translations exception-translations icon-translations reconfiguration-flow
    repair-issues stale-devices

    async-dependency inject-websession strict-typing
    """.split()
)


def _version(value: str) -> str:
    try:
        AwesomeVersion(value, ensure_strategy=AwesomeVersionStrategy.SEMVER)
    except AwesomeVersionException as err:
        raise vol.Invalid(str(err)) from err
    return value


def _requirement(value: str) -> str:
    try:
        Requirement(value)
    except InvalidRequirement as err:
        raise vol.Invalid(str(err)) from err
    return value


def _key(value: Any) -> str:
    if not re.fullmatch(r"[a-z0-9]+([_-][a-z0-9]+)*", value):
        raise vol.Invalid(f"{value!r} is no translation key")
    return str(value)


def _text(value: Any) -> str:
    """Accept what hassfest accepts as a translation."""
    text = cv.string_with_no_html(value)
    if text != text.strip():
        raise vol.Invalid("spaces around the text")
    if "[%" in text:
        raise vol.Invalid("a custom integration can't refer to other texts")
    if re.search(r"(https?|ftps?|mqtts?)://\S|www\.", text, re.IGNORECASE):
        raise vol.Invalid("addresses come in as placeholders")
    if re.search(r"'\{\w+\}'", text):
        raise vol.Invalid("a placeholder in single quotes")
    for _, field, _, _ in string.Formatter().parse(text):
        if field and not field.isidentifier():
            raise vol.Invalid(f"{field!r} is no name of a placeholder")
    return text


def _icon(value: Any) -> str:
    if not re.fullmatch(r"mdi:[a-z0-9-]+", cv.string(value)):
        raise vol.Invalid(f"{value!r} is no Material Design icon")
    return str(value)


def _described_data(step: dict[str, Any]) -> dict[str, Any]:
    if unknown := step.get("data_description", {}).keys() - step.get("data", {}).keys():
        raise vol.Invalid(f"describes fields that it doesn't name: {', '.join(sorted(unknown))}")
    return step


MANIFEST = vol.Schema(
    {
        vol.Required("domain"): INTEGRATION.name,
        vol.Required("name"): str,
        vol.Required("codeowners"): [vol.Match(r"@\S+$")],
        vol.Required("documentation"): vol.Match(r"https://"),
        vol.Required("integration_type"): vol.In(INTEGRATION_TYPES),
        vol.Required("iot_class"): vol.In(IOT_CLASSES),
        vol.Required("issue_tracker"): vol.Match(r"https://"),
        vol.Required("version"): _version,
        vol.Optional("after_dependencies"): [cv.slug],
        vol.Optional("config_flow"): bool,
        vol.Optional("dependencies"): [cv.slug],
        vol.Optional("loggers"): [str],
        vol.Optional("requirements"): [_requirement],
        vol.Optional("single_config_entry"): bool,
    }
)

TEXTS = {_key: _text}
NAMED = {vol.Optional("name"): _text, vol.Optional("state"): TEXTS}
STEP_PARTS = {vol.Optional("data"): {str: _text}, vol.Optional("data_description"): {str: _text}}
FLOW = {
    vol.Required("step"): {
        _key: vol.All(
            {
                **STEP_PARTS,
                vol.Optional("title"): _text,
                vol.Optional("description"): _text,
                vol.Optional("menu_options"): TEXTS,
                vol.Optional("menu_option_descriptions"): TEXTS,
                vol.Optional("submit"): _text,
                vol.Optional("sections"): {
                    _key: vol.All(
                        {
                            **STEP_PARTS,
                            vol.Optional("name"): _text,
                            vol.Optional("description"): _text,
                        },
                        _described_data,
                    )
                },
            },
            _described_data,
        )
    },
    vol.Optional("abort"): TEXTS,
    vol.Optional("create_entry"): TEXTS,
    vol.Optional("error"): TEXTS,
    vol.Optional("progress"): TEXTS,
}
DESCRIBED = {vol.Required("name"): _text, vol.Required("description"): _text}
TRANSLATIONS = vol.Schema(
    {
        vol.Optional("title"): _text,
        vol.Optional("config"): {**FLOW, vol.Optional("flow_title"): _text},
        vol.Optional("config_subentries"): {
            _key: {
                **FLOW,
                vol.Required("entry_type"): _text,
                vol.Required("initiate_flow"): {vol.Required("user"): _text, _key: _text},
            }
        },
        vol.Optional("options"): FLOW,
        vol.Optional("device"): {_key: {vol.Required("name"): _text}},
        vol.Optional("entity"): {
            vol.In([platform.value for platform in Platform]): {
                _key: {
                    **NAMED,
                    vol.Optional("state_attributes"): {_key: NAMED},
                    vol.Optional("unit_of_measurement"): _text,
                }
            }
        },
        vol.Optional("exceptions"): {_key: {vol.Required("message"): _text}},
        vol.Optional("issues"): {
            _key: {
                vol.Required("title"): _text,
                vol.Exclusive("description", "body"): _text,
                vol.Exclusive("fix_flow", "body"): FLOW,
            }
        },
        vol.Optional("selector"): {
            _key: {vol.Optional("options"): TEXTS, vol.Optional("unit_of_measurement"): TEXTS}
        },
        vol.Optional("services"): {
            _key: {
                **DESCRIBED,
                vol.Optional("fields"): {_key: DESCRIBED},
                vol.Optional("sections"): {_key: NAMED},
            }
        },
        vol.Optional("system_health"): {vol.Required("info"): TEXTS},
    }
)

ICON_OF = {
    vol.Optional("default"): _icon,
    vol.Optional("range"): {vol.Coerce(float): _icon},
    vol.Optional("state"): {str: _icon},
}
ICONS = vol.Schema(
    {
        vol.Optional("entity"): {
            cv.slug: {_key: {**ICON_OF, vol.Optional("state_attributes"): {_key: ICON_OF}}}
        },
        vol.Optional("services"): {
            _key: {vol.Required("service"): _icon, vol.Optional("sections"): {_key: _icon}}
        },
    }
)

STATUS = vol.In(("done", "todo"))
QUALITY_SCALE = vol.Schema(
    {
        vol.Required("rules"): {
            vol.In(QUALITY_SCALE_RULES): vol.Any(
                STATUS,
                {vol.Required("status"): STATUS, vol.Optional("comment"): str},
                {vol.Required("status"): "exempt", vol.Required("comment"): str},
            )
        }
    }
)


def _fits(name: str, schema: vol.Schema, data: Any) -> Iterator[str]:
    try:
        schema(data)
    except vol.MultipleInvalid as err:
        for error in err.errors:
            yield f"{name}: {' > '.join(map(str, error.path))}: {error.msg}"
    except vol.Invalid as err:
        yield f"{name}: {err}"


def _sorted_keys(name: str, data: Any, *first: str) -> Iterator[str]:
    keys = [key for key in data if key not in first]
    if list(data) != [*first, *sorted(keys)]:
        yield f"{name}: the keys are not sorted"


def _fields(service: dict[str, Any] | None) -> Iterator[str]:
    for name, field in ((service or {}).get("fields") or {}).items():
        if field and "fields" in field:
            yield from field["fields"]
        else:
            yield name


def _services(
    services: dict[str, Any], texts: dict[str, Any], icons: dict[str, Any]
) -> Iterator[str]:
    yield from _fits("services.yaml", _SERVICES_SCHEMA, services)
    named = {name for name in services if not name.startswith(".")}
    for what, others in (("translation", set(texts)), ("icon", set(icons))):
        for name in sorted(named ^ others):
            yield f"services.yaml: action {name} and its {what} do not both exist"
    for name in sorted(named & texts.keys()):
        for field in sorted({*_fields(services[name])} ^ texts[name].get("fields", {}).keys()):
            yield f"services.yaml: {name}: field {field} and its translation do not both exist"


def _string_keywords(file: Path) -> Iterator[tuple[str, str, int]]:
    """Yield each literal text that is passed by keyword: keyword, text, line."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.keyword(arg=str(keyword), value=ast.Constant(value=str(text))):
                yield keyword, text, node.value.lineno


def _code(texts: dict[str, Any]) -> Iterator[str]:
    flows = [texts.get("config", {}), texts.get("options", {})]
    flows += texts.get("config_subentries", {}).values()
    flows += [issue.get("fix_flow", {}) for issue in texts.get("issues", {}).values()]
    keys = {key for platform in texts.get("entity", {}).values() for key in platform}
    keys |= {key for part in ("exceptions", "issues", "selector") for key in texts.get(part, {})}
    keys |= texts.get("device", {}).keys()
    known = {
        "translation_key": keys,
        "step_id": {key for flow in flows for key in flow.get("step", {})},
        "reason": {key for flow in flows for key in flow.get("abort", {})},
    }
    for file in sorted(INTEGRATION.glob("*.py")):
        for keyword, text, line in _string_keywords(file):
            if keyword in known and text not in known[keyword]:
                yield f"{file.name}:{line}: {keyword} {text!r} is not translated"


def problems() -> Iterator[str]:
    """Yield one line for each thing that is wrong."""

    def load(name: str) -> dict[str, Any]:
        path = INTEGRATION / name
        if not path.exists():
            return {}
        if path.suffix == ".yaml":
            return load_yaml_dict(str(path))
        data: dict[str, Any] = json.loads(path.read_text())
        return data

    manifest = load("manifest.json")
    texts = load("translations/en.json")
    icons = load("icons.json")
    services = load("services.yaml")
    yield from _fits("manifest.json", MANIFEST, manifest)
    yield from _sorted_keys("manifest.json", manifest, "domain", "name")
    for file in sorted((INTEGRATION / "translations").glob("*.json")):
        name = f"translations/{file.name}"
        yield from _fits(name, TRANSLATIONS, load(name))
    yield from _fits("icons.json", ICONS, icons)
    for platform, entities in icons.get("entity", {}).items():
        for key in entities.keys() - texts.get("entity", {}).get(platform, {}).keys():
            yield f"icons.json: {platform} {key} is not translated"
    yield from _services(services, texts.get("services", {}), icons.get("services", {}))
    if quality_scale := load("quality_scale.yaml"):
        yield from _fits("quality_scale.yaml", QUALITY_SCALE, quality_scale)
        for rule in sorted(QUALITY_SCALE_RULES - quality_scale.get("rules", {}).keys()):
            yield f"quality_scale.yaml: rule {rule} is missing"
    yield from _code(texts)


def main() -> int:
    """Print what is wrong; return 1 if anything is."""
    found = list(problems())
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
