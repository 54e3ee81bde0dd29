"""Invoice lines: amounts, taxes and totals. Pure, in the currency's smallest unit.

Reference: docs.stripe.com/api/invoice-line-item and docs.stripe.com/billing/taxes/tax-rates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from sandbox.messages import Json
from sandbox.stripe.money import decimal_text, rounded
from sandbox.stripe.store import Record


def amount_of(price: Record, quantity: Decimal) -> int:
    """What a quantity costs, rounded half up once, at the end."""
    if price["billing_scheme"] != "tiered":
        return rounded(Decimal(price["unit_amount_decimal"]) * quantity)
    total, below = Decimal(0), Decimal(0)
    for tier in price["_tiers"]:
        ends = None if tier["up_to"] is None else Decimal(tier["up_to"])
        last = ends is None or quantity <= ends
        unit = Decimal(tier["unit_amount_decimal"] or 0)
        flat = Decimal(tier["flat_amount_decimal"] or 0)
        if price["tiers_mode"] == "volume":
            if last:
                return rounded(unit * quantity + flat)
            continue
        inside = (quantity if ends is None or last else ends) - below
        if inside > 0 or below == 0:
            total += unit * inside + flat
        if last:
            break
        below = ends or below
    return rounded(total)


def taxes_of(amount: int, rates: Sequence[Record]) -> list[Record]:
    """The tax of each rate on one line. An inclusive rate is inside the amount."""
    inside = sum((Decimal(str(r["percentage"])) for r in rates if r["inclusive"]), Decimal(0))
    base = Decimal(amount) * 100 / (100 + inside)
    made: list[Record] = []
    for rate in rates:
        percentage = Decimal(str(rate["percentage"]))
        made.append(
            {
                "amount": rounded(base * percentage / 100),
                "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
                "tax_rate_details": {"tax_rate": rate["id"]},
                "taxability_reason": "standard_rated" if percentage else "zero_rated",
                "taxable_amount": rounded(base),
                "type": "tax_rate_details",
            }
        )
    return made


def new_line(
    id: str,
    amount: int,
    currency: str,
    *,
    description: str | None,
    quantity: Decimal | None,
    period: tuple[int, int],
    parent: Record,
    rates: Sequence[Record],
    price: Record | None = None,
    unit: Decimal | None = None,
    metadata: Mapping[str, str] | None = None,
    discountable: bool = True,
) -> Record:
    """One line of an invoice."""
    exact = price["unit_amount_decimal"] if price is not None else None
    pricing: Record = {
        "type": "price_details",
        "price_details": {"price": price["id"], "product": price["product"]} if price else None,
        "unit_amount_decimal": exact if unit is None else decimal_text(unit),
    }
    whole = quantity is not None and quantity == quantity.to_integral_value()
    return {
        "id": id,
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": description,
        "discount_amounts": [],
        "discountable": discountable,
        "discounts": [],
        "livemode": False,
        "metadata": dict(metadata or {}),
        "parent": parent,
        "period": {"start": period[0], "end": period[1]},
        "pretax_credit_amounts": [],
        "pricing": pricing,
        "quantity": int(quantity) if whole and quantity is not None else None,
        "quantity_decimal": decimal_text(quantity) if quantity is not None else None,
        "subtotal": amount,
        "taxes": taxes_of(amount, rates),
    }


def total_taxes(lines: Iterable[Record]) -> list[Record]:
    """The taxes of all lines, one row per rate."""
    sums: dict[str, Record] = {}
    for line in lines:
        for tax in line["taxes"]:
            id = tax["tax_rate_details"]["tax_rate"]
            row = sums.setdefault(id, {**tax, "amount": 0, "taxable_amount": 0})
            row["amount"] += tax["amount"]
            row["taxable_amount"] += tax["taxable_amount"]
    return list(sums.values())


def totals(lines: Sequence[Record]) -> dict[str, Json]:
    """The sums an invoice shows before credits and payments."""
    subtotal = sum(line["amount"] for line in lines)
    taxes = total_taxes(lines)
    inside = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")
    outside = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    return {
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inside,
        "total": subtotal + outside,
        "total_excluding_tax": subtotal - inside,
        "total_taxes": taxes,
    }
