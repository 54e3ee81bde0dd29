"""Reading records: by id, by a unique value, by walking the list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from connectors.errors import UnexpectedAnswer
from connectors.hubspot.answers import chunks, next_after, partial_errors, rows
from connectors.hubspot.associations import Associations, inline_names, read_inline
from connectors.hubspot.client import Call, Client, Door
from connectors.hubspot.errors import Meaning, meaning_of, reply_of_row
from connectors.hubspot.objects import BATCH_MAX, LIST_PAGE_MAX, RECORD_ID
from connectors.hubspot.paths import Paths
from connectors.hubspot.records import PropertyCache, Reader, absorbed_of, gone, id_of, version_of
from connectors.records import (
    Absent,
    Found,
    Identity,
    Life,
    Lookup,
    Page,
    Record,
    Selection,
)

Row = Mapping[str, object]
# Longer lists of properties do not fit into a URL (HubSpot answers 414); they are batch-read.
QUERY_MAX_CHARACTERS: Final = 6_000
_ID: Final = re.compile(r"[0-9]{1,20}", re.ASCII)


class Reading:
    """Reads the records of any object but owners."""

    def __init__(
        self, client: Client, paths: Paths, cache: PropertyCache, associations: Associations
    ) -> None:
        self._client = client
        self._paths = paths
        self._cache = cache
        self._associations = associations

    def reader(self, selection: Selection) -> Reader:
        """The reader for a selection, with the definitions of its properties."""
        return Reader(selection, self._cache.of(selection.object, selection.fields))

    # -- by id ---------------------------------------------------------------------------------

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The records in the order asked; see :meth:`connectors.base.Connector.read`."""
        reader = self.reader(selection)
        asked = tuple(dict.fromkeys(id for id in ids if _ID.fullmatch(id)))
        found = self.rows_by_id(reader, asked)
        live = tuple(dict.fromkeys(id_of(row) for row in found.values()))
        associated = self.associated(selection, live)
        missing = [id for id in asked if id not in found]
        archived = self._archived(selection.object, missing)
        return tuple(
            self._one(reader, id, found.get(id), associated, archived=id in archived) for id in ids
        )

    def _one(
        self,
        reader: Reader,
        id: str,
        row: Row | None,
        associated: Mapping[str, Mapping[str, tuple[str, ...]]],
        *,
        archived: bool,
    ) -> Record:
        object = reader.selection.object
        if row is None:
            return gone(object, id, Life.ARCHIVED if archived else Life.DELETED)
        survivor = id_of(row)
        if survivor != id:
            return gone(object, id, Life.MERGED, successor=survivor)
        return reader.record(row, associated.get(id))

    def live(self, selection: Selection, ids: Sequence[str]) -> dict[str, Record]:
        """The live ones of these records; no second look at the others."""
        reader = self.reader(selection)
        found = self.rows_by_id(reader, ids)
        same = {id: row for id, row in found.items() if id_of(row) == id}
        associated = self.associated(selection, tuple(same))
        return {id: reader.record(row, associated[id]) for id, row in same.items()}

    def rows_by_id(self, reader: Reader, ids: Sequence[str]) -> dict[str, Row]:
        """Asked id to row, a merged id to its survivor's; ids that are not live are left out."""
        found: dict[str, Row] = {}
        for chunk in chunks(ids, BATCH_MAX):
            found |= self._rows_of(reader, chunk)
        return found

    def _rows_of(self, reader: Reader, ids: Sequence[str]) -> dict[str, Row]:
        """One batch. HubSpot answers a merged id with its survivor, and says no more about it."""
        answered = self.batch_read(reader.selection.object, reader.properties, ids)
        by_id = {id_of(row): row for row in answered}
        found = {id: by_id[id] for id in ids if id in by_id}
        for row in answered:
            found |= {id: row for id in absorbed_of(row) if id in ids and id not in found}
        missing = [id for id in ids if id not in found]
        strays = [row for id, row in by_id.items() if id not in ids]
        if missing and any(row not in found.values() for row in strays):
            # A survivor that does not name whom it absorbed: asked one by one it is plain.
            for id in missing if len(ids) > 1 else ():
                found |= self._rows_of(reader, (id,))
            if len(ids) == 1:
                found[ids[0]] = strays[0]
        return found

    def _archived(self, object: str, ids: Sequence[str]) -> frozenset[str]:
        """Which of the ids are archived: the second look at those that are not live."""
        found: set[str] = set()
        for chunk in chunks(ids, BATCH_MAX):
            found |= {id_of(row) for row in self.batch_read(object, (), chunk, archived=True)}
        return frozenset(found)

    def batch_read(
        self,
        object: str,
        properties: Sequence[str],
        ids: Sequence[str],
        *,
        archived: bool = False,
        id_property: str | None = None,
    ) -> tuple[Row, ...]:
        """One batch read. Ids that do not exist are left out; other errors of a row are raised."""
        body: dict[str, Any] = {
            "properties": list(properties),
            "propertiesWithHistory": [],
            "inputs": [{"id": id} for id in ids],
        }
        if id_property is not None:
            body["idProperty"] = id_property
        answer = self._client.call(
            Call(
                Door.READING,
                "POST",
                self._paths.objects(object, "batch", "read"),
                query=(("archived", "true"),) if archived else (),
                body=body,
                object=object,
            )
        )
        for error in partial_errors(answer.body):
            reply = reply_of_row(error)
            if meaning_of(reply) is not Meaning.GONE:
                raise self._client.row_error(reply, effect=False, object=object)
        return rows(answer.body)

    def associated(
        self, selection: Selection, ids: Sequence[str], names: Sequence[str] | None = None
    ) -> dict[str, dict[str, tuple[str, ...]]]:
        """Id to association name to ids: one batch read per name and 1,000 records."""
        by_id: dict[str, dict[str, tuple[str, ...]]] = {id: {} for id in ids}
        for name in selection.associations if names is None else names:
            if not ids:
                break
            for id, others in self._associations.of(selection.object, ids, name).items():
                by_id[id][name] = others
        return by_id

    # -- by a unique value ---------------------------------------------------------------------

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """What is under each identity: a batch read by unique property, which does not lag."""
        answers: dict[Identity, Lookup] = {}
        by_field: dict[str, list[str]] = {}
        for identity in dict.fromkeys(identities):
            answers[identity] = Absent()
            if identity.value:
                by_field.setdefault(identity.field, []).append(identity.value)
        for field, values in by_field.items():
            for value, record in self.by_unique(selection, field, values).items():
                answers[Identity(field, value)] = Found(record)
        return tuple(answers[identity] for identity in identities)

    def by_unique(
        self, selection: Selection, field: str, values: Sequence[str]
    ) -> dict[str, Record]:
        """Asked value to record, read by a unique property. ``ceil(n / 100)`` calls."""
        reader = self.reader(selection)
        extra = ("hs_additional_emails",) if field == "email" else ()
        known = [name for name in (field, *extra) if name in reader.definitions]
        properties = tuple(dict.fromkeys((*reader.properties, *known)))
        by_id = field == RECORD_ID
        distinct: dict[str, list[str]] = {}
        for value in dict.fromkeys(v for v in values if not by_id or _ID.fullmatch(v)):
            distinct.setdefault(_normal(field, value), []).append(value)
        rows_found: dict[str, Row] = {}
        for chunk in chunks([spellings[0] for spellings in distinct.values()], BATCH_MAX):
            for row in self.batch_read(
                selection.object, properties, chunk, id_property=None if by_id else field
            ):
                for held in _unique_values(row, known):
                    rows_found |= dict.fromkeys(distinct.get(_normal(field, held), ()), row)
        ids = tuple(dict.fromkeys(id_of(row) for row in rows_found.values()))
        associated = self.associated(selection, ids)
        return {
            value: reader.record(row, associated.get(id_of(row)))
            for value, row in rows_found.items()
        }

    # -- the list ------------------------------------------------------------------------------

    def list(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None
    ) -> Page:
        """One page of live records in the order of ids; the cursor is HubSpot's ``after``."""
        reader = self.reader(selection)
        inline = inline_names(selection.associations)
        query = self._list_query(reader.properties, inline, limit, cursor)
        fits = len(urlencode(query)) <= QUERY_MAX_CHARACTERS
        if not fits:
            query = self._list_query((), inline, limit, cursor)
        body = self._list_page(selection.object, query)
        after = _checked_after(body, cursor)
        listed = [row for row in rows(body) if _newer(selection.object, row, since)]
        whole = {id_of(row): row for row in listed}
        if not fits:
            read = self.rows_by_id(reader, tuple(whole))
            whole = {id: read[id] for id in whole if id in read}
        parts = self._inline_associations(selection, listed, inline)
        records = tuple(reader.record(row, parts[id]) for id, row in whole.items())
        return Page(records, after or "", at_head=after is None)

    def _list_query(
        self, properties: Sequence[str], inline: Sequence[str], limit: int, cursor: str | None
    ) -> tuple[tuple[str, str], ...]:
        query = [("limit", str(max(1, min(limit, LIST_PAGE_MAX))))]
        query += [("after", cursor)] if cursor else []
        query += [("properties", name) for name in properties]
        query += [("associations", name) for name in inline]
        return tuple(query)

    def _list_page(self, object: str, query: tuple[tuple[str, str], ...]) -> object:
        path = self._paths.objects(object)
        return self._client.call(
            Call(Door.READING, "GET", path, query=(*query, ("archived", "false")), object=object)
        ).body

    def _inline_associations(
        self, selection: Selection, listed: Sequence[Row], inline: Sequence[str]
    ) -> dict[str, dict[str, tuple[str, ...]]]:
        """The associations that came along; lists that were cut short, and other names, batched."""
        object = selection.object
        parts: dict[str, dict[str, tuple[str, ...]]] = {}
        unread: dict[str, list[str]] = {}
        for row in listed:
            id = id_of(row)
            parts[id], cut = read_inline(row, object, inline)
            others = (name for name in selection.associations if name not in inline)
            for name in (*cut, *others):
                unread.setdefault(name, []).append(id)
        for name, ids in unread.items():
            for id, found in self._associations.of(object, ids, name).items():
                parts[id][name] = found
        return parts


def _newer(object: str, row: Row, since: datetime | None) -> bool:
    """HubSpot's list cannot filter by time; what is older is left out before it costs more."""
    version = version_of(object, row)
    return since is None or version is None or version >= since


def _checked_after(body: object, cursor: str | None) -> str | None:
    """The next page's cursor; a page that leads nowhere would be walked for ever."""
    after = next_after(body)
    if after is not None and (not rows(body) or after == cursor):
        raise UnexpectedAnswer("HubSpot's list goes on without going anywhere.", code="EMPTY_PAGE")
    return after


def _normal(field: str, value: str) -> str:
    """E-mail addresses are unique without regard to case; other unique values as they are."""
    return value.strip().casefold() if field == "email" else value


def _unique_values(row: Row, names: Sequence[str]) -> tuple[str, ...]:
    """The values a record can be found by; a contact's further addresses share one property."""
    properties = row.get("properties")
    held = properties if isinstance(properties, Mapping) else MappingProxyType({})
    values: list[str] = []
    for name in names:
        text = str(held.get(name) or "")
        values += text.split(";") if name == "hs_additional_emails" else [text]
    return tuple(value for value in values if value)
