"""One plain deal, from Closed Won to posted journals and back to Paid."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.moneyline.world import MoneyLine

START = date(2026, 1, 1)


def journals(line: MoneyLine) -> dict[str, Decimal]:
    """Posted revenue by the day it was posted for."""
    found: dict[str, Decimal] = {}
    for row in line.records("netsuite", "journalEntry").values():
        credits = sum(Decimal(entry.get("credit") or 0) for entry in row["line"])
        debits = sum(Decimal(entry.get("debit") or 0) for entry in row["line"])
        assert credits == debits
        found[row["tranDate"]] = found.get(row["tranDate"], Decimal(0)) + credits
    return found


def test_ten_thousand_over_twelve_months_comes_out_to_the_cent(line: MoneyLine) -> None:
    # given a deal over twelve months, won in January, and a year that has gone by
    deal = line.won(line.account(), [("PLT-001", 10_000)], START)
    line.settle()
    line.pay()
    line.rest(minutes=10)
    line.rest(days=60)
    # then every month is posted once, in thirds of a cent that add up
    posted = journals(line)
    assert list(posted.values())[:3] == [Decimal("833.33"), Decimal("833.34"), Decimal("833.33")]
    assert len(posted) == 12
    assert sum(posted.values()) == Decimal(10_000)
    # and the opportunity says what became of the money
    row = line.records("salesforce", "Opportunity")[deal]
    assert row["Billing_Status__c"] == "Paid"
    assert Decimal(row["Paid_Amount__c"]) == Decimal(11_900)
    assert Decimal(row["Recognised_Revenue__c"]) == Decimal(10_000)
    assert line.codes() == []


def test_a_second_run_writes_nothing_anywhere(line: MoneyLine) -> None:
    line.won(line.account(), [("PLT-001", 1_200), ("ONB-001", "99.99")], START)
    line.settle()
    line.pay()
    line.rest(minutes=10)
    before = line.written()
    # when the engine starts anew and looks at everything again
    line.restart()
    line.rest(hours=1)
    # then nothing is written
    assert line.written() == before
    assert line.codes() == []
