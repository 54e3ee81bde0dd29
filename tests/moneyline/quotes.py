"""What was agreed with customers: the deal as it was won, and every amendment approved since.

An amendment's quote is the order that the users of Zuora placed for it, in the words they placed it
in. What it is worth is worked out from those words, not from the charges that Zuora made of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.zuora.rating import contract_value
from sandbox.zuora.values import add_months
from tests.moneyline.posting import Systems

ZERO = Decimal(0)
Row = Mapping[str, Any]


@dataclass
class Agreed:
    """One charge for a stretch of time: ``[start, end)``, without end for what is paid once."""

    plan: str
    price: Decimal
    every: str
    start: date
    end: date | None

    def worth(self, anchor: date, currency: str) -> Decimal:
        """What it comes to from end to end."""
        charge = {
            "chargeType": "OneTime" if self.end is None else "Recurring",
            "chargeModel": "FlatFee",
            "salesPrice": self.price,
            "billingPeriod": self.every,
            "effectiveStartDate": self.start,
            "effectiveEndDate": self.end,
        }
        return contract_value(charge, anchor, currency)


def agreed_values(line: Systems) -> dict[str, Decimal]:
    """Contract → what its latest approved quote comes to, for every deal that was ordered."""
    placed = line.records("zuora", "orders")
    numbers = {row["orderNumber"] for row in placed.values()}
    found = {}
    for id, deal in line.records("salesforce", "Opportunity").items():
        if f"O-{id}" not in numbers:
            continue
        anchor, currency = date.fromisoformat(str(deal["CloseDate"])), str(deal["CurrencyIsoCode"])
        quote = list(_won(line, id, anchor))
        for action in _amendments(placed, id):
            quote = _amended(line, quote, action, add_months(anchor, 12), currency)
        found[f"S-{id}"] = sum((one.worth(anchor, currency) for one in quote), ZERO)
    return found


def _won(line: Systems, deal: str, anchor: date) -> Iterator[Agreed]:
    """The lines of a deal: services by the year, and what is paid once."""
    products = line.records("salesforce", "Product2")
    entries = line.records("salesforce", "PricebookEntry")
    for row in line.records("salesforce", "OpportunityLineItem").values():
        if row["OpportunityId"] == deal:
            code = products[entries[row["PricebookEntryId"]]["Product2Id"]]["ProductCode"]
            end = add_months(anchor, 12) if row.get("ServiceDate") else None
            plan = f"PRP-{code}-{'ANNUAL' if end else 'ONETIME'}"
            yield Agreed(plan, Decimal(str(row["TotalPrice"])), "Annual", anchor, end)


def _amendments(placed: Mapping[str, Row], deal: str) -> Iterator[Row]:
    """The actions of later orders of a deal's subscription, as they were sent, oldest first."""
    for row in sorted(placed.values(), key=lambda one: (one["createdDate"], one["orderNumber"])):
        for part in row["_body"].get("subscriptions", ()):
            if part.get("subscriptionNumber") == f"S-{deal}" and row["orderNumber"] != f"O-{deal}":
                yield from part["orderActions"]


def _amended(
    line: Systems, quote: list[Agreed], action: Row, first_end: date, currency: str
) -> list[Agreed]:
    """A quote after one approved action."""
    day = date.fromisoformat(str(action["triggerDates"][0]["triggerDate"]))
    until = max((one.end for one in quote if one.end is not None), default=first_end)
    match action["type"]:
        case "AddProduct":
            added = action["addProduct"]
            return [*quote, *_added(line, added, day, until, currency)]
        case "UpdateProduct":
            changed = action["updateProduct"]
            price = _price(changed["chargeUpdates"][0])
            return [
                after
                for one in quote
                for after in _from(one, changed["productRatePlanNumber"], price, day)
            ]
        case "CancelSubscription":
            ends = str(action["cancelSubscription"]["cancellationEffectiveDate"])
            return _ended(quote, date.fromisoformat(ends))
        case "RenewSubscription":
            renewed = add_months(until, 12)
            for one in quote:
                one.end = renewed if one.end == until else one.end
            return quote
    raise AssertionError(f"nobody has said what {action['type']} is worth")


def _added(line: Systems, added: Row, day: date, until: date, currency: str) -> Iterator[Agreed]:
    plan = added["productRatePlanNumber"]
    for one in added.get("chargeOverrides", ()):
        yield Agreed(plan, _price(one), one["billing"]["billingPeriod"], day, until)
    if added.get("chargeOverrides"):
        return
    # At the list's prices. Usage is worth what is used.
    plans = line.records("zuora", "product-rate-plans")
    (id,) = (id for id, row in plans.items() if row["productRatePlanNumber"] == plan)
    tiers = line.records("zuora", "product-rate-plan-charge-tiers").values()
    for charge_id, row in line.records("zuora", "product-rate-plan-charges").items():
        if row["productRatePlanId"] == id and row["chargeType"] != "Usage":
            prices = [
                one["price"]
                for one in tiers
                if (one["productRatePlanChargeId"], one["currency"]) == (charge_id, currency)
            ]
            yield Agreed(plan, prices[0], row["billingPeriod"], day, until)


def _price(charge: Row) -> Decimal:
    """What a billing period costs, as it was agreed."""
    per_unit = charge["pricing"]["recurringPerUnit"]
    return Decimal(str(per_unit["listPrice"])) * Decimal(str(per_unit["quantity"]))


def _from(one: Agreed, plan: str, price: Decimal, day: date) -> Iterator[Agreed]:
    """A charge at another price from a day on."""
    if one.plan != plan or one.end is None or one.end <= day:
        yield one
        return
    if one.start < day:
        yield Agreed(plan, one.price, one.every, one.start, day)
    yield Agreed(plan, price, one.every, max(day, one.start), one.end)


def _ended(quote: list[Agreed], day: date) -> list[Agreed]:
    """What is left of a quote when the service ends before a day."""
    left = [one for one in quote if one.end is None or one.start < day]
    for one in left:
        one.end = min(one.end, day) if one.end is not None else None
    return left
