"""The engine is killed again and again along the line; the systems end as if it never had been.

Every kill is at a named moment of the pipeline or of the books, the how-manieth time is drawn from
a seed. A failure prints the seed; the seed repeats it.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from tests.moneyline.mishaps import Crash
from tests.moneyline.money_back import charges, refund, revenue
from tests.moneyline.world import MoneyLine

SEED = int(os.environ.get("REVLINE_SEED", "0")) or secrets.randbelow(10**9)
START = date(2026, 1, 1)
# Come to only where an engine was killed before.
RECOVERING = ("recover.before_lookup", "recover.after_commit")
TWICE = ("intent.after_commit", "send.applied", "send.applied", "outcome.before_commit")
KILLS_LEAST = 18
# What each record is known by, and what of it must be the same whoever was killed.
SHOWN: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("salesforce", "Opportunity"): (
        "Id", "Billing_Status__c", "Billed_Amount__c", "Paid_Amount__c", "Recognised_Revenue__c",
    ),
    ("zuora", "accounts"): ("accountNumber", "currency"),
    ("zuora", "orders"): ("orderNumber", "status"),
    ("zuora", "subscriptions"): ("subscriptionNumber", "version", "status"),
    ("zuora", "invoices"): ("amount", "balance", "status"),
    ("zuora", "payments"): ("amount", "unappliedAmount", "refundAmount", "status"),
    ("zuora", "credit-memos"): ("totalAmount", "balance", "status"),
    ("zuora", "refunds"): ("amount", "status"),
    ("stripe", "customers"): ("name",),
    ("stripe", "payment_intents"): ("amount", "currency", "status"),
    ("stripe", "refunds"): ("amount", "status"),
    ("netsuite", "customer"): ("externalId",),
    ("netsuite", "invoice"): ("total", "tranDate"),
    ("netsuite", "customerPayment"): ("payment", "tranDate"),
    ("netsuite", "creditMemo"): ("total",),
    ("netsuite", "customerRefund"): ("total",),
}  # fmt: skip


class Killer:
    """Kills at some of the moments that it is told of: (point, how-manieth time)."""

    def __init__(self, plan: set[tuple[str, int]]) -> None:
        self.plan = plan
        self.seen: Counter[str] = Counter()
        self.kills: list[tuple[str, int]] = []

    def __call__(self, point: str) -> None:
        self.seen[point] += 1
        moment = (point, self.seen[point])
        if moment in self.plan:
            self.kills.append(moment)
            raise Crash


def story(line: MoneyLine) -> None:
    """Two deals are won and billed; one is paid, a part of it given back; a year goes by."""
    first = line.won(line.account("First Ltd"), [("PLT-001", 1_200)], START)
    line.won(line.account("Second Ltd"), [("PLT-001", 600), ("ONB-001", 99)], START)
    settled(line)
    line.pay()
    later(line, minutes=10)
    refund(line, charges(line)[first], "119.00", "requested_by_customer")
    later(line, minutes=10)
    later(line, days=60)


def later(line: MoneyLine, **by: float) -> None:
    line.clock.shift(timedelta(**by))
    settled(line)


def settled(line: MoneyLine) -> None:
    """Work until there is nothing to do, starting anew whenever the engine is killed."""
    while True:
        try:
            line.settle(rounds=12)
        except Crash:
            line.restart()
        else:
            return


def picture(line: MoneyLine, but: Collection[str] = ()) -> dict[str, Any]:
    """What the systems hold: every record's own words, and what was posted month by month.

    ``but`` names fields to leave out.
    """
    found: dict[str, Any] = {
        f"{system}.{object}": sorted(
            tuple(str(row.get(name)) for name in names if name not in but)
            for row in line.records(system, object).values()
        )
        for (system, object), names in SHOWN.items()
    }
    posted: Counter[tuple[str, str]] = Counter()
    for row in line.records("netsuite", "journalEntry").values():
        for entry in row["line"]:
            amount = Decimal(entry.get("debit") or 0) - Decimal(entry.get("credit") or 0)
            posted[row["tranDate"], str(entry["account"])] += amount  # type: ignore[assignment]
    found["posted"] = {month: amount for month, amount in posted.items() if amount}
    found["revenue"] = revenue(line)
    return found


@contextmanager
def running(folder: Path, killer: Killer) -> Iterator[MoneyLine]:
    folder.mkdir()
    line = MoneyLine(folder)
    try:
        line.failpoint = killer
        yield line
    finally:
        line.close()
    for system, simulator in line.simulators.items():
        assert simulator.journal.violations == [], system


def drawn(seen: Counter[str], seed: int) -> set[tuple[str, int]]:
    """One moment of every point that was come to, more of some, and those of recovering."""
    random = Random(seed)
    points = [*sorted(seen), *TWICE]
    found = {(point, random.randint(1, seen[point])) for point in points}
    return found | {(point, 1) for point in RECOVERING}


def test_an_engine_that_is_killed_changes_nothing_in_the_end(tmp_path: Path) -> None:
    print(f"REVLINE_SEED={SEED} repeats it")
    # given what becomes of everything when nobody kills anything
    calm = Killer(set())
    with running(tmp_path / "calm", calm) as line:
        story(line)
        assert line.codes() == []
        expected = picture(line)
    # when the engine is killed at moments all along the same story
    killer = Killer(drawn(calm.seen, SEED))
    with running(tmp_path / "killed", killer) as line:
        story(line)
        # then it ends the same, and nothing was made twice
        assert picture(line) == expected, killer.kills
        assert line.codes() == [], killer.kills
        assert len(killer.kills) >= KILLS_LEAST
        before = line.written()
        line.restart()
        later(line, hours=1)
        assert line.written() == before
