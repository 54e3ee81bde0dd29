"""Any order of asking, claiming, closing and recovering, against a small model of deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from engine.model import Closing, Delivery, DeliveryState, Want
from engine.store import deliveries, inbox
from engine.store.deliveries import LeaseLostError
from engine.store.store import Store
from engine.store.tables import delivery, wait
from engine.store.tables import inbox as inbox_table
from tests.store.conftest import LEASE, NOW
from tests.store.store_kit import SYNC, at, row

State = DeliveryState
IDS = st.sampled_from(["1", "2", "3"])
SOON = timedelta(minutes=5)


@dataclass
class Expected:
    """What a delivery should be like."""

    state: State = State.READY
    due_at: datetime = NOW
    wanted: int = 0
    settled: int = 0
    leased_until: datetime = NOW


class Deliveries(RuleBasedStateMachine):
    """One engine, and zombies that try to close what was taken from them."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.model: dict[str, Expected] = {}
        self.held: dict[str, Delivery] = {}
        self.stale: list[Delivery] = []
        with self.store.write() as tx:
            for table in (delivery, wait, inbox_table):
                tx.execute(table.delete())

    @rule(id=IDS)
    def hear(self, id: str) -> None:
        with self.store.write() as tx:
            inbox.add(tx, [row(id)])
            (new,) = inbox.unrouted(tx, 10)
            deliveries.want(tx, [Want(SYNC, at(id), new.seq, self.now, self.now)])
            inbox.routed(tx, [(new.seq, 1, None)])
        expected = self.model.setdefault(id, Expected(due_at=self.now))
        expected.wanted = new.seq
        if expected.state not in (State.READY, State.LEASED, State.IN_DOUBT):
            expected.state, expected.due_at = State.READY, self.now

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        with self.store.write() as tx:
            claimed = deliveries.claim(tx, SYNC, limit, self.now, LEASE)
        due = [
            expected.due_at
            for expected in self.model.values()
            if expected.state in (State.READY, State.IN_DOUBT) and expected.due_at <= self.now
        ]
        assert len(claimed) == min(limit, len(due))
        assert [self.model[item.source.id].due_at for item in claimed] == sorted(due)[:limit]
        for item in claimed:
            expected = self.model[item.source.id]
            assert expected.state in (State.READY, State.IN_DOUBT)
            assert (item.taken, item.settled) == (expected.wanted, expected.settled)
            expected.state, expected.leased_until = State.LEASED, self.now + LEASE
            self.held[item.source.id] = item

    @precondition(lambda self: self.held)
    @rule(data=st.data(), state=st.sampled_from([s for s in State if s is not State.LEASED]))
    def close(self, data: st.DataObject, state: State) -> None:
        id = data.draw(st.sampled_from(sorted(self.held)))
        item = self.held.pop(id)
        due_at = self.now + SOON
        with self.store.write() as tx:
            deliveries.close(tx, [Closing(item, state, due_at)], self.now)
        expected = self.model[id]
        expected.state, expected.due_at = state, due_at
        if state not in (State.READY, State.IN_DOUBT):
            expected.settled = item.taken
            if expected.wanted > item.taken:
                expected.state, expected.due_at = State.READY, self.now
        self.stale.append(item)

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def close_too_late(self, data: st.DataObject) -> None:
        zombie = data.draw(st.sampled_from(self.stale))
        batch = [Closing(zombie, State.DONE, self.now)]
        others = [item for id, item in sorted(self.held.items()) if id != zombie.source.id]
        batch += [Closing(item, State.DONE, self.now) for item in others]
        with pytest.raises(LeaseLostError), self.store.write() as tx:
            deliveries.close(tx, batch, self.now)

    @rule(minutes=st.sampled_from([1, 5, 14, 16]))
    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(all_leases=st.booleans())
    def recover(self, all_leases: bool) -> None:
        with self.store.write() as tx:
            taken = deliveries.recover(tx, self.now, all_leases=all_leases)
        lost = [id for id in self.held if all_leases or self.model[id].leased_until < self.now]
        assert taken == len(lost)
        for id in lost:
            self.model[id].state, self.model[id].due_at = State.READY, self.now
            self.stale.append(self.held.pop(id))

    @invariant()
    def the_store_is_as_expected(self) -> None:
        with self.store.read() as tx:
            found = {item.id: item for item in tx.execute(select(delivery))}
            rows = tx.execute(select(inbox_table.c.id, inbox_table.c.seq, inbox_table.c.state))
            for told in rows:
                ended = told.seq <= self.model[told.id].settled
                assert (told.state == "routed") is not ended
        assert set(found) == set(self.model)
        for id, expected in self.model.items():
            item = found[id]
            assert item.state == expected.state.value
            assert (item.wanted, item.settled) == (expected.wanted, expected.settled)
            if expected.state is not State.LEASED:
                assert item.due_at == expected.due_at


def test_deliveries_keep_to_the_model(store: Store) -> None:
    Deliveries.store = store
    run_state_machine_as_test(
        Deliveries,
        settings=settings(
            max_examples=40 if store.database.sqlite else 15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
