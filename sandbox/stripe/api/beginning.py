"""How a subscription begins: trials, dates in the past, the anchor, and what is paid once.

Reference: docs.stripe.com/billing/subscriptions/backdating and docs.stripe.com/api/subscriptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sandbox.messages import Json
from sandbox.stripe.account import DAY_SECONDS, Account
from sandbox.stripe.api.catalogue import new_price
from sandbox.stripe.api.invoice_items import new_item, rates_of
from sandbox.stripe.api.lines import amount_of
from sandbox.stripe.api.periods import period_start
from sandbox.stripe.errors import invalid, not_now
from sandbox.stripe.money import decimal_text
from sandbox.stripe.service import Call
from sandbox.stripe.store import Record

_ADDED_MAX = 20


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first period, in Unix seconds, and how much of a whole one it is.

    ``number`` counts the periods from the anchor: a period that ends at the anchor is no. 0.
    """

    start: int
    end: int
    anchor: int
    trial_end: int | None = None
    number: int = 1
    share: tuple[int, int] = (1, 1)


def beginning(call: Call, recurring: Mapping[str, Json]) -> Beginning:
    """When a new subscription begins. Raises for dates that the vendor refuses."""
    now = call.account.now()
    trial = _trial_end(call, now)
    if trial is not None:
        return Beginning(now, trial, trial, trial, number=0)
    anchor = call.get("billing_cycle_anchor")
    if anchor is None:
        end = period_start(now, recurring, 1)
        return Beginning(now, end, now)
    if not now < anchor <= period_start(now, recurring, 1):
        text = "billing_cycle_anchor must be in the future, within one billing period"
        raise not_now(text, param="billing_cycle_anchor")
    start = call.get("backdate_start_date", now)
    if start > now:
        raise not_now("backdate_start_date must be in the past", param="backdate_start_date")
    whole = period_start(anchor, recurring, -1)
    if start < whole:
        text = "A subscription backdated by more than one period is not simulated"
        raise not_now(text, param="backdate_start_date")
    share = (anchor - start, anchor - whole)
    return Beginning(start, anchor, anchor, number=0, share=share)


def _trial_end(call: Call, now: int) -> int | None:
    days, ends = call.get("trial_period_days"), call.get("trial_end")
    if days is not None and ends is not None:
        raise invalid("Give trial_end or trial_period_days, not both", "trial_end")
    if days is not None:
        return now + int(days) * DAY_SECONDS if days > 0 else None
    if ends in {None, "now"}:
        return None
    if ends <= now:
        raise not_now("trial_end must be in the future", param="trial_end")
    return int(ends)


def add_items(call: Call, subscription: Record) -> None:
    """``add_invoice_items``: what the first invoice charges once."""
    rows = call.get("add_invoice_items") or []
    if len(rows) > _ADDED_MAX:
        raise invalid(f"At most {_ADDED_MAX} items can be added", "add_invoice_items")
    for row in rows:
        _add_item(call.account, subscription, row)


def _add_item(account: Account, subscription: Record, row: Mapping[str, Json]) -> None:
    data = row.get("price_data")
    if (row.get("price") is None) == (data is None):
        text = "Each item needs one of price and price_data"
        raise invalid(text, "add_invoice_items[price]", "parameter_missing")
    if data is not None:
        account.find("products", data["product"], "add_invoice_items[price_data][product]")
        found = new_price(account, {**data, "active": False})
    else:
        found = account.find("prices", row["price"], "add_invoice_items[price]")
    if found["type"] != "one_time":
        raise not_now("The price must be of type one_time", param="add_invoice_items[price]")
    if found["currency"] != subscription["currency"]:
        raise not_now("All items must share one currency", param="add_invoice_items")
    quantity = Decimal(row.get("quantity", 1))
    new_item(
        account,
        subscription["customer"],
        {
            "amount": amount_of(found, quantity),
            "currency": found["currency"],
            "metadata": row.get("metadata"),
            "parent": {
                "type": "subscription_details",
                "subscription_details": {"subscription": subscription["id"]},
            },
            "period": _period(account, row),
            "pricing": {
                "type": "price_details",
                "price_details": {"price": found["id"], "product": found["product"]},
                "unit_amount_decimal": found["unit_amount_decimal"],
            },
            "quantity": int(quantity),
            "quantity_decimal": decimal_text(quantity),
            "tax_rates": rates_of(account, row.get("tax_rates"), "add_invoice_items[tax_rates]"),
            "_price": found["id"],
            "_subscription": subscription["id"],
        },
    )


def _period(account: Account, row: Mapping[str, Json]) -> dict[str, int]:
    now = account.now()
    given = row.get("period")
    if given is None:
        return {"start": now, "end": now}
    found = {}
    for name in ("start", "end"):
        edge = given[name]
        if edge["type"] not in {"timestamp", "now"}:
            text = f"a period's {name} of type {edge['type']} is not simulated"
            raise not_now(text, param=f"add_invoice_items[period][{name}]")
        found[name] = edge["timestamp"] if edge["type"] == "timestamp" else now
    if found["end"] < found["start"]:
        raise invalid("The period ends before it begins", "add_invoice_items[period][end]")
    return found
