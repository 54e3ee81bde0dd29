"""Products, price books and prices."""

from __future__ import annotations

from typing import Final

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import Org
from sandbox.salesforce.rules.base import ObjectRules, Save, integrity, missing
from sandbox.salesforce.values import Row


def _entries_of(org: Org, product_id: str) -> list[Row]:
    return list(org.table("PricebookEntry").children("Product2Id", product_id))


def _before_price(save: Save) -> None:
    """A standard price comes first; one price per product, book and currency."""
    org, row = save.org, save.row
    book, product = org.live(row["Pricebook2Id"]), org.live(row["Product2Id"])
    if book is None or product is None:
        raise Refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    same_currency = [
        entry
        for entry in _entries_of(org, product["Id"])
        if entry.get("CurrencyIsoCode") == row.get("CurrencyIsoCode") and entry["Id"] != row["Id"]
    ]
    if save.old is None and any(entry["Pricebook2Id"] == book["Id"] for entry in same_currency):
        message = "This price definition already exists in this price book"
        raise Refusal("DUPLICATE_VALUE", message)
    if book.get("IsStandard"):
        if row.get("UseStandardPrice"):
            raise integrity("UseStandardPrice", "a standard price cannot use the standard price")
    else:
        _follow_standard_price(save, same_currency)
    if row.get("UnitPrice") is None:
        raise missing("UnitPrice")
    row["Name"], row["ProductCode"] = product["Name"], product.get("ProductCode")


def _follow_standard_price(save: Save, same_currency: list[Row]) -> None:
    org, row = save.org, save.row
    standard = next(
        (
            entry
            for entry in same_currency
            if (org.row(entry["Pricebook2Id"]) or {}).get("IsStandard")
        ),
        None,
    )
    if save.old is None and standard is None:
        message = "Before creating a custom price, create a standard price."
        raise Refusal("STANDARD_PRICE_NOT_DEFINED", message)
    if row.get("UseStandardPrice") and standard is not None:
        row["UnitPrice"] = standard["UnitPrice"]


def _after_price(org: Org, row: Row) -> None:
    """Prices that use the standard price follow it."""
    if row["IsDeleted"] or not (org.row(row["Pricebook2Id"]) or {}).get("IsStandard"):
        return
    for entry in _entries_of(org, row["Product2Id"]):
        if (
            entry.get("UseStandardPrice")
            and entry.get("CurrencyIsoCode") == row.get("CurrencyIsoCode")
            and entry["UnitPrice"] != row["UnitPrice"]
        ):
            org.revise(entry["Id"], {"UnitPrice": row["UnitPrice"]})


def _after_product(org: Org, row: Row) -> None:
    if row["IsDeleted"]:
        return
    for entry in _entries_of(org, row["Id"]):
        if (entry["Name"], entry.get("ProductCode")) != (row["Name"], row.get("ProductCode")):
            org.revise(entry["Id"], {"Name": row["Name"], "ProductCode": row.get("ProductCode")})


def _before_book_delete(_: Org, row: Row) -> None:
    if row.get("IsStandard"):
        raise Refusal("DELETE_FAILED", "The standard price book cannot be deleted")


PRICES: Final = ObjectRules(before_save=_before_price, after_change=_after_price)
PRODUCTS: Final = ObjectRules(after_change=_after_product)
PRICE_BOOKS: Final = ObjectRules(before_delete=_before_book_delete)
