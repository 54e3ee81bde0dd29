"""Invoices and credit memos: their lines, tax, posting, and what is left of them.

Reference: developer.zuora.com, "Invoices", "Credit memos". Tax is exclusive, per
line, rounded half to even.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.zuora.accounts import PAYMENT_TERMS
from sandbox.zuora.errors import refuse
from sandbox.zuora.periods import check_open
from sandbox.zuora.places import country_code, tax_rate
from sandbox.zuora.rating import ONE_DAY
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import ZERO, Row, rounded

PRODUCT_FIELDS = (
    "revRecCode", "revRecTriggerCondition", "revenueRecognitionRuleName", "accountingCode",
    "accountReceivableAccountingCodeId", "deferredRevenueAccountingCodeId",
    "recognizedRevenueAccountingCodeId",
)  # fmt: skip


_INVOICE_ONLY = frozenset(
    {
        "taxCode", "revRecCode", "revRecTriggerCondition", "accountingCode", "revRecStartDate",
        "comment",
    }
)  # fmt: skip


@dataclass
class Line:
    """One line before it is written; ``end`` is the first day it does not cover. ``tax`` is worked
    out from the sold-to contact unless given."""

    amount: Decimal
    currency: str
    name: str
    start: date
    end: date
    quantity: Decimal = Decimal(1)
    unit_price: Decimal = ZERO
    charged_at: datetime | None = None
    tax: Decimal | None = None
    product: Row | None = None
    product_charge: Row | None = None
    charge: Row | None = None
    subscription: Row | None = None
    period: date | None = None
    invoice_item: Row | None = None
    extra: Row = field(default_factory=dict)
    usages: tuple[str, ...] = ()

    def negated(self) -> Line:
        """The same line on a document of the other kind."""
        return replace(self, amount=-self.amount, tax=None if self.tax is None else -self.tax)


@dataclass
class Documents:
    """What a run made."""

    invoices: list[Row] = field(default_factory=list)
    memos: list[Row] = field(default_factory=list)


def rate_for(tenant: Tenant, account: Row, day: date) -> tuple[str, Decimal]:
    """Country and tax rate of an account's sold-to contact."""
    contact = tenant.get("contacts", account["soldToId"])
    country = country_code(contact["country"]) or ""
    return country, tax_rate(country, day) if tenant.settings.tax else ZERO


def _tax(tenant: Tenant, account: Row, line: Line, day: date) -> tuple[str, Decimal, Decimal]:
    country, rate = rate_for(tenant, account, day)
    taxable = line.product_charge is None or line.product_charge["taxable"]
    if line.tax is not None:
        return country, rate, line.tax
    return country, rate, rounded(line.amount * rate, line.currency) if taxable else ZERO


def _common(line: Line) -> Row:
    """What items of both kinds of document carry."""
    charge, product_charge = line.charge or {}, line.product_charge or {}
    origin = {**product_charge, **{k: v for k, v in charge.items() if k in PRODUCT_FIELDS}}
    subscription = line.subscription or {}
    return {
        "chargeName": line.name,
        "chargeNumber": charge.get("chargeNumber"),
        "ratePlanChargeId": charge.get("id"),
        "productRatePlanChargeId": product_charge.get("id"),
        "subscriptionId": subscription.get("id"),
        "subscriptionNumber": subscription.get("name"),
        "serviceStartDate": line.start,
        "serviceEndDate": max(line.end - ONE_DAY, line.start),
        "quantity": line.quantity,
        "unitPrice": line.unit_price,
        "taxCode": product_charge.get("taxCode"),
        "taxMode": "TaxExclusive",
        **{name: origin.get(name) for name in PRODUCT_FIELDS},
        "revRecStartDate": line.start,
        "_productName": (line.product or {}).get("name"),
        "_segment": charge.get("segment"),
        "_chargeType": charge.get("chargeType") or product_charge.get("chargeType"),
        "_currency": line.currency,
        **line.extra,
    }


def add_invoice(
    tenant: Tenant,
    account: Row,
    lines: list[Line],
    day: date,
    *,
    source: str,
    source_type: str,
    target: date | None = None,
    source_id: str | None = None,
    values: Row | None = None,
) -> Row:
    """A draft invoice with its items and their tax."""
    terms = {(line.subscription or {}).get("paymentTerm") for line in lines}
    term = (terms.pop() if len(terms) == 1 else None) or account["paymentTerm"]
    kinds = {(line.charge or {}).get("chargeType") for line in lines}
    invoice = tenant.insert("invoices", {
        "invoiceNumber": (values or {}).get("invoiceNumber") or tenant.number("invoices", "INV"),
        "accountId": account["id"], "currency": lines[0].currency, "status": "Draft",
        "invoiceDate": day, "dueDate": day + timedelta(days=PAYMENT_TERMS[term]),
        "targetDate": target, "postedDate": None, "postedBy": None, "paymentTerm": term,
        "source": source, "sourceType": source_type, "sourceId": source_id, "comments": "",
        "billToContactId": account["billToId"], "soldToContactId": account["soldToId"],
        "includesOneTime": "OneTime" in kinds, "includesRecurring": "Recurring" in kinds,
        "includesUsage": "Usage" in kinds, "autoPay": False, "reversed": False,
        "adjustmentAmount": ZERO, "creditBalanceAdjustmentAmount": ZERO, "refundAmount": ZERO,
        "paymentAmount": ZERO, "creditMemoAmount": ZERO, "transferredToAccounting": "No",
        "taxExemptAmount": ZERO,
        **(values or {}),
    })  # fmt: skip
    net, tax = ZERO, ZERO
    for line in lines:
        item = _add_item(tenant, account, invoice, line, day)
        net, tax = net + item["chargeAmount"], tax + item["taxAmount"]
    total = net + tax
    return tenant.update("invoices", invoice["id"], {
        "amount": total, "amountWithoutTax": net, "taxAmount": tax, "balance": total,
        "taxStatus": "Complete",
    })  # fmt: skip


def _add_item(tenant: Tenant, account: Row, invoice: Row, line: Line, day: date) -> Row:
    country, rate, tax = _tax(tenant, account, line, day)
    at = line.charged_at or tenant.now()
    item = tenant.insert("invoice-items", {
        "invoiceId": invoice["id"], "accountId": account["id"],
        "chargeAmount": line.amount, "taxAmount": tax, "chargeDate": at.replace(microsecond=0),
        "sKU": (line.product or {}).get("sKU"), "productId": (line.product or {}).get("id"),
        "uOM": (line.charge or {}).get("uOM"), "processingType": "Charge",
        "sourceItemType": "SubscriptionComponent" if line.charge else "InvoiceDetail",
        "subscriptionOwnerId": account["id"], "taxExemptAmount": ZERO,
        "excludeItemBillingFromRevenueAccounting": False, "balance": line.amount + tax,
        **_common(line),
    })  # fmt: skip
    if tax or rate:
        _add_tax(tenant, item, country, rate, tax, day)
    return item


def _add_tax(
    tenant: Tenant, item: Row, country: str, rate: Decimal, tax: Decimal, day: date
) -> None:
    code = tenant.find("accounting-codes", "Sales Tax Payable") or {}
    tenant.insert("taxation-items", {
        "invoiceItemId": item["id"], "name": f"{country} VAT", "jurisdiction": country,
        "locationCode": country, "countryCode": country, "taxCode": item["taxCode"] or "STANDARD",
        "taxCodeDescription": "Standard rate", "taxDate": day, "taxMode": "TaxExclusive",
        "taxRate": rate, "taxRateDescription": "", "taxRateType": "Percentage",
        "taxAmount": tax, "taxAmountUnrounded": item["chargeAmount"] * rate,
        "taxableAmount": item["chargeAmount"], "exemptAmount": ZERO, "balance": tax,
        "creditAmount": ZERO, "paymentAmount": ZERO,
        "salesTaxPayableAccountingCodeId": code.get("id"),
    })  # fmt: skip


def _of_memo(values: Row) -> Row:
    """What only items of invoices show is kept to ourselves."""
    told = {f"_{key}" if key in _INVOICE_ONLY else key: value for key, value in values.items()}
    return told | {"taxCodeName": told.pop("_taxCode")}


def add_memo(
    tenant: Tenant,
    account: Row,
    lines: list[Line],
    day: date,
    *,
    source: str,
    source_type: str,
    reason: str | None,
    invoice: Row | None = None,
    target: date | None = None,
    source_id: str | None = None,
    values: Row | None = None,
) -> Row:
    """A draft credit memo; its amounts are positive."""
    memo = tenant.insert("credit-memos", {
        "memoNumber": tenant.number("credit-memos", "CM"),
        "accountId": account["id"], "currency": lines[0].currency, "status": "Draft",
        "memoDate": day, "targetDate": target, "reasonCode": reason,
        "invoiceId": invoice["id"] if invoice else None, "source": source,
        "sourceType": source_type, "sourceId": source_id, "comments": "",
        "appliedAmount": ZERO, "refundAmount": ZERO, "reversed": False, "postedOn": None,
        "postedById": None, "cancelledOn": None, "cancelledById": None,
        "transferredToAccounting": "No", "excludeFromAutoApplyRules": False,
        "autoApplyUponPosting": False, "taxAutoCalculation": True, "totalTaxExemptAmount": ZERO,
        "billToContactId": account["billToId"], "discountAmount": ZERO,
        **(values or {}),
    })  # fmt: skip
    net, tax = ZERO, ZERO
    for line in lines:
        _, _, line_tax = _tax(tenant, account, line, day)
        net, tax = net + line.amount, tax + line_tax
        source_item = line.invoice_item or {}
        tenant.insert("credit-memo-items", {
            **_of_memo(_common(line)),
            "creditMemoId": memo["id"], "amount": line.amount, "amountWithoutTax": line.amount,
            "taxAmount": line_tax, "chargeDate": tenant.now().replace(microsecond=0),
            "sku": (line.product or {}).get("sKU"), "invoiceItemId": source_item.get("id"),
            "creditFromItemId": source_item.get("id"),
            "creditFromItemSource": "InvoiceDetail" if source_item else None,
            "unappliedAmount": line.amount + line_tax, "appliedToOthersAmount": ZERO,
            "processingType": "Charge", "unitOfMeasure": (line.charge or {}).get("uOM"),
            "sourceItemType": source_item.get("sourceItemType", "SubscriptionComponent"),
        })  # fmt: skip
    return tenant.update("credit-memos", memo["id"], {
        "totalAmount": net + tax, "totalAmountWithoutTax": net, "taxAmount": tax,
        "balance": net + tax,
    })  # fmt: skip


def post_invoice(tenant: Tenant, invoice: Row, day: date | None = None) -> Row:
    """From draft to posted, on the invoice date unless told otherwise."""
    if invoice["status"] != "Draft":
        number, status = invoice["invoiceNumber"], invoice["status"]
        raise refuse(f"Invoice {number} cannot be posted: it is {status}, not Draft.")
    day = day or invoice["invoiceDate"]
    check_open(tenant, day)
    changed: dict[str, Any] = {
        "status": "Posted", "invoiceDate": day, "postedBy": "API",
        "dueDate": day + (invoice["dueDate"] - invoice["invoiceDate"]),
        "postedDate": tenant.today(),
    }  # fmt: skip
    posted = tenant.update("invoices", invoice["id"], changed)
    refresh_account(tenant, invoice["accountId"])
    return posted


def post_memo(tenant: Tenant, memo: Row) -> Row:
    """From draft to posted."""
    if memo["status"] != "Draft":
        number, status = memo["memoNumber"], memo["status"]
        raise refuse(f"Credit memo {number} cannot be posted: it is {status}, not Draft.")
    check_open(tenant, memo["memoDate"])
    at = tenant.now().replace(microsecond=0)
    changed = {"status": "Posted", "postedOn": at, "postedById": memo["createdById"]}
    posted = tenant.update("credit-memos", memo["id"], changed)
    refresh_account(tenant, memo["accountId"])
    return posted


def refresh_account(tenant: Tenant, account_id: str) -> None:
    """Bring an account's balances in line with its posted documents and payments."""
    account = tenant.tables["accounts"][account_id]
    own: dict[str, Any] = {"accountId": account_id}
    owed = sum((r["balance"] for r in tenant.where("invoices", status="Posted", **own)), ZERO)
    memos = sum((r["balance"] for r in tenant.where("credit-memos", status="Posted", **own)), ZERO)
    paid = sum(
        (r["unappliedAmount"] for r in tenant.where("payments", status="Processed", **own)), ZERO
    )
    changed = {
        "totalInvoiceBalance": owed, "unappliedCreditMemoAmount": memos,
        "unappliedBalance": paid, "balance": owed - memos - paid,
    }  # fmt: skip
    if any(account[name] != value for name, value in changed.items()):
        tenant.update("accounts", account_id, changed)
