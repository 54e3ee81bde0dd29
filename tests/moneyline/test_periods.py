"""Service that begins in mid-month, and a month that closes under our hands."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal

from engine.issues import cause
from tests.moneyline import orders
from tests.moneyline.mishaps import fault, killed
from tests.moneyline.posting import by_service, entries
from tests.moneyline.world import MoneyLine

JOURNALS = "/services/rest/record/v1/journalEntry"


def test_a_service_that_begins_in_mid_month_is_earned_by_days(line: MoneyLine) -> None:
    deal = line.won(line.account(), [("PLT-001", 10_000)], date(2026, 1, 15))
    line.settle()
    line.pay()
    line.until(date(2027, 2, 3))
    months = by_service(line, f"S-{deal}")
    # 17 days of 365 in January, 28 in February, and 14 in the January after
    assert months["2026-01"] == Decimal("465.75")
    assert months["2026-02"] == Decimal("767.13")
    assert months["2027-01"] == Decimal("383.56")
    assert len(months) == 13
    assert sum(months.values()) == Decimal(10_000)
    assert line.codes() == []


def closed_in_between(line: MoneyLine, *more: str) -> str:
    """A deal of December whose journal was put together just before somebody closed the month."""
    orders.at(line, date(2026, 12, 10))
    deal = line.won(line.account(), [("PLT-001", 1_200)], date(2026, 12, 1))
    line.settle()
    orders.at(line, date(2027, 1, 2))

    def close(point: str) -> None:
        if point == "seal.after_commit":
            for name in ("Dec 2026", *more):
                line.do("netsuite", "accountingPeriod", "close", name, {})
            line.failpoint = lambda _point: None

    line.failpoint = close
    return f"S-{deal}"


def told(line: MoneyLine, operation: str) -> list[tuple[str, str, str, str]]:
    """(outcome, code, amount, effect) of the ledger lines of an operation."""
    return [
        (one["outcome"], one["code"], one["amount"], one["business_key"])
        for one in line.lines()
        if one["operation"] == operation
    ]


def test_a_month_that_closes_before_its_journal_arrives(line: MoneyLine) -> None:
    contract = closed_in_between(line)
    # when the journal is refused, then it is looked for, and its lines move on by themselves
    line.settle()
    assert entries(line) == []
    assert line.codes() == []
    (move,) = told(line, "move")
    assert move[:3] == ("confirmed", "PERIOD_CLOSED", "100.00")
    # and both months are in January's journal, December's under its own name
    line.until(date(2027, 2, 3))
    posted = [(one.period, one.service, one.amount) for one in entries(line)]
    assert sorted(posted) == [
        ("2027-01", "2026-12", Decimal(100)),
        ("2027-01", "2027-01", Decimal(100)),
    ]
    assert by_service(line, contract) == {"2026-12": Decimal(100), "2027-01": Decimal(100)}
    assert line.codes() == []
    # and nothing is written by another run
    writes = line.written()
    line.restart()
    line.rest(hours=1)
    assert line.written() == writes


def test_where_no_open_month_is_known_a_person_is_asked(line: MoneyLine) -> None:
    # given a fiscal year that ends, and no periods of the next one that are open
    later = [name for name in months_known(line) if name.endswith("2027")]
    contract = closed_in_between(line, *later)
    line.settle()
    assert entries(line) == []
    (issue,) = line.issues()
    assert (issue.code, issue.sync) == ("BATCH_PERIOD_CLOSED", "journals")
    assert "Dec 2026 is closed" in issue.parameters["message"]
    assert "no open month" in cause(issue.code, issue.parameters)
    # when a month is opened, then it goes on without anybody's word
    line.do("netsuite", "accountingPeriod", "reopen", "Jan 2027", {})
    line.rest(minutes=10)
    assert line.codes() == []
    line.until(date(2027, 2, 3))
    assert by_service(line, contract) == {"2026-12": Decimal(100), "2027-01": Decimal(100)}
    assert {one.period for one in entries(line)} == {"2027-01"}


def test_a_journal_that_arrived_without_a_word_does_not_move(line: MoneyLine) -> None:
    # given a store of before the journal was posted, put back after its month was closed
    orders.at(line, date(2026, 12, 10))
    deal = line.won(line.account(), [("PLT-001", 1_200)], date(2026, 12, 1))
    line.settle()
    orders.at(line, date(2027, 1, 2))
    killed(line, "seal.after_commit")
    shutil.copytree(line.folder / "state", line.folder / "copy")
    line.boot()
    line.settle()
    line.store.close()
    shutil.rmtree(line.folder / "state")
    (line.folder / "copy").rename(line.folder / "state")
    line.do("netsuite", "accountingPeriod", "close", "Dec 2026", {})
    # when the old store goes on, and NetSuite looks at the month before anything else
    line.boot()
    closed = {"o:errorDetails": [{"o:errorCode": "USER_ERROR", "detail": "The posting period Dec "
                                  "2026 is closed."}]}  # fmt: skip
    fault(line, "netsuite", "POST", JOURNALS, action="status", phase="before", status=400,
          body=closed)  # fmt: skip
    line.rest(minutes=10)
    # then the journal is found, and its lines are in no other
    line.until(date(2027, 2, 3))
    assert by_service(line, f"S-{deal}") == {"2026-12": Decimal(100), "2027-01": Decimal(100)}
    assert told(line, "move") == []
    assert line.codes() == []


def months_known(line: MoneyLine) -> list[str]:
    rows = line.records("netsuite", "accountingPeriod").values()
    return [row["periodName"] for row in rows if not (row["isQuarter"] or row["isYear"])]
