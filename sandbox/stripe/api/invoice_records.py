"""An invoice as a record: made, summed up, printed. Reference: docs.stripe.com/api/invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.account import Account
from sandbox.stripe.api.lines import totals
from sandbox.stripe.store import Record, merged_metadata

TABLE: Final = "invoices"
LINES_SHOWN: Final = 10


def new_invoice(account: Account, customer: Record, fields: Mapping[str, Json]) -> Record:
    """A draft without lines."""
    id = account.new_id("in")
    now = account.now()
    return account.create(
        TABLE,
        {
            "account_country": "US",
            "account_name": "Revline US Inc.",
            "amount_overpaid": 0,
            "amount_paid": 0,
            "amount_shipping": 0,
            "application": None,
            "attempt_count": 0,
            "attempted": False,
            "auto_advance": False,
            "automatic_tax": {
                "disabled_reason": None,
                "enabled": False,
                "liability": None,
                "provider": None,
                "status": None,
            },
            "automatically_finalizes_at": None,
            "billing_reason": "manual",
            "collection_method": "charge_automatically",
            "currency": customer["currency"] or "usd",
            "customer_address": customer["address"],
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "customer_phone": customer["phone"],
            "customer_shipping": customer["shipping"],
            "customer_tax_exempt": customer["tax_exempt"],
            "customer_tax_ids": [],
            "default_payment_method": None,
            "default_tax_rates": [],
            "description": None,
            "discounts": [],
            "due_date": None,
            "effective_at": None,
            "ending_balance": None,
            "footer": None,
            "from_invoice": None,
            "hosted_invoice_url": None,
            "invoice_pdf": None,
            "issuer": {"type": "self"},
            "last_finalization_error": None,
            "latest_revision": None,
            "next_payment_attempt": None,
            "number": None,
            "payment_settings": {
                "default_mandate": None,
                "payment_method_options": None,
                "payment_method_types": None,
            },
            "parent": None,
            "period_end": now,
            "period_start": now,
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "receipt_number": None,
            "starting_balance": 0,
            "statement_descriptor": None,
            "status": "draft",
            "status_transitions": {
                "finalized_at": None,
                "marked_uncollectible_at": None,
                "paid_at": None,
                "voided_at": None,
            },
            "total_discount_amounts": [],
            "webhooks_delivered_at": None,
            **sums({}, ()),
            **fields,
            "customer": customer["id"],
            "metadata": merged_metadata(None, fields.get("metadata")),
            "id": id,
            "_lines": (),
            "_days_until_due": fields.get("_days_until_due"),
        },
        "invoice.created",
    )


def sums(invoice: Mapping[str, Json], lines: Sequence[Record]) -> dict[str, Json]:
    """What a draft adds up to."""
    added = totals(lines)
    due = max(added["total"], 0)
    return {**added, "amount_due": due, "amount_remaining": due - invoice.get("amount_paid", 0)}


def view(account: Account, record: Record) -> Record:
    """At most ten lines are printed; the others are listed by the lines endpoint."""
    lines = record["_lines"]
    rates = [account.render("tax_rates", rate) for rate in record["default_tax_rates"]]
    return {
        **record,
        "default_tax_rates": rates,
        "lines": {
            "object": "list",
            "data": list(lines[:LINES_SHOWN]),
            "has_more": len(lines) > LINES_SHOWN,
            "total_count": len(lines),
            "url": f"/v1/invoices/{record['id']}/lines",
        },
    }


def set_lines(account: Account, id: str, lines: Sequence[Record], *events: str) -> Record:
    """Replace the lines of a draft and add up."""
    invoice = account.find(TABLE, id)
    placed = tuple({**line, "invoice": id, "livemode": account.livemode} for line in lines)
    return account.change(TABLE, id, {"_lines": placed, **sums(invoice, placed)}, *events)


def moved(invoice: Record, name: str, at: int) -> dict[str, int]:
    """``status_transitions`` with one more instant."""
    return {**invoice["status_transitions"], name: at}
