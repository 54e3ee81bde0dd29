"""Whatever is sent, the tenant refuses in words; it never breaks."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import create, order, plan

ODD = (None, True, 0, -1, 1.5, "", "x", "2026-13-40", [], {}, [None], [{}], {"a": 1}, [[1]])


def variants(value: Any) -> list[Any]:
    """The value with one odd thing in each place of it."""
    found: list[Any] = list(ODD)
    if isinstance(value, dict):
        for key, inner in value.items():
            found += [{**value, key: odd} for odd in variants(inner)]
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += [[*value[:index], odd, *value[index + 1 :]] for odd in variants(inner)]
    return found


CONTACT = {"firstName": "A", "lastName": "B", "country": "US", "state": "TX", "zipCode": "1"}
PAYMENT = {
    "amount": 1, "currency": "USD", "type": "External", "paymentMethodType": "ACH",
    "accountNumber": "A-1", "invoices": [{"invoiceNumber": "INV00000001", "amount": 1}],
}  # fmt: skip
UPDATE = {
    "productRatePlanNumber": "PRP-PLT-001-ANNUAL",
    "chargeUpdates": [
        {"chargeNumber": "C-00000001", "pricing": {"recurringPerUnit": {"quantity": 1}}}
    ],
}
AMENDMENT = {
    "type": "UpdateProduct",
    "triggerDates": [{"name": "ContractEffective", "triggerDate": "2026-10-01"}],
    "updateProduct": UPDATE,
}
DEBIT = {
    "accountingCodeName": "Cash", "accountingCodeType": "Cash", "type": "Debit", "amount": 1,
}  # fmt: skip
BODIES: list[tuple[str, str, Any]] = [
    ("POST", "/v1/accounts", {"name": "B", "currency": "USD", "billToContact": CONTACT,
                              "taxInfo": {"VATId": "x"}, "billCycleDay": 1}),
    ("POST", "/v1/orders", order(create("2026-09-01", plan("PLT-001", "ANNUAL", 1)),
                                 subscription="S-9", processingOptions={"runBilling": True})),
    ("POST", "/v1/orders", order(AMENDMENT)),
    ("POST", "/v1/payments", PAYMENT),
    ("PUT", "/v1/payments/P-1/apply",
     {"invoices": [{"invoiceNumber": "INV00000001", "amount": 1}]}),
    ("POST", "/v1/credit-memos/invoice/INV00000001",
     {"items": [{"skuName": "PLT-001", "amount": 0.01, "taxItems": [{"amount": 0.01}]}],
      "taxAutoCalculation": False}),
    ("POST", "/v1/credit-memos", {"accountNumber": "A-1",
                                  "charges": [{"chargeId": "PRPC-TRN-001-ONETIME-FEE",
                                               "amount": 1}]}),
    ("POST", "/v1/invoices", {"accountNumber": "A-1", "invoiceDate": "2026-09-01",
                              "invoiceItems": [{"amount": 1, "serviceStartDate": "2026-09-01"}]}),
    ("POST", "/v1/bill-runs", {"targetDate": "2026-09-01", "batches": ["Batch1"],
                               "chargeTypeToExclude": ["Usage"],
                               "billRunFilters": []}),
    ("POST", "/v1/object/usage", {"AccountNumber": "A-1", "UOM": "API call", "Quantity": 1,
                                  "StartDateTime": "2026-09-01T00:00:00Z"}),
    ("POST", "/v1/journal-entries", {
        "accountingPeriodName": "Sep-2026", "currency": "USD", "journalEntryDate": "2026-09-30",
        "journalEntryItems": [DEBIT, {**DEBIT, "type": "Credit"}]}),
    ("POST", "/v1/journal-runs", {"journalEntryDate": "2026-09-30",
                                  "transactionTypes": [{"type": "Invoice Item"}],
                                  "accountingPeriodName": "Sep-2026"}),
    ("POST", "/query/jobs", {"query": "SELECT 1", "output": {"target": "S3"},
                             "outputFormat": "JSON", "compression": "NONE"}),
    ("POST", "/events/event-triggers", {"baseObject": "Invoice", "condition": "changeType == 'x'",
                                        "eventType": {"name": "a", "displayName": "b"}}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), BODIES)
def test_odd_values_are_refused_in_words(tenant: Any, method: str, path: str, body: Any) -> None:
    tenant.account()
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 10)))
    tenant.bill("2026-09-01")
    payment = {**PAYMENT, "invoices": [], "number": "P-1"}
    tenant.ok("POST", "/v1/payments", payment)
    first = tenant.call(method, path, body)
    assert first.status_code == 200, first.text
    assert first.json().get("success", True) is True, first.text
    for odd in variants(body):
        answer = tenant.call(method, path, odd)
        assert answer.status_code < 500, odd
        assert answer.json(), odd
    assert "simulator_fault" not in tenant.violations()
