"""Rows in the shapes of the v1 resources, whose names differ from object query's."""

from __future__ import annotations

from typing import Final

from sandbox.zuora.fields import CUSTOM_ENDINGS
from sandbox.zuora.objects import V1_NAMES
from sandbox.zuora.subscribing import charges_of, plans_of
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import ZERO, Row

_BASIC: Final = (
    "id", "name", "accountNumber", "notes", "status", "crmId", "batch", "invoiceTemplateId",
    "communicationProfileId", "parentId", "purchaseOrderNumber", "sequenceSetId",
    "customerServiceRepName",
)  # fmt: skip
_BILLING: Final = (
    "autoPay", "billCycleDay", "bcdSettingOption", "currency", "paymentTerm", "paymentGateway",
    "invoiceDeliveryPrefsPrint", "invoiceDeliveryPrefsEmail",
)  # fmt: skip
_SUBSCRIPTION: Final = (
    "id", "accountId", "version", "revision", "termType", "contractEffectiveDate",
    "serviceActivationDate", "subscriptionStartDate", "subscriptionEndDate", "termStartDate",
    "termEndDate", "initialTerm", "initialTermPeriodType", "currentTerm", "currentTermPeriodType",
    "autoRenew", "renewalSetting", "renewalTerm", "renewalTermPeriodType", "currency", "notes",
    "status", "paymentTerm", "isLatestVersion", "lastBookingDate", "cancelReason",
)  # fmt: skip
# What object query shows of a record and its v1 resource does not.
_STAMPS: Final = frozenset({"createdById", "createdDate", "updatedById", "updatedDate"})
_QUERY_ONLY: Final[dict[str, frozenset[str]]] = {
    "contacts": _STAMPS,
    "invoices": frozenset({"reversed"}),
    "invoice-items": _STAMPS
    | {
        "invoiceId", "accountId", "productId", "subscriptionOwnerId", "taxExemptAmount",
        "ratePlanChargeId", "accountReceivableAccountingCodeId", "deferredRevenueAccountingCodeId",
        "recognizedRevenueAccountingCodeId",
    },
    "taxation-items": _STAMPS
    | {
        "invoiceItemId", "countryCode", "taxMode", "taxAmountUnrounded", "taxableAmount",
        "salesTaxPayableAccountingCodeId",
    },
    "payments": frozenset({"source"}),
    "refunds": frozenset({"currency", "sourceType", "associatedTransactionNumber"}),
    "credit-memos": frozenset({"discountAmount", "totalAmountWithoutTax"}),
    "credit-memo-items": frozenset(
        {
            "chargeName", "chargeNumber", "ratePlanChargeId", "productRatePlanChargeId",
            "subscriptionNumber", "revenueRecognitionRuleName", "taxCodeName", "taxAmount",
            "accountReceivableAccountingCodeId", "deferredRevenueAccountingCodeId",
            "recognizedRevenueAccountingCodeId", "creditMemoId", "chargeDate", "invoiceItemId",
            "appliedToOthersAmount",
        }
    ),
}  # fmt: skip
_CHARGE: Final = (
    "id", "productRatePlanChargeId", "segment", "version", "name", "description", "billingPeriod",
    "billingTiming", "uOM", "effectiveStartDate", "effectiveEndDate", "chargedThroughDate",
    "processedThroughDate", "quantity", "triggerEvent", "specificBillingPeriod",
    "endDateCondition",
)  # fmt: skip


def customs(row: Row) -> Row:
    """The custom fields of a row."""
    return {key: value for key, value in row.items() if key.endswith(CUSTOM_ENDINGS)}


def plain(object: str, row: Row) -> Row:
    """A row with the v1 names of its object; what we keep for ourselves left out."""
    names = V1_NAMES.get(object, {})
    return {names.get(key, key): value for key, value in row.items() if not key.startswith("_")}


def _without(object: str, row: Row) -> Row:
    """A row less what its v1 resource does not show."""
    hidden = _QUERY_ONLY[object]
    return {key: value for key, value in plain(object, row).items() if key not in hidden}


def contact(row: Row) -> Row:
    """A contact."""
    told = _without("contacts", row)
    told["zipCode"] = told.get("postalCode")
    told["nickname"] = told.pop("nickName", None)
    told["contactDescription"] = told.pop("description", None)
    return told


def account(tenant: Tenant, row: Row) -> Row:
    """An account, in its five parts."""
    basic = {name: row.get(name) for name in _BASIC} | customs(row)
    basic["salesRep"] = row.get("salesRepName")
    metrics = {
        "balance": row["balance"], "totalInvoiceBalance": row["totalInvoiceBalance"],
        "creditBalance": row["creditBalance"], "contractedMrr": row["mrr"],
        "unappliedPaymentAmount": row["unappliedBalance"], "currency": row["currency"],
        "unappliedCreditMemoAmount": row["unappliedCreditMemoAmount"],
        "totalDebitMemoBalance": ZERO, "reservedPaymentAmount": ZERO,
    }  # fmt: skip
    return {
        "basicInfo": basic,
        "billingAndPayment": {name: row.get(name) for name in _BILLING},
        "metrics": metrics,
        "metricsData": [metrics],
        "billToContact": contact(tenant.get("contacts", row["billToId"])),
        "soldToContact": contact(tenant.get("contacts", row["soldToId"])),
        "shipToContact": contact(tenant.get("contacts", row["shipToId"])),
        "taxInfo": {"VATId": row.get("vATId")},
    }


def subscription(tenant: Tenant, row: Row, detail: str | None = None) -> Row:
    """A version of a subscription; ``detail`` is last-segment, current-segment or all-segments."""
    owner = tenant.get("accounts", row["accountId"])
    charges = charges_of(tenant, row)
    told: Row = {name: row.get(name) for name in _SUBSCRIPTION}
    told.update(customs(row))
    order = tenant.find("orders", row.get("orderId"))
    told.update({
        "subscriptionNumber": row["name"],
        "accountNumber": owner["accountNumber"], "accountName": owner["name"],
        "invoiceOwnerAccountId": owner["id"], "invoiceOwnerAccountName": owner["name"],
        "invoiceOwnerAccountNumber": owner["accountNumber"],
        "invoiceSeparately": row["isInvoiceSeparate"],
        "customerAcceptanceDate": row["contractAcceptanceDate"],
        "orderNumber": order["orderNumber"] if order else None,
        "contractedMrr": row.get("cMRR") or ZERO,
        "totalContractedValue": sum((charge["tCV"] for charge in charges), ZERO),
        "createTime": row["createdDate"], "updateTime": row["updatedDate"],
        "scheduledCancelDate": row.get("cancelledDate"),
        "ratePlans": [
            _plan(tenant, plan, detail) for plan in plans_of(tenant, row) if not plan["_removed"]
        ],
    })  # fmt: skip
    return told


def _plan(tenant: Tenant, row: Row, detail: str | None) -> Row:
    product = tenant.get("products", row["productId"])
    catalogue = tenant.get("product-rate-plans", row["productRatePlanId"])
    charges = tenant.where("rate-plan-charges", ratePlanId=row["id"])
    if detail != "all-segments":
        charges = _current(tenant, charges) if detail == "current-segment" else [
            charge for charge in charges if charge["isLastSegment"]
        ]  # fmt: skip
    return {
        "id": row["id"], "productId": product["id"], "productName": product["name"],
        "productSku": product["sKU"], "productRatePlanId": row["productRatePlanId"],
        "productRatePlanNumber": catalogue["productRatePlanNumber"],
        "ratePlanName": row["name"], "lastChangeType": row["amendmentType"],
        "subscriptionRatePlanNumber": row["subscriptionRatePlanNumber"],
        "originalRatePlanId": row["originalRatePlanId"],
        "ratePlanCharges": [charge_row(charge) for charge in charges],
    }  # fmt: skip


def _current(tenant: Tenant, charges: list[Row]) -> list[Row]:
    today = tenant.today()
    return [
        charge for charge in charges
        if charge["effectiveStartDate"] <= today
        and (charge["effectiveEndDate"] is None or today < charge["effectiveEndDate"])
    ]  # fmt: skip


def charge_row(row: Row) -> Row:
    """A charge segment as the subscription shows it."""
    told: Row = {name: row.get(name) for name in _CHARGE} | customs(row)
    told.update({
        "number": row["chargeNumber"], "originalChargeId": row["originalId"],
        "type": row["chargeType"], "model": row["chargeModel"], "price": row["salesPrice"],
        "mrr": row["mRR"], "tcv": row["tCV"], "uom": told.pop("uOM"),
        "originalListPrice": row["originalListPrice"],
    })  # fmt: skip
    return told


def order(tenant: Tenant, row: Row) -> Row:
    """An order with its subscriptions and actions as they were sent."""
    owner = tenant.get("accounts", row["accountId"])
    body = row["_body"]
    told = row["_subscriptions"] or [
        {"subscriptionNumber": part.get("subscriptionNumber"),
         "orderActions": part.get("orderActions", []), "customFields": {}}
        for part in body.get("subscriptions", [])
    ]  # fmt: skip
    names = ("orderNumber", "orderDate", "status", "description", "category", "state")
    return {
        **{name: row.get(name) for name in names},
        "reasonCode": row["_reasonCode"],
        "existingAccountNumber": owner["accountNumber"],
        "currency": owner["currency"],
        "customFields": customs(row),
        "createdBy": row["createdById"], "createdDate": row["createdDate"],
        "updatedBy": row["updatedById"], "updatedDate": row["updatedDate"],
        "subscriptions": [
            {"sequence": index, "subscriptionOwnerAccountNumber": owner["accountNumber"], **part}
            for index, part in enumerate(told)
        ],
        "orderLineItems": [],
    }  # fmt: skip


def _code_name(tenant: Tenant, id: str | None) -> str | None:
    row = tenant.find("accounting-codes", id)
    return row["name"] if row else None


def invoice(row: Row) -> Row:
    """An invoice without its items."""
    return _without("invoices", row) | {"discount": ZERO}


def invoice_item(tenant: Tenant, row: Row) -> Row:
    """A line of an invoice."""
    told = _without("invoice-items", row)
    taxes = [
        _without("taxation-items", tax) | {"availableToCreditAmount": tax["taxAmount"]}
        for tax in tenant.where("taxation-items", invoiceItemId=row["id"])
    ]
    charge = tenant.find("rate-plan-charges", row["ratePlanChargeId"])
    return told | {
        "subscriptionName": row["subscriptionNumber"],
        "chargeId": row["ratePlanChargeId"],
        "chargeType": row["_chargeType"],
        "chargeDescription": charge["description"] if charge else "",
        "productName": row["_productName"],
        "sku": told.pop("sKU"),
        "unitOfMeasure": told.pop("uOM") or "",
        "appliedToItemId": None,
        "deferredRevenueAccountingCode": _code_name(tenant, row["deferredRevenueAccountingCodeId"]),
        "recognizedRevenueAccountingCode":
            _code_name(tenant, row["recognizedRevenueAccountingCodeId"]),
        "taxationItems": {"data": taxes},
    }  # fmt: skip


def payment(tenant: Tenant, row: Row) -> Row:
    """A payment."""
    owner = tenant.get("accounts", row["accountId"])
    told = _without("payments", row)
    told.pop("appliedCreditBalanceAmount", None)
    transferred = told.pop("transferredToAccounting")
    return told | {
        "accountNumber": owner["accountNumber"], "creditBalanceAmount": ZERO,
        "financeInformation": {
            "bankAccountAccountingCode": "Cash", "bankAccountAccountingCodeType": "Cash",
            "unappliedPaymentAccountingCode": "Customer Cash on Account",
            "unappliedPaymentAccountingCodeType": "CustomerCashOnAccount",
            "transferredToAccounting": transferred,
        },
    }  # fmt: skip


def refund(tenant: Tenant, row: Row) -> Row:
    """A refund of a payment or of a credit memo."""
    told = _without("refunds", row)
    transferred = told.pop("transferredToAccounting")
    link = tenant.where("refund-applications", refundId=row["id"])[0]
    paid = tenant.find("payments", link.get("paymentId"))
    return told | {
        "paymentId": link.get("paymentId"), "creditMemoId": link.get("creditMemoId"),
        "paymentNumber": paid["paymentNumber"] if paid else None,
        "financeInformation": {"transferredToAccounting": transferred},
    }  # fmt: skip


def memo(tenant: Tenant, row: Row) -> Row:
    """A credit memo without its items."""
    owner = tenant.get("accounts", row["accountId"])
    return _without("credit-memos", row) | {"accountNumber": owner["accountNumber"]}


def memo_item(tenant: Tenant, row: Row) -> Row:
    """A line of a credit memo."""
    told = _without("credit-memo-items", row)
    finance = {
        "deferredRevenueAccountingCode": _code_name(tenant, row["deferredRevenueAccountingCodeId"]),
        "recognizedRevenueAccountingCode":
            _code_name(tenant, row["recognizedRevenueAccountingCodeId"]),
        "onAccountAccountingCode": "On Account Receivable",
    }  # fmt: skip
    tax = _memo_tax(row)
    return told | {
        "skuName": row["chargeName"], "comment": row.get("_comment"),
        "appliedAmount": row["appliedToOthersAmount"],
        "refundAmount": ZERO, "sourceItemId": row["invoiceItemId"] or row["ratePlanChargeId"],
        "financeInformation": finance, "creditTaxItems": tax, "taxationItems": {"data": tax},
    }  # fmt: skip


def _memo_tax(row: Row) -> list[Row]:
    """The tax of a line of a credit memo, the only place where its resource shows it."""
    if not row["taxAmount"]:
        return []
    return [{
        "id": row["id"], "name": "VAT", "taxAmount": row["taxAmount"], "exemptAmount": ZERO,
        "taxCode": row["taxCodeName"], "taxDate": row["chargeDate"].date(),
        "taxRateType": "Percentage", "sourceTaxItemId": None,
    }]  # fmt: skip
