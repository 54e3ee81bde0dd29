"""Lines and totals of a quote. Only the SKU of a line is checked; what else a caller gives is taken
as it is ("Headless API", ``line_items``), and what is left out comes from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from sandbox.dealhub.errors import Problem, bad_value, missing
from sandbox.dealhub.tenant import Tenant
from sandbox.dealhub.values import EXPONENTS, HUNDRED, ZERO, Row, factor_text, number, rounded

_GIVEN: Final = ("list_price", "net_price_per_unit", "net_price", "msrp", "msrp_discount",
                 "sales_discount", "total_discount")  # fmt: skip
_YEN: Final = 150


def price_of(tenant: Tenant, sku: str, currency: str) -> Decimal:
    """The catalogue's price of one unit in a currency."""
    price = tenant.products[sku].price
    return rounded(price * _YEN, currency) if currency == "JPY" else rounded(price, currency)


def priced_lines(
    tenant: Tenant, lines: Sequence[Mapping[str, Any]], currency: str, overall: Decimal | None
) -> list[Row]:
    """The lines as the quote keeps them. ``overall`` is a discount over all of them, in percent."""
    if currency not in EXPONENTS:
        raise bad_value("currency", currency, EXPONENTS)
    return [
        _line(tenant, place, line, currency, overall) for place, line in enumerate(lines, start=1)
    ]


def _line(
    tenant: Tenant, place: int, line: Mapping[str, Any], currency: str, overall: Decimal | None
) -> Row:
    sku = line.get("sku")
    if not isinstance(sku, str) or not sku:
        raise missing([f"line_items[{place - 1}].sku"])
    if sku not in tenant.products:
        raise bad_value("sku", sku)
    given = {name: _number(line, name) for name in _GIVEN if line.get(name) is not None}
    factors = {str(k): _factor(k, v) for k, v in (line.get("product_factors") or {}).items()}
    units = Decimal(1)
    for factor in factors.values():
        units *= factor
    list_price = given.get("list_price", price_of(tenant, sku, currency))
    discount = overall if overall is not None else given.get("sales_discount", ZERO)
    per_unit = given.get("net_price_per_unit")
    if per_unit is None:
        per_unit = rounded(list_price * (HUNDRED - discount) / HUNDRED, currency)
    elif list_price and overall is None and "sales_discount" not in given:
        discount = rounded((list_price - per_unit) / list_price * HUNDRED, "USD")
    return {
        "id": tenant.new_id("line"),
        "sku": sku,
        "bundle_ref": line.get("bundle_ref_sku") or "",
        "name": line.get("item_name") or tenant.products[sku].name,
        "primary_tag": "",
        "group_name": "Products",
        "ordinal": place,
        "msrp": given.get("msrp", list_price),
        "msrp_discount": given.get("msrp_discount", ZERO),
        "list_price": list_price,
        "user_price": per_unit,
        "net_per_unit": per_unit,
        "net_price": given.get("net_price", rounded(per_unit * units, currency)),
        "partner_discounts": [],
        "sales_discount": discount,
        "total_discount": given.get("total_discount", discount),
        "product_factors": {name: factor_text(factor) for name, factor in factors.items()},
        "attributes": {str(k): str(v) for k, v in (line.get("attributes") or {}).items()},
    }


def _number(line: Mapping[str, Any], name: str) -> Decimal:
    read = number(line[name])
    if read is None or isinstance(line[name], str):
        raise bad_value(name, line[name])
    return read


def _factor(name: object, value: object) -> Decimal:
    read = number(value)
    if read is None or isinstance(value, str):
        raise bad_value(f"product_factors.{name}", value)
    return read


def summary_of(lines: Sequence[Row], currency: str) -> Row:
    """The totals. ``total_discount`` is a percentage of the list price."""
    listed, net = ZERO, ZERO
    for line in lines:
        units = Decimal(1)
        for factor in line["product_factors"].values():
            units *= Decimal(factor)
        listed += line["list_price"] * units
        net += line["net_price"]
    listed, net = rounded(listed, currency), rounded(net, currency)
    discount = rounded((listed - net) / listed * HUNDRED, "USD") if listed else ZERO
    return {
        "currency": currency,
        "total_list_price": listed,
        "total_net_price": net,
        "total_discount": discount,
        "sales_discount": discount,
    }


def needs_approval(lines: Sequence[Row], above_percent: int) -> bool:
    """Whether any line is discounted by more than a representative may give."""
    return any(line["total_discount"] > above_percent for line in lines)


def require_lines(lines: Sequence[Row]) -> None:
    """A quote without a line has nothing to approve."""
    if not lines:
        raise Problem("The quote has no line items and cannot be submitted")
