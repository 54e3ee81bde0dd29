"""Questions about where deliveries stand, for deciding what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select

from engine.model import Address, DeliveryState
from engine.store.deliveries import KEEPS_STATE, READY
from engine.store.sql import Tx, by_place, chunks
from engine.store.tables import delivery


def busy(tx: Tx, syncs: Sequence[str]) -> int:
    """How many deliveries of these syncs are being worked on or are about to be."""
    if not syncs:
        return 0
    query = (
        select(func.count())
        .select_from(delivery)
        .where(delivery.c.sync.in_(list(syncs)), delivery.c.state.in_(KEEPS_STATE))
    )
    return int(tx.execute(query).scalar_one())


def unsettled(tx: Tx, syncs: Sequence[str], now: datetime) -> int:
    """Deliveries that are ready now, leased or in doubt."""
    active = and_(delivery.c.state == READY, delivery.c.due_at <= now)
    in_hand = delivery.c.state.in_([DeliveryState.LEASED.value, DeliveryState.IN_DOUBT.value])
    query = (
        select(func.count())
        .select_from(delivery)
        .where(delivery.c.sync.in_(list(syncs)), or_(active, in_hand))
    )
    return int(tx.execute(query).scalar_one())


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
