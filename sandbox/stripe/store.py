"""Records of an account. A record is replaced, never edited, so that old versions stay readable."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypeAlias

from sandbox.messages import Json
from sandbox.stripe.tables import RESOURCES

Record: TypeAlias = dict[str, Json]
Change: TypeAlias = tuple[str, str, "Record | None"]


class Store:
    """Tables of records in creation order, with undo and a lagging search index.

    Keys that begin with ``_`` are the simulator's own and are never shown.
    """

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Record]] = {}
        self.index_delay = timedelta(0)
        self._undo: list[Change] = []
        self._latest: list[Change] = []
        self._indexed: dict[str, dict[str, Record]] = {}
        self._index_queue: deque[tuple[datetime, str, str, Record]] = deque()

    def get(self, table: str, id: str) -> Record | None:
        """A record, deleted ones included."""
        return self.tables.get(table, {}).get(id)

    def newest_first(self, table: str) -> Iterator[Record]:
        """The live records of a table."""
        rows = self.tables.get(table, {})
        return (row for row in reversed(rows.values()) if not row.get("deleted"))

    def put(self, table: str, record: Record, at: datetime) -> None:
        """Write a record; it is searchable once the index has caught up."""
        rows = self.tables.setdefault(table, {})
        id = record["id"]
        self._undo.append((table, id, rows.get(id)))
        rows[id] = record
        if RESOURCES[table].searchable:
            self._index_queue.append((at, table, id, record))

    def erase(self, table: str, id: str) -> None:
        """Remove a record without a trace."""
        rows = self.tables.get(table, {})
        if id in rows:
            self._undo.append((table, id, rows.pop(id)))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: an exception undoes what was written inside."""
        self._undo = []
        queued = len(self._index_queue)
        try:
            yield
        except BaseException:
            self._revert(self._undo)
            self._undo = []
            while len(self._index_queue) > queued:
                self._index_queue.pop()
            raise
        finally:
            if self._undo:
                self._latest = self._undo
            self._undo = []

    @contextlib.contextmanager
    def before_latest_write(self) -> Iterator[None]:
        """Inside, everything is as it was before the latest request that wrote."""
        after = [(table, id, self.get(table, id)) for table, id, _ in self._latest]
        self._revert(self._latest)
        try:
            yield
        finally:
            for change in after:  # in their own order, which is that of the lists
                self._restore(*change)

    def _revert(self, changes: list[Change]) -> None:
        for change in reversed(changes):
            self._restore(*change)

    def _restore(self, table: str, id: str, record: Record | None) -> None:
        if record is None:
            self.tables.get(table, {}).pop(id, None)
        else:
            self.tables.setdefault(table, {})[id] = record

    def searchable(self, table: str, now: datetime) -> Iterator[Record]:
        """The records as the search index has them, newest first."""
        visible = now - self.index_delay
        while self._index_queue and self._index_queue[0][0] <= visible:
            _, of, id, record = self._index_queue.popleft()
            self._indexed.setdefault(of, {})[id] = record
        rows, there = self._indexed.get(table, {}), self.tables.get(table, {})
        return (
            row for row in reversed(rows.values()) if row["id"] in there and not row.get("deleted")
        )


def shown(record: Record) -> Record:
    """The record without the simulator's own keys."""
    return {key: value for key, value in record.items() if not key.startswith("_")}


def merged_metadata(old: Record | None, new: dict[str, str] | None) -> dict[str, str]:
    """Metadata after an update: keys are merged, a blank value removes one, blank removes all."""
    if new is None:
        return {}
    merged = {**(old or {}), **new}
    return {key: value for key, value in merged.items() if value != ""}


def previous_of(old: Record, new: Record) -> Record:
    """``previous_attributes`` of an update: what changed, with the values from before."""
    changed: Record = {}
    for key in new:
        before, after = old.get(key), new[key]
        if before == after or key.startswith("_"):
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            changed[key] = {
                name: before.get(name)
                for name in {**before, **after}
                if before.get(name) != after.get(name)
            }
        else:
            changed[key] = before
    return changed
