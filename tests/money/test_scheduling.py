"""From facts to plans: what an order was, what it became, and what was taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from engine.money.calendar import Period
from engine.money.lines import Reason, plan_lines
from engine.money.model import Fact, FactKind
from engine.money.scheduling import Plan, changes, plans
from engine.money.spread import Cut, Method, Part

ORDER = Fact(
    FactKind.ORDERED, "C-1/1", 12_000_00, "EUR", 2, date(2026, 1, 1),
    contract="S-1", obligation="C-1", family="subscription", entity="3",
    service_from=date(2026, 1, 1), service_to=date(2026, 12, 31),
)  # fmt: skip
CREDIT = replace(ORDER, kind=FactKind.CREDITED, key="cm", family=None, entity=None)
MONTHS = st.integers(1, 24).map(lambda number: Period(f"{2026 + (number - 1) // 12}-{(number - 1) % 12 + 1:02}"))  # fmt: skip  # noqa: E501
AMOUNTS = st.integers(-(10**9), 10**9)


def only(*versions: tuple[Fact, ...]) -> Plan:
    (plan,) = plans(versions, lambda _family: Method.PROSPECTIVE)
    return plan


def test_another_price_for_the_same_service_was_so_from_the_start() -> None:
    assert changes([ORDER, replace(ORDER, amount_minor=6_000_00)]) == [
        Part("C-1/C-1/1", 6_000_00, date(2026, 1, 1), date(2026, 12, 31), "C-1")
    ]


def test_a_service_that_ends_sooner_is_cut_from_what_was_first_promised() -> None:
    june = replace(ORDER, amount_minor=5_950_68, service_to=date(2026, 6, 30))
    march = replace(ORDER, amount_minor=2_958_90, service_to=date(2026, 3, 31))
    assert changes([ORDER, june, march]) == [
        Part("C-1/C-1/1", 12_000_00, date(2026, 1, 1), date(2026, 12, 31), "C-1"),
        Cut("C-1/C-1/1", 2_958_90 - 12_000_00, date(2026, 4, 1), "C-1"),
    ]


def test_a_cut_that_is_undone_never_was() -> None:
    june = replace(ORDER, amount_minor=5_950_68, service_to=date(2026, 6, 30))
    assert changes([ORDER, june, ORDER]) == changes([ORDER])


def test_a_renewal_is_a_part_of_its_own() -> None:
    renewed = replace(ORDER, amount_minor=24_000_00, service_to=date(2027, 12, 31))
    assert changes([ORDER, renewed]) == [
        Part("C-1/C-1/1", 12_000_00, date(2026, 1, 1), date(2026, 12, 31), "C-1"),
        Part("C-1/C-1/1", 12_000_00, date(2027, 1, 1), date(2027, 12, 31), "C-1"),
    ]


def test_what_was_withdrawn_and_ordered_anew_begins_anew() -> None:
    june = replace(ORDER, amount_minor=6_000_00, service_to=date(2026, 6, 30))
    assert changes([ORDER, replace(ORDER, amount_minor=0), june]) == changes([june])


def test_a_credit_takes_from_the_dates_it_names() -> None:
    named = replace(
        CREDIT, amount_minor=1_500_00,
        service_from=date(2026, 7, 1), service_to=date(2026, 12, 31),
    )  # fmt: skip
    found = only((ORDER,), (named,)).by_period
    assert found[Period("2026-06")] == 1_000_00
    assert found[Period("2026-07")] == 750_00


def test_a_billing_correction_of_an_order_earns_nothing_less() -> None:
    corrected = replace(CREDIT, kind=FactKind.CORRECTED, amount_minor=500_00)
    assert only((ORDER,), (corrected,)) == only((ORDER,))


def test_usage_is_earned_when_it_was_rendered_and_a_correction_takes_it_back() -> None:
    usage = replace(
        ORDER, kind=FactKind.BILLED, key="item", obligation="C-9", family="usage",
        amount_minor=123_45, service_from=date(2026, 2, 1), service_to=date(2026, 2, 28),
    )  # fmt: skip
    back = replace(usage, kind=FactKind.CORRECTED, key="memo", amount_minor=23_45)
    assert only((usage,)).by_period == {Period("2026-02"): 123_45}
    assert only((usage,), (back,)).by_period == {Period("2026-02"): 100_00}


def test_an_invoice_of_what_was_ordered_adds_nothing() -> None:
    billed = replace(ORDER, kind=FactKind.BILLED, key="item")
    assert only((ORDER,), (billed,)) == only((ORDER,))


@given(
    st.dictionaries(MONTHS, AMOUNTS, max_size=6),
    st.lists(st.tuples(MONTHS, AMOUNTS), max_size=8),
    st.sets(MONTHS, max_size=12),
)
def test_lines_make_what_is_posted_what_is_wanted(
    desired: dict[Period, int], posted: list[tuple[Period, int]], closed: set[Period]
) -> None:
    lines = plan_lines(desired, posted, closed.__contains__)
    after: dict[Period, int] = {}
    for service, amount in [*posted, *((line.service, line.amount_minor) for line in lines)]:
        after[service] = after.get(service, 0) + amount
    assert {period: amount for period, amount in after.items() if amount} == {
        period: amount for period, amount in desired.items() if amount
    }
    for line in lines:
        assert line.period not in closed
        assert line.period >= line.service
        assert (line.reason is Reason.RELEASE) <= (line.period == line.service)
    # and once they are posted there is nothing more to do
    again = [*posted, *((line.service, line.amount_minor) for line in lines)]
    assert plan_lines(desired, again, closed.__contains__) == ()
