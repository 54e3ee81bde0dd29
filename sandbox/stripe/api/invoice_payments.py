"""How invoices get their money: in one payment, in parts, too much, elsewhere, or not at all.

Reference: docs.stripe.com/api/invoice-payment and docs.stripe.com/invoicing/partial-payments.
"""

from __future__ import annotations

from typing import Final

from sandbox.stripe.account import Account
from sandbox.stripe.api import collecting
from sandbox.stripe.api.invoice_records import TABLE, moved
from sandbox.stripe.api.payment_intents import CONFIRMABLE, new_intent
from sandbox.stripe.api.payment_methods import usable
from sandbox.stripe.errors import ApiError, not_now
from sandbox.stripe.store import Record

PAYMENTS: Final = "invoice_payments"


def expect_payment(account: Account, invoice: Record, amount: int) -> None:
    """Ask for an amount: the payment that an invoice has by default."""
    intent = new_intent(
        account,
        amount,
        invoice["currency"],
        {
            "customer": invoice["customer"],
            "description": f"Payment for invoice {invoice['number']}",
            "_invoice": invoice["id"],
            "automatic_payment_methods": None,
        },
    )
    add_payment(account, invoice, intent, amount, default=True)


def add_payment(
    account: Account, invoice: Record, intent: Record, amount: int, *, default: bool
) -> Record:
    """What ties a payment intent to an invoice."""
    account.change("payment_intents", intent["id"], {"_of_invoice": True}, quiet=True)
    return account.create(
        PAYMENTS,
        {
            "amount_paid": None,
            "amount_requested": amount,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": default,
            "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        },
    )


def payments_of(account: Account, invoice: str) -> list[Record]:
    """The payments of an invoice, newest first."""
    return [row for row in account.rows(PAYMENTS) if row["invoice"] == invoice]


def open_payment(account: Account, invoice: str) -> Record | None:
    """The default payment, while nobody has paid it."""
    rows = payments_of(account, invoice)
    return next((row for row in rows if row["is_default"] and row["status"] == "open"), None)


def _open_rows(account: Account, intent: Record) -> list[Record]:
    """What waits for this payment intent."""
    if not intent.get("_of_invoice"):
        return []  # most are not of an invoice, and need no search
    return [
        row
        for row in account.rows(PAYMENTS)
        if row["payment"]["payment_intent"] == intent["id"] and row["status"] == "open"
    ]


def payment_succeeded(account: Account, intent_id: str) -> None:
    """A payment intent got its money: the invoices it belongs to know."""
    intent = account.find("payment_intents", intent_id)
    for row in _open_rows(account, intent):
        invoice = account.find(TABLE, row["invoice"])
        if invoice["status"] in {"open", "uncollectible"}:
            receive(account, invoice, row, intent["amount_received"])


def receive(account: Account, invoice: Record, payment: Record, amount: int) -> Record:
    """Money for an invoice: all of it, a part, or too much."""
    used = min(amount, invoice["amount_remaining"])
    transitions = {**payment["status_transitions"], "paid_at": account.now()}
    row = {"status": "paid", "amount_paid": amount, "status_transitions": transitions}
    paid_row = account.change(PAYMENTS, payment["id"], row, "invoice_payment.paid")
    left = invoice["amount_remaining"] - used
    fields = {
        "amount_paid": invoice["amount_paid"] + used,
        "amount_remaining": left,
        "amount_overpaid": invoice["amount_overpaid"] + amount - used,
        "attempted": True,
        "attempt_count": invoice["attempt_count"] + 1,
    }
    if left > 0:
        part = account.change(TABLE, invoice["id"], fields, "invoice.updated")
        ask_for(account, invoice["id"], left)
        return part
    return paid(account, account.change(TABLE, invoice["id"], fields, quiet=True), paid_row)


def ask_for(account: Account, invoice: str, amount: int) -> None:
    """The default payment asks for what is left."""
    payment = open_payment(account, invoice)
    if payment is None:
        return
    intent = account.find("payment_intents", payment["payment"]["payment_intent"])
    if intent["status"] in CONFIRMABLE:
        account.change("payment_intents", intent["id"], {"amount": amount}, quiet=True)
        account.change(PAYMENTS, payment["id"], {"amount_requested": amount}, quiet=True)


def drop_payment(account: Account, invoice: str, reason: str) -> None:
    """Cancel the default payment; one under way at the bank goes on."""
    payment = open_payment(account, invoice)
    if payment is None:
        return
    intent = account.find("payment_intents", payment["payment"]["payment_intent"])
    if intent["status"] in CONFIRMABLE:
        collecting.cancel(account, intent, reason)
        transitions = {**payment["status_transitions"], "canceled_at": account.now()}
        row = {"status": "canceled", "status_transitions": transitions}
        account.change(PAYMENTS, payment["id"], row, quiet=True)


def paid(account: Account, invoice: Record, invoice_payment: Record | None) -> Record:
    """Nothing is left to pay; ``invoice_payment`` is what paid it, if a payment did."""
    fields = {
        "status": "paid",
        "status_transitions": moved(invoice, "paid_at", account.now()),
        "attempted": True,
        "next_payment_attempt": None,
        "auto_advance": False,
    }
    if invoice_payment is None or not invoice_payment["is_default"]:
        drop_payment(account, invoice["id"], "void_invoice")
    events = ["invoice.updated", "invoice.paid"]
    if invoice_payment is not None or invoice["amount_due"] == 0:
        events.append("invoice.payment_succeeded")
    done = account.change(TABLE, invoice["id"], fields, *events)
    account.hooks["invoice_paid"](account, invoice["id"])
    return done


def settle_out_of_band(account: Account, invoice: Record) -> Record:
    """Paid elsewhere: nothing moves here, no charge is made."""
    left = invoice["amount_remaining"]
    fields = {
        "amount_paid": invoice["amount_paid"] + left,
        "amount_paid_off_stripe": left,
        "amount_remaining": 0,
    }
    return paid(account, account.change(TABLE, invoice["id"], fields, quiet=True), None)


def attempt(account: Account, id: str, method: str | None = None) -> Record:
    """Try to collect an open invoice. A decline is an :class:`ApiError` whose effects stay."""
    invoice = account.find(TABLE, id)
    payment = open_payment(account, id)
    wanted = method or _default_method(account, invoice)
    if wanted is None:
        text = "There is no default_payment_method on the customer, subscription or invoice."
        raise not_now(text, "resource_missing", "payment_method")
    found = usable(account, wanted)
    if payment is None:
        raise not_now("This invoice has no payment that could be collected")
    intent = account.find("payment_intents", payment["payment"]["payment_intent"])
    if intent["status"] not in CONFIRMABLE:
        raise not_now(f"The payment of this invoice is {intent['status']}")
    done = collecting.collect(account, intent, found, off_session=False)
    if done["status"] == "requires_action":
        account.tell("invoice.payment_action_required", account.find(TABLE, id))
        text = "The payment needs the customer's action before it can be completed"
        code = "invoice_payment_intent_requires_action"
        raise ApiError(402, text, type="card_error", code=code, kept=True)
    return account.find(TABLE, id)


def _default_method(account: Account, invoice: Record) -> str | None:
    details = (invoice["parent"] or {}).get("subscription_details")
    subscription = account.store.get("subscriptions", details["subscription"]) if details else None
    customer = account.find("customers", invoice["customer"], "customer")
    found: str | None = (
        invoice["default_payment_method"]
        or (subscription or {}).get("default_payment_method")
        or customer["invoice_settings"]["default_payment_method"]
    )
    return found


def payment_failed(account: Account, intent_id: str) -> None:
    """An attempt on an invoice failed; the invoice stays open."""
    for row in _open_rows(account, account.find("payment_intents", intent_id)):
        invoice = account.find(TABLE, row["invoice"])
        fields = {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
        events = ("invoice.updated", "invoice.payment_failed")
        account.change(TABLE, invoice["id"], fields, *events)
        account.hooks["invoice_failed"](account, invoice["id"])
