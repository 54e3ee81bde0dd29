"""Payments, credit memos, refunds, chargebacks: what is left of an invoice is always right."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import create, plan


@pytest.fixture
def billed(tenant: Any) -> tuple[str, str]:
    """Two posted invoices of one account: 1190 (with tax) and 100."""
    tenant.account(country="DE", currency="EUR")
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 1000)))
    first = tenant.bill("2026-09-01")["invoices"][0]
    line = {"amount": 100, "serviceStartDate": "2026-09-01"}
    tenant.admin("options", {"tax": False})
    body = {"accountNumber": "A-1", "invoiceDate": "2026-09-01", "invoiceItems": [line]}
    second = tenant.ok("POST", "/v1/invoices", {**body, "status": "Posted"})["invoiceNumber"]
    return first, second


def pay(tenant: Any, amount: Any, *invoices: tuple[str, Any], **more: Any) -> dict[str, Any]:
    body = {"amount": amount, "currency": "EUR", "type": "External", "accountNumber": "A-1"}
    body |= {"paymentMethodType": "WireTransfer"}
    body["invoices"] = [{"invoiceNumber": key, "amount": part} for key, part in invoices]
    made: dict[str, Any] = tenant.ok("POST", "/v1/payments", {**body, **more})
    return made


def balance(tenant: Any, number: str) -> Decimal:
    found: Decimal = tenant.invoice(number)["balance"]
    return found


def test_one_payment_over_two_invoices_leaves_the_rest_free(tenant: Any, billed: Any) -> None:
    first, second = billed
    made = pay(tenant, 1300, (first, 1190), (second, 60), number="P-mine", referenceId="ch_1")
    assert (made["number"], made["status"]) == ("P-mine", "Processed")
    assert (made["appliedAmount"], made["unappliedAmount"]) == (1250, 50)
    assert (balance(tenant, first), balance(tenant, second)) == (0, 40)
    applied = tenant.ok("PUT", "/v1/payments/P-mine/apply",
                        {"invoices": [{"invoiceNumber": second, "amount": 40}]})  # fmt: skip
    assert applied["unappliedAmount"] == 10
    assert balance(tenant, second) == 0
    metrics = tenant.ok("GET", "/v1/accounts/A-1")["metrics"]
    assert (metrics["totalInvoiceBalance"], metrics["unappliedPaymentAmount"]) == (0, 10)
    parts = tenant.ok("GET", "/v1/payments/P-mine/parts")["parts"]
    assert [part["amount"] for part in parts] == [1190, 100]
    back = {"invoices": [{"invoiceNumber": first, "amount": 190}]}
    assert tenant.ok("PUT", "/v1/payments/P-mine/unapply", back)["unappliedAmount"] == 200
    assert balance(tenant, first) == 190
    tenant.account("A-2", currency="EUR")
    other = tenant.ok("GET", "/v1/accounts/A-2")["basicInfo"]["id"]
    assert tenant.refused("PUT", "/v1/payments/P-mine/transfer", {"accountId": other}) == 53830030
    assert tenant.refused("PUT", "/v1/payments/P-mine/cancel", {}) == 50000040


def test_what_a_payment_needs(tenant: Any, billed: Any) -> None:
    first, _ = billed
    good = {"amount": 10, "currency": "EUR", "type": "External", "paymentMethodType": "Check"}
    good |= {"accountNumber": "A-1"}
    too_much = [{"invoiceNumber": first, "amount": 5000}]
    wrong = {
        20: [{"currency": "ZZZ"}, {"amount": "10.001"}, {"amount": 0}, {"type": "Gold"}],
        22: [{"amount": None}, {"paymentMethodType": None}, {"accountNumber": None}],
        30: [{"type": "Electronic"}, {"amount": 5000, "invoices": too_much}],
        40: [{"accountNumber": "A-9"}],
    }
    for category, changes in wrong.items():
        for change in changes:
            code = tenant.refused("POST", "/v1/payments", {**good, **change})
            assert code == 53800000 + category, change
    assert tenant.look("state")["objects"]["payments"] == {}
    tenant.ok("POST", "/v1/payments", {**good, "number": "P-1"})
    assert tenant.refused("POST", "/v1/payments", {**good, "number": "P-1"}) == 53800020


def test_drafts_and_other_currencies_take_no_payment(tenant: Any, billed: Any) -> None:
    first, _ = billed
    body = {"amount": 10, "currency": "USD", "type": "External", "paymentMethodType": "Check"}
    body |= {"accountNumber": "A-1", "invoices": [{"invoiceNumber": first, "amount": 10}]}
    assert tenant.refused("POST", "/v1/payments", body) % 100 == 30
    line = {"amount": 5, "serviceStartDate": "2026-09-01"}
    draft = {"accountNumber": "A-1", "invoiceDate": "2026-09-01", "invoiceItems": [line]}
    number = tenant.ok("POST", "/v1/invoices", draft)["invoiceNumber"]
    body |= {"currency": "EUR", "invoices": [{"invoiceNumber": number, "amount": 5}]}
    assert tenant.refused("POST", "/v1/payments", body) % 100 == 30


def test_an_unapplied_payment_is_cancelled(tenant: Any, billed: Any) -> None:
    made = pay(tenant, 10)
    cancelled = tenant.ok("PUT", f"/v1/payments/{made['id']}/cancel", {})
    assert (cancelled["status"], cancelled["unappliedAmount"]) == ("Canceled", 0)


def test_a_refund_takes_what_is_free_or_is_taken_off(tenant: Any, billed: Any) -> None:
    first, _ = billed
    pay(tenant, 1190, (first, 1190), number="P-1")
    body = {"totalAmount": 100, "type": "External", "methodType": "Check"}
    assert tenant.refused("POST", "/v1/payments/P-1/refunds", body) == 53850030
    taken = {**body, "invoices": [{"invoiceNumber": first, "amount": 100}]}
    refund = tenant.ok("POST", "/v1/payments/P-1/refunds/unapply", taken)
    assert (refund["number"], refund["status"]) == ("R-00000001", "Processed")
    assert refund["paymentNumber"] == "P-1"
    assert balance(tenant, first) == 100
    payment = tenant.ok("GET", "/v1/payments/P-1")
    assert (payment["refundAmount"], payment["appliedAmount"]) == (100, 1090)
    assert tenant.ok("GET", "/v1/refunds/R-00000001")["amount"] == 100
    tenant.ok("PUT", "/v1/refunds/R-00000001/cancel", {})
    assert tenant.ok("GET", "/v1/payments/P-1")["unappliedAmount"] == 100


def test_a_chargeback_opens_the_invoice_again(tenant: Any, billed: Any) -> None:
    first, _ = billed
    pay(tenant, 1200, (first, 1190), number="P-1")
    path = "/v1/gateway-settlement/payments/P-1"
    settled = tenant.ok("POST", f"{path}/settle", {"payoutId": "po_1"})
    assert (settled["gatewayState"], settled["payoutId"]) == ("Settled", "po_1")
    body = {"amount": 1190, "referenceId": "dp_1", "payoutId": "po_2"}
    refund = tenant.ok("POST", f"{path}/chargeback", body)
    assert (refund["reasonCode"], refund["amount"]) == ("Payment Reversal", 1190)
    assert (refund["referenceId"], refund["payoutId"]) == ("dp_1", "po_2")
    assert balance(tenant, first) == 1180  # what was free was taken first
    assert tenant.refused("POST", f"{path}/chargeback", {"amount": 100}) % 100 in {20, 30}


def test_a_returned_payment_is_rejected_whole(tenant: Any, billed: Any) -> None:
    first, _ = billed
    pay(tenant, 1190, (first, 1190), number="P-1")
    refund = tenant.ok("POST", "/v1/gateway-settlement/payments/P-1/reject", {})
    assert refund["amount"] == 1190
    assert balance(tenant, first) == 1190
    assert tenant.ok("GET", "/v1/payments/P-1")["gatewayState"] == "FailedToSettle"


def test_a_credit_memo_from_an_invoice(tenant: Any, billed: Any) -> None:
    first, _ = billed
    [item] = tenant.items(first)
    path = f"/v1/credit-memos/invoice/{first}"
    body = {"items": [{"invoiceItemId": item["id"], "amount": 250}], "reasonCode": "Correction"}
    memo = tenant.ok("POST", path, body)
    assert (memo["status"], memo["amount"], memo["taxAmount"]) == ("Draft", 297.5, 47.5)
    assert memo["referredInvoiceId"] == tenant.invoice(first)["id"]
    assert balance(tenant, first) == 1190
    number = memo["number"]
    wanted = {"invoices": [{"invoiceId": tenant.invoice(first)["id"], "amount": 297.5}]}
    assert tenant.refused("PUT", f"/v1/credit-memos/{number}/apply", wanted) == 53940030
    assert tenant.ok("PUT", f"/v1/credit-memos/{number}/post")["status"] == "Posted"
    applied = tenant.ok("PUT", f"/v1/credit-memos/{number}/apply", wanted)
    assert (applied["unappliedAmount"], balance(tenant, first)) == (0, Decimal("892.5"))
    assert tenant.refused("PUT", f"/v1/credit-memos/{number}/cancel") == 53930030
    rest = {"items": [{"invoiceItemId": item["id"], "amount": 751}]}
    assert tenant.refused("POST", path, rest) == 53900030
    back = {"invoices": [{"invoiceNumber": first, "amount": 100}]}
    assert tenant.ok("PUT", f"/v1/credit-memos/{number}/unapply", back)["unappliedAmount"] == 100
    refund = {"totalAmount": 100, "type": "External", "methodType": "ACH"}
    given = tenant.ok("POST", f"/v1/credit-memos/{number}/refund", refund)
    assert given["creditMemoId"] == memo["id"]
    assert tenant.ok("GET", f"/v1/credit-memos/{number}")["refundAmount"] == 100


def test_a_memo_may_post_and_apply_itself(tenant: Any, billed: Any) -> None:
    first, _ = billed
    [item] = tenant.items(first)
    body = {"items": [{"skuName": item["sku"], "amount": 1000}]}
    body |= {"autoPost": True, "autoApplyToInvoiceUponPosting": True}
    memo = tenant.ok("POST", f"/v1/credit-memos/invoice/{first}", body)
    assert (memo["status"], memo["appliedAmount"]) == ("Posted", 1190)
    assert balance(tenant, first) == 0


def test_a_credit_memo_for_a_charge_of_the_catalogue(tenant: Any, billed: Any) -> None:
    charge = {"chargeId": "PRPC-TRN-001-ONETIME-FEE", "amount": 20, "comment": "sorry"}
    body = {"accountNumber": "A-1", "charges": [charge], "number": "CM-1", "effectiveDate": None}
    memo = tenant.ok("POST", "/v1/credit-memos", body)
    assert (memo["number"], memo["amount"], memo["status"]) == ("CM-1", 20, "Draft")
    assert tenant.ok("PUT", "/v1/credit-memos/CM-1/cancel")["status"] == "Canceled"


def test_a_write_off_closes_what_is_left(tenant: Any, billed: Any) -> None:
    first, _ = billed
    pay(tenant, 1000, (first, 1000))
    path = f"/v1/invoices/{first}/write-off"
    assert tenant.call("PUT", path).status_code == 415
    memo = tenant.ok("PUT", path, {"comment": "gone"})["creditMemo"]
    assert balance(tenant, first) == 0
    read = tenant.ok("GET", f"/v1/credit-memos/{memo['id']}")
    assert (read["amount"], read["reasonCode"], read["status"]) == (190, "Write-off", "Posted")
    assert tenant.refused("PUT", path, {}) == 53570030


def test_a_reversal_needs_an_untouched_invoice(tenant: Any, billed: Any) -> None:
    first, second = billed
    pay(tenant, 10, (second, 10))
    assert tenant.refused("PUT", f"/v1/invoices/{second}/reverse", {}) == 53580030
    tenant.ok("PUT", f"/v1/invoices/{first}/reverse", {})
    assert balance(tenant, first) == 0
    [row] = tenant.ok("GET", f"/object-query/invoices?filter[]=invoicenumber.EQ:{first}")["data"]
    assert row["reversed"] is True


def test_operators_do_the_same_behind_the_api(tenant: Any, billed: Any) -> None:
    first, second = billed
    made = pay(tenant, 1190, (first, 1190))
    tenant.mutate("payments", "chargeback", made["number"])
    assert balance(tenant, first) == 1190
    tenant.mutate("invoices", "write_off", second)
    assert balance(tenant, second) == 0


moves = st.lists(
    st.tuples(st.sampled_from(["pay", "apply", "unapply", "credit", "refund", "chargeback"]),
              st.integers(1, 700), st.integers(0, 1)),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves)
def test_every_amount_is_somewhere(tenant: Any, moves: list[tuple[str, int, int]]) -> None:
    """Whatever is tried, accepted or not: invoices, payments and memos add up."""
    tenant.simulator.clear()
    tenant.simulator.load({"seed": 1, "sizes": {"products": 4, "deals": 0, "contacts": 0}})
    tenant.sign_in()
    tenant.account(currency="EUR")
    numbers = []
    for amount in (1000, 500):
        line = {"amount": amount, "serviceStartDate": "2026-09-01", "sku": "PLT-001"}
        body = {"accountNumber": "A-1", "invoiceDate": "2026-09-01", "invoiceItems": [line]}
        made = tenant.ok("POST", "/v1/invoices", {**body, "status": "Posted"})
        numbers.append(made["invoiceNumber"])
    pay(tenant, 900, number="P-1")
    for kind, amount, which in moves:
        number = numbers[which]
        wanted = {"invoices": [{"invoiceNumber": number, "amount": amount}]}
        match kind:
            case "pay":
                body = {"amount": amount, "currency": "EUR", "type": "External", **wanted}
                tenant.call("POST", "/v1/payments", {**body, "paymentMethodType": "ACH"})
            case "credit":
                body = {"items": [{"skuName": "PLT-001", "amount": amount}], "autoPost": True,
                        "autoApplyToInvoiceUponPosting": True}  # fmt: skip
                tenant.call("POST", f"/v1/credit-memos/invoice/{number}", body)
            case "refund":
                body = {"totalAmount": amount, "type": "External"}
                tenant.call("POST", "/v1/payments/P-1/refunds", body)
            case "chargeback":
                path = "/v1/gateway-settlement/payments/P-1/chargeback"
                tenant.call("POST", path, {"amount": amount})
            case _:
                tenant.call("PUT", f"/v1/payments/P-1/{kind}", wanted)
    check(tenant)


def check(tenant: Any) -> None:
    state = tenant.look("state")["objects"]
    paid, credited = (
        state["payment-applications"].values(),
        state["credit-memo-applications"].values(),
    )
    for id, row in state["invoices"].items():
        money = sum(x["applyAmount"] for x in paid if x["invoiceId"] == id)
        credit = sum(x["amount"] for x in credited if x["invoiceId"] == id)
        assert row["balance"] == row["amount"] - money - credit >= 0
        items = [x for x in state["invoice-items"].values() if x["invoiceId"] == id]
        assert sum(x["balance"] for x in items) == row["balance"]
    for id, row in state["payments"].items():
        applied = sum(x["applyAmount"] for x in paid if x["paymentId"] == id)
        back = sum(
            x["applyAmount"] for x in state["refund-applications"].values() if x["paymentId"] == id
        )
        assert row["appliedAmount"] == applied
        assert row["unappliedAmount"] == row["amount"] - applied - back >= 0
    [account] = state["accounts"].values()
    owed = sum(row["balance"] for row in state["invoices"].values())
    assert account["totalInvoiceBalance"] == owed
