"""The inbox: told once, routed once, ended once."""

from __future__ import annotations

from datetime import timedelta

from connectors.records import Ref
from engine.model import InboxRow, InboxState, Origin
from engine.store import inbox
from engine.store.store import Store
from tests.store.conftest import NOW
from tests.store.store_kit import SYNC, at, counts, row


def add(store: Store, *rows: object) -> None:
    with store.write() as tx:
        inbox.add(tx, rows)  # type: ignore[arg-type]


def unrouted(store: Store, **options: object) -> tuple[InboxRow, ...]:
    with store.read() as tx:
        return inbox.unrouted(tx, 100, **options)  # type: ignore[arg-type]


def test_an_event_is_kept_once_per_connection(store: Store) -> None:
    add(store, row(1, event_key="e1"), row(2, event_key="e1"))
    add(store, row(1, event_key="e1"), row(1, event_key="e2"))
    other = at(1, connection="sales", object="Opportunity")
    add(store, row(1, address=other, event_key="e1"))
    # What has no key is never a repeat.
    add(store, row(3), row(3))
    found = [(item.address.connection, item.address.id) for item in unrouted(store)]
    assert found == [("crm", "1"), ("crm", "1"), ("sales", "1"), ("crm", "3"), ("crm", "3")]


def test_a_row_comes_back_as_it_was_told(store: Store) -> None:
    told = row(
        "ü €\u2028'\"%s",
        kind="associated",
        origin=Origin.WEBHOOK,
        event_key="k",
        only_sync=SYNC,
        related=Ref("companies", "7"),
        version=NOW + timedelta(microseconds=1),
    )
    add(store, told)
    (found,) = unrouted(store)
    assert found == InboxRow(
        found.seq,
        told.address,
        "associated",
        Origin.WEBHOOK,
        SYNC,
        told.related,
        told.version,
        NOW,
    )


def test_rows_come_in_order_but_for_connections_that_are_closed(store: Store) -> None:
    add(store, row(1), row(2, address=at(2, connection="sales")), row(3))
    assert [item.address.id for item in unrouted(store, but=["sales"])] == ["1", "3"]
    seqs = [item.seq for item in unrouted(store)]
    assert seqs == sorted(set(seqs))


def test_routing_ends_a_row_that_concerns_nobody(store: Store) -> None:
    add(store, row(1), row(2))
    first, second = (item.seq for item in unrouted(store))
    with store.write() as tx:
        assert inbox.still_new(tx, [first, second, 999]) == {first, second}
        inbox.routed(tx, [(first, 2, None), (second, 0, "no sync is concerned")])
        assert inbox.still_new(tx, [first, second]) == set()
    assert counts(store) == {"routed": 1, "skipped": 1}


def test_a_row_ends_with_the_last_sync_it_concerns(store: Store) -> None:
    add(store, row(1), row(1), row(1, only_sync="b"))
    seqs = [item.seq for item in unrouted(store)]
    with store.write() as tx:
        inbox.routed(tx, [(seqs[0], 2, None), (seqs[1], 2, None), (seqs[2], 1, None)])
        inbox.finish(tx, [("a", at(1), 0, seqs[2])], InboxState.APPLIED, None)
    assert counts(store) == {"routed": 3}
    with store.write() as tx:
        inbox.finish(tx, [("b", at(1), 0, seqs[0])], InboxState.APPLIED, None)
    assert counts(store) == {"applied": 1, "routed": 2}
    with store.write() as tx:
        inbox.finish(tx, [("b", at(1), seqs[0], seqs[2])], InboxState.PARKED, "REFUSED")
    assert counts(store) == {"applied": 1, "parked": 2}


def test_a_snapshot_is_the_newest_rows_or_none(store: Store) -> None:
    add(store, row(1, snapshot=b"old", asked_at=NOW), row(1, snapshot=b"new", asked_at=NOW))
    add(store, row(2, snapshot=b"x", asked_at=NOW), row(2, origin=Origin.WEBHOOK))
    seqs = {item.address: item.seq for item in unrouted(store)}
    with store.read() as tx:
        found = inbox.snapshots(tx, list(seqs.items()))
        assert found == {at(1): (b"new", NOW)}
        # A row of another record never stands in.
        assert inbox.snapshots(tx, [(at(9), seqs[at(1)])]) == {}


def test_purging_leaves_what_is_open_or_young(store: Store) -> None:
    old, young = NOW - timedelta(days=9), NOW
    add(store, row(1, received_at=old), row(2, received_at=old), row(3, received_at=young))
    first, _second, third = (item.seq for item in unrouted(store))
    with store.write() as tx:
        inbox.routed(tx, [(first, 0, "x"), (third, 0, "x")])
        assert inbox.purge(tx, NOW - timedelta(days=7)) == 1
        assert inbox.purge(tx, NOW - timedelta(days=7)) == 0
    assert counts(store) == {"new": 1, "skipped": 1}


def test_numbers_are_never_used_again(store: Store) -> None:
    add(store, row(1))
    (first,) = unrouted(store)
    with store.write() as tx:
        inbox.routed(tx, [(first.seq, 0, "x")])
        inbox.purge(tx, NOW + timedelta(1))
    add(store, row(2))
    assert unrouted(store)[0].seq > first.seq
