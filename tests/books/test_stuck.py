"""A contract that cannot be scheduled keeps nobody else from being posted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from engine.books import schedules
from engine.money.model import Fact
from engine.money.scheduling import Plan
from engine.store import issues
from engine.store.issues import StoredIssue
from tests.books.kit import Bench, ordered

FEBRUARY = datetime(2026, 2, 3, 12, tzinfo=UTC)


def open_issues(bench: Bench) -> list[StoredIssue]:
    with bench.store.read() as tx:
        return issues.listed(tx, bench.store.payloads)


def posted(bench: Bench) -> list[tuple[str, int]]:
    return sorted(
        (line.contract, line.amount_minor)
        for batch in bench.batches().values()
        for line in batch.lines
    )


def test_the_others_are_posted_and_it_comes_back_by_itself(bench: Bench) -> None:
    # given an order without an end, as a date that nobody means, beside a sound one
    bench.prove("1", ordered(1_200_000, "S-1"))
    bench.prove("2", replace(ordered(1_200_000, "S-2"), service_to=date(9999, 12, 31)))
    bench.prove("3", ordered(2_400_000, "S-3"))
    bench.at(FEBRUARY)
    # then it alone waits, and the issue says which and why
    assert posted(bench) == [("S-1", 100_000), ("S-3", 200_000)]
    (issue,) = open_issues(bench)
    assert (issue.code, issue.sync, issue.source.id) == ("NOT_SCHEDULED", "books", "S-2")
    assert "longer than 100 years" in issue.parameters["message"]
    assert bench.planned("S-2") == []
    # when the order is put right, then nobody has to say so
    bench.prove("2", ordered(1_200_000, "S-2"))
    bench.keep()
    assert open_issues(bench) == []
    assert posted(bench) == [("S-1", 100_000), ("S-2", 100_000), ("S-3", 200_000)]


def test_what_nobody_foresaw_is_told_without_its_values(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a fault in the working out of one contract, which was planned before
    bench.prove("1", ordered(1_200_000, "S-1"))
    bench.prove("2", ordered(1_200_000, "S-2"))
    bench.keep()
    sound = schedules.plans

    def faulty(versions: list[tuple[Fact, ...]], *rules: object) -> tuple[Plan, ...]:
        if any(several[-1].contract == "S-2" for several in versions):
            raise KeyError("Jane Doe")
        return sound(versions, *rules)  # type: ignore[arg-type]

    monkeypatch.setattr(schedules, "plans", faulty)
    bench.prove("2", ordered(600_000, "S-2"))
    bench.at(FEBRUARY)
    # then its old plan is not posted, and the other contract's is
    assert posted(bench) == [("S-1", 100_000)]
    (issue,) = open_issues(bench)
    assert issue.parameters["message"].startswith("KeyError (test_stuck.py:")
    assert "Jane" not in str(bench.ledger())
    # when the fault is repaired, then the next look finds out, and what was missed is posted
    monkeypatch.setattr(schedules, "plans", sound)
    bench.keep()
    assert posted(bench) == [("S-1", 100_000)]
    bench.at(FEBRUARY + timedelta(minutes=15))
    assert posted(bench) == [("S-1", 100_000), ("S-2", 50_000)]
    assert open_issues(bench) == []
