"""The books of contracts: schedules, lines that are replaced until they are sealed, periods."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import pytest

from engine.money.calendar import Period
from engine.money.lines import Reason
from engine.money.model import PeriodState
from engine.store import books, facts
from engine.store.store import Store, StoreConflict
from tests.store.books_kit import (
    DAY,
    PROMISE,
    billed,
    due,
    invoice,
    lines,
    planned,
    prove,
    schedule,
    seal,
    take,
)
from tests.store.conftest import NOW, StoreMaker

LATER = NOW + timedelta(hours=1)
COSTS = replace(PROMISE, name="cost:saas:1:EUR", kind="cost")
OTHERS = replace(PROMISE, contract="S-2")


def shown(store: Store) -> list[tuple[str, int, str | None]]:
    return [(line.period.name, line.amount_minor, line.batch) for line in lines(store)]


# -- contracts that wait to be looked at ---------------------------------------------------------


def test_a_contract_is_taken_once_until_it_is_marked_again(store: Store) -> None:
    for number in (3, 1, 2):
        prove(store, invoice(number), billed(1, f"S-{number}", None))
    with store.read() as tx:
        assert books.any_dirty(tx)
    assert take(store, 2, LATER) == ("S-1", "S-2")
    assert take(store, 2, LATER) == ("S-3",)
    assert take(store) == ()
    with store.read() as tx:
        assert not books.any_dirty(tx)
        assert books.changed_at(tx, ["S-1", "S-9"]) == {"S-1": LATER}
    with store.write() as tx:
        facts.mark(tx, ["S-2"], LATER)
    assert take(store) == ("S-2",)


def test_what_was_taken_waits_again_if_the_transaction_fails(store: Store) -> None:
    prove(store, invoice(1), billed(1, "S-1", None))
    with suppress(ZeroDivisionError), store.write() as tx:
        assert books.take_dirty(tx, 10, LATER) == ("S-1",)
        raise ZeroDivisionError
    assert take(store) == ("S-1",)


def test_two_engines_never_take_the_same_contract(store: Store, open_store: StoreMaker) -> None:
    names = [f"S-{number:02}" for number in range(40)]
    with store.write() as tx:
        facts.mark(tx, names, NOW)
    stores = [store] * 4 if store.database.sqlite else [store, *(open_store() for _ in range(3))]

    def work(own: Store) -> list[str]:
        taken: list[str] = []
        while part := take(own, 3):
            taken += part
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [name for own in pool.map(work, stores) for name in own]
    assert sorted(taken) == names


# -- news in order -------------------------------------------------------------------------------


def test_contracts_are_listed_by_name_and_followed_by_time(store: Store) -> None:
    times = {"S-2": NOW, "S-1": LATER, "S-3": LATER, "S-4": LATER + timedelta(seconds=1)}
    for name, time in times.items():
        with store.write() as tx:
            facts.mark(tx, [name], time)
    with store.read() as tx:
        assert books.contracts(tx, "", 3) == ["S-1", "S-2", "S-3"]
        assert books.contracts(tx, "S-3", 3) == ["S-4"]
        ordered = ["S-2", "S-1", "S-3", "S-4"]
        every = [(name, times[name]) for name in ordered]
        assert books.changed(tx, NOW, "", 10) == every
        # a page ends within an instant, and the next one goes on there
        assert books.changed(tx, NOW, "", 2) == every[:2]
        assert books.changed(tx, LATER, "S-1", 10) == every[2:]
        assert books.changed(tx, times["S-4"], "S-4", 10) == []


def test_a_touched_contract_is_news_but_not_to_be_looked_at(store: Store) -> None:
    prove(store, invoice(1), billed(1, "S-1", None))
    take(store)
    with store.write() as tx:
        books.touch(tx, ["S-1", "S-9"], LATER)
    with store.read() as tx:
        assert books.changed(tx, NOW, "S-1", 10) == [("S-1", LATER)]
        assert not books.any_dirty(tx)


# -- schedules and their lines -------------------------------------------------------------------


def test_every_version_of_a_schedule_is_kept_and_the_last_one_holds(store: Store) -> None:
    with store.read() as tx:
        assert books.latest_version(tx, PROMISE) is None
    schedule(store, planned("2026-01", 10))
    schedule(store, planned("2026-01", 20), number=2)
    schedule(store, planned("2026-01", 30), promise=COSTS)
    with store.read() as tx:
        version = books.latest_version(tx, PROMISE)
        assert version is not None
        assert (version.number, version.digest, version.amount_minor) == (2, "d2", 20)
        assert (version.first, version.last) == (DAY, date(2026, 12, 31))
    with pytest.raises(StoreConflict):
        schedule(store, planned("2026-01", 40), number=2)


def test_lines_are_replaced_until_they_are_sealed(store: Store) -> None:
    schedule(store, planned("2026-01", 10), planned("2026-02", 10), planned("2026-03", 10))
    schedule(store, planned("2026-01", 7), promise=COSTS)
    schedule(store, planned("2026-01", 5), promise=OTHERS)
    batch = seal(store, due(store, "2026-01")[:1])
    # when the promise is planned anew
    schedule(store, planned("2026-02", 25), number=2)
    # then what was sealed is as it was, and nothing of other promises has moved
    assert shown(store) == [
        ("2026-01", 10, batch),
        ("2026-01", 7, None),
        ("2026-02", 25, None),
    ]
    assert [line.amount_minor for line in lines(store, "S-2")] == [5]
    # and when nothing is promised any more
    with store.write() as tx:
        books.replace_lines(tx, PROMISE, 3, [], LATER)
    assert shown(store) == [("2026-01", 10, batch), ("2026-01", 7, None)]


def test_a_line_is_read_as_it_was_written(store: Store) -> None:
    late = replace(planned("2026-03", -(10**15), "2026-01"), reason=Reason.REVERSAL)
    schedule(store, late, promise=replace(PROMISE, family=None, entity=None))
    (line,) = lines(store)
    assert (line.period, line.service) == (Period("2026-03"), Period("2026-01"))
    assert (line.amount_minor, line.reason, line.exponent) == (-(10**15), Reason.REVERSAL, 2)
    assert (line.family, line.entity, line.batch) == (None, None, None)


# -- sealing -------------------------------------------------------------------------------------


def test_due_lines_are_those_of_the_kind_up_to_a_month_in_no_batch(store: Store) -> None:
    schedule(store, planned("2026-03", 3), planned("2026-01", 1), planned("2026-02", 2))
    schedule(store, planned("2026-01", 7), promise=COSTS)
    assert [line.amount_minor for line in due(store, "2026-02")] == [1, 2]
    assert [line.amount_minor for line in due(store, "2026-12", "cost")] == [7]
    assert due(store, "2025-12") == []
    seal(store, due(store, "2026-01"))
    assert [line.amount_minor for line in due(store, "2026-02")] == [2]


def test_batches_of_a_group_are_numbered_one_after_another(store: Store) -> None:
    schedule(store, *(planned("2026-01", amount) for amount in (1, 2, 3)))
    first, second, third = due(store)
    ids = [
        seal(store, [first], period="2026-01", entity="1"),
        seal(store, [second], LATER, period="2026-01", entity="1"),
        seal(store, [third], LATER, period="2026-01", entity=""),
    ]
    assert ids == [
        "journals-2026-01-1-1",
        "journals-2026-01-1-2",
        "journals-2026-01-none-1",
    ]
    with store.read() as tx:
        found = books.batches(tx, [*ids, "journals-2026-01-1-9"])
        assert {id: [line.amount_minor for line in one.lines] for id, one in found.items()} == {
            ids[0]: [1],
            ids[1]: [2],
            ids[2]: [3],
        }
        assert found[ids[1]].keys == {"period": "2026-01", "entity": "1"}
        assert (found[ids[1]].number, found[ids[1]].sealed_at) == (2, LATER)
        assert books.batch_ids(tx, "", 2) == ids[:2]
        assert books.batch_ids(tx, ids[1], 2) == ids[2:]
        assert books.sealed(tx, NOW, "", 10) == [(ids[0], NOW), (ids[1], LATER), (ids[2], LATER)]
        assert books.sealed(tx, LATER, ids[1], 10) == [(ids[2], LATER)]


# -- accounting periods --------------------------------------------------------------------------


def month(number: int, *, closed: bool) -> PeriodState:
    name = Period(f"2026-{number:02}")
    return PeriodState(name.first, name.last, closed)


def see(store: Store, connection: str = "netsuite", **closed: bool) -> set[Period]:
    seen = {id: month(int(id[1:]), closed=state) for id, state in closed.items()}
    with store.write() as tx:
        return books.see_periods(tx, connection, seen, NOW)


def test_a_period_is_news_when_it_closes_or_opens(store: Store) -> None:
    # an open month that is seen for the first time changes nothing: every month counted as open
    assert see(store, m1=False, m2=False) == set()
    assert see(store, m1=True, m2=False) == {Period("2026-01")}
    assert see(store, m1=True) == set()
    with store.read() as tx:
        assert books.closed_periods(tx) == {Period("2026-01")}
        assert [row.id for row in books.every_period(tx)] == ["m1", "m2"]
    assert see(store, m1=False, m3=True) == {Period("2026-01"), Period("2026-03")}
    assert see(store) == set()
    with store.read() as tx:
        assert books.closed_periods(tx) == {Period("2026-03")}


def test_a_period_concerns_contracts_with_unsealed_lines_in_it_or_for_it(store: Store) -> None:
    schedule(store, planned("2026-01", 1))
    schedule(store, planned("2026-03", 1, "2026-01"), promise=OTHERS)
    schedule(store, planned("2026-04", 1), promise=replace(PROMISE, contract="S-3"))
    with store.read() as tx:
        assert books.waiting_in(tx, [Period("2026-01")]) == {"S-1", "S-2"}
        assert books.waiting_in(tx, [Period("2026-03"), Period("2026-04")]) == {"S-2", "S-3"}
        assert books.waiting_in(tx, []) == set()
    seal(store, due(store, "2026-01"))
    with store.read() as tx:
        assert books.waiting_in(tx, [Period("2026-01")]) == {"S-2"}
