"""The reference connector: every capability, over an account in this process or in a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from connectors.base import (
    ConnectorSpec,
    Failed,
    ObjectDescription,
    Outcome,
    SetupKind,
    SetupNeed,
    SetupStep,
    Wiring,
)
from connectors.errors import CallError, OutcomeUnknown, Rejected
from connectors.memory import codec, writes
from connectors.memory.cursors import Sweep
from connectors.memory.declarations import spec_of
from connectors.memory.faults import Fault, FaultKind, FaultPlan
from connectors.memory.gate import Gate, Hook
from connectors.memory.objects import MemoryObject, object_set
from connectors.memory.pages import page_of, stale
from connectors.memory.system import MemorySystem, step_microseconds
from connectors.memory.tables import Row
from connectors.memory.validate import comparable
from connectors.records import (
    Absent,
    AccountIdentity,
    Change,
    Found,
    Identity,
    Life,
    Lookup,
    NotYetKnowable,
    Page,
    Record,
    Ref,
    Selection,
)

_SHOWN: Final = (Life.LIVE, Life.CONVERTED)
_REMOVED: Final = (Life.ARCHIVED, Life.DELETED, Life.MERGED)


class Memory:
    """A connector over a :class:`MemorySystem`, with every capability.

    ``faults`` says what goes wrong. ``on_call`` is called as ``on_call(call, "before")`` and
    ``on_call(call, "after")`` around every call, outside any transaction: it may change the
    account, or raise whatever a simulation uses for a crash.
    """

    def __init__(
        self,
        system: MemorySystem,
        wiring: Wiring | None = None,
        *,
        faults: FaultPlan | None = None,
        on_call: Hook | None = None,
    ) -> None:
        self.system: Final = system
        self.gate: Final = Gate(system, wiring, faults or FaultPlan(), on_call)
        self.spec: ConnectorSpec = spec_of(tuple(system.objects.values()))

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong; rules may be added at any time."""
        return self.gate.faults

    def _selected(self, selection: Selection) -> MemoryObject:
        declared = self.system.declared(selection.object)
        if declared.strict_selection:
            missing = self.system.tables.dropped_fields()
            for name in selection.fields:
                if name not in declared.fields or (declared.name, name) in missing:
                    raise Rejected(
                        f"{declared.name} has no field {name}",
                        code="INVALID_FIELD",
                        field_errors={name: "there is no such field"},
                    )
        return declared

    # reading

    def check(self) -> AccountIdentity:
        """Which account this is."""
        account = self.system.account
        identity = AccountIdentity(account, f"Memory {account}", "sandbox")
        return self.gate.ask("check", "", 0, lambda: identity)

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The records in the order asked; removed ones without fields."""
        size = self.system.declared(selection.object).spec.batch_read
        found: list[Record] = []
        for start in range(0, len(ids), size):
            found += self._read_part(selection, ids[start : start + size])
        return tuple(found)

    def _read_part(self, selection: Selection, ids: Sequence[str]) -> list[Record]:
        def work(faults: Sequence[Fault]) -> list[Record]:
            old = any(fault.kind is FaultKind.STALE_READ for fault in faults)
            with self.system.tables.atomic():
                self._selected(selection)
                return [self._one(selection, id, old=old) for id in ids]

        return self.gate.call("read", selection.object, len(ids), work)

    def _one(self, selection: Selection, id: str, *, old: bool) -> Record:
        row = self.system.row(selection.object, id)
        if row is None:
            return Record(Ref(selection.object, id), {}, life=Life.DELETED)
        return self.system.record(stale(row) if old else row, selection)

    def describe(self, object: str) -> ObjectDescription:
        """The fields the account has."""

        def work() -> ObjectDescription:
            return self.system.declared(object).description(self.system.tables.dropped_fields())

        return self.gate.ask("describe", object, 0, work)

    # feeds

    def first_cursor(self, selection: Selection, since: datetime) -> str:
        """A cursor just before ``since``; coarse versions are cut to their step, so it is too."""
        step = step_microseconds(self.system.declared(selection.object))
        count = codec.microseconds(since)
        return Sweep((count - count % step, 0)).dump()

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of live and converted records, by modified time."""
        return self._feed("changes", selection, Sweep.load(cursor), limit, _SHOWN)

    def removed(self, selection: Selection, cursor: str | None, limit: int) -> Page:
        """The next page of removed records, by the time of removal."""
        sweep = Sweep((0, 0)) if cursor is None else Sweep.load(cursor)
        return self._feed("removed", selection, sweep, limit, _REMOVED)

    def _feed(
        self, kind: str, selection: Selection, sweep: Sweep, limit: int, lives: Sequence[Life]
    ) -> Page:
        spec = self.system.declared(selection.object).spec
        size = max(1, min(limit, spec.page_changes))
        overlap = int(spec.overlap.total_seconds() * 1_000_000)

        def work(faults: Sequence[Fault]) -> Page:
            with self.system.tables.atomic():
                self._selected(selection)
                now = self.system.now()
                begun = sweep.begun(now)
                rows = self.system.tables.changed(
                    selection.object, begun.after, now, lives, size + 1
                )
                shown, more, moved = page_of(rows, size, faults)
                records = tuple(self.system.record(row, selection) for row in shown)
            if more:
                last = moved[-1] if moved else None
                after = (last.version, last.number) if last else begun.after
                return Page(records, Sweep(after, begun.started).dump(), at_head=False)
            return Page(records, begun.next(overlap).dump(), at_head=True)

        return self.gate.call(kind, selection.object, size, work)

    def list(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None = None
    ) -> Page:
        """The next page of live records by id."""
        spec = self.system.declared(selection.object).spec
        size = max(1, min(limit, spec.page_list))
        after = 0 if cursor is None else Sweep.load(cursor).after[1]
        step = step_microseconds(self.system.declared(selection.object))
        floor = 0 if since is None else codec.microseconds(since)
        floor -= floor % step

        def work(faults: Sequence[Fault]) -> Page:
            with self.system.tables.atomic():
                self._selected(selection)
                rows = self.system.tables.rows(selection.object, after, size + 1)
                shown, more, moved = page_of(rows, size, faults)
                kept = [row for row in shown if row.version >= floor]
                records = tuple(self.system.record(row, selection) for row in kept)
            last = moved[-1].number if moved else after
            return Page(records, Sweep((0, last)).dump(), at_head=not more)

        return self.gate.call("list", selection.object, size, work)

    # looking for records

    def search(
        self, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int = 5
    ) -> tuple[tuple[Record, ...], ...]:
        """Live records of which all fields of a query are equal, ignoring case."""
        spec = self.system.declared(selection.object).spec

        def work(query: Mapping[str, str]) -> tuple[Record, ...]:
            rows = self._matching(self._selected(selection), query)[:limit_each]
            return tuple(self.system.record(row, selection) for row in rows)

        return tuple(
            self.gate.ask_each("search", selection.object, queries, spec.batch_search, work)
        )

    def _matching(self, declared: MemoryObject, query: Mapping[str, str]) -> tuple[Row, ...]:
        for name in query:
            if name not in declared.fields:
                raise Rejected(f"{declared.name} has no field {name}", code="INVALID_FIELD")
        wanted = {name: comparable(value) for name, value in query.items()}
        narrow = next((name for name in sorted(wanted) if name in declared.indexed), None)
        rows: Iterable[Row] = (
            self.system.tables.rows(declared.name)
            if narrow is None
            else _present(self.system, declared, narrow, wanted[narrow])
        )
        now = self.system.now()
        return tuple(
            row
            for row in rows
            if row.life is Life.LIVE
            and (row.visible <= now or row.previous is not None)
            and all(comparable(row.fields.get(name)) == value for name, value in wanted.items())
        )

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """Whether records with these identities exist."""
        spec = self.system.declared(selection.object).spec
        return tuple(
            self.gate.ask_each(
                "lookup",
                selection.object,
                identities,
                spec.batch_read,
                lambda identity: self._answer(selection, identity),
            )
        )

    def _answer(self, selection: Selection, identity: Identity) -> Lookup:
        declared = self._selected(selection)
        lag = int(declared.spec.lookup_lag.total_seconds() * 1_000_000)
        search_lag = int(declared.search_lag.total_seconds() * 1_000_000)
        # Shift from the search index's lag to that of the look-up.
        horizon = self.system.now() - lag + search_lag
        for id in self.system.holders(declared, identity.field, identity.value):
            row = self.system.row(declared.name, id)
            if row is not None and (row.visible <= horizon or row.previous is not None):
                return Found(self.system.record(row, selection))
        hidden = self.system.tables.last_hidden(declared.name, horizon) if lag else None
        if hidden is None:
            return Absent()
        return NotYetKnowable(codec.instant(hidden - search_lag + lag))

    # parents and children

    def parents(self, child: str, ids: Sequence[str], root: str) -> Mapping[str, tuple[str, ...]]:
        """The roots of each child."""
        declared = self.system.declared(child)
        link = self._link(declared, root)
        found = self.gate.ask_each(
            "parents",
            child,
            ids,
            declared.spec.batch_read,
            lambda one: self._roots(child, one, root, link),
        )
        return dict(zip(ids, found, strict=True))

    def _roots(self, child: str, id: str, root: str, link: str) -> tuple[str, ...]:
        if not link:
            return self.system.tables.associated(Ref(child, id), root)
        row = self.system.row(child, id)
        value = None if row is None or row.life is not Life.LIVE else row.fields.get(link)
        return (value,) if isinstance(value, str) else ()

    def children(
        self, selection: Selection, root: str, ids: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """The live children of each root."""
        declared = self.system.declared(selection.object)
        link = self._link(declared, root)
        found = self.gate.ask_each(
            "children",
            declared.name,
            ids,
            declared.spec.batch_read,
            lambda one: self._below(declared, Ref(root, one), link, selection),
        )
        return dict(zip(ids, found, strict=True))

    def _below(
        self, declared: MemoryObject, root: Ref, link: str, selection: Selection
    ) -> tuple[Record, ...]:
        self._selected(selection)
        ids = (
            self.system.tables.holders(declared.name, link, comparable(root.id))
            if link
            else self.system.tables.associated(root, declared.name)
        )
        rows = [row for id in ids if (row := self.system.row(declared.name, id)) is not None]
        return tuple(self.system.record(row, selection) for row in rows if row.life is Life.LIVE)

    def _link(self, declared: MemoryObject, root: str) -> str:
        if root not in declared.parents:
            raise Rejected(f"{declared.name} is no child of {root}", code="NOT_A_CHILD")
        return declared.parents[root]

    # writing

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Make the changes, one outcome each."""
        if not changes:
            return ()
        object = changes[0].object
        try:
            spec = self.system.declared(object).spec
            if len(changes) > spec.batch_write:
                raise ValueError(f"{object} takes {spec.batch_write} changes a call at most")
            if len({(one.object, one.operation) for one in changes}) > 1:
                raise ValueError("the changes of one call share object and operation")
            return self.gate.call(
                "apply", object, len(changes), lambda faults: self._take(changes, faults)
            )
        except CallError as error:
            return tuple(Failed(error) for _ in changes)

    def _take(self, changes: Sequence[Change], faults: Sequence[Fault]) -> tuple[Outcome, ...]:
        lost = next((fault for fault in faults if fault.kind is FaultKind.ANSWER_LOST), None)
        if lost is not None:
            writes.take(self.system, changes[: lost.applied], faults)
            raise OutcomeUnknown("the answer was lost", code="ANSWER_LOST")
        return tuple(writes.take(self.system, changes, faults))

    # setting up

    def inspect(self, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
        """Which needed fields the account has."""

        def work() -> tuple[SetupStep, ...]:
            missing = self.system.tables.dropped_fields()
            return tuple(self._step(need, missing) for need in needs)

        return self.gate.ask("inspect", "", len(needs), work)

    def _step(self, need: SetupNeed, missing: frozenset[tuple[str, str]]) -> SetupStep:
        if need.kind is not SetupKind.IDENTITY_FIELD:
            return SetupStep(need, present=True, creatable=False, instructions=())
        known = need.name in self.system.declared(need.object).fields
        there = known and (need.object, need.name) not in missing
        how = (f"Add the unique text field {need.name} to {need.object}.",)
        return SetupStep(need, present=there, creatable=known, instructions=how)

    def create(self, need: SetupNeed) -> None:
        """Add a field to the account."""
        self.gate.ask(
            "create", need.object, 1, lambda: self.system.restore_field(need.object, need.name)
        )


def build(settings: Mapping[str, str], wiring: Wiring) -> Memory:
    """A connector over the account in the file named by the settings."""
    objects = object_set(settings.get("objects", "crm"))
    system = MemorySystem.open(Path(settings["path"]), objects, wiring.now)
    return Memory(system, wiring, faults=FaultPlan.parse(settings.get("faults", "")))


def _present(system: MemorySystem, declared: MemoryObject, field: str, value: str) -> Iterator[Row]:
    for id in system.tables.holders(declared.name, field, value):
        row = system.row(declared.name, id)
        if row is not None:
            yield row
