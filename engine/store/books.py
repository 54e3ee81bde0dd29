"""The books of each contract: its schedules, their lines, and the batches they are posted in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson
from sqlalchemy import Column, and_, bindparam, delete, func, or_, select, update

from engine.money.calendar import Period
from engine.money.lines import PlannedLine, Reason
from engine.money.model import PeriodState
from engine.store.batch_names import batch_digest, batch_name
from engine.store.money_tables import (
    DIRTY,
    book,
    journal_batch,
    period_state,
    schedule,
    schedule_line,
)
from engine.store.sql import Tx, chunks, insert_many, never_before, put_many


@dataclass(frozen=True, slots=True)
class Promise:
    """What a schedule is for: one product family of one contract, entity and currency.

    ``kind`` is ``revenue`` or ``cost``.
    """

    contract: str
    name: str
    kind: str
    family: str | None
    entity: str | None
    currency: str
    exponent: int


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a schedule. ``digest`` tells whether another one is the same."""

    number: int
    method: str
    digest: str
    amount_minor: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Line:
    """A schedule line as stored. ``batch`` is the journal it was handed over in."""

    number: int
    contract: str
    promise: str
    kind: str
    family: str | None
    entity: str | None
    currency: str
    exponent: int
    period: Period
    service: Period
    amount_minor: int
    reason: Reason
    batch: str | None


def take_dirty(tx: Tx, limit: int, now: datetime) -> tuple[str, ...]:
    """Some contracts to look at; they are clean once this transaction is committed."""
    chosen = select(book.c.contract).where(DIRTY).order_by(book.c.contract).limit(limit)
    names = tuple(tx.execute(chosen.with_for_update()).scalars())
    now = never_before(tx, book.c.updated_at, now)
    for part in chunks(names):
        tx.execute(
            update(book).where(book.c.contract.in_(part)).values(dirty=False, updated_at=now)
        )
    return names


def touch(tx: Tx, names: Iterable[str], now: datetime) -> None:
    """These contracts read otherwise from now on, though no schedule of theirs changed."""
    now = never_before(tx, book.c.updated_at, now)
    for part in chunks(sorted(names)):
        tx.execute(update(book).where(book.c.contract.in_(part)).values(updated_at=now))


_DIRTY: Final = select(book.c.contract).where(DIRTY).limit(1)
_UNSEALED: Final = (
    select(schedule_line.c.number)
    .where(
        schedule_line.c.batch.is_(None),
        schedule_line.c.kind == bindparam("kind"),
        schedule_line.c.period <= bindparam("last"),
    )
    .limit(1)
)


def any_dirty(tx: Tx) -> bool:
    """Whether any contract waits to be looked at."""
    return tx.execute(_DIRTY).first() is not None


def contracts(tx: Tx, after: str, limit: int) -> list[str]:
    """Contracts in the order of their names."""
    chosen = select(book.c.contract).where(book.c.contract > after)
    return list(tx.execute(chosen.order_by(book.c.contract).limit(limit)).scalars())


def changed(tx: Tx, since: datetime, after: str, limit: int) -> list[tuple[str, datetime]]:
    """Contracts in the order in which they last changed, from a point on."""
    return _since(tx, book.c.contract, book.c.updated_at, since, after, limit)


def sealed(tx: Tx, since: datetime, after: str, limit: int) -> list[tuple[str, datetime]]:
    """Batches in the order in which they were sealed, from a point on."""
    return _since(tx, journal_batch.c.id, journal_batch.c.sealed_at, since, after, limit)


def _since(
    tx: Tx, id: Column[str], at: Column[datetime], since: datetime, after: str, limit: int
) -> list[tuple[str, datetime]]:
    rows = tx.execute(
        select(id, at)
        .where(or_(at > since, and_(at == since, id > after)))
        .order_by(at, id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def changed_at(tx: Tx, names: Sequence[str]) -> dict[str, datetime]:
    """When these contracts last changed; unknown ones are left out."""
    found: dict[str, datetime] = {}
    for part in chunks(names):
        rows = tx.execute(
            select(book.c.contract, book.c.updated_at).where(book.c.contract.in_(part))
        )
        found |= {row.contract: row.updated_at for row in rows}
    return found


def latest_version(tx: Tx, promise: Promise) -> Version | None:
    """The version of a schedule that holds now."""
    row = tx.execute(
        select(schedule)
        .where(schedule.c.contract == promise.contract, schedule.c.promise == promise.name)
        .order_by(schedule.c.version.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    first, last = date.fromisoformat(row.first), date.fromisoformat(row.last)
    return Version(row.version, row.method, row.digest, int(row.amount_minor), first, last)


def put_version(tx: Tx, promise: Promise, version: Version, now: datetime) -> None:
    """Open a new version of a schedule."""
    insert_many(
        tx,
        schedule,
        [
            {
                "contract": promise.contract,
                "promise": promise.name,
                "version": version.number,
                "method": version.method,
                "digest": version.digest,
                "amount_minor": version.amount_minor,
                "currency": promise.currency,
                "exponent": promise.exponent,
                "first": version.first.isoformat(),
                "last": version.last.isoformat(),
                "made_at": now,
            }
        ],
    )


def lines_of(tx: Tx, names: Sequence[str]) -> list[Line]:
    """All lines of contracts, oldest first."""
    found: list[Line] = []
    for part in chunks(names):
        rows = tx.execute(
            select(schedule_line)
            .where(schedule_line.c.contract.in_(part))
            .order_by(schedule_line.c.number)
        )
        found += [line_of(row) for row in rows]
    return found


def replace_lines(
    tx: Tx, promise: Promise, version: int, planned: Sequence[PlannedLine], now: datetime
) -> None:
    """Put these lines in the place of those of the promise that are in no batch yet."""
    tx.execute(
        delete(schedule_line).where(
            schedule_line.c.contract == promise.contract,
            schedule_line.c.promise == promise.name,
            schedule_line.c.batch.is_(None),
        )
    )
    insert_many(
        tx,
        schedule_line,
        [
            {
                "contract": promise.contract,
                "promise": promise.name,
                "kind": promise.kind,
                "version": version,
                "family": promise.family,
                "entity": promise.entity,
                "currency": promise.currency,
                "exponent": promise.exponent,
                "period": line.period.name,
                "service": line.service.name,
                "amount_minor": line.amount_minor,
                "reason": line.reason.value,
                "made_at": now,
                "batch": None,
            }
            for line in planned
        ],
    )


def any_unsealed(tx: Tx, kind: str, last: Period) -> bool:
    """Whether any line of a kind, of periods up to one, is in no batch yet."""
    return tx.execute(_UNSEALED, {"kind": kind, "last": last.name}).first() is not None


def unsealed(tx: Tx, kind: str, last: Period, *, hold: bool = False) -> list[Line]:
    """Lines of a kind, of periods up to one, that are in no batch yet; oldest period first.

    With ``hold`` nobody else can put them into a batch before this transaction ends.
    """
    found = (
        select(schedule_line)
        .where(
            schedule_line.c.batch.is_(None),
            schedule_line.c.kind == kind,
            schedule_line.c.period <= last.name,
        )
        .order_by(schedule_line.c.period, schedule_line.c.number)
    )
    rows = tx.execute(found.with_for_update() if hold else found)
    return [line_of(row) for row in rows]


def waiting_in(tx: Tx, months: Iterable[Period]) -> set[str]:
    """Contracts with lines of or for these periods that are in no batch yet."""
    found: set[str] = set()
    for part in chunks(sorted(month.name for month in months)):
        rows = tx.execute(
            select(schedule_line.c.contract)
            .where(
                schedule_line.c.batch.is_(None),
                or_(schedule_line.c.period.in_(part), schedule_line.c.service.in_(part)),
            )
            .distinct()
        )
        found |= {row.contract for row in rows}
    return found


def seal(tx: Tx, sync: str, keys: Mapping[str, str], lines: Sequence[Line], now: datetime) -> str:
    """Make a batch of lines; returns its id, which says what it holds."""
    written = orjson.dumps(dict(keys), option=orjson.OPT_SORT_KEYS).decode()
    last = tx.execute(
        select(func.max(journal_batch.c.number)).where(
            journal_batch.c.sync == sync, journal_batch.c.grouping == written
        )
    ).scalar()
    number = int(last or 0) + 1
    id = batch_name(sync, keys, number)
    if id is None or tx.execute(select(journal_batch).where(journal_batch.c.id == id)).first():
        id = batch_digest(sync, keys, number)
    now = never_before(tx, journal_batch.c.sealed_at, now)
    insert_many(
        tx,
        journal_batch,
        [{"id": id, "sync": sync, "grouping": written, "number": number, "sealed_at": now}],
    )
    for part in chunks([line.number for line in lines]):
        tx.execute(update(schedule_line).where(schedule_line.c.number.in_(part)).values(batch=id))
    return id


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that are posted together."""

    id: str
    keys: Mapping[str, str]
    number: int
    sealed_at: datetime
    lines: tuple[Line, ...]


def batches(tx: Tx, ids: Sequence[str]) -> dict[str, Batch]:
    """Batches by id, with their lines; unknown ones are left out."""
    found: dict[str, Batch] = {}
    for part in chunks(ids):
        lines: dict[str, list[Line]] = {}
        rows = tx.execute(
            select(schedule_line)
            .where(schedule_line.c.batch.in_(part))
            .order_by(schedule_line.c.number)
        )
        for row in rows:
            lines.setdefault(row.batch, []).append(line_of(row))
        for row in tx.execute(select(journal_batch).where(journal_batch.c.id.in_(part))):
            keys = orjson.loads(row.grouping)
            own = tuple(lines.get(row.id, ()))
            found[row.id] = Batch(row.id, keys, row.number, row.sealed_at, own)
    return found


def batch_ids(tx: Tx, after: str, limit: int) -> list[str]:
    """Ids of batches in their order."""
    chosen = select(journal_batch.c.id).where(journal_batch.c.id > after)
    return list(tx.execute(chosen.order_by(journal_batch.c.id).limit(limit)).scalars())


def see_periods(
    tx: Tx, connection: str, seen: Mapping[str, PeriodState], now: datetime
) -> set[Period]:
    """Note periods as the ERP shows them; returns those that opened or closed."""
    if not seen:
        return set()
    before = {
        row.id: row.closed
        for row in tx.execute(select(period_state).where(period_state.c.connection == connection))
    }
    put_many(
        tx,
        period_state,
        [
            {
                "connection": connection,
                "id": id,
                "first": state.start.isoformat(),
                "last": state.end.isoformat(),
                "closed": state.closed,
                "seen_at": now,
            }
            for id, state in seen.items()
        ],
    )
    return {
        Period.of(state.start)
        for id, state in seen.items()
        if before.get(id, False) is not state.closed
    }


def closed_periods(tx: Tx) -> frozenset[Period]:
    """The months that take no postings any more."""
    rows = tx.execute(select(period_state.c.first).where(period_state.c.closed))
    return frozenset(Period.of(date.fromisoformat(row.first)) for row in rows)


def every_period(tx: Tx) -> list[Any]:
    """Every period seen, in order."""
    return list(tx.execute(select(period_state).order_by(period_state.c.first)))


def line_of(row: Any) -> Line:
    """A line as its row says."""
    return Line(
        number=int(row.number),
        contract=row.contract,
        promise=row.promise,
        kind=row.kind,
        family=row.family,
        entity=row.entity,
        currency=row.currency,
        exponent=int(row.exponent),
        period=Period(row.period),
        service=Period(row.service),
        amount_minor=int(row.amount_minor),
        reason=Reason(row.reason),
        batch=row.batch,
    )
