"""Records out of the account: whole from the record API, small ones from their table.

One GET per record: several whole records in one call are an asynchronous job only (NetSuite help,
"Batch Operations"). Sublists are expanded only when one of them is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from connectors.base import FieldType
from connectors.errors import Gone, Rejected, UnexpectedAnswer
from connectors.netsuite.changes import instant
from connectors.netsuite.fields import LISTS, RECORDS, is_custom
from connectors.netsuite.rest import Rest, Row
from connectors.netsuite.suiteql import (
    day_column,
    field_name,
    ids,
    label_column,
    record_id,
    select,
    stamp_column,
)
from connectors.netsuite.tables import Column, Table, table_of
from connectors.netsuite.values import row_value, value_of
from connectors.records import MISSING, Life, Missing, Record, Ref, Selection, Value

VERSION_FIELD: Final = "lastModifiedDate"
_IDS_MAX: Final = 1_000
_LABEL: Final = "_df"
_CHOSEN: Final = frozenset({FieldType.REFERENCE, FieldType.CHOICE})


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads records of one account; ``zone`` is the clock that SuiteQL prints."""

    rest: Rest
    zone: ZoneInfo

    def read(self, selection: Selection, wanted: Sequence[str]) -> tuple[Record, ...]:
        """The records in the order asked; an id that cannot be one is answered without a call."""
        table = table_of(selection.object)
        names = _checked(selection)
        unique = [id for id in dict.fromkeys(wanted) if record_id(id) is not None]
        if table.whole:
            found = self._rows(selection.object, table, names, unique)
        else:
            found = {id: self.one(selection, id) for id in unique}
        return tuple(found.get(id) or gone(selection.object, id) for id in wanted)

    def one(self, selection: Selection, id: str, stamp: datetime | None = None) -> Record:
        """A record by its id; a deleted one when there is none. ``stamp`` serves as its version
        where the record itself shows none."""
        try:
            return self.by_key(selection, id, stamp)
        except Gone:
            return gone(selection.object, id)

    def by_key(self, selection: Selection, key: str, stamp: datetime | None = None) -> Record:
        """A record by id or ``eid:…``. Raises ``Gone`` when there is none."""
        names = _checked(selection)
        body = self.rest.get(f"{selection.object}/{key}", self._query(selection.object, names))
        if not isinstance(body, Mapping) or record_id(str(body.get("id"))) is None:
            raise UnexpectedAnswer("a record came without its id", code="RECORD_SHAPE")
        version = value_of(VERSION_FIELD, body.get(VERSION_FIELD))
        return Record(
            ref=Ref(selection.object, str(body["id"])),
            fields=fields_of(selection.object, body, names),
            version=version if isinstance(version, datetime) else stamp,
        )

    def _query(self, object: str, names: Sequence[str]) -> Mapping[str, str]:
        known = RECORDS.get(object)
        for name in names:
            first = name.partition(".")[0]
            plain = known is not None and first in known and first not in LISTS
            # What is inside a custom field or an unknown record is not known beforehand.
            if not plain and not is_custom(first):
                return {"expandSubResources": "true"}
        return {}

    def _rows(
        self, object: str, table: Table, names: Sequence[str], wanted: Sequence[str]
    ) -> dict[str, Record]:
        columns = columns_for(table, names)
        found: dict[str, Record] = {}
        for at in range(0, len(wanted), _IDS_MAX):
            part = wanted[at : at + _IDS_MAX]
            query = select(selected(table, columns), table.name, [ids(part)], ["id"])
            page = self.rest.query(query, _IDS_MAX)
            for row in page.rows:
                record = self.from_row(object, table, columns, names, row)
                found[record.ref.id] = record
        return found

    def from_row(
        self,
        object: str,
        table: Table,
        columns: Sequence[Column],
        names: Sequence[str],
        row: Row,
    ) -> Record:
        """A small record from its row."""
        body: dict[str, Value] = {}
        for column in columns:
            raw, label = row.get(column.column), row.get(column.column + _LABEL)
            if column.type is FieldType.INSTANT:
                moment = row_stamp(row, column.column)
                body[column.name] = instant(moment, self.zone) if moment else None
            else:
                body[column.name] = row_value(column.type, raw, label)
        moment = row_stamp(row, "lm") if table.stamp else None
        fields = {name: found for name in names if (found := _inside(body, name)) is not MISSING}
        return Record(
            ref=Ref(object, row_id(row)),
            fields=MappingProxyType(fields),
            version=instant(moment, self.zone) if moment else None,
        )


def fields_of(object: str, body: Mapping[str, object], names: Sequence[str]) -> Mapping[str, Value]:
    """The selected fields of a record's body. A known field that is left out there is blank."""
    wanted = {name.partition(".")[0] for name in names}
    known = RECORDS.get(object, frozenset())
    typed: dict[str, Value] = {}
    for name in wanted:
        if name in body:
            _whole_list(name, body[name])
            typed[name] = value_of(name, body[name])
        elif name in known or is_custom(name) or not known:
            typed[name] = None
    return MappingProxyType(
        {name: found for name in names if (found := _inside(typed, name)) is not MISSING}
    )


def _whole_list(name: str, raw: object) -> None:
    """Refuse a list of which only the address came: it would read as empty."""
    if name in LISTS and isinstance(raw, Mapping) and "links" in raw and "items" not in raw:
        raise UnexpectedAnswer(f"the list {name} came without its lines", code="SUBLIST_CUT")


def _inside(body: Mapping[str, Value], name: str) -> Value | Missing:
    """What a dotted name leads to; blank where the way ends in a blank."""
    first, *rest = name.split(".")
    found: Value | Missing = body.get(first, MISSING)
    for part in rest:
        if isinstance(found, Missing) or found is None:
            return found
        found = found.get(part, MISSING) if isinstance(found, Mapping) else MISSING
    return found


def gone(object: str, id: str) -> Record:
    """What is known of a record that does not exist (any more)."""
    return Record(ref=Ref(object, id), fields=MappingProxyType({}), life=Life.DELETED)


def row_id(row: Row, column: str = "id") -> str:
    """The id in a row. Raises ``UnexpectedAnswer``."""
    raw = row.get(column)
    text = str(raw) if isinstance(raw, int | str) else ""
    if record_id(text) is None:
        raise UnexpectedAnswer("a row came without a record id", code="ROW_WITHOUT_ID")
    return text


def row_stamp(row: Row, column: str) -> datetime | None:
    """A wall-clock time in a row; ``None`` where it is blank. Raises ``UnexpectedAnswer``."""
    raw = row.get(column)
    if raw is None or raw == "":
        return None
    try:
        return datetime.strptime(str(raw), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - a wall clock
    except ValueError:
        raise UnexpectedAnswer("a row's time is not in the format asked", code="STAMP") from None


def columns_for(table: Table, names: Sequence[str]) -> tuple[Column, ...]:
    """The columns that the names need. Raises ``Rejected`` for a name that has none."""
    by_name = {column.name: column for column in table.columns}
    found: dict[str, Column] = {}
    for name in names:
        first = name.partition(".")[0]
        if first not in by_name and not is_custom(first):
            known = ", ".join(sorted(by_name))
            raise Rejected(
                f"{name} is not read from the table {table.name}; there are: {known}",
                code="INVALID_FIELD",
                field_errors={name: "no such column here"},
            )
        found[first] = by_name.get(first) or Column(first, first.lower(), FieldType.OTHER)
    return tuple(found.values())


def selected(table: Table, columns: Sequence[Column]) -> list[str]:
    """What to select: the id, the modified time where there is one, the columns."""
    texts = ["id", *([stamp_column(table.stamp, "lm")] if table.stamp else [])]
    for column in columns:
        if column.type is FieldType.DATE:
            texts.append(day_column(column.column, column.column))
        elif column.type is FieldType.INSTANT:
            texts.append(stamp_column(column.column, column.column))
        elif column.column != "id":
            texts.append(column.column)
            if column.type in _CHOSEN:
                texts.append(label_column(column.column, column.column + _LABEL))
    return texts


def _checked(selection: Selection) -> tuple[str, ...]:
    return tuple(field_name(name) for name in selection.fields)


def narrowed(record: Record, names: Sequence[str]) -> Record:
    """The record with these fields alone."""
    keep = {name: record.fields[name] for name in names if name in record.fields}
    return replace(record, fields=MappingProxyType(keep))
