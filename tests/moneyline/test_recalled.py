"""Journals that are posted are known again by a store that has forgotten them, line by line."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal

from tests.moneyline import orders
from tests.moneyline.mishaps import made
from tests.moneyline.posting import by_service, entries
from tests.moneyline.test_lost_store import lose_store
from tests.moneyline.world import MoneyLine

START = date(2026, 10, 1)
DUE = date(2026, 12, 3)
"""October and November are due by then: they are posted at once."""


def won(line: MoneyLine, name: str, amount: int = 1_200) -> str:
    """A deal whose journals are posted before the next one comes."""
    if line.clock.now() < orders.noon(DUE):
        orders.at(line, DUE)
    deal = line.won(line.account(name), [("PLT-001", amount)], START)
    line.settle()
    line.rest(minutes=10)
    return f"S-{deal}"


def forgets_nothing(line: MoneyLine) -> None:
    """Nothing is made twice, nobody is asked, and another run writes nothing."""
    before, sums = made(line), by_service(line)
    lose_store(line)
    line.rest(minutes=10)
    assert line.codes() == []
    assert made(line) == before
    assert by_service(line) == sums
    writes = line.written()
    line.restart()
    line.rest(hours=1)
    assert line.written() == writes


def told(line: MoneyLine) -> list[tuple[str, str]]:
    return [
        (one["source"]["id"], one["outcome"])
        for one in line.lines()
        if one["operation"] == "recall"
    ]


def test_two_journals_of_a_month_are_not_put_together(line: MoneyLine) -> None:
    # given journals of the same months for two deals that came one after another
    won(line, "First Ltd")
    won(line, "Second Ltd", 2_400)
    assert len(line.records("netsuite", "journalEntry")) == 4
    forgets_nothing(line)
    names = [f"journals-2026-{month}-3-EUR-{number}" for month in (10, 11) for number in (1, 2)]
    assert sorted(told(line)) == [(name, "confirmed") for name in names]
    # and the next month is posted like any other
    line.until(date(2027, 1, 3))
    assert by_service(line) == {f"2026-{month}": Decimal(300) for month in (10, 11, 12)}


def test_closed_months_are_not_posted_late_again(line: MoneyLine) -> None:
    # given two months that were posted and closed
    contract = won(line, "First Ltd")
    for name in ("Oct 2026", "Nov 2026"):
        line.do("netsuite", "accountingPeriod", "close", name, {})
    forgets_nothing(line)
    # when the next month is due, then it alone is posted
    line.until(date(2027, 1, 3))
    months = [f"2026-{month}" for month in (10, 11, 12)]
    assert by_service(line, contract) == dict.fromkeys(months, Decimal(100))
    assert {(one.period, one.service) for one in entries(line)} == {(one, one) for one in months}
    assert line.codes() == []


def test_what_was_taken_back_and_restated_is_read_as_well(line: MoneyLine) -> None:
    # given a deal that was added to from its beginning on, after its first months were posted
    contract = won(line, "First Ltd")
    orders.upsell(line, contract, START, 1_200)
    line.rest(minutes=10)
    assert by_service(line, contract) == {"2026-10": Decimal(200), "2026-11": Decimal(200)}
    assert len(entries(line)) == 6
    # when the store is lost, then it is all known again
    before = entries(line)
    lose_store(line)
    line.rest(minutes=10)
    assert entries(line) == before
    assert line.codes() == []
    line.until(date(2027, 1, 3))
    assert by_service(line, contract)["2026-12"] == Decimal(200)
    assert len(entries(line)) == 7


def test_a_journal_that_somebody_changed_is_a_persons_business(line: MoneyLine) -> None:
    # given a journal that an accountant has changed since it was posted
    won(line, "First Ltd")
    journals = line.records("netsuite", "journalEntry")
    (id,) = (id for id, row in journals.items() if row["tranDate"] == "2026-10-31")
    items = [
        {"account": {"id": one["account"]}, side: one[side], "memo": "adjusted"}
        for one in journals[id]["line"]
        for side in ("debit", "credit")
        if one.get(side)
    ]
    line.do("netsuite", "journalEntry", "update", id, {"line": {"items": items}})
    lose_store(line)
    line.rest(minutes=10)
    # then it stays, nothing is posted beside it, and the issue tells the difference
    assert made(line)["netsuite.journalEntry"] == sorted(journals)
    (issue,) = line.issues()
    assert issue.code == "JOURNAL_DIFFERS"
    assert "2 of its 2 entries are not in the books" in issue.parameters["difference"]
    assert "adjusted" in issue.parameters["difference"]
    # and the months after it are posted
    line.until(date(2027, 1, 3))
    assert len(line.records("netsuite", "journalEntry")) == 3


def test_a_store_of_before_learns_what_was_posted_since(line: MoneyLine) -> None:
    # given a store of December, put back after December was posted, and closed
    contract = won(line, "First Ltd")
    line.store.close()
    shutil.copytree(line.folder / "state", line.folder / "copy")
    line.boot()
    won(line, "Second Ltd")
    line.until(date(2027, 1, 3))
    line.do("netsuite", "accountingPeriod", "close", "Dec 2026", {})
    line.store.close()
    shutil.rmtree(line.folder / "state")
    (line.folder / "copy").rename(line.folder / "state")
    before, sums = made(line), by_service(line)
    # when it goes on
    line.boot()
    line.rest(minutes=10)
    # then what was posted since is known, be its month closed or not
    assert (made(line), by_service(line)) == (before, sums)
    line.until(date(2027, 2, 3))
    months = ("2026-10", "2026-11", "2026-12", "2027-01")
    assert by_service(line, contract) == dict.fromkeys(months, Decimal(100))
    assert sum(by_service(line).values()) == Decimal(800)
    assert line.codes() == []
