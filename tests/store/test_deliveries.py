"""Deliveries: every move from state to state, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from engine.model import DeliveryState, InboxState
from engine.store import deliveries, delivery_states, delivery_views, intents
from engine.store.deliveries import LeaseLostError
from engine.store.store import Store
from engine.store.tables import inbox as inbox_table
from tests.store.conftest import LEASE, NOW
from tests.store.store_kit import (
    SYNC,
    ask,
    at,
    bring,
    claim,
    close,
    counts,
    intent,
    one,
    receive,
    row,
    states,
    want,
)

State = DeliveryState
LATER = NOW + timedelta(minutes=5)
ENDS = [State.DONE, State.WAITING, State.HELD, State.ISSUE]


def test_more_news_opens_or_keeps_each_state(store: Store) -> None:
    expected = {
        State.READY: ("ready", LATER),
        State.LEASED: ("leased", None),
        State.IN_DOUBT: ("in_doubt", LATER),
        State.DONE: ("ready", NOW),
        State.WAITING: ("ready", NOW),
        State.HELD: ("ready", NOW),
        State.ISSUE: ("ready", NOW),
    }
    for number, state in enumerate(expected):
        item = bring(store, number, State.LEASED)
        if state is not State.LEASED:
            close(store, [item], state, due_at=LATER, tries=2)
    ask(store, *(want(number, seq=9) for number in range(len(expected))))
    for number, (state, (name, due_at)) in enumerate(expected.items()):
        found = one(store, number)
        assert found.state == name, state
        assert found.wanted == 9
        if due_at is not None:
            assert found.due_at == due_at, state
        # A retry keeps its count; every other reopening starts fresh.
        assert found.tries == (2 if state in (State.READY, State.IN_DOUBT) else 0), state


@pytest.mark.parametrize("state", [*ENDS, State.READY, State.IN_DOUBT])
def test_a_claim_ends_in_its_state_and_what_came_meanwhile_is_done_next(
    store: Store, state: DeliveryState
) -> None:
    (first,) = [bring(store, "quiet", State.LEASED)]
    second = bring(store, "busy", State.LEASED)
    ask(store, want("busy", seq=7))
    close(store, [first, second], state, due_at=LATER, tries=1, reason="WHY")
    quiet, busy = one(store, "quiet"), one(store, "busy")
    assert (quiet.state, quiet.due_at, quiet.tries) == (state.value, LATER, 1)
    if state in ENDS:
        assert (busy.state, busy.due_at, busy.tries) == ("ready", NOW, 0)
        assert (quiet.settled, busy.settled) == (1, 1)
    else:
        assert (busy.state, busy.due_at, busy.tries) == (state.value, LATER, 1)
        assert (quiet.settled, busy.settled) == (0, 0)
    (again,) = claim(store, now=LATER)[-1:]
    assert again.taken in (1, 7)


def test_a_claim_takes_what_is_due_oldest_first_and_no_more(store: Store) -> None:
    ask(store, want("c", at=NOW - timedelta(1)), want("a"), want("later", at=LATER))
    ask(store, want("other", sync="contacts"))
    assert [item.source.id for item in claim(store, limit=1)] == ["c"]
    (claimed,) = claim(store)
    assert claimed.source.id == "a"
    assert (claimed.lease, claimed.taken) == (1, 1)
    assert claim(store) == []
    assert one(store, "a").leased_until == NOW + LEASE


def test_a_lost_lease_rolls_everything_back(store: Store) -> None:
    kept, lost = bring(store, 1, State.LEASED), bring(store, 2, State.LEASED)
    after = NOW + LEASE + timedelta(seconds=1)
    with store.write() as tx:
        assert deliveries.recover(tx, after, all_leases=False) == 2
    retaken = claim(store, now=after)
    assert {item.lease for item in retaken} == {kept.lease + 2, lost.lease + 2}
    with pytest.raises(LeaseLostError):
        close(store, [kept, lost], State.DONE)
    assert states(store) == {"1": "leased", "2": "leased"}
    close(store, retaken, State.DONE)
    assert states(store) == {"1": "done", "2": "done"}
    with pytest.raises(LeaseLostError):  # Twice is as bad as too late.
        close(store, retaken, State.DONE)


def test_one_lost_lease_keeps_the_whole_batch_from_being_committed(store: Store) -> None:
    first, second = bring(store, 1, State.LEASED), bring(store, 2, State.LEASED)
    close(store, [second], State.READY)
    with pytest.raises(LeaseLostError):
        close(store, [first, second], State.DONE)
    assert states(store) == {"1": "leased", "2": "ready"}


def test_recovery_takes_back_what_ran_out_and_doubts_what_was_sent(store: Store) -> None:
    ask(store, *(want(number) for number in range(3)))
    early = claim(store, limit=2)
    claim(store, now=NOW + timedelta(minutes=1))
    with store.write() as tx:
        sent = [intent("i1", early[0].number)]
        intents.record(tx, store.payloads, sent, NOW, sent=True)
    with store.write() as tx:
        assert deliveries.recover(tx, NOW + LEASE, all_leases=False) == 0
        after = NOW + LEASE + timedelta(seconds=1)
        assert deliveries.recover(tx, after, all_leases=False, sync="contacts") == 0
        assert deliveries.recover(tx, after, all_leases=False) == 2
    assert states(store) == {"0": "in_doubt", "1": "ready", "2": "leased"}
    with store.write() as tx:
        assert deliveries.recover(tx, NOW, all_leases=True) == 1
    assert states(store)["2"] == "ready"
    assert {item.source.id for item in claim(store, now=after)} == {"0", "1", "2"}


def test_waiters_wake_when_what_they_wait_for_is_linked(store: Store) -> None:
    company, other = at(7, object="companies"), at(8, object="companies")
    first, second = bring(store, 1, State.LEASED), bring(store, 2, State.LEASED)
    close(store, [first], State.WAITING, waits=((company, "Account"), (company, "Account")))
    close(store, [second], State.WAITING, waits=((other, "Account"),))
    with store.read() as tx:
        assert delivery_views.waits_of(tx, [first.number]) == {first.number: [(company, "Account")]}
    with store.write() as tx:
        assert deliveries.wake(tx, [company, at(9)], LATER) == 1
    assert states(store) == {"1": "ready", "2": "waiting"}
    claimed = claim(store, now=LATER)
    assert [item.number for item in claimed] == [first.number]
    with store.read() as tx:  # kept, so that a crash or a repeat loses nothing
        assert delivery_views.waits_of(tx, [first.number]) != {}
    close(store, claimed, State.DONE)
    with store.read() as tx:
        assert delivery_views.waits_of(tx, [first.number]) == {}


def test_superseding_closes_what_nobody_works_on(store: Store) -> None:
    kinds = [State.LEASED, *ENDS, State.IN_DOUBT]
    for state in kinds:
        bring(store, state.value, state)
    ask(store, want("ready"))
    kinds.append(State.READY)
    with store.write() as tx:
        deliveries.supersede(tx, [at(state.value) for state in kinds], NOW, "merged")
    kept = {"leased": "leased", "in_doubt": "in_doubt"}
    assert states(store) == {s.value: kept.get(s.value, "done") for s in kinds}
    assert one(store, "held").reason == "merged"


def test_rows_end_with_the_claim_that_covered_them(store: Store) -> None:
    receive(store, row(1, snapshot=b"s"), row(1), row(2))
    claimed = claim(store)
    (late,) = receive(store, row(1))
    close(store, claimed, State.DONE)
    assert counts(store) == {"applied": 3, "routed": 1}
    with store.read() as tx:
        query = select(inbox_table.c.seq).where(inbox_table.c.state == "routed")
        assert tx.execute(query).scalars().all() == [late]
        kept = select(inbox_table.c.seq).where(inbox_table.c.snapshot.is_not(None))
        assert tx.execute(kept).all() == []
    (again,) = claim(store)
    assert (again.settled, again.taken) == (late - 2, late)
    close(store, [again], State.ISSUE, reason="odd \0 \ud800")
    assert counts(store) == {"applied": 3, "parked": 1}


def test_a_retry_keeps_its_rows_open(store: Store) -> None:
    receive(store, row(1))
    close(store, claim(store), State.READY)
    assert counts(store) == {"routed": 1}
    close(store, claim(store), State.DONE, row_state=InboxState.SKIPPED, reason="no change")
    assert counts(store) == {"skipped": 1}


def test_a_repeat_is_told_by_what_was_delivered(store: Store) -> None:
    item = bring(store, 1, State.LEASED)
    close(store, [item], State.DONE, seen_hash="h", seen_digest="d")
    with store.read() as tx:
        assert delivery_states.seen(tx, SYNC, [at(1), at(2)]) == {at(1): ("h", "d")}
    ask(store, want(1, seq=2, through_child=True))
    (again,) = claim(store)
    assert (again.seen_hash, again.seen_digest) == (None, "d")
    close(store, [again], State.DONE, seen_hash="h2", seen_digest="d")
    with store.write() as tx:
        delivery_states.forget_seen(tx, [at(1)])
    with store.read() as tx:
        assert delivery_states.seen(tx, SYNC, [at(1)]) == {}


def test_what_is_asked_for_again_is_kept_until_done(store: Store) -> None:
    ask(store, want(1, recheck=True))
    ask(store, want(1, seq=2))
    (item,) = claim(store)
    assert item.recheck
    close(store, [item], State.READY)
    (item,) = claim(store)
    assert item.recheck
    close(store, [item], State.DONE)
    ask(store, want(1, seq=3))
    assert not claim(store)[0].recheck


def test_views_tell_what_there_is_to_do(store: Store) -> None:
    for state in (State.LEASED, *ENDS, State.IN_DOUBT):
        bring(store, state.value, state)
    ask(store, want("later", at=LATER))
    with store.read() as tx:
        assert delivery_states.busy(tx, [SYNC]) == 3
        assert delivery_states.busy(tx, []) == 0
        assert delivery_states.unsettled(tx, [SYNC], NOW) == 2
        assert delivery_states.unsettled(tx, [SYNC], LATER) == 3
        assert delivery_views.next_due(tx, [SYNC]) == NOW
        assert delivery_views.next_due(tx, ["contacts"]) is None
        assert sum(delivery_views.tally(tx)[SYNC].values()) == 7
        held = delivery_views.listed(tx, State.HELD)
        assert [found["id"] for found in held] == ["held"]
        assert delivery_views.active_since(tx, SYNC, NOW) == [at("done")]
        assert delivery_states.pending(tx, [SYNC], [at("later"), at("done"), at("waiting")]) == {
            at("later"),
            at("waiting"),
        }
    with store.write() as tx:
        numbers = [one(store, name).number for name in ("held", "issue", "done", "leased")]
        assert delivery_views.retry(tx, numbers, LATER) == 2
    assert states(store)["held"] == states(store)["issue"] == "ready"
    assert states(store)["leased"] == "leased"


def test_many_are_claimed_and_closed_at_once(store: Store) -> None:
    ask(store, *(want(number) for number in range(1_100)))
    claimed = claim(store, limit=5_000)
    assert len(claimed) == 1_100
    close(store, claimed, State.DONE)
    assert set(states(store).values()) == {"done"}


def test_what_was_written_without_its_parent_is_written_again_when_it_comes(store: Store) -> None:
    company = at(7, object="companies")
    item = bring(store, 1, State.LEASED)
    close(store, [item], State.DONE, waits=((company, "Account"),))
    with store.write() as tx:
        deliveries.wake(tx, [company], LATER, linked=False)
    assert states(store) == {"1": "done"}
    with store.write() as tx:
        deliveries.wake(tx, [company], LATER)
    assert states(store) == {"1": "ready"}
