"""The built-in source: reads the books like any other system, from the store instead of the net."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from connectors.base import ConnectorSpec
from connectors.records import AccountIdentity, Life, Page, Record, Ref, Selection
from engine.books.records import batch_record, contract_records, deal_records
from engine.books.spec import CONNECTION, CONTRACTS, DEALS, LINE_OBJECTS, SPEC
from engine.clock import instant, microseconds
from engine.money.reporting import Reporting
from engine.store import books, facts
from engine.store.sql import Tx
from engine.store.store import Store

OVERLAP = timedelta(seconds=5)


class Books:
    """Polls, lists and reads; it cannot be written to. Thread-safe."""

    spec: ConnectorSpec = SPEC

    def __init__(
        self, store: Store, at_invoice: Collection[str] = (), reporting: Reporting | None = None
    ) -> None:
        self._store = store
        self._at_invoice = frozenset(at_invoice)
        self._reporting = reporting

    def check(self) -> AccountIdentity:
        """The store itself."""
        return AccountIdentity(CONNECTION, "the books of this project", "unknown")

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The records with these ids, in the order asked; an unknown one reads as deleted."""
        with self._store.read() as tx:
            found = self._by_id(tx, selection.object, list(dict.fromkeys(ids)))
        gone = {id: Record(Ref(selection.object, id), {}, life=Life.DELETED) for id in ids}
        return tuple(_selected(found.get(id, gone[id]), selection) for id in ids)

    def first_cursor(self, selection: Selection, since: datetime) -> str:  # noqa: ARG002
        """A point in time, and the last id seen at it."""
        return f"{microseconds(since)}:"

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of what changed, oldest first."""
        moment, _, after = cursor.partition(":")
        since = instant(int(moment))
        with self._store.read() as tx:
            rows = _changed(tx, selection.object, since, after, limit)
            records = self._records(tx, selection, [id for id, _at in rows])
        at_head = len(rows) < limit
        if not rows:
            return Page(records, cursor, at_head=True)
        id, at = rows[-1]
        following = f"{microseconds(at - OVERLAP)}:" if at_head else f"{microseconds(at)}:{id}"
        return Page(records, following, at_head)

    def list(
        self,
        selection: Selection,
        cursor: str | None,
        limit: int,
        since: datetime | None = None,  # noqa: ARG002 - the caller filters
    ) -> Page:
        """The next page in the order of ids."""
        with self._store.read() as tx:
            if selection.object in LINE_OBJECTS:
                ids = books.batch_ids(tx, cursor or "", limit)
            else:
                ids = books.contracts(tx, cursor or "", limit)
            records = self._records(tx, selection, ids)
        return Page(records, ids[-1] if ids else cursor or "", at_head=len(ids) < limit)

    def _records(self, tx: Tx, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The records behind batches or contracts; of deals, those under the contracts."""
        if selection.object == DEALS:
            ids = sorted({one for several in facts.deals(tx, ids).values() for one in several})
        found = self._by_id(tx, selection.object, ids)
        return tuple(_selected(found[id], selection) for id in ids if id in found)

    def _by_id(self, tx: Tx, object: str, ids: Sequence[str]) -> dict[str, Record]:
        if object in LINE_OBJECTS:
            kind = LINE_OBJECTS[object]
            return {
                id: batch_record(object, batch)
                for id, batch in books.batches(tx, ids).items()
                # One whose lines have moved on is none any more.
                if batch.lines and all(line.kind == kind for line in batch.lines)
            }
        if object == CONTRACTS:
            return contract_records(tx, ids, self._at_invoice, self._reporting)
        if object == DEALS:
            return deal_records(tx, ids, self._at_invoice, self._reporting)
        return {}


def _changed(
    tx: Tx, object: str, since: datetime, after: str, limit: int
) -> list[tuple[str, datetime]]:
    if object in LINE_OBJECTS:
        return books.sealed(tx, since, after, limit)
    return books.changed(tx, since, after, limit)


def _selected(record: Record, selection: Selection) -> Record:
    heads = {name.partition(".")[0] for name in selection.fields}
    kept = {name: value for name, value in record.fields.items() if name in heads}
    return Record(record.ref, kept, version=record.version, life=record.life)
