"""Money given back: refunds that concede revenue, refunds of cash alone, and those that fail."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.moneyline.money_back import charge, opportunity, refund, revenue, rows, total
from tests.moneyline.receivables import identity_c
from tests.moneyline.world import MoneyLine

START = date(2026, 1, 1)


@pytest.fixture
def deal(line: MoneyLine) -> str:
    """10,000.00 and 19 % tax, billed and paid."""
    won = line.won(line.account(), [("PLT-001", 10_000)], START)
    line.settle()
    line.pay()
    line.rest(minutes=10)
    assert opportunity(line, won) == ("Paid", Decimal(11_900))
    return won


def test_a_partial_refund_concedes_revenue(line: MoneyLine, deal: str) -> None:
    refund(line, charge(line), "1190.00", "requested_by_customer")
    line.rest(minutes=10)
    # Zuora: a posted memo, refunded itself; the invoice stays settled
    (memo,) = rows(line, "zuora", "credit-memos")
    assert (memo["status"], memo["totalAmount"], memo["balance"]) == ("Posted", 1190, 0)
    assert total(line, "zuora", "invoices", "balance") == 0
    # NetSuite: the memo, and the refund that uses it up
    (credit,) = rows(line, "netsuite", "creditMemo")
    (back,) = rows(line, "netsuite", "customerRefund")
    assert (credit["total"], back["total"]) == (1190, 1190)
    assert back["apply"][0]["doc"] in line.records("netsuite", "creditMemo")
    # what is left was paid in full, and less is earned
    assert opportunity(line, deal) == ("Paid", Decimal(10_710))
    assert identity_c(line) == []
    before = line.written()
    line.restart()
    line.rest(hours=1)
    assert line.written() == before
    line.rest(days=60)
    assert revenue(line) == 9_000
    assert line.codes() == []


def test_a_full_refund(line: MoneyLine, deal: str) -> None:
    refund(line, charge(line), None, "requested_by_customer")
    line.rest(minutes=10)
    assert opportunity(line, deal) == ("Refunded", Decimal(0))
    assert total(line, "zuora", "credit-memos", "totalAmount") == 11_900
    assert identity_c(line) == []
    line.rest(days=60)
    assert revenue(line) == 0
    assert line.codes() == []


def test_cash_alone_opens_the_invoice_again(line: MoneyLine, deal: str) -> None:
    refund(line, charge(line), "1900.00", "duplicate")
    line.rest(minutes=10)
    # Zuora: refunded from the payment, which is taken off its invoice by as much
    assert total(line, "zuora", "invoices", "balance") == 1_900
    assert total(line, "zuora", "credit-memos", "totalAmount") == 0
    # NetSuite: the payment applied by less, the difference paid back
    (payment,) = rows(line, "netsuite", "customerPayment")
    assert payment["apply"][0]["amount"] == 10_000
    assert total(line, "netsuite", "customerRefund", "total") == 1_900
    assert opportunity(line, deal) == ("Part paid", Decimal(10_000))
    assert identity_c(line) == []
    assert line.codes() == []


def test_a_refund_that_is_on_its_way_is_none(line: MoneyLine, deal: str) -> None:
    line.simulators["stripe"].set_options({"card_refunds": "pending"})
    made = refund(line, charge(line), "1190.00", "requested_by_customer")
    line.rest(minutes=10)
    assert rows(line, "zuora", "credit-memos") == []
    assert opportunity(line, deal) == ("Paid", Decimal(11_900))
    line.do("stripe", "refunds", "succeed", made, {})
    line.rest(minutes=10)
    assert total(line, "zuora", "credit-memos", "totalAmount") == 1_190
    assert opportunity(line, deal) == ("Paid", Decimal(10_710))
    assert identity_c(line) == []
    assert line.codes() == []


def test_a_refund_that_fails_later_is_taken_back(line: MoneyLine, deal: str) -> None:
    made = refund(line, charge(line), "1190.00", "requested_by_customer")
    line.rest(minutes=10)
    line.do("stripe", "refunds", "fail", made, {"reason": "expired_or_canceled_card"})
    line.rest(minutes=10)
    (back,) = rows(line, "zuora", "refunds")
    assert back["status"] == "Canceled"
    # the customer has the money to claim: in Zuora, and in NetSuite's receivables
    assert total(line, "zuora", "credit-memos", "balance") == 1_190
    assert opportunity(line, deal) == ("Paid", Decimal(11_900))
    assert identity_c(line) == []
    assert line.codes() == []


def test_a_reason_nobody_decided_about_is_one_issue(line: MoneyLine, deal: str) -> None:
    refund(line, charge(line), "100.00", "goodwill")
    line.rest(minutes=10)
    (issue,) = line.issues()
    assert issue.parameters["fault"] == "UNKNOWN_VALUE"
    assert "the value map `refund_means` does not know 'goodwill'" in issue.parameters["message"]
    assert rows(line, "zuora", "credit-memos") == rows(line, "zuora", "refunds") == []
    assert deal
