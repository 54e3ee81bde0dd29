"""Lines of opportunities, orders and quotes: priced from an entry of the parent's own book."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from sandbox.salesforce.org import Org
from sandbox.salesforce.rules.base import ObjectRules, Save, integrity, missing
from sandbox.salesforce.rules.opportunity import CENT, add_up
from sandbox.salesforce.values import Row

_HUNDRED: Final = Decimal(100)


def _take_from_entry(save: Save, parent_field: str) -> None:
    """Product, list price and currency from the entry, which must fit the parent."""
    org, row = save.org, save.row
    parent = org.live(row[parent_field]) or {}
    entry = org.live(row.get("PricebookEntryId")) or {}
    if save.old is None:
        if not entry:
            raise integrity("PricebookEntryId", "unknown: a pricebook entry id must be specified")
        if parent.get("Pricebook2Id") is None:
            parent = _with_book(org, parent, entry)
        if entry.get("Pricebook2Id") != parent["Pricebook2Id"]:
            reason = "pricebook entry is in a different pricebook than the parent's"
            raise integrity("PricebookEntryId", reason)
        if entry.get("CurrencyIsoCode") != parent.get("CurrencyIsoCode"):
            reason = "pricebook entry currency code does not match the parent's currency code"
            raise integrity("PricebookEntryId", reason)
        if not entry.get("IsActive"):
            raise integrity("PricebookEntryId", "pricebook entry has been inactivated")
    product = org.row(entry.get("Product2Id")) or {}
    row["Product2Id"], row["ListPrice"] = product.get("Id"), entry.get("UnitPrice")
    if "CurrencyIsoCode" in org.table(row_object(org, row)).spec.fields:
        row["CurrencyIsoCode"] = parent.get("CurrencyIsoCode")


def _with_book(org: Org, parent: Row, entry: Row) -> Row:
    """The first line gives an opportunity without a price book the line's own, if it is active.

    "OpportunityLineItem", Effects on Opportunities, Object Reference.
    """
    book = org.live(entry.get("Pricebook2Id"))
    if parent["Id"][:3] != "006" or book is None or not book.get("IsActive"):
        raise integrity("PricebookEntryId", "the parent has no price book assigned")
    return org.revise(parent["Id"], {"Pricebook2Id": book["Id"]})


def row_object(org: Org, row: Row) -> str:
    """The object a row belongs to."""
    return org.schema.by_prefix[row["Id"][:3]].name


def _money(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def _before_opportunity_line(save: Save) -> None:
    _take_from_entry(save, "OpportunityId")
    row, given = save.row, save.given
    opportunity = save.org.row(row["OpportunityId"]) or {}
    product = save.org.row(row["Product2Id"]) or {}
    row["ProductCode"] = product.get("ProductCode")
    row["Name"] = f"{opportunity.get('Name')} {product.get('Name')}"
    if not row.get("Quantity"):
        raise integrity("Quantity", "quantity must not be zero")
    if given.get("UnitPrice") is not None and given.get("TotalPrice") is not None:
        raise integrity("TotalPrice", "specify either UnitPrice or TotalPrice, but not both")
    keep = 1 - (row.get("Discount") or Decimal(0)) / _HUNDRED
    if given.get("TotalPrice") is not None:
        row["UnitPrice"] = (
            _money(row["TotalPrice"] / row["Quantity"] / keep) if keep else Decimal(0)
        )
    elif row.get("UnitPrice") is not None:
        row["TotalPrice"] = _money(row["UnitPrice"] * row["Quantity"] * keep)
    else:
        raise missing("UnitPrice")
    row["Subtotal"] = _money(row["UnitPrice"] * row["Quantity"])


def _after_opportunity_line(org: Org, row: Row) -> None:
    add_up(org, row["OpportunityId"])


def _before_order_line(save: Save) -> None:
    order = save.org.row(save.row["OrderId"]) or {}
    if order.get("StatusCode") == "Activated":
        raise integrity("OrderId", "products of an activated order cannot be added or changed")
    _take_from_entry(save, "OrderId")
    row = save.row
    row["TotalPrice"] = _money(row["UnitPrice"] * row["Quantity"])
    row.setdefault("OrderItemNumber", save.org.next_number("OrderItem"))


def _before_order_line_delete(org: Org, row: Row) -> None:
    if (org.live(row["OrderId"]) or {}).get("StatusCode") == "Activated":
        raise integrity("OrderId", "products of an activated order cannot be removed")


def _after_order_line(org: Org, row: Row) -> None:
    if org.live(row["OrderId"]) is None:
        return
    lines = org.table("OrderItem").children("OrderId", row["OrderId"])
    totals = [line["TotalPrice"] for line in lines]
    org.revise(row["OrderId"], {"TotalAmount": sum(totals, Decimal(0))})


def _before_quote_line(save: Save) -> None:
    _take_from_entry(save, "QuoteId")
    row = save.row
    keep = 1 - (row.get("Discount") or Decimal(0)) / _HUNDRED
    row["Subtotal"] = _money(row["UnitPrice"] * row["Quantity"])
    row["TotalPrice"] = _money(row["Subtotal"] * keep)
    row.setdefault("LineNumber", save.org.next_number("QuoteLineItem"))


def _after_quote_line(org: Org, row: Row) -> None:
    quote = org.live(row["QuoteId"])
    if quote is None:
        return
    lines = list(org.table("QuoteLineItem").children("QuoteId", quote["Id"]))
    total = sum((line["TotalPrice"] for line in lines), Decimal(0))
    extra = (quote.get("Tax") or Decimal(0)) + (quote.get("ShippingHandling") or Decimal(0))
    changes = {
        "LineItemCount": len(lines),
        "Subtotal": sum((line["Subtotal"] for line in lines), Decimal(0)),
        "TotalPrice": total,
        "GrandTotal": total + extra,
    }
    org.revise(quote["Id"], changes)


OPPORTUNITY_LINES: Final = ObjectRules(_before_opportunity_line, _after_opportunity_line)
ORDER_LINES: Final = ObjectRules(_before_order_line, _after_order_line, _before_order_line_delete)
QUOTE_LINES: Final = ObjectRules(_before_quote_line, _after_quote_line)
