"""Deliveries as an operator sees them: counts, lists, and the word to try again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from engine.model import Address, DeliveryState
from engine.store.deliveries import READY
from engine.store.sql import Tx, chunks
from engine.store.tables import CLAIMABLE, OPEN_DELIVERY, delivery, wait


def retry(tx: Tx, numbers: Sequence[int], now: datetime) -> int:
    """An operator's word: work on these again, now, with fresh tries. Returns how many."""
    changed = 0
    for part in chunks(numbers):
        changed += tx.execute(
            update(delivery)
            .where(
                delivery.c.number.in_(part),
                delivery.c.state.in_(
                    [
                        DeliveryState.ISSUE.value,
                        DeliveryState.HELD.value,
                        DeliveryState.WAITING.value,
                        READY,
                    ]
                ),
            )
            .values(state=READY, due_at=now, tries=0)
        ).rowcount
    return changed


def next_due(tx: Tx, syncs: Sequence[str]) -> datetime | None:
    """When the next delivery of these syncs falls due, if any."""
    found: datetime | None = tx.execute(
        select(func.min(delivery.c.due_at)).where(delivery.c.sync.in_(list(syncs)), CLAIMABLE)
    ).scalar()
    return found


def due(tx: Tx, sync: str, now: datetime) -> tuple[int, datetime | None]:
    """How many deliveries of a sync are due, and since when the one due longest is."""
    query = select(func.count(), func.min(delivery.c.due_at))
    row = tx.execute(query.where(delivery.c.sync == sync, CLAIMABLE, delivery.c.due_at <= now))
    count, oldest = row.one()
    return count, oldest


def tally(tx: Tx) -> dict[str, dict[str, int]]:
    """Deliveries per sync and state."""
    found: dict[str, dict[str, int]] = {}
    query = select(delivery.c.sync, delivery.c.state, func.count()).group_by(
        delivery.c.sync, delivery.c.state
    )
    for sync, state, count in tx.execute(query):
        found.setdefault(sync, {})[state] = count
    return found


def listed(tx: Tx, state: DeliveryState, limit: int = 1000) -> list[dict[str, Any]]:
    """Deliveries in one state, oldest first, for status."""
    query = (
        select(delivery)
        .where(delivery.c.state == state.value, OPEN_DELIVERY)
        .order_by(delivery.c.opened_at)
        .limit(limit)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def waits_of(tx: Tx, numbers: Sequence[int]) -> dict[int, list[tuple[Address, str]]]:
    """What each waiting delivery waits for: source address and the target object wanted."""
    found: dict[int, list[tuple[Address, str]]] = {}
    for part in chunks(numbers):
        for row in tx.execute(select(wait).where(wait.c.delivery.in_(part))):
            address = Address(row.connection, row.object, row.id)
            found.setdefault(row.delivery, []).append((address, row.to_object))
    return found


def active_since(tx: Tx, sync: str, since: datetime, limit: int = 10_000) -> list[Address]:
    """The delivered records of a sync whose source changed at or after an instant."""
    rows = tx.execute(
        select(delivery.c.connection, delivery.c.object, delivery.c.id)
        .where(
            delivery.c.sync == sync,
            delivery.c.state == DeliveryState.DONE.value,
            delivery.c.changed_at >= since,
        )
        .order_by(delivery.c.number)
        .limit(limit)
    )
    return [Address(row.connection, row.object, row.id) for row in rows]


def states_of(tx: Tx, source: Address) -> list[tuple[str, str]]:
    """Where a record's deliveries stand: sync and state."""
    rows = tx.execute(
        select(delivery.c.sync, delivery.c.state)
        .where(
            delivery.c.connection == source.connection,
            delivery.c.object == source.object,
            delivery.c.id == source.id,
        )
        .order_by(delivery.c.sync)
    )
    return [(row.sync, row.state) for row in rows]
