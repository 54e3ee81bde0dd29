"""The reference: the loop that one would write by hand between the same two systems.

Page by page: hash each record, upsert those whose hash is new to the target in batches, then keep
hashes and cursor in SQLite. One transaction per page, as durable as ours (WAL, synchronous=FULL).
It has no intents, no ledger, no links, no base, no retries: a crash or a lost answer may write
twice, and nobody could tell.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from itertools import count
from pathlib import Path

from connectors.memory.connector import Memory
from connectors.memory.system import MemorySystem
from connectors.records import Change, Identity, Operation, Record, Selection

SELECTION = Selection("contacts", ("email", "firstname", "lastname", "phone"))
SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cursor (name TEXT PRIMARY KEY, value TEXT);
"""


def mapped(record: Record) -> dict[str, object]:
    """The target's fields, in plain code."""
    fields = record.fields
    return {
        "LastName": fields["lastname"] or "Unknown",
        "FirstName": fields["firstname"],
        "Email": str(fields["email"]).lower(),
        "Phone": fields["phone"],
    }


def run(store: Path, crm: MemorySystem, sales: MemorySystem) -> int:
    """One pass over everything. Returns how many records were sent."""
    source, target = Memory(crm), Memory(sales)
    page_max = next(one for one in source.spec.objects if one.name == "contacts").page_list
    batch_max = next(one for one in target.spec.objects if one.name == "Contact").batch_write
    numbers = count()
    database = sqlite3.connect(store, isolation_level=None)
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + SCHEMA)
    cursor, sent = None, 0
    while True:
        page = source.list(SELECTION, cursor, page_max)
        fresh = _changed(database, page.records)
        changes = [
            Change(
                key=f"reference-{next(numbers)}",
                operation=Operation.UPSERT,
                object="Contact",
                fields=mapped(record),  # type: ignore[arg-type]
                identity=Identity("Revline_Id__c", f"reference-{record.ref.id}"),
            )
            for record, _hash in fresh
        ]
        for start in range(0, len(changes), batch_max):
            target.apply(changes[start : start + batch_max])
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "INSERT INTO seen VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET hash = excluded.hash",
            [(record.ref.id, hash) for record, hash in fresh],
        )
        database.execute("INSERT OR REPLACE INTO cursor VALUES ('contacts', ?)", (page.cursor,))
        database.execute("COMMIT")
        sent += len(fresh)
        cursor = page.cursor
        if page.at_head:
            database.close()
            return sent


def _changed(database: sqlite3.Connection, records: tuple[Record, ...]) -> list[tuple[Record, str]]:
    marks = ",".join("?" * len(records))
    ids = [record.ref.id for record in records]
    known = dict(database.execute(f"SELECT id, hash FROM seen WHERE id IN ({marks})", ids))
    hashed = [(record, _hash(record)) for record in records]
    return [(record, hash) for record, hash in hashed if known.get(record.ref.id) != hash]


def _hash(record: Record) -> str:
    text = json.dumps(dict(record.fields), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
