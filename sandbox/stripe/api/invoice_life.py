"""The life of an invoice: draft, open, void, uncollectible.

Reference: docs.stripe.com/invoicing/overview. A failed attempt leaves an invoice open; there is no
failed status.
"""

from __future__ import annotations

from typing import Final

from sandbox.stripe.account import DAY_SECONDS, Account
from sandbox.stripe.api.invoice_payments import drop_payment, expect_payment, paid
from sandbox.stripe.api.invoice_records import TABLE, moved
from sandbox.stripe.errors import not_now
from sandbox.stripe.store import Record

HOSTED: Final = "https://invoice.stripe.com/i/"


def finalize(account: Account, id: str) -> Record:
    """Number it, apply the customer's balance, open it, and make its payment intent."""
    invoice = account.find(TABLE, id)
    if invoice["status"] != "draft":
        raise not_now("This invoice is already finalized.", "invoice_not_editable")
    customer = account.find("customers", invoice["customer"], "customer")
    due, balance = _with_balance(invoice["total"], customer["balance"])
    sequence = customer["next_invoice_sequence"]
    now = account.now()
    days = invoice["_days_until_due"]
    fields: Record = {
        "amount_due": due,
        "amount_remaining": due,
        "effective_at": invoice["effective_at"] or now,
        "ending_balance": balance,
        "hosted_invoice_url": f"{HOSTED}{account.id}/{id}",
        "invoice_pdf": f"{HOSTED}{account.id}/{id}/pdf",
        "number": invoice["number"] or f"{customer['invoice_prefix']}-{sequence:04d}",
        "starting_balance": customer["balance"],
        "status": "open",
        "status_transitions": moved(invoice, "finalized_at", now),
        "automatically_finalizes_at": None,
    }
    if invoice["collection_method"] == "send_invoice" and invoice["due_date"] is None:
        fields["due_date"] = now + (30 if days is None else days) * DAY_SECONDS
    owner = {"next_invoice_sequence": sequence + 1, "balance": balance}
    if customer["currency"] is None:
        owner["currency"] = invoice["currency"]
    account.change("customers", customer["id"], owner, "customer.updated")
    opened = account.change(TABLE, id, fields, "invoice.finalized")
    for line in invoice["_lines"]:
        _bind_item(account, line, id)
    if due == 0:
        return paid(account, opened, invoice_payment=None)
    expect_payment(account, opened, due)
    if fields.get("due_date") or opened["due_date"]:
        account.schedule(opened["due_date"], "invoice_overdue", id)
    return opened


def _bind_item(account: Account, line: Record, invoice: str) -> None:
    details = line["parent"].get("invoice_item_details")
    if details is not None:
        account.change("invoiceitems", details["invoice_item"], {"invoice": invoice}, quiet=True)


def _with_balance(total: int, balance: int) -> tuple[int, int]:
    """What is due, and the customer's balance afterwards (negative is credit)."""
    if total <= 0:
        return 0, balance + total
    due = max(total + balance, 0)
    return due, balance + total - due


def overdue(account: Account, id: str) -> None:
    """The due date has passed and the invoice is still open."""
    invoice = account.find(TABLE, id)
    if invoice["status"] == "open" and invoice["collection_method"] == "send_invoice":
        account.tell("invoice.overdue", invoice)


def end(account: Account, id: str, status: str, allowed: tuple[str, ...]) -> Record:
    """Void, or write off as uncollectible."""
    invoice = account.find(TABLE, id)
    if invoice["status"] not in allowed:
        can = " or ".join(allowed)
        text = f"This invoice is {invoice['status']}; only {can} ones can be {status}"
        raise not_now(text, "invoice_not_editable")
    if status == "void":
        drop_payment(account, id, "void_invoice")
    name = {"void": "voided_at", "uncollectible": "marked_uncollectible_at"}[status]
    fields: Record = {
        "status": status,
        "status_transitions": moved(invoice, name, account.now()),
        "auto_advance": False,
        "next_payment_attempt": None,
    }
    event = {"void": "invoice.voided", "uncollectible": "invoice.marked_uncollectible"}[status]
    return account.change(TABLE, id, fields, "invoice.updated", event)
