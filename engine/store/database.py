"""One schema on SQLite and PostgreSQL: how a transaction is opened on each.

SQLite: write-ahead log, ``synchronous=FULL``, and exactly one committing connection per file and
process; it begins every transaction with ``BEGIN IMMEDIATE``, so that no transaction finds out at
its first write that it came too late. Readers have connections of their own that cannot write.
PostgreSQL: see :mod:`engine.store.postgres`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool, StaticPool

from engine.store import postgres

BUSY_MILLISECONDS: Final = 30_000
READERS_KEPT: Final = 8
"""Connections for reading that stay open: opening one, which reads the schema, costs more than a
short query. More are opened when more are needed at once."""


REWRITE_WAIT_MILLISECONDS: Final = 5_000
"""How long PostgreSQL waits for readers of the keys' table: all engines wait with it."""


class StillReadError(Exception):
    """Traces of what was erased are left: somebody reads the store as it was before."""


class Database:
    """A store's database. Thread-safe.

    A thread that is inside :meth:`write` must not call a system; :meth:`writing` tells, and the
    gateway to the connectors asks.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self.url = url
        self.sqlite = url.startswith("sqlite")
        self.read_only = read_only
        self._local = threading.local()
        self._lock = threading.Lock()
        self.commits = 0
        if self.sqlite:
            path = url.removeprefix("sqlite:///")
            self._writer = None if read_only else _sqlite_writer(path)
            self._reader = _sqlite_reader(path)
        else:
            engine = postgres.main_engine(url, read_only=read_only)
            self._writer = None if read_only else engine
            self._reader = engine
        self._presence = None if self.sqlite else postgres.Presence(self._reader)

    @classmethod
    def file(cls, path: Path, *, read_only: bool = False) -> Database:
        """The SQLite database in a file."""
        return cls(f"sqlite:///{path}", read_only=read_only)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed at the end of the block, rolled back by any exception."""
        if self._writer is None:
            raise RuntimeError("this store was opened for reading")
        if self.writing():
            raise RuntimeError("a transaction is already open in this thread")
        with self._lock, self._writer.begin() as connection:
            self._local.writing = True
            try:
                if not self.sqlite:
                    postgres.one_writer(connection)
                yield connection
            finally:
                self._local.writing = False
        self.commits += 1

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading what is committed."""
        with self._reader.connect() as connection:
            yield connection

    def changes(self, connection: Connection) -> int:
        """How many rows a connection has changed so far, where that is known at no cost; else 0."""
        return int(connection.connection.total_changes) if self.sqlite else 0

    def writing(self) -> bool:
        """Whether this thread has a transaction open."""
        return getattr(self._local, "writing", False)

    @contextmanager
    def erasing(self) -> Iterator[Connection]:
        """A transaction after which nothing of what it deleted is left in the database's files.

        PostgreSQL keeps its own log of changes for as long as it is set up to. Raises
        :class:`StillReadError` after the commit; erasing again later clears the log as well.
        """
        with self.write() as tx:
            if self.sqlite:
                tx.exec_driver_sql("PRAGMA secure_delete=ON")
            try:
                yield tx
            finally:
                if self.sqlite:
                    tx.exec_driver_sql("PRAGMA secure_delete=FAST")
        if self._writer is None:
            return
        with self._lock, self._writer.connect() as connection:
            if self.sqlite:
                # Past SQLAlchemy, which would begin a transaction first.
                told = connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if told[0]:
                    raise StillReadError
            elif not _rewritten(connection):
                raise StillReadError

    @contextmanager
    def arriving(self) -> Iterator[bool]:
        """Take this engine's place; tells whether no other engine is at work on the store.

        A SQLite store has one engine, by the project's lock. On PostgreSQL the place is held until
        :meth:`close`, and no other engine arrives during the block.
        """
        if self._presence is None:
            yield True
            return
        with self._presence.arriving() as alone:
            yield alone

    def keep_place(self) -> None:
        """Take the place again that a lost connection has cost. Cheap; call it now and then."""
        if self._presence is not None:
            self._presence.renew()

    def close(self) -> None:
        """Give back every connection; SQLite checkpoints its log."""
        if self._presence is not None:
            self._presence.leave()
        self._reader.dispose()
        if self._writer is not None and self._writer is not self._reader:
            self._writer.dispose()


def _rewritten(connection: Connection) -> bool:
    """Whether PostgreSQL's table of keys could be written anew; not while somebody reads it."""
    free = connection.execution_options(isolation_level="AUTOCOMMIT")
    free.exec_driver_sql(f"SET lock_timeout = {REWRITE_WAIT_MILLISECONDS}")
    try:
        free.exec_driver_sql("VACUUM FULL person_key")
    except OperationalError:
        return False
    finally:
        free.exec_driver_sql(f"SET lock_timeout = {postgres.LOCK_WAIT_MILLISECONDS}")
    return True


def _sqlite_writer(path: str) -> Engine:
    file = Path(path)
    if not file.exists():
        file.touch(mode=0o600)  # addresses of records are in clear; values never
    engine = create_engine(
        URL.create("sqlite", database=path),
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "timeout": BUSY_MILLISECONDS / 1000},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-65536")
        # What is deleted is overwritten where its page is written anyway, so that no copy of an
        # erased key is left behind; the pages that erasing frees are overwritten too.
        cursor.execute("PRAGMA secure_delete=FAST")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _sqlite_reader(path: str) -> Engine:
    def connect() -> sqlite3.Connection:
        # Quoted, so that a folder's name may hold what means something in an address.
        address = f"file:{quote(path)}?mode=ro"
        return sqlite3.connect(
            address, uri=True, timeout=BUSY_MILLISECONDS / 1000, check_same_thread=False
        )

    # A connection that is given back is rolled back: the next reader sees what is committed then.
    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=READERS_KEPT,
        max_overflow=-1,
        pool_use_lifo=True,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    return engine
