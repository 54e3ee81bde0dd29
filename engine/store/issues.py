"""Open problems with single records: one open issue per sync and source record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import and_, func, select, update

from engine.ids import Ids
from engine.model import Address, Candidate, IssueReport
from engine.store.payloads import Payloads
from engine.store.sql import Tx, chunks, insert_many
from engine.store.tables import issue

DETAIL = "issue detail"


@dataclass(frozen=True, slots=True)
class StoredIssue:
    """An issue as stored. ``parameters`` fill the sentences of the registry."""

    id: str
    code: str
    owner: str
    sync: str
    delivery: int | None
    source: Address
    target: Address | None
    parameters: dict[str, str]
    candidates: tuple[Candidate, ...]
    state: str
    seen_count: int
    opened_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    resolution: str | None


def open_many(
    tx: Tx,
    payloads: Payloads,
    ids: Ids,
    reports: Sequence[tuple[IssueReport, int | None, str]],
    now: datetime,
) -> None:
    """Open issues; one that is open already for the same record is brought up to date.

    A report comes with its delivery and the role that owns the problem.
    """
    details = payloads.seal(
        tx,
        [(payloads.concerns(one.source, one.target), _detail(one)) for one, _, _ in reports],
        DETAIL,
    )
    for (report, delivery, owner), detail in zip(reports, details, strict=True):
        target = report.target
        fresh = {
            "code": report.code,
            "owner": owner,
            "delivery": delivery,
            "target_connection": target.connection if target else None,
            "target_object": target.object if target else None,
            "target_id": target.id if target else None,
            "detail": detail,
            "seen_at": now,
        }
        again = tx.execute(
            update(issue)
            .where(_open_for(report.sync, report.source))
            .values(**fresh, seen_count=issue.c.seen_count + 1)
        )
        if again.rowcount:
            continue
        insert_many(
            tx,
            issue,
            [
                {
                    **fresh,
                    "id": ids.new(),
                    "sync": report.sync,
                    "source_connection": report.source.connection,
                    "source_object": report.source.object,
                    "source_id": report.source.id,
                    "state": "open",
                    "seen_count": 1,
                    "opened_at": now,
                }
            ],
        )


def _open_for(sync: str, source: Address) -> Any:
    return and_(
        issue.c.sync == sync,
        issue.c.source_connection == source.connection,
        issue.c.source_object == source.object,
        issue.c.source_id == source.id,
        issue.c.state == "open",
    )


def tell_again(tx: Tx, payloads: Payloads, told: StoredIssue) -> None:
    """Replace what an issue tells: its parameters and candidates."""
    concerned = payloads.concerns(told.source, told.target)
    (detail,) = payloads.seal(tx, [(concerned, _detail(told))], DETAIL)
    tx.execute(update(issue).where(issue.c.id == told.id).values(detail=detail))


def _detail(told: IssueReport | StoredIssue) -> bytes:
    """What is told of the problem: it quotes the vendor and shows names, so it is sealed."""
    candidates = [
        [item.target.connection, item.target.object, item.target.id, item.shown]
        for item in told.candidates
    ]
    return orjson.dumps({"parameters": dict(told.parameters), "candidates": candidates})


def end_for_deliveries(tx: Tx, numbers: Sequence[int], resolution: str, now: datetime) -> int:
    """A newer success closes what was open for these deliveries. Returns how many issues."""
    ended = 0
    for part in chunks(numbers):
        ended += tx.execute(
            update(issue)
            .where(issue.c.delivery.in_(part), issue.c.state == "open")
            .values(state="resolved", ended_at=now, resolution=resolution)
        ).rowcount
    return ended


def end_others(
    tx: Tx,
    numbers: Sequence[int],
    keep: set[tuple[int | None, Address]],
    resolution: str,
    now: datetime,
) -> None:
    """Of these deliveries' open issues, close those whose records are not in ``keep``."""
    for part in chunks(numbers):
        rows = tx.execute(
            select(issue).where(issue.c.delivery.in_(part), issue.c.state == "open")
        ).all()
        for row in rows:
            source = Address(row.source_connection, row.source_object, row.source_id)
            if (row.delivery, source) not in keep:
                end(tx, row.id, resolution, now)


def end(tx: Tx, id: str, resolution: str, now: datetime) -> bool:
    """Close one issue; false if it is not open."""
    changed = tx.execute(
        update(issue)
        .where(issue.c.id == id, issue.c.state == "open")
        .values(state="resolved", ended_at=now, resolution=resolution)
    )
    return bool(changed.rowcount)


def end_of(tx: Tx, sync: str, source: Address, resolution: str, now: datetime) -> None:
    """Close what is open about a record in a sync."""
    tx.execute(
        update(issue)
        .where(_open_for(sync, source))
        .values(state="resolved", ended_at=now, resolution=resolution)
    )


def is_open(tx: Tx, sync: str, source: Address) -> bool:
    """Whether a record has an open issue in a sync."""
    return tx.execute(select(issue.c.id).where(_open_for(sync, source))).first() is not None


def find(tx: Tx, payloads: Payloads, id: str) -> StoredIssue | None:
    """One issue, by id."""
    row = tx.execute(select(issue).where(issue.c.id == id)).first()
    return None if row is None else _stored(tx, payloads, [row])[0]


def listed(
    tx: Tx, payloads: Payloads, *, state: str | None = "open", limit: int = 1000
) -> list[StoredIssue]:
    """Issues in the order they were opened; ``state`` None lists all."""
    query = select(issue).order_by(issue.c.opened_at, issue.c.id).limit(limit)
    if state is not None:
        query = query.where(issue.c.state == state)
    return _stored(tx, payloads, list(tx.execute(query)))


def all_with_candidates(tx: Tx, payloads: Payloads) -> Iterator[StoredIssue]:
    """Every issue, closed ones too, that shows records of the target to choose from."""
    ids = list(tx.execute(select(issue.c.id).order_by(issue.c.id)).scalars())
    for part in chunks(ids):
        rows = list(tx.execute(select(issue).where(issue.c.id.in_(part))))
        yield from (one for one in _stored(tx, payloads, rows) if one.candidates)


def open_per_sync(tx: Tx) -> dict[str, int]:
    """How many issues are open, by sync."""
    query = select(issue.c.sync, func.count()).where(issue.c.state == "open").group_by(issue.c.sync)
    return {row[0]: row[1] for row in tx.execute(query)}


def _stored(tx: Tx, payloads: Payloads, rows: Sequence[Any]) -> list[StoredIssue]:
    details = payloads.open(tx, [bytes(row.detail) for row in rows], DETAIL)
    return [_issue(row, detail) for row, detail in zip(rows, details, strict=True)]


def _issue(row: Any, told: bytes | None) -> StoredIssue:
    source = Address(row.source_connection, row.source_object, row.source_id)
    target = (
        Address(row.target_connection, row.target_object, row.target_id)
        if row.target_object
        else None
    )
    detail = {"parameters": {}, "candidates": []} if told is None else orjson.loads(told)
    candidates = tuple(
        Candidate(Address(connection, object, id), shown)
        for connection, object, id, shown in detail["candidates"]
    )
    return StoredIssue(
        id=row.id,
        code=row.code,
        owner=row.owner,
        sync=row.sync,
        delivery=row.delivery,
        source=source,
        target=target,
        parameters=detail["parameters"],
        candidates=candidates,
        state=row.state,
        seen_count=row.seen_count,
        opened_at=row.opened_at,
        seen_at=row.seen_at,
        ended_at=row.ended_at,
        resolution=row.resolution,
    )
