"""Deals in euros and yen, reported in dollars at the rates that NetSuite has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.moneyline.world import MoneyLine

OBJECT = "currencyRate"
IDS = {"USD": "1", "EUR": "3", "JPY": "4"}
FIELDS = {"Reported_Billed__c": "reported_billed", "Reported_Paid__c": "reported_paid"}
SYNC = """  rates:
    from: netsuite.currencyRate
    observe: true
    mapping: rates_observed
    start_from: everything
"""


class Reported(MoneyLine):
    """The line with sums in dollars, which Salesforce has fields for."""

    def begin(self) -> None:
        super().begin()
        mapping = self.folder / "mappings" / "deal_money_to_opportunity.yaml"
        before, _, examples = mapping.read_text().partition("examples:\n")
        more = "".join(f"  {there}: {here}\n" for there, here in FIELDS.items())
        mapping.write_text(before + more)
        assert examples
        for name in FIELDS:
            fields = {"name": name, "line": "currency 18,2"}
            self.do("salesforce", "Opportunity", "add_field", None, fields)

    @property
    def today(self) -> date:
        return self.clock.now().date()

    def rates(self, currency: str) -> dict[str, dict[str, Any]]:
        """NetSuite's rates of a currency in dollars."""
        pair = (IDS[currency], IDS["USD"])
        rows = self.records("netsuite", OBJECT)
        return {
            id: row
            for id, row in rows.items()
            if (row["transactionCurrency"], row["baseCurrency"]) == pair
        }

    def enter(self, currency: str, rate: str, day: date) -> str:
        """What an accountant does in NetSuite."""
        fields = {
            "transactionCurrency": {"id": IDS[currency]},
            "baseCurrency": {"id": IDS["USD"]},
            "exchangeRate": Decimal(rate),
            "effectiveDate": day.isoformat(),
        }
        return str(self.do("netsuite", OBJECT, "create", None, fields)["id"])

    def told(self, deal: str) -> list[str | None]:
        """What Salesforce shows as billed and paid in dollars."""
        row = self.records("salesforce", "Opportunity")[deal]
        return [None if row.get(name) is None else str(row[name]) for name in FIELDS]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Reported]:
    def edit(text: str) -> str:
        return text.replace("books:\n", "books:\n  report_currency: USD\n", 1) + SYNC

    made = Reported(tmp_path, edit)
    yield made
    made.close()
    for system, simulator in made.simulators.items():
        assert simulator.journal.violations == [], system


def test_euros_and_yen_are_reported_in_dollars_once_there_is_a_rate(line: Reported) -> None:
    # given a rate of today for euros, and for yen none that is fresh enough
    today = line.today
    line.enter("EUR", "1.0825", today)
    for id, row in line.rates("JPY").items():
        if date.fromisoformat(row["effectiveDate"]) > today - timedelta(days=8):
            line.do("netsuite", OBJECT, "delete", id, {})
    assert line.rates("JPY")
    deals = {
        currency: line.won(line.account(currency, "Norway"), [("PLT-001", amount)], today, currency)
        for currency, amount in (("USD", "10.01"), ("EUR", "99.99"), ("JPY", "100001"))
    }
    # when they are billed and paid
    line.settle()
    line.pay()
    line.rest(minutes=10)
    # then each deal is told in dollars, the one in yen not at all
    assert line.told(deals["USD"]) == ["10.01", "10.01"]
    assert line.told(deals["EUR"]) == ["108.24", "108.24"]  # 108.239…
    assert line.told(deals["JPY"]) == [None, None]
    row = line.records("salesforce", "Opportunity")[deals["JPY"]]
    assert (row["Billing_Status__c"], Decimal(row["Paid_Amount__c"])) == ("Paid", 100_001)
    (issue,) = line.issues()
    assert (issue.code, issue.source.id) == ("RATE_MISSING", f"JPY-USD-{today}")
    # when an accountant enters a rate, of two days before
    line.enter("JPY", "0.00671", today - timedelta(days=2))
    line.rest(minutes=10)
    # then the deal follows, and the issue is closed
    assert line.told(deals["JPY"]) == ["671.01", "671.01"]  # 671.00671
    assert line.codes() == []
    # and once more changes nothing anywhere
    before = line.written()
    line.rest(minutes=10)
    assert line.written() == before
