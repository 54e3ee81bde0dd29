"""Closed Won to the ledger with Stripe Billing: no Zuora, the same facts, the same cents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.moneyline import orders
from tests.moneyline.posting import by_service, entries
from tests.moneyline.stripe_line import StripeLine

START = date(2026, 1, 1)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[StripeLine]:
    made = StripeLine(tmp_path)
    yield made
    made.close()
    for system, simulator in made.simulators.items():
        assert simulator.journal.violations == [], system


def balances(line: StripeLine) -> dict[str, Decimal]:
    """What receivables, deferred revenue and revenue come to in NetSuite."""
    sums: dict[str, Decimal] = {}
    objects = ("invoice", "customerPayment", "creditMemo", "customerRefund", "journalEntry")
    for object in objects:
        for row in line.records("netsuite", object).values():
            for one in row["_impact"]:
                if one.account in ("119", "230", "401", "402"):
                    sums[one.account] = sums.get(one.account, Decimal(0)) + one.foreign
    return dict(sorted(sums.items()))


def test_ten_thousand_over_twelve_months_without_zuora(line: StripeLine) -> None:
    # given a deal over twelve months with an onboarding that is paid once, entered late
    deal = line.won(line.account(), [("PLT-001", 10_000)], START)
    line.settle()
    # when Stripe has finalized the invoice, the customer pays it, and the year has gone by
    line.rest(hours=2)
    line.pay()
    line.rest(minutes=10)
    line.rest(days=60)
    assert [one.parameters for one in line.issues()] == []
    # then Stripe billed the year from the close date on, and nothing after it
    (invoice,) = line.records("stripe", "invoices").values()
    assert (invoice["status"], invoice["total"]) == ("paid", 1_190_000)
    # and every month is posted once
    months = by_service(line)
    assert [*months.values()][:3] == [Decimal("833.33"), Decimal("833.34"), Decimal("833.33")]
    assert list(months) == [f"2026-{month:02}" for month in range(1, 13)]
    assert sum(months.values()) == Decimal(10_000)
    # and the opportunity says what became of the money
    row = line.records("salesforce", "Opportunity")[deal]
    assert row["Billing_Status__c"] == "Paid"
    assert Decimal(row["Paid_Amount__c"]) == Decimal(11_900)
    assert Decimal(row["Recognised_Revenue__c"]) == Decimal(10_000)
    # and nothing is left to be claimed in NetSuite
    (booked,) = line.records("netsuite", "invoice").values()
    assert booked["tranId"] == invoice["number"]
    assert balances(line) == {"119": Decimal(0), "230": Decimal(0), "401": Decimal(-10_000)}
    # and a second run writes nothing
    before = line.written()
    line.restart()
    line.rest(hours=1)
    assert line.written() == before


def test_what_is_paid_once_is_billed_with_the_year_or_alone(line: StripeLine) -> None:
    # given a deal with a year and an onboarding, and another customer's with an onboarding alone
    orders.at(line, date(2027, 1, 1))
    both = line.won(line.account(), [("PLT-001", 1_200)], date(2027, 1, 1))
    once(line, both, "ONB-001", 300)
    alone = line.won(line.account("Solo GmbH"), [("ONB-001", 90)], date(2027, 1, 1), yearly=False)
    line.settle()
    line.rest(hours=2)
    line.pay()
    line.until(date(2027, 2, 3))
    assert [one.parameters for one in line.issues()] == []
    # then each has one invoice, with tax
    totals = sorted(row["total"] for row in line.records("stripe", "invoices").values())
    assert totals == [10_710, 178_500]
    # and the year is earned by the month, the rest on its day
    january = sorted((one.account, one.amount) for one in entries(line))
    assert january == [("401", Decimal(100)), ("402", Decimal(90)), ("402", Decimal(300))]
    assert by_service(line, f"S-{alone}") == {"2027-01": Decimal(90)}
    rows = line.records("salesforce", "Opportunity")
    assert [rows[deal]["Billing_Status__c"] for deal in (both, alone)] == ["Paid", "Paid"]


def once(line: StripeLine, deal: str, code: str, amount: int) -> None:
    """Another line of a deal, paid once."""
    book = line.records("salesforce", "Opportunity")[deal]["Pricebook2Id"]
    entry = line._entry(book, code, "EUR")
    line.do("salesforce", "OpportunityLineItem", "create", None, {
        "OpportunityId": deal, "PricebookEntryId": entry, "Quantity": 1, "UnitPrice": str(amount),
    })  # fmt: skip


def test_seats_added_in_stripe_are_earned_over_what_is_left(line: StripeLine) -> None:
    # given a year of one seat at 1,200, paid
    orders.at(line, date(2027, 1, 1))
    deal = line.won(line.account(), [("PLT-001", 1_200)], date(2027, 1, 1))
    line.settle()
    line.rest(hours=2)
    line.pay()
    # when a person adds a second seat in Stripe half a year later, billed at once
    orders.at(line, date(2027, 7, 1))
    (subscription,) = line.records("stripe", "subscriptions").values()
    (item,) = line.records("stripe", "subscription_items").values()
    line.call_stripe(
        f"subscriptions/{subscription['id']}",
        {
            "items[0][id]": item["id"],
            "items[0][quantity]": "2",
            "proration_behavior": "always_invoice",
        },
    )
    line.settle()
    line.pay()
    line.until(date(2028, 1, 4))
    assert [one.parameters for one in line.issues()] == []
    # then what Stripe charged for it is earned from July on, and everything is earned by the end
    added = [
        row for row in line.records("stripe", "invoices").values() if row["subtotal"] < 120_000
    ]
    (charged,) = [Decimal(row["subtotal"]).scaleb(-2) for row in added]
    months = by_service(line, f"S-{deal}")
    assert [months[f"2027-{month:02}"] for month in range(1, 7)] == [Decimal(100)] * 6
    assert sum(months.values()) == Decimal(1_200) + charged
    assert Decimal(590) < charged < Decimal(610)
    assert all(months[f"2027-{month:02}"] > 190 for month in range(7, 13))
    assert balances(line)["230"] == 0
    assert line.records("salesforce", "Opportunity")[deal]["Billing_Status__c"] == "Paid"


def test_a_credit_note_takes_back_what_its_line_promised(line: StripeLine) -> None:
    # given a year at 1,200 that is paid
    orders.at(line, date(2027, 1, 1))
    deal = line.won(line.account(), [("PLT-001", 1_200)], date(2027, 1, 1))
    line.settle()
    line.rest(hours=2)
    line.pay()
    line.rest(minutes=10)
    # when a tenth of it is conceded and given back
    (invoice,) = line.records("stripe", "invoices").values()
    line.call_stripe("credit_notes", {
        "invoice": invoice["id"], "refund_amount": "14280", "lines[0][type]": "invoice_line_item",
        "lines[0][invoice_line_item]": invoice["_lines"][0]["id"], "lines[0][amount]": "12000",
    })  # fmt: skip
    line.until(date(2028, 1, 4))
    assert [one.parameters for one in line.issues()] == []
    # then so much less is earned, over the same months, and nothing is open
    months = by_service(line, f"S-{deal}")
    assert set(months.values()) == {Decimal(90)}
    assert len(months) == 12
    assert balances(line)["119"] == balances(line)["230"] == Decimal(0)
    row = line.records("salesforce", "Opportunity")[deal]
    assert (row["Billing_Status__c"], Decimal(row["Paid_Amount__c"])) == ("Paid", Decimal("1285.2"))
