"""What is never written plainly: prices, which the package calculates, and flags, which start work.

"Salesforce CPQ Developer Guide", Quote API: a quote is changed by its inputs or through the API;
prices written by hand make totals that the calculator has never seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from connectors.errors import Rejected
from connectors.records import Change, Operation
from connectors.salesforce_cpq.objects import (
    CONTRACT,
    LINE,
    OPPORTUNITY,
    ORDER,
    QUOTE,
    SUBSCRIPTION,
)

_INPUTS: Final = "SBQQ__Discount__c or SBQQ__AdditionalDiscountAmount__c"
_CALCULATED: Final = "write the inputs instead; the package calculates it"


def _named(text: str, *names: str) -> dict[str, str]:
    return {f"SBQQ__{name}__c": text for name in names}


_PRICES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        LINE: {
            **_named(
                "it comes from the price book; write SBQQ__Product__c, or change the price there",
                "ListPrice", "OriginalPrice", "ProratedListPrice",
            ),
            **_named(
                "it comes from contracted prices; write those, or a discount",
                "SpecialPrice",
            ),
            **_named(
                f"write {_INPUTS}; the package calculates it",
                "RegularPrice", "CustomerPrice", "NetPrice", "ProratedPrice", "UnproratedNetPrice",
                "ListTotal", "RegularTotal", "CustomerTotal", "NetTotal", "TotalDiscountAmount",
                "TotalDiscountRate", "AdditionalDiscount",
            ),
            **_named(
                "write SBQQ__PartnerDiscount__c; the package calculates it",
                "PartnerPrice", "PartnerTotal",
            ),
            **_named(
                "write SBQQ__StartDate__c, SBQQ__EndDate__c or SBQQ__SubscriptionTerm__c",
                "ProrateMultiplier", "EffectiveStartDate", "EffectiveEndDate",
                "EffectiveSubscriptionTerm",
            ),
            **_named("write SBQQ__Quantity__c", "EffectiveQuantity"),
        },
        SUBSCRIPTION: {
            **_named(
                "it comes from the quote line; amend the contract",
                "ListPrice", "SpecialPrice", "RegularPrice", "CustomerPrice", "NetPrice",
            ),
            **_named("write SBQQ__SubscriptionStartDate__c", "StartDate"),
            **_named("write SBQQ__SubscriptionEndDate__c", "EndDate"),
        },
        QUOTE: {
            **_named(
                "it sums up the lines; write their quantities and discounts",
                "ListAmount", "RegularAmount", "CustomerAmount", "NetAmount", "LineItemCount",
            ),
            **_named(
                "write SBQQ__CustomerDiscount__c, or discounts of lines",
                "AdditionalDiscountAmount", "AverageCustomerDiscount",
                "TotalCustomerDiscountAmount",
            ),
            **_named("write SBQQ__PartnerDiscount__c", "AveragePartnerDiscount"),
            **_named(_CALCULATED, "Uncalculated", "LastCalculatedOn", "DaysQuoteOpen"),
        },
    }
)  # fmt: skip
# The flag that an action sets. Set twice, or taken back, it does something else or nothing.
FLAGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        QUOTE: {"order": "SBQQ__Ordered__c"},
        ORDER: {"contract": "SBQQ__Contracted__c"},
        OPPORTUNITY: {"order": "SBQQ__Ordered__c", "contract": "SBQQ__Contracted__c"},
        CONTRACT: {
            "forecast_renewal": "SBQQ__RenewalForecast__c",
            "renew_quote": "SBQQ__RenewalQuoted__c",
        },
    }
)


def never_written(object: str) -> Mapping[str, str]:
    """The object's fields that are refused, and what to write or do instead."""
    flags = {flag: f"use the action {action}" for action, flag in FLAGS.get(object, {}).items()}
    return {**_PRICES.get(object, {}), **flags}


def check_written(change: Change) -> None:
    """Raises ``Rejected`` for a plain write of a price or a flag, before any call."""
    if change.operation in (Operation.DELETE, Operation.ACT):
        return
    refused = {name.lower(): (name, text) for name, text in never_written(change.object).items()}
    found = dict(refused[name.lower()] for name in change.fields if name.lower() in refused)
    if not found:
        return
    flags = set(FLAGS.get(change.object, {}).values())
    code = "ACTION_FIELD" if flags & set(found) else "PRICE_FIELD"
    reasons = "; ".join(f"{name}: {text}" for name, text in sorted(found.items()))
    raise Rejected(f"not written plainly: {reasons}", code=code, field_errors=found)
