"""Orders out of quotes: asked for by a flag, made by queued work."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from sandbox.salesforce.cpq import prices
from sandbox.salesforce.cpq.quotes import (
    book_of,
    calculate,
    entry_of,
    lines_of,
    package,
    queue,
)
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import Org
from sandbox.salesforce.rules.base import Save, missing
from sandbox.salesforce.values import Row
from sandbox.salesforce.writing import Writer

_CARRIED: Final = (
    "SBQQ__BillingFrequency__c", "SBQQ__BillingType__c", "SBQQ__ChargeType__c",
    "SBQQ__DefaultSubscriptionTerm__c", "SBQQ__PricingMethod__c",
    "SBQQ__ProductSubscriptionType__c", "SBQQ__ProrateMultiplier__c", "SBQQ__SegmentIndex__c",
    "SBQQ__SegmentKey__c", "SBQQ__SubscriptionPricing__c", "SBQQ__SubscriptionType__c",
    "SBQQ__TaxCode__c", "SBQQ__UnproratedNetPrice__c", "SBQQ__UpgradedSubscription__c",
)  # fmt: skip
_SCHEDULED: Final = (
    "BillingTerm", "BillingTermUnit", "Description", "MatchingAttribute", "RatingMethod", "Type",
    "UnitOfMeasure",
)  # fmt: skip


def before_quote(save: Save) -> None:
    """``SBQQ__Ordered__c`` asks for the order. Asking again is refused, not overlooked; a flag that
    was taken back and set anew makes another order, of the same lines."""
    if not save.given.get("SBQQ__Ordered__c"):
        return
    if save.old is not None and save.old.get("SBQQ__Ordered__c"):
        raise refused("SBQQ__Ordered__c", "This quote has already been ordered.")
    if not lines_of(save.org, save.row["Id"]):
        raise refused("SBQQ__Ordered__c", "A quote without lines cannot be ordered.")
    if save.row.get("SBQQ__Account__c") is None:
        raise missing("SBQQ__Account__c")
    queue_order(save.org, save.row["Id"])


def refused(field: str, message: str) -> Refusal:
    """The package's own refusal of a value."""
    return Refusal("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, field)


def queue_order(org: Org, quote_id: str) -> None:
    """Have the order of a quote made."""
    run = partial(make_order, quote_id=quote_id)
    queue(org, f"order of quote {quote_id}", package(org).order_seconds, run)


def make_order(org: Org, quote_id: str) -> None:
    """The order, with a product per line that adds something. Prices are calculated first."""
    quote = org.live(quote_id)
    if quote is None:
        return
    if quote.get("SBQQ__Uncalculated__c"):
        calculate(org, quote_id)
        quote = org.live(quote_id) or quote
    writer = Writer(org, as_system=True)
    order = writer.create("Order", _order(org, quote)).row
    made: dict[str, str] = {}
    for line in lines_of(org, quote_id):
        if not line["SBQQ__EffectiveQuantity__c"]:
            continue
        entry = entry_of(org, quote, line["SBQQ__Product__c"])
        if entry is None:
            raise Refusal("FIELD_INTEGRITY_EXCEPTION", f"{line['Name']} has no active price")
        body = _item(org, line, made)
        row = writer.create(
            "OrderItem", {"OrderId": order["Id"], "PricebookEntryId": entry["Id"], **body}
        ).row
        made[line["Id"]] = row["Id"]
        _usage(org, line, row)


def _order(org: Org, quote: Row) -> dict[str, Any]:
    lines = lines_of(org, quote["Id"])
    starts = [day for line in lines if (day := line.get("SBQQ__EffectiveStartDate__c"))]
    ends = [day for line in lines if (day := line.get("SBQQ__EffectiveEndDate__c"))]
    kinds = {"Quote": "New", "Re-Quote": "New"}
    kind = quote.get("SBQQ__Type__c") or "Quote"
    body = {
        "AccountId": quote["SBQQ__Account__c"],
        "OpportunityId": quote.get("SBQQ__Opportunity2__c"),
        "Pricebook2Id": book_of(org, quote),
        "Status": "Draft",
        "Type": kinds.get(kind, kind),
        "EffectiveDate": min(starts, default=org.now().date().isoformat()),
        "EndDate": max(ends, default=None),
        "SBQQ__Quote__c": quote["Id"],
        "SBQQ__PaymentTerm__c": quote.get("SBQQ__PaymentTerms__c"),
        "SBQQ__RenewalTerm__c": quote.get("SBQQ__RenewalTerm__c"),
        "SBQQ__ContractingMethod__c": quote.get("SBQQ__ContractingMethod__c"),
        "SBQQ__PriceCalcStatus__c": "Completed",
    }
    if "CurrencyIsoCode" in quote:
        body["CurrencyIsoCode"] = quote["CurrencyIsoCode"]
    return body


def _item(org: Org, line: Row, made: dict[str, str]) -> dict[str, Any]:
    revised = org.row(line.get("SBQQ__UpgradedSubscription__c")) or {}
    action = "New"
    if revised:
        action = "Cancel" if not line.get("SBQQ__Quantity__c") else "Change"
    elif line.get("SBQQ__RenewedSubscription__c"):
        action = "Renew"
    return {
        **{name: line.get(name) for name in _CARRIED},
        "Quantity": line["SBQQ__EffectiveQuantity__c"],
        "UnitPrice": prices.money(line.get("SBQQ__NetPrice__c") or prices.ZERO),
        "ServiceDate": line.get("SBQQ__EffectiveStartDate__c"),
        "EndDate": line.get("SBQQ__EffectiveEndDate__c"),
        "SBQQ__QuoteLine__c": line["Id"],
        "SBQQ__Status__c": "Draft",
        "SBQQ__ContractAction__c": action,
        "SBQQ__ContractingMethod__c": "Inherit",
        "SBQQ__OrderedQuantity__c": line["SBQQ__EffectiveQuantity__c"],
        "SBQQ__QuotedQuantity__c": line.get("SBQQ__Quantity__c"),
        "SBQQ__QuotedListPrice__c": line.get("SBQQ__ListPrice__c"),
        "SBQQ__SubscriptionTerm__c": line.get("SBQQ__EffectiveSubscriptionTerm__c"),
        "SBQQ__RevisedOrderProduct__c": revised.get("SBQQ__OrderProduct__c"),
        "SBQQ__Contract__c": revised.get("SBQQ__Contract__c"),
        "SBQQ__RequiredBy__c": made.get(line.get("SBQQ__RequiredBy__c") or ""),
    }


def _usage(org: Org, line: Row, item: Row) -> None:
    """What is charged by usage takes its schedules into the order, as they are now."""
    if not line.get("SBQQ__HasConsumptionSchedule__c"):
        return
    product = line["SBQQ__Product__c"]
    for link in list(org.table("ProductConsumptionSchedule").children("ProductId", product)):
        schedule = org.live(link["ConsumptionScheduleId"])
        if schedule is None or not schedule.get("IsActive"):
            continue
        kept = {f"SBQQ__{name}__c": schedule.get(name) for name in _SCHEDULED}
        body = {
            **kept,
            "Name": schedule["Name"][:80],
            "SBQQ__Category__c": "Rates",
            "SBQQ__ConsumptionSchedule__c": schedule["Id"],
            "SBQQ__OrderItem__c": item["Id"],
        }
        if "CurrencyIsoCode" in item:
            body["CurrencyIsoCode"] = item["CurrencyIsoCode"]
        Writer(org, as_system=True).create("SBQQ__OrderItemConsumptionSchedule__c", body)


# -- what saving an order does -------------------------------------------------------------------


def before_order(save: Save) -> None:
    """``SBQQ__Contracted__c`` is for activated orders, and once."""
    if save.old is None:
        save.row.setdefault("SBQQ__OrderBookings__c", prices.ZERO)
        save.row.setdefault("SBQQ__TaxAmount__c", prices.ZERO)
    if not save.given.get("SBQQ__Contracted__c"):
        return
    if save.old is not None and save.old.get("SBQQ__Contracted__c"):
        raise refused("SBQQ__Contracted__c", "This order has already been contracted.")
    if save.row.get("StatusCode") != "Activated":
        message = "An order must be activated before it can be contracted."
        raise refused("SBQQ__Contracted__c", message)


def after_order(org: Org, row: Row) -> None:
    """Products of an activated order are activated, too."""
    if row["IsDeleted"] or row.get("StatusCode") != "Activated":
        return
    for item in list(org.table("OrderItem").children("OrderId", row["Id"])):
        if not item.get("SBQQ__Activated__c"):
            org.revise(item["Id"], {"SBQQ__Activated__c": True, "SBQQ__Status__c": "Activated"})


def after_item(org: Org, row: Row) -> None:
    """Formulas of the product, roll-ups of its order."""
    if not row["IsDeleted"]:
        org.recompute(row["Id"], {"SBQQ__OrderProductBookings__c": row["TotalPrice"]})
    if org.live(row["OrderId"]) is None:
        return
    items = list(org.table("OrderItem").children("OrderId", row["OrderId"]))
    taxes = [item.get("SBQQ__TaxAmount__c") or prices.ZERO for item in items]
    sums = {
        "SBQQ__OrderBookings__c": sum((item["TotalPrice"] for item in items), prices.ZERO),
        "SBQQ__TaxAmount__c": sum(taxes, prices.ZERO),
    }
    org.recompute(row["OrderId"], sums)
