"""Amounts in the report currency: exact, rounded once per fact, and never at a rate of 1."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.money.model import Fact, FactKind
from engine.money.reporting import Reporting, converted
from engine.money.summary import attributed, by_deal

DAY = date(2026, 3, 31)
PLACES = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}
DOLLARS = Reporting("USD", 2, 7)
rates = st.decimals("0.000001", "5000", allow_nan=False, places=8).filter(bool)
amounts = st.integers(-(10**12), 10**12)
days = st.integers(0, 3).map(lambda number: DAY + timedelta(days=number))


def fact(amount_minor: int, currency: str = "EUR", day: date = DAY, **more: object) -> Fact:
    made = Fact(FactKind.BILLED, "1", amount_minor, currency, PLACES[currency], day)
    return replace(made, **more)  # type: ignore[arg-type]


def nothing(_currency: str, _day: date) -> Decimal | None:
    return None


@pytest.mark.parametrize(
    ("amount_minor", "exponent", "rate", "to_exponent", "expected"),
    [
        (100_00, 2, "1.0825", 2, 108_25),
        (100_000, 0, "0.0067", 2, 670_00),  # yen have no places
        (1_000_010, 3, "3.25", 2, 3250_03),  # 1000.010 dinars: 3250.0325
        (1, 2, "0.5", 2, 0),  # half to even, down
        (3, 2, "0.5", 2, 2),  # and up
        (-3, 2, "0.5", 2, -2),
        (100_00, 2, "149.5", 0, 14950),
    ],
)
def test_an_amount_is_converted_exactly_and_rounded_once(
    amount_minor: int, exponent: int, rate: str, to_exponent: int, expected: int
) -> None:
    assert converted(amount_minor, exponent, Decimal(rate), to_exponent) == expected


@given(amounts, rates, st.sampled_from(sorted(PLACES)))
def test_no_conversion_is_off_by_more_than_half_of_the_smallest_unit(
    amount: int, rate: Decimal, currency: str
) -> None:
    exact = Fraction(amount, 10 ** PLACES[currency]) * Fraction(rate) * 100
    assert abs(converted(amount, PLACES[currency], rate, 2) - exact) <= Fraction(1, 2)
    assert converted(-amount, PLACES[currency], rate, 2) == -converted(
        amount, PLACES[currency], rate, 2
    )


@given(
    st.lists(st.tuples(amounts, st.sampled_from(sorted(PLACES)), days), max_size=8),
    st.dictionaries(st.tuples(st.sampled_from(sorted(PLACES)), days), rates, max_size=12),
)
def test_a_sum_is_the_sum_of_its_converted_facts_or_blank(
    told: list[tuple[int, str, date]], known: dict[tuple[str, date], Decimal]
) -> None:
    own = [fact(*one) for one in told]
    shown = DOLLARS.facts(own, lambda currency, day: known.get((currency, day)))
    sums = DOLLARS.sums(shown, [FactKind.BILLED, FactKind.PAID])
    assert sums[FactKind.PAID] == 0
    lacking = [
        one
        for one in own
        if one.amount_minor
        and one.currency != "USD"
        and (one.currency, one.effective_on) not in known
    ]
    assert [one for one in shown if DOLLARS.lacks(one)] == lacking
    if lacking:
        # what has no rate is nothing, least of all the same number of dollars
        assert sums[FactKind.BILLED] is None
        return
    expected = sum(
        one.amount_minor
        if one.currency == "USD"
        else converted(one.amount_minor, one.exponent, known[one.currency, one.effective_on], 2)
        for one in own
        if one.amount_minor
    )
    assert sums[FactKind.BILLED] == expected


def test_the_report_currency_needs_no_rate_and_nothing_is_nothing() -> None:
    assert DOLLARS.minor(5, "USD", 2, DAY, nothing) == 5
    assert DOLLARS.minor(0, "EUR", 2, DAY, nothing) == 0
    assert DOLLARS.minor(5, "EUR", 2, DAY, nothing) is None


@given(amounts, st.integers(1, 10**6), st.integers(1, 10**6), rates)
def test_what_two_have_in_common_comes_to_the_whole_once_converted(
    paid: int, first: int, second: int, rate: Decimal
) -> None:
    # given an invoice that bills two contracts, and one payment of it
    bills = [
        fact(first, contract="S-1", deal="D-1", document="I-1"),
        fact(second, contract="S-2", deal="D-2", document="I-1"),
    ]
    payment = fact(paid, kind=FactKind.PAID, document="I-1")
    parts = {}
    for name, bill in zip(("D-1", "D-2"), bills, strict=True):
        own = [bill, payment]
        contract = str(bill.contract)
        converted_own = DOLLARS.facts(own, lambda _currency, _day: rate)
        shown = attributed(converted_own, bills, contract)
        parts[name] = by_deal(attributed(own, bills, contract), shown)[name]
    # then both parts, in the report currency, are the whole payment converted
    both = [one.amount_minor for part in parts.values() for one in part if one.kind == "paid"]
    assert len(both) == 2
    assert sum(both) == converted(paid, 2, rate, 2)
    assert {one.currency for part in parts.values() for one in part} <= (
        {"USD"} if paid else {"USD", "EUR"}
    )
