"""The price engine: list price × proration − discounts, step by step, in exact decimals.

The steps and their names: "Salesforce CPQ price waterfall" (help.salesforce.com): list → special →
prorated → regular → customer → partner → net, each per unit.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

Row = Mapping[str, Any]
ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
CENT: Final = Decimal("0.01")
_RATE: Final = Decimal("0.0001")
_HUNDRED: Final = Decimal(100)
# What a line takes over from its product where it says nothing itself.
_FROM_PRODUCT: Final = {
    "SBQQ__BillingFrequency__c": "SBQQ__BillingFrequency__c",
    "SBQQ__BillingType__c": "SBQQ__BillingType__c",
    "SBQQ__ChargeType__c": "SBQQ__ChargeType__c",
    "SBQQ__DefaultSubscriptionTerm__c": "SBQQ__SubscriptionTerm__c",
    "SBQQ__PricingMethod__c": "SBQQ__PricingMethod__c",
    "SBQQ__ProductSubscriptionType__c": "SBQQ__SubscriptionType__c",
    "SBQQ__SubscriptionPricing__c": "SBQQ__SubscriptionPricing__c",
    "SBQQ__SubscriptionType__c": "SBQQ__SubscriptionType__c",
    "SBQQ__TaxCode__c": "SBQQ__TaxCode__c",
}


def money(value: Decimal) -> Decimal:
    """Two decimals, halves away from zero, as currency fields keep them."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def from_product(line: Row, product: Row) -> dict[str, Any]:
    """What a new line takes over from its product."""
    taken = {
        name: product.get(source)
        for name, source in _FROM_PRODUCT.items()
        if line.get(name) is None and product.get(source) is not None
    }
    if product.get("SBQQ__HasConsumptionSchedule__c"):
        taken["SBQQ__HasConsumptionSchedule__c"] = True
    if line.get("SBQQ__PricingMethod__c") is None:
        taken.setdefault("SBQQ__PricingMethod__c", "List")
    return taken


def calculated(line: Row, quote: Row, entry: Row | None, unit: str) -> dict[str, Any]:
    """The prices the calculator writes into a line. ``entry``: the product's price, if it has one.

    The special price stays what a person or an amendment made it; without one it is the list price.
    """
    own = line.get("SBQQ__PricingMethod__c") == "Custom"
    listed = (line.get("SBQQ__ListPrice__c") if own else (entry or {}).get("UnitPrice")) or ZERO
    kept = line.get("SBQQ__SpecialPriceType__c") is not None
    special = line.get("SBQQ__SpecialPrice__c") if kept else listed
    special = listed if special is None else special
    multiplier = proration(line, quote_dates(line, quote, unit)["term"], unit)
    regular = money(special * multiplier)
    customer = ZERO if line.get("SBQQ__Bundled__c") else _discounted(line, quote, regular)
    partner = money(customer * _keep(line, quote, "SBQQ__PartnerDiscount__c"))
    net = money(partner * _keep(line, quote, "SBQQ__DistributorDiscount__c"))
    return {
        "SBQQ__ListPrice__c": listed,
        "SBQQ__OriginalPrice__c": listed,
        "SBQQ__PricebookEntryId__c": (entry or {}).get("Id"),
        "SBQQ__SpecialPrice__c": special,
        "SBQQ__ProrateMultiplier__c": multiplier,
        "SBQQ__ProratedListPrice__c": money(listed * multiplier),
        "SBQQ__ProratedPrice__c": regular,
        "SBQQ__RegularPrice__c": regular,
        "SBQQ__CustomerPrice__c": customer,
        "SBQQ__PartnerPrice__c": partner,
        "SBQQ__NetPrice__c": net,
        "SBQQ__UnproratedNetPrice__c": money(net / multiplier) if multiplier else ZERO,
    }


def _discounted(line: Row, quote: Row, regular: Decimal) -> Decimal:
    """The customer price: the line's own discount, or else the quote's."""
    if line.get("SBQQ__NonDiscountable__c"):
        return regular
    rate, amount = line.get("SBQQ__Discount__c"), line.get("SBQQ__AdditionalDiscountAmount__c")
    if rate is None and amount is None:
        rate = quote.get("SBQQ__CustomerDiscount__c")
    return money(regular * (ONE - (rate or ZERO) / _HUNDRED)) - (amount or ZERO)


def _keep(line: Row, quote: Row, name: str) -> Decimal:
    rate = line.get(name)
    rate = quote.get(name) if rate is None else rate
    return ONE - (rate or ZERO) / _HUNDRED


# -- time ----------------------------------------------------------------------------------------


def quote_dates(line: Row, quote: Row, unit: str) -> dict[str, Any]:
    """The dates and the term that hold for a line: its own, or else the quote's."""
    start = line.get("SBQQ__StartDate__c") or quote.get("SBQQ__StartDate__c")
    if line.get("SBQQ__SubscriptionPricing__c") is None:
        return {"start": start, "end": None, "term": None}
    given = line.get("SBQQ__SubscriptionTerm__c")
    end = line.get("SBQQ__EndDate__c")
    if given is None and end is None:
        given, end = quote.get("SBQQ__SubscriptionTerm__c"), quote.get("SBQQ__EndDate__c")
    if end is not None and start is not None:
        return {"start": start, "end": end, "term": periods(start, end, unit)}
    term = given or line.get("SBQQ__DefaultSubscriptionTerm__c") or ONE
    last = _after(date.fromisoformat(start), int(term), unit) if start is not None else None
    end = (last - timedelta(1)).isoformat() if last is not None else None
    return {"start": start, "end": end, "term": Decimal(term)}


def proration(line: Row, term: Decimal | None, unit: str) -> Decimal:
    """How many price periods a line lasts; 1 for what is sold once."""
    if term is None:
        return ONE
    default = line.get("SBQQ__DefaultSubscriptionTerm__c") or (12 if unit == "month" else 365)
    return (term / Decimal(default)).quantize(_RATE, rounding=ROUND_HALF_UP)


def periods(start: str, end: str, unit: str) -> Decimal:
    """Terms between two days, both included; a broken month counts by its share of days."""
    first, after = date.fromisoformat(start), date.fromisoformat(end) + timedelta(1)
    if unit == "day":
        return Decimal((after - first).days)
    months = (after.year - first.year) * 12 + after.month - first.month
    if _after(first, months, unit) > after:
        months -= 1
    reached = _after(first, months, unit)
    span = (_after(first, months + 1, unit) - reached).days
    return Decimal(months) + Decimal((after - reached).days) / Decimal(span)


def _after(day: date, count: int, unit: str) -> date:
    if unit == "day":
        return day + timedelta(count)
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


# -- formulas ------------------------------------------------------------------------------------


def line_formulas(line: Row, quote: Row, product: Row, unit: str) -> dict[str, Any]:
    """The formula fields of a line, from the prices that stand in it, right or wrong."""
    time = quote_dates(line, quote, unit)
    quantity = effective_quantity(line)
    totals = {
        f"SBQQ__{name}Total__c": money((line.get(f"SBQQ__{name}Price__c") or ZERO) * quantity)
        for name in ("Regular", "Customer", "Partner", "Net")
    }
    listed = line.get("SBQQ__ProratedListPrice__c") or line.get("SBQQ__ListPrice__c") or ZERO
    list_total = money(listed * quantity)
    off = list_total - totals["SBQQ__NetTotal__c"]
    rate = (off / list_total * _HUNDRED).quantize(Decimal("0.001")) if list_total else ZERO
    return {
        **totals,
        "SBQQ__ListTotal__c": list_total,
        "SBQQ__TotalDiscountAmount__c": off,
        "SBQQ__TotalDiscountRate__c": rate,
        "SBQQ__AdditionalDiscount__c": money(
            (line.get("SBQQ__RegularPrice__c") or ZERO)
            - (line.get("SBQQ__CustomerPrice__c") or ZERO)
        ),
        "SBQQ__EffectiveQuantity__c": quantity,
        "SBQQ__EffectiveStartDate__c": time["start"],
        "SBQQ__EffectiveEndDate__c": time["end"],
        "SBQQ__EffectiveSubscriptionTerm__c": (
            time["term"].quantize(ONE, rounding=ROUND_HALF_UP) if time["term"] is not None else None
        ),
        "SBQQ__ProductCode__c": product.get("ProductCode"),
        "SBQQ__ProductName__c": product.get("Name"),
        "SBQQ__ProductFamily__c": product.get("Family"),
    }


def effective_quantity(line: Row) -> Decimal:
    """What a line adds: nothing if optional, the difference where it revises a subscription."""
    if line.get("SBQQ__Optional__c"):
        return ZERO
    quantity: Decimal = line.get("SBQQ__Quantity__c") or ZERO
    prior: Decimal = line.get("SBQQ__PriorQuantity__c") or ZERO
    return quantity - prior if line.get("SBQQ__Existing__c") else quantity


def quote_roll_ups(lines: Sequence[Row]) -> dict[str, Any]:
    """The roll-up fields of a quote."""
    summed = {
        f"SBQQ__{name}Amount__c": sum((line[f"SBQQ__{name}Total__c"] for line in lines), ZERO)
        for name in ("List", "Regular", "Customer", "Net")
    }
    return {**summed, "SBQQ__LineItemCount__c": Decimal(len(lines))}


def quote_formulas(quote: Row, lines: Sequence[Row], today: date) -> dict[str, Any]:
    """The formula fields of a quote, from its roll-ups."""
    regular, customer = quote["SBQQ__RegularAmount__c"], quote["SBQQ__CustomerAmount__c"]
    partner = sum((line["SBQQ__PartnerTotal__c"] for line in lines), ZERO)
    opened = date.fromisoformat(quote["CreatedDate"][:10])
    return {
        "SBQQ__AdditionalDiscountAmount__c": regular - customer,
        "SBQQ__TotalCustomerDiscountAmount__c": quote["SBQQ__ListAmount__c"] - customer,
        "SBQQ__AverageCustomerDiscount__c": _share(regular - customer, regular),
        "SBQQ__AveragePartnerDiscount__c": _share(customer - partner, customer),
        "SBQQ__DaysQuoteOpen__c": Decimal((today - opened).days),
    }


def _share(part: Decimal, whole: Decimal) -> Decimal:
    if not whole:
        return ZERO
    return (part / whole * _HUNDRED).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
