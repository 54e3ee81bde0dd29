"""The spool as the engine takes it in, and the word back to the receiver of how far it got."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from threading import Lock

from engine.clock import microseconds
from engine.model import Address
from engine.pipeline.take_in import SpooledRequest
from engine.store.spool_database import SpoolDatabase, SpoolPlace
from engine.store.spool_reader import EraseFile, PositionFile, SpoolReader


class SpoolFeed:
    """Reads the spool from a position that the caller has committed.

    Being asked for what lies after a position proves that everything up to it is in the store, so
    that is the moment to tell the receiver what it may forget.
    """

    def __init__(self, reader: SpoolReader, told: PositionFile, eraser: SpoolEraser) -> None:
        self._reader = reader
        self._told = told
        self._eraser = eraser
        self._last = told.read()

    def close(self) -> None:
        """Give the connections back."""
        self._reader.close()

    def after(self, position: int, limit: int) -> Sequence[SpooledRequest]:
        """Requests beyond a position, in order."""
        if position != self._last:
            # It only permits deleting: a failure delays that until the next time.
            with contextlib.suppress(OSError):
                self._told.write(position)
                self._last = position
        return tuple(
            SpooledRequest(row.seq, row.connection, row.received_at, row.notices)
            for row in self._reader.rows_after(position, limit)
        )

    def erase(self, seqs: Sequence[int], now: datetime) -> None:
        """Have what these requests said erased; their events stay. Raises ``OSError``."""
        self._eraser.erase_requests(seqs, now)


class SpoolEraser:
    """Has the requests about forgotten persons erased: by the receiver, whose file the spool is.

    ``lock`` is shared by all that write to the same file.
    """

    def __init__(self, place: SpoolPlace, told: EraseFile, keep: timedelta, lock: Lock) -> None:
        self._place = place
        self._told = told
        self._keep = keep
        self._lock = lock

    def erase(self, records: Collection[Address], now: datetime) -> int:
        """Erase what webhook requests said, wherever they name one of the records.

        Returns how many requests. On SQLite the receiver does it, within a minute or when it is
        started next; on PostgreSQL it is done. Raises ``OSError``.
        """
        reader = SpoolReader(self._place)
        try:
            seqs = reader.naming({(one.connection, one.object, one.id) for one in records})
        finally:
            reader.close()
        self.erase_requests(seqs, now)
        return len(seqs)

    def erase_requests(self, seqs: Sequence[int], now: datetime) -> None:
        """Erase what these requests said. Raises ``OSError``."""
        if not seqs:
            return
        if self._place.url is None:
            with self._lock:
                self._told.add(seqs, microseconds(now - 2 * self._keep))
            return
        spool = SpoolDatabase(self._place)
        try:
            spool.erase(seqs)
        finally:
            spool.close()
