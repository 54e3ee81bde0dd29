"""Fitting: a journal is read back to exactly the lines it was made of, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Fields, Value
from engine.books.fitting import Posted, Render, fit
from engine.books.records import batch_record
from engine.money.calendar import Period
from engine.money.lines import Reason
from engine.store.books import Batch, Line, Promise
from tests.books.kit import START

MARCH = Period("2026-03")
PROMISES = tuple(
    Promise(contract, f"revenue:{family}:1:{currency}", "revenue", family, "1", currency, places)
    for contract in ("S-1", "S-10", "S-2")
    for family, currency, places in (("saas", "USD", 2), ("services", "USD", 2), ("saas", "KWD", 3))
)


def render(entry: object) -> Render:
    """What a mapping makes of lines, entry by entry."""

    def made(lines: Sequence[Line]) -> Fields | None:
        record = batch_record(
            "schedule_lines", Batch("b", {"period": "2026-03"}, 1, START, (*lines,))
        )
        entries = record.fields["entries"]
        assert isinstance(entries, tuple)
        return {"memo": "Revenue", "line": {"items": tuple(entry(one) for one in entries)}}  # type: ignore[operator]

    return made


def shipped(one: Mapping[str, Value]) -> Mapping[str, Value]:
    account = {"id": "230" if one["role"] == "deferred_revenue" else f"40{one['family'] == 'saas'}"}
    sides = {side: one[side] for side in ("debit", "credit") if one[side] is not None}
    return {"account": account, **sides, "memo": f"{one['memo']} {len(sides)}"}


@st.composite
def lines(draw: st.DrawFn) -> Line:
    promise = draw(st.sampled_from(PROMISES))
    reason = draw(st.sampled_from(Reason))
    earlier = draw(st.sampled_from(["2026-01", "2025-12", "2026-02"]))
    return Line(
        number=0,
        contract=promise.contract,
        promise=promise.name,
        kind=promise.kind,
        family=promise.family,
        entity=promise.entity,
        currency=promise.currency,
        exponent=promise.exponent,
        period=MARCH,
        service=MARCH if reason is Reason.RELEASE else Period(earlier),
        amount_minor=draw(st.integers(1, 10**9)) * draw(st.sampled_from([1, -1])),
        reason=reason,
        batch=None,
    )


DOLLARS = tuple(one for one in PROMISES if one.currency == "USD")


@given(st.lists(lines().filter(lambda one: one.currency == "USD"), min_size=1, max_size=5))
def test_every_line_is_told_from_its_entries(own: list[Line]) -> None:
    shown = render(shipped)(own)
    assert shown is not None
    assert fit(Posted(shown, MARCH), DOLLARS, (), render(shipped)) == tuple(own)


def one_line(**changes: object) -> Line:
    promise = DOLLARS[0]
    line = Line(0, promise.contract, promise.name, "revenue", "saas", "1", "USD", 2, MARCH, MARCH,
                10_000, Reason.RELEASE, None)  # fmt: skip
    return replace(line, **changes)  # type: ignore[arg-type]


def test_what_looks_alike_is_only_told_by_what_is_planned() -> None:
    def nameless(one: Mapping[str, Value]) -> Mapping[str, Value]:
        return {**shipped(one), "account": {"id": "1"}}  # one account for every family

    shown = render(nameless)([one_line()])
    assert shown is not None
    assert fit(Posted(shown, MARCH), DOLLARS, (), render(nameless)) is None
    planned = [one_line()]
    assert fit(Posted(shown, MARCH), DOLLARS, planned, render(nameless)) == (one_line(),)


@pytest.mark.parametrize(
    "hidden", ["memo", "line"], ids=["no month is shown", "no entries are shown"]
)
def test_a_journal_that_does_not_tell_is_not_guessed_at(hidden: str) -> None:
    def mute(some: Sequence[Line]) -> Fields | None:
        if hidden == "line":
            return {"memo": "Revenue"}
        return render(lambda one: {**shipped(one), "memo": f"Revenue {one['contract']}"})(some)

    shown = mute([one_line()])
    assert shown is not None
    assert fit(Posted(shown, MARCH), DOLLARS, [one_line()], mute) is None


def test_an_entry_of_somebody_else_spoils_the_whole() -> None:
    shown = render(shipped)([one_line(), one_line(contract="S-7")])
    assert shown is not None
    assert fit(Posted(shown, MARCH), DOLLARS, (), render(shipped)) is None
