"""Where a memory system keeps its account: SQLite, in this process or in a file.

A file may be shared by several processes; a process killed at any moment leaves it whole, because
every verb is one transaction with a rollback journal. It is not made safe against power loss.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from connectors.memory import codec
from connectors.records import Life, Ref, Value

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS sequence (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (
  object TEXT NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL, version INTEGER NOT NULL,
  visible INTEGER NOT NULL, life TEXT NOT NULL, fields TEXT NOT NULL, rest TEXT NOT NULL,
  previous TEXT, PRIMARY KEY (object, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_version ON record (object, version, number);
CREATE UNIQUE INDEX IF NOT EXISTS record_number ON record (object, number);
CREATE TABLE IF NOT EXISTS value (
  object TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, number INTEGER NOT NULL,
  id TEXT NOT NULL, PRIMARY KEY (object, field, value, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS association (
  object TEXT NOT NULL, id TEXT NOT NULL, other TEXT NOT NULL, position INTEGER NOT NULL,
  other_id TEXT NOT NULL, PRIMARY KEY (object, id, other, other_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tally (
  kind TEXT NOT NULL, object TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (kind, object, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sent (
  key TEXT NOT NULL, object TEXT NOT NULL, digest TEXT NOT NULL, id TEXT, at INTEGER NOT NULL,
  PRIMARY KEY (key, object)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry (
  number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS dropped (
  object TEXT NOT NULL, field TEXT NOT NULL, PRIMARY KEY (object, field)) WITHOUT ROWID;
"""
_COLUMNS: Final = "object, id, number, version, visible, life, fields, rest, previous"


@dataclass(frozen=True, slots=True)
class Row:
    """One stored record. Times are microseconds since 1970; ``number`` is its place in the list.

    ``visible`` is when the search index shows this state. ``previous`` is the state before the
    last change as ``(version, fields as text)``, for reads that are stale on purpose.
    """

    object: str
    id: str
    number: int
    version: int
    visible: int
    fields: Mapping[str, Value]
    life: Life = Life.LIVE
    successor: Ref | None = None
    edges: Mapping[str, Ref] = field(default_factory=dict)
    absorbed: tuple[str, ...] = ()
    previous: tuple[int, str] | None = None

    @property
    def ref(self) -> Ref:
        return Ref(self.object, self.id)


class Tables:
    """All access to the stored account. Every method belongs inside :meth:`atomic`."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._dropped: frozenset[tuple[str, str]] | None = None
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path,
            timeout=60,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        # Not WAL: two writing processes on an older SQLite could corrupt it.
        self._connection.execute("PRAGMA journal_mode = TRUNCATE")
        self._connection.execute("PRAGMA synchronous = OFF")
        with self.atomic():
            for statement in _SCHEMA.split(";\n"):
                self._connection.execute(statement)

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All or nothing, one thread and one process at a time. Nested uses are savepoints."""
        with self._lock:
            name = f"level{self._depth}"
            self._run(f"SAVEPOINT {name}" if self._depth else "BEGIN IMMEDIATE")
            if not self._depth:
                self._dropped = None  # another process may have changed it
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth:
                    self._run(f"ROLLBACK TO {name}")
                    self._run(f"RELEASE {name}")
                else:
                    self._run("ROLLBACK")
                raise
            self._depth -= 1
            self._run(f"RELEASE {name}" if self._depth else "COMMIT")

    def _run(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    def next_number(self, name: str) -> int:
        """1, 2, 3 … under this name."""
        (number,) = self._run(
            "INSERT INTO sequence VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET last = last + 1"
            " RETURNING last",
            (name,),
        ).fetchone()
        return int(number)

    def load(self, object: str, id: str) -> Row | None:
        """The record, whatever its life."""
        found = self._run(
            f"SELECT {_COLUMNS} FROM record WHERE object = ? AND id = ?",  # noqa: S608
            (object, id),
        ).fetchone()
        return None if found is None else _row(found)

    def save(self, row: Row, indexed: Mapping[str, str]) -> None:
        """Store the record and replace its searchable values."""
        rest = ""
        if row.successor or row.edges or row.absorbed:
            rest = json.dumps(
                {
                    "successor": _pair(row.successor),
                    "edges": {role: _pair(ref) for role, ref in row.edges.items()},
                    "absorbed": row.absorbed,
                }
            )
        self._run(
            "INSERT OR REPLACE INTO record VALUES (?,?,?,?,?,?,?,?,?)",
            (
                row.object,
                row.id,
                row.number,
                row.version,
                row.visible,
                row.life.value,
                codec.dump(row.fields),
                rest,
                None if row.previous is None else json.dumps(row.previous),
            ),
        )
        for name, value in indexed.items():
            self._run(
                "INSERT OR REPLACE INTO value VALUES (?,?,?,?,?)",
                (row.object, name, value, row.number, row.id),
            )

    def forget_values(self, row: Row, indexed: Mapping[str, str]) -> None:
        """Remove searchable values that the record no longer has."""
        for name, value in indexed.items():
            self._run(
                "DELETE FROM value WHERE object = ? AND field = ? AND value = ? AND number = ?",
                (row.object, name, value, row.number),
            )

    def holders(self, object: str, field: str, value: str, limit: int = -1) -> list[str]:
        """Ids of the records that hold a searchable value, oldest first."""
        return [
            id
            for (id,) in self._run(
                "SELECT id FROM value WHERE object = ? AND field = ? AND value = ?"
                " ORDER BY number LIMIT ?",
                (object, field, value, limit),
            )
        ]

    def rows(self, object: str, after: int = 0, limit: int = -1) -> list[Row]:
        """Live records in the order of their numbers."""
        return self._rows(
            "object = ? AND number > ? AND life = 'live' ORDER BY number LIMIT ?",
            (object, after, limit),
        )

    def everything(self, object: str) -> list[Row]:
        """All records, whatever their life."""
        return self._rows("object = ? ORDER BY number", (object,))

    def changed(
        self, object: str, after: tuple[int, int], now: int, lives: Iterable[Life], limit: int
    ) -> list[Row]:
        """Indexed records after (version, number), in that order."""
        names = ",".join(f"'{life.value}'" for life in lives)
        return self._rows(
            f"object = ? AND (version, number) > (?, ?) AND visible <= ? AND life IN ({names})"
            " ORDER BY version, number LIMIT ?",
            (object, *after, now, limit),
        )

    def last_hidden(self, object: str, now: int) -> int | None:
        """When the last record the index does not show yet becomes visible."""
        (found,) = self._run(
            "SELECT max(visible) FROM record WHERE object = ? AND visible > ?", (object, now)
        ).fetchone()
        return None if found is None else int(found)

    def _rows(self, condition: str, values: Sequence[object]) -> list[Row]:
        return [
            _row(found)
            for found in self._run(f"SELECT {_COLUMNS} FROM record WHERE {condition}", values)  # noqa: S608
        ]

    def associated(self, ref: Ref, other: str) -> tuple[str, ...]:
        """Ids of live records associated with a record, primary first."""
        return tuple(
            id
            for (id,) in self._run(
                "SELECT other_id FROM association AS a JOIN record AS r"
                " ON r.object = a.other AND r.id = a.other_id AND r.life = 'live'"
                " WHERE a.object = ? AND a.id = ? AND a.other = ? ORDER BY position, other_id",
                (ref.object, ref.id, other),
            )
        )

    def associate(self, left: Ref, right: Ref, position: int) -> None:
        """Note one direction of an association."""
        self._run(
            "INSERT OR REPLACE INTO association VALUES (?,?,?,?,?)",
            (left.object, left.id, right.object, position, right.id),
        )

    def disassociate(self, left: Ref, right: Ref) -> bool:
        """Remove one direction of an association; whether there was one."""
        return bool(
            self._run(
                "DELETE FROM association WHERE object = ? AND id = ? AND other = ?"
                " AND other_id = ?",
                (left.object, left.id, right.object, right.id),
            ).rowcount
        )

    def all_associated(self, ref: Ref) -> list[Ref]:
        """Everything a record is associated with."""
        return [
            Ref(other, other_id)
            for other, other_id in self._run(
                "SELECT other, other_id FROM association WHERE object = ? AND id = ?"
                " ORDER BY other, position, other_id",
                (ref.object, ref.id),
            )
        ]

    def count(self, kind: str, object: str, name: str) -> None:
        """Add one to a tally."""
        self._run(
            "INSERT INTO tally VALUES (?,?,?,1)"
            " ON CONFLICT (kind, object, name) DO UPDATE SET count = count + 1",
            (kind, object, name),
        )

    def tallies(self, kind: str) -> list[tuple[str, str, int]]:
        """(object, name, count) of every tally of a kind."""
        return [
            (object, name, count)
            for object, name, count in self._run(
                "SELECT object, name, count FROM tally WHERE kind = ? ORDER BY object, name",
                (kind,),
            )
        ]

    def sent(self, key: str, object: str) -> tuple[str, str | None, int] | None:
        """(digest, id, at) of the first write under this key."""
        found = self._run(
            "SELECT digest, id, at FROM sent WHERE key = ? AND object = ?", (key, object)
        ).fetchone()
        return None if found is None else (found[0], found[1], found[2])

    def note_sent(self, key: str, object: str, digest: str, id: str | None, at: int) -> None:
        """Remember a write by its key."""
        self._run("INSERT OR REPLACE INTO sent VALUES (?,?,?,?,?)", (key, object, digest, id, at))

    def append(self, kind: str, body: Mapping[str, Any]) -> None:
        """Add a line to a log."""
        self._run("INSERT INTO entry (kind, body) VALUES (?, ?)", (kind, json.dumps(body)))

    def entries(self, kind: str, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """The lines of a log with their numbers."""
        return [
            (number, json.loads(body))
            for number, body in self._run(
                "SELECT number, body FROM entry WHERE kind = ? AND number > ? ORDER BY number",
                (kind, after),
            )
        ]

    def drop_field(self, object: str, field: str) -> None:
        """The account has this field no longer."""
        self._run("INSERT OR IGNORE INTO dropped VALUES (?, ?)", (object, field))
        self._dropped = None

    def restore_field(self, object: str, field: str) -> None:
        """The account has this field again."""
        self._run("DELETE FROM dropped WHERE object = ? AND field = ?", (object, field))
        self._dropped = None

    def dropped_fields(self) -> frozenset[tuple[str, str]]:
        """The (object, field) pairs the account does not have."""
        if self._dropped is None:
            self._dropped = frozenset(self._run("SELECT object, field FROM dropped"))
        return self._dropped


def _pair(ref: Ref | None) -> tuple[str, str] | None:
    return None if ref is None else (ref.object, ref.id)


def _row(found: tuple[Any, ...]) -> Row:
    object, id, number, version, visible, life, fields, rest, previous = found
    extra: dict[str, Any] = json.loads(rest) if rest else {}
    successor = extra.get("successor")
    before = json.loads(previous) if previous else None
    return Row(
        object=object,
        id=id,
        number=number,
        version=version,
        visible=visible,
        fields=codec.load(fields),
        life=Life(life),
        successor=Ref(*successor) if successor else None,
        edges={role: Ref(*pair) for role, pair in extra.get("edges", {}).items()},
        absorbed=tuple(extra.get("absorbed", ())),
        previous=(before[0], before[1]) if before else None,
    )
