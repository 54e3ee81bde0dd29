"""What is over goes after its time; what is open stays, however old."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from sqlalchemy import func, select

from connectors.records import Operation
from engine.clock import ManualClock
from engine.ids import TimeIds
from engine.model import IntentState, IssueReport
from engine.store import intents, issues, retention
from engine.store.intents import Ending
from engine.store.store import Store
from engine.store.tables import attempt, issue
from engine.store.tables import intent as intent_table
from tests.store.conftest import NOW
from tests.store.store_kit import SYNC, at, intent

LATER = NOW + timedelta(days=30)


def left(store: Store, table) -> int:
    with store.read() as tx:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())


def purge_all(store: Store, before) -> dict[str, int]:
    with store.write() as tx:
        return {name: purge(tx, before) for name, purge in retention.EVERYTHING.items()}


def test_ended_intents_go_with_their_attempts_and_open_ones_stay(store: Store) -> None:
    done, doubted, refused = (intent(f"i{n}", n, business_key=f"k{n}") for n in (1, 2, 3))
    with store.write() as tx:
        intents.record(tx, store.payloads, [done, doubted, refused], NOW, sent=True)
        intents.end(
            tx,
            [
                Ending("i1", 1, IntentState.CONFIRMED, "confirmed"),
                Ending("i2", 1, IntentState.UNKNOWN, "unknown"),
                Ending("i3", 1, IntentState.REFUSED, "failed"),
            ],
            NOW,
        )
    assert purge_all(store, NOW)["intents"] == 0  # of this very moment: not older
    assert purge_all(store, LATER)["intents"] == 2
    assert purge_all(store, LATER)["intents"] == 0
    assert (left(store, intent_table), left(store, attempt)) == (1, 1)
    with store.read() as tx:
        (still,) = intents.open_of(tx, store.payloads, [2])[2]
    assert still.fields == doubted.fields


def test_confirmed_actions_stay_so_that_they_are_not_done_again(store: Store) -> None:
    acts = [intent(f"a{n}", n, business_key=f"k{n}", operation=Operation.ACT) for n in (1, 2)]
    with store.write() as tx:
        intents.record(tx, store.payloads, acts, NOW, sent=True)
        confirmed = Ending("a1", 1, IntentState.CONFIRMED, "confirmed")
        intents.end(tx, [confirmed, Ending("a2", 1, IntentState.REFUSED, "failed")], NOW)
    assert purge_all(store, LATER)["intents"] == 1
    with store.read() as tx:
        assert len(intents.acts_done(tx, [1, 2])) == 1


def test_ended_issues_go_and_open_ones_stay(store: Store) -> None:
    ids = TimeIds(ManualClock(NOW), Random(1))
    reports = [(IssueReport("REFUSED", SYNC, at(n)), n, "RevOps") for n in (1, 2)]
    with store.write() as tx:
        issues.open_many(tx, store.payloads, ids, reports, NOW)
        issues.end_for_deliveries(tx, [1], "a newer success", NOW)
    assert purge_all(store, LATER)["issues"] == 1
    assert left(store, issue) == 1
    with store.read() as tx:
        assert [one.source for one in issues.listed(tx, store.payloads)] == [at(2)]
