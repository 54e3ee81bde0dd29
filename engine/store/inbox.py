"""The inbox: everything we were told, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Integer, bindparam, func, select, update

from connectors.records import Ref
from engine.model import Address, InboxRow, InboxState, NewRow, Origin
from engine.store.sql import PARAMETERS_MAX, Tx, by_place, chunks, insert
from engine.store.tables import NEW_ROW, inbox

STILL_OPEN: Final = (InboxState.NEW, InboxState.POSTPONED, InboxState.ROUTED)


def add(tx: Tx, rows: Sequence[NewRow]) -> None:
    """Record events and changes; an event key that is already there is left as it is."""
    if not rows:
        return
    tx.execute(
        insert(tx, inbox).on_conflict_do_nothing(index_elements=["connection", "event_key"]),
        [
            {
                "connection": row.address.connection,
                "object": row.address.object,
                "id": row.address.id,
                "kind": row.kind,
                "origin": row.origin.value,
                "event_key": row.event_key,
                "only_sync": row.only_sync,
                "related_object": row.related.object if row.related else None,
                "related_id": row.related.id if row.related else None,
                "version": row.version,
                "asked_at": row.asked_at,
                "snapshot": row.snapshot,
                "received_at": row.received_at,
                "state": InboxState.NEW.value,
                "open": 0,
            }
            for row in rows
        ],
    )


_UNROUTED: Final = (
    select(
        inbox.c.seq,
        inbox.c.connection,
        inbox.c.object,
        inbox.c.id,
        inbox.c.kind,
        inbox.c.origin,
        inbox.c.only_sync,
        inbox.c.related_object,
        inbox.c.related_id,
        inbox.c.version,
        inbox.c.received_at,
    )
    .where(NEW_ROW, inbox.c.connection.not_in(bindparam("but", expanding=True)))
    .order_by(inbox.c.seq)
    .limit(bindparam("most", type_=Integer))
)
_POSTPONED: Final = select(inbox.c.seq).where(inbox.c.state == InboxState.POSTPONED.value).limit(1)


def unrouted(tx: Tx, limit: int, but: Sequence[str] = ()) -> tuple[InboxRow, ...]:
    """New rows, oldest first, but those of some connections."""
    found = tx.execute(_UNROUTED, {"but": list(but), "most": limit})
    return tuple(
        InboxRow(
            seq=row.seq,
            address=Address(row.connection, row.object, row.id),
            kind=row.kind,
            origin=Origin(row.origin),
            only_sync=row.only_sync,
            related=Ref(row.related_object, row.related_id) if row.related_object else None,
            version=row.version,
            received_at=row.received_at,
        )
        for row in found
    )


def postpone(tx: Tx, seqs: Sequence[int]) -> None:
    """Leave rows for later, so that those behind them go on."""
    for part in chunks(seqs):
        tx.execute(
            update(inbox).where(inbox.c.seq.in_(part)).values(state=InboxState.POSTPONED.value)
        )


def postponed_again(tx: Tx) -> int:
    """Postponed rows are new again. Returns how many."""
    return tx.execute(
        update(inbox)
        .where(inbox.c.state == InboxState.POSTPONED.value)
        .values(state=InboxState.NEW.value)
    ).rowcount


def any_postponed(tx: Tx) -> bool:
    """Whether rows are left for later."""
    return tx.execute(_POSTPONED).first() is not None


def still_new(tx: Tx, seqs: Sequence[int]) -> set[int]:
    """Those of the rows that nobody has routed since they were read."""
    found: set[int] = set()
    for part in chunks(seqs):
        rows = tx.execute(
            select(inbox.c.seq).where(inbox.c.seq.in_(part), inbox.c.state == InboxState.NEW.value)
        )
        found.update(row.seq for row in rows)
    return found


def routed(tx: Tx, ends: Sequence[tuple[int, int, str | None]]) -> None:
    """Mark rows as routed to ``open`` deliveries; none means skipped, with the reason."""
    if not ends:
        return
    tx.execute(
        update(inbox)
        .where(inbox.c.seq == bindparam("row_seq"))
        .values(state=bindparam("row_state"), open=bindparam("row_open"), reason=bindparam("why")),
        [
            {
                "row_seq": seq,
                "row_state": (InboxState.ROUTED if count else InboxState.SKIPPED).value,
                "row_open": count,
                "why": None if count else reason,
            }
            for seq, count, reason in ends
        ],
    )


def finish(
    tx: Tx, spans: Sequence[tuple[str, Address, int, int]], state: InboxState, reason: str | None
) -> None:
    """One sync is through with the rows of a root in ``(after, upto]``.

    A row ends when the last sync it was routed to is through; its snapshot goes with it.
    """
    if not spans:
        return
    tx.execute(
        update(inbox)
        .where(
            inbox.c.connection == bindparam("at_connection"),
            inbox.c.object == bindparam("at_object"),
            inbox.c.id == bindparam("at_id"),
            inbox.c.seq > bindparam("after"),
            inbox.c.seq <= bindparam("upto"),
            inbox.c.state == InboxState.ROUTED.value,
            (inbox.c.only_sync.is_(None)) | (inbox.c.only_sync == bindparam("by_sync")),
        )
        .values(open=inbox.c.open - 1),
        [
            {
                "at_connection": root.connection,
                "at_object": root.object,
                "at_id": root.id,
                "after": after,
                "upto": upto,
                "by_sync": sync,
            }
            for sync, root, after, upto in spans
        ],
    )
    tx.execute(
        update(inbox)
        .where(
            inbox.c.connection == bindparam("at_connection"),
            inbox.c.object == bindparam("at_object"),
            inbox.c.id == bindparam("at_id"),
            inbox.c.seq <= bindparam("upto"),
            inbox.c.state == InboxState.ROUTED.value,
            inbox.c.open <= 0,
        )
        .values(state=state.value, reason=reason, snapshot=None),
        [
            {
                "at_connection": root.connection,
                "at_object": root.object,
                "at_id": root.id,
                "upto": upto,
            }
            for _sync, root, _after, upto in spans
        ],
    )


def snapshots(
    tx: Tx, wanted: Sequence[tuple[Address, int]]
) -> dict[Address, tuple[bytes, datetime]]:
    """The sealed snapshot of each root's newest row, with the time we asked for it.

    A root whose newest row is a thin notice has none: it must be read.
    """
    by_seq = {seq: address for address, seq in wanted}
    found: dict[Address, tuple[bytes, datetime]] = {}
    for part in chunks(sorted(by_seq)):
        rows = tx.execute(
            select(
                inbox.c.seq, inbox.c.snapshot, inbox.c.asked_at, inbox.c.object, inbox.c.id
            ).where(inbox.c.seq.in_(part), inbox.c.snapshot.is_not(None))
        )
        for row in rows:
            address = by_seq[row.seq]
            if (row.object, row.id) == (address.object, address.id):
                found[address] = (row.snapshot, row.asked_at)
    return found


def oldest(tx: Tx, roots: Sequence[tuple[Address, int]]) -> dict[Address, int]:
    """The first open row of each root after a position, where there is one."""
    after = dict(roots)
    found: dict[Address, int] = {}
    for (connection, object), ids in by_place(after).items():
        for part in chunks(ids):
            rows = tx.execute(
                select(inbox.c.id, inbox.c.seq)
                .where(
                    inbox.c.connection == connection,
                    inbox.c.object == object,
                    inbox.c.id.in_(part),
                    inbox.c.state == InboxState.ROUTED.value,
                )
                .order_by(inbox.c.seq)
            )
            for row in rows:
                address = Address(connection, object, row.id)
                if row.seq > after[address]:
                    found.setdefault(address, row.seq)
    return found


def counts(tx: Tx) -> dict[str, int]:
    """Rows per state."""
    rows = tx.execute(select(inbox.c.state, func.count()).group_by(inbox.c.state))
    return {state: count for state, count in rows}  # noqa: C416


def purge(tx: Tx, before: datetime) -> int:
    """Delete ended rows received before an instant, a bounded number at a time."""
    old = (
        select(inbox.c.seq)
        .where(
            inbox.c.state.not_in([state.value for state in STILL_OPEN]),
            inbox.c.received_at < before,
        )
        .limit(PARAMETERS_MAX)
    )
    seqs = [row.seq for row in tx.execute(old)]
    if seqs:
        tx.execute(inbox.delete().where(inbox.c.seq.in_(seqs)))
    return len(seqs)
