"""RESULTS.md: a section for each part, of which a run replaces its own."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
import platform
import re

RESULTS = Path(__file__).parent / "RESULTS.md"
HEAD = """\
# Results

Made by `scripts/bench`; [docs/benchmarks.md](../docs/benchmarks.md) says how to read them.
"""


def table(columns: list[str], rows: list[list[str]]) -> str:
    """Return a table whose first column is titles, and has none itself."""
    lines = [["", *columns], ["---", *["---:"] * len(columns)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def ratio(ours: float, theirs: float) -> str:
    """Return ours to theirs."""
    return f"{ours / theirs:.2f}" if theirs else "–"


def where(*packages: str) -> str:
    """Say when and on what this is measured."""
    versions = [f"{package} {version(package)}" for package in packages]
    python = f"Python {platform.python_version()}"
    return ", ".join(
        (f"{datetime.now(UTC):%Y-%m-%d}", platform.machine(), _processor(), python, *versions)
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def write(title: str, text: str, results: Path = RESULTS) -> None:
    """Put a section in the place of the one with its title, or at the end."""
    old = results.read_text() if results.exists() else ""
    sections = dict(re.findall(r"^## (.+)\n\n((?:(?!## ).*\n)*)", old, re.MULTILINE))
    sections[title] = text
    parts = [f"## {title}\n\n{section.strip()}\n" for title, section in sections.items()]
    results.write_text("\n".join((HEAD, *parts)))
