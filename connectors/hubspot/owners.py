"""Owners: a short list that can only be walked ("Owners API", developers.hubspot.com).

There is no search, no batch read and no order by time, so every question is answered from the whole
list, live and, where needed, archived.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from connectors.base import FieldDescription, FieldType, ObjectDescription
from connectors.errors import UnexpectedAnswer
from connectors.hubspot.answers import next_after, rows, text_of
from connectors.hubspot.client import Call, Client, Door
from connectors.hubspot.objects import LIST_PAGE_MAX
from connectors.hubspot.paths import Paths
from connectors.hubspot.properties import from_milliseconds, milliseconds, read_instant
from connectors.hubspot.records import gone
from connectors.records import Absent, Found, Identity, Life, Lookup, Page, Record, Ref, Selection

OWNERS: Final = "owners"
_FIELDS: Final[Mapping[str, FieldType]] = MappingProxyType(
    {
        "id": FieldType.TEXT,
        "email": FieldType.TEXT,
        "firstName": FieldType.TEXT,
        "lastName": FieldType.TEXT,
        "type": FieldType.TEXT,
        "userId": FieldType.TEXT,
        "createdAt": FieldType.INSTANT,
        "updatedAt": FieldType.INSTANT,
    }
)

Row = Mapping[str, object]


class Owners:
    """Reads owners."""

    def __init__(self, client: Client, paths: Paths, overlap: timedelta) -> None:
        self._client = client
        self._paths = paths
        self._overlap = overlap

    def describe(self) -> ObjectDescription:
        """The fields are the same in every account, so no call is made."""
        fields = {
            name: FieldDescription(name, name, kind, writable=False, unique=name in ("id", "email"))
            for name, kind in _FIELDS.items()
        }
        return ObjectDescription(OWNERS, "Owner", fields, creatable=False, updatable=False)

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The owners with these ids; the archived list is read only when one is missing."""
        live = {text_of(row.get("id")): row for row in self._all()}
        missing = {id for id in ids if id not in live}
        archived = {text_of(row.get("id")) for row in self._all(archived=True)} if missing else ()
        return tuple(
            _record(selection, live[id])
            if id in live
            else gone(OWNERS, id, Life.ARCHIVED if id in archived else Life.DELETED)
            for id in ids
        )

    def list(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None
    ) -> Page:
        """One page of live owners."""
        body = self._page(cursor, limit)
        records = (_record(selection, row) for row in rows(body))
        kept = tuple(r for r in records if since is None or not r.version or r.version >= since)
        after = next_after(body)
        return Page(kept, after or "", at_head=after is None)

    def first_cursor(self, since: datetime) -> str:
        """A cursor for :meth:`changes`."""
        return json.dumps(["", milliseconds(since), 0])

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """One page of the list, without the owners that have not changed since the last sweep."""
        try:
            after, since, high = json.loads(cursor)
            floor = from_milliseconds(int(since))
        except (ValueError, TypeError, OverflowError) as error:
            raise UnexpectedAnswer("The stored cursor is not ours.", code="BAD_CURSOR") from error
        page = self.list(selection, after or None, limit, floor)
        versions = [milliseconds(r.version) for r in page.records if r.version]
        high = max([high, *versions])
        if not page.at_head:
            return Page(page.records, json.dumps([page.cursor, since, high]), at_head=False)
        stretch = self._overlap // timedelta(milliseconds=1)
        floor_next = max(since, high - stretch) if high else since
        records = tuple(sorted(page.records, key=lambda r: (r.version or floor, r.ref.id)))
        return Page(records, json.dumps(["", floor_next, high]), at_head=True)

    def removed(self, cursor: str | None, limit: int) -> Page:
        """One page of archived owners."""
        body = self._page(cursor or None, limit, archived=True)
        found = tuple(gone(OWNERS, text_of(r.get("id")), Life.ARCHIVED) for r in rows(body))
        after = next_after(body)
        return Page(found, after or "", at_head=after is None)

    def search(
        self, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int
    ) -> tuple[tuple[Record, ...], ...]:
        """Owners whose fields all equal, text compared without case; reads the list once."""
        if not queries:
            return ()
        all_rows = tuple(self._all())
        return tuple(
            tuple(_record(selection, row) for row in all_rows if _matches(query, row))[:limit_each]
            for query in queries
        )

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """The owner under each identity."""
        found = self.search(selection, [{i.field: i.value} for i in identities], 1)
        return tuple(Found(records[0]) if records else Absent() for records in found)

    def _all(self, *, archived: bool = False) -> Iterator[Row]:
        after: str | None = None
        while True:
            body = self._page(after, LIST_PAGE_MAX, archived=archived)
            found = rows(body)
            yield from found
            following = next_after(body)
            if following is None:
                return
            if not found or following == after:
                raise UnexpectedAnswer("The list of owners does not end.", code="EMPTY_PAGE")
            after = following

    def _page(self, after: str | None, limit: int, *, archived: bool = False) -> object:
        query = [("limit", str(max(1, min(limit, LIST_PAGE_MAX))))]
        query += [("after", after)] if after else []
        query += [("archived", "true" if archived else "false")]
        path = self._paths.owners()
        return self._client.call(
            Call(Door.OWNERS, "GET", path, query=tuple(query), object=OWNERS)
        ).body


def _matches(query: Mapping[str, str], row: Row) -> bool:
    return bool(query) and all(
        value.strip() and str(row.get(name) or "").strip().lower() == value.strip().lower()
        for name, value in query.items()
    )


def _record(selection: Selection, row: Row) -> Record:
    updated = row.get("updatedAt")
    fields = {name: _value(name, row[name]) for name in selection.fields if name in row}
    return Record(
        ref=Ref(OWNERS, text_of(row.get("id"))),
        fields=MappingProxyType(fields),
        version=read_instant(updated) if isinstance(updated, str) else None,
    )


def _value(name: str, raw: object) -> str | datetime | None:
    if raw is None or raw == "":
        return None
    text = str(raw)
    return read_instant(text) if _FIELDS.get(name) is FieldType.INSTANT else text
