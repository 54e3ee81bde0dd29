"""Batches that do not become the journals they were made for: their lines go into others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import orjson
from sqlalchemy import delete, func, select, update

from engine.money.calendar import Period
from engine.money.scheduling import PromiseKey
from engine.store import books, facts, streams
from engine.store.batch_names import batch_digest, batch_name
from engine.store.books import Batch, Line, Promise
from engine.store.money_tables import journal_batch, period_state, schedule, schedule_line
from engine.store.sql import Tx, chunks, insert_many, put_many

_RECALLED: Final = "books_recalled:"
_BROKEN_UP: Final = "books_broken_up:"


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


@dataclass(frozen=True, slots=True)
class Named:
    """A batch that may have been posted under this name. ``known``: it is in these books."""

    id: str
    sync: str
    keys: Mapping[str, str]
    number: int
    known: bool


def names(tx: Tx, sync: str, keys: Mapping[str, str], more: int) -> list[Named]:
    """The names of a group's batches that hold no line in these books, ``more`` new ones last."""
    rows = list(
        tx.execute(
            select(journal_batch)
            .where(journal_batch.c.sync == sync, journal_batch.c.grouping == _written(keys))
            .order_by(journal_batch.c.number)
        )
    )
    held = books.batches(tx, [row.id for row in rows])
    empty = [
        Named(row.id, sync, keys, row.number, known=True) for row in rows if not held[row.id].lines
    ]
    last = rows[-1].number if rows else 0
    later = range(last + 1, last + 1 + more)
    return [*empty, *(Named(_id(tx, sync, keys, n), sync, keys, n, known=False) for n in later)]


def _id(tx: Tx, sync: str, keys: Mapping[str, str], number: int) -> str:
    id = batch_name(sync, keys, number)
    taken = id and tx.execute(select(journal_batch.c.id).where(journal_batch.c.id == id)).first()
    return batch_digest(sync, keys, number) if id is None or taken else id


def promises(tx: Tx, kind: str) -> dict[Promise, date]:
    """Every promise of a kind that ever had a schedule, and its first day of service."""
    found: dict[Promise, date] = {}
    for row in tx.execute(select(schedule).where(schedule.c.promise.startswith(f"{kind}:"))):
        key = PromiseKey.parse(row.promise, int(row.exponent))
        entity, family = key.entity or None, key.family or None
        one = Promise(row.contract, row.promise, kind, family, entity, key.currency, key.exponent)
        first = date.fromisoformat(row.first)
        found[one] = min(first, found.get(one, first))
    return found


def planned_for(tx: Tx, kind: str, service: Period) -> list[Line]:
    """The lines for a month of service that are in no batch yet."""
    rows = tx.execute(
        select(schedule_line)
        .where(
            schedule_line.c.batch.is_(None),
            schedule_line.c.kind == kind,
            schedule_line.c.service == service.name,
        )
        .order_by(schedule_line.c.number)
    )
    return [books.line_of(row) for row in rows]


def is_recalled(tx: Tx, sync: str) -> bool:
    """Whether what a sync has ever posted is in these books."""
    return bool(streams.get_meta(tx, _RECALLED + sync))


def set_recalled(tx: Tx, sync: str) -> None:
    """What a sync has ever posted is in these books from now on."""
    streams.put_meta(tx, _RECALLED + sync, "yes")


def break_up(tx: Tx, sync: str, id: str, now: datetime) -> bool:
    """A batch met a journal of its name that is made of other lines: another store posted it.

    Its lines are in no batch again, and what is posted has to be looked for before the next are
    sealed. Only once for a batch; false where it was done before.
    """
    batch = books.batches(tx, [id]).get(id)
    if batch is None or not batch.lines or streams.get_meta(tx, _BROKEN_UP + id):
        return False
    release(tx, id)
    streams.put_meta(tx, _BROKEN_UP + id, "yes")
    streams.put_meta(tx, _RECALLED + sync, "")
    facts.mark(tx, {line.contract for line in batch.lines}, now)
    return True


def adopt(tx: Tx, name: Named, lines: Sequence[Line], now: datetime) -> None:
    """These lines are in a journal that is posted: they are a batch of this name from now on.

    What is planned for their contracts is dropped; it follows anew from what is left to be posted.
    """
    # Whoever has seen it before sees that it is another one now.
    latest = tx.execute(select(func.max(journal_batch.c.sealed_at))).scalar()
    now = now if latest is None else max(now, latest + timedelta(microseconds=1))
    row = {"id": name.id, "sync": name.sync, "grouping": _written(name.keys)}
    put_many(tx, journal_batch, [{**row, "number": name.number, "sealed_at": now}])
    insert_many(
        tx,
        schedule_line,
        [
            {
                "contract": line.contract,
                "promise": line.promise,
                "kind": line.kind,
                "version": 0,
                "family": line.family,
                "entity": line.entity,
                "currency": line.currency,
                "exponent": line.exponent,
                "period": line.period.name,
                "service": line.service.name,
                "amount_minor": line.amount_minor,
                "reason": line.reason.value,
                "made_at": now,
                "batch": name.id,
            }
            for line in lines
        ],
    )
    contracts = {line.contract for line in lines}
    for part in chunks(sorted(contracts)):
        tx.execute(
            delete(schedule_line).where(
                schedule_line.c.contract.in_(part), schedule_line.c.batch.is_(None)
            )
        )
    facts.mark(tx, contracts, now)


def put_into(tx: Tx, name: Named, lines: Sequence[Line], now: datetime) -> None:
    """These planned lines are a batch of this name from now on; it is not to be broken up again."""
    streams.put_meta(tx, _BROKEN_UP + name.id, "yes")
    adopt(tx, name, (), now)
    numbers = [line.number for line in lines]
    for part in chunks(numbers):
        tx.execute(
            update(schedule_line).where(schedule_line.c.number.in_(part)).values(batch=name.id)
        )
    facts.mark(tx, {line.contract for line in lines}, now)


def _written(keys: Mapping[str, str]) -> str:
    return orjson.dumps(dict(keys), option=orjson.OPT_SORT_KEYS).decode()


def _month(first: str) -> Period:
    return Period.of(date.fromisoformat(first))
