"""Service that begins in mid-month, and a month that closes under our hands."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from engine.store import delivery_views
from tests.moneyline import orders
from tests.moneyline.posting import by_service, entries
from tests.moneyline.world import MoneyLine


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


def test_a_month_that_closes_before_its_journal_arrives_is_an_issue(line: MoneyLine) -> None:
    # given a month that the accountant closes just when its lines were put together
    orders.at(line, date(2026, 12, 10))
    line.won(line.account(), [("PLT-001", 1_200)], date(2026, 12, 1))
    line.settle()
    orders.at(line, date(2027, 1, 2))

    def close(point: str) -> None:
        if point == "seal.after_commit":
            line.do("netsuite", "accountingPeriod", "close", "Dec 2026", {})

    line.failpoint = close
    line.settle()
    line.failpoint = lambda _point: None
    # then nothing is posted, and the issue says why and what to do
    assert entries(line) == []
    (issue,) = line.issues()
    assert issue.sync == "journals"
    assert issue.parameters["vendor_code"] == "PERIOD_CLOSED"
    assert "Dec 2026 is closed" in issue.parameters["message"]
    # and what is in the journal stays as it is: January's comes as ever
    line.until(date(2027, 2, 3))
    assert [(one.period, one.amount) for one in entries(line)] == [("2027-01", Decimal(100))]
    # until the month is opened again, and somebody says to try again
    line.do("netsuite", "accountingPeriod", "reopen", "Dec 2026", {})
    assert issue.delivery is not None
    with line.store.write() as tx:
        delivery_views.retry(tx, [issue.delivery], line.clock.now())
    line.settle()
    assert by_service(line) == {"2026-12": Decimal(100), "2027-01": Decimal(100)}
    assert line.codes() == []
