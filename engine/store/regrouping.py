"""Batches that do not become the journals they were made for: their lines go into others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update

from engine.money.calendar import Period
from engine.store import books, facts
from engine.store.books import Batch
from engine.store.money_tables import period_state, schedule_line
from engine.store.sql import Tx


@dataclass(frozen=True, slots=True)
class Moved:
    """A batch whose lines moved on, and the month that takes them now."""

    batch: Batch
    to: Period


def month_of(batch: Batch) -> Period:
    """The month that a batch is posted in."""
    return Period(batch.keys.get("period", "") or max(line.period.name for line in batch.lines))


def move_on(tx: Tx, id: str, connection: str, now: datetime) -> Moved | None:
    """The ERP takes no postings in a batch's month: let its lines go to the first open month.

    The month counts as closed from now on, until the ERP shows it as open again. Call it only for
    a batch that is known not to be posted. ``None``, and nothing done, where the ERP's periods are
    not known, or none of the later ones is open.
    """
    batch = books.batches(tx, [id]).get(id)
    if batch is None or not batch.lines:
        return None
    month = month_of(batch)
    rows = list(tx.execute(select(period_state).where(period_state.c.connection == connection)))
    own = [row.id for row in rows if _month(row.first) == month]
    later = sorted(_month(row.first) for row in rows if not row.closed)
    to = next((one for one in later if one > month), None)
    if not own or to is None:
        return None
    tx.execute(
        update(period_state)
        .where(period_state.c.connection == connection, period_state.c.id.in_(own))
        .values(closed=True, seen_at=now)
    )
    release(tx, id)
    names = {line.contract for line in batch.lines}
    facts.mark(tx, names | books.waiting_in(tx, {month}), now)
    return Moved(batch, to)


def release(tx: Tx, id: str) -> None:
    """The lines of a batch are in none any more. Its number is never given again."""
    tx.execute(update(schedule_line).where(schedule_line.c.batch == id).values(batch=None))


def _month(first: str) -> Period:
    return Period.of(date.fromisoformat(first))
