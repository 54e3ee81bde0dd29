"""The dispatcher: threads that do the runner's work as it comes up.

One thread takes in and routes, one per connection reads what is due there, and each sync has a lane
of its own that drains its deliveries. What passes between them is only a hint, a lane's dirty bit:
whatever a hint misses, the scan at the start and the sweep find in the store. Threads may be lost
at any moment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from engine.config.model import Endpoint, SyncConfig
from engine.pipeline.services import Services
from engine.pipeline.take_in import SpoolSource, take_in
from engine.runner import Runner
from engine.store import deliveries, delivery_views

BATCHES_PER_TURN: Final = 20


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds. ``look_seconds`` is the reader's rest when nothing is due.

    ``sweep_seconds`` is how long a lane trusts that nobody hinted. ``pause_*`` grow with every
    failure in a row.
    """

    look_seconds: float = 0.2
    sweep_seconds: float = 1.0
    tidy_seconds: float = 1.0
    pause_min_seconds: float = 0.5
    pause_max_seconds: float = 30.0


class _Lane:
    """One sync's thread and its dirty bit."""

    def __init__(self, sync: SyncConfig) -> None:
        self.sync = sync
        self.dirty = threading.Event()
        self.dirty.set()  # the scan at the start


class Dispatcher:
    """Runs a :class:`Runner` by threads. Started once; every public method is thread-safe."""

    def __init__(
        self,
        runner: Runner,
        spool: SpoolSource,
        logger: Any,
        *,
        beat: Callable[[], None] = lambda: None,
        pace: Pace | None = None,
    ) -> None:
        self._runner = runner
        self._services: Services = runner.services
        self._spool = spool
        self._logger = logger
        self._beat = beat
        self._pace = pace or Pace()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._poll_lock = threading.Lock()
        self._asked: set[Endpoint] = set()
        self._lanes = [_Lane(sync) for sync in self._services.active_syncs()]
        self._threads: list[threading.Thread] = []
        self._tidied = 0.0

    def start(self) -> None:
        """Start every thread."""
        self._threads = [threading.Thread(target=self._read, name="reader", daemon=True)]
        self._threads += [
            threading.Thread(target=self._follow, args=(name,), name=f"reads {name}", daemon=True)
            for name in sorted({end.connection for end in self._services.sources()})
        ]
        self._threads += [
            threading.Thread(
                target=self._drain, args=(lane,), name=f"drain {lane.sync.name}", daemon=True
            )
            for lane in self._lanes
        ]
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """There may be work anywhere: everybody looks."""
        self._wake.set()
        for lane in self._lanes:
            lane.dirty.set()

    def poll_now(self, endpoints: Sequence[Endpoint]) -> None:
        """Read these objects' changes in the reader's next round."""
        with self._poll_lock:
            self._asked.update(endpoints)
        self._wake.set()

    def stop(self, seconds: float) -> bool:
        """Finish the batches in hand; false when that took longer than ``seconds``."""
        self._stop.set()
        self.wake()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    # -- the reader ------------------------------------------------------------------------------

    def _read(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                busy = self._read_round()
                failures = 0
            except Exception as error:  # noqa: BLE001 - said, and tried again
                failures += 1
                self._failed("reading failed", failures, error)
                continue
            if not busy:
                self._wake.wait(self._pace.look_seconds)
            self._wake.clear()

    def _follow(self, connection: str) -> None:
        """Read what is due of one connection. A slow one keeps no other waiting."""
        failures = 0
        while not self._stop.is_set():
            try:
                news = self._runner.read_due([connection])
                failures = 0
            except Exception as error:  # noqa: BLE001 - said and tried again
                failures += 1
                self._failed("reading failed", failures, error, connection=connection)
                continue
            if news:
                self._wake.set()
            else:
                self._stop.wait(self._pace.look_seconds)

    def _read_round(self) -> bool:
        with self._poll_lock:
            asked, self._asked = self._asked, set()
        if asked:
            self._runner.poll_now(sorted(asked, key=str))
        requests = take_in(self._services, self._spool)
        self._runner.sweep_waits()
        routed = self._runner.route_all()
        if routed:
            for lane in self._lanes:
                lane.dirty.set()
        self._tidy()
        return bool(requests or routed)

    def _tidy(self) -> None:
        """Seal, count, show a sign of life: at most once a second."""
        now = time.monotonic()
        if now - self._tidied < self._pace.tidy_seconds:
            return
        self._tidied = now
        services = self._services
        services.store.seal()
        services.gateway.flush_calls()
        if not services.store.database.sqlite:
            services.gateway.refresh()  # another node may have paused or resumed a connection
            self._runner.sweep_leases()
        self._beat()

    # -- the lanes -------------------------------------------------------------------------------

    def _drain(self, lane: _Lane) -> None:
        failures = 0
        while not self._stop.is_set():
            lane.dirty.wait(self._rest_seconds(lane))
            lane.dirty.clear()
            try:
                if self._drain_turn(lane):
                    self._hint_others(lane)
                failures = 0
            except Exception as error:  # noqa: BLE001 - one lane's failure stops no other
                failures += 1
                self._take_back(lane)
                self._failed("delivering failed", failures, error, sync=lane.sync.name)

    def _drain_turn(self, lane: _Lane) -> int:
        """Batches until nothing is due; returns how many deliveries were worked on."""
        done = 0
        for _ in range(BATCHES_PER_TURN):
            if self._stop.is_set():
                return done
            due = self._due(lane)
            if due is None or due > self._services.clock.now():
                return done
            claimed = self._runner.drain(lane.sync)
            if not claimed:
                return done  # a connection is unusable just now; the sweep looks again
            done += claimed
        lane.dirty.set()
        return done

    def _due(self, lane: _Lane) -> datetime | None:
        with self._services.store.read() as tx:
            return delivery_views.next_due(tx, [lane.sync.name])

    def _rest_seconds(self, lane: _Lane) -> float:
        """Until the lane's next delivery falls due, at most a sweep."""
        sweep = self._pace.sweep_seconds
        try:
            due = self._due(lane)
        except Exception:  # noqa: BLE001 - the turn itself will meet it, and say so
            return sweep
        if due is None:
            return sweep
        left = (due - self._services.clock.now()).total_seconds()
        return min(sweep, left) if left > 0 else sweep

    def _hint_others(self, lane: _Lane) -> None:
        """What was linked may wake what waited for it, in any sync."""
        for other in self._lanes:
            if other is not lane:
                other.dirty.set()

    def _take_back(self, lane: _Lane) -> None:
        """A batch that broke leaves leases behind; this thread alone holds any of this sync."""
        if not self._services.store.database.sqlite:
            return  # another node's leases are alike; ours run out by themselves
        try:
            with self._services.store.write() as tx:
                deliveries.recover(
                    tx, self._services.clock.now(), all_leases=True, sync=lane.sync.name
                )
        except Exception as error:  # noqa: BLE001 - the next start takes them back
            self._logger.warning("leases not taken back", kind=type(error).__name__)

    def _failed(self, event: str, failures: int, error: Exception, **facts: object) -> None:
        """Say it, and rest: longer with every failure in a row."""
        pause = min(
            self._pace.pause_max_seconds, self._pace.pause_min_seconds * 2.0 ** (failures - 1)
        )
        self._logger.error(
            event, kind=type(error).__name__, pause_seconds=pause, exc_info=error, **facts
        )
        self._stop.wait(pause)
