"""What a subscription bills, and how its state follows its invoices.

Reference: docs.stripe.com/billing/subscriptions/overview. Licensed items are billed in advance,
metered ones in arrears. An invoice of a cycle is a draft for one hour.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from sandbox.stripe.account import DAY_SECONDS, Account
from sandbox.stripe.api import invoice_life, invoice_payments
from sandbox.stripe.api.invoice_items import TABLE as INVOICE_ITEMS
from sandbox.stripe.api.invoice_items import line_of
from sandbox.stripe.api.invoice_records import TABLE as INVOICES
from sandbox.stripe.api.invoice_records import new_invoice, set_lines
from sandbox.stripe.api.lines import amount_of, new_line
from sandbox.stripe.api.meters import used
from sandbox.stripe.api.periods import period_start
from sandbox.stripe.errors import ApiError
from sandbox.stripe.money import rounded
from sandbox.stripe.store import Record

TABLE: Final = "subscriptions"
ITEMS: Final = "subscription_items"
DRAFT_SECONDS: Final = 3600
INCOMPLETE_SECONDS: Final = 23 * 3600
RETRY_DAYS: Final = (3, 5, 7)
ENDED: Final = ("canceled", "incomplete_expired")
WHOLE: Final = (1, 1)


def items_of(account: Account, id: str) -> list[Record]:
    """The items of a subscription, oldest first."""
    return [row for row in account.rows(ITEMS) if row["subscription"] == id][::-1]


def span_of(account: Account, id: str) -> tuple[int, int]:
    """The current period; all items share it."""
    item = items_of(account, id)[0]
    return item["current_period_start"], item["current_period_end"]


def _description(account: Account, item: Record, price: Record) -> str:
    product = account.find("products", price["product"])
    return f"{item.get('quantity') or 1} × {product.get('name') or product['id']}"


def _line(
    account: Account,
    subscription: Record,
    item: Record,
    quantity: Decimal,
    span: tuple[int, int],
    share: tuple[int, int] = WHOLE,
) -> Record:
    price = account.find("prices", item["price"])
    amount = amount_of(price, quantity)
    details = {
        "invoice_item": None,
        "proration": share[0] != share[1],
        "proration_details": None,
        "subscription": subscription["id"],
        "subscription_item": item["id"],
    }
    return new_line(
        account.new_id("il"),
        rounded(Decimal(amount) * share[0] / share[1]),
        price["currency"],
        description=_description(account, item, price),
        quantity=quantity,
        period=span,
        parent={"type": "subscription_item_details", "subscription_item_details": details},
        rates=item["tax_rates"] or subscription["default_tax_rates"],
        price=price,
        metadata=subscription["metadata"],  # as the page of the line item says, not the item's
    )


def _lines(
    account: Account,
    subscription: Record,
    past: tuple[int, int] | None,
    coming: tuple[int, int] | None,
    share: tuple[int, int],
) -> list[Record]:
    """Licensed items for the coming period, metered ones for the past."""
    lines = []
    for item in items_of(account, subscription["id"]):
        price = account.find("prices", item["price"])
        if price["recurring"]["usage_type"] != "metered":
            if coming is None:
                continue
            quantity = Decimal(item["quantity"])
            lines.append(_line(account, subscription, item, quantity, coming, share))
        elif past is not None:
            meter = account.find("meters", price["recurring"]["meter"])
            quantity = used(account, meter, subscription["customer"], *past)
            lines.append(_line(account, subscription, item, quantity, past))
    waiting = [
        row
        for row in account.rows(INVOICE_ITEMS)
        if row["invoice"] is None
        and row["customer"] == subscription["customer"]
        and row["currency"] == subscription["currency"]
        and row.get("_subscription") in {None, subscription["id"]}
    ]
    rates = subscription["default_tax_rates"]
    return [*lines, *(line_of(account, row, rates) for row in reversed(waiting))]


def bill(
    account: Account,
    subscription: Record,
    reason: str,
    past: tuple[int, int] | None,
    coming: tuple[int, int] | None,
    share: tuple[int, int] = WHOLE,
) -> Record:
    """A draft invoice for a subscription. Without a coming period only what is waiting and what
    was used is billed. ``share`` is how much of a whole period the coming one is."""
    now = account.now()
    details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
    invoice = new_invoice(
        account,
        account.find("customers", subscription["customer"]),
        {
            "auto_advance": True,
            "billing_reason": reason,
            "collection_method": subscription["collection_method"],
            "currency": subscription["currency"],
            "default_tax_rates": subscription["default_tax_rates"],
            "parent": {
                "type": "subscription_details",
                "quote_details": None,
                "subscription_details": details,
            },
            "period_start": past[0] if past else now,
            "period_end": past[1] if past else now,
            "_days_until_due": subscription["days_until_due"],
        },
    )
    lines = _lines(account, subscription, past, coming, share)
    for line in lines:
        item = line["parent"].get("invoice_item_details")
        if item is not None:
            held = {"invoice": invoice["id"]}
            account.change(INVOICE_ITEMS, item["invoice_item"], held, quiet=True)
    invoice = set_lines(account, invoice["id"], lines)
    latest = {"latest_invoice": invoice["id"]}
    account.change(TABLE, subscription["id"], latest, quiet=True)
    return invoice


def advance(account: Account, invoice_id: str) -> None:
    """Finalize a draft an hour later, and collect it if that is its method."""
    invoice = account.store.get(INVOICES, invoice_id)
    if invoice is None or invoice["status"] != "draft" or not invoice["auto_advance"]:
        return
    opened = invoice_life.finalize(account, invoice_id)
    if opened["status"] == "open":
        if opened["collection_method"] == "charge_automatically":
            collect(account, invoice_id)
        else:
            account.tell("invoice.sent", opened)


def collect(account: Account, invoice_id: str) -> ApiError | None:
    """Try to collect; a failure is told by events and tried again later."""
    invoice = account.find(INVOICES, invoice_id)
    if invoice["status"] != "open":
        return None
    try:
        invoice_payments.attempt(account, invoice_id)
    except ApiError as error:
        if not error.kept:  # no payment method at all fails like a decline
            fields = {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
            events = ("invoice.updated", "invoice.payment_failed")
            account.change(INVOICES, invoice_id, fields, *events)
            invoice_failed(account, invoice_id)
        return error
    return None


def _subscription_of(account: Account, invoice_id: str) -> Record | None:
    parent = account.find(INVOICES, invoice_id)["parent"] or {}
    details = parent.get("subscription_details")
    return account.store.get(TABLE, details["subscription"]) if details else None


def invoice_paid(account: Account, invoice_id: str) -> None:
    """A paid invoice brings its subscription back to life."""
    subscription = _subscription_of(account, invoice_id)
    if subscription is None or subscription["latest_invoice"] not in {None, invoice_id}:
        return
    if subscription["status"] in {"incomplete", "past_due", "unpaid"}:
        fields = {"status": "active"}
        account.change(TABLE, subscription["id"], fields, "customer.subscription.updated")


def invoice_failed(account: Account, invoice_id: str) -> None:
    """A failed attempt: the first payment leaves the subscription incomplete, a later one past
    due, and is tried again after three, five and seven days; then the subscription ends."""
    subscription = _subscription_of(account, invoice_id)
    if subscription is None or subscription["status"] in (*ENDED, "incomplete"):
        return
    invoice = account.find(INVOICES, invoice_id)
    tries = invoice["attempt_count"]
    if tries <= len(RETRY_DAYS):
        due = account.now() + RETRY_DAYS[tries - 1] * DAY_SECONDS
        account.change(INVOICES, invoice_id, {"next_payment_attempt": due}, quiet=True)
        account.schedule(due, "retry_invoice", invoice_id)
        fields = {"status": "past_due"}
        account.change(TABLE, subscription["id"], fields, "customer.subscription.updated")
        return
    end(account, subscription["id"], "payment_failed")


def end(account: Account, id: str, reason: str, status: str = "canceled") -> Record:
    """The subscription ends now."""
    now = account.now()
    old = account.find(TABLE, id)
    fields = {
        "status": status,
        "canceled_at": old["canceled_at"] or now,
        "ended_at": now,
        "cancellation_details": {**old["cancellation_details"], "reason": reason},
    }
    if status == "incomplete_expired":
        invoice = account.find(INVOICES, old["latest_invoice"])
        if invoice["status"] == "open":
            invoice_life.end(account, invoice["id"], "void", ("open",))
        return account.change(TABLE, id, fields, "customer.subscription.updated")
    return account.change(TABLE, id, fields, "customer.subscription.deleted")


def expire(account: Account, id: str) -> None:
    """A first invoice that nobody paid within 23 hours."""
    if account.find(TABLE, id)["status"] == "incomplete":
        end(account, id, "payment_failed", "incomplete_expired")


def schedule_cycle(account: Account, id: str) -> None:
    """Come back at the end of the period."""
    due = span_of(account, id)[1]
    account.change(TABLE, id, {"_cycle_at": due}, quiet=True)
    account.schedule(due, "cycle_subscription", id)


def cycle(account: Account, id: str) -> None:
    """A period has ended: cancel as asked, or move on and bill."""
    subscription = account.find(TABLE, id)
    if subscription["status"] in ENDED or subscription["_cycle_at"] != account.now():
        return
    past = span_of(account, id)
    leaves = subscription["cancel_at"]
    if subscription["cancel_at_period_end"] or (leaves and leaves <= account.now()):
        end(account, id, "cancellation_requested")
        return
    recurring = account.find("prices", items_of(account, id)[0]["price"])["recurring"]
    number = subscription["_number"] + 1
    anchor = subscription["billing_cycle_anchor"]
    coming = (period_start(anchor, recurring, number - 1), period_start(anchor, recurring, number))
    for item in items_of(account, id):
        span = {"current_period_start": coming[0], "current_period_end": coming[1]}
        account.change(ITEMS, item["id"], span, quiet=True)
    fields = {"_number": number}
    if subscription["status"] == "trialing":
        fields["status"] = "active"
    changed = account.change(TABLE, id, fields, "customer.subscription.updated")
    was_trial = subscription["status"] == "trialing"
    invoice = bill(account, changed, "subscription_cycle", None if was_trial else past, coming)
    account.schedule(account.now() + DRAFT_SECONDS, "finalize_invoice", invoice["id"])
    schedule_cycle(account, id)
