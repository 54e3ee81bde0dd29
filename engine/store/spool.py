"""The spool: webhook requests on disk before they are answered.

One thread writes. It takes whatever is queued, commits it as one transaction, and only then
releases those who wait, so the cost of a synchronous commit is shared by everybody who arrived
during the last one. Nothing is ever reported as kept that is not.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol, TypeAlias

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.exc import DBAPIError

from connectors.records import Notice, WebhookRequest
from engine.clock import Clock, microseconds
from engine.store.spool_codec import OVERHEAD_BYTES, Seals, dump_notices, seal_request
from engine.store.spool_database import (
    SpoolDatabase,
    SpoolPlace,
    insert_rows,
    spool,
    spool_probe,
)

PRUNE_ROWS: Final = 1_000
ERASE_ROWS: Final = 500


class SpoolUnavailable(Exception):
    """The request was not kept; the sender must try again.

    ``code`` is ``full`` (the spool has reached its size), ``busy`` (too many are waiting, or the
    wait was too long), ``failed`` (the disk or the database refused) or ``closed``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Sizes and times of the spool."""

    spool_max_bytes: int = 1024 * 1024 * 1024
    batch_rows: int = 500
    batch_bytes: int = 16 * 1024 * 1024
    queue_rows: int = 5_000
    queue_bytes: int = 64 * 1024 * 1024
    wait_seconds: float = 4.0
    keep: timedelta = timedelta(days=7)
    prune_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class SpoolEntry:
    """A request ready to be kept."""

    connection: str
    received_at: int
    notices: str
    request: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes that the row is counted with."""
        return len(self.request) + len(self.notices) + len(self.connection) + OVERHEAD_BYTES

    @classmethod
    def of(
        cls, vault: Seals, connection: str, request: WebhookRequest, notices: tuple[Notice, ...]
    ) -> SpoolEntry:
        """The entry of a verified request. Raises ``TypeError`` for text that is not Unicode."""
        return cls(
            connection=connection,
            received_at=microseconds(request.received_at),
            notices=dump_notices(notices),
            request=seal_request(vault, connection, request),
        )


@dataclass(frozen=True, slots=True)
class SpoolFigures:
    """How full the spool is: kept rows and bytes, and rows that wait to be written."""

    rows: int
    bytes: int
    waiting_rows: int


class SpoolObserver(Protocol):
    """Told what the writer did, from the writer's thread."""

    def spool_committed(self, rows: int, seconds: float) -> None: ...

    def spool_failed(self, rows: int, reason: str) -> None: ...

    def spool_pruned(self, rows: int) -> None: ...


Done: TypeAlias = Callable[[SpoolUnavailable | None], None]


@dataclass(slots=True)
class _Item:
    entry: SpoolEntry | None  # None: only prove that the spool can be written
    done: Done
    expires: float


class Spool:
    """The writer. ``consumed`` tells the last seq that the engine has taken in, ``erase`` the rows
    whose requests are to be erased; ``failpoint`` is called where a rehearsed crash may happen.

    Thread-safe. Opening never fails: while the file cannot be written, every entry is refused and
    every batch tries anew, so that service resumes by itself.
    """

    def __init__(
        self,
        place: SpoolPlace,
        clock: Clock,
        observer: SpoolObserver,
        *,
        limits: SpoolLimits = SpoolLimits(),
        consumed: Callable[[], int] = lambda: 0,
        erase: Callable[[], Sequence[int]] = tuple,
        failpoint: Callable[[str], None] = lambda name: None,  # noqa: ARG005
    ) -> None:
        self._database = SpoolDatabase(place)
        self._clock = clock
        self._observer = observer
        self._limits = limits
        self._consumed = consumed
        self._erase = erase
        self._erased: frozenset[int] = frozenset()
        self._failpoint = failpoint
        self._items: deque[_Item] = deque()
        self._queued_bytes = 0
        self._kept_bytes = 0
        self._kept_rows = 0
        self._measured = False
        self._last_seq = 0
        self._numbered = 0
        self._prune_due = 0.0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)

    def start(self) -> None:
        """Start the writer."""
        self._thread.start()

    def close(self) -> None:
        """Write what is queued, then stop. Later entries are refused."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()
        self._database.close()

    def append(self, entry: SpoolEntry, done: Done) -> None:
        """Queue an entry; ``done(None)`` follows its commit, in the writer's thread.

        Raises :class:`SpoolUnavailable` at once when there is no room. ``done`` gets the same
        error when the entry could not be kept.
        """
        self._queue(entry, done)

    def probe(self, done: Done) -> None:
        """Prove by a real commit that the spool can be written; reports like :meth:`append`."""
        self._queue(None, done)

    def figures(self) -> SpoolFigures:
        """How full the spool is."""
        with self._changed:
            return SpoolFigures(self._kept_rows, self._kept_bytes, len(self._items))

    def _queue(self, entry: SpoolEntry | None, done: Done) -> None:
        limits = self._limits
        size = entry.size if entry else 0
        with self._changed:
            if self._closing:
                raise SpoolUnavailable("closed", "the receiver is stopping")
            if self._kept_bytes + self._queued_bytes + size > limits.spool_max_bytes:
                raise SpoolUnavailable("full", "the spool has reached spool_max_mb")
            if (
                len(self._items) >= limits.queue_rows
                or self._queued_bytes + size > limits.queue_bytes
            ):
                raise SpoolUnavailable("busy", "too many requests wait to be written")
            self._items.append(_Item(entry, done, time.monotonic() + limits.wait_seconds))
            self._queued_bytes += size
            self._changed.notify()

    def _run(self) -> None:
        self._measure()
        while True:
            if time.monotonic() >= self._prune_due and not self._closing:
                self._prune()
            items = self._take()
            if items:
                self._write(items)
            elif self._closing:
                return

    def _take(self) -> list[_Item]:
        taken: list[_Item] = []
        size = 0
        with self._changed:
            if not self._items and not self._closing:
                self._changed.wait(max(0.0, self._prune_due - time.monotonic()))
            while self._items and len(taken) < self._limits.batch_rows:
                following = self._items[0].entry.size if self._items[0].entry else 0
                if taken and size + following > self._limits.batch_bytes:
                    break
                taken.append(self._items.popleft())
                size += following
        return taken

    def _write(self, items: Sequence[_Item]) -> None:
        now = time.monotonic()
        late = [item for item in items if item.expires <= now]
        timely = [item for item in items if item.expires > now]
        failure: SpoolUnavailable | None = None
        if timely:
            try:
                self._commit([item.entry for item in timely if item.entry is not None])
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing was kept
                reason = _reason(error)
                failure = SpoolUnavailable("failed", f"the spool cannot be written: {reason}")
                self._observer.spool_failed(len(timely), reason)
        self._settle(items, timely if failure is None else [])
        for item in timely:
            item.done(failure)
        for item in late:
            item.done(SpoolUnavailable("busy", "the spool was too slow"))

    def _commit(self, entries: Sequence[SpoolEntry]) -> None:
        started = time.perf_counter()
        if not self._measured:
            self._measure(fail=True)
        with self._database.transaction() as connection:
            now = microseconds(self._clock.now())
            if entries:
                self._last_seq = self._insert(connection, entries, now)
                self._failpoint("recv.insert.before_commit")
            else:
                connection.execute(update(spool_probe).values(at=now))
        if entries:
            self._observer.spool_committed(len(entries), time.perf_counter() - started)

    def _insert(self, connection: Connection, entries: Sequence[SpoolEntry], now: int) -> int:
        """Insert and return the last number given."""
        highest = self._last_seq
        if self._database.shared or self._database.opened != self._numbered:
            highest = max(
                highest, int(connection.execute(select(func.max(spool.c.seq))).scalar() or 0)
            )
            self._numbered = self._database.opened
        first = max(highest + 1, now)
        insert_rows(connection, _rows(entries, first))
        return first + len(entries) - 1

    def _settle(self, items: Sequence[_Item], kept: Sequence[_Item]) -> None:
        with self._changed:
            self._queued_bytes -= sum(item.entry.size for item in items if item.entry)
            for item in kept:
                if item.entry is not None:
                    self._kept_bytes += item.entry.size
                    self._kept_rows += 1

    def _measure(self, *, fail: bool = False) -> None:
        """Count what is kept; repeated with pruning where others write too."""
        try:
            with self._database.transaction() as connection:
                rows, size = connection.execute(
                    select(func.count(), func.coalesce(func.sum(spool.c.size), 0)).select_from(
                        spool
                    )
                ).one()
        except Exception as error:
            self._measured = False
            if fail:
                raise
            self._observer.spool_failed(0, _reason(error))
            return
        self._measured = True
        with self._changed:
            self._kept_rows, self._kept_bytes = int(rows), int(size)

    def _prune(self) -> None:
        """Delete rows that are both consumed and old, a little at a time."""
        self._prune_due = time.monotonic() + self._limits.prune_seconds
        oldest = microseconds(self._clock.now() - self._limits.keep)
        try:
            self._erase_requests(frozenset(self._erase()) - self._erased)
            deleted = self._delete(self._consumed(), oldest)
        except Exception as error:  # noqa: BLE001 - pruning is not worth a stop
            self._observer.spool_failed(0, _reason(error))
            return
        if deleted:
            self._observer.spool_pruned(len(deleted))
        with self._changed:
            self._kept_rows -= len(deleted)
            self._kept_bytes -= sum(deleted)
        if len(deleted) == PRUNE_ROWS:
            self._prune_due = 0.0
        elif self._database.shared:
            self._measure()

    def _erase_requests(self, seqs: frozenset[int]) -> None:
        """Erase the requests of rows about persons who were forgotten; their events stay."""
        ordered = sorted(seqs)
        for start in range(0, len(ordered), ERASE_ROWS):
            part = ordered[start : start + ERASE_ROWS]
            self._database.erase(part)
            self._erased |= frozenset(part)

    def _delete(self, consumed: int, oldest: int) -> list[int]:
        """Delete the oldest and return their sizes."""
        doomed = (
            select(spool.c.seq)
            .where(spool.c.seq <= consumed, spool.c.received_at < oldest)
            .order_by(spool.c.seq)
            .limit(PRUNE_ROWS)
        )
        with self._database.transaction() as connection:
            gone = delete(spool).where(spool.c.seq.in_(doomed)).returning(spool.c.size)
            return [int(size) for size in connection.execute(gone).scalars()]


def _rows(entries: Sequence[SpoolEntry], first: int) -> list[tuple[object, ...]]:
    return [
        (
            first + offset,
            entry.connection,
            entry.received_at,
            entry.size,
            entry.notices,
            entry.request,
        )
        for offset, entry in enumerate(entries)
    ]


def _reason(error: Exception) -> str:
    """What went wrong, without the statement: its parameters are the requests."""
    if isinstance(error, DBAPIError):
        with contextlib.suppress(Exception):
            return f"{type(error.orig).__name__}: {str(error.orig).splitlines()[0]}"
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__
