"""The spool as the engine takes it in, and the word back to the receiver of how far it got."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from engine.pipeline.take_in import SpooledRequest
from engine.store.spool_reader import PositionFile, SpoolReader


class SpoolFeed:
    """Reads the spool from a position that the caller has committed.

    Being asked for what lies after a position proves that everything up to it is in the store, so
    that is the moment to tell the receiver what it may forget.
    """

    def __init__(self, reader: SpoolReader, told: PositionFile) -> None:
        self._reader = reader
        self._told = told
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
