"""The engine's side of the spool: rows in order, and a note of how far they were taken in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, func, inspect, select
from sqlalchemy.exc import OperationalError

from connectors.records import Notice, Ref, WebhookRequest
from engine.clock import instant
from engine.files import replace_file
from engine.store.spool_codec import Opens, load_notices, open_request
from engine.store.spool_database import SpoolPlace, reading_engine, spool

SCAN_ROWS: Final = 1_000
_PRIMARY_CODE: Final = 0xFF  # SQLite's result code without its extension


@dataclass(frozen=True, slots=True)
class SpoolRow:
    """One kept request: its events in clear, the request itself sealed. ``size`` is in bytes."""

    seq: int
    connection: str
    received_at: datetime
    notices: tuple[Notice, ...]
    sealed: bytes = field(repr=False)
    size: int

    def request(self, vault: Opens) -> WebhookRequest:
        """The request as it arrived."""
        return open_request(vault, self.connection, self.received_at, self.sealed)


class SpoolReader:
    """Reads a spool that another process writes. Thread-safe; never blocks the writer.

    A spool that does not exist yet is empty. Numbers grow but are not consecutive.
    """

    def __init__(self, place: SpoolPlace) -> None:
        self._place = place
        self._engine: Engine = reading_engine(place)

    def rows_after(self, seq: int, limit: int) -> tuple[SpoolRow, ...]:
        """At most ``limit`` rows numbered above ``seq``, in ascending order."""
        query = select(spool).where(spool.c.seq > seq).order_by(spool.c.seq).limit(limit)
        with self._connected() as connection:
            if connection is None:
                return ()
            return tuple(
                SpoolRow(
                    seq=row.seq,
                    connection=row.connection,
                    received_at=instant(row.received_at),
                    notices=load_notices(row.notices),
                    sealed=bytes(row.request),
                    size=row.size,
                )
                for row in connection.execute(query)
            )

    def naming(self, places: Set[tuple[str, str, str]]) -> tuple[int, ...]:
        """The rows, ascending, with an event about one of the records (connection, object, id)."""
        columns = (spool.c.seq, spool.c.connection, spool.c.notices)
        with self._connected() as connection:
            if connection is None:
                return ()
            rows = connection.execution_options(yield_per=SCAN_ROWS).execute(
                select(*columns).order_by(spool.c.seq)
            )
            return tuple(
                row.seq
                for row in rows
                if any(
                    (row.connection, ref.object, ref.id) in places
                    for notice in load_notices(row.notices)
                    for ref in (
                        notice.ref,
                        notice.related,
                        *(Ref(notice.ref.object, loser) for loser in notice.absorbed),
                    )
                    if ref is not None
                )
            )

    def count_after(self, seq: int) -> int:
        """How many rows are numbered above ``seq``."""
        with self._connected() as connection:
            if connection is None:
                return 0
            query = select(func.count()).select_from(spool).where(spool.c.seq > seq)
            return int(connection.execute(query).scalar_one())

    def last_seq(self) -> int:
        """The highest number there is; 0 for an empty spool."""
        with self._connected() as connection:
            if connection is None:
                return 0
            return int(connection.execute(select(func.max(spool.c.seq))).scalar() or 0)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @contextmanager
    def _connected(self) -> Iterator[Connection | None]:
        if self._place.file is not None and not self._place.file.exists():
            yield None
            return
        with self._engine.connect() as connection:
            yield connection if _readable(connection) else None


def _readable(connection: Connection) -> bool:
    """Whether the spool can be read now: its writer may be between making the file and the table.

    A writer that was killed while it made the write-ahead log leaves a file that SQLite refuses to
    readers (``SQLITE_READONLY``) until the next writer has opened it: then there is news, not now.
    """
    try:
        return inspect(connection).has_table(spool.name)
    except OperationalError as error:
        code = getattr(error.orig, "sqlite_errorcode", 0)
        if code & _PRIMARY_CODE == sqlite3.SQLITE_READONLY:
            return False
        raise


class EraseFile:
    """The numbers of requests whose content is to be erased, told to the receiver by a small file.

    The engine alone writes it, the receiver alone the spool. Numbers stay until their rows are
    certain to be gone; erasing a row twice does no harm.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, seqs: Iterable[int], gone_before: int) -> None:
        """Add numbers; those below ``gone_before`` are dropped. Raises ``OSError``."""
        kept = sorted({*(seq for seq in self.read() if seq >= gone_before), *seqs})
        text = "".join(f"{seq}\n" for seq in kept)
        replace_file(self._path, text.encode(), durable=True)

    def read(self) -> tuple[int, ...]:
        """The numbers, ascending; none when there is no file or it cannot be read."""
        try:
            return tuple(int(line) for line in self._path.read_text(encoding="ascii").split())
        except (OSError, ValueError):
            return ()


class PositionFile:
    """The last seq that the engine has committed, told to the receiver by a small file.

    It only permits deleting; losing it delays that, so it is replaced whole but not synced. It is
    written after the engine's commit, never before.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, seq: int) -> None:
        """Replace the position. Raises ``OSError``."""
        replace_file(self._path, f"{seq}\n".encode())

    def read(self) -> int:
        """The position; 0 when there is none or it cannot be read."""
        try:
            return max(0, int(self._path.read_text(encoding="ascii")))
        except (OSError, ValueError):
            return 0
