"""The conformance table names tests that exist, and says why where it names none."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "docs/conformance.md").read_text()
PITFALLS = 23

TEST = re.compile(r"`(tests/[\w/]+\.py(?:::\w+)+)`")
REASON = re.compile(r"^- \*\*(.+)\*\*: ", re.MULTILINE)


class Row(NamedTuple):
    """One case: what it is called, and its tests or the reason why there are none."""

    case: str
    shown_by: str


def rows(text: str) -> Iterator[Row]:
    """Find the rows of all tables, without their headers."""
    for table in re.findall(r"^\|.*\n\| --- .*\n((?:\|.*\n?)*)", text, re.MULTILINE):
        for line in table.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            yield Row(cells[0], cells[-1])


@cache
def existing() -> frozenset[str]:
    """Name all tests as pytest does, from their source."""
    return frozenset(
        f"{path.relative_to(ROOT).as_posix()}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in functions(ast.parse(path.read_text()).body)
    )


def functions(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if name.startswith("test_"):
                    yield name
            case ast.ClassDef(name=name) if name.startswith("Test"):
                yield from (f"{name}::{inner}" for inner in functions(node.body))


def faults(text: str) -> Iterator[str]:
    """Say what is wrong with the table."""
    found = list(rows(text))
    reasons = REASON.findall(text)
    for case, count in Counter(row.case for row in found).items():
        if count > 1:
            yield f"{case} stands {count} times"
    for case, shown_by in found:
        if named := TEST.findall(shown_by):
            if "<br>".join(f"`{name}`" for name in named) != shown_by:
                yield f"{case} has something beside its tests"
            yield from (f"{case}: there is no {name}" for name in named if name not in existing())
        elif shown_by.partition(":")[0] not in reasons:
            yield f"{case} has neither a test nor a reason"


def test_each_case_has_tests_that_exist_or_a_reason() -> None:
    assert list(faults(TABLE)) == []


def test_each_pitfall_has_a_row() -> None:
    numbers = [int(row.case.split()[1]) for row in rows(TABLE) if row.case.startswith("Pitfall ")]
    assert numbers == list(range(1, PITFALLS + 1))


def test_each_reason_is_used() -> None:
    given = {row.shown_by.partition(":")[0] for row in rows(TABLE)}
    assert set(REASON.findall(TABLE)) <= given


def test_no_row_is_passed_over() -> None:
    lines = re.findall(r"^\|.*", TABLE, re.MULTILINE)
    tables = [line for line in lines if line.startswith("| --- ")]
    assert len(list(rows(TABLE))) == len(lines) - 2 * len(tables)


def test_a_test_in_a_class_is_found() -> None:
    source = "class TestLight:\n    async def test_is_dark(self): ...\n    def help(self): ..."
    assert list(functions(ast.parse(source).body)) == ["TestLight::test_is_dark"]


REAL = "`tests/test_conformance.py::test_each_case_has_tests_that_exist_or_a_reason`"


@pytest.mark.parametrize(
    ("case", "shown_by", "fault"),
    [
        ("new", REAL, None),
        ("new", f"{REAL}<br>{REAL}", None),
        ("new", "Not yet", None),
        ("new", "Not yet: bootstrap", None),
        ("new", "`tests/test_conformance.py::test_of_nothing`", "there is no"),
        ("new", "`tests/test_nothing.py::test_of_nothing`", "there is no"),
        ("new", "`tests/test_conformance.py::faults`", "there is no"),
        ("new", f"{REAL}<br>`tests/test_conformance.py::test_of_nothing`", "there is no"),
        ("new", f"{REAL} and more", "beside its tests"),
        ("new", "`tests/test_conformance.py`", "neither a test nor a reason"),
        ("new", "", "neither a test nor a reason"),
        ("new", "Out of time", "neither a test nor a reason"),
        ("Pitfall 1", REAL, "stands 2 times"),
    ],
)
def test_a_fault_is_found(case: str, shown_by: str, fault: str | None) -> None:
    found = list(faults(f"{TABLE}| {case} | what it shows | {shown_by} |\n"))
    if fault is None:
        assert found == []
    else:
        assert len(found) == 1
        assert fault in found[0]
