"""Cost of sales: posted over the dates of service, per month, company and currency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.moneyline.world import MoneyLine

START = date(2026, 1, 1)
SYNCS = """
  costs:
    from: salesforce.Opportunity
    observe: true
    mapping: cost_observed
    start_from: everything
  cost_journals:
    from: revline.cost_lines
    to: netsuite.journalEntry
    mapping: cost_to_journal
    start_from: everything
    group_by: [period, entity, currency]
    trigger: {period_end: 1d}
"""


@pytest.fixture
def line(tmp_path: Path) -> Iterator[MoneyLine]:
    made = MoneyLine(tmp_path, lambda text: text + SYNCS)
    made.do("salesforce", "OpportunityLineItem", "add_field", None,
            {"name": "Unit_Cost__c", "line": "currency 18,3"})  # fmt: skip
    yield made
    made.close()
    for system, simulator in made.simulators.items():
        assert simulator.journal.violations == [], system


def costed(line: MoneyLine, deal: str, costs: dict[str, str]) -> None:
    """What each product of a deal costs to deliver."""
    for id, row in line.records("salesforce", "OpportunityLineItem").items():
        if row["OpportunityId"] == deal and row["ProductCode"] in costs:
            cost = {"Unit_Cost__c": costs[row["ProductCode"]]}
            line.do("salesforce", "OpportunityLineItem", "update", id, cost)


def posted(line: MoneyLine) -> dict[tuple[str, str, str], list[Counter[str]]]:
    """Cost journals by month, company and currency: debits less credits, per account."""
    found: dict[tuple[str, str, str], list[Counter[str]]] = {}
    for row in line.records("netsuite", "journalEntry").values():
        if not row["memo"].startswith("Cost of sales"):
            continue
        debits = sum(Decimal(one.get("debit") or 0) for one in row["line"])
        assert debits == sum(Decimal(one.get("credit") or 0) for one in row["line"])
        sums: Counter[str] = Counter()
        for one in row["line"]:
            sums[str(one["account"])] += Decimal(one.get("debit") or 0)  # type: ignore[assignment]
            sums[str(one["account"])] -= Decimal(one.get("credit") or 0)  # type: ignore[assignment]
        key = (row["tranDate"][:7], str(row["subsidiary"]), str(row["currency"]))
        found.setdefault(key, []).append(sums)
    return found


def test_costs_are_posted_with_their_service(line: MoneyLine) -> None:
    # given a year with an onboarding in euros, and a year in yen of another company
    euros = line.won(line.account(), [("PLT-001", 10_000), ("SUP-001", 600)], START)
    costed(line, euros, {"PLT-001": "2500", "SUP-001": "100"})
    yen = line.won(line.account("Nippon KK", "Japan"), [("PLT-001", 900_000)], START, "JPY")
    costed(line, yen, {"PLT-001": "100000"})
    line.settle()
    # when the year is over
    line.rest(days=60)
    assert [one.parameters for one in line.issues()] == []
    # then there is one journal per month, company and currency; each balances
    months = posted(line)
    assert {len(several) for several in months.values()} == {1}
    assert sorted(months) == [
        (f"2026-{month:02}", entity, currency)
        for month in range(1, 13)
        for entity, currency in (("1", "4"), ("3", "3"))
    ]
    # 2,600 over twelve months, to the cent, and 100,000 yen without places
    eur = [months[f"2026-{month:02}", "3", "3"][0] for month in range(1, 13)]
    assert [one["501"] for one in eur[:3]] == [
        Decimal("216.66"),
        Decimal("216.68"),
        Decimal("216.66"),
    ]
    assert sum(one["501"] for one in eur) == Decimal(2_600)
    assert sum(one["130"] for one in eur) == Decimal(-2_600)
    jpy = [months[f"2026-{month:02}", "1", "4"][0]["501"] for month in range(1, 13)]
    assert jpy[:3] == [Decimal(8_333), Decimal(8_334), Decimal(8_333)]
    assert sum(jpy) == Decimal(100_000)


def test_a_family_without_an_account_is_an_issue(line: MoneyLine) -> None:
    # given a cost of a usage product, for which no account is listed
    deal = line.won(line.account(), [("PLT-001", 1_200), ("API-001", 120)], date(2026, 12, 1))
    costed(line, deal, {"API-001": "12"})
    line.settle()
    line.rest(days=33)
    # then it is held back, whole, and says which
    assert posted(line) == {}
    wrong = [one for one in line.issues() if one.sync == "cost_journals"]
    assert {one.code for one in wrong} == {"MAPPING"}
    assert all("UNKNOWN_VALUE" in str(one.parameters) for one in wrong), wrong[0].parameters
    assert all("cost_of_sales:usage" in str(one.parameters) for one in wrong), wrong[0].parameters
