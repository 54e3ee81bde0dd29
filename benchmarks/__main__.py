"""Runs every measure, the reference beside ours, and prints figures and ratios."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks import reference
from benchmarks.mapping import mapping_microseconds
from benchmarks.rows import rows_per_second
from benchmarks.world import START, Bench, bench, source_of
from connectors.memory.objects import sales_objects
from connectors.memory.system import MemorySystem
from engine.clock import ManualClock

RECORDS = 20_000
BACKLOGS = (50_000, 100_000)


@dataclass(frozen=True, slots=True)
class Beside:
    """A measure of ours beside the reference's, in records per second."""

    name: str
    ours: float
    plain: float

    def shown(self) -> str:
        ratio = self.ours / self.plain
        return f"{self.name:32} {self.ours:>10,.0f} {self.plain:>12,.0f} {ratio:>8.2f}"


def seconds_of(work: Callable[[], object]) -> float:
    """How long this takes."""
    started = perf_counter()
    work()
    return perf_counter() - started


def batches(folder: Path) -> list[Beside]:
    """Backfill, then the same again with nothing changed."""
    clock = ManualClock(START)
    crm = source_of(RECORDS, clock)
    sales = MemorySystem(sales_objects(), clock.now, account="sales")
    plain = [
        seconds_of(lambda: reference.run(folder / "reference.db", crm, sales)) for _ in range(2)
    ]
    assert len(sales.state()["Contact"]) == RECORDS
    one = bench(folder / "project", crm, clock)
    ours = [seconds_of(one.until_idle)]
    assert one.contacts_written() == RECORDS, one.contacts_written()
    ours.append(seconds_of(lambda: again(one)))
    one.close()
    names = (f"backfill of {RECORDS:,}", "the same, unchanged")
    return [
        Beside(name, RECORDS / mine, RECORDS / its)
        for name, mine, its in zip(names, ours, plain, strict=True)
    ]


def again(one: Bench) -> None:
    """Look at everything once more; nothing may be written."""
    before = sum(count for (kind, _), count in one.sales.calls.items() if kind == "apply")
    one.look_again()
    one.until_idle()
    after = sum(count for (kind, _), count in one.sales.calls.items() if kind == "apply")
    assert before == after, "an unchanged record was written"


def backlog(queued: int) -> dict[str, int]:
    """A backlog of this size, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.backlog", str(queued)],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, int] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure and print."""
    started = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'records per second':32} {'Revline':>10} {'plain loop':>12} {'ratio':>8}")
        for measure in batches(Path(folder)):
            print(measure.shown(), flush=True)
        ours, plain = mapping_microseconds()
        print(f"\n{'mapping one record, µs':32} {ours:>10.1f} {plain:>12.1f} {plain / ours:>8.2f}")
        rows, rows_plain = rows_per_second(Path(folder))
        print(Beside("store, rows per second", rows, rows_plain).shown())
    print(f"\n{'deliveries queued':32} {'peak MiB':>10}", flush=True)
    found = [backlog(queued) for queued in BACKLOGS]
    for figures in found:
        print(f"{figures['queued']:<32,} {figures['peak'] / 2**20:>10.0f}")
    slope = (found[1]["peak"] - found[0]["peak"]) / (BACKLOGS[1] - BACKLOGS[0])
    print(f"{'bytes per queued delivery':32} {slope:>10.0f}")
    print(f"\nmeasured in {perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
