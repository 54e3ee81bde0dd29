"""Subscriptions and their items. Reference: docs.stripe.com/api/subscriptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.account import Account
from sandbox.stripe.api import billing, invoice_life
from sandbox.stripe.api.beginning import Beginning, add_items, beginning
from sandbox.stripe.api.billing import ENDED, ITEMS, TABLE, items_of, span_of
from sandbox.stripe.api.catalogue import new_price
from sandbox.stripe.api.invoice_items import new_item, rates_of
from sandbox.stripe.api.lines import amount_of
from sandbox.stripe.errors import ApiError, invalid, not_now
from sandbox.stripe.money import rounded
from sandbox.stripe.service import Call, Endpoint, Filter, Reading, writing
from sandbox.stripe.store import Record, merged_metadata

ITEMS_MAX: Final = 20
_PLAIN: Final = ("description", "collection_method", "days_until_due", "default_payment_method")
_ALIVE: Final = frozenset({"active", "trialing", "past_due", "unpaid"})


def _price(call: Call, row: Mapping[str, Json]) -> Record:
    account, data = call.account, row.get("price_data")
    if (row.get("price") is None) == (data is None):
        text = "Each item needs one of price and price_data"
        raise invalid(text, "items[price]", "parameter_missing")
    if data is not None:
        account.find("products", data["product"], "items[price_data][product]")
        return new_price(account, {**data, "active": False})
    price = account.find("prices", row["price"], "items[price]")
    if price["type"] != "recurring":
        raise not_now("The price must be recurring", param="items[price]")
    if not price["active"]:
        raise not_now(f"The price {price['id']} is inactive", param="items[price]")
    return price


def _new_item(
    account: Account,
    subscription: str,
    row: Mapping[str, Json],
    price: Record,
    span: tuple[int, int],
) -> Record:
    metered = price["recurring"]["usage_type"] == "metered"
    if metered and row.get("quantity") is not None:
        raise not_now("A metered item has no quantity", param="items[quantity]")
    fields: dict[str, Json] = {
        "billing_thresholds": None,
        "current_period_start": span[0],
        "current_period_end": span[1],
        "discounts": [],
        "metadata": merged_metadata(None, row.get("metadata")),
        "price": price["id"],
        "subscription": subscription,
        "tax_rates": rates_of(account, row.get("tax_rates"), "items[tax_rates]"),
    }
    if not metered:
        fields["quantity"] = row.get("quantity", 1)
    id = account.new_id("si", 14)
    return account.create(ITEMS, {"id": id, **fields})


def _check_items(prices: list[Record]) -> Record:
    if not prices or len(prices) > ITEMS_MAX:
        raise invalid(f"A subscription has 1 to {ITEMS_MAX} items", "items", "parameter_missing")
    first = prices[0]
    for price in prices:
        same = ("interval", "interval_count")
        if any(price["recurring"][name] != first["recurring"][name] for name in same):
            raise not_now("All items must share one billing interval", param="items")
        if price["currency"] != first["currency"]:
            raise not_now("All items must share one currency", param="items")
    return first


def _terms(call: Call) -> dict[str, Json]:
    """What a new subscription says beyond its items, refused where it cannot be."""
    account = call.account
    fields = call.given(*_PLAIN, "metadata", "cancel_at", "cancel_at_period_end")
    method = fields.get("collection_method") or "charge_automatically"
    if (method == "send_invoice") != (fields.get("days_until_due") is not None):
        raise not_now("days_until_due goes with send_invoice, and only so", param="days_until_due")
    paying = fields.get("default_payment_method")
    if paying is not None:
        account.find("payment_methods", paying, "default_payment_method")
    _check_cancel_at(fields)
    rates = rates_of(account, call.get("default_tax_rates"), "default_tax_rates")
    return {**fields, "collection_method": method, "default_tax_rates": rates}


def _check_cancel_at(fields: Mapping[str, Json]) -> None:
    if isinstance(fields.get("cancel_at"), str):
        raise invalid("Only an instant is simulated for cancel_at", "cancel_at")


def _create(call: Call) -> Record:
    account, now = call.account, call.account.now()
    customer = account.find("customers", call.get("customer") or "", "customer")
    rows = call.get("items") or []
    prices = [_price(call, row) for row in rows]
    first = _check_items(prices)
    fields = _terms(call)
    begins = beginning(call, first["recurring"])
    trial = begins.trial_end
    fields |= {
        "billing_cycle_anchor": begins.anchor,
        "currency": first["currency"],
        "start_date": begins.start,
        "trial_end": trial,
        "trial_start": now if trial else None,
        "status": "trialing" if trial else "active",
        "_cycle_at": begins.end,
        "_number": begins.number,
    }
    made = _new_subscription(account, customer["id"], fields)
    for row, price in zip(rows, prices, strict=True):
        _new_item(account, made["id"], row, price, (begins.start, begins.end))
    add_items(call, made)
    account.tell("customer.subscription.created", made)
    billing.schedule_cycle(account, made["id"])
    if made["cancel_at"]:
        account.schedule(made["cancel_at"], "cancel_subscription", made["id"])
    call.used |= {"payment_behavior", "proration_behavior", "off_session"}
    if not trial:
        _bill_first(call, made, begins)
    return account.find(TABLE, made["id"])


def _new_subscription(account: Account, customer: str, fields: Mapping[str, Json]) -> Record:
    return account.create(
        TABLE,
        {
            "application": None,
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor_config": None,
            "billing_mode": {"flexible": None, "type": "flexible"},
            "billing_schedules": [],
            "billing_thresholds": None,
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "cancellation_details": {"comment": None, "feedback": None, "reason": None},
            "customer": customer,
            "days_until_due": None,
            "default_payment_method": None,
            "description": None,
            "discounts": [],
            "ended_at": None,
            "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
            "latest_invoice": None,
            "pause_collection": None,
            "pending_setup_intent": None,
            "pending_update": None,
            "schedule": None,
            "start_date": account.now(),
            "test_clock": None,
            **fields,
            "metadata": merged_metadata(None, fields.get("metadata")),
        },
    )


def _bill_first(call: Call, subscription: Record, begins: Beginning) -> None:
    account = call.account
    behaviour = call.get("payment_behavior", "allow_incomplete")
    span = (begins.start, begins.end)
    invoice = billing.bill(account, subscription, "subscription_create", None, span, begins.share)
    if subscription["collection_method"] == "send_invoice":
        due = account.now() + billing.DRAFT_SECONDS
        account.schedule(due, "finalize_invoice", invoice["id"])
        return
    opened = invoice_life.finalize(account, invoice["id"])
    if opened["status"] != "open":
        return
    account.change(TABLE, subscription["id"], {"status": "incomplete"}, quiet=True)
    due = account.now() + billing.INCOMPLETE_SECONDS
    account.schedule(due, "expire_subscription", subscription["id"])
    if behaviour == "default_incomplete":
        return
    error = billing.collect(account, invoice["id"])
    if error is not None and behaviour == "error_if_incomplete":
        text = str(error)
        raise ApiError(402, text, type="card_error", code=error.body.get("code"))


def _prorate(account: Account, subscription: Record, item: Record, sign: int) -> None:
    """Credit (-1) or charge (1) an item for the rest of the period, on the next invoice."""
    price = account.find("prices", item["price"])
    if price["recurring"]["usage_type"] == "metered" or subscription["status"] == "trialing":
        return
    start, end = item["current_period_start"], item["current_period_end"]
    now = min(max(account.now(), start), end)
    whole = amount_of(price, Decimal(item["quantity"]))
    amount = sign * rounded(Decimal(whole) * (end - now) / (end - start))
    words = "Unused time on" if sign < 0 else "Remaining time on"
    named = {"price": price["id"], "product": price["product"]}
    new_item(
        account,
        subscription["customer"],
        {
            "amount": amount,
            "currency": price["currency"],
            "description": f"{words} {item['quantity']} × {price['product']}",
            "parent": {
                "type": "subscription_details",
                "subscription_details": {
                    "subscription": subscription["id"],
                    "subscription_item": item["id"],
                },
            },
            "period": {"start": now, "end": end},
            "pricing": {
                "type": "price_details",
                "price_details": named,
                "unit_amount_decimal": str(amount),
            },
            "proration": True,
            "tax_rates": item["tax_rates"],
            "_price": price["id"],
            "_subscription": subscription["id"],
        },
    )


def change_item(call: Call, subscription: Record, row: Mapping[str, Json]) -> None:
    """One row of ``items`` in an update: added, changed or removed, prorated as asked."""
    account = call.account
    prorated = call.get("proration_behavior", "create_prorations") != "none"
    if row.get("id") is None:
        span = span_of(account, subscription["id"])
        made = _new_item(account, subscription["id"], row, _price(call, row), span)
        if prorated:
            _prorate(account, subscription, made, 1)
        return
    old = account.find(ITEMS, row["id"], "items[id]")
    if old["subscription"] != subscription["id"]:
        raise not_now("The item belongs to another subscription", param="items[id]")
    if row.get("deleted"):
        if prorated:
            _prorate(account, subscription, old, -1)
        account.store.erase(ITEMS, old["id"])
        return
    fields = {k: v for k, v in row.items() if k in {"quantity", "metadata"}}
    if row.get("price") or row.get("price_data"):
        fields["price"] = _price(call, row)["id"]
    if "tax_rates" in row:
        fields["tax_rates"] = rates_of(account, row["tax_rates"], "items[tax_rates]")
    new = account.change(ITEMS, old["id"], account.merged(old, fields), quiet=True)
    if prorated and (new.get("quantity"), new["price"]) != (old.get("quantity"), old["price"]):
        _prorate(account, subscription, old, -1)
        _prorate(account, subscription, new, 1)


def _alive(account: Account, id: str) -> Record:
    found = account.find(TABLE, id)
    if found["status"] in ENDED:
        raise not_now(f"This subscription is {found['status']} and can no longer be changed")
    return found


def _update(call: Call) -> Record:
    account = call.account
    old = _alive(account, call.id)
    shown = account.render(TABLE, old)
    fields = account.merged(
        old, call.given(*_PLAIN, "metadata", "cancel_at", "cancel_at_period_end")
    )
    _check_cancel_at(fields)
    if "cancel_at_period_end" in fields or "cancel_at" in fields:
        asked = bool(fields.get("cancel_at_period_end") or fields.get("cancel_at"))
        fields["canceled_at"] = account.now() if asked else None
        if fields.get("cancel_at_period_end"):
            fields["cancel_at"] = span_of(account, call.id)[1]
        elif fields.get("cancel_at"):
            account.schedule(fields["cancel_at"], "cancel_subscription", call.id)
        else:
            fields["cancel_at"] = None
    if call.has("default_tax_rates"):
        rates = rates_of(account, call.get("default_tax_rates"), "default_tax_rates")
        fields["default_tax_rates"] = rates
    for row in call.get("items") or ():
        change_item(call, old, row)
    _check_items([account.find("prices", item["price"]) for item in items_of(account, call.id)])
    account.change(TABLE, call.id, fields, quiet=True)
    if call.get("proration_behavior") == "always_invoice":
        _invoice_now(account, account.find(TABLE, call.id), "subscription_update")
    return tell_updated(account, call.id, shown)


def tell_updated(account: Account, id: str, before: Record) -> Record:
    """Tell of an update whose items may be all that changed."""
    new = account.find(TABLE, id)
    if account.render(TABLE, new) != before:
        account.tell("customer.subscription.updated", new, shown_before=before)
    return new


def _invoice_now(account: Account, subscription: Record, reason: str) -> None:
    invoice = billing.bill(account, subscription, reason, None, None)
    opened = invoice_life.finalize(account, invoice["id"])
    if opened["status"] == "open" and opened["collection_method"] == "charge_automatically":
        billing.collect(account, invoice["id"])


def _cancel(call: Call) -> Record:
    account = call.account
    old = _alive(account, call.id)
    details = call.get("cancellation_details")
    if details is not None:
        told = {"cancellation_details": {**old["cancellation_details"], **details}}
        old = account.change(TABLE, call.id, told, quiet=True)
    if call.get("prorate"):
        for item in items_of(account, call.id):
            _prorate(account, old, item, -1)
    ended = billing.end(account, call.id, "cancellation_requested")
    if call.get("invoice_now"):
        _invoice_now(account, ended, "subscription_update")
    return account.find(TABLE, call.id)


def cancel_now(account: Account, id: str) -> None:
    """The moment of ``cancel_at``."""
    found = account.find(TABLE, id)
    if found["status"] not in ENDED and found["cancel_at"] == account.now():
        billing.end(account, id, "cancellation_requested")


def customer_deleted(account: Account, customer: str) -> None:
    """Subscriptions end with their customer."""
    for row in list(account.rows(TABLE)):
        if row["customer"] == customer and row["status"] not in ENDED:
            billing.end(account, row["id"], "cancellation_requested")


def _status(_: Account, record: Record, wanted: Json) -> bool:
    if wanted == "ended":
        return record["status"] in ENDED
    return wanted == "all" or bool(record["status"] == wanted)


def _has_price(account: Account, record: Record, wanted: Json) -> bool:
    return any(item["price"] == wanted for item in items_of(account, record["id"]))


_FILTERS: Final[Mapping[str, Filter]] = {"status": _status, "price": _has_price}


def endpoints() -> Iterator[Endpoint]:
    """The API of subscriptions. A list leaves out canceled ones unless it asks for a status."""
    reading = Reading(
        TABLE,
        "subscription.list",
        _FILTERS,
        always=lambda call: (
            (lambda _: True)
            if call.has("status")
            else (lambda record: record["status"] != "canceled")
        ),
    )
    yield from reading.endpoints()
    yield writing(TABLE, "", "subscription.create", _create, "create")
    yield writing(TABLE, "/{id}", "subscription.modify", _update)
    yield writing(TABLE, "/{id}", "subscription.cancel", _cancel, method="DELETE")
