"""Money given back: refunds that concede revenue, refunds of cash alone, and those that fail."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.moneyline.money_back import charges, invoices, opportunity, refund, revenue, rows
from tests.moneyline.receivables import identity_c
from tests.moneyline.world import MoneyLine

START = date(2026, 1, 1)
GROSS = Decimal(11_900)


def paid_deals(line: MoneyLine, *names: str) -> dict[str, str]:
    """Deals of 10,000.00 and 19 % tax, one per customer, billed and paid."""
    deals = {name: line.won(line.account(name), [("PLT-001", 10_000)], START) for name in names}
    line.settle()
    line.pay()
    line.rest(minutes=10)
    assert {opportunity(line, deal) for deal in deals.values()} == {("Paid", GROSS)}
    return deals


def balances(line: MoneyLine, object: str, number: str) -> dict[str, Decimal]:
    """What is left of Zuora's documents of a kind, by number."""
    return {row[number]: row["balance"] for row in rows(line, "zuora", object)}


def test_refunds_concede_or_give_back_cash_alone(line: MoneyLine) -> None:
    deals = paid_deals(line, "part", "whole", "cash")
    charged, billed = charges(line), invoices(line)
    part, whole, cash = deals.values()
    refund(line, charged[part], "1190.00", "requested_by_customer")
    refund(line, charged[whole], None, "requested_by_customer")
    refund(line, charged[cash], "1900.00", "duplicate")
    line.rest(minutes=10)
    # Zuora: posted memos, refunded themselves, beside settled invoices
    memos = rows(line, "zuora", "credit-memos")
    assert sorted(memo["totalAmount"] for memo in memos) == [1_190, 11_900]
    assert {(memo["status"], memo["balance"]) for memo in memos} == {("Posted", 0)}
    # cash alone comes off the payment, which opens its invoice by as much
    open_amounts = balances(line, "invoices", "invoiceNumber")
    assert open_amounts == {billed[part]: 0, billed[whole]: 0, billed[cash]: 1_900}
    # NetSuite: the memos, what used them up, and the payment that is applied by less
    assert sorted(row["total"] for row in rows(line, "netsuite", "creditMemo")) == [1_190, 11_900]
    given = sorted(row["total"] for row in rows(line, "netsuite", "customerRefund"))
    assert given == [1_190, 1_900, 11_900]
    payments = rows(line, "netsuite", "customerPayment")
    assert sorted(row["apply"][0]["amount"] for row in payments) == [10_000, 11_900, 11_900]
    # Salesforce: where the money stands
    assert opportunity(line, part) == ("Paid", Decimal(10_710))
    assert opportunity(line, whole) == ("Refunded", Decimal(0))
    assert opportunity(line, cash) == ("Part paid", Decimal(10_000))
    assert identity_c(line) == []
    # once the year is over, what was conceded was not earned
    line.rest(days=60)
    assert revenue(line) == 9_000 + 0 + 10_000
    before = line.written()
    line.restart()
    line.rest(hours=1)
    assert line.written() == before
    assert line.codes() == []


def test_refunds_count_once_they_arrive_and_no_longer_when_they_fail(line: MoneyLine) -> None:
    deals = paid_deals(line, "late", "concession", "cash")
    late, concession, cash = deals.values()
    charged = charges(line)
    failing = [
        refund(line, charged[concession], "1190.00", "requested_by_customer"),
        refund(line, charged[cash], "1900.00", "duplicate"),
    ]
    line.simulators["stripe"].set_options({"card_refunds": "pending"})
    pending = refund(line, charged[late], "1190.00", "requested_by_customer")
    line.rest(minutes=10)
    # what is on its way is no refund yet
    assert [memo["totalAmount"] for memo in rows(line, "zuora", "credit-memos")] == [1_190]
    assert opportunity(line, late) == ("Paid", GROSS)
    assert opportunity(line, concession) == ("Paid", Decimal(10_710))
    assert opportunity(line, cash) == ("Part paid", Decimal(10_000))
    # when it arrives, and the other two come back
    line.do("stripe", "refunds", "succeed", pending, {})
    for made in failing:
        line.do("stripe", "refunds", "fail", made, {"reason": "expired_or_canceled_card"})
    line.rest(minutes=10)
    assert opportunity(line, late) == ("Paid", Decimal(10_710))
    # then their refunds are cancelled: the credit and the cash are the customer's to claim
    statuses = {row["referenceID"]: row["status"] for row in rows(line, "zuora", "refunds")}
    assert {statuses[made] for made in failing} == {"Canceled"}
    assert statuses[pending] == "Processed"
    assert sorted(balances(line, "credit-memos", "memoNumber").values()) == [0, 1_190]
    assert sorted(row["unappliedAmount"] for row in rows(line, "zuora", "payments"))[-1] == 1_900
    assert opportunity(line, concession) == ("Paid", GROSS)
    assert identity_c(line) == []
    # and somebody is told what to do with the credit
    assert line.codes() == []
    assert line.tally()["credit_memos"] == {"held": 1, "done": 1}
    (open_memo,) = [
        memo for memo in rows(line, "zuora", "credit-memos") if memo["balance"] == Decimal(1_190)
    ]
    # when it is given back by other means, the memo is settled
    by_hand = {"amount": "1190.00", "refundDate": line.clock.now().date().isoformat()}
    line.do("zuora", "credit-memos", "refund", open_memo["memoNumber"], by_hand)
    line.rest(minutes=10)
    assert line.tally()["credit_memos"] == {"done": 2}
    assert balances(line, "credit-memos", "memoNumber")[open_memo["memoNumber"]] == 0
    assert opportunity(line, concession) == ("Paid", Decimal(10_710))
    # (NetSuite holds that credit in the journal, and says so)
    (refused,) = line.issues()
    assert "0.00 is open" in refused.parameters["message"]


def test_a_reason_nobody_decided_about_is_one_issue(line: MoneyLine) -> None:
    deals = paid_deals(line, "goodwill")
    refund(line, charges(line)[deals["goodwill"]], "100.00", "goodwill")
    line.rest(minutes=10)
    (issue,) = line.issues()
    assert issue.parameters["fault"] == "UNKNOWN_VALUE"
    assert "the value map `refund_means` does not know 'goodwill'" in issue.parameters["message"]
    assert rows(line, "zuora", "credit-memos") == rows(line, "zuora", "refunds") == []
