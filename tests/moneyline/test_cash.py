"""Cash that comes by other ways than one card payment per invoice, and cash that never comes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from tests.moneyline.money_back import intents, invoices, opportunity, rows, total
from tests.moneyline.receivables import identity_c
from tests.moneyline.world import MoneyLine

START = date(2026, 1, 1)


def transfer(line: MoneyLine, account: str, amount: int, applied: Mapping[str, int]) -> str:
    """A bank transfer that somebody enters in Zuora, with the invoices it is for."""
    fields: dict[str, Any] = {
        "accountNumber": account,
        "amount": amount,
        "currency": "EUR",
        "type": "External",
        "paymentMethodType": "WireTransfer",
        "invoices": [{"invoiceNumber": one, "amount": part} for one, part in applied.items()],
    }
    return str(line.do("zuora", "payments", "create", None, fields)["paymentNumber"])


def unapplied(line: MoneyLine) -> list[Decimal]:
    """What of each customer payment in NetSuite is applied to nothing."""
    return sorted(
        row["payment"] - sum((one["amount"] for one in row["apply"]), Decimal(0))
        for row in rows(line, "netsuite", "customerPayment")
    )


def test_transfers_over_several_invoices(line: MoneyLine) -> None:
    # given a customer with two deals of 11,900.00 each
    customer = line.account()
    first, second = (line.won(customer, [("PLT-001", 10_000)], START) for _ in range(2))
    line.settle()
    number = f"A-{customer}"
    one, two = invoices(line)[first], invoices(line)[second]
    # when one transfer pays parts of both, and another the rest of the first and more
    transfer(line, number, 8_000, {one: 5_000, two: 3_000})
    line.rest(minutes=10)
    assert opportunity(line, first) == ("Part paid", Decimal(5_000))
    assert opportunity(line, second) == ("Part paid", Decimal(3_000))
    assert identity_c(line) == []
    # then Stripe asks for what is open, and no more
    asked = line.records("stripe", "payment_intents")
    assert asked[intents(line)[first]]["amount"] == 690_000
    assert asked[intents(line)[second]]["amount"] == 890_000
    over = transfer(line, number, 7_500, {one: 6_900})
    line.rest(minutes=10)
    # then what is over stays apart, with us and in NetSuite
    assert opportunity(line, first) == ("Paid", Decimal(11_900))
    assert unapplied(line) == [0, 600]
    assert identity_c(line) == []
    # and nobody is asked for the paid one any more
    asked = line.records("stripe", "payment_intents")
    assert asked[intents(line)[first]]["status"] == "canceled"
    assert asked[intents(line)[second]]["status"] == "requires_payment_method"
    # when it is applied after all
    parts = {"invoices": [{"invoiceNumber": two, "amount": 600}]}
    line.do("zuora", "payments", "apply", over, parts)
    line.rest(minutes=10)
    assert opportunity(line, second) == ("Part paid", Decimal(3_600))
    assert unapplied(line) == [0, 0]
    assert identity_c(line) == []
    assert line.codes() == []


def test_paid_before_it_is_billed(line: MoneyLine) -> None:
    # given a customer who pays in advance for what comes next
    customer = line.account()
    line.won(customer, [("PLT-001", 100)], START)
    line.settle()
    prepaid = transfer(line, f"A-{customer}", 5_000, {})
    line.rest(minutes=10)
    assert unapplied(line) == [5_000]
    deal = line.won(customer, [("PLT-001", 10_000)], START)
    line.rest(minutes=10)
    assert opportunity(line, deal) == ("Billed", Decimal(0))
    parts = {"invoices": [{"invoiceNumber": invoices(line)[deal], "amount": 5_000}]}
    line.do("zuora", "payments", "apply", prepaid, parts)
    line.rest(minutes=10)
    assert opportunity(line, deal) == ("Part paid", Decimal(5_000))
    assert unapplied(line) == [0]
    assert identity_c(line) == []
    assert line.codes() == []


def test_an_invoice_written_off(line: MoneyLine) -> None:
    customer = line.account()
    deal = line.won(customer, [("PLT-001", 10_000)], START)
    line.settle()
    invoice = invoices(line)[deal]
    transfer(line, f"A-{customer}", 1_900, {invoice: 1_900})
    line.rest(minutes=10)
    line.do("zuora", "invoices", "write_off", invoice, {})
    line.rest(minutes=10)
    # NetSuite: bad debt, against the invoice
    (memo,) = rows(line, "netsuite", "creditMemo")
    bad = [one.foreign for one in memo["_impact"] if one.account == "601"]
    assert bad == [10_000]
    assert [one["amount"] for one in memo["apply"]] == [10_000]
    # what was paid is all that will be; nobody is asked for more
    assert opportunity(line, deal) == ("Paid", Decimal(1_900))
    (asked,) = rows(line, "stripe", "payment_intents")
    assert asked["status"] == "canceled"
    assert total(line, "zuora", "invoices", "balance") == 0
    assert identity_c(line) == []
    assert line.codes() == []


def test_what_somebody_gives_back_in_zuora_is_refunded(line: MoneyLine) -> None:
    # given a deal that was paid by transfer
    customer = line.account()
    deal = line.won(customer, [("PLT-001", 10_000)], START)
    line.settle()
    paid = transfer(line, f"A-{customer}", 11_900, {invoices(line)[deal]: 11_900})
    line.rest(minutes=10)
    assert opportunity(line, deal) == ("Paid", Decimal(11_900))
    # when a person sends the money back, and enters that in Zuora
    line.do("zuora", "payments", "refund", paid, {"amount": "11900.00", "unapply": True})
    line.rest(minutes=10)
    # then the deal is refunded, and NetSuite gave back as much
    assert opportunity(line, deal) == ("Refunded", Decimal(0))
    assert total(line, "netsuite", "customerRefund", "total") == 11_900
    assert line.codes() == []
