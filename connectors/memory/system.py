"""One fictitious vendor account, and the verbs by which its own users change it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from connectors.base import Clock, Granularity
from connectors.errors import DuplicateFound, Gone, Rejected
from connectors.memory import codec
from connectors.memory.notices import Notices
from connectors.memory.objects import MemoryObject
from connectors.memory.tables import Row, Tables
from connectors.memory.tallies import Violation, counts
from connectors.memory.validate import comparable, searchable, stored
from connectors.records import (
    Fields,
    Life,
    Notice,
    NoticeKind,
    Record,
    Ref,
    Selection,
    Value,
)

_STEP_MICROSECONDS: Final = {
    Granularity.ORDERED: 1_000,
    Granularity.COARSE: 1_000_000,
    Granularity.NONE: 1,
}


class MemorySystem:
    """The account. Every verb is one transaction; any thread, and with a file any process, may
    call it. Verbs raise the same errors as the connector (``Rejected`` and its kinds)."""

    def __init__(
        self,
        objects: Iterable[MemoryObject],
        clock: Clock,
        *,
        path: Path | None = None,
        account: str = "memory-1",
    ) -> None:
        self.objects: Final[Mapping[str, MemoryObject]] = {one.name: one for one in objects}
        self.account: Final = account
        self.clock: Final = clock
        self.tables: Final = Tables(path)
        self.notices: Final = Notices(self.tables)

    @classmethod
    def open(cls, path: Path, objects: Iterable[MemoryObject], clock: Clock) -> MemorySystem:
        """The account in this file, made at first use. Its state survives any process."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(objects, clock, path=path)

    def close(self) -> None:
        """Let go of the file."""
        self.tables.close()

    # what its users do

    def create(self, object: str, fields: Fields, *, id: str | None = None) -> Record:
        """A new record."""
        with self.tables.atomic():
            return self.record(self.insert(self.declared(object), fields, id=id))

    def update(self, object: str, id: str, fields: Fields) -> Record:
        """Change some fields of a live record; ``None`` clears."""
        with self.tables.atomic():
            row, _ = self.modify(self.live(object, id), fields)
            return self.record(row)

    def delete(self, object: str, id: str) -> Record:
        """Remove a record for good, or into the bin where the object has one."""
        return self._remove(object, id, Life.DELETED)

    def archive(self, object: str, id: str) -> Record:
        """Put a record away; where the object does not archive, this is a delete."""
        life = Life.ARCHIVED if self.declared(object).archives else Life.DELETED
        return self._remove(object, id, life)

    def restore(self, object: str, id: str) -> Record:
        """Bring an archived or binned record back."""
        with self.tables.atomic():
            declared, row = self.declared(object), self.row(object, id)
            wanted = Life.ARCHIVED if declared.archives else Life.DELETED
            if row is None or row.life is not wanted:
                raise Rejected(f"{object} {id} cannot be restored", code="NOT_RESTORABLE")
            self._refuse_duplicates(declared, row.fields, row.id)
            row = self._save(declared, replace(row, life=Life.LIVE, version=self._bump(row)))
            self.notices.add(row.ref, NoticeKind.RESTORED, self.now())
            return self.record(row)

    def merge(self, object: str, survivor: str, loser: str) -> Record:
        """Make one record of two: the survivor keeps its id and values and inherits the rest."""
        with self.tables.atomic():
            kept, gone = self.live(object, survivor), self.live(object, loser)
            if survivor == loser:
                raise Rejected("a record cannot be merged with itself", code="SAME_RECORD")
            self._bury(gone, Life.MERGED, successor=kept.ref)
            for other in self.tables.all_associated(gone.ref):
                self._unlink(gone.ref, other)
                self._link(kept.ref, other)
            self._reparent(gone.ref, kept.ref)
            blanks = {
                name: value for name, value in gone.fields.items() if kept.fields.get(name) is None
            }
            identity = self.declared(object).spec.identity_field
            blanks.pop(identity or "", None)
            absorbed = (*kept.absorbed, loser, *gone.absorbed)
            row = replace(
                kept,
                fields={**kept.fields, **blanks},
                absorbed=absorbed,
                version=self._bump(kept),
                previous=_previous(kept),
            )
            row = self._save(self.declared(object), row)
            self.notices.add(row.ref, NoticeKind.MERGED, self.now(), absorbed=(loser,))
            return self.record(row)

    def convert(
        self, id: str, role: str, into: Mapping[str, Ref], *, object: str = "Lead"
    ) -> Record:
        """Turn a lead into other records that exist; it goes on as the one named by ``role``."""
        with self.tables.atomic():
            lead = self.live(object, id)
            for ref in into.values():
                self.live(ref.object, ref.id)
            row = replace(
                lead,
                life=Life.CONVERTED,
                successor=into[role],
                edges=dict(into),
                version=self._bump(lead),
                previous=_previous(lead),
            )
            row = self._save(self.declared(object), row)
            self.notices.add(row.ref, NoticeKind.CHANGED, self.now())
            return self.record(row)

    def associate(self, left: Ref, right: Ref, *, primary: bool = False) -> None:
        """Associate two live records. Neither gets a new version by it."""
        with self.tables.atomic():
            self.live(left.object, left.id)
            self.live(right.object, right.id)
            self._link(left, right, primary=primary)
            self.notices.add(left, NoticeKind.ASSOCIATED, self.now(), related=right)

    def disassociate(self, left: Ref, right: Ref) -> None:
        """End an association."""
        with self.tables.atomic():
            if self._unlink(left, right):
                self.notices.add(left, NoticeKind.ASSOCIATED, self.now(), related=right)

    def drop_field(self, object: str, field: str) -> None:
        """The account loses a field: schema drift, or an identity field not yet set up."""
        with self.tables.atomic():
            self.tables.drop_field(object, field)

    def restore_field(self, object: str, field: str) -> None:
        """The account gets a field (back)."""
        if field not in self.declared(object).fields:
            raise Rejected(f"{object} cannot have a field {field}", code="UNKNOWN_FIELD")
        with self.tables.atomic():
            self.tables.restore_field(object, field)

    # what can be seen of it

    def get(self, object: str, id: str) -> Record | None:
        """A record with all its fields, whatever its life."""
        with self.tables.atomic():
            row = self.row(object, id)
            return None if row is None else self.record(row)

    def state(self) -> dict[str, dict[str, Record]]:
        """Every record of every life, by object and id, in the order of creation."""
        with self.tables.atomic():
            return {
                name: {row.id: self.record(row) for row in self.tables.everything(name)}
                for name in self.objects
            }

    def counts(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What the connector wrote, per object and external id.

        The external id of a record without identity is ``id:`` and its id. ``ids`` are the live
        records that hold the external id now; more than one can only follow from un-keyed creates.
        """
        with self.tables.atomic():
            return counts(self.tables, self.objects)

    @property
    def calls(self) -> Counter[tuple[str, str]]:
        """How many calls were made, by (method of the connector, object)."""
        with self.tables.atomic():
            return Counter({(name, object): n for object, name, n in self.tables.tallies("call")})

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Everything objectionable so far."""
        with self.tables.atomic():
            return tuple(Violation(**body) for _, body in self.tables.entries("violation"))

    def notices_since(self, number: int = 0) -> tuple[tuple[int, Notice], ...]:
        """What happened, numbered from 1, after the given number."""
        with self.tables.atomic():
            return self.notices.since(number)

    # what the connector builds on; to be called inside ``tables.atomic()``

    def now(self) -> int:
        """The account's clock in microseconds."""
        return codec.microseconds(self.clock())

    def declared(self, object: str) -> MemoryObject:
        """The object's declaration. Raises ``Rejected`` when there is none."""
        found = self.objects.get(object)
        if found is None:
            raise Rejected(f"the account has no object {object!r}", code="UNKNOWN_OBJECT")
        return found

    def row(self, object: str, id: str) -> Row | None:
        """A record of any life."""
        return self.tables.load(object, id)

    def live(self, object: str, id: str) -> Row:
        """A live record. Raises ``Gone``."""
        row = self.row(object, id)
        if row is None:
            raise Gone(f"there is no {object} {id}", code="NOT_FOUND")
        if row.life is not Life.LIVE:
            raise Gone(f"{object} {id} is {row.life}", successor=row.successor)
        return row

    def insert(self, declared: MemoryObject, fields: Fields, *, id: str | None = None) -> Row:
        """Add a record."""
        kept = self._stored(declared, fields, creating=True)
        self._refuse_duplicates(declared, kept, None)
        number = self.tables.next_number(declared.name)
        now = self.now()
        step = step_microseconds(declared)
        row = Row(
            object=declared.name,
            id=id or f"{declared.prefix}{number:09d}",
            number=number,
            version=now - now % step,
            visible=0,
            fields=kept,
        )
        if id is not None and self.row(declared.name, id) is not None:
            raise Rejected(f"{declared.name} {id} exists", code="ID_TAKEN")
        row = self._save(declared, row)
        self.notices.add(row.ref, NoticeKind.CREATED, now)
        return row

    def modify(self, row: Row, fields: Fields) -> tuple[Row, bool]:
        """Change fields; whether anything differs now. The version moves in any case."""
        declared = self.declared(row.object)
        kept = self._stored(declared, fields, creating=False)
        changed = {name: v for name, v in kept.items() if row.fields.get(name) != v}
        if changed:
            self._refuse_duplicates(declared, changed, row.id)
        new = replace(
            row,
            fields={**row.fields, **changed},
            version=self._bump(row),
            previous=_previous(row),
        )
        before = searchable(declared, row.fields)
        self.tables.forget_values(row, {n: v for n, v in before.items() if n in changed})
        new = self._save(declared, new)
        if changed:
            self.notices.add(new.ref, NoticeKind.CHANGED, self.now())
        return new, bool(changed)

    def holders(self, declared: MemoryObject, field: str, value: Value) -> list[str]:
        """Ids of live records with this unique value; our identity is compared exactly."""
        found = self.tables.holders(declared.name, field, comparable(value))
        if not found or field != declared.spec.identity_field:
            return found
        rows = [row for id in found if (row := self.row(declared.name, id)) is not None]
        return [row.id for row in rows if row.fields.get(field) == value]

    def record(self, row: Row, selection: Selection | None = None) -> Record:
        """The record as a reader sees it."""
        declared = self.declared(row.object)
        dropped = self.tables.dropped_fields()
        names: Sequence[str] = tuple(declared.fields) if selection is None else selection.fields
        known = [n for n in names if n in declared.fields and (row.object, n) not in dropped]
        shown = row.life in (Life.LIVE, Life.CONVERTED)
        coarse = declared.spec.granularity is Granularity.NONE
        wanted = declared.spec.associations if selection is None else selection.associations
        return Record(
            ref=row.ref,
            fields={name: row.fields.get(name) for name in known} if shown else {},
            version=None if coarse else codec.instant(row.version),
            life=row.life,
            successor=row.successor,
            edges=row.edges,
            absorbed=row.absorbed,
            associations={other: self.tables.associated(row.ref, other) for other in wanted},
        )

    def archive_row(self, row: Row) -> Row:
        """What a delete through the API does."""
        declared = self.declared(row.object)
        return self._bury(row, Life.ARCHIVED if declared.archives else Life.DELETED)

    def violate(self, code: str, object: str, detail: str) -> None:
        """Note something objectionable."""
        self.tables.append("violation", {"code": code, "object": object, "detail": detail})

    # inside

    def _remove(self, object: str, id: str, life: Life) -> Record:
        with self.tables.atomic():
            return self.record(self._bury(self.live(object, id), life))

    def _bury(self, row: Row, life: Life, successor: Ref | None = None) -> Row:
        declared = self.declared(row.object)
        buried = replace(row, life=life, successor=successor, version=self._bump(row))
        self.tables.forget_values(row, searchable(declared, row.fields))
        buried = self._save(declared, buried)
        if life is not Life.MERGED:
            self.notices.add(row.ref, NoticeKind.DELETED, self.now())
        return buried

    def _save(self, declared: MemoryObject, row: Row) -> Row:
        lag = int(declared.search_lag.total_seconds() * 1_000_000)
        row = replace(row, visible=self.now() + lag)
        kept = row.life in (Life.LIVE, Life.CONVERTED)
        self.tables.save(row, searchable(declared, row.fields) if kept else {})
        return row

    def _bump(self, row: Row) -> int:
        declared = self.declared(row.object)
        granularity, step = declared.spec.granularity, step_microseconds(declared)
        now = self.now()
        now -= now % step
        # A fine version orders any two edits, even on a clock that stands still.
        return max(now, row.version + (step if granularity is Granularity.ORDERED else 0))

    def _stored(
        self, declared: MemoryObject, fields: Fields, *, creating: bool
    ) -> dict[str, Value]:
        return stored(
            declared,
            fields,
            creating=creating,
            missing=self.tables.dropped_fields(),
            exists=self._exists,
        )

    def _exists(self, object: str, id: str) -> bool:
        row = self.row(object, id)
        return row is not None and row.life is Life.LIVE

    def _refuse_duplicates(self, declared: MemoryObject, fields: Fields, own: str | None) -> None:
        for name, value in fields.items():
            if value is None or not declared.fields[name].unique:
                continue
            others = [id for id in self.holders(declared, name, value) if id != own]
            if others:
                raise DuplicateFound(
                    f"another {declared.name} has this {name}",
                    candidates=tuple(Ref(declared.name, id) for id in others),
                    field_errors={name: "the value is taken"},
                )

    def _link(self, left: Ref, right: Ref, *, primary: bool = False) -> None:
        for one, other in ((left, right), (right, left)):
            position = 0 if primary else self.tables.next_number("association")
            self.tables.associate(one, other, position)

    def _unlink(self, left: Ref, right: Ref) -> bool:
        return self.tables.disassociate(left, right) | self.tables.disassociate(right, left)

    def _reparent(self, old: Ref, new: Ref) -> None:
        for declared in self.objects.values():
            link = declared.parents.get(old.object)
            if not link:
                continue
            for id in self.tables.holders(declared.name, link, comparable(old.id)):
                self.modify(self.live(declared.name, id), {link: new.id})


def step_microseconds(declared: MemoryObject) -> int:
    """How finely the object's versions tell times apart."""
    return _STEP_MICROSECONDS[declared.spec.granularity]


def _previous(row: Row) -> tuple[int, str]:
    return row.version, codec.dump(row.fields)
