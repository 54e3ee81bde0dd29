"""Invoices, payments, credit memos, refunds, orders: what is open, and what the ledger holds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

D = Decimal


def impact(account: Any, type: str, id: str) -> list[tuple[str, Decimal]]:
    """Account numbers and foreign amounts of a transaction, in line order."""
    with account.simulator.lock:
        books = account.simulator.books
        lines = books.tables[type][id]["_impact"]
        return [(books.tables["account"][one.account]["acctNumber"], one.foreign) for one in lines]


def everything_balances(account: Any) -> None:
    with account.simulator.lock:
        books = account.simulator.books
        for name in books.names_of("transaction"):
            for row in books.tables[name].values():
                lines = row.get("_impact") or ()
                assert sum(one.base for one in lines) == 0
                assert sum(one.foreign for one in lines) == 0


# -- invoices ------------------------------------------------------------------------------------


def test_where_the_lines_of_an_invoice_go(account: Any) -> None:
    dated = {"revRecStartDate": "2026-09-01", "revRecEndDate": "2027-08-31"}
    invoice = account.invoice(
        account.customer(),
        account.line("PLT-001", 12_000, **dated),  # recognised over time
        account.line("ONB-001", 500),  # earned at once
        account.line("TRN-001", 300, **dated),  # has dates of its own
        account.line("API-001", 42.5),
        account.line("HWR-001", 99, **dated),  # an item that is never deferred
        account.line("REVLINE-TAX", 1_067.28),
    )
    assert impact(account, "invoice", invoice) == [
        ("1100", D("14008.78")),
        ("2500", D(-12_000)),
        ("4100", D(-500)),
        ("2500", D(-300)),
        ("4200", D("-42.5")),
        ("4300", D(-99)),
        ("2200", D("-1067.28")),
    ]
    shown = account.read("invoice", invoice)
    assert (shown["total"], shown["deferredRevenue"]) == (D("14008.78"), D(12_300))
    assert shown["tranId"].startswith("INV")
    assert shown["amountRemaining"] == shown["total"]
    everything_balances(account)


def test_tax_on_lines(account: Any) -> None:
    invoice = account.invoice(
        account.customer(),
        account.line("ONB-001", 100, taxRate1=8.25),
        account.line("ONB-001", 10, tax1Amt=1),
        memo="taxed",
    )
    shown = account.read("invoice", invoice)
    assert (shown["subtotal"], shown["taxTotal"], shown["total"]) == (110, D("9.25"), D("119.25"))
    assert impact(account, "invoice", invoice)[-1] == ("2200", D("-9.25"))
    account.patch("invoice", invoice, item={"items": [{"line": 1, "rate": 200}]})
    shown = account.read("invoice", invoice)
    assert [line["amount"] for line in shown["item"]["items"]] == [200, 10]
    assert shown["taxTotal"] == D("17.5")


def test_tax_computed_by_somebody_else(account: Any) -> None:
    customer = account.customer()
    lines = [
        account.line("ONB-001", 100, taxDetailsReference="a"),
        account.line("ONB-001", 50, taxDetailsReference="b"),
    ]
    detail = {"taxDetailsReference": "a", "taxAmount": 7.13, "taxRate": 7.13, "taxBasis": 100}
    given = {"taxDetailsOverride": True, "taxDetails": {"items": [detail]}}
    invoice = account.invoice(customer, *lines, **given)
    assert account.read("invoice", invoice)["total"] == D("157.13")
    for change in (
        {"taxDetailsOverride": False},
        {"taxDetails": {"items": [{**detail, "taxDetailsReference": "c"}]}},
        {"taxDetails": {"items": [{"taxDetailsReference": "b"}]}},
    ):
        answer = account.call("PATCH", f"invoice/{invoice}", change)
        assert account.refused(answer)["o:errorCode"] in {"USER_ERROR", "INVALID_CONTENT"}
    assert account.read("invoice", invoice)["taxTotal"] == D("7.13")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"entity": None}, "entity"),
        ({"subsidiary": {"id": "3"}}, "subsidiary"),
        ({"currency": {"id": "3"}}, "currency"),
        ({"exchangeRate": 2}, "exchangeRate"),
        ({"item": {"items": []}}, "item"),
        ({"item": {"items": [{"quantity": 1, "rate": 1}]}}, "item.items[0].item"),
        ({"tranDate": "9/10/2026"}, "tranDate"),
        ({"tranDate": "2026-02-30"}, "tranDate"),
        ({"postingPeriod": {"id": "1"}}, "postingPeriod"),  # a whole year
        ({"account": {"id": "401"}}, "account"),
        ({"approvalStatus": {"id": "9"}}, "approvalStatus"),
    ],
)
def test_refused_invoices(account: Any, fields: dict[str, Any], path: str) -> None:
    customer = account.customer()
    line = account.line("PLT-001", 5)
    body = {"entity": {"id": customer}, "tranDate": "2026-09-10", "item": {"items": [line]}}
    answer = account.call("POST", "invoice", {**body, **fields})
    assert account.refused(answer).get("o:errorPath") == path
    assert account.query("SELECT COUNT(*) AS n FROM transaction") == [{"n": "0"}]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ({"rate": None}, "amount"),
        ({"amount": 1.001}, "amount"),
        ({"amount": "1"}, "amount"),
        ({"tax1Amt": 0.001}, "tax1Amt"),
        ({"revRecEndDate": "2026-01-01"}, "revRecEndDate"),
        ({"item": {"id": "1"}}, "item"),
        ({"qty": 1}, "qty"),
    ],
)
def test_refused_lines(account: Any, line: dict[str, Any], path: str) -> None:
    whole = account.line("PLT-001", 5) | line
    body = {"entity": {"id": account.customer()}, "item": {"items": [whole]}}
    detail = account.refused(account.call("POST", "invoice", body))
    assert detail["o:errorPath"] == f"item.items[0].{path}"


def test_lines_without_a_key_are_added_unless_the_list_is_replaced(account: Any) -> None:
    """The trap of a repeated upsert: its lines are new lines."""
    customer = account.customer()
    body = {
        "entity": {"id": customer},
        "tranDate": "2026-09-10",
        "item": {"items": [account.line("PLT-001", 5)]},
    }
    first = account.put("invoice", "i-1", **body)
    account.put("invoice", "i-1", **body)
    assert account.read("invoice", first)["total"] == 10
    account.put("invoice", "i-1", "item", **body)
    assert account.read("invoice", first)["total"] == 5
    account.put("invoice", "i-1", "item", **body)
    counts = account.look("counts")["counts"]["invoice"]["i-1"]
    assert (counts["creates"], counts["changing_updates"], counts["unchanged_updates"]) == (1, 2, 1)
    unknown = account.call("PUT", "invoice/eid:i-1", body, params={"replace": "line"})
    assert account.refused(unknown)["o:errorQueryParam"] == "replace"


# -- payments ------------------------------------------------------------------------------------


def test_part_payments_and_an_overpayment(account: Any) -> None:
    customer = account.customer()
    one = account.invoice(customer, account.line("PLT-001", 100))
    two = account.invoice(customer, account.line("PLT-001", 50))
    first = account.pay(customer, 120, (one, 40), (two, 30))
    assert account.read("invoice", one)["amountRemaining"] == 60
    shown = account.read("customerPayment", first)
    assert (shown["applied"], shown["unapplied"]) == (70, 50)
    assert account.read("customer", customer)["balance"] == 30
    second = account.pay(customer, 80, (one, 60), (two, 20))
    assert account.read("invoice", two)["status"]["id"] == "Paid In Full"
    assert account.sum_of("1100") == -50, "the overpayment is the customer's"
    assert account.read("customerPayment", second)["status"]["id"] == "Not Deposited"
    assert account.query(
        "SELECT tranid, foreignamountunpaid, BUILTIN.DF(status) AS s FROM transaction "
        "WHERE type = 'CustInvc' ORDER BY id"
    ) == [
        {
            "tranid": f"INV{10000 + int(id)}",
            "foreignamountunpaid": "0",
            "s": "Invoice : Paid In Full",
        }
        for id in (one, two)
    ]  # fmt: skip
    everything_balances(account)


def test_an_application_moves_the_invoices_modified_time(account: Any) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, account.line("PLT-001", 100))
    before = account.read("invoice", invoice)["lastModifiedDate"]
    account.shift(60)
    payment = account.pay(customer, 100, (invoice, 100))
    after = account.read("invoice", invoice)["lastModifiedDate"]
    assert after > before
    account.shift(60)
    unapply = [{"doc": {"id": invoice}, "apply": False}]
    account.patch("customerPayment", payment, apply={"items": unapply})
    assert account.read("invoice", invoice)["amountRemaining"] == 100
    assert account.read("customerPayment", payment)["unapplied"] == 100
    assert account.read("invoice", invoice)["lastModifiedDate"] > after


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"payment": 0}, "INVALID_CONTENT"),
        ({"payment": 10.001}, "INVALID_CONTENT"),
        ({"customer": None}, "INVALID_CONTENT"),
        ({"account": {"id": "401"}}, "INVALID_CONTENT"),
        ({"account": {"id": "112"}}, "INVALID_CONTENT"),  # the bank of another subsidiary
        ({"payment": 50}, "USER_ERROR"),  # less than is applied
    ],
)
def test_refused_payments(account: Any, fields: dict[str, Any], code: str) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, account.line("PLT-001", 100))
    applied = [{"doc": {"id": invoice}, "apply": True, "amount": 60}]
    body = {
        "customer": {"id": customer},
        "payment": 100,
        "tranDate": "2026-09-20",
        "apply": {"items": applied},
    }
    answer = account.call("POST", "customerPayment", {**body, **fields})
    assert account.refused(answer)["o:errorCode"] == code
    assert account.read("invoice", invoice)["amountRemaining"] == 100


def test_applications_must_fit(account: Any) -> None:
    customer, other = account.customer(), account.customer()
    invoice = account.invoice(customer, account.line("PLT-001", 100))
    for payer, doc, amount in (
        (customer, invoice, 100.01),
        (customer, invoice, 0),
        (other, invoice, 1),
        (customer, "99", 1),
    ):
        line = {"doc": {"id": doc}, "apply": True, "amount": amount}
        body = {"customer": {"id": payer}, "payment": 200, "apply": {"items": [line]}}
        account.refused(account.call("POST", "customerPayment", body))
    idle = {"doc": {"id": invoice}, "amount": 100}
    body = {"customer": {"id": customer}, "payment": 200, "apply": {"items": [idle]}}
    payment = account.make("customerPayment", **body)
    assert account.read("customerPayment", payment)["applied"] == 0, "apply was not said"


def test_a_refused_write_leaves_nothing_behind(account: Any) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, account.line("PLT-001", 100))
    before = account.read("invoice", invoice)
    account.shift(60)
    applied = [{"doc": {"id": invoice}, "apply": True, "amount": 60}]
    body = {"customer": {"id": customer}, "payment": 60, "apply": {"items": applied}}
    answer = account.call("POST", "customerPayment", {**body, "account": {"id": "401"}})
    account.refused(answer)
    assert account.read("invoice", invoice) == before, "not even its modified time moved"


def test_subsidiaries_do_not_settle_for_each_other(account: Any) -> None:
    customer = account.customer()
    account.make("customerSubsidiaryRelationship", entity={"id": customer}, subsidiary={"id": "2"})
    invoice = account.invoice(customer, account.line("PLT-001", 9), subsidiary={"id": "2"})
    applied = [{"doc": {"id": invoice}, "apply": True, "amount": 9}]
    body = {"customer": {"id": customer}, "payment": 9, "apply": {"items": applied}}
    answer = account.call("POST", "customerPayment", body)
    assert account.refused(answer)["o:errorCode"] == "USER_ERROR"
    account.make("customerPayment", **body, subsidiary={"id": "2"})


def test_what_was_settled_stays_what_it_was(account: Any) -> None:
    currencies = {"items": [{"currency": {"id": "3"}}]}
    customer, other = account.customer(currencyList=currencies), account.customer()
    euro = {"currency": {"id": "3"}}
    invoice = account.invoice(customer, account.line("PLT-001", 100), **euro)
    account.pay(customer, 40, (invoice, 40), **euro)
    for change in (
        {"entity": {"id": other}},
        {"currency": {"id": "1"}},
        {"exchangeRate": 3},
        {"approvalStatus": {"id": "1"}},
    ):
        answer = account.call("PATCH", f"invoice/{invoice}", change)
        account.refused(answer)
    account.patch("invoice", invoice, memo="fine")
    rate = account.read("invoice", invoice)["exchangeRate"]
    rows = account.query(
        "SELECT amountunpaid, amountpaid FROM transactionaccountingline WHERE transaction = ? "
        "AND amountunpaid IS NOT NULL",
        invoice,
    )
    shown = [D(rows[0][name]) for name in ("amountunpaid", "amountpaid")]
    assert shown == [round(60 * rate, 2), round(40 * rate, 2)]


def test_an_invoice_may_wait_for_approval(account: Any) -> None:
    customer = account.customer()
    line = account.line("PLT-001", 100)
    invoice = account.invoice(customer, line, approvalStatus={"id": "1"})
    assert account.sum_of("1100") == 0
    assert account.read("invoice", invoice)["status"]["id"] == "Pending Approval"
    applied = [{"doc": {"id": invoice}, "apply": True, "amount": 1}]
    body = {"customer": {"id": customer}, "payment": 1, "apply": {"items": applied}}
    account.refused(account.call("POST", "customerPayment", body))
    account.patch("invoice", invoice, approvalStatus={"id": "2"})
    assert account.sum_of("1100") == 100


def test_payments_apply_themselves_to_the_oldest_if_asked(account: Any) -> None:
    customer = account.customer()
    late = account.invoice(customer, account.line("PLT-001", 100), tranDate="2026-10-02")
    early = account.invoice(customer, account.line("PLT-001", 100), tranDate="2026-09-01")
    account.pay(customer, 130, autoApply=True)
    assert account.read("invoice", early)["amountRemaining"] == 0
    assert account.read("invoice", late)["amountRemaining"] == 70


def test_what_a_payment_rests_on_cannot_go(account: Any) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, account.line("PLT-001", 100))
    payment = account.pay(customer, 100, (invoice, 100))
    detail = account.refused(account.call("DELETE", f"invoice/{invoice}"))
    assert detail["o:errorCode"] == "USER_ERROR"
    less = {"item": {"items": [{"line": 1, "rate": 99}]}}
    account.refused(account.call("PATCH", f"invoice/{invoice}", less))
    assert account.call("DELETE", f"customerPayment/{payment}").status_code == 204
    assert account.read("invoice", invoice)["amountRemaining"] == 100
    assert account.sum_of("1090") == 0
    assert account.call("DELETE", f"invoice/{invoice}").status_code == 204
    assert account.sum_of("1100") == 0


# -- credit memos and refunds ----------------------------------------------------------------------


def test_a_credit_memo_by_transformation(account: Any) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, account.line("PLT-001", 100), account.line("ONB-001", 20))
    account.pay(customer, 30, (invoice, 30))
    memo = account.transform(
        "invoice", invoice, "creditMemo", externalId="cm-1", tranDate="2026-10-01",
        item={"items": [{"line": 1, "rate": 50}, {"line": 2, "amount": 0}]},
    )  # fmt: skip
    shown = account.read("creditMemo", memo)
    assert (shown["total"], shown["applied"], shown["unapplied"]) == (50, 50, 0)
    assert shown["createdFrom"]["id"] == invoice
    assert shown["status"]["id"] == "Fully Applied"
    assert account.read("invoice", invoice)["amountRemaining"] == 40
    assert account.sum_of("2500") == -50
    links = account.query(
        "SELECT nextdoc, foreignamount FROM nexttransactionlinelink "
        "WHERE previousdoc = ? AND linktype = 'Payment' ORDER BY nextdoc",
        invoice,
    )
    assert links[-1] == {"nextdoc": memo, "foreignamount": "50"}
    everything_balances(account)


def test_refunds_of_credit_memos_and_of_payments(account: Any) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, account.line("PLT-001", 100))
    account.pay(customer, 100, (invoice, 100))
    memo = account.transform("invoice", invoice, "creditMemo")
    assert account.read("creditMemo", memo)["unapplied"] == 100
    bank = {"account": {"id": "111"}}
    part = [{"doc": {"id": memo}, "apply": True, "amount": 40}]
    account.transform("creditMemo", memo, "customerRefund", **bank, apply={"items": part})
    assert account.read("creditMemo", memo)["amountRemaining"] == 60
    rest = account.transform("creditMemo", memo, "customerRefund", **bank)
    assert account.read("customerRefund", rest)["total"] == 60
    spent = account.call("POST", f"creditMemo/{memo}/!transform/customerRefund", bank)
    assert account.refused(spent)["o:errorCode"] == "USER_ERROR"
    assert [account.sum_of(number) for number in ("1100", "2500", "1011")] == [0, 0, -100]
    payment = account.pay(customer, 25)
    account.transform("customerPayment", payment, "customerRefund", **bank)
    assert account.read("customerPayment", payment)["unapplied"] == 0
    account.refused(account.call("PATCH", f"customerPayment/{payment}", {"payment": 20}))
    everything_balances(account)


def test_a_refund_needs_a_bank_and_something_to_refund(account: Any) -> None:
    customer = account.customer()
    body = {"customer": {"id": customer}, "account": {"id": "111"}}
    assert (
        account.refused(account.call("POST", "customerRefund", body))["o:errorCode"] == "USER_ERROR"
    )
    payment = account.pay(customer, 25)
    answer = account.call("POST", f"customerPayment/{payment}/!transform/customerRefund", {})
    assert account.refused(answer)["o:errorPath"] == "account"
    wrong = account.call("POST", f"customerPayment/{payment}/!transform/invoice", {})
    assert account.refused(wrong)["o:errorCode"] == "INVALID_REQUEST"


def test_a_write_off(account: Any) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, account.line("PLT-001", 100))
    applied = [{"doc": {"id": invoice}, "apply": True, "amount": 100}]
    account.make(
        "creditMemo", entity={"id": customer}, tranDate="2026-10-01",
        item={"items": [account.line("REVLINE-WRITEOFF", 100)]}, apply={"items": applied},
    )  # fmt: skip
    assert account.read("invoice", invoice)["status"]["id"] == "Paid In Full"
    assert account.sum_of("6100") == 100
    assert account.sum_of("2500") == -100


# -- orders ----------------------------------------------------------------------------------------


def test_an_order_is_billed_in_parts(account: Any) -> None:
    customer = account.customer()
    lines = [account.line("PLT-001", 10) | {"quantity": 12}, account.line("ONB-001", 500)]
    order = account.make(
        "salesOrder", entity={"id": customer}, tranDate="2026-09-01", externalId="o-1",
        item={"items": lines},
    )  # fmt: skip
    assert account.sum_of("1100") == 0, "orders are not posted"
    pending = account.call("POST", f"salesOrder/{order}/!transform/invoice", {})
    assert account.refused(pending)["o:errorCode"] == "USER_ERROR"
    account.patch("salesOrder", order, orderStatus={"id": "B"})
    part = [{"orderLine": 1, "quantity": 5}]
    first = account.transform(
        "salesOrder", order, "invoice", tranDate="2026-09-10", item={"items": part}
    )
    assert account.read("invoice", first)["total"] == 50
    shown = account.read("salesOrder", order)
    assert [line["quantityBilled"] for line in shown["item"]["items"]] == [5, 0]
    assert shown["orderStatus"]["id"] == "E"
    rest = account.transform("salesOrder", order, "invoice", tranDate="2026-09-11")
    assert account.read("invoice", rest)["total"] == 570
    assert account.read("salesOrder", order)["orderStatus"]["id"] == "G"
    again = account.call("POST", f"salesOrder/{order}/!transform/invoice", {})
    assert account.refused(again)["o:errorCode"] == "USER_ERROR"
    account.call("DELETE", f"invoice/{first}")
    assert account.read("salesOrder", order)["orderStatus"]["id"] == "E"
    too_much = {"item": {"items": [{"line": 1, "quantity": 99}]}}
    account.refused(account.call("PATCH", f"invoice/{rest}", too_much))
    assert account.read("invoice", rest)["total"] == 570
    derived = account.call("PATCH", f"salesOrder/{order}", {"orderStatus": {"id": "G"}})
    assert account.refused(derived)["o:errorPath"] == "orderStatus"


# -- currencies and subsidiaries -------------------------------------------------------------------


def test_a_currency_keeps_its_decimals(account: Any) -> None:
    currencies = {"items": [{"currency": {"id": "4"}}, {"currency": {"id": "5"}}]}
    customer = account.customer(currencyList=currencies)
    yen = account.invoice(customer, account.line("PLT-001", 1001), currency={"id": "4"})
    dinar = account.invoice(customer, account.line("PLT-001", 1.005), currency={"id": "5"})
    assert account.read("invoice", yen)["total"] == 1001
    assert account.read("invoice", dinar)["total"] == D("1.005")
    half = account.line("PLT-001", 1) | {"amount": 10.5}
    body = {"entity": {"id": customer}, "currency": {"id": "4"}, "item": {"items": [half]}}
    assert "decimals" in account.refused(account.call("POST", "invoice", body))["detail"]
    everything_balances(account)


def test_rates_are_those_of_the_day_and_differences_are_realised(account: Any) -> None:
    customer = account.customer(currencyList={"items": [{"currency": {"id": "3"}}]})
    euro = {"currency": {"id": "3"}}
    invoice = account.invoice(customer, account.line("PLT-001", 1000), **euro)
    rate = account.read("invoice", invoice)["exchangeRate"]
    dated = account.query(
        "SELECT exchangerate FROM currencyrate WHERE transactioncurrency = 3 AND basecurrency = 1 "
        "AND effectivedate = TO_DATE('2026-09-01', 'YYYY-MM-DD')"
    )
    assert D(dated[0]["exchangerate"]) == rate
    account.pay(customer, 1000, (invoice, 1000), exchangeRate=1.2, **euro)
    assert account.sum_of("1100") == 0
    assert account.sum_of("1090") == 1200
    assert account.sum_of("7900") == 1000 * rate - 1200
    far = {"tranDate": "2027-12-31", "item": {"items": [account.line("PLT-001", 1)]}}
    body = {"entity": {"id": customer}, **euro, **far}
    assert account.call("POST", "invoice", body).status_code == 204
    everything_balances(account)


def test_a_settled_account_is_empty_to_the_cent_in_base_currency(account: Any) -> None:
    customer = account.customer(currencyList={"items": [{"currency": {"id": "3"}}]})
    euro = {"currency": {"id": "3"}}
    invoice = account.invoice(
        customer, account.line("PLT-001", 100.01), exchangeRate=1.0813, **euro
    )
    for part, rate in ((33.33, 1.0917), (33.34, 1.0541)):
        account.pay(customer, part, (invoice, part), exchangeRate=rate, **euro)
    last = account.pay(customer, 100.03, (invoice, 33.34), exchangeRate=1.1001, **euro)
    for part in (22.22, 44.47):
        line = [{"doc": {"id": last}, "apply": True, "amount": part}]
        account.transform(
            "customerPayment", last, "customerRefund", account={"id": "114"},
            apply={"items": line}, exchangeRate=1.0007,
        )  # fmt: skip
    assert account.read("customerPayment", last)["unapplied"] == 0
    assert account.read("invoice", invoice)["amountRemaining"] == 0
    assert account.sum_of("1100") == 0
    everything_balances(account)


def test_a_customer_may_deal_with_more_subsidiaries(account: Any) -> None:
    customer = account.customer()
    line, pound = account.line("PLT-001", 5), {"currency": {"id": "2"}}
    body = {"entity": {"id": customer}, "subsidiary": {"id": "2"}, "item": {"items": [line]}}
    assert account.refused(account.call("POST", "invoice", body))["o:errorPath"] == "subsidiary"
    pair = {"entity": {"id": customer}, "subsidiary": {"id": "2"}}
    account.make("customerSubsidiaryRelationship", **pair)
    account.refused(account.call("POST", "customerSubsidiaryRelationship", pair))
    invoice = account.make("invoice", **body)
    assert account.read("invoice", invoice)["subsidiary"]["id"] == "2"
    refused = account.call("POST", "invoice", {**body, **pound})
    assert account.refused(refused)["o:errorPath"] == "currency"
    rows = account.query(
        "SELECT subsidiary, isprimarysub FROM customersubsidiaryrelationship ORDER BY subsidiary"
    )
    assert rows == [
        {"subsidiary": "1", "isprimarysub": "T"},
        {"subsidiary": "2", "isprimarysub": "F"},
    ]
