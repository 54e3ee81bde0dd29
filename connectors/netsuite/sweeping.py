"""Walking through a record type: what changed, all there is, what was deleted.

A query finds ids and modified times, in keysets so that no page depends on another; then each
record is read whole. Small reference records come with the query itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connectors.errors import Rejected, UnexpectedAnswer
from connectors.netsuite.changes import (
    Place,
    Sweep,
    Walk,
    in_order,
    instant,
    parse_sweep,
    parse_walk,
    wall,
)
from connectors.netsuite.errors import RECORD_LOCKED
from connectors.netsuite.objects import PAGE_MAX
from connectors.netsuite.reading import (
    Reader,
    columns_for,
    gone,
    row_id,
    row_stamp,
    selected,
)
from connectors.netsuite.rest import ROWS_MAX, Row
from connectors.netsuite.suiteql import (
    Condition,
    after,
    field_name,
    id_after,
    select,
    since,
    stamp_column,
)
from connectors.netsuite.tables import Table, spelled, table_of
from connectors.records import Life, Page, Record, Selection

# How far back the first look for deletions goes.
DELETIONS_REACH: Final = timedelta(days=30)
# A filter by time leaves a day of room: the caller filters again, and the zone may be set wrong.
_SINCE_ROOM: Final = timedelta(days=1)
# So many locked records are carried in a cursor; more are a matter for a person.
_OWED_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Walker:
    """Walks through the record types of one account."""

    reader: Reader
    now: Callable[[], datetime]
    overlap: timedelta

    def first_sweep(self, selection: Selection, at: datetime) -> str:
        """The cursor of a sweep that begins at ``at``. No call."""
        if not table_of(selection.object).stamp:
            return Walk().text()
        return Sweep(start=wall(at, self.reader.zone)).text()

    def changed(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of changes, oldest first.

        Records without a modified time are all read again in every sweep. One that a workflow has
        locked is left for the first page of the next sweep, and the next, until it can be read.
        """
        table = table_of(selection.object)
        if not table.stamp:
            page = self.walked(selection, cursor, limit, None)
            # After the last page the walk begins anew.
            return Page(page.records, Walk().text(), at_head=True) if page.at_head else page
        sweep, asked_at = parse_sweep(cursor), self.now()
        first = sweep.after is None
        where = since(table.stamp, sweep.start) if first else after(table.stamp, *_at(sweep))
        rows, more = self._page(selection, table, [where], [table.stamp, "id"], limit)
        places = [_place(row, "lm") for row in rows]
        if not in_order(places) or (places and not _follows(places[0], sweep)):
            raise UnexpectedAnswer("a page of changes is out of order", code="QUERY_ORDER")
        listed = {id for _, id in places}
        late = [id for id in sweep.owed if id not in listed] if first else []
        owed = self._read(selection, table, [{"id": id} for id in late])
        here = self._read(selection, table, rows)
        last = places[-1] if places else None
        if more and last is not None:
            onward = sweep.onward(last, asked_at)
        else:
            zone = self.reader.zone
            onward = sweep.ended(last, now=asked_at, overlap=self.overlap, zone=zone)
        still = (*(owed.locked if first else sweep.owed), *here.locked)
        _bounded(selection.object, still)
        return Page((*owed.records, *here.records), onward.owing(still).text(), at_head=not more)

    def walked(
        self, selection: Selection, cursor: str | None, limit: int, since_at: datetime | None
    ) -> Page:
        """The next page of records in the order of ids.

        Those that a workflow has locked come last; the walk does not end without them.
        """
        table, walk = table_of(selection.object), parse_walk(cursor)
        conditions = [id_after(walk.last)] if walk.last is not None else []
        if since_at is not None and table.stamp:
            start = wall(since_at, self.reader.zone) - _SINCE_ROOM
            conditions.append(since(table.stamp, start))
        rows, more = self._page(selection, table, conditions, ["id"], limit)
        numbers = [int(row_id(row)) for row in rows]
        if walk.last is not None:
            numbers = [int(walk.last), *numbers]
        if numbers != sorted(set(numbers)):
            raise UnexpectedAnswer("a page of ids is out of order", code="QUERY_ORDER")
        if not rows and walk.owed:
            return self._last_page(selection, table, walk)
        here = self._read(selection, table, rows)
        live = tuple(record for record in here.records if record.life is Life.LIVE)
        owed = (*walk.owed, *here.locked)
        _bounded(selection.object, owed)
        onward = Walk(row_id(rows[-1]) if rows else walk.last, owed)
        return Page(live, onward.text(), at_head=not more and not owed)

    def _last_page(self, selection: Selection, table: Table, walk: Walk) -> Page:
        late = self._read(selection, table, [{"id": id} for id in walk.owed])
        if late.locked:
            raise _locked_error(selection.object, late.locked)
        live = tuple(record for record in late.records if record.life is Life.LIVE)
        return Page(live, Walk(walk.last).text(), at_head=True)

    def removed(self, selection: Selection, cursor: str | None, limit: int) -> Page:
        """Deleted records of the type, oldest deletion first.

        The table tells of every type; how it spells them is not published, so that rows are told
        apart here.
        """
        zone, asked_at = self.reader.zone, self.now()
        begin = wall(asked_at - DELETIONS_REACH, zone)
        sweep = parse_sweep(cursor) if cursor else Sweep(start=begin)
        where = (
            since("deleteddate", sweep.start)
            if sweep.after is None
            else after("deleteddate", *sweep.after, key="recordid")
        )
        columns = ["recordid", "type", stamp_column("deleteddate", "dd")]
        query = select(columns, "deletedrecord", [where], ["deleteddate", "recordid"])
        page = self.reader.rest.query(query, min(limit, ROWS_MAX))
        places = [_place(row, "dd", "recordid") for row in page.rows]
        if page.more and not places:
            raise UnexpectedAnswer("a page that is not the last came empty", code="QUERY_CUT")
        records = tuple(
            _removed(selection.object, place)
            for row, place in zip(page.rows, places, strict=True)
            if spelled(str(row.get("type") or "")) == selection.object
        )
        onward = (
            sweep.onward(places[-1], asked_at)
            if page.more
            else sweep.ended(
                places[-1] if places else None, now=asked_at, overlap=self.overlap, zone=zone
            )
        )
        return Page(records, onward.text(), at_head=not page.more)

    def _page(
        self,
        selection: Selection,
        table: Table,
        conditions: Sequence[Condition],
        order: Sequence[str],
        limit: int,
    ) -> tuple[tuple[Row, ...], bool]:
        names = tuple(field_name(name) for name in selection.fields)
        columns = columns_for(table, names) if table.whole else ()
        size = max(1, min(limit, ROWS_MAX if table.whole else PAGE_MAX))
        query = select(selected(table, columns), table.name, [table.narrowed, *conditions], order)
        page = self.reader.rest.query(query, size)
        if page.more and not page.rows:
            raise UnexpectedAnswer("a page that is not the last came empty", code="QUERY_CUT")
        return page.rows, page.more

    def _read(self, selection: Selection, table: Table, rows: Sequence[Row]) -> _Batch:
        """The whole records of some rows, and those that a workflow has locked."""
        if table.whole:
            columns = columns_for(table, selection.fields)
            return _Batch(
                tuple(
                    self.reader.from_row(selection.object, table, columns, selection.fields, row)
                    for row in rows
                )
            )
        records: list[Record] = []
        locked: list[str] = []
        for row in rows:
            moment, id = row_stamp(row, "lm"), row_id(row)
            stamp = instant(moment, self.reader.zone) if moment else None
            try:
                records.append(self.reader.one(selection, id, stamp))
            except Rejected as error:
                if error.code != RECORD_LOCKED:
                    raise
                locked.append(id)
        return _Batch(tuple(records), tuple(locked))


@dataclass(frozen=True, slots=True)
class _Batch:
    records: tuple[Record, ...]
    locked: tuple[str, ...] = ()


def _bounded(object: str, owed: Sequence[str]) -> None:
    if len(owed) > _OWED_MAX:
        raise _locked_error(object, owed)


def _locked_error(object: str, ids: Sequence[str]) -> Rejected:
    shown = ", ".join(ids[:5]) + (" …" if len(ids) > 5 else "")
    return Rejected(
        f"a workflow has locked {len(ids)} {object} records, which cannot be read ({shown}); "
        "unlock them, or let the workflow leave our role out",
        code=RECORD_LOCKED,
    )


def _at(sweep: Sweep) -> Place:
    if sweep.after is None:
        raise ValueError("a sweep at its start is after nothing")
    return sweep.after


def _removed(object: str, place: Place) -> Record:
    return gone(object, place[1])


def _place(row: Row, column: str, key: str = "id") -> Place:
    moment = row_stamp(row, column)
    if moment is None:
        raise UnexpectedAnswer("a row of changes came without its time", code="STAMP")
    return moment, row_id(row, key)


def _follows(first: Place, sweep: Sweep) -> bool:
    if sweep.after is None:
        return first[0] >= sweep.start
    return (first[0], int(first[1])) > (sweep.after[0], int(sweep.after[1]))
