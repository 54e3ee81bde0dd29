"""Unposting, reversing, deleting."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import create, plan


@pytest.fixture
def invoice(tenant: Any) -> str:
    tenant.account()
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 100)))
    number: str = tenant.bill("2026-09-01")["invoices"][0]
    return number


def test_an_untouched_invoice_is_unposted(tenant: Any, invoice: str) -> None:
    assert tenant.ok("PUT", f"/v1/invoices/{invoice}/unpost", {})["status"] == "Draft"
    assert tenant.ok("GET", "/v1/accounts/A-1")["metrics"]["totalInvoiceBalance"] == 0
    tenant.ok("PUT", f"/v1/invoices/{invoice}/post", {})
    tenant.ok("PUT", f"/v1/invoices/{invoice}", {"transferredToAccounting": "Yes"})
    assert tenant.refused("PUT", f"/v1/invoices/{invoice}/unpost", {}) == 53590030


def credit(tenant: Any, invoice: str, amount: Any, **more: Any) -> str:
    body = {"items": [{"skuName": "PLT-001", "amount": amount}], "autoPost": True, **more}
    number: str = tenant.ok("POST", f"/v1/credit-memos/invoice/{invoice}", body)["number"]
    return number


def test_a_credit_memo_is_reversed_or_written_off(tenant: Any, invoice: str) -> None:
    first, second = (credit(tenant, invoice, amount) for amount in (30, 40))
    debit = tenant.ok("PUT", f"/v1/credit-memos/{first}/reverse", {})["debitMemo"]
    assert debit["number"] == "DM00000001"
    read = tenant.ok("GET", f"/v1/credit-memos/{first}")
    assert (read["reversed"], read["unappliedAmount"]) == (True, 0)
    part = {"invoices": [{"invoiceNumber": invoice, "amount": 15}]}
    tenant.ok("PUT", f"/v1/credit-memos/{second}/apply", part)
    assert tenant.refused("PUT", f"/v1/credit-memos/{second}/reverse", {}) == 53970030
    tenant.ok("PUT", f"/v1/credit-memos/{second}/write-off", {})
    assert tenant.ok("GET", f"/v1/credit-memos/{second}")["unappliedAmount"] == 0
    assert tenant.invoice(invoice)["balance"] == 85
    assert tenant.ok("GET", "/v1/accounts/A-1")["metrics"]["balance"] == 85
    assert tenant.refused("PUT", f"/v1/credit-memos/{second}/write-off", {}) == 53980030


def test_only_what_is_cancelled_is_deleted(tenant: Any, invoice: str) -> None:
    body = {"amount": 5, "currency": "USD", "type": "External", "paymentMethodType": "ACH"}
    tenant.ok("POST", "/v1/payments", {**body, "accountNumber": "A-1", "number": "P-1"})
    assert tenant.refused("DELETE", "/v1/payments/P-1") == 53890030
    tenant.ok("PUT", "/v1/payments/P-1/cancel", {})
    tenant.ok("DELETE", "/v1/payments/P-1")
    assert tenant.refused("GET", "/v1/payments/P-1") == 53806040
    memo = credit(tenant, invoice, 10, autoPost=False)
    tenant.ok("DELETE", f"/v1/credit-memos/{memo}")
    assert tenant.refused("GET", f"/v1/credit-memos/{memo}") == 53906040
    assert credit(tenant, invoice, 100)


def test_a_contact_in_use_stays(tenant: Any) -> None:
    tenant.account()
    used = tenant.ok("GET", "/v1/accounts/A-1")["billToContact"]["id"]
    assert tenant.refused("DELETE", f"/v1/contacts/{used}") == 52040030
    body = {"firstName": "A", "lastName": "B", "country": "FR", "accountNumber": "A-1"}
    free = tenant.ok("POST", "/v1/contacts", body)["id"]
    tenant.ok("PUT", f"/v1/contacts/{free}", {"workEmail": "a@b.example"})
    assert tenant.ok("GET", f"/v1/contacts/{free}")["workEmail"] == "a@b.example"
    tenant.ok("DELETE", f"/v1/contacts/{free}")
    assert tenant.refused("GET", f"/v1/contacts/{free}") == 52020040


def test_small_updates(tenant: Any, invoice: str) -> None:
    tenant.ok("PUT", "/v1/subscriptions/S-1", {"notes": "hello", "Revline_Id__c": "x"})
    read = tenant.ok("GET", "/v1/subscriptions/S-1")
    assert (read["notes"], read["Revline_Id__c"], read["version"]) == ("hello", "x", 1)
    body = {"amount": 5, "currency": "USD", "type": "External", "paymentMethodType": "ACH"}
    tenant.ok("POST", "/v1/payments", {**body, "accountNumber": "A-1", "number": "P-1"})
    given = {"totalAmount": 5, "type": "External"}
    refund = tenant.ok("POST", "/v1/payments/P-1/refunds", given)["number"]
    tenant.ok("PUT", f"/v1/refunds/{refund}", {"comment": "why", "referenceId": "re_1"})
    read = tenant.ok("GET", f"/v1/refunds/{refund}")
    assert (read["comment"], read["referenceId"]) == ("why", "re_1")
