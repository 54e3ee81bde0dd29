"""Claims, intents, attempts and issues: who may create, what was sent, what went wrong."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from connectors.records import Operation
from engine.clock import ManualClock
from engine.ids import TimeIds
from engine.model import Candidate, IntentState, IssueReport
from engine.store import claims, intents, issues
from engine.store.claims import Claim, Fulfilment, Holder
from engine.store.intents import Ending
from engine.store.store import Store
from engine.store.tables import attempt
from engine.store.tables import intent as intent_table
from tests.store.conftest import NOW, StoreMaker
from tests.store.store_kit import SYNC, at, intent

CLAIM = Claim("sales", "Account", "domain", "digest-1")
OTHER = Claim("sales", "Account", "domain", "digest-2")
TARGET = at("006", connection="sales", object="Opportunity")


def record(store: Store, *made, sent: bool = True) -> None:
    with store.write() as tx:
        intents.record(tx, store.payloads, made, NOW, sent=sent)


def end(store: Store, *endings: Ending) -> None:
    with store.write() as tx:
        intents.end(tx, endings, NOW + timedelta(seconds=9))


def test_the_first_to_claim_a_value_holds_it(store: Store) -> None:
    with store.write() as tx:
        held = claims.take(tx, [(CLAIM, 1, at(1)), (CLAIM, 2, at(2)), (OTHER, 2, at(2))], NOW)
        assert held == {CLAIM: Holder(1, at(1), None, NOW), OTHER: Holder(2, at(2), None, NOW)}
        assert claims.take(tx, [(CLAIM, 3, at(3))], NOW) == {CLAIM: Holder(1, at(1), None, NOW)}
    with store.write() as tx:
        claims.fulfil(tx, [Fulfilment(1, at(1), "Account", "001")])
        claims.release(tx, 1, at(1), "Account")  # Too late: the record is there.
        claims.release(tx, 2, at(2), "Account")
        assert claims.holders(tx, [CLAIM, OTHER]) == {CLAIM: Holder(1, at(1), "001", NOW)}
        claims.forget_target(tx, "sales", "Account", "001")
        assert claims.holders(tx, [CLAIM]) == {}


def test_an_intent_comes_back_with_its_body_and_attempts(store: Store) -> None:
    first, second = intent("i1", 1), intent("i2", 1, business_key="deals-1b", parent=5, link=6)
    record(store, second, first)
    with store.write() as tx:
        intents.attempted(tx, [("i1", 2)], NOW + timedelta(1))
    with store.read() as tx:
        found = intents.open_of(tx, store.payloads, [1, 2])
    assert found == {
        1: [
            replace(first, attempts=2, first_sent_at=NOW),
            replace(second, attempts=1, first_sent_at=NOW),
        ]
    }


def test_a_body_is_sealed_and_goes_when_the_intent_is_resolved(store: Store) -> None:
    record(store, intent("i1", 1, fields={"Name": "canary"}))
    with store.read() as tx:
        body = tx.execute(select(intent_table.c.body)).scalar_one()
        assert b"canary" not in bytes(body)
    end(store, Ending("i1", 1, IntentState.UNKNOWN, "unknown", "odd \0 \ud800", "\0"))
    with store.read() as tx:
        (open_one,) = intents.open_of(tx, store.payloads, [1])[1]
        assert open_one.fields == {"Name": "canary"}
        assert [found["id"] for found in intents.unresolved(tx)] == ["i1"]
    confirmed = Ending(
        "i1", 1, IntentState.CONFIRMED, "resolved", request_id="r", target_id="006", link=4
    )
    end(store, confirmed)
    with store.read() as tx:
        assert intents.open_of(tx, store.payloads, [1]) == {}
        row = tx.execute(select(intent_table)).one()
        assert (row.body, row.state, row.target_id, row.link) == (None, "confirmed", "006", 4)
        tried = tx.execute(select(attempt)).one()
        assert (tried.outcome, tried.request_id, tried.key) == ("resolved", "r", "i1")


def test_a_record_is_being_created_once(store: Store) -> None:
    record(store, intent("i1", 1))
    with pytest.raises(IntegrityError):
        record(store, intent("i2", 2, business_key="deals-1"))
    with store.read() as tx:
        assert tx.execute(select(func.count()).select_from(attempt)).scalar_one() == 1
    end(store, Ending("i1", 1, IntentState.REFUSED, "failed", "BAD"))
    record(store, intent("i2", 1))


def test_what_is_being_written_is_busy_for_others(store: Store) -> None:
    changes = {"operation": Operation.UPDATE, "target_id": "006", "identity": None}
    record(store, intent("i1", 1, **changes))
    with store.read() as tx:
        other = at("007", connection="sales", object="Opportunity")
        assert intents.busy_targets(tx, [TARGET, other], but=[2]) == {TARGET}
        assert intents.busy_targets(tx, [TARGET], but=[1]) == set()
    end(store, Ending("i1", 1, IntentState.CONFIRMED, "confirmed"))
    with store.read() as tx:
        assert intents.busy_targets(tx, [TARGET], but=[2]) == set()


def test_guards_count_what_was_recorded(store: Store) -> None:
    record(store, intent("i1", 1), intent("i2", 2, operation=Operation.UPSERT))
    record(store, intent("i3", 3, operation=Operation.DELETE, target_id="006"))
    record(store, intent("i4", 4, operation=Operation.UPDATE, target_id="006"))
    with store.read() as tx:
        assert intents.creates_since(tx, SYNC, NOW) == 2
        assert intents.creates_since(tx, SYNC, NOW + timedelta(1)) == 0
        assert intents.creates_since(tx, "contacts", NOW) == 0
        assert intents.deletes_since(tx, SYNC, NOW) == 1


def test_a_shadow_is_recorded_and_never_open(store: Store) -> None:
    record(store, intent("i1", 1), sent=False)
    record(store, intent("i2", 1), sent=False)
    with store.read() as tx:
        assert intents.open_of(tx, store.payloads, [1]) == {}
        assert tx.execute(select(attempt)).all() == []


def report(id: int, code: str = "REFUSED", **parameters: str) -> IssueReport:
    shown = Candidate(at("c", connection="sales"), "Big <b>")
    return IssueReport(code, SYNC, at(id), TARGET, parameters, (shown,))


def test_a_record_has_one_open_issue_brought_up_to_date(store: Store) -> None:
    clock = ManualClock(NOW)
    ids = TimeIds(clock, Random(1))
    for number in range(3):
        with store.write() as tx:
            found = [
                (report(1, message=f"canary {number}"), 1, "ops"),
                (report(2), 2, "ops"),
                (report(2, "DUPLICATE"), 2, "sales"),
            ]
            issues.open_many(tx, store.payloads, ids, found, clock.now())
        clock.advance(timedelta(hours=1))
    with store.read() as tx:
        first, second = issues.listed(tx, store.payloads)
        assert issues.find(tx, store.payloads, first.id) == first
        assert issues.find(tx, store.payloads, "nobody") is None
    assert (first.parameters, first.seen_count, first.candidates) == (
        {"message": "canary 2"},
        3,
        report(1).candidates,
    )
    assert (first.opened_at, first.seen_at) == (NOW, NOW + timedelta(hours=2))
    assert (second.code, second.owner, second.seen_count) == ("DUPLICATE", "sales", 6)


def test_a_newer_success_ends_what_was_open(store: Store) -> None:
    ids = TimeIds(ManualClock(NOW), Random(1))
    with store.write() as tx:
        found = [(report(number), number, "ops") for number in (1, 2, 3)]
        issues.open_many(tx, store.payloads, ids, [*found, (report(9), 1, "ops")], NOW)
        assert issues.end_for_deliveries(tx, [2, 4], "a newer success", NOW) == 1
        issues.end_others(tx, [1, 3], {(1, at(1)), (3, at(3))}, "a newer success", NOW)
    with store.read() as tx:
        still = issues.listed(tx, store.payloads)
        assert {item.source.id for item in still} == {"1", "3"}
        assert len(issues.listed(tx, store.payloads, state=None)) == 4
    with store.write() as tx:
        assert issues.end(tx, still[0].id, "dismissed", NOW)
        assert not issues.end(tx, still[0].id, "dismissed", NOW)
        issues.open_many(tx, store.payloads, ids, found[:1], NOW)
    with store.read() as tx:
        again = [item for item in issues.listed(tx, store.payloads) if item.source == at(1)]
        assert [(item.seen_count, item.resolution) for item in again] == [(1, None)]


def test_of_many_who_claim_at_once_one_holds(store: Store, open_store: StoreMaker) -> None:
    stores = [store] * 4 if store.database.sqlite else [store, *(open_store() for _ in range(3))]
    values = [Claim("sales", "Account", "domain", f"digest-{number}") for number in range(25)]

    def race(place: int) -> dict[Claim, Holder]:
        held = {}
        # Each in an order of its own: nobody may wait for a waiter.
        for start in range(0, 25, 5):
            part = values[start : start + 5]
            Random(place).shuffle(part)
            wanted = [(value, place, at(place)) for value in part]
            with stores[place].write() as tx:
                held.update(claims.take(tx, wanted, NOW))
        return held

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(race, range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert set(answers[0]) == set(values)
