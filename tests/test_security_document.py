"""The threat model names tests that exist."""

from __future__ import annotations

from pathlib import Path
import re

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`(?:tests/[\w/]+/)?(test_\w+)(?:\.py)?`")


def missing(text: str) -> set[str]:
    """Return the files and functions of tests that a text names in vain."""
    files = list((ROOT / "tests").rglob("test_*.py"))
    existing = {file.stem for file in files}
    for file in files:
        existing.update(re.findall(r"def (test_\w+)\(", file.read_text()))
    return set(NAMED.findall(text)) - existing


def test_each_test_that_is_named_exists() -> None:
    text = (ROOT / "docs/security.md").read_text()
    assert NAMED.search(text)
    assert missing(text) == set()


def test_a_test_that_does_not_exist_is_found() -> None:
    assert missing("| all | is well | `test_access.py`, `test_of_nothing` |") == {"test_of_nothing"}
