"""The objects of object query: labels, numbers, how the v1 resources name the same things.

Reference: developer.zuora.com, "Object Query" and the resources of the API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

STANDARD_CUSTOM_FIELDS: Final = frozenset(
    {
        "Class__NS", "CustomerType__NS", "Department__NS", "IntegrationId__NS",
        "IntegrationStatus__NS", "Location__NS", "Subsidiary__NS", "SyncDate__NS",
        "SynctoNetSuite__NS", "Origin__NS", "Transaction__NS", "Project__NS", "SalesOrder__NS",
        "QuoteNumber__QT", "QuoteType__QT", "QuoteBusinessType__QT", "OpportunityName__QT",
        "OpportunityCloseDate__QT", "CpqBundleJsonId__QT", "External_Id__c", "Revline_Id__c",
        "SalesforceQuote__c", "SalesforceOpportunity__c",
    }
)  # fmt: skip
UNINDEXED: Final = frozenset({"notes", "description", "comments", "comment"})


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """``number`` is the field that identifies a record beside its id; ``parents`` and ``children``
    are what ``expand[]`` follows: name → (object, field)."""

    label: str
    number: str = ""
    parents: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    children: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    queryable: bool = True


_ACCOUNT: Final = {"account": ("accounts", "accountId")}

OBJECTS: Final[Mapping[str, ObjectSpec]] = {
    "accounts": ObjectSpec(
        "Account",
        "accountNumber",
        {"billTo": ("contacts", "billToId"), "soldTo": ("contacts", "soldToId")},
        {
            "subscriptions": ("subscriptions", "accountId"),
            "invoices": ("invoices", "accountId"),
            "payments": ("payments", "accountId"),
            "creditMemos": ("credit-memos", "accountId"),
            "refunds": ("refunds", "accountId"),
            "usages": ("usages", "accountId"),
        },
    ),
    "contacts": ObjectSpec("Contact"),
    "products": ObjectSpec(
        "Product", "sKU", {}, {"productRatePlans": ("product-rate-plans", "productId")}
    ),
    "product-rate-plans": ObjectSpec(
        "ProductRatePlan",
        "productRatePlanNumber",
        {"product": ("products", "productId")},
        {"productRatePlanCharges": ("product-rate-plan-charges", "productRatePlanId")},
    ),
    "product-rate-plan-charges": ObjectSpec(
        "ProductRatePlanCharge",
        "productRatePlanChargeNumber",
        {"productRatePlan": ("product-rate-plans", "productRatePlanId")},
        {
            "productRatePlanChargeTiers": (
                "product-rate-plan-charge-tiers",
                "productRatePlanChargeId",
            )
        },
    ),
    "product-rate-plan-charge-tiers": ObjectSpec("ProductRatePlanChargeTier"),
    "orders": ObjectSpec(
        "Order", "orderNumber", _ACCOUNT, {"orderActions": ("order-actions", "orderId")}
    ),
    "order-actions": ObjectSpec(
        "OrderAction",
        "",
        {"order": ("orders", "orderId"), "subscription": ("subscriptions", "subscriptionId")},
    ),
    "order-line-items": ObjectSpec("OrderLineItem"),
    "subscriptions": ObjectSpec(
        "Subscription",
        "name",
        {**_ACCOUNT, "order": ("orders", "orderId")},
        {"ratePlans": ("rate-plans", "subscriptionId")},
    ),
    "rate-plans": ObjectSpec(
        "RatePlan",
        "",
        {
            "subscription": ("subscriptions", "subscriptionId"),
            "productRatePlan": ("product-rate-plans", "productRatePlanId"),
        },
        {"ratePlanCharges": ("rate-plan-charges", "ratePlanId")},
    ),
    "rate-plan-charges": ObjectSpec(
        "RatePlanCharge",
        "",
        {
            "ratePlan": ("rate-plans", "ratePlanId"),
            "productRatePlanCharge": ("product-rate-plan-charges", "productRatePlanChargeId"),
        },
    ),
    "rate-plan-charge-tiers": ObjectSpec("RatePlanChargeTier"),
    "invoices": ObjectSpec(
        "Invoice",
        "invoiceNumber",
        _ACCOUNT,
        {
            "invoiceItems": ("invoice-items", "invoiceId"),
            "paymentApplications": ("payment-applications", "invoiceId"),
            "creditMemoApplications": ("credit-memo-applications", "invoiceId"),
        },
    ),
    "invoice-items": ObjectSpec(
        "InvoiceItem",
        "",
        {
            "invoice": ("invoices", "invoiceId"),
            "subscription": ("subscriptions", "subscriptionId"),
            "ratePlanCharge": ("rate-plan-charges", "ratePlanChargeId"),
        },
        {"taxationItems": ("taxation-items", "invoiceItemId")},
    ),
    "taxation-items": ObjectSpec("TaxationItem"),
    "payments": ObjectSpec(
        "Payment",
        "paymentNumber",
        _ACCOUNT,
        {"paymentApplications": ("payment-applications", "paymentId")},
    ),
    "payment-applications": ObjectSpec(
        "PaymentApplication", "", {"payment": ("payments", "paymentId")}
    ),
    "payment-parts": ObjectSpec("PaymentPart"),
    "payment-methods": ObjectSpec("PaymentMethod"),
    "credit-memos": ObjectSpec(
        "CreditMemo",
        "memoNumber",
        _ACCOUNT,
        {
            "creditMemoItems": ("credit-memo-items", "creditMemoId"),
            "creditMemoApplications": ("credit-memo-applications", "creditMemoId"),
        },
    ),
    "credit-memo-items": ObjectSpec("CreditMemoItem"),
    "credit-memo-applications": ObjectSpec(
        "CreditMemoApplication", "", {"creditMemo": ("credit-memos", "creditMemoId")}
    ),
    "credit-memo-parts": ObjectSpec("CreditMemoPart"),
    "debit-memos": ObjectSpec("DebitMemo"),
    "debit-memo-items": ObjectSpec("DebitMemoItem"),
    "refunds": ObjectSpec(
        "Refund",
        "refundNumber",
        _ACCOUNT,
        {"refundApplications": ("refund-applications", "refundId")},
    ),
    "refund-applications": ObjectSpec("RefundApplication", "", {"refund": ("refunds", "refundId")}),
    "usages": ObjectSpec("Usage", "", _ACCOUNT),
    "billing-runs": ObjectSpec("BillingRun", "billingRunNumber"),
    # Finance is not in object query.
    "accounting-codes": ObjectSpec("AccountingCode", "name", queryable=False),
    "accounting-periods": ObjectSpec("AccountingPeriod", "name", queryable=False),
    "journal-runs": ObjectSpec("JournalRun", "number", queryable=False),
    "journal-entries": ObjectSpec("JournalEntry", "number", queryable=False),
    "event-triggers": ObjectSpec("EventTrigger", queryable=False),
    "notification-definitions": ObjectSpec("NotificationDefinition", queryable=False),
    "billed-pieces": ObjectSpec("BilledPiece", queryable=False),
}

# Per object, what the v1 resource calls a field that object query names otherwise.
V1_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "payments": {
        "paymentNumber": "number", "secondPaymentReferenceId": "secondPaymentReferenceId",
        "isStandalone": "standalone",
    },
    "credit-memos": {
        "memoNumber": "number", "memoDate": "creditMemoDate", "totalAmount": "amount",
        "balance": "unappliedAmount", "comments": "comment", "invoiceId": "referredInvoiceId",
    },
    "refunds": {"refundNumber": "number", "referenceID": "referenceId"},
    "usages": {},
}  # fmt: skip
