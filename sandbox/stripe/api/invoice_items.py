"""Invoice items, which become lines of an invoice. Reference: docs.stripe.com/api/invoiceitems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.account import Account
from sandbox.stripe.api.catalogue import new_price
from sandbox.stripe.api.invoice_records import set_lines
from sandbox.stripe.api.lines import amount_of, new_line
from sandbox.stripe.errors import invalid, not_now
from sandbox.stripe.money import check_currency, decimal_text
from sandbox.stripe.service import Call, Endpoint, Filter, Reading, writing
from sandbox.stripe.store import Record, merged_metadata

TABLE: Final = "invoiceitems"


def new_item(account: Account, customer: str, fields: Mapping[str, Json]) -> Record:
    """An item, of an invoice or waiting for the next one."""
    now = account.now()
    return account.create(
        TABLE,
        {
            "customer": customer,
            "date": now,
            "description": None,
            "discountable": True,
            "discounts": [],
            "invoice": None,
            "parent": None,
            "period": {"start": now, "end": now},
            "proration": False,
            "quantity": 1,
            "quantity_decimal": "1",
            "tax_rates": [],
            "test_clock": None,
            "_price": None,
            **fields,
            "net_amount": fields["amount"],
            "metadata": merged_metadata(None, fields.get("metadata")),
        },
        "invoiceitem.created",
    )


def view(account: Account, record: Record) -> Record:
    """Tax rates are printed whole; the time it was made is called ``date``."""
    rates = [account.render("tax_rates", rate) for rate in record["tax_rates"]]
    bare = {key: value for key, value in record.items() if key != "created"}
    return {**bare, "tax_rates": rates}


def rates_of(account: Account, ids: Json, param: str) -> list[Record]:
    """Tax rates by id; an archived one cannot be used any more."""
    rates = [account.find("tax_rates", id, param) for id in ids or ()]
    for rate in rates:
        if not rate["active"]:
            raise not_now(f"The tax rate {rate['id']} is archived", param=param)
    return rates


def line_of(account: Account, item: Record, default_rates: list[Record]) -> Record:
    """The line an item becomes; its own rates win over the invoice's."""
    price = account.store.get("prices", item["_price"]) if item["_price"] else None
    details = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "proration_details": None,
        "subscription": item.get("_subscription"),
    }
    unit = (item["pricing"] or {}).get("unit_amount_decimal")
    return new_line(
        account.new_id("il"),
        item["amount"],
        item["currency"],
        description=item["description"],
        quantity=Decimal(item["quantity_decimal"]),
        period=(item["period"]["start"], item["period"]["end"]),
        parent={"type": "invoice_item_details", "invoice_item_details": details},
        rates=item["tax_rates"] or default_rates,
        price=price,
        unit=Decimal(unit) if unit is not None else None,
        metadata=item["metadata"],
    )


def rebuild(account: Account, invoice: Record, *events: str) -> Record:
    """Make the lines of a draft anew from its items, and add up. Lines of a subscription stay."""
    kept = [line for line in invoice["_lines"] if "subscription_item_details" in line["parent"]]
    own = [row for row in account.rows(TABLE) if row["invoice"] == invoice["id"]]
    made = [line_of(account, item, invoice["default_tax_rates"]) for item in reversed(own)]
    return set_lines(account, invoice["id"], [*kept, *made], *events)


def _priced(call: Call, currency: str | None) -> dict[str, Json]:
    """Amount, currency, pricing and quantity from whichever of the ways was used."""
    account = call.account
    exact = call.get("quantity_decimal")
    quantity = exact if exact is not None else Decimal(call.get("quantity", 1))
    price_id = (call.get("pricing") or {}).get("price")
    data, amount, unit = call.get("price_data"), call.get("amount"), call.get("unit_amount_decimal")
    ways = [way for way in (price_id, data, amount, unit) if way is not None]
    if len(ways) != 1:
        text = "Give one of amount, pricing[price], price_data and unit_amount_decimal"
        raise invalid(text, "amount", "parameter_missing")
    if amount is not None and (call.has("quantity") or exact is not None):
        raise invalid("quantity goes with a price or a unit amount, not with amount", "quantity")
    price, product = None, None
    if price_id is not None:
        price = account.find("prices", price_id, "pricing[price]")
        if price["type"] != "one_time":
            raise not_now("The price must be of type one_time", param="pricing[price]")
        code, total, text = price["currency"], amount_of(price, quantity), "price"
        unit_text, product = price["unit_amount_decimal"], price["product"]
    elif data is not None:
        code = check_currency(data["currency"], "price_data[currency]")
        account.find("products", data["product"], "price_data[product]")
        price = new_price(account, {**data, "active": False})
        price_id, product, unit_text = price["id"], price["product"], price["unit_amount_decimal"]
        total = amount_of(price, quantity)
    else:
        code = check_currency(str(call.get("currency") or currency or ""))
        unit_text = str(amount if amount is not None else unit)
        total = amount_of({"billing_scheme": "", "unit_amount_decimal": unit_text}, quantity)
    named = {"price": price_id, "product": product} if product else None
    return {
        "amount": total,
        "currency": code,
        "pricing": {
            "type": "price_details",
            "price_details": named,
            "unit_amount_decimal": unit_text,
        },
        "quantity": int(quantity),
        "quantity_decimal": decimal_text(quantity),
        "_price": price_id,
    }


def _draft(account: Account, id: str) -> Record:
    invoice = account.find("invoices", id, "invoice")
    if invoice["status"] != "draft":
        text = "This invoice is no longer editable: it has been finalized"
        raise not_now(text, "invoice_not_editable", "invoice")
    return invoice


def _create(call: Call) -> Record:
    account = call.account
    invoice = _draft(account, call.get("invoice")) if call.get("invoice") else None
    customer = call.get("customer") or (invoice or {}).get("customer")
    if customer is None:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    account.find("customers", customer, "customer")
    fields = _priced(call, (invoice or {}).get("currency"))
    fields |= call.given("description", "discountable", "metadata", "period")
    fields["tax_rates"] = rates_of(account, call.get("tax_rates"), "tax_rates")
    if invoice is not None:
        if fields["currency"] != invoice["currency"] and invoice["_lines"]:
            raise not_now("The currency must be that of the invoice", param="currency")
        fields["invoice"] = invoice["id"]
    item = new_item(account, customer, fields)
    if invoice is not None:
        if not invoice["_lines"]:
            currency = {"currency": fields["currency"]}
            invoice = account.change("invoices", invoice["id"], currency, quiet=True)
        rebuild(account, invoice, "invoice.updated")
    return item


def _update(call: Call) -> Record:
    account = call.account
    old = account.find(TABLE, call.id)
    invoice = _draft(account, old["invoice"]) if old["invoice"] else None
    fields = account.merged(old, call.given("description", "discountable", "metadata", "period"))
    priced = {"amount", "quantity", "quantity_decimal", "price_data", "pricing"}
    if (priced | {"unit_amount_decimal"}) & set(call.params):
        fields |= _priced(call, old["currency"])
        fields["net_amount"] = fields["amount"]
    if call.has("tax_rates"):
        fields["tax_rates"] = rates_of(account, call.get("tax_rates"), "tax_rates")
    item = account.change(TABLE, call.id, fields)
    if invoice is not None:
        rebuild(account, invoice, "invoice.updated")
    return item


def _delete(call: Call) -> Record:
    account = call.account
    old = account.find(TABLE, call.id)
    invoice = _draft(account, old["invoice"]) if old["invoice"] else None
    account.tell("invoiceitem.deleted", old)
    account.store.erase(TABLE, call.id)
    if invoice is not None:
        rebuild(account, invoice, "invoice.updated")
    return {"id": call.id, "object": "invoiceitem", "deleted": True}


def _pending(_: Account, record: Record, wanted: Json) -> bool:
    return bool((record["invoice"] is None) == wanted)


_FILTERS: Final[Mapping[str, Filter]] = {"pending": _pending}


def endpoints() -> Iterator[Endpoint]:
    """The API of invoice items."""
    yield from Reading(TABLE, "invoice_item.list", _FILTERS).endpoints()
    yield writing(TABLE, "", "invoice_item.create", _create, "create")
    yield writing(TABLE, "/{id}", "invoice_item.modify", _update)
    yield writing(TABLE, "/{id}", "retrieve", _delete, "delete", "DELETE")
