"""Laws of the price engine."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.salesforce.cpq import prices

DAYS = st.dates(date(2025, 1, 1), date(2027, 12, 31))
PERCENTS = st.decimals(0, 100, places=2)
QUOTE: dict[str, Any] = {"SBQQ__StartDate__c": "2026-01-15", "SBQQ__SubscriptionTerm__c": 12}
RECURRING: dict[str, Any] = {
    "SBQQ__SubscriptionPricing__c": "Fixed Price",
    "SBQQ__DefaultSubscriptionTerm__c": Decimal(12),
    "SBQQ__Quantity__c": Decimal(1),
}


def priced(line: dict[str, Any], quote: dict[str, Any], price: Decimal) -> dict[str, Any]:
    found = {**line, **prices.calculated(line, quote, {"Id": "01u", "UnitPrice": price}, "month")}
    return {**found, **prices.line_formulas(found, quote, {}, "month")}


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2026-01-01", "2026-12-31", "12"),
        ("2026-01-31", "2026-02-27", "1"),
        ("2026-01-01", "2026-01-31", "1"),
        ("2026-03-01", "2026-03-31", "1"),
        ("2026-01-15", "2027-01-14", "12"),
        ("2026-04-01", "2026-04-15", "0.5"),
        ("2024-02-29", "2025-02-27", "12"),
    ],
)
def test_months_between_days(start: str, end: str, months: str) -> None:
    assert prices.periods(start, end, "month") == Decimal(months)


@given(first=DAYS, length=st.integers(0, 800))
def test_days_are_counted_and_months_grow_with_them(first: date, length: int) -> None:
    last = first + timedelta(length)
    assert prices.periods(first.isoformat(), last.isoformat(), "day") == length + 1
    shorter = prices.periods(first.isoformat(), last.isoformat(), "month")
    longer = prices.periods(first.isoformat(), (last + timedelta(1)).isoformat(), "month")
    assert 0 < shorter < longer


@given(
    price=st.decimals(0, 10**6, places=2),
    quantity=st.integers(1, 1000),
    discount=PERCENTS,
    partner=PERCENTS,
)
def test_each_step_takes_something_off_and_totals_are_exact(
    price: Decimal, quantity: int, discount: Decimal, partner: Decimal
) -> None:
    line = {**RECURRING, "SBQQ__Quantity__c": Decimal(quantity), "SBQQ__Discount__c": discount}
    found = priced(line, {**QUOTE, "SBQQ__PartnerDiscount__c": partner}, price)
    steps = [found[f"SBQQ__{name}Price__c"] for name in ("List", "Regular", "Customer", "Partner")]
    assert steps == sorted(steps, reverse=True)
    assert found["SBQQ__NetTotal__c"] == found["SBQQ__NetPrice__c"] * quantity
    assert found["SBQQ__NetPrice__c"].as_tuple().exponent == -2
    assert (
        found["SBQQ__ListTotal__c"] - found["SBQQ__NetTotal__c"]
        == (found["SBQQ__TotalDiscountAmount__c"])
    )
    sums = prices.quote_roll_ups([found, found])
    assert sums["SBQQ__NetAmount__c"] == 2 * found["SBQQ__NetTotal__c"]


@given(prior=st.integers(0, 100), quantity=st.integers(0, 100))
def test_an_amendment_is_worth_the_difference(prior: int, quantity: int) -> None:
    line = {
        **RECURRING,
        "SBQQ__Existing__c": True,
        "SBQQ__PriorQuantity__c": Decimal(prior),
        "SBQQ__Quantity__c": Decimal(quantity),
    }
    found = priced(line, QUOTE, Decimal(10))
    assert found["SBQQ__NetTotal__c"] == 10 * (quantity - prior)


def test_what_adds_nothing_costs_nothing() -> None:
    optional = priced({**RECURRING, "SBQQ__Optional__c": True}, QUOTE, Decimal(10))
    bundled = priced({**RECURRING, "SBQQ__Bundled__c": True}, QUOTE, Decimal(10))
    assert optional["SBQQ__NetTotal__c"] == bundled["SBQQ__NetTotal__c"] == 0


def test_a_price_of_its_own_stays() -> None:
    custom = {
        **RECURRING,
        "SBQQ__PricingMethod__c": "Custom",
        "SBQQ__ListPrice__c": Decimal("77.70"),
    }
    assert priced(custom, QUOTE, Decimal(10))["SBQQ__NetTotal__c"] == Decimal("77.70")
    special = {
        **RECURRING,
        "SBQQ__SpecialPriceType__c": "Custom",
        "SBQQ__SpecialPrice__c": Decimal(8),
    }
    found = priced(special, QUOTE, Decimal(10))
    assert (found["SBQQ__ListPrice__c"], found["SBQQ__NetTotal__c"]) == (10, 8)


def test_a_product_that_may_not_be_discounted_is_not() -> None:
    line = {**RECURRING, "SBQQ__NonDiscountable__c": True, "SBQQ__Discount__c": Decimal(50)}
    assert priced(line, QUOTE, Decimal(10))["SBQQ__CustomerPrice__c"] == 10
