"""Records that were delivered with an older mapping, on both databases."""

from __future__ import annotations

from datetime import timedelta

from engine.model import DeliveryState
from engine.store import links, outdated
from engine.store.deliveries import SHADOW
from engine.store.outdated import Reach
from engine.store.store import Store
from tests.store.conftest import NOW
from tests.store.store_kit import SYNC, at, bring, close

FAR = at(1, "sales", "Opportunity")

State = DeliveryState


def test_only_what_was_delivered_otherwise_is_outdated(store: Store) -> None:
    for number, digest in enumerate(["old", "older", "new", SHADOW + "old", None]):
        seen = "h" if digest else None
        close(store, [bring(store, number, State.LEASED)], State.DONE,
              seen_hash=seen, seen_digest=digest)  # fmt: skip
    held = bring(store, 9, State.LEASED)
    close(store, [held], State.HELD, reason="gate")
    with store.read() as tx:
        found = outdated.every(tx, {SYNC: "new", "another": "new"})
        assert {name: one.records for name, one in found.items()} == {SYNC: 2}
        assert outdated.ids(tx, SYNC, "new", 10) == [at(0).id, at(1).id]
        assert outdated.ids(tx, SYNC, "new", 1) == [at(0).id]
        assert outdated.every(tx, {}) == {}
        # What a backfill would deliver again is all that was not delivered as it is now.
        assert outdated.reach(tx, SYNC, "new", None) == Reach(known=6, owed=5)


def test_what_changed_before_is_out_of_reach(store: Store) -> None:
    close(store, [bring(store, 1, State.LEASED)], State.DONE, seen_hash="h", seen_digest="old")
    with store.read() as tx:
        since = outdated.every(tx, {SYNC: "new"})[SYNC].since
        assert since == NOW
        assert outdated.reach(tx, SYNC, "new", NOW) == Reach(1, 1)
        assert outdated.reach(tx, SYNC, "new", NOW + timedelta(seconds=1)) == Reach(0, 0)


def test_links_are_counted_from_either_side(store: Store) -> None:
    with store.write() as tx:
        links.create(tx, at(1), FAR, {}, None, NOW)
    ends = (at(1).connection, at(1).object), (FAR.connection, FAR.object)
    with store.read() as tx:
        assert outdated.linked(tx, *ends) == outdated.linked(tx, *reversed(ends)) == 1
        assert outdated.linked(tx, ends[0], ("elsewhere", "Thing")) == 0
