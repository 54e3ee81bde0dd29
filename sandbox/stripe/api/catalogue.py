"""Products, prices and tax rates. Reference: docs.stripe.com/api/products, /prices, /tax_rates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.account import Account, refuse_deleted
from sandbox.stripe.errors import ApiError, invalid, not_now
from sandbox.stripe.money import check_amount, check_currency, decimal_text
from sandbox.stripe.service import Call, Endpoint, Reading, writing
from sandbox.stripe.store import Record, merged_metadata

_PRODUCT: Final = ("name", "active", "description", "statement_descriptor", "tax_code", "url")
_MORE: Final = ("unit_label", "images", "shippable")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")


def new_product(account: Account, fields: Mapping[str, Json]) -> Record:
    """A product; it may bring its own id."""
    id = fields.get("id") or account.new_id("prod", 14)
    if not _ID.fullmatch(str(id)):
        raise invalid("A product's id has letters, digits, _ and - only", "id")
    if account.store.get("products", id) is not None:
        raise ApiError(400, "Product already exists.", code="resource_already_exists", param="id")
    return account.create(
        "products",
        {
            "active": True,
            "default_price": None,
            "description": None,
            "images": [],
            "marketing_features": [],
            "name": None,
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "type": "service",
            "unit_label": None,
            "updated": account.now(),
            "url": None,
            **fields,
            "id": id,
            "metadata": merged_metadata(None, fields.get("metadata")),
        },
        "product.created",
    )


def _create_product(call: Call) -> Record:
    account = call.account
    made = new_product(account, call.given("id", "metadata", *_PRODUCT, *_MORE))
    default = call.get("default_price_data")
    if default is None:
        return made
    price = new_price(account, {**default, "product": made["id"]})
    return account.change("products", made["id"], {"default_price": price["id"]}, quiet=True)


def _update_product(call: Call) -> Record:
    account = call.account
    old = refuse_deleted(account.find("products", call.id))
    fields = account.merged(old, call.given("metadata", "default_price", *_PRODUCT, *_MORE))
    if fields.get("default_price") is not None:
        price = account.find("prices", fields["default_price"], "default_price")
        if price["product"] != call.id:
            raise not_now("The price belongs to another product", param="default_price")
    if {**old, **fields} != old:
        fields["updated"] = account.now()
    return account.change("products", call.id, fields, "product.updated")


def _delete_product(call: Call) -> Record:
    account = call.account
    old = refuse_deleted(account.find("products", call.id))
    if any(row["product"] == call.id for row in account.rows("prices")):
        raise not_now("This product cannot be deleted because it has one or more prices.")
    account.tell("product.deleted", old)
    stub = {"id": call.id, "object": "product", "deleted": True}
    account.store.put("products", stub, account.instant())
    return stub


def unit_amounts(fields: Mapping[str, Json], currency: str) -> tuple[int | None, str]:
    """``unit_amount`` and ``unit_amount_decimal``; the first is null for a broken minor unit."""
    whole, exact = fields.get("unit_amount"), fields.get("unit_amount_decimal")
    if (whole is None) == (exact is None):
        text = "Give one of unit_amount and unit_amount_decimal"
        raise invalid(text, "unit_amount", "parameter_missing")
    value = Decimal(whole) if whole is not None else Decimal(exact or 0)
    if value == value.to_integral_value():
        return check_amount(int(value), currency, "unit_amount"), decimal_text(value)
    return None, decimal_text(value)


def _tiers(fields: Mapping[str, Json]) -> list[Record]:
    tiers = fields.get("tiers") or []
    if not tiers or not fields.get("tiers_mode"):
        raise invalid("A tiered price needs tiers and tiers_mode", "tiers", "parameter_missing")
    made: list[Record] = []
    for tier in tiers:
        up_to = tier["up_to"]
        row: Record = {"up_to": None if up_to == "inf" else int(up_to)}
        for name in ("unit_amount", "flat_amount"):
            value = tier.get(f"{name}_decimal", tier.get(name))
            row[name] = None if value is None else int(value)
            row[f"{name}_decimal"] = None if value is None else decimal_text(Decimal(value))
        made.append(row)
    if made[-1]["up_to"] is not None:
        raise invalid("The last tier goes up to inf", "tiers")
    return made


def new_price(account: Account, fields: Mapping[str, Json]) -> Record:
    """A price. Its amount never changes."""
    currency = check_currency(str(fields["currency"]))
    tiered = fields.get("billing_scheme") == "tiered"
    whole, exact = (None, None) if tiered else unit_amounts(fields, currency)
    recurring = fields.get("recurring")
    if recurring is not None:
        meter = recurring.get("meter")
        usage = recurring.get("usage_type", "licensed")
        if (usage == "metered") != (meter is not None):
            raise invalid("A metered price needs a meter, another has none", "recurring[meter]")
        if meter is not None:
            account.find("meters", meter, "recurring[meter]")
        recurring = {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": meter,
            "trial_period_days": recurring.get("trial_period_days"),
            "usage_type": usage,
        }
    return account.create(
        "prices",
        {
            "active": fields.get("active", True),
            "billing_scheme": "tiered" if tiered else "per_unit",
            "currency": currency,
            "custom_unit_amount": None,
            "lookup_key": fields.get("lookup_key"),
            "metadata": merged_metadata(None, fields.get("metadata")),
            "nickname": fields.get("nickname"),
            "product": fields["product"],
            "recurring": recurring,
            "tax_behavior": fields.get("tax_behavior") or "unspecified",
            "tiers_mode": fields.get("tiers_mode"),
            "transform_quantity": None,
            "type": "recurring" if recurring else "one_time",
            "unit_amount": whole,
            "unit_amount_decimal": exact,
            "_tiers": _tiers(fields) if tiered else None,
        },
        "price.created",
    )


def _create_price(call: Call) -> Record:
    account = call.account
    fields = call.given(
        "currency",
        "product",
        "unit_amount",
        "unit_amount_decimal",
        "recurring",
        "nickname",
        "metadata",
        "active",
        "lookup_key",
        "tax_behavior",
        "billing_scheme",
        "tiers",
        "tiers_mode",
    )
    data = call.get("product_data")
    if (data is None) == (fields.get("product") is None):
        raise invalid("Give one of product and product_data", "product", "parameter_missing")
    if data is not None:
        fields["product"] = new_product(account, data)["id"]
    account.find("products", fields["product"], "product")
    _take_lookup_key(call, fields.get("lookup_key"))
    return new_price(account, fields)


def _take_lookup_key(call: Call, key: str | None) -> None:
    holder = next((p for p in call.account.rows("prices") if key and p["lookup_key"] == key), None)
    if holder is None or holder["id"] == call.request.parameters.get("id"):
        return
    if not call.get("transfer_lookup_key"):
        text = f"A price ({holder['id']}) already uses that lookup key."
        raise not_now(text, param="lookup_key")
    call.account.change("prices", holder["id"], {"lookup_key": None}, "price.updated")


def _update_price(call: Call) -> Record:
    account = call.account
    old = account.find("prices", call.id)
    fields = account.merged(
        old, call.given("active", "nickname", "metadata", "lookup_key", "tax_behavior")
    )
    _take_lookup_key(call, fields.get("lookup_key"))
    if "tax_behavior" in fields and old["tax_behavior"] not in {
        "unspecified",
        fields["tax_behavior"],
    }:
        raise not_now("tax_behavior cannot be changed once it is set", param="tax_behavior")
    return account.change("prices", call.id, fields, "price.updated")


def _create_tax_rate(call: Call) -> Record:
    fields = call.given(
        "display_name", "inclusive", "country", "description", "jurisdiction", "state", "tax_type"
    )
    return call.account.create(
        "tax_rates",
        {
            "active": call.get("active", True),
            "country": None,
            "description": None,
            "effective_percentage": None,
            "flat_amount": None,
            "jurisdiction": None,
            "jurisdiction_level": None,
            "rate_type": "percentage",
            "state": None,
            "tax_type": None,
            **fields,
            "metadata": merged_metadata(None, call.get("metadata")),
            "percentage": float(call.get("percentage", 0)),
        },
        "tax_rate.created",
    )


def _update_tax_rate(call: Call) -> Record:
    account = call.account
    old = account.find("tax_rates", call.id)
    names = ("active", "country", "description", "display_name", "jurisdiction", "state")
    fields = account.merged(old, call.given("metadata", "tax_type", *names))
    return account.change("tax_rates", call.id, fields, "tax_rate.updated")


def endpoints() -> Iterator[Endpoint]:
    """The API of the catalogue."""
    filters = {
        "ids": lambda _, row, wanted: bool(row["id"] in wanted),
    }
    yield from Reading("products", "product.list", filters).endpoints()
    yield writing("products", "", "product.create", _create_product, "create")
    yield writing("products", "/{id}", "product.modify", _update_product)
    yield writing("products", "/{id}", "retrieve", _delete_product, "delete", "DELETE")
    prices = {
        "lookup_keys": lambda _, row, wanted: bool(row["lookup_key"] in wanted),
        "recurring": lambda _, row, wanted: (
            row["recurring"] is not None
            and all(row["recurring"][name] == value for name, value in wanted.items())
        ),
    }
    yield from Reading("prices", "price.list", prices).endpoints()
    yield writing("prices", "", "price.create", _create_price, "create")
    yield writing("prices", "/{id}", "price.modify", _update_price)
    yield from Reading("tax_rates", "tax_rate.list").endpoints()
    yield writing("tax_rates", "", "tax_rate.create", _create_tax_rate, "create")
    yield writing("tax_rates", "/{id}", "tax_rate.modify", _update_tax_rate)
