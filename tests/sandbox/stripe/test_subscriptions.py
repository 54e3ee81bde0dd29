"""The catalogue, subscriptions and usage, billed on the virtual clock."""

from __future__ import annotations

import itertools

import pytest

SUBSCRIPTIONS = "/v1/subscriptions"
HOUR = 3600


def price(desk, amount: int = 3000, **more: str) -> str:
    product = desk.post("/v1/products", {"name": "Seat"})["id"]
    form = {"product": product, "currency": "usd", "recurring[interval]": "month"}
    if "billing_scheme" not in more and "unit_amount_decimal" not in more:
        form["unit_amount"] = amount
    return desk.post("/v1/prices", {**form, **more})["id"]


def payer(desk, method: str = "pm_card_visa") -> str:
    form = {
        "payment_method": method,
        "invoice_settings[default_payment_method]": method,
    }
    return desk.customer(**form)


def subscribe(desk, customer: str, price_id: str, quantity: int | None = 2, **more: str):
    form = {"customer": customer, "items[0][price]": price_id, **more}
    if quantity is not None:
        form["items[0][quantity]"] = str(quantity)
    return desk.post(SUBSCRIPTIONS, form)


def invoices(desk, subscription: str) -> list[dict[str, object]]:
    return desk.get(f"/v1/invoices?subscription={subscription}&limit=100")["data"][::-1]


def test_prices_never_change_their_amount(desk) -> None:
    id = price(desk)
    assert (
        desk.refused("POST", f"/v1/prices/{id}", {"unit_amount": 5})["code"] == "parameter_unknown"
    )
    assert desk.post(f"/v1/prices/{id}", {"active": "false"})["active"] is False
    broken = price(desk, unit_amount_decimal="0.125")
    shown = desk.get(f"/v1/prices/{broken}")
    assert (shown["unit_amount"], shown["unit_amount_decimal"]) == (None, "0.125")


def test_a_product_may_bring_its_own_id(desk) -> None:
    form = {"id": "PLT-001", "name": "Seat", "default_price_data[currency]": "usd"}
    made = desk.post("/v1/products", {**form, "default_price_data[unit_amount]": 500})
    assert made["id"] == "PLT-001"
    assert (
        desk.get("/v1/products/PLT-001?expand[]=default_price")["default_price"]["unit_amount"]
        == 500
    )
    assert desk.refused("POST", "/v1/products", form)["code"] == "resource_already_exists"
    desk.refused("DELETE", "/v1/products/PLT-001")


def test_the_first_invoice_is_paid_and_the_next_ones_come_each_month(desk) -> None:
    made = subscribe(desk, payer(desk), price(desk))
    assert made["status"] == "active"
    item = made["items"]["data"][0]
    assert "current_period_end" not in made, "periods live on the items"
    assert item["current_period_start"] == made["start_date"]
    assert item["current_period_end"] == made["start_date"] + 30 * 86_400  # September
    (first,) = invoices(desk, made["id"])
    assert (first["status"], first["total"], first["billing_reason"]) == (
        "paid",
        6000,
        "subscription_create",
    )
    line = first["lines"]["data"][0]
    assert line["pricing"]["price_details"]["price"] == item["price"]["id"]
    assert line["parent"]["subscription_item_details"]["subscription"] == made["id"]
    desk.pass_time(days=92)
    rows = invoices(desk, made["id"])
    assert [row["billing_reason"] for row in rows[1:]] == ["subscription_cycle"] * 3
    assert [row["status"] for row in rows] == ["paid"] * 4
    times = [row["created"] for row in rows]
    assert [b - a for a, b in itertools.pairwise(times)] == [days * 86_400 for days in (30, 31, 30)]
    assert desk.violations() == []


def test_an_invoice_to_be_sent_is_a_draft_for_an_hour(desk) -> None:
    terms = {"collection_method": "send_invoice", "days_until_due": "14"}
    made = subscribe(desk, desk.customer(), price(desk), **terms)
    assert made["status"] == "active"
    assert invoices(desk, made["id"])[0]["status"] == "draft"
    desk.pass_time(seconds=HOUR)
    (first,) = invoices(desk, made["id"])
    assert (first["status"], first["due_date"] - first["effective_at"]) == ("open", 14 * 86_400)


def test_a_first_payment_that_fails_leaves_it_incomplete(desk) -> None:
    customer = payer(desk, "pm_card_chargeDeclined")
    made = subscribe(desk, customer, price(desk))
    assert made["status"] == "incomplete"
    desk.mutate("invoices", "pay", made["latest_invoice"])
    assert desk.get(f"{SUBSCRIPTIONS}/{made['id']}")["status"] == "active"
    other = subscribe(desk, customer, price(desk))
    desk.pass_time(hours=23)
    assert desk.get(f"{SUBSCRIPTIONS}/{other['id']}")["status"] == "incomplete_expired"
    form = {"customer": customer, "items[0][price]": price(desk)}
    behaviour = {"payment_behavior": "error_if_incomplete"}
    before = len(desk.get("/v1/charges?limit=100")["data"])
    assert desk.refused("POST", SUBSCRIPTIONS, {**form, **behaviour}, 402)["type"] == "card_error"
    assert len(desk.get("/v1/charges?limit=100")["data"]) == before


def test_a_later_payment_that_fails_is_tried_again_and_ends_it(desk) -> None:
    customer = payer(desk)
    made = subscribe(desk, customer, price(desk))
    method = desk.post("/v1/payment_methods/pm_card_chargeDeclined/attach", {"customer": customer})
    form = {"invoice_settings[default_payment_method]": method["id"]}
    desk.post(f"/v1/customers/{customer}", form)
    desk.pass_time(days=30, hours=1)
    now = desk.get(f"{SUBSCRIPTIONS}/{made['id']}")
    assert now["status"] == "past_due"
    assert invoices(desk, made["id"])[-1]["attempt_count"] == 1
    desk.pass_time(days=15)
    ended = desk.get(f"{SUBSCRIPTIONS}/{made['id']}")
    assert ended["status"] == "canceled"
    assert invoices(desk, made["id"])[-1]["attempt_count"] == 4


def test_more_seats_are_prorated_on_the_next_invoice(desk) -> None:
    made = subscribe(desk, payer(desk), price(desk))
    desk.pass_time(days=15)
    item = made["items"]["data"][0]["id"]
    form = {"items[0][id]": item, "items[0][quantity]": "4"}
    desk.post(f"{SUBSCRIPTIONS}/{made['id']}", form)
    waiting = desk.get("/v1/invoiceitems?pending=true")["data"]
    assert sorted(row["amount"] for row in waiting) == [-3000, 6000]
    desk.pass_time(days=15, hours=1)
    assert invoices(desk, made["id"])[-1]["total"] == 12_000 + 3000
    told = [
        event
        for event in desk.get("/v1/events?type=customer.subscription.updated")["data"]
        if "items" in event["data"]["previous_attributes"]
    ]
    assert told


def test_an_upgrade_can_be_invoiced_at_once(desk) -> None:
    made = subscribe(desk, payer(desk), price(desk))
    desk.pass_time(days=15)
    item = made["items"]["data"][0]["id"]
    form = {"items[0][id]": item, "items[0][quantity]": "4"}
    desk.post(f"{SUBSCRIPTIONS}/{made['id']}", {**form, "proration_behavior": "always_invoice"})
    latest = invoices(desk, made["id"])[-1]
    assert (latest["status"], latest["total"]) == ("paid", 3000)


def test_cancel_at_the_end_of_the_period_or_now(desk) -> None:
    made = subscribe(desk, payer(desk), price(desk))
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    later = desk.post(path, {"cancel_at_period_end": "true"})
    assert (later["status"], later["cancel_at"]) == (
        "active",
        made["items"]["data"][0]["current_period_end"],
    )
    desk.pass_time(days=30)
    assert desk.get(path)["status"] == "canceled"
    assert len(invoices(desk, made["id"])) == 1
    other = subscribe(desk, payer(desk), price(desk))
    assert desk.delete(f"{SUBSCRIPTIONS}/{other['id']}")["status"] == "canceled"
    assert desk.event_types().count("customer.subscription.deleted") == 2
    assert desk.get(SUBSCRIPTIONS)["data"] == []
    assert len(desk.get(f"{SUBSCRIPTIONS}?status=all")["data"]) == 2
    desk.refused("POST", path, {"metadata[a]": "1"})


def test_a_trial_is_free_and_then_is_not(desk) -> None:
    made = subscribe(desk, payer(desk), price(desk), trial_period_days="14")
    assert (made["status"], invoices(desk, made["id"])) == ("trialing", [])
    desk.pass_time(days=14, hours=1)
    now = desk.get(f"{SUBSCRIPTIONS}/{made['id']}")
    assert now["status"] == "active"
    assert invoices(desk, made["id"])[0]["total"] == 6000


def test_usage_is_billed_in_arrears(desk) -> None:
    meter = desk.post(
        "/v1/billing/meters",
        {
            "display_name": "Calls",
            "event_name": "api_calls",
            "default_aggregation[formula]": "sum",
        },
    )["id"]
    tiers = {
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "tiers[0][up_to]": "100",
        "tiers[0][unit_amount]": "0",
        "tiers[1][up_to]": "inf",
        "tiers[1][unit_amount_decimal]": "0.5",
        "recurring[usage_type]": "metered",
        "recurring[meter]": meter,
    }
    customer = payer(desk)
    made = subscribe(desk, customer, price(desk, **tiers), quantity=None)
    usage = {"event_name": "api_calls", "payload[stripe_customer_id]": customer}
    first = {**usage, "payload[value]": "250", "identifier": "u-1"}
    event = desk.post("/v1/billing/meter_events", first)
    assert (event["identifier"], "id" in event) == ("u-1", False)
    desk.refused("POST", "/v1/billing/meter_events", first)
    desk.post("/v1/billing/meter_events", {**usage, "payload[value]": "51"})
    desk.refused("POST", "/v1/billing/meter_events", {**usage, "payload[value]": "many"})
    start = made["start_date"]
    window = {"customer": customer, "start_time": start, "end_time": start + HOUR}
    summary = desk.get(f"/v1/billing/meters/{meter}/event_summaries", params=window)["data"]
    assert [row["aggregated_value"] for row in summary] == [301]
    desk.pass_time(days=30, hours=1)
    bill = invoices(desk, made["id"])[-1]
    assert bill["total"] == 101  # (301 - 100) * 0.5, rounded half up
    assert bill["lines"]["data"][0]["quantity"] == 301
    desk.post("/v1/billing/meter_events", {**usage, "payload[value]": "150"})
    desk.pass_time(days=31)
    assert invoices(desk, made["id"])[-1]["total"] == 25, "each period is billed once"


@pytest.mark.parametrize("form", [{}, {"items[0][price]": "price_no"}])
def test_a_subscription_needs_items_that_exist(desk, form) -> None:
    desk.refused("POST", SUBSCRIPTIONS, {"customer": desk.customer(), **form})


def test_items_on_their_own(desk) -> None:
    made = subscribe(desk, payer(desk), price(desk))
    extra = desk.post(
        "/v1/subscription_items",
        {"subscription": made["id"], "price": price(desk, 500), "quantity": "3"},
    )
    listed = desk.get(f"/v1/subscription_items?subscription={made['id']}")["data"]
    assert {row["id"] for row in listed} == {extra["id"], made["items"]["data"][0]["id"]}
    assert desk.delete(f"/v1/subscription_items/{extra['id']}")["deleted"]
    desk.refused("DELETE", f"/v1/subscription_items/{made['items']['data'][0]['id']}")


def test_a_price_of_its_own_is_made_for_an_item(desk) -> None:
    product = desk.post("/v1/products", {"name": "Seat"})["id"]
    form = {
        "customer": payer(desk),
        "items[0][price_data][product]": product,
        "items[0][price_data][currency]": "usd",
        "items[0][price_data][unit_amount]": "1500",
        "items[0][price_data][recurring][interval]": "year",
        "items[0][quantity]": "2",
    }
    made = desk.post(SUBSCRIPTIONS, form)
    assert invoices(desk, made["id"])[0]["total"] == 3000
    item = made["items"]["data"][0]
    assert item["current_period_end"] - item["current_period_start"] == 365 * 86_400
