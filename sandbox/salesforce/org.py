"""One org: its schema, its records, its settings. Changes are undone as a whole when one fails."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.schema import FieldSpec, Schema, standard_schema
from sandbox.salesforce.soql.tree import Condition
from sandbox.salesforce.table import Table
from sandbox.salesforce.values import Row, instant_text
from sandbox.salesforce.work import Turns, Work

if TYPE_CHECKING:
    from sandbox.salesforce.cpq.settings import Cpq
    from sandbox.salesforce.rules.base import ObjectRules

RECYCLE_BIN_DAYS: Final = 15


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """Refuses a row for which ``condition`` (the WHERE part of a query) is true."""

    object: str
    condition: Condition
    text: str
    message: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Finds other live records, of ``others`` objects, with the same values in ``fields``."""

    name: str
    object: str
    fields: tuple[str, ...]
    others: tuple[str, ...]
    allow_save: bool = True


@dataclass(slots=True)
class RowLock:
    """A record that somebody holds for the next ``times`` writes to it or to its children."""

    id: str
    times: int


@dataclass(slots=True)
class Rules:
    """What an administrator may switch on."""

    validations: list[ValidationRule] = field(default_factory=list)
    duplicates: list[DuplicateRule] = field(default_factory=list)
    locks: list[RowLock] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Erased:
    """A record deleted for good: only the deleted feed still knows of it."""

    object: str
    id: str
    at: str


class Org:
    """State of the simulated org. Guarded by the simulator's lock."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        multi_currency: bool = True,
        schema: Schema | None = None,
    ) -> None:
        self.now = now
        self.schema = schema or standard_schema(multi_currency=multi_currency)
        self.tables = {name: Table(spec) for name, spec in self.schema.objects.items()}
        self.rules = Rules()
        self.erased: list[Erased] = []
        self.user_id: str | None = None
        self.numbers: dict[str, int] = {}
        self.random = random.Random(0)
        self._by_prefix = {
            spec.prefix: self.tables[name] for name, spec in self.schema.objects.items()
        }
        self._journal: list[tuple[Table, str, Row | None]] = []
        self._depth = 0
        self.noted: list[tuple[str, str, str]] = []
        self.work: Work[Org] = Work()
        self.turns = Turns()
        self.objections: list[tuple[str, str]] = []
        self.triggers: dict[str, ObjectRules] = {}
        self.cpq: Cpq | None = None
        self.schema_changed = now()
        self._last: list[tuple[Table, str, Row | None]] = []

    def table(self, object_name: str) -> Table:
        """The rows of an object."""
        return self.tables[object_name]

    def row(self, id: str | None) -> Row | None:
        """A row of any object by its 18-character id, deleted or not."""
        if id is None:
            return None
        table = self._by_prefix.get(id[:3])
        return table.rows.get(id) if table is not None else None

    def live(self, id: str | None) -> Row | None:
        """A row that is not deleted."""
        row = self.row(id)
        return row if row is not None and not row["IsDeleted"] else None

    def object_of(self, id: str) -> str | None:
        """The object an id belongs to."""
        spec = self.schema.by_prefix.get(id[:3])
        return spec.name if spec is not None else None

    def stamp(self) -> str:
        """The time now as audit fields hold it."""
        return instant_text(self.now())

    def next_number(self, kind: str) -> str:
        """The next automatic number of a kind."""
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return f"{self.numbers[kind]:08d}"

    # -- changes ---------------------------------------------------------------------------------

    def put(self, row: Row) -> None:
        """Insert or replace a row; can be undone until the outermost :meth:`savepoint` ends."""
        table = self._by_prefix[row["Id"][:3]]
        self._journal.append((table, row["Id"], table.put(row)))

    def erase(self, id: str) -> None:
        """Take a row out for good; the deleted feed keeps its id."""
        table = self._by_prefix[id[:3]]
        self._journal.append((table, id, table.rows.get(id)))
        table.remove(id)
        self.erased.append(Erased(table.spec.name, id, self.stamp()))

    def revise(self, id: str, changes: Mapping[str, Any], *, by: str | None = None) -> Row:
        """A change the system makes itself: no checks, but the audit fields move."""
        row = {**(self.row(id) or {}), **changes}
        now = self.stamp()
        row["SystemModstamp"] = now
        row["LastModifiedDate"] = now
        row["LastModifiedById"] = by or self.user_id
        self.put(row)
        return row

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo every change made inside when it ends with an exception."""
        mark = self.mark()
        self._depth += 1
        try:
            yield
        except BaseException:
            self.roll_back(mark)
            raise
        finally:
            self._depth -= 1
            if self._depth == 0 and self._journal:
                self._last, self._journal = self._journal, []

    def mark(self) -> tuple[int, int, int]:
        """Where :meth:`roll_back` would return to."""
        return len(self._journal), len(self.noted), self.work.mark()

    def roll_back(self, mark: tuple[int, int, int]) -> None:
        """Undo everything since the mark."""
        changes, noted, queued = mark
        self.work.roll_back(queued)
        _undo(self._journal[changes:])
        del self._journal[changes:]
        del self.noted[noted:]

    def note(self, id: str, what: str) -> None:
        """Remember an API write for the counts, unless it is rolled back."""
        self.noted.append((self.object_of(id) or "", id, what))

    @contextmanager
    def before_last_write(self) -> Iterator[None]:
        """The org as it was before its latest request that wrote: what a stale replica shows."""
        now = [(table, id, table.rows.get(id)) for table, id, _ in self._last]
        _undo(self._last)
        try:
            yield
        finally:
            _undo(now)

    def recompute(self, id: str, changes: Mapping[str, Any]) -> Row:
        """New values of formula fields: the record does not count as modified."""
        row = {**(self.row(id) or {}), **changes}
        self.put(row)
        return row

    def catch_up(self) -> None:
        """Do the queued work that is due; one that fails leaves nothing behind but an objection."""
        while (job := self.work.take(self.now())) is not None:
            try:
                with self.savepoint():
                    job.run(self)
            except Refusal as refusal:
                self.objections.append(("queued_work_failed", f"{job.name}: {refusal}"))

    # -- schema ----------------------------------------------------------------------------------

    def install(self, schema: Schema) -> None:
        """Take over a schema that has more objects and fields; records get the new defaults."""
        self.schema, self.schema_changed = schema, self.now()
        for name, spec in schema.objects.items():
            if name not in self.tables:
                self.tables[name] = self._by_prefix[spec.prefix] = Table(spec)
                continue
            table = self.tables[name]
            table.reshape(spec)
            unset = {field.name: False for field in spec.fields.values() if field.type == "boolean"}
            for row in list(table):
                table.put({**unset, **row})

    def define_field(self, object_name: str, spec: FieldSpec) -> None:
        """Add or replace a field."""
        self._reshape(object_name, self.schema.with_field(object_name, spec))

    def drop_field(self, object_name: str, field_name: str) -> None:
        """Remove a field and its values."""
        for row in list(self.tables[object_name]):
            if field_name in row:
                kept = {name: value for name, value in row.items() if name != field_name}
                self.tables[object_name].put(kept)
        self._reshape(object_name, self.schema.without_field(object_name, field_name))

    def _reshape(self, object_name: str, schema: Schema) -> None:
        self.schema = schema
        self.schema_changed = self.now()
        self.tables[object_name].reshape(schema.objects[object_name])


def _undo(changes: list[tuple[Table, str, Row | None]]) -> None:
    for table, id, row in reversed(changes):
        if row is None:
            table.remove(id)
        else:
            table.put(row)
