"""Billing from a product to a paid invoice, and what follows: credit, dispute, payout, usage."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import stripe
from stripe_desk import Desk, paid

from connectors.base import Confirmed, Failed, Outcome
from connectors.records import Change, Identity, Operation, Selection, Value
from sandbox.simulator import Mutation
from sandbox.stripe import RESTRICTED_KEY


def id_of(outcome: Outcome) -> str:
    assert isinstance(outcome, Confirmed), getattr(outcome, "error", outcome)
    return outcome.id


def one(desk: Desk, object: str, id: str, *fields: str) -> Any:
    (record,) = desk.connector.read(Selection(object, tuple(sorted(fields))), [id])
    return record.fields


def open_invoice(desk: Desk, lines: int, amount: str, currency: str = "usd") -> str:
    """An open invoice of so many lines."""
    customer = id_of(desk.create("customers", "c", name="Acme", email="ap@acme.example"))
    invoice = id_of(
        desk.create(
            "invoices", "i", customer=customer, currency=currency,
            collection_method="send_invoice", days_until_due=30, auto_advance=False,
        )
    )  # fmt: skip
    for number in range(lines):
        made = desk.create(
            "invoice_items", f"l{number}", customer=customer, invoice=invoice,
            currency=currency, amount=Decimal(amount), description=f"line {number}",
        )  # fmt: skip
        assert isinstance(made, Confirmed), made
    finalized = desk.act("invoices", invoice, "finalize", "f")
    assert isinstance(finalized, Confirmed)
    assert finalized.fields["status"] == "open"
    return invoice


def test_an_invoice_of_many_lines_is_read_whole(desk: Desk) -> None:
    invoice = open_invoice(desk, 13, "10.10")
    fields = one(desk, "invoices", invoice, "lines", "total", "amount_remaining", "number")
    lines = fields["lines"]["data"]
    assert len({line["id"] for line in lines}) == len(lines) == 13
    assert sum(line["amount"] for line in lines) == fields["total"] == Decimal("131.30")
    assert fields["amount_remaining"] == Decimal("131.30")
    assert desk.simulator.journal.violations == []


def test_an_invoice_paid_outside_has_no_charge(desk: Desk) -> None:
    invoice = open_invoice(desk, 1, "1500", "jpy")
    outcome = desk.act("invoices", invoice, "pay", "p", paid_out_of_band=True)
    assert isinstance(outcome, Confirmed)
    assert outcome.fields["status"] == "paid"
    again = desk.act("invoices", invoice, "pay", "p2", paid_out_of_band=True)
    assert isinstance(again, Failed)
    fields = one(desk, "invoices", invoice, "total", "status_transitions.paid_at")
    assert fields["total"] == Decimal(1500)
    assert fields["status_transitions.paid_at"] is not None


def test_a_credit_note_is_in_its_invoices_currency(desk: Desk) -> None:
    invoice = open_invoice(desk, 1, "12.340", "kwd")
    wrong = desk.create("credit_notes", "n0", invoice=invoice, amount=Decimal(2), currency="usd")
    assert isinstance(wrong, Failed)
    assert wrong.error.code == "CURRENCY_MISMATCH"
    note = id_of(desk.create("credit_notes", "n1", invoice=invoice, amount=Decimal("2.340")))
    assert one(desk, "credit_notes", note, "amount", "status") == {
        "amount": Decimal("2.340"),
        "status": "issued",
    }
    left = one(desk, "invoices", invoice, "amount_remaining")
    assert left == {"amount_remaining": Decimal("10.000")}


def test_a_subscription_from_price_to_cancellation(desk: Desk) -> None:
    customer = id_of(desk.create("customers", "c", name="Acme"))
    product = id_of(desk.create("products", "p", name="Seats", **{"metadata.sku": "S-1"}))
    recurring: Value = {"interval": "month"}
    price = id_of(
        desk.create(
            "prices", "pr", product=product, currency="EUR", recurring=recurring,
            lookup_key="seats",
            unit_amount_decimal=Decimal("10.125"),
        )
    )  # fmt: skip
    shown = one(desk, "prices", price, "unit_amount", "unit_amount_decimal", "currency")
    assert shown["unit_amount_decimal"] == Decimal("10.125")
    query = {"lookup_key": "seats", "currency": "EUR"}
    (found,) = desk.connector.search(Selection("prices", ("currency",)), [query])
    assert [record.ref.id for record in found] == [price], "the list knows at once"
    items: Value = ({"price": price, "quantity": 3},)
    subscription = id_of(
        desk.create(
            "subscriptions", "s", customer=customer, items=items,
            collection_method="send_invoice", days_until_due=30,
        )
    )  # fmt: skip
    fields = one(desk, "subscriptions", subscription, "items", "latest_invoice.customer", "status")
    assert fields["status"] == "active"
    assert fields["latest_invoice.customer"] == customer
    assert fields["items"]["data"][0]["price"]["unit_amount_decimal"] == Decimal("10.125")
    cancelled = desk.act("subscriptions", subscription, "cancel", "x", prorate=False)
    assert isinstance(cancelled, Confirmed)
    (record,) = desk.connector.read(Selection("subscriptions", ("status",)), [subscription])
    assert record.fields["status"] == "canceled", "a cancelled subscription is no deleted one"


def test_disputes_and_payouts_are_followed(desk: Desk) -> None:
    since = desk.now()
    intent = paid(desk, "50.00")
    charge = one(desk, "payment_intents", intent, "latest_charge")["latest_charge"]
    with desk.simulator.lock:
        act = Mutation("charges", "dispute", charge, {"reason": "fraudulent"})
        desk.simulator.mutate(act)
    desk.simulator.clock.shift(timedelta(days=8))
    disputes = Selection("disputes", ("amount", "charge", "status"))
    page = desk.connector.changes(disputes, desk.connector.first_cursor(disputes, since), 50)
    assert [dict(record.fields) for record in page.records] == [
        {"amount": Decimal("50.00"), "charge": charge, "status": "needs_response"}
    ]
    entries = Selection("balance_transactions", ("net", "type"))
    page = desk.connector.list(entries, None, 100)
    assert {record.fields["type"] for record in page.records} >= {"charge", "adjustment"}


def test_usage_is_sent_once(desk: Desk) -> None:
    client = stripe.StripeClient(
        RESTRICTED_KEY,
        base_addresses={"api": desk.url},
        http_client=stripe.RequestsClient(),
    )
    client.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    customer = id_of(desk.create("customers", "c", name="Acme"))
    payload: Value = {"stripe_customer_id": customer, "value": "25"}

    def send(key: str) -> Outcome:
        fields = {"event_name": "calls", "payload": payload}
        identity = Identity("identifier", "revline-usage-1")
        change = Change(key, Operation.CREATE, "meter_events", fields, identity=identity)
        (outcome,) = desk.connector.apply([change])
        return outcome

    assert id_of(send("k1")) == "revline-usage-1"
    assert id_of(send("k1")) == "revline-usage-1"
    assert isinstance(send("k2"), Failed), "Stripe knows the identifier for a day"
