"""Payments, their reversal, and credit memos made by hand.

Reference: developer.zuora.com, "Payments", "Credit memos".
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.zuora.documents import Line, add_memo, post_memo, refresh_account
from sandbox.zuora.errors import invalid, missing, refuse
from sandbox.zuora.fields import Fields
from sandbox.zuora.periods import check_open
from sandbox.zuora.rating import ONE_DAY
from sandbox.zuora.settlement import (
    MEMO,
    PAYMENT,
    add_refund,
    apply,
    spread,
    unapply,
    wanted_invoices,
)
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import EXPONENTS, ZERO, Row, rounded

METHOD_TYPES = (
    "ACH", "Cash", "Check", "CreditCard", "PayPal", "WireTransfer", "DebitCard",
    "CreditCardReferenceTransaction", "BankTransfer", "Other",
)  # fmt: skip


def create_payment(tenant: Tenant, fields: Fields) -> Row:
    """An external payment, applied to the invoices it names."""
    currency = fields.need("currency")
    if currency not in EXPONENTS:
        raise invalid("currency", f"'{currency}' is not a currency of this tenant.")
    amount = fields.amount("amount", currency)
    _check_means(fields)
    account = _account(tenant, fields)
    number = fields.text("number", max=32)
    if number is not None and tenant.find("payments", number) is not None:
        raise invalid("number", f"The payment number '{number}' already exists.")
    day = fields.date("effectiveDate") or tenant.today()
    check_open(tenant, day)
    tenant.check_lock(account["id"], account["accountNumber"])
    with tenant.savepoint():
        payment = tenant.insert("payments", {
            "paymentNumber": number or tenant.number("payments", "P-"),
            "accountId": account["id"], "amount": amount, "currency": currency,
            "effectiveDate": day, "type": "External", "status": "Processed",
            "appliedAmount": ZERO, "unappliedAmount": amount, "refundAmount": ZERO,
            "appliedCreditBalanceAmount": ZERO, "gatewayState": "NotSubmitted",
            "comment": fields.text("comment", max=1000),
            "referenceId": fields.text("referenceId", max=60),
            "secondPaymentReferenceId": None, "prepayment": fields.flag("prepayment"),
            "paymentMethodId": fields.text("paymentMethodId"), "payoutId": None,
            "isStandalone": fields.flag("standalone"), "transferredToAccounting": "No",
            "gatewayOrderId": fields.text("gatewayOrderId"), "settledOn": None,
            "gatewayReconciliationStatus": None, "gatewayReconciliationReason": None,
            "cancelledOn": None, "source": "API", "submittedOn": None,
            "_methodType": fields.text("paymentMethodType"),
            **tenant.check_customs("payments", fields.customs()),
        })  # fmt: skip
        apply(tenant, PAYMENT, payment, wanted_invoices(tenant, fields, currency), day)
        refresh_account(tenant, account["id"])
    return tenant.tables["payments"][payment["id"]]


def _check_means(fields: Fields) -> None:
    if fields.choice("type", ("External", "Electronic")) == "Electronic":
        raise refuse("No payment gateway is configured; only External payments can be made.")
    if not fields.has("paymentMethodId") and not fields.has("paymentMethodType"):
        raise missing("paymentMethodId")
    if fields.has("paymentMethodType"):
        fields.choice("paymentMethodType", METHOD_TYPES)
    if fields.values.get("debitMemos"):
        raise refuse("Debit memos are not enabled in this tenant.")


def _account(tenant: Tenant, fields: Fields) -> Row:
    key = fields.text("accountId") or fields.text("accountNumber")
    if key is not None:
        return tenant.get("accounts", key)
    first = next(fields.parts("invoices"), None)
    if first is None:
        raise missing("accountId")
    invoice = tenant.get("invoices", first.text("invoiceId") or first.need("invoiceNumber"))
    return tenant.get("accounts", invoice["accountId"])


def cancel_payment(tenant: Tenant, payment: Row) -> Row:
    """Only an external payment that is neither applied nor refunded."""
    if payment["status"] != "Processed" or payment["type"] != "External":
        raise refuse(f"Payment {payment['paymentNumber']} is {payment['status']}.")
    if payment["appliedAmount"] or payment["refundAmount"]:
        raise refuse("The payment cannot be canceled because it is applied or refunded.")
    at = tenant.now().replace(microsecond=0)
    changed = {"status": "Canceled", "cancelledOn": at, "unappliedAmount": ZERO}
    cancelled = tenant.update("payments", payment["id"], changed)
    refresh_account(tenant, payment["accountId"])
    return cancelled


def transfer_payment(tenant: Tenant, payment: Row, fields: Fields) -> Row:
    """Move an unapplied payment to another account."""
    account = tenant.get("accounts", fields.need("accountId"))
    if payment["appliedAmount"] or payment["refundAmount"]:
        raise refuse("Only a payment that is not applied can be transferred.")
    moved = tenant.update("payments", payment["id"], {"accountId": account["id"]})
    refresh_account(tenant, payment["accountId"])
    refresh_account(tenant, account["id"])
    return moved


def reverse_payment(tenant: Tenant, payment: Row, amount: Decimal, fields: Fields) -> Row:
    """A chargeback or a bank return: the money is gone and the invoices are open again."""
    if payment["status"] != "Processed":
        raise refuse(f"Payment {payment['paymentNumber']} is {payment['status']}.")
    settled = fields.instant("settledOn")
    with tenant.savepoint():
        taken = spread(tenant, payment, amount)
        payment = unapply(tenant, PAYMENT, payment, taken, tenant.today())
        given = Fields({
            "type": "External", "methodType": fields.text("methodType", "Other"),
            "referenceId": fields.text("referenceId"),
            "secondRefundReferenceId": fields.text("secondReferenceId"),
        })  # fmt: skip
        return add_refund(
            tenant, PAYMENT, payment, amount, given,
            reasonCode="Payment Reversal",
            payoutId=fields.text("payoutId"), settledOn=settled,
            gatewayReconciliationStatus=fields.text("gatewayReconciliationStatus"),
            gatewayReconciliationReason=fields.text("gatewayReconciliationReason"),
        )  # fmt: skip


def credit_invoice(tenant: Tenant, invoice: Row, fields: Fields) -> Row:
    """A credit memo for items of an invoice; an item is credited at most in full."""
    if invoice["status"] != "Posted":
        raise refuse(f"Invoice {invoice['invoiceNumber']} is {invoice['status']}, not Posted.")
    lines: list[Line] = []
    spent: dict[str, Decimal] = {}
    for row in fields.parts("items"):
        item = _item_of(tenant, invoice, row)
        amount = row.amount("amount", invoice["currency"])
        left = creditable(tenant, item) - spent.get(item["id"], ZERO)
        if amount > left:
            raise refuse(f"The amount {amount} is greater than the creditable amount {left}.")
        spent[item["id"]] = spent.get(item["id"], ZERO) + amount
        tax = _credited_tax(item, amount, invoice["currency"])
        if not fields.flag("taxAutoCalculation", default=True):
            tax = sum(
                (t.amount("amount", invoice["currency"]) for t in row.parts("taxItems")), ZERO
            )
        lines.append(_credit_line(tenant, invoice, item, amount, tax, row))
    if not lines:
        raise missing("items")
    account = tenant.get("accounts", invoice["accountId"])
    day = fields.date("effectiveDate") or tenant.today()
    with tenant.savepoint():
        memo = add_memo(
            tenant, account, lines, day, source="AdhocFromInvoice", source_type="Invoice",
            reason=fields.text("reasonCode"), invoice=invoice, source_id=invoice["id"],
            values=_memo_values(tenant, fields),
        )  # fmt: skip
        return _finish(tenant, memo, fields, invoice)


def _memo_values(tenant: Tenant, fields: Fields) -> dict[str, Any]:
    return {
        "comments": fields.text("comment") or "",
        "autoApplyUponPosting": fields.flag("autoApplyToInvoiceUponPosting"),
        "excludeFromAutoApplyRules": fields.flag("excludeFromAutoApplyRules"),
        **tenant.check_customs("credit-memos", fields.customs()),
    }


def _finish(tenant: Tenant, memo: Row, fields: Fields, invoice: Row | None) -> Row:
    if not fields.flag("autoPost"):
        return memo
    return post_and_apply(tenant, memo, invoice)


def post_and_apply(tenant: Tenant, memo: Row, invoice: Row | None) -> Row:
    """Post a memo, and apply it to its invoice when it was made to be."""
    posted = post_memo(tenant, memo)
    if not memo["autoApplyUponPosting"] or invoice is None:
        return posted
    amount = min(posted["balance"], tenant.tables["invoices"][invoice["id"]]["balance"])
    wanted = [(invoice, amount)] if amount > 0 else []
    return apply(tenant, MEMO, posted, wanted, posted["memoDate"])


def _item_of(tenant: Tenant, invoice: Row, row: Fields) -> Row:
    key, sku = row.text("invoiceItemId"), row.text("skuName")
    items = tenant.where("invoice-items", invoiceId=invoice["id"])
    found = [item for item in items if (item["id"] == key if key else item["sKU"] == sku)]
    if key is None and sku is None:
        raise missing(row.name("invoiceItemId"))
    if not found:
        raise invalid(row.name("invoiceItemId"), f"'{key or sku}' is not on the invoice.")
    return found[0]


def creditable(tenant: Tenant, item: Row) -> Decimal:
    """What of an item's net amount no credit memo has taken yet."""
    taken = ZERO
    for row in tenant.where("credit-memo-items", invoiceItemId=item["id"]):
        if tenant.tables["credit-memos"][row["creditMemoId"]]["status"] != "Canceled":
            taken += row["amount"]
    left: Decimal = item["chargeAmount"] - taken
    return left


def _credited_tax(item: Row, amount: Decimal, currency: str) -> Decimal:
    if not item["chargeAmount"]:
        return ZERO
    return rounded(item["taxAmount"] * amount / item["chargeAmount"], currency)


def _credit_line(
    tenant: Tenant, invoice: Row, item: Row, amount: Decimal, tax: Decimal, row: Fields | None
) -> Line:
    start = (row.date("serviceStartDate") if row else None) or item["serviceStartDate"]
    end = (row.date("serviceEndDate") if row else None) or item["serviceEndDate"]
    charge = tenant.find("rate-plan-charges", item["ratePlanChargeId"])
    product_charge = tenant.find("product-rate-plan-charges", item["productRatePlanChargeId"])
    return Line(
        amount=amount, currency=invoice["currency"], name=item["chargeName"], start=start,
        end=end + ONE_DAY, quantity=item["quantity"], unit_price=item["unitPrice"], tax=tax,
        product=tenant.find("products", item["productId"]), product_charge=product_charge,
        charge=charge, subscription=tenant.find("subscriptions", item["subscriptionId"]),
        invoice_item=item,
        extra={"comment": row.text("comment") if row else None},
    )  # fmt: skip


def credit_charges(tenant: Tenant, fields: Fields) -> Row:
    """A stand-alone credit memo for charges of the catalogue."""
    key = fields.text("accountId") or fields.text("accountNumber")
    if key is None:
        raise missing("accountId")
    account = tenant.get("accounts", key)
    currency = fields.text("currency") or account["currency"]
    day = fields.date("effectiveDate") or tenant.today()
    lines = [_charge_line(tenant, row, currency, day) for row in fields.parts("charges")]
    if not lines:
        raise missing("charges")
    number = fields.text("number", max=32)
    if number is not None and tenant.find("credit-memos", number) is not None:
        raise invalid("number", f"The credit memo number '{number}' already exists.")
    values = _memo_values(tenant, fields) | ({"memoNumber": number} if number else {})
    with tenant.savepoint():
        memo = add_memo(
            tenant, account, lines, day, source="AdhocFromPrpc", source_type="Standalone",
            reason=fields.text("reasonCode"), values=values,
        )  # fmt: skip
        return _finish(tenant, memo, fields, None)


def _charge_line(tenant: Tenant, row: Fields, currency: str, day: date) -> Line:
    key = row.text("productRatePlanChargeId") or row.need("chargeId")
    charge = tenant.get("product-rate-plan-charges", key)
    plan = tenant.get("product-rate-plans", charge["productRatePlanId"])
    field = "memoItemAmount" if row.has("memoItemAmount") else "amount"
    start = row.date("serviceStartDate") or day
    return Line(
        amount=row.amount(field, currency), currency=currency, name=charge["name"], start=start,
        end=(row.date("serviceEndDate") or start) + ONE_DAY,
        quantity=row.decimal("quantity") or Decimal(1), product_charge=charge,
        product=tenant.get("products", plan["productId"]),
        extra={"comment": row.text("comment")},
    )  # fmt: skip


def write_off(tenant: Tenant, invoice: Row, fields: Fields, *, reason: str, whole: bool) -> Row:
    """A posted, applied credit memo over all that is left of an invoice."""
    number = invoice["invoiceNumber"]
    if invoice["status"] != "Posted" or invoice["balance"] <= 0:
        raise refuse(f"Invoice {number} has no balance to write off.")
    if whole and invoice["balance"] != invoice["amount"]:
        raise refuse(f"Invoice {number} is settled in part and cannot be reversed.")
    account = tenant.get("accounts", invoice["accountId"])
    lines = []
    for item in tenant.where("invoice-items", invoiceId=invoice["id"]):
        tax = min(item["taxAmount"], item["balance"]) if item["balance"] > 0 else item["taxAmount"]
        if item["balance"]:
            net = item["balance"] - tax
            lines.append(_credit_line(tenant, invoice, item, net, tax, None))
    day = fields.date("memoDate") or tenant.today()
    with tenant.savepoint():
        memo = add_memo(
            tenant, account, lines, day, source="AdhocFromInvoice", source_type="Invoice",
            reason=fields.text("reasonCode") or reason, invoice=invoice, source_id=invoice["id"],
            values=_memo_values(tenant, fields) | {"autoApplyUponPosting": True},
        )  # fmt: skip
        return post_and_apply(tenant, memo, invoice)


def cancel_memo(tenant: Tenant, memo: Row) -> Row:
    """Only a draft can be cancelled."""
    if memo["status"] != "Draft":
        raise refuse(f"Credit memo {memo['memoNumber']} is {memo['status']}, not Draft.")
    at = tenant.now().replace(microsecond=0)
    changed = {"status": "Canceled", "cancelledOn": at, "cancelledById": memo["createdById"]}
    return tenant.update("credit-memos", memo["id"], changed)
