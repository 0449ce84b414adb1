"""What a benchmark writes down, and how it finds the highest rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

import pytest

from benchmarks import results
from benchmarks.updates import RATES, Bench, Run, fastest
from scripts.lib.home_assistant import HomeAssistantError

if TYPE_CHECKING:
    from pathlib import Path


def test_part_replaces_its_own_section_only(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    results.write("One", "first\n\n| a |\n| - |\n", file)
    results.write("Two", "second\n", file)
    results.write("One", "anew\n", file)
    assert file.read_text() == f"{results.HEAD}\n## One\n\nanew\n\n## Two\n\nsecond\n"


def test_table_and_ratio() -> None:
    assert results.table(["A"], [["row", "1"]]) == "|  | A |\n| --- | ---: |\n| row | 1 |\n"
    assert results.ratio(3.0, 2.0) == "1.50"
    assert results.ratio(3.0, 0.0) == "–"


class FakeBench(Bench):
    """Keeps up with rates up to a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.tried: list[int] = []

    @override
    async def run(self, rate: int) -> Run:
        self.tried.append(rate)
        lost = int(rate > self.limit)
        return Run(rate=rate, lost=lost, cpu_us=0.0, p50_ms=0.0, p99_ms=0.0, lag_s=0.0)


@pytest.mark.parametrize("start", [0, 31, 62])
@pytest.mark.parametrize("best", [0, 1, 30, 31, 32, 50, 62])
async def test_search_finds_the_highest_rate_in_few_runs(start: int, best: int) -> None:
    bench = FakeBench(RATES[best])
    number, run = await fastest(bench, start)
    assert (number, run.rate) == (best, RATES[best])
    assert len(bench.tried) == len(set(bench.tried)) <= 12


async def test_search_says_when_no_rate_is_kept_up_with() -> None:
    with pytest.raises(HomeAssistantError):
        await fastest(FakeBench(0), 31)
