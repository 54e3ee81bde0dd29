"""Amounts are exact both ways, in Stripe's units and not in ISO's."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.stripe.currencies import (
    exponent,
    from_minor,
    from_minor_decimal,
    step,
    to_minor,
    to_minor_decimal,
)

VECTORS = (
    ("usd", "12.34", 1234),
    ("USD", "0", 0),
    ("eur", "-0.01", -1),
    ("jpy", "500", 500),
    ("krw", "1", 1),
    ("mga", "7", 7),  # ISO 4217 has two places
    ("kwd", "1.230", 1230),
    ("bhd", "0.010", 10),
    ("isk", "5", 500),  # ISO 4217 has none
    ("ugx", "5", 500),
    ("huf", "10.50", 1050),
    ("twd", "10.50", 1050),
)
CURRENCIES = st.sampled_from(("usd", "jpy", "kwd", "isk", "ugx", "mga", "xof", "tnd", "chf"))


@pytest.mark.parametrize(("currency", "amount", "units"), VECTORS)
def test_amounts_have_stripes_units(currency: str, amount: str, units: int) -> None:
    assert to_minor(Decimal(amount), currency) == units
    assert from_minor(units, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("currency", "amount"),
    [
        ("usd", "0.001"),
        ("jpy", "0.5"),
        ("kwd", "1.234"),  # the last digit must be 0
        ("isk", "5.5"),
        ("ugx", "0.01"),
        ("usd", "NaN"),
        ("usd", "Infinity"),
        ("usd", "1E+30"),
        ("us", "1"),
        ("dollars", "1"),
        ("", "1"),
        ("u$d", "1"),
    ],
)
def test_what_does_not_fit_is_refused(currency: str, amount: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        to_minor(Decimal(amount), currency)


@given(CURRENCIES, st.integers(-(10**14), 10**14))
def test_what_we_send_comes_back(currency: str, count: int) -> None:
    units = count * step(currency)
    amount = from_minor(units, currency)
    assert to_minor(amount, currency) == units
    assert -amount.as_tuple().exponent == exponent(currency)  # type: ignore[operator]


@given(CURRENCIES, st.decimals(0, 10**9, places=9))
def test_unit_prices_are_exact(currency: str, price: Decimal) -> None:
    text = to_minor_decimal(price, currency)
    assert "E" not in text
    assert from_minor_decimal(text, currency) == price


def test_a_unit_price_has_twelve_places_at_most() -> None:
    assert to_minor_decimal(Decimal("0.00000000000001"), "usd") == "0.000000000001"
    with pytest.raises(ValueError, match="finer"):
        to_minor_decimal(Decimal("0.000000000000001"), "usd")
