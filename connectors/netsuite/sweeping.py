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
    in_order,
    instant,
    parse_sweep,
    parse_walk,
    walk_text,
    wall,
)
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
from connectors.records import Life, Page, Record, Ref, Selection

# How far back the first look for deletions goes.
DELETIONS_REACH: Final = timedelta(days=30)
# A filter by time leaves a day of room: the caller filters again, and the zone may be set wrong.
_SINCE_ROOM: Final = timedelta(days=1)
_LOCKED: Final = "RECORD_LOCKED"


@dataclass(frozen=True, slots=True)
class Walker:
    """Walks through the record types of one account."""

    reader: Reader
    now: Callable[[], datetime]
    overlap: timedelta

    def first_sweep(self, selection: Selection, at: datetime) -> str:
        """The cursor of a sweep that begins at ``at``. No call."""
        if not table_of(selection.object).stamp:
            return walk_text(None)
        return Sweep(start=wall(at, self.reader.zone)).text()

    def changed(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of changes, oldest first.

        Records without a modified time are all read again in every sweep.
        """
        table = table_of(selection.object)
        if not table.stamp:
            page = self.walked(selection, cursor, limit, None)
            # After the last page the walk begins anew.
            return Page(page.records, walk_text(None), at_head=True) if page.at_head else page
        sweep, asked_at = parse_sweep(cursor), self.now()
        where = (
            since(table.stamp, sweep.start)
            if sweep.after is None
            else after(table.stamp, *sweep.after)
        )
        rows, more = self._page(selection, table, [where], [table.stamp, "id"], limit)
        places = [_place(row, "lm") for row in rows]
        if not in_order(places) or (places and not _follows(places[0], sweep)):
            raise UnexpectedAnswer("a page of changes is out of order", code="QUERY_ORDER")
        records = self._records(selection, table, rows)
        if more:
            onward = sweep.onward(places[-1], asked_at)
        else:
            onward = sweep.ended(
                places[-1] if places else None,
                now=asked_at,
                overlap=self.overlap,
                zone=self.reader.zone,
            )
        return Page(records, onward.text(), at_head=not more)

    def walked(
        self, selection: Selection, cursor: str | None, limit: int, since_at: datetime | None
    ) -> Page:
        """The next page of records in the order of ids."""
        table, last = table_of(selection.object), parse_walk(cursor)
        conditions = [id_after(last)] if last is not None else []
        if since_at is not None and table.stamp:
            start = wall(since_at, self.reader.zone) - _SINCE_ROOM
            conditions.append(since(table.stamp, start))
        rows, more = self._page(selection, table, conditions, ["id"], limit)
        numbers = [int(row_id(row)) for row in rows]
        if last is not None:
            numbers = [int(last), *numbers]
        if numbers != sorted(set(numbers)):
            raise UnexpectedAnswer("a page of ids is out of order", code="QUERY_ORDER")
        records = self._records(selection, table, rows)
        live = tuple(record for record in records if record.life is Life.LIVE)
        return Page(live, walk_text(row_id(rows[-1]) if rows else last), at_head=not more)

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

    def _records(
        self, selection: Selection, table: Table, rows: Sequence[Row]
    ) -> tuple[Record, ...]:
        if table.whole:
            columns = columns_for(table, selection.fields)
            return tuple(
                self.reader.from_row(selection.object, table, columns, selection.fields, row)
                for row in rows
            )
        return tuple(self._one(selection, row) for row in rows)

    def _one(self, selection: Selection, row: Row) -> Record:
        """The whole record of a row. One that a workflow has locked cannot be read: it is told of
        without its fields, so that it does not stop the others."""
        moment, id = row_stamp(row, "lm"), row_id(row)
        stamp = instant(moment, self.reader.zone) if moment else None
        try:
            return self.reader.one(selection, id, stamp)
        except Rejected as error:
            if error.code != _LOCKED:
                raise
            return Record(ref=Ref(selection.object, id), fields={}, version=stamp)


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
