"""Subscriptions that begin in the past, at an anchor, or with something that is paid once."""

from __future__ import annotations

HOUR = 3600
DAY = 24 * HOUR


def price(desk) -> str:
    form = {"currency": "usd", "recurring[interval]": "month", "unit_amount": 3000}
    product = desk.post("/v1/products", {"name": "Seat"})["id"]
    return desk.post("/v1/prices", {"product": product, **form})["id"]


def subscribe(desk, customer: str, price_id: str, quantity: int, **more: str):
    form = {"customer": customer, "items[0][price]": price_id, "items[0][quantity]": quantity}
    return desk.post("/v1/subscriptions", {**form, **more})


def invoices(desk, subscription: str):
    return desk.get(f"/v1/invoices?subscription={subscription}&limit=100")["data"][::-1]


def moment(desk) -> int:
    return int(desk.simulator.now().timestamp())


def begun(desk, back: int, to_anchor: int, **more: str):
    """A subscription of 3,000 a month, billed by invoice, between two distances from now."""
    now = moment(desk)
    return subscribe(
        desk, desk.customer(), price(desk), 1,
        collection_method="send_invoice", days_until_due="30",
        backdate_start_date=str(now - back), billing_cycle_anchor=str(now + to_anchor), **more,
    )  # fmt: skip


def test_a_backdated_period_is_billed_up_to_the_anchor(desk) -> None:
    now = moment(desk)
    # given an anchor in 14 days, and a begin one day ago: 15 of the 31 days from 15 August
    made = begun(desk, DAY, 14 * DAY)
    item = made["items"]["data"][0]
    span = (item["current_period_start"], item["current_period_end"])
    assert (*span, made["start_date"]) == (now - DAY, now + 14 * DAY, now - DAY)
    (first,) = invoices(desk, made["id"])
    line = first["lines"]["data"][0]
    assert line["period"] == {"start": now - DAY, "end": now + 14 * DAY}
    assert line["parent"]["subscription_item_details"]["proration"] is True
    assert line["amount"] == 1452  # 3,000 × 15 / 31
    # when the anchor comes, a whole month is billed
    desk.pass_time(days=14)
    assert invoices(desk, made["id"])[1]["lines"]["data"][0]["amount"] == 3000


def test_dates_that_make_no_sense_are_refused(desk) -> None:
    now = moment(desk)
    customer, id = desk.customer(), price(desk)
    form = {"customer": customer, "items[0][price]": id, "billing_cycle_anchor": now + 60 * DAY}
    assert desk.refused("POST", "/v1/subscriptions", form)["param"] == "billing_cycle_anchor"
    form |= {"billing_cycle_anchor": now + DAY, "backdate_start_date": now + HOUR}
    assert desk.refused("POST", "/v1/subscriptions", form)["param"] == "backdate_start_date"


def test_what_is_added_is_billed_once(desk) -> None:
    product = desk.post("/v1/products", {"name": "Setup"})["id"]
    customer = desk.customer()
    made = subscribe(
        desk, customer, price(desk), 1, collection_method="send_invoice", days_until_due="30",
        **{
            "add_invoice_items[0][price_data][currency]": "usd",
            "add_invoice_items[0][price_data][product]": product,
            "add_invoice_items[0][price_data][unit_amount]": "500",
            "add_invoice_items[0][quantity]": "3",
        },
    )  # fmt: skip
    (first,) = invoices(desk, made["id"])
    assert [line["amount"] for line in first["lines"]["data"]] == [3000, 1500]
    named = first["lines"]["data"][1]["pricing"]["price_details"]
    assert named["product"] == product
    assert named["price"].startswith("price_")
    desk.pass_time(days=32)
    assert [line["amount"] for line in invoices(desk, made["id"])[1]["lines"]["data"]] == [3000]


def test_a_subscription_that_ends_at_its_anchor_bills_no_other_period(desk) -> None:
    now = moment(desk)
    made = begun(desk, 0, 14 * DAY, cancel_at=str(now + 14 * DAY))
    desk.pass_time(days=15)
    assert desk.get(f"/v1/subscriptions/{made['id']}")["status"] == "canceled"
    assert len(invoices(desk, made["id"])) == 1


def test_lines_show_the_metadata_of_their_subscription(desk) -> None:
    made = begun(desk, 0, 14 * DAY, **{"metadata[deal]": "d-1", "items[0][metadata][x]": "y"})
    (first,) = invoices(desk, made["id"])
    assert first["lines"]["data"][0]["metadata"] == {"deal": "d-1"}
