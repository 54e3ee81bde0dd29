"""The records of one object, with the indexes that keep large orgs quick.

A row is never changed in place: a write puts a new dictionary in its stead, so that whoever holds
the old one (an open query, an undo list) keeps seeing it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any

from sandbox.salesforce import ids
from sandbox.salesforce.schema import FieldSpec, ObjectSpec
from sandbox.salesforce.values import Row

_AUDIT_REFERENCES = frozenset({"CreatedById", "LastModifiedById"})


def unique_key(spec: FieldSpec, value: Any) -> Any:
    """The form in which a unique value is compared: text without regard to case by default."""
    return value.lower() if isinstance(value, str) and not spec.case_sensitive else value


class Table:
    """Rows by id; live unique values; ids in order; ids in order of modification."""

    def __init__(self, spec: ObjectSpec) -> None:
        self.spec = spec
        self.rows: dict[str, Row] = {}
        self.numbered = 0
        self._ids: list[str] = []
        self._by_stamp: list[tuple[str, str]] = []
        self._unique: dict[str, dict[Any, list[str]]] = {}
        self._children: dict[str, dict[str, dict[str, None]]] = {}
        self.reshape(spec)

    def reshape(self, spec: ObjectSpec) -> None:
        """Take over a changed object description and index the rows anew."""
        self.spec = spec
        self._unique = {
            field.name: {} for field in spec.fields.values() if field.unique or field.external_id
        }
        self._children = {
            field.name: {}
            for field in spec.fields.values()
            if field.type == "reference" and field.name not in _AUDIT_REFERENCES
        }
        for row in self.rows.values():
            self._index(row)

    def next_id(self) -> str:
        """A fresh id, greater than all before it."""
        self.numbered += 1
        return ids.numbered(self.spec.prefix, self.numbered)

    def get(self, id: str) -> Row | None:
        """The row, deleted or not."""
        return self.rows.get(id)

    def put(self, row: Row) -> Row | None:
        """Insert or replace; the row that stood there before."""
        id = row["Id"]
        old = self.rows.get(id)
        if old is None:
            self._add_to_order(id)
        else:
            self._forget(old)
        self.rows[id] = row
        stamp = (row["SystemModstamp"], id)
        if self._by_stamp and stamp < self._by_stamp[-1]:
            insort(self._by_stamp, stamp)
        else:
            self._by_stamp.append(stamp)
        self._index(row)
        return old

    def remove(self, id: str) -> None:
        """Take a row out for good."""
        old = self.rows.pop(id, None)
        if old is not None:
            self._forget(old)
            del self._ids[bisect_left(self._ids, id)]

    def _add_to_order(self, id: str) -> None:
        if self._ids and id < self._ids[-1]:
            insort(self._ids, id)
        else:
            self._ids.append(id)

    def _index(self, row: Row) -> None:
        for name, parents in self._children.items():
            parent = row.get(name)
            if parent is not None:
                parents.setdefault(parent, {})[row["Id"]] = None
        if row["IsDeleted"]:
            return
        for name, index in self._unique.items():
            value = row.get(name)
            if value is not None:
                key = unique_key(self.spec.fields[name], value)
                index.setdefault(key, []).append(row["Id"])

    def _forget(self, row: Row) -> None:
        stamp = (row["SystemModstamp"], row["Id"])
        place = bisect_left(self._by_stamp, stamp)
        if place < len(self._by_stamp) and self._by_stamp[place] == stamp:
            del self._by_stamp[place]
        for name, parents in self._children.items():
            parent = row.get(name)
            if parent is not None:
                parents.get(parent, {}).pop(row["Id"], None)
        if row["IsDeleted"]:
            return
        for name, index in self._unique.items():
            value = row.get(name)
            if value is not None:
                key = unique_key(self.spec.fields[name], value)
                holders = index.get(key, [])
                if row["Id"] in holders:
                    holders.remove(row["Id"])
                if not holders:
                    index.pop(key, None)

    def holders(self, field: FieldSpec, value: Any) -> tuple[str, ...]:
        """Ids of the live rows with this value in a unique or external-id field."""
        return tuple(self._unique[field.name].get(unique_key(field, value), ()))

    def children(self, name: str, parent_id: str) -> Iterator[Row]:
        """Live rows that point at a parent through a reference field, in order of indexing."""
        for id in tuple(self._children[name].get(parent_id, ())):
            row = self.rows[id]
            if not row["IsDeleted"]:
                yield row

    def pointing_at(self, name: str, parent_id: str) -> tuple[str, ...]:
        """Ids of all rows, deleted ones too, that point at a parent."""
        return tuple(self._children[name].get(parent_id, ()))

    def is_reference(self, name: str) -> bool:
        """Whether :meth:`pointing_at` can answer for the field."""
        return name in self._children

    def indexed(self, name: str) -> bool:
        """Whether :meth:`holders` can answer for the field."""
        return name in self._unique

    def by_id(self, *, after: str | None = None) -> Iterator[Row]:
        """Rows in id order, from the id ``after`` on (itself included)."""
        start = bisect_left(self._ids, after) if after is not None else 0
        rows = self.rows
        return (rows[id] for id in self._ids[start:])

    def by_stamp(self, *, since: str | None = None, id: str = "") -> Iterator[Row]:
        """Rows in order of (SystemModstamp, Id), from the instant ``since`` (and ``id``) on."""
        start = bisect_left(self._by_stamp, (since, id)) if since is not None else 0
        rows = self.rows
        return (rows[id] for _, id in self._by_stamp[start:])

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)
