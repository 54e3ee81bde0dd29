"""The keys an order may bear at each level; others are noted, as the vendor would ignore them.

Reference: developer.zuora.com, "Create an order", request body.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sandbox.zuora.api.desk import Call

_SUBSCRIPTION: Final = frozenset(
    {"subscriptionNumber", "orderActions", "customFields", "quote", "notes", "ramp"}
)
_PLAN: Final = frozenset(
    {
        "productRatePlanId", "productRatePlanNumber", "chargeOverrides", "customFields",
        "uniqueToken", "subscriptionRatePlanNumber", "ratePlanName", "externallyManagedPlanId",
        "newRatePlanId", "isAddingSubsetCharges",
    }
)  # fmt: skip
_BARE: Final = frozenset({"type", "triggerDates", "changeReason", "customFields"})
_ACTIONS: Final[dict[str, frozenset[str]]] = {
    "createSubscription": frozenset(
        {
            "terms", "subscribeToRatePlans", "billToContactId", "soldToContactId", "notes",
            "invoiceSeparately", "paymentTerm", "subscriptionNumber", "currency",
            "subscriptionOwnerAccountNumber", "invoiceOwnerAccountNumber", "invoiceGroupNumber",
            "newSubscriptionOwnerAccount", "sequenceSetId", "invoiceTemplateId", "uniqueToken",
        }
    ),
    "addProduct": _PLAN,
    "updateProduct": frozenset(
        {
            "chargeUpdates", "ratePlanId", "subscriptionRatePlanNumber", "productRatePlanNumber",
            "specificUpdateDate", "customFields", "uniqueToken", "newRatePlanId",
        }
    ),
    "removeProduct": frozenset(
        {
            "ratePlanId", "subscriptionRatePlanNumber", "productRatePlanNumber",
            "productRatePlanId", "uniqueToken", "customFields",
        }
    ),
    "renewSubscription": frozenset(),
    "cancelSubscription": frozenset({"cancellationPolicy", "cancellationEffectiveDate"}),
    "suspend": frozenset(
        {"suspendPolicy", "suspendSpecificDate", "suspendPeriods", "suspendPeriodsType"}
    ),
    "resume": frozenset(
        {
            "resumePolicy", "resumeSpecificDate", "resumePeriods", "resumePeriodsType",
            "extendsTerm",
        }
    ),
    "termsAndConditions": frozenset(
        {
            "autoRenew", "renewalSetting", "renewalTerms", "paymentTerm", "lastTerm",
            "initialTerm", "billToContactId", "soldToContactId", "invoiceSeparately",
        }
    ),
}  # fmt: skip
_PROCESSING: Final = frozenset(
    {
        "runBilling", "collectPayment", "billingOptions", "applyCredit", "applyCreditBalance",
        "electronicPaymentOptions", "applicationOrder", "allowPaymentFailure",
    }
)  # fmt: skip
_BILLING: Final = frozenset(
    {
        "targetDate", "documentDate", "generateDraftInvoice", "creditMemoReasonCode",
        "chargeTypeToExclude",
    }
)  # fmt: skip


def note_unknown(call: Call, body: dict[str, Any]) -> None:
    """Note keys of an order that mean nothing, usually a slip in a mapping."""
    for value, known, where in _levels(body):
        call.simulator.expect_keys(call.request, value, known, where)


def _rows(value: Any) -> list[dict[str, Any]]:
    listed = value if isinstance(value, list) else []
    return [row for row in listed if isinstance(row, dict)]


def _levels(body: dict[str, Any]) -> Iterator[tuple[Any, frozenset[str], str]]:
    processing = body.get("processingOptions")
    yield processing, _PROCESSING, "processingOptions"
    if isinstance(processing, dict):
        yield processing.get("billingOptions"), _BILLING, "billingOptions"
    for part in _rows(body.get("subscriptions")):
        yield part, _SUBSCRIPTION, "subscriptions"
        for action in _rows(part.get("orderActions")):
            kind = str(action.get("type", ""))
            field = kind[:1].lower() + kind[1:]
            yield action, _BARE | {field}, f"order action {kind}"
            inner = action.get(field)
            yield inner, _ACTIONS.get(field, frozenset()), field
            if isinstance(inner, dict):
                for plan in _rows(inner.get("subscribeToRatePlans")):
                    yield plan, _PLAN, "subscribeToRatePlans"
