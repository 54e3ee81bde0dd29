"""Batches that move on, are broken up or are read back, and contracts that are stuck."""

from __future__ import annotations

from datetime import date, timedelta

from engine.model import Address
from engine.money.calendar import Period
from engine.money.model import PeriodState
from engine.store import books, facts, regrouping, stuck
from engine.store.sql import contained
from engine.store.store import Store
from tests.store.books_kit import PROMISE, billed, due, invoice, lines, planned, prove, schedule
from tests.store.books_kit import seal as seal_lines
from tests.store.conftest import NOW

KEYS = {"period": "2026-01"}


def see(store: Store, **closed: bool) -> None:
    states = {
        month: PeriodState(date(2026, number, 1), date(2026, number, 28), closed[month])
        for number, month in enumerate(("jan", "feb", "mar"), 1)
        if month in closed
    }
    with store.write() as tx:
        books.see_periods(tx, "netsuite", states, NOW)


def sealed(store: Store) -> str:
    """January's batch of a contract that has a line of February as well."""
    prove(store, invoice(1), billed(200, "S-1", None))
    schedule(store, planned("2026-01", 100), planned("2026-02", 100))
    return seal_lines(store, due(store, "2026-01"), **KEYS)


def test_lines_move_on_to_the_first_open_month_that_is_known(store: Store) -> None:
    id = sealed(store)
    for states, to in (({}, None), ({"jan": True}, None), ({"jan": False, "feb": True}, None)):
        see(store, **states)
        with store.write() as tx:
            assert regrouping.move_on(tx, id, "netsuite", NOW) == to
    see(store, feb=True, mar=False)
    with store.write() as tx:
        assert regrouping.move_on(tx, id, "other", NOW) is None
        moved = regrouping.move_on(tx, id, "netsuite", NOW)
    assert moved is not None
    assert (moved.to, [line.amount_minor for line in moved.batch.lines]) == (
        Period("2026-03"),
        [100],
    )
    with store.read() as tx:
        assert Period("2026-01") in books.closed_periods(tx)
        assert books.any_dirty(tx)
        # the name is never given again, and there is nothing to move twice
        assert [one.number for one in regrouping.names(tx, "journals", KEYS, 1)] == [1, 2]
    with store.write() as tx:
        assert regrouping.move_on(tx, id, "netsuite", NOW) is None
    assert all(line.batch is None for line in lines(store))


def test_a_journal_that_is_read_back_takes_the_place_of_what_was_planned(store: Store) -> None:
    schedule(store, planned("2026-01", 90), planned("2026-02", 100))
    with store.read() as tx:
        (name,) = regrouping.names(tx, "journals", KEYS, 1)
        assert regrouping.promises(tx, "revenue") == {PROMISE: date(2026, 1, 1)}
        assert regrouping.promises(tx, "cost") == {}
        (january,) = regrouping.planned_for(tx, "revenue", Period("2026-01"))
    with store.write() as tx:
        regrouping.adopt(tx, name, [january], NOW)
        assert not regrouping.is_recalled(tx, "journals")
        regrouping.set_recalled(tx, "journals")
    with store.read() as tx:
        batch = books.batches(tx, [name.id])[name.id]
    assert (batch.number, [line.amount_minor for line in batch.lines]) == (1, [90])
    assert [line.batch for line in lines(store)] == [name.id]
    # a batch is broken up once, and then all that is posted is looked for again
    with store.write() as tx:
        assert regrouping.break_up(tx, "journals", name.id, NOW)
        assert not regrouping.is_recalled(tx, "journals")
        regrouping.put_into(tx, name, regrouping.planned_for(tx, "revenue", Period("2026-01")), NOW)
        assert not regrouping.break_up(tx, "journals", name.id, NOW)
        again = books.batches(tx, [name.id])[name.id]
    assert [line.amount_minor for line in again.lines] == [90]
    assert again.sealed_at > batch.sealed_at


def test_a_part_of_a_transaction_fails_alone(store: Store) -> None:
    def fail() -> None:
        facts.mark(tx, ["S-9"], NOW)
        raise KeyError("whatever")

    with store.write() as tx:
        facts.mark(tx, ["S-1"], NOW)
        assert isinstance(contained(tx, fail), KeyError)
        assert contained(tx, lambda: facts.mark(tx, ["S-2"], NOW)) is None
    with store.read() as tx:
        assert books.contracts(tx, "", 10) == ["S-1", "S-2"]


def test_a_contract_is_stuck_until_it_goes_well(store: Store) -> None:
    id = sealed(store)
    later = NOW + timedelta(minutes=1)
    with store.write() as tx:
        stuck.stop(tx, "S-1", later)
        stuck.stop(tx, "S_1%", NOW)
    with store.read() as tx:
        assert stuck.since(tx, NOW) == ["S_1%"]
        assert stuck.since(tx, later) == ["S-1", "S_1%"]
        assert stuck.among(tx, ["S-1", "S-2"]) == {"S-1"}
    # what was planned is dropped, what is sealed is not
    assert [line.batch for line in lines(store)] == [id]
    with store.write() as tx:
        stuck.over(tx, ("books", Address("revline", "contracts", "S-1")), "S-1", later)
        assert stuck.since(tx, later) == ["S_1%"]
