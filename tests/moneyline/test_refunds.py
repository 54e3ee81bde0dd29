"""Money given back: refunds that concede revenue, refunds of cash alone, and those that fail."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.moneyline.money_back import charge, dispute, opportunity, refund, total
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


def test_a_partial_refund_that_concedes_revenue(line: MoneyLine, deal: str) -> None:
    refund(line, charge(line), "1190.00", "requested_by_customer")
    line.rest(minutes=10)
    # Zuora: a posted memo, refunded itself; the invoice stays settled
    (memo,) = line.records("zuora", "credit-memos").values()
    assert (memo["status"], memo["totalAmount"], memo["balance"]) == ("Posted", 1190, 0)
    assert total(line, "zuora", "invoices", "balance") == 0
    # NetSuite: the memo, and the refund that uses it up
    (credit,) = line.records("netsuite", "creditMemo").values()
    (back,) = line.records("netsuite", "customerRefund").values()
    assert (credit["total"], back["total"]) == (1190, 1190)
    assert back["apply"][0]["doc"] in line.records("netsuite", "creditMemo")
    # what is left was paid in full
    assert opportunity(line, deal) == ("Paid", Decimal(10_710))
    assert line.codes() == []


def test_a_full_refund(line: MoneyLine, deal: str) -> None:
    refund(line, charge(line), None, "requested_by_customer")
    line.rest(minutes=10)
    assert opportunity(line, deal) == ("Refunded", Decimal(0))
    assert total(line, "zuora", "credit-memos", "totalAmount") == 11_900
    assert line.codes() == []
