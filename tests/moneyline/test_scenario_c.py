"""12,000 from January, 3,000 more from July but told on the 20th, 1,500 given back in September."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tests.moneyline import orders
from tests.moneyline.money_back import refund
from tests.moneyline.posting import by_period, by_service, entries
from tests.moneyline.receivables import identity_c
from tests.moneyline.world import MoneyLine

START = date(2027, 1, 1)


def rows(line: MoneyLine, system: str, object: str) -> list[dict[str, Any]]:
    return [row for _id, row in sorted(line.records(system, object).items())]


def months(first: int, last: int, amount: str) -> dict[str, Decimal]:
    return {f"2027-{month:02}": Decimal(amount) for month in range(first, last + 1)}


def test_an_upsell_in_july_and_a_refund_in_september(line: MoneyLine) -> None:
    # order, subscription, invoice: 12,000 and 19 % tax
    orders.at(line, START)
    deal = line.won(line.account(), [("PLT-001", 12_000)], START)
    line.settle()
    contract = f"S-{deal}"
    assert [row["orderNumber"] for row in rows(line, "zuora", "orders")] == [f"O-{deal}"]
    assert [row["name"] for row in rows(line, "zuora", "subscriptions")] == [contract]
    (first,) = rows(line, "zuora", "invoices")
    assert (first["amountWithoutTax"], first["taxAmount"]) == (12_000, 2_280)
    # the payment succeeds: one in Stripe, one in Zuora, applied, one in NetSuite
    line.pay()
    line.rest(minutes=10)
    (payment,) = rows(line, "zuora", "payments")
    assert (payment["amount"], payment["appliedAmount"]) == (14_280, 14_280)
    assert [row["payment"] for row in rows(line, "netsuite", "customerPayment")] == [14_280]
    # January to June: one journal a month
    line.until(date(2027, 7, 3))
    assert by_period(line) == months(1, 6, "1000")
    # the upsell from the first of July is told on the 20th, before July is posted
    orders.at(line, date(2027, 7, 20))
    orders.upsell(line, contract, date(2027, 7, 1), 3_000, every="Semi_Annual")
    line.settle()
    line.rest(minutes=10)
    line.pay()
    line.until(date(2027, 8, 3))
    assert [row["amountWithoutTax"] for row in rows(line, "zuora", "invoices")] == [12_000, 3_000]
    assert by_period(line) == months(1, 6, "1000") | months(7, 7, "1500")
    # the evidence: which method, and what the promise came to
    made = [one for one in line.lines() if one["operation"] == "schedule"]
    assert [(one["code"], one["amount"]) for one in made] == [
        ("METHOD_PROSPECTIVE", "12000.00"),
        ("METHOD_PROSPECTIVE", "15000.00"),
    ]
    # the books to August are closed, then 1,500 and their tax are given back
    line.until(date(2027, 9, 10))
    for year, last in ((2026, 12), (2027, 8)):
        for month in range(1, last + 1):
            name = f"{date(year, month, 1):%b %Y}"
            line.do("netsuite", "accountingPeriod", "close", name, {})
    line.until(date(2027, 9, 15))
    posted = line.records("netsuite", "journalEntry")
    charges = line.records("stripe", "charges")
    charge = next(id for id, row in charges.items() if row["amount"] == 14_280_00)
    refund(line, charge, "1785.00", "requested_by_customer")
    line.rest(minutes=10)
    (memo,) = rows(line, "zuora", "credit-memos")
    assert (memo["status"], memo["totalAmountWithoutTax"], memo["taxAmount"]) == (
        "Posted", 1_500, 285,
    )  # fmt: skip
    assert [row["amount"] for row in rows(line, "zuora", "refunds")] == [1_785]
    assert [row["total"] for row in rows(line, "netsuite", "creditMemo")] == [1_785]
    assert [row["total"] for row in rows(line, "netsuite", "customerRefund")] == [1_785]
    # September takes back what the credit takes from the months that are closed
    line.until(date(2027, 10, 3))
    back = [one for one in entries(line) if one.service < one.period]
    assert {one.period for one in back} == {"2027-09"}
    assert all(f"for service period {one.service}" in one.memo for one in back)
    assert sum(one.amount for one in back) == Decimal(-125 * 8)
    after = line.records("netsuite", "journalEntry")
    assert {id: after[id] for id in posted} == posted
    # and at the end of the year 13,500 are earned, nothing is owed, and Salesforce says so
    line.until(date(2028, 1, 3))
    assert by_service(line) == months(1, 6, "875") | months(7, 12, "1375")
    row = line.records("salesforce", "Opportunity")[deal]
    assert row["Billing_Status__c"] == "Paid"
    assert Decimal(row["Billed_Amount__c"]) == Decimal(row["Paid_Amount__c"]) == Decimal(16_065)
    assert Decimal(row["Recognised_Revenue__c"]) == Decimal(13_500)
    assert identity_c(line) == []
    assert line.codes() == []
