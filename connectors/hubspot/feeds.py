"""The feeds of an object: what changed, and what was removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from connectors.errors import UnexpectedAnswer
from connectors.hubspot.answers import next_after, rows
from connectors.hubspot.changes import ChangeCursor, Hit, query, start, turn
from connectors.hubspot.client import Call, Client, Door
from connectors.hubspot.objects import LIST_PAGE_MAX, RECORD_ID, SEARCH_PAGE_MAX, modified_field
from connectors.hubspot.paths import Paths
from connectors.hubspot.properties import milliseconds, read_instant
from connectors.hubspot.reading import Reading, Row
from connectors.hubspot.records import Reader, gone, id_of, version_of
from connectors.hubspot.searching import BODY_MAX_CHARACTERS, Searching
from connectors.records import Life, Page, Record, Selection


class Feeds:
    """Reads the change feed and the archived list of any object but owners."""

    def __init__(
        self,
        client: Client,
        paths: Paths,
        reading: Reading,
        searching: Searching,
        *,
        overlap: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._paths = paths
        self._reading = reading
        self._searching = searching
        self._overlap = overlap
        self._now = now

    def first_cursor(self, since: datetime) -> str:
        """A cursor for :meth:`changes`."""
        return start(since).text()

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of changed records: one search, plus what the search cannot show."""
        at = ChangeCursor.of(cursor)
        reader = self._reading.reader(selection)
        modified = modified_field(selection.object)
        asked_at = self._now()
        size = max(1, min(limit, SEARCH_PAGE_MAX))
        body = query(at, modified) | {"properties": list(reader.properties), "limit": size}
        whole = len(json.dumps(body)) <= BODY_MAX_CHARACTERS
        if not whole:
            body["properties"] = [modified, RECORD_ID]
        answer = self._searching.run(selection.object, body)
        found = {id_of(row): row for row in rows(answer)}
        hits = [Hit(id, _modified(selection.object, row)) for id, row in found.items()]
        more = next_after(answer) is not None
        step = turn(at, hits, more=more, now=asked_at, overlap=self._overlap)
        if not whole:
            found = dict(self._reading.rows_by_id(reader, step.ids))
        records = self._records(reader, {id: found[id] for id in step.ids if id in found})
        return Page(records, step.cursor.text(), at_head=step.at_head)

    def _records(self, reader: Reader, found: Mapping[str, Row]) -> tuple[Record, ...]:
        # A record merged away between search and read shows as its survivor, which has its own row.
        same = {id: row for id, row in found.items() if id_of(row) == id}
        associated = self._reading.associated(reader.selection, tuple(same))
        return tuple(reader.record(row, associated[id]) for id, row in same.items())

    def removed(self, selection: Selection, cursor: str | None, limit: int) -> Page:
        """One page of archived records.

        HubSpot lists all that are archived and cannot filter, and archiving leaves the modified
        time as it was. So each sweep walks the whole list, and hands on what was archived since the
        sweep before (less the overlap).
        """
        after, since, high = _removal_cursor(cursor)
        query = [("limit", str(max(1, min(limit, LIST_PAGE_MAX)))), ("archived", "true")]
        query += [("after", after)] if after else []
        path = self._paths.objects(selection.object)
        body = self._client.call(
            Call(Door.READING, "GET", path, query=tuple(query), object=selection.object)
        ).body
        records: list[Record] = []
        for row in rows(body):
            stamp = _archived_at(row)
            high = max(high, stamp or 0)
            if stamp is None or stamp >= since:
                records.append(gone(selection.object, id_of(row), Life.ARCHIVED))
        following = next_after(body)
        if following is not None and following == after:
            raise UnexpectedAnswer("The archived list does not end.", code="EMPTY_PAGE")
        if following is None:
            stretch = self._overlap // timedelta(milliseconds=1)
            since = max(since, high - stretch)
        text = json.dumps([following or "", since, high], separators=(",", ":"))
        return Page(tuple(records), text, at_head=following is None)


def _removal_cursor(cursor: str | None) -> tuple[str, int, int]:
    if not cursor:
        return "", 0, 0
    try:
        after, since, high = json.loads(cursor)
        return str(after), int(since), int(high)
    except (ValueError, TypeError) as error:
        raise UnexpectedAnswer("The stored cursor is not ours.", code="BAD_CURSOR") from error


def _archived_at(row: Row) -> int | None:
    stamp = row.get("archivedAt")
    instant = read_instant(stamp) if isinstance(stamp, str) else None
    return milliseconds(instant) if instant else None


def _modified(object: str, row: Row) -> int:
    version = version_of(object, row)
    if version is None:
        raise UnexpectedAnswer(
            "HubSpot's search shows a record without its modified time.", code="UNREADABLE_ANSWER"
        )
    return milliseconds(version)
