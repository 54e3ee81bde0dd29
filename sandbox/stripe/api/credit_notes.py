"""Credit notes. Reference: docs.stripe.com/api/credit_notes and /invoicing/credit-notes.

On an open invoice a note lowers what is due; on a paid one every cent of it is refunded, credited
to the customer's balance, or settled outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from sandbox.messages import Json
from sandbox.stripe import listing
from sandbox.stripe.account import Account
from sandbox.stripe.api import refunds
from sandbox.stripe.api.invoice_items import rates_of
from sandbox.stripe.api.invoice_payments import ask_for, paid, payments_of
from sandbox.stripe.api.invoice_records import TABLE as INVOICES
from sandbox.stripe.api.lines import taxes_of, totals
from sandbox.stripe.errors import invalid, missing, not_now
from sandbox.stripe.money import rounded
from sandbox.stripe.service import Call, Endpoint, Reading, writing
from sandbox.stripe.store import Record, merged_metadata
from sandbox.stripe.tables import RESOURCES

TABLE: Final = "credit_notes"


def view(_: Account, record: Record) -> Record:
    """The lines, ten at most."""
    lines = record["_lines"]
    url = f"/v1/credit_notes/{record['id']}/lines"
    shown = {"object": "list", "data": list(lines[:10]), "has_more": len(lines) > 10, "url": url}
    return {**record, "lines": shown}


def _line(account: Account, type: str, amount: int, **fields: Json) -> Record:
    return {
        "id": account.new_id("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": account.livemode,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": None,
        "tax_rates": [],
        "taxes": [],
        "type": type,
        "unit_amount": None,
        "unit_amount_decimal": None,
        **fields,
    }


def _scaled(taxes: list[Record], part: int, whole: int) -> list[Record]:
    """The taxes of a part."""
    share = Decimal(part) / whole if whole else Decimal(0)
    return [
        {
            **tax,
            "amount": rounded(tax["amount"] * share),
            "taxable_amount": rounded(tax["taxable_amount"] * share),
        }
        for tax in taxes
    ]


def _of_invoice_line(account: Account, invoice: Record, row: Record) -> Record:
    id = row.get("invoice_line_item")
    line = next((found for found in invoice["_lines"] if found["id"] == id), None)
    if line is None:
        raise missing("invoice line item", str(id), "lines[invoice_line_item]")
    amount, quantity = row.get("amount"), row.get("quantity")
    if amount is None:
        part = Decimal(quantity or line["quantity"] or 1) / (line["quantity"] or 1)
        amount = rounded(line["amount"] * part)
    if not 0 < amount <= line["amount"]:
        raise not_now("A line is credited with at most its own amount", param="lines[amount]")
    return _line(
        account,
        "invoice_line_item",
        amount,
        invoice_line_item=id,
        description=line["description"],
        quantity=quantity,
        taxes=_scaled(line["taxes"], amount, line["amount"]),
    )


def _custom(account: Account, row: Record) -> Record:
    unit, quantity = row.get("unit_amount_decimal", row.get("unit_amount")), row.get("quantity", 1)
    if unit is None or not row.get("description"):
        text = "A custom line needs a description and a unit amount"
        raise invalid(text, "lines[unit_amount]", "parameter_missing")
    amount = rounded(Decimal(unit) * quantity)
    rates = rates_of(account, row.get("tax_rates"), "lines[tax_rates]")
    return _line(
        account,
        "custom_line_item",
        amount,
        description=row["description"],
        quantity=quantity,
        unit_amount=int(unit) if Decimal(unit) == int(unit) else None,
        unit_amount_decimal=str(unit),
        tax_rates=[account.render("tax_rates", rate) for rate in rates],
        taxes=taxes_of(amount, rates),
    )


def _lines(call: Call, invoice: Record) -> list[Record]:
    account, rows, amount = call.account, call.get("lines"), call.get("amount")
    if (rows is None) == (amount is None):
        raise invalid("Give one of amount and lines", "amount", "parameter_missing")
    if rows is not None:
        return [
            _of_invoice_line(account, invoice, row)
            if row["type"] == "invoice_line_item"
            else _custom(account, row)
            for row in rows
        ]
    if amount <= 0:
        raise invalid("amount must be greater than 0", "amount", "parameter_invalid_integer")
    taxes = _scaled(invoice["total_taxes"], amount, invoice["total"])
    outside = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    text = f"Credit for invoice {invoice['number']}"
    return [_line(account, "custom_line_item", amount - outside, description=text, taxes=taxes)]


def _create(call: Call) -> Record:
    account = call.account
    invoice = account.find(INVOICES, call.get("invoice"), "invoice")
    if invoice["status"] not in {"open", "paid", "uncollectible"}:
        raise not_now("A credit note needs a finalized invoice", param="invoice")
    lines = _lines(call, invoice)
    sums = totals(lines)
    pre = min(sums["total"], invoice["amount_remaining"])
    post = sums["total"] - pre
    _check_means(call, invoice, post)
    earlier = sum(1 for row in account.rows(TABLE) if row["invoice"] == invoice["id"])
    fields = {
        **sums,
        **call.given("memo", "metadata", "out_of_band_amount", "reason", "effective_at"),
        "number": f"{invoice['number']}-CN-{earlier + 1:02d}",
        "post_payment_amount": post,
        "pre_payment_amount": pre,
        "refunds": _refunds(call, invoice),
        "type": "mixed" if pre and post else "post_payment" if post else "pre_payment",
        "_lines": tuple(lines),
    }
    made = _new_note(account, invoice, fields)
    _apply(account, invoice["id"], pre, post, call.get("credit_amount", 0))
    return made


def _new_note(account: Account, invoice: Record, fields: dict[str, Json]) -> Record:
    return account.create(
        TABLE,
        {
            "amount": fields["total"],
            "amount_shipping": 0,
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "customer_balance_transaction": None,
            "discount_amount": 0,
            "discount_amounts": [],
            "effective_at": account.now(),
            "invoice": invoice["id"],
            "memo": None,
            "out_of_band_amount": None,
            "pdf": None,
            "pretax_credit_amounts": [],
            "reason": None,
            "shipping_cost": None,
            "status": "issued",
            "voided_at": None,
            **fields,
            "metadata": merged_metadata(None, fields.get("metadata")),
        },
        "credit_note.created",
    )


def _check_means(call: Call, invoice: Record, post: int) -> None:
    names = ("refund_amount", "credit_amount", "out_of_band_amount")
    linked = sum(row.get("amount_refunded", 0) for row in call.get("refunds") or ())
    given = sum(call.get(name, 0) for name in names) + linked
    if given != post:
        text = (
            f"The amounts refunded, credited and settled outside add up to {given}; after what is"
            f" still due on the invoice they have to be {post}"
        )
        raise not_now(text, param="amount")
    if post > invoice["amount_paid"] - invoice["post_payment_credit_notes_amount"]:
        raise not_now("The credit is more than what was paid", param="amount")


def _refunds(call: Call, invoice: Record) -> list[Record]:
    """New and linked refunds of the note."""
    account = call.account
    rows = []
    for row in call.get("refunds") or ():
        found = account.find("refunds", str(row.get("refund")), "refunds[refund]")
        amount = row.get("amount_refunded", found["amount"])
        rows.append({"amount_refunded": amount, "refund": found["id"], "type": "refund"})
    left = call.get("refund_amount", 0)
    for payment in payments_of(account, invoice["id"]):
        if payment["status"] != "paid" or left <= 0:
            continue
        intent = account.find("payment_intents", payment["payment"]["payment_intent"])
        charge = account.find("charges", intent["latest_charge"])
        amount = min(left, charge["amount"] - charge["amount_refunded"])
        if amount > 0:
            made = refunds.refund(account, charge, amount)
            rows.append({"amount_refunded": amount, "refund": made["id"], "type": "refund"})
            left -= amount
    if left > 0:
        raise not_now("There is no payment left that could be refunded", param="refund_amount")
    return rows


def _apply(account: Account, invoice_id: str, pre: int, post: int, credited: int) -> None:
    invoice = account.find(INVOICES, invoice_id)
    left = invoice["amount_remaining"] - pre
    fields = {
        "amount_due": invoice["amount_due"] - pre,
        "amount_remaining": left,
        "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"] + pre,
        "post_payment_credit_notes_amount": invoice["post_payment_credit_notes_amount"] + post,
    }
    changed = account.change(INVOICES, invoice_id, fields, "invoice.updated")
    if credited:
        customer = account.find("customers", invoice["customer"])
        balance = {"balance": customer["balance"] - credited}
        account.change("customers", customer["id"], balance, "customer.updated")
    if pre and left == 0:
        paid(account, changed, None)
    elif pre > 0:
        ask_for(account, invoice_id, left)


def _update(call: Call) -> Record:
    account = call.account
    old = account.find(TABLE, call.id)
    fields = account.merged(old, call.given("memo", "metadata"))
    return account.change(TABLE, call.id, fields, "credit_note.updated")


def _void(call: Call) -> Record:
    account = call.account
    old = account.find(TABLE, call.id)
    invoice = account.find(INVOICES, old["invoice"])
    if old["status"] != "issued" or invoice["status"] != "open":
        raise not_now("Only a credit note of an open invoice can be voided")
    _apply(account, invoice["id"], -old["pre_payment_amount"], 0, 0)
    ask_for(account, invoice["id"], invoice["amount_remaining"] + old["pre_payment_amount"])
    fields = {"status": "void", "voided_at": account.now()}
    return account.change(TABLE, call.id, fields, "credit_note.voided")


def _list_lines(call: Call) -> Record:
    call.used.update(call.params)
    rows = call.account.find(TABLE, call.id)["_lines"]
    url = f"/v1/credit_notes/{call.id}/lines"
    return listing.page(rows, lambda _: True, call.params, url, "credit_note_line_item")


def endpoints() -> Iterator[Endpoint]:
    """The API of credit notes."""
    resource = RESOURCES[TABLE]
    lines = f"{resource.path}/{{id}}/lines"
    yield Endpoint("GET", lines, "credit_note.lines", _list_lines, resource, finished=True)
    yield from Reading(TABLE, "credit_note.list").endpoints()
    yield writing(TABLE, "", "credit_note.create", _create, "create")
    yield writing(TABLE, "/{id}", "credit_note.modify", _update)
    yield writing(TABLE, "/{id}/void", "credit_note.void", _void)
