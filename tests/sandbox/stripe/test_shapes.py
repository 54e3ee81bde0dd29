"""Every object has the fields the vendor's own library declares, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, get_args, get_origin

from stripe._object_classes import OBJECT_CLASSES, get_object_class

ROWS = {"invoices": "lines", "credit_notes": "lines", "subscriptions": "items"}
GONE = {"payment_intent", "charge", "paid", "subscription", "tax", "discount", "total_tax_amounts"}


def fill(desk) -> None:
    """One of everything."""
    rate = {"display_name": "VAT", "percentage": "19", "inclusive": "false"}
    rate_id = desk.post("/v1/tax_rates", rate)["id"]
    form = {
        "payment_method": "pm_card_visa",
        "invoice_settings[default_payment_method]": "pm_card_visa",
    }
    customer = desk.customer(**form)
    product = {"name": "Seat", "default_price_data[currency]": "usd"}
    recurring = {"default_price_data[recurring][interval]": "month"}
    made = {**product, **recurring, "default_price_data[unit_amount]": "1000"}
    price = desk.post("/v1/products", made)["default_price"]
    items = {"items[0][price]": price, "items[0][tax_rates][0]": rate_id}
    bought = desk.post("/v1/subscriptions", {"customer": customer, **items})
    note = {"invoice": bought["latest_invoice"], "amount": 100, "refund_amount": 100}
    desk.post("/v1/credit_notes", note)
    desk.post("/v1/invoiceitems", {"customer": customer, "amount": 5, "currency": "usd"})
    charge = desk.paid()["latest_charge"]
    desk.paid(method="pm_usBankAccount")
    desk.mutate("charges", "dispute", charge)
    desk.paid()
    desk.mutate("payouts", "payout_now")
    desk.post(
        "/v1/billing/meters",
        {
            "display_name": "Calls",
            "event_name": "calls",
            "default_aggregation[formula]": "count",
        },
    )
    desk.post(
        "/v1/billing/meter_events",
        {
            "event_name": "calls",
            "payload[stripe_customer_id]": customer,
        },
    )
    desk.post("/v1/webhook_endpoints", {"url": "https://x.example/", "enabled_events[]": "*"})


def always_there(kind: object) -> bool:
    """Whether a declared field is of an instance, and never null or left out."""
    return get_origin(kind) is not ClassVar and type(None) not in get_args(kind)


def everything(desk) -> Iterator[dict[str, object]]:
    for table, rows in desk.admin("state")["objects"].items():
        for row in rows.values():
            yield row
            if table in ROWS:
                yield from row[ROWS[table]]["data"]


def test_fields_are_those_of_the_library(desk) -> None:
    fill(desk)
    seen: set[str] = set()
    for row in everything(desk):
        seen.add(row["object"])
        declared = get_object_class("V1", row["object"]).__annotations__
        unknown = set(row) - set(declared) - {"total_count"}
        assert not unknown, (row["object"], unknown)
        needed = {name for name, kind in declared.items() if always_there(kind)}
        assert needed <= set(row), (row["object"], needed - set(row))
    assert seen <= set(OBJECT_CLASSES)
    assert len(seen) == 23


def test_nothing_of_the_years_before_is_left(desk) -> None:
    fill(desk)
    state = desk.admin("state")["objects"]
    for invoice in state["invoices"].values():
        assert GONE.isdisjoint(invoice)
    for subscription in state["subscriptions"].values():
        assert {"current_period_end", "discount", "plan", "quantity"}.isdisjoint(subscription)
    for line in (row for i in state["invoices"].values() for row in i["lines"]["data"]):
        assert {"price", "plan", "proration", "type", "tax_amounts"}.isdisjoint(line)
    for charge in state["charges"].values():
        assert {"invoice", "refunds"}.isdisjoint(charge)
