"""Contracts out of orders: subscriptions for what recurs, assets for what is sold once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any, Final

from sandbox.salesforce.cpq import orders, prices
from sandbox.salesforce.cpq.quotes import lines_of, package, queue
from sandbox.salesforce.org import Org
from sandbox.salesforce.rules.base import ObjectRules, Save
from sandbox.salesforce.values import Row
from sandbox.salesforce.writing import Writer

SUBSCRIPTION: Final = "SBQQ__Subscription__c"
_CARRIED: Final = (
    "SBQQ__BillingFrequency__c", "SBQQ__BillingType__c", "SBQQ__ChargeType__c",
    "SBQQ__CustomerPrice__c", "SBQQ__Discount__c", "SBQQ__HasConsumptionSchedule__c",
    "SBQQ__ListPrice__c", "SBQQ__NetPrice__c",
    "SBQQ__PricingMethod__c", "SBQQ__ProductSubscriptionType__c", "SBQQ__ProrateMultiplier__c",
    "SBQQ__RegularPrice__c", "SBQQ__SegmentIndex__c", "SBQQ__SegmentKey__c",
    "SBQQ__SpecialPrice__c", "SBQQ__SubscriptionPricing__c", "SBQQ__SubscriptionType__c",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sold:
    """A line that goes into a contract, and the order's product it became, if it was ordered."""

    line: Row
    item: Row | None


# -- flags ---------------------------------------------------------------------------------------


def before_order(save: Save) -> None:
    """The flag on an order queues its contract."""
    orders.before_order(save)
    if save.given.get("SBQQ__Contracted__c"):
        run = partial(contract_order, order_id=save.row["Id"])
        name = f"contract of order {save.row['Id']}"
        queue(save.org, name, package(save.org).contract_seconds, run)


def before_opportunity(save: Save) -> None:
    """The flags on an opportunity order or contract its primary quote."""
    org = save.org
    for flag in ("SBQQ__Ordered__c", "SBQQ__Contracted__c"):
        if not save.given.get(flag):
            continue
        if save.old is not None and save.old.get(flag):
            raise orders.refused(flag, f"This opportunity already has {flag} set.")
        quote = org.live(save.row.get("SBQQ__PrimaryQuote__c"))
        if quote is None or not lines_of(org, quote["Id"]):
            raise orders.refused(flag, "The opportunity has no primary quote with lines.")
        if flag == "SBQQ__Ordered__c":
            orders.queue_order(org, quote["Id"])
        else:
            run = partial(contract_quote, quote_id=quote["Id"])
            queue(org, f"contract of {quote['Name']}", package(org).contract_seconds, run)


# -- making contracts ----------------------------------------------------------------------------


def contract_order(org: Org, order_id: str) -> None:
    """Contract what an order's products stand for."""
    order = org.live(order_id)
    if order is None:
        return
    items = list(org.table("OrderItem").children("OrderId", order_id))
    sold = [
        Sold(line, item)
        for item in items
        if item.get("SBQQ__ContractingMethod__c") != "Do Not Contract"
        and (line := org.live(item.get("SBQQ__QuoteLine__c"))) is not None
    ]
    quote = org.live(order.get("SBQQ__Quote__c"))
    if quote is not None:
        _contract(org, quote, order, sold)


def contract_quote(org: Org, quote_id: str) -> None:
    """Contract a quote without an order."""
    quote = org.live(quote_id)
    if quote is None:
        return
    lines = [line for line in lines_of(org, quote_id) if line["SBQQ__EffectiveQuantity__c"]]
    _contract(org, quote, None, [Sold(line, None) for line in lines])


def _contract(org: Org, quote: Row, order: Row | None, sold: list[Sold]) -> None:
    for one in sold:
        if one.line.get("SBQQ__SubscriptionPricing__c") is None:
            _asset(org, quote, one)
    recurring = [one for one in sold if one.line.get("SBQQ__SubscriptionPricing__c") is not None]
    master = org.live(quote.get("SBQQ__MasterContract__c"))
    if master is not None and quote.get("SBQQ__Type__c") == "Amendment":
        _subscribe(org, master, recurring)
        return
    for group in _grouped(quote, recurring):
        _subscribe(org, _new_contract(org, quote, order, group), group)


def _grouped(quote: Row, sold: list[Sold]) -> Iterable[list[Sold]]:
    """One contract for all, or one per end of subscription (the usual contracting method)."""
    if quote.get("SBQQ__ContractingMethod__c") == "Single Contract":
        return [sold] if sold else []
    groups: dict[str | None, list[Sold]] = {}
    for one in sold:
        groups.setdefault(one.line.get("SBQQ__EffectiveEndDate__c"), []).append(one)
    return groups.values()


def _new_contract(org: Org, quote: Row, order: Row | None, sold: list[Sold]) -> Row:
    today = org.now().date().isoformat()
    starts = [day for one in sold if (day := one.line.get("SBQQ__EffectiveStartDate__c"))]
    ends = [day for one in sold if (day := one.line.get("SBQQ__EffectiveEndDate__c"))]
    start, end = min(starts, default=today), max(ends, default=None)
    months = prices.periods(start, end, "month") if end is not None else Decimal(12)
    body: dict[str, Any] = {
        "AccountId": quote["SBQQ__Account__c"],
        "Status": "Draft",
        "StartDate": start,
        "ContractTerm": max(int(months.quantize(Decimal(1), rounding=ROUND_HALF_UP)), 1),
        "SBQQ__Quote__c": quote["Id"],
        "SBQQ__Order__c": order["Id"] if order is not None else None,
        "SBQQ__Opportunity__c": quote.get("SBQQ__Opportunity2__c"),
        "SBQQ__RenewalTerm__c": quote.get("SBQQ__RenewalTerm__c"),
        "SBQQ__AmendmentRenewalBehavior__c": "Latest End Date",
    }
    if "CurrencyIsoCode" in quote:
        body["CurrencyIsoCode"] = quote["CurrencyIsoCode"]
    row = Writer(org, as_system=True).create("Contract", body).row
    if end is None:
        return row
    return org.recompute(row["Id"], {"EndDate": end, "SBQQ__ExpirationDate__c": end})


def after_contract(org: Org, row: Row) -> None:
    """The contract's formulas."""
    if not row["IsDeleted"]:
        org.recompute(row["Id"], {"SBQQ__ExpirationDate__c": row.get("EndDate")})


def _subscribe(org: Org, contract: Row, sold: list[Sold]) -> None:
    writer = Writer(org, as_system=True)
    for one in sold:
        row = writer.create(SUBSCRIPTION, _subscription(org, contract, one)).row
        revised = org.live(row.get("SBQQ__RevisedSubscription__c"))
        if revised is not None and not one.line.get("SBQQ__Quantity__c"):
            org.revise(
                revised["Id"],
                {"SBQQ__TerminatedDate__c": one.line.get("SBQQ__EffectiveStartDate__c")},
            )
        renewed = org.live(one.line.get("SBQQ__RenewedSubscription__c"))
        if renewed is not None:
            day = one.line.get("SBQQ__EffectiveStartDate__c")
            org.revise(renewed["Id"], {"SBQQ__RenewedDate__c": day})
        _mark_item(
            org,
            one,
            {"SBQQ__Contract__c": contract["Id"], "SBQQ__Subscription__c": row["Id"]},
        )


def _mark_item(org: Org, sold: Sold, changes: dict[str, Any]) -> None:
    if sold.item is not None:
        org.revise(sold.item["Id"], {"SBQQ__Contracted__c": True, **changes})


def _subscription(org: Org, contract: Row, sold: Sold) -> dict[str, Any]:
    """A subscription; one that revises another carries the difference only."""
    line = sold.line
    quantity = line["SBQQ__EffectiveQuantity__c"]
    root = org.live(line.get("SBQQ__UpgradedSubscription__c"))
    ended = root is not None and not line.get("SBQQ__Quantity__c")
    body = {
        **{name: line.get(name) for name in _CARRIED},
        "SBQQ__Contract__c": contract["Id"],
        "SBQQ__Account__c": contract["AccountId"],
        "SBQQ__Product__c": line["SBQQ__Product__c"],
        "SBQQ__QuoteLine__c": line["Id"],
        "SBQQ__OriginalQuoteLine__c": (root or {}).get("SBQQ__QuoteLine__c") or line["Id"],
        "SBQQ__OrderProduct__c": sold.item["Id"] if sold.item is not None else None,
        "SBQQ__Quantity__c": quantity,
        "SBQQ__RenewalQuantity__c": quantity,
        "SBQQ__SubscriptionStartDate__c": line.get("SBQQ__EffectiveStartDate__c"),
        "SBQQ__SubscriptionEndDate__c": line.get("SBQQ__EffectiveEndDate__c"),
        "SBQQ__TerminatedDate__c": line.get("SBQQ__EffectiveStartDate__c") if ended else None,
        "SBQQ__RevisedSubscription__c": root["Id"] if root is not None else None,
        "SBQQ__RootId__c": root["Id"] if root is not None else None,
    }
    if "CurrencyIsoCode" in contract:
        body["CurrencyIsoCode"] = contract["CurrencyIsoCode"]
    return body


def _asset(org: Org, quote: Row, sold: Sold) -> None:
    line = sold.line
    product = org.row(line["SBQQ__Product__c"]) or {}
    body = {
        "Name": product.get("Name"),
        "AccountId": quote["SBQQ__Account__c"],
        "Product2Id": product.get("Id"),
        "Quantity": line["SBQQ__EffectiveQuantity__c"],
        "Price": line.get("SBQQ__NetPrice__c"),
        "PurchaseDate": line.get("SBQQ__EffectiveStartDate__c"),
        "Status": "Purchased",
        "SBQQ__QuoteLine__c": line["Id"],
        "SBQQ__OrderProduct__c": sold.item["Id"] if sold.item is not None else None,
    }
    if "CurrencyIsoCode" in quote:
        body["CurrencyIsoCode"] = quote["CurrencyIsoCode"]
    known = org.table("Asset").spec.fields
    row = Writer(org, as_system=True).create(
        "Asset", {name: value for name, value in body.items() if name in known}
    )
    _mark_item(org, sold, {"SBQQ__Asset__c": row.row["Id"]})


# -- subscriptions -------------------------------------------------------------------------------


def _before_subscription(save: Save) -> None:
    org, row = save.org, save.row
    if save.old is None:
        row["Name"] = f"SUB-{int(org.next_number(SUBSCRIPTION)):07d}"
        if row.get("SBQQ__RootId__c") is None:
            row["SBQQ__RootId__c"] = row["Id"]
    contract = org.row(row.get("SBQQ__Contract__c")) or {}
    product = org.row(row.get("SBQQ__Product__c")) or {}
    first = row.get("SBQQ__SegmentStartDate__c") or row.get("SBQQ__SubscriptionStartDate__c")
    last = row.get("SBQQ__SegmentEndDate__c") or row.get("SBQQ__SubscriptionEndDate__c")
    row["SBQQ__StartDate__c"] = first or contract.get("StartDate")
    row["SBQQ__EndDate__c"] = last or contract.get("EndDate")
    row["SBQQ__ContractNumber__c"] = contract.get("ContractNumber")
    row["SBQQ__ProductName__c"], row["SBQQ__ProductId__c"] = product.get("Name"), product.get("Id")


def current(org: Org, contract_id: str) -> list[tuple[Row, Decimal]]:
    """What a contract holds now: each first subscription with the sum over those revising it."""
    rows = list(org.table(SUBSCRIPTION).children("SBQQ__Contract__c", contract_id))
    sums: dict[str, Decimal] = {}
    for row in rows:
        root = row.get("SBQQ__RevisedSubscription__c") or row["Id"]
        sums[root] = sums.get(root, prices.ZERO) + row["SBQQ__Quantity__c"]
    return [(row, sums[row["Id"]]) for row in rows if sums.get(row["Id"], prices.ZERO) > 0]


SUBSCRIPTIONS: Final = ObjectRules(_before_subscription)
