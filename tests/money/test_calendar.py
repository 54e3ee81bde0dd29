"""Months counted and walked through come to the same; mistakes in dates stop nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from engine.money.calendar import Period, elapsed, periods
from engine.money.lines import first_open
from engine.money.model import Fact, FactKind
from engine.money.scheduling import plans
from engine.money.spread import Method

ORDER = Fact(
    FactKind.ORDERED, "k", 1_200_00, "EUR", 2, date(2026, 1, 1), obligation="C-1",
    family="subscription", service_from=date(2026, 1, 1), service_to=date(2026, 12, 31),
)  # fmt: skip
MONTHS = st.dates(date(1980, 1, 1), date(2090, 12, 1)).map(Period.of)


@given(MONTHS, st.integers(0, 400), st.integers(0, 400))
def test_whole_months_are_earned_alike_however_far_away(
    start: Period, length: int, position: int
) -> None:
    months = [start]
    for _ in range(length):
        months.append(months[-1].following)
    until = months[min(position, length)]
    share = elapsed(start.first, months[-1].last, until.last)
    walked = len(list(periods(start.first, until.last)))
    assert share == Fraction(walked, length + 1)


def test_books_that_were_closed_for_decades_have_an_open_period() -> None:
    assert first_open(Period("1990-01"), lambda one: one.name < "2026-07") == Period("2026-07")


def test_a_credit_whose_service_ends_before_it_begins_is_taken_on_its_first_day() -> None:
    credit = replace(
        ORDER, kind=FactKind.CREDITED, key="cm", amount_minor=100_00,
        service_from=date(2026, 3, 1), service_to=date(2026, 2, 1),
    )  # fmt: skip
    (plan,) = plans([(ORDER,), (credit,)], lambda _family: Method.SEPARATE)
    assert plan.amount_minor == 1_100_00
    assert Period("2026-03") not in plan.by_period
