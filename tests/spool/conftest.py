from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.clock import ManualClock
from engine.store.spool import Spool, SpoolEntry, SpoolLimits, SpoolUnavailable
from engine.store.spool_database import SpoolPlace
from engine.store.spool_reader import SpoolReader

CEILING_SECONDS = 30.0
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass
class Reports:
    """An observer that remembers."""

    commits: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    pruned: int = 0
    event: threading.Event = field(default_factory=threading.Event)

    def spool_committed(self, rows: int, seconds: float) -> None:
        assert seconds >= 0
        self.commits.append(rows)

    def spool_failed(self, rows: int, reason: str) -> None:
        self.failures.append(reason)

    def spool_pruned(self, rows: int) -> None:
        self.pruned += rows
        self.event.set()


@dataclass
class Bench:
    """A spool in a folder, with everything that a test may want to look at."""

    place: SpoolPlace
    clock: ManualClock
    reports: Reports
    spools: list[Spool] = field(default_factory=list)

    def spool(
        self,
        *,
        place: SpoolPlace | None = None,
        consumed: Callable[[], int] = lambda: 0,
        erase: Callable[[], Sequence[int]] = tuple,
        start: bool = True,
        **limits: object,
    ) -> Spool:
        made = Spool(
            place or self.place,
            self.clock,
            self.reports,
            limits=SpoolLimits(**limits),
            consumed=consumed,
            erase=erase,
        )
        self.spools.append(made)
        if start:
            made.start()
        return made

    def reader(self) -> SpoolReader:
        return SpoolReader(self.place)

    def keys(self) -> list[str]:
        reader = self.reader()
        rows = reader.rows_after(0, 1_000_000)
        reader.close()
        return [notice.event_key for row in rows for notice in row.notices]


def entry(key: str, size: int = 50, at: int = 1) -> SpoolEntry:
    text = f'[{{"event_key":"{key}","kind":"changed","object":"contacts","id":"1"}}]'
    return SpoolEntry("hub", at, text, b"x" * size)


class Waiter:
    """Waits for what became of one entry."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.failure: SpoolUnavailable | None = None

    def __call__(self, failure: SpoolUnavailable | None) -> None:
        self.failure = failure
        self._event.set()

    def wait(self) -> None:
        """Return when kept; raises what prevented it."""
        assert self._event.wait(CEILING_SECONDS), "never answered"
        if self.failure is not None:
            raise self.failure


def append(spool: Spool, *keys: str, size: int = 50, at: int = 1) -> None:
    """Append in one go and wait for all."""
    waiters = []
    for key in keys:
        waiter = Waiter()
        spool.append(entry(key, size, at), waiter)
        waiters.append(waiter)
    for waiter in waiters:
        waiter.wait()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(
        SpoolPlace(file=tmp_path / "odd name?#%41.sqlite3", busy_seconds=0.2),
        ManualClock(START),
        Reports(),
    )
    yield made
    for spool in made.spools:
        spool.close()
