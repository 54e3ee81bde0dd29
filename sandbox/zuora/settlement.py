"""Invoice Settlement: payments and credit memos are applied to invoices, and taken off again.

What is left of an invoice is its amount less what is applied, always worked out anew.
Reference: developer.zuora.com, "Payments", "Credit memos", "Refunds".
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.zuora.documents import refresh_account
from sandbox.zuora.errors import invalid, missing, refuse
from sandbox.zuora.fields import Fields
from sandbox.zuora.periods import check_open
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import ZERO, Row

PAYMENT = ("payments", "payment-applications", "paymentId", "applyAmount")
MEMO = ("credit-memos", "credit-memo-applications", "creditMemoId", "amount")
Kind = tuple[str, str, str, str]


def refresh_invoice(tenant: Tenant, invoice_id: str) -> Row:
    """Work out what is left of an invoice and of each of its lines."""
    invoice = tenant.tables["invoices"][invoice_id]
    paid = _total(tenant.where("payment-applications", invoiceId=invoice_id), "applyAmount")
    credited = _total(tenant.where("credit-memo-applications", invoiceId=invoice_id), "amount")
    left = invoice["amount"] - paid - credited
    refreshed = tenant.update("invoices", invoice_id, {
        "paymentAmount": paid, "creditMemoAmount": credited, "balance": left,
    })  # fmt: skip
    taken = paid + credited
    for item in tenant.where("invoice-items", invoiceId=invoice_id):
        gross = item["chargeAmount"] + item["taxAmount"]
        share = min(gross, taken) if gross > 0 else ZERO
        taken -= share
        if item["balance"] != gross - share:
            tenant.update("invoice-items", item["id"], {"balance": gross - share})
    return refreshed


def _total(rows: list[Row], field: str) -> Decimal:
    return sum((row[field] for row in rows), ZERO)


def refresh_payment(tenant: Tenant, payment_id: str) -> Row:
    """Work out what of a payment is applied, refunded and free."""
    payment = tenant.tables["payments"][payment_id]
    applied = _total(tenant.where("payment-applications", paymentId=payment_id), "applyAmount")
    refunded = _refunded(tenant, "paymentId", payment_id)
    return tenant.update("payments", payment_id, {
        "appliedAmount": applied, "refundAmount": refunded,
        "unappliedAmount": payment["amount"] - applied - refunded,
    })  # fmt: skip


def refresh_memo(tenant: Tenant, memo_id: str) -> Row:
    """Work out what of a credit memo is applied, refunded and free."""
    memo = tenant.tables["credit-memos"][memo_id]
    applied = _total(tenant.where("credit-memo-applications", creditMemoId=memo_id), "amount")
    refunded = _refunded(tenant, "creditMemoId", memo_id)
    taken = applied + refunded
    for item in tenant.where("credit-memo-items", creditMemoId=memo_id):
        gross = item["amount"] + item["taxAmount"]
        share = min(gross, taken) if gross > 0 else ZERO
        taken -= share
        changed = {"unappliedAmount": gross - share, "appliedToOthersAmount": share}
        if item["unappliedAmount"] != gross - share:
            tenant.update("credit-memo-items", item["id"], changed)
    return tenant.update("credit-memos", memo_id, {
        "appliedAmount": applied, "refundAmount": refunded,
        "balance": memo["totalAmount"] - applied - refunded,
    })  # fmt: skip


def _refunded(tenant: Tenant, field: str, id: str) -> Decimal:
    rows = tenant.where("refund-applications", **{field: id})
    return _total(rows, "applyAmount")


def free_amount(kind: Kind, source: Row) -> Decimal:
    """What of a payment or credit memo is not applied yet."""
    free: Decimal = source["unappliedAmount" if kind is PAYMENT else "balance"]
    return free


def wanted_invoices(tenant: Tenant, fields: Fields, currency: str) -> list[tuple[Row, Decimal]]:
    """The invoices of a request with the amount for each."""
    wanted = []
    for row in fields.parts("invoices"):
        key = row.text("invoiceId") or row.text("invoiceNumber")
        if key is None:
            raise missing(row.name("invoiceId"))
        wanted.append((tenant.get("invoices", key), row.amount("amount", currency)))
    return wanted


def apply(
    tenant: Tenant, kind: Kind, source: Row, wanted: list[tuple[Row, Decimal]], day: date
) -> Row:
    """Apply a payment or credit memo to invoices: all of them, or none."""
    check_open(tenant, day)
    with tenant.savepoint():
        for invoice, amount in wanted:
            source = tenant.tables[kind[0]][source["id"]]
            invoice = tenant.tables["invoices"][invoice["id"]]
            _check_application(kind, source, invoice, amount)
            tenant.check_lock(invoice["id"], invoice["invoiceNumber"])
            _add_to(tenant, kind, source, invoice, amount, day)
    return tenant.tables[kind[0]][source["id"]]


def _check_application(kind: Kind, source: Row, invoice: Row, amount: Decimal) -> None:
    number = invoice["invoiceNumber"]
    if invoice["status"] != "Posted":
        raise refuse(f"Invoice {number} is {invoice['status']}; only posted invoices are settled.")
    if invoice["accountId"] != source["accountId"]:
        raise refuse(f"Invoice {number} belongs to another account.")
    if invoice["currency"] != source["currency"]:
        raise refuse(f"Invoice {number} is in {invoice['currency']}, not {source['currency']}.")
    if amount > invoice["balance"]:
        raise refuse(f"The amount {amount} is greater than the balance of invoice {number}.")
    free = free_amount(kind, source)
    if amount > free:
        raise refuse(f"The amount {amount} is greater than the unapplied amount {free}.")


def _add_to(
    tenant: Tenant, kind: Kind, source: Row, invoice: Row, amount: Decimal, day: date
) -> None:
    _, object, reference, field = kind
    link = {reference: source["id"], "invoiceId": invoice["id"]}
    found = tenant.where(object, **link)
    if found:
        changed = {field: found[0][field] + amount, "effectiveDate": day}
        tenant.update(object, found[0]["id"], changed)
    else:
        values: dict[str, Any] = {
            **link, "accountId": source["accountId"], field: amount, "effectiveDate": day,
            "applicationGroupId": None, "debitMemoId": None,
        }  # fmt: skip
        if kind is PAYMENT:
            values["paymentApplicationStatus"] = "Processed"
        tenant.insert(object, values)
    _refresh(tenant, kind, source, invoice)


def _refresh(tenant: Tenant, kind: Kind, source: Row, invoice: Row) -> None:
    (refresh_payment if kind is PAYMENT else refresh_memo)(tenant, source["id"])
    refresh_invoice(tenant, invoice["id"])
    refresh_account(tenant, source["accountId"])


def unapply(
    tenant: Tenant, kind: Kind, source: Row, wanted: list[tuple[Row, Decimal]], day: date
) -> Row:
    """Take a payment or credit memo off invoices, which reopens them."""
    check_open(tenant, day)
    _, object, reference, field = kind
    with tenant.savepoint():
        for invoice, amount in wanted:
            found = tenant.where(object, **{reference: source["id"], "invoiceId": invoice["id"]})
            applied = found[0][field] if found else ZERO
            if amount > applied:
                number = invoice["invoiceNumber"]
                raise refuse(f"Only {applied} is applied to invoice {number}, not {amount}.")
            changed = {field: applied - amount, "effectiveDate": day}
            tenant.update(object, found[0]["id"], changed)
            _refresh(tenant, kind, source, invoice)
    return tenant.tables[kind[0]][source["id"]]


def add_refund(
    tenant: Tenant, kind: Kind, source: Row, amount: Decimal, fields: Fields, **more: Any
) -> Row:
    """Give back what is not applied."""
    day = fields.date("refundDate") or tenant.today()
    check_open(tenant, day)
    free = free_amount(kind, source)
    if amount > free:
        raise refuse(f"The amount {amount} is greater than the unapplied amount {free}.")
    if fields.choice("type", ("External", "Electronic"), "External") != "External":
        raise refuse("No payment gateway is configured; only External refunds can be made.")
    refund = tenant.insert("refunds", {
        "refundNumber": tenant.number("refunds", "R-"),
        "accountId": source["accountId"], "amount": amount, "currency": source["currency"],
        "refundDate": day, "type": "External", "status": "Processed",
        "methodType": fields.text("methodType", "Other"), "reasonCode": fields.text("reasonCode"),
        "comment": fields.text("comment", max=255), "referenceID": fields.text("referenceId"),
        "secondRefundReferenceId": fields.text("secondRefundReferenceId"),
        "sourceType": "Payment" if kind is PAYMENT else "CreditMemo",
        "gatewayState": "NotSubmitted", "transferredToAccounting": "No",
        "associatedTransactionNumber": source["paymentNumber" if kind is PAYMENT else "memoNumber"],
        "payoutId": None, "settledOn": None, "cancelledOn": None,
        "gatewayReconciliationStatus": None, "gatewayReconciliationReason": None,
        "paymentMethodId": None,
        **tenant.check_customs("refunds", fields.customs()),
        **more,
    })  # fmt: skip
    tenant.insert("refund-applications", {
        "refundId": refund["id"], "accountId": source["accountId"], kind[2]: source["id"],
        "applyAmount": amount, "effectiveDate": day, "invoiceId": None,
    })  # fmt: skip
    (refresh_payment if kind is PAYMENT else refresh_memo)(tenant, source["id"])
    refresh_account(tenant, source["accountId"])
    return refund


def cancel_refund(tenant: Tenant, refund: Row) -> Row:
    """Take an external refund back; the money is unapplied again."""
    if refund["status"] != "Processed":
        raise refuse(f"Refund {refund['refundNumber']} is {refund['status']}.")
    for row in tenant.where("refund-applications", refundId=refund["id"]):
        tenant.update("refund-applications", row["id"], {"applyAmount": ZERO})
        if row.get("paymentId"):
            refresh_payment(tenant, row["paymentId"])
        else:
            refresh_memo(tenant, row["creditMemoId"])
    at = tenant.now().replace(microsecond=0)
    changed = {"status": "Canceled", "cancelledOn": at}
    refresh_account(tenant, refund["accountId"])
    return tenant.update("refunds", refund["id"], changed)


def spread(tenant: Tenant, payment: Row, amount: Decimal) -> list[tuple[Row, Decimal]]:
    """Where to take an amount off a payment that is more than what is free, newest first."""
    short = amount - payment["unappliedAmount"]
    chosen: list[tuple[Row, Decimal]] = []
    for row in reversed(tenant.where("payment-applications", paymentId=payment["id"])):
        part = min(short, row["applyAmount"])
        if part > 0:
            chosen.append((tenant.get("invoices", row["invoiceId"]), part))
            short -= part
    if short > 0:
        raise invalid("amount", "is greater than what is left of the payment.")
    return chosen
