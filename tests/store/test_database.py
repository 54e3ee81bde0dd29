"""Transactions: one writer at a time, all or nothing, durable once committed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from engine.clock import ManualClock
from engine.pipeline.gateway import Gateway
from engine.store import inbox, streams
from engine.store.postgres import driver_url
from engine.store.sql import chunks
from engine.store.store import MAIN_FILE, Store
from engine.store.tables import inbox as inbox_table
from tests.store.conftest import KEY, NOW, StoreMaker
from tests.store.store_kit import row

CEILING_SECONDS = 60
ROOT = Path(__file__).parents[2]


def meta(store: Store, key: str) -> str | None:
    with store.read() as tx:
        return streams.get_meta(tx, key)


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    with store.write() as tx:
        streams.put_meta(tx, "a", "1")

    def fail() -> None:
        with store.write() as tx:
            streams.put_meta(tx, "a", "2")
            streams.put_meta(tx, "b", "2")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (meta(store, "a"), meta(store, "b")) == ("1", None)
    assert not store.database.writing()


def test_what_is_not_committed_is_seen_by_nobody(store: Store) -> None:
    with store.write() as tx:
        streams.put_meta(tx, "a", "1")
        assert meta(store, "a") is None
    assert meta(store, "a") == "1"


def test_no_system_is_called_inside_a_transaction(store: Store) -> None:
    gateway = Gateway({"crm": object()}, store, ManualClock(NOW))  # type: ignore[dict-item]
    assert gateway.read("crm", lambda _: "answer") == "answer"
    with store.write():
        assert store.database.writing()
        with pytest.raises(AssertionError, match="inside a transaction"):
            gateway.read("crm", lambda _: "answer")
        with pytest.raises(AssertionError, match="inside a transaction"):
            gateway.write("crm", [])
        with pytest.raises(RuntimeError, match="already open"), store.write():
            pass
    assert gateway.read("crm", lambda _: "answer") == "answer"


def test_one_writes_at_a_time_and_nothing_is_lost(store: Store, open_store: StoreMaker) -> None:
    stores = [store] * 4 if store.database.sqlite else [store, *(open_store() for _ in range(3))]
    failures: list[BaseException] = []

    def count_up(own: Store) -> None:
        try:
            for _ in range(20):
                with own.write() as tx:
                    # Read, then write: lost wherever two transactions overlap.
                    number = int(streams.get_meta(tx, "count") or 0)
                    streams.put_meta(tx, "count", str(number + 1))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=count_up, args=(own,)) for own in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CEILING_SECONDS)
    assert failures == []
    assert meta(store, "count") == "80"


def test_a_store_opened_for_reading_cannot_be_written(
    store: Store, store_url: str | None, tmp_path: Path
) -> None:
    state = tmp_path / "state" if store_url is None else tmp_path / "state-0"
    reading = Store.open(store_url, state, KEY, read_only=True)
    with closing(reading):
        assert meta(reading, "a") is None
        with pytest.raises(RuntimeError, match="opened for reading"), reading.write():
            pass
        with pytest.raises(DBAPIError) as refused, reading.read() as tx:
            streams.put_meta(tx, "a", "canary")
        assert "canary" not in str(refused.value)
    assert meta(store, "a") is None


def test_what_is_committed_outlives_the_process(
    store: Store, store_url: str | None, tmp_path: Path
) -> None:
    store.close()
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", str(tmp_path / "state"), store_url or ""],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(30)]
        child.kill()
        told += [int(line) for line in child.stdout.read().split(b"\n")[:-1]]
    again = Store.open(store_url, tmp_path / "state", KEY)
    with closing(again):
        with again.read() as tx:
            kept = tx.execute(select(inbox_table.c.id)).scalars().all()
        assert {f"{number}-{part}" for number in told for part in "ab"} <= set(kept)
        assert len(kept) % 2 == 0
        with again.write() as tx:
            inbox.add(tx, [row("after")])


def test_a_transaction_on_sqlite_begins_by_taking_its_turn(tmp_path: Path) -> None:
    store = Store.open(None, tmp_path, KEY)
    with (
        closing(store),
        closing(sqlite3.connect(tmp_path / MAIN_FILE, timeout=0)) as other,
        store.write(),
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")
    settings = {}
    with closing(Store.open(None, tmp_path, KEY)) as store, store.write() as tx:
        for name in ("journal_mode", "synchronous", "foreign_keys"):
            settings[name] = tx.exec_driver_sql(f"PRAGMA {name}").scalar()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_people_need_not_name_the_driver(scheme: str) -> None:
    url = driver_url(f"{scheme}://ann:p%40ss@db.example:5433/line?sslmode=require")
    assert url.drivername == "postgresql+psycopg"
    assert (url.username, url.password, url.host, url.port) == ("ann", "p@ss", "db.example", 5433)
    assert (url.database, url.query["sslmode"]) == ("line", "require")
    assert "p@ss" not in str(url)


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://ann:canary@/line?host={tmp_path}"
    with pytest.raises(DBAPIError) as refused:
        Store.open(url, tmp_path, KEY)
    assert "canary" not in str(refused.value) + repr(refused.value)


def test_chunks_cover_everything_once() -> None:
    for size in (0, 1, 499, 500, 501, 1_000):
        parts = list(chunks(range(size)))
        assert [item for part in parts for item in part] == list(range(size))
        assert all(len(part) <= 500 for part in parts)
