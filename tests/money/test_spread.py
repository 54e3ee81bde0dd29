"""Laws of spreading: sums are exact, the past stays, and a fresh start is a fresh spread."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.money.calendar import DAY, Period, periods
from engine.money.spread import (
    Cut,
    Method,
    Part,
    by_period,
    stretches,
    total,
    unearned_first,
)

START = date(2026, 1, 1)
METHODS = st.sampled_from(Method)
AMOUNTS = st.integers(-(10**12), 10**12)
DAYS = st.integers(0, 1200).map(lambda days: START + timedelta(days=days))


@st.composite
def parts(draw: st.DrawFn) -> Part:
    first, last = sorted((draw(DAYS), draw(DAYS)))
    key = draw(st.sampled_from("abcdef"))
    return Part(f"{key}/{first}/{last}", draw(AMOUNTS), first, last, key)


@st.composite
def changes(draw: st.DrawFn) -> list[Part | Cut]:
    """Parts, some of which are cut short."""
    found: list[Part | Cut] = []
    for one in draw(st.lists(parts(), max_size=6, unique_by=lambda part: part.key)):
        found.append(one)
        if draw(st.booleans()):
            days = draw(st.integers(0, (one.last - one.first).days))
            found.append(Cut(one.key, draw(AMOUNTS), one.first + days * DAY, one.charge))
    return found


def earned(run: object, last: date) -> int:
    return sum(amount for period, amount in by_period(run).items() if period.last <= last)  # type: ignore[arg-type]


@given(changes(), METHODS)
def test_periods_sum_to_what_was_promised(given_changes: list[Part | Cut], method: Method) -> None:
    run = stretches(given_changes, method)
    promised = sum(one.amount_minor for one in given_changes)
    assert total(run) == promised
    assert sum(by_period(run).values()) == promised


@given(changes(), METHODS)
def test_periods_come_in_order_and_none_is_empty(
    given_changes: list[Part | Cut], method: Method
) -> None:
    found = by_period(stretches(given_changes, method))
    assert [*found] == sorted(found)
    assert all(found.values())


@given(changes(), METHODS, st.randoms(use_true_random=False))
def test_the_order_in_which_changes_are_told_is_nothing(
    given_changes: list[Part | Cut], method: Method, random: object
) -> None:
    shuffled = [*given_changes]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert by_period(stretches(shuffled, method)) == by_period(stretches(given_changes, method))


@given(changes(), parts(), METHODS)
def test_months_before_a_change_stay_as_they_were(
    given_changes: list[Part | Cut], late: Part, method: Method
) -> None:
    last = max((one.first for one in given_changes), default=START)
    late = Part("late", late.amount_minor, max(late.first, last), max(late.last, last), "late")
    before = {
        period: amount
        for period, amount in by_period(stretches(given_changes, method)).items()
        if period < Period.of(late.first)
    }
    after = by_period(stretches([*given_changes, late], method))
    assert {one: amount for one, amount in after.items() if one < Period.of(late.first)} == before


@given(st.integers(1, 36), st.integers(1, 35), AMOUNTS, AMOUNTS)
def test_after_the_catch_up_it_is_as_if_it_had_been_so_from_the_start(
    months: int, changed_after: int, amount: int, more: int
) -> None:
    every = [*periods(START, START + timedelta(days=31 * months))][:months]
    if changed_after >= months:
        changed_after = months - 1
    last, day = every[-1].last, every[changed_after].first
    parts = [Part("a", amount, START, last), Part("b", more, day, last)]
    caught_up = by_period(stretches(parts, Method.CATCH_UP))
    fresh = by_period(stretches([Part("ab", amount + more, START, last)], Method.CATCH_UP))
    later = [one for one in every if one > Period.of(day)]
    assert {one: caught_up.get(one, 0) for one in later} == {
        one: fresh.get(one, 0) for one in later
    }
    through = every[changed_after].last
    run = stretches(parts, Method.CATCH_UP)
    assert earned(run, through) == sum(fresh.get(one, 0) for one in every if one.last <= through)


@given(changes(), METHODS, AMOUNTS.map(abs), DAYS)
def test_a_credit_takes_first_what_is_not_earned_yet(
    given_changes: list[Part | Cut], method: Method, amount: int, day: date
) -> None:
    run = stretches(given_changes, method)
    taken = unearned_first(Part("credit", -amount, day, day), run, day)
    assert sum(one.amount_minor for one in taken) == -amount
    assert all(one.first >= day for one in taken)
    later = total(run) - sum(one.earned(day - DAY) for one in run)
    at_once = sum(one.amount_minor for one in taken if one.last == day and one.key != "credit")
    if taken and later > 0 and max(one.until for one in run) >= day:
        assert at_once == -max(amount - later, 0)


def test_thirds_of_a_cent_come_out_over_twelve_months() -> None:
    part = Part("a", 10_000_00, START, date(2026, 12, 31))
    found = [*by_period(stretches([part], Method.PROSPECTIVE)).values()]
    assert found == [83333, 83334, 83333] * 4


def test_a_start_in_mid_month_is_earned_by_days() -> None:
    part = Part("a", 365_00, date(2026, 1, 15), date(2027, 1, 14))
    found = by_period(stretches([part], Method.PROSPECTIVE))
    assert found[Period("2026-01")] == 17_00
    assert found[Period("2026-02")] == 28_00
    assert found[Period("2027-01")] == 14_00
    assert sum(found.values()) == 365_00


YEAR = Part("a", 12_000_00, START, date(2026, 12, 31), "a")
UPSELL = Part("b", 3_000_00, date(2026, 7, 1), date(2026, 12, 31), "b")


@pytest.mark.parametrize(
    ("method", "july", "august"),
    [
        (Method.SEPARATE, 1_500_00, 1_500_00),
        (Method.PROSPECTIVE, 1_500_00, 1_500_00),
        # 15,000 over twelve months: 1,250 a month, of which six months are made up for in July
        (Method.CATCH_UP, 2_750_00, 1_250_00),
    ],
)
def test_an_upsell_that_ends_with_the_contract(method: Method, july: int, august: int) -> None:
    found = by_period(stretches([YEAR, UPSELL], method))
    assert found[Period("2026-06")] == 1_000_00
    assert found[Period("2026-07")] == july
    assert found[Period("2026-08")] == august


def test_an_upsell_that_outlasts_the_contract_is_pooled_only_where_that_is_the_method() -> None:
    longer = Part("b", 12_000_00, date(2026, 7, 1), date(2027, 6, 30), "b")
    apart = by_period(stretches([YEAR, longer], Method.SEPARATE))
    pooled = by_period(stretches([YEAR, longer], Method.PROSPECTIVE))
    assert (apart[Period("2026-08")], apart[Period("2027-02")]) == (2_000_00, 1_000_00)
    assert (pooled[Period("2026-08")], pooled[Period("2027-02")]) == (1_500_00, 1_500_00)


def test_what_begins_together_keeps_its_own_end() -> None:
    quarter = Part("b", 300_00, START, date(2026, 3, 31), "b")
    found = by_period(stretches([YEAR, quarter], Method.PROSPECTIVE))
    assert found[Period("2026-03")] == 1_100_00
    assert found[Period("2026-04")] == 1_000_00


@pytest.mark.parametrize("method", Method)
def test_a_cancellation_settles_the_difference_on_the_day(method: Method) -> None:
    # billed by days, 12,000 × 273 ÷ 365 is 8,975.34; earned by months it is 9,000.00
    cut = Cut("a", 8_975_34 - 12_000_00, date(2026, 10, 1), "a")
    found = by_period(stretches([YEAR, cut], method))
    assert found[Period("2026-09")] == 1_000_00
    assert found[Period("2026-10")] == -24_66
    assert Period("2026-11") not in found


def test_a_smaller_charge_goes_on_with_what_is_left_of_the_larger() -> None:
    cut = Cut("a", 5_950_68 - 12_000_00, date(2026, 7, 1), "a")
    smaller = Part("a2", 3_024_66, date(2026, 7, 1), date(2026, 12, 31), "a")
    found = by_period(stretches([YEAR, cut, smaller], Method.PROSPECTIVE))
    assert found[Period("2026-06")] == 1_000_00
    assert sum(found.values()) == 8_975_34
    assert found[Period("2026-07")] == 495_89
    assert by_period(stretches([YEAR, cut, smaller], Method.SEPARATE)) == found
