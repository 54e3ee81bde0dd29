"""The spool's table and the one connection that writes it.

On SQLite the spool is a file of its own, written by the receiver alone; on PostgreSQL it is a table
beside the others, where several receivers take turns.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    text,
    update,
)
from sqlalchemy.pool import NullPool, StaticPool

from engine.store.postgres import driver_url

EFFECTIVE: Final = os.supports_effective_ids
ERASED: Final = b""  # what is left of a request about a person who was forgotten
LOCK_KEY: Final = 0x5245564C  # names the spool among PostgreSQL's advisory locks

spool_metadata: Final = MetaData()

spool: Final = Table(
    "spool",
    spool_metadata,
    # Given by the writer: microseconds since 1970 at the least, so that a lost or restored file
    # never hands out a number that the engine has already passed.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("connection", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("notices", Text, nullable=False),
    Column("request", LargeBinary, nullable=False),
    # Covers the sum of sizes, which would otherwise read every row.
    Index("spool_size", "seq", "size"),
)

spool_probe: Final = Table(
    "spool_probe",
    spool_metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class SpoolPlace:
    """Where the spool lies: a file, or a database by URL.

    ``busy_seconds`` is how long a write waits for somebody else's lock; shorter than a vendor's
    patience. ``pages_max`` caps the file at that many pages (SQLite only).
    """

    file: Path | None = None
    url: str | None = None
    busy_seconds: float = 2.0
    pages_max: int | None = None


class SpoolDatabase:
    """The committing connection. Used from one thread; opened again after any failure."""

    def __init__(self, place: SpoolPlace) -> None:
        if (place.file is None) == (place.url is None):
            raise ValueError("a spool lies either in a file or at a URL")
        self._place = place
        self._engine: Engine | None = None
        self._inode: tuple[int, int] | None = None
        self.opened = 0  # how often a connection was opened

    @property
    def shared(self) -> bool:
        """Whether other receivers may write the same spool."""
        return self._place.url is not None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that no other writer overlaps; committed at the end of the block."""
        try:
            with self._opened().begin() as connection:
                if self.shared:
                    # Numbers become visible in the order they were given, whoever gave them.
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})"))
                yield connection
        except BaseException:
            self.close()
            raise

    def erase(self, seqs: Sequence[int]) -> None:
        """Leave nothing of these rows' requests, in the file neither; their events stay."""
        with self.transaction() as connection:
            if not self.shared:
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
            connection.execute(update(spool).where(spool.c.seq.in_(seqs)).values(request=ERASED))
        if not self.shared:
            with self._opened().connect() as connection:
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Give the connection back; the next transaction opens a new one."""
        engine, self._engine = self._engine, None
        if engine is not None:
            with contextlib.suppress(Exception):  # closing a broken connection may fail again
                engine.dispose()

    def _opened(self) -> Engine:
        if self._engine is not None and self._replaced():
            self.close()
        if self._engine is None:
            engine = self._connect()
            try:
                _create_tables(engine, advisory=self.shared)
                self._inode = self._present_inode()
            except BaseException:
                engine.dispose()
                raise
            self._engine = engine
            self.opened += 1
        return self._engine

    def _connect(self) -> Engine:
        if self._place.file is not None:
            _demand_writable(self._place.file)
            return _sqlite(self._place.file, self._place.busy_seconds, self._place.pages_max)
        milliseconds = int(self._place.busy_seconds * 1000)
        return create_engine(
            driver_url(str(self._place.url)),
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "connect_timeout": max(2, int(self._place.busy_seconds)),
                "options": f"-c lock_timeout={milliseconds} -c statement_timeout={milliseconds}",
            },
        )

    def _replaced(self) -> bool:
        # A deleted file still takes writes, and loses them with its last handle.
        return self._place.file is not None and self._present_inode() != self._inode

    def _present_inode(self) -> tuple[int, int] | None:
        if self._place.file is None:
            return None
        try:
            found = os.stat(self._place.file)  # noqa: PTH116 - once per batch, kept bare
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino


def _demand_writable(path: Path) -> None:
    """Raise before SQLite opens a file that it cannot write.

    SQLite would open it for reading and leave log files beside it that are as read-only as the
    file, as a reader does too; when the file is writable again, those must follow.
    """
    if not path.exists():
        return
    if not _writable(path):
        raise PermissionError(errno.EACCES, "the spool file cannot be written")
    for beside in (path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm")):
        if beside.exists() and not _writable(beside):
            beside.chmod(path.stat().st_mode & 0o777)


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in EFFECTIVE)


def reading_engine(place: SpoolPlace) -> Engine:
    """Connections that only read, each opened when needed, so that a replaced file is noticed."""
    if place.file is None:
        return create_engine(
            driver_url(str(place.url)),
            pool_size=1,
            max_overflow=1,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    path, busy_seconds = place.file, place.busy_seconds
    engine = create_engine(
        "sqlite://", poolclass=NullPool, creator=lambda: _open(path, "ro", busy_seconds)
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    return engine


def insert_rows(connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert whole rows, in the order of the table's columns, as one statement.

    One statement is one call into the driver: row by row, the thread would give up the interpreter
    at every row and wait behind the event loop to get it back (25 rows: 8 ms, as one: 1 ms).
    """
    marker = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    one = "(" + ", ".join([marker] * len(spool.columns)) + ")"
    statement = f"INSERT INTO {spool.name} VALUES " + ", ".join([one] * len(rows))  # noqa: S608
    connection.exec_driver_sql(statement, tuple(value for row in rows for value in row))


def _create_tables(engine: Engine, *, advisory: bool) -> None:
    with engine.begin() as connection:
        if advisory:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})"))
        if not inspect(connection).has_table(spool_probe.name):
            spool_metadata.create_all(connection)
            connection.execute(spool_probe.insert().values(id=1, at=0))


def _open(path: Path, mode: str, busy_seconds: float) -> sqlite3.Connection:
    """The file by its quoted name: project folders may be called anything."""
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=busy_seconds,
        check_same_thread=False,
    )


def _sqlite(path: Path, busy_seconds: float, pages_max: int | None) -> Engine:
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, creator=lambda: _open(path, "rwc", busy_seconds)
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        if pages_max is not None:
            cursor.execute(f"PRAGMA max_page_count={pages_max}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
