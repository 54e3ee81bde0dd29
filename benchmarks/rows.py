"""How many inbox rows a second the store takes, beside the bare driver with as sturdy a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from benchmarks.world import KEY, START
from connectors.records import NoticeKind
from engine.model import Address, NewRow, Origin
from engine.store import inbox
from engine.store.store import Store

BATCH = 500
BATCHES = 60


def rows_per_second(folder: Path) -> tuple[float, float]:
    """Rows per second in transactions of five hundred: ours, and the driver's."""
    store = Store.open(None, folder / "rows", KEY)
    numbers = range(BATCH)

    def ours(batch: int) -> None:
        rows = [
            NewRow(
                Address("crm", "contacts", f"{batch}-{number}"),
                NoticeKind.CHANGED,
                Origin.WEBHOOK,
                START,
                event_key=f"event-{batch}-{number}",
            )
            for number in numbers
        ]
        with store.write() as tx:
            inbox.add(tx, rows)

    database = sqlite3.connect(folder / "bare.db", isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE inbox (seq INTEGER PRIMARY KEY, place TEXT, id TEXT, kind TEXT, at INTEGER,"
        " event_key TEXT UNIQUE); CREATE INDEX by_id ON inbox (place, id)"
    )

    def bare(batch: int) -> None:
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "INSERT INTO inbox (place, id, kind, at, event_key) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            [
                ("crm.contacts", f"{batch}-{number}", "changed", 0, f"event-{batch}-{number}")
                for number in numbers
            ],
        )
        database.execute("COMMIT")

    found = _rate(ours), _rate(bare)
    database.close()
    store.close()
    return found


def _rate(write: Callable[[int], None]) -> float:
    started = perf_counter()
    for batch in range(BATCHES):
        write(batch)
    return BATCH * BATCHES / (perf_counter() - started)
