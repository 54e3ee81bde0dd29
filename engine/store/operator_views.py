"""What an operator looks up and puts right: single deliveries, and everything known of a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select, update

from engine.model import Address, DeliveryState, LinkState
from engine.store.payloads import Payloads
from engine.store.sql import Tx, chunks
from engine.store.tables import delivery, link, wait

DETAIL: Final = "delivery detail"
"""What the sealed sentence of a held delivery is sealed for."""


@dataclass(frozen=True, slots=True)
class OpenDelivery:
    """A delivery as an operator sees it."""

    number: int
    sync: str
    source: Address
    state: str
    reason: str | None
    due_at: datetime
    opened_at: datetime
    tries: int


def _seen(row: Any) -> OpenDelivery:
    return OpenDelivery(
        number=row.number,
        sync=row.sync,
        source=Address(row.connection, row.object, row.id),
        state=row.state,
        reason=row.reason,
        due_at=row.due_at,
        opened_at=row.opened_at,
        tries=row.tries,
    )


def sentences(tx: Tx, payloads: Payloads, numbers: Sequence[int]) -> dict[int, str]:
    """What the gates say that hold these deliveries. What was forgotten is left out."""
    found: dict[int, str] = {}
    for part in chunks(numbers):
        rows = tx.execute(
            select(delivery.c.number, delivery.c.detail).where(
                delivery.c.number.in_(part),
                delivery.c.state == DeliveryState.HELD.value,
                delivery.c.detail.is_not(None),
            )
        ).all()
        opened = payloads.open(tx, [row.detail for row in rows], DETAIL)
        found.update(
            (row.number, said.decode())
            for row, said in zip(rows, opened, strict=True)
            if said is not None
        )
    return found


def delivery_numbered(tx: Tx, number: int) -> OpenDelivery | None:
    """One delivery by its number."""
    row = tx.execute(select(delivery).where(delivery.c.number == number)).first()
    return None if row is None else _seen(row)


def deliveries_at(tx: Tx, address: Address) -> list[OpenDelivery]:
    """The deliveries of a record, one per sync that it concerns."""
    rows = tx.execute(
        select(delivery)
        .where(
            delivery.c.connection == address.connection,
            delivery.c.object == address.object,
            delivery.c.id == address.id,
        )
        .order_by(delivery.c.sync)
    )
    return [_seen(row) for row in rows]


def listed(
    tx: Tx, states: Sequence[DeliveryState], limit: int, *, due_after: datetime | None = None
) -> list[OpenDelivery]:
    """Deliveries in some states, oldest first; only those due after an instant, if given."""
    query = (
        select(delivery)
        .where(delivery.c.state.in_([state.value for state in states]))
        .order_by(delivery.c.opened_at, delivery.c.number)
        .limit(limit)
    )
    if due_after is not None:
        query = query.where(delivery.c.due_at > due_after)
    return [_seen(row) for row in tx.execute(query)]


@dataclass(frozen=True, slots=True)
class Retries:
    """Deliveries of a sync that are to be tried again, for one reason."""

    sync: str
    reason: str
    count: int
    next_at: datetime


def retries(tx: Tx, now: datetime) -> list[Retries]:
    """What is ready and due later, by sync and by why it was put off."""
    return _retries(tx, delivery.c.due_at > now)


def put_off(tx: Tx, syncs: Sequence[str], reason: str) -> list[Retries]:
    """What is ready in these syncs and was put off for a reason, due or not."""
    return _retries(tx, delivery.c.sync.in_(list(syncs)) & (delivery.c.reason == reason))


def _retries(tx: Tx, which: ColumnElement[bool]) -> list[Retries]:
    rows = tx.execute(
        select(delivery.c.sync, delivery.c.reason, func.count(), func.min(delivery.c.due_at))
        .where(delivery.c.state == DeliveryState.READY.value, which)
        .group_by(delivery.c.sync, delivery.c.reason)
        .order_by(delivery.c.sync, delivery.c.reason)
    )
    return [Retries(sync, reason or "", count, next_at) for sync, reason, count, next_at in rows]


def dismiss(tx: Tx, number: int, reason: str, now: datetime) -> bool:
    """Close a delivery that a person has settled otherwise; its next change opens it again."""
    stopped = (DeliveryState.ISSUE, DeliveryState.HELD, DeliveryState.WAITING)
    changed = tx.execute(
        update(delivery)
        .where(
            delivery.c.number == number, delivery.c.state.in_([state.value for state in stopped])
        )
        .values(
            state=DeliveryState.DONE.value,
            settled=delivery.c.wanted,
            tries=0,
            reason=reason,
            ended_at=now,
        )
    )
    tx.execute(wait.delete().where(wait.c.delivery == number))
    return bool(changed.rowcount)


def addresses_with_id(tx: Tx, id: str, limit: int = 20) -> list[Address]:
    """Records of any system that have this id and a link or a delivery."""
    found: dict[Address, None] = {}
    for row in tx.execute(
        select(link).where(or_(link.c.left_id == id, link.c.right_id == id)).limit(limit)
    ):
        for side in ("left", "right"):
            place = [getattr(row, f"{side}_{name}") for name in ("connection", "object", "id")]
            if place[2] == id:
                found.setdefault(Address(*place))
    for row in tx.execute(select(delivery).where(delivery.c.id == id).limit(limit)):
        found.setdefault(Address(row.connection, row.object, row.id))
    return list(found)


def link_facts(tx: Tx, address: Address) -> list[dict[str, Any]]:
    """Every link a record ever had, seen from it, with its state and dates."""
    found = []
    for near, far in (("left", "right"), ("right", "left")):
        rows = tx.execute(
            select(link)
            .where(
                link.c[f"{near}_connection"] == address.connection,
                link.c[f"{near}_object"] == address.object,
                link.c[f"{near}_id"] == address.id,
            )
            .order_by(link.c.number)
        )
        for row in rows:
            far_place = [getattr(row, f"{far}_{name}") for name in ("connection", "object", "id")]
            found.append(
                {
                    "number": row.number,
                    "record": Address(*far_place),
                    "state": LinkState(row.state).value,
                    "reason": row.reason,
                    "parent": row.parent,
                    "created_at": row.created_at,
                    "updated_at": row.updated_at,
                }
            )
    return found
