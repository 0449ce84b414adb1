"""The repository's files agree with each other and with Home Assistant."""

from __future__ import annotations

import json
from pathlib import Path
import re
import shutil
import subprocess
import tomllib
from typing import Any

import homeassistant
from homeassistant import bootstrap
from homeassistant.auth.mfa_modules import notify, totp
from homeassistant.util.package import is_installed
import pytest

from scripts import hassfest_offline

ROOT = Path(__file__).parents[1]
INTEGRATION = ROOT / "custom_components" / "lwm2m"
CORE_INTEGRATIONS = Path(homeassistant.__file__).parent / "components"

# Voice assistants need these; they have no wheels, and the demo starts without them.
NOT_INSTALLED = {"pymicro-vad", "pyspeex-noise"}


def manifest(folder: Path = INTEGRATION) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


def files() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def test_the_placeholder_of_the_address_is_where_the_documentation_says() -> None:
    documented = re.findall(r"^- `(\S+)`:", (ROOT / "docs/releasing.md").read_text(), re.MULTILINE)
    found = {
        str(path.relative_to(ROOT))
        for path in files()
        if b"OWNER/REPOSITORY" in path.read_bytes() and path != Path(__file__)
    }
    assert "custom_components/lwm2m/manifest.json" in found
    assert found <= set(documented)


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == manifest()["version"]


def test_the_integration_is_tested_with_what_it_requires() -> None:
    lines = (ROOT / "requirements/dev.in").read_text().splitlines()
    assert set(manifest()["requirements"]) <= set(lines)


@pytest.mark.parametrize("name", ["build", "dev", "tools"])
def test_locked_requirements_name_no_address(name: str) -> None:
    lock = (ROOT / f"requirements/{name}.txt").read_text()
    assert "--hash=sha256:" in lock
    assert "://" not in lock


def test_home_assistant_starts_with_nothing_left_to_install() -> None:
    """What the demo loads is in the environment, in the versions that Home Assistant wants."""
    waiting = {*bootstrap.DEFAULT_INTEGRATIONS, *bootstrap.CORE_INTEGRATIONS}
    waiting |= {"config", "energy", "frontend", "history", "logbook", "logger"}
    loaded: set[str] = set()
    requirements = {*notify.REQUIREMENTS, *totp.REQUIREMENTS}
    while waiting:
        domain = waiting.pop()
        loaded.add(domain)
        content = manifest(CORE_INTEGRATIONS / domain)
        requirements.update(content.get("requirements", []))
        waiting |= {*content.get("dependencies", []), *content.get("after_dependencies", [])}
        waiting -= loaded
    missing = {requirement for requirement in requirements if not is_installed(requirement)}
    assert {requirement.partition("==")[0] for requirement in missing} == NOT_INSTALLED


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the offline checks a copy of the integration's data files to find faults in."""
    folder = tmp_path / "lwm2m"
    shutil.copytree(INTEGRATION, folder, ignore=shutil.ignore_patterns("protocol", "__pycache__"))
    monkeypatch.setattr(hassfest_offline, "INTEGRATION", folder)
    assert list(hassfest_offline.problems()) == []
    return folder


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("manifest.json", '"local_push"', '"locally"', "iot_class"),
        ("manifest.json", '"version": "', '"version": "next-', "version"),
        ("manifest.json", '"iot_class"', '"colour": "blue", "iot_class"', "colour"),
        ("services.yaml", "read:", "fetch:", "action fetch"),
        ("icons.json", '"mdi:', '"fa:', "no Material Design icon"),
        ("translations/en.json", '"abort"', '"aborted"', "aborted"),
        ("translations/en.json", '"{name}"', '" {name}"', "spaces around"),
        ("translations/en.json", '"{name}"', '"<b>{name}</b>"', "HTML"),
        ("translations/en.json", '"{name}"', "\"'{name}'\"", "single quotes"),
        ("translations/en.json", '"not_registered"', '"unregistered"', "'not_registered'"),
    ],
)
def test_offline_checks_find_a_fault(
    broken: Path, name: str, old: str, new: str, problem: str
) -> None:
    file = broken / name
    content = file.read_text()
    assert old in content
    file.write_text(content.replace(old, new, 1))
    assert any(problem in line for line in hassfest_offline.problems())
