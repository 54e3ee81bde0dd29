"""Where deliveries stand: what decides what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Text, and_, bindparam, func, or_, select, text, update

from engine.model import Address, DeliveryState, InboxState
from engine.store.deliveries import KEEPS_STATE, READY
from engine.store.sql import Tx, by_place, chunks
from engine.store.tables import OPEN_DELIVERY, Instant, delivery
from engine.store.tables import inbox as inbox_table

# From one sync's first entry of the index to the next one's: as many steps as there are syncs,
# however many deliveries there are. The condition is CLAIMABLE's, word by word.
_DUE: Final = (
    text("""WITH RECURSIVE open (sync) AS (
        SELECT min(sync) FROM delivery WHERE state IN ('ready', 'in_doubt')
        UNION ALL
        SELECT (
            SELECT min(sync) FROM delivery
            WHERE state IN ('ready', 'in_doubt') AND sync > open.sync
        )
        FROM open WHERE open.sync IS NOT NULL
    )
    SELECT sync FROM open WHERE EXISTS (
        SELECT 1 FROM delivery
        WHERE state IN ('ready', 'in_doubt') AND sync = open.sync AND due_at <= :now
    )""")
    .bindparams(bindparam("now", type_=Instant))
    .columns(sync=Text)
)


def due(tx: Tx, now: datetime) -> set[str]:
    """The syncs that have deliveries to claim now."""
    return {row.sync for row in tx.execute(_DUE, {"now": now})}


def busy(tx: Tx, syncs: Sequence[str]) -> int:
    """How many deliveries of these syncs are being worked on or are about to be."""
    if not syncs:
        return 0
    query = (
        select(func.count())
        .select_from(delivery)
        .where(delivery.c.sync.in_(list(syncs)), OPEN_DELIVERY, delivery.c.state.in_(KEEPS_STATE))
    )
    return int(tx.execute(query).scalar_one())


_IN_HAND: Final = delivery.c.state.in_([DeliveryState.LEASED.value, DeliveryState.IN_DOUBT.value])
_UNSETTLED: Final = (
    select(func.count())
    .select_from(delivery)
    .where(
        delivery.c.sync.in_(bindparam("syncs", expanding=True)),
        OPEN_DELIVERY,
        or_(_IN_HAND, and_(delivery.c.state == READY, delivery.c.due_at <= bindparam("now"))),
    )
)


def unsettled(
    tx: Tx, syncs: Sequence[str], now: datetime, *, opened_by: datetime | None = None
) -> int:
    """Deliveries that are ready now, leased or in doubt.

    With ``opened_by`` only those that were opened by then.
    """
    query = _UNSETTLED
    if opened_by is not None:
        query = query.where(delivery.c.opened_at <= opened_by)
    return int(tx.execute(query, {"syncs": list(syncs), "now": now}).scalar_one())


def look_again(tx: Tx, reason: str, now: datetime) -> None:
    """Deliveries that are an issue for this reason are tried anew, with fresh tries."""
    tx.execute(
        update(delivery)
        .where(delivery.c.state == DeliveryState.ISSUE.value, delivery.c.reason == reason)
        .values(state=READY, due_at=now, tries=0)
    )


def ended_since(tx: Tx, sources: Iterable[Address], since: datetime) -> bool:
    """Whether a delivery of one of these records ended as done at or after an instant."""
    for (connection, object), ids in by_place(sources).items():
        for part in chunks(ids):
            found = tx.execute(
                select(delivery.c.number)
                .where(
                    delivery.c.connection == connection,
                    delivery.c.object == object,
                    delivery.c.id.in_(part),
                    delivery.c.state == DeliveryState.DONE.value,
                    delivery.c.ended_at >= since,
                )
                .limit(1)
            ).first()
            if found is not None:
                return True
    return False


def forget_seen(tx: Tx, sources: Iterable[Address]) -> None:
    """We wrote to these records: that they look as they once did no longer means a repeat."""
    for (connection, object), ids in by_place(sources).items():
        for part in chunks(ids):
            tx.execute(
                update(delivery)
                .where(
                    delivery.c.connection == connection,
                    delivery.c.object == object,
                    delivery.c.id.in_(part),
                )
                .values(seen_hash=None)
            )


def seen(tx: Tx, sync: str, roots: Sequence[Address]) -> dict[Address, tuple[str, str | None]]:
    """For done deliveries: the hash of the source and the digest of the mapping, as delivered."""
    found: dict[Address, tuple[str, str | None]] = {}
    for (connection, object), ids in by_place(roots).items():
        for part in chunks(ids):
            rows = tx.execute(
                select(delivery.c.id, delivery.c.seen_hash, delivery.c.seen_digest).where(
                    delivery.c.sync == sync,
                    delivery.c.connection == connection,
                    delivery.c.object == object,
                    delivery.c.id.in_(part),
                    delivery.c.state == DeliveryState.DONE.value,
                    delivery.c.seen_hash.is_not(None),
                )
            )
            for row in rows:
                address = Address(connection, object, row.id)
                found[address] = (row.seen_hash, row.seen_digest)
    return found


def pending(tx: Tx, syncs: Sequence[str], roots: Sequence[Address]) -> set[Address]:
    """Those of the records that have work ahead in one of the syncs, or rows not routed yet."""
    found: set[Address] = set()
    for (connection, object), ids in by_place(roots).items():
        for part in chunks(ids):
            busy = select(delivery.c.id).where(
                delivery.c.sync.in_(list(syncs)),
                delivery.c.connection == connection,
                delivery.c.object == object,
                delivery.c.id.in_(part),
                delivery.c.state.in_([*KEEPS_STATE, DeliveryState.WAITING.value]),
            )
            new = select(inbox_table.c.id).where(
                inbox_table.c.connection == connection,
                inbox_table.c.object == object,
                inbox_table.c.id.in_(part),
                inbox_table.c.state == InboxState.NEW.value,
            )
            for query in (busy, new):
                found.update(Address(connection, object, row.id) for row in tx.execute(query))
    return found


def resting(
    tx: Tx, sync: str, before: datetime, limit: int, *, held_but: Sequence[str], issue_of: str
) -> list[Address]:
    """Records that a gate holds, or with an issue of one kind, not looked at since ``before``.

    ``held_but`` are reasons of holding that are left out. The longest unseen come first.
    """
    left_out = delivery.c.reason.not_in(list(held_but))
    held = and_(delivery.c.state == DeliveryState.HELD.value, left_out)
    faulty = and_(delivery.c.state == DeliveryState.ISSUE.value, delivery.c.reason == issue_of)
    rows = tx.execute(
        select(delivery.c.connection, delivery.c.object, delivery.c.id)
        .where(delivery.c.sync == sync, OPEN_DELIVERY, or_(held, faulty))
        .where(delivery.c.due_at <= before)
        .order_by(delivery.c.due_at, delivery.c.number)
        .limit(limit)
    )
    return [Address(row.connection, row.object, row.id) for row in rows]
