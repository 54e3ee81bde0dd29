"""Answers lost on the way back: every write of a refund's chain takes effect, and none twice."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from tests.moneyline.mishaps import fault, killed, requests
from tests.moneyline.money_back import charges, dispute, opportunity, refund, rows, total
from tests.moneyline.receivables import identity_c
from tests.moneyline.world import MoneyLine

START = date(2026, 1, 1)
NETSUITE = "/services/rest/record/v1/"


def paid_deals(line: MoneyLine, *names: str) -> list[str]:
    deals = [line.won(line.account(name), [("PLT-001", 10_000)], START) for name in names]
    line.settle()
    line.pay()
    line.rest(minutes=10)
    return deals


def test_every_answer_of_the_way_back_is_lost_once(line: MoneyLine) -> None:
    conceded, cash, taken = paid_deals(line, "conceded", "cash", "taken")
    charged = charges(line)
    # given that each kind of write on the way takes effect and its answer is cut off
    for method, path in (
        ("POST", "/v1/credit-memos/invoice/.*"),
        ("PUT", "/v1/credit-memos/.*/post"),
        ("POST", "/v1/credit-memos/.*/refund"),
        ("POST", "/v1/payments/.*/refunds/unapply"),
        ("POST", "/v1/gateway-settlement/payments/.*/chargeback"),
    ):
        fault(line, "zuora", method, path)
    for object in ("creditMemo", "customerRefund", "journalEntry"):
        fault(line, "netsuite", "PUT", f"{NETSUITE}{object}/.*")
    fault(line, "netsuite", "PATCH", f"{NETSUITE}customerPayment/.*")
    # when money goes back in every way
    refund(line, charged[conceded], "1190.00", "requested_by_customer")
    refund(line, charged[cash], "1900.00", "duplicate")
    line.do("stripe", "disputes", "lose", dispute(line, charged[taken]), {})
    line.rest(minutes=10)
    line.rest(minutes=10)
    # then it went back once each time
    amounts = sorted(row["amount"] for row in rows(line, "zuora", "refunds"))
    assert amounts == [1_190, 1_900, 11_900]
    assert total(line, "zuora", "credit-memos", "totalAmount") == 1_190
    given = sorted(row["total"] for row in rows(line, "netsuite", "customerRefund"))
    assert given == [1_190, 1_900, 11_900]
    assert len(rows(line, "netsuite", "creditMemo")) == 1
    assert opportunity(line, conceded) == ("Paid", Decimal(10_710))
    assert opportunity(line, cash) == ("Part paid", Decimal(10_000))
    assert opportunity(line, taken) == ("Billed", Decimal(0))
    assert identity_c(line) == []
    assert line.codes() == []


def test_a_refund_that_was_paid_when_the_engine_died_is_not_paid_again(line: MoneyLine) -> None:
    # given an engine that dies with the refund of a memo sent, and starts again a day later
    (deal,) = paid_deals(line, "conceded")
    refund(line, charges(line)[deal], "1190.00", "requested_by_customer")
    line.clock.shift(timedelta(minutes=10))
    killed(line, "send.applied", lambda: bool(rows(line, "zuora", "refunds")))
    line.clock.shift(timedelta(hours=25))
    line.boot()
    line.settle()
    line.rest(minutes=10)
    # then the refund is seen, and no other is made
    (back,) = rows(line, "zuora", "refunds")
    memo = back["associatedTransactionNumber"]
    assert len(requests(line, "zuora", "POST", f"/v1/credit-memos/{memo}/refund")) == 1
    assert opportunity(line, deal) == ("Paid", Decimal(10_710))
    assert identity_c(line) == []
    assert line.codes() == []
