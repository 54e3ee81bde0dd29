"""The API of invoices and invoice payments. Reference: docs.stripe.com/api/invoices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sandbox.messages import Json
from sandbox.stripe import listing
from sandbox.stripe.account import Account
from sandbox.stripe.api import invoice_life, invoice_payments
from sandbox.stripe.api.invoice_items import TABLE as ITEMS
from sandbox.stripe.api.invoice_items import rates_of, rebuild
from sandbox.stripe.api.invoice_payments import PAYMENTS
from sandbox.stripe.api.invoice_records import TABLE, new_invoice
from sandbox.stripe.errors import invalid, not_now
from sandbox.stripe.money import check_currency
from sandbox.stripe.service import Call, Endpoint, Filter, Reading, within, writing
from sandbox.stripe.store import Record
from sandbox.stripe.tables import RESOURCES

_PLAIN: Final = (
    "auto_advance",
    "collection_method",
    "default_payment_method",
    "description",
    "due_date",
    "effective_at",
    "footer",
    "number",
    "statement_descriptor",
)
_LATER: Final = frozenset(
    {"auto_advance", "default_payment_method", "due_date", "metadata", "expand", "days_until_due"}
)
_FINALIZE_AFTER_SECONDS: Final = 3600


def _fields(call: Call) -> dict[str, Json]:
    account = call.account
    fields = call.given(*_PLAIN, "metadata")
    if call.has("default_tax_rates"):
        rates = rates_of(account, call.get("default_tax_rates"), "default_tax_rates")
        fields["default_tax_rates"] = rates
    if call.has("days_until_due"):
        fields["_days_until_due"] = call.get("days_until_due")
    method = fields.get("default_payment_method")
    if method is not None:
        account.find("payment_methods", method, "default_payment_method")
    return fields


def _check_terms(method: str, fields: Mapping[str, Json]) -> None:
    terms = {"due_date", "_days_until_due"} & {k for k, v in fields.items() if v is not None}
    if terms and method != "send_invoice":
        text = "due_date and days_until_due need collection_method=send_invoice"
        raise not_now(text, param="days_until_due")
    if len(terms) > 1:
        raise invalid("Give due_date or days_until_due, not both", "due_date")


def _create(call: Call) -> Record:
    account = call.account
    if call.get("customer") is None:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    customer = account.find("customers", call.get("customer"), "customer")
    fields = _fields(call)
    method = str(fields.get("collection_method") or "charge_automatically")
    _check_terms(method, fields)
    if method == "send_invoice" and not {"due_date", "_days_until_due"} & set(fields):
        text = "send_invoice needs due_date or days_until_due"
        raise invalid(text, "days_until_due", "parameter_missing")
    if call.get("currency") is not None:
        fields["currency"] = check_currency(call.get("currency"))
    made = new_invoice(account, customer, fields)
    if fields.get("auto_advance"):
        when = account.now() + _FINALIZE_AFTER_SECONDS
        made = account.change(TABLE, made["id"], {"automatically_finalizes_at": when}, quiet=True)
        account.schedule(when, "finalize_invoice", made["id"])
    if call.get("pending_invoice_items_behavior") == "include":
        return take_pending(account, made)
    return made


def take_pending(account: Account, invoice: Record) -> Record:
    """The customer's waiting items become lines of this draft."""
    waiting = [
        row
        for row in account.rows(ITEMS)
        if row["invoice"] is None and row["customer"] == invoice["customer"]
    ]
    currency = waiting[-1]["currency"] if waiting else invoice["currency"]
    for row in waiting:
        if row["currency"] == currency:
            account.change(ITEMS, row["id"], {"invoice": invoice["id"]})
    if waiting and not invoice["_lines"]:
        account.change(TABLE, invoice["id"], {"currency": currency}, quiet=True)
    return rebuild(account, account.find(TABLE, invoice["id"]))


def _update(call: Call) -> Record:
    account = call.account
    old = account.find(TABLE, call.id)
    if old["status"] != "draft" and set(call.params) - _LATER:
        text = "A finalized invoice can no longer be changed"
        raise not_now(text, "invoice_not_editable")
    fields = account.merged(old, _fields(call))
    _check_terms(str(fields.get("collection_method") or old["collection_method"]), fields)
    changed = account.change(TABLE, call.id, fields, "invoice.updated")
    return rebuild(account, changed) if "default_tax_rates" in fields else changed


def _delete(call: Call) -> Record:
    account = call.account
    old = account.find(TABLE, call.id)
    if old["status"] != "draft":
        raise not_now("You can only delete draft invoices: void this one", "invoice_not_editable")
    for row in list(account.rows(ITEMS)):
        if row["invoice"] == call.id:
            account.store.erase(ITEMS, row["id"])
    account.tell("invoice.deleted", old)
    account.store.erase(TABLE, call.id)
    return {"id": call.id, "object": "invoice", "deleted": True}


def _finalize(call: Call) -> Record:
    account = call.account
    if call.has("auto_advance"):
        advance = {"auto_advance": call.get("auto_advance")}
        account.change(TABLE, call.id, advance, quiet=True)
    if not account.find(TABLE, call.id)["_lines"]:
        text = "You cannot finalize an invoice without lines"
        raise not_now(text, "invoice_no_customer_line_items")
    return invoice_life.finalize(account, call.id)


def _pay(call: Call) -> Record:
    account = call.account
    invoice = account.find(TABLE, call.id)
    if invoice["status"] not in {"open", "uncollectible"}:
        words = {"paid": "already paid", "draft": "a draft: finalize it first"}
        text = f"This invoice is {words.get(invoice['status'], invoice['status'])}"
        raise not_now(text, "invoice_not_editable")
    if call.get("paid_out_of_band"):
        return invoice_payments.settle_out_of_band(account, invoice)
    call.has("off_session")
    return invoice_payments.attempt(account, call.id, call.get("payment_method"))


def pay(account: Account, id: str, fields: Mapping[str, Json]) -> Record:
    """The customer pays on the hosted page, or by cheque with ``paid_out_of_band``."""
    invoice = account.find(TABLE, id)
    if invoice["status"] not in {"open", "uncollectible"}:
        raise not_now(f"This invoice is {invoice['status']}")
    if fields.get("paid_out_of_band"):
        return invoice_payments.settle_out_of_band(account, invoice)
    method = str(fields.get("payment_method") or "pm_card_visa")
    return invoice_payments.attempt(account, id, method)


def _send(call: Call) -> Record:
    account = call.account
    invoice = account.find(TABLE, call.id)
    if invoice["collection_method"] != "send_invoice":
        raise not_now("Only invoices with collection_method=send_invoice can be sent")
    if invoice["status"] == "draft":
        invoice = invoice_life.finalize(account, call.id)
    if invoice["status"] != "open":
        raise not_now(f"This invoice is {invoice['status']}")
    account.tell("invoice.sent", invoice)
    return invoice


def _attach(call: Call) -> Record:
    account = call.account
    invoice = account.find(TABLE, call.id)
    if call.get("payment_intent") is None:
        text = "Missing required param: payment_intent."
        raise invalid(text, "payment_intent", "parameter_missing")
    intent = account.find("payment_intents", call.get("payment_intent"), "payment_intent")
    if invoice["status"] not in {"open", "uncollectible"}:
        raise not_now(f"This invoice is {invoice['status']}")
    if intent["currency"] != invoice["currency"] or intent["customer"] != invoice["customer"]:
        text = "The payment must have the customer and the currency of the invoice"
        raise not_now(text, param="payment_intent")
    if any(
        row["payment"]["payment_intent"] == intent["id"] and row["status"] != "canceled"
        for row in account.rows(PAYMENTS)
    ):
        raise not_now("The payment belongs to an invoice already", param="payment_intent")
    row = invoice_payments.add_payment(account, invoice, intent, intent["amount"], default=False)
    if intent["status"] == "succeeded":
        invoice_payments.receive(account, invoice, row, intent["amount_received"])
    return account.find(TABLE, call.id)


def _lines(call: Call) -> Record:
    call.used.update(call.params)
    invoice = call.account.find(TABLE, call.id)
    url = f"/v1/invoices/{call.id}/lines"
    rows = invoice["_lines"]  # lines come in their own order, oldest first
    return listing.page(rows, lambda _: True, call.params, url, "line_item")


def _subscription(_: Account, record: Record, wanted: Json) -> bool:
    details = (record["parent"] or {}).get("subscription_details") or {}
    return bool(details.get("subscription") == wanted)


def _payment(_: Account, record: Record, wanted: Json) -> bool:
    return all(record["payment"].get(name) == value for name, value in wanted.items())


_FILTERS: Final[Mapping[str, Filter]] = {
    "subscription": _subscription,
    "due_date": within("due_date"),
}


def endpoints() -> Iterator[Endpoint]:
    """Every endpoint of invoices, their lines and their payments."""
    resource = RESOURCES[TABLE]
    yield from Reading(TABLE, "invoice.list", _FILTERS).endpoints()
    lines = f"{resource.path}/{{id}}/lines"
    yield Endpoint("GET", lines, "invoice.lines", _lines, resource, finished=True)
    yield writing(TABLE, "", "invoice.create", _create, "create")
    yield writing(TABLE, "/{id}", "invoice.modify", _update)
    yield writing(TABLE, "/{id}", "retrieve", _delete, "delete", "DELETE")
    yield writing(TABLE, "/{id}/finalize", "invoice.finalize_invoice", _finalize)
    yield writing(TABLE, "/{id}/pay", "invoice.pay", _pay)
    yield writing(TABLE, "/{id}/send", "invoice.send_invoice", _send)
    yield writing(TABLE, "/{id}/attach_payment", "invoice.attach_payment", _attach)
    yield writing(TABLE, "/{id}/void", "invoice.void_invoice", _void)
    yield writing(TABLE, "/{id}/mark_uncollectible", "invoice.mark_uncollectible", _write_off)
    yield from Reading(PAYMENTS, "invoice_payment.list", {"payment": _payment}).endpoints()


def _void(call: Call) -> Record:
    return invoice_life.end(call.account, call.id, "void", ("open", "uncollectible"))


def _write_off(call: Call) -> Record:
    return invoice_life.end(call.account, call.id, "uncollectible", ("open",))
