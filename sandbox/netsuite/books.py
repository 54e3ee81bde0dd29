"""The account's records. What a request changed is undone as a whole when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sandbox.netsuite.schema import RecordType, standard_types
from sandbox.netsuite.values import Row, instant_text

ZERO: Final = Decimal(0)
FIRST_IDS: Final = {"transaction": 1001, "entity": 101, "item": 501}


@dataclass(frozen=True, slots=True)
class Deleted:
    """A record that is gone; the system note of it stays."""

    type: str
    id: str
    name: str
    at: str


@dataclass(slots=True)
class Settings:
    """What an administrator sets up. ``journal_approval``: entries wait for approval."""

    journal_approval: bool = False


@dataclass(frozen=True, slots=True)
class _Change:
    """What a record is to become; ``None`` for nothing."""

    type: str
    id: str
    row: Row | None


class Books:
    """All records of one account. Rows are never changed in place. Guarded by the simulator."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.settings = Settings()
        self.types: dict[str, RecordType] = dict(standard_types())
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in self.types}
        self.deleted: list[Deleted] = []
        self.locked: set[tuple[str, str]] = set()
        self.noted: list[tuple[str, str, str, object]] = []
        self.dirty: set[tuple[str, str]] = set()
        self.schema_version = 0
        self._next = dict(FIRST_IDS)
        self._external: dict[tuple[str, str], str] = {}
        self._applied: dict[str, dict[str, Decimal]] = {}
        self._dealings: dict[str, set[tuple[str, str]]] = {}  # customer or order → transactions
        self._names: dict[tuple[str, str], str] = {}
        self._log: list[_Change] = []
        self._last: list[_Change] = []
        self._depth = 0

    # -- reading ---------------------------------------------------------------------------------

    def get(self, type: str, id: str) -> Row | None:
        """A record by internal id."""
        return self.tables[type].get(id)

    def find(self, target: str, id: str) -> tuple[RecordType, Row] | None:
        """A record of a type, or of any type of a family, by internal id."""
        for name in self.names_of(target):
            row = self.tables[name].get(id)
            if row is not None:
                return self.types[name], row
        return None

    def names_of(self, target: str) -> list[str]:
        """The record type of that name, or the types of a family of that name."""
        if target in self.types:
            return [target]
        return [name for name, spec in self.types.items() if spec.family == target]

    def by_external_id(self, type: str, external_id: str) -> str | None:
        """The internal id of the record that carries the external id."""
        return self._external.get((type, external_id))

    def transaction(self, id: str) -> tuple[RecordType, Row]:
        """A transaction that is known to exist."""
        found = self.find("transaction", id)
        if found is None:
            raise KeyError(id)
        return found

    def applied_to(self, id: str) -> dict[str, Decimal]:
        """What payments, credit memos and refunds have settled of a transaction, by their id."""
        return dict(self._applied.get(id, {}))

    def settled(self, id: str) -> Decimal:
        """The sum of :meth:`applied_to`."""
        return sum(self._applied.get(id, {}).values(), ZERO)

    def dealings(self, id: str) -> list[tuple[str, str, Row]]:
        """Type, id and row of every transaction with a customer, in the order they were made."""
        found = sorted(self._dealings.get(id, ()), key=lambda one: int(one[1]))
        return [(type, one, self.tables[type][one]) for type, one in found]

    def bills_of(self, order: str) -> list[Row]:
        """The invoices made from a sales order."""
        found = self._dealings.get(f"order {order}", ())
        return [self.tables[type][id] for type, id in found]

    def named(self, type: str, name: str) -> str | None:
        """The internal id of the entity of that name."""
        return self._names.get((type, name))

    def stamp(self) -> str:
        """The time now as records hold it."""
        return instant_text(self.now())

    def precision(self, currency: str) -> int:
        """Decimals of a currency."""
        return int(self.tables["currency"][currency]["currencyPrecision"])

    def title(self, type: str, id: str) -> str:
        """The name by which people know a record: ``refName`` and BUILTIN.DF."""
        found = self.find(type, id)
        if found is None:
            return id
        row = found[1]
        if found[0].family == "transaction":
            return f"{_spaced(found[0].name)} #{row.get('tranId') or id}"
        if found[0].family == "account":
            return f"{row['acctNumber']} {row['acctName']}"
        for name in ("entityId", "itemId", "name", "periodName"):
            if row.get(name):
                return str(row[name])
        return id

    # -- writing ---------------------------------------------------------------------------------

    def new_id(self, family: str) -> str:
        """The next internal id of a family."""
        number = self._next.get(family, 1)
        self._next[family] = number + 1
        return str(number)

    def put(self, type: str, id: str, row: Row) -> None:
        """Add or replace a record."""
        self._swap(_Change(type, id, row), self._log)

    def touch(self, id: str) -> None:
        """Move a transaction's modified time: what is still open of it has changed."""
        found = self.find("transaction", id)
        if found is not None:
            self.put(found[0].name, id, {**found[1], "lastModifiedDate": self.stamp()})

    def remove(self, type: str, id: str) -> None:
        """Delete a record for good."""
        title = self.title(type, id)
        self._swap(_Change(type, id, None), self._log)
        self.deleted.append(Deleted(type, id, title, self.stamp()))

    def note(self, type: str, id: str, what: str, external_id: object) -> None:
        """Remember a write of the API for the counts."""
        self.noted.append((type, id, what, external_id))

    def define(self, type: RecordType) -> None:
        """Change what a record type looks like."""
        self.types[type.name] = type
        self.schema_version += 1

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo every change of the block if it raises. May be nested."""
        mark, gone, noted = len(self._log), len(self.deleted), len(self.noted)
        self._depth += 1
        try:
            yield
        except BaseException:
            del self.deleted[gone:], self.noted[noted:]
            while len(self._log) > mark:
                self._swap(self._log.pop(), [])
            raise
        finally:
            self._depth -= 1
            if self._depth == 0 and self._log:
                self._last, self._log = self._log, []

    @contextmanager
    def before_last_write(self) -> Iterator[None]:
        """Look at the records as they were before the latest write."""
        forward: list[_Change] = []
        for change in reversed(self._last):
            self._swap(change, forward)
        try:
            yield
        finally:
            for change in reversed(forward):
                self._swap(change, [])

    def _swap(self, change: _Change, log: list[_Change]) -> None:
        table = self.tables[change.type]
        old = table.pop(change.id, None)
        log.append(_Change(change.type, change.id, old))
        self._index(change.type, change.id, old, add=False)
        if change.row is not None:
            table[change.id] = change.row
        self._index(change.type, change.id, change.row, add=True)
        self.dirty.add((change.type, change.id))

    def _index(self, type: str, id: str, row: Row | None, *, add: bool) -> None:
        if row is None:
            return
        if row.get("externalId"):
            if add:
                self._external[type, row["externalId"]] = id
            else:
                self._external.pop((type, row["externalId"]), None)
        if row.get("entityId"):
            if add:
                self._names[type, row["entityId"]] = id
            else:
                self._names.pop((type, row["entityId"]), None)
        if self.types[type].family == "transaction":
            for other in _others(type, row):
                dealings = self._dealings.setdefault(other, set())
                (dealings.add if add else dealings.discard)((type, id))
        for line in row.get("apply", ()):
            self.dirty.add(("transaction", line["doc"]))
            if add:
                self._applied.setdefault(line["doc"], {})[id] = line["amount"]
            else:
                self._applied.get(line["doc"], {}).pop(id, None)


def _others(type: str, row: Row) -> set[str]:
    """Whom and what a transaction is about: customers, and the order it bills."""
    found = {row.get("entity"), row.get("customer")}
    found |= {line.get("entity") for line in row.get("line") or ()}
    if type == "invoice" and row.get("createdFrom"):
        found.add(f"order {row['createdFrom']}")
    return {one for one in found if one is not None}


def _spaced(name: str) -> str:
    """``customerPayment`` as ``Customer Payment``."""
    words = "".join(f" {char}" if char.isupper() else char for char in name)
    return words[:1].upper() + words[1:]


def lines_of(row: Row, sublist: str) -> list[dict[str, Any]]:
    """The lines of a sublist, empty where there are none."""
    lines: list[dict[str, Any]] = row.get(sublist) or []
    return lines
