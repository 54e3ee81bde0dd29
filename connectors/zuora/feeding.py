"""Following changes and walking through everything, losing nothing where seconds are shared.

``updatedDate`` knows whole seconds and one sort is allowed, so a second that many records share is
walked in the order of ids before the sweep goes on behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.errors import Rejected, UnexpectedAnswer
from connectors.records import Page, Record, Selection
from connectors.zuora import query
from connectors.zuora.cursors import Sweep, read_sweep, read_walk, write_sweep, write_walk
from connectors.zuora.objects import PAGE_MAX
from connectors.zuora.query import Row, Rows
from connectors.zuora.reading import Shown, Source, records_of, rows_by_key, snapshots
from connectors.zuora.vocabulary import STAMP, Kind, kind_of

OVERLAP: Final = timedelta(minutes=5)
_SECOND: Final = timedelta(seconds=1)
_FIRST_PAGE: Final = ""


def first_sweep(object: str, since: datetime) -> str:
    """A cursor that reports every change since ``since``. Raises ``Rejected``."""
    _polled(object)
    start = since.astimezone(UTC).replace(microsecond=0)
    return write_sweep(Sweep(start=start, at=start))


def changed(source: Source, selection: Selection, cursor: str, limit: int) -> Page:
    """The next page of changes, oldest first."""
    kind = _polled(selection.object)
    sweep = read_sweep(cursor)
    size = max(1, min(limit, PAGE_MAX))
    page = _page(source, kind, sweep, size)
    stamps = [_stamp(source, kind, row) for row in page.rows]
    newest = max([*stamps, *([sweep.newest] if sweep.newest else [])], default=None)
    sweep = replace(sweep, newest=newest, clock=sweep.clock or page.vendor_now)
    if sweep.after is not None:
        return _within_second(source, kind, selection, sweep, page)
    if page.more is None:
        return Page(_records(source, kind, selection, page.rows), _next_sweep(sweep), at_head=True)
    if not stamps:
        raise UnexpectedAnswer("a page without rows is not the last", code="QUERY_SHAPE")
    # The last second of a full page may go on behind it: it is walked by itself.
    last = stamps[-1]
    sure = [row for row, at in zip(page.rows, stamps, strict=True) if at < last]
    follow = replace(sweep, at=last, after=_FIRST_PAGE, beyond=False)
    return Page(_records(source, kind, selection, sure), write_sweep(follow), at_head=False)


def _page(source: Source, kind: Kind, sweep: Sweep, size: int) -> Rows:
    # Bounds of whole seconds, never equality: what is printed may be less than what is stored.
    if sweep.after is None:
        start = sweep.at + _SECOND if sweep.beyond else sweep.at
        filters = [query.where(kind, STAMP, "GE", start)]
        return query.page(source.rest, kind, filters, sort=STAMP, size=size)
    filters = [
        query.where(kind, STAMP, "GE", sweep.at),
        query.where(kind, STAMP, "LT", sweep.at + _SECOND),
    ]
    if sweep.after:
        filters.append(query.where(kind, "id", "GT", sweep.after))
    return query.page(source.rest, kind, filters, sort="id", size=size)


def _within_second(
    source: Source, kind: Kind, selection: Selection, sweep: Sweep, page: Rows
) -> Page:
    ids = [query.internal_id(row) or "" for row in page.rows]
    if page.more is not None and ids:
        follow = replace(sweep, after=max(ids))
    else:
        follow = replace(sweep, after=None, beyond=True)
    records = _records(source, kind, selection, page.rows)
    return Page(records, write_sweep(follow), at_head=False)


def _next_sweep(sweep: Sweep) -> str:
    """Where the next sweep begins: the overlap before the newest row, never before this one.

    After a sweep of several pages it is the vendor's clock that moves the start on, or a load that
    filled them within the overlap would be read again for ever.
    """
    start = sweep.start
    if sweep.newest is not None:
        start = max(start, sweep.newest - OVERLAP)
    several = sweep.beyond or sweep.after is not None
    if several and sweep.clock is not None:
        start = max(start, sweep.clock.replace(microsecond=0) - OVERLAP)
    return write_sweep(Sweep(start=start, at=start))


def _records(
    source: Source, kind: Kind, selection: Selection, rows: Sequence[Row]
) -> tuple[Record, ...]:
    """The page's records; old versions of subscriptions and their charges are left out."""
    if kind.name == "rate_plan_charges":
        keys = list(dict.fromkeys(query.key_of(kind, row) for row in rows))
        whole = rows_by_key(source, kind, keys)
        records = snapshots(source, kind, selection, [whole[key] for key in keys if key in whole])
        return tuple(sorted(records, key=_when))
    if kind.versioned:
        rows = [row for row in rows if query.cell(kind, row, "isLatestVersion") is not False]
    shown: Mapping[str, Shown] = {
        key: Shown(key, row) for row in rows if (key := query.key_of(kind, row))
    }
    return snapshots(source, kind, selection, list(shown.values()))


def _when(record: Record) -> datetime:
    return record.version or datetime.min.replace(tzinfo=UTC)


def _stamp(source: Source, kind: Kind, row: Row) -> datetime:
    at = source.reader.value(STAMP, kind.fields.get(STAMP), query.cell(kind, row, STAMP))
    if isinstance(at, str):
        at = source.reader.instant(at)
    if not isinstance(at, datetime):
        raise UnexpectedAnswer(f"a row of {kind.name} has no {STAMP}", code="QUERY_SHAPE")
    return at.replace(microsecond=0)


def walked(
    source: Source, selection: Selection, cursor: str | None, limit: int, since: datetime | None
) -> Page:
    """The next page of live records: in the order of internal ids, or of the vendor's own list."""
    kind = kind_of(selection.object)
    if not kind.query:
        return _listed(source, kind, selection, cursor)
    filters = []
    if cursor is not None:
        filters.append(query.where(kind, "id", "GT", read_walk(cursor)))
    if since is not None:
        filters.append(query.where(kind, STAMP, "GE", since))
    page = query.page(source.rest, kind, filters, sort="id", size=max(1, min(limit, PAGE_MAX)))
    ids = [query.internal_id(row) or "" for row in page.rows]
    records = _records(source, kind, selection, page.rows)
    if page.more is None or not ids:
        return Page(records, write_walk(max(ids, default="")), at_head=True)
    return Page(records, write_walk(max(ids)), at_head=False)


def _listed(source: Source, kind: Kind, selection: Selection, cursor: str | None) -> Page:
    """Finance objects have lists of their own, by page number ("page", "pageSize" up to 40)."""
    path, name = kind.listed
    if not path:
        raise Rejected(f"Zuora has no list of {kind.name}; read them by number", code="NO_LIST")
    number = int(read_walk(cursor)) if cursor is not None else 1
    answered = source.rest.get(path, (("page", str(number)), ("pageSize", "40")))
    rows = answered.body.get(name)
    if not isinstance(rows, list) or any(not isinstance(row, Mapping) for row in rows):
        raise UnexpectedAnswer(f"the list of {kind.name} came without rows", code="QUERY_SHAPE")
    shown = [Shown(str(row.get(kind.key)), body=row) for row in rows if isinstance(row, Mapping)]
    records = records_of(source, kind, selection, shown)
    more = bool(answered.body.get("nextPage")) and bool(rows)
    return Page(records, write_walk(str(number + 1)), at_head=not more)


def _polled(object: str) -> Kind:
    kind = kind_of(object)
    if not kind.query:
        raise Rejected(
            f"{object} have no modified time that can be followed; list or read them",
            code="NOT_POLLED",
        )
    return kind
